//! Neighbouring messages of a mailbox, and what is known of them when they are not in memory.

use std::{ops::Range, sync::Arc};

use crate::{
    clock::Timestamp,
    engine::Ref,
    flag::SystemFlags,
    id::{EmailId, ModSeq, ThreadId, Uid},
    mailbox::{Message, cell::Cell},
    sent::Sent,
};

/// The most rows of a chunk: what a change of one message copies, 72 octets each with its modseq.
pub(crate) const CHUNK_ROWS_MAX: usize = 256;

/// Neighbours with no more rows than this between them become one chunk.
const MERGED_ROWS_MAX: u32 = 128;

/// A placement, without its modseq and keywords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) uid: Uid,
    pub(crate) system: SystemFlags,
    pub(crate) zone_minutes: i16,
    pub(crate) internal_date: i64,
    pub(crate) save_date: i64,
    pub(crate) size: u64,
    pub(crate) email: EmailId,
    pub(crate) thread: ThreadId,
    pub(crate) record: Ref,
    pub(crate) record_len: u32,
    pub(crate) sent: Sent,
}

/// Indexes of keywords, ascending.
pub(crate) type KeywordSet = Arc<[u32]>;

/// Neighbouring placements.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Ascending by UID.
    pub(crate) rows: Vec<Row>,
    /// Of each row. Beside them, as who asks what changed looks at all of these, and at few rows.
    pub(crate) mod_seqs: Vec<ModSeq>,
    /// Of the messages that have any; ascending by UID.
    pub(crate) keywords: Vec<(Uid, KeywordSet)>,
}

/// A UID, or 0 in an empty chunk.
type Uid0 = u32;

/// What is known of a chunk without reading it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) len: u32,
    pub(crate) first: Uid0,
    pub(crate) last: Uid0,
    pub(crate) mod_seq_max: u64,
    pub(crate) unseen: u32,
    pub(crate) deleted: u32,
    pub(crate) octets: u64,
}

impl Row {
    /// The message, with the keywords that it has.
    fn message<'a>(&self, mod_seq: ModSeq, keywords: &'a [u32]) -> Message<'a> {
        Message {
            uid: self.uid,
            mod_seq,
            system: self.system,
            keywords,
            internal_date: Timestamp {
                unix: self.internal_date,
                zone_minutes: self.zone_minutes,
            },
            save_date: self.save_date,
            size: self.size,
            email: self.email,
            thread: self.thread,
            record: self.record,
            record_len: self.record_len,
            sent: self.sent,
        }
    }
}

/// A chunk, and what need not be looked up in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// Its first UID when it was made: its name in the checkpoint.
    pub(crate) base: Uid0,
    pub(crate) about: Summary,
    pub(crate) cell: Arc<Cell<Chunk>>,
}

impl Chunk {
    /// It, with room for so many rows.
    fn copy(&self, room: impl FnOnce(usize) -> usize) -> Self {
        let room = room(self.rows.len());
        let (mut rows, mut mod_seqs) = (Vec::with_capacity(room), Vec::with_capacity(room));
        rows.extend_from_slice(&self.rows);
        mod_seqs.extend_from_slice(&self.mod_seqs);
        Self {
            rows,
            mod_seqs,
            keywords: self.keywords.clone(),
        }
    }

