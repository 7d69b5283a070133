//! The structure of one part, out of that of its message: BODYPARTSTRUCTURE (RFC 5259 §8, RFC 5524 §3.2).
//!
//! What is read is BODY as [`crate::Digest`] keeps it, without extension data.

use alloc::vec::Vec;

use crate::wire::{number, string};

/// The octets and lines of a part whose transfer encoding is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// Octets.
    pub octets: u64,
    /// Lines: of text.
    pub lines: u64,
}

/// Where fields stand in `body-type-1part`: RFC 9051 §9.
const ENCODING: usize = 5;
const OCTETS: usize = 6;
const LINES: usize = 7;
const INNER: usize = 8;

/// The structure of the part with that number, as its message's BODY has it; all of it for no number.
/// `None` if there is no such part.
#[must_use]
pub fn of_part<'a>(body: &'a [u8], part: &[u32]) -> Option<&'a [u8]> {
    let mut node = body;
    let mut within = Some(body);
    for &n in part {
        let parts = within?;
        node = if is_multipart(parts) {
            let index = usize::try_from(n).ok()?.checked_sub(1)?;
            let child = fields(parts).nth(index)?;
            child.starts_with(b"(").then_some(child)?
        } else {
            (n == 1).then_some(parts)?
        };
        within = if is_multipart(node) {
            Some(node)
        } else {
            fields(node).nth(INNER)
        };
    }
    Some(node)
}

/// Appends a part's structure as it is once its transfer encoding is taken off. That of a multipart, which has
/// none, stays.
pub fn decoded(structure: &[u8], decoded: Decoded, out: &mut Vec<u8>) {
    if is_multipart(structure) {
        out.extend_from_slice(structure);
        return;
    }
    let is_text = fields(structure).count() == LINES + 1;
    for (at, field) in fields(structure).enumerate() {
        out.push(if at == 0 { b'(' } else { b' ' });
        match at {
            ENCODING => string(out, b"binary"),
            OCTETS => number(out, decoded.octets),
            LINES if is_text => number(out, decoded.lines),
            _ => out.extend_from_slice(field),
        }
    }
    out.push(b')');
}

fn is_multipart(structure: &[u8]) -> bool {
    structure.starts_with(b"((")
}

/// The values in a parenthesized list.
fn fields(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = list.strip_prefix(b"(").unwrap_or_default();
    core::iter::from_fn(move || {
        rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let len = value_len(rest)?;
        let (value, after) = rest.split_at_checked(len)?;
        rest = after;
        Some(value)
    })
}

/// How long the value is that begins here; `None` where none does.
fn value_len(octets: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0_usize, 0_usize);
    loop {
        match octets.get(at)? {
            b'(' => {
                depth += 1;
                at += 1;
            }
            b')' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            b' ' => at += 1,
            b'"' => at += quoted_len(octets.get(at..)?)?,
            b'{' => at += literal_len(octets.get(at..)?)?,
            _ => {
                let rest = octets.get(at..)?;
                let end = rest.iter().position(|b| matches!(b, b' ' | b'(' | b')'));
                at += end.unwrap_or(rest.len());
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// How long the string is that begins here, quoted or as a literal.
pub(crate) fn string_len(octets: &[u8]) -> Option<usize> {
    match octets.first()? {
        b'"' => quoted_len(octets),
        b'{' => literal_len(octets),
        _ => None,
    }
}

fn quoted_len(octets: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match octets.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn literal_len(octets: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b'}', octets)?;
    let digits = core::str::from_utf8(octets.get(1..end)?).ok()?;
    let size: usize = digits.parse().ok()?;
    end.checked_add(3)?.checked_add(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Scanner};

    const MESSAGE: &[u8] = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain; name=\"a (\\\"b\"\r\nContent-Description: \xc3\xbc (\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nYQpi\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
        --c\r\n\r\none\r\n--c\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--c--\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\ntwo\r\n--b--\r\n";

    #[test]
    fn parts_are_found_by_their_numbers() {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(MESSAGE);
        let digest = scanner.finish();
        for (part, start) in [
            (&[][..], Some(&b"((\"text\" \"plain\""[..])),
            (&[1], Some(b"(\"text\" \"plain\" (\"charset\"")),
            (&[2], Some(b"(\"message\" \"rfc822\"")),
            (&[2, 1], Some(b"(\"text\" \"plain\"")),
            (
                &[2, 2],
                Some(b"(\"image\" \"png\" NIL NIL NIL \"base64\" 4)"),
            ),
            (&[3, 1], Some(b"(\"text\" \"plain\"")),
            (&[3, 2], None),
            (&[1, 1], None),
            (&[4], None),
            (&[0], None),
        ] {
            let found = of_part(&digest.body, part);
            let found = found.map(|found| found.get(..start.unwrap_or_default().len()).unwrap());
            assert_eq!(found, start, "{part:?}");
            // As the tree has it.
            assert_eq!(found.is_some(), digest.structure.find(part).is_some());
        }
        let mut out = Vec::new();
        let size = Decoded {
            octets: 3,
            lines: 1,
        };
        decoded(of_part(&digest.body, &[2, 2]).unwrap(), size, &mut out);
        assert_eq!(out, b"(\"image\" \"png\" NIL NIL NIL \"binary\" 3)");
        out.clear();
        decoded(of_part(&digest.body, &[1]).unwrap(), size, &mut out);
        assert!(out.ends_with(b" \"binary\" 3 1)"), "{}", out.escape_ascii());
        out.clear();
        decoded(&digest.body, size, &mut out);
        assert_eq!(out, digest.body);
    }

    #[test]
    fn what_is_no_structure_has_no_parts() {
        for text in [&b""[..], b"(", b"x", b"(\"a", b"({9}\r\nx", b"((", b"({x}"] {
            assert_eq!(of_part(text, &[1, 1]), None, "{text:?}");
            decoded(
                text,
                Decoded {
                    octets: 1,
                    lines: 1,
                },
                &mut Vec::new(),
            );
        }
    }
}
