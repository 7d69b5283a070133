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
    /// Octets of the messages of a mailbox with `\Deleted`: what EXPUNGE would free (RFC 9208 §4.1.4). Reads
    /// the chunks that have such messages; nothing where all messages have it, or none.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`]; as [`Account::open_mailbox`].
    pub async fn deleted_octets(&self, mailbox: MailboxId) -> Result<u64, Error> {
        self.shared
            .rehearse(&self.hands, |draft| {
                let state = Arc::clone(draft.mailbox(mailbox)?);
                let counters = state.counters();
                if counters.deleted == 0 {
                    return Ok(0);
                }
                if counters.deleted == counters.messages {
                    return Ok(counters.octets);
                }
                let messages = draft.messages(&state, Which::WithDeleted)?;
                let deleted = |m: &Message<'_>| m.system.contains(SystemFlags::DELETED);
                Ok(messages.every().filter(deleted).map(|m| m.size).sum())
            })
            .await
    }

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
