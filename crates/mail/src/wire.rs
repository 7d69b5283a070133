//! IMAP strings (RFC 9051 §4.3), for what a digest keeps in wire form.

use alloc::{borrow::Cow, vec::Vec};

/// Longer strings go out as literals: a line of a response stays readable by
/// clients with small line buffers.
const QUOTED_BYTES_MAX: usize = 1_000;

/// Appends a string: quoted if it is short and of printable ASCII, else a
/// literal. NUL, which neither may hold, is left out.
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    let text = without_nul(text);
    // As a sum, not a search: it is worked out many octets at a time.
    let odd = text
        .iter()
        .fold(false, |odd, b| odd | !matches!(b, b'\t' | b' '..=b'~'));
    if text.len() > QUOTED_BYTES_MAX || odd {
        out.push(b'{');
        number(out, text.len() as u64);
        out.extend_from_slice(b"}\r\n");
        out.extend_from_slice(&text);
        return;
    }
    out.push(b'"');
    let mut rest = &*text;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        let (before, special) = rest.split_at(at);
        out.extend_from_slice(before);
        out.push(b'\\');
        out.extend(special.first());
        rest = special.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn without_nul(text: &[u8]) -> Cow<'_, [u8]> {
    match memchr::memchr(0, text) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.iter().copied().filter(|b| *b != 0).collect()),
    }
}

/// Appends a string, or NIL.
pub(crate) fn nstring(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// Appends a number in decimal.
pub(crate) fn number(out: &mut Vec<u8>, mut n: u64) {
    let at = out.len();
    loop {
        // The remainder is below ten, so nothing is lost.
        out.push(b'0' + u8::try_from(n % 10).unwrap_or_default());
        n /= 10;
        if n == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(at..) {
        digits.reverse();
    }
}

/// At most `max` octets of a text, not cutting within a UTF-8 character.
pub(crate) fn capped(text: &[u8], max: usize) -> &[u8] {
    let Some(mut head) = text.get(..max) else {
        return text;
    };
    let next_is_inner = |head: &[u8]| matches!(text.get(head.len()), Some(0x80..=0xBF));
    for _ in 0..3 {
        match head.split_last() {
            Some((_, rest)) if next_is_inner(head) => head = rest,
            _ => break,
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_quoted_or_literal() {
        for (text, expected) in [
            (&b""[..], &b"\"\""[..]),
            (b"a\"b\\c", b"\"a\\\"b\\\\c\""),
            (b"a\0b", b"\"ab\""),
            ("\u{e9}".as_bytes(), b"{2}\r\n\xc3\xa9"),
            (b"a\r\nb", b"{4}\r\na\r\nb"),
        ] {
            let mut out = Vec::new();
            string(&mut out, text);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn a_cap_respects_characters() {
        let text = "ab\u{20ac}".as_bytes();
        for (max, expected) in [(9, 5), (5, 5), (4, 2), (3, 2), (2, 2), (1, 1)] {
            assert_eq!(capped(text, max).len(), expected, "{max}");
        }
    }
}
