//! Accounts, mailboxes and messages, on a log that loses nothing.
//!
//! An account is an ordered log of [`change::Change`]s, numbered by
//! [`ModSeq`]; the state of its mailboxes is the fold of its changes. Three
//! nouns carry that through:
//!
//! * [`Account`]: the verbs. Each is one atomic batch, durable on return.
//! * [`Snapshot`] and [`Mailbox`]: the state at a modseq, immutable, shared.
//! * [`Incoming`]: a message on its way in, piece by piece.
//!
//! Mail semantics are written once, here; below them `engine` keeps
//! bytes and promises durability, and knows no mail at all. Formats on disk:
//! `docs/store-format.md`.
//!
//! Nothing here knows a protocol.

pub mod account;
pub mod annotation;
pub mod archive;
pub mod backup;
mod cabinet;
pub mod change;
mod check;
mod checkpoint;
mod checksum;
pub mod clock;
pub mod columns;
pub mod compact;
pub mod email;
pub mod engine;
pub mod error;
mod events;
pub mod flag;
mod fold;
mod home;
pub mod id;
pub mod incoming;
mod loss;
pub mod mailbox;
pub mod metadata;
pub mod moves;
pub mod name;
mod octets;
pub mod partition;
pub mod past;
pub mod quota;
pub mod records;
pub mod repair;
pub mod rights;
pub mod search;
mod sent;
pub mod sharing;
mod shelves;
pub mod snapshot;
pub mod store;
#[cfg(test)]
mod tests;
pub mod text;
mod threads;
pub mod verify;

pub use account::{
    Account, Arrival, AsWas, Brief, Copied, FlagAction, FlagChange, MadeAs, Naming, Placed,
    RightsChange, Stored, Watch,
};
pub use annotation::{Annotation, AnnotationChange, AnnotationLimits, Annotations, Whose};
pub use clock::{Clock, Timestamp};
pub use compact::{CompactOptions, Compacted};
pub use email::Email;
pub use error::Error;
pub use flag::{Flags, Keyword, SystemFlags};
pub use id::{AccountId, EmailId, MailboxId, ModSeq, ThreadId, Uid, UidValidity};
pub use incoming::{Incoming, Received};
pub use mailbox::{Counters, Mailbox, Message, OpenMailbox, SHARED_SEEN, Status, Stretch};
pub use metadata::{Metadata, MetadataLimits};
pub use name::{MailboxName, Role};
pub use quota::{Limits, Quota, QuotaRoot, Resource, RootState, Usage};
pub use rights::{Acl, Actor, Identifier, Person, Rights, Who};
pub use search::{IndexOptions, IndexRound, IndexStatus};
pub use sent::{Sent, SentDate};
pub use snapshot::Snapshot;
pub use store::{Options, Store};
pub use text::{Buffers, TextReader};
