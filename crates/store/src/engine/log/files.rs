//! The names of the files of a store, and its segments as they lie there.

use std::{
    io,
    sync::{Arc, OnceLock},
};

use super::{
    disk::{Access, Disk},
    format::{ALIGNMENT, BadHeader, FIRST_LSN, SEGMENT_HEADER_BYTES, Seal, SegmentHeader},
};
use crate::{engine::Damage, error::Error};

/// Format version, store id, partitions.
pub(crate) const STORE: &str = "store.toml";
/// Where the partitions are, each a directory, or a link to one.
pub(crate) const PARTITIONS: &str = "partitions";

/// One partition of a store: its number, its id, and by its name the names of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    /// What places in it carry; see [`crate::engine::Ref`].
    pub(crate) number: u16,
    /// Its directory's name.
    pub(crate) name: Arc<str>,
    /// What its segments carry: the number (two octets), then what no other partition has.
    pub(crate) id: [u8; 16],
}

impl Partition {
    /// The one that every store begins with.
    pub(crate) fn first() -> Self {
        Self {
            number: 0,
            name: "default".into(),
            id: *b"\0\0default\0\0\0\0\0\0\0",
        }
    }

    /// Its directory.
    pub(crate) fn root(&self) -> String {
        format!("{PARTITIONS}/{}", self.name)
    }
    /// The segments.
    pub(crate) fn log(&self) -> String {
        format!("{PARTITIONS}/{}/log", self.name)
    }
    /// Where segment `number` is.
    pub(crate) fn segment(&self, number: u64) -> String {
        format!("{}/{number:010}.log", self.log())
    }
    /// A segment in the making.
    pub(crate) fn next(&self) -> String {
        format!("{}/next.new", self.log())
    }
    /// Space kept for a full disk: a segment to be.
    pub(crate) fn reserve(&self) -> String {
        format!("{}/reserve.new", self.log())
    }
    /// The derived state.
    pub(crate) fn checkpoint(&self) -> String {
        format!("{PARTITIONS}/{}/checkpoint", self.name)
    }
    /// Bytes cut off or unreadable, kept for a person to look at.
    pub(crate) fn quarantine(&self) -> String {
        format!("{PARTITIONS}/{}/quarantine", self.name)
    }
    /// Who has it open.
    pub(crate) fn lease(&self) -> String {
        format!("{PARTITIONS}/{}/lease", self.name)
    }
    /// Which partition of which store it is.
    pub(crate) fn marker(&self) -> String {
        format!("{PARTITIONS}/{}/partition.toml", self.name)
    }
}

/// An I/O error, with the file it was about.
pub(crate) fn io_error(path: &str, error: io::Error) -> Error {
    if is_full(&error) {
        return Error::Full;
    }
    Error::Io {
        path: path.into(),
        source: error.into(),
    }
}

/// Whether the reason is want of space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// A segment's file; opened when first read.
#[derive(Debug)]
pub(crate) struct Segment<F> {
    header: SegmentHeader,
    seal: Seal,
    path: Box<str>,
    file: OnceLock<F>,
}

impl<F> Segment<F> {
    /// A segment of that header, at `path`; `file` if it is open already.
    pub(crate) fn new(header: SegmentHeader, path: &str, file: Option<F>) -> Self {
        let cell = OnceLock::new();
        if let Some(file) = file {
            // A new cell takes it.
            let _ = cell.set(file);
        }
        Self {
            header,
            seal: header.seal(),
            path: path.into(),
            file: cell,
        }
    }

    pub(crate) fn header(&self) -> &SegmentHeader {
        &self.header
    }
    pub(crate) fn first_lsn(&self) -> u64 {
        self.header.first_lsn
    }
    pub(crate) fn seal(&self) -> Seal {
        self.seal
    }
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Where in the file an LSN is.
    pub(crate) fn offset(&self, lsn: u64) -> u64 {
        lsn.saturating_sub(self.header.first_lsn)
            .saturating_add(SEGMENT_HEADER_BYTES)
    }

    /// The file.
    pub(crate) fn file<D: Disk<File = F>>(&self, disk: &D) -> Result<&F, Error> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = disk
            .open(&self.path, Access::Read)
            .map_err(|error| io_error(&self.path, error))?;
        Ok(self.file.get_or_init(|| file))
    }
}

/// The segments there are, by number, and those whose header can't be read.
#[derive(Debug)]
pub(crate) struct Segments<F> {
    pub(crate) whole: Vec<Segment<F>>,
    pub(crate) damages: Vec<Damage>,
    /// Above every number there is.
    pub(crate) next_number: u64,
    /// If the last segments are unreadable: an LSN that none of their records can reach.
    /// Else 0.
    pub(crate) lsn_bound: u64,
}

/// Lists the segments of a partition and reads their headers. Changes nothing.
///
/// # Errors
/// [`Error::Io`]; [`Error::Corrupt`] for a segment of a newer format.
pub(crate) fn segments<D: Disk>(
    disk: &D,
    partition: &Partition,
) -> Result<Segments<D::File>, Error> {
    let log = partition.log();
    let names = match disk.list(&log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(|error| io_error(&log, error))?,
    };
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| name.strip_suffix(".log")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let mut found = Segments {
        whole: Vec::new(),
        damages: Vec::new(),
        next_number: numbers.last().map_or(1, |last| last.saturating_add(1)),
        lsn_bound: 0,
    };
    let mut reach = 0;
    let mut before = None;
    for number in numbers {
        if before.is_some_and(|before| before + 1 != number) {
            found.damages.push(Damage {
                file: partition.segment(number - 1).into(),
                offset: 0,
                what: "the segment is missing".into(),
            });
        }
        before = Some(number);
        let path = partition.segment(number);
        let (header, length) = read_header(disk, &path)?;
        let last = found.whole.last().map_or(0, Segment::first_lsn);
        let in_order = |header: &SegmentHeader| header.number == number && header.first_lsn >= last;
        if let Some(header) = header.filter(in_order) {
            reach = header.first_lsn.saturating_add(length);
            found.lsn_bound = 0;
            found.whole.push(Segment::new(header, &path, None));
        } else {
            reach = reach.saturating_add(length);
            found.lsn_bound = reach.next_multiple_of(ALIGNMENT).max(FIRST_LSN);
            found.damages.push(Damage {
                file: path.into(),
                offset: 0,
                what: "the segment's header: nothing in it can be read".into(),
            });
        }
    }
    Ok(found)
}

fn read_header<D: Disk>(disk: &D, path: &str) -> Result<(Option<SegmentHeader>, u64), Error> {
    let failed = |error| io_error(path, error);
    let file = disk.open(path, Access::Read).map_err(failed)?;
    let length = disk.length(&file).map_err(failed)?;
    let there = usize::try_from(length.min(SEGMENT_HEADER_BYTES)).unwrap_or(0);
    let mut block = vec![0; there];
    disk.read_at(&file, &mut block, 0).map_err(failed)?;
    match SegmentHeader::decode(&block) {
        Ok(header) => Ok((Some(header), length)),
        Err(BadHeader::Damaged) => Ok((None, length)),
        Err(BadHeader::Newer(version)) => Err(Error::Corrupt {
            file: path.into(),
            offset: 0,
            what: format!("format version {version}, which needs a newer program").into(),
        }),
    }
}
