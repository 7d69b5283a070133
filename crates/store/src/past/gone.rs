//! What is gone and can be brought back: expunged messages, and deleted mailboxes with theirs.
//!
//! Found by folding the log twice: first for what went and when, which is little; then for
//! what those messages were. So memory goes by what is gone, not by the account.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Retention,
    batches::Batches,
    begin::{Unbroken, as_added},
};
use crate::{
    account::Account,
    annotation::{Annotation, Annotations, Setting},
    change::{Added, Batch, Change, Expiry},
    clock::Timestamp,
    email::{Email, Piece},
    error::Error,
    flag::Flags,
    id::{AccountId, EmailId, MailboxId, ModSeq, ThreadId, Uid, UidValidity},
    metadata::Metadata,
    name::{MailboxName, Role},
    octets::UidRanges,
    rights::Acl,
    sent::Sent,
    snapshot::Snapshot,
};

/// What can be brought back to an account.
#[derive(Debug, Clone, Default)]
pub struct Gone {
    /// By the mailboxes it was in, those that are gone themselves among them, ascending by id.
    pub mailboxes: Vec<GoneMailbox>,
    /// The last change with which anything went.
    pub changed: Option<ModSeq>,
}

/// A mailbox from which something is gone, or that is gone.
#[derive(Debug, Clone)]
pub struct GoneMailbox {
    /// MAILBOXID.
    pub id: MailboxId,
    /// Its name; if it is gone, when it went.
    pub name: MailboxName,
    /// Its special use, likewise.
    pub role: Option<Role>,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// Whether it was subscribed to; if it is gone, when it went.
    pub subscribed: bool,
    /// A hold lies on it, or did when it went.
    pub held: bool,
    /// Its rule of expiry, likewise.
    pub expiry: Option<Expiry>,
    /// Its metadata, likewise.
    pub metadata: Metadata,
    /// Who could do what with it, likewise, if it had a list of its own.
    pub acl: Option<Acl>,
    /// How it went; `None` if it is still there.
    pub deleted: Option<Ended>,
    /// The messages, ascending by UID.
    pub messages: Vec<GoneMessage>,
}

/// How and when something went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// With which change.
    pub mod_seq: ModSeq,
    /// When, in unix seconds.
    pub time: i64,
    /// By whom; empty if nobody said.
    pub by: Arc<str>,
}

/// A message that is gone, as it was.
#[derive(Debug, Clone)]
pub struct GoneMessage {
    /// Its UID then.
    pub uid: Uid,
    /// Its flags then.
    pub flags: Flags,
    /// INTERNALDATE.
    pub internal_date: Timestamp,
    /// When it had been placed there, unix seconds.
    pub save_date: i64,
    /// RFC822.SIZE, in octets.
    pub size: u64,
    /// When it was sent.
    pub sent: Sent,
    /// EMAILID.
    pub email: EmailId,
    /// THREADID.
    pub thread: ThreadId,
    /// Its annotations then.
    pub annotations: Vec<Annotation>,
    /// The last change of its flags.
    pub mod_seq: ModSeq,
    /// Who had seen it besides the mailbox's owner.
    pub seen_by: BTreeSet<AccountId>,
    /// How it went.
    pub ended: Ended,
    pub(crate) record: Piece,
}

impl Gone {
    /// A mailbox by its id.
    #[must_use]
    pub fn mailbox(&self, id: MailboxId) -> Option<&GoneMailbox> {
        self.mailboxes.iter().find(|mailbox| mailbox.id == id)
    }

    /// How many messages.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.mailboxes.iter().map(|m| m.messages.len()).sum()
    }
}

impl GoneMailbox {
    /// The name under which it comes back if its own is taken: with the time when it went.
    pub(crate) fn other_name(&self) -> Result<MailboxName, Error> {
        let time = self.deleted.as_ref().map_or(0, |ended| ended.time);
        MailboxName::new(&format!("{} (deleted {})", self.name, moment(time)))
    }

