//! Which UIDs were expunged, and when: what QRESYNC and views ask for.

use std::sync::Arc;

use crate::{
    id::{ModSeq, Uid},
    octets::UidRanges,
};

/// The most entries of a chunk: what one more expunge may copy, 16 octets each.
pub(crate) const CHUNK_ENTRIES_MAX: usize = 512;

/// A range of UIDs, and when it was expunged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone {
    pub(crate) mod_seq: ModSeq,
    pub(crate) first: Uid,
    pub(crate) last: Uid,
}

/// Every expunge of a mailbox, ascending by modseq. Full chunks are shared
/// by all states, the chunk that grows is copied.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    sealed: Arc<Vec<Arc<Vec<Gone>>>>,
    tail: Arc<Vec<Gone>>,
}

impl History {
    /// Puts together what a checkpoint kept; `None` if it can't be a history.
    pub(crate) fn from_chunks(chunks: Vec<Vec<Gone>>) -> Option<Self> {
        let mut history = Self::default();
        let mut last = ModSeq(0);
        for gone in chunks.into_iter().flatten() {
            if gone.mod_seq < last {
                return None;
            }
            last = gone.mod_seq;
            history.push(gone);
        }
        Some(history)
    }

    /// The chunks that hold anything, in order.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &Arc<Vec<Gone>>> {
        self.sealed
            .iter()
            .chain(std::iter::once(&self.tail))
            .filter(|chunk| !chunk.is_empty())
    }

    pub(crate) fn push(&mut self, gone: Gone) {
        let tail = Arc::make_mut(&mut self.tail);
        tail.push(gone);
        if tail.len() >= CHUNK_ENTRIES_MAX {
            Arc::make_mut(&mut self.sealed).push(std::mem::take(&mut self.tail));
        }
    }

    /// UIDs expunged after `since`: ascending, disjoint, not adjacent.
    pub(crate) fn since(&self, since: ModSeq) -> UidRanges {
        let old = |chunk: &Arc<Vec<Gone>>| chunk.last().is_some_and(|gone| gone.mod_seq <= since);
        let from = self.sealed.partition_point(old);
        let mut ranges = UidRanges::new();
        let recent = self.sealed.get(from..).unwrap_or_default();
        for chunk in recent.iter().chain(std::iter::once(&self.tail)) {
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
        ranges
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
            history.push(Gone {
                mod_seq,
                first: uid,
                last: uid,
            });
        }
        for n in 1..=500 {
            let uid = Uid(1001 - 2 * n);
            let mod_seq = ModSeq(u64::from(500 + n));
            history.push(Gone {
                mod_seq,
                first: uid,
                last: uid,
            });
        }
        assert_eq!(history.since(ModSeq(0)), [(Uid(1), Uid(1000))]);
        assert_eq!(history.since(ModSeq(1000)), []);
        assert_eq!(history.since(ModSeq(999)), [(Uid(1), Uid(1))]);
        assert_eq!(
            history.since(ModSeq(998)),
            [(Uid(1), Uid(1)), (Uid(3), Uid(3))]
        );
        assert_eq!(history.since(ModSeq(499)).first(), Some(&(Uid(1), Uid(1))));
        assert_eq!(
            history.since(ModSeq(499)).last(),
            Some(&(Uid(999), Uid(1000)))
        );
        let chunks = history.chunks().map(|chunk| chunk.to_vec()).collect();
        let again = History::from_chunks(chunks).unwrap();
        assert_eq!(again.since(ModSeq(700)), history.since(ModSeq(700)));
    }
}
