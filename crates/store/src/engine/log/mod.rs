//! The engine on a disk: the log is the truth, everything else is derived from it.
//!
//! The bytes and the protocols are in `docs/store-format.md`. Reading path:
//! `format` (bytes), `writer` (group commit), `recover` with `scan` and `judge` (opening),
//! `reader`, `checkpoint`. All of it goes through [`disk::Disk`], so that tests can break it.

pub(crate) mod backup;
pub(crate) mod checkpoint;
pub(crate) mod disk;
pub(crate) mod files;
mod format;
pub(crate) mod free;
mod freed;
mod gaps;
mod heal;
mod history;
mod index;
mod judge;
mod known;
mod lease;
mod lease_text;
mod listing;
mod open_files;
pub(crate) mod past;
pub(crate) mod pins;
mod pool;
pub(crate) mod ram;
mod reader;
mod recover;
pub(crate) mod registry;
mod scan;
mod shared;
mod walk;
mod writer;

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod free_tests;
#[cfg(test)]
pub(crate) mod hand;
#[cfg(test)]
mod lease_tests;
#[cfg(test)]
pub(crate) mod sim;
#[cfg(test)]
mod tests;

use std::{
    ops::{ControlFlow, Range},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread::{self, JoinHandle},
};

pub(crate) use self::format::span;
use self::{
    checkpoint::{Checkpoint, Update},
    disk::Disk,
    files::{Partition, io_error},
    format::{SegmentHeader, Type},
    lease::{Lease, Renewer},
    pins::Pin,
    pool::Pool,
    shared::{Content, Parts, Shared},
    writer::{Start, Writer},
};
use super::{
    Damage, Dead, Done, GivenBack, Loss, PIECE_BYTES_MAX, Position, RecordKind, Ref, Sealed, Sweep,
    WalkItem, Writes,
};
use crate::{error::Error, id::AccountId};

/// The longest batch, in octets.
const BATCH_BYTES_MAX: usize = 32 << 20;

/// An open log. All clones are the same; the last one dropped closes it.
#[derive(Debug)]
pub(crate) struct Log<D: Disk> {
    inner: Arc<Inner<D>>,
}

impl<D: Disk> Clone for Log<D> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

#[derive(Debug)]
struct Inner<D: Disk> {
    shared: Arc<Shared<D>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    renewer: Mutex<Option<Renewer>>,
}

impl<D: Disk> Log<D> {
    /// Opens the first partition's log on a disk, making the store if there is none. Waits for
    /// the disk: call it on a thread that may.
    ///
    /// # Errors
    /// See `Engine::open`.
    #[cfg(test)]
    pub(crate) fn open(disk: D, segment_bytes: u64) -> Result<Self, Error> {
        Self::open_on(Arc::new(disk), segment_bytes)
    }

    /// The same, on a disk that somebody else has too.
    #[cfg(test)]
    pub(crate) fn open_on(disk: Arc<D>, segment_bytes: u64) -> Result<Self, Error> {
        refuse_unfinished(&*disk)?;
        let registry = registry::open(&*disk)?;
        let first = registry.active().next().cloned();
        let first = first.unwrap_or_else(Partition::first);
        Self::open_partition(disk, first, registry.store, segment_bytes)
    }

    /// Opens the log of a partition of a store. Its directory has to be there, with what is in it:
    /// one that is missing or empty is a disk that is not mounted. Waits for the disk.
    ///
    /// # Errors
    /// See `Engine::open`; [`Error::OutOfService`] if it is not there.
    pub(crate) fn open_partition(
        disk: Arc<D>,
        partition: Partition,
        store: [u8; 16],
        segment_bytes: u64,
    ) -> Result<Self, Error> {
        let thread_failed = |error| io_error("a thread", error);
        let pool = Pool::start().map_err(thread_failed)?;
        let lease = Self::take(&disk, &partition, store)?;
        let renewer = Renewer::start(&lease).map_err(thread_failed)?;
        let how = (segment_bytes, pool, Arc::clone(&lease));
        let recovered = Self::recover(disk, partition, store, how);
        let (log, writer) = recovered.inspect_err(|_| lease.release())?;
        *log.inner.renewer() = Some(renewer);
        let writer = thread::Builder::new()
            .name("store-write".into())
            .spawn(move || writer.run())
            .map_err(thread_failed)?;
        *log.inner.writer() = Some(writer);
        Ok(log)
    }

