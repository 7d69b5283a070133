//! Files of checked pages: whatever is read of them is what was written, or is known not to be.
//!
//! A page is 4092 octets and their CRC32C. A seed enters the checksum, made of what the file is and
//! of the page's number, so that a page of another file or another place does not pass.

use std::{io, ops::Range};

use crate::{checksum::crc32c_append, engine::OpenFile};

/// Octets of a page in the file.
pub(super) const PAGE_BYTES: usize = 4096;
/// Octets of a page that are content.
pub(super) const ROOM: usize = PAGE_BYTES - 4;

/// Why something can't be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is not what was written, for a person.
    Damaged(&'static str),
    /// The disk refused.
    Io(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::Damaged("it is cut short");
        }
        Self::Io(error)
    }
}

impl From<crate::octets::Malformed> for Fault {
    fn from(why: crate::octets::Malformed) -> Self {
        Self::Damaged(why.0)
    }
}

/// A file being read.
#[derive(Debug)]
pub(super) struct Pages {
    file: Box<dyn OpenFile>,
    seed: u32,
    /// Pages that it has.
    len: u64,
}

/// Pages that were read last: near ones need not be read again.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// The first of them.
    first: u64,
    /// The content of them.
    octets: Vec<u8>,
    /// Octets that may be asked for next: read at once.
    ahead: u64,
}

impl Window {
    /// One for reading on and on.
    pub(super) fn sequential() -> Self {
        Self {
            ahead: 32 * ROOM as u64,
            ..Self::default()
        }
    }
}

impl Pages {
    pub(super) fn new(file: Box<dyn OpenFile>, seed: u32) -> Result<Self, Fault> {
        let length = file.length()?;
        if length == 0 || length % PAGE_BYTES as u64 != 0 {
            return Err(Fault::Damaged("its length is not of whole pages"));
        }
        let len = length / PAGE_BYTES as u64;
        Ok(Self { file, seed, len })
    }

    /// Octets of content.
    pub(super) fn content(&self) -> u64 {
        self.len * ROOM as u64
    }

    /// Content octets `range`, which the caller has bounded.
    pub(super) fn read<'w>(
        &self,
        window: &'w mut Window,
        range: Range<u64>,
    ) -> Result<&'w [u8], Fault> {
        let room = ROOM as u64;
        let has = window.first * room..window.first * room + window.octets.len() as u64;
        if range.start < has.start || range.end > has.end {
            if range.start > range.end || range.end > self.content() {
                return Err(Fault::Damaged("it refers to beyond its end"));
            }
            let first = range.start / room;
            let last = range.end.saturating_add(window.ahead).div_ceil(room);
            self.load(window, first..last.min(self.len).max(first))?;
        }
        let from = usize::try_from(range.start - window.first * room).unwrap_or(usize::MAX);
        let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let octets = window.octets.get(from..).and_then(|rest| rest.get(..len));
        octets.ok_or(Fault::Damaged("it refers to beyond its end"))
    }

    fn load(&self, window: &mut Window, pages: Range<u64>) -> Result<(), Fault> {
        window.octets.clear();
        window.first = pages.start;
        let count = usize::try_from(pages.end - pages.start).unwrap_or(0);
        let mut raw = vec![0; count * PAGE_BYTES];
        self.file
            .read_at(&mut raw, pages.start * PAGE_BYTES as u64)?;
        for (page, number) in raw.chunks_exact(PAGE_BYTES).zip(pages) {
            let (content, sum) = page.split_last_chunk::<4>().unwrap_or((page, &[0; 4]));
            if u32::from_le_bytes(*sum) != checksum(self.seed, number, content) {
                window.octets.clear();
                return Err(Fault::Damaged("a checksum is wrong"));
            }
            window.octets.extend_from_slice(content);
        }
        Ok(())
    }
}

fn checksum(seed: u32, number: u64, content: &[u8]) -> u32 {
    let seed = crc32c_append(seed, &number.to_le_bytes());
    crc32c_append(seed, content)
}

/// A file being written, from its beginning.
#[derive(Debug)]
pub(super) struct PageWriter {
    file: Box<dyn OpenFile>,
    seed: u32,
    /// Pages written.
    pages: u64,
    /// What has not been written yet.
    waiting: Vec<u8>,
}

/// Octets that are written at once, about.
const WRITE_BYTES: usize = 64 * ROOM;

impl PageWriter {
    pub(super) fn new(file: Box<dyn OpenFile>, seed: u32) -> Self {
        Self {
            file,
            seed,
            pages: 0,
            waiting: Vec::with_capacity(2 * WRITE_BYTES),
        }
    }

    /// Content octets so far.
    pub(super) fn position(&self) -> u64 {
        self.pages * ROOM as u64 + self.waiting.len() as u64
    }

    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(octets);
        if self.waiting.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes the pages that are full.
    fn flush(&mut self) -> io::Result<()> {
        let full = self.waiting.len() / ROOM * ROOM;
        let mut raw = Vec::with_capacity(full / ROOM * PAGE_BYTES);
        let at = self.pages * PAGE_BYTES as u64;
        for content in self.waiting.chunks_exact(ROOM) {
            raw.extend_from_slice(content);
            raw.extend_from_slice(&checksum(self.seed, self.pages, content).to_le_bytes());
            self.pages += 1;
        }
        self.waiting.drain(..full);
        self.file.write_at(&raw, at)
    }

    /// Writes the rest, `last` as the last octets of the last page, and makes it durable. Gives the
    /// octets of the file.
    pub(super) fn finish(mut self, last: &[u8]) -> io::Result<u64> {
        let used = (self.waiting.len() + last.len()) % ROOM;
        let pad = (ROOM - used) % ROOM;
        self.waiting.resize(self.waiting.len() + pad, 0);
        self.waiting.extend_from_slice(last);
        self.flush()?;
        self.file.sync()?;
        Ok(self.pages * PAGE_BYTES as u64)
    }
}
