//! The messages of a mailbox, in chunks that states of it share.
//!
//! All full chunks are in one shared vector, with a summary each; the chunk
//! that grows is apart. So an arrival copies one chunk, whatever the size of the
//! mailbox, and a change of flags copies the summaries and the chunks it touches.

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    engine::Ref,
    flag::SystemFlags,
    id::{EmailId, ModSeq, ThreadId, Uid},
    mailbox::{Counters, Message},
};

/// The most rows of a chunk: what a change of one message copies, 72 octets each.
pub(crate) const CHUNK_ROWS_MAX: usize = 256;

/// Neighbours with no more rows than this between them become one chunk.
const MERGED_ROWS_MAX: usize = CHUNK_ROWS_MAX / 2;

/// A placement, without its keywords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) uid: Uid,
    pub(crate) system: SystemFlags,
    pub(crate) zone_minutes: i16,
    pub(crate) internal_date: i64,
    pub(crate) mod_seq: ModSeq,
    pub(crate) save_date: i64,
    pub(crate) size: u64,
    pub(crate) email: EmailId,
    pub(crate) thread: ThreadId,
    pub(crate) record: Ref,
    pub(crate) record_len: u32,
}

/// Indexes of keywords, ascending.
pub(crate) type KeywordSet = Arc<[u32]>;

/// Neighbouring placements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Ascending by UID.
    pub(crate) rows: Vec<Row>,
    /// Of the messages that have any; ascending by UID.
    pub(crate) keywords: Vec<(Uid, KeywordSet)>,
}

/// A chunk, and what need not be looked up in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// Index of its first message.
    pub(crate) start: u32,
    /// Its first UID when it was made: its name in the checkpoint.
    pub(crate) base: Uid0,
    pub(crate) first: Uid0,
    pub(crate) last: Uid0,
    pub(crate) mod_seq_max: u64,
    pub(crate) unseen: u32,
    pub(crate) deleted: u32,
    pub(crate) chunk: Arc<Chunk>,
}

/// A UID, or 0 in an empty chunk.
type Uid0 = u32;

/// The messages of a mailbox, ascending by UID.
#[derive(Debug, Clone, Default)]
pub(crate) struct Placements {
    sealed: Arc<Vec<Entry>>,
    /// The chunk that grows; may be empty.
    tail: Entry,
}

impl Chunk {
    fn keywords_of(&self, uid: Uid) -> &[u32] {
        if self.keywords.is_empty() {
            return &[];
        }
        match self.keywords.binary_search_by_key(&uid, |(uid, _)| *uid) {
            Ok(i) => self.keywords.get(i).map_or(&[], |(_, set)| set),
            Err(_) => &[],
        }
    }

    fn set_keywords(&mut self, uid: Uid, set: &KeywordSet) {
        let place = self.keywords.binary_search_by_key(&uid, |(uid, _)| *uid);
        match place {
            Ok(i) if set.is_empty() => drop(self.keywords.remove(i)),
            Ok(i) => {
                if let Some((_, old)) = self.keywords.get_mut(i) {
                    *old = Arc::clone(set);
                }
            }
            Err(_) if set.is_empty() => {}
            Err(i) => self.keywords.insert(i, (uid, Arc::clone(set))),
        }
    }

    fn message(&self, row: &Row) -> Message<'_> {
        Message {
            uid: row.uid,
            mod_seq: row.mod_seq,
            system: row.system,
            keywords: self.keywords_of(row.uid),
            internal_date: Timestamp {
                unix: row.internal_date,
                zone_minutes: row.zone_minutes,
            },
            save_date: row.save_date,
            size: row.size,
            email: row.email,
            thread: row.thread,
            record: row.record,
            record_len: row.record_len,
        }
    }

    /// A copy with room to grow.
    fn copy_to_grow(&self) -> Self {
        let room = (self.rows.len() * 2).clamp(8, CHUNK_ROWS_MAX);
        let mut rows = Vec::with_capacity(room);
        rows.extend_from_slice(&self.rows);
        Self {
            rows,
            keywords: self.keywords.clone(),
        }
    }
}

impl Entry {
    fn len(&self) -> u32 {
        u32::try_from(self.chunk.rows.len()).unwrap_or(u32::MAX)
    }

