//! DELETE: RFC 9051 §6.3.5.

use imap::command::Mailbox;

use super::administer;
use crate::imap::{
    names,
    refusal::{Done, Outcome},
    state::{Enabled, User},
};

/// Answers DELETE; of somebody else's INBOX, an administrator's removes the account. Mailboxes below it stay; sessions that have it open keep what they
/// had, and can change nothing (RFC 2180 §3.2).
pub(crate) async fn delete(user: &User, enabled: Enabled, mailbox: &Mailbox) -> Outcome {
    let name = names::text(&mailbox.0, enabled)?;
    if let Some(account) = administer::account_meant(user, &name) {
        return administer::delete_account(user, &account);
    }
    let place = names::exact_place(user, enabled, mailbox).await?;
    place.account.delete(&place.name).await?;
    Ok(Done::new("DELETE completed"))
}
