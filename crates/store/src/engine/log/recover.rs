//! Opening a log: what was promised is found, what was not is cut off, damage is named.
//!
//! No octet of a segment is changed by it. A torn tail is left where it is: the log goes
//! on in a new segment, which begins at the LSN of the cut, so that nothing of the tail is
//! ever read again.

use std::{io::IoSlice, mem, ops::ControlFlow, sync::Arc};

use super::{
    disk::{Access, Disk},
    files::{self, Partition, Segment, Segments, io_error},
    format::{FIRST_LSN, RECORD_HEADER_BYTES, RecordHeader, Type},
    freed::Freed,
    index::{Index, Place},
    judge::{Event, Judge},
    scan::{Found, scan},
};
use crate::{engine::Damage, error::Error, id::AccountId};

/// Octets of damage or tail that are kept aside, per place.
const QUARANTINE_BYTES_MAX: u64 = 64 << 20;

/// A log as it was found.
#[derive(Debug)]
pub(crate) struct Recovered<F> {
    pub(crate) segments: Vec<Arc<Segment<F>>>,
    /// What stands for segments that were removed.
    pub(crate) tombstones: Vec<Freed>,
    pub(crate) index: Index,
    pub(crate) damages: Vec<Damage>,
    /// Where the log goes on.
    pub(crate) end: u64,
    /// The last segment and its length, if the log may go on in it.
    pub(crate) current: Option<(Arc<Segment<F>>, u64)>,
    pub(crate) next_number: u64,
    /// The latest epoch in a segment's header.
    pub(crate) epoch: u64,
}

/// Reads the log from `from` on, an LSN up to which a checkpoint is complete; 0 for all of it.
/// `None` if the log has no such place: then the checkpoint is not this log's.
///
/// # Errors
/// [`Error::Io`]; [`Error::Corrupt`] for a log of another store or of a newer program.
pub(crate) fn recover<D: Disk>(
    disk: &D,
    store: [u8; 16],
    partition: &Partition,
    from: u64,
) -> Result<Option<Recovered<D::File>>, Error> {
    let mut found = files::segments(disk, partition)?;
    for segment in &found.whole {
        let header = segment.header();
        let of = if header.store != store {
            "store"
        } else if header.partition != partition.id {
            "partition"
        } else {
            continue;
        };
        return Err(Error::Corrupt {
            file: segment.path().into(),
            offset: 0,
            what: format!("the segment belongs to another {of}").into(),
        });
    }
    let length = settle(disk, &mut found)?;
    let Some(start) = start(disk, &found.whole, from)? else {
        return Ok(None);
    };
    let epoch = found.whole.iter().map(|it| it.header().epoch).max();
    let mut recovery = Recovery {
        disk,
        partition,
        judge: Judge::new(from.max(found.whole.first().map_or(FIRST_LSN, Segment::first_lsn))),
        index: Index::default(),
        damages: mem::take(&mut found.damages),
        dirty: found.lsn_bound > 0,
    };
    if from <= FIRST_LSN {
        recovery.check_beginning(&found);
    }
    let mut rest = found
        .whole
        .get(start..)
        .unwrap_or_default()
        .iter()
        .peekable();
    while let Some(segment) = rest.next() {
        recovery.read(segment, from, rest.peek().copied(), found.lsn_bound)?;
    }
    let end = recovery.judge.end();
    if recovery.dirty
        && found.lsn_bound == 0
        && let Some(last) = found.whole.last()
    {
        recovery.keep_aside(last, end, u64::MAX, "tail");
        tracing::info!(
            segment = last.path(),
            offset = last.offset(end),
            "cut off a torn tail"
        );
    }
    let segments: Vec<_> = found.whole.into_iter().map(Arc::new).collect();
    let current = segments
        .last()
        .filter(|_| !recovery.dirty)
        .map(|last| (Arc::clone(last), length));
    Ok(Some(Recovered {
        current,
        segments,
        tombstones: found.tombstones,
        index: recovery.index,
        damages: recovery.damages,
        end,
        next_number: found.next_number,
        epoch: epoch.unwrap_or(0),
    }))
}

/// Sees to it that what is read of the last segment is what the disk has: a killed
/// process may have left it in the cache only, a failed sync may have left a cache that lies.
/// Returns its length.
fn settle<D: Disk>(disk: &D, found: &mut Segments<D::File>) -> Result<u64, Error> {
    let Some(last) = found.whole.pop() else {
        return Ok(0);
    };
    let failed = |error| io_error(last.path(), error);
    let file = disk.open(last.path(), Access::Write).map_err(failed)?;
    disk.sync(&file).map_err(failed)?;
    disk.forget_cache(&file);
    let length = disk.length(&file).map_err(failed)?;
    found.whole.push(last.opened(file));
    Ok(length)
}

/// The segment to begin in, if there is one for that place.
fn start<D: Disk>(
    disk: &D,
    segments: &[Segment<D::File>],
    from: u64,
) -> Result<Option<usize>, Error> {
    // The beginning is there even before there is a segment.
    if from <= FIRST_LSN {
        return Ok(Some(0));
    }
    let after = segments.partition_point(|segment| segment.first_lsn() <= from);
    let Some((at, segment)) = after
        .checked_sub(1)
        .and_then(|at| Some((at, segments.get(at)?)))
    else {
        return Ok(None);
    };
    if from == segment.first_lsn() {
        return Ok(Some(at));
    }
    // A position is the end of a commit: if that is not there, the log is not the one it was.
    let lsn = from.saturating_sub(RECORD_HEADER_BYTES as u64);
    let mut bytes = [0; RECORD_HEADER_BYTES];
    let file = segment.file(disk)?;
    match disk.read_at(file, &mut bytes, segment.offset(lsn)) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other.map_err(|error| io_error(segment.path(), error))?,
    }
    let commit = RecordHeader::decode(&bytes, segment.seal(), lsn)
        .is_some_and(|header| header.kind == Type::Commit && header.end() == from);
    Ok(commit.then_some(at))
}

