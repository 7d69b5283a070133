//! What of the log is lost, and what an account may have lost with it.
//!
//! A batch that is lost may have given out numbers that somebody was told. How many is bounded by
//! the octets that are gone; nothing else is known of it, often not even whose it was.

use std::sync::{PoisonError, atomic::Ordering};

use super::{BATCH_BYTES_MAX, disk::Disk, format::span, index::Place, shared::Shared};
use crate::{
    engine::Loss,
    error::Error,
    id::AccountId,
    octets::{Malformed, Octets, put_len, put_u64},
};

/// The least that a batch takes of the log, in octets: its header and one change.
const BATCH_BYTES_MIN: u64 = 48;
/// What is taken for the octets of batches that are missing, and nothing says how long they were.
const UNKNOWN_BYTES: u64 = 32 << 20;

/// Octets of the log that can't be read and may have been batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Where, or after what.
    pub(crate) lsn: u64,
    /// How many.
    pub(crate) octets: u64,
    /// The batch that they were, if its header can be read.
    pub(crate) batch: Option<(AccountId, u64)>,
}

/// Gaps as they lie in the log and in the checkpoint.
pub(crate) fn encode(gaps: &[Gap]) -> Vec<u8> {
    let mut octets = Vec::new();
    put_len(&mut octets, gaps.len());
    for gap in gaps {
        let (account, seq) = gap.batch.unwrap_or((AccountId(0), 0));
        for number in [gap.lsn, gap.octets, account.0, seq] {
            put_u64(&mut octets, number);
        }
    }
    octets
}

/// What [`encode`] wrote.
///
/// # Errors
/// It is not that.
pub(crate) fn decode(octets: &[u8]) -> Result<Vec<Gap>, Malformed> {
    let mut read = Octets(octets);
    let mut gaps = Vec::with_capacity(read.count(4)?);
    for _ in 0..gaps.capacity() {
        let (lsn, octets) = (read.u64()?, read.u64()?);
        let (account, seq) = (AccountId(read.u64()?), read.u64()?);
        gaps.push(Gap {
            lsn,
            octets,
            batch: (account.0 != 0).then_some((account, seq)),
        });
    }
    read.end()?;
    Ok(gaps)
}

/// Between which of an account's batches something may be lost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Between {
    /// The one before, by its number and where it is; 0 if there is none.
    pub(crate) after: (u64, u64),
    /// The one behind.
    pub(crate) before: Option<(u64, u64)>,
    /// The account's last batch, as far as anything tells.
    pub(crate) head: u64,
}

/// What an account may have lost between two of its batches. `places` are those that are known to have
/// been there, and can't be read.
pub(crate) fn loss(
    account: AccountId,
    between: &Between,
    gaps: &[Gap],
    places: &[Place],
) -> Option<Loss> {
    let Between {
        after: (after, from),
        before,
        head,
    } = *between;
    let (before, to) = before.unwrap_or((u64::MAX, u64::MAX));
    let known: u64 = places.iter().map(|place| span(place.length)).sum();
    let last = places.last().map_or(after, |place| place.seq).max(after);
    if before <= after + 1 {
        return None;
    }
    if before != u64::MAX && places.len() as u64 == before - after - 1 {
        return Some(Loss {
            last: before - 1,
            octets: known,
        });
    }
    let (mut last, mut octets) = (last, known);
    for gap in gaps {
        match gap.batch {
            Some((of, seq)) if of == account && after < seq && seq < before => {
                if places.iter().all(|place| place.seq != seq) {
                    octets = octets.saturating_add(gap.octets);
                }
                last = last.max(seq);
            }
            None if from < gap.lsn && gap.lsn < to => {
                octets = octets.saturating_add(gap.octets);
                last = last.saturating_add(gap.octets / BATCH_BYTES_MIN);
            }
            Some(_) | None => {}
        }
    }
    if before != u64::MAX {
        last = before - 1;
    }
    last = last.max(head.min(before.saturating_sub(1)));
    (last > after).then_some(Loss {
        last,
        octets: if octets == 0 { UNKNOWN_BYTES } else { octets },
    })
}

