//! Bodies: text, text beside HTML, pictures in HTML, attachments, other messages.

use std::fmt::Write as _;

use super::{
    Corpus,
    header::encoded_words,
    random::Random,
    stock::{Charset, Encoding, Style},
    words::Language,
};

/// The ways in which text is written, and of a hundred threads how many are written so.
const STYLES: [(usize, Style); 8] = [
    (
        38,
        style(Language::English, Charset::Ascii, Encoding::SevenBit),
    ),
    (
        22,
        style(Language::English, Charset::Utf8, Encoding::QuotedPrintable),
    ),
    (
        8,
        style(Language::German, Charset::Latin1, Encoding::QuotedPrintable),
    ),
    (
        10,
        style(Language::German, Charset::Utf8, Encoding::EightBit),
    ),
    (8, style(Language::Russian, Charset::Utf8, Encoding::Base64)),
    (
        4,
        style(Language::Russian, Charset::Koi8R, Encoding::Base64),
    ),
    (
        4,
        style(
            Language::Russian,
            Charset::Windows1251,
            Encoding::QuotedPrintable,
        ),
    ),
    (
        6,
        style(Language::Japanese, Charset::Iso2022Jp, Encoding::SevenBit),
    ),
];

const fn style(language: Language, charset: Charset, encoding: Encoding) -> Style {
    Style {
        language,
        charset,
        encoding,
        html: false,
    }
}

/// All ways in which text is written, and how the HTML beside it is.
pub(super) fn styles() -> impl Iterator<Item = (Style, Style)> {
    STYLES.iter().map(|(_, style)| {
        let encoding = match style.encoding {
            Encoding::SevenBit | Encoding::EightBit => Encoding::QuotedPrintable,
            other => other,
        };
        (
            *style,
            Style {
                html: true,
                encoding,
                ..*style
            },
        )
    })
}

/// In which of them a thread is written.
pub(super) fn draw_style(random: &mut Random) -> usize {
    let mut at = random.below(100);
    STYLES
        .iter()
        .position(|(share, _)| at.checked_sub(*share).map(|left| at = left).is_none())
        .unwrap_or_default()
}

/// What is attached: its type, and what its name ends with.
const ATTACHED: [(&str, &str); 7] = [
    ("application/pdf", "pdf"),
    ("image/jpeg", "jpg"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("image/png", "png"),
    ("application/zip", "zip"),
    ("application/octet-stream", "dat"),
];

/// Writes the body of message `n`, from its first MIME field on.
pub(super) struct Body<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) n: u64,
    /// Which of the styles.
    pub(super) style: usize,
    pub(super) random: Random,
}

