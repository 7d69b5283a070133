//! Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3) before
//! IMAP4rev2 or UTF8=ACCEPT is enabled, UTF-8 after (RFC 9051 §5.1); and the
//! wildcards of LIST.
//!
//! Decoding is strict: one name has one spelling, so that two clients can't
//! make two mailboxes that look the same. An ASCII character in base64, two
//! shifts in a row, stray bits and lone surrogates are all refused.

use alloc::{string::String, vec, vec::Vec};
use core::{char, fmt, str};

/// How a session spells mailbox names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Modified UTF-7, RFC 3501 §5.1.3.
    #[default]
    ModifiedUtf7,
    /// UTF-8: once IMAP4rev2 or UTF8=ACCEPT is enabled.
    Utf8,
}

/// Why a mailbox name can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    /// An octet above 127 in modified UTF-7.
    EightBit,
    /// Not UTF-8.
    NotUtf8,
    /// A control character, encoded or not.
    Control,
    /// `&` without the closing `-`.
    Unclosed,
    /// Not a letter of modified base64 after `&`.
    NotBase64,
    /// Base64 that ends within a character.
    Truncated,
    /// Bits that are not zero after the last character.
    StrayBits,
    /// Printable ASCII within base64 (RFC 3501 §5.1.3).
    EncodedAscii,
    /// `-&`: two shifts where one would do.
    SuperfluousShift,
    /// Half of a surrogate pair.
    LoneSurrogate,
}

impl NameError {
    /// The reason, as a clause for the client.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::EightBit => {
                "it has an octet above 127, which modified UTF-7 has not (enable IMAP4rev2 for UTF-8)"
            }
            Self::NotUtf8 => "it is not UTF-8",
            Self::Control => "it has a control character",
            Self::Unclosed => "a '&' is not closed by '-'",
            Self::NotBase64 => "after '&' comes something that is not modified base64",
            Self::Truncated => "its base64 ends within a character",
            Self::StrayBits => "its base64 ends in bits that are not zero",
            Self::EncodedAscii => "it encodes a printable ASCII character in base64",
            Self::SuperfluousShift => "it has two base64 runs where one would do",
            Self::LoneSurrogate => "its base64 has half of a surrogate pair",
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bad mailbox name: {}", self.why())
    }
}

impl core::error::Error for NameError {}

/// A name or LIST pattern as the client sent it, decoded. Wildcards stay.
///
/// # Errors
/// [`NameError`] says which rule of RFC 3501 §5.1.3 or RFC 9051 §5.1 it breaks.
pub fn decode(name: &[u8], encoding: Encoding) -> Result<String, NameError> {
    let decoded = match encoding {
        Encoding::Utf8 => String::from(str::from_utf8(name).map_err(|_| NameError::NotUtf8)?),
        Encoding::ModifiedUtf7 => decode_utf7(name)?,
    };
    if decoded.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    Ok(decoded)
}

fn decode_utf7(name: &[u8]) -> Result<String, NameError> {
    if !name.is_ascii() {
        return Err(NameError::EightBit);
    }
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    let mut after_shift = false;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'&' {
            out.push(char::from(byte));
            after_shift = false;
            rest = tail;
            continue;
        }
        let end = memchr::memchr(b'-', tail).ok_or(NameError::Unclosed)?;
        let (run, tail) = tail.split_at(end);
        rest = tail.get(1..).unwrap_or_default();
        if run.is_empty() {
            out.push('&');
        } else if after_shift {
            return Err(NameError::SuperfluousShift);
        } else {
            decode_run(run, &mut out)?;
        }
        after_shift = !run.is_empty();
    }
    Ok(out)
}

/// One run of modified base64: UTF-16, big end first.
fn decode_run(run: &[u8], out: &mut String) -> Result<(), NameError> {
    let mut units = Vec::with_capacity(run.len() * 3 / 8 + 1);
    let (mut bits, mut held) = (0u32, 0u32);
    for &letter in run {
        bits = (bits << 6) | u32::from(sextet(letter).ok_or(NameError::NotBase64)?);
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push(((bits >> held) & 0xffff) as u16);
            bits &= (1 << held) - 1;
        }
    }
    if held >= 6 {
        return Err(NameError::Truncated);
    }
    if bits != 0 {
        return Err(NameError::StrayBits);
    }
    for decoded in char::decode_utf16(units) {
        match decoded {
            Ok(' '..='~') => return Err(NameError::EncodedAscii),
            Ok(character) => out.push(character),
            Err(_) => return Err(NameError::LoneSurrogate),
        }
    }
    Ok(())
}

