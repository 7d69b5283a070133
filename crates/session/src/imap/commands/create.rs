//! CREATE, with special uses: RFC 9051 §6.3.4, RFC 6154 §3; and, of administrators, with a partition.

use imap::{
    command::{CreateParams, Mailbox},
    response::Code,
};
use store::Role;

use super::administer;
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
    params: &CreateParams,
) -> Outcome {
    let partition = params.partition.as_deref();
    let role = role(&params.special_use)?;
    let name = names::new_text(user, enabled, mailbox)?;
    if let Some(account) = administer::account_meant(user, &name)
        && user.reach.directory().account(&account).is_none()
    {
        return administer::create_account(user, account, partition).await;
    }
    let place = names::free_place(user, enabled, mailbox).await?;
    if let Some(partition) = partition {
        administer::may_place(user, partition).await?;
    }
    // A client makes what it calls so if it has not seen it: it is there.
    if let Some(there) = user.reach.aliased(place.clone()).mailbox()
        && *there.name() != place.name
    {
        let id = there.id().to_string();
        return Ok(Done::with(Code::MailboxId(id), "CREATE completed"));
    }
    let id = place.account.create(&place.name, role).await?;
    if let Some(partition) = partition {
        administer::place(user, (&place.account, Some(id)), partition).await?;
    }
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
