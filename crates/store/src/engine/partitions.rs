//! The partitions of an open store: an engine for each, found by the number in a place.
//!
//! One that can't be opened (its disk is not mounted, its log can't be trusted) leaves the
//! others as they are: only what lies there is out of reach, and says so.

use std::{
    collections::BTreeMap,
    ops::{ControlFlow, Range},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard, oneshot};

use super::{
    Damage, Engine, EngineOptions, Partition, Ref, Visit, Volume, Walk, WalkFn, WalkItem, Writes,
    crossing::{Crossing, Passing},
    log::{
        Log,
        backup::{self, Copied, Source, Tell},
        disk::{Disk, RealDisk, Space},
        files::{PARTITIONS, io_error},
        past::PastDisk,
        ram::RamDisk,
        refuse_unfinished,
        registry::{self, Registry, State},
    },
    volume::On,
};
use crate::error::Error;

/// The partitions. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Partitions {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    disk: AnyDisk,
    segment_bytes: u64,
    /// Held while partitions are added, removed or reopened.
    registry: Mutex<Registry>,
    slots: ArcSwap<BTreeMap<u16, Slot>>,
    crossing: Crossing,
    reprieves: RwLock<u64>,
}

/// A partition that the store has.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) partition: Partition,
    /// Its engine, or why there is none.
    pub(crate) engine: Result<Engine, Error>,
}

/// The disk that all partitions are on, as paths go.
#[derive(Debug, Clone)]
pub(crate) enum AnyDisk {
    Real(Arc<RealDisk>),
    Memory(Arc<RamDisk>),
    Past(Arc<PastDisk>),
    #[cfg(test)]
    Sim(Arc<super::log::sim::SimDisk>),
}

/// The call, on whichever disk it is.
macro_rules! on {
    ($self:expr, $disk:ident => $call:expr) => {
        match $self {
            AnyDisk::Real($disk) => $call,
            AnyDisk::Memory($disk) => $call,
            AnyDisk::Past($disk) => $call,
            #[cfg(test)]
            AnyDisk::Sim($disk) => $call,
        }
    };
}

impl AnyDisk {
    /// Makes a name for a directory elsewhere.
    fn link(&self, name: &str, path: &Path) -> Result<(), Error> {
        match self {
            Self::Real(disk) => disk
                .link(name, path)
                .map_err(|error| io_error(&path.to_string_lossy(), error)),
            Self::Memory(_) | Self::Past(_) => {
                Err(Error::NotPermitted("nothing can be changed here"))
            }
            #[cfg(test)]
            Self::Sim(_) => Err(Error::NotPermitted("this disk has no links")),
        }
    }

    fn engine(
        &self,
        partition: &Partition,
        store: [u8; 16],
        segment_bytes: u64,
    ) -> Result<Engine, Error> {
        let partition = partition.clone();
        Ok(match self {
            Self::Real(disk) => Engine::Log(Log::open_partition(
                Arc::clone(disk),
                partition,
                store,
                segment_bytes,
            )?),
            Self::Memory(disk) => Engine::Memory(Log::open_partition(
                Arc::clone(disk),
                partition,
                store,
                segment_bytes,
            )?),
            Self::Past(disk) => Engine::Past(Log::open_partition(
                Arc::clone(disk),
                partition,
                store,
                segment_bytes,
            )?),
            #[cfg(test)]
            Self::Sim(disk) => Engine::Sim(Log::open_partition(
                Arc::clone(disk),
                partition,
                store,
                segment_bytes,
            )?),
        })
    }
}

impl Partitions {
    /// Opens what is there, or makes it; recovers if need be. Needs no runtime.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::Io`], [`Error::Corrupt`] if nothing can be trusted;
    /// [`Error::OutOfService`] if no partition is there.
    pub(crate) async fn open(options: EngineOptions) -> Result<Self, Error> {
        let disk = match options.directory {
            Some(directory) => AnyDisk::Real(Arc::new(RealDisk::new(directory))),
            None => AnyDisk::Memory(Arc::default()),
        };
        let segment_bytes = options.segment_bytes;
        aside("store-open", move || Self::open_on(disk, segment_bytes)).await?
    }