const fn sextet(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' => Some(62),
        b',' => Some(63),
        _ => None,
    }
}

/// The letter for the low six bits.
const fn letter(bits: u32) -> u8 {
    match bits.to_le_bytes()[0] & 63 {
        n @ 0..=25 => b'A' + n,
        n @ 26..=51 => b'a' + n - 26,
        n @ 52..=61 => b'0' + n - 52,
        62 => b'+',
        _ => b',',
    }
}

/// Appends the name as the session spells it, without quoting.
pub fn encode(name: &str, encoding: Encoding, out: &mut Vec<u8>) {
    match encoding {
        Encoding::Utf8 => out.extend_from_slice(name.as_bytes()),
        Encoding::ModifiedUtf7 => encode_utf7(name, out),
    }
}

fn encode_utf7(name: &str, out: &mut Vec<u8>) {
    let mut run = Run::default();
    for character in name.chars() {
        match character {
            ' '..='~' => {
                run.close(out);
                // In the arm's range, so one octet of ASCII.
                out.push(character as u8);
                if character == '&' {
                    out.push(b'-');
                }
            }
            _ => run.push(character, out),
        }
    }
    run.close(out);
}

/// A run of modified base64 being written.
#[derive(Default)]
struct Run {
    open: bool,
    bits: u32,
    held: u32,
}

