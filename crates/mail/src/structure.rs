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

impl Span {
    /// Octets in it.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
    /// Whether no octet is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.end <= self.start
    }
    /// The same octets where `by` octets have been put before them.
    #[must_use]
    pub const fn shifted(self, by: u64) -> Self {
        Self {
            start: self.start.saturating_add(by),
            end: self.end.saturating_add(by),
        }
    }
}

/// Which octets of a part a section names (RFC 9051 §6.4.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// No specifier: the message with its header for no part number, else the
    /// body of the part.
    Whole,
    /// `HEADER`: of the message, or of the message that the part holds.
    Header,
    /// `TEXT`: likewise, its body.
    Text,
    /// `MIME`: the header of the part; there is none for no part number.
    Mime,
}

/// One part: the message itself, or a body part within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The header, with the empty line that ends it; without, where a
    /// delimiter follows at once, since that line end belongs to it (RFC 2046
    /// §5.1.1).
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
        let mut at = self;
        // A message has no number of its own: its part 1 is its body.
        let mut is_message = true;
        for n in number {
            if let (PartKind::Message(inner), false) = (&at.kind, is_message) {
                at = inner;
                is_message = true;
            }
            at = match &at.kind {
                PartKind::Multipart(parts) => {
                    let index = usize::try_from(n.checked_sub(1)?).ok()?;
                    parts.get(index)?
                }
                _ if is_message && *n == 1 => at,
                _ => return None,
            };
            is_message = false;
        }
        Some(at)
    }

    /// The octets of a section, where `trace` octets have been put before the
    /// message since it was scanned: they belong to its header, and all else
    /// moves. `None` if there is no such section: no such part, `MIME` without a
    /// part number, `HEADER` or `TEXT` of a part that holds no message.
    #[must_use]
    pub fn span(&self, number: &[u32], what: What, trace: u64) -> Option<Span> {
        if number.is_empty() {
            let (start, end) = match what {
                What::Whole => (0, self.body.end),
                What::Header => (0, self.header.end),
                What::Text => return Some(self.body.shifted(trace)),
                What::Mime => return None,
            };
            let end = end.saturating_add(trace);
            return Some(Span { start, end });
        }
        let part = self.find(number)?;
        let span = match (what, &part.kind) {
            (What::Whole, _) => part.body,
            // Part 1 of a message that is no multipart shares the header of
            // the message: trace fields and all.
            (What::Mime, _) if part.header.start == 0 => {
                return self.span(&[], What::Header, trace);
            }
            (What::Mime, _) => part.header,
            (What::Header, PartKind::Message(inner)) => inner.header,
            (What::Text, PartKind::Message(inner)) => inner.body,
            (What::Header | What::Text, _) => return None,
        };
        Some(span.shifted(trace))
    }

    /// This tree where `by` octets have been put before the message: all moves
    /// but the start of the outermost header.
    #[must_use]
    pub fn shifted(&self, by: u64) -> Self {
        let mut root = self.clone();
        root.shift(by);
        root.header.start = self.header.start;
        root
    }

    fn shift(&mut self, by: u64) {
        self.header = self.header.shifted(by);
        self.body = self.body.shifted(by);
        match &mut self.kind {
            PartKind::Leaf => {}
            PartKind::Multipart(parts) => parts.iter_mut().for_each(|part| part.shift(by)),
            PartKind::Message(inner) => inner.shift(by),
        }
    }
}

impl Encoding {
    /// The encoding that a Content-Transfer-Encoding token names.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        const NAMES: [(&[u8], Encoding); 6] = [
            (b"7bit", Encoding::SevenBit),
            (b"8bit", Encoding::EightBit),
            (b"binary", Encoding::Binary),
            (b"quoted-printable", Encoding::QuotedPrintable),
            (b"base64", Encoding::Base64),
            (b"", Encoding::SevenBit),
        ];
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(token))
            .map_or(Self::Unknown, |(_, encoding)| *encoding)
    }

    /// Whether octets mean themselves. Unknown ones are taken to: a message
    /// within them is looked for (RFC 2046 §5.2.1 permits nothing else there).
    #[must_use]
    pub const fn is_identity(self) -> bool {
        !matches!(self, Self::Base64 | Self::QuotedPrintable)
    }
}
