//! What is alive in the log, as sorted places: a few octets for each message and each of its pieces.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Accounts, account::Needs};
use crate::{
    email::{Piece, Put, Record},
    engine::{Engine, Partitions, Ref, Sealed, Sweep, SweepKind, WalkKind},
    error::Error,
    id::AccountId,
};

/// What accounts need, while it is gathered.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Message records, and their octets.
    records: Vec<(Ref, u32)>,
    blobs: Vec<Ref>,
    /// The first batch that is needed of each account that was read completely.
    whole: BTreeMap<AccountId, First>,
    /// Accounts of which something is missing.
    damaged: Accounts,
    /// There are accounts of which nothing is known.
    pub(super) unread: bool,
    /// There are octets in the log that can't be read.
    gaps: bool,
}

impl Marks {
    /// What an account needs.
    pub(super) fn account(&mut self, id: AccountId, mut needs: Needs) {
        self.records.append(&mut needs.records);
        self.blobs.extend(needs.pieces.iter().map(|piece| piece.at));
        if needs.damage.is_some() {
            self.damaged.insert(id);
        } else {
            let first = First {
                home: needs.home,
                batch: needs.first_batch,
            };
            self.whole.insert(id, first);
        }
    }

    /// Message records of accounts that were not read completely: what is missing may refer to them.
    ///
    /// # Errors
    /// As sweeping.
    pub(super) async fn strays(&mut self, engine: &Engine, sealed: &Sealed) -> Result<(), Error> {
        let whole: Accounts = self.whole.keys().copied().collect();
        let found = Arc::new(Mutex::new((Vec::new(), false)));
        let note = Arc::clone(&found);
        let look = move |item: &Sweep| {
            let mut found = note.lock().unwrap_or_else(PoisonError::into_inner);
            match item.what {
                SweepKind::Record(WalkKind::Message, account) => {
                    if account.is_none_or(|account| !whole.contains(&account)) {
                        found.0.push((item.at.start, item.body_octets));
                    }
                }
                SweepKind::Gap | SweepKind::Doubtful => found.1 = true,
                SweepKind::Record(..) | SweepKind::Commit => {}
            }
            false
        };
        engine.sweep(sealed.number, Box::new(look)).await?;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        self.records.append(&mut found.0);
        self.gaps |= found.1;
        Ok(())
    }

    /// All message records that are needed, in the order of the log.
    pub(super) fn records(&mut self) -> Vec<(Ref, u32)> {
        let mut records = std::mem::take(&mut self.records);
        records.sort_unstable();
        records.dedup();
        self.blobs.extend(records.iter().map(|(at, _)| *at));
        records
    }

    pub(super) fn into_live(self) -> Live {
        let incomplete = self.unread || !self.damaged.is_empty();
        Live {
            places: self.blobs,
            whole: self.whole,
            // A record that can't be read, of a message whose batch can't be read either, had pieces.
            blobs_kept: incomplete && self.gaps,
            incomplete,
            unread: BTreeMap::new(),
        }
    }
}

/// The first batch of an account that is needed in the partition it is in.
#[derive(Debug, Clone, Copy)]
struct First {
    home: u16,
    batch: u64,
}

/// What is alive.
#[derive(Debug)]
pub(super) struct Live {
    /// Message records and blobs, ascending once sorted.
    places: Vec<Ref>,
    whole: BTreeMap<AccountId, First>,
    blobs_kept: bool,
    /// Something of some account is not known.
    incomplete: bool,
    /// By partition: below this there are pieces of a record that can't be read.
    unread: BTreeMap<u16, u64>,
}

