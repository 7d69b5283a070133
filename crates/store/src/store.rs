//! The store: opening it, its accounts, its clock.

use std::path::PathBuf;

use crate::{account::Account, clock::Clock, error::Error, id::AccountId, incoming::Incoming};

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory; `None` keeps everything in memory (tests, simulation).
    pub directory: Option<PathBuf>,
    /// The largest message, in octets.
    pub message_bytes_max: u64,
    /// The time.
    pub clock: Clock,
}

/// An open store. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {}

impl Store {
    /// Opens a store, making it if the directory is empty or absent, recovering it if need be.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Io`], [`Error::Corrupt`] if nothing in it can be trusted.
    pub async fn open(_options: Options) -> Result<Self, Error> {
        unimplemented!()
    }
    /// Opens an account; one that has never been opened begins with INBOX and
    /// the mailboxes for the usual special uses (Archive, Drafts, Junk, Sent, Trash), subscribed.
    ///
    /// # Errors
    /// As for every verb.
    pub async fn account(&self, _id: AccountId) -> Result<Account, Error> {
        unimplemented!()
    }
    /// Begins to receive a message.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::OutOfService`].
    pub async fn receive(&self) -> Result<Incoming, Error> {
        unimplemented!()
    }
    /// The largest message, in octets: `APPENDLIMIT`, LMTP `SIZE`.
    #[must_use]
    pub fn message_bytes_max(&self) -> u64 {
        unimplemented!()
    }
    /// The clock it was opened with.
    #[must_use]
    pub fn clock(&self) -> Clock {
        unimplemented!()
    }
    /// Finishes what is queued, writes a checkpoint, releases the lease.
    ///
    /// # Errors
    /// What could not be written; nothing acknowledged is lost by that.
    pub async fn close(&self) -> Result<(), Error> {
        unimplemented!()
    }
}
