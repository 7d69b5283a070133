//! What a client can ask for: the commands of RFC 9051 §6 as values.
//!
//! The nesting is the RFC's own: §6.1 any state, §6.2 not authenticated, §6.3
//! authenticated, §6.4 selected; so "not in this state" is decided once, in one
//! `match`. Strings that name mailboxes stay as the client's bytes: how they
//! are to be read (modified UTF-7 or UTF-8) depends on the session
//! ([`crate::name`]).

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{num::NonZeroU32, ops::Range};

use crate::{encode::Listing, set::SequenceSet};

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
    /// CREATE, §6.3.4, with the roles asked for (`USE`, RFC 6154 §3).
    Create {
        /// The mailbox to make.
        mailbox: Mailbox,
        /// Special-use attributes, with their backslash, as sent.
        special_use: Vec<String>,
    },
    /// DELETE, §6.3.5.
    Delete(Mailbox),
    /// RENAME, §6.3.6.
    Rename {
        /// The name it has.
        from: Mailbox,
        /// The name it is to have.
        to: Mailbox,
    },
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
    /// GETMETADATA, RFC 5464 §4.2.
    GetMetadata(GetMetadata),
    /// SETMETADATA, RFC 5464 §4.3.
    SetMetadata {
        /// Of what: a mailbox, or the server if the name is empty.
        mailbox: Mailbox,
        /// At least one: valid names, and values, of which `None` removes the entry.
        entries: Vec<(String, Option<Vec<u8>>)>,
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

/// NOTIFY SET: RFC 5465 §3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// `STATUS`: tell first how the mailboxes stand.
    pub status: bool,
    /// At least one.
    pub groups: Vec<EventGroup>,
}

/// Mailboxes, and what is to be told of them: RFC 5465 §8, `event-group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventGroup {
    /// Which mailboxes.
    pub filter: EventFilter,
    /// What; nothing for `NONE`.
    pub events: Vec<Event>,
}

/// `filter-mailboxes`: RFC 5465 §6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFilter {
    /// `SELECTED`: the selected mailbox, at once.
    Selected,
    /// `SELECTED-DELAYED`: the selected mailbox, expunges only where its numbers may move.
    SelectedDelayed,
    /// Other mailboxes.
    Others(MailboxFilter),
}

/// Mailboxes by where they are: RFC 5465 §6, `filter-mailboxes-other`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailboxFilter {
    /// `INBOXES`: where mail may be delivered.
    Inboxes,
    /// `PERSONAL`: the user's own.
    Personal,
    /// `SUBSCRIBED`.
    Subscribed,
    /// `SUBTREE`: these, and all below them.
    Subtree(Vec<Mailbox>),
    /// `SUBTREE-ONE`: these, and those one level below them; of ESEARCH only (RFC 7377 §2.2).
    SubtreeOne(Vec<Mailbox>),
    /// `MAILBOXES`: these.
    Mailboxes(Vec<Mailbox>),
}

/// `event`: RFC 5465 §5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `MessageNew`, and what to tell of each new message.
    MessageNew(Vec<FetchItem>),
    /// `MessageExpunge`.
    MessageExpunge,
    /// `FlagChange`.
    FlagChange,
    /// `AnnotationChange`.
    AnnotationChange,
    /// `MailboxName`.
    MailboxName,
    /// `SubscriptionChange`.
    SubscriptionChange,
    /// `MailboxMetadataChange`.
    MailboxMetadataChange,
    /// `ServerMetadataChange`.
    ServerMetadataChange,
    /// One that nobody here knows: `event-ext`.
    Other,
}

/// `url-fetch-arg`: RFC 5524 §5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlFetch {
    /// The URL, as sent.
    pub url: Vec<u8>,
    /// What of it; nothing at all asks for the octets as RFC 4467 has them.
    pub params: UrlFetchParams,
}

/// `url-fetch-param`s: RFC 5524 §3.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UrlFetchParams {
    /// `BODYPARTSTRUCTURE`.
    pub structure: bool,
    /// `BODY` or `BINARY`.
    pub octets: Option<UrlOctets>,
}

/// In which form octets are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlOctets {
    /// `BODY`: as they are.
    Body,
    /// `BINARY`: without their transfer encoding.
    Binary,
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

/// SELECT and EXAMINE with their parameters (RFC 7162 §3.1.8, §3.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The mailbox to open.
    pub mailbox: Mailbox,
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
pub struct ListReturn {
    /// `SUBSCRIBED`.
    pub subscribed: bool,
    /// `CHILDREN`.
    pub children: bool,
    /// `SPECIAL-USE`.
    pub special_use: bool,
    /// `STATUS (…)`.
    pub status: Option<Vec<StatusItem>>,
    /// `METADATA (…)`, RFC 9590: names of entries; none if it was not there.
    pub metadata: Vec<String>,
}

