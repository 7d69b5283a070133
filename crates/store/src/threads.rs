//! Which conversation a message belongs to: RFC 8474 §5.2.
//!
//! The only part of an account's state that its snapshots don't hold: nobody
//! reads it but an arrival. What a batch that failed had taught is unlearned.

use std::collections::{HashMap, VecDeque};

use crate::id::{ModSeq, ThreadId};

/// Entries of a chunk in the checkpoint.
pub(crate) const CHUNK_ENTRIES: usize = 4096;

/// Thread keys, and the conversations that are found under them.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    known: HashMap<u64, ThreadId>,
    /// Full chunks that the checkpoint has.
    pub(crate) sealed: u32,
    /// How many of `recent` the checkpoint has besides.
    pub(crate) saved: usize,
    /// What was learned since, in that order.
    recent: VecDeque<Learned>,
}

/// A key, and where it was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Learned {
    pub(crate) mod_seq: ModSeq,
    pub(crate) key: u64,
    pub(crate) thread: ThreadId,
}

impl Threads {
    /// The conversation of the first key that is known.
    pub(crate) fn find(&self, keys: &[u64]) -> Option<ThreadId> {
        keys.iter().find_map(|key| self.known.get(key).copied())
    }

    /// From now on these keys lead there, unless they lead somewhere already.
    pub(crate) fn learn(&mut self, mod_seq: ModSeq, keys: &[u64], thread: ThreadId) {
        for &key in keys {
            self.known.entry(key).or_insert_with(|| {
                self.recent.push_back(Learned {
                    mod_seq,
                    key,
                    thread,
                });
                thread
            });
        }
    }

    /// Forgets what was learned after `mod_seq`.
    pub(crate) fn unlearn_after(&mut self, mod_seq: ModSeq) {
        while let Some(learned) = self.recent.pop_back_if(|l| l.mod_seq > mod_seq) {
            self.known.remove(&learned.key);
        }
    }

    /// A chunk that the checkpoint has: a full one need not be kept apart.
    pub(crate) fn load(&mut self, chunk: &[(u64, ThreadId)]) {
        let full = chunk.len() == CHUNK_ENTRIES;
        self.sealed += u32::from(full);
        for &(key, thread) in chunk {
            self.known.insert(key, thread);
            if !full {
                self.saved += 1;
                self.recent.push_back(Learned {
                    mod_seq: ModSeq(0),
                    key,
                    thread,
                });
            }
        }
    }

    /// What was learned up to `mod_seq` and is in no full chunk of the checkpoint.
    pub(crate) fn unsealed(&self, mod_seq: ModSeq) -> Vec<(u64, ThreadId)> {
        self.recent
            .iter()
            .take_while(|learned| learned.mod_seq <= mod_seq)
            .map(|learned| (learned.key, learned.thread))
            .collect()
    }

    /// The checkpoint has so many full chunks now, and so many entries besides.
    pub(crate) fn seal(&mut self, chunks: u32, saved: usize) {
        let more = chunks.saturating_sub(self.sealed) as usize;
        let entries = more.saturating_mul(CHUNK_ENTRIES).min(self.recent.len());
        self.recent.drain(..entries);
        self.sealed = self.sealed.max(chunks);
        self.saved = saved;
    }

    /// All that are known, in the order of the keys.
    pub(crate) fn every(&self) -> Vec<(u64, ThreadId)> {
        let mut known: Vec<_> = self.known.iter().map(|(key, id)| (*key, *id)).collect();
        known.sort_unstable();
        known
    }

    /// How many keys are known.
    pub(crate) fn len(&self) -> u64 {
        self.known.len() as u64
    }

    /// Whether both know the same.
    #[cfg(test)]
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.known == other.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_that_is_known_decides() {
        let mut threads = Threads::default();
        threads.learn(ModSeq(1), &[10, 11], ThreadId(1));
        threads.learn(ModSeq(2), &[20, 11], ThreadId(2));
        assert_eq!(threads.find(&[99, 11, 20]), Some(ThreadId(1)));
        assert_eq!(threads.find(&[20]), Some(ThreadId(2)));
        threads.unlearn_after(ModSeq(1));
        assert_eq!(threads.find(&[20]), None);
        assert_eq!(threads.find(&[11]), Some(ThreadId(1)));
        assert_eq!(threads.unsealed(ModSeq(1)).len(), 2);
    }
}
