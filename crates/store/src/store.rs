//! The store: opening it, its accounts, its clock.

use std::{
    collections::{BTreeSet, HashMap},
    mem,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU16, Ordering},
    },
};

use tokio::sync::{OnceCell, mpsc};

use crate::{
    account::{
        Account, MadeAs,
        commit::{Opening, Shared},
    },
    cabinet::Cabinets,
    checkpoint::{self, Opened, Prepared},
    clock::Clock,
    engine::{Engine, EngineOptions, Partitions},
    error::Error,
    home::{self, Home},
    id::AccountId,
    incoming::Incoming,
    mailbox::lately::Lately,
    name::MailboxName,
    quota::{Allotment, Crossed, DomainQuota, RootState, pool::Pools},
    search::{Desk, recall::Recall},
    sharing::Sharing,
    verify::{self, Depth, Finding, Summary, Walked},
};

/// Accounts that stay open though nobody uses them: reopening one reads its checkpoint.
const ACCOUNTS_IDLE_MAX: usize = 1024;

/// How much of a checkpoint is gathered before it is written, in octets.
const CHECKPOINT_BYTES: usize = 8 << 20;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// The directory; `None` keeps everything in memory (tests, simulation).
    pub directory: Option<PathBuf>,
    /// The largest message, in octets.
    pub message_bytes_max: u64,
    /// The time.
    pub clock: Clock,
}

/// An open store. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    partitions: Partitions,
    /// The number of the partition in which new accounts begin.
    first: AtomicU16,
    message_bytes_max: u64,
    clock: Clock,
    accounts: Mutex<Accounts>,
    sharing: Arc<Sharing>,
    /// Mailboxes that stay in memory for a while.
    lately: Arc<Lately>,
    /// One checkpoint at a time.
    checkpoint: Arc<tokio::sync::Mutex<()>>,
    /// One move at a time.
    moves: tokio::sync::Mutex<()>,
    /// One compaction at a time.
    compaction: tokio::sync::Mutex<()>,
    indexing: Desk,
    /// What was found when messages were looked at.
    recall: Arc<Recall>,
    /// What is kept for domains.
    pools: Arc<Pools>,
    /// What was listed and searched.
    cabinets: Arc<Cabinets>,
}

#[derive(Debug, Default)]
struct Accounts {
    open: HashMap<AccountId, Slot>,
    /// Counts uses, to tell which was longest ago.
    uses: u64,
    /// How many may be open before idle ones are looked for.
    sweep_at: usize,
}

#[derive(Debug)]
struct Slot {
    account: Arc<OnceCell<Account>>,
    used: u64,
}

/// Segments are small if `CHAPAR_TEST_HURRY` is set: for tests that kill a server while it seals one.
fn segment_bytes() -> u64 {
    match std::env::var_os("CHAPAR_TEST_HURRY") {
        Some(_) => 256 << 10,
        None => EngineOptions::SEGMENT_BYTES,
    }
}

/// The entry of an account that has shared mailboxes, and so no INBOX.
pub(crate) const SHARED: &str = "internal/shared";

impl Store {
    /// Opens a store, making it if the directory is empty or absent, recovering it if need be.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Io`], [`Error::Corrupt`] if nothing in it can be trusted.
    pub async fn open(options: Options) -> Result<Self, Error> {
        let partitions = Partitions::open(EngineOptions {
            directory: options.directory,
            segment_bytes: segment_bytes(),
        })
        .await?;
        for damage in partitions.damages() {
            let (file, offset, what) = (&damage.file, damage.offset, &damage.what);
            tracing::error!(%file, offset, %what, "the store is damaged");
        }
        Ok(Self::with_partitions(
            partitions,
            options.message_bytes_max,
            options.clock,
        ))
    }