    /// The message that had this UID.
    #[must_use]
    pub fn get(&self, uid: Uid) -> Option<&GoneMessage> {
        let at = self.messages.binary_search_by_key(&uid, |m| m.uid).ok()?;
        self.messages.get(at)
    }
}

impl Account {
    /// What can be brought back: what went less long ago than the retention, or under a hold.
    /// Left out is what was moved, and what is in its mailbox again.
    ///
    /// Whether a message's record can still be read is seen when it is read
    /// ([`Account::gone_email`]).
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub async fn gone(&self, retention: Retention) -> Result<Gone, Error> {
        let mut gone = self.gone_or_back(retention, usize::MAX).await?;
        let now = self.snapshot();
        for mailbox in &mut gone.mailboxes {
            let present = self.present(mailbox, &now).await?;
            let messages = &mut mailbox.messages;
            messages.retain(|message| !present.contains(&message.email));
        }
        gone.mailboxes.retain(|mailbox| {
            let back = mailbox.deleted.is_none() || now.named(&mailbox.name).is_some();
            !mailbox.messages.is_empty() || !back
        });
        Ok(gone)
    }

    /// The same with what is in its mailbox again; [`Error::Limit`] if more than so many messages
    /// would have to be held for it.
    pub(super) async fn gone_or_back(
        &self,
        retention: Retention,
        messages_max: usize,
    ) -> Result<Gone, Error> {
        let now = self.snapshot();
        let horizon = retention.horizon((self.shared.clock)().unix);
        let mut batches = Batches::between(&self.shared, ModSeq(0), now.mod_seq());
        let mut ends = Ends::default();
        let mut known = Unbroken::default();
        while let Some(batch) = batches.next().await? {
            let base = self.begins(&batch, known.follows(&batch)).await?;
            if let Some(base) = &base {
                ends.begin(&base.snapshot);
            }
            known.next(&batch, base.is_some());
            ends.note(&batch);
        }
        ends.choose(&now, horizon);
        if ends.expunged.is_empty() && ends.deleted.is_empty() {
            return Ok(Gone::default());
        }
        let mut batches = Batches::between(&self.shared, ModSeq(0), now.mod_seq());
        let mut tracker = Tracker::new(&ends);
        let mut known = Unbroken::default();
        while let Some(batch) = batches.next().await? {
            let base = self.begins(&batch, known.follows(&batch)).await?;
            match &base {
                // It has what the batch did.
                Some(base) => tracker.begin(&base.snapshot),
                None => tracker.apply(&batch),
            }
            known.next(&batch, base.is_some());
            if tracker.messages() > messages_max {
                return Err(Error::Limit("messages that are gone"));
            }
        }
        Ok(tracker.finish(&now))
    }

