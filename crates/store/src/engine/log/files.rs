//! The names of the files of a store, and its segments as they lie there.

use std::{
    io,
    ops::Range,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;

use super::{
    disk::{Access, Disk},
    format::{ALIGNMENT, FIRST_LSN, SEGMENT_HEADER_BYTES, Seal, SegmentHeader},
    freed::{self, Freed},
    listing::{self, Owner, damage},
    open_files::{Cell, OpenFiles},
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
    /// What was freed of segment `number`.
    pub(crate) fn freed(&self, number: u64) -> String {
        format!("{}/{number:010}.freed", self.log())
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
    /// The indexes of texts, derived.
    pub(crate) fn search(&self) -> String {
        format!("{PARTITIONS}/{}/search", self.name)
    }
    /// Bytes cut off or unreadable, kept for a person to look at.
    pub(crate) fn quarantine(&self) -> String {
        format!("{PARTITIONS}/{}/quarantine", self.name)
    }
    /// Who has it open.
    pub(crate) fn lease(&self) -> String {
        format!("{PARTITIONS}/{}/lease", self.name)
    }
    /// Where a backup ended that it was restored from, until its log says so.
    pub(crate) fn restored(&self) -> String {
        format!("{PARTITIONS}/{}/restored", self.name)
    }
    /// Damage that was seen to.
    pub(crate) fn known(&self) -> String {
        format!("{PARTITIONS}/{}/known-damage", self.name)
    }
    /// A copy of the store's file.
    pub(crate) fn registry(&self) -> String {
        format!("{PARTITIONS}/{}/{STORE}", self.name)
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
    file: Cell<F>,
    among: Arc<OpenFiles<F>>,
    /// Where it ends: known once it has a successor.
    end: OnceLock<u64>,
    freed: ArcSwap<Vec<Range<u64>>>,
    /// What was freed of it can't be read.
    doubtful: bool,
}

impl<F> Segment<F> {
    /// A segment of that header, at `path`, whose file is opened when it is read.
    pub(crate) fn new(header: SegmentHeader, path: &str, among: &Arc<OpenFiles<F>>) -> Self {
        Self {
            header,
            seal: header.seal(),
            path: path.into(),
            file: Cell::default(),
            among: Arc::clone(among),
            end: OnceLock::new(),
            freed: ArcSwap::default(),
            doubtful: false,
        }
    }

    /// The same segment with its file open, to be written to: it stays open until
    /// [`Segment::written`].
    pub(crate) fn opened(self, file: F) -> Self {
        self.file.store(Some(Arc::new(file)));
        self
    }

    /// Nothing more is written to it.
    pub(crate) fn written(&self) {
        self.among.note(&self.file);
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

    /// The first LSN after it, if that is known: it has a successor then.
    pub(crate) fn end(&self) -> Option<u64> {
        self.end.get().copied()
    }

    /// Says where it ends.
    pub(crate) fn seal_at(&self, lsn: u64) {
        // Whoever says it says the same.
        let _ = self.end.set(lsn);
    }

    /// What was freed of it: ranges of LSNs, ascending and apart.
    pub(crate) fn freed(&self) -> Arc<Vec<Range<u64>>> {
        self.freed.load_full()
    }

    /// Says what was freed of it.
    pub(crate) fn set_freed(&self, ranges: Vec<Range<u64>>) {
        self.freed.store(Arc::new(ranges));
    }

    /// Whether the record at an LSN was freed.
    pub(crate) fn is_freed(&self, lsn: u64) -> bool {
        freed::end_at(&self.freed.load(), lsn).is_some()
    }

    /// Whether it can't be told what of it is damaged and what was freed.
    pub(crate) fn doubtful(&self) -> bool {
        self.doubtful && self.end().is_some()
    }

    /// Where in the file an LSN is.
    pub(crate) fn offset(&self, lsn: u64) -> u64 {
        lsn.saturating_sub(self.header.first_lsn)
            .saturating_add(SEGMENT_HEADER_BYTES)
    }

    /// The file.
    pub(crate) fn file<D: Disk<File = F>>(&self, disk: &D) -> Result<Arc<F>, Error> {
        if let Some(file) = self.file.load_full() {
            return Ok(file);
        }
        let file = disk
            .open(&self.path, Access::Read)
            .map_err(|error| io_error(&self.path, error))?;
        let file = Arc::new(file);
        self.file.store(Some(Arc::clone(&file)));
        self.among.note(&self.file);
        Ok(file)
    }
}

/// The segments there are, by number, and those whose header can't be read.
#[derive(Debug)]
pub(crate) struct Segments<F> {
    pub(crate) whole: Vec<Segment<F>>,
    /// What stands for segments in which nothing was alive, by number.
    pub(crate) tombstones: Vec<Freed>,
    pub(crate) damages: Vec<Damage>,
    /// What stands for the segments before the first can't be read.
    pub(crate) doubtful_beginning: bool,
    /// Above every number there is.
    pub(crate) next_number: u64,
    /// If the last segments are unreadable: an LSN that none of their records can reach.
    /// Else 0.
    pub(crate) lsn_bound: u64,
}

/// How often the segments are listed anew because one was freed meanwhile.
const LISTINGS_MAX: usize = 20;

/// Lists the segments of a partition and reads their headers; without an `owner`, those of the store and
/// partition that most of them belong to. Changes nothing.
///
/// # Errors
/// [`Error::Io`]; [`Error::Corrupt`] for a segment of a newer format.
pub(crate) fn segments<D: Disk>(
    disk: &D,
    partition: &Partition,
    owner: Option<Owner>,
) -> Result<Segments<D::File>, Error> {
    let gone = |error: &Error| matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
    for _ in 1..LISTINGS_MAX {
        match list(disk, partition, owner) {
            Err(error) if gone(&error) => {}
            listed => return listed,
        }
    }
    list(disk, partition, owner)
}

/// The files that say what was freed, by number.
///
/// # Errors
/// [`Error::Io`].
pub(crate) fn sidecars<D: Disk>(disk: &D, partition: &Partition) -> Result<Vec<String>, Error> {
    let log = partition.log();
    let mut names = disk.list(&log).map_err(|error| io_error(&log, error))?;
    names.retain(|name| name.strip_suffix(".freed").is_some());
    names.sort_unstable();
    Ok(names.iter().map(|name| format!("{log}/{name}")).collect())
}

fn list<D: Disk>(
    disk: &D,
    partition: &Partition,
    owner: Option<Owner>,
) -> Result<Segments<D::File>, Error> {
    let log = partition.log();
    let names = match disk.list(&log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(|error| io_error(&log, error))?,
    };
    let number = |name: &String| name.strip_suffix(".freed")?.parse().ok();
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    let sidecars = Sidecars::read(disk, partition, numbers)?;
    let listed = listing::list(disk, partition)?;
    let owner = owner.or_else(|| listing::owner(&listed));
    let last = listed.last().map(|file| file.number).max(sidecars.last());
    let mut damages = sidecars.damages(partition);
    let places = listing::places(listed, owner, &mut damages)?;
    let last = last.max(places.last_key_value().map(|(last, _)| *last));
    let among = OpenFiles::new();
    let mut found = Segments {
        whole: Vec::new(),
        tombstones: Vec::new(),
        damages,
        doubtful_beginning: sidecars.unreadable.first() < places.keys().next()
            && !sidecars.unreadable.is_empty(),
        next_number: last.map_or(1, |last| last.saturating_add(1)),
        lsn_bound: 0,
    };
    let mut reach = 0;
    let mut before: Option<u64> = None;
    for (number, (file, header)) in places {
        if sidecars.tombstone(number) {
            // A crash has left the file, of which nothing is alive.
            continue;
        }
        if before.is_some_and(|before| (before + 1..number).any(|n| !sidecars.stands_for(n))) {
            let missing = damage(&partition.segment(number - 1), "the segment is missing");
            found.damages.push(missing);
        }
        before = Some(number);
        let last = found.whole.last().map_or(0, Segment::first_lsn);
        if let Some(header) = header.filter(|header| header.first_lsn >= last) {
            reach = header.first_lsn.saturating_add(file.length);
            found.lsn_bound = 0;
            let mut segment = Segment::new(header, &file.path, &among);
            sidecars.mark(&mut segment, &mut found.damages, partition);
            found.whole.push(segment);
            continue;
        }
        if header.is_some() {
            let what = "it does not follow the segment before: nothing in it is read";
            found.damages.push(damage(&file.path, what));
        }
        reach = reach.saturating_add(file.length);
        found.lsn_bound = reach.next_multiple_of(ALIGNMENT).max(FIRST_LSN);
    }
    sidecars.set_ends(&found.whole);
    found.tombstones = sidecars.tombstones;
    Ok(found)
}

/// The files that say what was freed.
struct Sidecars {
    tombstones: Vec<Freed>,
    /// Of segments in which something is alive.
    parts: Vec<Freed>,
    unreadable: Vec<u64>,
}

/// What is wrong with such a file.
const UNREADABLE: &str =
    "freed ranges unreadable: in this segment damage and what was freed can't be told apart";

impl Sidecars {
    fn read<D: Disk>(disk: &D, partition: &Partition, numbers: Vec<u64>) -> Result<Self, Error> {
        let mut read = Self {
            tombstones: Vec::new(),
            parts: Vec::new(),
            unreadable: Vec::new(),
        };
        for number in numbers {
            match freed::read(disk, partition, number)? {
                Some(freed) if freed.tombstone => read.tombstones.push(freed),
                Some(freed) => read.parts.push(freed),
                None => read.unreadable.push(number),
            }
        }
        Ok(read)
    }

    fn last(&self) -> Option<u64> {
        let read = self.tombstones.iter().chain(&self.parts);
        let read = read.map(|freed| freed.number);
        read.chain(self.unreadable.iter().copied()).max()
    }

    fn damages(&self, partition: &Partition) -> Vec<Damage> {
        let damage = |number: &u64| Damage {
            file: partition.freed(*number).into(),
            offset: 0,
            what: UNREADABLE.into(),
        };
        self.unreadable.iter().map(damage).collect()
    }

    fn tombstone(&self, number: u64) -> bool {
        let stands = |freed: &Freed| (freed.first_number..=freed.number).contains(&number);
        self.tombstones.iter().any(stands)
    }

    /// Whether it is no damage that there is no segment of that number.
    fn stands_for(&self, number: u64) -> bool {
        self.tombstone(number) || self.unreadable.contains(&number)
    }

    /// Says what was freed of a segment.
    fn mark<F>(&self, segment: &mut Segment<F>, damages: &mut Vec<Damage>, partition: &Partition) {
        let header = *segment.header();
        segment.doubtful = self.unreadable.contains(&header.number);
        let Some(part) = self.parts.iter().find(|part| part.number == header.number) else {
            return;
        };
        if (part.store, part.lsns.start) == (header.store, header.first_lsn) {
            segment.set_freed(part.ranges.clone());
        } else {
            segment.doubtful = true;
            damages.push(Damage {
                file: partition.freed(header.number).into(),
                offset: 0,
                what: UNREADABLE.into(),
            });
        }
    }

    /// Says where segments end: where the next one begins, or what stands for it.
    fn set_ends<F>(&self, segments: &[Segment<F>]) {
        let mut rest = segments.iter().peekable();
        while let Some(segment) = rest.next() {
            let next = segment.header().number + 1;
            let adjacent = rest.peek().filter(|it| it.header().number == next);
            let adjacent = adjacent.map(|it| it.first_lsn());
            let tombstone = || {
                let mut stands = self.tombstones.iter();
                let stands = stands.find(|freed| freed.first_number == next);
                stands.map(|freed| freed.lsns.start)
            };
            if let Some(end) = adjacent.or_else(tombstone) {
                segment.seal_at(end);
            }
        }
    }
}
