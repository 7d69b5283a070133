//! Octets of a message that something else than a FETCH item wants: those that a URL names.

use imap::{
    command::{Partial, Section},
    encode,
    url::Range,
};
use mail::{
    Span, What,
    part_structure::{self, Decoded},
};
use store::{Email, Error};

use super::{
    binary::Encoded,
    plan::{Wanted, wanted},
    record::Record,
    response::{Fail, Response, Trouble, clip, string},
};
use crate::{Gone, Outlet};

/// Octets of a message, in the order of the message.
#[derive(Debug)]
pub(crate) struct Source {
    record: Record,
    wanted: Wanted,
    partial: Option<Partial>,
    octets: Octets,
}

#[derive(Debug)]
enum Octets {
    /// In a row, of all that is wanted but for the partial.
    Span { whole: Span, asked: Span },
    /// Fields of a header.
    Chosen(Vec<u8>),
}

impl Source {
    /// A section of a message, or all of it; `None` if there is no such section.
    ///
    /// # Errors
    /// As reading it.
    pub(crate) async fn open(
        email: Email,
        section: Option<&Section>,
        range: Option<Range>,
    ) -> Result<Option<Self>, Error> {
        let mut record = Record::new(email);
        let partial = range.map(|range| Partial {
            start: range.start,
            count: range.count.unwrap_or(u64::MAX),
        });
        let all = Wanted::Span {
            part: Vec::new(),
            what: What::Whole,
        };
        let wanted = section.map_or(all, wanted);
        let octets = match &wanted {
            Wanted::Span { part, what } => record.span(part, *what).map(|whole| Octets::Span {
                whole,
                asked: clip(whole, partial),
            }),
            Wanted::Fields { part, names } => {
                let (mut header, mut chosen) = (Vec::new(), Vec::new());
                let found = record.choose(part, names, (&mut header, &mut chosen));
                found.await?.then(|| {
                    let end = chosen.len() as u64;
                    let left = clip(Span { start: 0, end }, partial);
                    let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
                    chosen.truncate(index(left.end));
                    chosen.drain(..index(left.start).min(chosen.len()));
                    Octets::Chosen(chosen)
                })
            }
        };
        Ok(octets.map(|octets| Self {
            record,
            wanted,
            partial,
            octets,
        }))
    }

    /// How many octets.
    pub(crate) fn len(&self) -> u64 {
        match &self.octets {
            Octets::Span { asked, .. } => asked.len(),
            Octets::Chosen(chosen) => chosen.len() as u64,
        }
    }

    /// The next octets from the one with number `from`, in `into`: as many as are kept as one.
    /// Nothing at the end.
    ///
    /// # Errors
    /// As reading them.
    pub(crate) async fn read(&self, from: u64, into: &mut Vec<u8>) -> Result<(), Error> {
        into.clear();
        match &self.octets {
            Octets::Span { asked, .. } => {
                let start = asked.start.saturating_add(from).min(asked.end);
                let end = asked.end.min(self.record.email.read_end(start).max(start));
                self.record.email.read(Span { start, end }, into).await
            }
            Octets::Chosen(chosen) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                into.extend_from_slice(chosen.get(from..).unwrap_or_default());
                Ok(())
            }
        }
    }

    /// Writes the octets as a string; `NIL` if they can't be read.
    ///
    /// # Errors
    /// [`Gone`]: the client is, or some of what can't be read went out already.
    pub(crate) async fn write(&self, out: &mut impl Outlet) -> Result<(), Gone> {
        let mut response = Response::within(out);
        let written = match &self.octets {
            Octets::Span { asked, .. } => response.span(&self.record.email, *asked).await,
            Octets::Chosen(chosen) => {
                string(response.buffer(), chosen);
                Ok(())
            }
        };
        or_nil(response, &written)
    }

    /// Writes the octets without their transfer encoding: as a string, or as a `literal8` if NUL is among
    /// them (RFC 5524 §3.1); `NIL` if they can't be decoded or read.
    ///
    /// # Errors
    /// As [`Source::write`].
    pub(crate) async fn write_decoded(&mut self, out: &mut impl Outlet) -> Result<(), Gone> {
        let encoded = self.encoded();
        let partial = self.partial;
        let mut response = Response::within(out);
        let written = match (&self.octets, encoded) {
            (Octets::Span { .. }, Some(encoded)) => {
                let mut kept = Vec::new();
                let email = &self.record.email;
                encoded
                    .write(email, partial, &mut kept, &mut response)
                    .await
            }
            (Octets::Chosen(chosen), _) => {
                string(response.buffer(), chosen);
                Ok(())
            }
            (Octets::Span { .. }, None) => Err(Fail::Trouble(Trouble::UnknownCte)),
        };
        or_nil(response, &written)
    }

    /// Writes the structure of the part that is named: BODYPARTSTRUCTURE, of what comes without its transfer
    /// encoding if `decoded`. Of a header it says that it is one.
    pub(crate) async fn write_structure(&mut self, decoded: bool, out: &mut Vec<u8>) {
        let measured = match self.encoded().filter(|_| decoded) {
            Some(encoded) => {
                let mut kept = Vec::new();
                let measure = encoded.measure(&self.record.email, None, &mut kept);
                measure.await.ok()
            }
            None => None,
        };
        let body = self.record.email.digest_ref().body;
        let structure = match &self.wanted {
            Wanted::Span {
                part,
                // The text of a message is its body.
                what: What::Whole | What::Text,
            } => part_structure::of_part(body, part),
            Wanted::Span { .. } | Wanted::Fields { .. } => None,
        };
        match (structure, measured) {
            (Some(structure), Some(measure)) => {
                let size = Decoded {
                    octets: measure.size,
                    lines: measure.lines,
                };
                part_structure::decoded(structure, size, out);
            }
            (Some(structure), None) => out.extend_from_slice(structure),
            (None, _) => {
                out.extend_from_slice(b"(\"text\" \"rfc822-headers\" NIL NIL NIL \"8bit\" ");
                encode::number(out, self.len());
                out.extend_from_slice(b" 0)");
            }
        }
    }

    /// What is to be decoded. Only a part has an encoding; what else can be named goes out as it is.
    fn encoded(&mut self) -> Option<Encoded> {
        match (&self.wanted, &self.octets) {
            (
                Wanted::Span {
                    part,
                    what: What::Whole,
                },
                _,
            ) => self.record.encoded(part),
            (_, Octets::Span { whole, .. }) => Encoded::find(self.record.structure(), &[], *whole),
            (_, Octets::Chosen(_)) => None,
        }
    }
}

/// A value that could not be written whole is `NIL`.
fn or_nil<O: Outlet>(response: Response<'_, O>, written: &Result<(), Fail>) -> Result<(), Gone> {
    match written {
        Ok(()) => Ok(()),
        Err(Fail::Gone) => Err(Gone),
        Err(Fail::Trouble(_)) => response.nil(),
    }
}