    /// The summary, taken again from the rows.
    fn summarise(&mut self) {
        let rows = &self.chunk.rows;
        self.first = rows.first().map_or(0, |row| row.uid.0);
        self.last = rows.last().map_or(0, |row| row.uid.0);
        self.mod_seq_max = rows.iter().map(|row| row.mod_seq.0).max().unwrap_or(0);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.unseen = count(rows.iter().filter(|row| unseen(row)).count());
        self.deleted = count(rows.iter().filter(|row| deleted(row)).count());
    }
}

fn unseen(row: &Row) -> bool {
    !row.system.contains(SystemFlags::SEEN)
}

fn deleted(row: &Row) -> bool {
    row.system.contains(SystemFlags::DELETED)
}

/// Those of `ranges` (ascending, disjoint) that overlap `first..=last`.
fn overlapping(ranges: &[(Uid, Uid)], first: u32, last: u32) -> &[(Uid, Uid)] {
    let from = ranges.partition_point(|(_, end)| end.0 < first);
    let to = ranges.partition_point(|(start, _)| start.0 <= last);
    ranges.get(from..to).unwrap_or_default()
}

impl Placements {
    /// Puts together what a checkpoint kept; `None` if it can't be a mailbox.
    pub(crate) fn from_chunks(chunks: Vec<(u32, Chunk)>) -> Option<Self> {
        let mut entries = Vec::with_capacity(chunks.len());
        let (mut start, mut last) = (0_u32, 0_u32);
        for (base, chunk) in chunks {
            for row in &chunk.rows {
                if row.uid.0 <= last {
                    return None;
                }
                last = row.uid.0;
            }
            let mut entry = Entry {
                start,
                base,
                chunk: Arc::new(chunk),
                ..Entry::default()
            };
            entry.summarise();
            if entry.first == 0 || entry.first < base || entry.chunk.rows.len() > CHUNK_ROWS_MAX {
                return None;
            }
            start = start.checked_add(entry.len())?;
            entries.push(entry);
        }
        let tail = match entries.pop_if(|entry| entry.chunk.rows.len() < CHUNK_ROWS_MAX) {
            Some(entry) => entry,
            None => Entry {
                start,
                ..Entry::default()
            },
        };
        Some(Self {
            sealed: Arc::new(entries),
            tail,
        })
    }

    /// Counters, counted: for when they can't be trusted.
    pub(crate) fn count(&self) -> Counters {
        let mut counters = Counters::default();
        for entry in self.entries() {
            counters.messages += entry.len();
            counters.unseen += entry.unseen;
            counters.deleted += entry.deleted;
            let sizes = entry.chunk.rows.iter().map(|row| row.size);
            counters.octets = sizes.fold(counters.octets, u64::saturating_add);
        }
        counters
    }

