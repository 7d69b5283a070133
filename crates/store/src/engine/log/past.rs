//! A store that is looked at and never changed, such as a backup: its log below, and above it, in
//! memory, whatever opening a log makes: the lease, the checkpoint.
//!
//! Of a backup only what its manifest vouches for is seen: a later backup may have gone on in the
//! same file.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, ErrorKind, IoSlice, IoSliceMut},
    path::PathBuf,
    sync::Arc,
};

use super::{
    disk::{Access, Disk, RealDisk},
    files::STORE,
    ram::{RamDisk, RamFile},
};

/// The disk.
#[derive(Debug)]
pub(crate) struct PastDisk {
    below: RealDisk,
    above: RamDisk,
    /// How much of a file is seen, by its path.
    bounds: BTreeMap<String, u64>,
}

/// An open file.
#[derive(Debug)]
pub(crate) enum PastFile {
    /// One that is only read, as far as that.
    Below(File, u64),
    /// One that is gone with the disk.
    Above(Arc<RamFile>),
}

impl PastDisk {
    /// The store in `root`; of the files in `bounds` so many octets are seen, of others all.
    pub(crate) fn new(root: PathBuf, bounds: BTreeMap<String, u64>) -> Self {
        Self {
            below: RealDisk::new(root),
            above: RamDisk::default(),
            bounds,
        }
    }
}

/// Whether a file is part of what a store is, and not of what is derived or of who has it open.
fn is_kept(path: &str) -> bool {
    let of_log = |ending| path.strip_suffix(ending).is_some();
    path == STORE || of_log("/partition.toml") || of_log(".log") || of_log(".freed")
}

fn refused<T>() -> io::Result<T> {
    Err(ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for PastDisk {
    type File = PastFile;

    fn make_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let mut names = match self.below.list(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        names.retain(|name| is_kept(&format!("{path}/{name}")) || !name.contains('.'));
        names.extend(self.above.list(path)?);
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn open(&self, path: &str, access: Access) -> io::Result<PastFile> {
        if is_kept(path) {
            match self.below.open(path, Access::Read) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                file => {
                    let bound = self.bounds.get(path).copied().unwrap_or(u64::MAX);
                    return Ok(PastFile::Below(file?, bound));
                }
            }
        }
        if access == Access::Create && path.contains("/log/") {
            return refused();
        }
        self.above.open(path, access).map(PastFile::Above)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.above.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.above.remove(path)
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.above.link(from, to)
    }

    fn remove_tree(&self, path: &str) -> io::Result<()> {
        self.above.remove_tree(path)
    }

    fn sync_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn length(&self, file: &PastFile) -> io::Result<u64> {
        match file {
            PastFile::Below(file, bound) => Ok(self.below.length(file)?.min(*bound)),
            PastFile::Above(file) => self.above.length(file),
        }
    }

    fn set_length(&self, file: &PastFile, length: u64) -> io::Result<()> {
        match file {
            PastFile::Below(..) => refused(),
            PastFile::Above(file) => self.above.set_length(file, length),
        }
    }

    fn allocate(&self, file: &PastFile, length: u64) -> io::Result<()> {
        match file {
            PastFile::Below(..) => refused(),
            PastFile::Above(file) => self.above.allocate(file, length),
        }
    }

    fn punch(&self, file: &PastFile, offset: u64, length: u64) -> io::Result<()> {
        match file {
            PastFile::Below(..) => refused(),
            PastFile::Above(file) => self.above.punch(file, offset, length),
        }
    }

    fn space(&self, file: &PastFile) -> io::Result<u64> {
        match file {
            PastFile::Below(file, _) => self.below.space(file),
            PastFile::Above(file) => self.above.space(file),
        }
    }

    fn read_at(&self, file: &PastFile, into: &mut [u8], offset: u64) -> io::Result<()> {
        match file {
            PastFile::Below(_, bound) if offset.saturating_add(into.len() as u64) > *bound => {
                Err(ErrorKind::UnexpectedEof.into())
            }
            PastFile::Below(file, _) => self.below.read_at(file, into, offset),
            PastFile::Above(file) => self.above.read_at(file, into, offset),
        }
    }

    fn read_cached(
        &self,
        file: &PastFile,
        into: &mut [IoSliceMut<'_>],
        offset: u64,
    ) -> io::Result<bool> {
        match file {
            PastFile::Below(file, bound) => {
                let wanted: usize = into.iter().map(|slice| slice.len()).sum();
                if offset.saturating_add(wanted as u64) > *bound {
                    return Ok(false);
                }
                self.below.read_cached(file, into, offset)
            }
            PastFile::Above(file) => self.above.read_cached(file, into, offset),
        }
    }

    fn write_at(&self, file: &PastFile, from: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        match file {
            PastFile::Below(..) => refused(),
            PastFile::Above(file) => self.above.write_at(file, from, offset),
        }
    }

    fn sync(&self, _file: &PastFile) -> io::Result<()> {
        Ok(())
    }

    fn forget_cache(&self, _file: &PastFile) {}

    fn lock(&self, _file: &PastFile) -> io::Result<bool> {
        Ok(true)
    }
}
