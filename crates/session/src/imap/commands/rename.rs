//! RENAME: RFC 9051 §6.3.6.

use imap::{command::Mailbox, response::Code};

use crate::imap::{
    names,
    refusal::{Done, Outcome, Refusal},
    state::{Enabled, User},
};

/// Answers RENAME. Sessions that have it open carry on (RFC 2180 §3.4): they hold
/// the mailbox, not its name.
pub(crate) async fn rename(user: &User, enabled: Enabled, from: &Mailbox, to: &Mailbox) -> Outcome {
    let from = names::place(user, enabled, from).await?;
    let to = names::free_place(user, enabled, to).await?;
    if from.account.id() != to.account.id() {
        let text =
            "A mailbox can't be renamed into somebody else's: make one there and move its messages";
        return Err(Refusal::no(Code::Cannot, text).into());
    }
    from.account.rename(&from.name, &to.name).await?;
    Ok(Done::new("RENAME completed"))
}
