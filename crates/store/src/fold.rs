//! The state of an account, as the fold of its changes.
//!
//! The one place where state changes: verbs, opening, and verify all come
//! through here. It decides nothing, and gives the same state on every machine.

use std::{slice::from_ref, sync::Arc};

use crate::{
    annotation::{Annotations, Setting},
    change::{Added, Batch, Change, Skipped},
    flag::{Keyword, SystemFlags},
    id::{AccountId, MailboxId, ModSeq, Uid, UidValidity},
    mailbox::{
        Counters, Mailbox, Wanted,
        chunk::{KeywordSet, Row},
        history::{Gone, History},
        keywords::Keywords,
        placements::{Placements, Unread},
        readers::{Reader, Readers},
    },
    metadata::Metadata,
    name::{MailboxName, Role},
    quota::kept,
    snapshot::{Arrived, Snapshot},
    threads::Threads,
};

/// A change that does not fit the state it meets: what came before it is missing or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit(pub(crate) &'static str);

/// What is in the checkpoint and has to be read first: see [`unread`].
pub(crate) const UNREAD: Misfit = Misfit("a change of what is not in memory");

impl From<Unread> for Misfit {
    fn from(Unread: Unread) -> Self {
        UNREAD
    }
}

/// The last of each of an account's numbers: they only grow, whatever is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Last {
    pub(crate) mailbox: u64,
    pub(crate) email: u64,
    pub(crate) thread: u64,
    pub(crate) uid_validity: u32,
}

impl Last {
    /// Goes on above what is used up.
    fn skip(&mut self, used: &Skipped) {
        self.mailbox = self.mailbox.max(used.mailbox.0);
        self.email = self.email.max(used.email.0);
        self.thread = self.thread.max(used.thread.0);
        self.uid_validity = self.uid_validity.max(used.uid_validity.0);
    }
}

/// All that an account's log says.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) snapshot: Snapshot,
    pub(crate) threads: Threads,
}

impl State {
    /// What a batch did. Changes that don't fit are left out and told.
    pub(crate) fn apply(&mut self, batch: &Batch) -> Vec<Misfit> {
        if batch.mod_seq <= self.snapshot.mod_seq() {
            return vec![NOT_LATER];
        }
        let changes = batch.changes.iter();
        let applied = changes.map(|change| self.apply_change(batch.mod_seq, change));
        let misfits = applied.filter_map(Result::err).collect();
        self.snapshot.mod_seq = batch.mod_seq.0;
        misfits
    }

    /// One change of the next batch; see [`apply`].
    pub(crate) fn apply_change(&mut self, mod_seq: ModSeq, change: &Change) -> Result<(), Misfit> {
        apply(&mut self.snapshot, &mut self.threads, mod_seq, change)
    }
}

/// A batch whose number is used up.
pub(crate) const NOT_LATER: Misfit = Misfit("a batch that is not later than the one before");

/// One change. The snapshot's own modseq moves when the batch is complete.
///
/// # Errors
/// The change does not fit; the state is as before.
pub(crate) fn apply(
    snapshot: &mut Snapshot,
    threads: &mut Threads,
    mod_seq: ModSeq,
    change: &Change,
) -> Result<(), Misfit> {
    counting(snapshot, kept::counts_anew(change), |snapshot| {
        change_state(snapshot, threads, mod_seq, change)
    })
}

/// Many of [`Change::Copied`], all to one mailbox: what that counts for is looked at once.
///
/// # Errors
/// As [`apply`]; some of them may have been applied.
pub(crate) fn apply_copies(
    snapshot: &mut Snapshot,
    mod_seq: ModSeq,
    copies: &[Added],
) -> Result<(), Misfit> {
    let to = copies.first().map(|copy| copy.mailbox);
    counting(snapshot, to, |snapshot| place(snapshot, mod_seq, copies))
}

/// Changes a snapshot, and counts anew for its quotas what that mailbox holds.
fn counting(
    snapshot: &mut Snapshot,
    mailbox: Option<MailboxId>,
    change: impl FnOnce(&mut Snapshot) -> Result<(), Misfit>,
) -> Result<(), Misfit> {
    let before = kept::counted(snapshot, mailbox);
    let done = change(snapshot);
    // Also if it fits in part only: then the counters have moved.
    let after = kept::counted(snapshot, mailbox);
    snapshot.quotas.moved(&before, &after);
    done
}

