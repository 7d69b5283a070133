//! The accounts file: who there is, and which account a mail address means.
//!
//! One TOML file, readable, changed only as a whole: a new one is written beside it, synced
//! and renamed over it, under a lock, so that neither a crash nor two administrators at once
//! can harm it. The server reads it again when it has changed; a file that can't be read
//! leaves the accounts as they were, and is complained about in the log.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::{
    authenticator::Identity,
    password::{self, ScramKeys, Unusable},
};

/// The longest account name, in octets.
const NAME_OCTETS_MAX: usize = 254;

/// The accounts, read from their file and read again when it has changed.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    domains: Vec<String>,
    read: Mutex<Read>,
}

/// What was read, and when.
#[derive(Debug)]
struct Read {
    accounts: Arc<Accounts>,
    stamp: Option<Stamp>,
}

/// What tells one version of a file from another: inode, size, modification time.
type Stamp = (u64, u64, i64, i64);

/// A mail address resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Whose mail it is.
    pub identity: Identity,
    /// What follows the `+` in the local part, if anything.
    pub detail: Option<String>,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name, in the form in which names are compared.
    pub name: Arc<str>,
    /// Its number in the store: random, never used again, never 0.
    pub id: u64,
    /// The Argon2id hash.
    pub password: String,
    /// The SCRAM-SHA-256 keys.
    pub scram: ScramKeys,
    /// No login, though mail still arrives.
    pub disabled: bool,
    /// The tag of the language that is preferred for them, if one is (RFC 5255 §3.2).
    pub language: Option<Arc<str>>,
    /// Capabilities of IMAP that its clients are not told of, by name.
    pub suppressed: Arc<[String]>,
    /// The server that its mail is on, if that is another (RFC 2221).
    pub home: Option<Home>,
    /// Mailboxes of its own that are on other servers, `MAILBOX: URL …` each (RFC 2193).
    pub remote_mailboxes: Arc<[String]>,
}

/// The server that an account's mail is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Its host, with a port if need be.
    pub host: Arc<str>,
    /// They may log in here nevertheless, for what is shared here.
    pub guest: bool,
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
    /// The password can't be one.
    #[error(transparent)]
    Password(#[from] Unusable),
}

/// The file as it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// 32 random octets: where the salts of names that nobody has come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[serde(default, rename = "account")]
    accounts: Vec<Entry>,
}

/// An account as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: String,
    id: String,
    password: String,
    scram_sha_256: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suppress: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    home: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    guest: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remote_mailboxes: Vec<String>,
}

/// All accounts, by name.
#[derive(Debug, Default)]
struct Accounts {
    secret: Option<[u8; 32]>,
    by_name: HashMap<Arc<str>, Arc<Account>>,
}