    /// Opens what is in a directory to look at, such as a generation of a backup: nothing there is
    /// changed, nobody is kept from opening it, and every verb that would write fails. Reads the
    /// whole log. Of a backup, exactly what it vouches for is seen.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_read_only(directory: PathBuf, clock: Clock) -> Result<Self, Error> {
        let partitions = Partitions::open_past(directory).await?;
        Ok(Self::with_partitions(partitions, u64::MAX, clock))
    }

    /// A store of one partition.
    #[cfg(test)]
    pub(crate) fn with_engine(engine: Engine, message_bytes_max: u64, clock: Clock) -> Self {
        Self::with_partitions(Partitions::around(engine), message_bytes_max, clock)
    }

    pub(crate) fn with_partitions(
        partitions: Partitions,
        message_bytes_max: u64,
        clock: Clock,
    ) -> Self {
        let first = partitions.engines().first().map(|it| it.partition().number);
        Self {
            inner: Arc::new(Inner {
                partitions,
                first: AtomicU16::new(first.unwrap_or(0)),
                message_bytes_max,
                clock,
                accounts: Mutex::default(),
                sharing: Arc::default(),
                lately: Arc::default(),
                checkpoint: Arc::default(),
                moves: tokio::sync::Mutex::default(),
                compaction: tokio::sync::Mutex::default(),
                indexing: Desk::default(),
                recall: Arc::default(),
                pools: Arc::default(),
                cabinets: Arc::default(),
            }),
        }
    }

    /// Opens an account; one that has never been opened begins with INBOX and
    /// the mailboxes for the usual special uses (Archive, Drafts, Junk, Sent, Trash), subscribed.
    ///
    /// # Errors
    /// As for every verb.
    pub async fn account(&self, id: AccountId) -> Result<Account, Error> {
        let slot = match self.open_accounts().slot(id) {
            Ok(account) => return Ok(account),
            Err(slot) => slot,
        };
        // Whoever comes first opens it, the others wait for that. Boxed: it happens once, and whatever may come to an
        // account would keep room for it.
        let account = slot.get_or_try_init(|| {
            Box::pin(async {
                let account = self.load(id).await?;
                if lacks_inbox(&account) {
                    account.begin().await?;
                }
                Ok(account)
            })
        });
        account.await.cloned()
    }

    /// Opens an account that has the shared mailboxes of a domain; one that has never been opened begins with none. It
    /// is nobody's, has no INBOX, and gets none however it is opened later: that is written down in it.
    ///
    /// # Errors
    /// As for every verb.
    pub async fn shared_account(&self, id: AccountId) -> Result<Account, Error> {
        let slot = match self.open_accounts().slot(id) {
            Ok(account) => return Ok(account),
            Err(slot) => slot,
        };
        let account = slot.get_or_try_init(|| {
            Box::pin(async {
                let account = self.load(id).await?;
                account.metadata_or(None, SHARED, b"1").await?;
                Ok(account)
            })
        });
        account.await.cloned()
    }

    /// Opens an account; one that has never been opened begins with these mailboxes, and INBOX must be among
    /// them. See [`Account::create_as`].
    ///
    /// # Errors
    /// As [`Account::create_as`].
    pub async fn account_as(&self, id: AccountId, made: &[MadeAs]) -> Result<Account, Error> {
        let slot = match self.open_accounts().slot(id) {
            Ok(account) => return Ok(account),
            Err(slot) => slot,
        };
        let account = slot.get_or_try_init(|| {
            Box::pin(async {
                let account = self.load(id).await?;
                if account.snapshot().mod_seq().0 == 0 {
                    account.create_as(made).await?;
                }
                if lacks_inbox(&account) {
                    account.begin().await?;
                }
                Ok(account)
            })
        });
        account.await.cloned()
    }

    async fn load(&self, id: AccountId) -> Result<Account, Error> {
        let Inner {
            partitions, clock, ..
        } = &*self.inner;
        let found = home::find(partitions, id).await?;
        let home = if let Some(home) = found {
            home
        } else {
            let engine = partitions.get(self.inner.first.load(Ordering::Relaxed))?;
            let opened = checkpoint::open(&engine, id).await?;
            Home {
                engine,
                opened,
                confirm: false,
            }
        };
        let Home {
            engine,
            opened,
            confirm,
        } = home;
        let Opened {
            mut state,
            kept,
            unsettled,
            ..
        } = opened;
        let skipped = unsettled.skip(&mut state, clock().unix);
        engine.skip(id, state.snapshot.mod_seq);
        let pools = Arc::clone(&self.inner.pools);
        pools.put(
            id,
            pools.domain_of(id).as_ref(),
            state.snapshot.quotas.usage(),
        );
        let opening = Opening {
            id,
            partitions: partitions.clone(),
            pools,
            sharing: Arc::clone(&self.inner.sharing),
            recall: Arc::clone(&self.inner.recall),
            cabinets: Arc::clone(&self.inner.cabinets),
            lately: Arc::clone(&self.inner.lately),
            home: engine,
            clock: *clock,
        };
        let account = Account::new(Arc::new(Shared::new(opening, state, kept)));
        if !skipped.is_empty() {
            account.skipped(skipped).await;
        }
        if confirm {
            account.settle_here().await?;
        }
        Ok(account)
    }

    /// Says where the limits come from that are in no account's log: before any account is opened, and
    /// once.
    pub fn allot(&self, allotment: Arc<dyn Allotment>) {
        self.inner.pools.allot(allotment);
    }

    /// Has it told when the use of a quota root crosses one of these percentages of a limit; to whoever asks
    /// first.
    #[must_use]
    pub fn watch_quotas(&self, percents: &[u8]) -> mpsc::Receiver<Crossed> {
        self.inner.pools.filling.watch(percents)
    }

    /// A domain as it stands: what all of its accounts use. Counts that, if it is not known.
    pub async fn domain_quota(&self, domain: &DomainQuota) -> RootState {
        let Inner {
            partitions, pools, ..
        } = &*self.inner;
        let usage = pools.usage(partitions, &domain.name).await;
        domain.state(usage)
    }

    /// Every account that the store has, opened or not, ascending.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub async fn accounts(&self) -> Result<Vec<AccountId>, Error> {
        let mut known = BTreeSet::new();
        for engine in self.inner.partitions.engines() {
            known.extend(checkpoint::accounts(&engine).await?);
            known.extend(engine.pending_accounts());
        }
        Ok(known.into_iter().collect())
    }

    /// Begins to receive a message, in the partition in which new accounts begin, or in another if
    /// that is out of service. [`Account::append`] sees to it that it lies where it should.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::OutOfService`].
    #[expect(
        clippy::unused_async,
        reason = "another engine may have to ask someone"
    )]
    pub async fn receive(&self) -> Result<Incoming, Error> {
        let partitions = &self.inner.partitions;
        let first = partitions.get(self.inner.first.load(Ordering::Relaxed));
        let engine = first.ok().filter(|engine| engine.refused().is_none());
        let other = || {
            let engines = partitions.engines();
            engines.into_iter().find(|it| it.refused().is_none())
        };
        let closed = || Error::OutOfService("no partition takes writes".into());
        let engine = engine.or_else(other).ok_or_else(closed)?;
        Ok(self.incoming(engine))
    }

    /// Begins to receive a message for that account, in its partition.
    ///
    /// # Errors
    /// As [`Store::receive`].
    pub async fn receive_for(&self, id: AccountId) -> Result<Incoming, Error> {
        let account = self.account(id).await?;
        Ok(self.incoming(account.shared.engine()))
    }

    fn incoming(&self, engine: Engine) -> Incoming {
        let partitions = self.inner.partitions.clone();
        Incoming::new(engine, partitions, self.inner.message_bytes_max)
    }

    /// The largest message, in octets: `APPENDLIMIT`, LMTP `SIZE`.
    #[must_use]
    pub fn message_bytes_max(&self) -> u64 {
        self.inner.message_bytes_max
    }

    /// The clock it was opened with.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.inner.clock
    }

    /// Octets of log that a recovery would have to read: when to call [`Store::checkpoint`].
    #[must_use]
    pub fn bytes_since_checkpoint(&self) -> u64 {
        let engines = self.inner.partitions.engines();
        engines.iter().map(Engine::bytes_since_checkpoint).sum()
    }

    /// Writes a checkpoint: what has changed since the last one. Call it on a timer and when
    /// [`Store::bytes_since_checkpoint`] has grown; writes go on meanwhile.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`]; nothing is lost by that.
    pub async fn checkpoint(&self) -> Result<(), Error> {
        let _one = self.inner.checkpoint.lock().await;
        let mut outcome = Ok(());
        for engine in self.inner.partitions.engines() {
            // One that fails is no reason not to write the others.
            outcome = outcome.and(self.checkpoint_of(&engine).await);
        }
        outcome
    }

    async fn checkpoint_of(&self, engine: &Engine) -> Result<(), Error> {
        // Whatever is durable now will be in it.
        let complete_to = engine.position();
        let pending = engine.pending_accounts();
        if pending.is_empty() && engine.bytes_since_checkpoint() == 0 {
            return Ok(());
        }
        let (mut writes, mut prepared) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        let mut whole = true;
        for id in pending {
            let account = match self.account(id).await {
                Ok(account) => account,
                // Where it is can't be told: what is here of it stays as it is.
                Err(Error::OutOfService(_)) => {
                    whole = false;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if account.shared.engine().partition() != engine.partition() {
                writes.append(&mut checkpoint::prepare_elsewhere(engine, id).await?);
                continue;
            }
            let Some(mut account) = checkpoint::prepare(engine, account).await? else {
                continue;
            };
            let lens = account
                .writes
                .iter()
                .map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
            bytes += lens.sum::<usize>();
            writes.append(&mut account.writes);
            prepared.push(account);
            if bytes >= CHECKPOINT_BYTES {
                engine.checkpoint_put(mem::take(&mut writes), None).await?;
                prepared.drain(..).for_each(Prepared::done);
                bytes = 0;
            }
        }
        let complete_to = whole.then_some(complete_to);
        engine.checkpoint_put(writes, complete_to).await?;
        prepared.into_iter().for_each(Prepared::done);
        Ok(())
    }

    /// Verifies the log, and that the accounts open here are what it says; see
    /// [`crate::verify::verify`]. Waits for the disk: call it on a thread that may.
    ///
    /// # Errors
    /// As [`crate::verify::verify`].
    pub fn verify(&self, depth: Depth, found: &mut dyn FnMut(Finding)) -> Result<Summary, Error> {
        self.verify_watched(depth, &mut |_| ControlFlow::Continue(()), found)
    }

    /// The same, telling how far it is; see [`crate::verify::verify_watched`].
    ///
    /// # Errors
    /// As [`crate::verify::verify`].
    pub fn verify_watched(
        &self,
        depth: Depth,
        walked: &mut Walked<'_>,
        found: &mut dyn FnMut(Finding),
    ) -> Result<Summary, Error> {
        let open: Vec<_> = self
            .open_accounts()
            .open
            .values()
            .filter_map(|slot| slot.account.get().cloned())
            .collect();
        let walks = self.inner.partitions.walks();
        verify::verify_open(walks, &open, depth, walked, found)
    }

    /// Finishes what is queued, writes a checkpoint, releases the lease.
    ///
    /// # Errors
    /// What could not be written; nothing acknowledged is lost by that.
    pub async fn close(&self) -> Result<(), Error> {
        let checkpoint = self.checkpoint().await;
        self.inner.partitions.close().await?;
        checkpoint
    }

    /// The engine of a partition, by its name.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if there is none of that name, [`Error::OutOfService`].
    pub(crate) fn partition_named(&self, name: &str) -> Result<Engine, Error> {
        let found = self.inner.partitions.named(name);
        found.unwrap_or(Err(Error::NotPermitted(
            "there is no partition of that name",
        )))
    }

    pub(crate) fn partitions(&self) -> &Partitions {
        &self.inner.partitions
    }

    /// The number of the partition in which new accounts begin.
    pub(crate) fn first(&self) -> &AtomicU16 {
        &self.inner.first
    }

    /// The engine of the partition in which an account is, or would begin.
    pub(crate) async fn home(&self, id: AccountId) -> Result<Engine, Error> {
        if let Some(account) = self.if_open(id) {
            return Ok(account.shared.engine());
        }
        match home::find(&self.inner.partitions, id).await? {
            Some(home) => Ok(home.engine),
            None => self
                .inner
                .partitions
                .get(self.first().load(Ordering::Relaxed)),
        }
    }

    /// An account, if it is open.
    pub(crate) fn if_open(&self, id: AccountId) -> Option<Account> {
        let accounts = self.open_accounts();
        let slot = accounts.open.get(&id);
        slot.and_then(|slot| slot.account.get().cloned())
    }

    /// Who may share with whom.
    pub(crate) fn sharing(&self) -> &Sharing {
        &self.inner.sharing
    }

    /// Has accounts that are in a partition opened anew when they are asked for again.
    pub(crate) fn forget_accounts_in(&self, number: u16) {
        let there = |slot: &Slot| {
            let account = slot.account.get();
            let there = account.filter(|it| it.shared.engine().partition().number == number);
            there.inspect(|it| it.shared.close()).is_some()
        };
        self.open_accounts().open.retain(|_, slot| !there(slot));
        self.inner.sharing.forget(number);
    }

    /// Held by whoever moves anything.
    pub(crate) fn moves(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.moves
    }

    /// Held by whoever writes a checkpoint.
    pub(crate) fn checkpoints(&self) -> &Arc<tokio::sync::Mutex<()>> {
        &self.inner.checkpoint
    }

    /// Held by whoever compacts.
    pub(crate) fn compaction(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.compaction
    }

    /// What is kept for indexing.
    pub(crate) fn desk(&self) -> &Desk {
        &self.inner.indexing
    }

    /// The accounts that are open.
    pub(crate) fn open_ids(&self) -> Vec<AccountId> {
        self.open_accounts().open.keys().copied().collect()
    }

    /// Waits for what is queued now in all accounts, however it ends. One that is not open has
    /// nothing queued.
    pub(crate) async fn settle(&self) {
        let open: Vec<Account> = self
            .open_accounts()
            .open
            .values()
            .filter_map(|slot| slot.account.get().cloned())
            .collect();
        for account in open {
            account.shared.settled().await;
        }
    }

    fn open_accounts(&self) -> MutexGuard<'_, Accounts> {
        // The map is whole between any two of its operations.
        let accounts = self.inner.accounts.lock();
        accounts.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    /// An account that is open, or the place where whoever comes first opens it.
    fn slot(&mut self, id: AccountId) -> Result<Account, Arc<OnceCell<Account>>> {
        self.uses += 1;
        if self.open.len() >= self.sweep_at.max(ACCOUNTS_IDLE_MAX) && !self.open.contains_key(&id) {
            self.sweep();
        }
        let used = self.uses;
        let slot = self.open.entry(id).or_insert_with(|| Slot {
            account: Arc::default(),
            used,
        });
        slot.used = used;
        match slot.account.get() {
            Some(account) => Ok(account.clone()),
            None => Err(Arc::clone(&slot.account)),
        }
    }

    /// Closes the half of the idle accounts whose use was longest ago. Nobody else holds these,
    /// so what they hold is in the log, and nobody can see that they went.
    fn sweep(&mut self) {
        let idle = |slot: &Slot| {
            let held = slot.account.get().map(|account| &account.shared);
            Arc::strong_count(&slot.account) == 1
                && held.is_none_or(|shared| Arc::strong_count(shared) == 1)
        };
        let mut uses: Vec<u64> = self
            .open
            .values()
            .filter(|slot| idle(slot))
            .map(|slot| slot.used)
            .collect();
        uses.sort_unstable();
        let until = uses.get(uses.len() / 2).copied().unwrap_or(0);
        self.open.retain(|_, slot| slot.used > until || !idle(slot));
        self.sweep_at = self.open.len().saturating_mul(3) / 2;
    }
}

/// Whether an account is to have an INBOX, and has none.
fn lacks_inbox(account: &Account) -> bool {
    let snapshot = account.snapshot();
    let inbox = snapshot.named(&MailboxName::inbox());
    inbox.is_none() && snapshot.metadata().get(None, SHARED).is_none()
}
