//! Changes to accounts: each reads the file, changes it, and puts a new one in its place, under a lock.

use std::sync::Arc;

use data_encoding::HEXLOWER;

use super::{
    Directory, Error,
    account::{Account, Credentials, Home},
    document::{AccountEntry, Contents, Document},
    file,
    name::{check_name, comparable},
    role::Roles,
};
use crate::password::{self, ScramKeys, Unusable};

impl Directory {
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
        check_name(name)?;
        self.add_entry(name, Some(credentials(password)?), id)
    }

    /// Adds an account that nobody can log in to, until it is given a password.
    ///
    /// # Errors
    /// As [`Directory::add`].
    pub fn add_without_password(&self, name: &str) -> Result<Account, Error> {
        self.add_entry(name, None, random_id()?)
    }

    fn add_entry(
        &self,
        name: &str,
        credentials: Option<Credentials>,
        id: u64,
    ) -> Result<Account, Error> {
        let account = Account {
            name: check_name(name)?.into(),
            id,
            credentials,
            disabled: false,
            language: None,
            suppressed: Arc::default(),
            home: None,
            remote_mailboxes: Arc::default(),
            groups: Arc::default(),
            roles: Roles::default(),
        };
        let new = AccountEntry::from(&account);
        self.change(|document| {
            must_be_new(document, &new.name)?;
            document.must_be_free(&new.id)?;
            // What somebody of that name was once a member of is not theirs.
            document.forget_member(&new.name);
            document.accounts.push(new);
            Ok(account)
        })
    }

    /// Gives an account another name, and gives it in the form in which it is kept. It stays in its groups.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Exists`], [`Error::Name`], or what is wrong with the file.
    pub fn rename(&self, name: &str, new: &str) -> Result<String, Error> {
        let new = check_name(new)?;
        let name = comparable(name);
        let new = self.change(|document| {
            if name != new {
                must_be_new(document, &new)?;
                document.forget_member(&new);
            }
            existing(document, &name)?.name.clone_from(&new);
            let members = document.groups.iter_mut().flat_map(|g| &mut g.members);
            for member in members.filter(|member| comparable(member) == name) {
                member.clone_from(&new);
            }
            Ok(new)
        })?;
        self.bid_farewell(&name, Some(&new));
        Ok(new)
    }

    /// Removes an account, also from its groups. Its mail is not touched; whoever is to be told is
    /// ([`Directory::on_farewell`]).
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn remove(&self, name: &str) -> Result<(), Error> {
        let name = comparable(name);
        self.change(|document| {
            let at = document
                .accounts
                .iter()
                .position(|e| comparable(&e.name) == name)
                .ok_or_else(|| Error::Missing(name.clone()))?;
            document.accounts.remove(at);
            document.forget_member(&name);
            Ok(())
        })?;
        self.bid_farewell(&name, None);
        Ok(())
    }

    /// Gives an account another password.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Password`], or what is wrong with the file.
    pub fn set_password(&self, name: &str, password: &[u8]) -> Result<(), Error> {
        let credentials = credentials(password)?;
        self.edit(name, |entry| {
            entry.password = Some(credentials.password);
            entry.scram_sha_256 = Some(credentials.scram.to_text());
        })
    }

    /// Lets an account log in, or not.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_disabled(&self, name: &str, disabled: bool) -> Result<(), Error> {
        self.edit(name, |entry| entry.disabled = disabled)
    }

    /// Says which language is preferred for an account, by its tag; or that none is.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_language(&self, name: &str, language: Option<&str>) -> Result<(), Error> {
        self.edit(name, |entry| entry.language = language.map(str::to_owned))
    }

    /// Has an account's clients not be told of these capabilities of IMAP, and of all others.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_suppressed(&self, name: &str, capabilities: Vec<String>) -> Result<(), Error> {
        self.edit(name, |entry| entry.suppress = capabilities)
    }

    /// Says which server an account's mail is on; `None`: this one.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_home(&self, name: &str, home: Option<&Home>) -> Result<(), Error> {
        self.edit(name, |entry| {
            entry.home = home.map(|home| home.host.to_string());
            entry.guest = home.is_some_and(|home| home.guest);
        })
    }

    /// Says which mailboxes of an account are on other servers, `MAILBOX: URL …` each.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_remote_mailboxes(&self, name: &str, remote: Vec<String>) -> Result<(), Error> {
        self.edit(name, |entry| entry.remote_mailboxes = remote)
    }

    /// Says what an account may administer.
    ///
    /// # Errors
    /// [`Error::Missing`], or what is wrong with the file.
    pub fn set_roles(&self, name: &str, roles: &Roles) -> Result<(), Error> {
        self.edit(name, |entry| {
            entry.roles = roles.iter().map(ToString::to_string).collect();
        })
    }

    fn edit(&self, name: &str, change: impl FnOnce(&mut AccountEntry)) -> Result<(), Error> {
        let name = comparable(name);
        self.change(|document| {
            change(existing(document, &name)?);
            Ok(())
        })
    }

    /// Reads the file, changes it, and puts the new one in its place, under a lock.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Document) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let failed = |source| Error::Io {
            path: self.path.clone(),
            source,
        };
        let folder = file::folder(&self.path).map_err(failed)?;
        let lock = self.path.with_extension("lock");
        let lock = file::open_private(&lock, folder).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut document = file::read_document(&self.path)?.0;
        let outcome = change(&mut document)?;
        if document.secret.is_none() {
            document.secret = Some(HEXLOWER.encode(&random::<32>()?));
        }
        let text = toml::to_string(&document).map_err(|error| Error::Malformed {
            path: self.path.clone(),
            what: error.to_string(),
        })?;
        // What could not be read again is not written.
        let contents = Contents::of(document, &self.path)?;
        file::replace(&self.path, &text, folder).map_err(failed)?;
        let mut held = self.held();
        held.contents = Arc::new(contents);
        held.stamp = file::stamp(&self.path);
        held.generation += 1;
        drop(held);
        Ok(outcome)
    }
}

