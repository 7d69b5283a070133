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

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
        self.account.shared.cabinet.weigh(whose, octets);
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
        Columns {
            account: self.clone(),
            collation,
            table: self.shared.cabinet.get((self.id(), collation)),
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
    /// Of all.
    octets: usize,
}

#[derive(Debug)]
struct Drawer {
    table: Arc<RwLock<Table>>,
    used: u64,
    octets: usize,
}

/// Octets that a drawer takes with nothing in it.
const DRAWER_OCTETS: usize = 2048;

impl Cabinet {
    fn get(&self, whose: (AccountId, Collation)) -> Arc<RwLock<Table>> {
        let mut drawers = self.drawers();
        drawers.uses += 1;
        let used = drawers.uses;
        if let Some(drawer) = drawers.kept.get_mut(&whose) {
            drawer.used = used;
            return Arc::clone(&drawer.table);
        }
        let table = Arc::new(RwLock::new(Table::new(whose.1)));
        let drawer = Drawer {
            table: Arc::clone(&table),
            used,
            octets: DRAWER_OCTETS,
        };
        drawers.kept.insert(whose, drawer);
        drawers.octets += DRAWER_OCTETS;
        drawers.shrink_to(OCTETS_MAX);
        table
    }

    /// What an account's columns take now.
    fn weigh(&self, whose: (AccountId, Collation), octets: usize) {
        let mut drawers = self.drawers();
        if let Some(drawer) = drawers.kept.get_mut(&whose) {
            let octets = octets + DRAWER_OCTETS;
            let before = std::mem::replace(&mut drawer.octets, octets);
            drawers.octets = drawers.octets.saturating_sub(before) + octets;
        }
        drawers.shrink_to(OCTETS_MAX);
    }

    fn drawers(&self) -> MutexGuard<'_, Drawers> {
        // The sum is a guide; the map is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drawers {
    /// If there is more, lets go of what was used longest ago, until a quarter is free; of what is used now never. Who
    /// uses it still has it.
    fn shrink_to(&mut self, max: usize) {
        if self.octets <= max {
            return;
        }
        let mut uses: Vec<_> = self
            .kept
            .iter()
            .map(|(whose, it)| (it.used, *whose))
            .collect();
        uses.sort_unstable();
        uses.pop();
        for (_, whose) in uses {
            if self.octets <= max / 4 * 3 {
                return;
            }
            if let Some(gone) = self.kept.remove(&whose) {
                self.octets = self.octets.saturating_sub(gone.octets);
            }
        }
    }
}
