//! Text and attachments in stock, encoded already: a message is put together of pieces of them.
//!
//! That is what makes the corpus cheap. What a piece is cut at is the end of a paragraph, so that any piece is
//! whole in its encoding; no line begins with a dot, so that LMTP has nothing to stuff.

use std::fmt::Write as _;

use data_encoding::BASE64;

use super::{
    random::Random,
    words::{Language, Words},
};

/// How text is written in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Ascii,
    Utf8,
    Latin1,
    Koi8R,
    Windows1251,
    Iso2022Jp,
}

impl Charset {
    /// As it is named in Content-Type.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ascii => "us-ascii",
            Self::Utf8 => "utf-8",
            Self::Latin1 => "iso-8859-1",
            Self::Koi8R => "koi8-r",
            Self::Windows1251 => "windows-1251",
            Self::Iso2022Jp => "iso-2022-jp",
        }
    }

    /// Writes text in it.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        let encoding = match self {
            Self::Ascii | Self::Utf8 => encoding_rs::UTF_8,
            Self::Latin1 => encoding_rs::WINDOWS_1252,
            Self::Koi8R => encoding_rs::KOI8_R,
            Self::Windows1251 => encoding_rs::WINDOWS_1251,
            Self::Iso2022Jp => encoding_rs::ISO_2022_JP,
        };
        encoding.encode(text).0.into_owned()
    }
}

/// How octets are written in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    SevenBit,
    EightBit,
    QuotedPrintable,
    Base64,
}

impl Encoding {
    /// As it is named in Content-Transfer-Encoding.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }
}

/// What a text is in, and how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) language: Language,
    pub(super) charset: Charset,
    pub(super) encoding: Encoding,
    pub(super) html: bool,
}

impl Style {
    /// Adds paragraphs to a message, encoded. In base64 they are filled up with spaces to whole lines, so that they
    /// can stand before and after any others.
    pub(super) fn write(self, text: &str, out: &mut Vec<u8>) {
        let mut raw = self.charset.encode(text);
        match self.encoding {
            Encoding::SevenBit | Encoding::EightBit => out.extend_from_slice(&raw),
            Encoding::QuotedPrintable => quote(&raw, out),
            Encoding::Base64 => {
                raw.truncate(raw.trim_ascii_end().len());
                while raw.len() % RAW_LINE != RAW_LINE - 2 {
                    raw.push(b' ');
                }
                raw.extend_from_slice(b"\r\n");
                for line in raw.chunks(RAW_LINE) {
                    out.extend_from_slice(BASE64.encode(line).as_bytes());
                    out.extend_from_slice(b"\r\n");
                }
            }
        }
    }
}

/// So many octets are a line of base64.
const RAW_LINE: usize = 57;

/// Quoted-printable (RFC 2045 §6.7), with its lines no longer than 76.
fn quote(raw: &[u8], out: &mut Vec<u8>) {
    let mut column = 0;
    for (at, &octet) in raw.iter().enumerate() {
        if octet == b'\n' {
            out.extend_from_slice(b"\r\n");
            column = 0;
            continue;
        }
        let last = raw.get(at + 1) == Some(&b'\r');
        let plain = matches!(octet, b' '..=b'~') && octet != b'=' && !(last && octet == b' ');
        if octet == b'\r' {
            continue;
        }
        if column + 3 > 75 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if plain && !(column == 0 && octet == b'.') {
            out.push(octet);
            column += 1;
        } else {
            out.extend_from_slice(format!("={octet:02X}").as_bytes());
            column += 3;
        }
    }
}

/// Encoded paragraphs.
#[derive(Debug)]
pub(super) struct Stock {
    octets: Vec<u8>,
    /// Where each begins; and the end.
    starts: Vec<usize>,
}

impl Stock {
    /// About `size` octets of text.
    pub(super) fn text(style: Style, words: &Words, size: usize) -> Self {
        let mut random = Random::of(&[
            style.language as u64,
            style.charset as u64,
            u64::from(style.html),
        ]);
        let (mut octets, mut starts) = (Vec::with_capacity(size + 4096), Vec::new());
        let mut text = String::new();
        while octets.len() < size {
            starts.push(octets.len());
            text.clear();
            if style.html {
                markup(&mut random, words, &mut text);
            } else {
                paragraph(&mut random, style, words, &mut text);
            }
            style.write(&text, &mut octets);
        }
        starts.push(octets.len());
        Self { octets, starts }
    }

