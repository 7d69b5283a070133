//! EXPUNGE and UID EXPUNGE: RFC 9051 §6.4.3, §6.4.9.

use std::sync::Arc;

use crate::{
    account::{
        Account,
        commit::Which,
        copy::{existing, ranges},
    },
    change::Change,
    error::Error,
    flag::SystemFlags,
    id::{MailboxId, Uid},
    mailbox::Message,
    octets::{UidRanges, extend_ranges},
    rights::Rights,
};

impl Account {
    /// Removes the messages with `\Deleted`, or those of `among` (ascending) that have it.
    /// Gives the UIDs removed.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NoRight`].
    pub async fn expunge(
        &self,
        mailbox: MailboxId,
        among: Option<&[Uid]>,
    ) -> Result<Vec<Uid>, Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                draft.may_open(mailbox, Rights::EXPUNGE)?;
                let state = Arc::clone(draft.mailbox(mailbox)?);
                let deleted = |m: &Message<'_>| m.system.contains(SystemFlags::DELETED);
                let gone: Vec<Uid> = match among {
                    None => {
                        let messages = draft.messages(&state, Which::WithDeleted)?;
                        messages.every().filter(deleted).map(|m| m.uid).collect()
                    }
                    Some(uids) => {
                        let messages = draft.messages(&state, Which::Within(&ranges(uids)))?;
                        let there = existing(&messages, uids);
                        there.filter(deleted).map(|m| m.uid).collect()
                    }
                };
                // The state must not be held when it is changed, or all of it were copied.
                drop(state);
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

    /// Removes the messages that still exist of `uids` (ascending), whatever their flags. Gives the UIDs
    /// removed.
    ///
    /// # Errors
    /// [`Error::NoRight`].
    pub async fn remove(&self, from: MailboxId, uids: &[Uid]) -> Result<Vec<Uid>, Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                let Some(source) = draft.snapshot.mailbox(from).map(Arc::clone) else {
                    return Ok(Vec::new());
                };
                draft.may_open(from, Rights::TO_REMOVE)?;
                let there = draft.messages(&source, Which::Within(&ranges(uids)))?;
                let gone: Vec<Uid> = existing(&there, uids).map(|m| m.uid).collect();
                // As above.
                drop((source, there));
                if !gone.is_empty() {
                    draft.push(Change::Expunged {
                        mailbox: from,
                        uids: ranges(&gone),
                    })?;
                }
                Ok(gone)
            })
            .await
    }
}
