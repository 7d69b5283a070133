//! Messages of which only a lost batch knew, or whose mailbox only a lost batch knew: their records are
//! there, and no mailbox has them.

use std::collections::{BTreeMap, HashSet};

use super::{ON, RECOVERED, Repair, RepairKind, Repaired};
use crate::{
    account::{
        Account,
        commit::Draft,
        copy::room_for,
        mailboxes::{create_named, subscribe},
    },
    change::{Added, Batch, Change},
    clock::Timestamp,
    email::{Email, Piece, Put, Record},
    engine::{Ref, WalkItem, WalkKind},
    error::Error,
    flag::Flags,
    id::{EmailId, MailboxId, ThreadId, Uid},
    name::MailboxName,
    sent::Sent,
};

/// A message that no mailbox has.
struct Orphan {
    record: Piece,
    size: u64,
    sent: Sent,
    thread_keys: Vec<u64>,
    /// Unknown ones are none.
    flags: Flags,
    /// When it arrived, or soon before.
    internal_date: Timestamp,
}

/// What an account's log tells, as it is read.
#[derive(Default)]
struct Reading {
    /// Records that some batch placed.
    placed: HashSet<Ref>,
    mailboxes: HashSet<MailboxId>,
    /// In mailboxes that nothing made.
    homeless: BTreeMap<(MailboxId, Uid), Added>,
    /// Since the last batch.
    records: Vec<Orphan>,
    /// Around batches that are missing.
    around: Vec<Orphan>,
    /// The last batch: its number, and when it was made.
    last: (u64, i64),
    /// The state that is served has lost them, too.
    lost: bool,
}

impl Repair<'_> {
    /// Places what no mailbox has in one of its own.
    pub(super) async fn orphans(&mut self, account: &Account) -> Result<(), Error> {
        // Compaction takes them for dead.
        let partitions = &account.shared.partitions;
        let _kept = partitions.reprieve().await;
        let mut reading = Reading::default();
        let whole = account.whole().await?;
        for mailbox in whole.open() {
            reading.mailboxes.insert(mailbox.id());
            reading.placed.extend(mailbox.every().map(|it| it.record));
        }
        let engine = account.shared.engine();
        engine.walk(&mut |item| {
            if let WalkItem::Record {
                kind,
                account: Some(of),
                at,
                body,
            } = item
                && of == account.id()
            {
                match kind {
                    WalkKind::Message => reading.record(at, body),
                    WalkKind::Batch { seq } => reading.batch(seq, body),
                    WalkKind::Blob => {}
                }
            }
            ON
        })?;
        let mut orphans = Vec::new();
        for orphan in reading.orphans() {
            match Email::fetch(partitions.clone(), orphan.record).await {
                Ok(email) if email.is_there() => orphans.push(orphan),
                // It went long ago, and part of it was freed.
                Ok(_) | Err(Error::Corrupt { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if orphans.is_empty() {
            return Ok(());
        }
        let name = MailboxName::new(RECOVERED)?;
        let uids: Vec<Option<Uid>> = if self.dry() {
            orphans.iter().map(|_| None).collect()
        } else {
            account
                .shared
                .commit(&account.hands, None, |draft| {
                    recover(draft, &name, &orphans)
                })
                .await?
        };
        for uid in uids {
            self.told(Repaired {
                kind: RepairKind::Recovered,
                account: Some(account.id()),
                mailbox: Some(name.clone()),
                uid,
                what: "only a lost change knew where it was".into(),
                file: None,
            });
        }
        Ok(())
    }
}

impl Reading {
    fn record(&mut self, at: Ref, body: &[u8]) {
        let Ok(Put::Whole(record)) = Record::decode(body.to_vec()) else {
            return;
        };
        let digest = mail::digest::DigestRef::new(record.digest());
        self.records.push(Orphan {
            record: Piece {
                at,
                len: u32::try_from(body.len()).unwrap_or(u32::MAX),
            },
            size: record.size + record.trace().len() as u64,
            sent: digest.map(Sent::of).unwrap_or_default(),
            thread_keys: digest.map_or_else(Vec::new, |it| it.thread_keys().collect()),
            flags: Flags::default(),
            internal_date: Timestamp {
                unix: self.last.1,
                zone_minutes: 0,
            },
        });
    }

    fn batch(&mut self, seq: u64, body: &[u8]) {
        let batch = Batch::decode(body);
        if seq == self.last.0 + 1 && batch.is_ok() {
            self.records.clear();
        } else {
            self.around.append(&mut self.records);
        }
        let time = batch.as_ref().map_or(self.last.1, |batch| batch.time);
        self.last = (seq, time);
        for change in batch.map(|batch| batch.changes).unwrap_or_default() {
            match change {
                Change::NumbersSkipped(_) => self.lost = true,
                Change::MailboxCreated { id, .. } => drop(self.mailboxes.insert(id)),
                Change::MailboxDeleted { id } => self.homeless.retain(|(of, _), _| *of != id),
                Change::Added(added) | Change::Copied(added) => {
                    if self.mailboxes.contains(&added.mailbox) {
                        self.placed.insert(added.record);
                    } else {
                        self.homeless.insert((added.mailbox, added.uid), added);
                    }
                }
                Change::Expunged { mailbox, uids } => {
                    let gone = |uid: Uid| uids.iter().any(|(a, b)| (*a..=*b).contains(&uid));
                    self.homeless.retain(|(of, uid), added| {
                        let stays = *of != mailbox || !gone(*uid);
                        if !stays {
                            self.placed.insert(added.record);
                        }
                        stays
                    });
                }
                _ => {}
            }
        }
    }

    /// Each once.
    fn orphans(mut self) -> Vec<Orphan> {
        if !self.lost {
            return Vec::new();
        }
        self.around.append(&mut self.records);
        let mut found = Vec::new();
        for added in self.homeless.into_values() {
            if self.placed.insert(added.record) {
                found.push(Orphan {
                    record: Piece {
                        at: added.record,
                        len: added.record_len,
                    },
                    size: added.size,
                    sent: added.sent,
                    thread_keys: added.thread_keys,
                    flags: added.flags,
                    internal_date: added.internal_date,
                });
            }
        }
        for orphan in self.around {
            if self.placed.insert(orphan.record.at) {
                found.push(orphan);
            }
        }
        found.sort_by_key(|orphan| orphan.record.at);
        found
    }
}

/// Places them; the mailbox is made if need be.
fn recover(
    draft: &mut Draft<'_>,
    name: &MailboxName,
    orphans: &[Orphan],
) -> Result<Vec<Option<Uid>>, Error> {
    let there = draft.snapshot.named(name).map(|mailbox| mailbox.id());
    let mailbox = if let Some(id) = there {
        id
    } else {
        let id = create_named(draft, name, None)?;
        subscribe(draft, name)?;
        id
    };
    let mut uids = Vec::with_capacity(orphans.len());
    for orphan in orphans {
        let (uid, flags) = room_for(draft, mailbox, &orphan.flags)?;
        let last = draft.snapshot.last;
        let known = draft.thread(&orphan.thread_keys)?;
        draft.push(Change::Added(Added {
            mailbox,
            uid,
            flags,
            internal_date: orphan.internal_date,
            save_date: draft.now,
            size: orphan.size,
            email: EmailId(last.email + 1),
            thread: known.unwrap_or(ThreadId(last.thread + 1)),
            record: orphan.record.at,
            record_len: orphan.record.len,
            sent: orphan.sent,
            thread_keys: orphan.thread_keys.clone(),
        }))?;
        uids.push(Some(uid));
    }
    Ok(uids)
}
