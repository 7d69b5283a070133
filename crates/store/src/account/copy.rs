//! COPY and MOVE: RFC 9051 §6.4.7, §6.4.8. No octets move: a message gets one more placement.

use std::sync::Arc;

use crate::{
    account::{
        Account, Copied,
        along::Along,
        annotate::{give, room_in_account},
        commit::{Draft, Which},
    },
    change::{Added, Change},
    error::Error,
    flag::{Flags, Keyword},
    id::{MailboxId, Uid},
    mailbox::{
        Mailbox, Message,
        keywords::{KEYWORD_OCTETS_MAX, KEYWORDS_MAX, KEYWORDS_OF_MESSAGE_MAX},
        rows::Part,
    },
    octets::{UidRanges, extend_ranges},
    rights::Rights,
};

impl Account {
    /// Copies the messages that still exist of `uids` (ascending), all or none.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`] for `to`, [`Error::NoRight`], [`Error::Limit`].
    pub async fn copy(
        &self,
        from: MailboxId,
        uids: &[Uid],
        to: MailboxId,
    ) -> Result<Copied, Error> {
        let copied = self.shared.commit(&self.hands, None, |draft| {
            let copied = copy(draft, (from, uids), to, Along::Copied(self.reader()))?;
            if !draft.mailbox(to)?.annotations.is_empty() {
                room_in_account(draft)?;
            }
            Ok(copied)
        });
        copied.await
    }

    /// Moves the messages that still exist of `uids` (ascending), all or none. Onto the
    /// same mailbox gives them new UIDs.
    ///
    /// # Errors
    /// As [`Account::copy`].
    pub async fn move_to(
        &self,
        from: MailboxId,
        uids: &[Uid],
        to: MailboxId,
    ) -> Result<Copied, Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                if draft.snapshot.mailbox(from).is_some() {
                    draft.may_open(from, Rights::TO_REMOVE)?;
                }
                let copied = copy(draft, (from, uids), to, Along::Moved(self.reader()))?;
                let mut gone = UidRanges::new();
                for (uid, _) in &copied.uids {
                    extend_ranges(&mut gone, *uid);
                }
                if !gone.is_empty() {
                    draft.push(Change::Expunged {
                        mailbox: from,
                        uids: gone,
                    })?;
                }
                Ok(copied)
            })
            .await
    }
}

fn copy(
    draft: &mut Draft<'_>,
    (from, uids): (MailboxId, &[Uid]),
    to: MailboxId,
    along: Along,
) -> Result<Copied, Error> {
    draft.may_insert(to)?;
    let uid_validity = draft.mailbox(to)?.uid_validity();
    // A source that was deleted has lost all its messages: they are left out like any that are gone.
    let Some(source) = draft.snapshot.mailbox(from).map(Arc::clone) else {
        return Ok(Copied {
            uid_validity,
            uids: Vec::new(),
        });
    };
    draft.may_open(from, Rights::READ)?;
    let there = draft.messages(&source, Which::Within(&ranges(uids)))?;
    let uids = place_again(draft, &source, existing(&there, uids), (to, along))?;
    Ok(Copied { uid_validity, uids })
}

/// `uids` as ranges, those left out that don't ascend.
pub(crate) fn ranges(uids: &[Uid]) -> UidRanges {
    let mut ranges = UidRanges::new();
    for &uid in uids {
        if ranges.last().is_none_or(|(_, last)| *last < uid) {
            extend_ranges(&mut ranges, uid);
        }
    }
    ranges
}

/// The messages that exist of `uids`, ascending and each once even if `uids` are not.
pub(crate) fn existing<'a>(
    messages: &'a Part,
    uids: &'a [Uid],
) -> impl Iterator<Item = Message<'a>> {
    let (mut last, mut find) = (Uid(0), messages.in_turn());
    uids.iter().filter_map(move |&uid| {
        if uid <= last {
            return None;
        }
        last = uid;
        find(uid)
    })
}