impl Live {
    /// The pieces of a message's record are alive. The inner error says what can't be read.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::OutOfService`].
    pub(super) async fn record(
        &mut self,
        partitions: &Partitions,
        at: Ref,
        len: u32,
    ) -> Result<Result<(), String>, Error> {
        match pieces(partitions, Piece { at, len }).await {
            Ok(mut pieces) => {
                self.places.append(&mut pieces);
                Ok(Ok(()))
            }
            // It went before a hold was laid, or before it was thought to be needed again.
            Err(Error::Corrupt { .. }) if partitions.is_freed(at) => Ok(Ok(())),
            Err(error @ Error::Corrupt { .. }) => {
                let before = self.unread.entry(at.partition()).or_default();
                *before = at.lsn().max(*before);
                let what = format!(
                    "octets of messages before {}, as a record can't be read: {error}",
                    at.lsn()
                );
                Ok(Err(what))
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn sort(&mut self) {
        self.places.sort_unstable();
        self.places.dedup();
        self.places.shrink_to_fit();
    }

    /// The first batch that is needed of each account in a partition of which there are such that are
    /// not.
    pub(super) fn forgotten(&self, home: u16) -> Vec<(AccountId, u64)> {
        let here = |first: &First| first.home == home && first.batch > 1;
        let some = self.whole.iter().filter(|(_, first)| here(first));
        some.map(|(account, first)| (*account, first.batch))
            .collect()
    }

    fn has(&self, at: Ref) -> bool {
        self.places.binary_search(&at).is_ok()
    }

    /// Whether a piece could be of a record that can't be read.
    fn may_be_of_unread(&self, at: Ref) -> bool {
        let own = self.unread.get(&at.partition());
        let others = self.unread.keys().any(|number| *number != at.partition());
        // Pieces come before their record, if they are in the same log.
        self.blobs_kept || others || own.is_some_and(|record| at.lsn() < *record)
    }

    /// Whether nobody needs it.
    pub(super) fn is_dead(&self, item: &Sweep) -> bool {
        let at = item.at.start;
        let whole = |account: Option<AccountId>| account.and_then(|it| self.whole.get(&it));
        match item.what {
            SweepKind::Commit => true,
            SweepKind::Record(WalkKind::Batch { seq }, account) => {
                // Where it was before, its last one says where it went.
                whole(account).is_some_and(|it| seq < it.batch && at.partition() == it.home)
            }
            SweepKind::Record(WalkKind::Message, account) => {
                whole(account).is_some() && !self.has(at)
            }
            SweepKind::Record(WalkKind::Blob, account) => {
                let known = account.is_none() || whole(account).is_some();
                known && !self.has(at) && !self.may_be_of_unread(at)
            }
            // Damage is kept for a person.
            SweepKind::Gap => false,
            SweepKind::Doubtful => {
                let from = self.places.partition_point(|place| *place < at);
                let next = self.places.get(from);
                let empty = next.is_none_or(|place| *place >= item.at.end);
                // Batches are not among the places: one that can't be read makes its account incomplete.
                empty && !self.incomplete && self.unread.is_empty()
            }
        }
    }
}

/// Where a message's octets are, and its record if that is in pieces.
async fn pieces(partitions: &Partitions, record: Piece) -> Result<Vec<Ref>, Error> {
    let read = async |piece: Piece, into: &mut Vec<u8>| {
        let length = piece.len as usize;
        let read = partitions.read(piece.at, 0..length, Some(length), into);
        read.await.map(|_| ())
    };
    let damaged = |what: &'static str| Error::Corrupt {
        file: "log".into(),
        offset: record.at.lsn(),
        what: what.into(),
    };
    let mut octets = Vec::new();
    read(record, &mut octets).await?;
    let places = |pieces: &[Piece]| pieces.iter().map(|piece| piece.at).collect::<Vec<Ref>>();
    match Record::decode(octets).map_err(|why| damaged(why.0))? {
        Put::Whole(record) => Ok(places(&record.pieces)),
        Put::Pieces(parts) => {
            let mut octets = Vec::new();
            for part in &parts {
                read(*part, &mut octets).await?;
            }
            let Put::Whole(record) = Record::decode(octets).map_err(|why| damaged(why.0))? else {
                return Err(damaged("pieces of pieces"));
            };
            Ok([places(&parts), places(&record.pieces)].concat())
        }
    }
}
