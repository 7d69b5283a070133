//! The rows of a mailbox while somebody holds them.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use crate::{
    checkpoint::Source,
    id::{ModSeq, Uid},
    mailbox::{
        Held, Mailbox, Message,
        chunk::{Chunk, Entry},
        cursor::Cursor,
        placements::Placements,
    },
};

/// Neighbouring chunks: each is held from when it is first looked at.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    chunks: Vec<OnceLock<Arc<Chunk>>>,
    /// Set when each of them is.
    all: OnceLock<()>,
}

/// The chunks of some placements, held as far as they were read. Those of a group are shared by all states that
/// have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(super) groups: Vec<Arc<Leaves>>,
    pub(super) tail: Arc<Leaves>,
}

/// Neighbouring messages of a mailbox, as far as they are known without being read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The first one's UID.
    pub first: Uid,
    /// The last one's.
    pub last: Uid,
    /// Their indexes.
    pub indexes: Range<u32>,
    /// The highest modseq of any.
    pub mod_seq_max: ModSeq,
    /// How many are without `\Seen`.
    pub unseen: u32,
}

impl Stretch {
    /// A chunk whose first message has this index, as it is there.
    fn of(entry: &Entry, start: u32) -> Self {
        let about = entry.about;
        Self {
            first: Uid(about.first),
            last: Uid(about.last),
            indexes: start..start + about.len,
            mod_seq_max: ModSeq(about.mod_seq_max),
            unseen: about.unseen,
        }
    }
}

impl<'a> FromIterator<&'a Entry> for Leaves {
    /// What of them is in memory now.
    fn from_iter<T: IntoIterator<Item = &'a Entry>>(entries: T) -> Self {
        let held = entries.into_iter().map(|entry| {
            let chunk = entry.cell.get();
            chunk.map_or_else(OnceLock::new, OnceLock::from)
        });
        Self {
            chunks: held.collect(),
            all: OnceLock::new(),
        }
    }
}

impl Leaves {
    /// Those of `entries`, which are its own, that are wanted and are not in memory. `start` is the index of the
    /// first message.
    fn unread<'a>(
        &self,
        entries: &'a [Entry],
        mut start: u32,
        wants: &impl Fn(&Stretch) -> bool,
    ) -> Vec<&'a Entry> {
        let (mut unread, mut all) = (Vec::new(), true);
        if self.all.get().is_some() {
            return unread;
        }
        for (entry, held) in entries.iter().zip(&self.chunks) {
            let stretch = Stretch::of(entry, start);
            start = stretch.indexes.end;
            if held.get().is_some() {
                continue;
            }
            if !wants(&stretch) {
                all = false;
            } else if let Some(chunk) = entry.cell.get() {
                // Whoever was first has put in the same.
                let _ = held.set(chunk);
            } else {
                all = false;
                unread.push(entry);
            }
        }
        if all {
            let _ = self.all.set(());
        }
        unread
    }
}

/// Some chunks of a mailbox, held.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Ascending; none is empty.
    pub(super) chunks: Vec<Arc<Chunk>>,
}

impl Part {
    /// The message with that UID, if it is among these.
    pub(crate) fn get(&self, uid: Uid) -> Option<Message<'_>> {
        self.chunk_of(uid)?.get(uid)
    }

    /// Finds messages by UID, one after the other: cheaper than each by itself where they are neighbours.
    pub(crate) fn in_turn<'a>(&'a self) -> impl FnMut(Uid) -> Option<Message<'a>> {
        let mut cursor = Cursor::default();
        move |uid| cursor.get(uid, |uid| self.chunk_of(uid))
    }

    fn chunk_of(&self, uid: Uid) -> Option<&Chunk> {
        let ends_before = |chunk: &Arc<Chunk>| chunk.rows.last().is_none_or(|row| row.uid < uid);
        let at = self.chunks.partition_point(ends_before);
        self.chunks.get(at).map(|chunk| &**chunk)
    }

    /// Every message, ascending.
    pub(crate) fn every(&self) -> impl Iterator<Item = Message<'_>> {
        self.chunks.iter().flat_map(|chunk| chunk.every())
    }

    /// Messages with UIDs `first..=last`.
    pub(crate) fn range(&self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'_>> {
        let chunks = self.chunks.iter();
        chunks.flat_map(move |chunk| chunk.range(first, last))
    }
}

impl Part {
    /// Its messages with UIDs `first..=last`, as a chunk.
    pub(crate) fn cut(&self, first: Uid, last: Uid) -> Chunk {
        let within = |uid: Uid| (first..=last).contains(&uid);
        let mut cut = Chunk::default();
        for chunk in &self.chunks {
            for (row, mod_seq) in chunk.rows.iter().zip(&chunk.mod_seqs) {
                if within(row.uid) {
                    cut.rows.push(*row);
                    cut.mod_seqs.push(*mod_seq);
                }
            }
            let keywords = chunk.keywords.iter().filter(|(uid, _)| within(*uid));
            cut.keywords.extend(keywords.cloned());
        }
        cut
    }
}

/// A mailbox with its rows: those must be gathered from it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    mailbox: &'a Mailbox,
    rows: &'a Rows,
    /// Where rows are that nobody held in time; `None` if all are in memory.
    source: Option<&'a Source>,
}

/// A chunk in its place.
type Place<'a> = (&'a Entry, &'a OnceLock<Arc<Chunk>>);

impl<'a> Reading<'a> {
    pub(crate) fn new(mailbox: &'a Mailbox, rows: &'a Rows, source: Option<&'a Source>) -> Self {
        Self {
            mailbox,
            rows,
            source,
        }
    }

