//! EXPUNGE and UID EXPUNGE: RFC 9051 §6.4.3, §6.4.9.

use crate::{
    account::{Account, copy::existing},
    change::Change,
    error::Error,
    flag::SystemFlags,
    id::{MailboxId, Uid},
    octets::{UidRanges, extend_ranges},
};

impl Account {
    /// Removes the messages with `\Deleted`, or those of `among` (ascending) that have it.
    /// Gives the UIDs removed.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`].
    pub async fn expunge(
        &self,
        mailbox: MailboxId,
        among: Option<&[Uid]>,
    ) -> Result<Vec<Uid>, Error> {
        self.shared
            .commit(&self.by, None, |draft| {
                let state = draft.mailbox(mailbox)?;
                let gone: Vec<Uid> = match among {
                    None => state.placements.deleted().map(|m| m.uid).collect(),
                    Some(uids) => existing(state, uids)
                        .filter(|m| m.system.contains(SystemFlags::DELETED))
                        .map(|m| m.uid)
                        .collect(),
                };
                let mut uids = UidRanges::new();
                for uid in &gone {
                    extend_ranges(&mut uids, *uid);
                }
                if !uids.is_empty() {
                    draft.push(Change::Expunged { mailbox, uids })?;
                }
                Ok(gone)
            })
            .await
    }
}
