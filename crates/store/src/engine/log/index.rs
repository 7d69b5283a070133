//! Which batches of which accounts lie in the log beyond the checkpoint.

use std::collections::HashMap;

use super::format::RecordHeader;
use crate::id::AccountId;

/// Where a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) lsn: u64,
    /// Of its body, in octets.
    pub(crate) length: usize,
}

impl Place {
    /// Of a batch with that header.
    pub(crate) fn of(header: &RecordHeader) -> Self {
        Self {
            seq: header.seq,
            lsn: header.lsn,
            length: header.length as usize,
        }
    }

    /// What it adds to a page, in octets: never nothing.
    pub(crate) fn cost(&self) -> usize {
        self.length.saturating_add(1)
    }
}

/// The durable batches after the checkpoint's position.
#[derive(Debug, Default)]
pub(crate) struct Index {
    accounts: HashMap<AccountId, Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Everything up to this is in the checkpoint; 0 if that has not been asked.
    checkpointed: u64,
    /// The last durable one.
    last: u64,
    /// Ascending by seq and by LSN.
    batches: Vec<Place>,
}

/// What the index knows of an account.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) checkpointed: u64,
    pub(crate) last: u64,
    pub(crate) batches: Vec<Place>,
}

impl Index {
    /// Adds a durable batch; `false` if its number does not come after the last one's.
    pub(crate) fn add(&mut self, account: AccountId, place: Place) -> bool {
        let known = self.accounts.entry(account).or_default();
        if place.seq <= known.last {
            return false;
        }
        known.last = place.seq;
        known.batches.push(place);
        true
    }

    /// What is known of an account, with its batches after `after`, as many as have
    /// `octets_max` octets and one more.
    pub(crate) fn ask(&self, account: AccountId, after: u64, octets_max: usize) -> Answer {
        let Some(known) = self.accounts.get(&account) else {
            return Answer::default();
        };
        let first = known.batches.partition_point(|place| place.seq <= after);
        Answer {
            checkpointed: known.checkpointed,
            last: known.last,
            batches: known
                .batches
                .get(first..)
                .unwrap_or_default()
                .iter()
                .scan(0, |octets: &mut usize, place| {
                    let room = *octets <= octets_max;
                    *octets = octets.saturating_add(place.cost());
                    room.then_some(*place)
                })
                .collect(),
        }
    }

    /// The batches that lie before an LSN, ascending in each account.
    pub(crate) fn before(&self, lsn: u64) -> Vec<(AccountId, Place)> {
        let of = |(account, known): (&AccountId, &Known)| {
            let account = *account;
            let count = known.batches.partition_point(|place| place.lsn < lsn);
            let places = known.batches.get(..count).unwrap_or_default().to_vec();
            places.into_iter().map(move |place| (account, place))
        };
        let mut batches: Vec<_> = self.accounts.iter().flat_map(of).collect();
        batches.sort_unstable_by_key(|(account, place)| (*account, place.seq));
        batches
    }

    /// Forgets what lies before an LSN: the checkpoint has it.
    pub(crate) fn forget_before(&mut self, lsn: u64) {
        for known in self.accounts.values_mut() {
            let count = known.batches.partition_point(|place| place.lsn < lsn);
            if let Some(last) = known.batches.drain(..count).next_back() {
                known.checkpointed = known.checkpointed.max(last.seq);
            }
            if known.batches.is_empty() {
                known.batches = Vec::new();
            }
        }
    }

    /// The accounts that have any, ascending.
    pub(crate) fn pending(&self) -> Vec<AccountId> {
        let mut accounts: Vec<_> = self
            .accounts
            .iter()
            .filter(|(_, known)| !known.batches.is_empty())
            .map(|(account, _)| *account)
            .collect();
        accounts.sort_unstable();
        accounts
    }

    /// Every account, with its last durable batch.
    pub(crate) fn lasts(&self) -> impl Iterator<Item = (AccountId, u64)> {
        self.accounts
            .iter()
            .map(|(account, known)| (*account, known.last))
    }

    /// The last durable batch of an account; 0 if none is known.
    pub(crate) fn last(&self, account: AccountId) -> u64 {
        self.accounts.get(&account).map_or(0, |known| known.last)
    }

    /// Numbers up to `seq` are used up.
    pub(crate) fn skip(&mut self, account: AccountId, seq: u64) {
        let known = self.accounts.entry(account).or_default();
        known.last = known.last.max(seq);
    }

    /// Says what the checkpoint has of an account that has just been opened.
    pub(crate) fn opened(&mut self, account: AccountId, checkpointed: u64) {
        let known = self.accounts.entry(account).or_default();
        known.checkpointed = known.checkpointed.max(checkpointed);
        known.last = known.last.max(checkpointed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AccountId = AccountId(1);

    fn place(seq: u64) -> Place {
        Place {
            seq,
            lsn: seq * 100,
            length: 5,
        }
    }

    #[test]
    fn what_the_checkpoint_has_is_forgotten_and_the_rest_kept() {
        let mut index = Index::default();
        for seq in 1..=4 {
            assert!(index.add(A, place(seq)));
        }
        assert!(!index.add(A, place(4)), "a number is never used twice");
        assert_eq!(index.before(300), [(A, place(1)), (A, place(2))]);
        assert_eq!(index.before(100), []);
        index.forget_before(300);
        let rest = Answer {
            checkpointed: 2,
            last: 4,
            batches: vec![place(3), place(4)],
        };
        assert_eq!(index.ask(A, 0, 100), rest);
        assert_eq!(index.ask(A, 3, 100).batches, [place(4)]);
        assert_eq!(index.ask(A, 0, 5).batches, [place(3)]);
        assert_eq!(index.pending(), [A]);
        index.forget_before(1000);
        assert_eq!(index.pending(), []);
        assert_eq!(index.last(A), 4);
        assert!(index.add(A, place(5)));
    }

    #[test]
    fn an_account_opened_from_its_checkpoint_goes_on_from_there() {
        let mut index = Index::default();
        index.opened(A, 9);
        assert_eq!(index.last(A), 9);
        assert!(!index.add(A, place(9)));
        assert!(index.add(A, place(10)));
    }
}
