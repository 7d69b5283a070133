//! What messages are searched, sorted and threaded by, in memory and side by side, so that a search of many looks at
//! few octets and reads no record twice.
//!
//! Of every account whose messages somebody searched: what their subjects, addresses and identifiers say, folded; when they
//! were sent; what they are sorted by, as numbers; whom they answer. A message is added when it is first looked at, from
//! its record, and found by its EMAILID, so that it stays when it is copied or moved. Messages never change, so
//! nothing is ever wrong in it; those that can't be read are not in it.
//!
//! It is derived, and only in memory: some 200 octets a message, at most [`OCTETS_MAX`] for all accounts. Beyond that what
//! was used longest ago goes; one account that has so many messages alone gets no more texts, and some 60 octets for each
//! message.

mod intern;
mod keys;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::sync::Arc;

use mail::collation::Collation;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

pub use self::table::{Entry, Finder, Looking, Table};
use crate::{Email, EmailId, account::Account, cabinet::Cabinet, error::Error, id::AccountId};

/// Octets of memory for all accounts together.
pub const OCTETS_MAX: usize = 256 << 20;

/// Strings that may be put in order at once; more are where a processor's time may be taken.
const AT_ONCE_MAX: usize = 1024;

/// A header field that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `Subject`.
    Subject,
    /// `From`.
    From,
    /// `To`.
    To,
    /// `Cc`.
    Cc,
    /// `Bcc`.
    Bcc,
    /// `Message-ID`.
    MessageId,
}

impl Field {
    const ALL: [Self; 6] = [
        Self::Subject,
        Self::From,
        Self::To,
        Self::Cc,
        Self::Bcc,
        Self::MessageId,
    ];

    /// The field of that name, in any case, if it is kept.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            2 if is("To") => Some(Self::To),
            2 if is("Cc") => Some(Self::Cc),
            3 if is("Bcc") => Some(Self::Bcc),
            4 if is("From") => Some(Self::From),
            7 if is("Subject") => Some(Self::Subject),
            10 if is("Message-ID") => Some(Self::MessageId),
            _ => None,
        }
    }
}

/// A string that messages are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    /// The base subject: RFC 5256 §2.1.
    Subject,
    /// The mailbox of the first address in `From`.
    From,
    /// In `To`.
    To,
    /// In `Cc`.
    Cc,
    /// What a client shows of the first address in `From`: RFC 5957 §3.
    DisplayFrom,
    /// In `To`.
    DisplayTo,
}

/// The columns of an account. A cheap clone; all who look at the account have the same.
#[derive(Debug, Clone)]
pub struct Columns {
    account: Account,
    collation: Collation,
    table: Arc<RwLock<Table>>,
}

impl Columns {
    /// What is in them now. Nothing comes while this is held: hold it no longer than some work of the processor takes.
    pub async fn read(&self) -> OwnedRwLockReadGuard<Table> {
        Arc::clone(&self.table).read_owned().await
    }

    /// Adds messages, whose records these are.
    pub async fn add(&self, emails: &[(EmailId, Email)]) {
        let mut table = self.table.write().await;
        for (id, email) in emails {
            table.add(*id, email);
        }
        let octets = table.count_octets();
        drop(table);
        let whose = (self.account.id(), self.collation);
        self.account.shared.cabinets.columns.weigh(&whose, octets);
    }

    /// What is in them, with a place for every string of a kind.
    ///
    /// # Errors
    /// [`Error::OutOfService`].
    pub async fn arranged(&self, texts: &[Text]) -> Result<OwnedRwLockReadGuard<Table>, Error> {
        let mut table = self.read().await;
        for of in texts.iter().copied() {
            let waiting = table.waiting(of);
            if waiting == 0 {
                continue;
            }
            drop(table);
            let mut changed = Arc::clone(&self.table).write_owned().await;
            let arrange = move || {
                changed.arrange(of);
                changed.count_octets();
                changed
            };
            table = if waiting <= AT_ONCE_MAX {
                arrange().downgrade()
            } else {
                let engine = self.account.shared.engine();
                engine.work(arrange).await?.downgrade()
            };
        }
        Ok(table)
    }
}

impl Account {
    /// What its messages are searched, sorted and threaded by under a collation. Whoever asks adds what is missing.
    #[must_use]
    pub fn columns(&self, collation: Collation) -> Columns {
        let new = || Arc::new(RwLock::new(Table::new(collation)));
        Columns {
            account: self.clone(),
            collation,
            table: (self.shared.cabinets.columns).get((self.id(), collation), new),
        }
    }
}

/// The columns of all accounts.
pub(crate) type OfAll = Cabinet<(AccountId, Collation), RwLock<Table>>;
