//! Opening a log: what was promised is found, what was not is cut off, damage is named.
//!
//! No octet of a segment is changed by it. A torn tail is left where it is: the log goes
//! on in a new segment, which begins at the LSN of the cut, so that nothing of the tail is
//! ever read again.

use std::{collections::BTreeMap, io::IoSlice, mem, ops::ControlFlow, sync::Arc};

use super::{
    disk::{Access, Disk},
    files::{self, Partition, Segment, Segments, io_error},
    format::{ALIGNMENT, FIRST_LSN, RECORD_HEADER_BYTES, RecordHeader, Type},
    freed::Freed,
    gaps::{self, Gap},
    index::{Index, Place},
    judge::{Event, Judge},
    scan::{Found, scan},
};
use crate::{engine::Damage, error::Error, id::AccountId};

/// Octets of damage or tail that are kept aside, per place.
const QUARANTINE_BYTES_MAX: u64 = 64 << 20;

/// So many zeros in a row are no header's.
const TORN_ZEROS: usize = 24;

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
    /// What is lost after the checkpoint.
    pub(crate) gaps: Vec<Gap>,
    /// What was cut off now, and may have been acknowledged if it was damage: to be
    /// written down, for nothing else will tell of it.
    pub(crate) cut: Vec<Gap>,
}