impl Body<'_> {
    /// About `size` octets.
    pub(super) fn write(&mut self, size: usize, out: &mut Vec<u8>) {
        let shape = self.random.below(100);
        match size {
            0..3_000 if shape < 85 => self.text(size, false, out),
            3_000..16_000 if shape < 40 => self.text(size, false, out),
            3_000..16_000 if shape < 50 => self.text(size, true, out),
            3_000..16_000 if shape > 93 => self.mixed(size, out),
            0..16_000 => self.alternative(size, out),
            _ if shape < 15 => self.text(size, true, out),
            _ if shape < 30 => self.alternative(size, out),
            _ if shape < 38 => self.related(size, out),
            _ => self.mixed(size, out),
        }
    }

    /// A part of text, with its fields.
    fn text(&mut self, size: usize, html: bool, out: &mut Vec<u8>) {
        let sort = if html { "html" } else { "plain" };
        let (style, stock) = self.corpus.stock(self.style, html);
        let (charset, encoding) = (style.charset.name(), style.encoding.name());
        let flowed = if style.charset == Charset::Ascii && !html {
            "; format=flowed"
        } else {
            ""
        };
        push(
            out,
            &format!(
                "Content-Type: text/{sort}; charset={charset}{flowed}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
            ),
        );
        if html {
            style.write(
                "<!DOCTYPE html>\r\n<html><head><title></title></head><body>\r\n",
                out,
            );
        }
        for word in self.corpus.marks(self.n) {
            let (open, close) = if html { ("<p>", "</p>") } else { ("", "\r\n") };
            style.write(
                &format!("{open}Before I forget it: {word}, as we said.{close}\r\n"),
                out,
            );
        }
        stock.take(&mut self.random, size, out);
        if html {
            style.write("</body></html>\r\n", out);
        }
    }

    fn boundary(&mut self, sort: &str, parameters: &str, out: &mut Vec<u8>) -> String {
        let boundary = format!("----=_Part_{:016x}", self.random.next());
        push(
            out,
            &format!(
                "Content-Type: multipart/{sort};{parameters}\r\n\tboundary=\"{boundary}\"\r\n\r\n"
            ),
        );
        boundary
    }

    /// The same as text and as HTML.
    fn alternative(&mut self, size: usize, out: &mut Vec<u8>) {
        let boundary = self.boundary("alternative", "", out);
        push(
            out,
            &format!("This is a multi-part message in MIME format.\r\n--{boundary}\r\n"),
        );
        self.text(size * 3 / 10, false, out);
        push(out, &format!("\r\n--{boundary}\r\n"));
        self.text(size * 6 / 10, true, out);
        push(out, &format!("\r\n--{boundary}--\r\n"));
    }

    /// HTML with pictures.
    fn related(&mut self, size: usize, out: &mut Vec<u8>) {
        let boundary = self.boundary("related", " type=\"multipart/alternative\";", out);
        push(out, &format!("--{boundary}\r\n"));
        self.alternative(size / 5, out);
        let pictures = self.random.between(1, 4);
        for at in 0..pictures {
            let id = self.random.next();
            push(
                out,
                &format!(
                    "\r\n--{boundary}\r\nContent-Type: image/png; name=\"image00{at}.png\"\r\nContent-Transfer-Encoding: base64\r\n\
                     Content-ID: <{id:x}@img.example>\r\nContent-Disposition: inline; filename=\"image00{at}.png\"\r\n\r\n"
                ),
            );
            self.corpus
                .attachments
                .take(&mut self.random, size * 4 / 5 / pictures, out);
        }
        push(out, &format!("\r\n--{boundary}--\r\n"));
    }

    /// Text, and what is attached to it.
    fn mixed(&mut self, size: usize, out: &mut Vec<u8>) {
        let boundary = self.boundary("mixed", "", out);
        push(out, &format!("--{boundary}\r\n"));
        let text = (size / 4).min(self.random.between(600, 6_000));
        if self.random.chance(60) {
            self.alternative(text, out);
        } else {
            self.text(text, false, out);
        }
        let mut left = size.saturating_sub(text);
        let mut count = self.random.between(1, 4);
        while count > 0 {
            let length = if count == 1 {
                left
            } else {
                self.random.between(left / 8, left / 2)
            };
            push(out, &format!("\r\n--{boundary}\r\n"));
            match self.random.below(20) {
                0 => self.forwarded(length, out),
                1 => self.invitation(out),
                _ => self.attached(length, out),
            }
            left = left.saturating_sub(length);
            count -= 1;
        }
        push(out, &format!("\r\n--{boundary}--\r\n"));
    }

    fn attached(&mut self, size: usize, out: &mut Vec<u8>) {
        let (sort, ending) = ATTACHED
            .get(self.random.below(ATTACHED.len()))
            .copied()
            .unwrap_or_default();
        let mut name = String::new();
        let (style, _) = self.corpus.stock(self.style, false);
        self.corpus
            .words(style.language)
            .phrase(&mut self.random, 2, &mut name);
        let _ = write!(name, " {}.{ending}", self.random.below(2_000));
        let (plain, extended) = if name.is_ascii() {
            (format!("\"{name}\""), format!("filename=\"{name}\""))
        } else {
            let octets = name.bytes().fold(String::new(), |mut all, octet| {
                let _ = write!(all, "%{octet:02X}");
                all
            });
            (
                format!("\"{}\"", encoded_words(&name, Charset::Utf8)),
                format!("filename*=utf-8''{octets}"),
            )
        };
        push(
            out,
            &format!(
                "Content-Type: {sort};\r\n\tname={plain}\r\nContent-Transfer-Encoding: base64\r\n\
                 Content-Disposition: attachment;\r\n\t{extended}\r\n\r\n"
            ),
        );
        self.corpus.attachments.take(&mut self.random, size, out);
    }

    /// Another message, whole.
    fn forwarded(&mut self, size: usize, out: &mut Vec<u8>) {
        push(
            out,
            "Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n",
        );
        let other = self.n / 2;
        push(
            out,
            &format!(
                "Date: {}\r\nFrom: {from}\r\nTo: project@example.org\r\nSubject: as it came\r\nMessage-ID: {}\r\nMIME-Version: 1.0\r\n",
                self.corpus.date(other, 0),
                self.corpus.message_id(other),
                from = self.corpus.person(other).address(),
            ),
        );
        self.alternative(size.saturating_sub(300), out);
    }

    fn invitation(&mut self, out: &mut Vec<u8>) {
        let id = self.random.next();
        push(
            out,
            &format!(
                "Content-Type: text/calendar; charset=utf-8; method=REQUEST; name=\"invite.ics\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
                 BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:{id:x}\r\nDTSTART:20210301T090000Z\r\n\
                 DTEND:20210301T100000Z\r\nSUMMARY:Weekly\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            ),
        );
    }
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}