/// What STATUS can tell: RFC 9051 §6.3.11, RFC 7162 §3.1.7, RFC 8474 §5.4, RFC 7889.
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
    pub const ALL: [Self; 10] = [
        Self::Messages,
        Self::Recent,
        Self::UidNext,
        Self::UidValidity,
        Self::Unseen,
        Self::Deleted,
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
            Self::Size => "SIZE",
            Self::HighestModSeq => "HIGHESTMODSEQ",
            Self::MailboxId => "MAILBOXID",
            Self::AppendLimit => "APPENDLIMIT",
        }
    }
}

/// CONVERT: RFC 5259 §6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convert {
    /// How messages are named.
    pub numbering: Numbering,
    /// Which.
    pub messages: SequenceSet,
    /// The type that parts are to become, in lower case; `None` (`NIL`): whichever suits.
    pub to: Option<String>,
    /// Conversion parameters: names in upper case, and values.
    pub params: Vec<(String, Vec<u8>)>,
    /// At least one.
    pub items: Vec<ConvertItem>,
}

/// What CONVERT is to tell: RFC 5259 §10, `convert-att`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConvertItem {
    /// `UID`.
    Uid,
    /// `BODYPARTSTRUCTURE[…]`: how a part is once it is converted.
    Structure(Vec<NonZeroU32>),
    /// `BINARY[…]<…>`: a part, converted.
    Binary {
        /// The part's number; empty for the whole message.
        part: Vec<NonZeroU32>,
        /// Which octets of it.
        partial: Option<Partial>,
    },
    /// `BINARY.SIZE[…]`.
    Size(Vec<NonZeroU32>),
    /// `BODY[HEADER]`, `BODY[….HEADER]` and `BODY[….MIME]`: encoded words in another charset.
    Header {
        /// The part's number; empty for the message.
        part: Vec<NonZeroU32>,
        /// `MIME`.
        mime: bool,
    },
    /// `AVAILABLECONVERSIONS[…]`: what a part may become.
    Available(Vec<NonZeroU32>),
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

/// APPEND: a mailbox, and one message or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where to.
    pub mailbox: Mailbox,
    /// At least one.
    pub messages: Vec<AppendMessage>,
}

/// One message of an APPEND, or that of a REPLACE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendMessage {
    /// Flags and keywords as sent.
    pub flags: Vec<Flag>,
    /// The internal date, if given.
    pub date: Option<DateTime>,
    /// What it is made of.
    pub data: AppendData,
}

/// `append-data`: RFC 4466, RFC 4469, RFC 6855.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendData {
    /// A literal that is all of the message.
    Message(MessageLiteral),
    /// `CATENATE (…)`, RFC 4469: at least one part.
    Catenate(Vec<CatPart>),
}

/// `cat-part`: RFC 4469 §5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatPart {
    /// `TEXT`, or `UTF8 (…)`: octets that come with the command.
    Text(MessageLiteral),
    /// `URL`: octets of a message that is there already; the URL as sent ([`crate::url`]).
    Url(Vec<u8>),
}

/// A literal with octets of a message. These are never part of the command: [`crate::wire`]
/// hands them on in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageLiteral {
    /// Its size in octets, as announced.
    pub size: u64,
    /// How it was sent.
    pub kind: LiteralKind,
}

/// The forms of literals with octets of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiteralKind {
    /// `{n}`: without NUL (RFC 9051 §4.3).
    Plain,
    /// `~{n}`: any octets (RFC 3516).
    Binary,
    /// `UTF8 (~{n})`: any octets, and UTF-8 in the header (RFC 6855 §4).
    Utf8,
}

/// REPLACE and UID REPLACE: RFC 8508.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// With or without the UID prefix.
    pub numbering: Numbering,
    /// The message that goes; `None` for `*`.
    pub message: Option<NonZeroU32>,
    /// Where the other comes to be.
    pub mailbox: Mailbox,
    /// The message that comes.
    pub replacement: AppendMessage,
}

/// A point in time with its zone, as in INTERNALDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix: i64,
    /// Minutes east of UTC.
    pub zone_minutes: i16,
}

/// A day, without a zone, as SEARCH compares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Days since 1970-01-01.
    pub days: i32,
}

