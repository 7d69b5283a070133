//! Encoded words in header fields (RFC 2047).

use alloc::{borrow::Cow, string::String, vec::Vec};

use memchr::{memchr, memmem};

use crate::{
    charset,
    decode::{TransferDecoder, hex},
    header,
    structure::Encoding,
};

/// What a field's value says, if that can be told for sure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exactly {
    /// Its text.
    Text(String),
    /// A charset is unknown, or octets are wrong in theirs: all of it, without its
    /// encodings.
    Octets(Vec<u8>),
}

/// The text of an unstructured field's value: unfolded, encoded words decoded,
/// raw octets taken for UTF-8 or, where they are not, windows-1252.
#[must_use]
pub fn decode(value: &[u8]) -> String {
    let value = &*header::unfold(value);
    if value.is_ascii() && memmem::find(value, b"=?").is_none() {
        return String::from_utf8_lossy(value).into_owned();
    }
    let mut text = String::with_capacity(value.len());
    each(value, |charset, octets| {
        text.push_str(&charset::decode_all(charset.unwrap_or("us-ascii"), octets));
    });
    text
}

/// The same without guesses, as ordering by a collation wants it (RFC 5255 §4.6): raw
/// octets are UTF-8.
#[must_use]
pub fn decode_exactly(value: &[u8]) -> Exactly {
    let mut text = Some(String::with_capacity(value.len()));
    each(value, |charset, octets| {
        let piece = match charset {
            Some(charset) => charset::decode_text(charset, octets).map(Cow::Owned),
            None => core::str::from_utf8(octets).ok().map(Cow::Borrowed),
        };
        match (&mut text, piece) {
            (Some(text), Some(piece)) => text.push_str(&piece),
            _ => text = None,
        }
    });
    if let Some(text) = text {
        return Exactly::Text(text);
    }
    let mut all = Vec::with_capacity(value.len());
    each(value, |_, octets| all.extend_from_slice(octets));
    Exactly::Octets(all)
}

/// Gives every piece of a value, with the charset of encoded words.
fn each(value: &[u8], mut take: impl FnMut(Option<&str>, &[u8])) {
    let value = header::unfold(value);
    let mut words = Words::default();
    let mut rest: &[u8] = &value;
    while let Some(at) = memmem::find(rest, b"=?") {
        let (before, from) = rest.split_at(at);
        let Some((word, after)) = word(from) else {
            words.flush(&mut take);
            let (plain, after) = rest.split_at(at + 2);
            take(None, plain);
            rest = after;
            continue;
        };
        // RFC 2047 §6.2: white space between encoded words means nothing.
        if words.octets.is_empty() || !before.trim_ascii().is_empty() {
            words.flush(&mut take);
            take(None, before);
        }
        words.push(word, &mut take);
        rest = after;
    }
    words.flush(&mut take);
    take(None, rest);
}

/// A header with what its encoded words say encoded anew, as `encode` has it in the charset of that name; all else
/// stays as it is, and so do words that can't be decoded, or of which `encode` can make nothing.
#[must_use]
pub fn recode(header: &[u8], charset: &str, encode: &dyn Fn(&str) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.len());
    let mut rest = header;
    while let Some(at) = memmem::find(rest, b"=?") {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before);
        let Some((words, after)) = run_of_words(from) else {
            out.extend_from_slice(b"=?");
            rest = from.get(2..).unwrap_or_default();
            continue;
        };
        let text = decode_words(words);
        if text.is_none_or(|text| !put_words(&text, charset, encode, &mut out)) {
            out.extend_from_slice(words);
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    out
}

/// Text as it stands in a header: as it is if it is ASCII, else as encoded words in UTF-8.
#[must_use]
pub fn encode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let words = !text.is_ascii();
    if !words
        || !put_words(
            text,
            "UTF-8",
            &|text| Some(text.as_bytes().to_vec()),
            &mut out,
        )
    {
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// Encoded words with nothing but white space between them.
fn run_of_words(from: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, mut rest) = word(from)?;
    loop {
        let next = rest.trim_ascii_start();
        match word(next).filter(|_| next.starts_with(b"=?") && next.len() < rest.len()) {
            Some((_, after)) => rest = after,
            None => return from.split_at_checked(from.len() - rest.len()),
        }
    }
}

/// What encoded words say; `None` if one of them can't be decoded.
fn decode_words(words: &[u8]) -> Option<String> {
    match decode_exactly(words) {
        Exactly::Text(text) => Some(text),
        Exactly::Octets(_) => None,
    }
}

