//! Charsets: octets to text.

use alloc::{string::String, vec::Vec};

use encoding_rs::{Decoder, DecoderResult, Encoding, REPLACEMENT, UTF_8};

/// Whether `SEARCH CHARSET` can be given this name.
#[must_use]
pub fn is_known(name: &str) -> bool {
    is_ascii(name) || is_utf7(name) || lookup(name).is_some()
}

/// The text that octets mean in a charset; `None` if the charset is unknown, or
/// the octets are wrong in it.
#[must_use]
pub fn decode_text(name: &str, octets: &[u8]) -> Option<String> {
    if is_ascii(name) {
        return octets.is_ascii().then(|| decode_all(name, octets));
    }
    if is_utf7(name) {
        return Some(decode_all(name, octets));
    }
    let text = lookup(name)?.decode_without_bom_handling_and_without_replacement(octets)?;
    Some(text.into_owned())
}

/// The text that octets most likely mean, whatever the charset is called.
#[must_use]
pub fn decode_all(name: &str, octets: &[u8]) -> String {
    let mut decoder = TextDecoder::new(Some(name));
    let mut text = String::new();
    decoder.push(octets, &mut text);
    decoder.finish(&mut text);
    text
}

fn is_ascii(name: &str) -> bool {
    ["us-ascii", "ascii", "ansi_x3.4-1968"]
        .iter()
        .any(|n| n.eq_ignore_ascii_case(name))
}

fn is_utf7(name: &str) -> bool {
    ["utf-7", "unicode-1-1-utf-7"]
        .iter()
        .any(|n| n.eq_ignore_ascii_case(name))
}

/// The WHATWG names, but for those that it replaces for safety in browsers.
fn lookup(name: &str) -> Option<&'static Encoding> {
    if name.eq_ignore_ascii_case("utf-8") {
        return Some(UTF_8);
    }
    Encoding::for_label(name.as_bytes()).filter(|encoding| *encoding != REPLACEMENT)
}

/// Decodes text: [`TextDecoder::push`] octets in order, in pieces of any size,
/// then [`TextDecoder::finish`]. What is wrong becomes U+FFFD.
#[derive(Debug)]
pub struct TextDecoder(State);

enum State {
    Known(Decoder),
    Utf7(Utf7),
    /// No charset, ASCII, or an unknown one: UTF-8 where that is what it looks
    /// like, else windows-1252. Holds the beginning of a character.
    Guess(Vec<u8>),
}

impl core::fmt::Debug for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Known(decoder) => f.debug_tuple("Known").field(&decoder.encoding()).finish(),
            Self::Utf7(state) => f.debug_tuple("Utf7").field(state).finish(),
            Self::Guess(held) => f.debug_tuple("Guess").field(held).finish(),
        }
    }
}

impl TextDecoder {
    /// A decoder at the first octet.
    #[must_use]
    pub fn new(charset: Option<&str>) -> Self {
        let name = charset.unwrap_or("us-ascii").trim();
        Self(if is_utf7(name) {
            State::Utf7(Utf7::default())
        } else if let (false, Some(encoding)) = (is_ascii(name), lookup(name)) {
            State::Known(encoding.new_decoder_with_bom_removal())
        } else {
            State::Guess(Vec::new())
        })
    }

    /// Appends what the next octets mean, as far as that is known yet.
    pub fn push(&mut self, octets: &[u8], out: &mut String) {
        match &mut self.0 {
            State::Known(decoder) => run(decoder, octets, Last::No, out),
            State::Utf7(utf7) => utf7.push(octets, out),
            State::Guess(held) => guess(held, octets, Last::No, out),
        }
    }

    /// Appends what is left.
    pub fn finish(mut self, out: &mut String) {
        match &mut self.0 {
            State::Known(decoder) => run(decoder, &[], Last::Yes, out),
            State::Utf7(utf7) => utf7.end_shift(out),
            State::Guess(held) => guess(held, &[], Last::Yes, out),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Yes,
    No,
}

fn run(decoder: &mut Decoder, octets: &[u8], last: Last, out: &mut String) {
    let mut rest = octets;
    loop {
        let room = decoder.max_utf8_buffer_length_without_replacement(rest.len());
        out.reserve(room.unwrap_or(rest.len()).max(16));
        let (result, read) =
            decoder.decode_to_string_without_replacement(rest, out, last == Last::Yes);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
}

fn guess(held: &mut Vec<u8>, octets: &[u8], last: Last, out: &mut String) {
    if held.is_empty() {
        let left = guess_all(octets, last, out);
        held.extend_from_slice(left);
        return;
    }
    // At most three octets are held, so a few more decide what they are.
    let (near, rest) = octets.split_at(octets.len().min(4));
    held.extend_from_slice(near);
    let joined = core::mem::take(held);
    let undecided = guess_all(&joined, if rest.is_empty() { last } else { Last::No }, out);
    if rest.is_empty() {
        held.extend_from_slice(undecided);
    } else {
        // What is undecided is a suffix of `near`: go on from there.
        let from = near.len().saturating_sub(undecided.len());
        let left = guess_all(octets.get(from..).unwrap_or_default(), last, out);
        held.extend_from_slice(left);
    }
}

/// Gives back the beginning of a character that the end cuts.
fn guess_all<'a>(octets: &'a [u8], last: Last, out: &mut String) -> &'a [u8] {
    if let Ok(text) = core::str::from_utf8(octets) {
        out.push_str(text);
        return &[];
    }
    let mut chunks = octets.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        out.push_str(chunk.valid());
        let invalid = chunk.invalid();
        if last == Last::No && chunks.peek().is_none() && is_cut(invalid) {
            return octets
                .get(octets.len() - invalid.len()..)
                .unwrap_or_default();
        }
        let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(invalid);
        out.push_str(&text);
    }
    &[]
}