impl Directory {
    /// The accounts in a file, for mail to these domains. The file need not exist yet.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Malformed`].
    pub fn open(path: PathBuf, domains: Vec<String>) -> Result<Self, Error> {
        let (accounts, stamp) = read(&path)?;
        let domains = domains.into_iter().map(|d| d.to_lowercase()).collect();
        let read = Mutex::new(Read {
            accounts: Arc::new(accounts),
            stamp,
        });
        Ok(Self {
            path,
            domains,
            read,
        })
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
        let ours = domain
            .is_none_or(|d| self.domains.is_empty() || self.domains.contains(&d.to_lowercase()));
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

    /// The accounts as of the newest readable file. One look at the file's metadata: logins and
    /// recipients are rare beside what else they cost.
    fn current(&self) -> Arc<Accounts> {
        let found = fs::metadata(&self.path).ok().map(|m| stamp(&m));
        let mut held = self.held();
        if found == held.stamp {
            return Arc::clone(&held.accounts);
        }
        held.stamp = found;
        let before = Arc::clone(&held.accounts);
        drop(held);
        // Read by whoever noticed, while the others go on with what there was.
        match self.read_existing() {
            Ok(accounts) => {
                let mut held = self.held();
                // Unless somebody else has read a newer one meanwhile.
                if held.stamp == found {
                    held.accounts = Arc::new(accounts);
                }
                Arc::clone(&held.accounts)
            }
            Err(error) => {
                tracing::error!(%error, "the accounts stay as they were");
                before
            }
        }
    }

    /// The accounts in the file, which was there once: without it mail would be
    /// refused for good.
    fn read_existing(&self) -> Result<Accounts, Error> {
        match read(&self.path)? {
            (accounts, Some(_)) => Ok(accounts),
            (_, None) => Err(Error::Io {
                path: self.path.clone(),
                source: ErrorKind::NotFound.into(),
            }),
        }
    }

    fn held(&self) -> MutexGuard<'_, Read> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a name could be a new account's: before anybody is asked for a password in vain.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Exists`].
    pub fn check_new(&self, name: &str) -> Result<(), Error> {
        let name = check_name(name)?;
        match self.account(&name) {
            Some(_) => Err(Error::Exists(name)),
            None => Ok(()),
        }
    }

    /// Adds an account with a fresh number; gives it.
    ///
    /// # Errors
    /// Says what is wrong with the name, the password or the file; nothing has changed then.
    pub fn add(&self, name: &str, password: &[u8]) -> Result<Account, Error> {
        self.add_again(name, password, random_id()?)
    }

    /// Adds an account with a number that it had before, and so with the mail that is
    /// in the store under that number.
    ///
    /// # Errors
    /// As [`Directory::add`]; [`Error::Taken`].
    pub fn add_again(&self, name: &str, password: &[u8], id: u64) -> Result<Account, Error> {
        let name = check_name(name)?;
        let prepared = password::prepare(password)?;
        let account = Account {
            name: name.into(),
            id,
            password: password::hash(&prepared)?,
            scram: ScramKeys::derive(&prepared)?,
            disabled: false,
            language: None,
            suppressed: Arc::default(),
            home: None,
            remote_mailboxes: Arc::default(),
        };
        let new = Entry::from(&account);
        self.change(|entries| {
            must_be_new(entries, &new.name)?;
            if let Some(other) = entries.iter().find(|e| e.id == new.id) {
                return Err(Error::Taken {
                    id: new.id,
                    by: other.name.clone(),
                });
            }
            entries.push(new);
            Ok(account)
        })
    }

    /// Gives an account another name, and gives it in the form in which it is kept.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Exists`], [`Error::Name`], or what is wrong with the file.
    pub fn rename(&self, name: &str, new: &str) -> Result<String, Error> {
        let new = check_name(new)?;
        let name = comparable(name);
        self.change(|entries| {
            must_be_new(entries, &new)?;
            existing(entries, &name)?.name.clone_from(&new);
            Ok(new)
        })
    }