    /// Takes a partition's lease, if it is there.
    fn take(disk: &Arc<D>, partition: &Partition, store: [u8; 16]) -> Result<Arc<Lease<D>>, Error> {
        registry::check_there(&**disk, partition, store)?;
        let directories = [
            partition.log(),
            partition.checkpoint(),
            partition.quarantine(),
        ];
        for directory in directories {
            disk.make_dir(&directory)
                .map_err(|error| io_error(&directory, error))?;
        }
        let lease = lease::take(disk, partition)?;
        // What says which partition it is may be damaged, where the segments say it too.
        registry::make(&**disk, partition, store)?;
        // The file may be new.
        let root = partition.root();
        disk.sync_dir(&root)
            .map_err(|error| io_error(&root, error))?;
        Ok(Arc::new(lease))
    }

    /// Opens the log, and says who would write it.
    fn recover(
        disk: Arc<D>,
        partition: Partition,
        store: [u8; 16],
        (segment_bytes, pool, lease): (u64, Pool, Arc<Lease<D>>),
    ) -> Result<(Self, Writer<D>), Error> {
        let (checkpoint, position) = Checkpoint::open(Arc::clone(&disk), store, &partition)?;
        let from = (position.0, segment_bytes);
        let (mut recovered, position) =
            if let Some(recovered) = recover::recover(&*disk, store, &partition, from)? {
                (recovered, position)
            } else {
                tracing::warn!("the checkpoint is not this log's: rebuilding it from the log");
                checkpoint.reset()?;
                // From the beginning there is always a place.
                let all = recover::recover(&*disk, store, &partition, (0, segment_bytes))?;
                (all.ok_or(Error::Full)?, Position(0))
            };
        let mut gaps = checkpoint.gaps()?;
        gaps.append(&mut recovered.gaps);
        if let Some(gap) = backup::lost_since(&*disk, &partition, &gaps)? {
            gaps.push(gap);
            recovered.cut.push(gap);
        }
        let epoch = lease.raise_above(recovered.epoch)?;
        let start = Start {
            template: SegmentHeader {
                store,
                partition: partition.id,
                number: 0,
                first_lsn: 0,
                epoch,
                salt: 0,
            },
            next_number: recovered.next_number,
            end: recovered.end,
            // What another machine may yet write where it was is then never read.
            current: recovered.current.filter(|_| !lease.taken_over),
        };
        let shared = Arc::new(Shared::new(Parts {
            disk,
            lease,
            partition,
            segment_bytes,
            index: recovered.index,
            segments: recovered.segments,
            tombstones: recovered.tombstones,
            end: recovered.end,
            checkpoint,
            checkpointed: position.0.max(format::FIRST_LSN),
            pool,
            damages: recovered.damages,
            gaps,
            cut: (!recovered.cut.is_empty()).then(|| gaps::encode(&recovered.cut)),
        }));
        let writer = Writer::new(Arc::clone(&shared), start);
        let inner = Inner {
            shared,
            writer: Mutex::new(None),
            renewer: Mutex::new(None),
        };
        let inner = Arc::new(inner);
        Ok((Self { inner }, writer))
    }

    /// Makes one more generation of a backup of this partition alone.
    #[cfg(test)]
    pub(crate) fn back_up<T: Disk>(
        &self,
        target: &T,
        (beside, now): (Vec<(String, Vec<u8>)>, i64),
        tell: backup::Tell<'_>,
    ) -> Result<backup::Copied, Error> {
        let shared = self.shared();
        let source = backup::Source {
            disk: Arc::clone(&shared.disk),
            store: registry::open(&*shared.disk)?.store,
            parts: vec![self.backup_part()],
            beside,
            now,
        };
        backup::back_up(&source, target, tell)
    }

    /// What a backup takes of it.
    pub(crate) fn backup_part(&self) -> backup::Part<D> {
        let shared = self.shared();
        let pin = shared.pins.pin(|| 0);
        // What is durable first: the segments that it lies in are there by then.
        let end = shared.durable.load(Ordering::Acquire);
        backup::Part {
            partition: shared.partition.clone(),
            disk: Arc::clone(&shared.disk),
            segments: Vec::clone(&shared.segments.load()),
            end,
            _pin: pin,
        }
    }

