//! The accounts file: who there is, who belongs together, and which account a mail address means.
//!
//! One TOML file, readable, changed only as a whole: a new one is written beside it, synced
//! and renamed over it, under a lock, so that neither a crash nor two administrators at once
//! can harm it. The server reads it again when it has changed: what it changes itself holds at once, what
//! others change ten milliseconds later at most. A file that can't be read
//! leaves the accounts as they were, and is complained about in the log.
//!
//! * `account`: one account; `change`: adding and changing them;
//! * `organisation`: groups, domains and their shared mailboxes, addresses;
//! * `role`: who may administer what;
//! * `document`: the file as it is written; `file`: the file itself; `name`: what can be a name.

mod account;
mod change;
mod document;
mod file;
mod name;
mod organisation;
mod role;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

pub use self::{
    account::{Account, Credentials, Home},
    name::{comparable, domain_of, prepared},
    organisation::{Address, Domain, Group, Limits},
    role::{Role, Roles},
};
use self::{document::Contents, file::Stamp};
use crate::{authenticator::Identity, password::Unusable};

/// After a look at the file none is needed for so long: a delivery asks five times, and there are thousands in a
/// second.
const LOOKS_EVERY: Duration = Duration::from_millis(10);

/// The accounts, read from their file and read again when it has changed.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    looks_every: Duration,
    domains: Vec<String>,
    read: Mutex<Read>,
    farewell: Farewell,
}

/// Whom to tell of accounts that are removed or get another name, if anybody.
#[derive(Default)]
struct Farewell(OnceLock<Box<Tell>>);

/// Tells of an account, by the name that it had; and which it has now, if it is there still.
type Tell = dyn Fn(&str, Option<&str>) + Send + Sync;

impl fmt::Debug for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Farewell({})", self.0.get().is_some())
    }
}

/// What was read, and when.
#[derive(Debug)]
struct Read {
    contents: Arc<Contents>,
    stamp: Option<Stamp>,
    /// When somebody last looked whether the file has changed.
    looked: Instant,
    /// How often it was read.
    generation: u64,
}

/// A mail address resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Whose mail it is.
    pub identity: Identity,
    /// What follows the `+` in the local part, if anything.
    pub detail: Option<String>,
}

