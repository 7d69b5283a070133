//! Which conversation a message belongs to: RFC 8474 §5.2.
//!
//! The only part of an account's state that its snapshots don't hold: nobody
//! reads it but an arrival. What was learned up to the last checkpoint is there, in buckets by
//! key, and is looked up when a key comes; only what was learned since is in memory. What
//! a batch that failed had taught is unlearned.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::id::{ModSeq, ThreadId};

/// How many keys a bucket has, more or less: what one more key rewrites.
const BUCKET_KEYS: u64 = 256;

/// Answers of the checkpoint that are remembered.
const LOOKED_UP_MAX: usize = 4096;

/// Thread keys, and the conversations that are found under them.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    /// What the checkpoint has.
    pub(crate) kept: Buckets,
    /// Counts checkpoints: what was looked up before may no longer be so.
    epoch: u64,
    /// What the checkpoint was asked, and what it said.
    looked_up: HashMap<u64, Option<ThreadId>>,
    /// What was learned since.
    known: HashMap<u64, ThreadId>,
    /// The same, in that order.
    recent: VecDeque<Learned>,
}

/// How the checkpoint has thread keys: by linear hashing, so that one bucket after the other is
/// split in two as their number grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// How many buckets.
    pub(crate) count: u32,
    /// How many keys in them.
    pub(crate) keys: u64,
}

/// A key, and where it was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Learned {
    mod_seq: ModSeq,
    key: u64,
    thread: ThreadId,
}

/// What the checkpoint has to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) epoch: u64,
    pub(crate) kept: Buckets,
    pub(crate) keys: Vec<u64>,
}

impl Buckets {
    /// The bucket of a key; there has to be one.
    pub(crate) fn bucket(self, key: u64) -> u32 {
        let mask = u64::from(self.count).next_power_of_two() - 1;
        let all = key & mask;
        let bucket = if all < u64::from(self.count) {
            all
        } else {
            key & (mask >> 1)
        };
        u32::try_from(bucket).unwrap_or_default()
    }

    /// As many as there should be when so many keys are added.
    pub(crate) fn grown(self, more: usize) -> Self {
        let keys = self.keys + more as u64;
        let count = u32::try_from(keys.div_ceil(BUCKET_KEYS)).unwrap_or(u32::MAX);
        Self {
            count: count.max(self.count),
            keys,
        }
    }

    /// The buckets that change when these keys are added and there are as many as `grown` says:
    /// those to be read now, and those to be written then.
    pub(crate) fn changed(
        self,
        grown: Self,
        keys: impl Iterator<Item = u64> + Clone,
    ) -> (BTreeSet<u32>, BTreeSet<u32>) {
        let mut written: BTreeSet<u32> = keys.clone().map(|key| grown.bucket(key)).collect();
        written.extend(self.count..grown.count);
        let mut read = BTreeSet::new();
        if self.count > 0 {
            read.extend(keys.map(|key| self.bucket(key)));
            // A bucket that is new was a part of one that was there.
            read.extend((self.count..grown.count).map(|new| self.bucket(new.into())));
        }
        written.extend(&read);
        (read, written)
    }
}

impl Threads {
    /// Exactly these keys, none of them in the checkpoint.
    pub(crate) fn of(mod_seq: ModSeq, keys: impl IntoIterator<Item = (u64, ThreadId)>) -> Self {
        let mut threads = Self::default();
        for (key, thread) in keys {
            threads.learn(mod_seq, &[key], thread);
        }
        threads
    }

    /// What the checkpoint has.
    pub(crate) fn kept(kept: Buckets) -> Self {
        Self {
            kept,
            ..Self::default()
        }
    }

    /// The conversation of the first key that is known.
    ///
    /// # Errors
    /// What the checkpoint has to be asked before it can be told.
    pub(crate) fn find(&self, keys: &[u64]) -> Result<Option<ThreadId>, Question> {
        let unknown = |key: &&u64| self.kept.count > 0 && !self.looked_up.contains_key(key);
        let unknown: Vec<u64> = keys.iter().filter(unknown).copied().collect();
        if !unknown.is_empty() {
            return Err(Question {
                epoch: self.epoch,
                kept: self.kept,
                keys: unknown,
            });
        }
        Ok(keys.iter().find_map(|key| {
            // The first to come with a key keeps it.
            let before = self.looked_up.get(key).copied().flatten();
            before.or_else(|| self.known.get(key).copied())
        }))
    }