    fn shared(&self) -> &Arc<Shared<D>> {
        &self.inner.shared
    }

    /// Walks the log of a partition that may be open elsewhere; see [`super::Engine::walk`].
    pub(crate) fn walk_disk(
        disk: &D,
        partition: &Partition,
        visit: &mut dyn FnMut(WalkItem<'_>) -> ControlFlow<()>,
    ) -> Result<Position, Error> {
        walk::walk(disk, (partition, 0), visit)
    }

    #[cfg(test)]
    pub(crate) fn disk(&self) -> Arc<D> {
        Arc::clone(&self.shared().disk)
    }

    /// Which partition it is.
    pub(crate) fn partition(&self) -> &Partition {
        &self.shared().partition
    }

    /// See [`super::Engine::pin`].
    pub(crate) fn pin(&self) -> Pin {
        self.shared().pin()
    }

    pub(crate) fn begin(&self) -> Writes {
        self.shared().begin()
    }

    pub(crate) async fn put(
        &self,
        writes: Writes,
        kind: RecordKind,
        account: Option<AccountId>,
        body: &[u8],
    ) -> Result<Ref, Error> {
        let octets = u32::try_from(body.len()).unwrap_or(u32::MAX);
        if body.len() > PIECE_BYTES_MAX {
            return Err(Error::TooBig(PIECE_BYTES_MAX as u64));
        }
        let shared = self.shared();
        let permit = shared.budget.acquire_many(octets).await;
        let permit = permit.map_err(|_| shared.refused().unwrap_or_else(shared::closed))?;
        let kind = match kind {
            RecordKind::Blob => Type::Blob,
            RecordKind::Message => Type::Message,
        };
        let account = account.map_or(0, |account| account.0);
        let at = shared.put(writes, kind, account, Content::new(body, None))?;
        // The writer gives it back.
        permit.forget();
        Ok(at)
    }

    #[expect(clippy::too_many_arguments, reason = "each says something else")]
    pub(crate) fn append(
        &self,
        writes: Writes,
        account: AccountId,
        seq: u64,
        batch: &[u8],
        done: Done,
    ) -> Result<(), Error> {
        if batch.len() > BATCH_BYTES_MAX {
            return Err(Error::TooBig(BATCH_BYTES_MAX as u64));
        }
        let content = Content::new(batch, Some(done));
        self.shared().append(writes, account, seq, content)
    }

    /// See [`super::Engine::hurry`].
    pub(crate) fn hurry(&self) {
        self.shared().hurry();
    }

    pub(crate) async fn settle(&self, writes: Writes) -> Result<(), Error> {
        let (sender, settled) = tokio::sync::oneshot::channel();
        let done: Done = Box::new(move |outcome: Result<Position, Error>| {
            // Whoever asked may have stopped waiting.
            let _ = sender.send(outcome);
        });
        self.shared().settle(writes, done)?;
        settled
            .await
            .unwrap_or_else(|_| Err(shared::closed()))
            .map(drop)
    }

    pub(crate) async fn read(
        &self,
        at: Ref,
        range: Range<usize>,
        length: Option<usize>,
        into: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        self.shared().read(at, range, length, into).await
    }

    pub(crate) fn read_now(
        &self,
        run: &[(Ref, usize)],
        wanted: Range<usize>,
        into: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        self.shared().read_now(run, wanted, into)
    }

    pub(crate) async fn batches_page(
        &self,
        account: AccountId,
        after: u64,
        octets_max: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .pool
            .run(move || shared.batches_page(account, after, octets_max))
            .await
    }

    /// All of an account's batches after `after`.
    #[cfg(test)]
    pub(crate) async fn batches(
        &self,
        account: AccountId,
        after: u64,
    ) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        let mut all: Vec<(u64, Vec<u8>)> = Vec::new();
        loop {
            let from = all.last().map_or(after, |(seq, _)| *seq);
            // So little that tests see more than one page.
            let mut page = self.batches_page(account, from, 100).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.append(&mut page);
        }
    }

