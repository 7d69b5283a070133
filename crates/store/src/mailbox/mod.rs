//! One mailbox at a modseq: counters, and its messages in chunks, in memory while somebody
//! has it open.

pub(crate) mod cell;
pub(crate) mod chunk;
mod cursor;
pub(crate) mod form;
pub(crate) mod history;
pub(crate) mod keywords;
pub(crate) mod lately;
mod open;
pub(crate) mod placements;
pub(crate) mod readers;
pub(crate) mod rows;
pub(crate) mod seen;

use std::sync::Arc;

use crate::{
    annotation::Annotations,
    change::Expiry,
    clock::Timestamp,
    engine::Ref,
    flag::{Keyword, SystemFlags},
    id::{AccountId, EmailId, MailboxId, ModSeq, ThreadId, Uid, UidValidity},
    metadata::Metadata,
    name::{MailboxName, Role},
    rights::Acl,
    sent::Sent,
};
use history::History;
use keywords::Keywords;
pub use open::OpenMailbox;
use placements::Placements;
use readers::{Reader, Readers};
pub use readers::{SHARED_SEEN, Status};
pub use rows::Stretch;
use seen::Seen;

/// What STATUS tells: kept, never counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages.
    pub messages: u32,
    /// Messages without `\Seen`.
    pub unseen: u32,
    /// Messages with `\Deleted`.
    pub deleted: u32,
    /// Octets of all messages.
    pub octets: u64,
}

/// What is known of a mailbox, at a modseq, without its messages. Immutable. Its messages:
/// [`crate::Account::open_mailbox`].
#[derive(Debug, Clone)]
pub struct Mailbox {
    pub(crate) id: MailboxId,
    pub(crate) name: MailboxName,
    pub(crate) role: Option<Role>,
    pub(crate) uid_validity: UidValidity,
    pub(crate) uid_next: Uid,
    pub(crate) highest_mod_seq: ModSeq,
    pub(crate) counters: Counters,
    pub(crate) recent_from: Uid,
    /// How many messages have a UID from there on.
    pub(crate) recent: u32,
    pub(crate) held: bool,
    pub(crate) expiry: Option<Expiry>,
    /// Where its new messages go, if not to the account's partition.
    pub(crate) partition: Option<u16>,
    pub(crate) metadata: Metadata,
    /// Who may do what, if it has a list of its own.
    pub(crate) acl: Option<Acl>,
    pub(crate) annotations: Annotations,
    /// Who reads it that is not its owner.
    pub(crate) readers: Readers,
    /// Since when `\Seen` is everybody's, or no more: what each was told of it before may be wrong.
    pub(crate) seen_since: ModSeq,
    pub(crate) keywords: Keywords,
    pub(crate) placements: Placements,
    pub(crate) history: History,
}

/// One message as it is placed in a mailbox. A cheap copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its UID.
    pub uid: Uid,
    /// The last change of its flags, or its arrival.
    pub mod_seq: ModSeq,
    /// Its system flags.
    pub system: SystemFlags,
    /// Its keywords, as indexes into [`Mailbox::keywords`], ascending.
    pub keywords: &'a [u32],
    /// INTERNALDATE.
    pub internal_date: Timestamp,
    /// When it was placed in this mailbox (RFC 8514), unix seconds.
    pub save_date: i64,
    /// RFC822.SIZE: octets.
    pub size: u64,
    /// EMAILID.
    pub email: EmailId,
    /// THREADID.
    pub thread: ThreadId,
    /// Where its record is: [`crate::Account::email`] reads it.
    pub record: Ref,
    /// Octets of its record: known, it is read at once.
    pub record_len: u32,
    /// When it was sent.
    pub sent: Sent,
}

