//! The beginning of what a message says, in a line: RFC 8970.
//!
//! Which part is asked, and what of it is left out: what others wrote, signatures, rules, whatever can't be seen.
//! Reading the octets is the caller's part.

use alloc::{string::String, vec::Vec};

use crate::{
    html::{HtmlText, Quotes},
    structure::{Part, PartKind},
};

/// The longest preview, in characters: RFC 8970 §3.3.
pub const CHARACTERS_MAX: usize = 200;

/// The characters of a line that are looked at.
const LINE_MAX: usize = 1000;

/// Parts that are asked, at most, one after the other.
const CANDIDATES_MAX: usize = 4;

/// The parts that may have a preview, the likeliest first: none if the message is encrypted, or has no text.
#[must_use]
pub fn candidates(structure: &Part) -> Vec<&Part> {
    let mut found = Vec::new();
    within(structure, &mut found);
    found
}

/// A digest's depth is bounded.
fn within<'a>(part: &'a Part, found: &mut Vec<&'a Part>) {
    if found.len() >= CANDIDATES_MAX {
        return;
    }
    match &part.kind {
        PartKind::Leaf if is_html(part) || is_plain(part) => found.push(part),
        PartKind::Leaf => {}
        PartKind::Message(inner) => within(inner, found),
        PartKind::Multipart(parts) => match &*part.media_type {
            "multipart/encrypted" => {}
            // The rest is the signature.
            "multipart/signed" => parts.iter().take(1).for_each(|part| within(part, found)),
            "multipart/alternative" => {
                let plain = parts.iter().filter(|part| is_plain(part));
                let others = parts.iter().filter(|part| !is_plain(part));
                plain.chain(others).for_each(|part| within(part, found));
            }
            _ => parts.iter().for_each(|part| within(part, found)),
        },
    }
}

fn is_html(part: &Part) -> bool {
    matches!(&*part.media_type, "text/html" | "application/xhtml+xml")
}

/// Whether its octets are what a reader reads.
fn is_plain(part: &Part) -> bool {
    matches!(
        &*part.media_type,
        "text/plain" | "text/markdown" | "text/enriched" | "text/x-markdown"
    )
}

/// A preview in the making: takes the text of a part as it comes.
#[derive(Debug)]
pub struct Preview {
    html: Option<HtmlText>,
    /// Text of the HTML.
    text: String,
    /// The line that is being read.
    line: String,
    line_chars: usize,
    /// What may yet turn out to say only who is quoted.
    held: String,
    own: Squeezed,
    /// What others wrote: better than nothing.
    quoted: Squeezed,
    /// Nothing that follows counts.
    ended: bool,
}

impl Preview {
    /// Of a part.
    #[must_use]
    pub fn new(part: &Part) -> Self {
        Self {
            html: is_html(part).then(|| HtmlText::new(Quotes::Marked)),
            text: String::new(),
            line: String::new(),
            line_chars: 0,
            held: String::new(),
            own: Squeezed::default(),
            quoted: Squeezed::default(),
            ended: false,
        }
    }

    /// Whether more text makes a difference.
    #[must_use]
    pub fn wants_more(&self) -> bool {
        !self.ended && !self.own.is_full()
    }

    /// The next piece of the part's text.
    pub fn push(&mut self, text: &str) {
        match self.html.take() {
            None => self.plain(text),
            Some(mut html) => {
                let mut seen = core::mem::take(&mut self.text);
                seen.clear();
                html.push(text, &mut seen);
                self.html = Some(html);
                self.plain(&seen);
                self.text = seen;
            }
        }
    }

    /// The preview; empty if the part says nothing.
    #[must_use]
    pub fn finish(mut self) -> String {
        if let Some(html) = self.html.take() {
            let mut seen = String::new();
            html.finish(&mut seen);
            self.plain(&seen);
        }
        self.line_end();
        self.own.push(&core::mem::take(&mut self.held));
        if self.own.text.is_empty() {
            self.quoted.text
        } else {
            self.own.text
        }
    }

    fn plain(&mut self, text: &str) {
        for c in text.chars() {
            if !self.wants_more() {
                return;
            }
            if c == '\n' {
                self.line_end();
            } else if self.line_chars < LINE_MAX {
                self.line.push(c);
                self.line_chars += 1;
            }
        }
    }

    fn line_end(&mut self) {
        let line = core::mem::take(&mut self.line);
        self.line_chars = 0;
        self.take_line(line.trim_end_matches('\r'));
        self.line = line;
        self.line.clear();
    }

    fn take_line(&mut self, line: &str) {
        let trimmed = line.trim();
        if self.ended {
            return;
        }
        if let Some(quoted) = trimmed.strip_prefix('>') {
            // It said who wrote what follows.
            if self.held.ends_with(':') {
                self.held.clear();
            }
            self.quoted.push(quoted.trim_start_matches(['>', ' ']));
            self.quoted.push(" ");
            return;
        }
        if trimmed.is_empty() {
            return;
        }
        if line == "-- " || is_original(trimmed) {
            // Unless the message begins with it, the rest is not what it says.
            self.ended = !self.own.text.is_empty() || !self.held.is_empty();
            return;
        }
        if trimmed == "-----BEGIN PGP MESSAGE-----" {
            self.ended = true;
            return;
        }
        if is_rule(trimmed) || is_armor(trimmed) {
            return;
        }
        self.own.push(&core::mem::take(&mut self.held));
        self.own.push(" ");
        self.held.push_str(trimmed);
    }
}

/// A line that only divides: `-----`.
fn is_rule(line: &str) -> bool {
    line.chars().count() >= 3 && !line.chars().any(char::is_alphanumeric) && {
        let mut characters = line.chars();
        let first = characters.next();
        characters.all(|c| Some(c) == first || c == ' ')
    }
}

