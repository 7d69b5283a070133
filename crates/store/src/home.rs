//! Which partition an account is in: the one whose log has it, and has not said that it moved away.
//!
//! A move writes the account down in the new partition, then says in the old one that it moved away,
//! then writes anything more in the new one. So a copy after which nothing came counts only
//! if the old partition says so; else it was begun in vain, and the account is where it was.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    account::commit::Shared,
    change::{Batch, Change},
    checkpoint::{self, Opened},
    engine::{Engine, Partitions},
    error::Error,
    id::{AccountId, ModSeq},
    snapshot::{Arrived, Snapshot},
};

/// Where an account is, and what it is there.
pub(crate) struct Home {
    pub(crate) engine: Engine,
    pub(crate) opened: Opened,
    /// Nothing has been written since it came: do, so that it does not hang on the other partition's word.
    pub(crate) confirm: bool,
}

/// What one partition has of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is here.
    Here {
        /// Its last batch here.
        mod_seq: u64,
    },
    /// It came from there, if that says so.
    From(u16),
    /// It went there.
    Away(u16),
}

impl Claim {
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        match (snapshot.moved_to, snapshot.unconfirmed()) {
            (Some(to), _) => Self::Away(to),
            (None, Some(from)) => Self::From(from),
            (None, None) => Self::Here {
                mod_seq: snapshot.mod_seq,
            },
        }
    }
}

/// Where an account is, by what the partitions say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nowhere: there is no such account.
    Nowhere,
    /// In that partition.
    In(u16),
    /// It came to that partition, and nothing has been written since.
    Arrived(u16),
    /// In a partition that does not say anything.
    Unknown(u16),
}

/// Judges what all partitions that can be asked say of an account.
pub(crate) fn judge(claims: &BTreeMap<u16, Claim>) -> Verdict {
    let here = claims.iter().filter_map(|(number, claim)| match claim {
        Claim::Here { mod_seq } => Some((*mod_seq, *number)),
        Claim::From(_) | Claim::Away(_) => None,
    });
    // There is one at most, unless damage took the word that it moved away.
    if let Some((_, number)) = here.max() {
        return Verdict::In(number);
    }
    for (number, claim) in claims {
        if let Claim::From(from) = claim {
            match claims.get(from) {
                Some(Claim::Away(to)) if to == number => return Verdict::Arrived(*number),
                Some(_) => {}
                None => return Verdict::Unknown(*from),
            }
        }
    }
    let away = claims.values().find_map(|claim| match claim {
        Claim::Away(to) if !claims.contains_key(to) => Some(*to),
        _ => None,
    });
    match (away, claims.is_empty()) {
        (Some(to), _) => Verdict::Unknown(to),
        (None, true) => Verdict::Nowhere,
        // All of them say it is elsewhere.
        (None, false) => Verdict::Unknown(u16::MAX),
    }
}

/// Finds an account; `None` if there is no such account yet.
///
/// # Errors
/// [`Error::OutOfService`] if it is in a partition that is not open, or may be: while one is not,
/// no account can be told to be new. Else as opening it.
pub(crate) async fn find(partitions: &Partitions, id: AccountId) -> Result<Option<Home>, Error> {
    let engines = partitions.engines();
    let missing = partitions.missing();
    let mut claims = BTreeMap::new();
    let mut found = BTreeMap::new();
    for engine in &engines {
        // With one partition there is nothing to ask.
        let alone = engines.len() == 1 && missing.is_none();
        if !alone && !engine.knows(id).await? {
            continue;
        }
        let opened = checkpoint::open(engine, id).await?;
        let snapshot = &opened.state.snapshot;
        if snapshot.mod_seq == 0 {
            continue;
        }
        let number = engine.partition().number;
        claims.insert(number, Claim::of(snapshot));
        found.insert(number, (engine.clone(), opened));
    }
    let mut home = |number: u16, confirm: bool| {
        found.remove(&number).map(|(engine, opened)| Home {
            engine,
            opened,
            confirm,
        })
    };
    match judge(&claims) {
        Verdict::In(number) => Ok(home(number, false)),
        Verdict::Arrived(number) => Ok(home(number, true)),
        Verdict::Unknown(number) => {
            partitions.get(number)?;
            let what = format!("account {id} should be in partition {number}, which has lost it");
            Err(Error::OutOfService(what.into()))
        }
        Verdict::Nowhere => match missing {
            None => Ok(None),
            Some(error) => {
                let what =
                    format!("account {id} is new, or in a partition that is missing: {error}");
                Err(Error::OutOfService(what.into()))
            }
        },
    }
}