    /// The messages that are in the mailbox, or in the one that it came back as, again.
    async fn present(
        &self,
        mailbox: &GoneMailbox,
        now: &Snapshot,
    ) -> Result<BTreeSet<EmailId>, Error> {
        let mut present = BTreeSet::new();
        if mailbox.messages.is_empty() {
            return Ok(present);
        }
        let other = mailbox.deleted.as_ref().and(mailbox.other_name().ok());
        let there = [
            now.mailbox(mailbox.id),
            now.named(&mailbox.name),
            other.and_then(|name| now.named(&name)),
        ];
        for there in there.into_iter().flatten() {
            match self.open_mailbox(there.id()).await {
                Ok(open) => present.extend(open.every().map(|message| message.email)),
                Err(Error::NoSuchMailbox) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(present)
    }

    /// Reads the record of a message that is gone.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if its space was given to something else already; [`Error::Io`].
    pub async fn gone_email(&self, message: &GoneMessage) -> Result<Email, Error> {
        Email::fetch(self.shared.partitions.clone(), message.record).await
    }
}

/// What went, and when: UIDs only.
#[derive(Debug, Default)]
struct Ends {
    /// By mailbox and batch.
    expunged: BTreeMap<MailboxId, BTreeMap<ModSeq, (i64, UidRanges)>>,
    deleted: BTreeMap<MailboxId, i64>,
    /// Mailboxes on which a hold lies, or did when they went.
    held: BTreeSet<MailboxId>,
    /// The last change with which anything went.
    changed: Option<ModSeq>,
}

impl Ends {
    /// The account was like this, and nothing before it is known.
    fn begin(&mut self, snapshot: &Snapshot) {
        for (_, mailbox) in snapshot.mailboxes() {
            if mailbox.held() {
                self.held.insert(mailbox.id());
            } else {
                self.held.remove(&mailbox.id());
            }
        }
    }

    fn note(&mut self, batch: &Batch) {
        for change in &batch.changes {
            if let Change::Expunged { .. } | Change::MailboxDeleted { .. } = change {
                self.changed = Some(batch.mod_seq);
            }
            match change {
                Change::Expunged { mailbox, uids } => {
                    let of = self.expunged.entry(*mailbox).or_default();
                    let (_, all) = of.entry(batch.mod_seq).or_insert((batch.time, vec![]));
                    all.extend_from_slice(uids);
                }
                Change::MailboxDeleted { id } => {
                    self.deleted.insert(*id, batch.time);
                }
                Change::HeldSet {
                    mailbox: Some(id),
                    held,
                } => {
                    if *held {
                        self.held.insert(*id);
                    } else {
                        self.held.remove(id);
                    }
                }
                _ => {}
            }
        }
    }

    /// Keeps only what is within reach.
    fn choose(&mut self, now: &Snapshot, horizon: i64) {
        let Self {
            expunged,
            deleted,
            held,
            ..
        } = self;
        let kept = |id: &MailboxId| now.held() || held.contains(id);
        deleted.retain(|id, time| *time >= horizon || kept(id));
        for (id, batches) in expunged.iter_mut() {
            batches.retain(|_, (time, _)| *time >= horizon || kept(id));
        }
        // A mailbox that went too long ago takes what was expunged from it along: there is
        // nothing left by which it could be named.
        expunged.retain(|id, batches| {
            !batches.is_empty() && (now.mailbox(*id).is_some() || deleted.contains_key(id))
        });
    }

    fn takes(&self, mailbox: MailboxId, mod_seq: ModSeq) -> bool {
        self.expunged
            .get(&mailbox)
            .is_some_and(|batches| batches.contains_key(&mod_seq))
    }
}

/// What is known of a mailbox on the way through the log.
struct Known {
    name: MailboxName,
    role: Option<Role>,
    uid_validity: UidValidity,
    expiry: Option<Expiry>,
    metadata: Metadata,
    acl: Option<Acl>,
}

/// Follows the messages that are to go from their arrival to their end.
struct Tracker<'a> {
    ends: &'a Ends,
    /// Ranges of UIDs that go within reach; ascending, by mailbox.
    wanted: BTreeMap<MailboxId, UidRanges>,
    mailboxes: BTreeMap<MailboxId, Known>,
    subscriptions: BTreeSet<MailboxName>,
    /// Messages that are still there.
    living: BTreeMap<(MailboxId, Uid), (Added, ModSeq)>,
    /// Their annotations.
    annotations: BTreeMap<MailboxId, Annotations>,
    /// Who has seen them besides the owner.
    seen_by: BTreeMap<(MailboxId, Uid), BTreeSet<AccountId>>,
    gone: BTreeMap<MailboxId, GoneMailbox>,
    /// How many messages that are.
    ended: usize,
}

impl<'a> Tracker<'a> {
    fn new(ends: &'a Ends) -> Self {
        let wanted = ends.expunged.iter().map(|(id, batches)| {
            let ranges = batches.values().flat_map(|(_, ranges)| ranges);
            let mut ranges: UidRanges = ranges.copied().collect();
            ranges.sort_unstable();
            (*id, ranges)
        });
        Self {
            ends,
            wanted: wanted.collect(),
            mailboxes: BTreeMap::new(),
            subscriptions: BTreeSet::new(),
            living: BTreeMap::new(),
            annotations: BTreeMap::new(),
            seen_by: BTreeMap::new(),
            gone: BTreeMap::new(),
            ended: 0,
        }
    }

