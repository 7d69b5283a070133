//! What batches that are lost may have given out: never to be given out again.
//!
//! A lost batch may have placed messages, made mailboxes, begun conversations; how many of each is
//! bounded by the octets that it had. Whatever came later in the same mailbox proves that the lost
//! UIDs were below it, because they only grow; and so with every other number. What nothing
//! proves is skipped, before the account's next change.

use std::collections::BTreeMap;

use crate::{
    change::{Batch, Change, Skipped},
    engine::Loss,
    fold::State,
    id::{EmailId, MailboxId, ModSeq, ThreadId, Uid, UidValidity},
    snapshot::Snapshot,
};

/// The least that a placement takes of a batch, in octets.
const PLACED_BYTES_MIN: u64 = 14;
/// The least that a new mailbox takes.
const CREATED_BYTES_MIN: u64 = 8;

/// What lost batches may have given out, as far as nothing has proved yet that it is behind us.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    /// By mailbox: UIDs from UIDNEXT on.
    uids: BTreeMap<MailboxId, u64>,
    mailboxes: u64,
    emails: u64,
    threads: u64,
    /// The last batch before the first that is not settled.
    after: Option<u64>,
    /// Batches after the last that is known.
    batches: u64,
}

impl Unsettled {
    /// Batches are lost that came after this state; `last` if none is known behind them.
    pub(crate) fn lose(&mut self, snapshot: &Snapshot, loss: &Loss, last: bool) {
        let placed = loss.octets / PLACED_BYTES_MIN;
        for id in snapshot.mailboxes.keys() {
            let uids = self.uids.entry(*id).or_default();
            *uids = uids.saturating_add(placed);
        }
        self.emails = self.emails.saturating_add(placed);
        self.threads = self.threads.saturating_add(placed);
        let created = loss.octets / CREATED_BYTES_MIN;
        self.mailboxes = self.mailboxes.saturating_add(created);
        self.after.get_or_insert(snapshot.mod_seq);
        if last {
            self.batches = loss.last.saturating_sub(snapshot.mod_seq);
        }
    }

    /// A batch that comes to this state, and what it proves.
    pub(crate) fn see(&mut self, snapshot: &Snapshot, batch: &Batch) {
        if self.after.is_none() {
            return;
        }
        for change in &batch.changes {
            match change {
                Change::Added(added) => {
                    self.uids.remove(&added.mailbox);
                    if added.email.0 > snapshot.last.email {
                        self.emails = 0;
                    }
                    if added.thread.0 > snapshot.last.thread {
                        self.threads = 0;
                    }
                }
                Change::Copied(added) => drop(self.uids.remove(&added.mailbox)),
                Change::UidsSkipped { mailbox, .. } | Change::MailboxDeleted { id: mailbox } => {
                    self.uids.remove(mailbox);
                }
                Change::MailboxCreated { .. } => self.mailboxes = 0,
                Change::NumbersSkipped(_) => {
                    (self.mailboxes, self.emails, self.threads) = (0, 0, 0);
                }
                _ => {}
            }
        }
        let numbers = self.mailboxes.max(self.emails).max(self.threads);
        if numbers == 0 && self.uids.is_empty() {
            *self = Self::default();
        }
    }

    /// Skips in a state whatever is not settled. Gives the changes that say so, to be written down
    /// before any other; none if all is settled. `now` is in unix seconds.
    pub(crate) fn skip(self, state: &mut State, now: i64) -> Vec<Change> {
        let Some(after) = self.after else {
            return Vec::new();
        };
        let snapshot = &mut state.snapshot;
        // The last batches may be lost, or one in the midst: what is known is the state's own.
        let known = if self.batches > 0 {
            snapshot.mod_seq
        } else {
            after
        };
        snapshot.mod_seq = snapshot.mod_seq.saturating_add(self.batches);
        let last = snapshot.last;
        // A UIDVALIDITY is at least the time.
        let now = u32::try_from(now).unwrap_or(0);
        let made = u32::try_from(self.mailboxes).unwrap_or(u32::MAX);
        let uid_validity = match made {
            0 => last.uid_validity,
            made => last.uid_validity.max(now).saturating_add(made),
        };
        let mut changes = vec![Change::NumbersSkipped(Skipped {
            after: ModSeq(known),
            mailbox: MailboxId(last.mailbox.saturating_add(self.mailboxes)),
            email: EmailId(last.email.saturating_add(self.emails)),
            thread: ThreadId(last.thread.saturating_add(self.threads)),
            uid_validity: UidValidity(uid_validity),
        })];
        for (id, uids) in self.uids {
            if let Some(mailbox) = snapshot.mailbox(id) {
                let to = u64::from(mailbox.uid_next().0).saturating_add(uids);
                changes.push(Change::UidsSkipped {
                    mailbox: id,
                    to: Uid(u32::try_from(to).unwrap_or(u32::MAX)),
                });
            }
        }
        let mod_seq = snapshot.mod_seq();
        for change in &changes {
            // Each names a mailbox that is there.
            let _ = crate::fold::apply(snapshot, &mut state.threads, mod_seq, change);
        }
        changes
    }
}
