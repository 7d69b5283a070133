//! One mailbox at a modseq: counters, and its messages in chunks, in memory while somebody
//! has it open.

pub(crate) mod history;
pub(crate) mod keywords;
mod open;
pub(crate) mod placements;

use std::sync::Arc;

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
pub use open::OpenMailbox;
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
    pub(crate) held: bool,
    pub(crate) expiry: Option<Expiry>,
    /// Where its new messages go, if not to the account's partition.
    pub(crate) partition: Option<u16>,
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
    /// It with its messages, if they are all in memory: as they are in a state that was just
    /// made from the log. Of an account's own state ask [`crate::Account::open_mailbox`].
    #[must_use]
    pub fn in_memory(self: &Arc<Self>) -> Option<OpenMailbox> {
        Some(OpenMailbox::new(Arc::clone(self)))
    }
    /// How many messages are `\Recent` for a session that would claim them now.
    #[must_use]
    pub fn recent(&self) -> u32 {
        let (Ok(before) | Err(before)) = self.placements.index_of(self.recent_from);
        self.len() - before
    }
}
