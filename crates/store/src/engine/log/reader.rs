//! Reads records back: from the page cache on the caller's thread, from the device on another.

use std::{
    io::IoSliceMut,
    ops::Range,
    sync::{Arc, atomic::Ordering},
};

use super::{
    disk::Disk,
    files::{Segment, io_error},
    format::{BODY_BYTES_MAX, RECORD_HEADER_BYTES, RecordHeader, STEP, padding},
    shared::Shared,
};
use crate::{
    checksum::crc32c,
    engine::{PIECE_BYTES_MAX, Ref},
    error::Error,
};

/// Nobody needed it any more.
const FREED: &str = "the record was freed";
/// What is read at first when the length is not known, in octets of body.
const GUESS_BYTES: usize = 4096;
/// So many records that follow each other are read with one call: a message's header and its body.
const RUN_MAX: usize = 2;

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
        if let Some(length) = length
            && self.read_now(&[(at, length)], range.clone(), into)?
        {
            return Ok(length);
        }
        let segment = self.segment(at.lsn())?;
        if segment.is_freed(at.lsn()) {
            return Err(damaged(&segment, at, FREED));
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
        segment_of(&segments, lsn)
            .map(Arc::clone)
            .ok_or_else(|| self.no_record(Ref::new(self.partition.number, lsn)))
    }

    /// See [`crate::engine::Engine::read_now`].
    pub(crate) fn read_now(
        &self,
        run: &[(Ref, usize)],
        wanted: Range<usize>,
        into: &mut Vec<u8>,
    ) -> Result<bool, Error> {
        let (Some((first, _)), Some((last, _))) = (run.first(), run.last()) else {
            return Ok(false);
        };
        let total = run.iter().map(|(_, length)| *length).sum();
        let is_long = |(_, length): &(Ref, usize)| *length > PIECE_BYTES_MAX;
        if last.lsn() >= self.written_end.load(Ordering::Acquire) || run.iter().any(is_long) {
            return Ok(false);
        }
        if wanted.start > wanted.end || wanted.end > total {
            return Err(self.no_record(*first));
        }
        let segments = self.segments.load();
        let Some(segment) = segment_of(&segments, first.lsn()) else {
            return Ok(false);
        };
        let is_elsewhere = |(at, _): &(Ref, usize)| {
            at.partition() != self.partition.number
                || segment.end().is_some_and(|end| end <= at.lsn())
        };
        if run.len() > RUN_MAX || run.iter().any(is_elsewhere) {
            return Ok(false);
        }
        if let Some((at, _)) = run.iter().find(|(at, _)| segment.is_freed(at.lsn())) {
            return Err(damaged(segment, *at, FREED));
        }
        let before = into.len();
        into.resize(before + total, 0);
        let bodies = into.get_mut(before..).unwrap_or_default();
        let read = self.read_run(segment, run, bodies);
        if let Ok(true) = read {
            into.truncate(before + wanted.end);
            into.drain(before..before + wanted.start);
        } else {
            into.truncate(before);
        }
        read
    }

    /// Reads records that follow each other with one call, each body to behind the one before, and checks them.
    fn read_run(
        &self,
        segment: &Segment<D::File>,
        run: &[(Ref, usize)],
        bodies: &mut [u8],
    ) -> Result<bool, Error> {
        let offset = run.first().map_or(0, |(at, _)| segment.offset(at.lsn()));
        // Before each body its header, and before that what fills up the body before.
        let mut heads = [[0; RECORD_HEADER_BYTES + STEP]; RUN_MAX];
        let mut slices = [(); 2 * RUN_MAX].map(|()| IoSliceMut::new(&mut []));
        let (mut rest, mut filled) = (&mut *bodies, 0);
        let pairs = slices.chunks_exact_mut(2).zip(&mut heads);
        for ((pair, head), (_, length)) in pairs.zip(run) {
            let (body, later) = rest.split_at_mut(*length);
            if let [before, within] = pair {
                let head = head.get_mut(..filled + RECORD_HEADER_BYTES);
                *before = IoSliceMut::new(head.unwrap_or_default());
                *within = IoSliceMut::new(body);
            }
            (rest, filled) = (later, padding(*length));
        }
        let file = segment.file(&*self.disk)?;
        let slices = slices.get_mut(..2 * run.len()).unwrap_or_default();
        let read = self.disk.read_cached(&file, slices, offset);
        if !read.map_err(|error| io_error(segment.path(), error))? {
            return Ok(false);
        }
        let (mut rest, mut filled) = (&*bodies, 0);
        for ((at, length), head) in run.iter().zip(&heads) {
            let (body, later) = rest.split_at(*length);
            check(segment, *at, head.get(filled..).unwrap_or_default(), body)?;
            (rest, filled) = (later, padding(*length));
        }
        Ok(true)
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

/// The segment that has an LSN, of those there are.
fn segment_of<F>(segments: &[Arc<Segment<F>>], lsn: u64) -> Option<&Arc<Segment<F>>> {
    let after = segments.partition_point(|segment| segment.first_lsn() <= lsn);
    let found = after.checked_sub(1).and_then(|at| segments.get(at));
    found.filter(|segment| segment.end().is_none_or(|end| lsn < end))
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
