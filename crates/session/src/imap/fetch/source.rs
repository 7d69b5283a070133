//! Octets of a message that something else than FETCH wants: those that a URL names.

use imap::{
    command::{Partial, Section},
    url::Range,
};
use mail::{Span, What};
use store::{Email, Error};

use super::{
    plan::{Wanted, wanted},
    record::Record,
    response::clip,
};

/// Octets of a message, in the order of the message.
#[derive(Debug)]
pub(crate) struct Source {
    record: Record,
    octets: Octets,
}

#[derive(Debug)]
enum Octets {
    /// In a row.
    Span(Span),
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
        let whole = Wanted::Span {
            part: Vec::new(),
            what: What::Whole,
        };
        let partial = range.map(|range| Partial {
            start: range.start,
            count: range.count.unwrap_or(u64::MAX),
        });
        let octets = match section.map_or(whole, wanted) {
            Wanted::Span { part, what } => record
                .span(&part, what)
                .map(|span| Octets::Span(clip(span, partial))),
            Wanted::Fields { part, names } => {
                let (mut header, mut chosen) = (Vec::new(), Vec::new());
                let found = record.choose(&part, &names, (&mut header, &mut chosen));
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
        Ok(octets.map(|octets| Self { record, octets }))
    }

    /// How many octets.
    pub(crate) fn len(&self) -> u64 {
        match &self.octets {
            Octets::Span(span) => span.len(),
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
            Octets::Span(span) => {
                let start = span.start.saturating_add(from).min(span.end);
                let end = span.end.min(self.record.email.read_end(start).max(start));
                self.record.email.read(Span { start, end }, into).await
            }
            Octets::Chosen(chosen) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                into.extend_from_slice(chosen.get(from..).unwrap_or_default());
                Ok(())
            }
        }
    }
}