/// The longest that an encoded word may be, in characters: RFC 2047 §2.
const WORD_MAX: usize = 75;

/// Writes text as encoded words; `false`, and nothing, if that can't be done.
fn put_words(
    text: &str,
    charset: &str,
    encode: &dyn Fn(&str) -> Option<Vec<u8>>,
    out: &mut Vec<u8>,
) -> bool {
    let start = out.len();
    let mut rest = text;
    while !rest.is_empty() {
        let Some((octets, after)) = one_word(rest, charset, encode) else {
            out.truncate(start);
            return false;
        };
        if out.len() > start {
            out.extend_from_slice(b"\r\n ");
        }
        put_word(&octets, charset, out);
        rest = after;
    }
    true
}

/// The octets of as many characters as one encoded word has room for, one at least, and the text after them.
/// Encoded together: a charset may shift its state between characters.
fn one_word<'t>(
    text: &'t str,
    charset: &str,
    encode: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Option<(Vec<u8>, &'t str)> {
    let room = WORD_MAX.saturating_sub("=??Q??=".len() + charset.len());
    let mut taken = None;
    for (at, character) in text.char_indices() {
        let (some, after) = text.split_at(at + character.len_utf8());
        let octets = encode(some)?;
        let fits = octets.iter().map(|b| q_len(*b)).sum::<usize>() <= room;
        if !fits && taken.is_some() {
            break;
        }
        taken = Some((octets, after));
    }
    taken
}

/// Characters that an octet takes: RFC 2047 §4.2.
const fn q_len(octet: u8) -> usize {
    if octet == b' ' || octet.is_ascii_alphanumeric() {
        1
    } else {
        3
    }
}

fn put_word(octets: &[u8], charset: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"=?");
    out.extend_from_slice(charset.as_bytes());
    out.extend_from_slice(b"?Q?");
    for octet in octets {
        match octet {
            b' ' => out.push(b'_'),
            b if b.is_ascii_alphanumeric() => out.push(*b),
            b => {
                let digit = |n: u8| char::from_digit(n.into(), 16).unwrap_or('0');
                let digit = |n| digit(n).to_ascii_uppercase() as u8;
                out.extend_from_slice(&[b'=', digit(b >> 4), digit(b & 15)]);
            }
        }
    }
    out.extend_from_slice(b"?=");
}

/// `=?charset*language?encoding?text?=`.
#[derive(Clone, Copy)]
struct Word<'a> {
    charset: &'a [u8],
    is_base64: bool,
    text: &'a [u8],
}

/// At `=?`.
fn word(from: &[u8]) -> Option<(Word<'_>, &[u8])> {
    let (charset, rest) = to_question_mark(from.get(2..)?)?;
    let (encoding, rest) = to_question_mark(rest)?;
    let (text, rest) = to_question_mark(rest)?;
    let rest = rest.strip_prefix(b"=")?;
    let is_base64 = match encoding {
        [b'B' | b'b'] => true,
        [b'Q' | b'q'] => false,
        _ => return None,
    };
    // RFC 2231 §5 puts a language after the charset.
    let charset = charset.split(|b| *b == b'*').next()?;
    let is_name = !charset.is_empty() && charset.iter().all(u8::is_ascii_graphic);
    is_name.then_some((
        Word {
            charset,
            is_base64,
            text,
        },
        rest,
    ))
}

fn to_question_mark(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr(b'?', text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// Adjacent encoded words of one charset, joined: mailers cut characters in two.
#[derive(Default)]
struct Words<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
}

impl<'a> Words<'a> {
    fn push(&mut self, word: Word<'a>, take: &mut impl FnMut(Option<&str>, &[u8])) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush(take);
            self.charset = word.charset;
        }
        if word.is_base64 {
            let mut decoder = TransferDecoder::new(Encoding::Base64);
            decoder.push(word.text, &mut self.octets);
            // What cannot be decoded is left out, which is all that can be done.
            let _ = decoder.finish(&mut self.octets);
        } else {
            q(word.text, &mut self.octets);
        }
    }

    fn flush(&mut self, take: &mut impl FnMut(Option<&str>, &[u8])) {
        if !self.octets.is_empty() {
            let name = core::str::from_utf8(self.charset).unwrap_or_default();
            take(Some(name), &self.octets);
            self.octets.clear();
        }
        self.charset = &[];
    }
}

