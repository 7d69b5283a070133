//! Legal holds: what is held stays, whatever anybody does to it.

use crate::{account::Account, change::Change, error::Error, id::MailboxId};

impl Account {
    /// Lays a hold on a mailbox, or on the whole account, or lifts it. What is held does not
    /// expire; what users expunge from it, or delete, can be brought back without end.
    /// Lifted, what went under it counts from the day it went. Gives whether
    /// anything changed.
    ///
    /// A mailbox that is deleted while it is held stays held: bring it back to lift that.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`].
    pub async fn set_hold(&self, mailbox: Option<MailboxId>, held: bool) -> Result<bool, Error> {
        // What is gone for long, and still there, can be brought back from now on.
        let _kept = self.shared.partitions.reprieve().await;
        self.shared
            .commit(&self.hands, None, |draft| {
                let now = match mailbox {
                    None => draft.snapshot.held(),
                    Some(id) => draft.mailbox(id)?.held(),
                };
                if now != held {
                    draft.push(Change::HeldSet { mailbox, held })?;
                }
                Ok(now != held)
            })
            .await
    }
}
