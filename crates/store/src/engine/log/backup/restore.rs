//! Checks a generation against its manifest, and makes a store of it again.

use std::io::{self, IoSlice};

use super::{
    Copied, Damaged, Tell, UNFINISHED, below,
    manifest::{Listed, Manifest, Summed},
    sync_dir, write_durably,
};
use crate::{
    engine::log::{
        disk::{Access, Disk},
        files::{Partition, io_error},
    },
    error::Error,
};

const READ_BYTES: usize = 1 << 20;

/// A generation where it lies.
#[derive(Debug)]
pub(crate) struct Whole<'a, B: Disk> {
    /// The disk.
    pub(crate) disk: &'a B,
    /// Its directory there.
    pub(crate) name: &'a str,
    /// What it says of itself.
    pub(crate) manifest: &'a Manifest,
}

impl<B: Disk> Whole<'_, B> {
    fn open(&self, listed: &Listed) -> io::Result<B::File> {
        let path = below(self.name, &listed.path);
        self.disk.open(&path, Access::Read)
    }
}

/// Reads everything that a generation's manifest vouches for, and names what is not what was written.
pub(crate) fn check<B: Disk>(backup: &Whole<'_, B>, tell: Tell<'_>) -> Copied {
    let mut copied = Copied::default();
    for listed in &backup.manifest.files {
        copied.files += 1;
        copied.lost(listed);
        let file = match backup.open(listed) {
            Ok(file) => file,
            Err(error) => {
                copied.damage(listed, (0, listed.length), &error.to_string());
                continue;
            }
        };
        for range in &listed.ranges {
            let octets = read_range(backup.disk, &file, range, &mut |octets, _| {
                tell(&listed.path, octets.len() as u64);
                Ok(())
            });
            match octets {
                Ok(true) => {}
                Ok(false) => copied.damage(listed, (range.start, range.end), NOT_WRITTEN),
                Err(error) => {
                    copied.damage(listed, (range.start, range.end), &error.to_string());
                }
            }
            copied.octets += range.end - range.start;
        }
    }
    copied
}

const NOT_WRITTEN: &str = "it is not what was written";

/// Makes a store in `target`, which must be empty but for what a restore before has left, of a
/// generation. What is damaged in it comes along as it is, and is told: each record has its own checksum.
///
/// A crash on the way leaves a directory that refuses to be opened, and into which one may
/// restore again.
///
/// # Errors
/// [`Error::NotPermitted`] if `target` is not empty; [`Error::Io`], [`Error::Full`].
pub(crate) fn restore<B: Disk, T: Disk>(
    backup: &Whole<'_, B>,
    target: &T,
    tell: Tell<'_>,
) -> Result<Copied, Error> {
    target.make_dir("").map_err(|e| io_error("", e))?;
    let there = target.list("").map_err(|e| io_error("", e))?;
    let begun = there.iter().any(|name| name == UNFINISHED);
    if !begun && there.iter().any(|name| name != "lost+found") {
        return Err(Error::NotPermitted(
            "the directory to restore to is not empty",
        ));
    }
    write_durably(
        target,
        UNFINISHED,
        b"A restore into this directory has not ended.\n",
    )?;
    sync_dir(target, "")?;
    let mut copied = Copied::default();
    let mut directories: Vec<&str> = Vec::new();
    for listed in &backup.manifest.files {
        if let Some((directory, _)) = listed.path.rsplit_once('/')
            && !directories.contains(&directory)
        {
            target
                .make_dir(directory)
                .map_err(|error| io_error(directory, error))?;
            directories.push(directory);
        }
        copied.files += 1;
        copied.lost(listed);
        file(backup, target, listed, &mut copied, tell)?;
    }
    for (name, end) in &backup.manifest.ends {
        // What came after the backup has given out UIDs and other numbers, of which nothing here knows.
        let partition = Partition {
            name: name.as_str().into(),
            ..Partition::first()
        };
        write_durably(target, &partition.restored(), format!("{end}\n").as_bytes())?;
        sync_dir(target, &partition.root())?;
    }
    for directory in directories {
        sync_dir(target, directory)?;
    }
    sync_dir(target, "")?;
    target
        .remove(UNFINISHED)
        .map_err(|error| io_error(UNFINISHED, error))?;
    sync_dir(target, "")?;
    Ok(copied)
}

fn file<B: Disk, T: Disk>(
    backup: &Whole<'_, B>,
    target: &T,
    listed: &Listed,
    copied: &mut Copied,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let failed = |error| io_error(&listed.path, error);
    let old = match backup.open(listed) {
        Ok(old) => old,
        Err(error) => {
            copied.damage(listed, (0, listed.length), &error.to_string());
            return Ok(());
        }
    };
    let new = target.open(&listed.path, Access::Create).map_err(failed)?;
    target.set_length(&new, 0).map_err(failed)?;
    target.set_length(&new, listed.length).map_err(failed)?;
    for range in &listed.ranges {
        let mut wrote = Ok(());
        let good = read_range(backup.disk, &old, range, &mut |octets, at| {
            tell(&listed.path, octets.len() as u64);
            copied.octets_new += octets.len() as u64;
            wrote = target.write_at(&new, &[IoSlice::new(octets)], at);
            // What can't be written ends it; the reason is told below.
            wrote.as_ref().map_or(Err(()), |()| Ok(()))
        });
        wrote.map_err(failed)?;
        let bounds = (range.start, range.end);
        match good {
            Ok(true) => {}
            Ok(false) => copied.damage(listed, bounds, NOT_WRITTEN),
            Err(error) => copied.damage(listed, bounds, &error.to_string()),
        }
        copied.octets += range.end - range.start;
    }
    target.sync(&new).map_err(failed)
}

/// Takes octets, and where they are; with an error it wants no more.
type Take<'a> = &'a mut dyn FnMut(&[u8], u64) -> Result<(), ()>;

/// Reads a range; says whether its sum is right. What can't be read in the middle of it does not
/// keep back the rest.
fn read_range<B: Disk>(
    disk: &B,
    file: &B::File,
    range: &Summed,
    take: Take<'_>,
) -> io::Result<bool> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = Vec::new();
    let mut at = range.start;
    let mut unreadable = None;
    while at < range.end {
        let wanted = usize::try_from(range.end - at).unwrap_or(READ_BYTES);
        buffer.resize(wanted.min(READ_BYTES), 0);
        match disk.read_at(file, &mut buffer, at) {
            Ok(()) => {
                hasher.update(&buffer);
                if take(&buffer, at).is_err() {
                    return Ok(true);
                }
            }
            Err(error) => unreadable = Some(error),
        }
        at += buffer.len() as u64;
    }
    match unreadable {
        Some(error) => Err(error),
        None => Ok(*hasher.finalize().as_bytes() == range.blake3),
    }
}

impl Copied {
    fn damage(&mut self, listed: &Listed, (start, end): (u64, u64), what: &str) {
        self.damages.push(Damaged {
            file: listed.path.clone(),
            start,
            end,
            what: what.to_owned(),
        });
    }

    /// What was lost when the backup was made.
    fn lost(&mut self, listed: &Listed) {
        for bounds in &listed.lost {
            self.damage(
                listed,
                *bounds,
                "it could not be read when the backup was made",
            );
        }
    }
}
