//! Who shares with whom, as far as it may be: so that a LIST opens the accounts that may have something
//! for its user, and no others.
//!
//! An index that rules out, and never in: to whom an account may have given rights is written down here, durably,
//! before the batch that gives them is ([`crate::account::commit`] sees to it, so no verb can forget); and stays
//! when they are taken away. What somebody may see now, the account's own state says.
//!
//! It lies in the checkpoint of every partition, one value for each account that shares, and goes where that goes: if
//! the mark is missing that it is whole, it is made anew from the states of the accounts. An account that comes from
//! another partition is noted in its new one; what stays in the old one does no harm.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    change::{Change, put_acl, read_acl},
    checkpoint::{self, seal, unseal},
    engine::Engine,
    error::Error,
    id::AccountId,
    rights::{Acl, Identifier, Rights, Who},
    snapshot::Snapshot,
    store::Store,
};

/// What the index's keys in a checkpoint begin with; this alone is the key of its mark.
const SHARING: u8 = b's';

/// The index of a store.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    known: Mutex<Known>,
    /// Held by whoever writes it down.
    writing: tokio::sync::Mutex<()>,
    /// Held by whoever makes it anew.
    making: tokio::sync::Mutex<()>,
}

/// What is in memory of it: all that is written down, of the partitions that were looked at.
#[derive(Debug, Default)]
struct Known {
    /// Partitions that were looked at, and whether what they have is whole.
    partitions: BTreeMap<u16, bool>,
    /// To whom an account gave rights, by what a partition has of it.
    given: HashMap<(u16, AccountId), HashSet<Who>>,
    /// The same from the other side.
    by: HashMap<Who, BTreeSet<AccountId>>,
}

impl Known {
    fn add(&mut self, partition: u16, account: AccountId, to: impl IntoIterator<Item = Who>) {
        for who in to {
            self.by.entry(who.clone()).or_default().insert(account);
            self.given
                .entry((partition, account))
                .or_default()
                .insert(who);
        }
    }
}

/// Accounts that may share something with somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sharers {
    /// They named them, or a group that they are in.
    pub named: BTreeSet<AccountId>,
    /// They named everybody, which means the people of their domain.
    pub with_everybody: BTreeSet<AccountId>,
}

impl Known {
    fn sharing(&self, with: impl IntoIterator<Item = Who>, but: AccountId) -> BTreeSet<AccountId> {
        let sharing = with.into_iter().filter_map(|who| self.by.get(&who));
        sharing.flatten().copied().filter(|id| *id != but).collect()
    }
}

impl Sharing {
    /// To whom changes give rights of whom nothing is written down yet.
    pub(crate) fn unknown(
        &self,
        partition: u16,
        account: AccountId,
        changes: &[Change],
    ) -> HashSet<Who> {
        let mut to = HashSet::new();
        for change in changes {
            if let Change::RightsSet { acl: Some(acl), .. } = change {
                to.extend(others(acl));
            }
        }
        if !to.is_empty()
            && let Some(given) = self.known().given.get(&(partition, account))
        {
            to.retain(|who| !given.contains(who));
        }
        to
    }

    /// Writes down to whom an account is about to give rights: durable on return.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`], [`Error::Corrupt`].
    pub(crate) async fn note(
        &self,
        engine: &Engine,
        account: AccountId,
        to: HashSet<Who>,
    ) -> Result<(), Error> {
        if to.is_empty() {
            return Ok(());
        }
        let _one = self.writing.lock().await;
        self.look(engine).await?;
        let number = engine.partition().number;
        let mut all = to;
        if let Some(given) = self.known().given.get(&(number, account)) {
            if all.iter().all(|who| given.contains(who)) {
                return Ok(());
            }
            all.extend(given.iter().cloned());
        }
        let key = key(account);
        let value = seal(&key, |body| put_acl(body, Some(&listed(&all))));
        engine
            .checkpoint_put(vec![(key, Some(value))], None)
            .await?;
        self.known().add(number, account, all);
        Ok(())
    }

    /// A partition is opened anew: what it has is looked at again.
    pub(crate) fn forget(&self, partition: u16) {
        self.known().partitions.remove(&partition);
    }

    /// Reads what a partition has written down, unless that was done.
    async fn look(&self, engine: &Engine) -> Result<(), Error> {
        let number = engine.partition().number;
        if self.known().partitions.contains_key(&number) {
            return Ok(());
        }
        let keys = engine.checkpoint_keys(vec![SHARING]).await?;
        let names = keys.clone();
        let read = engine.checkpoint_read(keys, move |n, value| {
            let key = names.get(n)?;
            let body = &mut unseal(key, value?).ok()?;
            match account_of(key) {
                Some(account) => Some((Some(account), read_acl(body).ok()??)),
                None => Some((None, Acl::default())),
            }
        });
        let read = read.await?;
        // Something that is damaged is not ruled out: then nothing is whole.
        let damaged = read.iter().any(Option::is_none);
        let mut known = self.known();
        let mut marked = false;
        for (account, acl) in read.into_iter().flatten() {
            match account {
                Some(account) => known.add(number, account, others(&acl)),
                None => marked = true,
            }
        }
        known.partitions.insert(number, marked && !damaged);
        Ok(())
    }