/// A flag: RFC 9051 §2.3.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flag {
    /// `\Answered`.
    Answered,
    /// `\Flagged`.
    Flagged,
    /// `\Deleted`.
    Deleted,
    /// `\Seen`.
    Seen,
    /// `\Draft`.
    Draft,
    /// `\Recent`, which no client can set.
    Recent,
    /// Another flag with a backslash, without it: none that we can store.
    Extension(Box<str>),
    /// A keyword, as sent.
    Keyword(Box<str>),
}

/// FETCH: RFC 9051 §6.4.5, RFC 7162 §3.1.4.1, §3.2.6, RFC 9394 §3.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// FETCH or UID FETCH.
    pub numbering: Numbering,
    /// Which messages.
    pub messages: SequenceSet,
    /// What of them; ALL, FAST and FULL are already taken apart.
    pub items: Vec<FetchItem>,
    /// `(CHANGEDSINCE n)`.
    pub changed_since: Option<u64>,
    /// `(… VANISHED)`.
    pub vanished: bool,
    /// `(PARTIAL range)`: RFC 9394 §3.3.
    pub partial: Option<PartialRange>,
}

/// What FETCH can tell of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchItem {
    /// `ENVELOPE`.
    Envelope,
    /// `FLAGS`.
    Flags,
    /// `INTERNALDATE`.
    InternalDate,
    /// `RFC822`, RFC 3501.
    Rfc822,
    /// `RFC822.HEADER`, RFC 3501.
    Rfc822Header,
    /// `RFC822.SIZE`.
    Rfc822Size,
    /// `RFC822.TEXT`, RFC 3501.
    Rfc822Text,
    /// `BODY` without a section.
    Body,
    /// `BODYSTRUCTURE`.
    BodyStructure,
    /// `UID`.
    Uid,
    /// `MODSEQ`, RFC 7162.
    ModSeq,
    /// `EMAILID`, RFC 8474.
    EmailId,
    /// `THREADID`, RFC 8474.
    ThreadId,
    /// `SAVEDATE`, RFC 8514.
    SaveDate,
    /// `PREVIEW` and `PREVIEW (LAZY)`, RFC 8970.
    Preview {
        /// `LAZY`: only if it takes no time.
        lazy: bool,
    },
    /// A section that goes out under another name: `RFC822.PEEK`, `BODY[0]`, PARTIAL and the like
    /// (RFC 2062).
    Named {
        /// The name in the response.
        label: String,
        /// Which part.
        section: Section,
        /// Which octets of it; the name does not tell.
        partial: Option<Partial>,
        /// Leaves `\Seen` alone.
        peek: bool,
    },
    /// `BODY[…]<…>` and `BODY.PEEK[…]<…>`.
    Section {
        /// Which part.
        section: Section,
        /// Which octets of it.
        partial: Option<Partial>,
        /// Leaves `\Seen` alone.
        peek: bool,
    },
    /// `BINARY[…]<…>` and `BINARY.PEEK[…]<…>`.
    Binary {
        /// The part's number; empty for the whole message.
        part: Vec<NonZeroU32>,
        /// Which octets of it.
        partial: Option<Partial>,
        /// Leaves `\Seen` alone.
        peek: bool,
    },
    /// `BINARY.SIZE[…]`.
    BinarySize(Vec<NonZeroU32>),
}

/// `section-spec`: RFC 9051 §6.4.5.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The part's number; empty for the message itself.
    pub part: Vec<NonZeroU32>,
    /// What of the part.
    pub text: SectionText,
}

/// `section-text`, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionText {
    /// No specifier: the whole.
    Whole,
    /// `HEADER`.
    Header,
    /// `HEADER.FIELDS (…)`: names as sent.
    HeaderFields(Vec<Vec<u8>>),
    /// `HEADER.FIELDS.NOT (…)`: names as sent.
    HeaderFieldsNot(Vec<Vec<u8>>),
    /// `TEXT`.
    Text,
    /// `MIME`.
    Mime,
}

/// `<start.count>`: RFC 9051 §6.4.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// First octet, from 0.
    pub start: u64,
    /// How many at most; at least 1.
    pub count: u64,
}

/// `partial-range`: which of the messages found or named, by their place among them (RFC 9394 §3).
/// As sent, since the response repeats it: either end may be the larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartialRange {
    /// Where places are counted from.
    pub counted: Counted,
    /// One end.
    pub from: NonZeroU32,
    /// The other end; both are included.
    pub to: NonZeroU32,
}

/// Where places in a result are counted from: RFC 9394 §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// `1:500`: 1 is the first.
    FromFirst,
    /// `-1:-500`: -1 is the last.
    FromLast,
}

