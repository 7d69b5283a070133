//! What one account needs of the log.

use std::collections::BTreeSet;

use super::{CompactOptions, GRACE_SECONDS, pace::Pace};
use crate::{
    account::Account,
    change::{Batch, Change},
    checkpoint::base,
    email::Piece,
    engine::Ref,
    error::Error,
    fold::{self, State},
    id::{MailboxId, ModSeq, Uid},
    mailbox::{Mailbox, placements::Placements},
    past::Batches,
};

/// Octets of batches after the last base before another is worth while.
const BASE_AFTER: u64 = 1 << 20;

/// What an account needs.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// Message records, and their octets.
    pub(super) records: Vec<(Ref, u32)>,
    /// Pieces of bases.
    pub(super) pieces: Vec<Piece>,
    /// Its first batch that is needed.
    pub(super) first_batch: u64,
    /// The number of the partition that it is in: what it has elsewhere is needed.
    pub(super) home: u16,
    /// Why that is not all that it needs, if it may not be.
    pub(super) damage: Option<String>,
    /// Its batches have grown far beyond its state.
    pub(super) wants_base: bool,
}

/// Reads all of an account that there is in the log, and tells what of that it needs.
///
/// # Errors
/// [`Error::Io`].
pub(super) async fn read_account(
    account: &Account,
    options: &CompactOptions,
    pace: &mut Pace,
) -> Result<Needs, Error> {
    // If it is moved right after, what it has here is old, and needed as it is.
    let home = account.shared.engine().partition().number;
    let now = account.snapshot().mod_seq();
    let kept = options.retention.horizon(options.now);
    let mut reading = Reading {
        cutoff: kept.saturating_sub(i64::try_from(GRACE_SECONDS).unwrap_or(i64::MAX)),
        now: options.now,
        ..Reading::default()
    };
    let mut batches = Batches::between(&account.shared, ModSeq(0), now);
    loop {
        let batch = match batches.next().await {
            Ok(Some(batch)) => batch,
            Ok(None) => break,
            Err(Error::Corrupt { what, .. }) => {
                reading.damage = Some(format!("its batches can't be read: {what}"));
                break;
            }
            Err(error) => return Err(error),
        };
        let octets = batches.octets();
        pace.spend(octets).await;
        reading.follow(account, &batch).await?;
        reading.batch(&batch, octets);
    }
    if reading.state.snapshot.mod_seq < now.0 {
        reading.damage = Some(format!(
            "its batches after {} are missing or damaged",
            reading.state.snapshot.mod_seq
        ));
    }
    Ok(Needs {
        home,
        ..reading.finish(account).await?
    })
}

/// What is known of an account while its batches are read.
#[derive(Debug, Default)]
struct Reading {
    /// What went before this is beyond reach, in unix seconds.
    cutoff: i64,
    now: i64,
    state: State,
    damage: Option<String>,
    /// The first batch that is not beyond reach.
    recent: Option<u64>,
    /// The first of batches whose time has not come yet: it is told by those after them.
    undated: Option<u64>,
    removed: Vec<Removed>,
    /// Mailboxes that were deleted under a hold.
    held: BTreeSet<MailboxId>,
    bases: Vec<(u64, Vec<Piece>)>,
    /// When it came to the partition that it is in.
    arrived: u64,
    /// Octets of batches since the last base.
    octets: u64,
}

/// A message that went.
#[derive(Debug)]
struct Removed {
    mod_seq: u64,
    mailbox: MailboxId,
    record: Ref,
    record_len: u32,
}

impl Reading {
    /// Sees whether a batch follows on the one before; if not, whether it brings the whole state.
    async fn follow(&mut self, account: &Account, batch: &Batch) -> Result<(), Error> {
        let last = self.state.snapshot.mod_seq;
        let follows = batch.mod_seq.0 == last + 1;
        if let Some(pieces) = base::begins(batch, follows && self.damage.is_none())
            && let Some(mut state) = read_base(account, pieces).await?
        {
            // What came before it is not needed to know what is there now.
            state.snapshot.mod_seq = last.max(batch.mod_seq.0 - 1);
            self.state = state;
            self.damage = None;
        } else if !follows {
            let what = format!("its batch {} is missing or damaged", last + 1);
            self.damage.get_or_insert(what);
            self.state.snapshot.mod_seq = batch.mod_seq.0 - 1;
        }
        Ok(())
    }