    fn is_whole(&self, partition: u16) -> bool {
        self.known().partitions.get(&partition) == Some(&true)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Whole between any two of its operations.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// The accounts that may have given rights to somebody, their own not among them. Who has given none
    /// is there if they once have. Of a partition that is out of service nothing is known.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub async fn sharing_with(
        &self,
        account: AccountId,
        groups: &[Arc<str>],
    ) -> Result<Sharers, Error> {
        for engine in self.partitions().engines() {
            self.learn_sharing(&engine).await?;
        }
        let known = self.sharing().known();
        let through = groups.iter().map(|group| Who::Group(Arc::clone(group)));
        let named = through.chain([Who::Account(account)]);
        Ok(Sharers {
            named: known.sharing(named, account),
            with_everybody: known.sharing([Who::Anyone, Who::Authenticated], account),
        })
    }

    /// Reads the index of a partition, or makes it anew if it is not whole.
    async fn learn_sharing(&self, engine: &Engine) -> Result<(), Error> {
        let (sharing, number) = (self.sharing(), engine.partition().number);
        if sharing.is_whole(number) {
            return Ok(());
        }
        let _one = sharing.making.lock().await;
        {
            let _one = sharing.writing.lock().await;
            sharing.look(engine).await?;
        }
        if sharing.is_whole(number) {
            return Ok(());
        }
        let mut accounts: BTreeSet<AccountId> =
            checkpoint::accounts(engine).await?.into_iter().collect();
        accounts.extend(engine.pending_accounts());
        let mut complete = true;
        for id in accounts {
            // Boxed: this is done once, and whoever lists others' mail would keep room for it.
            let to = match Box::pin(self.state_in(engine, id)).await {
                Ok(snapshot) => given(&snapshot),
                Err(error) => {
                    tracing::error!(account = %id, %error, "with whom it shares can't be told");
                    complete = false;
                    continue;
                }
            };
            let noted = sharing.note(engine, id, to.clone()).await;
            if noted.is_err() {
                // It can't be written down, in a backup that is only read for one: it is known all the same.
                complete = false;
                sharing.known().add(number, id, to);
            }
        }
        if complete {
            let key = vec![SHARING];
            let mark = seal(&key, |_| ());
            let marked = engine.checkpoint_put(vec![(key, Some(mark))], None);
            // Without it, it is made anew next time.
            let _ = marked.await;
        }
        sharing.known().partitions.insert(number, true);
        Ok(())
    }

    /// What a partition has of an account.
    async fn state_in(&self, engine: &Engine, id: AccountId) -> Result<Arc<Snapshot>, Error> {
        if let Some(account) = self.if_open(id) {
            return Ok(account.snapshot());
        }
        let opened = checkpoint::open(engine, id).await?;
        Ok(Arc::new(opened.state.snapshot))
    }
}

/// To whom an account gives rights.
pub(crate) fn given(snapshot: &Snapshot) -> HashSet<Who> {
    let own = snapshot.mailboxes().filter_map(|(_, it)| it.acl.as_ref());
    own.flat_map(others).collect()
}

/// To whom a list gives rights, but for the owner: who is that needs no index.
fn others(acl: &Acl) -> impl Iterator<Item = Who> {
    acl.entries().filter_map(|(identifier, _)| {
        let finds = match identifier.who {
            Who::Anyone | Who::Authenticated | Who::Account(_) | Who::Group(_) => true,
            Who::Owner | Who::Anonymous => false,
        };
        (finds && !identifier.negative).then(|| identifier.who.clone())
    })
}

/// In the form in which lists of rights are written down, in an order.
fn listed(to: &HashSet<Who>) -> Acl {
    let sorted: BTreeSet<&Who> = to.iter().collect();
    let entries = sorted.into_iter().map(|who| {
        let identifier = Identifier::from(who.clone());
        (identifier, Rights::LOOKUP)
    });
    entries.collect()
}

fn key(account: AccountId) -> Vec<u8> {
    [&[SHARING][..], &account.0.to_be_bytes()].concat()
}

fn account_of(key: &[u8]) -> Option<AccountId> {
    let id = key.get(1..)?.try_into().ok()?;
    Some(AccountId(u64::from_be_bytes(id)))
}
