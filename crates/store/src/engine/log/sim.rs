//! A disk that loses power, tears writes, fills up and fails: for tests.
//!
//! It keeps apart what was written and what was synced. After a crash, what was not synced may
//! be there, may be gone, or may be there in part, sector by sector, in any order. Names of
//! files become durable in order, with [`Disk::sync_dir`].

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, IoSlice},
    sync::{Arc, Mutex, MutexGuard},
};

use super::disk::{Access, Disk, lies_in, names_in};

const SECTOR_BYTES: usize = 512;

/// Which operation goes wrong, counting those that change something from 1, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None.
    Never,
    /// From this one on nothing works, until the disk is started again.
    Crash(u64),
    /// This one fails; if it is a sync, what it should have made durable never will be.
    Error(u64),
    /// There is no space to make or extend files from the first to the second.
    Full(u64, u64),
    /// Nor to write over what is allocated, as on a file system that copies on write:
    /// half of a write is done.
    FullWrites(u64, u64),
}

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsynced {
    Kept,
    Lost,
    /// Some of it, chosen at random.
    Torn,
}

/// The disk; clones are the same disk.
#[derive(Debug, Clone)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    files: Vec<SimContent>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    pending_names: Vec<NameChange>,
    fault: Fault,
    operations: u64,
    crashed: bool,
}

#[derive(Debug, Clone, Default)]
struct SimContent {
    live: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
    locked: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Debug, Clone)]
enum NameChange {
    Made(String, usize),
    Renamed(String, String),
    Removed(String),
}

/// An open file; the lock goes with it.
#[derive(Debug)]
pub(crate) struct SimFile {
    disk: SimDisk,
    number: usize,
    locker: std::sync::atomic::AtomicBool,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if self.locker.load(std::sync::atomic::Ordering::Relaxed) {
            self.disk.state().files[self.number].locked = false;
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

    /// The result of an operation that may have been the one in whose middle it crashed.
    fn ended<T>(&self, value: T) -> io::Result<T> {
        if self.crashed {
            Err(ErrorKind::BrokenPipe.into())
        } else {
            Ok(value)
        }
    }
}

fn apply(octets: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(length) => octets.resize(*length, 0),
        Change::Write(offset, written) => {
            let end = offset + written.len();
            if octets.len() < end {
                octets.resize(end, 0);
            }
            octets[*offset..end].copy_from_slice(written);
        }
    }
}

/// The sectors of a write that reached the disk.
fn torn(offset: usize, written: &[u8], random: &mut fastrand::Rng) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut at = offset;
    let end = offset + written.len();
    while at < end {
        let sector_end = ((at / SECTOR_BYTES + 1) * SECTOR_BYTES).min(end);
        if random.bool() {
            let octets = written[at - offset..sector_end - offset].to_vec();
            changes.push(Change::Write(at, octets));
        }
        at = sector_end;
    }
    changes
}

impl SimDisk {
    pub(crate) fn new() -> Self {
        Self::of(Vec::new(), BTreeMap::new())
    }

    fn of(files: Vec<SimContent>, names: BTreeMap<String, usize>) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                files,
                durable_names: names.clone(),
                names,
                pending_names: Vec::new(),
                fault: Fault::Never,
                operations: 0,
                crashed: false,
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What will go wrong, counted from now.
    pub(crate) fn arm(&self, fault: Fault) {
        let mut state = self.state();
        state.operations = 0;
        state.fault = fault;
    }

    /// Lets a test look without anything going wrong.
    pub(crate) fn pause(&self, look: impl FnOnce()) {
        let (fault, operations) = {
            let mut state = self.state();
            if state.crashed {
                return;
            }
            (
                std::mem::replace(&mut state.fault, Fault::Never),
                state.operations,
            )
        };
        look();
        let mut state = self.state();
        state.fault = fault;
        state.operations = operations;
    }

    /// Operations since it was armed.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The disk as it is found when the power comes back. This one is dead from now on.
    pub(crate) fn restart(&self, unsynced: Unsynced, random: &mut fastrand::Rng) -> Self {
        let mut state = self.state();
        state.crashed = true;
        let mut names = state.durable_names.clone();
        let kept = match unsynced {
            Unsynced::Kept => state.pending_names.len(),
            Unsynced::Lost => 0,
            Unsynced::Torn => random.usize(0..=state.pending_names.len()),
        };
        for change in &state.pending_names[..kept] {
            match change {
                NameChange::Made(name, number) => drop(names.insert(name.clone(), *number)),
                NameChange::Removed(name) => drop(names.remove(name)),
                NameChange::Renamed(from, to) => {
                    if let Some(number) = names.remove(from) {
                        names.insert(to.clone(), number);
                    }
                }
            }
        }
        let files = state
            .files
            .iter()
            .map(|file| {
                let mut octets = file.durable.clone();
                for change in &file.pending {
                    match (unsynced, change) {
                        (Unsynced::Lost, _) => {}
                        (Unsynced::Torn, Change::Write(offset, written)) => {
                            for part in torn(*offset, written, random) {
                                apply(&mut octets, &part);
                            }
                        }
                        (Unsynced::Torn, Change::Length(_)) if random.bool() => {}
                        _ => apply(&mut octets, change),
                    }
                }
                SimContent {
                    live: octets.clone(),
                    durable: octets,
                    ..SimContent::default()
                }
            })
            .collect();
        Self::of(files, names)
    }

