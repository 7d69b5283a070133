//! Commands on messages: FETCH, CONVERT, STORE, COPY, MOVE.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{num::NonZeroU32, ops::Range};

use super::{AnnotationSpec, Mailbox, Numbering};
use crate::set::SequenceSet;

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
    /// `ANNOTATION (…)`, RFC 5257.
    Annotation(Box<AnnotationSpec>),
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
