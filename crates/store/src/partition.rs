//! The partitions of a store, for who administers it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use crate::{
    checkpoint,
    engine::{Engine, Partition, PartitionSlot, partitions::reason},
    error::Error,
    id::AccountId,
    past::Retention,
    store::Store,
};

/// A partition, as it is now.
#[derive(Debug, Clone)]
pub struct PartitionStatus {
    /// Its name.
    pub name: Arc<str>,
    /// Its number, which places in it carry.
    pub number: u16,
    /// Its directory, links followed; `None` in memory.
    pub path: Option<PathBuf>,
    /// Accounts whose log is there; `None` if it is not open.
    pub accounts: Option<u64>,
    /// Octets that it takes; `None` if that can't be told.
    pub octets: Option<u64>,
    /// Octets that are free there; `None` if that can't be told.
    pub free: Option<u64>,
    /// Why it is out of service; `None` if it is in service.
    pub out_of_service: Option<Arc<str>>,
    /// Whether new accounts begin there.
    pub first: bool,
}

impl Store {
    /// Where accounts that are opened for the first time begin from now on.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if there is no partition of that name.
    pub fn begin_accounts_in(&self, name: &str) -> Result<(), Error> {
        let slots = self.partitions().all();
        let slot = slots.iter().find(|slot| *slot.partition.name == *name);
        let slot = slot.ok_or(Error::NotPermitted("there is no partition of that name"))?;
        self.first().store(slot.partition.number, Ordering::Relaxed);
        Ok(())
    }

    /// Every partition, ascending by number.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub async fn partition_statuses(&self) -> Result<Vec<PartitionStatus>, Error> {
        let mut statuses = Vec::new();
        let first = self.first().load(Ordering::Relaxed);
        for PartitionSlot { partition, engine } in self.partitions().all() {
            let (path, space) = self.partitions().space(&partition);
            let (accounts, why) = match &engine {
                Ok(engine) => {
                    let accounts = self.accounts_in(engine).await?.len() as u64;
                    (Some(accounts), engine.refused())
                }
                Err(error) => (None, Some(error.clone())),
            };
            statuses.push(PartitionStatus {
                name: partition.name,
                number: partition.number,
                path,
                accounts,
                octets: space.map(|space| space.octets),
                free: space.map(|space| space.free),
                out_of_service: why.as_ref().map(reason),
                first: partition.number == first,
            });
        }
        Ok(statuses)
    }

    /// Accounts whose log is in a partition.
    async fn accounts_in(&self, engine: &Engine) -> Result<Vec<AccountId>, Error> {
        let mut known: BTreeSet<AccountId> =
            checkpoint::accounts(engine).await?.into_iter().collect();
        known.extend(engine.pending_accounts());
        let mut there = Vec::new();
        for id in known {
            match self.partition_of(id).await {
                Ok(name) if name == engine.partition().name => there.push(id),
                // One that went to where it can't be asked for is not here.
                Ok(_) | Err(Error::OutOfService(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(there)
    }

    /// The name of the partition in which an account is, or would begin.
    ///
    /// # Errors
    /// As [`Store::account`].
    pub async fn partition_of(&self, id: AccountId) -> Result<Arc<str>, Error> {
        let home = self.home(id).await?;
        Ok(home.partition().name.clone())
    }

    /// Whether a partition of that name may be added.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] says why not.
    pub fn may_add_partition(&self, name: &str) -> Result<(), Error> {
        self.partitions().may_add(name)
    }

    /// Adds a partition: a directory below the store's, or a link to `path`. What is there already of this
    /// store is taken as it is. Waits for the disk: call it on a thread that may.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if it can't be named so or there is one of that name;
    /// [`Error::Corrupt`] if what is there is another store's; [`Error::Io`], [`Error::Full`].
    pub fn add_partition(&self, name: &str, path: Option<&Path>) -> Result<(), Error> {
        self.partitions().add(name, path).map(drop)
    }

    /// Takes a partition out of the store, if nothing needs it. Its directory stays.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if it is the only one, or new accounts begin there, or something needs it: see
    /// [`Store::needs`].
    pub async fn remove_partition(&self, name: &str, retention: Retention) -> Result<(), Error> {
        let engine = self.partition_named(name)?;
        let number = engine.partition().number;
        let _one = self.moves().lock().await;
        if self.first().load(Ordering::Relaxed) == number {
            return Err(Error::NotPermitted("new accounts begin there"));
        }
        if !self.needs(name, retention).await?.is_empty() {
            return Err(Error::NotPermitted("something needs it"));
        }
        // What its checkpoint has to say is said.
        self.checkpoint().await?;
        self.partitions().remove(number).await
    }

    /// The accounts that need a partition, and for what; a message that is gone needs it as long as it
    /// can be brought back. Looks at every message.
    ///
    /// # Errors
    /// As [`Store::account`]; also if some partition is not open, as nobody knows then.
    pub async fn needs(&self, name: &str, retention: Retention) -> Result<Vec<Need>, Error> {
        let engine = self.partition_named(name)?;
        let number = engine.partition().number;
        let mut needs = Vec::new();
        for id in self.accounts().await? {
            let account = self.account(id).await?;
            let mut need = Need {
                account: id,
                home: account.shared.engine().partition().number == number,
                mailboxes: 0,
                messages: 0,
                gone: 0,
            };
            let snapshot = account.snapshot();
            for (_, mailbox) in snapshot.mailboxes() {
                need.mailboxes += u64::from(mailbox.partition == Some(number));
                let open = account.open_mailbox(mailbox.id()).await?;
                let there = open.every().filter(|it| it.record.partition() == number);
                need.messages += there.count() as u64;
            }
            let gone = account.gone(retention).await?;
            let gone = gone.mailboxes.iter().flat_map(|it| &it.messages);
            let there = gone.filter(|it| it.record.at.partition() == number);
            need.gone = there.count() as u64;
            if need.home || need.mailboxes + need.messages + need.gone > 0 {
                needs.push(need);
            }
        }
        Ok(needs)
    }

    /// Opens a partition again that is out of service, or was not there when the store was opened,
    /// after a walk through all of it. Gives what is damaged there, for a person. Handles of accounts that
    /// are there fail from then on; new ones work.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if there is none of that name, or it is in service. Why it can't be
    /// opened: then it is as before.
    pub async fn reopen_partition(&self, name: &str) -> Result<Vec<String>, Error> {
        let slots = self.partitions().all();
        let slot = slots.iter().find(|slot| *slot.partition.name == *name);
        let slot = slot.ok_or(Error::NotPermitted("there is no partition of that name"))?;
        let Partition { number, .. } = slot.partition;
        let _none = self.checkpoints().lock().await;
        self.forget_accounts_in(number);
        let damages = self.partitions().reopen(number).await?;
        // Whoever came meanwhile has an engine that is closed.
        self.forget_accounts_in(number);
        Ok(damages
            .iter()
            .map(|it| format!("{} at {}:{}", it.what, it.file, it.offset))
            .collect())
    }
}

/// What of an account needs a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Which account.
    pub account: AccountId,
    /// Whether the account itself is there.
    pub home: bool,
    /// Mailboxes whose new messages go there.
    pub mailboxes: u64,
    /// Messages that lie there.
    pub messages: u64,
    /// Messages that are gone, lie there, and can be brought back.
    pub gone: u64,
}
