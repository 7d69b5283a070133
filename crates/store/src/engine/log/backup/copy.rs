//! Copies what is new since the generation before, and shares the rest with it.

use std::io::{self, IoSlice};

use super::{
    Copied, Damaged, Part, Tell, below,
    manifest::{Listed, Manifest, Summed},
    sync_dir, write_durably,
};
use crate::{
    engine::log::{
        disk::{Access, Disk},
        files::{Segment, io_error},
        format::SEGMENT_HEADER_BYTES,
        free::buried,
    },
    error::Error,
};

/// Octets copied at a time.
const COPY_BYTES: usize = 1 << 20;
/// Octets that are given up at a time where a disk can't read.
const UNREADABLE_BYTES: usize = 4096;
/// Octets before the end of what two generations share that are compared.
const COMPARED_BYTES: u64 = 4096;

/// A generation in the making.
pub(super) struct Copier<'a, T: Disk> {
    target: &'a T,
    name: &'a str,
    before: Option<&'a (String, Manifest)>,
    tell: Tell<'a>,
    manifest: Manifest,
    copied: Copied,
    directories: Vec<String>,
}

impl<'a, T: Disk> Copier<'a, T> {
    pub(super) fn new(
        target: &'a T,
        name: &'a str,
        before: Option<&'a (String, Manifest)>,
        tell: Tell<'a>,
    ) -> Self {
        Self {
            target,
            name,
            before,
            tell,
            manifest: Manifest::default(),
            copied: Copied::default(),
            directories: Vec::new(),
        }
    }

    /// A partition's log, up to its end.
    pub(super) fn partition<D: Disk>(&mut self, part: &Part<D>) -> Result<(), Error> {
        for segment in &part.segments {
            if segment.first_lsn() >= part.end && segment.header().number > 1 {
                break;
            }
            let end = segment.end().unwrap_or(part.end).min(part.end);
            match self.segment(&*part.disk, segment, end) {
                // Removed just now: nothing in it is alive.
                Err(_) if buried(&*part.disk, &part.partition, segment) => {}
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    self.copied.damages.push(Damaged {
                        file: segment.path().to_owned(),
                        start: 0,
                        end: 0,
                        what: "the file is missing".to_owned(),
                    });
                }
                copied => copied?,
            }
        }
        Ok(())
    }

    /// A small file: what it is by now.
    pub(super) fn small(&mut self, path: &str, octets: &[u8]) -> Result<(), Error> {
        self.make_room(path)?;
        let end = octets.len() as u64;
        let blake3 = *blake3::hash(octets).as_bytes();
        let ranges = vec![Summed {
            start: 0,
            end,
            blake3,
        }];
        let target = below(self.name, path);
        let before = self.before.filter(|(_, manifest)| {
            let listed = manifest.file(path);
            listed.is_some_and(|listed| listed.length == end && listed.ranges == ranges)
        });
        let linked = before.is_some_and(|(name, _)| {
            let old = below(name, path);
            self.target.link(&old, &target).is_ok()
        });
        if !linked {
            write_durably(self.target, &target, octets)?;
            self.copied.octets_new += end;
        }
        self.listed(Listed {
            path: path.to_owned(),
            length: end,
            ranges,
            lost: Vec::new(),
        });
        Ok(())
    }

    /// All files are durable now, with their names.
    pub(super) fn done(self) -> Result<(Manifest, Copied), Error> {
        for directory in &self.directories {
            sync_dir(self.target, directory)?;
        }
        Ok((self.manifest, self.copied))
    }

    fn listed(&mut self, file: Listed) {
        self.copied.files += 1;
        let octets = file.ranges.iter().map(|range| range.end - range.start);
        self.copied.octets += octets.sum::<u64>();
        self.manifest.files.push(file);
    }

    /// Makes the directory that a file is to be in.
    fn make_room(&mut self, path: &str) -> Result<(), Error> {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let directory = below(self.name, directory);
        let directory = directory.trim_end_matches('/').to_owned();
        if !self.directories.contains(&directory) {
            self.target
                .make_dir(&directory)
                .map_err(|error| io_error(&directory, error))?;
            self.directories.push(directory);
        }
        Ok(())
    }

    /// One segment, up to an LSN.
    fn segment<D: Disk>(
        &mut self,
        disk: &D,
        segment: &Segment<D::File>,
        end: u64,
    ) -> Result<(), Error> {
        let path = segment.path();
        self.make_room(path)?;
        let file = &*segment.file(disk)?;
        let there = disk.length(file).map_err(|error| io_error(path, error))?;
        let length = segment.offset(end).min(there);
        let source = From {
            disk,
            file,
            path,
            length,
        };
        let at = |lsn: u64| segment.offset(lsn).min(length);
        let freed = segment.freed();
        let freed: Vec<(u64, u64)> = freed
            .iter()
            .map(|range| (at(range.start), at(range.end)))
            .collect();
        let mut listed = match self.share(&source, &freed)? {
            Some(listed) => listed,
            None => Listed {
                path: path.to_owned(),
                ..Listed::default()
            },
        };
        if listed.length < length {
            self.append(&source, &freed, &mut listed)?;
        }
        self.listed(listed);
        Ok(())
    }

    /// Takes over what the generation before has of a file, if it is the same and not more.
    fn share<D: Disk>(
        &mut self,
        source: &From<'_, D>,
        freed: &[(u64, u64)],
    ) -> Result<Option<Listed>, Error> {
        let Some((name, manifest)) = self.before else {
            return Ok(None);
        };
        let Some(listed) = manifest.file(source.path) else {
            return Ok(None);
        };
        // What was lost then may be readable now.
        if !listed.lost.is_empty() || listed.length > source.length {
            return Ok(None);
        }
        let old = below(name, source.path);
        let file = match self.target.open(&old, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(|error| io_error(&old, error))?,
        };
        // The header says whose segment it is. The end tells a store that was restored from an
        // older generation, and went on another way in the same segment.
        let (start, end) = last_alive(freed, listed.length);
        let tail = end.saturating_sub(COMPARED_BYTES).max(start);
        let alike = source.same(self.target, &file, (0, SEGMENT_HEADER_BYTES))
            && source.same(self.target, &file, (tail, end));
        if !alike {
            return Ok(None);
        }
        let new = below(self.name, source.path);
        // Where there are no links, all of it is copied.
        Ok(self.target.link(&old, &new).is_ok().then(|| listed.clone()))
    }

    /// Copies what lies behind what is there already, but for what is freed.
    fn append<D: Disk>(
        &mut self,
        source: &From<'_, D>,
        freed: &[(u64, u64)],
        listed: &mut Listed,
    ) -> Result<(), Error> {
        let path = below(self.name, source.path);
        let failed = |error| io_error(&path, error);
        let file = self.target.open(&path, Access::Create).map_err(failed)?;
        let mut at = listed.length;
        let after = |(hole, next): &(u64, u64)| (at.max(*hole), at.max(*next));
        let holes: Vec<(u64, u64)> = freed.iter().map(after).collect();
        for (hole, next) in holes.into_iter().chain([(source.length, source.length)]) {
            if at < hole {
                let copied = self.range(source, &file, (at, hole), &mut listed.lost);
                listed.ranges.push(copied.map_err(failed)?);
            }
            at = next;
        }
        if self.target.length(&file).map_err(failed)? < at {
            self.target.set_length(&file, at).map_err(failed)?;
        }
        self.target.sync(&file).map_err(failed)?;
        listed.length = at;
        Ok(())
    }

    fn range<D: Disk>(
        &mut self,
        source: &From<'_, D>,
        file: &T::File,
        (start, end): (u64, u64),
        lost: &mut Vec<(u64, u64)>,
    ) -> io::Result<Summed> {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = Vec::new();
        let mut at = start;
        while at < end {
            let take = usize::try_from(end - at).unwrap_or(COPY_BYTES);
            buffer.resize(take.min(COPY_BYTES), 0);
            for (start, end, what) in source.read(&mut buffer, at) {
                lost.push((start, end));
                self.copied.damages.push(Damaged {
                    file: source.path.to_owned(),
                    start,
                    end,
                    what,
                });
            }
            self.target.write_at(file, &[IoSlice::new(&buffer)], at)?;
            hasher.update(&buffer);
            at += buffer.len() as u64;
            self.copied.octets_new += buffer.len() as u64;
            (self.tell)(source.path, buffer.len() as u64);
        }
        Ok(Summed {
            start,
            end,
            blake3: *hasher.finalize().as_bytes(),
        })
    }
}