/// Places messages of `source` in `to` as well, with what goes along. Gives pairs (there, here).
pub(crate) fn place_again<'a>(
    draft: &mut Draft<'_>,
    source: &'a Mailbox,
    messages: impl Iterator<Item = Message<'a>>,
    (to, along): (MailboxId, Along),
) -> Result<Vec<(Uid, Uid)>, Error> {
    let looking = draft.looking(source, along.reader())?;
    let rights = draft.rights(to)?;
    let many = messages.size_hint().1.unwrap_or_default();
    let (mut placed, mut copies) = (Vec::with_capacity(many), Vec::with_capacity(many));
    let mut seen = UidRanges::new();
    let mut next = draft.mailbox(to)?.uid_next();
    for message in messages {
        let names = message.keywords.iter();
        let keywords: Vec<Keyword> = names
            .filter_map(|index| source.keywords().get(*index as usize).cloned())
            .collect();
        let flags = Flags {
            system: looking
                .as_ref()
                .map_or(message, |it| it.eye().on(message))
                .system,
            keywords,
        };
        let (uid, flags) = (next, room_at(draft.mailbox(to)?, (next, rights), &flags)?);
        next = Uid(uid.0 + 1);
        let (flags, seen_by) = draft.flags_along(&message, &flags, (to, along))?;
        copies.push(added_at(draft, (to, uid), flags, &message));
        if seen_by.is_some() {
            extend_ranges(&mut seen, uid);
        }
        placed.push((message, uid));
    }
    if !copies.is_empty() {
        draft.may_insert(to)?;
        draft.push_copies(copies)?;
        // Of each it was asked as if it were the first.
        room_for_keywords(draft.mailbox(to)?, &[])?;
    }
    if !source.annotations.is_empty() {
        for (message, uid) in &placed {
            let them = along.annotations((source, message.uid), rights);
            give(draft, (to, *uid), &them)?;
        }
    }
    if let Some(reader) = along.reader() {
        draft.set_seen(to, reader, seen, true)?;
    }
    draft.bring_seen(source, &placed, (to, along))?;
    let placed = placed.into_iter();
    Ok(placed.map(|(message, uid)| (message.uid, uid)).collect())
}

/// Places a message of the account once more, with these flags. Gives its UID there.
pub(crate) fn place_one(
    draft: &mut Draft<'_>,
    to: MailboxId,
    flags: &Flags,
    message: &Message<'_>,
) -> Result<Uid, Error> {
    let (uid, flags) = room_for(draft, to, flags)?;
    let copy = added_at(draft, (to, uid), flags, message);
    draft.push(Change::Copied(copy))?;
    Ok(uid)
}

fn added_at(
    draft: &Draft<'_>,
    (to, uid): (MailboxId, Uid),
    flags: Flags,
    message: &Message<'_>,
) -> Added {
    Added {
        mailbox: to,
        uid,
        flags,
        internal_date: message.internal_date,
        save_date: draft.now,
        size: message.size,
        email: message.email,
        thread: message.thread,
        record: message.record,
        record_len: message.record_len,
        sent: message.sent,
        thread_keys: Vec::new(),
    }
}

/// Removes `messages`, all that `mailbox` had.
pub(super) fn expunge_every(
    draft: &mut Draft<'_>,
    mailbox: &Mailbox,
    messages: &Part,
) -> Result<(), Error> {
    let mut uids = UidRanges::new();
    for message in messages.every() {
        extend_ranges(&mut uids, message.uid);
    }
    if uids.is_empty() {
        return Ok(());
    }
    draft.push(Change::Expunged {
        mailbox: mailbox.id(),
        uids,
    })
}

/// The UID of the next message of a mailbox, if it may have one more with these flags; and which of them it may
/// have: RFC 4314 §4 has those left out silently that it takes a right to set which there is not.
pub(crate) fn room_for(
    draft: &mut Draft<'_>,
    to: MailboxId,
    flags: &Flags,
) -> Result<(Uid, Flags), Error> {
    let rights = draft.may_insert(to)?;
    let mailbox = draft.mailbox(to)?;
    let uid = mailbox.uid_next();
    Ok((uid, room_at(mailbox, (uid, rights), flags)?))
}

/// The same of a UID, which may be after others that are to be given too. Gives the flags.
fn room_at(mailbox: &Mailbox, (uid, rights): (Uid, Rights), flags: &Flags) -> Result<Flags, Error> {
    let flags = rights.permitted(flags);
    if uid.0 == u32::MAX {
        return Err(Error::Limit("UIDs"));
    }
    room_for_keywords(mailbox, &flags.keywords)?;
    Ok(flags)
}

/// Whether a mailbox may know these keywords as well.
pub(super) fn room_for_keywords(mailbox: &Mailbox, keywords: &[Keyword]) -> Result<(), Error> {
    if keywords.len() > KEYWORDS_OF_MESSAGE_MAX {
        return Err(Error::Limit("keywords of a message"));
    }
    if keywords
        .iter()
        .any(|keyword| keyword.len() > KEYWORD_OCTETS_MAX)
    {
        return Err(Error::Limit("octets of a keyword"));
    }
    let new = |keyword: &&Keyword| mailbox.keywords.find(keyword).is_none();
    let count = mailbox.keywords().len() + keywords.iter().filter(new).count();
    if count > KEYWORDS_MAX {
        return Err(Error::Limit("keywords"));
    }
    Ok(())
}
