//! Which UIDs were expunged, and when: what QRESYNC and views ask for.

use std::sync::Arc;

use crate::{
    id::{ModSeq, Uid},
    mailbox::{cell::Cell, placements::Unread},
    octets::UidRanges,
};

/// The most full chunks of expunges that an open mailbox has in memory: a megabyte of the newest.
/// A client that was away for longer is told what is gone by what is there.
const RECENT_CHUNKS_MAX: usize = 128;

/// The most entries of a chunk: what one more expunge may copy, 16 octets each.
pub(crate) const CHUNK_ENTRIES_MAX: usize = 512;

/// A range of UIDs, and when it was expunged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) mod_seq: ModSeq,
    pub(crate) first: Uid,
    pub(crate) last: Uid,
}

/// A chunk of expunges, and what need not be looked up in it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) len: u32,
    /// The modseq of the last one.
    pub(crate) last: ModSeq,
    pub(crate) cell: Arc<Cell<Vec<Gone>>>,
}

/// Every expunge of a mailbox, ascending by modseq. Full chunks are shared
/// by all states, the chunk that grows is copied.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    sealed: Arc<Vec<Entry>>,
    tail: Entry,
}

/// The newest expunges of a mailbox, held.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recent {
    chunks: Vec<Arc<Vec<Gone>>>,
    /// Of what was expunged up to this nothing is known; `None`: these are all.
    from: Option<ModSeq>,
}

impl Default for Entry {
    fn default() -> Self {
        Self {
            len: 0,
            last: ModSeq(0),
            cell: Arc::default(),
        }
    }
}

impl Entry {
    /// A chunk that the checkpoint has.
    pub(crate) fn kept(len: u32, last: ModSeq) -> Self {
        Self {
            len,
            last,
            cell: Arc::new(Cell::kept()),
        }
    }

    /// How many expunges, and the modseq of the last.
    pub(crate) fn about(chunk: &[Gone]) -> (u32, ModSeq) {
        let len = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
        let last = chunk.last().map_or(ModSeq(0), |gone| gone.mod_seq);
        (len, last)
    }

    fn is_full(&self) -> bool {
        self.len as usize >= CHUNK_ENTRIES_MAX
    }
}

impl History {
    /// Puts together what a checkpoint kept; `None` if it can't be a history.
    pub(crate) fn from_entries(mut entries: Vec<Entry>) -> Option<Self> {
        let fits = |entry: &Entry| entry.len > 0 && entry.len as usize <= CHUNK_ENTRIES_MAX;
        if !entries.is_sorted_by_key(|entry| entry.last) || !entries.iter().all(fits) {
            return None;
        }
        let tail = entries.pop_if(|entry| !entry.is_full()).unwrap_or_default();
        if !entries.iter().all(Entry::is_full) {
            return None;
        }
        Some(Self {
            sealed: Arc::new(entries),
            tail,
        })
    }

    /// How many ranges of UIDs were expunged.
    pub(crate) fn len(&self) -> u64 {
        self.entries().map(|entry| u64::from(entry.len)).sum()
    }

    /// The chunks that hold anything, in order.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.sealed
            .iter()
            .chain(std::iter::once(&self.tail))
            .filter(|entry| entry.len > 0)
    }

    /// The chunks that [`History::recent`] holds, with their numbers.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (u32, &Entry)> {
        let skipped = self.sealed.len().saturating_sub(RECENT_CHUNKS_MAX);
        (0..).zip(self.entries()).skip(skipped)
    }

    /// The chunk that grows, with its number; may be empty.
    pub(crate) fn tail(&self) -> (u32, &Entry) {
        let number = u32::try_from(self.sealed.len()).unwrap_or(u32::MAX);
        (number, &self.tail)
    }

    /// The newest expunges, if they are in memory.
    pub(crate) fn recent(&self) -> Option<Recent> {
        let skipped = self.sealed.len().checked_sub(RECENT_CHUNKS_MAX + 1);
        let before = skipped.and_then(|last| self.sealed.get(last));
        let chunks = self.newest().map(|(_, entry)| entry.cell.get());
        Some(Recent {
            chunks: chunks.collect::<Option<_>>()?,
            from: before.map(|entry| entry.last),
        })
    }

    /// Adds an expunge.
    ///
    /// # Errors
    /// [`Unread`]: the chunk that grows is not in memory.
    pub(crate) fn push(&mut self, gone: Gone) -> Result<(), Unread> {
        let tail = &mut self.tail;
        let chunk = Cell::make_mut(&mut tail.cell, Vec::clone).ok_or(Unread)?;
        chunk.push(gone);
        tail.len += 1;
        tail.last = gone.mod_seq;
        if tail.is_full() {
            Arc::make_mut(&mut self.sealed).push(std::mem::take(&mut self.tail));
        }
        Ok(())
    }
}

