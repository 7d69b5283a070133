//! What a client can ask for: the commands of RFC 9051 §6 as values.
//!
//! The nesting is the RFC's own: §6.1 any state, §6.2 not authenticated, §6.3
//! authenticated, §6.4 selected; so "not in this state" is decided once, in one
//! `match`. Strings that name mailboxes stay as the client's bytes: how they
//! are to be read (modified UTF-7 or UTF-8) depends on the session
//! ([`crate::name`]).

use alloc::{boxed::Box, string::String, vec::Vec};
use core::num::NonZeroU32;

use crate::set::SequenceSet;

mod acl;
mod annotation;
mod append;
mod mailbox;
mod message;
mod notify;
mod search;
mod url;

pub use acl::{Acl, ModRights};
pub use annotation::{
    AnnotationAttribute, AnnotationEntry, AnnotationKey, AnnotationScope, AnnotationSpec,
    SortAnnotation, StoreAnnotations,
};
pub use append::{
    Append, AppendData, AppendMessage, CatPart, LiteralKind, MessageLiteral, Replace,
};
pub use mailbox::{
    CreateParams, Depth, Find, GetMetadata, List, ListReturn, ListSelection, Qresync, Rename,
    Select, StatusItem,
};
pub use message::{
    Convert, ConvertItem, Copy, Counted, Date, DateTime, Fetch, FetchItem, Flag, Partial,
    PartialRange, Section, SectionText, Store, StoreAction,
};
pub use notify::{Event, EventFilter, EventGroup, MailboxFilter, Notify};
pub use search::{
    DateOrder, Esearch, Search, SearchKey, SearchReturn, SearchSource, Sort, SortCriterion,
    SortKey, Thread, ThreadAlgorithm,
};
pub use url::{UrlFetch, UrlFetchParams, UrlOctets};

/// A command with its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The client's tag, to be sent back as it came.
    pub tag: String,
    /// What it asks for.
    pub command: Command,
}

/// Every command, by the state that permits it (RFC 9051 §3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// RFC 9051 §6.1.
    Any(Any),
    /// RFC 9051 §6.2.
    NotAuthenticated(NotAuthenticated),
    /// RFC 9051 §6.3.
    Authenticated(Authenticated),
    /// RFC 9051 §6.4.
    Selected(Selected),
}

/// Commands of any state: RFC 9051 §6.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Any {
    /// CAPABILITY, §6.1.1.
    Capability,
    /// NOOP, §6.1.2.
    Noop,
    /// LOGOUT, §6.1.3.
    Logout,
    /// ID, RFC 2971: field and value pairs; empty for `NIL`.
    Id(Vec<(Vec<u8>, Option<Vec<u8>>)>),
    /// LANGUAGE, RFC 5255 §3.2: language ranges (RFC 4647 §2), the one liked best first; none
    /// asks which languages there are.
    Language(Vec<String>),
}

/// Commands before login: RFC 9051 §6.2.
#[derive(Clone, PartialEq, Eq)]
pub enum NotAuthenticated {
    /// STARTTLS, §6.2.1.
    StartTls,
    /// AUTHENTICATE, §6.2.2.
    Authenticate {
        /// The SASL mechanism, upper-cased.
        mechanism: String,
        /// The initial response (SASL-IR), already decoded; `=` is `Some` of nothing.
        initial: Option<Vec<u8>>,
    },
    /// LOGIN, §6.2.3.
    Login {
        /// The user name as sent.
        user: Vec<u8>,
        /// The password as sent.
        password: Vec<u8>,
    },
}

