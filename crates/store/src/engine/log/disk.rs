//! What the log needs of a disk, and the real one.
//!
//! Paths are relative to the store's directory, with `/`; all of them are the engine's own,
//! none comes from a client. The simulated disks are [`super::ram`] and, for tests, `sim`.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, IoSlice, IoSliceMut},
    os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use super::lease_text::Host;
use rustix::fs::{Advice, FallocateFlags, FlockOperation};

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reading; it must exist.
    Read,
    /// Reading and writing; it must exist.
    Write,
    /// Reading and writing; made if absent, kept as it is if not.
    Create,
}

/// A disk. Reads and writes are whole or fail, and are safe to call from many threads.
pub(crate) trait Disk: fmt::Debug + Send + Sync + 'static {
    /// An open file.
    type File: fmt::Debug + Send + Sync + 'static;

    /// Makes a directory, and those above it, durably.
    fn make_dir(&self, path: &str) -> io::Result<()>;
    /// The names in a directory, files and directories.
    fn list(&self, path: &str) -> io::Result<Vec<String>>;
    /// Opens a file.
    fn open(&self, path: &str, access: Access) -> io::Result<Self::File>;
    /// Renames, replacing what is there. Durable after [`Disk::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Durable after [`Disk::sync_dir`].
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Gives a file one more name. Durable after [`Disk::sync_dir`].
    fn link(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a directory and all in it; nothing happens if there is none.
    fn remove_tree(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &str) -> io::Result<()>;

    /// The length in octets.
    fn length(&self, file: &Self::File) -> io::Result<u64>;
    /// Cuts or extends (with zeros).
    fn set_length(&self, file: &Self::File, length: u64) -> io::Result<()>;
    /// Takes space up to `length` and extends the file to it (with zeros).
    fn allocate(&self, file: &Self::File, length: u64) -> io::Result<()>;
    /// Gives the space of `length` octets at `offset` back: they are zeros from now on, the file
    /// is as long as before. [`ErrorKind::Unsupported`] if the file system can't.
    fn punch(&self, file: &Self::File, offset: u64, length: u64) -> io::Result<()>;
    /// The octets of space that a file takes.
    fn space(&self, file: &Self::File) -> io::Result<u64>;
    /// Fills `into`; the end of the file before that is [`ErrorKind::UnexpectedEof`].
    fn read_at(&self, file: &Self::File, into: &mut [u8], offset: u64) -> io::Result<()>;
    /// Fills all of them, one after the other, if that takes no waiting for a device; `false` if it would.
    fn read_cached(
        &self,
        file: &Self::File,
        into: &mut [IoSliceMut<'_>],
        offset: u64,
    ) -> io::Result<bool>;
    /// Writes all slices, one after the other.
    fn write_at(&self, file: &Self::File, from: &[IoSlice<'_>], offset: u64) -> io::Result<()>;
    /// Makes what was written durable, with the length.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Forgets cached reads of a file, so that the next are from the device: after a
    /// failed sync, a cache may hold what the device does not.
    fn forget_cache(&self, file: &Self::File);
    /// Takes the file's lock until it is closed; `false` if somebody has it.
    fn lock(&self, file: &Self::File) -> io::Result<bool>;
    /// The machine, and the process on it.
    fn host(&self) -> Host {
        Host::this()
    }
    /// The time since some moment, of a clock that nobody sets and that goes while the machine sleeps.
    fn now(&self) -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
        Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
    }
    /// Lets time pass.
    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
    /// A random number of the machine's: a simulated one repeats itself.
    fn random(&self) -> io::Result<u64> {
        getrandom::u64().map_err(|error| io::Error::other(error.to_string()))
    }
}

/// Slices per write call: Linux takes 1024.
const SLICES_MAX: usize = 1024;

/// Space, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// Taken.
    pub(crate) octets: u64,
    /// Free for whoever writes.
    pub(crate) free: u64,
}

/// The real disk, below a directory.
#[derive(Debug)]
pub(crate) struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// The disk below `root`, which need not exist yet.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Makes a name for a directory elsewhere, and that directory if it is not there; durably.
    ///
    /// # Errors
    /// What is named so already is something else; whatever the system says.
    pub(crate) fn link(&self, name: &str, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        let at = self.at(name);
        let above = at.parent().unwrap_or(&self.root);
        fs::create_dir_all(above)?;
        if at.canonicalize().is_ok_and(|there| there == path) {
            return Ok(());
        }
        std::os::unix::fs::symlink(&path, &at)?;
        sync_path(above)
    }

    /// Where it is.
    pub(crate) fn whole_path(&self, path: &str) -> PathBuf {
        let at = self.at(path);
        at.canonicalize().unwrap_or(at)
    }

    /// What a directory takes, with those in it, and what is free there.
    ///
    /// # Errors
    /// It can't be read.
    pub(crate) fn room(&self, path: &str) -> io::Result<Space> {
        let root = self.whole_path(path);
        let free = rustix::fs::statvfs(&root)?;
        let mut octets = 0;
        let mut directories = vec![root];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                let about = entry.metadata()?;
                if about.is_dir() {
                    directories.push(entry.path());
                } else {
                    octets += about.blocks() * 512;
                }
            }
        }
        Ok(Space {
            octets,
            free: free.f_bavail * free.f_frsize,
        })
    }

    /// Octets that are free where a path is, for whoever writes.
    ///
    /// # Errors
    /// It can't be told.
    pub(crate) fn free(&self, path: &str) -> io::Result<u64> {
        let free = rustix::fs::statvfs(self.whole_path(path))?;
        Ok(free.f_bavail.saturating_mul(free.f_frsize))
    }

    fn at(&self, path: &str) -> PathBuf {
        if path.is_empty() {
            self.root.clone()
        } else {
            self.root.join(path)
        }
    }
}

