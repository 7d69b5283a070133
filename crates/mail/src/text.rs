//! Which octets of a message hold text, and what that text is.
//!
//! Text is what a reader may see: header fields, and parts of `text/…` and `message/…`,
//! without their transfer encoding, in Unicode. Pictures and the like have none. A
//! header is looked at twice, decoded and as it stands.
//!
//! Who looks for something in messages and who indexes them read the same text here, so
//! that they never disagree. Reading the octets is the caller's part.

use alloc::{string::String, vec::Vec};

use memchr::{memchr2, memmem};

use crate::{
    charset::TextDecoder,
    decode::TransferDecoder,
    encoded_word,
    header::{self, Field},
    structure::{Encoding, Part, PartKind, Span},
};

/// Goes up whenever the same octets give another text than before: what was derived from
/// that is then of no use.
pub const VERSION: u32 = 1;

/// Octets of one header that are looked at. Real ones are far smaller; a hostile one
/// is as large as a message can be.
pub const HEADER_BYTES_MAX: u64 = 1 << 20;

/// A stretch of a message that holds text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Where. No more of a header than [`HEADER_BYTES_MAX`].
    pub span: Span,
    /// What it is.
    pub kind: Kind,
    /// Whether it is body: only TEXT looks at the header of the message, and at those
    /// of its parts.
    pub body: bool,
}

/// What a stretch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Header fields.
    Header,
    /// A part's body, in this transfer encoding and charset.
    Body(Encoding, Option<String>),
}

impl Stretch {
    fn header(span: Span, body: bool) -> Self {
        let end = span.end.min(span.start.saturating_add(HEADER_BYTES_MAX));
        Self {
            span: Span { end, ..span },
            kind: Kind::Header,
            body,
        }
    }
}

/// The stretches of a message, in its order. `trace`: octets of the fields that stand before
/// what the structure is of.
#[must_use]
pub fn stretches(structure: &Part, trace: u64) -> Vec<Stretch> {
    let whole = Span {
        start: 0,
        end: structure.header.end.saturating_add(trace),
    };
    let mut stretches = Vec::from([Stretch::header(whole, false)]);
    within(structure, trace, &mut stretches);
    stretches
}

/// A digest's depth is bounded.
fn within(part: &Part, trace: u64, stretches: &mut Vec<Stretch>) {
    let header = |part: &Part, body| Stretch::header(part.header.shifted(trace), body);
    match &part.kind {
        PartKind::Multipart(parts) => {
            for part in parts {
                stretches.push(header(part, false));
                within(part, trace, stretches);
            }
        }
        PartKind::Message(inner) => {
            stretches.push(header(inner, true));
            within(inner, trace, stretches);
        }
        PartKind::Leaf => {
            let holds_text = |main| part.media_type.starts_with(main);
            if holds_text("text/") || holds_text("message/") {
                stretches.push(Stretch {
                    span: part.body.shifted(trace),
                    kind: Kind::Body(part.encoding, part.charset.clone()),
                    body: true,
                });
            }
        }
    }
}

/// Takes the text of a message as it comes.
pub trait Sink {
    /// Whether it wants more of such a stretch.
    fn wants(&self, stretch: &Stretch) -> bool;
    /// The next piece of text. It continues the one before it, unless there was a gap.
    fn text(&mut self, text: &str, stretch: &Stretch);
    /// What comes next does not continue what came before.
    fn gap(&mut self);
}

/// From octets to text; keeps its memory from one piece to the next.
#[derive(Debug, Default)]
pub struct Extract {
    octets: Vec<u8>,
    text: String,
}

impl Extract {
    /// A whole header.
    pub fn header(&mut self, octets: &[u8], stretch: &Stretch, sink: &mut impl Sink) {
        for field in header::fields(octets).filter(|field| !says_as_it_stands(field)) {
            sink.gap();
            self.text.clear();
            self.text.push_str(&String::from_utf8_lossy(field.name));
            self.text.push_str(": ");
            self.text.push_str(&encoded_word::decode(field.value));
            sink.text(&self.text, stretch);
        }
        sink.gap();
        match core::str::from_utf8(octets) {
            Ok(text) => sink.text(text, stretch),
            Err(_) => sink.text(&String::from_utf8_lossy(octets), stretch),
        }
        sink.gap();
    }

    /// A piece of a body.
    pub fn body(
        &mut self,
        octets: &[u8],
        decoders: &mut Decoders,
        stretch: &Stretch,
        sink: &mut impl Sink,
    ) {
        self.octets.clear();
        self.text.clear();
        decoders.transfer.push(octets, &mut self.octets);
        decoders.text.push(&self.octets, &mut self.text);
        sink.text(&self.text, stretch);
    }

    /// A body is complete.
    pub fn body_end(&mut self, decoders: Decoders, stretch: &Stretch, sink: &mut impl Sink) {
        self.octets.clear();
        self.text.clear();
        // What can't be decoded has no text, or the little that came out.
        let _ = decoders.transfer.finish(&mut self.octets);
        let mut text = decoders.text;
        text.push(&self.octets, &mut self.text);
        text.finish(&mut self.text);
        sink.text(&self.text, stretch);
        sink.gap();
    }
}

