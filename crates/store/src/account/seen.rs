//! `\Seen` of those who read mailboxes that are not their own: where verbs take it from, and put it.
//!
//! Everything else of a message's flags is everybody's, and so is `\Seen` where the mailbox says so
//! ([`crate::mailbox::SHARED_SEEN`]).

use crate::{
    account::{along::Along, commit::Draft},
    change::Change,
    error::Error,
    flag::{Flags, SystemFlags},
    id::{AccountId, MailboxId, ModSeq, Uid},
    mailbox::{
        Mailbox, Message,
        seen::{Eye, SeenBy},
    },
    octets::{UidRanges, extend_ranges},
};

/// What a reader has seen of a mailbox, in memory.
pub(crate) struct Looking {
    seen: SeenBy,
    since: ModSeq,
}

impl Looking {
    /// The eye that looks at a message.
    pub(crate) fn eye(&self) -> Eye<'_> {
        Eye {
            seen: self.seen.own(),
            since: self.since,
        }
    }

    /// Whether `\Seen` is the reader's own.
    pub(crate) fn is_own(&self) -> bool {
        self.seen.own().is_some()
    }

    fn has_seen(&self, message: &Message<'_>) -> bool {
        self.eye().on(*message).system.contains(SystemFlags::SEEN)
    }
}

impl Draft<'_> {
    /// What a reader has seen of a mailbox; `None` for its owner, to whom the messages' flags say it.
    ///
    /// # Errors
    /// It is not in memory: the verb will be tried again when it is.
    pub(crate) fn looking(
        &mut self,
        mailbox: &Mailbox,
        reader: Option<AccountId>,
    ) -> Result<Option<Looking>, Error> {
        let Some(reader) = reader else {
            return Ok(None);
        };
        let since = mailbox.seen_since;
        match mailbox.seen_by(reader) {
            Some(seen) => Ok(Some(Looking { seen, since })),
            None => Err(self.lacks(mailbox.unread_reader(reader))),
        }
    }

    /// Says of messages that a reader has seen them, or has not.
    ///
    /// # Errors
    /// As for every change.
    pub(crate) fn set_seen(
        &mut self,
        mailbox: MailboxId,
        reader: AccountId,
        uids: UidRanges,
        seen: bool,
    ) -> Result<(), Error> {
        if uids.is_empty() {
            return Ok(());
        }
        self.push(Change::SeenSet {
            mailbox,
            reader,
            uids,
            seen,
        })
    }

    /// The flags with which a reader's new message is placed in a mailbox; and the reader, if it is to be said of
    /// them alone that they have seen it.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`].
    pub(crate) fn flags_by(
        &self,
        to: MailboxId,
        reader: Option<AccountId>,
        flags: &Flags,
    ) -> Result<(Flags, Option<AccountId>), Error> {
        let mut flags = flags.clone();
        let Some(reader) = reader.filter(|_| flags.system.contains(SystemFlags::SEEN)) else {
            return Ok((flags, None));
        };
        if self.mailbox(to)?.shares_seen() {
            return Ok((flags, None));
        }
        flags.system = flags.system.without(SystemFlags::SEEN);
        Ok((flags, Some(reader)))
    }

    /// The same for a message that is placed once more, of whose flags these are permitted.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`].
    pub(crate) fn flags_along(
        &self,
        message: &Message<'_>,
        flags: &Flags,
        (to, along): (MailboxId, Along),
    ) -> Result<(Flags, Option<AccountId>), Error> {
        let (mut flags, seen_by) = self.flags_by(to, along.reader(), flags)?;
        let moved = matches!(along, Along::Moved(Some(_))) && !self.mailbox(to)?.shares_seen();
        if moved && message.system.contains(SystemFlags::SEEN) {
            // The owner's: it is still the message that they have seen.
            flags.system = flags.system.with(SystemFlags::SEEN);
        }
        Ok((flags, seen_by))
    }

    /// Says of messages of `source` that were placed once more, ascending, what others had seen of them.
    ///
    /// # Errors
    /// As for every change.
    pub(crate) fn bring_seen(
        &mut self,
        source: &Mailbox,
        placed: &[(Message<'_>, Uid)],
        (to, along): (MailboxId, Along),
    ) -> Result<(), Error> {
        if self.mailbox(to)?.shares_seen() {
            return Ok(());
        }
        for reader in along.others(source) {
            let Some(looking) = self.looking(source, Some(reader))? else {
                continue;
            };
            let mut uids = UidRanges::new();
            for (message, uid) in placed {
                if looking.has_seen(message) {
                    extend_ranges(&mut uids, *uid);
                }
            }
            self.set_seen(to, reader, uids, true)?;
        }
        Ok(())
    }
}
