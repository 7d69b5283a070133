//! Backups of a whole store, taken while it is written to, and whole stores made of them again.
//!
//! A generation of a backup is a store's directory: [`Store::open_read_only`] opens it, and accounts,
//! mailboxes and messages can be read from it as from any store, as they were at any moment of its log.
//! How it lies on the disk: `docs/store-format.md`.

use std::path::{Path, PathBuf};

pub use crate::engine::log::backup::{Copied, Damaged};
use crate::{
    engine::log::{
        backup::{self, manifest::Manifest},
        disk::RealDisk,
    },
    error::Error,
    store::Store,
};

/// A generation of a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its name: that of its directory.
    pub name: String,
    /// When it was begun, unix seconds.
    pub taken: i64,
    /// Octets in it, counting those that it shares with others.
    pub octets: u64,
    /// Files in it.
    pub files: u64,
    /// Octets that could not be read when it was made.
    pub lost: u64,
}

impl Store {
    /// Backs everything up that is durable now into `to`, as one more generation; only what is new since
    /// the last is read and written. `beside` are small files to keep with it, by name: the accounts file.
    /// Writes go on meanwhile. Waits for the disk: call it on a thread that may.
    ///
    /// # Errors
    /// [`Error::InUse`] if another backup into `to` runs, [`Error::Io`], [`Error::Full`];
    /// the generations there are as before. What can't be *read* is told in what is returned.
    pub fn backup(
        &self,
        to: &Path,
        beside: Vec<(String, Vec<u8>)>,
        tell: &mut dyn FnMut(&str, u64),
    ) -> Result<Copied, Error> {
        let now = (self.clock())().unix;
        let target = RealDisk::new(to.to_owned());
        self.partitions().back_up(&target, (beside, now), tell)
    }

    /// What a backup into `to` would have to copy, at most: octets of the logs that came after the last
    /// generation of this store there; and the name of that. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Io`]; a partition that is not there.
    pub fn backup_ahead(&self, to: &Path) -> Result<(Option<String>, u64), Error> {
        let partitions = self.partitions();
        if let Some(missing) = partitions.missing() {
            return Err(missing);
        }
        let mut found = if to.is_dir() {
            backup::generations(&RealDisk::new(to.to_owned()))?
        } else {
            Vec::new()
        };
        let store = partitions.store();
        let last = found.pop().filter(|(_, manifest)| manifest.store == store);
        let new = partitions.engines().into_iter().map(|engine| {
            let ends = last.as_ref().map(|(_, manifest)| &manifest.ends);
            let before = ends.and_then(|ends| ends.get(&*engine.partition().name));
            engine
                .position()
                .0
                .saturating_sub(before.copied().unwrap_or(0))
        });
        let new = new.sum();
        Ok((last.map(|(name, _)| name), new))
    }
}

/// The generations in a backup directory, oldest first. What an interrupted backup left is none.
///
/// # Errors
/// [`Error::Io`].
pub fn generations(of: &Path) -> Result<Vec<Generation>, Error> {
    let found = backup::generations(&RealDisk::new(of.to_owned()))?;
    let generation = |(name, manifest): (String, Manifest)| {
        let ranges = manifest.files.iter().flat_map(|file| &file.ranges);
        let lost = manifest.files.iter().flat_map(|file| &file.lost);
        Generation {
            name,
            taken: manifest.taken,
            octets: ranges.map(|range| range.end - range.start).sum(),
            files: manifest.files.len() as u64,
            lost: lost.map(|(start, end)| end - start).sum(),
        }
    };
    Ok(found.into_iter().map(generation).collect())
}

/// The directory of a generation: `at` itself if it is one, else the latest of the backup directory `at`.
///
/// # Errors
/// [`Error::NotPermitted`] if there is none; [`Error::Io`].
pub fn latest(at: &Path) -> Result<PathBuf, Error> {
    if backup::manifest_in(&RealDisk::new(at.to_owned()), "")?.is_some() {
        return Ok(at.to_owned());
    }
    let found = backup::generations(&RealDisk::new(at.to_owned()))?;
    found
        .last()
        .map(|(name, _)| at.join(name))
        .ok_or(Error::NotPermitted("there is no whole backup there"))
}

/// Reads all of a generation (its directory), and names what is not what was written. Waits for the disk.
///
/// # Errors
/// [`Error::NotPermitted`] if there is none.
pub fn verify(generation: &Path, tell: &mut dyn FnMut(&str, u64)) -> Result<Copied, Error> {
    let disk = RealDisk::new(generation.to_owned());
    let manifest = manifest(&disk)?;
    Ok(Copied {
        generation: name(generation),
        ..backup::check(&whole(&disk, &manifest), tell)
    })
}

/// Makes a store in the empty directory `to` of a generation (its directory). Waits for the disk.
///
/// # Errors
/// [`Error::NotPermitted`] if there is no generation or `to` is not empty; [`Error::Io`], [`Error::Full`]:
/// then `to` can't be opened as a store, and one may restore into it again.
pub fn restore(
    generation: &Path,
    to: &Path,
    tell: &mut dyn FnMut(&str, u64),
) -> Result<Copied, Error> {
    let disk = RealDisk::new(generation.to_owned());
    let manifest = manifest(&disk)?;
    let target = RealDisk::new(to.to_owned());
    Ok(Copied {
        generation: name(generation),
        ..backup::restore(&whole(&disk, &manifest), &target, tell)?
    })
}

/// Which generations to remove: all but the last `count`, and of those that fall out none that is
/// younger than `seconds`. At least one is always kept.
#[must_use]
pub fn superseded(generations: &[Generation], count: usize, seconds: i64, now: i64) -> Vec<String> {
    let old = generations.len().saturating_sub(count.max(1));
    generations
        .iter()
        .take(old)
        .filter(|generation| now.saturating_sub(generation.taken) >= seconds)
        .map(|generation| generation.name.clone())
        .collect()
}

/// Removes generations of a backup directory; the others are as before.
///
/// # Errors
/// [`Error::InUse`], [`Error::Io`].
pub fn remove(of: &Path, names: &[String]) -> Result<(), Error> {
    backup::remove(&RealDisk::new(of.to_owned()), names)
}

fn manifest(disk: &RealDisk) -> Result<Manifest, Error> {
    backup::manifest_in(disk, "")?.ok_or(Error::NotPermitted("there is no whole backup there"))
}

fn whole<'a>(disk: &'a RealDisk, manifest: &'a Manifest) -> backup::Whole<'a, RealDisk> {
    backup::Whole {
        disk,
        name: "",
        manifest,
    }
}

fn name(generation: &Path) -> String {
    let name = generation.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
