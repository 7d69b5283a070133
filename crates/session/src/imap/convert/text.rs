//! Text between charsets, and out of HTML: RFC 5259 §7.1.

use encoding_rs::{EncoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use mail::{
    Part,
    charset::TextDecoder,
    html::{HtmlText, Quotes},
};

use super::{
    Converted, ErrorCode, Failed,
    table::{Params, Row},
};

/// The longest replacement of a character, in octets.
const REPLACEMENT_MAX: usize = 16;

/// A charset that text can be written in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Charset {
    /// US-ASCII, which the WHATWG has for a part of windows-1252.
    Ascii,
    /// Any other.
    Other(&'static Encoding),
}

impl Charset {
    /// By its name; `None` for one that is unknown, or that no text is written in.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"US-ASCII") || name.eq_ignore_ascii_case(b"ASCII") {
            return Some(Self::Ascii);
        }
        let encoding = Encoding::for_label(name)?;
        let writable = encoding.output_encoding() == encoding;
        // Encoders of the WHATWG write UTF-8 in their place.
        (writable && encoding != UTF_16BE && encoding != UTF_16LE).then_some(Self::Other(encoding))
    }

    /// Text in it. A character that it does not have becomes `replacement`; `None` if there is none, or
    /// that can't be written either.
    pub(super) fn encode(self, text: &str, replacement: Option<&str>) -> Option<Vec<u8>> {
        let encoding = match self {
            Self::Ascii => {
                let replacement = replacement.filter(|it| it.is_ascii());
                let mut octets = Vec::with_capacity(text.len());
                for c in text.chars() {
                    match u8::try_from(c).ok().filter(u8::is_ascii) {
                        Some(octet) => octets.push(octet),
                        None => octets.extend_from_slice(replacement?.as_bytes()),
                    }
                }
                return Some(octets);
            }
            Self::Other(encoding) => encoding,
        };
        let mut octets = Vec::new();
        let mut encoder = encoding.new_encoder();
        let mut rest = text;
        loop {
            let room = encoder.max_buffer_length_from_utf8_without_replacement(rest.len());
            octets.reserve(room.unwrap_or(rest.len()).max(16));
            let (result, read) =
                encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut octets, true);
            rest = rest.get(read..).unwrap_or_default();
            match result {
                EncoderResult::InputEmpty => return Some(octets),
                EncoderResult::OutputFull => {}
                EncoderResult::Unmappable(_) => {
                    let instead = Self::Other(encoding).encode(replacement?, None)?;
                    octets.extend_from_slice(&instead);
                }
            }
        }
    }
}

/// Converts text.
///
/// # Errors
/// For a charset that is missing, unknown, or has not every character, and a replacement that can't be written.
pub(super) fn convert(
    row: &'static Row,
    (part, octets): (&Part, &[u8]),
    params: &Params<'_>,
    is_default: bool,
) -> Result<Converted, Failed> {
    let (charset, name) = match params.get("CHARSET") {
        Some(name) => {
            let refused = || row.refuses("That charset is unknown here", "CHARSET", params);
            let charset = Charset::named(name).ok_or_else(refused)?;
            (charset, String::from_utf8_lossy(name).into_owned())
        }
        None if is_default => (Charset::Other(UTF_8), "utf-8".to_owned()),
        None => {
            return Err(Failed {
                why: "CHARSET must be specified for text conversions",
                params: vec![("CHARSET".to_owned(), None)],
                ..row.failed(ErrorCode::MissingParameters)
            });
        }
    };
    let replacement = replacement(row, charset, params)?;
    let text = text_of(row, part, octets);
    let octets = charset.encode(&text, replacement).ok_or_else(|| {
        let why = "The text has characters that the charset does not have";
        row.refuses(why, "CHARSET", params)
    })?;
    Ok(Converted {
        media_type: row.to,
        charset: Some(name),
        octets,
    })
}

fn replacement<'a>(
    row: &Row,
    charset: Charset,
    params: &Params<'a>,
) -> Result<Option<&'a str>, Failed> {
    const NAME: &str = "UNKNOWN-CHARACTER-REPLACEMENT";
    let Some(value) = params.get(NAME) else {
        return Ok(None);
    };
    let refused = |why| row.refuses(why, NAME, params);
    let Ok(value) = std::str::from_utf8(value) else {
        return Err(refused("The replacement is not UTF-8"));
    };
    if value.len() > REPLACEMENT_MAX {
        return Err(refused("The replacement is too long"));
    }
    if charset.encode(value, None).is_none() {
        return Err(refused("The charset does not have the replacement"));
    }
    Ok(Some(value))
}

/// The text of a part, its lines ended by CRLF.
fn text_of(row: &Row, part: &Part, octets: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = TextDecoder::new(part.charset.as_deref());
    decoder.push(octets, &mut text);
    decoder.finish(&mut text);
    if row.from == "text/html" {
        let mut seen = String::new();
        let mut reader = HtmlText::new(Quotes::Marked);
        reader.push(&text, &mut seen);
        reader.finish(&mut seen);
        seen.push('\n');
        text = seen;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / 32);
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some(inner) => {
                lines.push_str(inner.strip_suffix('\r').unwrap_or(inner));
                lines.push_str("\r\n");
            }
            None => lines.push_str(line),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_in_its_charset_or_not_at_all() {
        for (name, text, replacement, expected) in [
            ("us-ascii", "abc", None, Some(&b"abc"[..])),
            ("us-ascii", "a\u{e9}", None, None),
            ("us-ascii", "a\u{e9}b", Some("?"), Some(b"a?b")),
            ("us-ascii", "a\u{e9}b", Some("\u{e8}"), None),
            ("ISO-8859-2", "\u{159}", None, Some(b"\xf8")),
            ("iso-8859-15", "\u{20ac}x", None, Some(b"\xa4x")),
            ("iso-8859-5", "\u{e9}x", Some("--"), Some(b"--x")),
            ("utf-8", "\u{20ac}", None, Some("\u{20ac}".as_bytes())),
            ("iso-2022-jp", "\u{65e5}", None, Some(b"\x1b$BF|\x1b(B")),
            ("x-none", "a", None, None),
            ("utf-16", "a", None, None),
        ] {
            let charset = Charset::named(name.as_bytes());
            let octets = charset.and_then(|charset| charset.encode(text, replacement));
            assert_eq!(octets.as_deref(), expected, "{name} {text}");
        }
    }
}