fn change_state(
    snapshot: &mut Snapshot,
    threads: &mut Threads,
    mod_seq: ModSeq,
    change: &Change,
) -> Result<(), Misfit> {
    match change {
        Change::MailboxCreated {
            id,
            name,
            role,
            uid_validity,
        } => create(snapshot, mod_seq, (*id, name), *role, *uid_validity),
        Change::MailboxDeleted { id } => delete(snapshot, *id),
        Change::MailboxRenamed { id, name } => rename(snapshot, *id, name),
        Change::RoleSet { id, role } => {
            mailbox(snapshot, *id)?.role = *role;
            Ok(())
        }
        Change::Subscribed { name } => {
            Arc::make_mut(&mut snapshot.subscriptions).insert(name.clone());
            Ok(())
        }
        Change::Unsubscribed { name } => {
            Arc::make_mut(&mut snapshot.subscriptions).remove(name);
            Ok(())
        }
        Change::Added(added) => {
            place(snapshot, mod_seq, from_ref(added))?;
            threads.learn(mod_seq, &added.thread_keys, added.thread);
            Ok(())
        }
        Change::Copied(added) => place(snapshot, mod_seq, from_ref(added)),
        Change::FlagsChanged {
            mailbox: id,
            uids,
            flags,
        } => {
            let mailbox = mailbox(snapshot, *id)?;
            let keywords = intern(&mut mailbox.keywords, &flags.keywords);
            set_flags(mailbox, uids, (flags.system, &keywords), mod_seq)
        }
        Change::Expunged { mailbox: id, uids } => expunge(mailbox(snapshot, *id)?, uids, mod_seq),
        Change::RecentClaimed { mailbox: id, below } => {
            claim_recent(mailbox(snapshot, *id)?, *below)
        }
        Change::SeenSet {
            mailbox: id,
            reader,
            uids,
            seen,
        } => set_seen(mailbox(snapshot, *id)?, *reader, (uids, *seen), mod_seq),
        Change::ReaderRecentClaimed {
            mailbox: id,
            reader,
            below,
        } => claim_recent_of(mailbox(snapshot, *id)?, *reader, *below),
        Change::UidsSkipped { mailbox: id, to } => {
            mailbox(snapshot, *id).map(|it| it.uid_next = it.uid_next.max(*to))
        }
        Change::NumbersSkipped(skipped) => {
            snapshot.last.skip(skipped);
            Ok(())
        }
        Change::Relocated {
            mailbox: id,
            uid,
            record,
            record_len,
        } => {
            let mailbox = mailbox(snapshot, *id)?;
            let there = mailbox.placements.relocate(*uid, *record, *record_len)?;
            there
                .then_some(())
                .ok_or(Misfit("the place of a message that does not exist"))
        }
        // Whoever has all that came before has this; who has not begins with it.
        Change::Base { .. } => Ok(()),
        Change::MovedAway { partition } => {
            snapshot.moved_to = Some(*partition);
            Ok(())
        }
        Change::MovedHere { partition } => {
            snapshot.arrived = Some(Arrived {
                from: *partition,
                at: mod_seq,
            });
            snapshot.moved_to = None;
            Ok(())
        }
        Change::HeldSet { .. }
        | Change::ExpirySet { .. }
        | Change::PartitionSet { .. }
        | Change::RightsSet { .. }
        | Change::QuotaSet { .. }
        | Change::MetadataSet { .. } => set(snapshot, mod_seq, change),
        Change::AnnotationSet {
            mailbox: id,
            uids,
            setting,
        } => annotate(mailbox(snapshot, *id)?, uids, setting, mod_seq),
    }
}

