//! Encoded words in header fields (RFC 2047).

use alloc::{string::String, vec::Vec};

use memchr::{memchr, memmem};

use crate::{
    charset,
    decode::{TransferDecoder, hex},
    header,
    structure::Encoding,
};

/// The text of an unstructured field's value: unfolded, encoded words decoded,
/// raw octets taken for UTF-8 or, where they are not, windows-1252.
#[must_use]
pub fn decode(value: &[u8]) -> String {
    let value = header::unfold(value);
    let mut text = String::with_capacity(value.len());
    let mut words = Words::default();
    let mut rest: &[u8] = &value;
    while let Some(at) = memmem::find(rest, b"=?") {
        let (before, from) = rest.split_at(at);
        let Some((word, after)) = word(from) else {
            words.flush(&mut text);
            let (plain, after) = rest.split_at(at + 2);
            text.push_str(&charset::decode_all("us-ascii", plain));
            rest = after;
            continue;
        };
        // RFC 2047 §6.2: white space between encoded words means nothing.
        if words.octets.is_empty() || !before.trim_ascii().is_empty() {
            words.flush(&mut text);
            text.push_str(&charset::decode_all("us-ascii", before));
        }
        words.push(word, &mut text);
        rest = after;
    }
    words.flush(&mut text);
    text.push_str(&charset::decode_all("us-ascii", rest));
    text
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
    fn push(&mut self, word: Word<'a>, text: &mut String) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush(text);
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

    fn flush(&mut self, text: &mut String) {
        if !self.octets.is_empty() {
            let name = core::str::from_utf8(self.charset).unwrap_or_default();
            text.push_str(&charset::decode_all(name, &self.octets));
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
}