impl PartialRange {
    /// The places that it means among `count`, from 0; none if it lies beyond them all.
    #[must_use]
    pub fn places(self, count: u64) -> Range<u64> {
        let (from, to) = (u64::from(self.from.get()), u64::from(self.to.get()));
        let (near, far) = (from.min(to), from.max(to));
        match self.counted {
            Counted::FromFirst => (near - 1).min(count)..far.min(count),
            Counted::FromLast => count.saturating_sub(far)..count.saturating_sub(near - 1),
        }
    }
}

/// STORE: RFC 9051 §6.4.6, RFC 7162 §3.1.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// STORE or UID STORE.
    pub numbering: Numbering,
    /// Which messages.
    pub messages: SequenceSet,
    /// `(UNCHANGEDSINCE n)`.
    pub unchanged_since: Option<u64>,
    /// What to do with the flags.
    pub action: StoreAction,
    /// `.SILENT`.
    pub silent: bool,
    /// Which flags.
    pub flags: Vec<Flag>,
}

/// The three forms of STORE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAction {
    /// `FLAGS`.
    Replace,
    /// `+FLAGS`.
    Add,
    /// `-FLAGS`.
    Remove,
}

/// COPY and MOVE: RFC 9051 §6.4.7, §6.4.8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// With or without the UID prefix.
    pub numbering: Numbering,
    /// Which messages.
    pub messages: SequenceSet,
    /// Where to.
    pub mailbox: Mailbox,
}

/// SEARCH: RFC 9051 §6.4.4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// SEARCH or UID SEARCH: the numbering of the *result*.
    pub numbering: Numbering,
    /// What follows `RETURN`; `None` if it was not there.
    pub returns: Option<SearchReturn>,
    /// What UPDATE is to tell of each new message among the results: RFC 5465 §7.
    pub update: Vec<FetchItem>,
    /// `CHARSET`, as sent.
    pub charset: Option<Vec<u8>>,
    /// What to look for.
    pub key: SearchKey,
}

/// SORT: RFC 5256 §3, RFC 5267 §3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// By what, the most important first. Never empty.
    pub criteria: Vec<SortCriterion>,
    /// Which messages, and what is to be told of them. The charset is always there.
    pub search: Search,
}

/// One criterion of SORT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortCriterion {
    /// `REVERSE`: descending.
    pub reverse: bool,
    /// What is compared.
    pub key: SortKey,
}

/// What SORT compares: RFC 5256 §3, RFC 5957 §4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// `ARRIVAL`: the internal date and time.
    Arrival,
    /// `CC`: the mailbox of the first address.
    Cc,
    /// `DATE`: when it was sent.
    Date,
    /// `DISPLAYFROM`: the name of the first address.
    DisplayFrom,
    /// `DISPLAYTO`: the name of the first address.
    DisplayTo,
    /// `FROM`: the mailbox of the first address.
    From,
    /// `RELEVANCY`: how well what was looked for is found, the best first (RFC 6203 §6).
    Relevancy,
    /// `SIZE`: octets.
    Size,
    /// `SUBJECT`: the base subject.
    Subject,
    /// `TO`: the mailbox of the first address.
    To,
}

impl SortKey {
    /// Every key.
    pub const ALL: [Self; 10] = [
        Self::Arrival,
        Self::Cc,
        Self::Date,
        Self::DisplayFrom,
        Self::DisplayTo,
        Self::From,
        Self::Relevancy,
        Self::Size,
        Self::Subject,
        Self::To,
    ];

    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrival => "ARRIVAL",
            Self::Cc => "CC",
            Self::Date => "DATE",
            Self::DisplayFrom => "DISPLAYFROM",
            Self::DisplayTo => "DISPLAYTO",
            Self::From => "FROM",
            Self::Relevancy => "RELEVANCY",
            Self::Size => "SIZE",
            Self::Subject => "SUBJECT",
            Self::To => "TO",
        }
    }
}

/// THREAD: RFC 5256 §3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// How threads are made.
    pub algorithm: ThreadAlgorithm,
    /// Of which messages. The charset is always there, return options are not.
    pub search: Search,
}

/// How THREAD makes threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadAlgorithm {
    /// `ORDEREDSUBJECT`.
    OrderedSubject,
    /// `REFERENCES`.
    References,
    /// `REFS`.
    Refs,
}

/// ESEARCH: RFC 7377 §2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Esearch {
    /// `IN`: which mailboxes; `None`: the one that is selected.
    pub sources: Option<Vec<SearchSource>>,
    /// What to look for in each of them; in UIDs.
    pub search: Search,
}