/// The last octets before `end` of which nothing is freed, as many as there are in a row.
fn last_alive(freed: &[(u64, u64)], mut end: u64) -> (u64, u64) {
    for &(start, next) in freed.iter().rev() {
        if next < end {
            return (next, end);
        }
        end = end.min(start);
    }
    (0, end)
}

/// A file to be copied.
struct From<'a, D: Disk> {
    disk: &'a D,
    file: &'a D::File,
    path: &'a str,
    /// How much of it.
    length: u64,
}

impl<D: Disk> From<'_, D> {
    /// Whether another file is like this one from there to there.
    fn same<T: Disk>(&self, disk: &T, file: &T::File, (start, end): (u64, u64)) -> bool {
        let length = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
        let (mut here, mut there) = (vec![0; length], vec![0; length]);
        self.disk.read_at(self.file, &mut here, start).is_ok()
            && disk.read_at(file, &mut there, start).is_ok()
            && here == there
    }

    /// Fills `into`; what can't be read is zeros, and told.
    fn read(&self, into: &mut [u8], at: u64) -> Vec<(u64, u64, String)> {
        if self.disk.read_at(self.file, into, at).is_ok() {
            return Vec::new();
        }
        let mut lost: Vec<(u64, u64, String)> = Vec::new();
        let mut start = at;
        for block in into.chunks_mut(UNREADABLE_BYTES) {
            let end = start + block.len() as u64;
            if let Err(error) = self.disk.read_at(self.file, block, start) {
                block.fill(0);
                match lost.last_mut() {
                    Some((_, until, _)) if *until == start => *until = end,
                    _ => lost.push((start, end, format!("it cannot be read: {error}"))),
                }
            }
            start = end;
        }
        lost
    }
}
