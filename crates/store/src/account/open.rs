//! Opening mailboxes: their messages come into memory when somebody needs them.

use std::{ops::Deref, sync::Arc};

use crate::{
    account::Account,
    error::Error,
    id::MailboxId,
    mailbox::{Mailbox, OpenMailbox},
    snapshot::Snapshot,
};

/// A state with the messages of all its mailboxes in memory for as long as this is held.
#[derive(Debug, Clone)]
pub struct Whole {
    snapshot: Arc<Snapshot>,
    open: Vec<OpenMailbox>,
}

impl Deref for Whole {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Whole {
    /// Every mailbox with its messages, by id.
    #[must_use]
    pub fn open(&self) -> &[OpenMailbox] {
        &self.open
    }
}

impl Account {
    /// A mailbox with its messages, in its newest state. Reads them if nobody else has it open;
    /// STATUS and LIST need no more than [`Account::snapshot`].
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`]; [`Error::Corrupt`], [`Error::Io`] if they can't be read.
    pub async fn open_mailbox(&self, id: MailboxId) -> Result<OpenMailbox, Error> {
        let snapshot = self.snapshot();
        self.open(snapshot.mailbox(id).ok_or(Error::NoSuchMailbox)?)
            .await
    }

    /// The newest state with all messages.
    ///
    /// # Errors
    /// As [`Account::open_mailbox`].
    pub async fn whole(&self) -> Result<Whole, Error> {
        let snapshot = self.snapshot();
        let mut open = Vec::with_capacity(snapshot.mailboxes.len());
        for mailbox in snapshot.mailboxes.values() {
            open.push(self.open(mailbox).await?);
        }
        Ok(Whole { snapshot, open })
    }

    #[expect(clippy::unused_async, reason = "they may have to be read")]
    async fn open(&self, mailbox: &Arc<Mailbox>) -> Result<OpenMailbox, Error> {
        mailbox.in_memory().ok_or(Error::NoSuchMailbox)
    }
}