/// RFC 2047 §4.2.
fn q(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'_', _) => out.push(b' '),
            (b'=', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                out.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => out.push(first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_encoded_anew() {
        let utf8 = |text: &str| Some(text.as_bytes().to_vec());
        let ascii = |text: &str| text.is_ascii().then(|| text.as_bytes().to_vec());
        for (header, encode, expected) in [
            (
                "Subject: =?KOI8-R?Q?why encode?= x\r\n",
                &utf8 as &dyn Fn(&str) -> Option<Vec<u8>>,
                "Subject: =?UTF-8?Q?why_encode?= x\r\n",
            ),
            (
                "From: =?iso-8859-1?q?J=F6rg?=\r\n =?iso-8859-1?q?_x?= <a@b>\r\n",
                &utf8,
                "From: =?UTF-8?Q?J=C3=B6rg_x?= <a@b>\r\n",
            ),
            (
                "Subject: =?utf-8?b?w6TDpMOkw6TDpMOkw6TDpMOkw6TDpA==?=\r\n",
                &utf8,
                "Subject: =?UTF-8?Q?=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4=C3=A4?=\r\n =?UTF-8?Q?=C3=A4?=\r\n",
            ),
            (
                "A: =?x-none?q?a?= =? =?b\r\n",
                &utf8,
                "A: =?x-none?q?a?= =? =?b\r\n",
            ),
            (
                "A: =?utf-8?q?=C3=A4?=\r\n",
                &ascii,
                "A: =?utf-8?q?=C3=A4?=\r\n",
            ),
        ] {
            let recoded = recode(header.as_bytes(), "UTF-8", encode);
            assert_eq!(String::from_utf8_lossy(&recoded), expected);
        }
    }

    #[test]
    fn text_is_encoded_if_it_must_be() {
        for (text, header) in [
            ("90 percent", "90 percent"),
            ("90 % für", "=?UTF-8?Q?90_=25_f=C3=BCr?="),
            ("", ""),
        ] {
            assert_eq!(encode(text), header.as_bytes());
        }
    }

    #[test]
    fn encoded_words_are_decoded() {
        for (value, expected) in [
            ("plain", "plain"),
            ("=?utf-8?Q?J=C3=B6rg_A?= =?utf-8?b?QQ==?=", "J\u{f6}rg AA"),
            ("a =?iso-8859-1*de?q?=E4?= b", "a \u{e4} b"),
            ("=?utf-8?b?w7Y=?= \r\n =?utf-8?b?w7Y=?= x", "\u{f6}\u{f6} x"),
            ("=?utf-8?q?=C3?= =?utf-8?q?=B6?=", "\u{f6}"),
            ("=?utf-8?q?a?= =?iso-8859-1?q?=F6?=", "a\u{f6}"),
            ("=?x?y", "=?x?y"),
            ("=?utf-8?z?a?= =?", "=?utf-8?z?a?= =?"),
            ("=?=?utf-8?q?a?=", "=?a"),
            ("J\u{f6}rg\r\n\tx", "J\u{f6}rg\tx"),
            ("=?utf-8?q??=", ""),
        ] {
            assert_eq!(decode(value.as_bytes()), expected, "{value}");
        }
        assert_eq!(decode(b"J\xf6rg"), "J\u{f6}rg");
    }

    #[test]
    fn what_can_not_be_told_for_sure_stays_octets() {
        for (value, expected) in [
            (&b"J\xc3\xb6rg"[..], Ok("J\u{f6}rg")),
            (b"=?utf-8?q?J=C3?= =?utf-8?q?=B6rg?=", Ok("J\u{f6}rg")),
            (b"=?iso-8859-1?q?J=F6rg?= \r\n x", Ok("J\u{f6}rg  x")),
            (b"", Ok("")),
            (b"J\xf6rg", Err(&b"J\xf6rg"[..])),
            (
                b"a =?utf-8?q?=FF?= =?utf-8?b?w7Y=?= b",
                Err(b"a \xff\xc3\xb6 b"),
            ),
            (b"=?x-klingon?q?qapla=27?=", Err(b"qapla'")),
            (b"=?us-ascii?q?=E4?=", Err(b"\xe4")),
        ] {
            let expected = match expected {
                Ok(text) => Exactly::Text(text.into()),
                Err(octets) => Exactly::Octets(octets.to_vec()),
            };
            assert_eq!(decode_exactly(value), expected, "{value:?}");
        }
    }
}
