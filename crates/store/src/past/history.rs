//! What happened to mail: arrived, copied, moved, flagged, expunged, brought back; and to
//! mailboxes; when, and by whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    ops::ControlFlow,
    sync::Arc,
};

use super::{
    batches::Batches,
    begin::{Unbroken, as_added},
};
use crate::{
    account::Account,
    annotation::Setting,
    change::{Added, Batch, Change, Expiry},
    email::{Email, Piece},
    error::Error,
    flag::Flags,
    id::{AccountId, EmailId, MailboxId, ModSeq, Uid},
    name::MailboxName,
    quota::Quota,
    rights::{Acl, Identifier, Rights},
    snapshot::Snapshot,
};

/// Whose history is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of the account's.
    Everything,
    /// That of mailboxes that have or had this name, and of the messages in them.
    Mailbox(MailboxName),
    /// That of the messages that have or had this UID in a mailbox that has or had this name,
    /// wherever else they are or were.
    Message(MailboxName, Uid),
    /// That of a message, by EMAILID.
    Email(EmailId),
    /// That of the messages with this Message-ID, with or without its brackets. Those that are
    /// gone are found as long as their record is there.
    MessageId(String),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// With which change.
    pub mod_seq: ModSeq,
    /// When, in unix seconds.
    pub time: i64,
    /// By whom, from where; empty if nobody said.
    pub by: Arc<str>,
    /// What.
    pub what: Happened,
}

/// A message in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// MAILBOXID.
    pub mailbox: MailboxId,
    /// The mailbox's name at the time.
    pub name: MailboxName,
    /// The message's UID there.
    pub uid: Uid,
    /// EMAILID.
    pub email: EmailId,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A message arrived.
    Arrived {
        /// Where.
        at: Place,
        /// Its flags.
        flags: Flags,
        /// Octets.
        size: u64,
    },
    /// A message was placed once more.
    Copied {
        /// Where it also was.
        from: Place,
        /// Where to.
        to: Place,
    },
    /// A message was placed elsewhere, and is no longer where it was.
    Moved {
        /// Where it was.
        from: Place,
        /// Where to.
        to: Place,
    },
    /// A message that was nowhere any more was brought back.
    Undeleted {
        /// Where to.
        at: Place,
    },
    /// A message's flags changed.
    FlagsChanged {
        /// Which.
        at: Place,
        /// Its flags before.
        from: Flags,
        /// Its flags since then.
        to: Flags,
    },
    /// An annotation of a message was set or taken away.
    AnnotationSet {
        /// Of which.
        at: Place,
        /// The entry's name.
        entry: Arc<str>,
        /// Whether it has a value since then.
        there: bool,
    },
    /// Somebody who reads another's mailbox has seen a message, or no longer has.
    SeenSet {
        /// Which.
        at: Place,
        /// Who.
        reader: AccountId,
        /// Whether they have since then.
        seen: bool,
    },
    /// A message was removed.
    Expunged {
        /// Where it was.
        at: Place,
    },
    /// A message went with its mailbox.
    WentWithMailbox {
        /// Where it was.
        at: Place,
    },
    /// A mailbox was made.
    MailboxCreated {
        /// Which.
        id: MailboxId,
        /// Its name.
        name: MailboxName,
    },
    /// A mailbox got another name.
    MailboxRenamed {
        /// Which.
        id: MailboxId,
        /// Its name before.
        from: MailboxName,
        /// Its name since then.
        to: MailboxName,
    },
    /// A mailbox was deleted.
    MailboxDeleted {
        /// Which.
        id: MailboxId,
        /// Its name.
        name: MailboxName,
    },
    /// A hold was laid on a mailbox (`None`: the account), or lifted.
    HeldSet {
        /// On which.
        mailbox: Option<(MailboxId, MailboxName)>,
        /// Whether it is held since then.
        held: bool,
    },
    /// A mailbox (`None`: the account) got another rule of expiry.
    ExpirySet {
        /// Which.
        mailbox: Option<(MailboxId, MailboxName)>,
        /// The rule.
        expiry: Option<Expiry>,
    },
    /// Other people may do other things with a mailbox: entries of its list were made, changed, or taken away.
    RightsSet {
        /// Which.
        mailbox: (MailboxId, MailboxName),
        /// Whose entries are other ones, and their rights since then; none: there is no entry any more.
        entries: Vec<(Identifier, Rights)>,
    },
    /// A quota root got other limits, or is none any more.
    QuotaSet {
        /// The name that it is of, with all below; `None`: the account.
        root: Option<MailboxName>,
        /// What is set since then.
        quota: Option<Quota>,
    },
    /// Metadata of a mailbox (`None`: of the account) was set or taken away.
    MetadataSet {
        /// Of which.
        mailbox: Option<(MailboxId, MailboxName)>,
        /// The entry's name.
        entry: Arc<str>,
        /// Whether it has a value since then.
        there: bool,
    },
}

