//! Backups: the log as far as it is durable, copied while it is written to; and back.
//!
//! A backup directory has one directory per *generation*, which is a store's directory without
//! what is derived, and a manifest. What has not changed since the generation before is shared with
//! it by hard links. The log only grows, so a later generation goes on in the file of an earlier one,
//! behind what that one vouches for: no octet that a manifest vouches for is ever written again.
//!
//! A crash at any point leaves the generations that were whole as they were, and a directory without a
//! manifest, which counts for nothing and which the next backup removes.

mod copy;
pub(crate) mod manifest;
mod restore;
#[cfg(test)]
mod tests;

use std::{
    io::{self, IoSlice},
    sync::Arc,
};

pub(crate) use self::restore::{Whole, check, restore};
use self::{
    copy::Copier,
    manifest::{MANIFEST, MANIFEST_BYTES_MAX, Manifest},
};
use super::{
    disk::{Access, Disk},
    files::{self, Partition, STORE, Segment, io_error},
    gaps::Gap,
    pins::Pin,
};
use crate::error::Error;

/// Who backs up into a directory, at a time.
const LOCK: &str = "lock";

/// A restore that has not come to its end: the store in that directory is not whole.
pub(crate) const UNFINISHED: &str = "restore.unfinished";

/// Octets of batches that nobody will have written between a backup and the loss of the disk: some millions of
/// changes.
const LOST_BYTES: u64 = 256 << 20;

/// One partition's log, as far as it is to be copied.
#[derive(Debug)]
pub(crate) struct Part<D: Disk> {
    /// The partition.
    pub(crate) partition: Partition,
    /// The disk that its segments are on.
    pub(crate) disk: Arc<D>,
    /// Its segments, ascending.
    pub(crate) segments: Vec<Arc<Segment<D::File>>>,
    /// Where what is copied ends: a position at which everything before it is durable.
    pub(crate) end: u64,
    /// While it is held, nothing more is freed of the log.
    pub(crate) _pin: Pin,
}

/// What to back up.
#[derive(Debug)]
pub(crate) struct Source<D: Disk> {
    /// The disk with `store.toml`.
    pub(crate) disk: Arc<D>,
    /// Which store.
    pub(crate) store: [u8; 16],
    /// The partitions.
    pub(crate) parts: Vec<Part<D>>,
    /// Files to keep with it, small ones: their names, and what is in them.
    pub(crate) beside: Vec<(String, Vec<u8>)>,
    /// Now, unix seconds.
    pub(crate) now: i64,
}

/// What a backup, a check or a restore did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Copied {
    /// The generation's name: the time it was begun.
    pub generation: String,
    /// Files in it.
    pub files: u64,
    /// Octets of them.
    pub octets: u64,
    /// Octets read and written for it; the others it shares with the generation before.
    pub octets_new: u64,
    /// What could not be read, or is not what was written.
    pub damages: Vec<Damaged>,
}

/// Damage in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// The file, below the store's directory.
    pub file: String,
    /// Where, in octets.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// What is wrong.
    pub what: String,
}

/// Told now and then how many octets of a file have been copied.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(&str, u64);

/// Makes one more generation in `target`.
///
/// # Errors
/// [`Error::InUse`] if another is being made there, [`Error::Io`], [`Error::Full`]. What cannot be
/// *read* is no error: it is told in what is returned, and all else is copied.
pub(crate) fn back_up<D: Disk, T: Disk>(
    source: &Source<D>,
    target: &T,
    tell: Tell<'_>,
) -> Result<Copied, Error> {
    target.make_dir("").map_err(|e| io_error("", e))?;
    let _lock = lock(target)?;
    let generations = generations(target)?;
    let whole: Vec<&str> = generations.iter().map(|(name, _)| name.as_str()).collect();
    clear(target, &whole)?;
    let before = generations
        .last()
        .filter(|(_, manifest)| manifest.store == source.store);
    let name = name_for(source.now, whole.last().copied());
    let mut generation = Copier::new(target, &name, before, tell);
    for part in &source.parts {
        generation.partition(part)?;
        let marker = part.partition.marker();
        generation.small(&marker, &read_small(&*part.disk, &marker)?)?;
        // After the segments: what was punched out of them before they were read is in these.
        for path in files::sidecars(&*part.disk, &part.partition)? {
            match read_small(&*part.disk, &path) {
                // Put together with a later one just now.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                octets => generation.small(&path, &octets?)?,
            }
        }
    }
    generation.small(STORE, &read_small(&*source.disk, STORE)?)?;
    for (file, octets) in &source.beside {
        generation.small(file, octets)?;
    }
    let (mut manifest, mut copied) = generation.done()?;
    manifest.store = source.store;
    manifest.taken = source.now;
    for part in &source.parts {
        manifest
            .ends
            .insert(part.partition.name.to_string(), part.end);
    }
    let text = manifest.encode();
    write_durably(target, &format!("{name}/{MANIFEST}"), text.as_bytes())?;
    sync_dir(target, &name)?;
    sync_dir(target, "")?;
    copied.generation = name;
    Ok(copied)
}

/// The generations in a backup directory that are whole, oldest first.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn generations<T: Disk>(target: &T) -> Result<Vec<(String, Manifest)>, Error> {
    let mut names = target.list("").map_err(|e| io_error("", e))?;
    names.retain(|name| is_generation(name));
    names.sort_unstable();
    let mut found = Vec::new();
    for name in names {
        if let Some(manifest) = manifest_in(target, &name)? {
            found.push((name, manifest));
        }
    }
    Ok(found)
}

