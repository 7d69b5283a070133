//! Bringing back what is gone, with one batch.
//!
//! A message comes back as a placement of the record it had, with a new UID, the flags it had
//! but for `\Deleted`, and its old internal date. What is in its mailbox already is left
//! alone, so that doing it twice does it once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Retention,
    gone::{Gone, GoneMailbox, GoneMessage},
};
use crate::{
    account::{
        Account,
        annotate::{give, room_in_account},
        commit::{Draft, Which},
        copy::room_for,
        mailboxes::{create_named, subscribe},
        metadata, rights,
    },
    change::{Added, Change, Expiry},
    error::Error,
    flag::{Flags, SystemFlags},
    id::{AccountId, EmailId, MailboxId, Uid, UidValidity},
    mailbox::Mailbox,
    metadata::Metadata,
    name::{MailboxName, Role},
    octets::{UidRanges, extend_ranges},
    rights::Acl,
};

/// What to bring back, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelete {
    /// What.
    pub which: Wanted,
    /// The mailbox that it comes into, made if need be; the one that it was in, if not given,
    /// made again if that is gone.
    pub into: Option<MailboxName>,
    /// How long what is gone can be brought back.
    pub retention: Retention,
}

/// What is to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All that went at this time or later, in unix seconds.
    Since(i64),
    /// All that is gone from a mailbox. One that is gone itself comes back as it was, with its
    /// special use if no other mailbox has that now; with another name if its own is taken.
    Mailbox(MailboxId),
    /// Single messages: the mailbox they were in, and their UIDs there.
    Messages(MailboxId, Vec<Uid>),
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undeleted {
    /// Mailboxes that were made.
    pub made: Vec<MailboxName>,
    /// Messages that are back.
    pub back: Vec<Back>,
    /// Messages that were there already.
    pub present: Vec<Was>,
    /// Messages whose record can't be read any more.
    pub lost: Vec<Was>,
}

/// Where a message was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Was {
    /// The mailbox, which may be gone.
    pub mailbox: MailboxId,
    /// Its name; the last, if it is gone.
    pub name: MailboxName,
    /// The UID.
    pub uid: Uid,
}

/// A message that is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// Where it was.
    pub was: Was,
    /// The mailbox it is in now.
    pub mailbox: MailboxId,
    /// That mailbox's name.
    pub name: MailboxName,
    /// That mailbox's UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// Its UID there.
    pub uid: Uid,
}

/// Whether to do something, or only to tell what would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Do it.
    Do,
    /// Only tell.
    DryRun,
}

impl Account {
    /// Brings back what is gone: all of it or nothing.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`] if nothing is gone from that mailbox; [`Error::Limit`];
    /// [`Error::Corrupt`] and [`Error::Io`] of the log itself.
    pub async fn undelete(&self, undelete: &Undelete, mode: Mode) -> Result<Undeleted, Error> {
        self.undelete_of(undelete, mode, usize::MAX).await
    }

    /// The same; [`Error::Limit`] if more than so many messages are gone.
    pub(super) async fn undelete_of(
        &self,
        undelete: &Undelete,
        mode: Mode,
        messages_max: usize,
    ) -> Result<Undeleted, Error> {
        let _kept = self.shared.partitions.reprieve().await;
        let gone = self.gone_or_back(undelete.retention, messages_max).await?;
        let (chosen, lost) = self.readable(choose(&gone, &undelete.which)?).await?;
        let verb = |draft: &mut Draft<'_>| {
            let mut undeleted = Undeleted {
                lost: lost.clone(),
                ..Undeleted::default()
            };
            for from in &chosen {
                bring_back(draft, from, undelete.into.as_ref(), &mut undeleted)?;
            }
            Ok(undeleted)
        };
        match mode {
            Mode::Do => self.shared.commit(&self.hands, None, verb).await,
            Mode::DryRun => self.shared.rehearse(&self.hands, verb).await,
        }
    }

    /// Leaves out, and tells, what can't be read any more.
    async fn readable<'a>(
        &self,
        mut chosen: Vec<Chosen<'a>>,
    ) -> Result<(Vec<Chosen<'a>>, Vec<Was>), Error> {
        let mut lost = Vec::new();
        for from in &mut chosen {
            let mut readable = Vec::with_capacity(from.messages.len());
            for message in std::mem::take(&mut from.messages) {
                match self.gone_email(message).await {
                    Ok(email) if email.is_there() => readable.push(message),
                    Ok(_) | Err(Error::Corrupt { .. }) => {
                        lost.push(Was::of(from.mailbox, message));
                    }
                    Err(error) => return Err(error),
                }
            }
            from.messages = readable;
        }
        Ok((chosen, lost))
    }
}