    fn change(&self, file: &SimFile, kind: Kind, change: Change) -> io::Result<()> {
        let mut state = self.state();
        state.operation(kind)?;
        let content = &mut state.files[file.number];
        apply(&mut content.live, &change);
        content.pending.push(change);
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
        Ok(names_in(self.state().names.keys(), path))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<SimFile> {
        let mut state = self.state();
        if state.crashed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let number = match state.names.get(path) {
            Some(number) => *number,
            None if access == Access::Create => {
                state.operation(Kind::Space)?;
                state.files.push(SimContent::default());
                let number = state.files.len() - 1;
                state.names.insert(path.to_owned(), number);
                let made = NameChange::Made(path.to_owned(), number);
                state.pending_names.push(made);
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
        let mut state = self.state();
        state.operation(Kind::Other)?;
        let number = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), number);
        let renamed = NameChange::Renamed(from.to_owned(), to.to_owned());
        state.pending_names.push(renamed);
        state.ended(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operation(Kind::Other)?;
        state.names.remove(path).ok_or(ErrorKind::NotFound)?;
        state
            .pending_names
            .push(NameChange::Removed(path.to_owned()));
        state.ended(())
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operation(Kind::Other)?;
        let number = *state.names.get(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), number);
        let linked = NameChange::Made(to.to_owned(), number);
        state.pending_names.push(linked);
        state.ended(())
    }

    fn remove_tree(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operation(Kind::Other)?;
        let inside = state.names.keys().filter(|name| lies_in(name, path));
        for name in inside.cloned().collect::<Vec<_>>() {
            state.names.remove(&name);
            state.pending_names.push(NameChange::Removed(name));
        }
        state.ended(())
    }

    fn sync_dir(&self, _path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operation(Kind::Sync)?;
        state.durable_names = state.names.clone();
        state.pending_names.clear();
        state.ended(())
    }

    fn length(&self, file: &SimFile) -> io::Result<u64> {
        Ok(self.state().files[file.number].live.len() as u64)
    }

    fn set_length(&self, file: &SimFile, length: u64) -> io::Result<()> {
        self.change(file, Kind::Other, Change::Length(size(length)))
    }

    fn allocate(&self, file: &SimFile, length: u64) -> io::Result<()> {
        self.change(file, Kind::Space, Change::Length(size(length)))
    }

    fn read_at(&self, file: &SimFile, into: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.state();
        if state.crashed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let start = size(offset);
        let live = &state.files[file.number].live;
        let octets = live.get(start..start + into.len());
        into.copy_from_slice(octets.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn read_cached(&self, _: &SimFile, _: [&mut [u8]; 2], _: u64) -> io::Result<bool> {
        Ok(false)
    }

    fn write_at(&self, file: &SimFile, from: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut octets: Vec<u8> = from
            .iter()
            .flat_map(|slice| slice.iter())
            .copied()
            .collect();
        let end = size(offset) + octets.len();
        let kind = if self.state().files[file.number].live.len() < end {
            Kind::Space
        } else {
            Kind::Write
        };
        let change = Change::Write(size(offset), octets.clone());
        let written = self.change(file, kind, change);
        if let Err(error) = &written
            && error.kind() == ErrorKind::StorageFull
            && kind == Kind::Write
        {
            octets.truncate(octets.len() / 2);
            let half = Change::Write(size(offset), octets);
            let content = &mut self.state().files[file.number];
            apply(&mut content.live, &half);
            content.pending.push(half);
        }
        written
    }

    fn sync(&self, file: &SimFile) -> io::Result<()> {
        let mut state = self.state();
        let failed = state.operation(Kind::Sync);
        let content = &mut state.files[file.number];
        if let Err(error) = failed {
            // As Linux does it: the dirty pages are clean now, and never reach the disk.
            if error.kind() == ErrorKind::Other {
                content.pending.clear();
            }
            return Err(error);
        }
        let SimContent {
            durable, pending, ..
        } = content;
        for change in pending.drain(..) {
            apply(durable, &change);
        }
        state.ended(())
    }

    fn forget_cache(&self, file: &SimFile) {
        let mut state = self.state();
        let content = &mut state.files[file.number];
        content.live = content.durable.clone();
        for change in &content.pending {
            apply(&mut content.live, change);
        }
    }

    fn lock(&self, file: &SimFile) -> io::Result<bool> {
        let content = &mut self.state().files[file.number];
        let free = !content.locked;
        content.locked = true;
        if free {
            file.locker
                .store(true, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(free)
    }
}