/// What clients write before the message that is answered.
fn is_original(line: &str) -> bool {
    line.starts_with("-----") && line.ends_with("-----") && line.chars().any(char::is_lowercase)
}

/// What stands before a text that is signed in place: RFC 9580 §7.
fn is_armor(line: &str) -> bool {
    line == "-----BEGIN PGP SIGNED MESSAGE-----" || line.starts_with("Hash: SHA")
}

/// Text in one line, as far as a preview goes.
#[derive(Debug, Default)]
struct Squeezed {
    text: String,
    characters: usize,
    space: bool,
}

impl Squeezed {
    fn is_full(&self) -> bool {
        self.characters >= CHARACTERS_MAX
    }

    fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.space = true;
                continue;
            }
            if c.is_control() || is_invisible(c) {
                continue;
            }
            if core::mem::take(&mut self.space) && self.characters > 0 {
                self.add(' ');
            }
            self.add(c);
        }
    }

    fn add(&mut self, c: char) {
        if !self.is_full() {
            self.text.push(c);
            self.characters += 1;
            if self.is_full() && self.text.ends_with(' ') {
                self.text.pop();
            }
        }
    }
}

/// Characters that newsletters pad with, and those that would turn what stands around the preview.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffc}' | '\u{fffd}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Scanner};

    fn structure(message: &str) -> Part {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(message.as_bytes());
        scanner.finish().structure
    }

    fn of(media_type: &str, text: &str) -> String {
        let part = structure(&alloc::format!("Content-Type: {media_type}\r\n\r\n"));
        let mut whole = Preview::new(&part);
        whole.push(text);
        let mut single = Preview::new(&part);
        for c in text.chars() {
            single.push(c.encode_utf8(&mut [0; 4]));
        }
        let whole = whole.finish();
        assert_eq!(whole, single.finish());
        whole
    }

    #[test]
    fn what_the_writer_says_is_told() {
        for (text, expected) in [
            ("", ""),
            ("  Hello,\r\n\r\n\tworld \r\n", "Hello, world"),
            (
                "On Monday Ann wrote:\r\n> old\r\n>> older\r\n\r\nNew.\r\n> more\r\n",
                "New.",
            ),
            ("Yes:\r\n\r\nit is\r\n", "Yes: it is"),
            ("> only\r\n> what\r\n> was\r\n", "only what was"),
            ("Text\r\n-- \r\nAnn, Example Ltd.\r\n", "Text"),
            (
                "Text\r\n\r\n-----Original Message-----\r\nFrom: x\r\n",
                "Text",
            ),
            (
                "=====\r\nNews\r\n- - - - -\r\nToday\r\n-----\r\n",
                "News Today",
            ),
            ("-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n", ""),
            (
                "-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nSigned\r\n",
                "Signed",
            ),
            ("a\u{200b}\u{202e}b\u{0}\u{ad}c\u{feff}", "abc"),
            ("日本語のメール", "日本語のメール"),
        ] {
            assert_eq!(of("text/plain", text), expected, "{text:?}");
        }
    }

    #[test]
    fn html_is_told_as_it_is_seen() {
        for (html, expected) in [
            ("<style>a{}</style><p>Hello</p><p>world", "Hello world"),
            (
                "<div>On Monday Ann wrote:</div><blockquote>old</blockquote><p>New",
                "New",
            ),
            (
                "<div>New</div><div>Ann wrote:<br></div><blockquote>old</blockquote>",
                "New",
            ),
            ("<p>&#847;&zwnj;&nbsp;&#847;</p><p>Sale", "Sale"),
            ("<img src=x>", ""),
        ] {
            assert_eq!(of("text/html", html), expected, "{html}");
        }
    }

    #[test]
    fn it_is_no_longer_than_it_may_be() {
        let long = "wörter ".repeat(200);
        let preview = of("text/plain", &long);
        assert!((199..=CHARACTERS_MAX).contains(&preview.chars().count()));
        let line = "x".repeat(100_000);
        assert_eq!(of("text/plain", &line).chars().count(), CHARACTERS_MAX);
    }

    #[test]
    fn the_likeliest_part_is_asked_first() {
        let types = |message: &str| {
            let structure = structure(message);
            let found = candidates(&structure);
            found
                .iter()
                .map(|part| part.media_type.clone())
                .collect::<Vec<_>>()
        };
        let parts = |kind: &str, types: &[&str]| {
            let parts = types
                .iter()
                .map(|of| alloc::format!("--b\r\nContent-Type: {of}\r\n\r\nx\r\n"));
            let parts: String = parts.collect();
            alloc::format!("Content-Type: multipart/{kind}; boundary=b\r\n\r\n{parts}--b--\r\n")
        };
        let none: [&str; 0] = [];
        assert_eq!(types("\r\nx"), ["text/plain"]);
        let both = parts("alternative", &["text/html", "text/plain"]);
        assert_eq!(types(&both), ["text/plain", "text/html"]);
        let mixed = parts("mixed", &["image/png", "text/html", "text/plain"]);
        assert_eq!(types(&mixed), ["text/html", "text/plain"]);
        let signed = parts("signed", &["text/html", "text/plain"]);
        assert_eq!(types(&signed), ["text/html"]);
        let encrypted = parts("encrypted", &["application/pgp-encrypted", "text/plain"]);
        assert_eq!(types(&encrypted), none);
        assert_eq!(types("Content-Type: application/pkcs7-mime\r\n\r\nx"), none);
        assert_eq!(types("Content-Type: text/calendar\r\n\r\nx"), none);
    }
}