/// Commands after login: RFC 9051 §6.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authenticated {
    /// ENABLE, §6.3.1: capability names, upper-cased.
    Enable(Vec<String>),
    /// SELECT, §6.3.2.
    Select(Select),
    /// EXAMINE, §6.3.3.
    Examine(Select),
    /// CREATE, §6.3.4.
    Create {
        /// The mailbox to make.
        mailbox: Mailbox,
        /// What is asked for of it.
        params: CreateParams,
    },
    /// DELETE, §6.3.5.
    Delete(Mailbox),
    /// RENAME, §6.3.6.
    Rename(Rename),
    /// SUBSCRIBE, §6.3.7.
    Subscribe(Mailbox),
    /// UNSUBSCRIBE, §6.3.8.
    Unsubscribe(Mailbox),
    /// LIST, §6.3.9, in its basic and extended forms (RFC 5258, RFC 5819); RLIST, RFC 2193
    /// §5.1, which is LIST with the option REMOTE; and XLIST.
    List(List),
    /// LSUB, RFC 3501 §6.3.9; and RLSUB, RFC 2193 §5.2.
    Lsub {
        /// The reference name.
        reference: Vec<u8>,
        /// The pattern.
        pattern: Vec<u8>,
        /// It was RLSUB: remote mailboxes too.
        remote: bool,
    },
    /// SCAN: LIST of the mailboxes that hold some text.
    Scan {
        /// The reference name.
        reference: Vec<u8>,
        /// The pattern.
        pattern: Vec<u8>,
        /// Octets that a message must have.
        contents: Vec<u8>,
    },
    /// COMPARATOR, RFC 5255 §4.7: what is to be compared by, the first that there is; none asks
    /// what is.
    Comparator(Vec<CollationOrder>),
    /// FIND, RFC 2062 §6.3.OBS.1, §6.3.OBS.2, RFC 1176.
    Find(Find),
    /// NAMESPACE, §6.3.10.
    Namespace,
    /// STATUS, §6.3.11.
    Status {
        /// The mailbox to look at.
        mailbox: Mailbox,
        /// What to tell of it.
        items: Vec<StatusItem>,
    },
    /// ESEARCH, RFC 7377.
    Esearch(Esearch),
    /// APPEND, §6.3.12, with MULTIAPPEND (RFC 3502).
    Append(Append),
    /// CONVERSIONS, RFC 5259 §5.1: types in lower case, `*` or `type/*` among them.
    Conversions {
        /// What there is.
        from: String,
        /// What it may become.
        to: String,
    },
    /// GETJMAPACCESS, RFC 9698 §4.
    GetJmapAccess,
    /// SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS, RFC 4314 §3.
    Acl(Acl),
    /// GETMETADATA, RFC 5464 §4.2.
    GetMetadata(GetMetadata),
    /// SETMETADATA, RFC 5464 §4.3.
    SetMetadata {
        /// Of what: a mailbox, or the server if the name is empty.
        mailbox: Mailbox,
        /// At least one: valid names, and values, of which `None` removes the entry.
        entries: Vec<(String, Option<Vec<u8>>)>,
    },
    /// GETQUOTA, RFC 9208 §4.1.1: the name of a quota root.
    GetQuota(Mailbox),
    /// GETQUOTAROOT, RFC 9208 §4.1.2: a mailbox, which need not exist.
    GetQuotaRoot(Mailbox),
    /// SETQUOTA, RFC 9208 §4.1.3.
    SetQuota {
        /// The name of a quota root.
        root: Mailbox,
        /// All limits that it is to have: resources, in upper case and each once, and how much of them.
        limits: Vec<(String, u64)>,
    },
    /// GENURLAUTH, RFC 4467 §7: URLs to be authorized, each with a mechanism as sent.
    GenUrlAuth(Vec<(Vec<u8>, String)>),
    /// RESETKEY, RFC 4467 §7: of a mailbox, for mechanisms as sent; `None`: of all.
    ResetKey(Option<(Mailbox, Vec<String>)>),
    /// URLFETCH, RFC 4467 §7, RFC 5524.
    UrlFetch(Vec<UrlFetch>),
    /// IDLE, §6.3.13; DONE is the wire's business.
    Idle,
    /// COMPRESS DEFLATE, RFC 4978 §3: there is no other algorithm.
    Compress,
    /// UNAUTHENTICATE, RFC 8437 §3.
    Unauthenticate,
    /// NOTIFY, RFC 5465: SET with what is asked for; NONE with nothing.
    Notify(Option<Notify>),
}

/// Commands on the selected mailbox: RFC 9051 §6.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    /// CHECK, RFC 3501 §6.4.1.
    Check,
    /// CLOSE, §6.4.1.
    Close,
    /// UNSELECT, §6.4.2.
    Unselect,
    /// EXPUNGE, §6.4.3.
    Expunge,
    /// UIDBATCHES, RFC 10022 §3.1.
    UidBatches(UidBatches),
    /// UID EXPUNGE, §6.4.9.
    UidExpunge(SequenceSet),
    /// SEARCH and UID SEARCH, §6.4.4.
    Search(Search),
    /// SORT and UID SORT, RFC 5256 §3.
    Sort(Sort),
    /// THREAD and UID THREAD, RFC 5256 §3.
    Thread(Thread),
    /// FETCH and UID FETCH, §6.4.5.
    Fetch(Fetch),
    /// CONVERT and UID CONVERT, RFC 5259 §6.
    Convert(Convert),
    /// STORE and UID STORE, §6.4.6.
    Store(Store),
    /// STORE and UID STORE of annotations, RFC 5257 §4.5.
    StoreAnnotations(StoreAnnotations),
    /// CANCELUPDATE, RFC 5267 §4.3.5: tags.
    CancelUpdate(Vec<String>),
    /// COPY and UID COPY, §6.4.7.
    Copy(Copy),
    /// MOVE and UID MOVE, §6.4.8.
    Move(Copy),
    /// REPLACE and UID REPLACE, RFC 8508.
    Replace(Box<Replace>),
}

/// A collation as a client asks for it: `collation-order`, RFC 4790 §3.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollationOrder {
    /// Began with `-`: what it orders is to be the other way round.
    pub descending: bool,
    /// `collation-wild`: an identifier in which `*` stands for any characters, or `default`.
    pub wild: String,
}

/// A mailbox name as the client sent it, undecoded ([`crate::name::decode`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox(pub Vec<u8>);

/// UIDBATCHES: RFC 10022 §3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UidBatches {
    /// Messages to a batch.
    pub size: NonZeroU32,
    /// The first and the last batch that is asked for, from 1, the newest; they may be the
    /// wrong way round. All, if not given.
    pub range: Option<(NonZeroU32, NonZeroU32)>,
}

/// Whether a command and its response count in sequence numbers or UIDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    /// Message sequence numbers.
    Sequence,
    /// Unique identifiers: the command had the `UID` prefix.
    Uid,
}

impl core::fmt::Debug for NotAuthenticated {
    /// Shows no secret: a `Command` may end up in a log.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::StartTls => f.write_str("StartTls"),
            Self::Authenticate { mechanism, .. } => write!(f, "Authenticate({mechanism:?}, …)"),
            Self::Login { .. } => f.write_str("Login(…)"),
        }
    }
}