    fn placements(self) -> &'a Placements {
        &self.mailbox.placements
    }

    /// What is wanted and not in memory.
    pub(super) fn unread(self, wants: &impl Fn(&Stretch) -> bool) -> Vec<&'a Entry> {
        let placements = self.placements();
        let groups = placements.starts().zip(&self.rows.groups);
        let mut unread: Vec<_> = groups
            .flat_map(|((start, group), leaves)| leaves.unread(group.entries(), start, wants))
            .collect();
        let tail = std::slice::from_ref(placements.tail());
        unread.extend(self.rows.tail.unread(tail, placements.tail_start(), wants));
        unread
    }

    /// The rows of a chunk.
    fn chunk(self, (entry, held): Place<'a>) -> &'a Chunk {
        held.get_or_init(|| entry.cell.get().unwrap_or_else(|| self.read_late(entry)))
    }

    /// Reads a chunk that nobody held in time: its reader waits for the disk, and has no one to tell of an error to.
    /// What it can't have is not taken for empty.
    #[cold]
    fn read_late(self, entry: &Entry) -> Arc<Chunk> {
        tracing::debug!(mailbox = %self.mailbox.id, "messages are read that nobody held");
        let wanted = self.mailbox.wanted(entry);
        match self.source.map(|source| source.read_now(&wanted)) {
            Some(Ok(Held::Placements(chunk))) => Some(chunk),
            _ => None,
        }
        .expect("messages are held before they are looked at, or can be read then")
    }

    fn place(self, group: usize, entry: usize) -> Option<Place<'a>> {
        let of = self.placements().group(group)?.entries().get(entry)?;
        Some((of, self.rows.groups.get(group)?.chunks.get(entry)?))
    }

    fn tail(self) -> Option<Place<'a>> {
        Some((self.placements().tail(), self.rows.tail.chunks.first()?))
    }

    /// The chunk that has an index, and the row there.
    fn find(self, index: u32) -> Option<(Place<'a>, u32)> {
        if let Some(row) = index.checked_sub(self.placements().tail_start()) {
            return Some((self.tail()?, row));
        }
        let (group, entry, row) = self.placements().find(index)?;
        Some((self.place(group, entry)?, row))
    }

    pub(crate) fn at(self, index: u32) -> Option<Message<'a>> {
        let (place, row) = self.find(index)?;
        self.chunk(place).at(row as usize)
    }

    /// The UID of the message at an index.
    pub(crate) fn uid_at(self, index: u32) -> Option<Uid> {
        let (place, row) = self.find(index)?;
        let known = place.0.uid_at(row);
        known.or_else(|| Some(self.chunk(place).at(row as usize)?.uid))
    }

    pub(crate) fn index_of(self, uid: Uid) -> Result<u32, u32> {
        let (start, place) = match self.placements().find_uid(uid) {
            Some((group, entry, start)) => (start, self.place(group, entry)),
            None => (self.placements().tail_start(), self.tail()),
        };
        let place = place.ok_or(start)?;
        let row = |row: usize| u32::try_from(row).unwrap_or(u32::MAX);
        let read = || self.chunk(place).place_of(uid).map(row).map_err(row);
        let found = place.0.place_of(uid).unwrap_or_else(read);
        found.map(|row| start + row).map_err(|row| start + row)
    }

    pub(crate) fn get(self, uid: Uid) -> Option<Message<'a>> {
        self.chunk_of(uid)?.get(uid)
    }

    /// Finds messages by UID, one after the other.
    pub(super) fn in_turn(self) -> impl FnMut(Uid) -> Option<Message<'a>> {
        let mut cursor = Cursor::default();
        move |uid| cursor.get(uid, |uid| self.chunk_of(uid))
    }

    /// The chunk that has a UID, if any has.
    fn chunk_of(self, uid: Uid) -> Option<&'a Chunk> {
        let place = match self.placements().find_uid(uid) {
            Some((group, entry, _)) => self.place(group, entry)?,
            None => self.tail()?,
        };
        let outside = matches!(place.0.place_of(uid), Some(Err(_)));
        (!outside).then(|| self.chunk(place))
    }

    /// Every chunk with what is known of it, from the one on that may have `first`.
    fn from(self, first: Uid) -> impl Iterator<Item = Place<'a>> {
        let from = self.placements().group_of(first);
        let groups = self.placements().groups().skip(from);
        let sealed = groups
            .zip(self.rows.groups.iter().skip(from))
            .flat_map(|(group, leaves)| group.entries().iter().zip(&leaves.chunks))
            .skip_while(move |(entry, _)| entry.about.last < first.0);
        sealed.chain(self.tail())
    }

    pub(crate) fn range(self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'a>> {
        self.from(first)
            .take_while(move |(entry, _)| entry.about.first <= last.0)
            .filter(move |(entry, _)| entry.about.last >= first.0)
            .flat_map(move |place| self.chunk(place).range(first, last))
    }

    pub(crate) fn changed_since(self, since: ModSeq) -> impl Iterator<Item = Message<'a>> {
        self.from(Uid(0))
            .filter(move |(entry, _)| entry.about.mod_seq_max > since.0)
            .flat_map(move |place| self.chunk(place).changed_since(since))
    }

    /// What is known of every chunk.
    pub(super) fn stretches(self) -> impl Iterator<Item = Stretch> {
        let mut start = 0;
        self.from(Uid(0)).map(move |(entry, _)| {
            let some = Stretch::of(entry, start);
            start = some.indexes.end;
            some
        })
    }
}