/// Whether a field as it stands has in it what it says, name and value: then it is looked at with the whole
/// header, and need not be by itself.
fn says_as_it_stands(field: &Field<'_>) -> bool {
    let (name, raw) = (field.name.len(), field.raw);
    let value = field.value.trim_ascii();
    !value.is_empty()
        && raw.is_ascii()
        && raw.get(name..).is_some_and(|rest| {
            rest.strip_prefix(b": ")
                .is_some_and(|rest| rest.starts_with(value))
        })
        && memchr2(b'\r', b'\n', value).is_none()
        && memmem::find(value, b"=?").is_none()
}

/// From a body's octets to text.
#[derive(Debug)]
pub struct Decoders {
    transfer: TransferDecoder,
    text: TextDecoder,
}

impl Decoders {
    /// For a body.
    #[must_use]
    pub fn new(encoding: Encoding, charset: Option<&str>) -> Self {
        Self {
            transfer: TransferDecoder::new(encoding),
            text: TextDecoder::new(charset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Scanner, search::Matcher};
    use alloc::vec;

    /// As a webmail sends it: alternatives, a picture, a forwarded message.
    const MESSAGE: &[u8] = b"From: =?utf-8?q?J=C3=B6rg?= <j@example.test>\r\n\
        Subject: =?utf-8?b?R3LDvMOfZQ==?= aus =?iso-8859-1?q?K=F6ln?=\r\n\
        X-Tight:squeezed\r\nX-Folded: once\r\n twice\r\n\
        Content-Type: multipart/mixed; boundary=\"b1\"\r\n\r\n\
        preamble\r\n\
        --b1\r\nContent-Type: multipart/alternative; boundary=b2\r\n\r\n\
        --b2\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6ne Gr=\r\n=FC=DFe\r\n\
        --b2\r\nContent-Type: text/html; charset=utf-8\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nPGI+RG9uYXU8L2I+\r\n\
        --b2--\r\n\
        --b1\r\nContent-Type: image/png; name=bild.png\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        c2VjcmV0\r\n\
        --b1\r\nContent-Type: message/rfc822\r\n\r\n\
        Subject: =?utf-8?q?weitergeleitet=C3=A9?=\r\n\r\ninnen\r\n\
        --b1--\r\n";

    /// Looks for a text in bodies, or everywhere.
    struct Look {
        everywhere: bool,
        matcher: Matcher,
    }

    impl Sink for Look {
        fn wants(&self, stretch: &Stretch) -> bool {
            (self.everywhere || stretch.body) && !self.matcher.found()
        }

        fn text(&mut self, text: &str, _: &Stretch) {
            self.matcher.push(text);
        }

        fn gap(&mut self) {
            self.matcher.interrupt();
        }
    }

    fn look(trace: &[u8], everywhere: bool, text: &str) -> bool {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(MESSAGE);
        let digest = scanner.finish();
        let whole = [trace, MESSAGE].concat();
        let mut look = Look {
            everywhere,
            matcher: Matcher::new(text),
        };
        let mut extract = Extract::default();
        for stretch in stretches(&digest.structure, trace.len() as u64) {
            if !look.wants(&stretch) {
                continue;
            }
            let index = |n: u64| usize::try_from(n).unwrap();
            let octets = &whole[index(stretch.span.start)..index(stretch.span.end)];
            match &stretch.kind {
                Kind::Header => extract.header(octets, &stretch, &mut look),
                Kind::Body(encoding, charset) => {
                    let mut decoders = Decoders::new(*encoding, charset.as_deref());
                    for piece in octets.chunks(3) {
                        extract.body(piece, &mut decoders, &stretch, &mut look);
                    }
                    extract.body_end(decoders, &stretch, &mut look);
                }
            }
        }
        look.matcher.found()
    }

    #[test]
    fn text_is_found_where_a_reader_sees_it() {
        for (text, in_body, in_all) in [
            ("sch\u{f6}ne gr\u{fc}\u{df}e", true, true),
            ("DONAU", true, true),
            ("innen", true, true),
            ("weitergeleitet\u{c9}", true, true),
            ("j\u{f6}rg", false, true),
            ("Gr\u{fc}\u{df}e aus K\u{f6}ln", false, true),
            ("=?utf-8?q?J=C3=B6rg?= <j@", false, true),
            ("subject: gr\u{fc}", false, true),
            ("content-type: image/png; name=bild.png", false, true),
            ("x-tight: squeezed", false, true),
            ("x-tight:squeezed", false, true),
            ("x-folded: once twice", false, true),
            ("bild.png", false, true),
            ("delivered-to: me", false, true),
            ("secret", false, false),
            ("c2VjcmV0", false, false),
            ("preamble", false, false),
            ("donau</b>innen", false, false),
            ("", true, true),
        ] {
            for trace in [&b""[..], b"Delivered-To: me\r\n"] {
                if text.starts_with("delivered") && trace.is_empty() {
                    continue;
                }
                assert_eq!(look(trace, false, text), in_body, "BODY {text}");
                assert_eq!(look(trace, true, text), in_all, "TEXT {text}");
            }
        }
    }

    #[test]
    fn a_hostile_header_is_looked_at_as_far_as_its_bound() {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(&vec![b'x'; 3 << 20]);
        let digest = scanner.finish();
        for stretch in stretches(&digest.structure, 10) {
            assert!(stretch.kind != Kind::Header || stretch.span.len() <= HEADER_BYTES_MAX);
        }
    }
}