/// Reads the log from `from` on, an LSN up to which a checkpoint is complete; 0 for all of it.
/// `None` if the log has something else at that place: then the checkpoint is not this log's.
/// A log that ends before it has lost its end, and goes on `margin` octets behind it.
///
/// # Errors
/// [`Error::Io`]; [`Error::Corrupt`] for a log of a newer program.
pub(crate) fn recover<D: Disk>(
    disk: &D,
    store: [u8; 16],
    partition: &Partition,
    (from, margin): (u64, u64),
) -> Result<Option<Recovered<D::File>>, Error> {
    let owner = Some((store, partition.id));
    let mut found = files::segments(disk, partition, owner)?;
    let length = settle(disk, &mut found)?;
    let start = match start(disk, &found, from)? {
        Start::None => return Ok(None),
        Start::At(start) => start,
        Start::Beyond => {
            found.damages.push(Damage {
                file: found
                    .whole
                    .last()
                    .map_or_else(|| partition.log(), |it| it.path().to_owned())
                    .into(),
                offset: 0,
                what: "the log ends before its checkpoint: its end is missing".into(),
            });
            found.lsn_bound = found.lsn_bound.max(from);
            found.whole.len()
        }
    };
    if found.lsn_bound > 0 {
        // What is unreadable may have been longer than it is.
        let bound = found.lsn_bound.max(from.saturating_add(margin));
        found.lsn_bound = bound.next_multiple_of(ALIGNMENT);
    }
    let epoch = found.whole.iter().map(|it| it.header().epoch).max();
    let mut recovery = Recovery {
        disk,
        partition,
        judge: Judge::new(from.max(found.whole.first().map_or(FIRST_LSN, Segment::first_lsn))),
        index: Index::default(),
        damages: mem::take(&mut found.damages),
        gaps: Vec::new(),
        cut: Vec::new(),
        dirty: found.lsn_bound > 0,
    };
    recovery.check_beginning(&found, from);
    if start == found.whole.len() && found.lsn_bound > 0 {
        let begin = from.max(FIRST_LSN);
        recovery.lose(begin, found.lsn_bound);
        recovery.judge.sealed(found.lsn_bound, &mut |_| {});
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
        let octets = recovery.gaps_of_tail(last, end)?;
        tracing::info!(
            segment = last.path(),
            offset = last.offset(end),
            octets,
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
        gaps: recovery.gaps,
        cut: recovery.cut,
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

/// Where reading begins.
#[derive(Debug, PartialEq, Eq)]
enum Start {
    /// In this segment.
    At(usize),
    /// Nowhere: the log ends before that place.
    Beyond,
    /// Nowhere: the log has something else there.
    None,
}

/// The segment to begin in, if there is one for that place.
fn start<D: Disk>(disk: &D, found: &Segments<D::File>, from: u64) -> Result<Start, Error> {
    let segments = &found.whole;
    // The beginning is there even before there is a segment.
    if from <= FIRST_LSN {
        return Ok(Start::At(0));
    }
    let after = segments.partition_point(|segment| segment.first_lsn() <= from);
    let Some(at) = after.checked_sub(1) else {
        // The segment with that place is missing; those behind it are not.
        let missing = segments.is_empty();
        return Ok(if missing { Start::Beyond } else { Start::At(0) });
    };
    let Some(segment) = segments.get(at).filter(|it| it.first_lsn() < from) else {
        return Ok(Start::At(at));
    };
    // A position is the end of a commit.
    let lsn = from.saturating_sub(RECORD_HEADER_BYTES as u64);
    let mut bytes = [0; RECORD_HEADER_BYTES];
    let file = &*segment.file(disk)?;
    match disk.read_at(file, &mut bytes, segment.offset(lsn)) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {}
        other => other.map_err(|error| io_error(segment.path(), error))?,
    }
    let commit = RecordHeader::decode(&bytes, segment.seal(), lsn)
        .is_some_and(|header| header.kind == Type::Commit && header.end() == from);
    if commit {
        return Ok(Start::At(at));
    }
    let last = at + 1 == segments.len() && found.lsn_bound == 0;
    contradicts(disk, segment, (from, last)).map(|start| start.unwrap_or(Start::At(at)))
}

/// The commit is not there. If whole records are, in its stead, the log is not the one that
/// it was; else the commit is damaged, or what it closed is missing.
fn contradicts<D: Disk>(
    disk: &D,
    segment: &Segment<D::File>,
    (from, last): (u64, bool),
) -> Result<Option<Start>, Error> {
    let mut start = last.then_some(Start::Beyond);
    let until = (!last).then_some(from);
    let mut reached = segment.first_lsn();
    let mut ended = false;
    scan(disk, segment, segment.first_lsn(), until, &mut |found| {
        match found {
            Found::Record { header, .. } if header.lsn >= from => start = None,
            Found::Record { header, .. } if header.end() >= from => start = Some(Start::None),
            Found::Bad { end, .. } if end >= from => start = None,
            Found::Record { header, .. } => {
                reached = header.end();
                return ControlFlow::Continue(());
            }
            Found::Bad { end, .. } => {
                reached = end;
                return ControlFlow::Continue(());
            }
            Found::End { .. } => ended = true,
        }
        ControlFlow::Break(())
    })?;
    // What is behind the last record may be the commit, damaged.
    if ended && last_octet(disk, segment, reached)? + RECORD_HEADER_BYTES as u64 > from {
        start = None;
    }
    Ok(start)
}

struct Recovery<'a, D> {
    disk: &'a D,
    partition: &'a Partition,
    judge: Judge,
    index: Index,
    damages: Vec<Damage>,
    gaps: Vec<Gap>,
    cut: Vec<Gap>,
    /// Whether the log may not go on in its last segment.
    dirty: bool,
}

impl<D: Disk> Recovery<'_, D> {
    fn check_beginning(&mut self, found: &Segments<D::File>, from: u64) {
        let mut begin = from.max(FIRST_LSN);
        for tombstone in &found.tombstones {
            if tombstone.lsns.start <= begin {
                begin = begin.max(tombstone.lsns.end);
            }
        }
        if let Some(first) = found.whole.first()
            && first.first_lsn() > begin
            && !found.doubtful_beginning
        {
            self.lose(begin, first.first_lsn());
            self.damages.push(Damage {
                file: first.path().into(),
                offset: 0,
                what: "the segments before it are missing".into(),
            });
        }
    }

    /// Octets are gone, and nothing says what they were.
    fn lose(&mut self, lsn: u64, end: u64) {
        if end > lsn {
            self.gaps.push(Gap {
                lsn,
                octets: end - lsn,
                batch: None,
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
        let mut reached = from;
        let mut notices = BTreeMap::new();
        scan(self.disk, segment, from, until, &mut |found| {
            let event = match found {
                Found::Record { header, body } => {
                    reached = header.end();
                    if header.kind == Type::Lost {
                        notices.insert(header.lsn, body.to_vec());
                    }
                    Event::Record(header)
                }
                Found::Bad { lsn, end, header } => {
                    reached = end;
                    Event::Bad { lsn, end, header }
                }
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
            if let Some(gaps) = notices.get(&event.lsn()) {
                self.gaps.extend(gaps::decode(gaps).unwrap_or_default());
            }
            self.accept(segment, event);
        }
        if !last && until.is_none() {
            self.lose(reached, next.map_or(bound, Segment::first_lsn));
        }
        Ok(())
    }

    /// What is cut off at `end` had not been acknowledged if it was torn; but if it is damaged, it
    /// may have been. Then nothing that was told of it may be told again. Returns how many octets
    /// were cut.
    fn gaps_of_tail(&mut self, segment: &Segment<D::File>, end: u64) -> Result<u64, Error> {
        let mut cut = Vec::new();
        let mut bad = Vec::new();
        let mut reached = end;
        let mut noted = false;
        scan(self.disk, segment, end, None, &mut |found| {
            match found {
                Found::Record { header, body } => {
                    reached = header.end();
                    if header.kind == Type::Lost {
                        noted = true;
                        cut.extend(gaps::decode(body).unwrap_or_default());
                    }
                    cut.extend(gap(header.lsn, header.span(), Some(&header)));
                }
                Found::Bad { lsn, end, header } => {
                    reached = end;
                    bad.push((lsn, end));
                    cut.extend(gap(lsn, end - lsn, header.as_ref()));
                }
                Found::End { .. } => return ControlFlow::Break(()),
            }
            ControlFlow::Continue(())
        })?;
        let used = last_octet(self.disk, segment, reached)?;
        // All of a commit but the zeros at its end.
        let commit = RECORD_HEADER_BYTES as u64;
        if (33..=commit).contains(&used.saturating_sub(reached)) {
            bad.push((reached, reached + commit));
        }
        let mut rotten = noted;
        for (from, to) in bad {
            rotten |= !is_torn(self.disk, segment, from, to)?;
        }
        if rotten {
            for gap in &mut cut {
                gap.lsn = end;
            }
            self.gaps.extend(&cut);
            self.cut = cut;
        }
        Ok(used.saturating_sub(end))
    }

    fn accept(&mut self, segment: &Segment<D::File>, event: Event) {
        match event {
            Event::Record(header) if header.kind == Type::Batch => {
                if !self
                    .index
                    .add(AccountId(header.account), Place::of(&header))
                {
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
                self.gaps.extend(gap(lsn, end - lsn, header.as_ref()));
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
            let file = &*segment.file(self.disk)?;
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

/// The batch, or the batches, that are lost with a record that is; nothing for what is none.
pub(crate) fn gap(lsn: u64, octets: u64, header: Option<&RecordHeader>) -> Option<Gap> {
    let batch = match header {
        Some(header) if header.kind == Type::Batch => Some((AccountId(header.account), header.seq)),
        Some(_) => return None,
        None => None,
    };
    (octets > 0).then_some(Gap { lsn, octets, batch })
}

/// Whether octets may be those of a write that the power cut short: some of them are zeros, as they
/// were allocated. If none are, all was written, and has changed since.
fn is_torn<D: Disk>(
    disk: &D,
    segment: &Segment<D::File>,
    from: u64,
    to: u64,
) -> Result<bool, Error> {
    let failed = |error| io_error(segment.path(), error);
    let file = &*segment.file(disk)?;
    let (mut at, to) = (segment.offset(from), segment.offset(to));
    let to = to.min(disk.length(file).map_err(failed)?);
    let mut block = vec![0; 64 << 10];
    let mut zeros = 0;
    while at < to {
        block.truncate(usize::try_from(to - at).unwrap_or(usize::MAX));
        disk.read_at(file, &mut block, at).map_err(failed)?;
        for octet in &block {
            zeros = if *octet == 0 { zeros + 1 } else { 0 };
            if zeros >= TORN_ZEROS {
                return Ok(true);
            }
        }
        at += block.len() as u64;
    }
    Ok(false)
}

/// Where the octets of a segment that are not zeros end, as an LSN.
fn last_octet<D: Disk>(disk: &D, segment: &Segment<D::File>, from: u64) -> Result<u64, Error> {
    let failed = |error| io_error(segment.path(), error);
    let file = &*segment.file(disk)?;
    let length = disk.length(file).map_err(failed)?;
    let mut end = from;
    let mut at = segment.offset(from);
    let mut block = vec![0; 64 << 10];
    while at < length {
        let count = usize::try_from(length - at).unwrap_or(usize::MAX);
        block.truncate(count);
        disk.read_at(file, &mut block, at).map_err(failed)?;
        if let Some(last) = block.iter().rposition(|octet| *octet != 0) {
            end = from + (at - segment.offset(from)) + last as u64 + 1;
        }
        at += block.len() as u64;
    }
    Ok(end)
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
                Type::Lost => "a note of what was cut off".into(),
                Type::UnknownOptional(kind) | Type::UnknownRequired(kind) => {
                    format!("a record of type {kind}")
                }
            }
        }
    }
}