    /// About `size` octets of an attachment in base64; a piece of it is any lines.
    pub(super) fn attachment(size: usize) -> Self {
        let mut random = Random::of(&[0x6261_7365]);
        let (mut octets, mut starts) = (Vec::with_capacity(size + 128), Vec::new());
        while octets.len() < size {
            starts.push(octets.len());
            let raw: Vec<u8> = (0..8)
                .flat_map(|_| random.next().to_le_bytes())
                .take(RAW_LINE)
                .collect();
            octets.extend_from_slice(BASE64.encode(&raw).as_bytes());
            octets.extend_from_slice(b"\r\n");
        }
        starts.push(octets.len());
        Self { octets, starts }
    }

    /// Adds about `size` octets from somewhere; at least one paragraph.
    pub(super) fn take(&self, random: &mut Random, size: usize, out: &mut Vec<u8>) {
        let mut left = size;
        loop {
            let first = random.below(self.starts.len() - 1);
            let start = self.starts.get(first).copied().unwrap_or_default();
            // The nearest end of a paragraph, so that pieces are neither too long nor too short in the mean.
            let after = self
                .starts
                .partition_point(|begin| *begin < start + left)
                .clamp(first + 1, self.starts.len() - 1);
            let over = self.starts.get(after).copied().unwrap_or_default();
            let under = self.starts.get(after - 1).copied().unwrap_or_default();
            let end = if after > first + 1
                && (start + left).saturating_sub(under) < over.saturating_sub(start + left)
            {
                under
            } else {
                over
            };
            out.extend_from_slice(self.octets.get(start..end).unwrap_or_default());
            left = left.saturating_sub(end - start);
            if left < 500 {
                return;
            }
        }
    }
}

/// A paragraph of plain text; now and then one that is quoted.
fn paragraph(random: &mut Random, style: Style, words: &Words, out: &mut String) {
    let mut text = String::new();
    for _ in 0..random.between(1, 5) {
        words.sentence(random, &mut text);
    }
    // Quoted-printable and base64 need no wrapping: there a paragraph is a line.
    let wrap = matches!(style.encoding, Encoding::SevenBit | Encoding::EightBit);
    let mark = if random.chance(15) { "> " } else { "" };
    let wide = if style.language == Language::Japanese {
        34
    } else {
        72
    };
    let mut column = 0;
    out.push_str(mark);
    for piece in text.split_inclusive(['。', ' ']) {
        let length = piece.chars().count();
        if wrap && column > 0 && column + length > wide {
            out.truncate(out.trim_end_matches(' ').len());
            out.push_str("\r\n");
            out.push_str(mark);
            column = 0;
        }
        out.push_str(piece);
        column += length;
    }
    out.truncate(out.trim_end_matches(' ').len());
    out.push_str("\r\n\r\n");
}

/// A piece of HTML: mostly paragraphs, and what newsletters put between them.
fn markup(random: &mut Random, words: &Words, out: &mut String) {
    let mut text = String::new();
    match random.below(10) {
        0 => {
            words.phrase(random, 3, &mut text);
            let code = random.next();
            out.push_str("<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr>\r\n");
            out.push_str(
                "<td align=\"center\" style=\"padding:24px 12px;background-color:#f4f4f7\">",
            );
            let _ = write!(
                out,
                "<a href=\"https://click.example.net/{code:016x}\">{text}</a></td>\r\n</tr></table>\r\n"
            );
        }
        1 => {
            words.phrase(random, 2, &mut text);
            let code = random.next();
            let _ = write!(
                out,
                "<img src=\"https://img.example.net/{code:012x}.png\" alt=\"{text}\" width=\"600\">\r\n"
            );
        }
        2 => {
            out.push_str("<ul>\r\n");
            for _ in 0..random.between(2, 6) {
                text.clear();
                words.sentence(random, &mut text);
                let _ = write!(out, "<li>{}</li>\r\n", text.trim_end());
            }
            out.push_str("</ul>\r\n");
        }
        _ => {
            for _ in 0..random.between(1, 5) {
                words.sentence(random, &mut text);
                text.truncate(text.trim_end().len());
                text.push_str("\r\n");
            }
            out.push_str("<p style=\"margin:0 0 1em 0;font-family:Arial,sans-serif;font-size:14px;color:#333\">\r\n");
            out.push_str(text.trim_end());
            out.push_str("</p>\r\n");
        }
    }
}