    /// How many are held.
    fn messages(&self) -> usize {
        self.living.len() + self.ended
    }

    /// The account was like this, and nothing before it is known.
    fn begin(&mut self, snapshot: &Snapshot) {
        self.subscriptions.clone_from(snapshot.subscriptions());
        self.mailboxes.clear();
        self.living.clear();
        self.annotations.clear();
        self.seen_by.clear();
        for (name, mailbox) in snapshot.mailboxes() {
            let known = Known {
                name: name.clone(),
                role: mailbox.role(),
                uid_validity: mailbox.uid_validity(),
                expiry: mailbox.expiry(),
                metadata: mailbox.metadata().clone(),
                acl: mailbox.acl.clone(),
            };
            self.mailboxes.insert(mailbox.id(), known);
            let Some(open) = mailbox.in_memory() else {
                continue;
            };
            for message in open.every() {
                if self.wants(open.id(), message.uid) {
                    let key = (open.id(), message.uid);
                    let own = self.annotations.entry(key.0).or_default();
                    for annotation in open.annotations().of(message.uid) {
                        own.set(message.uid, &annotation.clone().into());
                    }
                    let added = as_added(&open, &message);
                    self.living.insert(key, (added, message.mod_seq));
                }
            }
            for (reader, kept) in mailbox.readers.iter() {
                let seen = kept.cell.get();
                let spans = seen.iter().flat_map(|seen| seen.spans());
                let spans = spans.filter(|span| span.seen);
                let uids: UidRanges = spans.map(|span| (span.first, span.last)).collect();
                self.seen((open.id(), *reader), &uids, true);
            }
        }
    }

    fn wants(&self, mailbox: MailboxId, uid: Uid) -> bool {
        if self.ends.deleted.contains_key(&mailbox) {
            return true;
        }
        self.wanted.get(&mailbox).is_some_and(|ranges| {
            let after = ranges.partition_point(|(first, _)| *first <= uid);
            let range = after.checked_sub(1).and_then(|i| ranges.get(i));
            range.is_some_and(|(_, last)| uid <= *last)
        })
    }

    fn apply(&mut self, batch: &Batch) {
        // A message that went from one place and came to another with one batch was moved.
        let mut placed = BTreeSet::new();
        for change in &batch.changes {
            if let Change::Copied(added) = change {
                placed.insert(added.email);
            }
        }
        for change in &batch.changes {
            self.change(batch, change, &placed);
        }
    }

