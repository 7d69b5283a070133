//! One mailbox at a modseq: counters, and its messages in chunks.

pub(crate) mod history;
pub(crate) mod keywords;
pub(crate) mod placements;

use crate::{
    change::Expiry,
    clock::Timestamp,
    engine::Ref,
    flag::{Keyword, SystemFlags},
    id::{EmailId, MailboxId, ModSeq, ThreadId, Uid, UidValidity},
    name::{MailboxName, Role},
};
use history::History;
use keywords::Keywords;
use placements::Placements;

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

/// A mailbox at a modseq. Immutable; `index`es count from 0 in UID order.
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
    pub(crate) held: bool,
    pub(crate) expiry: Option<Expiry>,
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
    /// The message at an index.
    #[must_use]
    pub fn at(&self, index: u32) -> Option<Message<'_>> {
        self.placements.at(index)
    }
    /// `Ok(index)` of the message with that UID, or `Err(index)` where it would stand.
    ///
    /// # Errors
    /// As said: the place of a UID that is not there.
    pub fn index_of(&self, uid: Uid) -> Result<u32, u32> {
        self.placements.index_of(uid)
    }
    /// The message with that UID.
    #[must_use]
    pub fn get(&self, uid: Uid) -> Option<Message<'_>> {
        self.at(self.index_of(uid).ok()?)
    }
    /// Messages with UIDs `first..=last`, ascending: a sequential walk.
    pub fn range(&self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'_>> {
        self.placements.range(first, last)
    }
    /// Messages that changed or arrived after `since`, ascending by UID;
    /// costs by the chunks that hold such.
    pub fn changed_since(&self, since: ModSeq) -> impl Iterator<Item = Message<'_>> {
        self.placements.changed_since(since)
    }
    /// UIDs expunged after `since`, as ascending disjoint ranges; `None` if the
    /// record of expunges no longer goes back that far.
    #[must_use]
    pub fn expunged_since(&self, since: ModSeq) -> Option<Vec<(Uid, Uid)>> {
        Some(self.history.since(since))
    }
    /// The lowest index of a message without `\Seen`, if any (RFC 3501 `UNSEEN`).
    #[must_use]
    pub fn first_unseen(&self) -> Option<u32> {
        self.placements.first_unseen()
    }
    /// How many messages are `\Recent` for a session that would claim them now.
    #[must_use]
    pub fn recent(&self) -> u32 {
        let (Ok(before) | Err(before)) = self.index_of(self.recent_from);
        self.len() - before
    }
}