impl Document {
    /// That nothing else has an id, as it is written.
    pub(super) fn must_be_free(&self, id: &str) -> Result<(), Error> {
        let account = self.accounts.iter().find(|e| e.id == id);
        let account = account.map(|e| e.name.clone());
        let shared = self.shared.iter().find(|e| e.id == id);
        let by =
            account.or_else(|| shared.map(|e| format!("the shared mailboxes of {}", e.domain)));
        match by {
            Some(by) => Err(Error::Taken {
                id: id.to_owned(),
                by,
            }),
            None => Ok(()),
        }
    }

    fn forget_member(&mut self, name: &str) {
        for group in &mut self.groups {
            group.members.retain(|member| comparable(member) != name);
        }
    }
}

/// Names are compared in the form in which they are used: a file may have been written by hand.
fn existing<'a>(document: &'a mut Document, name: &str) -> Result<&'a mut AccountEntry, Error> {
    let mut entries = document.accounts.iter_mut();
    let found = entries.find(|e| comparable(&e.name) == name);
    found.ok_or_else(|| Error::Missing(name.to_owned()))
}

fn must_be_new(document: &Document, name: &str) -> Result<(), Error> {
    if document
        .accounts
        .iter()
        .any(|e| comparable(&e.name) == name)
    {
        return Err(Error::Exists(name.to_owned()));
    }
    Ok(())
}

fn credentials(password: &[u8]) -> Result<Credentials, Error> {
    let prepared = password::prepare(password)?;
    Ok(Credentials {
        password: password::hash(&prepared)?,
        scram: ScramKeys::derive(&prepared)?,
    })
}

/// A number no account has ever had, but for a chance that is none.
pub(super) fn random_id() -> Result<u64, Error> {
    Ok((u64::from_le_bytes(random()?) >> 1).max(1))
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|_| Unusable::NotHashed)?;
    Ok(octets)
}