/// What is to come back of one mailbox.
struct Chosen<'a> {
    mailbox: &'a GoneMailbox,
    messages: Vec<&'a GoneMessage>,
    /// The mailbox is to come back, not only messages that were in it.
    whole: bool,
}

impl Was {
    fn of(mailbox: &GoneMailbox, message: &GoneMessage) -> Self {
        Self {
            mailbox: mailbox.id,
            name: mailbox.name.clone(),
            uid: message.uid,
        }
    }
}

fn choose<'a>(gone: &'a Gone, which: &Wanted) -> Result<Vec<Chosen<'a>>, Error> {
    let of = |id: &MailboxId| gone.mailbox(*id).ok_or(Error::NoSuchMailbox);
    Ok(match which {
        Wanted::Since(time) => {
            let chosen = gone.mailboxes.iter().map(|mailbox| Chosen {
                mailbox,
                messages: mailbox
                    .messages
                    .iter()
                    .filter(|message| message.ended.time >= *time)
                    .collect(),
                whole: mailbox
                    .deleted
                    .as_ref()
                    .is_some_and(|ended| ended.time >= *time),
            });
            chosen
                .filter(|chosen| chosen.whole || !chosen.messages.is_empty())
                .collect()
        }
        Wanted::Mailbox(id) => {
            let mailbox = of(id)?;
            vec![Chosen {
                mailbox,
                messages: mailbox.messages.iter().collect(),
                whole: mailbox.deleted.is_some(),
            }]
        }
        Wanted::Messages(id, uids) => {
            let mailbox = of(id)?;
            let uids: BTreeSet<Uid> = uids.iter().copied().collect();
            vec![Chosen {
                mailbox,
                messages: uids.iter().filter_map(|uid| mailbox.get(*uid)).collect(),
                whole: false,
            }]
        }
    })
}

fn bring_back(
    draft: &mut Draft<'_>,
    from: &Chosen<'_>,
    into: Option<&MailboxName>,
    undeleted: &mut Undeleted,
) -> Result<(), Error> {
    let to = match into {
        Some(name) => named_or_made(draft, name, undeleted)?,
        None => home(draft, from, undeleted)?,
    };
    let target = draft.mailbox(to)?;
    let (name, uid_validity) = (target.name().clone(), target.uid_validity());
    let mut present = emails(draft, to)?;
    let mut seen: BTreeMap<AccountId, UidRanges> = BTreeMap::new();
    for message in &from.messages {
        let was = Was::of(from.mailbox, message);
        if !present.insert(message.email) {
            undeleted.present.push(was);
            continue;
        }
        let uid = place(draft, to, message)?;
        for reader in &message.seen_by {
            extend_ranges(seen.entry(*reader).or_default(), uid);
        }
        undeleted.back.push(Back {
            was,
            mailbox: to,
            name: name.clone(),
            uid_validity,
            uid,
        });
    }
    for (reader, uids) in seen {
        draft.set_seen(to, reader, uids, true)?;
    }
    Ok(())
}

/// The messages that a mailbox has.
fn emails(draft: &mut Draft<'_>, mailbox: MailboxId) -> Result<BTreeSet<EmailId>, Error> {
    let mailbox = Arc::clone(draft.mailbox(mailbox)?);
    let messages = draft.messages(&mailbox, Which::All)?;
    Ok(messages.every().map(|message| message.email).collect())
}

