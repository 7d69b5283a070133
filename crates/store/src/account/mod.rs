//! An open account: the verbs of mail, each one atomic batch of changes.
//!
//! Every verb is durable when it returns, and visible to everybody from then
//! on. A verb that fails has changed nothing.

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    email::Email,
    error::Error,
    flag::Flags,
    id::{AccountId, MailboxId, ModSeq, Uid, UidValidity},
    incoming::Received,
    mailbox::Message,
    name::{MailboxName, Role},
    snapshot::Snapshot,
};

/// An open account. Cheap to clone; all clones are the same account.
#[derive(Debug, Clone)]
pub struct Account {}

/// A message to place with [`Account::append`].
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The message.
    pub message: Received,
    /// Trace fields to put before it, whole lines with CRLF; may be empty.
    pub trace: Vec<u8>,
    /// Its flags.
    pub flags: Flags,
    /// INTERNALDATE; now, if not given.
    pub internal_date: Option<Timestamp>,
}

/// Where appended messages are: `APPENDUID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Of the mailbox.
    pub uid_validity: UidValidity,
    /// In the order given.
    pub uids: Vec<Uid>,
}

/// What a copy or move did: `COPYUID`. UIDs that were gone are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Of the destination.
    pub uid_validity: UidValidity,
    /// Pairs (source, destination), ascending.
    pub uids: Vec<(Uid, Uid)>,
}

/// What STORE does with the flags given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagAction {
    /// They become the message's flags.
    Replace,
    /// They are added.
    Add,
    /// They are removed.
    Remove,
}

/// A change of flags.
#[derive(Debug, Clone)]
pub struct FlagChange {
    /// How.
    pub action: FlagAction,
    /// Which.
    pub flags: Flags,
    /// Leave alone what changed after this (RFC 7162 §3.1.3).
    pub unchanged_since: Option<ModSeq>,
}

/// What a STORE did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Left alone because they changed after `unchanged_since`; ascending.
    pub modified: Vec<Uid>,
    /// Gone by then; ascending.
    pub gone: Vec<Uid>,
}

impl Account {
    /// Which account.
    #[must_use]
    pub fn id(&self) -> AccountId {
        unimplemented!()
    }
    /// The state now: everything acknowledged is in it.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        unimplemented!()
    }
    /// Waits until the account's modseq is greater than `than`. Cancel-safe.
    pub async fn changed(&self, _than: ModSeq) {
        unimplemented!()
    }
    /// Makes a mailbox, and those above it that don't exist. The mailbox made
    /// is not subscribed to.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::RoleTaken`], [`Error::Limit`].
    pub async fn create(
        &self,
        _name: &MailboxName,
        _role: Option<Role>,
    ) -> Result<MailboxId, Error> {
        unimplemented!()
    }
    /// Deletes a mailbox and its messages; mailboxes below it stay.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NotPermitted`] for INBOX.
    pub async fn delete(&self, _name: &MailboxName) -> Result<(), Error> {
        unimplemented!()
    }
    /// Renames a mailbox and all below it, making those above the new name that don't
    /// exist. INBOX stays, and its messages move (RFC 9051 §6.3.6).
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::AlreadyExists`], [`Error::NotPermitted`].
    pub async fn rename(&self, _from: &MailboxName, _to: &MailboxName) -> Result<(), Error> {
        unimplemented!()
    }
    /// Subscribes to a name, which need not be a mailbox's.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub async fn subscribe(&self, _name: &MailboxName) -> Result<(), Error> {
        unimplemented!()
    }
    /// Unsubscribes from a name; nothing happens if it was not subscribed to.
    ///
    /// # Errors
    /// As for every verb.
    pub async fn unsubscribe(&self, _name: &MailboxName) -> Result<(), Error> {
        unimplemented!()
    }
    /// Places messages, all or none.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::Limit`] for keywords or UIDs.
    pub async fn append(
        &self,
        _mailbox: MailboxId,
        _messages: Vec<Arrival>,
    ) -> Result<Placed, Error> {
        unimplemented!()
    }
    /// Copies the messages that still exist of `uids` (ascending), all or none.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`] for `to`, [`Error::Limit`].
    pub async fn copy(
        &self,
        _from: MailboxId,
        _uids: &[Uid],
        _to: MailboxId,
    ) -> Result<Copied, Error> {
        unimplemented!()
    }
    /// Moves the messages that still exist of `uids` (ascending), all or none. Onto the
    /// same mailbox gives them new UIDs.
    ///
    /// # Errors
    /// As [`Account::copy`].
    pub async fn move_to(
        &self,
        _from: MailboxId,
        _uids: &[Uid],
        _to: MailboxId,
    ) -> Result<Copied, Error> {
        unimplemented!()
    }
    /// Changes flags of the messages that exist of `uids` (ascending), in one batch.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::Limit`].
    pub async fn store(
        &self,
        _mailbox: MailboxId,
        _uids: &[Uid],
        _change: &FlagChange,
    ) -> Result<Stored, Error> {
        unimplemented!()
    }
    /// Removes the messages with `\Deleted`, or those of `among` (ascending) that have it.
    /// Gives the UIDs removed.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`].
    pub async fn expunge(
        &self,
        _mailbox: MailboxId,
        _among: Option<&[Uid]>,
    ) -> Result<Vec<Uid>, Error> {
        unimplemented!()
    }
    /// Makes the caller the one session for which messages with UIDs in the
    /// range given back (start included, end excluded) are `\Recent`: those below
    /// `below` that no session had before. Waits for nothing.
    #[must_use]
    pub fn claim_recent(&self, _mailbox: MailboxId, _below: Uid) -> std::ops::Range<u32> {
        unimplemented!()
    }
    /// Reads a message's record.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub async fn email(&self, _message: &Message<'_>) -> Result<Email, Error> {
        unimplemented!()
    }
}