struct Recovery<'a, D> {
    disk: &'a D,
    partition: &'a Partition,
    judge: Judge,
    index: Index,
    damages: Vec<Damage>,
    /// Whether the log may not go on in its last segment.
    dirty: bool,
}

impl<D: Disk> Recovery<'_, D> {
    fn check_beginning(&mut self, found: &Segments<D::File>) {
        let mut begin = FIRST_LSN;
        for tombstone in &found.tombstones {
            if tombstone.lsns.start <= begin {
                begin = begin.max(tombstone.lsns.end);
            }
        }
        if let Some(first) = found.whole.first()
            && first.first_lsn() > begin
            && !found.doubtful_beginning
        {
            self.damages.push(Damage {
                file: first.path().into(),
                offset: 0,
                what: "the segments before it are missing".into(),
            });
        }
    }

    /// Reads one segment. `bound` is where the log goes on if it is the last whole one.
    fn read(
        &mut self,
        segment: &Segment<D::File>,
        from: u64,
        next: Option<&Segment<D::File>>,
        bound: u64,
    ) -> Result<(), Error> {
        let until = segment.end();
        let last = next.is_none() && bound == 0;
        let mut accepted = Vec::new();
        let mut dirty = false;
        let judge = &mut self.judge;
        let from = from.max(segment.first_lsn());
        scan(self.disk, segment, from, until, &mut |found| {
            let event = match found {
                Found::Record { header, .. } => Event::Record(header),
                Found::Bad { lsn, end, header } => Event::Bad { lsn, end, header },
                Found::End { zeros } => {
                    dirty = !zeros;
                    return ControlFlow::Break(());
                }
            };
            judge.see(event, &mut |event| accepted.push(event));
            ControlFlow::Continue(())
        })?;
        if last {
            self.dirty |= dirty || judge.has_tail();
        } else {
            let until = next.map_or(bound, Segment::first_lsn);
            judge.sealed(until, &mut |event| accepted.push(event));
        }
        for event in accepted {
            self.accept(segment, event);
        }
        Ok(())
    }

    fn accept(&mut self, segment: &Segment<D::File>, event: Event) {
        match event {
            Event::Record(header) if header.kind == Type::Batch => {
                let place = Place {
                    seq: header.seq,
                    lsn: header.lsn,
                    length: header.length as usize,
                };
                if !self.index.add(AccountId(header.account), place) {
                    self.damages.push(Damage {
                        file: segment.path().into(),
                        offset: segment.offset(header.lsn),
                        what: format!("{} is there twice", describe(Some(&header))).into(),
                    });
                }
            }
            Event::Record(_) => {}
            Event::Bad { lsn, end, header } => {
                let damage = Damage {
                    file: segment.path().into(),
                    offset: segment.offset(lsn),
                    what: describe(header.as_ref()).into(),
                };
                tracing::error!(
                    file = &*damage.file,
                    offset = damage.offset,
                    what = &*damage.what,
                    "damaged"
                );
                self.damages.push(damage);
                self.keep_aside(segment, lsn, end, "damage");
            }
        }
    }

    /// Copies octets to the quarantine, for a person. That it fails is no reason not to open.
    fn keep_aside(&self, segment: &Segment<D::File>, lsn: u64, end: u64, why: &str) {
        let offset = segment.offset(lsn);
        let number = segment.header().number;
        let quarantine = self.partition.quarantine();
        let path = format!("{quarantine}/{number:010}-{offset}.{why}");
        let copy = || -> Result<(), Error> {
            let failed = |error| io_error(&path, error);
            let file = segment.file(self.disk)?;
            let there = self.disk.length(file).map_err(failed)?;
            let length = (end.saturating_sub(lsn))
                .min(there.saturating_sub(offset))
                .min(QUARANTINE_BYTES_MAX);
            let mut octets = vec![0; usize::try_from(length).unwrap_or(0)];
            self.disk
                .read_at(file, &mut octets, offset)
                .map_err(failed)?;
            let used = octets.iter().rposition(|octet| *octet != 0);
            octets.truncate(used.map_or(0, |last| last + 1));
            let copy = self.disk.open(&path, Access::Create).map_err(failed)?;
            self.disk
                .write_at(&copy, &[IoSlice::new(&octets)], 0)
                .map_err(failed)
        };
        if let Err(error) = copy() {
            tracing::warn!(%error, "could not keep damaged octets aside");
        }
    }
}

/// What a damaged place was, for a person.
pub(crate) fn describe(header: Option<&RecordHeader>) -> String {
    match header {
        None => "octets that are no record".into(),
        Some(header) => {
            let account = AccountId(header.account);
            match header.kind {
                Type::Blob => "a piece of a message".into(),
                Type::Message if header.account == 0 => "a message's record".into(),
                Type::Message => format!("a message's record of account {account}"),
                Type::Batch => format!("batch {} of account {account}", header.seq),
                Type::Commit => "a commit".into(),
                Type::UnknownOptional(kind) | Type::UnknownRequired(kind) => {
                    format!("a record of type {kind}")
                }
            }
        }
    }
}
