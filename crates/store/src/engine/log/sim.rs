//! A disk that loses power, tears writes, fills up and fails: for tests.
//!
//! It keeps apart what was written and what was synced. After a crash, what was not synced may
//! be there, may be gone, or may be there in part; see [`crash`]. It can be filmed:
//! then the disk after each operation can be had without doing them again.

mod crash;
mod film;
mod machine;
mod octets;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, ErrorKind, IoSlice, IoSliceMut},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use self::octets::Octets;
use super::{
    disk::{Access, Disk, lies_in, names_in},
    lease_text::Host,
};

pub(crate) use self::{crash::Unsynced, film::Film, machine::Machine};

/// Which operation goes wrong, counting from 1 those that change something, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None.
    Never,
    /// From this one on nothing works, until the disk is started again.
    Crash(u64),
    /// This one fails; if it is a sync, what it should have made durable never will be.
    Error(u64),
    /// These fail, from the first to the second.
    Errors(u64, u64),
    /// These fail of those that only look, counted by themselves.
    Reads(u64, u64),
    /// There is no space to make or extend files from the first to the second.
    Full(u64, u64),
    /// Nor to write over what is allocated, as on a file system that copies on write:
    /// half of a write is done.
    FullWrites(u64, u64),
}

/// The disk, as one machine sees it; clones are the same disk on the same machine.
#[derive(Debug, Clone)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<State>>,
    machine: Arc<Machine>,
}

type Names = BTreeMap<String, usize>;

#[derive(Debug)]
struct State {
    image: Image,
    /// By machine and file: machines know nothing of each other's locks.
    locked: BTreeSet<(u32, usize)>,
    fault: Fault,
    operations: u64,
    looks: u64,
    crashed: bool,
    film: Option<Film>,
    random: fastrand::Rng,
}

/// What is on the disk, and what it has been told and not yet kept.
#[derive(Debug, Clone, Default)]
struct Image {
    files: Vec<Content>,
    names: Names,
    durable_names: Names,
    pending_names: Vec<NameChange>,
}

#[derive(Debug, Clone, Default)]
struct Content {
    live: Octets,
    durable: Octets,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Arc<[u8]>),
    Length(usize),
    Allocated(usize),
}

/// A name or two have changed; of which file.
#[derive(Debug, Clone)]
enum NameChange {
    Made(String, usize),
    Renamed(String, String, usize),
    Removed(String),
}

/// One thing that happens to a disk.
#[derive(Debug, Clone)]
enum Step {
    Name(NameChange),
    Change(usize, Change),
    Synced(usize),
    DirSynced(String),
}

/// An open file; the lock goes with it.
#[derive(Debug)]
pub(crate) struct SimFile {
    disk: SimDisk,
    number: usize,
    locker: AtomicBool,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if self.locker.load(Ordering::Relaxed) {
            let lock = (self.disk.machine.number, self.number);
            self.disk.state().locked.remove(&lock);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Write,
    Sync,
    Other,
}

impl Change {
    fn apply(&self, octets: &mut Octets) {
        match self {
            Self::Length(length) => octets.resize(*length),
            Self::Allocated(length) => octets.allocate(*length),
            Self::Write(offset, written) => octets.write(*offset, written),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Made(name, number) => drop(names.insert(name.clone(), *number)),
            Self::Removed(name) => drop(names.remove(name)),
            Self::Renamed(from, to, number) => {
                names.remove(from);
                names.insert(to.clone(), *number);
            }
        }
    }

