//! Reads a segment from end to end, and tells what is a record and what is not.
//!
//! Told apart here: a whole record; octets that are none, up to the next record that
//! is one; and the end. What a missing record means (a torn tail or damage) is decided by
//! [`super::judge`].

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use super::{
    disk::Disk,
    files::{Segment, io_error},
    format::{ALIGNMENT, RECORD_HEADER_BYTES, RecordHeader, SEGMENT_HEADER_BYTES, STEP, Type},
    freed,
};
use crate::{checksum::crc32c, error::Error};

/// Octets read at a time.
const WINDOW_BYTES: usize = 1 << 20;
/// The same where bodies are skipped: the next header is far away, or near.
const SWEEP_BYTES: usize = 4 << 10;
/// Octets looked through at a time for the next record.
const SEARCH_BYTES: usize = 64 << 10;
static ZEROS: [u8; SEARCH_BYTES] = [0; SEARCH_BYTES];

/// What is at a place in a segment.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A whole record.
    Record {
        header: RecordHeader,
        body: &'a [u8],
    },
    /// Octets `lsn..end` are no record, or (with a header) one whose body is damaged.
    Bad {
        lsn: u64,
        end: u64,
        header: Option<RecordHeader>,
    },
    /// No record follows in a segment that is still being written.
    End {
        /// Whether all that follows is zeros, as it was allocated.
        zeros: bool,
    },
}

/// What a sweep finds.
#[derive(Debug)]
pub(crate) enum Swept {
    /// A record, by its header: its body has not been looked at.
    Record(RecordHeader),
    /// LSNs at which there is no record.
    Gap(Range<u64>),
}

