//! What came after n, in brief: for those who watch an account and do not want to look at mailboxes in
//! which nothing happened.
//!
//! A brief is kept while somebody watches who has not taken it, and no longer; so an account that nobody
//! watches keeps none, and a watcher that takes nothing loses them at [`BRIEFS_MAX`].

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Account, commit::Shared};
use crate::{
    annotation::Whose,
    change::{Batch, Change},
    id::{AccountId, MailboxId, ModSeq, Uid},
    metadata::SPECIAL_USE,
    name::MailboxName,
    octets::{UidRanges, extend_ranges},
    snapshot::Snapshot,
};

/// The most briefs that wait for the slowest of an account's watchers.
pub const BRIEFS_MAX: usize = 2000;

/// A batch in brief.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// Its modseq.
    pub mod_seq: ModSeq,
    by: Arc<str>,
    /// Mailboxes in which messages came, went, or got other flags; each once.
    pub messages: Vec<Messages>,
    /// Mailboxes that were made or deleted, or have another name; in order.
    pub names: Vec<Naming>,
    /// Names that were subscribed to, or no longer are; in order.
    pub subscriptions: Vec<MailboxName>,
    /// Entries of metadata that were set or taken away: of which mailbox (`None`: of the account), whose (`None`:
    /// shared, or the account's own user's), and which. What is shown to nobody is left out.
    pub metadata: Vec<(Option<MailboxId>, Option<AccountId>, Arc<str>)>,
    /// Mailboxes with which others may do other things.
    pub rights: Vec<MailboxId>,
    /// Who has seen messages of which mailboxes now, or no longer has: only they are told.
    seen: Vec<(MailboxId, AccountId)>,
    /// Those of the mailboxes in which `\Seen` is each reader's own.
    apart: Vec<MailboxId>,
}

/// What happened to the messages of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Messages {
    /// Which mailbox.
    pub mailbox: MailboxId,
    /// UIDs that came, as ascending disjoint ranges.
    pub came: Vec<(Uid, Uid)>,
    /// Some went.
    pub went: bool,
    /// Some have other flags.
    pub flagged: bool,
    /// Whose annotations of them changed; each once.
    pub annotated: Vec<Whose>,
    /// There are more or fewer without `\Seen`, for whatever reason.
    pub unseen: bool,
}

/// What happened to the name of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Naming {
    /// It was made.
    Made(MailboxName),
    /// It was deleted.
    Deleted(MailboxName),
    /// It has another name.
    Renamed {
        /// Before.
        from: MailboxName,
        /// Since then.
        to: MailboxName,
    },
}

/// Somebody who watches an account: what has not been taken yet waits until this is dropped.
pub struct Watch {
    shared: Arc<Shared>,
    number: u64,
    /// Who watches, if not the owner.
    reader: Option<AccountId>,
}

/// What waits for an account's watchers.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    latest: Mutex<Latest>,
}

#[derive(Debug, Default)]
struct Latest {
    /// The number of the next watcher.
    next: u64,
    /// How far each has taken them; `None`: it has lost some.
    watchers: BTreeMap<u64, Option<ModSeq>>,
    /// Ascending by modseq.
    briefs: VecDeque<Arc<Brief>>,
}

impl Account {
    /// Watches the account from now on.
    #[must_use]
    pub fn watch(&self) -> Watch {
        let shared = Arc::clone(&self.shared);
        let mut latest = shared.watched.latest();
        let number = latest.next;
        latest.next += 1;
        let seen = shared.published.load().mod_seq();
        latest.watchers.insert(number, Some(seen));
        drop(latest);
        Watch {
            shared,
            number,
            reader: self.reader(),
        }
    }

    /// Whether a batch was made through this handle or a clone of it, and not by [`Account::acting`] elsewhere.
    #[must_use]
    pub fn did(&self, brief: &Brief) -> bool {
        Arc::ptr_eq(&self.hands.by, &brief.by)
    }
}

