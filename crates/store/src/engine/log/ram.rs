//! A disk in memory, on which the log is the engine of tests and simulations.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, IoSlice, IoSliceMut},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use super::disk::{Access, Disk, lies_in, names_in};

/// The disk. It is gone with its last owner.
#[derive(Debug, Default)]
pub(crate) struct RamDisk {
    files: Mutex<BTreeMap<String, Arc<RamFile>>>,
    /// Octets that were read.
    #[cfg(test)]
    pub(super) read: std::sync::atomic::AtomicU64,
}

/// A file: `octets`, then zeros up to `length`, so that space allocated costs nothing.
#[derive(Debug, Default)]
pub(crate) struct RamFile {
    content: RwLock<(Vec<u8>, u64)>,
}

fn size(length: u64) -> io::Result<usize> {
    usize::try_from(length).map_err(|_| ErrorKind::InvalidInput.into())
}

impl RamDisk {
    fn files(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<RamFile>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for RamDisk {
    type File = Arc<RamFile>;

    fn make_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        Ok(names_in(self.files().keys(), path))
    }

    fn open(&self, path: &str, access: Access) -> io::Result<Self::File> {
        let mut files = self.files();
        match files.get(path) {
            Some(file) => Ok(Arc::clone(file)),
            None if access == Access::Create => {
                Ok(Arc::clone(files.entry(path.to_owned()).or_default()))
            }
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let file = files.remove(from).ok_or(ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let removed = self.files().remove(path);
        removed.map(drop).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let file = files.get(from).map(Arc::clone).ok_or(ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove_tree(&self, path: &str) -> io::Result<()> {
        self.files().retain(|name, _| !lies_in(name, path));
        Ok(())
    }

    fn sync_dir(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }

    fn length(&self, file: &Self::File) -> io::Result<u64> {
        Ok(file
            .content
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .1)
    }

    fn set_length(&self, file: &Self::File, length: u64) -> io::Result<()> {
        let mut content = file.content.write().unwrap_or_else(PoisonError::into_inner);
        content.0.truncate(size(length)?);
        content.1 = length;
        Ok(())
    }

    fn allocate(&self, file: &Self::File, length: u64) -> io::Result<()> {
        let mut content = file.content.write().unwrap_or_else(PoisonError::into_inner);
        content.1 = content.1.max(length);
        Ok(())
    }

    fn punch(&self, file: &Self::File, offset: u64, length: u64) -> io::Result<()> {
        let mut content = file.content.write().unwrap_or_else(PoisonError::into_inner);
        let there = content.0.len();
        let (from, to) = (size(offset)?, size(offset.saturating_add(length))?);
        if let Some(octets) = content.0.get_mut(from..to.min(there)) {
            octets.fill(0);
        }
        Ok(())
    }

    fn space(&self, file: &Self::File) -> io::Result<u64> {
        self.length(file)
    }

    fn read_at(&self, file: &Self::File, into: &mut [u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        self.read
            .fetch_add(into.len() as u64, std::sync::atomic::Ordering::Relaxed);
        let content = file.content.read().unwrap_or_else(PoisonError::into_inner);
        if offset.saturating_add(into.len() as u64) > content.1 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let there = content.0.get(size(offset)?..).unwrap_or_default();
        let count = there.len().min(into.len());
        let (filled, zeros) = into.split_at_mut(count);
        filled.copy_from_slice(there.get(..count).unwrap_or_default());
        zeros.fill(0);
        Ok(())
    }

    fn read_cached(
        &self,
        file: &Self::File,
        into: &mut [IoSliceMut<'_>],
        mut offset: u64,
    ) -> io::Result<bool> {
        for slice in into {
            match self.read_at(file, slice, offset) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
                other => other?,
            }
            offset += slice.len() as u64;
        }
        Ok(true)
    }

    fn write_at(&self, file: &Self::File, from: &[IoSlice<'_>], offset: u64) -> io::Result<()> {
        let mut content = file.content.write().unwrap_or_else(PoisonError::into_inner);
        let mut at = size(offset)?;
        for slice in from {
            let end = at + slice.len();
            if content.0.len() < end {
                content.0.resize(end, 0);
            }
            if let Some(place) = content.0.get_mut(at..end) {
                place.copy_from_slice(slice);
            }
            at = end;
        }
        content.1 = content.1.max(at as u64);
        Ok(())
    }

    fn sync(&self, _file: &Self::File) -> io::Result<()> {
        Ok(())
    }

    fn forget_cache(&self, _file: &Self::File) {}

    fn lock(&self, _file: &Self::File) -> io::Result<bool> {
        // Nobody else can have this disk.
        Ok(true)
    }
}

#[cfg(test)]
impl RamDisk {
    /// A disk with these files.
    pub(crate) fn with(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let disk = Self::default();
        for (name, octets) in files {
            let file = RamFile {
                content: RwLock::new((octets.clone(), octets.len() as u64)),
            };
            disk.files().insert(name.clone(), Arc::new(file));
        }
        disk
    }

    /// Its files as they are now.
    pub(crate) fn octets(&self) -> BTreeMap<String, Vec<u8>> {
        let read = |file: &RamFile| {
            let content = file.content.read().unwrap_or_else(PoisonError::into_inner);
            let mut octets = content.0.clone();
            octets.resize(usize::try_from(content.1).unwrap_or(0), 0);
            octets
        };
        self.files()
            .iter()
            .map(|(name, file)| (name.clone(), read(file)))
            .collect()
    }
}