    /// Opens what is in a directory to look at: nothing there is changed, no lease is taken, writing
    /// fails. Of a backup, what its manifest vouches for is seen.
    ///
    /// # Errors
    /// As [`Partitions::open`].
    pub(crate) async fn open_past(directory: PathBuf) -> Result<Self, Error> {
        let open = move || {
            let manifest = backup::manifest_in(&RealDisk::new(directory.clone()), "")?;
            let files = manifest.map(|manifest| manifest.files).unwrap_or_default();
            let bounds = files.into_iter().map(|file| (file.path, file.length));
            let disk = PastDisk::new(directory, bounds.collect());
            Self::open_on(AnyDisk::Past(Arc::new(disk)), EngineOptions::SEGMENT_BYTES)
        };
        aside("store-open", open).await?
    }

    /// Makes one more generation of a backup of all partitions; waits for the disk. `beside`: files to
    /// keep with it, and the time.
    ///
    /// # Errors
    /// See [`backup::back_up`]; [`Error::OutOfService`] if a partition is not open: it would be
    /// missing.
    pub(crate) fn back_up<T: Disk>(
        &self,
        target: &T,
        (beside, now): (Vec<(String, Vec<u8>)>, i64),
        tell: Tell<'_>,
    ) -> Result<Copied, Error> {
        if let Some(missing) = self.missing() {
            return Err(missing);
        }
        let store = self.store();
        macro_rules! of {
            ($disk:ident, $engine:path) => {{
                let part = |engine: &Engine| match engine {
                    $engine(log) => Some(log.backup_part()),
                    _ => None,
                };
                // So that no batch is in it without what it refers to elsewhere.
                let parts = || self.engines().iter().filter_map(part).collect();
                let parts = self.inner.crossing.alone(parts);
                let source = Source {
                    disk: Arc::clone($disk),
                    store,
                    parts,
                    beside,
                    now,
                };
                backup::back_up(&source, target, tell)
            }};
        }
        match &self.inner.disk {
            AnyDisk::Real(disk) => of!(disk, Engine::Log),
            AnyDisk::Memory(disk) => of!(disk, Engine::Memory),
            AnyDisk::Past(disk) => of!(disk, Engine::Past),
            #[cfg(test)]
            AnyDisk::Sim(disk) => of!(disk, Engine::Sim),
        }
    }

