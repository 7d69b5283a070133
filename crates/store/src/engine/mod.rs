//! What keeps the bytes, and knows no mail.
//!
//! An engine offers: put a record, append a batch to an account's log, read
//! both back, keep checkpoint data. Two implement it: `log`, files
//! on a local disk, and the same log in memory, for tests and simulation.
//!
//! The contract, once, for both:
//!
//! * **Order.** Puts and appends get their place when they are called; the
//!   log has them in that order, and `done`s run in that order.
//! * **Durability.** A put is durable no later than any append called after it
//!   that is acknowledged. An append is acknowledged by its `done`, after the disk has it.
//! * **Failure.** When a group of writes fails, everything queued behind it fails too,
//!   and every `Writes` from before is spent: what it put can never be referred to
//!   by a later batch. Begin again for the next attempt.
//! * **Places.** A [`Ref`] means something only if the batch that holds it was acknowledged.

mod crossing;
pub(crate) mod log;
pub(crate) mod partitions;
mod volume;

use std::{
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
    sync::Arc,
};

#[cfg(test)]
use tokio::sync::oneshot;

use self::log::{Log, disk::RealDisk, past::PastDisk, ram::RamDisk, registry};
pub(crate) use self::log::{
    files::{Partition, io_error},
    pins::Pin,
};
#[cfg(test)]
pub(crate) use self::partitions::AnyDisk;
pub(crate) use self::partitions::{Partitions, Slot as PartitionSlot};
pub(crate) use self::volume::{OpenFile, Volume};
use crate::{error::Error, id::AccountId};

/// The longest body of one put, in octets; larger things are several puts.
pub(crate) const PIECE_BYTES_MAX: usize = 128 * 1024;

/// Where a record is: opaque, for ever the same record. Its upper 16 bits are the partition's
/// number, the others the LSN there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref(pub(crate) u64);

impl Ref {
    const LSN_BITS: u32 = 48;

    /// The place of an LSN in a partition. A log of 256 TiB is beyond what a partition takes.
    pub(crate) fn new(partition: u16, lsn: u64) -> Self {
        Self(u64::from(partition) << Self::LSN_BITS | lsn)
    }

    /// The number of the partition.
    pub(crate) fn partition(self) -> u16 {
        // Sixteen bits are left.
        u16::try_from(self.0 >> Self::LSN_BITS).unwrap_or(u16::MAX)
    }

    /// The LSN there.
    pub(crate) fn lsn(self) -> u64 {
        self.0 & ((1 << Self::LSN_BITS) - 1)
    }

    /// Whether nothing lies between a record with a body of `length` octets and this one.
    pub(crate) fn follows(self, before: Self, length: usize) -> bool {
        self.0 == before.0 + log::span(length)
    }
}

/// A point in the log: everything before it is durable, or is what a checkpoint covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Position(pub(crate) u64);

/// A writing context: see the contract above. Cheap to copy; hold one per operation,
/// from its first put to its append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writes {
    /// The partition's number.
    pub(crate) partition: u16,
    pub(crate) generation: u64,
    /// What is appended with it may wait some milliseconds for what others append: nobody waits for it.
    pub(crate) patient: bool,
}

impl Writes {
    /// The same, and nobody waits for what is appended with it.
    pub(crate) fn patient(self) -> Self {
        Self {
            patient: true,
            ..self
        }
    }
}

/// What a put record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    /// A piece of a message's octets.
    Blob,
    /// A message's own record, which says where its octets are.
    Message,
}

/// Told once, in log order, on the engine's thread, how an append ended. Must be short and
/// must not wait: everybody's writes wait for it.
pub(crate) type Done = Box<dyn FnOnce(Result<Position, Error>) + Send>;

/// Batches that an account has lost, or may have lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loss {
    /// The last number that any of them may have had.
    pub(crate) last: u64,
    /// Octets that they had at most, all together.
    pub(crate) octets: u64,
}

/// A checkpoint entry: key and value.
pub(crate) type Entry = (Vec<u8>, Vec<u8>);

/// Something that was found damaged on opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The file, below the store's directory.
    pub(crate) file: Arc<str>,
    /// Where in it, in octets.
    pub(crate) offset: u64,
    /// What is wrong, for a person.
    pub(crate) what: Arc<str>,
}

/// What a walk through a log finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WalkItem<'a> {
    /// A whole record.
    Record {
        /// What it is.
        kind: WalkKind,
        /// Whose it is; of puts, what the one who put it said.
        account: Option<AccountId>,
        /// Where it is.
        at: Ref,
        /// Its body.
        body: &'a [u8],
    },
    /// Something damaged.
    Damage(Damage),
    /// Something damaged, which repair has seen to.
    Known,
}