    /// Removes an account. Its mail is not touched.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let name = comparable(name);
        self.change(|entries| {
            let at = entries
                .iter()
                .position(|e| comparable(&e.name) == name)
                .ok_or(Error::Missing(name))?;
            entries.remove(at);
            Ok(())
        })
    }

    /// Gives an account another password.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Password`], or what is wrong with the file.
    pub fn set_password(&self, name: &str, password: &[u8]) -> Result<(), Error> {
        let prepared = password::prepare(password)?;
        let hash = password::hash(&prepared)?;
        let scram = ScramKeys::derive(&prepared)?.to_text();
        self.edit(name, |entry| {
            entry.password = hash;
            entry.scram_sha_256 = scram;
            Ok(())
        })
    }

    /// Lets an account log in, or not.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> Result<(), Error> {
        self.edit(name, |entry| {
            entry.disabled = disabled;
            Ok(())
        })
    }

    /// Says which language is preferred for an account, by its tag; or that none is.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_language(&self, name: &str, language: Option<&str>) -> Result<(), Error> {
        self.edit(name, |entry| {
            entry.language = language.map(str::to_owned);
            Ok(())
        })
    }

    /// Has an account's clients not be told of these capabilities of IMAP, and of all others.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_suppressed(&self, name: &str, capabilities: Vec<String>) -> Result<(), Error> {
        self.edit(name, |entry| {
            entry.suppress = capabilities;
            Ok(())
        })
    }

    /// Says which server an account's mail is on; `None`: this one.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_home(&self, name: &str, home: Option<&Home>) -> Result<(), Error> {
        self.edit(name, |entry| {
            entry.home = home.map(|home| home.host.to_string());
            entry.guest = home.is_some_and(|home| home.guest);
            Ok(())
        })
    }

    /// Says which mailboxes of an account are on other servers, `MAILBOX: URL …` each.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_remote_mailboxes(&self, name: &str, remote: Vec<String>) -> Result<(), Error> {
        self.edit(name, |entry| {
            entry.remote_mailboxes = remote;
            Ok(())
        })
    }

    fn edit(
        &self,
        name: &str,
        change: impl FnOnce(&mut Entry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let name = comparable(name);
        self.change(|entries| change(existing(entries, &name)?))
    }

    /// Reads the file, changes it, and puts the new one in its place, under a lock.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<Entry>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let failed = |source| Error::Io {
            path: self.path.clone(),
            source,
        };
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let lock = open_private(&self.path.with_extension("lock"), folder).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut document = read_document(&self.path)?.0;
        let outcome = change(&mut document.accounts)?;
        if document.secret.is_none() {
            document.secret = Some(HEXLOWER.encode(&random::<32>()?));
        }
        let text = toml::to_string(&document).map_err(|error| Error::Malformed {
            path: self.path.clone(),
            what: error.to_string(),
        })?;
        // What could not be read again is not written.
        let accounts = accounts(document, &self.path)?;
        self.replace(&format!("{HEAD}{text}"), folder)
            .map_err(failed)?;
        let stamp = fs::metadata(&self.path).ok().map(|m| stamp(&m));
        *self.held() = Read {
            accounts: Arc::new(accounts),
            stamp,
        };
        Ok(outcome)
    }

    /// Puts a new file in the old one's place: after a crash there is one or the other.
    fn replace(&self, text: &str, folder: &Path) -> io::Result<()> {
        let new = self.path.with_extension("new");
        // One that a crash left behind may have any permissions.
        if let Err(error) = fs::remove_file(&new)
            && error.kind() != ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = open_private(&new, folder)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        File::open(folder)?.sync_all()
    }
}

/// Names are compared in the form in which they are used: a file may have been written by hand.
fn existing<'a>(entries: &'a mut [Entry], name: &str) -> Result<&'a mut Entry, Error> {
    let found = entries.iter_mut().find(|e| comparable(&e.name) == name);
    found.ok_or_else(|| Error::Missing(name.to_owned()))
}

fn must_be_new(entries: &[Entry], name: &str) -> Result<(), Error> {
    if entries.iter().any(|e| comparable(&e.name) == name) {
        return Err(Error::Exists(name.to_owned()));
    }
    Ok(())
}

/// Opens a file to write, making it if need be: for its owner only, and that is the folder's
/// owner. Otherwise a server could not read what root has changed.
fn open_private(path: &Path, folder: &Path) -> io::Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)?;
    let (own, folder) = (file.metadata()?, fs::metadata(folder)?);
    if own.uid() == 0 && folder.uid() != 0 {
        fchown(&file, Some(folder.uid()), Some(folder.gid()))?;
    }
    Ok(file)
}

/// The first lines of the file.
const HEAD: &str =
    "# The accounts of Chapar. Change them with `chapar account`; a running server notices.\n\n";