    fn batch(&mut self, batch: &Batch, octets: u64) {
        let mod_seq = batch.mod_seq.0;
        self.octets = self.octets.saturating_add(octets);
        if self.recent.is_none() {
            if batch.time > self.now {
                self.undated.get_or_insert(mod_seq);
            } else if batch.time > self.cutoff {
                self.recent = Some(self.undated.unwrap_or(mod_seq));
            } else {
                self.undated = None;
            }
        }
        for change in &batch.changes {
            self.remove(mod_seq, change);
            let applied = fold::apply(
                &mut self.state.snapshot,
                &mut self.state.threads,
                batch.mod_seq,
                change,
            );
            if let Err(misfit) = applied {
                let what = format!("its batch {mod_seq} does not fit: {}", misfit.0);
                self.damage.get_or_insert(what);
            }
            if let Change::Base { pieces } = change {
                self.bases.push((mod_seq, pieces.clone()));
                self.octets = 0;
            }
            if let Change::MovedHere { .. } = change {
                self.arrived = mod_seq;
            }
        }
        self.state.snapshot.mod_seq = mod_seq;
    }

    /// Notes what a change is about to remove.
    fn remove(&mut self, mod_seq: u64, change: &Change) {
        let (id, uids) = match change {
            Change::Expunged { mailbox, uids } => (*mailbox, &uids[..]),
            Change::MailboxDeleted { id } => (*id, &[(Uid(1), Uid(u32::MAX))][..]),
            _ => return,
        };
        let Some(mailbox) = self.state.snapshot.mailbox(id) else {
            return;
        };
        if mailbox.held() && matches!(change, Change::MailboxDeleted { .. }) {
            self.held.insert(id);
        }
        for (first, last) in uids {
            each(mailbox, (*first, *last), |record, record_len| {
                self.removed.push(Removed {
                    mod_seq,
                    mailbox: id,
                    record,
                    record_len,
                });
            });
        }
    }

    async fn finish(self, account: &Account) -> Result<Needs, Error> {
        let snapshot = &self.state.snapshot;
        let mut records = Vec::new();
        for (_, mailbox) in snapshot.mailboxes() {
            each(mailbox, (Uid(1), Uid(u32::MAX)), |record, len| {
                records.push((record, len));
            });
        }
        let recent = self.recent.or(self.undated).unwrap_or(u64::MAX);
        let held = |id: MailboxId| {
            let there = snapshot.mailbox(id).is_some_and(|it| it.held());
            snapshot.held() || there || self.held.contains(&id)
        };
        let kept = self.removed.iter();
        let kept = kept.filter(|removed| removed.mod_seq >= recent || held(removed.mailbox));
        records.extend(kept.map(|removed| (removed.record, removed.record_len)));
        let any_held = snapshot.held()
            || !self.held.is_empty()
            || snapshot.mailboxes().any(|(_, mailbox)| mailbox.held());
        let mut first_batch = 1;
        if self.damage.is_none() && !any_held {
            for (mod_seq, pieces) in self.bases.iter().rev() {
                // It has to be whole before anything is given up for it.
                if *mod_seq < recent && read_base(account, pieces).await?.is_some() {
                    first_batch = *mod_seq;
                    break;
                }
            }
        }
        let bases = self.bases.into_iter();
        let arrived = self.arrived;
        let bases = bases.filter(|(mod_seq, _)| *mod_seq >= first_batch || *mod_seq < arrived);
        Ok(Needs {
            pieces: bases.flat_map(|(_, pieces)| pieces).collect(),
            wants_base: self.damage.is_none() && wants_base(self.octets, &self.state),
            records,
            first_batch,
            home: 0,
            damage: self.damage,
        })
    }
}

/// Whether so many octets of batches are far more than the state would take.
fn wants_base(octets: u64, state: &State) -> bool {
    let messages: u64 = state
        .snapshot
        .mailboxes()
        .map(|(_, mailbox)| u64::from(mailbox.len()))
        .sum();
    // Some 50 octets for a message in the checkpoint, thread keys included.
    octets > BASE_AFTER.max(messages * 100)
}

/// Every message of a mailbox with a UID in a range.
fn each(mailbox: &Mailbox, (first, last): (Uid, Uid), mut visit: impl FnMut(Ref, u32)) {
    let range = [(first, last)];
    let part = Placements::part(mailbox.placements.within(&range));
    let part = part.expect("what is folded from nothing, or from a base, is in memory");
    for message in part.range(first, last) {
        visit(message.record, message.record_len);
    }
}

/// The state that a base is, if it can be read.
///
/// # Errors
/// [`Error::Io`], [`Error::OutOfService`].
async fn read_base(account: &Account, pieces: &[Piece]) -> Result<Option<State>, Error> {
    let Some(first) = pieces.first() else {
        return Ok(None);
    };
    let engine = account.shared.partitions.get(first.at.partition())?;
    Ok(base::read(&engine, pieces).await?.ok())
}