/// What a record is that a walk finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalkKind {
    /// See [`RecordKind::Blob`].
    Blob,
    /// See [`RecordKind::Message`].
    Message,
    /// An account's batch, by its number.
    Batch {
        /// The number.
        seq: u64,
    },
}

/// Sees what a walk finds; may break it off.
pub(crate) type Visit<'a> = dyn FnMut(WalkItem<'_>) -> ControlFlow<()> + 'a;
/// Walks a log; may do so again.
pub(crate) type WalkFn<'a> = dyn Fn(&mut Visit<'_>) -> Result<Position, Error> + 'a;

/// A partition, and the walk through it, or why there can be none.
pub(crate) struct Walk<'a> {
    pub(crate) partition: Partition,
    pub(crate) walk: Result<Box<WalkFn<'a>>, Error>,
}

/// How to open an engine.
#[derive(Debug, Clone)]
pub(crate) struct EngineOptions {
    /// The store's directory; `None` keeps everything in memory.
    pub(crate) directory: Option<PathBuf>,
    /// When a segment of the log is full, in octets.
    pub(crate) segment_bytes: u64,
}

impl EngineOptions {
    /// The usual segment: small enough to clean, large enough to be rare.
    pub(crate) const SEGMENT_BYTES: u64 = 128 << 20;
}

/// An open engine. Cheap to clone; all clones are the same engine.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    /// On a local disk.
    Log(Log<RealDisk>),
    /// The same, on a disk in memory.
    Memory(Log<RamDisk>),
    /// One that is only looked at: a backup.
    Past(Log<PastDisk>),
    /// The same, on a disk that fails when it is told to.
    #[cfg(test)]
    Sim(Log<log::sim::SimDisk>),
}

/// The call, on whichever engine it is.
macro_rules! each {
    ($self:ident, $engine:ident => $call:expr) => {
        match $self {
            Engine::Log($engine) => $call,
            Engine::Memory($engine) => $call,
            Engine::Past($engine) => $call,
            #[cfg(test)]
            Engine::Sim($engine) => $call,
        }
    };
}

mod space;

pub(crate) use space::{Dead, GivenBack, Sealed, Sweep, SweepKind};

impl Engine {
    /// Opens what is there, or makes it; recovers if need be. Needs no runtime.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Io`], [`Error::Corrupt`] if nothing can be trusted.
    #[cfg(test)]
    pub(crate) async fn open(options: EngineOptions) -> Result<Self, Error> {
        open_waiting(move || match options.directory {
            Some(directory) => {
                Log::open(RealDisk::new(directory), options.segment_bytes).map(Self::Log)
            }
            None => Log::open(RamDisk::default(), options.segment_bytes).map(Self::Memory),
        })
        .await
    }

    /// The disk that it is on.
    #[cfg(test)]
    pub(crate) fn disk(&self) -> AnyDisk {
        match self {
            Self::Log(log) => AnyDisk::Real(log.disk()),
            Self::Memory(log) => AnyDisk::Memory(log.disk()),
            Self::Past(log) => AnyDisk::Past(log.disk()),
            Self::Sim(log) => AnyDisk::Sim(log.disk()),
        }
    }

    /// Which partition it is.
    pub(crate) fn partition(&self) -> &Partition {
        each!(self, engine => engine.partition())
    }

    /// A writing context as of now.
    pub(crate) fn begin(&self) -> Writes {
        each!(self, engine => engine.begin())
    }

    /// Keeps what is put from now on from being freed while nothing refers to it. Call it after
    /// [`Engine::begin`], and hold it until the batch that refers to it is queued.
    pub(crate) fn pin(&self) -> Pin {
        each!(self, engine => engine.pin())
    }

    /// Queues one record of at most [`PIECE_BYTES_MAX`] octets, and says where it will be.
    /// Waits only while the queue is over its byte budget. Cancel-safe: cancelled,
    /// nothing was queued. `account` is for verify and repair to tell whose it is.
    ///
    /// # Errors
    /// [`Error::Full`] or whatever spent `writes`; [`Error::OutOfService`];
    /// [`Error::TooBig`] for a body that is too long.
    pub(crate) async fn put(
        &self,
        writes: Writes,
        kind: RecordKind,
        account: Option<AccountId>,
        body: &[u8],
    ) -> Result<Ref, Error> {
        each!(self, engine => engine.put(writes, kind, account, body).await)
    }

    /// Queues a batch, never waits: call it with the account's lock held. `seq` must be the
    /// account's last plus one, counting what is queued ([`Engine::batches_page`] has to have been
    /// called for the account once). If this returns an error, `done` is dropped uncalled.
    ///
    /// # Errors
    /// As [`Engine::put`]; [`Error::NotPermitted`] if `seq` is not the next.
    #[expect(clippy::too_many_arguments, reason = "each says something else")]
    pub(crate) fn append(
        &self,
        writes: Writes,
        account: AccountId,
        seq: u64,
        batch: &[u8],
        done: Done,
    ) -> Result<(), Error> {
        each!(self, engine => engine.append(writes, account, seq, batch, done))
    }