impl Account {
    /// Who this is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            name: self.name.clone(),
            account: self.id,
            language: self.language.clone(),
            suppressed: Arc::clone(&self.suppressed),
            home: self.home.clone(),
            remote_mailboxes: Arc::clone(&self.remote_mailboxes),
        }
    }
}

impl From<&Account> for Entry {
    fn from(account: &Account) -> Self {
        Self {
            name: account.name.to_string(),
            id: format!("A{:x}", account.id),
            password: account.password.clone(),
            scram_sha_256: account.scram.to_text(),
            disabled: account.disabled,
            language: account.language.as_deref().map(str::to_owned),
            suppress: account.suppressed.to_vec(),
            home: account.home.as_ref().map(|home| home.host.to_string()),
            guest: account.home.as_ref().is_some_and(|home| home.guest),
            remote_mailboxes: account.remote_mailboxes.to_vec(),
        }
    }
}

impl Entry {
    fn account(self) -> Result<Account, &'static str> {
        let id = self
            .id
            .strip_prefix('A')
            .and_then(|hex| u64::from_str_radix(hex, 16).ok());
        Ok(Account {
            name: check_name(&self.name)
                .map_err(|_| "its name can't be one")?
                .into(),
            id: id
                .filter(|&id| id != 0)
                .ok_or("its id is not A and hexadecimal digits")?,
            scram: ScramKeys::from_text(&self.scram_sha_256)
                .ok_or("its scram-sha-256 is not of RFC 5803's form")?,
            password: if password::is_hash(&self.password) {
                self.password
            } else {
                return Err("its password is not an Argon2id hash");
            },
            disabled: self.disabled,
            language: self.language.map(Into::into),
            suppressed: self.suppress.into(),
            home: self.home.map(|host| Home {
                host: host.into(),
                guest: self.guest,
            }),
            remote_mailboxes: self.remote_mailboxes.into(),
        })
    }
}

fn stamp(metadata: &fs::Metadata) -> Stamp {
    (
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec(),
    )
}