impl Run {
    fn push(&mut self, character: char, out: &mut Vec<u8>) {
        if !self.open {
            out.push(b'&');
            self.open = true;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            self.bits = (self.bits << 16) | u32::from(*unit);
            self.held += 16;
            while self.held >= 6 {
                self.held -= 6;
                out.push(letter(self.bits >> self.held));
            }
            self.bits &= (1 << self.held) - 1;
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if !self.open {
            return;
        }
        if self.held > 0 {
            out.push(letter(self.bits << (6 - self.held)));
        }
        out.push(b'-');
        *self = Self::default();
    }
}

/// Whether a LIST pattern matches a name: `*` stands for anything, `%` for
/// anything without the delimiter (RFC 9051 §6.3.9). The name `INBOX`, alone or
/// as the first level, matches in any case.
///
/// Takes time in proportion to pattern times name, whatever the wildcards: all
/// ways to match are followed at once.
#[must_use]
pub fn list_matches(pattern: &str, name: &str, delimiter: char) -> bool {
    let inbox = inbox_prefix(name, delimiter);
    if inbox == 0 {
        // What comes before the wildcards is there or not; and mostly there is one wildcard, at the end.
        let (literal, rest) = pattern.split_at(pattern.find(['*', '%']).unwrap_or(pattern.len()));
        match (name.strip_prefix(literal), rest) {
            (None, _) => return false,
            (Some(left), "") => return left.is_empty(),
            (Some(_), "*") => return true,
            (Some(left), "%") => return !left.contains(delimiter),
            (Some(_), _) => {}
        }
    }
    let tokens: Vec<char> = pattern.chars().collect();
    // live[i]: the first i tokens can match what has been read of the name.
    let mut live = vec![false; tokens.len() + 1];
    if let Some(start) = live.first_mut() {
        *start = true;
    }
    skip_wildcards(&tokens, &mut live);
    for (at, character) in name.chars().enumerate() {
        let mut before = false;
        for (place, token) in live
            .iter_mut()
            .zip(core::iter::once(None).chain(tokens.iter().map(Some)))
        {
            let was = *place;
            *place = match token {
                None => false,
                Some('*') => was || before,
                Some('%') => (was || before) && character != delimiter,
                Some(&token) => before && same(token, character, at < inbox),
            };
            before = was;
        }
        skip_wildcards(&tokens, &mut live);
        if !live.contains(&true) {
            return false;
        }
    }
    live.last().copied().unwrap_or_default()
}

/// A wildcard may stand for nothing.
fn skip_wildcards(tokens: &[char], live: &mut [bool]) {
    let mut before = false;
    let (first, rest) = match live.split_first_mut() {
        Some((first, rest)) => (*first, rest),
        None => return,
    };
    before |= first;
    for (place, token) in rest.iter_mut().zip(tokens) {
        *place |= before && matches!(token, '*' | '%');
        before = *place;
    }
}

/// How many leading characters of the name are INBOX in any case.
fn inbox_prefix(name: &str, delimiter: char) -> usize {
    let is_inbox = name
        .split(delimiter)
        .next()
        .is_some_and(|level| level.eq_ignore_ascii_case("INBOX"));
    if is_inbox { "INBOX".len() } else { 0 }
}

fn same(token: char, character: char, any_case: bool) -> bool {
    token == character || (any_case && token.eq_ignore_ascii_case(&character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_go_both_ways() {
        for (wire, name) in [
            ("INBOX", "INBOX"),
            ("", ""),
            ("&-", "&"),
            ("a&-b", "a&b"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("&Jjo-!", "☺!"),
            ("&2D3eAA-", "😀"),
            ("&ZeVnLIqe-&-", "日本語&"),
            ("&AKA-", "\u{a0}"),
        ] {
            assert_eq!(
                decode(wire.as_bytes(), Encoding::ModifiedUtf7).as_deref(),
                Ok(name),
                "{wire}"
            );
            let mut out = Vec::new();
            encode(name, Encoding::ModifiedUtf7, &mut out);
            assert_eq!(out, wire.as_bytes(), "{name}");
            out.clear();
            encode(name, Encoding::Utf8, &mut out);
            assert_eq!(decode(&out, Encoding::Utf8).as_deref(), Ok(name));
        }
    }

    #[test]
    fn wrong_names_say_why() {
        for (wire, why) in [
            (&b"a&b"[..], NameError::Unclosed),
            (b"&", NameError::Unclosed),
            (b"&Jjo", NameError::Unclosed),
            (b"&Jjo!", NameError::Unclosed),
            (b"&Jj/-", NameError::NotBase64),
            (b"&Jj o-", NameError::NotBase64),
            (b"&J-", NameError::Truncated),
            (b"&Jjo2-", NameError::Truncated),
            (b"&Jjp-", NameError::StrayBits),
            (b"&AGE-", NameError::EncodedAscii),
            (b"&ACY-", NameError::EncodedAscii),
            (b"&U,BTFw-&ZeVnLIqe-", NameError::SuperfluousShift),
            (b"&2D0-", NameError::LoneSurrogate),
            (b"&3gDYPQ-", NameError::LoneSurrogate),
            (b"&AAE-", NameError::Control),
            (b"&AAAAAA-", NameError::Control),
            (b"a\tb", NameError::Control),
            (b"a\x7f", NameError::Control),
            (b"Entw\xc3\xbcrfe", NameError::EightBit),
        ] {
            assert_eq!(
                decode(wire, Encoding::ModifiedUtf7),
                Err(why),
                "{}",
                wire.escape_ascii()
            );
        }
        assert_eq!(decode(b"\xff", Encoding::Utf8), Err(NameError::NotUtf8));
        assert_eq!(decode(b"a\0", Encoding::Utf8), Err(NameError::Control));
        assert!(NameError::Unclosed.to_string().contains('&'));
    }

    #[test]
    fn patterns() {
        for (pattern, name, matches) in [
            ("*", "a/b/c", true),
            ("*", "", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("%/%", "a/b", true),
            ("%/%", "a/b/c", false),
            ("a/*", "a/b/c", true),
            ("a/*", "a", false),
            ("a*", "a", true),
            ("*c", "a/b/c", true),
            ("%c", "a/b/c", false),
            ("*%c", "a/b/c", true),
            ("%b*", "a/b", false),
            ("a%/c", "abc/c", true),
            ("a%/c", "abc/d", false),
            ("inbox", "INBOX", true),
            ("inb%", "INBOX", true),
            ("inbox/*", "INBOX/a", true),
            ("inbox/A", "INBOX/a", false),
            ("Sent", "sent", false),
            ("inboxes", "Inboxes", false),
            ("box*", "box", true),
            ("box*", "box/a", true),
            ("box*", "Box", false),
            ("box/%", "box/a", true),
            ("box/%", "box/a/b", false),
            ("ö*", "ö/INBOX", true),
            ("", "", true),
            ("", "a", false),
            ("%//%", "a//b", true),
            ("%ö%", "xöy", true),
        ] {
            assert_eq!(
                list_matches(pattern, name, '/'),
                matches,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn wildcards_do_not_explode() {
        let pattern = "%*".repeat(200) + "b";
        assert!(!list_matches(&pattern, &"a".repeat(2000), '/'));
    }
}
