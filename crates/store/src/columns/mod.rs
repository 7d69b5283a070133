//! What messages are searched, sorted and threaded by, in memory and side by side, so that a search of many looks at
//! few octets and reads no record twice.
//!
//! Of every account whose messages somebody searched: what their subjects, addresses and identifiers say, folded as soon as
//! somebody looks for a text in them; what they are sorted by, as numbers, as soon as somebody sorts by it; when they were sent; whom they answer. A message is added when it is first looked at, from
//! its record, and found by its EMAILID, so that it stays when it is copied or moved. Messages never change, so
//! nothing is ever wrong in it; those that can't be read are not in it.
//!
//! It is derived, and only in memory: some 200 octets a message, at most [`OCTETS_MAX`] for all accounts. Beyond that what
//! was used longest ago goes; one account that has so many messages alone gets no more texts, and some 60 octets for each
//! message.

mod intern;
mod keys;
mod raw;
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

/// Strings that may be folded, or put in order, at once; more are where a processor's time may be taken.
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

    /// Whether messages are sorted by it.
    const fn is_sorted_by(self) -> bool {
        !matches!(self, Self::Bcc | Self::MessageId)
    }

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

/// What is made of a field for all messages, when somebody first asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// What it says, folded: to look for a text in it.
    Says(Field),
    /// What messages are sorted and threaded by of it.
    Sorts(Field),
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

impl Text {
    /// The column that it is in.
    #[must_use]
    pub const fn column(self) -> Column {
        Column::Sorts(self.field())
    }

    const fn field(self) -> Field {
        match self {
            Self::Subject => Field::Subject,
            Self::From | Self::DisplayFrom => Field::From,
            Self::To | Self::DisplayTo => Field::To,
            Self::Cc => Field::Cc,
        }
    }
}

/// The columns of an account. A cheap clone; all who look at the account have the same.
#[derive(Debug, Clone)]
pub struct Columns {
    account: Account,
    collation: Collation,
    table: Arc<RwLock<Table>>,
}

/// What is in the columns of an account. Nothing comes while this is held: hold it no longer than some work of the
/// processor takes.
pub type Held = OwnedRwLockReadGuard<Table>;

impl Columns {
    /// What is in them now, with all of these columns.
    ///
    /// # Errors
    /// [`Error::OutOfService`].
    pub async fn read(&self, asked: &[Column]) -> Result<Held, Error> {
        let table = Arc::clone(&self.table).read_owned().await;
        let untold: usize = asked.iter().map(|column| table.untold(*column)).sum();
        if untold == 0 {
            return Ok(table);
        }
        drop(table);
        let asked = asked.to_vec();
        let tell = move |table: &mut Table| asked.iter().for_each(|column| table.tell(*column));
        self.change(untold, tell).await
    }

    /// Changes what is in them: where a processor's time may be taken, if it is work on so many strings.
    async fn change(
        &self,
        strings: usize,
        work: impl FnOnce(&mut Table) + Send + 'static,
    ) -> Result<Held, Error> {
        let mut table = Arc::clone(&self.table).write_owned().await;
        let change = move || {
            work(&mut table);
            table.count_octets();
            table.downgrade()
        };
        if strings <= AT_ONCE_MAX {
            return Ok(change());
        }
        self.account.shared.engine().work(change).await
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
    pub async fn arranged(&self, texts: &[Text]) -> Result<Held, Error> {
        let asked: Vec<Column> = texts.iter().map(|of| of.column()).collect();
        let mut table = self.read(&asked).await?;
        for of in texts.iter().copied() {
            let waiting = table.waiting(of);
            if waiting == 0 {
                continue;
            }
            drop(table);
            table = self.change(waiting, move |table| table.arrange(of)).await?;
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
