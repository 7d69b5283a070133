//! Reading the text of a message, piece by piece: for whoever looks for something in it, and
//! for the index.

use std::{collections::VecDeque, mem};

use mail::{
    Span,
    text::{Decoders, Extract, Kind, Sink, Stretch, stretches},
};

use crate::{email::Email, error::Error};

/// Reads the text of a message. Each [`TextReader::step`] is a bounded piece, so that who
/// reads can let others have their turn in between.
#[derive(Debug)]
pub struct TextReader<'a> {
    email: &'a Email,
    waiting: VecDeque<Stretch>,
    body: Option<Body>,
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
    pub fn new(email: &'a Email, structure: &mail::Part) -> Self {
        Self {
            email,
            waiting: stretches(structure, email.trace_len()).into(),
            body: None,
            octets: Vec::new(),
            extract: Extract::default(),
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
                    self.read(stretch.span).await?;
                    self.extract.header(&self.octets, &stretch, sink);
                    return Ok(Some(self.octets.len()));
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
            let end = whole.min(self.email.read_end(start)).max(start + 1);
            self.read(Span { start, end }).await?;
            let octets = mem::take(&mut self.octets);
            let (decoders, stretch) = (&mut body.decoders, &body.stretch);
            self.extract.body(&octets, decoders, stretch, sink);
            self.octets = octets;
            body.at = end;
            self.body = Some(body);
            return Ok(self.octets.len());
        }
        self.extract.body_end(body.decoders, &body.stretch, sink);
        Ok(0)
    }

    async fn read(&mut self, span: Span) -> Result<(), Error> {
        self.octets.clear();
        self.email.read(span, &mut self.octets).await
    }
}