/// Mailboxes to be searched: RFC 7377 §2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchSource {
    /// `selected`: the one that is selected.
    Selected,
    /// Any, whether selected or not.
    Others(MailboxFilter),
}

/// SEARCH return options: RFC 9051 §6.4.4, RFC 5267 §4, RFC 9394 §3.1; `RETURN ()` is `ALL`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent option word of the grammar"
)]
pub struct SearchReturn {
    /// `MIN`.
    pub min: bool,
    /// `MAX`.
    pub max: bool,
    /// `ALL`.
    pub all: bool,
    /// `COUNT`.
    pub count: bool,
    /// `SAVE`.
    pub save: bool,
    /// `RELEVANCY` (RFC 6203 §4); only if the key has FUZZY.
    pub relevancy: bool,
    /// `PARTIAL range`; never with `all`.
    pub partial: Option<PartialRange>,
    /// `UPDATE`: changes of the result are to be told, RFC 5267 §4.3.
    pub update: bool,
    /// `CONTEXT`: the search will be used again, RFC 5267 §4.2.
    pub context: bool,
}

/// A search key: RFC 9051 §6.4.4, RFC 7162 §3.1.5, RFC 8474 §6, RFC 8514 §4.3.
/// Strings are in the command's charset, as sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchKey {
    /// `ALL`.
    All,
    /// Several keys in a row: all must hold. Never empty.
    And(Vec<SearchKey>),
    /// `OR`.
    Or(Box<(SearchKey, SearchKey)>),
    /// `NOT`.
    Not(Box<SearchKey>),
    /// `FUZZY`: what it says, or about that (RFC 6203).
    Fuzzy(Box<SearchKey>),
    /// A flag or keyword is set: `ANSWERED`, `KEYWORD x`, …
    Flag(Flag),
    /// A flag or keyword is not set: `UNANSWERED`, `OLD`, `UNKEYWORD x`, …
    NotFlag(Flag),
    /// `FILTER`: what the filter of this name says (RFC 5466).
    Filter(String),
    /// `NEW`: recent and not seen (RFC 3501).
    New,
    /// A sequence set of message numbers, `*` and `$` included.
    Sequence(SequenceSet),
    /// `UID`.
    Uid(SequenceSet),
    /// `BCC`, `CC`, `FROM`, `SUBJECT`, `TO`, `HEADER`: field name, and what it contains.
    Header {
        /// The field's name as sent (or the key's own).
        field: Vec<u8>,
        /// Substring; empty matches every message that has the field.
        contains: Vec<u8>,
    },
    /// `BODY`.
    Body(Vec<u8>),
    /// `TEXT`.
    Text(Vec<u8>),
    /// `BEFORE`, `ON`, `SINCE` on the internal date.
    InternalDate(DateOrder, Date),
    /// `SENTBEFORE`, `SENTON`, `SENTSINCE`.
    SentDate(DateOrder, Date),
    /// `SAVEDBEFORE`, `SAVEDON`, `SAVEDSINCE`: RFC 8514 §4.3.
    SaveDate(DateOrder, Date),
    /// `SAVEDATESUPPORTED`: RFC 8514 §4.3.
    SaveDateSupported,
    /// `OLDER`: arrived so many seconds ago, or earlier (RFC 5032).
    Older(NonZeroU32),
    /// `YOUNGER`: arrived so many seconds ago, or later.
    Younger(NonZeroU32),
    /// `LARGER`.
    Larger(u64),
    /// `SMALLER`.
    Smaller(u64),
    /// `MODSEQ`, any entry name and type (RFC 7162 §3.1.5).
    ModSeq(u64),
    /// `EMAILID`.
    EmailId(Vec<u8>),
    /// `THREADID`.
    ThreadId(Vec<u8>),
}

impl SearchKey {
    /// Whether FUZZY is in it: RELEVANCY needs that (RFC 6203 §4). The parser bounds how deep keys nest.
    #[must_use]
    pub fn has_fuzzy(&self) -> bool {
        match self {
            Self::Fuzzy(_) => true,
            Self::And(keys) => keys.iter().any(Self::has_fuzzy),
            Self::Or(both) => both.0.has_fuzzy() || both.1.has_fuzzy(),
            Self::Not(key) => key.has_fuzzy(),
            _ => false,
        }
    }
}

/// How a date is compared; the time and zone are disregarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// Earlier than the day.
    Before,
    /// On the day.
    On,
    /// On the day or later.
    Since,
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
