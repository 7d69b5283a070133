//! What is looked for, and how it is ordered: SEARCH, SORT, THREAD, ESEARCH.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::num::NonZeroU32;

use super::{
    AnnotationKey, Date, FetchItem, Flag, MailboxFilter, Numbering, PartialRange, SortAnnotation,
};
use crate::set::SequenceSet;

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
    /// What [`SortKey::Annotation`] names.
    pub annotations: Vec<SortAnnotation>,
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
    /// `ANNOTATION`: a value of an entry, which is that one of [`Sort::annotations`] (RFC 5257 §4.9).
    Annotation(u8),
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
    /// Every key that stands alone.
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
            Self::Annotation(_) => "ANNOTATION",
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
    /// `ANNOTATION`: RFC 5257 §4.8.
    Annotation(Box<AnnotationKey>),
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
