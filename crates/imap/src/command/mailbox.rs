//! Commands on mailboxes: SELECT, LIST, STATUS, GETMETADATA.

use alloc::{string::String, vec::Vec};
use core::num::NonZeroU32;

use super::Mailbox;
use crate::{encode::Listing, set::SequenceSet};

/// SELECT and EXAMINE with their parameters (RFC 7162 §3.1.8, §3.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The mailbox to open.
    pub mailbox: Mailbox,
    /// `(ANNOTATE)` was given: the client is told when annotations change (RFC 5257 §4.2).
    pub annotate: bool,
    /// `(CONDSTORE)` was given.
    pub condstore: bool,
    /// `(QRESYNC (…))`, if given.
    pub qresync: Option<Qresync>,
}

/// What a client knew when it was last here: RFC 7162 §3.2.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qresync {
    /// The UIDVALIDITY it remembers.
    pub uid_validity: NonZeroU32,
    /// The modseq it has synchronised up to.
    pub mod_seq: u64,
    /// The UIDs it knows of; all, if not given. No `*`.
    pub known_uids: Option<SequenceSet>,
    /// Sequence numbers and the UIDs that they had, pairwise.
    pub match_data: Option<(SequenceSet, SequenceSet)>,
}

/// What CREATE asks for of the mailbox: RFC 4466 §2.2.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateParams {
    /// `USE`, RFC 6154 §3: special-use attributes, with their backslash, as sent.
    pub special_use: Vec<String>,
    /// The partition that its mail is to lie in: `PARTITION`, or all that follows the name, as Cyrus has it.
    pub partition: Option<String>,
}

/// RENAME: RFC 9051 §6.3.6, RFC 4466 §2.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The name it has.
    pub from: Mailbox,
    /// The name it is to have; the same, if it is only to be moved.
    pub to: Mailbox,
    /// The partition that its mail is to lie in: `PARTITION`, or all that follows the names, as Cyrus has it.
    pub partition: Option<String>,
}

/// LIST in every form: RFC 9051 §6.3.9.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List {
    /// LIST or XLIST.
    pub listing: Listing,
    /// `SUBSCRIBED`, `REMOTE`, `RECURSIVEMATCH`, `SPECIAL-USE` before the reference.
    pub selection: ListSelection,
    /// The reference name.
    pub reference: Vec<u8>,
    /// One pattern, or several in parentheses.
    pub patterns: Vec<Vec<u8>>,
    /// What follows `RETURN`; `None` if it was not there.
    pub returns: Option<ListReturn>,
    /// Written in the extended syntax (any of selection, several patterns, RETURN).
    pub extended: bool,
}

/// FIND, which there was before LIST and LSUB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// `ALL.`: not only what is subscribed to.
    pub all: bool,
    /// `BBOARDS`, not `MAILBOXES`.
    pub bboards: bool,
    /// `*` stands for anything, `%` and `?` for one character.
    pub pattern: Vec<u8>,
}

/// LIST selection options: RFC 9051 §6.3.9.1, RFC 6154 §2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent option word of the grammar"
)]
pub struct ListSelection {
    /// `SUBSCRIBED`.
    pub subscribed: bool,
    /// `REMOTE`.
    pub remote: bool,
    /// `RECURSIVEMATCH`.
    pub recursive_match: bool,
    /// `SPECIAL-USE`.
    pub special_use: bool,
}

/// LIST return options: RFC 9051 §6.3.9.2, RFC 5819, RFC 6154.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent option word of the grammar"
)]
pub struct ListReturn {
    /// `SUBSCRIBED`.
    pub subscribed: bool,
    /// `CHILDREN`.
    pub children: bool,
    /// `SPECIAL-USE`.
    pub special_use: bool,
    /// `MYRIGHTS`, RFC 8440.
    pub my_rights: bool,
    /// `STATUS (…)`.
    pub status: Option<Vec<StatusItem>>,
    /// `METADATA (…)`, RFC 9590: names of entries; none if it was not there.
    pub metadata: Vec<String>,
}

/// What STATUS can tell: RFC 9051 §6.3.11, RFC 7162 §3.1.7, RFC 8474 §5.4, RFC 7889, RFC 9208 §4.1.4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusItem {
    /// `MESSAGES`.
    Messages,
    /// `RECENT`, RFC 3501.
    Recent,
    /// `UIDNEXT`.
    UidNext,
    /// `UIDVALIDITY`.
    UidValidity,
    /// `UNSEEN`.
    Unseen,
    /// `DELETED`.
    Deleted,
    /// `DELETED-STORAGE`.
    DeletedStorage,
    /// `SIZE`.
    Size,
    /// `HIGHESTMODSEQ`.
    HighestModSeq,
    /// `MAILBOXID`.
    MailboxId,
    /// `APPENDLIMIT`.
    AppendLimit,
}

impl StatusItem {
    /// Every item, in the order in which we would tell them.
    pub const ALL: [Self; 11] = [
        Self::Messages,
        Self::Recent,
        Self::UidNext,
        Self::UidValidity,
        Self::Unseen,
        Self::Deleted,
        Self::DeletedStorage,
        Self::Size,
        Self::HighestModSeq,
        Self::MailboxId,
        Self::AppendLimit,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "MESSAGES",
            Self::Recent => "RECENT",
            Self::UidNext => "UIDNEXT",
            Self::UidValidity => "UIDVALIDITY",
            Self::Unseen => "UNSEEN",
            Self::Deleted => "DELETED",
            Self::DeletedStorage => "DELETED-STORAGE",
            Self::Size => "SIZE",
            Self::HighestModSeq => "HIGHESTMODSEQ",
            Self::MailboxId => "MAILBOXID",
            Self::AppendLimit => "APPENDLIMIT",
        }
    }
}

/// GETMETADATA: RFC 5464 §4.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetMetadata {
    /// Of what: a mailbox, or the server if the name is empty.
    pub mailbox: Mailbox,
    /// `MAXSIZE`: values of more octets than this are not wanted.
    pub size_max: Option<u64>,
    /// `DEPTH`: what is wanted of the entries below.
    pub depth: Depth,
    /// Valid names of entries, at least one.
    pub entries: Vec<String>,
}

/// How far below an entry: RFC 5464 §4.2.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Depth {
    /// `0`: the entry alone.
    #[default]
    Zero,
    /// `1`: those directly below it too.
    One,
    /// `infinity`: all below it too.
    Infinity,
}
