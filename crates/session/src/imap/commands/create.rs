//! CREATE, with special uses: RFC 9051 §6.3.4, RFC 6154 §3.

use imap::{command::Mailbox, response::Code};
use store::Role;

use crate::imap::{
    names,
    refusal::{Done, Outcome, Refusal},
    state::{Enabled, User},
};

/// Answers CREATE; MAILBOXID tells which mailbox it made (RFC 8474 §4.1).
pub(crate) async fn create(
    user: &User,
    enabled: Enabled,
    mailbox: &Mailbox,
    special_use: &[String],
) -> Outcome {
    let place = names::free_place(user, enabled, mailbox).await?;
    let role = role(special_use)?;
    let id = place.account.create(&place.name, role).await?;
    Ok(Done::with(
        Code::MailboxId(user.reach.ids(place.account.id()).told(id).to_string()),
        "CREATE completed",
    ))
}

/// A mailbox has one special use, or none.
///
/// # Errors
/// NO \[USEATTR]
pub(super) fn role(special_use: &[String]) -> Result<Option<Role>, Refusal> {
    let named = |attribute: &String| {
        Role::EVERY
            .into_iter()
            .find(|role| role.attribute().eq_ignore_ascii_case(attribute))
            .ok_or_else(|| Refusal::no(Code::UseAttr, "There is no such special use here"))
    };
    match special_use {
        [] => Ok(None),
        [one] => named(one).map(Some),
        [..] => Err(Refusal::no(
            Code::UseAttr,
            "A mailbox can have one special use",
        )),
    }
}