fn read_document(path: &Path) -> Result<(Document, Option<Stamp>), Error> {
    let stamp = match fs::metadata(path) {
        Ok(metadata) => stamp(&metadata),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Ok((Document::default(), None));
        }
        Err(source) => {
            return Err(Error::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    let text = fs::read_to_string(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    let document = toml::from_str(&text).map_err(|e| Error::Malformed {
        path: path.to_owned(),
        what: e.to_string(),
    })?;
    Ok((document, Some(stamp)))
}

fn read(path: &Path) -> Result<(Accounts, Option<Stamp>), Error> {
    let (document, stamp) = read_document(path)?;
    Ok((accounts(document, path)?, stamp))
}

/// The accounts of a document, if it is good as a whole.
fn accounts(document: Document, path: &Path) -> Result<Accounts, Error> {
    let malformed = |what: String| Error::Malformed {
        path: path.to_owned(),
        what,
    };
    let mut accounts = Accounts {
        secret: document.secret.as_deref().and_then(secret),
        ..Accounts::default()
    };
    if document.secret.is_some() && accounts.secret.is_none() {
        return Err(malformed(
            "the secret is not 64 hexadecimal digits; without it, a new one is made".to_owned(),
        ));
    }
    let mut ids = HashMap::new();
    for entry in document.accounts {
        let name = entry.name.clone();
        let account = entry
            .account()
            .map_err(|why| malformed(format!("account {name:?}: {why}")))?;
        if let Some(other) = ids.insert(account.id, name.clone()) {
            return Err(malformed(format!(
                "accounts {other:?} and {name:?} have the same id"
            )));
        }
        if accounts
            .by_name
            .insert(account.name.clone(), Arc::new(account))
            .is_some()
        {
            return Err(malformed(format!("account {name:?} is there twice")));
        }
    }
    Ok(accounts)
}

/// A name in the one form in which names are kept and compared.
pub(crate) fn comparable(name: &str) -> String {
    match stringprep::saslprep(name) {
        Ok(prepared) => prepared.to_lowercase(),
        Err(_) => name.to_lowercase(),
    }
}

fn check_name(name: &str) -> Result<String, Error> {
    let prepared = comparable(name);
    let why = if prepared.is_empty() {
        Some("it is empty")
    } else if prepared.len() > NAME_OCTETS_MAX {
        Some("it is longer than 254 octets")
    } else if stringprep::saslprep(name).is_err() {
        Some("it has characters that SASLprep forbids")
    } else if prepared
        .chars()
        .any(|c| c.is_whitespace() || c.is_control())
    {
        Some("it has a space or a control character")
    } else if prepared.contains(['/', '\\', '"', '<', '>', ',', ';', ':', '+', '*', '%']) {
        Some("it has one of / \\ \" < > , ; : + * %")
    } else if prepared.matches('@').count() > 1
        || prepared.starts_with('@')
        || prepared.ends_with('@')
    {
        Some("it is neither user nor user@domain")
    } else {
        None
    };
    match why {
        Some(why) => Err(Error::Name {
            name: name.to_owned(),
            why,
        }),
        None => Ok(prepared),
    }
}

/// A number no account has ever had, but for a chance that is none.
fn random_id() -> Result<u64, Error> {
    Ok((u64::from_le_bytes(random()?) >> 1).max(1))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|_| Unusable::NotHashed)?;
    Ok(octets)
}

fn secret(digits: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(domains: &[&str]) -> (tempfile::TempDir, Directory) {
        let folder = tempfile::tempdir().unwrap();
        let domains = domains.iter().map(|d| (*d).to_owned()).collect();
        let directory = Directory::open(folder.path().join("accounts.toml"), domains).unwrap();
        (folder, directory)
    }

    #[test]
    fn accounts_come_change_and_go() {
        let (folder, directory) = directory(&[]);
        let ann = directory.add("Ann", b"secret").unwrap();
        assert_eq!(&*ann.name, "ann");
        assert!(matches!(directory.add("aNN", b"x"), Err(Error::Exists(_))));
        assert!(matches!(
            directory.add("bob", b""),
            Err(Error::Password(Unusable::Empty))
        ));
        directory.set_password("ann", b"other").unwrap();
        directory.set_disabled("ann", true).unwrap();
        let again = Directory::open(folder.path().join("accounts.toml"), Vec::new()).unwrap();
        let read = again.account("ANN").unwrap();
        assert_eq!((read.id, read.disabled), (ann.id, true));
        assert!(password::verify("other", &read.password));
        directory.remove("ann").unwrap();
        assert!(matches!(directory.remove("ann"), Err(Error::Missing(_))));
        assert_eq!(directory.accounts(), []);
    }

    #[test]
    fn an_account_can_come_back_and_change_its_name() {
        let (_folder, directory) = directory(&[]);
        let ann = directory.add("ann", b"secret").unwrap();
        let taken = directory.add_again("bob", b"secret", ann.id).unwrap_err();
        assert!(matches!(taken, Error::Taken { by, .. } if by == "ann"));
        directory.remove("ann").unwrap();
        let bob = directory.add_again("bob", b"secret", ann.id).unwrap();
        assert_eq!(bob.id, ann.id);
        directory.add("carl", b"secret").unwrap();
        for (name, new) in [("bob", "Carl"), ("nobody", "x"), ("bob", "a b")] {
            assert!(directory.rename(name, new).is_err(), "{name} to {new}");
        }
        assert_eq!(
            directory.rename("BOB", "Bob@Example.org").unwrap(),
            "bob@example.org"
        );
        assert_eq!(directory.account("bob@example.org").unwrap().id, ann.id);
        assert!(directory.account("bob").is_none());
    }

    #[test]
    fn names_have_rules() {
        for bad in [
            "",
            "a b",
            "a/b",
            "../x",
            "a@b@c",
            "@x",
            "a+b",
            "a\u{0}b",
            &"x".repeat(255),
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["ann", "ann@example.org", "jörg", "a.b-c_d"] {
            assert_eq!(check_name(good).unwrap(), good);
        }
    }

    #[test]
    fn addresses_find_their_accounts() {
        let (_folder, directory) = directory(&["example.org"]);
        for name in ["ann", "bob@other.test"] {
            directory.add(name, b"secret").unwrap();
        }
        for (local, domain, expected) in [
            ("ann", Some("example.org"), Some(("ann", None))),
            ("ANN", Some("Example.ORG"), Some(("ann", None))),
            ("ann", None, Some(("ann", None))),
            ("ann", Some("elsewhere.test"), None),
            (
                "ann+lists/rust",
                Some("example.org"),
                Some(("ann", Some("lists/rust"))),
            ),
            ("ann+", Some("example.org"), Some(("ann", None))),
            (
                "bob+x",
                Some("other.test"),
                Some(("bob@other.test", Some("x"))),
            ),
            ("bob", Some("example.org"), None),
            ("+x", Some("example.org"), None),
        ] {
            let found = directory.recipient(local, domain);
            let found = found
                .as_ref()
                .map(|r| (&*r.identity.name, r.detail.as_deref()));
            assert_eq!(found, expected, "{local}@{domain:?}");
        }
    }

    #[test]
    fn a_broken_file_is_named_and_leaves_the_accounts() {
        let (folder, directory) = directory(&[]);
        directory.add("ann", b"secret").unwrap();
        let path = folder.path().join("accounts.toml");
        let good = fs::read_to_string(&path).unwrap();
        let entry = &good[good.find("[[account]]").unwrap()..];
        for (bad, says) in [
            (good.replace("id = \"A", "id = \"B"), "id"),
            (format!("{good}\nnonsense = 1\n"), "nonsense"),
            (format!("{good}{entry}"), "same id"),
            (good.replace("secret = \"", "secret = \"x"), "secret"),
            (good.replace("$argon2id$", "$argon3$"), "Argon2id"),
        ] {
            fs::write(&path, bad).unwrap();
            assert!(directory.add("bob", b"secret").is_err());
            let error = Directory::open(path.clone(), Vec::new())
                .unwrap_err()
                .to_string();
            assert!(
                error.contains(says) && error.contains("accounts.toml"),
                "{error}"
            );
            assert!(directory.account("ann").is_some());
        }
        fs::remove_file(&path).unwrap();
        assert!(directory.account("ann").is_some(), "no file is broken, too");
        let other = good.replace("\"ann\"", "\"bob\"");
        fs::write(&path, other).unwrap();
        assert!(directory.account("ann").is_none());
        assert!(directory.account("bob").is_some());
    }

    #[test]
    fn the_file_is_private_and_nothing_else_is_left() {
        let (folder, directory) = directory(&[]);
        let new = folder.path().join("accounts.new");
        fs::write(&new, "what a crash left").unwrap();
        directory.add("ann", b"secret").unwrap();
        let secret = directory.secret();
        directory.set_password("ann", b"other").unwrap();
        assert!(secret.is_some() && directory.secret() == secret);
        let path = folder.path().join("accounts.toml");
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
        assert!(!new.exists());
    }

    #[test]
    fn administrators_at_once_lose_nothing() {
        let (folder, _) = directory(&[]);
        let path = folder.path().join("accounts.toml");
        std::thread::scope(|scope| {
            for name in ["ann", "bob", "carl", "dora"] {
                let path = path.clone();
                scope.spawn(move || {
                    let directory = Directory::open(path, Vec::new()).unwrap();
                    directory.add(name, b"secret").unwrap();
                });
            }
        });
        let directory = Directory::open(path, Vec::new()).unwrap();
        assert_eq!(directory.accounts().len(), 4);
    }
}
