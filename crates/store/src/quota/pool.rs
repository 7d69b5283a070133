//! What the accounts of a domain use together, and the limits that the store is told of.
//!
//! Of every account of a limited domain the pool has what it uses with everything that is queued. A batch
//! moves that along as it is queued, with the account's lock held, and moves it back if it fails: nobody counts
//! at the same time, so two deliveries can't share the last of the room. What is not known yet, after a start
//! or when accounts came into a domain, is counted before anything is written there.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use super::{Filling, Limits, Quota, QuotaRoot, RootState, Usage};
use crate::{engine::Partitions, error::Error, home, id::AccountId};

/// A domain with limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainQuota {
    /// Its name; empty: the accounts without any.
    pub name: Arc<str>,
    /// What its accounts may use together.
    pub limits: Limits,
}

impl DomainQuota {
    /// It as a quota root, with what is used there.
    pub(crate) fn state(&self, usage: Usage) -> RootState {
        RootState {
            root: QuotaRoot::Domain(Arc::clone(&self.name)),
            quota: Quota {
                limits: self.limits,
                administered: true,
            },
            usage,
        }
    }
}

/// What the store is told of limits that are in no account's log. Asked for every batch: be quick.
pub trait Allotment: fmt::Debug + Send + Sync {
    /// The limits of an account that has none of its own.
    fn of_account(&self, account: AccountId) -> Limits;

    /// The domain of an account, if that is limited.
    fn domain_of(&self, account: AccountId) -> Option<DomainQuota>;

    /// All accounts of a domain, and what they share.
    fn accounts_of(&self, domain: &str) -> Vec<AccountId>;

    /// Another number whenever any of that may be another.
    fn generation(&self) -> u64;
}

/// The pools of a store.
#[derive(Debug, Default)]
pub(crate) struct Pools {
    allotment: OnceLock<Arc<dyn Allotment>>,
    known: Mutex<Known>,
    /// One counts at a time.
    counting: tokio::sync::Mutex<()>,
    /// Who is told when roots fill up.
    pub(crate) filling: Filling,
}

#[derive(Debug, Default)]
struct Known {
    /// What each account uses that was opened or counted, and in which limited domain it is.
    accounts: HashMap<AccountId, (Option<Arc<str>>, Usage)>,
    domains: HashMap<Arc<str>, Domain>,
}

#[derive(Debug, Default)]
struct Domain {
    usage: Usage,
    /// When all of its accounts were known: the allotment's generation.
    counted: Option<u64>,
}

impl Pools {
    /// Says where limits come from: once.
    pub(crate) fn allot(&self, allotment: Arc<dyn Allotment>) {
        // A second one is not asked: what was counted by the first would be wrong.
        let _ = self.allotment.set(allotment);
    }

    /// Where limits come from.
    pub(crate) fn allotment(&self) -> Option<&Arc<dyn Allotment>> {
        self.allotment.get()
    }

    /// The domain of an account, if that is limited.
    pub(crate) fn domain_of(&self, account: AccountId) -> Option<DomainQuota> {
        self.allotment()?.domain_of(account)
    }

    /// Counts what the accounts of a domain use, if that is not known. Gives it.
    pub(crate) async fn usage(&self, partitions: &Partitions, domain: &Arc<str>) -> Usage {
        let Some(allotment) = self.allotment() else {
            return Usage::default();
        };
        if let Some(usage) = self.counted(domain, allotment.generation()) {
            return usage;
        }
        let _one = self.counting.lock().await;
        // What is read after it may be newer, and is counted again then.
        let generation = allotment.generation();
        if let Some(usage) = self.counted(domain, generation) {
            return usage;
        }
        let accounts = allotment.accounts_of(domain);
        for &account in &accounts {
            if !self.known().is_in(account, domain) {
                // Boxed: whoever asks would keep room for it, and once all are counted nobody needs it.
                let usage = Box::pin(used_by(partitions, account)).await;
                self.known().put_if_unknown(account, domain, usage);
            }
        }
        self.known().counted(domain, &accounts, generation)
    }

    fn counted(&self, domain: &str, generation: u64) -> Option<Usage> {
        let known = self.known();
        let domain = known.domains.get(domain)?;
        (domain.counted == Some(generation)).then_some(domain.usage)
    }