    /// Has what is queued written now, though all of it is patient: somebody waits for it.
    pub(crate) fn hurry(&self) {
        each!(self, engine => engine.hurry());
    }

    /// Waits until everything that was put with `writes` is durable, though no batch follows
    /// it here: one in another partition will.
    ///
    /// # Errors
    /// As [`Engine::put`].
    pub(crate) async fn settle(&self, writes: Writes) -> Result<(), Error> {
        each!(self, engine => engine.settle(writes).await)
    }

    /// Appends octets `range` of a record's body to `into`, after checking the whole body
    /// against its checksum. `length` is the body's length if the caller knows it: that
    /// saves a read. Returns the body's length.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the record is not what was written or not that long, [`Error::Io`];
    /// `into` is then as before.
    pub(crate) async fn read(
        &self,
        at: Ref,
        range: Range<usize>,
        length: Option<usize>,
        into: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        each!(self, engine => engine.read(at, range, length, into).await)
    }

    /// As [`Engine::read`], if it takes no waiting; `false` if it would. Of a record, or of two that follow
    /// each other ([`Ref::follows`]), with the lengths of their bodies: octets `wanted` of
    /// these bodies, put together.
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub(crate) fn read_now(
        &self,
        run: &[(Ref, usize)],
        wanted: Range<usize>,
        into: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        each!(self, engine => engine.read_now(run, wanted, into))
    }

