//! What verbs work on.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth::{Directory, Roles};
use store::{Account, AccountId, MailboxId, MailboxName, Store};

use crate::{
    log::Lately, outcome::Failed, registry::Registry, request::Request, sessions::Sessions, whose,
};

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
    /// Where old mail lies, if there is such a place.
    pub archive: Option<store::archive::ArchiveRule>,
    /// Who asks, as it is written into the history of accounts: `admin root`.
    pub by: Arc<str>,
    /// What whoever asks may administer.
    pub roles: Roles,
    /// Who is connected; `None` where no server runs.
    pub sessions: Option<Sessions>,
    /// What its log has said lately; `None` where no server runs.
    pub lately: Option<Lately>,
    /// What runs now: shared by all contexts of a process.
    pub running: Running,
}

impl Context {
    /// What verbs on the accounts file work on.
    pub(crate) fn registry(&self) -> Registry<'_> {
        Registry {
            directory: &self.directory,
            roles: &self.roles,
        }
    }

    /// Whether whoever asks may have a request done.
    ///
    /// # Errors
    /// They may not: says which role it takes.
    pub fn permits(&self, request: &Request) -> Result<(), Failed> {
        request.permitted(self.registry())
    }

    /// Whether whoever asks may know of an account: they administer its domain, or help its people.
    pub(crate) fn sees(&self, id: AccountId) -> bool {
        match self.registry().domain_of_id(id) {
            Some(domain) => self.roles.helps(&domain),
            None => self.roles.is_administrator(),
        }
    }

    /// The account that is meant: by its name, or by its id (`A1f0c29`), which one that has been removed
    /// still has. `@example.org` is the one that has the shared mailboxes of that domain, `@` that of the site. Gives
    /// its id, for which there may be no mail yet.
    ///
    /// # Errors
    /// There is none.
    pub async fn account_id(&self, account: &str) -> Result<AccountId, Failed> {
        if let Some(domain) = account.strip_prefix('@') {
            let shared = self.directory.shared(domain).map(AccountId);
            let none =
                || Failed::because(format!("there are no shared mailboxes of {account} yet"));
            return shared.ok_or_else(none);
        }
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
        self.open(id).await
    }

    /// An account, opened; what is done through it is written down as done by whoever asks.
    ///
    /// # Errors
    /// It can't be opened.
    pub(crate) async fn open(&self, id: AccountId) -> Result<Account, Failed> {
        let account = if self.directory.shared_domain(id.0).is_some() {
            self.store.shared_account(id).await?
        } else {
            self.store.account(id).await?
        };
        Ok(account.acting(&self.by))
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
        self.open(id).await
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

    /// The accounts that have the shared mailboxes of the domains that a pattern means, and what they are
    /// called: `@example.org`, and `@` for the site itself.
    pub(crate) fn shared(&self, pattern: &str) -> Vec<(AccountId, Arc<str>)> {
        let pattern = pattern.strip_prefix('@').unwrap_or(pattern).to_lowercase();
        let shared = self.directory.all_shared().into_iter();
        let shared = shared.filter(|(domain, _)| whose::matches(&pattern, domain));
        shared
            .map(|(domain, id)| (AccountId(id), format!("@{domain}").into()))
            .collect()
    }

    /// What accounts are called, those of shared mailboxes among them. One that has been removed has no name.
    #[must_use]
    pub fn names(&self) -> BTreeMap<AccountId, Arc<str>> {
        let named = self.directory.accounts();
        let named = named.iter();
        named
            .map(|account| (AccountId(account.id), Arc::clone(&account.name)))
            .chain(self.shared("*"))
            .collect()
    }

    /// What an account is called; its id, if it has no name.
    #[must_use]
    pub fn name(&self, id: AccountId) -> Arc<str> {
        let name = self.names().get(&id).map(Arc::clone);
        name.unwrap_or_else(|| id.to_string().into())
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