    /// An account uses this now. Call it with the account's lock held, or before anybody has the account.
    pub(crate) fn put(&self, account: AccountId, domain: Option<&DomainQuota>, usage: &Usage) {
        if self.allotment().is_some() {
            self.known().put(account, domain, *usage);
        }
    }

    /// An account uses this again: what it was about to has failed. Call it with the account's lock held.
    pub(crate) fn back(&self, account: AccountId, usage: &Usage) {
        if self.allotment().is_some() {
            let mut known = self.known();
            let domain = known.accounts.get(&account);
            let domain = domain.and_then(|(domain, _)| domain.clone());
            known.put_in(account, domain, *usage);
        }
    }

    /// An account is about to use `after` instead of `before`, if its domain has room for that.
    ///
    /// # Errors
    /// [`Error::OverQuota`]: it uses what it did.
    pub(crate) fn reserve(
        &self,
        account: AccountId,
        domain: Option<&DomainQuota>,
        (before, after): (&Usage, &Usage),
    ) -> Result<(), Error> {
        if self.allotment().is_none() {
            return Ok(());
        }
        let mut known = self.known();
        known.put(account, domain, *after);
        let Some(domain) = domain else {
            return Ok(());
        };
        let there = known.domains.get(&domain.name);
        let there = there.map_or_else(Usage::default, |it| it.usage);
        let was = there.without(after).and(before);
        let Some(resource) = domain.limits.exceeded(&was, &there) else {
            let states = (domain.state(was), domain.state(there));
            self.filling.tell(account, &states.0, &states.1);
            return Ok(());
        };
        known.put(account, Some(domain), *before);
        let root = QuotaRoot::Domain(Arc::clone(&domain.name));
        Err(Error::OverQuota { root, resource })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Sums and parts are changed together, and nothing in between panics.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn put(&mut self, account: AccountId, domain: Option<&DomainQuota>, usage: Usage) {
        self.put_in(account, domain.map(|it| Arc::clone(&it.name)), usage);
    }

    fn put_in(&mut self, account: AccountId, domain: Option<Arc<str>>, usage: Usage) {
        if let Some(name) = &domain {
            let domain = self.domains.entry(Arc::clone(name)).or_default();
            domain.usage = domain.usage.and(&usage);
        }
        let was = self.accounts.insert(account, (domain, usage));
        if let Some((Some(name), usage)) = was
            && let Some(domain) = self.domains.get_mut(&name)
        {
            domain.usage = domain.usage.without(&usage);
        }
    }

    /// Whether what an account uses is known; then it counts for that domain from now on.
    fn is_in(&mut self, account: AccountId, domain: &Arc<str>) -> bool {
        let usage = self.accounts.get(&account).map(|(_, usage)| *usage);
        if let Some(usage) = usage {
            self.put_in(account, Some(Arc::clone(domain)), usage);
        }
        usage.is_some()
    }

    /// What an account was found to use, unless somebody has opened it meanwhile and knows better.
    fn put_if_unknown(&mut self, account: AccountId, domain: &Arc<str>, usage: Usage) {
        if !self.is_in(account, domain) {
            self.put_in(account, Some(Arc::clone(domain)), usage);
        }
    }

    /// All that a domain uses is known: what these accounts do.
    fn counted(&mut self, domain: &Arc<str>, accounts: &[AccountId], generation: u64) -> Usage {
        let those: BTreeSet<AccountId> = accounts.iter().copied().collect();
        let left = self.accounts.iter().filter(|(id, (of, _))| {
            let counts = of.as_ref().is_some_and(|of| of == domain);
            counts && !those.contains(id)
        });
        let left: Vec<(AccountId, Usage)> = left.map(|(id, (_, usage))| (*id, *usage)).collect();
        for (account, usage) in left {
            self.put_in(account, None, usage);
        }
        let domain = self.domains.entry(Arc::clone(domain)).or_default();
        domain.counted = Some(generation);
        domain.usage
    }
}

/// What an account uses that nobody has open. One whose partition is not there counts for nothing until it is
/// opened.
async fn used_by(partitions: &Partitions, account: AccountId) -> Usage {
    match home::find(partitions, account).await {
        Ok(home) => home.map_or_else(Usage::default, |it| it.opened.state.snapshot.usage()),
        Err(error) => {
            tracing::warn!(%account, %error, "what it uses can't be counted for its domain");
            Usage::default()
        }
    }
}