impl<D: Disk> Shared<D> {
    /// See [`crate::engine::Engine::loss`]; waits for the disk.
    pub(crate) fn loss(
        &self,
        account: AccountId,
        after: u64,
        before: Option<u64>,
    ) -> Result<Option<Loss>, Error> {
        let answer = {
            let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
            index.ask(account, after.saturating_sub(1), usize::MAX)
        };
        if before.is_none() && self.gaps.is_empty() && answer.last <= after {
            return Ok(None);
        }
        let end = before.map_or(u64::MAX, |before| before.saturating_add(1));
        let kept = self.derived(|it| it.places(account, after..end, usize::MAX))?;
        let mut places = kept.1;
        // The checkpoint's numbers have no checksum: what can't be is not believed.
        let reach = self.durable.load(Ordering::Acquire);
        places.retain(|it| it.length <= BATCH_BYTES_MAX && it.lsn < reach);
        places.extend(answer.batches.into_iter().filter(|place| place.seq < end));
        let lsn = |seq: u64| places.iter().find(|it| it.seq == seq).map(|it| it.lsn);
        let between = Between {
            after: (after, lsn(after).unwrap_or(0)),
            before: before.map(|seq| (seq, lsn(seq).unwrap_or(u64::MAX))),
            head: Some(answer.last)
                .filter(|last| last.saturating_sub(after) <= reach / BATCH_BYTES_MIN)
                .unwrap_or(after),
        };
        places.retain(|it| it.seq > after && before.is_none_or(|before| it.seq < before));
        Ok(loss(account, &between, &self.gaps, &places))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: AccountId = AccountId(1);
    const B: AccountId = AccountId(2);

    fn gap(lsn: u64, octets: u64, batch: Option<(AccountId, u64)>) -> Gap {
        Gap { lsn, octets, batch }
    }

    #[test]
    fn gaps_come_back() {
        let gaps = vec![gap(8, 100, None), gap(1 << 40, 9, Some((A, 7)))];
        assert_eq!(decode(&encode(&gaps)), Ok(gaps));
        assert!(decode(&[9, 1]).is_err());
    }

    /// Before which batch, at 500; gaps; the batches known to have been there; the loss.
    type Case = (
        &'static str,
        Option<u64>,
        Vec<Gap>,
        Vec<u64>,
        Option<(u64, u64)>,
    );

    /// After batch 4, at 200.
    fn cases() -> Vec<Case> {
        let (five, six) = (Some((A, 5)), Some((A, 6)));
        let one = |lsn, octets| vec![gap(lsn, octets, None)];
        let two = |one: Vec<Gap>, other: Vec<Gap>| [one, other].concat();
        let named = vec![gap(300, 60, five), gap(400, 50, six)];
        let mixed = vec![gap(305, 48, five), gap(350, 90, None)];
        let unknown = Some((6, UNKNOWN_BYTES));
        let elsewhere = two(one(100, 96), one(600, 9));
        vec![
            ("two that follow", Some(5), one(300, 96), vec![], None),
            ("a gap", Some(7), one(300, 96), vec![], Some((6, 96))),
            ("elsewhere", Some(7), elsewhere, vec![], unknown),
            ("named", Some(7), named, vec![], Some((6, 110))),
            ("known", Some(7), one(300, 1), vec![5, 6], Some((6, 96))),
            ("one known", Some(7), mixed, vec![5], Some((6, 138))),
            ("nothing behind", None, one(100, 960), vec![], None),
            (
                "anybody's behind",
                None,
                two(one(600, 100), one(800, 48)),
                vec![],
                Some((7, 148)),
            ),
            ("too short behind", None, one(600, 40), vec![], None),
            (
                "another's behind",
                None,
                vec![gap(600, 400, Some((B, 5)))],
                vec![],
                None,
            ),
            (
                "named behind",
                None,
                vec![gap(600, 100, five)],
                vec![],
                Some((5, 100)),
            ),
        ]
    }

    #[test]
    fn a_loss_is_bounded_by_what_is_known() {
        let place = |seq: &u64| Place {
            seq: *seq,
            lsn: 300 + seq,
            length: 8,
        };
        for (name, before, gaps, places, expected) in cases() {
            let between = Between {
                after: (4, 200),
                before: before.map(|seq| (seq, 500)),
                head: 4,
            };
            let places: Vec<Place> = places.iter().map(place).collect();
            let found = loss(A, &between, &gaps, &places);
            assert_eq!(found.map(|it| (it.last, it.octets)), expected, "{name}");
        }
        let none = Between {
            after: (0, 0),
            before: None,
            head: 9,
        };
        let found = |gaps: &[Gap]| loss(A, &none, gaps, &[]).map(|it| (it.last, it.octets));
        assert_eq!(found(&[gap(8, 480, None)]), Some((10, 480)));
        assert_eq!(found(&[]), Some((9, UNKNOWN_BYTES)));
    }
}