impl Account {
    /// Tells what happened, in order, until `visit` breaks off. What is asked of one message costs
    /// memory by that message's history, what is asked of a mailbox or the account by theirs.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`] of the log itself.
    pub async fn history(
        &self,
        which: &Which,
        visit: &mut (dyn FnMut(Event) -> ControlFlow<()> + Send),
    ) -> Result<(), Error> {
        let wanted = self.resolve(which).await?;
        let mut teller = Teller {
            wanted,
            names: BTreeMap::new(),
            acls: BTreeMap::new(),
            places: BTreeMap::new(),
            by_email: BTreeMap::new(),
            told: Vec::new(),
        };
        let to = self.snapshot().mod_seq();
        let mut batches = Batches::between(&self.shared, ModSeq(0), to);
        let mut known = Unbroken::default();
        while let Some(batch) = batches.next().await? {
            let base = self.begins(&batch, known.follows(&batch)).await?;
            match &base {
                // What that batch itself did is not known apart from it.
                Some(base) => teller.begin(&base.snapshot),
                None => teller.apply(&batch),
            }
            known.next(&batch, base.is_some());
            for what in mem::take(&mut teller.told) {
                let event = Event {
                    mod_seq: batch.mod_seq,
                    time: batch.time,
                    by: Arc::clone(&batch.by),
                    what,
                };
                if visit(event).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn resolve(&self, which: &Which) -> Result<Wanted, Error> {
        let (name, uid, message_id) = match which {
            Which::Everything => return Ok(Wanted::Everything),
            Which::Email(email) => return Ok(Wanted::Emails([*email].into())),
            Which::Mailbox(name) => (Some(name), None, None),
            Which::Message(name, uid) => (Some(name), Some(*uid), None),
            Which::MessageId(id) => (None, None, Some(id.as_bytes())),
        };
        let to = self.snapshot().mod_seq();
        let mut batches = Batches::between(&self.shared, ModSeq(0), to);
        let (mut mailboxes, mut emails) = (BTreeSet::new(), BTreeSet::new());
        let mut at_uid = BTreeSet::new();
        let mut known = Unbroken::default();
        while let Some(batch) = batches.next().await? {
            let whole = self.begins(&batch, known.follows(&batch)).await?;
            known.next(&batch, whole.is_some());
            let mut changes = batch.changes;
            if let Some(whole) = whole {
                changes = as_changes(&whole.snapshot);
            }
            for change in &changes {
                match change {
                    Change::MailboxCreated { id, name: has, .. }
                    | Change::MailboxRenamed { id, name: has }
                        if Some(has) == name =>
                    {
                        mailboxes.insert(*id);
                    }
                    Change::Added(added) | Change::Copied(added) if Some(added.uid) == uid => {
                        at_uid.insert((added.mailbox, added.email));
                    }
                    Change::Added(added) => {
                        if let Some(id) = message_id
                            && self.has_message_id(added, id).await?
                        {
                            emails.insert(added.email);
                        }
                    }
                    _ => {}
                }
            }
        }
        if name.is_some() && uid.is_none() {
            return Ok(Wanted::Mailboxes(mailboxes));
        }
        let there = at_uid.into_iter().filter(|(id, _)| mailboxes.contains(id));
        emails.extend(there.map(|(_, email)| email));
        Ok(Wanted::Emails(emails))
    }

    /// Whether a message has a Message-ID.
    async fn has_message_id(&self, added: &Added, id: &[u8]) -> Result<bool, Error> {
        let record = Piece {
            at: added.record,
            len: added.record_len,
        };
        let partitions = self.shared.partitions.clone();
        match Email::fetch(partitions, record).await {
            Ok(email) => Ok(message_id(email.digest_ref().listed)
                .is_some_and(|has| has == without_brackets(id))),
            // Gone for good, or damaged: nobody can tell any more.
            Err(Error::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// A state, as the changes that would lead to it.
fn as_changes(snapshot: &Snapshot) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, mailbox) in snapshot.mailboxes() {
        changes.push(Change::MailboxCreated {
            id: mailbox.id(),
            name: name.clone(),
            role: mailbox.role(),
            uid_validity: mailbox.uid_validity(),
        });
        if let Some(acl) = mailbox.acl.clone() {
            changes.push(Change::RightsSet {
                mailbox: mailbox.id(),
                acl: Some(acl),
            });
        }
        if let Some(open) = mailbox.in_memory() {
            let messages = open.every();
            changes.extend(messages.map(|m| Change::Added(as_added(&open, &m))));
        }
    }
    changes
}

/// The Message-ID among header fields, without its brackets.
fn message_id(header: &[u8]) -> Option<Vec<u8>> {
    let field = mail::header::find(header, "Message-ID")?;
    Some(without_brackets(&field.text()).to_vec())
}

fn without_brackets(id: &[u8]) -> &[u8] {
    let id = id.trim_ascii();
    let inner = id.strip_prefix(b"<").and_then(|id| id.strip_suffix(b">"));
    inner.unwrap_or(id)
}

/// What [`Which`] comes to.
enum Wanted {
    Everything,
    Mailboxes(BTreeSet<MailboxId>),
    Emails(BTreeSet<EmailId>),
}

impl Wanted {
    fn message(&self, mailbox: MailboxId, email: EmailId) -> bool {
        match self {
            Self::Everything => true,
            Self::Mailboxes(ids) => ids.contains(&mailbox),
            Self::Emails(emails) => emails.contains(&email),
        }
    }

    /// Whether a message has to be followed, so that it is known where what is told came from.
    fn follows(&self, email: EmailId) -> bool {
        match self {
            Self::Everything | Self::Mailboxes(_) => true,
            Self::Emails(emails) => emails.contains(&email),
        }
    }

    /// Whether what happens to a mailbox as a whole is told.
    fn mailbox(&self, mailbox: MailboxId) -> bool {
        match self {
            Self::Everything => true,
            Self::Mailboxes(ids) => ids.contains(&mailbox),
            Self::Emails(_) => false,
        }
    }
}

/// Follows what is wanted through the log.
struct Teller {
    wanted: Wanted,
    names: BTreeMap<MailboxId, MailboxName>,
    /// Who may do what, where that is not only the owner.
    acls: BTreeMap<MailboxId, Acl>,
    /// Messages that are there, of those followed.
    places: BTreeMap<(MailboxId, Uid), (EmailId, Flags)>,
    by_email: BTreeMap<EmailId, BTreeSet<(MailboxId, Uid)>>,
    told: Vec<Happened>,
}

impl Teller {
    /// The account was like this, and nothing before it is known.
    fn begin(&mut self, snapshot: &Snapshot) {
        (self.names, self.places) = (BTreeMap::new(), BTreeMap::new());
        self.by_email.clear();
        self.acls.clear();
        for change in as_changes(snapshot) {
            match change {
                Change::MailboxCreated { id, name, .. } => drop(self.names.insert(id, name)),
                Change::RightsSet { mailbox, acl } => {
                    self.acls.extend(acl.map(|acl| (mailbox, acl)));
                }
                Change::Added(added) => self.placed(&added),
                _ => {}
            }
        }
    }

    fn apply(&mut self, batch: &Batch) {
        // What goes with this batch, by message: if it is placed by the same, it was moved.
        let mut going: BTreeMap<EmailId, Vec<(MailboxId, Uid)>> = BTreeMap::new();
        for change in &batch.changes {
            if let Change::Expunged { mailbox, uids } = change {
                for (key, email) in self.within(*mailbox, uids) {
                    going.entry(email).or_default().push(key);
                }
            }
        }
        let mut moved = BTreeSet::new();
        // What came with annotations.
        let mut placed = BTreeSet::new();
        for change in &batch.changes {
            match change {
                Change::Added(added) => {
                    placed.insert((added.mailbox, added.uid));
                    self.placed(added);
                    self.arrived(added);
                }
                Change::Copied(added) => {
                    placed.insert((added.mailbox, added.uid));
                    let from = going.get_mut(&added.email).and_then(Vec::pop);
                    moved.extend(from);
                    self.copied(added, from);
                    self.placed(added);
                }
                Change::Expunged { mailbox, uids } => {
                    for (key, email) in self.within(*mailbox, uids) {
                        if !moved.contains(&key) && self.wanted.message(key.0, email) {
                            let at = self.place(key, email);
                            self.told.push(Happened::Expunged { at });
                        }
                        self.went(key, email);
                    }
                }
                Change::FlagsChanged {
                    mailbox,
                    uids,
                    flags,
                } => self.flagged(*mailbox, uids, flags),
                Change::AnnotationSet {
                    mailbox,
                    uids,
                    setting,
                } => self.annotated(*mailbox, uids, setting, &placed),
                Change::SeenSet {
                    mailbox,
                    reader,
                    uids,
                    seen,
                } => self.read((*mailbox, *reader), uids, *seen, &placed),
                other => self.mailbox_changed(other),
            }
        }
    }

    fn arrived(&mut self, added: &Added) {
        if self.wanted.message(added.mailbox, added.email) {
            let at = self.place((added.mailbox, added.uid), added.email);
            self.told.push(Happened::Arrived {
                at,
                flags: added.flags.clone(),
                size: added.size,
            });
        }
    }

    fn copied(&mut self, added: &Added, moved_from: Option<(MailboxId, Uid)>) {
        let other = self.by_email.get(&added.email);
        let other = other.and_then(|places| places.first()).copied();
        let wants = |mailbox| self.wanted.message(mailbox, added.email);
        if !wants(added.mailbox) && !moved_from.is_some_and(|(mailbox, _)| wants(mailbox)) {
            return;
        }
        let to = self.place((added.mailbox, added.uid), added.email);
        let from = |key| self.place(key, added.email);
        let what = match (moved_from, other) {
            (Some(key), _) => Happened::Moved {
                from: from(key),
                to,
            },
            (None, Some(key)) => Happened::Copied {
                from: from(key),
                to,
            },
            (None, None) => Happened::Undeleted { at: to },
        };
        self.told.push(what);
    }

    fn flagged(&mut self, mailbox: MailboxId, uids: &[(Uid, Uid)], flags: &Flags) {
        for (key, email) in self.within(mailbox, uids) {
            let at = self.place(key, email);
            let wanted = self.wanted.message(key.0, email);
            if let Some((_, has)) = self.places.get_mut(&key) {
                let from = mem::replace(has, flags.clone());
                let to = flags.clone();
                if wanted {
                    self.told.push(Happened::FlagsChanged { at, from, to });
                }
            }
        }
    }

    fn annotated(
        &mut self,
        mailbox: MailboxId,
        uids: &[(Uid, Uid)],
        setting: &Setting,
        placed: &BTreeSet<(MailboxId, Uid)>,
    ) {
        for (key, email) in self.within(mailbox, uids) {
            if self.wanted.message(key.0, email) && !placed.contains(&key) {
                self.told.push(Happened::AnnotationSet {
                    at: self.place(key, email),
                    entry: Arc::clone(&setting.entry),
                    there: setting.value.is_some(),
                });
            }
        }
    }

    /// What comes along with a message is not told apart from its coming.
    fn read(
        &mut self,
        (mailbox, reader): (MailboxId, AccountId),
        uids: &[(Uid, Uid)],
        seen: bool,
        placed: &BTreeSet<(MailboxId, Uid)>,
    ) {
        for (key, email) in self.within(mailbox, uids) {
            if self.wanted.message(key.0, email) && !placed.contains(&key) {
                let at = self.place(key, email);
                self.told.push(Happened::SeenSet { at, reader, seen });
            }
        }
    }

    fn mailbox_changed(&mut self, change: &Change) {
        let what = match change {
            Change::MailboxCreated { id, name, .. } => {
                self.names.insert(*id, name.clone());
                let (id, name) = (*id, name.clone());
                (id, Happened::MailboxCreated { id, name })
            }
            Change::MailboxRenamed { id, name } => {
                let from = self.name(*id);
                self.names.insert(*id, name.clone());
                let (id, to) = (*id, name.clone());
                (id, Happened::MailboxRenamed { id, from, to })
            }
            Change::MailboxDeleted { id } => {
                self.took_along(*id);
                let (id, name) = (*id, self.name(*id));
                self.names.remove(&id);
                self.acls.remove(&id);
                (id, Happened::MailboxDeleted { id, name })
            }
            Change::RightsSet { mailbox, acl } => return self.rights_set(*mailbox, acl.as_ref()),
            Change::HeldSet { mailbox, held } => {
                let on = mailbox.map(|id| (id, self.name(id)));
                let what = Happened::HeldSet {
                    mailbox: on,
                    held: *held,
                };
                return self.set(*mailbox, what);
            }
            Change::ExpirySet { mailbox, expiry } => {
                let on = mailbox.map(|id| (id, self.name(id)));
                let what = Happened::ExpirySet {
                    mailbox: on,
                    expiry: *expiry,
                };
                return self.set(*mailbox, what);
            }
            Change::QuotaSet { root, quota } => {
                let (root, quota) = (root.clone(), *quota);
                return self.set(None, Happened::QuotaSet { root, quota });
            }
            Change::MetadataSet {
                mailbox,
                entry,
                value,
                ..
            } => {
                let on = mailbox.map(|id| (id, self.name(id)));
                let what = Happened::MetadataSet {
                    mailbox: on,
                    entry: entry.clone(),
                    there: value.is_some(),
                };
                return self.set(*mailbox, what);
            }
            _ => return,
        };
        if self.wanted.mailbox(what.0) {
            self.told.push(what.1);
        }
    }

    fn rights_set(&mut self, id: MailboxId, acl: Option<&Acl>) {
        let before = match acl {
            Some(acl) => self.acls.insert(id, acl.clone()),
            None => self.acls.remove(&id),
        };
        let before = before.unwrap_or_else(Acl::of_owner);
        let after = acl.cloned().unwrap_or_else(Acl::of_owner);
        let gone = before
            .entries()
            .map(|(identifier, _)| (identifier, Rights::NONE));
        let gone = gone.filter(|(identifier, _)| after.get(identifier).is_none());
        let other = after.entries();
        let other = other.filter(|(identifier, rights)| before.get(identifier) != Some(*rights));
        let entries = gone.chain(other).map(|(who, rights)| (who.clone(), rights));
        let what = Happened::RightsSet {
            mailbox: (id, self.name(id)),
            entries: entries.collect(),
        };
        self.set(Some(id), what);
    }

    /// Something was set on a mailbox, or on the account.
    fn set(&mut self, mailbox: Option<MailboxId>, what: Happened) {
        let wanted = match mailbox {
            Some(id) => self.wanted.mailbox(id),
            None => !matches!(self.wanted, Wanted::Emails(_)),
        };
        if wanted {
            self.told.push(what);
        }
    }

    /// A mailbox goes, and its messages with it.
    fn took_along(&mut self, id: MailboxId) {
        for (key, email) in self.within(id, &[(Uid(0), Uid(u32::MAX))]) {
            // Else the mailbox's end says it.
            if matches!(self.wanted, Wanted::Emails(_)) {
                let at = self.place(key, email);
                self.told.push(Happened::WentWithMailbox { at });
            }
            self.went(key, email);
        }
    }

    fn placed(&mut self, added: &Added) {
        if self.wanted.follows(added.email) {
            let key = (added.mailbox, added.uid);
            let value = (added.email, added.flags.clone());
            self.places.insert(key, value);
            self.by_email.entry(added.email).or_default().insert(key);
        }
    }

    fn went(&mut self, key: (MailboxId, Uid), email: EmailId) {
        self.places.remove(&key);
        if let Some(places) = self.by_email.get_mut(&email) {
            places.remove(&key);
            if places.is_empty() {
                self.by_email.remove(&email);
            }
        }
    }

    fn within(&self, mailbox: MailboxId, uids: &[(Uid, Uid)]) -> Vec<((MailboxId, Uid), EmailId)> {
        let ranges = uids.iter().flat_map(|(first, last)| {
            let range = (mailbox, *first)..=(mailbox, *last);
            self.places.range(range)
        });
        ranges.map(|(key, (email, _))| (*key, *email)).collect()
    }

    fn place(&self, (mailbox, uid): (MailboxId, Uid), email: EmailId) -> Place {
        Place {
            mailbox,
            name: self.name(mailbox),
            uid,
            email,
        }
    }

    /// A mailbox's name now. One whose making can't be read has none: its id stands for it.
    fn name(&self, id: MailboxId) -> MailboxName {
        let known = self.names.get(&id).cloned();
        known
            .or_else(|| MailboxName::new(&id.to_string()).ok())
            .unwrap_or_else(MailboxName::inbox)
    }
}