    /// The message with that UID.
    pub(crate) fn get(&self, uid: Uid) -> Option<Message<'_>> {
        let at = self.place_of(uid).ok()?;
        self.at(at)
    }

    /// The message in that row.
    pub(crate) fn at(&self, row: usize) -> Option<Message<'_>> {
        self.at_near(row, &mut 0)
    }

    /// The row of that UID, or where it would be.
    pub(crate) fn place_of(&self, uid: Uid) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&uid, |row| row.uid)
    }

    /// Whether that UID is between its first and its last one.
    pub(super) fn spans(&self, uid: Uid) -> bool {
        let (first, last) = (self.rows.first(), self.rows.last());
        first
            .zip(last)
            .is_some_and(|(first, last)| (first.uid..=last.uid).contains(&uid))
    }

    /// Messages with UIDs `first..=last`.
    pub(crate) fn range(&self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'_>> {
        let from = self.rows.partition_point(|row| row.uid < first);
        let to = self.rows.partition_point(|row| row.uid <= last);
        self.messages(from..to)
    }

    /// Every message.
    pub(crate) fn every(&self) -> impl Iterator<Item = Message<'_>> {
        self.messages(0..self.rows.len())
    }

    /// Messages that changed or arrived after `since`. Most of a chunk has not, mostly: of those no more is looked at
    /// than that.
    pub(crate) fn changed_since(&self, since: ModSeq) -> impl Iterator<Item = Message<'_>> {
        let changed = self.mod_seqs.iter().enumerate();
        let changed = changed.filter(move |(_, mod_seq)| **mod_seq > since);
        let mut near = 0;
        changed.filter_map(move |(row, _)| self.at_near(row, &mut near))
    }

    /// Some neighbours. Their keywords are walked beside them, not searched for.
    fn messages(&self, rows: Range<usize>) -> impl Iterator<Item = Message<'_>> {
        let mod_seqs = self.mod_seqs.get(rows.clone()).unwrap_or_default();
        let rows = self.rows.get(rows).unwrap_or_default();
        let first = rows.first().map_or(Uid(0), |row| row.uid);
        let from = self.keywords.partition_point(|(uid, _)| *uid < first);
        let mut keywords = self.keywords.get(from..).unwrap_or_default();
        rows.iter().zip(mod_seqs).map(move |(row, mod_seq)| {
            let mut own: &[u32] = &[];
            while let Some(((uid, set), rest)) = keywords.split_first()
                && *uid <= row.uid
            {
                if *uid == row.uid {
                    own = set;
                }
                keywords = rest;
            }
            row.message(*mod_seq, own)
        })
    }

    /// The message in that row. `near`: where its keywords may be, and then where those of the next row may be.
    pub(super) fn at_near(&self, row: usize, near: &mut usize) -> Option<Message<'_>> {
        let (row, mod_seq) = (self.rows.get(row)?, self.mod_seqs.get(row)?);
        let own = self.keywords.get(*near).filter(|(uid, _)| *uid == row.uid);
        let own = own.or_else(|| {
            *near = self.keywords.partition_point(|(uid, _)| *uid < row.uid);
            let next = self.keywords.get(*near);
            next.filter(|(uid, _)| *uid == row.uid)
        });
        *near += usize::from(own.is_some());
        Some(row.message(*mod_seq, own.map_or(&[], |(_, set)| set)))
    }

    /// Gives the messages in `ranges` (ascending, disjoint) these flags. Says how many there were. Rows and keywords are
    /// walked once, beside the ranges, which may be as many as the rows.
    pub(super) fn set_flags(
        &mut self,
        ranges: &[(Uid, Uid)],
        (system, set): (SystemFlags, &KeywordSet),
        mod_seq: ModSeq,
    ) -> u32 {
        let first = ranges.first().map_or(Uid(0), |(first, _)| *first);
        let from = self.rows.partition_point(|row| row.uid < first);
        let rows = self.rows.iter_mut().zip(&mut self.mod_seqs);
        let mut rows = rows.skip(from).peekable();
        let had = Vec::with_capacity(self.keywords.len());
        let had = std::mem::replace(&mut self.keywords, had);
        let mut had = had.into_iter().peekable();
        let mut changed = 0;
        for &(first, last) in ranges {
            while rows.next_if(|(row, _)| row.uid < first).is_some() {}
            while let Some(before) = had.next_if(|(uid, _)| *uid < first) {
                self.keywords.push(before);
            }
            while had.next_if(|(uid, _)| *uid <= last).is_some() {}
            while let Some((row, changed_at)) = rows.next_if(|(row, _)| row.uid <= last) {
                (row.system, *changed_at) = (system, mod_seq);
                changed += 1;
                if !set.is_empty() {
                    self.keywords.push((row.uid, Arc::clone(set)));
                }
            }
        }
        self.keywords.extend(had);
        changed
    }
}

