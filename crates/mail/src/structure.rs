//! The MIME tree of a message, as octet ranges (RFC 2046, RFC 9051 §6.4.5.1).

use alloc::{boxed::Box, string::String, vec::Vec};

/// Octets `start..end` of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// The first octet.
    pub start: u64,
    /// One past the last octet.
    pub end: u64,
}

/// One part: the message itself, or a body part within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The header, with the empty line that ends it.
    pub header: Span,
    /// The body, without the line end that belongs to the next boundary.
    pub body: Span,
    /// Lines of the body, as BODYSTRUCTURE counts them.
    pub lines: u64,
    /// `type/subtype`, lower-cased; `text/plain` where none is given.
    pub media_type: String,
    /// The charset parameter, lower-cased, if any.
    pub charset: Option<String>,
    /// How the body is encoded.
    pub encoding: Encoding,
    /// What is inside.
    pub kind: PartKind,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartKind {
    /// Octets.
    Leaf,
    /// Parts, in order; may be empty for a broken multipart.
    Multipart(Vec<Part>),
    /// `message/rfc822` or `message/global`: a message.
    Message(Box<Part>),
}

/// Content-Transfer-Encoding: RFC 2045 §6, RFC 3030 §3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// `7bit`, and the default.
    #[default]
    SevenBit,
    /// `8bit`.
    EightBit,
    /// `binary`.
    Binary,
    /// `quoted-printable`.
    QuotedPrintable,
    /// `base64`.
    Base64,
    /// Anything else: BINARY can't decode it (`UNKNOWN-CTE`).
    Unknown,
}

impl Part {
    /// The body part that an IMAP part number names (RFC 9051 §6.4.5.1), the
    /// message itself for none. Part 1 of a message that is not multipart is
    /// its body; numbers descend through `message/rfc822` transparently.
    #[must_use]
    pub fn find(&self, number: &[u32]) -> Option<&Self> {
        let _ = number;
        None
    }
}
