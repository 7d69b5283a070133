//! Annotations: named values that messages have (RFC 5257 §3).
//!
//! An entry's name begins with `/`; it may have a value that everybody shares, and one for each user. Of
//! the attributes only the value is kept, for its size follows from it.

use std::sync::Arc;

use crate::{
    error::Error,
    id::{AccountId, ModSeq, Uid},
    shelves::Shelves,
};

/// The longest name of an entry, in octets.
pub const ENTRY_OCTETS_MAX: usize = 1000;

/// The most octets that all annotations of an account may take, names included: they are in memory while the
/// account is open, and in each of its checkpoints.
const ACCOUNT_OCTETS_MAX: usize = 16 << 20;

/// The limit that [`crate::Error::Limit`] names for all annotations of an account together.
pub const ANNOTATIONS: &str = "annotations";
/// The same for the size of one value.
pub const TOO_BIG: &str = "octets of an annotation";
/// The same for how many a message has.
pub const TOO_MANY: &str = "annotations of a message";

/// Whose value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Whose {
    /// The account's own user's: nobody else reads it.
    Own,
    /// Another user's: nobody else reads it.
    Private(AccountId),
    /// Everybody's who may read the message.
    Shared,
}

impl Whose {
    /// A user's values, as an account has them.
    #[must_use]
    pub fn of(user: AccountId, account: AccountId) -> Self {
        if user == account {
            Self::Own
        } else {
            Self::Private(user)
        }
    }

    /// The same user's values, where a message of one account comes to another.
    pub(crate) fn elsewhere(self, from: AccountId, to: AccountId) -> Self {
        match self {
            Self::Own => Self::of(from, to),
            Self::Private(user) => Self::of(user, to),
            Self::Shared => Self::Shared,
        }
    }
}

/// One value of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The entry's name; case matters.
    pub entry: Arc<str>,
    /// Whose value.
    pub whose: Whose,
    /// The value; it may have no octets at all.
    pub value: Arc<[u8]>,
}

impl Annotation {
    fn key(&self) -> (&str, Whose) {
        (&self.entry, self.whose)
    }

    fn octets(&self) -> usize {
        self.entry.len() + self.value.len()
    }
}

/// What is to become of an entry of some messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The entry's name.
    pub entry: Arc<str>,
    /// Whose value.
    pub whose: Whose,
    /// Its value; `None`: it goes.
    pub value: Option<Arc<[u8]>>,
}

impl From<Annotation> for Setting {
    fn from(annotation: Annotation) -> Self {
        Self {
            entry: annotation.entry,
            whose: annotation.whose,
            value: Some(annotation.value),
        }
    }
}

/// A change of annotations.
#[derive(Debug, Clone)]
pub struct AnnotationChange {
    /// What becomes of which entries; the last counts if one is named twice.
    pub settings: Vec<Setting>,
    /// Leave alone what changed after this (RFC 7162 §3.1.3).
    pub unchanged_since: Option<ModSeq>,
    /// What there may be.
    pub limits: AnnotationLimits,
}

/// What there may be of annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnnotationLimits {
    /// Octets of one value.
    pub value_octets_max: usize,
    /// Values of one message that one user sees.
    pub of_message_max: usize,
}

impl Default for AnnotationLimits {
    fn default() -> Self {
        Self {
            value_octets_max: 65_536,
            of_message_max: 100,
        }
    }
}

impl AnnotationLimits {
    /// Whether values may be set, whatever they are of and whoever does it.
    ///
    /// # Errors
    /// [`Error::Limit`] of [`TOO_BIG`], and of [`TOO_MANY`] if no message could have them all;
    /// [`Error::NotPermitted`] for a name that can be none.
    pub fn check(self, settings: &[Setting]) -> Result<(), Error> {
        for setting in settings {
            let name = &setting.entry;
            if !name.starts_with('/') || name.len() > ENTRY_OCTETS_MAX {
                return Err(Error::NotPermitted("no name for an annotation"));
            }
            let value = setting.value.as_ref();
            if value.is_some_and(|value| value.len() > self.value_octets_max) {
                return Err(Error::Limit(TOO_BIG));
            }
        }
        let set = settings.iter().filter(|setting| setting.value.is_some());
        if set.count() > self.of_message_max {
            return Err(Error::Limit(TOO_MANY));
        }
        Ok(())
    }

