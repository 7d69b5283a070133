//! Files beside the log, for what is derived from it: made whole under another name, then renamed;
//! read at places. The same on every disk.

use std::{
    fmt,
    io::{self, ErrorKind, IoSlice},
    sync::Arc,
};

use super::log::disk::{Access, Disk};

/// A disk on which such files lie. Paths are as for [`Disk`]; all of it waits for the disk.
pub(crate) trait Volume: fmt::Debug + Send + Sync {
    /// The names in a directory, none if it is not there.
    fn names(&self, directory: &str) -> io::Result<Vec<String>>;
    /// Opens a file to read it.
    fn open(&self, path: &str) -> io::Result<Box<dyn OpenFile>>;
    /// Makes a file anew, and its directory if need be.
    fn create(&self, directory: &str, path: &str) -> io::Result<Box<dyn OpenFile>>;
    /// Gives a file its name, replacing what has it; durably.
    fn rename(&self, directory: &str, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file; nothing happens if there is none.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Removes a directory and all in it; nothing happens if there is none.
    fn remove_tree(&self, directory: &str) -> io::Result<()>;
}

/// A file of a [`Volume`].
pub(crate) trait OpenFile: fmt::Debug + Send {
    /// Its length in octets.
    fn length(&self) -> io::Result<u64>;
    /// Fills `into`.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all.
    fn write_at(&self, from: &[u8], offset: u64) -> io::Result<()>;
    /// Makes it durable.
    fn sync(&self) -> io::Result<()>;
}

/// A disk as a volume.
#[derive(Debug)]
pub(super) struct On<D>(pub(super) Arc<D>);

#[derive(Debug)]
struct FileOn<D: Disk> {
    disk: Arc<D>,
    file: D::File,
}

fn unless_missing<T>(outcome: io::Result<T>, otherwise: T) -> io::Result<T> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(otherwise),
        outcome => outcome,
    }
}

impl<D: Disk> Volume for On<D> {
    fn names(&self, directory: &str) -> io::Result<Vec<String>> {
        unless_missing(self.0.list(directory), Vec::new())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn OpenFile>> {
        Ok(Box::new(FileOn {
            file: self.0.open(path, Access::Read)?,
            disk: Arc::clone(&self.0),
        }))
    }

    fn create(&self, directory: &str, path: &str) -> io::Result<Box<dyn OpenFile>> {
        self.0.make_dir(directory)?;
        let file = self.0.open(path, Access::Create)?;
        self.0.set_length(&file, 0)?;
        Ok(Box::new(FileOn {
            file,
            disk: Arc::clone(&self.0),
        }))
    }

    fn rename(&self, directory: &str, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)?;
        self.0.sync_dir(directory)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        unless_missing(self.0.remove(path), ())
    }

    fn remove_tree(&self, directory: &str) -> io::Result<()> {
        self.0.remove_tree(directory)
    }
}

impl<D: Disk> OpenFile for FileOn<D> {
    fn length(&self) -> io::Result<u64> {
        self.disk.length(&self.file)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.read_at(&self.file, into, offset)
    }

    fn write_at(&self, from: &[u8], offset: u64) -> io::Result<()> {
        self.disk
            .write_at(&self.file, &[IoSlice::new(from)], offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.sync(&self.file)
    }
}
