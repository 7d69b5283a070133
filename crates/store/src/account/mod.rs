//! An open account: the verbs of mail, each one atomic batch of changes.
//!
//! Every verb is durable when it returns, and visible to everybody from then
//! on. A verb that fails has changed nothing.

mod across;
pub(crate) mod along;
pub(crate) mod annotate;
mod append;
mod as_was;
pub(crate) mod commit;
pub(crate) mod copy;
mod expunge;
mod flags;
pub(crate) mod mailboxes;
pub(crate) mod metadata;
mod moving;
mod open;
pub(crate) mod quota;
mod recent;
mod relocate;
mod replace;
pub(crate) mod rights;
pub(crate) mod seen;
mod watch;

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    email::{Email, Piece},
    error::Error,
    flag::Flags,
    id::{AccountId, ModSeq, Uid, UidValidity},
    incoming::Received,
    mailbox::{Mailbox, Message, Status},
    rights::Actor,
    snapshot::Snapshot,
};
pub use as_was::{AsWas, MadeAs};
use commit::Shared;
pub use open::Whole;
pub(crate) use relocate::Pass;
pub use rights::RightsChange;
pub(crate) use watch::Watched;
pub use watch::{BRIEFS_MAX, Brief, Messages, Naming, Watch};

/// What is written down of whoever does something, in octets.
const BY_OCTETS_MAX: usize = 200;

/// An open account. Cheap to clone; all clones are the same account.
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) shared: Arc<Shared>,
    pub(crate) hands: Hands,
}

/// In whose hands a handle is.
#[derive(Debug, Clone)]
pub(crate) struct Hands {
    /// Who acts through it, for people to read.
    pub(crate) by: Arc<str>,
    /// What they may do follows from this.
    pub(crate) actor: Actor,
    /// No quota holds for what they do.
    pub(crate) beyond_quotas: bool,
}

impl Hands {
    /// The server's own, by this name.
    pub(crate) fn system(by: &str) -> Self {
        let end = by.floor_char_boundary(BY_OCTETS_MAX);
        Self {
            by: by.get(..end).unwrap_or_default().into(),
            actor: Actor::System,
            beyond_quotas: false,
        }
    }
}

/// A message to place with [`Account::append`].
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The message.
    pub message: Received,
    /// Trace fields to put before it, whole lines with CRLF; may be empty.
    pub trace: Vec<u8>,
    /// Its flags.
    pub flags: Flags,
    /// INTERNALDATE; now, if not given.
    pub internal_date: Option<Timestamp>,
}

/// Where appended messages are: `APPENDUID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Of the mailbox.
    pub uid_validity: UidValidity,
    /// In the order given.
    pub uids: Vec<Uid>,
}

/// What a copy or move did: `COPYUID`. UIDs that were gone are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Of the destination.
    pub uid_validity: UidValidity,
    /// Pairs (source, destination), ascending.
    pub uids: Vec<(Uid, Uid)>,
}

/// What STORE does with the flags given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagAction {
    /// They become the message's flags.
    Replace,
    /// They are added.
    Add,
    /// They are removed.
    Remove,
}

/// A change of flags.
#[derive(Debug, Clone)]
pub struct FlagChange {
    /// How.
    pub action: FlagAction,
    /// Which.
    pub flags: Flags,
    /// Leave alone what changed after this (RFC 7162 §3.1.3).
    pub unchanged_since: Option<ModSeq>,
}

/// What a STORE did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Left alone because they changed after `unchanged_since`; ascending.
    pub modified: Vec<Uid>,
    /// Gone by then; ascending.
    pub gone: Vec<Uid>,
    /// HIGHESTMODSEQ of the mailbox that it met, and that it left; if whoever asked is its owner, and had the right to
    /// change all flags.
    pub step: Option<(ModSeq, ModSeq)>,
}

impl Account {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            hands: Hands::system(""),
        }
    }

    /// The same account, in somebody's hands: what is done through it is written down as done
    /// by them. For people, and for the account's history: a protocol, a name, an address. They may do
    /// everything: see [`Account::acting_as`].
    #[must_use]
    pub fn acting(&self, by: &str) -> Self {
        self.acting_as(by, Actor::System)
    }

    /// As [`Account::acting`], and every verb does only what this actor has the rights for: RFC 4314 §4. It fails
    /// with [`Error::NoRight`], or as if there were no such mailbox where they may not know of it.
    #[must_use]
    pub fn acting_as(&self, by: &str, actor: Actor) -> Self {
        let hands = Hands::system(by);
        Self {
            shared: Arc::clone(&self.shared),
            hands: Hands { actor, ..hands },
        }
    }

    /// The same handle, and no quota holds for what is done through it: for what administrators hand over
    /// nevertheless, and for what says that a quota is used up. It counts all the same.
    #[must_use]
    pub fn beyond_quotas(mut self) -> Self {
        self.hands.beyond_quotas = true;
        self
    }

    /// Who acts through this handle.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.hands.actor
    }

    /// Who acts through this handle, if their `\Seen` is apart from the messages' flags: whoever is not the owner of
    /// the mailboxes, nor the server itself.
    #[must_use]
    pub fn reader(&self) -> Option<AccountId> {
        match &self.hands.actor {
            Actor::User(person) if person.account != self.id() => Some(person.account),
            Actor::User(_) | Actor::System | Actor::Anonymous => None,
        }
    }

    /// A mailbox as whoever acts through this handle is told of it.
    #[must_use]
    pub fn status(&self, mailbox: &Mailbox) -> Status {
        mailbox.status(self.reader())
    }

    /// Which account.
    #[must_use]
    pub fn id(&self) -> AccountId {
        self.shared.id
    }

    /// What time it is, by the store's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.shared.clock)()
    }

    /// The state now: everything acknowledged is in it.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.published.load_full()
    }

    /// Whether this handle is of no use any more, because the account's partition was reopened: a new one is
    /// had by [`crate::Store::account`].
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Does something that takes a while, without holding up others: on a thread that may wait.
    ///
    /// # Errors
    /// [`Error::OutOfService`] if there is none.
    pub async fn aside<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.shared.engine().work(job).await
    }

    /// Waits until the account's modseq is greater than `than`, or it is closed. Cancel-safe.
    pub async fn changed(&self, than: ModSeq) {
        self.shared.changed(than).await;
    }

    /// Reads a message's record.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`]; [`Error::OutOfService`] if the partition in which it lies is
    /// not there.
    pub async fn email(&self, message: &Message<'_>) -> Result<Email, Error> {
        let record = Piece {
            at: message.record,
            len: message.record_len,
        };
        Email::fetch(self.shared.partitions.clone(), record).await
    }
}