    /// Held by whoever appends a batch that refers to something in another partition, until that is
    /// durable.
    pub(crate) async fn crossing(&self) -> Passing<'_> {
        self.inner.crossing.pass().await
    }

    /// The same, on a disk; waits for it.
    ///
    /// # Errors
    /// As [`Partitions::open`].
    pub(crate) fn open_on(disk: AnyDisk, segment_bytes: u64) -> Result<Self, Error> {
        on!(&disk, disk => refuse_unfinished(&**disk))?;
        let registry = on!(&disk, disk => registry::open(&**disk))?;
        let mut slots = BTreeMap::new();
        let mut failed = None;
        for partition in registry.active() {
            let engine = disk.engine(partition, registry.store, segment_bytes);
            match &engine {
                Ok(_) => {}
                // Somebody else has the store.
                Err(error @ Error::InUse(_)) => return Err(error.clone()),
                Err(error) => {
                    let name = &*partition.name;
                    tracing::error!(partition = name, %error, "opened without this partition");
                    failed.get_or_insert_with(|| error.clone());
                }
            }
            let slot = Slot {
                partition: partition.clone(),
                engine,
            };
            slots.insert(partition.number, slot);
        }
        // Nobody else has it.
        on!(&disk, disk => registry::replicate(&**disk, &registry));
        if let Some(error) = failed
            && slots.values().all(|slot| slot.engine.is_err())
        {
            return Err(error);
        }
        Ok(Self::of(disk, segment_bytes, registry, slots))
    }

    /// A store of one partition, open already.
    #[cfg(test)]
    pub(crate) fn around(engine: Engine) -> Self {
        let disk = engine.disk();
        let partition = engine.partition().clone();
        let looked = on!(&disk, disk => registry::look(&**disk));
        let registry = looked.ok().flatten().map(|(registry, _)| registry);
        let registry = registry.unwrap_or_else(|| Registry {
            store: [0; 16],
            partitions: Vec::new(),
        });
        let slot = Slot {
            partition: partition.clone(),
            engine: Ok(engine),
        };
        let slots = BTreeMap::from([(partition.number, slot)]);
        Self::of(disk, EngineOptions::SEGMENT_BYTES, registry, slots)
    }

    fn of(
        disk: AnyDisk,
        segment_bytes: u64,
        registry: Registry,
        slots: BTreeMap<u16, Slot>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                disk,
                segment_bytes,
                registry: Mutex::new(registry),
                slots: ArcSwap::from_pointee(slots),
                crossing: Crossing::default(),
                reprieves: RwLock::default(),
            }),
        }
    }

    /// Adds a partition, in a directory of its own or as a link to `path`; what is there already of
    /// this store is taken as it is. Waits for the disk.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if it can't be named so or there is one of that name;
    /// [`Error::Corrupt`] if what is there is another store's; [`Error::Io`], [`Error::Full`].
    pub(crate) fn add(&self, name: &str, path: Option<&Path>) -> Result<Partition, Error> {
        self.may_add(name)?;
        on!(&self.inner.disk, disk => {
            let _lock = registry::lock(&**disk)?;
            self.add_alone(name, path)
        })
    }

    /// Whether one of that name may be added.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] says why not.
    pub(crate) fn may_add(&self, name: &str) -> Result<(), Error> {
        if !registry::is_name(name) {
            return Err(Error::NotPermitted(
                "a partition's name is of letters, digits, - and _, at most 64",
            ));
        }
        if self.registry().active().any(|it| *it.name == *name) {
            return Err(Error::NotPermitted("there is a partition of that name"));
        }
        Ok(())
    }

    fn add_alone(&self, name: &str, path: Option<&Path>) -> Result<Partition, Error> {
        let mut registry = self.registry();
        let inner = &*self.inner;
        if let Some(path) = path {
            let root = format!("{PARTITIONS}/{name}");
            inner.disk.link(&root, path)?;
        }
        let mut partition = Partition {
            name: name.into(),
            ..Partition::first()
        };
        let there = on!(&inner.disk, disk => registry::identify(&**disk, &partition))?;
        partition.id = match there {
            Some((store, id)) if store == registry.store => id,
            Some(_) => {
                return Err(Error::Corrupt {
                    file: partition.root().into(),
                    offset: 0,
                    what: "it is a partition of another store".into(),
                });
            }
            None => registry::new_id(registry.next_number()?)?,
        };
        partition.number = registry::number(partition.id);
        if registry.active().any(|it| it.number == partition.number) {
            return Err(Error::NotPermitted(
                "it is a partition that has another name",
            ));
        }
        on!(&inner.disk, disk => registry::make(&**disk, &partition, registry.store))?;
        let engine = inner
            .disk
            .engine(&partition, registry.store, inner.segment_bytes)?;
        let mut changed = registry.clone();
        changed.set(partition.clone(), State::Active);
        on!(&inner.disk, disk => registry::write(&**disk, &changed))?;
        *registry = changed;
        self.put(Slot {
            partition: partition.clone(),
            engine: Ok(engine),
        });
        Ok(partition)
    }

    /// Takes a partition out of the store. Its directory stays; whoever calls this has seen that
    /// nothing needs it.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if it is the only one; [`Error::Io`], [`Error::Full`].
    pub(crate) async fn remove(&self, number: u16) -> Result<(), Error> {
        let engine = self.get(number)?;
        {
            let mut registry = self.registry();
            if registry.active().count() < 2 {
                return Err(Error::NotPermitted("it is the only partition"));
            }
            let mut changed = registry.clone();
            changed.set(engine.partition().clone(), State::Removed);
            on!(&self.inner.disk, disk => registry::write(&**disk, &changed))?;
            *registry = changed;
            let mut slots = BTreeMap::clone(&self.inner.slots.load());
            slots.remove(&number);
            self.inner.slots.store(Arc::new(slots));
        }
        engine.close().await
    }

    /// Opens a partition again that is out of service, or was not there, after a walk through all of
    /// it. Gives what was found damaged.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if it is in service. Why it can't be opened: then it is as before.
    pub(crate) async fn reopen(&self, number: u16) -> Result<Vec<Damage>, Error> {
        let slots = self.inner.slots.load_full();
        let slot = slots.get(&number);
        let slot = slot.ok_or(Error::NotPermitted("there is no such partition"))?;
        if let Ok(engine) = &slot.engine {
            if engine.refused().is_none() {
                return Err(Error::NotPermitted("it is in service"));
            }
            // It says again why it is out of service.
            let _ = engine.close().await;
        }
        let (this, partition) = (self.clone(), slot.partition.clone());
        let open = move || -> Result<_, Error> {
            let store = this.registry().store;
            let inner = &*this.inner;
            let engine = inner.disk.engine(&partition, store, inner.segment_bytes)?;
            let mut damages = Vec::new();
            engine.walk(&mut |item| {
                if let WalkItem::Damage(damage) = item {
                    damages.push(damage);
                }
                ControlFlow::Continue(())
            })?;
            this.put(Slot {
                partition,
                engine: Ok(engine),
            });
            on!(&inner.disk, disk => registry::replicate(&**disk, &this.registry()));
            Ok(damages)
        };
        aside("store-open", open).await?
    }

    fn put(&self, slot: Slot) {
        let mut slots = BTreeMap::clone(&self.inner.slots.load());
        slots.insert(slot.partition.number, slot);
        self.inner.slots.store(Arc::new(slots));
    }

    /// Which store it is.
    pub(crate) fn store(&self) -> [u8; 16] {
        self.registry().store
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        // It is replaced whole.
        let registry = self.inner.registry.lock();
        registry.unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk, for files beside the logs.
    pub(crate) fn volume(&self) -> Arc<dyn Volume> {
        on!(&self.inner.disk, disk => Arc::new(On(Arc::clone(disk))))
    }

    /// Octets that are free in a partition, as far as the disk says.
    pub(crate) fn free(&self, partition: &Partition) -> Option<u64> {
        let AnyDisk::Real(disk) = &self.inner.disk else {
            return None;
        };
        disk.free(&partition.root()).ok()
    }

    /// Where a partition is, the octets of its files, and the octets that are free there, as far as the
    /// disk says.
    pub(crate) fn space(&self, partition: &Partition) -> (Option<PathBuf>, Option<Space>) {
        let AnyDisk::Real(disk) = &self.inner.disk else {
            return (None, None);
        };
        (
            Some(disk.whole_path(&partition.root())),
            disk.room(&partition.root()).ok(),
        )
    }

    /// Every partition that the store has, ascending by number.
    pub(crate) fn all(&self) -> Vec<Slot> {
        self.inner.slots.load().values().cloned().collect()
    }

    /// The engines of those that are open, ascending by number.
    pub(crate) fn engines(&self) -> Vec<Engine> {
        let slots = self.inner.slots.load();
        let open = slots.values().filter_map(|slot| slot.engine.as_ref().ok());
        open.cloned().collect()
    }

    /// Why one that is not open is not; `None` if all are.
    pub(crate) fn missing(&self) -> Option<Error> {
        let slots = self.inner.slots.load();
        slots
            .values()
            .find_map(|slot| slot.engine.as_ref().err().cloned())
    }

    /// The engine of a partition by its number.
    ///
    /// # Errors
    /// [`Error::OutOfService`] if it is not open, or there is none.
    pub(crate) fn get(&self, number: u16) -> Result<Engine, Error> {
        match self.inner.slots.load().get(&number) {
            Some(Slot {
                engine: Ok(engine), ..
            }) => Ok(engine.clone()),
            Some(slot) => Err(out_of_service(slot)),
            None => {
                let what = format!("there is no partition {number}");
                Err(Error::OutOfService(what.into()))
            }
        }
    }

    /// The engine of a partition by its name; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::OutOfService`] if it is not open.
    pub(crate) fn named(&self, name: &str) -> Option<Result<Engine, Error>> {
        let slots = self.inner.slots.load();
        let slot = slots.values().find(|slot| *slot.partition.name == *name)?;
        Some(slot.engine.clone().map_err(|_| out_of_service(slot)))
    }

    /// Reads a record, wherever it is; see [`Engine::read`].
    ///
    /// # Errors
    /// As [`Engine::read`]; [`Error::OutOfService`] if its partition is not open.
    pub(crate) async fn read(
        &self,
        at: Ref,
        range: Range<usize>,
        length: Option<usize>,
        into: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let engine = self.get(at.partition())?;
        engine.read(at, range, length, into).await
    }

    /// Reads a record, or two, without waiting; `false` if it would; see [`Engine::read_now`].
    ///
    /// # Errors
    /// As [`Engine::read`].
    pub(crate) fn read_now(
        &self,
        run: &[(Ref, usize)],
        wanted: Range<usize>,
        into: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        let slots = self.inner.slots.load();
        let slot = run.first().and_then(|(at, _)| slots.get(&at.partition()));
        match slot.map(|slot| &slot.engine) {
            Some(Ok(engine)) => engine.read_now(run, wanted, into),
            _ => Ok(false),
        }
    }

    /// Waits until what was put with `writes` is durable; see [`Engine::settle`].
    ///
    /// # Errors
    /// As [`Engine::settle`].
    pub(crate) async fn settle(&self, writes: Writes) -> Result<(), Error> {
        self.get(writes.partition)?.settle(writes).await
    }

    /// Says that damage in a partition of that name was seen to; see [`Engine::see_to`].
    ///
    /// # Errors
    /// As [`Engine::see_to`]; [`Error::OutOfService`] if it is not there.
    pub(crate) fn see_to(&self, name: &str, damages: Vec<Damage>, now: i64) -> Result<(), Error> {
        let named = self
            .engines()
            .into_iter()
            .find(|it| *it.partition().name == *name);
        match named {
            Some(engine) => engine.see_to(damages, now),
            None => Err(Error::OutOfService(
                format!("partition {name} is not there").into(),
            )),
        }
    }

    /// Keeps whatever is still there from being freed, until it is dropped; and from then on by any
    /// compaction that has begun before. For whoever has what was dead live again: to bring
    /// it back, or to hold it. Nobody may have two.
    pub(crate) async fn reprieve(&self) -> RwLockReadGuard<'_, u64> {
        let mut reprieves = self.inner.reprieves.write().await;
        *reprieves += 1;
        reprieves.downgrade()
    }

    /// How many reprieves there have been, once none is going on: what is dead after that is told.
    pub(crate) async fn reprieves(&self) -> u64 {
        *self.inner.reprieves.write().await
    }

    /// The right to free what was dead after so many reprieves; `None` if there was one more.
    pub(crate) async fn freeing(&self, after: u64) -> Option<RwLockWriteGuard<'_, u64>> {
        let reprieves = self.inner.reprieves.write().await;
        (*reprieves == after).then_some(reprieves)
    }

    /// Whether the record at a place was freed.
    pub(crate) fn is_freed(&self, at: Ref) -> bool {
        let engine = self.get(at.partition());
        engine.is_ok_and(|engine| engine.is_freed(at))
    }

    /// The walks of all.
    pub(crate) fn walks(&self) -> Vec<Walk<'static>> {
        let walk = |Slot { partition, engine }| Walk {
            partition,
            walk: engine.map(|engine| {
                let walk = move |visit: &mut Visit<'_>| engine.walk(visit);
                Box::new(walk) as Box<WalkFn<'static>>
            }),
        };
        self.all().into_iter().map(walk).collect()
    }

    /// What was found damaged on opening.
    pub(crate) fn damages(&self) -> Vec<Damage> {
        let engines = self.engines();
        engines.iter().flat_map(Engine::damages).collect()
    }

    /// Closes all; see [`Engine::close`].
    ///
    /// # Errors
    /// The first of theirs.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        let mut outcome = Ok(());
        for engine in self.engines() {
            outcome = outcome.and(engine.close().await);
        }
        outcome
    }
}

/// Why something is out of service, for a person.
pub(crate) fn reason(error: &Error) -> Arc<str> {
    match error {
        Error::OutOfService(why) => Arc::clone(why),
        error => error.to_string().into(),
    }
}

fn out_of_service(slot: &Slot) -> Error {
    let why = slot.engine.as_ref().err().map(reason).unwrap_or_default();
    Error::OutOfService(format!("{}: {why}", slot.partition.name).into())
}

/// Runs something that waits for the disk on a thread of its own.
pub(crate) async fn aside<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let failed = |what: String| Error::OutOfService(what.into());
    let (answer, done) = oneshot::channel();
    let run = move || {
        // Nobody waits any more: then it is dropped again.
        let _ = answer.send(run());
    };
    std::thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map_err(|error| failed(error.to_string()))?;
    done.await.map_err(|_| failed(format!("{name} panicked")))
}
