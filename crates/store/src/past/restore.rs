//! Bringing a past state, or another store's, into a running account: all of it, a mailbox, or
//! messages; beside what is there, into it, or in its place.
//!
//! Of the account's own past no octets move, and all of it is one batch. From another store
//! (a backup) messages are received anew, in batches of some, and what came before it was
//! broken off stays: run again, it goes on where it was. Nothing is ever lost by it: what
//! makes way moves aside.

mod foreign;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    as_of::Moment,
    undelete::{Mode, Was, make_again},
};
use crate::{
    account::{
        Account,
        along::Along,
        annotate::{give, give_back},
        commit::{Draft, Which},
        copy::{place_again, place_one},
        mailboxes::{create_named, rename_one, subscribe},
        metadata, rights,
    },
    change::Change,
    email::Email,
    error::Error,
    flag::Flags,
    id::{EmailId, MailboxId, Uid},
    mailbox::{Mailbox, Message, OpenMailbox},
    name::{DELIMITER, MailboxName},
    octets::{UidRanges, extend_ranges},
    snapshot::Snapshot,
};

/// A state to restore from.
#[derive(Debug, Clone)]
pub struct Source {
    /// Whose messages it has, in whichever store.
    account: Account,
    state: Arc<Snapshot>,
    mailboxes: Vec<OpenMailbox>,
}

/// What of it is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every mailbox.
    Account,
    /// One, without those below it.
    Mailbox(MailboxName),
    /// Messages of one, by UID.
    Messages(MailboxName, Vec<Uid>),
}

/// Where it is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Below this name: `INBOX` becomes `NAME/INBOX`. What is there already is not placed again.
    Beside(MailboxName),
    /// Into the mailboxes of the same names, made again if they are gone: what they lack comes
    /// back, nothing else changes.
    Missing,
    /// In place of what is there: mailboxes come to have the messages, and these the flags, that
    /// they had. What they have besides moves below this name, and so do, if it is the whole
    /// account, mailboxes that there were not.
    InPlace(MailboxName),
}

/// What to restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restore {
    /// What.
    pub selection: Selection,
    /// Where to.
    pub target: Target,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restored {
    /// By mailbox of the source.
    pub mailboxes: Vec<RestoredMailbox>,
    /// Mailboxes that moved aside whole: their names before and since.
    pub moved: Vec<(MailboxName, MailboxName)>,
    /// Messages of the source that can't be read any more.
    pub lost: Vec<Was>,
}

/// What was done to one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredMailbox {
    /// Its name in the source.
    pub from: MailboxName,
    /// The mailbox it came into.
    pub to: MailboxName,
    /// Whether that was made.
    pub made: bool,
    /// Messages that were placed.
    pub placed: u64,
    /// Messages that were there already.
    pub present: u64,
    /// Messages of those that got back the flags that they had.
    pub flagged: u64,
    /// Messages that moved aside.
    pub aside: u64,
}

impl Source {
    /// An account as it was: of a running store, or of one that was opened to restore from it.
    ///
    /// # Errors
    /// As [`Account::as_of`].
    pub async fn as_of(account: &Account, moment: Moment) -> Result<Self, Error> {
        let state = account.as_of(moment).await?;
        let mailboxes = state.mailboxes().map(|(_, mailbox)| mailbox);
        Ok(Self {
            account: account.clone(),
            mailboxes: mailboxes.filter_map(Mailbox::in_memory).collect(),
            state,
        })
    }

    /// The state.
    #[must_use]
    pub fn state(&self) -> &Arc<Snapshot> {
        &self.state
    }

    /// Its mailboxes, with their messages.
    #[must_use]
    pub fn mailboxes(&self) -> &[OpenMailbox] {
        &self.mailboxes
    }

    /// Reads the record of one of its messages.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if its space was given to something else already; [`Error::Io`].
    pub async fn email(&self, message: &Message<'_>) -> Result<Email, Error> {
        self.account.email(message).await
    }

    /// What is selected: mailboxes, and which of their messages.
    fn select<'a>(&'a self, selection: &'a Selection) -> Result<Vec<Selected<'a>>, Error> {
        let (name, uids) = match selection {
            Selection::Account => (None, None),
            Selection::Mailbox(name) => (Some(name), None),
            Selection::Messages(name, uids) => (Some(name), Some(uids)),
        };
        let uids: Option<BTreeSet<Uid>> = uids.map(|uids| uids.iter().copied().collect());
        let mut selected = Vec::new();
        for mailbox in &self.mailboxes {
            if name.is_none_or(|name| name == mailbox.name()) {
                let wanted = |message: &Message<'_>| {
                    let uids = uids.as_ref();
                    uids.is_none_or(|uids| uids.contains(&message.uid))
                };
                selected.push(Selected {
                    mailbox,
                    messages: mailbox.every().filter(wanted).collect(),
                    subscribed: self.state.subscriptions().contains(mailbox.name()),
                });
            }
        }
        if selected.is_empty() {
            return Err(Error::NoSuchMailbox);
        }
        // Those above come before those below.
        selected.sort_by_key(|selected| selected.mailbox.name().clone());
        Ok(selected)
    }
}