    /// The account's durable batches after `after`, ascending by seq: as many as have
    /// `octets_max` octets, and at least one if there is one; none at the end. A gap is a
    /// batch that is damaged, or was freed. An account has to have been asked for once
    /// before anything is appended to it.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub(crate) async fn batches_page(
        &self,
        account: AccountId,
        after: u64,
        octets_max: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        each!(self, engine => engine.batches_page(account, after, octets_max).await)
    }

    /// What an account may have lost between its batches `after` and `before`, which follow each other
    /// as far as is known; or after the last one.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub(crate) async fn loss(
        &self,
        account: AccountId,
        after: u64,
        before: Option<u64>,
    ) -> Result<Option<Loss>, Error> {
        each!(self, engine => engine.loss(account, after, before).await)
    }

    /// The account's batches go on after `seq`, at least: numbers up to it may be used up.
    pub(crate) fn skip(&self, account: AccountId, seq: u64) {
        each!(self, engine => engine.skip(account, seq));
    }

    /// Says that damage was seen to: a walk tells it from new damage. `now` is in unix seconds. Waits
    /// for the disk.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`].
    pub(crate) fn see_to(&self, damages: Vec<Damage>, now: i64) -> Result<(), Error> {
        each!(self, engine => engine.see_to(damages, now))
    }

    /// The checkpoint's value for a key.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub(crate) async fn checkpoint_get(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        each!(self, engine => engine.checkpoint_get(key).await)
    }

    /// The checkpoint's value for a key. Waits for the disk.
    ///
    /// # Errors
    /// As [`Engine::checkpoint_get`].
    pub(crate) fn checkpoint_get_now(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        each!(self, engine => engine.checkpoint_get_now(key))
    }

    /// Does something that takes a processor's time, on a thread that may.
    ///
    /// # Errors
    /// [`Error::OutOfService`].
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        each!(self, engine => engine.work(job).await)
    }

    /// Hands the checkpoint's values of some keys to `read`, by their number, on a thread that
    /// may wait; `None` for one that is not there or is damaged. Gives what `read` made of them.
    ///
    /// # Errors
    /// As [`Engine::checkpoint_get`], of the checkpoint as a whole.
    pub(crate) async fn checkpoint_read<T: Send + 'static>(
        &self,
        keys: Vec<Vec<u8>>,
        read: impl Fn(usize, Option<&[u8]>) -> T + Send + 'static,
    ) -> Result<Vec<T>, Error> {
        each!(self, engine => engine.checkpoint_read(keys, read).await)
    }

    /// The checkpoint's keys that begin with `prefix`, ascending; also those whose values are damaged.
    ///
    /// # Errors
    /// As [`Engine::checkpoint_get`].
    pub(crate) async fn checkpoint_keys(&self, prefix: Vec<u8>) -> Result<Vec<Vec<u8>>, Error> {
        each!(self, engine => engine.checkpoint_keys(prefix).await)
    }

    /// The checkpoint's entries whose keys begin with `prefix`, ascending.
    ///
    /// # Errors
    /// As [`Engine::checkpoint_get`].
    #[cfg(test)]
    pub(crate) async fn checkpoint_scan(&self, prefix: Vec<u8>) -> Result<Vec<Entry>, Error> {
        each!(self, engine => engine.checkpoint_scan(prefix).await)
    }

    /// Changes the checkpoint, all or nothing, durable on return; `None` removes a key. With
    /// `complete_to`, says that every batch of every account before it is in
    /// the checkpoint: recovery begins there.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`]; the checkpoint is as before.
    pub(crate) async fn checkpoint_put(
        &self,
        writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        complete_to: Option<Position>,
    ) -> Result<(), Error> {
        each!(self, engine => engine.checkpoint_put(writes, complete_to).await)
    }

    /// Accounts with batches that no checkpoint covers yet.
    pub(crate) fn pending_accounts(&self) -> Vec<AccountId> {
        each!(self, engine => engine.pending_accounts())
    }

    /// Why it takes no writes any more; `None` if it does.
    pub(crate) fn refused(&self) -> Option<Error> {
        each!(self, engine => engine.refused())
    }

    /// Whether anything was ever written of an account, as far as it can be told quickly:
    /// batches after the checkpoint, or the checkpoint's word.
    ///
    /// # Errors
    /// As [`Engine::checkpoint_get`].
    pub(crate) async fn knows(&self, account: AccountId) -> Result<bool, Error> {
        each!(self, engine => engine.knows(account).await)
    }

    /// Has an account's numbers go on after `last`, as they have come so far in another
    /// partition. [`Engine::batches_page`] has to have been called.
    pub(crate) fn go_on_after(&self, account: AccountId, last: u64) {
        each!(self, engine => engine.go_on_after(account, last));
    }

    /// The end of what is durable.
    pub(crate) fn position(&self) -> Position {
        each!(self, engine => engine.position())
    }

    /// Octets of log after the last complete checkpoint: what recovery would read.
    pub(crate) fn bytes_since_checkpoint(&self) -> u64 {
        each!(self, engine => engine.bytes_since_checkpoint())
    }

    /// What was found damaged on opening.
    pub(crate) fn damages(&self) -> Vec<Damage> {
        each!(self, engine => engine.damages())
    }

    /// Walks every record in the order of the log, and names what is damaged. Waits for the disk:
    /// call it on a thread that may. Returns where the walk ended.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Corrupt`] if it takes a newer program.
    pub(crate) fn walk(
        &self,
        visit: &mut dyn FnMut(WalkItem<'_>) -> ControlFlow<()>,
    ) -> Result<Position, Error> {
        each!(self, engine => engine.walk(visit))
    }

    /// The walks of all partitions of the store in a directory, which another process may have open.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Corrupt`] if it takes a newer program.
    pub(crate) fn walks_of_directory(directory: &Path) -> Result<Vec<Walk<'static>>, Error> {
        let disk = Arc::new(RealDisk::new(directory.to_owned()));
        let Some((registry, wrong)) = registry::look(&*disk)? else {
            return Ok(Vec::new());
        };
        let mut walks = Vec::new();
        if let Some(what) = wrong {
            walks.push(Walk {
                partition: Partition::first(),
                walk: Err(Error::Corrupt {
                    file: log::files::STORE.into(),
                    offset: 0,
                    what: what.into(),
                }),
            });
        }
        for partition in registry.active() {
            let there = registry::check_there(&*disk, partition, registry.store);
            let (disk, of) = (Arc::clone(&disk), partition.clone());
            walks.push(Walk {
                partition: partition.clone(),
                walk: there.map(|()| {
                    let walk = move |visit: &mut Visit<'_>| Log::walk_disk(&*disk, &of, visit);
                    Box::new(walk) as Box<WalkFn<'static>>
                }),
            });
        }
        Ok(walks)
    }

    /// Finishes what is queued, stops the threads, releases the lease. Later writes fail.
    ///
    /// # Errors
    /// [`Error::OutOfService`] if the last writes could not be made durable.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        each!(self, engine => engine.close().await)
    }
}

/// Opens an engine on a thread that may wait.
#[cfg(test)]
async fn open_waiting(
    open: impl FnOnce() -> Result<Engine, Error> + Send + 'static,
) -> Result<Engine, Error> {
    let (answer, opened) = oneshot::channel();
    let open = move || {
        // Nobody waits any more: then it is closed again.
        let _ = answer.send(open());
    };
    let failed = |what: String| Error::OutOfService(what.into());
    std::thread::Builder::new()
        .name("store-open".into())
        .spawn(open)
        .map_err(|error| failed(error.to_string()))?;
    opened
        .await
        .map_err(|_| failed("opening it panicked".into()))?
}
