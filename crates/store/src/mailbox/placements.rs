//! The messages of a mailbox, in chunks that states of it share.
//!
//! What is known of the full chunks is in groups, which are shared too; the chunk that grows is
//! apart. So an arrival copies one chunk and no group, and a change of flags a group of summaries
//! and the chunks that it touches, whatever the size of the mailbox.

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use crate::{
    engine::Ref,
    flag::SystemFlags,
    id::{ModSeq, Uid},
    mailbox::{
        Counters,
        chunk::{Chunk, Entry, KeywordSet, Row, Summary},
        rows::{Leaves, Part, Rows},
    },
};

/// The most chunks of a group: what a change of one message copies, some 80 octets each.
const GROUP_ENTRIES_MAX: usize = 64;

/// Neighbours with no more chunks than this between them become one group.
const MERGED_ENTRIES_MAX: usize = GROUP_ENTRIES_MAX / 2;

/// Neighbouring chunks; never none.
#[derive(Debug, Default)]
pub(super) struct Group {
    entries: Vec<Entry>,
    /// What is held of their rows, while somebody holds any.
    leaves: Mutex<Weak<Leaves>>,
}

/// A group in its place.
#[derive(Debug, Clone)]
struct Slot {
    /// Index of its first message.
    start: u32,
    group: Arc<Group>,
}

/// The messages of a mailbox, ascending by UID.
#[derive(Debug, Clone, Default)]
pub(crate) struct Placements {
    groups: Arc<Vec<Slot>>,
    /// Index of the first message of the tail.
    tail_start: u32,
    /// The chunk that grows; may be empty.
    tail: Entry,
}

/// Rows that a change needs are not in memory; the state is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unread;

/// Those of `ranges` (ascending, disjoint) that overlap `first..=last`.
fn overlapping(ranges: &[(Uid, Uid)], first: u32, last: u32) -> &[(Uid, Uid)] {
    let from = ranges.partition_point(|(_, end)| end.0 < first);
    let to = ranges.partition_point(|(start, _)| start.0 <= last);
    ranges.get(from..to).unwrap_or_default()
}

impl Clone for Group {
    /// To be changed: then the rows are others.
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            leaves: Mutex::default(),
        }
    }
}

impl Group {
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn len(&self) -> u32 {
        self.entries.iter().map(|entry| entry.about.len).sum()
    }

    fn first(&self) -> u32 {
        self.entries.first().map_or(0, |entry| entry.about.first)
    }

    fn last(&self) -> u32 {
        self.entries.last().map_or(0, |entry| entry.about.last)
    }

    /// What is held of its rows: all that is in memory now, and what is read from then on.
    fn leaves(&self) -> Arc<Leaves> {
        let mut shared = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaves) = shared.upgrade() {
            return leaves;
        }
        let leaves = Arc::new(self.entries.iter().collect());
        *shared = Arc::downgrade(&leaves);
        leaves
    }

    /// Drops empty chunks, joins small neighbours that are in memory.
    fn close_up(&mut self) {
        let mut kept: Vec<Entry> = Vec::with_capacity(self.entries.len());
        for entry in self.entries.drain(..).filter(|entry| !entry.is_empty()) {
            if !kept.last_mut().is_some_and(|left| left.join(&entry)) {
                kept.push(entry);
            }
        }
        self.entries = kept;
    }
}

impl Placements {
    /// Puts together what a checkpoint kept; `None` if it can't be a mailbox.
    pub(crate) fn from_entries(mut entries: Vec<Entry>) -> Option<Self> {
        let (mut last, mut start) = (0_u32, 0_u32);
        for entry in &entries {
            if entry.base <= last {
                return None;
            }
            last = entry.about.last;
        }
        let tail = entries.pop_if(|entry| !entry.is_full()).unwrap_or_default();
        let mut groups = Vec::with_capacity(entries.len().div_ceil(GROUP_ENTRIES_MAX));
        for entries in entries.chunks(GROUP_ENTRIES_MAX) {
            let group = Group {
                entries: entries.to_vec(),
                leaves: Mutex::default(),
            };
            let len = group.len();
            let group = Arc::new(group);
            groups.push(Slot { start, group });
            start = start.checked_add(len)?;
        }
        start.checked_add(tail.about.len)?;
        Some(Self {
            groups: Arc::new(groups),
            tail_start: start,
            tail,
        })
    }

