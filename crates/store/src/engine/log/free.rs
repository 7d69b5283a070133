//! Frees what nobody needs any more: the space of records in sealed segments.
//!
//! The engine does not know what is needed; it is told. It says first, durably, what it
//! frees ([`super::freed`]), then punches holes, or removes the file if all of it is dead.

use std::{
    io,
    ops::{ControlFlow, Range},
    sync::{Arc, atomic::Ordering},
};

use super::{
    disk::{Access, Disk},
    files::{self, Segment, io_error},
    format::{FIRST_LSN, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, Type},
    freed::{self, Freed},
    scan::{Swept, sweep},
    shared::Shared,
};
use crate::{
    engine::{Dead, GivenBack, Ref, Sealed, Sweep, SweepKind, WalkKind},
    error::Error,
    id::AccountId,
};

/// What file systems free at once: only whole blocks come back.
const BLOCK_BYTES: u64 = 4096;

impl<D: Disk> Shared<D> {
    /// What lies before it may be freed, if nothing refers to it: everything from it on may
    /// be referred to yet, or is what recovery would read.
    pub(crate) fn horizon(&self) -> u64 {
        let checkpointed = self.checkpointed.load(Ordering::Acquire);
        // Opening looks for the commit that ends there.
        let settled = checkpointed.saturating_sub(RECORD_HEADER_BYTES as u64);
        self.pins.lowest().map_or(settled, |pin| pin.min(settled))
    }

    /// The segments that something can be freed of: those that end before an LSN.
    pub(crate) fn sealed(&self, horizon: u64) -> Result<Vec<Sealed>, Error> {
        let mut sealed = Vec::new();
        for segment in &**self.segments.load() {
            let Some(end) = segment.end().filter(|end| *end <= horizon) else {
                continue;
            };
            let file = &*segment.file(&*self.disk)?;
            let space = self.disk.space(file);
            let freed = segment.freed().iter().map(|r| r.end - r.start).sum();
            sealed.push(Sealed {
                number: segment.header().number,
                lsns: segment.first_lsn()..end,
                freed,
                space: space.map_err(|error| io_error(segment.path(), error))?,
            });
        }
        Ok(sealed)
    }

    /// Whether the record at a place has been freed.
    pub(crate) fn is_freed(&self, at: Ref) -> bool {
        let lsn = at.lsn();
        let segments = self.segments.load();
        let after = segments.partition_point(|segment| segment.first_lsn() <= lsn);
        let segment = after.checked_sub(1).and_then(|at| segments.get(at));
        let within = segment.filter(|it| it.end().is_none_or(|end| lsn < end));
        if let Some(segment) = within {
            return segment.is_freed(lsn);
        }
        let tombstones = self.tombstones.load();
        tombstones.iter().any(|freed| freed.lsns.contains(&lsn))
    }