impl Watch {
    /// All that was published since the last call, in order. `None` once if that was too much to keep: what
    /// happened must be found out otherwise, and watching goes on from now.
    #[must_use]
    pub fn take(&mut self) -> Option<Vec<Arc<Brief>>> {
        let mut latest = self.shared.watched.latest();
        let now = self.shared.published.load().mod_seq();
        let seen = latest.watchers.insert(self.number, Some(now)).flatten()?;
        let first = latest.briefs.partition_point(|brief| brief.mod_seq <= seen);
        let taken = latest.briefs.range(first..);
        let taken = taken.map(|brief| brief.told_to(self.reader)).collect();
        latest.forget_taken();
        Some(taken)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut latest = self.shared.watched.latest();
        latest.watchers.remove(&self.number);
        latest.forget_taken();
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Watched {
    /// A batch is being published, by `publish`. In one step for watchers: they neither miss a brief nor have it
    /// before the state that it leads to.
    pub(super) fn tell(&self, brief: Brief, publish: impl FnOnce()) {
        let mut latest = self.latest();
        publish();
        if latest.watchers.is_empty() || brief.is_empty() {
            return;
        }
        latest.briefs.push_back(Arc::new(brief));
        if latest.briefs.len() > BRIEFS_MAX {
            latest.lose_eldest();
        }
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        // Nothing in between is ever wrong for good: at worst a brief is kept too long.
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Latest {
    fn forget_taken(&mut self) {
        let waiting = self.watchers.values().flatten().min().copied();
        match waiting {
            Some(seen) => {
                let taken = self.briefs.partition_point(|brief| brief.mod_seq <= seen);
                self.briefs.drain(..taken);
            }
            None => self.briefs.clear(),
        }
        if self.briefs.is_empty() {
            self.briefs = VecDeque::new();
        }
    }

    /// Whoever waits for the eldest brief has lost it, and with it all that follow.
    fn lose_eldest(&mut self) {
        let Some(eldest) = self.briefs.front().map(|brief| brief.mod_seq) else {
            return;
        };
        for seen in self.watchers.values_mut() {
            if seen.is_some_and(|seen| seen < eldest) {
                *seen = None;
            }
        }
        self.forget_taken();
    }
}

impl Brief {
    /// What a batch does to the state `before`, which becomes `after`.
    pub(crate) fn new(batch: &Batch, before: &Snapshot, after: &Snapshot) -> Self {
        let mut brief = Self {
            mod_seq: batch.mod_seq,
            by: Arc::clone(&batch.by),
            messages: Vec::new(),
            names: Vec::new(),
            subscriptions: Vec::new(),
            metadata: Vec::new(),
            rights: Vec::new(),
            seen: Vec::new(),
            apart: Vec::new(),
        };
        let name = |id: MailboxId| before.mailbox(id).map(|it| it.name().clone());
        for change in &batch.changes {
            match change {
                Change::MailboxCreated { name, .. } => {
                    brief.names.push(Naming::Made(name.clone()));
                }
                Change::MailboxDeleted { id } => {
                    brief.names.extend(name(*id).map(Naming::Deleted));
                }
                Change::MailboxRenamed { id, name: to } => {
                    let to = to.clone();
                    let renamed = name(*id).map(|from| Naming::Renamed { from, to });
                    brief.names.extend(renamed);
                }
                Change::Subscribed { name } | Change::Unsubscribed { name } => {
                    brief.subscriptions.push(name.clone());
                }
                Change::Added(added) | Change::Copied(added) => {
                    extend_ranges(&mut brief.of(added.mailbox).came, added.uid);
                }
                Change::Expunged { mailbox, .. } => brief.of(*mailbox).went = true,
                Change::FlagsChanged { mailbox, .. } => brief.of(*mailbox).flagged = true,
                Change::AnnotationSet {
                    mailbox, setting, ..
                } => {
                    let annotated = &mut brief.of(*mailbox).annotated;
                    if !annotated.contains(&setting.whose) {
                        annotated.push(setting.whose);
                    }
                }
                Change::SeenSet {
                    mailbox, reader, ..
                } => brief.seen.push((*mailbox, *reader)),
                Change::MetadataSet {
                    mailbox,
                    owner,
                    entry,
                    ..
                } if entry.starts_with('/') => {
                    brief.metadata.push((*mailbox, *owner, Arc::clone(entry)));
                }
                Change::RightsSet { mailbox, .. } => brief.rights.push(*mailbox),
                Change::RoleSet { id, .. } => {
                    brief.metadata.push((Some(*id), None, SPECIAL_USE.into()));
                }
                _ => {}
            }
        }
        for messages in &mut brief.messages {
            let unseen =
                |state: &Snapshot| state.mailbox(messages.mailbox).map(|it| it.counters.unseen);
            messages.unseen = unseen(before) != unseen(after);
            let now = after.mailbox(messages.mailbox);
            if now.is_some_and(|it| !it.shares_seen()) {
                brief.apart.push(messages.mailbox);
            }
        }
        if let Some(to) = renamed_inbox(batch, before, after) {
            let made = brief.names.iter_mut().rev();
            if let Some(made) = made.into_iter().find(|it| **it == Naming::Made(to.clone())) {
                let from = MailboxName::inbox();
                *made = Naming::Renamed { from, to };
            }
        }
        brief
    }

    fn is_empty(&self) -> bool {
        self.messages.is_empty()
            && self.names.is_empty()
            && self.subscriptions.is_empty()
            && self.metadata.is_empty()
            && self.rights.is_empty()
            && self.seen.is_empty()
    }

    /// What of it its owner (`None`), or another reader, is told.
    fn told_to(self: &Arc<Self>, reader: Option<AccountId>) -> Arc<Self> {
        let Some(reader) = reader else {
            return Arc::clone(self);
        };
        let mut brief = Self::clone(self);
        let apart = |it: &&mut Messages| self.apart.contains(&it.mailbox);
        for messages in brief.messages.iter_mut().filter(apart) {
            messages.unseen = messages.went || !messages.came.is_empty();
        }
        for (mailbox, _) in self.seen.iter().filter(|(_, who)| *who == reader) {
            let messages = brief.of(*mailbox);
            (messages.flagged, messages.unseen) = (true, true);
        }
        Arc::new(brief)
    }

    fn of(&mut self, mailbox: MailboxId) -> &mut Messages {
        let found = self.messages.iter().rposition(|it| it.mailbox == mailbox);
        if let Some(at) = found {
            // The last is the one whose turn it is.
            let last = self.messages.len() - 1;
            self.messages.swap(at, last);
        } else {
            self.messages.push(Messages {
                mailbox,
                came: UidRanges::new(),
                went: false,
                flagged: false,
                annotated: Vec::new(),
                unseen: false,
            });
        }
        self.messages.last_mut().expect("it was just put there")
    }
}

/// The name that INBOX's messages have moved to: RENAME of INBOX makes a mailbox and moves all of them there
/// (RFC 9051 §6.3.6), which is all that such a batch has in it.
fn renamed_inbox(batch: &Batch, before: &Snapshot, after: &Snapshot) -> Option<MailboxName> {
    let inbox = before.named(&MailboxName::inbox())?;
    let mut changes = batch.changes.iter().rev();
    let all = |uids: &UidRanges| {
        let uids = uids.iter().map(|(first, last)| last.0 - first.0 + 1);
        uids.sum::<u32>() == inbox.len()
    };
    match changes.next()? {
        Change::Expunged { mailbox, uids } if *mailbox == inbox.id() && all(uids) => {}
        _ => return None,
    }
    // It has the metadata and rights too, and its readers have seen what they had seen.
    let comes_along = |change: &&Change| {
        matches!(
            change,
            Change::Copied(_)
                | Change::MetadataSet { .. }
                | Change::RightsSet { .. }
                | Change::AnnotationSet { .. }
                | Change::SeenSet { .. }
        )
    };
    let mut copies = changes.skip_while(comes_along);
    match copies.next()? {
        Change::MailboxCreated { id, name, .. } => {
            let made = after.mailbox(*id)?;
            (made.len() == inbox.len()).then(|| name.clone())
        }
        _ => None,
    }
}