    /// What the checkpoint said to a question.
    pub(crate) fn answered(&mut self, question: &Question, found: &HashMap<u64, ThreadId>) {
        if question.epoch != self.epoch || question.kept != self.kept {
            // There was a checkpoint since: it has to be asked again.
            return;
        }
        if self.looked_up.len() > LOOKED_UP_MAX {
            self.looked_up.clear();
        }
        let answers = question.keys.iter();
        self.looked_up
            .extend(answers.map(|key| (*key, found.get(key).copied())));
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

    /// What was learned up to `mod_seq` and is not in the checkpoint. It may have some of the keys
    /// all the same, which then lead where it says.
    pub(crate) fn learned(&self, mod_seq: ModSeq) -> Vec<(u64, ThreadId)> {
        self.recent
            .iter()
            .take_while(|learned| learned.mod_seq <= mod_seq)
            .map(|learned| (learned.key, learned.thread))
            .collect()
    }

    /// The checkpoint has now what was learned up to `mod_seq`.
    pub(crate) fn keep(&mut self, mod_seq: ModSeq, kept: Buckets) {
        while let Some(learned) = self.recent.pop_front_if(|l| l.mod_seq <= mod_seq) {
            self.known.remove(&learned.key);
        }
        self.kept = kept;
        self.epoch += 1;
        self.looked_up.clear();
    }

    /// The checkpoint can't be trusted: `all` was learned up to `mod_seq` instead.
    pub(crate) fn restore(&mut self, mod_seq: ModSeq, all: Self) {
        let since = self.recent.iter().filter(|l| l.mod_seq > mod_seq);
        let since: Vec<Learned> = since.copied().collect();
        let epoch = self.epoch + 1;
        *self = Self { epoch, ..all };
        for Learned {
            mod_seq,
            key,
            thread,
        } in since
        {
            self.learn(mod_seq, &[key], thread);
        }
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
        assert_eq!(threads.find(&[99, 11, 20]), Ok(Some(ThreadId(1))));
        assert_eq!(threads.find(&[20]), Ok(Some(ThreadId(2))));
        threads.unlearn_after(ModSeq(1));
        assert_eq!(threads.find(&[20]), Ok(None));
        assert_eq!(threads.find(&[11]), Ok(Some(ThreadId(1))));
        assert_eq!(threads.learned(ModSeq(1)).len(), 2);
    }

    #[test]
    fn what_the_checkpoint_has_is_asked_of_it_and_comes_first() {
        let mut threads = Threads::default();
        threads.learn(ModSeq(1), &[10], ThreadId(1));
        threads.learn(ModSeq(2), &[20], ThreadId(2));
        threads.keep(ModSeq(1), Buckets { count: 1, keys: 1 });
        let question = threads.find(&[10, 20]).unwrap_err();
        assert_eq!(question.keys, [10, 20]);
        threads.answered(&question, &HashMap::from([(10, ThreadId(1))]));
        assert_eq!(threads.find(&[10, 20]), Ok(Some(ThreadId(1))));
        assert_eq!(threads.find(&[20, 10]), Ok(Some(ThreadId(2))));
        // A fold that did not ask learns it again, in vain.
        threads.learn(ModSeq(3), &[10], ThreadId(3));
        assert_eq!(threads.find(&[10]), Ok(Some(ThreadId(1))));
        threads.keep(ModSeq(3), Buckets { count: 1, keys: 2 });
        threads.answered(&question, &HashMap::new());
        assert!(threads.find(&[10]).is_err(), "an old answer counts no more");
        let all = Threads::of(ModSeq(2), [(10, ThreadId(1)), (20, ThreadId(2))]);
        threads.learn(ModSeq(4), &[30], ThreadId(4));
        threads.restore(ModSeq(3), all);
        assert_eq!(threads.find(&[99, 20]), Ok(Some(ThreadId(2))));
        assert_eq!(threads.find(&[30]), Ok(Some(ThreadId(4))));
    }

    #[test]
    fn every_key_is_where_the_buckets_say_as_they_grow() {
        let mut kept = Buckets::default();
        let mut buckets: Vec<BTreeSet<u64>> = Vec::new();
        let mut rng = fastrand::Rng::with_seed(7);
        for more in [1, 300, 5, 256, 1000, 20_000, 3] {
            let keys: Vec<u64> = (0..more).map(|_| rng.u64(..)).collect();
            let grown = kept.grown(keys.len());
            let (read, written) = kept.changed(grown, keys.iter().copied());
            let mut moved: BTreeSet<u64> = keys.iter().copied().collect();
            for bucket in read {
                moved.append(&mut buckets[bucket as usize]);
            }
            buckets.resize(grown.count as usize, BTreeSet::new());
            for key in moved {
                let bucket = grown.bucket(key);
                assert!(written.contains(&bucket));
                buckets[bucket as usize].insert(key);
            }
            kept = grown;
            for (bucket, keys) in (0..).zip(&buckets) {
                assert!(keys.iter().all(|key| kept.bucket(*key) == bucket));
            }
        }
        let keys: usize = buckets.iter().map(BTreeSet::len).sum();
        assert_eq!((keys as u64, kept.count), (kept.keys, 85));
        assert!(buckets.iter().all(|keys| keys.len() < 700));
    }
}