    /// Goes through what a segment has, but for the bodies, and gives what `dead` says is not needed.
    pub(crate) fn sweep(
        &self,
        number: u64,
        dead: &mut dyn FnMut(&Sweep) -> bool,
    ) -> Result<Dead, Error> {
        let Some((segment, end)) = self
            .numbered(number)
            .and_then(|it| it.end().map(|end| (it, end)))
        else {
            return Ok(Dead::default());
        };
        let mut ranges: Vec<Range<u64>> = Vec::new();
        sweep(&*self.disk, &segment, &mut |found| {
            let mut body_octets = 0;
            let (range, what) = match found {
                Swept::Record(header) => {
                    body_octets = header.length;
                    let kind = match header.kind {
                        Type::Blob => Some(WalkKind::Blob),
                        Type::Message => Some(WalkKind::Message),
                        Type::Batch => Some(WalkKind::Batch { seq: header.seq }),
                        Type::Commit => None,
                        Type::Lost | Type::UnknownOptional(_) | Type::UnknownRequired(_) => {
                            return ControlFlow::Continue(());
                        }
                    };
                    let account = (header.account != 0).then_some(AccountId(header.account));
                    let record = kind.map(|kind| (kind, account));
                    let range = header.lsn..header.end();
                    (
                        range,
                        record.map_or(SweepKind::Commit, |(kind, account)| {
                            SweepKind::Record(kind, account)
                        }),
                    )
                }
                Swept::Gap(range) if segment.doubtful() => (range, SweepKind::Doubtful),
                Swept::Gap(range) => (range, SweepKind::Gap),
            };
            let at = |lsn| Ref::new(self.partition.number, lsn);
            let sweep = Sweep {
                at: at(range.start)..at(range.end),
                body_octets,
                what,
            };
            // Damage is kept for a person, whatever anybody says.
            if dead(&sweep) && what != SweepKind::Gap {
                match ranges.last_mut() {
                    Some(last) if last.end == range.start => last.end = range.end,
                    _ => ranges.push(range),
                }
            }
            ControlFlow::Continue(())
        })?;
        let before = segment.freed();
        let all = freed::union(ranges, &before);
        let lsns = segment.first_lsn()..end;
        let whole = all == std::slice::from_ref(&lsns);
        let octets = |ranges: &[Range<u64>]| -> u64 {
            let blocks = blocks(&segment, ranges);
            blocks.iter().map(|block| block.end - block.start).sum()
        };
        // What gives back nothing is not worth being written down.
        let all: Vec<_> = all
            .into_iter()
            .filter(|range| whole || octets(std::slice::from_ref(range)) > 0)
            .collect();
        let more = octets(&all).saturating_sub(octets(&before));
        Ok(Dead {
            ranges: if more > 0 || whole { all } else { Vec::new() },
            octets: more,
            whole,
        })
    }

    /// Frees ranges of a segment, which are whole records; those that were freed before, again, if
    /// their space is still taken. Says what became of it.
    pub(crate) fn free(&self, number: u64, ranges: Vec<Range<u64>>) -> Result<GivenBack, Error> {
        let mut place = GivenBack::default();
        let Some(segment) = self.numbered(number) else {
            return Ok(place);
        };
        let Some(end) = segment.end() else {
            return Ok(place);
        };
        // Nobody else may be reading it by what is to be changed.
        self.lease.look()?;
        let before = segment.freed();
        let all = freed::union(ranges, &before);
        let lsns = segment.first_lsn()..end;
        let tombstone = all == std::slice::from_ref(&lsns);
        let failed = |error| io_error(segment.path(), error);
        let space = self
            .disk
            .space(&*segment.file(&*self.disk)?)
            .map_err(failed)?;
        if all != **before || tombstone {
            let header = segment.header();
            let freed = Freed {
                store: header.store,
                partition: header.partition,
                number,
                first_number: number,
                tombstone,
                lsns,
                ranges: all.clone(),
            };
            freed::write(&*self.disk, &self.partition, &freed)?;
            if tombstone {
                self.bury(&segment, freed)?;
                place.removed = true;
                place.octets = space;
                return Ok(place);
            }
            segment.set_freed(all.clone());
        }
        match self.punch(&segment, &all, space) {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => place.unsupported = true,
            punched => punched.map_err(failed)?,
        }
        let now = self
            .disk
            .space(&*segment.file(&*self.disk)?)
            .map_err(failed)?;
        place.octets = space.saturating_sub(now);
        Ok(place)
    }

    /// Gives the space of the whole blocks in ranges back, unless it is already.
    fn punch(
        &self,
        segment: &Segment<D::File>,
        ranges: &[Range<u64>],
        space: u64,
    ) -> io::Result<()> {
        let holes = blocks(segment, ranges);
        let file = self.disk.open(segment.path(), Access::Write)?;
        let length = self.disk.length(&file)?;
        let octets: u64 = holes.iter().map(|hole| hole.end - hole.start).sum();
        if space.saturating_add(octets) <= length.next_multiple_of(BLOCK_BYTES) {
            return Ok(());
        }
        for hole in holes {
            self.disk.punch(&file, hole.start, hole.end - hole.start)?;
        }
        Ok(())
    }

