//! Reads records back: from the page cache on the caller's thread, from the device on another.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
};

use crc32c::crc32c;

use super::{
    disk::Disk,
    files::{Segment, io_error},
    format::{BODY_BYTES_MAX, RECORD_HEADER_BYTES, RecordHeader},
    shared::Shared,
};
use crate::{
    engine::{PIECE_BYTES_MAX, Ref},
    error::Error,
};

/// Nobody needed it any more.
const FREED: &str = "the record was freed";
/// What is read at first when the length is not known, in octets of body.
const GUESS_BYTES: usize = 4096;

impl<D: Disk> Shared<D> {
    /// Appends octets `range` of a record's body to `into`; see [`crate::engine::Engine::read`].
    pub(crate) async fn read(
        self: &Arc<Self>,
        at: Ref,
        range: Range<usize>,
        length: Option<usize>,
        into: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        if at.partition() != self.partition.number {
            return Err(self.no_record(at));
        }
        if at.lsn() >= self.written_end.load(Ordering::Acquire) {
            self.wait_written(at).await?;
        }
        let segment = self.segment(at.lsn())?;
        if segment.is_freed(at.lsn()) {
            return Err(damaged(&segment, at, FREED));
        }
        if let Some(length) = length.filter(|length| *length <= PIECE_BYTES_MAX)
            && self.read_cached(&segment, at, (range.clone(), length), into)?
        {
            return Ok(length);
        }
        let shared = Arc::clone(self);
        let body = self
            .pool
            .run(move || shared.read_waiting(&segment, at, length))
            .await?;
        let octets = body.get(range).ok_or_else(|| self.no_record(at))?;
        into.extend_from_slice(octets);
        Ok(body.len())
    }

    /// Waits until a record that was put is written, or can't be any more.
    async fn wait_written(&self, at: Ref) -> Result<(), Error> {
        let mut written = self.written.subscribe();
        let generation = written.borrow().generation;
        if !self.flush_to(at.lsn()) {
            return Err(self.no_record(at));
        }
        // The sender lives as long as self.
        let _ = written
            .wait_for(|now| now.end > at.lsn() || now.generation != generation)
            .await;
        Ok(())
    }

    /// The segment that has an LSN.
    fn segment(&self, lsn: u64) -> Result<Arc<Segment<D::File>>, Error> {
        let segments = self.segments.load();
        let after = segments.partition_point(|segment| segment.first_lsn() <= lsn);
        let found = after.checked_sub(1).and_then(|at| segments.get(at));
        found
            .filter(|segment| segment.end().is_none_or(|end| lsn < end))
            .map(Arc::clone)
            .ok_or_else(|| self.no_record(Ref::new(self.partition.number, lsn)))
    }

    /// Reads without waiting for a device, with one call, straight to where it is wanted.
    fn read_cached(
        &self,
        segment: &Segment<D::File>,
        at: Ref,
        (range, length): (Range<usize>, usize),
        into: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        if range.start > range.end || range.end > length {
            return Err(self.no_record(at));
        }
        let before = into.len();
        into.resize(before + length, 0);
        let mut header = [0; RECORD_HEADER_BYTES];
        let body = into.get_mut(before..).unwrap_or_default();
        let file = segment.file(&*self.disk);
        let read = file.and_then(|file| {
            self.disk
                .read_cached(&file, [&mut header, body], segment.offset(at.lsn()))
                .map_err(|error| io_error(segment.path(), error))
        });
        let checked = read.and_then(|there| {
            if there {
                check(segment, at, &header, body)?;
            }
            Ok(there)
        });
        if let Ok(true) = checked {
            into.truncate(before + range.end);
            into.drain(before..before + range.start);
        } else {
            into.truncate(before);
        }
        checked
    }

    /// Reads a whole body, waiting for the device.
    fn read_waiting(
        &self,
        segment: &Segment<D::File>,
        at: Ref,
        length: Option<usize>,
    ) -> Result<Vec<u8>, Error> {
        self.read_record(segment, at, length).map(|(_, body)| body)
    }

    /// Reads a whole record, waiting for the device.
    fn read_record(
        &self,
        segment: &Segment<D::File>,
        at: Ref,
        length: Option<usize>,
    ) -> Result<(RecordHeader, Vec<u8>), Error> {
        let failed = |error| io_error(segment.path(), error);
        let file = &*segment.file(&*self.disk)?;
        let offset = segment.offset(at.lsn());
        let there = self.disk.length(file).map_err(failed)?;
        let rest = usize::try_from(there.saturating_sub(offset)).unwrap_or(usize::MAX);
        if rest < RECORD_HEADER_BYTES {
            return Err(damaged(segment, at, "the record goes beyond the file"));
        }
        let wanted = length.unwrap_or(GUESS_BYTES).min(BODY_BYTES_MAX) + RECORD_HEADER_BYTES;
        let mut octets = vec![0; wanted.min(rest)];
        self.disk
            .read_at(file, &mut octets, offset)
            .map_err(failed)?;
        let header = RecordHeader::decode(&octets, segment.seal(), at.lsn())
            .ok_or_else(|| damaged(segment, at, "the record's header"))?;
        let whole = RECORD_HEADER_BYTES + header.length as usize;
        let have = octets.len();
        if whole > rest {
            return Err(damaged(segment, at, "the record goes beyond the file"));
        }
        octets.resize(whole, 0);
        if let Some(missing) = octets.get_mut(have..) {
            self.disk
                .read_at(file, missing, offset + have as u64)
                .map_err(failed)?;
        }
        let body = octets.split_off(RECORD_HEADER_BYTES);
        check(segment, at, &octets, &body)?;
        Ok((header, body))
    }

    /// Reads a record that is known to be written, waiting for the device.
    pub(crate) fn record_at(
        &self,
        at: Ref,
        length: usize,
    ) -> Result<(RecordHeader, Vec<u8>), Error> {
        let segment = self.segment(at.lsn())?;
        if segment.is_freed(at.lsn()) {
            return Err(damaged(&segment, at, FREED));
        }
        self.read_record(&segment, at, Some(length))
    }

    fn no_record(&self, at: Ref) -> Error {
        let segments = self.segments.load();
        Error::Corrupt {
            file: segments
                .iter()
                .rfind(|segment| segment.first_lsn() <= at.lsn())
                .map_or_else(|| self.partition.log().into(), |it| it.path().into()),
            offset: at.lsn(),
            what: "no such record".into(),
        }
    }
}

/// Checks a record against its checksums.
fn check<F>(segment: &Segment<F>, at: Ref, header: &[u8], body: &[u8]) -> Result<(), Error> {
    let header = RecordHeader::decode(header, segment.seal(), at.lsn())
        .ok_or_else(|| damaged(segment, at, "the record's header"))?;
    if header.length as usize != body.len() {
        return Err(damaged(segment, at, "the record's length"));
    }
    if crc32c(body) != header.body_sum {
        return Err(damaged(segment, at, "the record's body"));
    }
    Ok(())
}

fn damaged<F>(segment: &Segment<F>, at: Ref, what: &str) -> Error {
    Error::Corrupt {
        file: segment.path().into(),
        offset: segment.offset(at.lsn()),
        what: what.into(),
    }
}
