//! What verbs work on.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth::Directory;
use store::{Account, AccountId, MailboxId, MailboxName, Store};

use crate::outcome::Failed;

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// How long expunged messages and deleted mailboxes can be brought back.
    pub deleted: Duration,
}

impl Retention {
    /// As the store has it.
    #[must_use]
    pub fn of_store(self) -> store::past::Retention {
        store::past::Retention {
            deleted_seconds: self.deleted.as_secs(),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            deleted: Duration::from_hours(14 * 24),
        }
    }
}

/// What verbs work on: an open store, and who asks.
#[derive(Debug, Clone)]
pub struct Context {
    /// The mail.
    pub store: Store,
    /// The accounts by name.
    pub directory: Arc<Directory>,
    /// The store's directory.
    pub data: PathBuf,
    /// How long things are kept.
    pub retention: Retention,
    /// When mail goes by itself.
    pub expiry: store::past::Rules,
    /// Who asks, as it is written into the history of accounts: `admin root`.
    pub by: Arc<str>,
    /// What runs now: shared by all contexts of a process.
    pub running: Running,
}

impl Context {
    /// The account that is meant: by its name, or by its id (`A1f0c29`), which one that has been removed
    /// still has. Gives its id, for which there may be no mail yet.
    ///
    /// # Errors
    /// There is none.
    pub async fn account_id(&self, account: &str) -> Result<AccountId, Failed> {
        if let Some(named) = self.directory.account(account) {
            return Ok(AccountId(named.id));
        }
        if let Ok(id) = account.parse::<AccountId>()
            && (self.names().contains_key(&id) || self.store.accounts().await?.contains(&id))
        {
            return Ok(id);
        }
        Err(Failed::because(format!("there is no account {account:?}")))
    }

    /// The account that is meant, opened; what is done through it is written down as done by whoever asks.
    ///
    /// # Errors
    /// There is none, or it can't be opened.
    pub async fn account(&self, account: &str) -> Result<Account, Failed> {
        let id = self.account_id(account).await?;
        Ok(self.store.account(id).await?.acting(&self.by))
    }

    /// The account that is meant, as [`Context::account`]; only if there is mail of it already. Looking at an
    /// account should not make its first mailboxes.
    ///
    /// # Errors
    /// There is no such account, no mail of it, or it can't be opened.
    pub async fn account_with_mail(&self, account: &str) -> Result<Account, Failed> {
        let id = self.account_id(account).await?;
        if !self.store.accounts().await?.contains(&id) {
            let account = self.display(id);
            return Err(Failed::because(format!(
                "there is no mail of {account} yet"
            )));
        }
        Ok(self.store.account(id).await?.acting(&self.by))
    }

    /// The mailbox of an account that is meant: by its name, or by its id (`M2`).
    ///
    /// # Errors
    /// There is none.
    pub fn mailbox(&self, account: &Account, mailbox: &str) -> Result<MailboxId, Failed> {
        let name = MailboxName::new(mailbox)?;
        let snapshot = account.snapshot();
        if let Some(named) = snapshot.named(&name) {
            return Ok(named.id());
        }
        if let Ok(id) = mailbox.parse::<MailboxId>()
            && snapshot.mailbox(id).is_some()
        {
            return Ok(id);
        }
        let account = self.display(account.id());
        Err(Failed::because(format!(
            "{account} has no mailbox {mailbox:?}"
        )))
    }

    /// What accounts are called. One that has been removed has no name.
    #[must_use]
    pub fn names(&self) -> BTreeMap<AccountId, Arc<str>> {
        let named = self.directory.accounts();
        let named = named.iter();
        named
            .map(|account| (AccountId(account.id), Arc::clone(&account.name)))
            .collect()
    }

    /// An account for people: `ann (A1f0c29)`; its id alone, if it has no name.
    #[must_use]
    pub fn display(&self, id: AccountId) -> String {
        match self.names().get(&id) {
            Some(name) => format!("{name} ({id})"),
            None => id.to_string(),
        }
    }

    /// The right to be the only one that does `what` (`"compact"`), until the answer is dropped.
    ///
    /// # Errors
    /// It is being done.
    pub fn alone(&self, what: &str) -> Result<Alone, Failed> {
        if !self.running.held().insert(what.to_owned()) {
            return Err(Failed::because(format!(
                "busy: {what} is running already; try again when it is done"
            )));
        }
        Ok(Alone {
            running: self.running.clone(),
            what: what.to_owned(),
        })
    }
}

/// What runs now, of what must not run twice at once.
#[derive(Debug, Clone, Default)]
pub struct Running(Arc<Mutex<BTreeSet<String>>>);

impl Running {
    fn held(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // The set is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to be the only one that does something; dropped, it is anybody's.
#[derive(Debug)]
pub struct Alone {
    running: Running,
    what: String,
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.running.held().remove(&self.what);
    }
}
