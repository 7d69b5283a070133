//! The rows of a mailbox while somebody holds them.

use std::sync::Arc;

use crate::{
    id::{ModSeq, Uid},
    mailbox::{
        Message,
        chunk::{Chunk, Entry},
        cursor::Cursor,
        leaf::Leaf,
        placements::Placements,
    },
};

/// Every chunk of some placements, held. Those of a group are shared by all states that have it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(super) groups: Vec<Arc<Vec<Arc<Leaf>>>>,
    pub(super) tail: Arc<Leaf>,
}

/// Some chunks of a mailbox, held.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Ascending; none is empty.
    pub(super) chunks: Vec<Arc<Leaf>>,
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
        let ends_before = |chunk: &Arc<Leaf>| chunk.rows.last().is_none_or(|row| row.uid < uid);
        let at = self.chunks.partition_point(ends_before);
        self.chunks.get(at).map(|leaf| &***leaf)
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
            let rows = chunk.rows.iter().filter(|row| within(row.uid));
            cut.rows.extend(rows);
            let keywords = chunk.keywords.iter().filter(|(uid, _)| within(*uid));
            cut.keywords.extend(keywords.cloned());
        }
        cut
    }
}

/// Placements with their rows: what both were gathered from must be the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    placements: &'a Placements,
    rows: &'a Rows,
}

impl<'a> Reading<'a> {
    pub(super) fn new(placements: &'a Placements, rows: &'a Rows) -> Self {
        Self { placements, rows }
    }

    pub(crate) fn at(self, index: u32) -> Option<Message<'a>> {
        let tail = self.placements.tail_start();
        if let Some(row) = index.checked_sub(tail) {
            return self.rows.tail.at(row as usize);
        }
        let (group, entry, row) = self.placements.find(index)?;
        let chunk = self.rows.groups.get(group)?.get(entry)?;
        chunk.at(row as usize)
    }

    pub(crate) fn index_of(self, uid: Uid) -> Result<u32, u32> {
        let (start, chunk) = match self.placements.find_uid(uid) {
            Some((group, entry, start)) => {
                let chunk = self.rows.groups.get(group);
                (start, chunk.and_then(|chunks| chunks.get(entry)))
            }
            None => (self.placements.tail_start(), Some(&self.rows.tail)),
        };
        let place = chunk.map_or(Err(0), |chunk| chunk.place_of(uid));
        let index = |row: usize| start + u32::try_from(row).unwrap_or(u32::MAX);
        place.map(index).map_err(index)
    }

    pub(crate) fn get(self, uid: Uid) -> Option<Message<'a>> {
        self.chunk_of(uid)?.get(uid)
    }

    /// Finds messages by UID, one after the other.
    pub(super) fn in_turn(self) -> impl FnMut(Uid) -> Option<Message<'a>> {
        let mut cursor = Cursor::default();
        move |uid| cursor.get(uid, |uid| self.chunk_of(uid))
    }

    fn chunk_of(self, uid: Uid) -> Option<&'a Chunk> {
        Some(match self.placements.find_uid(uid) {
            Some((group, entry, _)) => self.rows.groups.get(group)?.get(entry)?,
            None => &self.rows.tail,
        })
    }

    /// Every chunk with what is known of it, from the one on that may have `first`.
    fn from(self, first: Uid) -> impl Iterator<Item = (&'a Entry, &'a Leaf)> {
        let from = self.placements.group_of(first);
        let groups = self.placements.groups().skip(from);
        let sealed = groups
            .zip(self.rows.groups.iter().skip(from))
            .flat_map(|(group, chunks)| group.entries().iter().zip(chunks.iter()))
            .skip_while(move |(entry, _)| entry.about.last < first.0);
        sealed
            .chain(std::iter::once((self.placements.tail(), &self.rows.tail)))
            .map(|(entry, chunk)| (entry, &**chunk))
    }

    pub(crate) fn range(self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'a>> {
        self.from(first)
            .take_while(move |(entry, _)| entry.about.first <= last.0)
            .flat_map(move |(_, chunk)| chunk.range(first, last))
    }

    pub(crate) fn changed_since(self, since: ModSeq) -> impl Iterator<Item = Message<'a>> {
        self.from(Uid(0))
            .filter(move |(entry, _)| entry.about.mod_seq_max > since.0)
            .flat_map(|(_, chunk)| chunk.every())
            .filter(move |message| message.mod_seq > since)
    }

    pub(crate) fn first_unseen(self) -> Option<u32> {
        let mut start = 0;
        for (entry, chunk) in self.from(Uid(0)) {
            if entry.about.unseen > 0 {
                let row = chunk
                    .rows
                    .iter()
                    .position(|row| !row.system.contains(crate::SystemFlags::SEEN))?;
                return Some(start + u32::try_from(row).ok()?);
            }
            start += entry.about.len;
        }
        None
    }
}