/// A partition in which an account is or was, and its batches there.
pub(crate) struct Stay {
    pub(crate) engine: Engine,
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// Octets of batches that are looked at, at a time.
const PAGE_BYTES: usize = 1 << 20;

/// Where an account has been, in order. What lies in a partition that is not open is left out, and
/// what came before it.
///
/// # Errors
/// As reading its batches.
pub(crate) async fn stays(account: &Shared) -> Result<VecDeque<Stay>, Error> {
    let (id, partitions) = (account.id, &account.partitions);
    let (mut engine, mut last) = (account.engine(), u64::MAX);
    let mut stays = VecDeque::new();
    loop {
        let arrived = if partitions.all().len() > 1 {
            arrival(&engine, id, last).await?
        } else {
            None
        };
        stays.push_front(Stay {
            engine,
            first: arrived.map_or(1, |it| it.at.0),
            last,
        });
        let Some(arrived) = arrived else {
            return Ok(stays);
        };
        let Ok(before) = partitions.get(arrived.from) else {
            return Ok(stays);
        };
        engine = before;
        last = arrived.at.0.saturating_sub(1);
    }
}

/// How an account last came to a partition, up to a batch.
async fn arrival(engine: &Engine, id: AccountId, last: u64) -> Result<Option<Arrived>, Error> {
    let (mut after, mut arrived) = (0, None);
    loop {
        let page = engine.batches_page(id, after, PAGE_BYTES).await?;
        let Some((reached, _)) = page.last() else {
            return Ok(arrived);
        };
        after = *reached;
        for (seq, octets) in page {
            if seq > last {
                return Ok(arrived);
            }
            let batch = Batch::decode(&octets).ok();
            for change in batch.into_iter().flat_map(|batch| batch.changes) {
                if let Change::MovedHere { partition } = change {
                    arrived = Some(Arrived {
                        from: partition,
                        at: ModSeq(seq),
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_in_exactly_one_place() {
        use Claim::{Away, From, Here};
        let here = |mod_seq| Here { mod_seq };
        for (claims, verdict) in [
            (vec![], Verdict::Nowhere),
            (vec![(0, here(7))], Verdict::In(0)),
            // Before the old partition said anything, and after.
            (vec![(0, here(7)), (1, From(0))], Verdict::In(0)),
            (vec![(0, Away(1)), (1, From(0))], Verdict::Arrived(1)),
            (vec![(0, Away(1)), (1, here(9))], Verdict::In(1)),
            // One of them can't be asked.
            (vec![(1, From(0))], Verdict::Unknown(0)),
            (vec![(0, Away(1))], Verdict::Unknown(1)),
            (vec![(1, here(9))], Verdict::In(1)),
            // Begun in vain, then moved elsewhere.
            (
                vec![(0, Away(2)), (1, From(0)), (2, From(0))],
                Verdict::Arrived(2),
            ),
            // There and back.
            (vec![(0, From(1)), (1, Away(0))], Verdict::Arrived(0)),
            (vec![(0, here(9)), (1, Away(0))], Verdict::In(0)),
            // Damage took a word.
            (vec![(0, here(7)), (1, here(9))], Verdict::In(1)),
            (vec![(0, Away(1)), (1, Away(0))], Verdict::Unknown(u16::MAX)),
        ] {
            assert_eq!(
                judge(&claims.iter().copied().collect()),
                verdict,
                "{claims:?}"
            );
        }
    }
}
