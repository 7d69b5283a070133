//! Header fields as they stand: iterating, unfolding, subsetting (RFC 5322
//! §2.2, RFC 9051 §6.4.5.1).

use alloc::{borrow::Cow, vec::Vec};
use core::cmp::Ordering;

use memchr::{memchr, memchr2};

/// The fields that clients ask for when they list a mailbox; a digest keeps
/// them raw. What mutt, Thunderbird, Apple Mail, K-9, Roundcube and mbsync
/// fetch by name; not `Received`, which is large and asked for by few.
pub const LISTED: &[&str] = &[
    "From",
    "To",
    "Cc",
    "Bcc",
    "Reply-To",
    "Sender",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Content-Type",
    "Content-Class",
    "Content-Language",
    "Content-Transfer-Encoding",
    "Mime-Version",
    "X-Priority",
    "Priority",
    "Importance",
    "X-MSMail-Priority",
    "Newsgroups",
    "Followup-To",
    "Mail-Followup-To",
    "Mail-Reply-To",
    "Lines",
    "List-Id",
    "List-Post",
    "List-Help",
    "List-Subscribe",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Archive",
    "Precedence",
    "Auto-Submitted",
    "Disposition-Notification-To",
    "Return-Receipt-To",
    "Organization",
    "User-Agent",
    "X-Mailer",
    "Resent-From",
    "Resent-To",
    "Resent-Date",
    "Resent-Message-ID",
    "Autocrypt",
    "Chat-Version",
    "X-Label",
    "X-Spam-Flag",
    "X-Spam-Status",
    "X-Spam-Level",
    "X-Uniform-Type-Identifier",
    "X-Universally-Unique-Identifier",
    "X-Mozilla-Draft-Info",
    "X-Mozilla-Keys",
    "X-TUID",
];

/// Whether [`LISTED`] has this name, in any case.
#[must_use]
pub fn is_listed(name: &[u8]) -> bool {
    listed_place(name).is_some()
}

/// The place of a name in [`LISTED`], in any case.
#[must_use]
pub fn listed_place(name: &[u8]) -> Option<usize> {
    let is = |listed: &&str| listed.as_bytes().eq_ignore_ascii_case(name);
    LISTED.iter().position(is)
}

/// One header field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as written; empty for a line that is no field.
    pub name: &'a [u8],
    /// All of it: the folded lines with their line ends.
    pub raw: &'a [u8],
    /// What follows the colon, still folded, line end included.
    pub value: &'a [u8],
}

impl<'a> Field<'a> {
    /// Whether this is the field `name`, in any case.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value unfolded, without white space around it.
    #[must_use]
    pub fn text(&self) -> Cow<'a, [u8]> {
        unfold(self.value)
    }
}

/// A field's value without line ends and surrounding white space (RFC 5322
/// §2.2.3). A stray CR or LF goes too: none can occur in what is returned.
#[must_use]
pub fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    let value = value.trim_ascii();
    if memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut flat = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = memchr2(b'\r', b'\n', rest) {
        let (line, after) = rest.split_at(at);
        flat.extend_from_slice(line);
        rest = after.get(1..).unwrap_or_default();
    }
    flat.extend_from_slice(rest);
    Cow::Owned(flat)
}

/// The fields of a header, up to the empty line that ends it or the end.
#[must_use]
pub fn fields(header: &[u8]) -> Fields<'_> {
    Fields { rest: header }
}

/// The first field of a name.
#[must_use]
pub fn find<'a>(header: &'a [u8], name: &str) -> Option<Field<'a>> {
    fields(header).find(|field| field.is(name))
}

/// See [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if matches!(self.rest, [] | [b'\n', ..] | [b'\r', b'\n', ..]) {
            return None;
        }
        let (raw, rest) = self.rest.split_at(field_len(self.rest));
        self.rest = rest;
        Some(split_name(raw))
    }
}

/// Octets of the first field: its line, and those that begin with white space.
fn field_len(header: &[u8]) -> usize {
    let mut len = 0;
    loop {
        let rest = header.get(len..).unwrap_or_default();
        match memchr(b'\n', rest) {
            None => return header.len(),
            Some(at) => len += at + 1,
        }
        if !matches!(header.get(len), Some(b' ' | b'\t')) {
            return len;
        }
    }
}

fn split_name(raw: &[u8]) -> Field<'_> {
    // In the first line, or there is none.
    let at = memchr2(b':', b'\n', raw).unwrap_or(raw.len());
    match raw.split_at(at) {
        // obs-optional permits white space before the colon (RFC 5322 §4.5.8).
        (name, [b':', value @ ..]) => Field {
            name: name.trim_ascii_end(),
            raw,
            value,
        },
        _ => Field {
            name: &[],
            raw,
            value: raw,
        },
    }
}

/// Which fields [`select`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// `HEADER.FIELDS`: those named.
    Only,
    /// `HEADER.FIELDS.NOT`: all but those named.
    Not,
}

/// What `HEADER.FIELDS` or `HEADER.FIELDS.NOT` sends: the fields of `header`
/// as they stand, and an empty line.
#[must_use]
pub fn select<N: AsRef<[u8]>>(header: &[u8], names: &[N], which: Select) -> Vec<u8> {
    let mut names: Vec<&[u8]> = names.iter().map(AsRef::as_ref).collect();
    // Sorted, so that a thousand names and a thousand fields aren't a million steps.
    names.sort_unstable_by(|a, b| compare_names(a, b));
    let mut out = Vec::new();
    for field in fields(header) {
        let found = names.binary_search_by(|name| compare_names(name, field.name));
        if found.is_ok() == (which == Select::Only) {
            out.extend_from_slice(field.raw);
            if !field.raw.ends_with(b"\n") {
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

fn compare_names(a: &[u8], b: &[u8]) -> Ordering {
    let a = a.iter().map(u8::to_ascii_lowercase);
    a.cmp(b.iter().map(u8::to_ascii_lowercase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_split_at_line_ends_that_no_space_follows() {
        let header = b"A: 1\r\nB : 2\r\n\tx\r\nno field\nc:\r\n\r\nD: body";
        let got: Vec<_> = fields(header)
            .map(|f| (f.name, f.text().into_owned(), f.raw))
            .collect();
        let expected: [(&[u8], &[u8], &[u8]); 4] = [
            (b"A", b"1", b"A: 1\r\n"),
            (b"B", b"2\tx", b"B : 2\r\n\tx\r\n"),
            (b"", b"no field", b"no field\n"),
            (b"c", b"", b"c:\r\n"),
        ];
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            assert_eq!((got.0, got.1.as_slice(), got.2), expected);
        }
    }

    #[test]
    fn select_is_case_insensitive_and_keeps_the_empty_line() {
        let header = b"From: a\r\nTo: b\r\n c\r\nX: d\r\n\r\n";
        for (names, which, expected) in [
            (
                &["to", "FROM"][..],
                Select::Only,
                "From: a\r\nTo: b\r\n c\r\n\r\n",
            ),
            (&["to", "FROM"], Select::Not, "X: d\r\n\r\n"),
            (&[], Select::Only, "\r\n"),
            (&["y"], Select::Only, "\r\n"),
        ] {
            assert_eq!(
                select(header, names, which),
                expected.as_bytes(),
                "{names:?}"
            );
        }
        assert_eq!(
            select(b"From: a", &["from"], Select::Only),
            b"From: a\r\n\r\n"
        );
    }

    #[test]
    fn listed_names_match_in_any_case() {
        assert!(is_listed(b"message-id"));
        assert!(is_listed(b"X-TUID"));
        assert!(!is_listed(b"Received"));
    }
}