    /// Whether it is in a directory.
    fn is_in(&self, directory: &str) -> bool {
        let within = |name: &str| name.rsplit_once('/').map_or("", |at| at.0) == directory;
        match self {
            Self::Made(name, _) | Self::Removed(name) => within(name),
            Self::Renamed(from, to, _) => within(from) || within(to),
        }
    }
}

impl Image {
    fn perform(&mut self, step: &Step) {
        match step {
            Step::Name(change) => {
                if let NameChange::Made(_, number) = change {
                    let there = self.files.len().max(number + 1);
                    self.files.resize_with(there, Content::default);
                }
                change.apply(&mut self.names);
                self.pending_names.push(change.clone());
            }
            Step::Change(number, change) => {
                let content = &mut self.files[*number];
                change.apply(&mut content.live);
                content.pending.push(change.clone());
            }
            Step::Synced(number) => {
                let Content {
                    durable, pending, ..
                } = &mut self.files[*number];
                for change in pending.drain(..) {
                    change.apply(durable);
                }
            }
            Step::DirSynced(directory) => {
                let synced = self
                    .pending_names
                    .extract_if(.., |change| change.is_in(directory));
                for change in synced {
                    change.apply(&mut self.durable_names);
                }
            }
        }
    }

    /// As it is found when the power comes back.
    fn restarted(&self, unsynced: Unsynced, random: &mut fastrand::Rng) -> Self {
        let names = crash::names(&self.durable_names, &self.pending_names, unsynced, random);
        let files = self.files.iter().map(|file| {
            let octets = crash::octets(file, unsynced, random);
            Content {
                live: octets.clone(),
                durable: octets,
                pending: Vec::new(),
            }
        });
        Self {
            files: files.collect(),
            durable_names: names.clone(),
            names,
            pending_names: Vec::new(),
        }
    }
}

impl State {
    /// Counts an operation and lets it go wrong if it is its turn. A crash happens in the
    /// middle: the operation has begun, its caller never hears of it.
    fn operation(&mut self, kind: Kind) -> io::Result<()> {
        if self.crashed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.operations += 1;
        let now = self.operations;
        match self.fault {
            Fault::Crash(at) if now >= at => {
                self.crashed = true;
                // A sync that never ends has not made anything durable for sure.
                if kind == Kind::Sync {
                    return Err(ErrorKind::BrokenPipe.into());
                }
                Ok(())
            }
            Fault::Error(at) if now == at => Err(io::Error::other("simulated failure")),
            Fault::Errors(from, to) if (from..=to).contains(&now) => {
                Err(io::Error::other("simulated failure"))
            }
            Fault::Full(from, to) if kind == Kind::Space && (from..=to).contains(&now) => {
                Err(ErrorKind::StorageFull.into())
            }
            Fault::FullWrites(from, to)
                if matches!(kind, Kind::Space | Kind::Write) && (from..=to).contains(&now) =>
            {
                Err(ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    /// Counts an operation that only looks.
    fn look(&mut self) -> io::Result<()> {
        if self.crashed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        self.looks += 1;
        match self.fault {
            Fault::Reads(from, to) if (from..=to).contains(&self.looks) => {
                Err(io::Error::other("simulated failure to read"))
            }
            _ => Ok(()),
        }
    }

    fn perform(&mut self, step: Step) {
        self.image.perform(&step);
        if let Some(film) = &mut self.film {
            film.take(step);
        }
    }

    /// The result of an operation that may have been the one in whose middle it crashed.
    fn ended<T>(&self, value: T) -> io::Result<T> {
        if self.crashed {
            Err(ErrorKind::BrokenPipe.into())
        } else {
            Ok(value)
        }
    }
}

impl SimDisk {
    pub(crate) fn new() -> Self {
        Self::of(Image::default(), 0)
    }

    fn of(image: Image, seed: u64) -> Self {
        Self {
            machine: Arc::default(),
            state: Arc::new(Mutex::new(State {
                image,
                locked: BTreeSet::new(),
                fault: Fault::Never,
                operations: 0,
                looks: 0,
                crashed: false,
                film: None,
                random: fastrand::Rng::with_seed(seed),
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What will go wrong, counted from now.
    pub(crate) fn arm(&self, fault: Fault) {
        let mut state = self.state();
        (state.operations, state.looks) = (0, 0);
        state.fault = fault;
    }

    /// Lets a test look without anything going wrong.
    pub(crate) fn pause(&self, look: impl FnOnce()) {
        let (fault, operations, looks) = {
            let mut state = self.state();
            if state.crashed {
                return;
            }
            (
                std::mem::replace(&mut state.fault, Fault::Never),
                state.operations,
                state.looks,
            )
        };
        look();
        let mut state = self.state();
        state.fault = fault;
        (state.operations, state.looks) = (operations, looks);
    }

    /// Operations that changed something since it was armed.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Operations that only looked since it was armed.
    pub(crate) fn looks(&self) -> u64 {
        self.state().looks
    }

    /// The same disk as another machine sees it.
    pub(crate) fn seen_from(&self, machine: &Arc<Machine>) -> Self {
        Self {
            state: Arc::clone(&self.state),
            machine: Arc::clone(machine),
        }
    }

    /// The power is gone, now.
    pub(crate) fn cut(&self) {
        self.state().crashed = true;
    }

    /// Takes a film from now on.
    pub(crate) fn film(&self) {
        let mut state = self.state();
        state.film = Some(Film::of(state.image.clone()));
    }

    /// The film so far; none is taken from now on.
    pub(crate) fn filmed(&self) -> Film {
        self.state().film.take().expect("it is filmed")
    }

    /// How many steps are on the film.
    pub(crate) fn steps(&self) -> usize {
        self.state().film.as_ref().map_or(0, Film::len)
    }

    /// The disk as it is found when the power comes back. This one is dead from now on.
    pub(crate) fn restart(&self, unsynced: Unsynced, random: &mut fastrand::Rng) -> Self {
        let mut state = self.state();
        state.crashed = true;
        Self::of(state.image.restarted(unsynced, random), random.u64(..))
    }

    fn change(&self, file: &SimFile, kind: Kind, change: Change) -> io::Result<()> {
        let mut state = self.state();
        state.operation(kind)?;
        state.perform(Step::Change(file.number, change));
        state.ended(())
    }

    fn rename_or_remove(&self, from: &str, to: Option<&str>) -> io::Result<()> {
        let mut state = self.state();
        state.operation(Kind::Other)?;
        let number = *state.image.names.get(from).ok_or(ErrorKind::NotFound)?;
        let from = from.to_owned();
        state.perform(Step::Name(match to {
            Some(to) => NameChange::Renamed(from, to.to_owned(), number),
            None => NameChange::Removed(from),
        }));
        state.ended(())
    }
}

fn size(length: u64) -> usize {
    usize::try_from(length).unwrap()
}

impl Disk for SimDisk {
    type File = SimFile;

    fn make_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut state = self.state();
        state.look()?;
        Ok(names_in(state.image.names.keys(), path))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<SimFile> {
        let mut state = self.state();
        state.look()?;
        let number = match state.image.names.get(path) {
            Some(number) => *number,
            None if access == Access::Create => {
                state.operation(Kind::Space)?;
                let number = state.image.files.len();
                state.perform(Step::Name(NameChange::Made(path.to_owned(), number)));
                state.ended(number)?
            }
            None => return Err(ErrorKind::NotFound.into()),
        };
        Ok(SimFile {
            disk: self.clone(),
            number,
            locker: false.into(),
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.rename_or_remove(from, Some(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.rename_or_remove(path, None)
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operation(Kind::Other)?;
        let number = *state.image.names.get(from).ok_or(ErrorKind::NotFound)?;
        state.perform(Step::Name(NameChange::Made(to.to_owned(), number)));
        state.ended(())
    }

    fn remove_tree(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operation(Kind::Other)?;
        let inside = state.image.names.keys().filter(|name| lies_in(name, path));
        for name in inside.cloned().collect::<Vec<_>>() {
            state.perform(Step::Name(NameChange::Removed(name)));
        }
        state.ended(())
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operation(Kind::Sync)?;
        state.perform(Step::DirSynced(path.to_owned()));
        state.ended(())
    }

    fn length(&self, file: &SimFile) -> io::Result<u64> {
        let mut state = self.state();
        state.look()?;
        Ok(state.image.files[file.number].live.length() as u64)
    }

    fn set_length(&self, file: &SimFile, length: u64) -> io::Result<()> {
        self.change(file, Kind::Other, Change::Length(size(length)))
    }

    fn allocate(&self, file: &SimFile, length: u64) -> io::Result<()> {
        self.change(file, Kind::Space, Change::Allocated(size(length)))
    }

    fn punch(&self, file: &SimFile, offset: u64, length: u64) -> io::Result<()> {
        let there = self.state().image.files[file.number].live.length();
        let length = size(length).min(there.saturating_sub(size(offset)));
        // As good as zeros written: they may be kept, lost or torn.
        let zeros = Change::Write(size(offset), vec![0; length].into());
        self.change(file, Kind::Other, zeros)
    }

    fn space(&self, file: &SimFile) -> io::Result<u64> {
        let state = self.state();
        let live = &state.image.files[file.number].live;
        let (mut taken, mut block) = (0, [0; 4096]);
        for at in (0..live.length()).step_by(block.len()) {
            let end = (live.length() - at).min(block.len());
            if live.read(at, &mut block[..end]) && block[..end].iter().any(|octet| *octet != 0) {
                taken += block.len() as u64;
            }
        }
        Ok(taken)
    }

    fn read_at(&self, file: &SimFile, into: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.state();
        state.look()?;
        if state.image.files[file.number].live.read(size(offset), into) {
            Ok(())
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }

    fn read_cached(&self, _: &SimFile, _: &mut [IoSliceMut<'_>], _: u64) -> io::Result<bool> {
        Ok(false)
    }

    fn write_at(&self, file: &SimFile, from: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        let octets: Vec<u8> = from
            .iter()
            .flat_map(|slice| slice.iter())
            .copied()
            .collect();
        let (at, length) = (size(offset), octets.len());
        let live = |state: &State| state.image.files[file.number].live.takes_space(at, length);
        let kind = if live(&self.state()) {
            Kind::Space
        } else {
            Kind::Write
        };
        let octets: Arc<[u8]> = octets.into();
        let written = self.change(file, kind, Change::Write(at, Arc::clone(&octets)));
        if let Err(error) = &written
            && error.kind() == ErrorKind::StorageFull
            && kind == Kind::Write
        {
            let half = Change::Write(at, octets[..length / 2].into());
            self.state().perform(Step::Change(file.number, half));
        }
        written
    }

    fn sync(&self, file: &SimFile) -> io::Result<()> {
        let mut state = self.state();
        if let Err(error) = state.operation(Kind::Sync) {
            // As Linux does it: the dirty pages are clean now, and never reach the disk.
            if error.kind() == ErrorKind::Other {
                state.image.files[file.number].pending.clear();
            }
            return Err(error);
        }
        state.perform(Step::Synced(file.number));
        state.ended(())
    }

    fn forget_cache(&self, file: &SimFile) {
        let content = &mut self.state().image.files[file.number];
        content.live = content.durable.clone();
        for change in &content.pending {
            change.apply(&mut content.live);
        }
    }

    fn lock(&self, file: &SimFile) -> io::Result<bool> {
        let lock = (self.machine.number, file.number);
        let free = self.state().locked.insert(lock);
        if free {
            file.locker.store(true, Ordering::Relaxed);
        }
        Ok(free)
    }

    fn host(&self) -> Host {
        self.machine.host()
    }

    fn now(&self) -> Duration {
        self.machine.now()
    }

    fn sleep(&self, time: Duration) {
        self.machine.sleep(time);
    }

    fn random(&self) -> io::Result<u64> {
        Ok(self.state().random.u64(..))
    }
}