/// Goes through the headers of a sealed segment's records.
///
/// # Errors
/// As [`scan`].
pub(crate) fn sweep<D: Disk>(
    disk: &D,
    segment: &Segment<D::File>,
    visit: &mut dyn FnMut(Swept) -> ControlFlow<()>,
) -> Result<(), Error> {
    let Some(end) = segment.end() else {
        return Ok(());
    };
    let mut scanner = Scanner::new(disk, segment, Some(end))?;
    scanner.bodies = Bodies::Skipped;
    let freed = segment.freed();
    let mut at = segment.first_lsn();
    while at < end {
        if let Some(end) = freed::end_at(&freed, at) {
            at = end;
            continue;
        }
        let swept = match scanner.step(at, end, true)? {
            Step::Whole(header) => {
                at = header.end();
                Swept::Record(header)
            }
            Step::Bad { end, .. } => {
                let gap = at..freed::next_after(&freed, at).map_or(end, |freed| freed.min(end));
                at = gap.end;
                Swept::Gap(gap)
            }
            Step::End { .. } => return Ok(()),
        };
        if visit(swept).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Walks the records of `segment` from `from` on (an LSN). `until` is the first LSN of the next
/// segment; without one the segment is the last, and ends where its records end.
///
/// # Errors
/// [`Error::Io`]; [`Error::Corrupt`] for a record that a later program says must be understood.
pub(crate) fn scan<D: Disk>(
    disk: &D,
    segment: &Segment<D::File>,
    from: u64,
    until: Option<u64>,
    visit: &mut dyn FnMut(Found<'_>) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut scanner = Scanner::new(disk, segment, until)?;
    let end = until.unwrap_or(scanner.limit);
    let freed = segment.freed();
    let mut at = from;
    while at < end {
        if let Some(end) = freed::end_at(&freed, at) {
            at = end;
            continue;
        }
        at = match scanner.step(at, end, until.is_some())? {
            Step::Whole(header) => {
                let body = scanner.body(&header)?;
                if visit(Found::Record { header, body }).is_break() {
                    return Ok(());
                }
                header.end()
            }
            Step::Bad { end, header } => {
                let lsn = at;
                let end = freed::next_after(&freed, at).map_or(end, |freed| freed.min(end));
                if segment.doubtful() {
                    // It may as well have been freed. That it can't be told is named.
                    at = end;
                    continue;
                }
                if visit(Found::Bad { lsn, end, header }).is_break() {
                    return Ok(());
                }
                end
            }
            Step::End { zeros } => {
                let _ = visit(Found::End { zeros });
                return Ok(());
            }
        };
    }
    if until.is_none() {
        let _ = visit(Found::End { zeros: true });
    }
    Ok(())
}

enum Step {
    Whole(RecordHeader),
    Bad {
        end: u64,
        header: Option<RecordHeader>,
    },
    End {
        zeros: bool,
    },
}

struct Scanner<'a, D: Disk> {
    disk: &'a D,
    segment: &'a Segment<D::File>,
    file: Arc<D::File>,
    /// The LSN up to which there are octets to read.
    limit: u64,
    window: Vec<u8>,
    window_lsn: u64,
    bodies: Bodies,
}

/// Whether bodies are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bodies {
    Checked,
    Skipped,
}

impl<'a, D: Disk> Scanner<'a, D> {
    fn new(disk: &'a D, segment: &'a Segment<D::File>, until: Option<u64>) -> Result<Self, Error> {
        let file = segment.file(disk)?;
        let length = disk
            .length(&file)
            .map_err(|error| io_error(segment.path(), error))?;
        let there = segment.first_lsn() + length.saturating_sub(SEGMENT_HEADER_BYTES);
        Ok(Self {
            disk,
            segment,
            file,
            limit: until.map_or(there, |until| until.min(there)),
            window: Vec::new(),
            window_lsn: 0,
            bodies: Bodies::Checked,
        })
    }

    fn step(&mut self, at: u64, end: u64, sealed: bool) -> Result<Step, Error> {
        if let Some(header) = self.header(at)? {
            if let Type::UnknownRequired(kind) = header.kind {
                return Err(Error::Corrupt {
                    file: self.segment.path().into(),
                    offset: self.segment.offset(at),
                    what: format!("a record of type {kind}, which needs a newer program").into(),
                });
            }
            let whole =
                self.bodies == Bodies::Skipped || crc32c(self.body(&header)?) == header.body_sum;
            return Ok(if whole {
                Step::Whole(header)
            } else {
                Step::Bad {
                    end: header.end(),
                    header: Some(header),
                }
            });
        }
        let (next, zeros) = self.search(at)?;
        Ok(match next {
            Some(end) => Step::Bad { end, header: None },
            None if sealed => Step::Bad { end, header: None },
            None => Step::End { zeros },
        })
    }

    /// The record's header at an LSN, if it is one and the record ends before the limit.
    fn header(&mut self, at: u64) -> Result<Option<RecordHeader>, Error> {
        let (seal, limit) = (self.segment.seal(), self.limit);
        let bytes = self.octets(at, RECORD_HEADER_BYTES)?;
        Ok(RecordHeader::decode(bytes, seal, at).filter(|header| header.end() <= limit))
    }

    fn body(&mut self, header: &RecordHeader) -> Result<&[u8], Error> {
        self.octets(
            header.lsn + RECORD_HEADER_BYTES as u64,
            header.length as usize,
        )
    }

    /// The next record after `at`, and whether all that was passed over is zeros.
    fn search(&mut self, at: u64) -> Result<(Option<u64>, bool), Error> {
        let (seal, limit) = (self.segment.seal(), self.limit);
        let mut zeros = true;
        let mut from = at;
        loop {
            let block = self.octets(from, SEARCH_BYTES)?;
            let last = block.len() < SEARCH_BYTES;
            if ZEROS.get(..block.len()) == Some(block) {
                if last {
                    return Ok((None, zeros));
                }
                // A header's first 8 octets may be zeros.
                from += (SEARCH_BYTES as u64) - ALIGNMENT;
                continue;
            }
            zeros = false;
            let starts = (block.len() + 1).saturating_sub(RECORD_HEADER_BYTES);
            for start in (0..starts).step_by(STEP) {
                let lsn = from + start as u64;
                let bytes = block.get(start..).unwrap_or_default();
                let found = RecordHeader::decode(bytes, seal, lsn);
                if lsn > at && found.is_some_and(|header| header.end() <= limit) {
                    return Ok((Some(lsn), false));
                }
            }
            if last {
                return Ok((None, false));
            }
            from += (starts as u64).next_multiple_of(ALIGNMENT);
        }
    }

    /// Octets from `lsn` on: `length` of them, or less at the limit.
    fn octets(&mut self, lsn: u64, length: usize) -> Result<&[u8], Error> {
        let available = usize::try_from(self.limit.saturating_sub(lsn)).unwrap_or(usize::MAX);
        let length = length.min(available);
        if length == 0 {
            // The place may lie behind the file's end.
            return Ok(&[]);
        }
        let end = lsn + length as u64;
        if lsn < self.window_lsn || end > self.window_lsn + self.window.len() as u64 {
            let window = match self.bodies {
                Bodies::Checked => WINDOW_BYTES,
                Bodies::Skipped => SWEEP_BYTES,
            };
            let take = length.max(window.min(available));
            self.window.clear();
            self.window.resize(take, 0);
            self.window_lsn = lsn;
            self.disk
                .read_at(&self.file, &mut self.window, self.segment.offset(lsn))
                .map_err(|error| io_error(self.segment.path(), error))?;
        }
        let start = usize::try_from(lsn - self.window_lsn).unwrap_or(usize::MAX);
        Ok(self
            .window
            .get(start..start.saturating_add(length))
            .unwrap_or_default())
    }
}