    /// Removes a segment that a tombstone stands for.
    fn bury(&self, segment: &Segment<D::File>, tombstone: Freed) -> Result<(), Error> {
        let number = segment.header().number;
        let mut tombstones = Vec::clone(&self.tombstones.load());
        tombstones.push(tombstone);
        tombstones.sort_by_key(|freed| freed.number);
        self.tombstones.store(Arc::new(tombstones));
        self.change_segments(|segments| segments.retain(|it| it.header().number != number));
        self.remove(segment.path())
    }

    fn remove(&self, path: &str) -> Result<(), Error> {
        let removed = match self.disk.remove(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        removed
            .and_then(|()| self.disk.sync_dir(&self.partition.log()))
            .map_err(|error| io_error(path, error))
    }

    /// Removes files that a crash left behind, and puts the tombstones at the log's beginning
    /// together.
    pub(crate) fn tidy(&self) -> Result<(), Error> {
        let tombstones = self.tombstones.load_full();
        let log = self.partition.log();
        let names = self
            .disk
            .list(&log)
            .map_err(|error| io_error(&log, error))?;
        for freed in &*tombstones {
            let left = format!("{:010}.log", freed.number);
            if names.contains(&left) {
                self.remove(&self.partition.segment(freed.number))?;
            }
        }
        let first = self.segments.load().first().map_or(0, |it| it.first_lsn());
        // Those that together go from the first LSN on without a gap.
        let mut end = FIRST_LSN;
        let mut number = 0;
        for freed in tombstones.iter().filter(|freed| freed.lsns.end <= first) {
            if freed.lsns.start <= end {
                end = end.max(freed.lsns.end);
                number = freed.number;
            }
        }
        let (merged, others): (Vec<Freed>, Vec<Freed>) = tombstones
            .iter()
            .cloned()
            .partition(|freed| freed.number <= number);
        let Some(last) = merged.last().filter(|_| merged.len() > 1) else {
            return Ok(());
        };
        let whole = FIRST_LSN..end;
        let one = Freed {
            first_number: merged.iter().map(|it| it.first_number).min().unwrap_or(1),
            lsns: whole.clone(),
            ranges: vec![whole],
            ..last.clone()
        };
        freed::write(&*self.disk, &self.partition, &one)?;
        self.tombstones
            .store(Arc::new([vec![one], others].concat()));
        for old in merged.iter().filter(|old| old.number < number) {
            self.remove(&self.partition.freed(old.number))?;
        }
        Ok(())
    }

    fn numbered(&self, number: u64) -> Option<Arc<Segment<D::File>>> {
        let segments = self.segments.load();
        let found = segments.iter().find(|it| it.header().number == number);
        found.map(Arc::clone)
    }
}

/// The whole blocks of a segment's file in these ranges.
fn blocks<F>(segment: &Segment<F>, ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let inside = |range: &Range<u64>| {
        let from = segment.offset(range.start).next_multiple_of(BLOCK_BYTES);
        let to = segment.offset(range.end) / BLOCK_BYTES * BLOCK_BYTES;
        (from < to && from >= SEGMENT_HEADER_BYTES).then_some(from..to)
    };
    ranges.iter().filter_map(inside).collect()
}

/// What was freed of a segment that somebody may be freeing more of: for whoever
/// walks beside a server.
pub(crate) fn freed_by_now<D: Disk>(
    disk: &D,
    partition: &files::Partition,
    segment: &Segment<D::File>,
    lsn: u64,
) -> bool {
    let now = freed::read(disk, partition, segment.header().number);
    now.is_ok_and(|now| now.is_some_and(|now| freed::end_at(&now.ranges, lsn).is_some()))
}

/// Whether a segment was removed, because nothing in it was alive.
pub(crate) fn buried<D: Disk>(
    disk: &D,
    partition: &files::Partition,
    segment: &Segment<D::File>,
) -> bool {
    let lsn = segment.first_lsn();
    let stands = |found: files::Segments<D::File>| {
        let mut tombstones = found.tombstones.iter();
        tombstones.any(|freed| freed.lsns.contains(&lsn))
    };
    let gone = disk.open(segment.path(), Access::Read).is_err();
    gone && files::segments(disk, partition, None).is_ok_and(stands)
}
