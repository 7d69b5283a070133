//! What messages are searched, sorted and threaded by, in memory and side by side, so that a search of many looks at
//! few octets and reads no record twice.
//!
//! Of every account whose messages somebody searched: what their subjects, addresses and identifiers say, folded; when they
//! were sent; what they are sorted by, as numbers; whom they answer. A message is added when it is first looked at, from
//! its record, and found by its EMAILID, so that it stays when it is copied or moved. Messages never change, so
//! nothing is ever wrong in it; those that can't be read are not in it.
//!
//! It is derived, and only in memory: some 200 octets a message, at most [`OCTETS_MAX`] for all accounts. Beyond that what
//! was used longest ago goes.

mod intern;
mod keys;
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use mail::collation::Collation;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

pub use self::table::{Entry, Finder, Looking, Table};
use crate::{Email, EmailId, account::Account, error::Error, id::AccountId};

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
    kept: Arc<Kept>,
}

#[derive(Debug)]
struct Kept {
    table: Arc<RwLock<Table>>,
    octets: AtomicUsize,
}

impl Columns {
    /// What is in them now. Nothing comes while this is held: hold it no longer than some work of the processor takes.
    pub async fn read(&self) -> OwnedRwLockReadGuard<Table> {
        Arc::clone(&self.kept.table).read_owned().await
    }

    /// Adds messages, whose records these are.
    pub async fn add(&self, emails: &[(EmailId, Email)]) {
        let mut table = self.kept.table.write().await;
        for (id, email) in emails {
            table.add(*id, email);
        }
        table.count_octets();
        self.kept.octets.store(table.octets(), Ordering::Relaxed);
        drop(table);
        self.account.shared.cabinet.weigh();
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
            let mut changed = Arc::clone(&self.kept.table).write_owned().await;
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
        let kept = self.shared.cabinet.get((self.id(), collation));
        Columns {
            account: self.clone(),
            kept,
        }
    }
}

/// The columns of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Cabinet(Mutex<Drawers>);

#[derive(Debug, Default)]
struct Drawers {
    kept: HashMap<(AccountId, Collation), Drawer>,
    /// Counts uses, to tell which was longest ago.
    uses: u64,
}

#[derive(Debug)]
struct Drawer {
    kept: Arc<Kept>,
    used: u64,
}

impl Cabinet {
    fn get(&self, whose: (AccountId, Collation)) -> Arc<Kept> {
        let mut drawers = self.drawers();
        drawers.uses += 1;
        let used = drawers.uses;
        let drawer = drawers.kept.entry(whose).or_insert_with(|| Drawer {
            kept: Arc::new(Kept {
                table: Arc::new(RwLock::new(Table::new(whose.1))),
                octets: AtomicUsize::new(0),
            }),
            used,
        });
        drawer.used = used;
        Arc::clone(&drawer.kept)
    }

    /// Lets go of what was used longest ago, until the others have room. Whoever uses it still has it.
    fn weigh(&self) {
        self.shrink_to(OCTETS_MAX);
    }

    fn shrink_to(&self, max: usize) {
        let octets = |drawer: &Drawer| drawer.kept.octets.load(Ordering::Relaxed);
        let mut drawers = self.drawers();
        let mut all: usize = drawers.kept.values().map(octets).sum();
        while all > max {
            let oldest = drawers.kept.iter().min_by_key(|(_, drawer)| drawer.used);
            let Some((whose, gone)) = oldest.map(|(whose, drawer)| (*whose, octets(drawer))) else {
                break;
            };
            drawers.kept.remove(&whose);
            all -= gone;
        }
    }

    fn drawers(&self) -> MutexGuard<'_, Drawers> {
        // The map is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
