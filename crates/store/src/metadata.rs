//! Metadata: named values that a mailbox has, or the account as a whole (RFC 5464 §3).
//!
//! A name begins with `/private/`, `/shared/`, or `internal/`, which is for what a protocol keeps
//! here for itself and shows to nobody. What is private is so for each user of the account.

use std::{collections::BTreeMap, sync::Arc};

use crate::{archive::ARCHIVE_AFTER, id::AccountId, mailbox::SHARED_SEEN};

/// The longest name of an entry, in octets.
pub const ENTRY_OCTETS_MAX: usize = 1000;

/// The entry that is a mailbox's special use ([`crate::Role`]): RFC 6154 §4.
pub const SPECIAL_USE: &str = "/private/specialuse";

/// The entry that is how long messages stay in a mailbox: its rule of expiry, as [`read_time`] has it.
pub const EXPIRE: &str = "/shared/vendor/chapar/expire";

/// What the names that Cyrus gives entries of its own begin with.
pub const CYRUS: &str = "/shared/vendor/cmu/cyrus-imapd/";

/// Names that mean an entry of ours, by what comes after [`CYRUS`]: migrated sites have set them, and their tools do.
const ALIASES: [(&str, &str); 3] = [
    ("archive", ARCHIVE_AFTER),
    ("expire", EXPIRE),
    ("sharedseen", SHARED_SEEN),
];

/// The entry that is meant, if Cyrus has another name for it.
#[must_use]
pub fn meant(name: &str) -> Option<&'static str> {
    let (first, rest) = name.split_at_checked(CYRUS.len())?;
    let mut aliases = ALIASES.iter();
    let alias = aliases.find(|(alias, _)| alias.eq_ignore_ascii_case(rest))?;
    first.eq_ignore_ascii_case(CYRUS).then_some(alias.1)
}

/// What a time may be counted in, in seconds; days if nothing is said.
const UNITS: [(&str, u64); 5] = [
    ("", 86_400),
    ("d", 86_400),
    ("h", 3_600),
    ("m", 60),
    ("s", 1),
];

/// A time in seconds: a number of days, or of what the letter after it says.
pub(crate) fn read_time(value: &[u8]) -> Option<u64> {
    let value = std::str::from_utf8(value).ok()?.trim();
    let end = value.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = value.split_at(end.unwrap_or(value.len()));
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*seconds)
}

/// The same time as it is told: in days if they are whole.
#[must_use]
pub fn write_time(seconds: u64) -> String {
    let whole = UNITS.iter().find(|(_, unit)| seconds.is_multiple_of(*unit));
    let (name, unit) = whole.copied().unwrap_or(("s", 1));
    format!("{}{name}", seconds / unit)
}

/// The most octets that all metadata of an account may take, names included: it is in memory while the account
/// is open, and in each of its checkpoints.
const ACCOUNT_OCTETS_MAX: usize = 8 << 20;

/// The limit that [`crate::Error::Limit`] names for all of them.
pub const METADATA: &str = "metadata";

/// Whose value: `None` for one that everybody shares, and for what is private to the account's own user.
type Owner = Option<AccountId>;

/// What there may be of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataLimits {
    /// Entries of one mailbox, or of the account as a whole, for one user; shared ones among them.
    pub entries_max: usize,
    /// Octets of all names and values in the account.
    pub octets_max: usize,
}

impl Default for MetadataLimits {
    fn default() -> Self {
        Self {
            entries_max: usize::MAX,
            octets_max: ACCOUNT_OCTETS_MAX,
        }
    }
}

impl MetadataLimits {
    /// The octets that there may be of it, whatever was set.
    pub(crate) fn octets(self) -> usize {
        self.octets_max.min(ACCOUNT_OCTETS_MAX)
    }
}

/// What is to become of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as it was spelt. Another spelling that differs in the case of ASCII letters alone names the
    /// same entry.
    pub name: Arc<str>,
    /// Its value; `None`: it goes.
    pub value: Option<Arc<[u8]>>,
}

/// All entries of a mailbox, or of an account. Immutable, a cheap clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `None` if there are none, as of most mailboxes.
    entries: Option<Arc<Entries>>,
}

/// By whose it is and the name in lower case.
type Entries = BTreeMap<(Owner, Box<str>), Stored>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    /// As it was spelt last.
    name: Arc<str>,
    value: Arc<[u8]>,
}

impl Metadata {
    /// The value of an entry, if it has one. Shared ones and `internal/` ones are of nobody.
    #[must_use]
    pub fn get(&self, owner: Owner, name: &str) -> Option<&Arc<[u8]>> {
        let key = (owner, name.to_ascii_lowercase().into());
        self.entries.as_ref()?.get(&key).map(|stored| &stored.value)
    }

    /// The entries of nobody, or of one other user, by name.
    pub fn of(&self, owner: Owner) -> impl Iterator<Item = (&str, &Arc<[u8]>)> {
        let every = self.every().filter(move |(of, ..)| *of == owner);
        every.map(|(_, name, value)| (&**name, value))
    }

    /// Every entry: whose, its name, its value; in the order of these.
    pub fn every(&self) -> impl Iterator<Item = (Owner, &Arc<str>, &Arc<[u8]>)> {
        let every = self.entries.iter().flat_map(|entries| entries.iter());
        every.map(|((owner, _), stored)| (*owner, &stored.name, &stored.value))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_none()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.len())
    }

    /// Octets of all names and values.
    #[must_use]
    pub fn octets(&self) -> usize {
        self.every()
            .map(|(_, name, value)| name.len() + value.len())
            .sum()
    }

    /// Sets an entry, or takes it away.
    pub fn set(&mut self, owner: Owner, name: &Arc<str>, value: Option<&Arc<[u8]>>) {
        let entries = Arc::make_mut(self.entries.get_or_insert_default());
        let key = (owner, name.to_ascii_lowercase().into());
        match value {
            None => drop(entries.remove(&key)),
            Some(value) => {
                let (name, value) = (Arc::clone(name), Arc::clone(value));
                entries.insert(key, Stored { name, value });
            }
        }
        if entries.is_empty() {
            self.entries = None;
        }
    }
}