/// Something that is set on a mailbox, or on the account.
fn set(snapshot: &mut Snapshot, mod_seq: ModSeq, change: &Change) -> Result<(), Misfit> {
    match change {
        Change::HeldSet { mailbox: id, held } => {
            match id {
                None => snapshot.held = *held,
                Some(id) => mailbox(snapshot, *id)?.held = *held,
            }
            Ok(())
        }
        Change::ExpirySet {
            mailbox: id,
            expiry,
        } => {
            match id {
                None => snapshot.expiry = *expiry,
                Some(id) => mailbox(snapshot, *id)?.expiry = *expiry,
            }
            Ok(())
        }
        Change::PartitionSet {
            mailbox: id,
            partition,
        } => {
            mailbox(snapshot, *id)?.partition = *partition;
            Ok(())
        }
        Change::RightsSet { mailbox: id, acl } => {
            mailbox(snapshot, *id)?.acl.clone_from(acl);
            Ok(())
        }
        Change::QuotaSet { root, quota } => {
            kept::set(snapshot, root.as_ref(), *quota);
            Ok(())
        }
        Change::MetadataSet {
            mailbox: id,
            owner,
            entry,
            value,
        } => {
            let Some(id) = id else {
                snapshot.metadata.set(*owner, entry, value.as_ref());
                return Ok(());
            };
            let mailbox = mailbox(snapshot, *id)?;
            let shared = mailbox.shares_seen();
            mailbox.metadata.set(*owner, entry, value.as_ref());
            if mailbox.shares_seen() != shared {
                mailbox.seen_since = mod_seq;
                mailbox.highest_mod_seq = mod_seq;
            }
            Ok(())
        }
        // `apply` has all others.
        _ => Err(Misfit("a change that sets nothing")),
    }
}

/// What has to be read from the checkpoint before [`apply`] can apply a change; the rest of it is in
/// memory, and has to be held until then.
pub(crate) fn unread(snapshot: &Snapshot, change: &Change) -> Vec<Wanted> {
    let rows = |id: &MailboxId, ranges: &[(Uid, Uid)]| -> Vec<Wanted> {
        let mailbox = snapshot.mailbox(*id);
        mailbox.map_or_else(Vec::new, |mailbox| {
            mailbox.unread(mailbox.placements.within(ranges)).collect()
        })
    };
    match change {
        Change::Added(added) | Change::Copied(added) => unread_to_place(snapshot, added.mailbox),
        Change::FlagsChanged { mailbox, uids, .. }
        | Change::AnnotationSet { mailbox, uids, .. } => rows(mailbox, uids),
        Change::Expunged { mailbox: id, uids } => {
            let mut wanted = rows(id, uids);
            let mailbox = snapshot.mailbox(*id);
            if let Some(mailbox) = mailbox {
                wanted.extend(mailbox.unread_tail_of_history());
                wanted.extend(mailbox.unread_readers());
            }
            wanted
        }
        Change::SeenSet {
            mailbox: id,
            reader,
            uids,
            ..
        } => {
            let mut wanted = rows(id, uids);
            let mailbox = snapshot.mailbox(*id);
            wanted.extend(mailbox.and_then(|mailbox| mailbox.unread_reader(*reader)));
            wanted
        }
        Change::RecentClaimed { mailbox, below }
        | Change::ReaderRecentClaimed { mailbox, below, .. } => rows(mailbox, &[(*below, *below)]),
        Change::Relocated { mailbox, uid, .. } => rows(mailbox, &[(*uid, *uid)]),
        Change::MailboxCreated { .. }
        | Change::MailboxDeleted { .. }
        | Change::MailboxRenamed { .. }
        | Change::RoleSet { .. }
        | Change::Subscribed { .. }
        | Change::Unsubscribed { .. }
        | Change::UidsSkipped { .. }
        | Change::HeldSet { .. }
        | Change::ExpirySet { .. }
        | Change::Base { .. }
        | Change::MovedAway { .. }
        | Change::MovedHere { .. }
        | Change::PartitionSet { .. }
        | Change::RightsSet { .. }
        | Change::QuotaSet { .. }
        | Change::MetadataSet { .. }
        | Change::NumbersSkipped(_) => Vec::new(),
    }
}

/// The same before messages can come to a mailbox.
pub(crate) fn unread_to_place(snapshot: &Snapshot, to: MailboxId) -> Vec<Wanted> {
    snapshot.mailbox(to).map_or_else(Vec::new, |mailbox| {
        let tail = std::iter::once(mailbox.placements.tail());
        mailbox.unread(tail).collect()
    })
}

fn mailbox(snapshot: &mut Snapshot, id: MailboxId) -> Result<&mut Mailbox, Misfit> {
    if !snapshot.mailboxes.contains_key(&id) {
        return Err(Misfit("a change in a mailbox that does not exist"));
    }
    snapshot
        .mailboxes
        .get_mut(&id)
        .map(Arc::make_mut)
        .ok_or(Misfit("a change in a mailbox that does not exist"))
}