fn place(draft: &mut Draft<'_>, to: MailboxId, message: &GoneMessage) -> Result<Uid, Error> {
    let flags = Flags {
        system: message.flags.system.without(SystemFlags::DELETED),
        keywords: message.flags.keywords.clone(),
    };
    let (uid, flags) = room_for(draft, to, &flags)?;
    draft.push(Change::Copied(Added {
        mailbox: to,
        uid,
        flags,
        internal_date: message.internal_date,
        save_date: draft.now,
        size: message.size,
        email: message.email,
        thread: message.thread,
        record: message.record.at,
        record_len: message.record.len,
        sent: message.sent,
        thread_keys: Vec::new(),
    }))?;
    if !message.annotations.is_empty() {
        give(draft, (to, uid), &message.annotations)?;
        room_in_account(draft)?;
    }
    Ok(uid)
}

fn named_or_made(
    draft: &mut Draft<'_>,
    name: &MailboxName,
    undeleted: &mut Undeleted,
) -> Result<MailboxId, Error> {
    if let Some(there) = draft.snapshot.named(name) {
        return Ok(there.id());
    }
    undeleted.made.push(name.clone());
    create_named(draft, name, None)
}

/// The mailbox that messages were in, made again if it is gone.
fn home(
    draft: &mut Draft<'_>,
    from: &Chosen<'_>,
    undeleted: &mut Undeleted,
) -> Result<MailboxId, Error> {
    let mailbox = from.mailbox;
    if draft.snapshot.mailbox(mailbox.id).is_some() {
        return Ok(mailbox.id);
    }
    let other = mailbox.other_name()?;
    // A name is taken by another mailbox if that has none of these messages. One that has some
    // is this one, brought back before.
    let there = draft.snapshot.named(&mailbox.name).cloned();
    let taken = match there.filter(|_| from.whole) {
        None => false,
        Some(there) => {
            let had: BTreeSet<EmailId> = from.messages.iter().map(|m| m.email).collect();
            let messages = draft.messages(&there, Which::All)?;
            let again = messages.every().any(|m| had.contains(&m.email));
            !had.is_empty() && !again
        }
    };
    let name = if taken { &other } else { &mailbox.name };
    if let Some(there) = draft.snapshot.named(name) {
        return Ok(there.id());
    }
    undeleted.made.push(name.clone());
    let had = Had {
        role: mailbox.role,
        held: mailbox.held,
        expiry: mailbox.expiry,
        metadata: mailbox.metadata.clone(),
        acl: mailbox.acl.clone(),
    };
    make(draft, name, &had, mailbox.subscribed)
}

/// What a mailbox had besides messages.
struct Had {
    role: Option<Role>,
    held: bool,
    expiry: Option<Expiry>,
    metadata: Metadata,
    acl: Option<Acl>,
}

/// Makes a mailbox that there was once more, as it was but for its messages. Its special use it
/// gets only if no other has that now.
pub(super) fn make_again(
    draft: &mut Draft<'_>,
    name: &MailboxName,
    was: &Mailbox,
    subscribed: bool,
) -> Result<MailboxId, Error> {
    let had = Had {
        role: was.role(),
        held: was.held(),
        expiry: was.expiry(),
        metadata: was.metadata().clone(),
        acl: was.acl.clone(),
    };
    make(draft, name, &had, subscribed)
}

fn make(
    draft: &mut Draft<'_>,
    name: &MailboxName,
    had: &Had,
    subscribed: bool,
) -> Result<MailboxId, Error> {
    let free = |role: &_| draft.snapshot.with_role(*role).is_none();
    let role = had.role.filter(free);
    let id = create_named(draft, name, role)?;
    if subscribed {
        subscribe(draft, name)?;
    }
    if had.held {
        draft.push(Change::HeldSet {
            mailbox: Some(id),
            held: true,
        })?;
    }
    if had.expiry.is_some() {
        draft.push(Change::ExpirySet {
            mailbox: Some(id),
            expiry: had.expiry,
        })?;
    }
    metadata::copy(draft, Some(id), &had.metadata)?;
    rights::set(draft, id, had.acl.clone())?;
    Ok(id)
}