    pub(crate) async fn loss(
        &self,
        account: AccountId,
        after: u64,
        before: Option<u64>,
    ) -> Result<Option<Loss>, Error> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .pool
            .run(move || shared.loss(account, after, before))
            .await
    }

    pub(crate) fn skip(&self, account: AccountId, seq: u64) {
        let shared = self.shared();
        let mut queue = shared.queue();
        let mut index = shared.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.skip(account, seq);
        let head = queue.heads.entry(account).or_insert(seq);
        *head = seq.max(*head);
    }

    pub(crate) async fn checkpoint_get(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .pool
            .run(move || shared.derived(|it| it.get(&key)))
            .await
    }

    pub(crate) fn checkpoint_get_now(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.shared().derived(|it| it.get(key))
    }

    pub(crate) async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.shared().pool.run(move || Ok(job())).await
    }

    pub(crate) async fn checkpoint_read<T: Send + 'static>(
        &self,
        keys: Vec<Vec<u8>>,
        read: impl Fn(usize, Option<&[u8]>) -> T + Send + 'static,
    ) -> Result<Vec<T>, Error> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .pool
            .run(move || shared.derived(|it| it.read(&keys, &read)))
            .await
    }

    pub(crate) async fn checkpoint_keys(&self, prefix: Vec<u8>) -> Result<Vec<Vec<u8>>, Error> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .pool
            .run(move || shared.derived(|it| it.keys(&prefix)))
            .await
    }

    #[cfg(test)]
    pub(crate) async fn checkpoint_scan(
        &self,
        prefix: Vec<u8>,
    ) -> Result<Vec<crate::engine::Entry>, Error> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .pool
            .run(move || shared.derived(|it| it.scan(&prefix)))
            .await
    }

    pub(crate) async fn checkpoint_put(
        &self,
        writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        complete_to: Option<Position>,
    ) -> Result<(), Error> {
        let shared = Arc::clone(self.shared());
        self.shared()
            .pool
            .run(move || shared.checkpoint_put(writes, complete_to))
            .await
    }

    /// See [`super::Engine::horizon`].
    pub(crate) fn horizon(&self) -> Position {
        Position(self.shared().horizon())
    }

    /// See [`super::Engine::is_freed`].
    pub(crate) fn is_freed(&self, at: Ref) -> bool {
        self.shared().is_freed(at)
    }

    /// See [`super::Engine::sealed`].
    pub(crate) async fn sealed(&self, horizon: Position) -> Result<Vec<Sealed>, Error> {
        self.run(move |shared| shared.sealed(horizon.0)).await
    }

    /// See [`super::Engine::sweep`].
    pub(crate) async fn sweep(
        &self,
        segment: u64,
        mut dead: Box<dyn FnMut(&Sweep) -> bool + Send>,
    ) -> Result<Dead, Error> {
        self.run(move |shared| shared.sweep(segment, &mut *dead))
            .await
    }

    /// See [`super::Engine::free`].
    pub(crate) async fn free(
        &self,
        segment: u64,
        ranges: Vec<Range<u64>>,
    ) -> Result<GivenBack, Error> {
        self.run(move |shared| shared.free(segment, ranges)).await
    }

    /// See [`super::Engine::tidy`].
    pub(crate) async fn tidy(&self) -> Result<(), Error> {
        self.run(Shared::tidy).await
    }

    /// See [`super::Engine::forget_batches`].
    pub(crate) async fn forget_batches(&self, below: Vec<(AccountId, u64)>) -> Result<(), Error> {
        let update = Update {
            freed: below,
            ..Update::default()
        };
        self.run(move |shared| shared.checkpoint.update(&update))
            .await
    }

    /// Runs a job on a thread that may wait for the disk.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Shared<D>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = Arc::clone(self.shared());
        self.shared().pool.run(move || job(&shared)).await
    }

    pub(crate) fn pending_accounts(&self) -> Vec<AccountId> {
        self.shared()
            .index
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pending()
    }

    /// Says what damage was seen to, beside what was before; see [`known`].
    pub(crate) fn see_to(&self, mut damages: Vec<Damage>, now: i64) -> Result<(), Error> {
        let shared = self.shared();
        let mut known = known::read(&*shared.disk, &shared.partition);
        damages.retain(|damage| known.iter().all(|(known, _)| known != damage));
        known.extend(damages.into_iter().map(|damage| (damage, now)));
        known::write(&*shared.disk, &shared.partition, &known)
    }

    pub(crate) fn refused(&self) -> Option<Error> {
        self.shared().refused()
    }

    pub(crate) async fn knows(&self, account: AccountId) -> Result<bool, Error> {
        let shared = Arc::clone(self.shared());
        let knows = move || {
            let index = shared.index.lock().unwrap_or_else(PoisonError::into_inner);
            let last = index.last(account);
            drop(index);
            Ok(last > 0 || shared.derived(|it| it.head(account))? > 0)
        };
        self.shared().pool.run(knows).await
    }

    pub(crate) fn go_on_after(&self, account: AccountId, last: u64) {
        let mut queue = self.shared().queue();
        let head = queue.heads.entry(account).or_insert(0);
        *head = last.max(*head);
    }

    pub(crate) fn position(&self) -> Position {
        Position(self.shared().durable.load(Ordering::Acquire))
    }

    pub(crate) fn bytes_since_checkpoint(&self) -> u64 {
        let shared = self.shared();
        let checkpointed = shared.checkpointed.load(Ordering::Acquire);
        self.position().0.saturating_sub(checkpointed)
    }

    pub(crate) fn damages(&self) -> Vec<Damage> {
        self.shared().damages.clone()
    }

    pub(crate) fn walk(
        &self,
        visit: &mut dyn FnMut(WalkItem<'_>) -> ControlFlow<()>,
    ) -> Result<Position, Error> {
        let shared = self.shared();
        let proved = shared.checkpointed.load(Ordering::Acquire);
        walk::walk(&*shared.disk, (&shared.partition, proved), visit)
    }

    pub(crate) async fn close(&self) -> Result<(), Error> {
        let shared = self.shared();
        shared.stop();
        // The sender lives as long as self.
        let _ = shared
            .stopped
            .subscribe()
            .wait_for(|stopped| *stopped)
            .await;
        let inner = Arc::clone(&self.inner);
        let closed = shared.pool.run(move || {
            inner.end();
            Ok(())
        });
        closed.await?;
        shared.refused().map_or(Ok(()), Err)
    }
}

