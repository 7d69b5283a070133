//! RENAME: RFC 9051 §6.3.6.

use imap::command::Mailbox;

use crate::imap::{
    deleted, names,
    refusal::{Done, Outcome},
    state::{Enabled, User},
};

/// Answers RENAME. Sessions that have it open carry on (RFC 2180 §3.4): they hold
/// the mailbox, not its name.
pub(crate) async fn rename(user: &User, enabled: Enabled, from: &Mailbox, to: &Mailbox) -> Outcome {
    let from = names::mailbox(from, enabled)?;
    let to = names::new_mailbox(to, enabled)?;
    deleted::may_be_made(user, &to)?;
    user.account.rename(&from, &to).await?;
    Ok(Done::new("RENAME completed"))
}