/// What is wrong with the accounts file, or with a change to it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and in which account or line.
        what: String,
    },
    /// There is such an account already.
    #[error("there is an account {0:?} already")]
    Exists(String),
    /// There is no such account.
    #[error("there is no account {0:?}")]
    Missing(String),
    /// There is an account with that number already.
    #[error("{id} is the id of {by:?} already")]
    Taken {
        /// The number, as it is written.
        id: String,
        /// Whose it is.
        by: String,
    },
    /// The name can't be an account's.
    #[error("{name:?} can't be an account's name: {why}")]
    Name {
        /// As given.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// There is one of this kind and name already: a group, an address.
    #[error("there is a {0} {1:?} already")]
    There(&'static str, String),
    /// There is none of this kind and name.
    #[error("there is no {0} {1:?}")]
    NotThere(&'static str, String),
    /// It is no role.
    #[error(
        "{0:?} is no role: they are administrator, domain-administrator@DOMAIN and help-desk@DOMAIN"
    )]
    Role(String),
    /// The password can't be one.
    #[error(transparent)]
    Password(#[from] Unusable),
}

impl Directory {
    /// The accounts in a file, for mail to these domains. The file need not exist yet.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Malformed`].
    pub fn open(path: PathBuf, domains: Vec<String>) -> Result<Self, Error> {
        let (contents, stamp) = file::read(&path)?;
        let domains = domains.into_iter().map(|d| d.to_lowercase()).collect();
        let read = Mutex::new(Read {
            contents: Arc::new(contents),
            stamp,
            looked: Instant::now(),
            generation: 0,
        });
        Ok(Self {
            path,
            looks_every: LOOKS_EVERY,
            domains,
            read,
            farewell: Farewell::default(),
        })
    }

    /// Whom to tell of each account that is removed through this directory, or gets another name: by the name that it
    /// had, and the new one, if any. Sessions of the one are to end, and those of the other to be found. Only the
    /// first time that it is said.
    pub fn on_farewell(&self, told: impl Fn(&str, Option<&str>) + Send + Sync + 'static) {
        let _kept = self.farewell.0.set(Box::new(told));
    }

    fn bid_farewell(&self, name: &str, new: Option<&str>) {
        if let Some(tell) = self.farewell.0.get() {
            tell(name, new);
        }
    }

    /// The account with that name, in any case.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<Arc<Account>> {
        self.current().by_name.get(&*comparable(name)).cloned()
    }

    /// The account that somebody may log in to by a name: it is the account's; or an address of
    /// one of our domains, whose local part is. Many mail clients know nothing but addresses.
    #[must_use]
    pub fn login(&self, name: &str) -> Option<Arc<Account>> {
        let accounts = self.current();
        let name = comparable(name);
        let account = accounts.by_name.get(&*name).or_else(|| {
            let (local_part, domain) = name.rsplit_once('@')?;
            let ours = self.domains.iter().any(|d| d == domain);
            ours.then(|| accounts.by_name.get(local_part))?
        });
        account.cloned()
    }

    /// Every name that somebody may log in to an account by: [`Directory::login`] the other way round.
    #[must_use]
    pub fn logins(&self, account: &str) -> Vec<String> {
        let mut logins = vec![account.to_owned()];
        if !account.contains('@') {
            let addresses = self.domains.iter().map(|d| format!("{account}@{d}"));
            logins.extend(addresses);
        }
        logins
    }

    /// Whether there is anybody, or anything, that mail to addresses of a domain may be for.
    #[must_use]
    pub fn has_mail_for(&self, domain: &str) -> bool {
        let domain = comparable(domain);
        let contents = self.current();
        let mut accounts = contents.by_name.values();
        let mut addresses = contents.addresses.keys();
        !domain.is_empty()
            && (self.domains.contains(&domain)
                || contents.shared.contains_key(&*domain)
                || accounts.any(|account| account.domain() == domain)
                || addresses.any(|address| domain_of(address) == domain))
    }

    /// The account of that id.
    #[must_use]
    pub fn by_id(&self, id: u64) -> Option<Arc<Account>> {
        let contents = self.current();
        let name = contents.names.get(&id)?;
        contents.by_name.get(name).cloned()
    }

    /// What the account of that id is called. One that has been removed, and one of shared mailboxes, has no name.
    #[must_use]
    pub fn name_of(&self, id: u64) -> Option<Arc<str>> {
        self.current().names.get(&id).cloned()
    }

    /// Another number whenever something in the file may be another.
    #[must_use]
    pub fn generation(&self) -> u64 {
        drop(self.current());
        self.held().generation
    }

    /// Random octets that stay the same as long as the file is there, if it has them.
    pub(crate) fn secret(&self) -> Option<[u8; 32]> {
        self.current().secret
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every account, by name.
    #[must_use]
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        let mut accounts: Vec<_> = self.current().by_name.values().cloned().collect();
        accounts.sort_by(|a, b| a.name.cmp(&b.name));
        accounts
    }

    /// The recipient that an address means: the whole address is an account's name; or it is
    /// without `+detail`; or the local part alone is, if the domain is one of ours (or
    /// there is none, or we have none).
    #[must_use]
    pub fn recipient(&self, local_part: &str, domain: Option<&str>) -> Option<Recipient> {
        let accounts = self.current();
        let (plain, detail) = match local_part.split_once('+') {
            Some((plain, detail)) if !plain.is_empty() => (plain, Some(detail)),
            _ => (local_part, None),
        };
        let ours = self.is_ours(domain);
        let find = |local: &str| {
            let full =
                domain.and_then(|d| accounts.by_name.get(&*comparable(&format!("{local}@{d}"))));
            full.or_else(|| {
                if ours {
                    accounts.by_name.get(&*comparable(local))
                } else {
                    None
                }
            })
        };
        let found = |account: &Arc<Account>, detail: Option<&str>| Recipient {
            identity: account.identity(),
            detail: detail.filter(|d| !d.is_empty()).map(str::to_owned),
        };
        find(local_part)
            .map(|a| found(a, None))
            .or_else(|| find(plain).map(|a| found(a, detail)))
    }

    /// The accounts as of the newest readable file, or what that was some milliseconds ago.
    fn current(&self) -> Arc<Contents> {
        let now = Instant::now();
        let mut held = self.held();
        if now.saturating_duration_since(held.looked) < self.looks_every {
            return Arc::clone(&held.contents);
        }
        drop(held);
        let found = file::stamp(&self.path);
        held = self.held();
        held.looked = now.max(held.looked);
        if found == held.stamp {
            return Arc::clone(&held.contents);
        }
        held.stamp = found;
        let before = Arc::clone(&held.contents);
        drop(held);
        // Read by whoever noticed, while the others go on with what there was.
        match self.read_existing() {
            Ok(contents) => {
                let mut held = self.held();
                // Unless somebody else has read a newer one meanwhile.
                if held.stamp == found {
                    held.contents = Arc::new(contents);
                    held.generation += 1;
                }
                Arc::clone(&held.contents)
            }
            Err(error) => {
                tracing::error!(%error, "the accounts stay as they were");
                before
            }
        }
    }

    /// The accounts in the file, which was there once: without it mail would be
    /// refused for good.
    fn read_existing(&self) -> Result<Contents, Error> {
        match file::read(&self.path)? {
            (contents, Some(_)) => Ok(contents),
            (_, None) => Err(Error::Io {
                path: self.path.clone(),
                source: ErrorKind::NotFound.into(),
            }),
        }
    }

    /// Whether mail of a domain is ours; mail without a domain is, and everything if we have no domains.
    fn is_ours(&self, domain: Option<&str>) -> bool {
        domain.is_none_or(|d| self.domains.is_empty() || self.domains.contains(&d.to_lowercase()))
    }

    fn held(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