/// A mailbox of the source, and what of it is wanted.
struct Selected<'a> {
    mailbox: &'a OpenMailbox,
    messages: Vec<Message<'a>>,
    subscribed: bool,
}

/// Which message of the target is which of the source's, by the source's UID.
type Same = BTreeMap<Uid, Uid>;

impl Account {
    /// Restores into this account. `progress` hears how many messages were looked at.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`] if the source has no such mailbox, or none at all; [`Error::NotPermitted`] for
    /// single messages in place of others; [`Error::Limit`], [`Error::InvalidName`] for what
    /// the account can't have; whatever keeps the source from being read.
    pub async fn restore(
        &self,
        source: &Source,
        restore: &Restore,
        mode: Mode,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Restored, Error> {
        if let (Selection::Messages(..), Target::InPlace(_)) = (&restore.selection, &restore.target)
        {
            let why = "single messages can't take the place of a mailbox";
            return Err(Error::NotPermitted(why));
        }
        let _kept = self.shared.partitions.reprieve().await;
        let mut selected = source.select(&restore.selection)?;
        let own = Arc::ptr_eq(&source.account.shared, &self.shared);
        if own {
            let lost = self.leave_out_lost(&mut selected, progress).await?;
            let verb =
                |draft: &mut Draft<'_>| restore_own(draft, source, &selected, restore, &lost);
            match mode {
                Mode::Do => self.shared.commit(&self.hands, None, verb).await,
                Mode::DryRun => self.shared.rehearse(&self.hands, verb).await,
            }
        } else {
            self.restore_foreign(source, &selected, (restore, mode), progress)
                .await
        }
    }

    /// Leaves out what is neither in the account now nor can be read any more.
    async fn leave_out_lost(
        &self,
        selected: &mut [Selected<'_>],
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<Was>, Error> {
        let mut present: BTreeSet<EmailId> = BTreeSet::new();
        for mailbox in self.whole().await?.open() {
            present.extend(mailbox.every().map(|message| message.email));
        }
        let (mut lost, mut looked_at) = (Vec::new(), 0);
        for from in selected {
            let mut there = Vec::with_capacity(from.messages.len());
            for message in std::mem::take(&mut from.messages) {
                looked_at += 1;
                progress(looked_at);
                if present.contains(&message.email) {
                    there.push(message);
                    continue;
                }
                match self.email(&message).await {
                    Ok(email) if email.is_there() => there.push(message),
                    Ok(_) | Err(Error::Corrupt { .. }) => lost.push(was(from.mailbox, &message)),
                    Err(error) => return Err(error),
                }
            }
            from.messages = there;
        }
        Ok(lost)
    }
}

/// All of it, from the account's own past.
fn restore_own(
    draft: &mut Draft<'_>,
    source: &Source,
    selected: &[Selected<'_>],
    restore: &Restore,
    lost: &[Was],
) -> Result<Restored, Error> {
    let mut restored = Restored {
        lost: lost.to_vec(),
        ..Restored::default()
    };
    for from in selected {
        let (to, mut entry) = open_target(draft, from, &restore.target)?;
        let mut there: BTreeMap<EmailId, Vec<Uid>> = BTreeMap::new();
        let mailbox = Arc::clone(draft.mailbox(to)?);
        for message in draft.messages(&mailbox, Which::All)?.every() {
            there.entry(message.email).or_default().push(message.uid);
        }
        // The lowest UID is taken first.
        for uids in there.values_mut() {
            uids.reverse();
        }
        let (mut same, mut placed) = (Same::new(), Vec::new());
        for message in &from.messages {
            let present = there.get_mut(&message.email).and_then(Vec::pop);
            let uid = if let Some(uid) = present {
                entry.present += 1;
                uid
            } else {
                entry.placed += 1;
                let uid = place_one(draft, to, &flags(from.mailbox, message), message)?;
                give(draft, (to, uid), from.mailbox.annotations().of(message.uid))?;
                placed.push((*message, uid));
                uid
            };
            same.insert(message.uid, uid);
        }
        draft.bring_seen(from.mailbox, &placed, (to, Along::Moved(None)))?;
        if let Target::InPlace(aside) = &restore.target {
            take_place(draft, from, (to, &same), aside, &mut entry)?;
        }
        restored.mailboxes.push(entry);
    }
    restored.moved = move_others(draft, source, selected, restore)?;
    Ok(restored)
}

/// The mailbox that one of the source comes into, made if need be.
fn open_target(
    draft: &mut Draft<'_>,
    from: &Selected<'_>,
    target: &Target,
) -> Result<(MailboxId, RestoredMailbox), Error> {
    let source = from.mailbox;
    let name = match target {
        Target::Beside(root) => below(root, source.name())?,
        Target::Missing | Target::InPlace(_) => source.name().clone(),
    };
    let there = draft.snapshot.named(&name).map(|there| there.id());
    let made = there.is_none();
    let id = match (there, target) {
        (Some(id), _) => id,
        (None, Target::Beside(_)) => {
            let id = create_named(draft, &name, None)?;
            // Or clients that show no more than that would not show it.
            subscribe(draft, &name)?;
            metadata::copy(draft, Some(id), source.metadata())?;
            rights::set(draft, id, source.acl.clone())?;
            id
        }
        (None, _) => make_again(draft, &name, source, from.subscribed)?,
    };
    let entry = RestoredMailbox {
        from: source.name().clone(),
        to: name,
        made,
        placed: 0,
        present: 0,
        flagged: 0,
        aside: 0,
    };
    Ok((id, entry))
}

/// Gives the mailbox the metadata and the list of rights that it had, the messages that are the same the flags
/// and the annotations that they had, and moves the others aside.
fn take_place(
    draft: &mut Draft<'_>,
    from: &Selected<'_>,
    (to, same): (MailboxId, &Same),
    aside: &MailboxName,
    entry: &mut RestoredMailbox,
) -> Result<(), Error> {
    metadata::copy(draft, Some(to), from.mailbox.metadata())?;
    rights::set(draft, to, from.mailbox.acl.clone())?;
    for message in &from.messages {
        let Some(uid) = same.get(&message.uid) else {
            continue;
        };
        let flags = flags(from.mailbox, message);
        let now = Arc::clone(draft.mailbox(to)?);
        let there = draft.messages(&now, Which::Within(&vec![(*uid, *uid)]))?;
        let has = there.get(*uid);
        let differ = |has: Message<'_>| {
            let keywords = |flags: &Flags| -> BTreeSet<String> {
                flags.keywords.iter().map(|k| k.to_lowercase()).collect()
            };
            let has = flags_of(now.keywords(), &has);
            has.system != flags.system || keywords(&has) != keywords(&flags)
        };
        if has.is_some_and(differ) {
            entry.flagged += 1;
            draft.push(Change::FlagsChanged {
                mailbox: to,
                uids: vec![(*uid, *uid)],
                flags,
            })?;
        }
        drop(now);
        give_back(
            draft,
            (to, *uid),
            from.mailbox.annotations().of(message.uid),
        )?;
    }
    let kept: BTreeSet<Uid> = same.values().copied().collect();
    let now = Arc::clone(draft.mailbox(to)?);
    let messages = draft.messages(&now, Which::All)?;
    let others = || messages.every().filter(|m| !kept.contains(&m.uid));
    let mut uids = UidRanges::new();
    others().for_each(|message| extend_ranges(&mut uids, message.uid));
    if uids.is_empty() {
        return Ok(());
    }
    let name = below(aside, now.name())?;
    let there = draft.snapshot.named(&name).map(|there| there.id());
    let id = match there {
        Some(id) => id,
        None => create_named(draft, &name, None)?,
    };
    entry.aside += place_again(draft, &now, others(), (id, Along::Moved(None)))?.len() as u64;
    draft.push(Change::Expunged { mailbox: to, uids })
}

/// Where the whole account takes its old place: it has the metadata that it had, and mailboxes that
/// there were not move aside.
fn move_others(
    draft: &mut Draft<'_>,
    source: &Source,
    selected: &[Selected<'_>],
    restore: &Restore,
) -> Result<Vec<(MailboxName, MailboxName)>, Error> {
    let (Selection::Account, Target::InPlace(aside)) = (&restore.selection, &restore.target) else {
        return Ok(Vec::new());
    };
    metadata::copy(draft, None, source.state.metadata())?;
    let mut were = BTreeSet::new();
    for from in selected {
        let name = from.mailbox.name().clone();
        were.extend(std::iter::successors(Some(name), MailboxName::parent));
    }
    let others: Vec<(MailboxId, MailboxName)> = draft
        .snapshot
        .mailboxes()
        .filter(|(name, _)| !were.contains(*name) && *name != aside && !name.is_below(aside))
        .filter(|(name, _)| !name.is_inbox() && !aside.is_below(name))
        .map(|(name, mailbox)| (mailbox.id(), name.clone()))
        .collect();
    let mut moved = Vec::new();
    for (id, name) in others {
        let to = below(aside, &name)?;
        if draft.snapshot.named(&to).is_none() {
            rename_one(draft, id, &to)?;
            moved.push((name, to));
        }
    }
    Ok(moved)
}

fn below(root: &MailboxName, name: &MailboxName) -> Result<MailboxName, Error> {
    MailboxName::new(&format!("{root}{DELIMITER}{name}"))
}

fn was(mailbox: &OpenMailbox, message: &Message<'_>) -> Was {
    Was {
        mailbox: mailbox.id(),
        name: mailbox.name().clone(),
        uid: message.uid,
    }
}

pub(super) fn flags(mailbox: &OpenMailbox, message: &Message<'_>) -> Flags {
    flags_of(mailbox.keywords(), message)
}

fn flags_of(names: &[crate::flag::Keyword], message: &Message<'_>) -> Flags {
    let keywords = message.keywords.iter();
    Flags {
        system: message.system,
        keywords: keywords
            .filter_map(|index| names.get(*index as usize).cloned())
            .collect(),
    }
}