/// Whether more octets could make this a character.
fn is_cut(octets: &[u8]) -> bool {
    core::str::from_utf8(octets).is_err_and(|error| error.error_len().is_none())
}

/// RFC 2152.
#[derive(Debug, Default)]
struct Utf7 {
    /// After `+`.
    shifted: bool,
    /// Directly after `+`.
    fresh: bool,
    bits: u32,
    len: u32,
    /// The first half of a surrogate pair.
    high: Option<u16>,
}

impl Utf7 {
    fn push(&mut self, octets: &[u8], out: &mut String) {
        for &octet in octets {
            if !self.shifted {
                self.shifted = octet == b'+';
                self.fresh = self.shifted;
                match octet {
                    b'+' => {}
                    0..=0x7F => out.push(char::from(octet)),
                    _ => out.push(char::REPLACEMENT_CHARACTER),
                }
                continue;
            }
            let fresh = core::mem::replace(&mut self.fresh, false);
            if let Some(digit) = base64_digit(octet) {
                self.digit(digit, out);
            } else {
                self.end_shift(out);
                match octet {
                    b'-' if fresh => out.push('+'),
                    b'-' => {}
                    _ => self.push(&[octet], out),
                }
            }
        }
    }

    fn digit(&mut self, digit: u32, out: &mut String) {
        self.bits = self.bits << 6 | digit;
        self.len += 6;
        if self.len < 16 {
            return;
        }
        self.len -= 16;
        let unit = u16::try_from(self.bits >> self.len & 0xFFFF).unwrap_or_default();
        self.bits &= (1 << self.len) - 1;
        let pair = self.high.take().into_iter().chain([unit]);
        if matches!(unit, 0xD800..=0xDBFF) {
            out.extend(
                pair.clone()
                    .take(pair.count() - 1)
                    .map(|_| char::REPLACEMENT_CHARACTER),
            );
            self.high = Some(unit);
            return;
        }
        out.extend(char::decode_utf16(pair).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }

    fn end_shift(&mut self, out: &mut String) {
        if self.high.is_some() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
        *self = Self::default();
    }
}

fn base64_digit(octet: u8) -> Option<u32> {
    let digit = match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_become_text_however_they_are_cut() {
        for (charset, octets, expected) in [
            (None, &b"plain"[..], "plain"),
            (
                None,
                "J\u{f6} \u{20ac}\u{1f600}".as_bytes(),
                "J\u{f6} \u{20ac}\u{1f600}",
            ),
            (
                Some("us-ascii"),
                b"J\xf6rg \xe2\x82",
                "J\u{f6}rg \u{e2}\u{201a}",
            ),
            (
                Some("x-nonsense"),
                b"\xf0\x9fabc\xc3",
                "\u{f0}\u{178}abc\u{c3}",
            ),
            (Some("iso-8859-15"), b"\xa4", "\u{20ac}"),
            (Some("ISO-2022-JP"), b"\x1b$B$\"\x1b(B", "\u{3042}"),
            (Some("gb18030"), b"\xc4\xe3", "\u{4f60}"),
            (Some("utf-8"), b"a\xffb", "a\u{fffd}b"),
            (Some("utf-7"), b"Hi Mom -+Jjo--!", "Hi Mom -\u{263a}-!"),
            (Some("UTF-7"), b"+-a+2D3eAA-", "+a\u{1f600}"),
            (Some("utf-7"), b"+ZeVnLIqe", "\u{65e5}\u{672c}\u{8a9e}"),
        ] {
            for cut in 0..=octets.len() {
                let (head, tail) = octets.split_at(cut);
                let mut decoder = TextDecoder::new(charset);
                let mut text = String::new();
                decoder.push(head, &mut text);
                decoder.push(tail, &mut text);
                decoder.finish(&mut text);
                assert_eq!(text, expected, "{charset:?} cut at {cut}");
            }
            let mut decoder = TextDecoder::new(charset);
            let mut text = String::new();
            for octet in octets {
                decoder.push(&[*octet], &mut text);
            }
            decoder.finish(&mut text);
            assert_eq!(text, expected, "{charset:?} octet by octet");
        }
    }

    #[test]
    fn a_search_key_must_be_right() {
        for (charset, octets, expected) in [
            ("UTF-8", &b"\xc3\xa9"[..], Some("\u{e9}")),
            ("utf-8", b"\xff", None),
            ("US-ASCII", b"a", Some("a")),
            ("US-ASCII", b"\xe9", None),
            ("iso-8859-1", b"\xe9", Some("\u{e9}")),
            ("x-nonsense", b"a", None),
            ("iso-2022-kr", b"a", None),
        ] {
            assert_eq!(
                decode_text(charset, octets).as_deref(),
                expected,
                "{charset}"
            );
        }
    }
}