    fn change(&mut self, batch: &Batch, change: &Change, placed: &BTreeSet<EmailId>) {
        match change {
            Change::MailboxCreated {
                id,
                name,
                role,
                uid_validity,
            } => {
                let known = Known {
                    name: name.clone(),
                    role: *role,
                    uid_validity: *uid_validity,
                    expiry: None,
                    metadata: Metadata::default(),
                    acl: None,
                };
                self.mailboxes.insert(*id, known);
            }
            Change::MailboxRenamed { id, name } => {
                if let Some(known) = self.mailboxes.get_mut(id) {
                    known.name = name.clone();
                }
            }
            Change::RoleSet { id, role } => {
                if let Some(known) = self.mailboxes.get_mut(id) {
                    known.role = *role;
                }
            }
            Change::ExpirySet {
                mailbox: Some(id),
                expiry,
            } => {
                if let Some(known) = self.mailboxes.get_mut(id) {
                    known.expiry = *expiry;
                }
            }
            Change::RightsSet { mailbox, acl } => {
                if let Some(known) = self.mailboxes.get_mut(mailbox) {
                    known.acl.clone_from(acl);
                }
            }
            Change::MetadataSet {
                mailbox: Some(id),
                owner,
                entry,
                value,
            } => {
                if let Some(known) = self.mailboxes.get_mut(id) {
                    known.metadata.set(*owner, entry, value.as_ref());
                }
            }
            Change::Subscribed { name } => drop(self.subscriptions.insert(name.clone())),
            Change::Unsubscribed { name } => drop(self.subscriptions.remove(name)),
            Change::Added(added) | Change::Copied(added)
                if self.wants(added.mailbox, added.uid) =>
            {
                let mut added = added.clone();
                added.thread_keys = Vec::new();
                let key = (added.mailbox, added.uid);
                self.living.insert(key, (added, batch.mod_seq));
            }
            Change::FlagsChanged {
                mailbox,
                uids,
                flags,
            } => {
                for &(first, last) in uids {
                    let range = (*mailbox, first)..=(*mailbox, last);
                    for (_, (added, mod_seq)) in self.living.range_mut(range) {
                        added.flags = flags.clone();
                        *mod_seq = batch.mod_seq;
                    }
                }
            }
            Change::AnnotationSet {
                mailbox,
                uids,
                setting,
            } => self.annotated(batch, *mailbox, uids, setting),
            Change::SeenSet {
                mailbox,
                reader,
                uids,
                seen,
            } => self.seen((*mailbox, *reader), uids, *seen),
            Change::Relocated {
                mailbox,
                uid,
                record,
                record_len,
            } => {
                if let Some((added, _)) = self.living.get_mut(&(*mailbox, *uid)) {
                    (added.record, added.record_len) = (*record, *record_len);
                }
            }
            Change::Expunged { mailbox, uids } => self.expunged(batch, *mailbox, uids, placed),
            Change::MailboxDeleted { id } => self.deleted(batch, *id),
            _ => {}
        }
    }

    fn annotated(
        &mut self,
        batch: &Batch,
        mailbox: MailboxId,
        uids: &[(Uid, Uid)],
        setting: &Setting,
    ) {
        let annotations = self.annotations.entry(mailbox).or_default();
        for &(first, last) in uids {
            let range = (mailbox, first)..=(mailbox, last);
            for ((_, uid), (_, mod_seq)) in self.living.range_mut(range) {
                annotations.set(*uid, setting);
                *mod_seq = batch.mod_seq;
            }
        }
    }

    /// A reader has seen messages, or no longer has.
    fn seen(&mut self, (mailbox, reader): (MailboxId, AccountId), uids: &[(Uid, Uid)], seen: bool) {
        for &(first, last) in uids {
            for (key, _) in self.living.range((mailbox, first)..=(mailbox, last)) {
                let readers = self.seen_by.entry(*key).or_default();
                if seen {
                    readers.insert(reader);
                } else {
                    readers.remove(&reader);
                }
            }
        }
    }

    fn expunged(
        &mut self,
        batch: &Batch,
        mailbox: MailboxId,
        uids: &[(Uid, Uid)],
        placed: &BTreeSet<EmailId>,
    ) {
        let takes = self.ends.takes(mailbox, batch.mod_seq);
        for &(first, last) in uids {
            for (added, mod_seq) in self.take((mailbox, first), (mailbox, last)) {
                if takes && !placed.contains(&added.email) {
                    self.goes(batch, added, mod_seq);
                } else if let Some(annotations) = self.annotations.get_mut(&mailbox) {
                    annotations.take(added.uid);
                }
            }
        }
    }

    fn deleted(&mut self, batch: &Batch, id: MailboxId) {
        if self.ends.deleted.contains_key(&id) {
            if let Some(mailbox) = self.mailbox(id) {
                mailbox.deleted = Some(Ended::by(batch));
            }
            for (added, mod_seq) in self.take((id, Uid(0)), (id, Uid(u32::MAX))) {
                self.goes(batch, added, mod_seq);
            }
        }
        self.mailboxes.remove(&id);
    }

