//! Reading the text of a message, piece by piece: for whoever looks for something in it, and
//! for the index.

use std::collections::VecDeque;

use mail::{
    Span,
    text::{Decoders, Extract, Kind, Sink, Stretch, stretches},
};

use crate::{email::Email, error::Error};

/// Octets of a body that are looked at in one step: what is found early is found soon, and what is
/// decoded is still in the processor's cache when it is compared.
const STEP_BYTES: u64 = 8 << 10;

/// Reads the text of a message. Each [`TextReader::step`] is a bounded piece, so that who
/// reads can let others have their turn in between.
#[derive(Debug)]
pub struct TextReader<'a> {
    email: &'a Email,
    waiting: VecDeque<Stretch>,
    body: Option<Body>,
    /// Where the first of the octets is that were read last.
    start: u64,
    buffers: &'a mut Buffers,
}

/// Memory that one message after the other is read into.
#[derive(Debug, Default)]
pub struct Buffers {
    /// The octets read last, which are more than were asked for: what is kept as one is verified as one.
    octets: Vec<u8>,
    extract: Extract,
}

/// A body being read.
#[derive(Debug)]
struct Body {
    stretch: Stretch,
    decoders: Decoders,
    /// The next octet of the message.
    at: u64,
}

impl<'a> TextReader<'a> {
    /// At the beginning of a message. `structure` is that of its digest.
    #[must_use]
    pub fn new(email: &'a Email, structure: &mail::Part, buffers: &'a mut Buffers) -> Self {
        buffers.octets.clear();
        Self {
            email,
            waiting: stretches(structure, email.trace_len()).into(),
            body: None,
            start: 0,
            buffers,
        }
    }

    /// Reads the next piece that the sink wants. Says how many octets were looked at; `None`
    /// at the end.
    ///
    /// # Errors
    /// As [`Email::read`].
    pub async fn step(&mut self, sink: &mut impl Sink) -> Result<Option<usize>, Error> {
        if let Some(body) = self.body.take() {
            return self.continued(body, sink).await.map(Some);
        }
        while let Some(stretch) = self.waiting.pop_front() {
            if !sink.wants(&stretch) {
                continue;
            }
            match &stretch.kind {
                Kind::Header => {
                    let span = stretch.span;
                    self.load(span).await?;
                    let Buffers { octets, extract } = &mut *self.buffers;
                    let octets = loaded(octets, self.start, span);
                    extract.header(octets, &stretch, sink);
                    return Ok(Some(octets.len()));
                }
                Kind::Body(encoding, charset) => {
                    let body = Body {
                        decoders: Decoders::new(*encoding, charset.as_deref()),
                        at: stretch.span.start,
                        stretch,
                    };
                    return self.continued(body, sink).await.map(Some);
                }
            }
        }
        Ok(None)
    }

    async fn continued(&mut self, mut body: Body, sink: &mut impl Sink) -> Result<usize, Error> {
        let whole = body.stretch.span.end.min(self.email.size());
        if body.at < whole && sink.wants(&body.stretch) {
            let start = body.at;
            let kept = self.email.read_end(start).max(start + 1);
            let end = whole.min(kept).min(start + STEP_BYTES);
            let span = Span { start, end };
            self.load(span).await?;
            let Buffers { octets, extract } = &mut *self.buffers;
            let octets = loaded(octets, self.start, span);
            extract.body(octets, &mut body.decoders, &body.stretch, sink);
            let looked_at = octets.len();
            body.at = end;
            self.body = Some(body);
            return Ok(looked_at);
        }
        let extract = &mut self.buffers.extract;
        extract.body_end(body.decoders, &body.stretch, sink);
        Ok(0)
    }

    /// Sees to it that the octets of a span are there, and those that are kept as one with them: what is looked
    /// at next is among them, most often.
    async fn load(&mut self, span: Span) -> Result<(), Error> {
        let octets = &mut self.buffers.octets;
        let end = self.start + octets.len() as u64;
        if self.start <= span.start && span.end.min(self.email.size()) <= end {
            return Ok(());
        }
        octets.clear();
        let first = self.email.kept_with(span.start);
        let last = self.email.kept_with(span.end.saturating_sub(1));
        self.start = first.start.min(span.start);
        let kept = Span {
            start: self.start,
            end: span.end.max(last.end),
        };
        self.email.read(kept, octets).await
    }
}

/// Octets `span` of a message of which `octets` are those from `start` on.
fn loaded(octets: &[u8], start: u64, span: Span) -> &[u8] {
    let place = |at: u64| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
    let (from, to) = (place(span.start), place(span.end).min(octets.len()));
    octets.get(from..to).unwrap_or_default()
}