/// A store that is half restored must not pass for one that has less mail.
pub(crate) fn refuse_unfinished<D: Disk>(disk: &D) -> Result<(), Error> {
    match disk.open(backup::UNFINISHED, disk::Access::Read) {
        Ok(_) => Err(Error::Corrupt {
            file: backup::UNFINISHED.into(),
            offset: 0,
            what: "a restore into this directory did not end: restore again".into(),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error(backup::UNFINISHED, error)),
    }
}

impl<D: Disk> Shared<D> {
    /// See [`super::Engine::checkpoint_put`]; waits for the disk.
    fn checkpoint_put(
        &self,
        writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        complete_to: Option<Position>,
    ) -> Result<(), Error> {
        self.lease.hold()?;
        let index = || self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let places = complete_to.map_or_else(Vec::new, |to| index().before(to.0));
        let update = Update {
            writes,
            places,
            complete_to,
            gaps: complete_to.map(|_| gaps::encode(&self.gaps)),
            ..Update::default()
        };
        self.checkpoint.update(&update)?;
        if let Some(position) = complete_to {
            index().forget_before(position.0);
            self.checkpointed.fetch_max(position.0, Ordering::AcqRel);
        }
        Ok(())
    }
}

impl<D: Disk> Inner<D> {
    fn writer(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renewer(&self) -> MutexGuard<'_, Option<Renewer>> {
        self.renewer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing is written from now on, and another process may have it.
    fn end(&self) {
        self.join();
        self.shared.checkpoint.close();
        drop(self.renewer().take());
        self.shared.lease.release();
    }

    /// Waits for the writer to end, unless this is the writer.
    fn join(&self) {
        let writer = self.writer().take();
        if let Some(writer) = writer
            && writer.thread().id() != thread::current().id()
        {
            // It catches its own panics; what it could not write, it has told.
            let _ = writer.join();
        }
    }
}

impl<D: Disk> Drop for Inner<D> {
    fn drop(&mut self) {
        self.shared.stop();
        self.end();
    }
}
