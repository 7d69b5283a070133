//! Which octets of a message hold text, and what that text is: for BODY and TEXT.
//!
//! Text is what a reader may see: header fields, and parts of `text/…` and `message/…`,
//! without their transfer encoding, in Unicode. Pictures and the like have none. A
//! header is looked at twice, decoded and as it stands.

use mail::{
    Encoding, Part, PartKind, Span, charset::TextDecoder, decode::TransferDecoder, encoded_word,
    header, search::Matcher,
};

/// A stretch of a message that holds text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where.
    pub(super) span: Span,
    /// What it is.
    pub(super) kind: Kind,
    /// Whether it is body: only TEXT looks at the header of the message, and at those
    /// of its parts.
    pub(super) body: bool,
}

/// What a stretch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Header fields.
    Header,
    /// A part's body.
    Body(Encoding, Option<String>),
}

/// The stretches of a message, in its order.
pub(super) fn stretches(structure: &Part, trace: u64) -> Vec<Stretch> {
    let mut stretches = vec![Stretch {
        span: Span {
            start: 0,
            end: structure.header.end.saturating_add(trace),
        },
        kind: Kind::Header,
        body: false,
    }];
    within(structure, trace, &mut stretches);
    stretches
}

/// A digest's depth is bounded.
fn within(part: &Part, trace: u64, stretches: &mut Vec<Stretch>) {
    let header = |part: &Part, body| Stretch {
        span: part.header.shifted(trace),
        kind: Kind::Header,
        body,
    };
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

/// Looks for texts in one message.
#[derive(Debug)]
pub(super) struct Texts {
    matchers: Vec<(Scope, Matcher)>,
    octets: Vec<u8>,
    text: String,
}

/// Where a text is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// BODY.
    Body,
    /// TEXT.
    All,
}

impl Texts {
    /// Looks for these, all in one pass.
    pub(super) fn new<'a>(texts: impl Iterator<Item = (Scope, &'a str)>) -> Self {
        Self {
            matchers: texts
                .map(|(scope, text)| (scope, Matcher::new(text)))
                .collect(),
            octets: Vec::new(),
            text: String::new(),
        }
    }

    /// Whether any text that is still missing could be in such a stretch.
    pub(super) fn want(&self, stretch: &Stretch) -> bool {
        let fits = |scope: Scope| scope == Scope::All || stretch.body;
        let mut missing = self.matchers.iter().filter(|(_, m)| !m.found());
        missing.any(|(scope, _)| fits(*scope))
    }

    /// Whether each text was found, in the order given.
    pub(super) fn found(&self) -> impl Iterator<Item = bool> {
        self.matchers.iter().map(|(_, matcher)| matcher.found())
    }

    /// A whole header.
    pub(super) fn header(&mut self, octets: &[u8], stretch: &Stretch) {
        for field in header::fields(octets) {
            self.interrupt();
            self.text.clear();
            self.text.push_str(&String::from_utf8_lossy(field.name));
            self.text.push_str(": ");
            self.text.push_str(&encoded_word::decode(field.value));
            self.compare(stretch);
        }
        self.interrupt();
        self.text.clear();
        self.text.push_str(&String::from_utf8_lossy(octets));
        self.compare(stretch);
        self.interrupt();
    }

    /// A piece of a body.
    pub(super) fn body(&mut self, octets: &[u8], decoders: &mut Decoders, stretch: &Stretch) {
        self.octets.clear();
        self.text.clear();
        decoders.transfer.push(octets, &mut self.octets);
        decoders.text.push(&self.octets, &mut self.text);
        self.compare(stretch);
    }

    /// A body is complete.
    pub(super) fn body_end(&mut self, decoders: Decoders, stretch: &Stretch) {
        self.octets.clear();
        self.text.clear();
        // What can't be decoded has no text, or the little that came out.
        let _ = decoders.transfer.finish(&mut self.octets);
        let mut text = decoders.text;
        text.push(&self.octets, &mut self.text);
        text.finish(&mut self.text);
        self.compare(stretch);
        self.interrupt();
    }

    fn compare(&mut self, stretch: &Stretch) {
        for (scope, matcher) in &mut self.matchers {
            if *scope == Scope::All || stretch.body {
                matcher.push(&self.text);
            }
        }
    }

    fn interrupt(&mut self) {
        for (_, matcher) in &mut self.matchers {
            matcher.interrupt();
        }
    }
}

/// From a body's octets to text.
#[derive(Debug)]
pub(super) struct Decoders {
    transfer: TransferDecoder,
    text: TextDecoder,
}

impl Decoders {
    /// For a body.
    pub(super) fn new(encoding: Encoding, charset: Option<&str>) -> Self {
        Self {
            transfer: TransferDecoder::new(encoding),
            text: TextDecoder::new(charset),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::{Limits, Scanner};

    /// As a webmail sends it: alternatives, a picture, a forwarded message.
    const MESSAGE: &[u8] = b"From: =?utf-8?q?J=C3=B6rg?= <j@example.test>\r\n\
        Subject: =?utf-8?b?R3LDvMOfZQ==?= aus =?iso-8859-1?q?K=F6ln?=\r\n\
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

    fn look(trace: &[u8], scope: Scope, text: &str) -> bool {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(MESSAGE);
        let digest = scanner.finish();
        let whole = [trace, MESSAGE].concat();
        let mut texts = Texts::new([(scope, text)].into_iter());
        for stretch in stretches(&digest.structure, trace.len() as u64) {
            if !texts.want(&stretch) {
                continue;
            }
            let index = |n: u64| usize::try_from(n).unwrap();
            let octets = &whole[index(stretch.span.start)..index(stretch.span.end)];
            match &stretch.kind {
                Kind::Header => texts.header(octets, &stretch),
                Kind::Body(encoding, charset) => {
                    let mut decoders = Decoders::new(*encoding, charset.as_deref());
                    for piece in octets.chunks(3) {
                        texts.body(piece, &mut decoders, &stretch);
                    }
                    texts.body_end(decoders, &stretch);
                }
            }
        }
        texts.found().all(|found| found)
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
                assert_eq!(look(trace, Scope::Body, text), in_body, "BODY {text}");
                assert_eq!(look(trace, Scope::All, text), in_all, "TEXT {text}");
            }
        }
    }
}
