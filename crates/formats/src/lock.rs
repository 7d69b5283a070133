//! Locks a mailbox file as mail programs do: a dot lock, then the kernel's lock.

use std::{
    fs::{File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rustix::fs::FlockOperation;

use crate::letter::Error;

/// How long a dot lock may be before nobody believes that its owner lives.
const STALE: Duration = Duration::from_mins(5);
/// How often it is tried, a second apart.
const ATTEMPTS: u32 = 30;

/// The right to read a mailbox file while nobody writes to it.
#[derive(Debug)]
pub struct Locked {
    /// The file.
    pub file: File,
    dot: Option<PathBuf>,
}

impl Drop for Locked {
    fn drop(&mut self) {
        if let Some(dot) = &self.dot {
            // It may have been taken over, as one that is stale is.
            let _ = std::fs::remove_file(dot);
        }
    }
}

/// Opens and locks a mailbox file for reading: first `FILE.lock`, then fcntl and flock. Where the
/// directory can't be written to, and so has no dot locks of ours, the kernel's locks have to do.
/// Waits up to half a minute.
///
/// # Errors
/// [`Error::Locked`], [`Error::Io`].
pub fn lock(path: &Path) -> Result<Locked, Error> {
    let dot = dot_lock(path, ATTEMPTS)?;
    let file = File::open(path).map_err(Error::io(path))?;
    let locked = Locked { file, dot };
    for attempt in 1.. {
        let fcntl = rustix::fs::fcntl_lock(&locked.file, FlockOperation::NonBlockingLockShared);
        let flock = rustix::fs::flock(&locked.file, FlockOperation::NonBlockingLockShared);
        let busy = |outcome: rustix::io::Result<()>| {
            matches!(
                outcome,
                Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::ACCESS)
            )
        };
        // A file system without locks has nobody who holds one.
        if !busy(fcntl) && !busy(flock) {
            break;
        }
        if attempt >= ATTEMPTS {
            return Err(Error::Locked { path: path.into() });
        }
        thread::sleep(Duration::from_secs(1));
    }
    Ok(locked)
}

fn dot_lock(path: &Path, attempts: u32) -> Result<Option<PathBuf>, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let dot = PathBuf::from(name);
    for attempt in 1.. {
        match make(&dot) {
            Ok(()) => return Ok(Some(dot)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(Error::io(&dot)(error)),
        }
        let age = std::fs::metadata(&dot)
            .and_then(|about| about.modified())
            .ok()
            .and_then(|made| made.elapsed().ok());
        if age.is_some_and(|age| age > STALE) {
            let _ = std::fs::remove_file(&dot);
        } else if attempt >= attempts {
            break;
        } else {
            thread::sleep(Duration::from_secs(1));
        }
    }
    Err(Error::Locked { path: path.into() })
}

fn make(dot: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(dot)?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_is_locked_while_it_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("box");
        let dot = directory.path().join("box.lock");
        std::fs::write(&path, "").unwrap();
        let locked = lock(&path).unwrap();
        assert!(dot.exists());
        assert!(matches!(dot_lock(&path, 1), Err(Error::Locked { .. })));
        drop(locked);
        assert!(!dot.exists());
        // One that was forgotten is taken over.
        let old = File::create(&dot).unwrap();
        old.set_modified(std::time::SystemTime::now() - 2 * STALE)
            .unwrap();
        assert!(dot_lock(&path, 1).is_ok());
    }
}