impl Summary {
    /// Taken from the rows.
    pub(crate) fn of(chunk: &Chunk) -> Self {
        let mut about = Self::default();
        let rows = chunk.rows.iter().zip(&chunk.mod_seqs);
        rows.for_each(|(row, mod_seq)| about.add(row, *mod_seq));
        about
    }

    /// One row more, with a larger UID than those before it.
    pub(crate) fn add(&mut self, row: &Row, mod_seq: ModSeq) {
        if self.len == 0 {
            self.first = row.uid.0;
        }
        self.len += 1;
        self.last = row.uid.0;
        self.mod_seq_max = self.mod_seq_max.max(mod_seq.0);
        self.unseen += u32::from(unseen(row));
        self.deleted += u32::from(deleted(row));
        self.octets = self.octets.saturating_add(row.size);
    }
}

impl Entry {
    /// A chunk that the checkpoint has; `None` if it can't be one.
    pub(crate) fn kept(base: u32, about: Summary) -> Option<Self> {
        let entry = Self {
            base,
            about,
            cell: Arc::new(Cell::kept()),
        };
        entry.fits().then_some(entry)
    }

    fn fits(&self) -> bool {
        let Summary {
            len, first, last, ..
        } = self.about;
        let room = last.checked_sub(first).is_some_and(|more| more + 1 >= len);
        len > 0 && len as usize <= CHUNK_ROWS_MAX && first > 0 && self.base <= first && room
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.about.len == 0
    }

    /// Which row a UID has, or where it would be, if that needs no look at the rows.
    pub(super) fn place_of(&self, uid: Uid) -> Option<Result<u32, u32>> {
        let Summary {
            len, first, last, ..
        } = self.about;
        if len == 0 || uid.0 < first {
            Some(Err(0))
        } else if uid.0 > last {
            Some(Err(len))
        } else if self.has_every_uid() {
            Some(Ok(uid.0 - first))
        } else if uid.0 == first {
            Some(Ok(0))
        } else if uid.0 == last {
            Some(Ok(len - 1))
        } else {
            None
        }
    }

    /// The UID of a row, if that needs no look at the rows.
    pub(super) fn uid_at(&self, row: u32) -> Option<Uid> {
        let Summary {
            len, first, last, ..
        } = self.about;
        if row >= len {
            None
        } else if row == 0 || self.has_every_uid() {
            Some(Uid(first + row))
        } else {
            (row + 1 == len).then_some(Uid(last))
        }
    }

    /// Whether no UID is missing from its first to its last.
    fn has_every_uid(&self) -> bool {
        let Summary {
            len, first, last, ..
        } = self.about;
        len > 0 && last - first == len - 1
    }

    pub(crate) fn is_full(&self) -> bool {
        self.about.len as usize >= CHUNK_ROWS_MAX
    }

    /// The rows, to be changed; `None` if they are not in memory. [`Entry::summarise`] after it.
    pub(super) fn rows_mut(&mut self) -> Option<&mut Chunk> {
        Cell::make_mut(&mut self.cell, Chunk::clone)
    }

    /// The summary, taken again from the rows.
    pub(super) fn summarise(&mut self) {
        if let Some(chunk) = self.cell.get() {
            self.about = Summary::of(&chunk);
        }
    }

    /// Adds a row; `false` if the others are not in memory.
    pub(super) fn push(&mut self, row: Row, (mod_seq, keywords): (ModSeq, &KeywordSet)) -> bool {
        let room = |rows: usize| (rows * 2).clamp(8, CHUNK_ROWS_MAX);
        let Some(chunk) = Cell::make_mut(&mut self.cell, |chunk| chunk.copy(room)) else {
            return false;
        };
        if !keywords.is_empty() {
            chunk.keywords.push((row.uid, Arc::clone(keywords)));
        }
        chunk.rows.push(row);
        chunk.mod_seqs.push(mod_seq);
        if self.is_empty() {
            self.base = row.uid.0;
        }
        self.about.add(&row, mod_seq);
        true
    }