    /// Messages that live no more.
    fn take(&mut self, first: (MailboxId, Uid), last: (MailboxId, Uid)) -> Vec<(Added, ModSeq)> {
        let keys: Vec<_> = self.living.range(first..=last).map(|(k, _)| *k).collect();
        let taken = keys.iter().filter_map(|key| self.living.remove(key));
        taken.collect()
    }

    fn goes(&mut self, batch: &Batch, added: Added, mod_seq: ModSeq) {
        let annotations = self.annotations.get_mut(&added.mailbox);
        let annotations = annotations.map_or_else(Vec::new, |of| of.take(added.uid));
        let seen_by = self.seen_by.remove(&(added.mailbox, added.uid));
        let message = GoneMessage {
            uid: added.uid,
            annotations,
            flags: added.flags,
            internal_date: added.internal_date,
            save_date: added.save_date,
            size: added.size,
            sent: added.sent,
            email: added.email,
            thread: added.thread,
            mod_seq,
            seen_by: seen_by.unwrap_or_default(),
            ended: Ended::by(batch),
            record: Piece {
                at: added.record,
                len: added.record_len,
            },
        };
        if let Some(mailbox) = self.mailbox(added.mailbox) {
            mailbox.messages.push(message);
            self.ended += 1;
        }
    }

    /// The place of what goes from a mailbox, as the mailbox is by now.
    fn mailbox(&mut self, id: MailboxId) -> Option<&mut GoneMailbox> {
        let known = self.mailboxes.get(&id)?;
        let mailbox = self.gone.entry(id).or_insert_with(|| GoneMailbox {
            id,
            name: known.name.clone(),
            role: None,
            uid_validity: known.uid_validity,
            subscribed: false,
            held: self.ends.held.contains(&id),
            expiry: None,
            metadata: Metadata::default(),
            acl: None,
            deleted: None,
            messages: Vec::new(),
        });
        mailbox.name = known.name.clone();
        mailbox.role = known.role;
        mailbox.expiry = known.expiry;
        mailbox.metadata = known.metadata.clone();
        mailbox.acl.clone_from(&known.acl);
        mailbox.subscribed = self.subscriptions.contains(&known.name);
        Some(mailbox)
    }

    fn finish(self, now: &Snapshot) -> Gone {
        let mut mailboxes: Vec<GoneMailbox> = self.gone.into_values().collect();
        for mailbox in &mut mailboxes {
            mailbox.messages.sort_by_key(|message| message.uid);
            if let Some(there) = now.mailbox(mailbox.id) {
                mailbox.name = there.name().clone();
                mailbox.role = there.role();
                mailbox.expiry = there.expiry();
                mailbox.metadata = there.metadata().clone();
                mailbox.acl.clone_from(&there.acl);
                mailbox.subscribed = now.subscriptions().contains(there.name());
            }
        }
        // One whose deletion can't be read is not there, and was not deleted either.
        mailboxes.retain(|m| m.deleted.is_some() || now.mailbox(m.id).is_some());
        Gone {
            mailboxes,
            changed: self.ends.changed,
        }
    }
}

impl Ended {
    fn by(batch: &Batch) -> Self {
        Self {
            mod_seq: batch.mod_seq,
            time: batch.time,
            by: Arc::clone(&batch.by),
        }
    }
}

/// A moment for people, in UTC: `2026-11-20 12:00`.
pub(crate) fn moment(unix: i64) -> String {
    let days = i32::try_from(unix.div_euclid(86_400)).unwrap_or_default();
    let (year, month, day) = mail::date::civil_from_days(days);
    let minutes = unix.rem_euclid(86_400) / 60;
    let (hour, minute) = (minutes / 60, minutes % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
}