impl Mailbox {
    /// MAILBOXID.
    #[must_use]
    pub fn id(&self) -> MailboxId {
        self.id
    }
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &MailboxName {
        &self.name
    }
    /// Its special use.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.role
    }
    /// UIDVALIDITY.
    #[must_use]
    pub fn uid_validity(&self) -> UidValidity {
        self.uid_validity
    }
    /// UIDNEXT.
    #[must_use]
    pub fn uid_next(&self) -> Uid {
        self.uid_next
    }
    /// HIGHESTMODSEQ: never 0.
    #[must_use]
    pub fn highest_mod_seq(&self) -> ModSeq {
        self.highest_mod_seq
    }
    /// MESSAGES, UNSEEN, DELETED, SIZE.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }
    /// Whether a legal hold lies on it; one may also lie on its account.
    #[must_use]
    pub fn held(&self) -> bool {
        self.held
    }
    /// Its own rule of expiry; `None`: its account's decides.
    #[must_use]
    pub fn expiry(&self) -> Option<Expiry> {
        self.expiry
    }
    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
    /// The annotations of its messages.
    #[must_use]
    pub fn annotations(&self) -> &Annotations {
        &self.annotations
    }
    /// Octets of all values of those: kept, never counted.
    #[must_use]
    pub fn annotation_octets(&self) -> u64 {
        self.annotations.octets()
    }
    /// Every keyword that has ever been used here, by index.
    #[must_use]
    pub fn keywords(&self) -> &[Keyword] {
        self.keywords.names()
    }
    /// How many messages.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.counters.messages
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// It with its messages, if they are all in memory: as they are in a state that was just
    /// made from the log. Of an account's own state ask [`crate::Account::open_mailbox`].
    #[must_use]
    pub fn in_memory(self: &Arc<Self>) -> Option<OpenMailbox> {
        OpenMailbox::gather(self, None, None).filter(OpenMailbox::is_in_memory)
    }
    /// How many messages are `\Recent` for a session that would claim them now.
    #[must_use]
    pub fn recent(&self) -> u32 {
        self.recent
    }
}

/// A chunk of a mailbox that has to be read from the checkpoint.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    /// Messages.
    Placements {
        mailbox: MailboxId,
        /// How many keywords the mailbox knows.
        keywords: usize,
        entry: chunk::Entry,
    },
    /// Expunges.
    History {
        mailbox: MailboxId,
        /// Which chunk.
        number: u32,
        entry: history::Entry,
    },
    /// What a reader has seen.
    Seen {
        mailbox: MailboxId,
        reader: AccountId,
        entry: Reader,
    },
}

/// A chunk that was read: it is in memory while this is held.
#[derive(Debug)]
pub(crate) enum Held {
    Placements(Arc<chunk::Chunk>),
    History(Arc<Vec<history::Gone>>),
    Seen(Arc<Seen>),
}

impl Wanted {
    /// Of which mailbox.
    pub(crate) fn mailbox(&self) -> MailboxId {
        match self {
            Self::Placements { mailbox, .. }
            | Self::History { mailbox, .. }
            | Self::Seen { mailbox, .. } => *mailbox,
        }
    }

    /// It was read, and the checkpoint does not have it.
    pub(crate) fn restore(&self, read: Held) {
        match (self, read) {
            (Self::Placements { entry, .. }, Held::Placements(chunk)) => entry.cell.restore(chunk),
            (Self::History { entry, .. }, Held::History(chunk)) => entry.cell.restore(chunk),
            (Self::Seen { entry, .. }, Held::Seen(seen)) => entry.cell.restore(seen),
            _ => {}
        }
    }

    /// Whether it is in memory now.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::Placements { entry, .. } => entry.cell.get().is_some(),
            Self::History { entry, .. } => entry.cell.get().is_some(),
            Self::Seen { entry, .. } => entry.cell.get().is_some(),
        }
    }
}

impl Mailbox {
    /// Whether this state has that very chunk.
    pub(crate) fn has(&self, wanted: &Wanted) -> bool {
        match wanted {
            Wanted::Placements { entry, .. } => {
                let first = Uid(entry.about.first);
                let range = [(first, first)];
                let mut within = self.placements.within(&range);
                within.any(|own| Arc::ptr_eq(&own.cell, &entry.cell))
            }
            Wanted::History { entry, .. } => {
                let mut entries = self.history.entries();
                entries.any(|own| Arc::ptr_eq(&own.cell, &entry.cell))
            }
            Wanted::Seen { reader, entry, .. } => {
                let own = self.readers.get(reader);
                own.is_some_and(|own| Arc::ptr_eq(&own.cell, &entry.cell))
            }
        }
    }