fn create(
    snapshot: &mut Snapshot,
    mod_seq: ModSeq,
    (id, name): (MailboxId, &MailboxName),
    role: Option<Role>,
    uid_validity: UidValidity,
) -> Result<(), Misfit> {
    let last = &mut snapshot.last;
    if id.0 <= last.mailbox || uid_validity.0 <= last.uid_validity {
        return Err(Misfit("a mailbox with the number of an earlier one"));
    }
    if snapshot.names.contains_key(name) {
        return Err(Misfit("a mailbox with the name of another"));
    }
    last.mailbox = id.0;
    last.uid_validity = uid_validity.0;
    let mailbox = Mailbox {
        id,
        name: name.clone(),
        role,
        uid_validity,
        uid_next: Uid(1),
        highest_mod_seq: mod_seq,
        counters: Counters::default(),
        recent_from: Uid(1),
        recent: 0,
        held: false,
        expiry: None,
        partition: None,
        metadata: Metadata::default(),
        acl: None,
        annotations: Annotations::default(),
        readers: Readers::default(),
        seen_since: ModSeq(0),
        keywords: Keywords::default(),
        placements: Placements::default(),
        history: History::default(),
    };
    snapshot.mailboxes.insert(id, Arc::new(mailbox));
    snapshot.names.insert(name.clone(), id);
    Ok(())
}

fn delete(snapshot: &mut Snapshot, id: MailboxId) -> Result<(), Misfit> {
    let name = mailbox(snapshot, id)?.name.clone();
    snapshot.mailboxes.remove(&id);
    snapshot.names.remove(&name);
    Ok(())
}

fn rename(snapshot: &mut Snapshot, id: MailboxId, name: &MailboxName) -> Result<(), Misfit> {
    if snapshot.names.contains_key(name) {
        return Err(Misfit("a mailbox with the name of another"));
    }
    let mailbox = mailbox(snapshot, id)?;
    let old = std::mem::replace(&mut mailbox.name, name.clone());
    let names = &mut snapshot.names;
    names.remove(&old);
    names.insert(name.clone(), id);
    Ok(())
}

/// Messages that came to a mailbox, all to the same.
fn place(snapshot: &mut Snapshot, mod_seq: ModSeq, every: &[Added]) -> Result<(), Misfit> {
    let Some(to) = every.first().map(|added| added.mailbox) else {
        return Ok(());
    };
    let mut last = snapshot.last;
    let mailbox = mailbox(snapshot, to)?;
    let done = every.iter().try_for_each(|added| {
        place_one(mailbox, mod_seq, added)?;
        last.email = last.email.max(added.email.0);
        last.thread = last.thread.max(added.thread.0);
        Ok(())
    });
    snapshot.last = last;
    done
}

fn place_one(mailbox: &mut Mailbox, mod_seq: ModSeq, added: &Added) -> Result<(), Misfit> {
    if added.uid < mailbox.uid_next || added.uid.0 == u32::MAX {
        return Err(Misfit("a message with a UID that is not new"));
    }
    let keywords = intern(&mut mailbox.keywords, &added.flags.keywords);
    let row = Row {
        uid: added.uid,
        system: added.flags.system,
        zone_minutes: added.internal_date.zone_minutes,
        internal_date: added.internal_date.unix,
        save_date: added.save_date,
        size: added.size,
        email: added.email,
        thread: added.thread,
        record: added.record,
        record_len: added.record_len,
        sent: added.sent,
    };
    mailbox
        .placements
        .push(row, (mod_seq, &keywords), &mut mailbox.counters)?;
    mailbox.recent += u32::from(added.uid >= mailbox.recent_from);
    mailbox.uid_next = Uid(added.uid.0 + 1);
    mailbox.highest_mod_seq = mod_seq;
    Ok(())
}

fn claim_recent(mailbox: &mut Mailbox, below: Uid) -> Result<(), Misfit> {
    if below > mailbox.recent_from {
        let before = mailbox.placements.below(below)?;
        mailbox.recent = mailbox.counters.messages - before;
        mailbox.recent_from = below;
    }
    Ok(())
}