/// The manifest in a directory, if it is there and whole.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn manifest_in<T: Disk>(disk: &T, name: &str) -> Result<Option<Manifest>, Error> {
    let path = below(name, MANIFEST);
    match read_small(disk, &path) {
        Ok(octets) => Ok(str::from_utf8(&octets).ok().and_then(Manifest::decode)),
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes the generations of these names, whole or not. What others share with them stays.
///
/// # Errors
/// [`Error::Io`], [`Error::InUse`].
pub(crate) fn remove<T: Disk>(target: &T, names: &[String]) -> Result<(), Error> {
    let _lock = lock(target)?;
    for name in names.iter().filter(|name| is_generation(name)) {
        remove_one(target, name)?;
    }
    sync_dir(target, "")
}

/// The manifest goes first: half a generation must not pass for one.
fn remove_one<T: Disk>(target: &T, name: &str) -> Result<(), Error> {
    let failed = |error| io_error(name, error);
    match target.remove(&format!("{name}/{MANIFEST}")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => {
            other.map_err(failed)?;
            sync_dir(target, name)?;
        }
    }
    target.remove_tree(name).map_err(failed)
}

/// Removes what interrupted backups left.
fn clear<T: Disk>(target: &T, whole: &[&str]) -> Result<(), Error> {
    let names = target.list("").map_err(|e| io_error("", e))?;
    for name in names.iter().filter(|name| is_generation(name)) {
        if !whole.contains(&name.as_str()) {
            remove_one(target, name)?;
        }
    }
    Ok(())
}

fn lock<T: Disk>(target: &T) -> Result<T::File, Error> {
    let failed = |error| io_error(LOCK, error);
    let file = target.open(LOCK, Access::Create).map_err(failed)?;
    if target.lock(&file).map_err(failed)? {
        Ok(file)
    } else {
        Err(Error::InUse(
            "another backup into the same directory".into(),
        ))
    }
}

/// What came after the backup that a partition was restored from is lost: how much that was, nothing tells. It is
/// taken for more than there can have been. `known`: what the log says is lost. Gives what has to be written
/// down yet; once it is, the file that says so is removed.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn lost_since<D: Disk>(
    disk: &D,
    partition: &Partition,
    known: &[Gap],
) -> Result<Option<Gap>, Error> {
    let path = partition.restored();
    let text = match read_small(disk, &path) {
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        text => text?,
    };
    let end = str::from_utf8(&text)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let gap = Gap {
        lsn: end.unwrap_or(0),
        octets: LOST_BYTES,
        batch: None,
    };
    if known.contains(&gap) {
        disk.remove(&path).map_err(|error| io_error(&path, error))?;
        sync_dir(disk, &partition.root())?;
        return Ok(None);
    }
    Ok(Some(gap))
}

/// A path below a directory; the root's name is empty.
fn below(directory: &str, path: &str) -> String {
    if directory.is_empty() {
        path.to_owned()
    } else {
        format!("{directory}/{path}")
    }
}

fn sync_dir<T: Disk>(disk: &T, path: &str) -> Result<(), Error> {
    disk.sync_dir(path).map_err(|error| io_error(path, error))
}

fn read_small<D: Disk>(disk: &D, path: &str) -> Result<Vec<u8>, Error> {
    let failed = |error| io_error(path, error);
    let file = disk.open(path, Access::Read).map_err(failed)?;
    let length = disk.length(&file).map_err(failed)?.min(MANIFEST_BYTES_MAX);
    let mut octets = vec![0; usize::try_from(length).unwrap_or(0)];
    disk.read_at(&file, &mut octets, 0).map_err(failed)?;
    Ok(octets)
}

/// Writes a file so that it is there whole or not at all. The directory is for the caller to sync.
fn write_durably<T: Disk>(disk: &T, path: &str, octets: &[u8]) -> Result<(), Error> {
    let new = format!("{path}.new");
    let failed = |error| io_error(path, error);
    let file = disk.open(&new, Access::Create).map_err(failed)?;
    disk.set_length(&file, 0).map_err(failed)?;
    disk.write_at(&file, &[IoSlice::new(octets)], 0)
        .map_err(failed)?;
    disk.sync(&file).map_err(failed)?;
    disk.rename(&new, path).map_err(failed)
}

/// `2026-11-26T115324Z`: a directory of that name is a generation.
fn is_generation(name: &str) -> bool {
    name.len() == 18
        && name
            .chars()
            .zip("0000-00-00T000000Z".chars())
            .all(|(c, form)| match form {
                '0' => c.is_ascii_digit(),
                _ => c == form,
            })
}

/// The name of a generation begun `now`; later than the last, whatever the clock says.
fn name_for(now: i64, last: Option<&str>) -> String {
    let mut at = now;
    if let Some(last) = last {
        while name_at(at).as_str() <= last && at < now + 86_400 {
            at += 1;
        }
        if name_at(at).as_str() <= last {
            // A clock that was set back by more than a day: by what the last one said.
            return next_name(last);
        }
    }
    name_at(at)
}

/// The name after `last` in their order: the digits are counted up, whatever time that is.
fn next_name(last: &str) -> String {
    let mut name: Vec<u8> = last.bytes().collect();
    for octet in name.iter_mut().rev().filter(|octet| octet.is_ascii_digit()) {
        if *octet < b'9' {
            *octet += 1;
            break;
        }
        *octet = b'0';
    }
    String::from_utf8(name).unwrap_or_default()
}

fn name_at(unix: i64) -> String {
    let (days, second) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let year = year.clamp(0, 9999);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// The date of a day, counted from 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    // Years begin in March, so that the leap day is the last; eras of 400 years are all alike.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (year + era * 400 + later, month, day)
}