    /// Octets of all annotations of an account, names included.
    pub(crate) const fn octets() -> usize {
        ACCOUNT_OCTETS_MAX
    }
}

/// The annotations of one message, by entry and whose.
type OfMessage = Arc<Vec<Annotation>>;

/// All annotations of a mailbox. Immutable, a cheap clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations {
    /// A message without any is not among them.
    messages: Shelves<Uid, OfMessage>,
    /// Octets of all values.
    octets: u64,
    /// The same with the names.
    held: usize,
}

impl Annotations {
    /// All that a message has, of whomever; by entry.
    #[must_use]
    pub fn of(&self, uid: Uid) -> &[Annotation] {
        self.messages.get(&uid).map_or(&[], |them| them)
    }

    /// One value of a message.
    #[must_use]
    pub fn get(&self, uid: Uid, entry: &str, whose: Whose) -> Option<&Arc<[u8]>> {
        let them = self.of(uid);
        let at = them.binary_search_by(|it| it.key().cmp(&(entry, whose)));
        them.get(at.ok()?).map(|it| &it.value)
    }

    /// Octets of all values: what quotas count (RFC 9208 §5.4).
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Messages that have some, ascending, with them.
    pub fn every(&self) -> impl Iterator<Item = (Uid, &[Annotation])> {
        let every = self.messages.iter();
        every.map(|(uid, them)| (*uid, &them[..]))
    }

    /// How many messages have some.
    pub(crate) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// Octets of all names and values.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Sets a value of a message, or takes it away.
    pub fn set(&mut self, uid: Uid, setting: &Setting) {
        let mut them = self.messages.remove(&uid).unwrap_or_default();
        self.forget(&them);
        let own = Arc::make_mut(&mut them);
        let key = (&*setting.entry, setting.whose);
        let place = own.binary_search_by(|it| it.key().cmp(&key));
        match (place, &setting.value) {
            (Ok(at), None) => drop(own.remove(at)),
            (Err(_), None) => {}
            (Ok(at), Some(value)) => {
                if let Some(there) = own.get_mut(at) {
                    there.value = Arc::clone(value);
                }
            }
            (Err(at), Some(value)) => own.insert(
                at,
                Annotation {
                    entry: Arc::clone(&setting.entry),
                    whose: setting.whose,
                    value: Arc::clone(value),
                },
            ),
        }
        self.octets += values(&them);
        self.held += them.iter().map(Annotation::octets).sum::<usize>();
        if !them.is_empty() {
            self.messages.insert(uid, them);
        }
    }

    /// A message is gone; gives the annotations that it had.
    pub(crate) fn take(&mut self, uid: Uid) -> Vec<Annotation> {
        let them = self.messages.remove(&uid).unwrap_or_default();
        self.forget(&them);
        Arc::unwrap_or_clone(them)
    }

    /// Messages are gone, and their annotations with them.
    pub(crate) fn remove(&mut self, uids: &[(Uid, Uid)]) {
        if self.is_empty() {
            return;
        }
        for (first, last) in uids {
            let from = self.messages.from(first);
            let gone: Vec<Uid> = from
                .map(|(uid, _)| *uid)
                .take_while(|uid| uid <= last)
                .collect();
            for uid in gone {
                self.take(uid);
            }
        }
    }

    fn forget(&mut self, them: &[Annotation]) {
        self.octets -= values(them);
        self.held -= them.iter().map(Annotation::octets).sum::<usize>();
    }
}

fn values(them: &[Annotation]) -> u64 {
    them.iter().map(|it| it.value.len() as u64).sum()
}