    /// Counters, counted: for when they can't be trusted.
    pub(crate) fn count(&self) -> Counters {
        let mut counters = Counters::default();
        for Entry { about, .. } in self.entries() {
            counters.messages += about.len;
            counters.unseen += about.unseen;
            counters.deleted += about.deleted;
            counters.octets = counters.octets.saturating_add(about.octets);
        }
        counters
    }

    /// The chunks that hold anything, ascending.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.groups()
            .flat_map(|group| &group.entries)
            .chain(std::iter::once(&self.tail))
            .filter(|entry| !entry.is_empty())
    }

    /// What is in memory of all rows, and what is read from then on.
    pub(crate) fn rows(&self) -> Rows {
        Rows {
            groups: self.groups().map(Group::leaves).collect(),
            tail: Arc::new(std::iter::once(&self.tail).collect()),
        }
    }

    /// The chunks that may hold some of `ranges` (ascending, disjoint).
    pub(crate) fn within<'a>(
        &'a self,
        ranges: &'a [(Uid, Uid)],
    ) -> impl Iterator<Item = &'a Entry> {
        let overlaps = |first, last| !overlapping(ranges, first, last).is_empty();
        self.groups()
            .filter(move |group| overlaps(group.first(), group.last()))
            .flat_map(|group| &group.entries)
            .chain(std::iter::once(&self.tail))
            .filter(|entry| !entry.is_empty())
            .filter(move |entry| overlaps(entry.about.first, entry.about.last))
    }

    /// The chunks that hold messages with `\Deleted`.
    pub(crate) fn with_deleted(&self) -> impl Iterator<Item = &Entry> {
        self.entries().filter(|entry| entry.about.deleted > 0)
    }

    /// How many messages have smaller UIDs.
    ///
    /// # Errors
    /// [`Unread`]: it takes rows that are not in memory.
    pub(crate) fn below(&self, uid: Uid) -> Result<u32, Unread> {
        let (start, entry) = match self.find_uid(uid) {
            Some((group, entry, start)) => {
                let group = self.groups.get(group);
                (start, group.and_then(|slot| slot.group.entries.get(entry)))
            }
            None => (self.tail_start, Some(&self.tail)),
        };
        let Some(entry) = entry.filter(|entry| !entry.is_empty() && entry.about.first < uid.0)
        else {
            return Ok(start);
        };
        if entry.about.last < uid.0 {
            return Ok(start + entry.about.len);
        }
        let chunk = entry.cell.get().ok_or(Unread)?;
        let (Ok(row) | Err(row)) = chunk.place_of(uid);
        Ok(start + u32::try_from(row).unwrap_or(u32::MAX))
    }

    /// The chunk that grows; may be empty.
    pub(crate) fn tail(&self) -> &Entry {
        &self.tail
    }

    pub(super) fn tail_start(&self) -> u32 {
        self.tail_start
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.iter().map(|slot| &*slot.group)
    }

    /// The groups, each with the index of its first message.
    pub(super) fn starts(&self) -> impl Iterator<Item = (u32, &Group)> {
        self.groups.iter().map(|slot| (slot.start, &*slot.group))
    }

    pub(super) fn group(&self, number: usize) -> Option<&Group> {
        self.groups.get(number).map(|slot| &*slot.group)
    }

    /// The group from which on there may be that UID.
    pub(super) fn group_of(&self, uid: Uid) -> usize {
        self.groups
            .partition_point(|slot| slot.group.last() < uid.0)
    }

    /// The group, the entry in it and the row there of an index that is before the tail.
    pub(super) fn find(&self, index: u32) -> Option<(usize, usize, u32)> {
        let group = self.groups.partition_point(|slot| slot.start <= index);
        let group = group.checked_sub(1)?;
        let slot = self.groups.get(group)?;
        let mut row = index - slot.start;
        for (at, entry) in slot.group.entries.iter().enumerate() {
            match row.checked_sub(entry.about.len) {
                Some(rest) => row = rest,
                None => return Some((group, at, row)),
            }
        }
        None
    }

    /// The group, the entry in it, and the index of its first message, of the first chunk that does
    /// not end before that UID; `None` if that is the tail.
    pub(super) fn find_uid(&self, uid: Uid) -> Option<(usize, usize, u32)> {
        let group = self.group_of(uid);
        let slot = self.groups.get(group)?;
        let mut start = slot.start;
        for (at, entry) in slot.group.entries.iter().enumerate() {
            if entry.about.last >= uid.0 {
                return Some((group, at, start));
            }
            start += entry.about.len;
        }
        None
    }

    /// Those of the chunks that hold some of `ranges`, if they are in memory.
    pub(crate) fn part<'a>(entries: impl Iterator<Item = &'a Entry>) -> Option<Part> {
        let chunks = entries.map(|entry| entry.cell.get());
        Some(Part {
            chunks: chunks.collect::<Option<_>>()?,
        })
    }

    /// Adds a message whose UID is larger than all before it.
    ///
    /// # Errors
    /// [`Unread`]
    pub(crate) fn push(
        &mut self,
        row: Row,
        about: (ModSeq, &KeywordSet),
        counters: &mut Counters,
    ) -> Result<(), Unread> {
        let before = self.tail.about;
        if !self.tail.push(row, about) {
            return Err(Unread);
        }
        counters.messages += 1;
        counters.unseen += self.tail.about.unseen - before.unseen;
        counters.deleted += self.tail.about.deleted - before.deleted;
        counters.octets = counters.octets.saturating_add(row.size);
        if self.tail.is_full() {
            let full = std::mem::take(&mut self.tail);
            let (start, len) = (self.tail_start, full.about.len);
            self.tail_start += len;
            let groups = Arc::make_mut(&mut self.groups);
            match groups.last_mut() {
                Some(last) if last.group.entries.len() < GROUP_ENTRIES_MAX => {
                    Arc::make_mut(&mut last.group).entries.push(full);
                }
                _ => groups.push(Slot {
                    start,
                    group: Arc::new(Group {
                        entries: vec![full],
                        leaves: Mutex::default(),
                    }),
                }),
            }
        }
        Ok(())
    }

    /// Gives messages in `ranges` these flags. Says how many there were.
    ///
    /// # Errors
    /// [`Unread`]
    pub(crate) fn set_flags(
        &mut self,
        ranges: &[(Uid, Uid)],
        flags: (SystemFlags, &KeywordSet),
        mod_seq: ModSeq,
        counters: &mut Counters,
    ) -> Result<u32, Unread> {
        let mut changed = 0;
        self.touch(ranges, Some(counters), |chunk, ranges| {
            changed += chunk.set_flags(ranges, flags, mod_seq);
        })?;
        Ok(changed)
    }

    /// Gives messages another modseq. Says how many there were.
    ///
    /// # Errors
    /// [`Unread`]
    pub(crate) fn mark(&mut self, ranges: &[(Uid, Uid)], mod_seq: ModSeq) -> Result<u32, Unread> {
        let mut marked = 0;
        self.touch(ranges, None, |chunk, ranges| {
            for &(first, last) in ranges {
                let from = chunk.rows.partition_point(|row| row.uid < first);
                let to = chunk.rows.partition_point(|row| row.uid <= last);
                for own in chunk.mod_seqs.get_mut(from..to).unwrap_or_default() {
                    *own = mod_seq;
                    marked += 1;
                }
            }
        })?;
        Ok(marked)
    }

    /// Says where a message's record is now; `false` if there is no such message.
    ///
    /// # Errors
    /// [`Unread`]
    pub(crate) fn relocate(
        &mut self,
        uid: Uid,
        record: Ref,
        record_len: u32,
    ) -> Result<bool, Unread> {
        let mut found = false;
        self.touch(&[(uid, uid)], None, |chunk, _| {
            let place = chunk.place_of(uid);
            if let Some(row) = place.ok().and_then(|at| chunk.rows.get_mut(at)) {
                (row.record, row.record_len) = (record, record_len);
                found = true;
            }
        })?;
        Ok(found)
    }

    /// Removes the messages in `ranges`. Says how many there were, and how many of them from
    /// the UID `from` on.
    ///
    /// # Errors
    /// [`Unread`]
    pub(crate) fn remove(
        &mut self,
        ranges: &[(Uid, Uid)],
        from: Uid,
        counters: &mut Counters,
    ) -> Result<(u32, u32), Unread> {
        let before = counters.messages;
        let touched = self.touched(ranges);
        let mut since = 0;
        self.touch(ranges, Some(counters), |chunk, ranges| {
            let gone = |uid: Uid| {
                let at = ranges.partition_point(|(_, last)| *last < uid);
                ranges.get(at).is_some_and(|(first, _)| *first <= uid)
            };
            let mut rows = chunk.rows.iter();
            let stays = |_: &ModSeq| rows.next().is_some_and(|row| !gone(row.uid));
            chunk.mod_seqs.retain(stays);
            chunk.rows.retain(|row| {
                let gone = gone(row.uid);
                since += u32::from(gone && row.uid >= from);
                !gone
            });
            chunk.keywords.retain(|(uid, _)| !gone(*uid));
        })?;
        let removed = before - counters.messages;
        if removed > 0 {
            self.close_up(&touched);
        }
        Ok((removed, since))
    }

    /// The groups that may hold some of `ranges`.
    fn touched(&self, ranges: &[(Uid, Uid)]) -> Range<usize> {
        let (Some((first, _)), Some((_, last))) = (ranges.first(), ranges.last()) else {
            return 0..0;
        };
        let starts_by = |slot: &Slot| slot.group.first() <= last.0;
        self.group_of(*first)..self.groups.partition_point(starts_by)
    }

    /// Hands every chunk that may hold some of `ranges` to `change`, with those ranges, and
    /// counts again.
    fn touch(
        &mut self,
        ranges: &[(Uid, Uid)],
        mut counters: Option<&mut Counters>,
        mut change: impl FnMut(&mut Chunk, &[(Uid, Uid)]),
    ) -> Result<(), Unread> {
        // All or nothing.
        if self.within(ranges).any(|entry| entry.cell.get().is_none()) {
            return Err(Unread);
        }
        let mut each = |entry: &mut Entry| {
            let within = overlapping(ranges, entry.about.first, entry.about.last);
            if entry.is_empty() || within.is_empty() {
                return;
            }
            let before = entry.about;
            if let Some(chunk) = entry.rows_mut() {
                change(chunk, within);
            }
            entry.summarise();
            if let Some(counters) = &mut counters {
                counters.replace(&before, &entry.about);
            }
        };
        let touched = self.touched(ranges);
        if !touched.is_empty() {
            let groups = Arc::make_mut(&mut self.groups);
            for slot in groups.get_mut(touched).unwrap_or_default() {
                let group = &slot.group;
                if overlapping(ranges, group.first(), group.last()).is_empty() {
                    continue;
                }
                Arc::make_mut(&mut slot.group)
                    .entries
                    .iter_mut()
                    .for_each(&mut each);
            }
        }
        each(&mut self.tail);
        Ok(())
    }

    /// Tidies up groups where messages were removed, and counts the starts again.
    fn close_up(&mut self, touched: &Range<usize>) {
        let groups = Arc::make_mut(&mut self.groups);
        let mut kept: Vec<Slot> = Vec::with_capacity(groups.len());
        let mut start = 0;
        for (at, mut slot) in groups.drain(..).enumerate() {
            if touched.contains(&at) {
                Arc::make_mut(&mut slot.group).close_up();
            }
            let (len, entries) = (slot.group.len(), slot.group.entries.len());
            if entries == 0 {
                continue;
            }
            slot.start = start;
            start += len;
            match kept.last_mut() {
                Some(left) if left.group.entries.len() + entries <= MERGED_ENTRIES_MAX => {
                    let left = Arc::make_mut(&mut left.group);
                    left.entries.extend(slot.group.entries.iter().cloned());
                }
                _ => kept.push(slot),
            }
        }
        *groups = kept;
        self.tail_start = start;
        if self.tail.is_empty() {
            self.tail = Entry::default();
        }
    }
}

impl Counters {
    /// A chunk is another now.
    fn replace(&mut self, before: &Summary, after: &Summary) {
        self.messages = self.messages - before.len + after.len;
        self.unseen = self.unseen - before.unseen + after.unseen;
        self.deleted = self.deleted - before.deleted + after.deleted;
        let octets = self.octets.saturating_sub(before.octets);
        self.octets = octets.saturating_add(after.octets);
    }
}
