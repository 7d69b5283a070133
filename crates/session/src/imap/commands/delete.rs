//! DELETE: RFC 9051 §6.3.5.

use imap::command::Mailbox;

use crate::imap::{
    names,
    refusal::{Done, Outcome},
    state::{Enabled, User},
};

/// Answers DELETE. Mailboxes below it stay; sessions that have it open keep what they
/// had, and can change nothing (RFC 2180 §3.2).
pub(crate) async fn delete(user: &User, enabled: Enabled, mailbox: &Mailbox) -> Outcome {
    let place = names::place(user, enabled, mailbox).await?;
    place.account.delete(&place.name).await?;
    Ok(Done::new("DELETE completed"))
}