impl Recent {
    /// UIDs expunged after `since`: ascending, disjoint, not adjacent. `None` if these don't go
    /// back that far.
    pub(crate) fn since(&self, since: ModSeq) -> Option<UidRanges> {
        if self.from.is_some_and(|from| since < from) {
            return None;
        }
        let old = |chunk: &Arc<Vec<Gone>>| chunk.last().is_some_and(|gone| gone.mod_seq <= since);
        let from = self.chunks.partition_point(old);
        let mut ranges = UidRanges::new();
        for chunk in self.chunks.get(from..).unwrap_or_default() {
            let from = chunk.partition_point(|gone| gone.mod_seq <= since);
            let entries = chunk.get(from..).unwrap_or_default();
            ranges.extend(entries.iter().map(|gone| (gone.first, gone.last)));
        }
        ranges.sort_unstable();
        ranges.dedup_by(|next, kept| {
            let adjoins = next.0.0 <= kept.1.0.saturating_add(1);
            if adjoins {
                kept.1 = kept.1.max(next.1);
            }
            adjoins
        });
        Some(ranges)
    }

    /// Every expunge that is held.
    pub(crate) fn every(&self) -> impl Iterator<Item = &Gone> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_went_after_a_modseq() {
        let mut history = History::default();
        // Even UIDs upwards, then odd ones downwards: modseqs 1..=1000.
        for n in 1..=500 {
            let uid = Uid(2 * n);
            let mod_seq = ModSeq(n.into());
            history
                .push(Gone {
                    mod_seq,
                    first: uid,
                    last: uid,
                })
                .unwrap();
        }
        for n in 1..=500 {
            let uid = Uid(1001 - 2 * n);
            let mod_seq = ModSeq(u64::from(500 + n));
            history
                .push(Gone {
                    mod_seq,
                    first: uid,
                    last: uid,
                })
                .unwrap();
        }
        let since = |n| history.recent().unwrap().since(ModSeq(n)).unwrap();
        assert_eq!(since(0), [(Uid(1), Uid(1000))]);
        assert_eq!(since(1000), []);
        assert_eq!(since(999), [(Uid(1), Uid(1))]);
        assert_eq!(since(998), [(Uid(1), Uid(1)), (Uid(3), Uid(3))]);
        assert_eq!(since(499).first(), Some(&(Uid(1), Uid(1))));
        assert_eq!(since(499).last(), Some(&(Uid(999), Uid(1000))));
        let again = History::from_entries(history.entries().cloned().collect()).unwrap();
        let recent = again.recent().unwrap();
        assert_eq!(recent.since(ModSeq(700)), Some(since(700)));
    }

    #[test]
    fn a_long_memory_is_not_all_held() {
        let mut history = History::default();
        let chunk = u32::try_from(CHUNK_ENTRIES_MAX).unwrap();
        let all = u32::try_from(RECENT_CHUNKS_MAX + 3).unwrap() * chunk + 7;
        for n in 1..=all {
            let (uid, mod_seq) = (Uid(2 * n), ModSeq(n.into()));
            let (first, last) = (uid, uid);
            let gone = Gone {
                mod_seq,
                first,
                last,
            };
            history.push(gone).unwrap();
        }
        assert_eq!(history.len(), u64::from(all));
        let recent = history.recent().unwrap();
        assert_eq!(recent.since(ModSeq(u64::from(3 * chunk) - 1)), None);
        let held = recent.since(ModSeq(u64::from(3 * chunk))).unwrap();
        assert_eq!(held.len(), (all - 3 * chunk) as usize);
    }
}