fn sync_path(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl Disk for RealDisk {
    type File = File;

    fn make_dir(&self, path: &str) -> io::Result<()> {
        let whole = self.at(path);
        if whole.is_dir() {
            return Ok(());
        }
        // Mail is nobody else's business.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&whole)?;
        // Every directory from the new one up to the root's parent has a new name in it, maybe.
        let above = self.root.parent().unwrap_or(&self.root);
        for directory in whole.ancestors().skip(1) {
            match sync_path(directory) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            if directory == above {
                break;
            }
        }
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        fs::read_dir(self.at(path))?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn open(&self, path: &str, access: Access) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(access != Access::Read)
            .create(access == Access::Create)
            .truncate(false)
            // Mail is nobody else's business.
            .mode(0o600)
            .open(self.at(path))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(self.at(from), self.at(to))
    }

    fn remove_tree(&self, path: &str) -> io::Result<()> {
        match fs::remove_dir_all(self.at(path)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        sync_path(&self.at(path))
    }

    fn length(&self, file: &File) -> io::Result<u64> {
        Ok(file.metadata()?.len())
    }

    fn set_length(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn allocate(&self, file: &File, length: u64) -> io::Result<()> {
        match rustix::fs::fallocate(file, FallocateFlags::empty(), 0, length) {
            // Some file systems can't; then space is found when it is written to.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => file.set_len(length),
            other => Ok(other?),
        }
    }

    fn punch(&self, file: &File, offset: u64, length: u64) -> io::Result<()> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match rustix::fs::fallocate(file, flags, offset, length) {
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
                Err(ErrorKind::Unsupported.into())
            }
            other => Ok(other?),
        }
    }

    fn space(&self, file: &File) -> io::Result<u64> {
        // stat counts in 512s, whatever the file system's blocks are.
        Ok(file.metadata()?.blocks().saturating_mul(512))
    }

    fn read_at(&self, file: &File, into: &mut [u8], offset: u64) -> io::Result<()> {
        file.read_exact_at(into, offset)
    }

    fn read_cached(
        &self,
        file: &File,
        into: &mut [IoSliceMut<'_>],
        offset: u64,
    ) -> io::Result<bool> {
        let wanted: usize = into.iter().map(|slice| slice.len()).sum();
        let flags = rustix::io::ReadWriteFlags::NOWAIT;
        match rustix::io::preadv2(file, into, offset, flags) {
            Ok(read) => Ok(read == wanted),
            Err(
                rustix::io::Errno::AGAIN
                | rustix::io::Errno::INTR
                | rustix::io::Errno::OPNOTSUPP
                | rustix::io::Errno::NOSYS,
            ) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn write_at(&self, file: &File, from: &[IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        for slices in from.chunks(SLICES_MAX) {
            let mut rest = slices;
            let mut skip = 0;
            while let Some(first) = rest.first() {
                // A short write goes on in the middle of a slice, which is rare: finish that
                // slice by itself.
                let written = if skip > 0 {
                    file.write_at(first.get(skip..).unwrap_or_default(), offset)
                } else {
                    rustix::io::pwritev(file, rest, offset).map_err(io::Error::from)
                };
                let mut written = match written {
                    Ok(0) if rest.iter().any(|slice| !slice.is_empty()) => {
                        return Err(ErrorKind::WriteZero.into());
                    }
                    Ok(written) => written,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error),
                };
                offset += written as u64;
                written += skip;
                skip = 0;
                while let Some((slice, others)) = rest.split_first() {
                    if written < slice.len() {
                        skip = written;
                        break;
                    }
                    written -= slice.len();
                    rest = others;
                }
            }
        }
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        // fdatasync also writes the length, if it changed.
        file.sync_data()
    }

    fn forget_cache(&self, file: &File) {
        // Advice: where it is not taken, the reads are as good as the cache.
        let _ = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
    }

    fn lock(&self, file: &File) -> io::Result<bool> {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The first level below `path` of each of `names` that lies there, each once: what a directory lists
/// on a disk that only knows whole paths.
pub(super) fn names_in<'a>(names: impl Iterator<Item = &'a String>, path: &str) -> Vec<String> {
    let below = |name: &'a String| match path {
        "" => Some(name.as_str()),
        _ => name.strip_prefix(path)?.strip_prefix('/'),
    };
    let mut found: Vec<String> = names
        .filter_map(|name| below(name)?.split('/').next().map(str::to_owned))
        .collect();
    found.dedup();
    found
}

/// Whether `name` lies in the directory `path`, however deep.
pub(super) fn lies_in(name: &str, path: &str) -> bool {
    name.strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('/'))
}