fn claim_recent_of(mailbox: &mut Mailbox, reader: AccountId, below: Uid) -> Result<(), Misfit> {
    let not_recent = mailbox.placements.below(below)?;
    let reader = reader_of(&mut mailbox.readers, reader)?;
    if below > reader.about.recent_from {
        reader.about.not_recent = not_recent;
        reader.about.recent_from = below;
    }
    Ok(())
}

fn set_seen(
    mailbox: &mut Mailbox,
    reader: AccountId,
    (uids, seen): (&[(Uid, Uid)], bool),
    mod_seq: ModSeq,
) -> Result<(), Misfit> {
    let there = Placements::part(mailbox.placements.within(uids)).ok_or(UNREAD)?;
    let there = uids
        .iter()
        .flat_map(|(first, last)| there.range(*first, *last));
    let found = u32::try_from(there.count()).unwrap_or(u32::MAX);
    // Or what a reader has seen would be more than there is.
    fits(found, uids, "a message seen that does not exist")?;
    reader_of(&mut mailbox.readers, reader)?.set(uids, seen, mod_seq)?;
    Ok(())
}

/// A reader of a mailbox, who may be new to it.
fn reader_of(readers: &mut Readers, id: AccountId) -> Result<&mut Reader, Misfit> {
    if !readers.contains_key(&id) {
        readers.insert(id, Reader::default());
    }
    readers.get_mut(&id).ok_or(Misfit("a reader that is lost"))
}

fn set_flags(
    mailbox: &mut Mailbox,
    uids: &[(Uid, Uid)],
    flags: (SystemFlags, &KeywordSet),
    mod_seq: ModSeq,
) -> Result<(), Misfit> {
    let counters = &mut mailbox.counters;
    let changed = mailbox
        .placements
        .set_flags(uids, flags, mod_seq, counters)?;
    mailbox.highest_mod_seq = mod_seq;
    fits(changed, uids, "flags of a message that does not exist")
}

fn annotate(
    mailbox: &mut Mailbox,
    uids: &[(Uid, Uid)],
    setting: &Setting,
    mod_seq: ModSeq,
) -> Result<(), Misfit> {
    let marked = mailbox.placements.mark(uids, mod_seq)?;
    // Before any is set: a range may be far longer than the mailbox.
    fits(
        marked,
        uids,
        "an annotation of a message that does not exist",
    )?;
    mailbox.highest_mod_seq = mod_seq;
    for &(first, last) in uids {
        for uid in first.0..=last.0 {
            mailbox.annotations.set(Uid(uid), setting);
        }
    }
    Ok(())
}

fn expunge(mailbox: &mut Mailbox, uids: &[(Uid, Uid)], mod_seq: ModSeq) -> Result<(), Misfit> {
    if mailbox.unread_tail_of_history().is_some() {
        return Err(UNREAD);
    }
    if mailbox.unread_readers().next().is_some() {
        return Err(UNREAD);
    }
    let (from, counters) = (mailbox.recent_from, &mut mailbox.counters);
    let (removed, recent) = mailbox.placements.remove(uids, from, counters)?;
    mailbox.recent -= recent;
    mailbox.highest_mod_seq = mod_seq;
    mailbox.annotations.remove(uids);
    let touched = mailbox.readers.iter();
    let touched = touched.filter(|(_, reader)| reader.knows_any(uids));
    for id in touched.map(|(id, _)| *id).collect::<Vec<_>>() {
        reader_of(&mut mailbox.readers, id)?.forget(uids)?;
    }
    for &(first, last) in uids {
        mailbox.history.push(Gone {
            mod_seq,
            first,
            last,
        })?;
    }
    fits(removed, uids, "the end of a message that does not exist")
}

/// Whether so many messages were found as `uids` names.
fn fits(found: u32, uids: &[(Uid, Uid)], otherwise: &'static str) -> Result<(), Misfit> {
    let named: u64 = uids.iter().map(|(a, b)| u64::from(b.0 - a.0) + 1).sum();
    if u64::from(found) == named {
        Ok(())
    } else {
        Err(Misfit(otherwise))
    }
}

/// The indexes of keywords, ascending.
fn intern(known: &mut Keywords, names: &[Keyword]) -> KeywordSet {
    if names.is_empty() {
        return KeywordSet::default();
    }
    let mut set: Vec<u32> = names.iter().map(|name| known.intern(name)).collect();
    set.sort_unstable();
    set.dedup();
    set.into()
}