    /// Takes up its right neighbour, if both are small and in memory.
    pub(super) fn join(&mut self, right: &Self) -> bool {
        if self.about.len + right.about.len > MERGED_ROWS_MAX {
            return false;
        }
        let Some(more) = right.cell.get() else {
            return false;
        };
        let Some(chunk) = self.rows_mut() else {
            return false;
        };
        chunk.rows.extend_from_slice(&more.rows);
        chunk.mod_seqs.extend_from_slice(&more.mod_seqs);
        chunk.keywords.extend_from_slice(&more.keywords);
        right.cell.replaced();
        self.summarise();
        true
    }
}

fn unseen(row: &Row) -> bool {
    !row.system.contains(SystemFlags::SEEN)
}

fn deleted(row: &Row) -> bool {
    row.system.contains(SystemFlags::DELETED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(uid: u32) -> Row {
        Row {
            uid: Uid(uid),
            system: SystemFlags::NONE,
            zone_minutes: 0,
            internal_date: 0,
            save_date: 0,
            size: 0,
            email: EmailId(1),
            thread: ThreadId(1),
            record: Ref(1),
            record_len: 1,
            sent: crate::sent::Sent::default(),
        }
    }

    #[test]
    fn keywords_are_found_in_any_order_and_where_they_were_set() {
        let mut chunk = Chunk {
            rows: [2, 3, 5, 7, 11, 13].map(row).into(),
            mod_seqs: [2, 3, 5, 7, 11, 13].map(ModSeq).into(),
            ..Chunk::default()
        };
        let (none, a, b): (KeywordSet, KeywordSet, KeywordSet) =
            ([].into(), [1].into(), [1, 4].into());
        let of = |chunk: &Chunk| -> Vec<usize> {
            let every = chunk.every().map(|message| message.keywords.len());
            every.collect()
        };
        for (ranges, set, expected) in [
            (&[(3, 5)][..], &a, [0, 1, 1, 0, 0, 0]),
            (&[(10, 12), (13, 20)], &b, [0, 1, 1, 0, 2, 2]),
            (&[(1, 20)], &a, [1; 6]),
            (&[(5, 5), (7, 7)], &b, [1, 1, 2, 2, 1, 1]),
            (&[(3, 3), (4, 6)], &none, [1, 0, 0, 2, 1, 1]),
            (&[(8, 10)], &none, [1, 0, 0, 2, 1, 1]),
            (&[(2, 2), (5, 5), (11, 11)], &b, [2, 0, 2, 2, 2, 1]),
            (&[(2, 2), (7, 7), (13, 13)], &a, [1, 0, 2, 1, 2, 1]),
        ] {
            let ranges: Vec<_> = ranges.iter().map(|(a, b)| (Uid(*a), Uid(*b))).collect();
            let named = |row: &&Row| ranges.iter().any(|it| (it.0..=it.1).contains(&row.uid));
            let flags = (SystemFlags::SEEN, set);
            let named = chunk.rows.iter().filter(named).count();
            let changed = chunk.set_flags(&ranges, flags, ModSeq(20));
            assert_eq!(changed as usize, named);
            assert_eq!(of(&chunk), expected);
        }
        assert_eq!(chunk.mod_seqs, [ModSeq(20); 6]);
        chunk.mod_seqs = [2, 3, 5, 7, 11, 13].map(ModSeq).into();
        let mut near = 0;
        for at in [0, 1, 2, 3, 4, 5, 5, 0, 2, 4, 3, 1, 0, 5] {
            let message = chunk.at_near(at, &mut near).unwrap();
            assert_eq!(message.keywords, chunk.at(at).unwrap().keywords);
            assert_eq!(message.keywords.len(), of(&chunk)[at], "{at}");
        }
        assert_eq!(chunk.changed_since(ModSeq(3)).count(), 4);
    }
}