    /// The chunks that hold anything, ascending.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.sealed
            .iter()
            .chain(std::iter::once(&self.tail))
            .filter(|entry| !entry.chunk.rows.is_empty())
    }

    pub(crate) fn at(&self, index: u32) -> Option<Message<'_>> {
        let entry = if index >= self.tail.start {
            &self.tail
        } else {
            let after = self.sealed.partition_point(|entry| entry.start <= index);
            self.sealed.get(after.checked_sub(1)?)?
        };
        let row = usize::try_from(index - entry.start).ok()?;
        Some(entry.chunk.message(entry.chunk.rows.get(row)?))
    }

    pub(crate) fn index_of(&self, uid: Uid) -> Result<u32, u32> {
        let at = self.sealed.partition_point(|entry| entry.last < uid.0);
        let entry = self.sealed.get(at).unwrap_or(&self.tail);
        let place = entry.chunk.rows.binary_search_by_key(&uid, |row| row.uid);
        let index = |row: usize| entry.start + u32::try_from(row).unwrap_or(u32::MAX);
        place.map(index).map_err(index)
    }

    pub(crate) fn get(&self, uid: Uid) -> Option<Message<'_>> {
        self.at(self.index_of(uid).ok()?)
    }

    pub(crate) fn range(&self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'_>> {
        let at = self.sealed.partition_point(|entry| entry.last < first.0);
        let sealed = self.sealed.get(at..).unwrap_or_default();
        sealed
            .iter()
            .chain(std::iter::once(&self.tail))
            .take_while(move |entry| entry.first <= last.0)
            .flat_map(move |entry| {
                let rows = &entry.chunk.rows;
                let from = rows.partition_point(|row| row.uid < first);
                let to = rows.partition_point(|row| row.uid <= last);
                let within = rows.get(from..to).unwrap_or_default();
                within.iter().map(|row| entry.chunk.message(row))
            })
    }

    pub(crate) fn changed_since(&self, since: ModSeq) -> impl Iterator<Item = Message<'_>> {
        self.entries()
            .filter(move |entry| entry.mod_seq_max > since.0)
            .flat_map(move |entry| {
                let rows = entry.chunk.rows.iter();
                rows.filter(move |row| row.mod_seq > since)
                    .map(|row| entry.chunk.message(row))
            })
    }

    /// Every message, ascending.
    pub(crate) fn every(&self) -> impl Iterator<Item = Message<'_>> {
        self.range(Uid(1), Uid(u32::MAX))
    }

    /// Every message with `\Deleted`; chunks that have none cost nothing.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = Message<'_>> {
        self.entries()
            .filter(|entry| entry.deleted > 0)
            .flat_map(|entry| {
                let rows = entry.chunk.rows.iter();
                rows.filter(|row| deleted(row))
                    .map(|row| entry.chunk.message(row))
            })
    }

    pub(crate) fn first_unseen(&self) -> Option<u32> {
        let entry = self.entries().find(|entry| entry.unseen > 0)?;
        let row = entry.chunk.rows.iter().position(unseen)?;
        Some(entry.start + u32::try_from(row).ok()?)
    }

    /// Adds a message whose UID is larger than all before it.
    pub(crate) fn push(&mut self, row: Row, keywords: &KeywordSet, counters: &mut Counters) {
        let tail = &mut self.tail;
        if Arc::get_mut(&mut tail.chunk).is_none() {
            tail.chunk = Arc::new(tail.chunk.copy_to_grow());
        }
        let Some(chunk) = Arc::get_mut(&mut tail.chunk) else {
            return;
        };
        if chunk.rows.is_empty() {
            tail.base = row.uid.0;
            tail.first = row.uid.0;
        }
        if !keywords.is_empty() {
            chunk.keywords.push((row.uid, Arc::clone(keywords)));
        }
        chunk.rows.push(row);
        tail.last = row.uid.0;
        tail.mod_seq_max = tail.mod_seq_max.max(row.mod_seq.0);
        tail.unseen += u32::from(unseen(&row));
        tail.deleted += u32::from(deleted(&row));
        counters.messages += 1;
        counters.unseen += u32::from(unseen(&row));
        counters.deleted += u32::from(deleted(&row));
        counters.octets = counters.octets.saturating_add(row.size);
        if chunk.rows.len() >= CHUNK_ROWS_MAX {
            let full = std::mem::take(tail);
            self.tail.start = full.start + full.len();
            Arc::make_mut(&mut self.sealed).push(full);
        }
    }

    /// Gives messages in `ranges` these flags. Says how many there were.
    pub(crate) fn set_flags(
        &mut self,
        ranges: &[(Uid, Uid)],
        (system, keywords): (SystemFlags, &KeywordSet),
        mod_seq: ModSeq,
        counters: &mut Counters,
    ) -> u32 {
        let mut changed = 0;
        self.touch(ranges, |entry, ranges| {
            counters.unseen -= entry.unseen;
            counters.deleted -= entry.deleted;
            let chunk = Arc::make_mut(&mut entry.chunk);
            for &(first, last) in ranges {
                let from = chunk.rows.partition_point(|row| row.uid < first);
                let to = chunk.rows.partition_point(|row| row.uid <= last);
                for at in from..to {
                    let Some(row) = chunk.rows.get_mut(at) else {
                        continue;
                    };
                    row.system = system;
                    row.mod_seq = mod_seq;
                    let uid = row.uid;
                    chunk.set_keywords(uid, keywords);
                    changed += 1;
                }
            }
            entry.summarise();
            counters.unseen += entry.unseen;
            counters.deleted += entry.deleted;
        });
        changed
    }

    /// Says where a message's record is now; `false` if there is no such message.
    pub(crate) fn relocate(&mut self, uid: Uid, record: Ref, record_len: u32) -> bool {
        let mut found = false;
        self.touch(&[(uid, uid)], |entry, _| {
            let chunk = Arc::make_mut(&mut entry.chunk);
            let place = chunk.rows.binary_search_by_key(&uid, |row| row.uid);
            if let Some(row) = place.ok().and_then(|at| chunk.rows.get_mut(at)) {
                (row.record, row.record_len) = (record, record_len);
                found = true;
            }
        });
        found
    }

    /// Removes the messages in `ranges`. Says how many there were.
    pub(crate) fn remove(&mut self, ranges: &[(Uid, Uid)], counters: &mut Counters) -> u32 {
        let mut removed = 0;
        self.touch(ranges, |entry, ranges| {
            counters.unseen -= entry.unseen;
            counters.deleted -= entry.deleted;
            let chunk = Arc::make_mut(&mut entry.chunk);
            let gone = |uid: Uid| {
                let at = ranges.partition_point(|(_, last)| *last < uid);
                ranges.get(at).is_some_and(|(first, _)| *first <= uid)
            };
            let before = entry_len(chunk);
            chunk.rows.retain(|row| {
                let gone = gone(row.uid);
                if gone {
                    counters.octets = counters.octets.saturating_sub(row.size);
                }
                !gone
            });
            chunk.keywords.retain(|(uid, _)| !gone(*uid));
            removed += before - entry_len(chunk);
            entry.summarise();
            counters.unseen += entry.unseen;
            counters.deleted += entry.deleted;
        });
        counters.messages -= removed;
        if removed > 0 {
            self.close_up();
        }
        removed
    }

    /// Hands every chunk that may hold some of `ranges` to `change`, with those ranges.
    fn touch(&mut self, ranges: &[(Uid, Uid)], mut change: impl FnMut(&mut Entry, &[(Uid, Uid)])) {
        let (Some((first, _)), Some((_, last))) = (ranges.first(), ranges.last()) else {
            return;
        };
        let from = self.sealed.partition_point(|entry| entry.last < first.0);
        let to = self.sealed.partition_point(|entry| entry.first <= last.0);
        if from < to {
            let sealed = Arc::make_mut(&mut self.sealed);
            for entry in sealed.get_mut(from..to).unwrap_or_default() {
                let within = overlapping(ranges, entry.first, entry.last);
                if !within.is_empty() {
                    change(entry, within);
                }
            }
        }
        let within = overlapping(ranges, self.tail.first, self.tail.last);
        if !self.tail.chunk.rows.is_empty() && !within.is_empty() {
            change(&mut self.tail, within);
        }
    }

    /// Drops empty chunks, joins small neighbours, counts the starts again.
    fn close_up(&mut self) {
        let mut start = 0;
        let ragged = self.sealed.iter().any(|entry| {
            let moved = entry.start != start;
            start += entry.len();
            moved || entry.chunk.rows.len() <= MERGED_ROWS_MAX
        });
        if ragged {
            let sealed = Arc::make_mut(&mut self.sealed);
            let mut kept: Vec<Entry> = Vec::with_capacity(sealed.len());
            start = 0;
            for mut entry in sealed.drain(..).filter(|e| !e.chunk.rows.is_empty()) {
                match kept.last_mut() {
                    Some(left) if joinable(left, &entry) => join(left, &entry),
                    _ => {
                        entry.start = start;
                        kept.push(entry);
                    }
                }
                start = kept.last().map_or(0, |entry| entry.start + entry.len());
            }
            *sealed = kept;
        }
        self.tail.start = start;
        if self.tail.chunk.rows.is_empty() {
            self.tail = Entry {
                start,
                ..Entry::default()
            };
        }
    }
}

fn entry_len(chunk: &Chunk) -> u32 {
    u32::try_from(chunk.rows.len()).unwrap_or(u32::MAX)
}

fn joinable(left: &Entry, right: &Entry) -> bool {
    left.chunk.rows.len() + right.chunk.rows.len() <= MERGED_ROWS_MAX
}

fn join(left: &mut Entry, right: &Entry) {
    let chunk = Arc::make_mut(&mut left.chunk);
    chunk.rows.extend_from_slice(&right.chunk.rows);
    chunk.keywords.extend_from_slice(&right.chunk.keywords);
    left.summarise();
}