    /// Takes what is not in memory from another state of the mailbox, where that has the same.
    pub(crate) fn restore(&self, from: &OpenMailbox) {
        for entry in self.placements.entries() {
            if entry.cell.get().is_some() {
                continue;
            }
            let about = entry.about;
            let within = [(Uid(about.first), Uid(about.last))];
            if let Some(part) = Placements::part(from.placements.within(&within)) {
                let chunk = part.cut(Uid(about.first), Uid(about.last));
                if chunk::Summary::of(&chunk) == about {
                    entry.cell.restore(Arc::new(chunk));
                }
            }
        }
        for (own, other) in self.history.entries().zip(from.history.entries()) {
            let same = own.len == other.len && own.last == other.last;
            if let Some(chunk) = other.cell.get().filter(|_| same)
                && own.cell.get().is_none()
            {
                own.cell.restore(chunk);
            }
        }
        for (reader, own) in self.readers.iter() {
            let seen = from.readers.get(reader).and_then(|other| other.cell.get());
            if let Some(seen) = seen.filter(|seen| own.is(seen))
                && own.cell.get().is_none()
            {
                own.cell.restore(seen);
            }
        }
    }

    /// What of `entries`, which are its own, is not in memory.
    pub(crate) fn unread<'a>(
        &'a self,
        entries: impl Iterator<Item = &'a chunk::Entry>,
    ) -> impl Iterator<Item = Wanted> {
        let unread = entries.filter(|entry| entry.cell.get().is_none());
        unread.map(|entry| self.wanted(entry))
    }

    /// To read one of its own chunks of messages.
    pub(crate) fn wanted(&self, entry: &chunk::Entry) -> Wanted {
        Wanted::Placements {
            mailbox: self.id,
            keywords: self.keywords().len(),
            entry: entry.clone(),
        }
    }

    /// What has to be read before an expunge can be remembered.
    pub(crate) fn unread_tail_of_history(&self) -> Option<Wanted> {
        let tail = std::iter::once(self.history.tail());
        self.unread_expunges(tail).next()
    }

    /// What of its expunges is not in memory.
    pub(crate) fn unread_history(&self) -> impl Iterator<Item = Wanted> {
        self.unread_expunges((0..).zip(self.history.entries()))
    }

    fn unread_expunges<'a>(
        &'a self,
        entries: impl Iterator<Item = (u32, &'a history::Entry)>,
    ) -> impl Iterator<Item = Wanted> {
        let unread = entries.filter(|(_, entry)| entry.cell.get().is_none());
        unread.map(|(number, entry)| Wanted::History {
            mailbox: self.id,
            number,
            entry: entry.clone(),
        })
    }

    /// What of all that its readers have seen is not in memory.
    pub(crate) fn unread_readers(&self) -> impl Iterator<Item = Wanted> {
        let unread = self.readers.iter();
        let unread = unread.filter(|(_, reader)| reader.cell.get().is_none());
        unread.map(|(id, reader)| Wanted::Seen {
            mailbox: self.id,
            reader: *id,
            entry: reader.clone(),
        })
    }

    /// What is in memory of its expunges and of all that its readers have seen: stays there while this is held.
    pub(crate) fn older_in_memory(&self) -> impl Iterator<Item = Held> {
        let gone = self.history.entries();
        let gone = gone.filter_map(|entry| entry.cell.get().map(Held::History));
        let seen = self.readers.iter();
        gone.chain(seen.filter_map(|(_, reader)| reader.cell.get().map(Held::Seen)))
    }

    /// What has to be read before anybody knows what a reader has seen.
    pub(crate) fn unread_reader(&self, id: AccountId) -> Option<Wanted> {
        let reader = self.readers.get(&id)?;
        reader.cell.get().is_none().then(|| Wanted::Seen {
            mailbox: self.id,
            reader: id,
            entry: reader.clone(),
        })
    }

    /// What has to be read before the mailbox is open for its owner (`None`), or another reader.
    pub(crate) fn unread_of(&self, reader: Option<AccountId>) -> Vec<Wanted> {
        let history = self.unread_expunges(self.history.newest());
        let seen = reader.and_then(|id| self.unread_reader(id));
        history.chain(seen).collect()
    }
}
