//! What is shown of an internationalized message to a client that does not know such: RFC 6858.
//!
//! The surrogate is made when it is asked for; what is kept stays as it came.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use crate::{
    address::{self, Address},
    charset,
    header::{self, Field},
};

/// RFC 6858 §2.1: the fields whose addresses are replaced.
const ADDRESSES: &[&str] = &[
    "Bcc",
    "Cc",
    "From",
    "Reply-To",
    "Resent-Bcc",
    "Resent-Cc",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Return-Path",
    "Sender",
    "To",
];

/// RFC 6858 §2.2: those whose parameters are.
const PARAMETERS: &[&str] = &["Content-Type", "Content-Disposition"];

/// What stands for an address that can't be shown; its name tells what it was. Nobody's: RFC 2606 §2.
const INVALID: &[u8] = b"<invalid@internationalized-address.invalid>";

/// Octets of text to an encoded word: RFC 2047 §2 gives it 75 in all.
const WORD_OCTETS_MAX: usize = 42;

/// Whether a header, or anything else of a message, has to be downgraded.
#[must_use]
pub fn is_needed(octets: &[u8]) -> bool {
    !octets.is_ascii()
}

/// Appends a header's surrogate, with the empty line that ends it.
pub fn header(header: &[u8], out: &mut Vec<u8>) {
    for field in header::fields(header) {
        if field.raw.is_ascii() {
            out.extend_from_slice(field.raw);
            if !field.raw.ends_with(b"\n") {
                out.extend_from_slice(b"\r\n");
            }
            continue;
        }
        let is = |names: &[&str]| names.iter().any(|name| field.is(name));
        if is(ADDRESSES) {
            addresses(&field, out);
        } else if is(PARAMETERS) {
            parameters(&field, out);
        } else if field.is("Subject") {
            begin(&field, out);
            words(&text(&field.text()), out);
            out.extend_from_slice(b"\r\n");
        }
        // §2.4: any other is left out.
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends BODY or BODYSTRUCTURE with its strings in ASCII: those that are not become encoded words.
pub fn structure(structure: &[u8], out: &mut Vec<u8>) {
    let mut rest = structure;
    while let Some(at) = memchr::memchr2(b'"', b'{', rest) {
        let (before, value) = rest.split_at(at);
        out.extend_from_slice(before);
        let Some(len) = crate::part_structure::string_len(value) else {
            // Not what we write: what follows is left as it is.
            rest = value;
            break;
        };
        let (value, after) = value.split_at_checked(len).unwrap_or((value, &[]));
        rest = after;
        if value.is_ascii() {
            out.extend_from_slice(value);
            continue;
        }
        let octets = memchr::memchr(b'\n', value).and_then(|end| value.get(end + 1..));
        let mut spelt = Vec::new();
        words(&text(octets.unwrap_or(value)), &mut spelt);
        // Folding is for headers.
        spelt.retain(|octet| !matches!(octet, b'\r' | b'\n'));
        crate::wire::string(out, &spelt);
    }
    out.extend_from_slice(rest);
}

fn begin(field: &Field<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(field.name);
    out.extend_from_slice(b": ");
}

/// As text: UTF-8 or, if it is none, what old mailers would have meant.
fn text(octets: &[u8]) -> String {
    match core::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        Err(_) => charset::decode_all("windows-1252", octets),
    }
}

/// §2.1: each internationalized address gets a name that says what it was, and nobody's address.
fn addresses(field: &Field<'_>, out: &mut Vec<u8>) {
    begin(field, out);
    let (mut first, mut in_group) = (true, false);
    for address in address::parse(&field.text()) {
        if !first && address != Address::GroupEnd && !in_group {
            out.extend_from_slice(b",\r\n ");
        } else if in_group && address != Address::GroupEnd {
            out.extend_from_slice(b"\r\n ");
        }
        first = false;
        match address {
            Address::GroupStart(name) => {
                phrase(&name, out);
                out.push(b':');
                in_group = true;
            }
            Address::GroupEnd => {
                out.push(b';');
                in_group = false;
            }
            Address::Mailbox {
                name, local, host, ..
            } => {
                let spelt = [&local[..], b"@", &host].concat();
                let shown = name.unwrap_or_default();
                if spelt.is_ascii() {
                    phrase(&shown, out);
                    if !shown.is_empty() {
                        out.push(b' ');
                    }
                    out.push(b'<');
                    out.extend_from_slice(&spelt);
                    out.push(b'>');
                } else {
                    let shown = if shown.is_empty() { spelt } else { shown };
                    phrase(&shown, out);
                    out.push(b' ');
                    out.extend_from_slice(INVALID);
                }
                if in_group {
                    out.push(b',');
                }
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// A display name: as words, or quoted.
fn phrase(name: &[u8], out: &mut Vec<u8>) {
    if !name.is_ascii() {
        words(&text(name), out);
        return;
    }
    if name.is_empty() {
        return;
    }
    out.push(b'"');
    for &octet in name {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(octet);
    }
    out.push(b'"');
}

/// §2.2: parameters that are not ASCII are left out.
fn parameters(field: &Field<'_>, out: &mut Vec<u8>) {
    let value = field.text();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    let mut pieces = Vec::new();
    for (at, &octet) in value.iter().enumerate() {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                pieces.extend(value.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.extend(value.get(start..));
    let mut ascii = pieces
        .iter()
        .enumerate()
        .filter(|(_, piece)| piece.is_ascii());
    // Without a value of its own, a field says nothing.
    let Some((0, value)) = ascii.next() else {
        return;
    };
    begin(field, out);
    out.extend_from_slice(value.trim_ascii());
    for (_, piece) in ascii {
        out.extend_from_slice(b";\r\n ");
        out.extend_from_slice(piece.trim_ascii());
    }
    out.extend_from_slice(b"\r\n");
}

/// Encoded words: RFC 2047 §2, `B`.
fn words(text: &str, out: &mut Vec<u8>) {
    let mut rest = text;
    let mut first = true;
    while !rest.is_empty() {
        let mut end = WORD_OCTETS_MAX.min(rest.len());
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (word, after) = rest.split_at(end);
        rest = after;
        if !first {
            out.extend_from_slice(b"\r\n ");
        }
        first = false;
        out.extend_from_slice(b"=?utf-8?B?");
        base64(word.as_bytes(), out);
        out.extend_from_slice(b"?=");
    }
}

fn base64(octets: &[u8], out: &mut Vec<u8>) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in octets.chunks(3) {
        let octet = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for at in 0..4_usize {
            if at > chunk.len() {
                out.push(b'=');
                continue;
            }
            let index = (bits >> (18 - 6 * at)) & 63;
            out.extend(LETTERS.get(index as usize));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn downgraded(field: &str) -> String {
        let mut out = Vec::new();
        header(field.as_bytes(), &mut out);
        assert!(out.is_ascii());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_are_shown_as_they_can_be() {
        for (field, expected) in [
            (
                "Subject: plain\r\n folded\r\n",
                "Subject: plain\r\n folded\r\n\r\n",
            ),
            (
                "Subject: Grüße\r\n",
                "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n\r\n",
            ),
            (
                "From: Fred Foo <fred@exämple.com>\r\n",
                "From: \"Fred Foo\" <invalid@internationalized-address.invalid>\r\n\r\n",
            ),
            (
                "To: Jürgen <j@example.com>, dörte@example.com\r\n",
                "To: =?utf-8?B?SsO8cmdlbg==?= <j@example.com>,\r\n \
                 =?utf-8?B?ZMO2cnRlQGV4YW1wbGUuY29t?= <invalid@internationalized-address.invalid>\r\n\r\n",
            ),
            (
                "Content-Disposition: attachment; filename=\"ü;x\"; size=1\r\n",
                "Content-Disposition: attachment;\r\n size=1\r\n\r\n",
            ),
            ("Content-Type: täxt/plain\r\n", "\r\n"),
            ("X-Mailer: ü\r\nDate: x\r\n", "Date: x\r\n\r\n"),
            ("Message-ID: <ü@x>\r\n", "\r\n"),
        ] {
            assert_eq!(downgraded(field), expected, "{field}");
        }
        let long = downgraded(&alloc::format!("Subject: {}\r\n", "ü".repeat(100)));
        assert!(long.lines().all(|line| line.len() <= 78), "{long}");
        let mut out = Vec::new();
        header(b"Subject: K\xf6ln\r\n\r\nbody", &mut out);
        assert_eq!(out, b"Subject: =?utf-8?B?S8O2bG4=?=\r\n\r\n");
    }

    #[test]
    fn strings_of_a_structure_become_ascii() {
        for (wire, expected) in [
            (
                &b"(\"text\" \"plain\" (\"name\" {2}\r\n\xc3\xbc) NIL)"[..],
                &b"(\"text\" \"plain\" (\"name\" \"=?utf-8?B?w7w=?=\") NIL)"[..],
            ),
            (b"(\"a\\\"{\" {1}\r\n\")", b"(\"a\\\"{\" {1}\r\n\")"),
            (b"(\"a", b"(\"a"),
        ] {
            let mut out = Vec::new();
            structure(wire, &mut out);
            assert_eq!(out, expected, "{}", out.escape_ascii());
        }
    }
}
