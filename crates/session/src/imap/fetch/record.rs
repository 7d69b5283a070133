//! A message's record, as FETCH and URLs read it: what its sections are.

use mail::{Part, Span, What, downgrade};
use store::Email;

use super::{
    binary::Encoded,
    fields::{self, Names},
    preview,
};

/// Octets of a header that `HEADER.FIELDS` looks at. Real ones are far smaller; a
/// hostile one is as large as a message can be.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// A message's record, as far as it has been looked at.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) email: Email,
    /// The MIME tree, once an item has needed it.
    structure: Option<Part>,
}

impl Record {
    pub(super) fn new(email: Email) -> Self {
        let structure = None;
        Self { email, structure }
    }

    /// The MIME tree.
    pub(super) fn structure(&mut self) -> &Part {
        let email = &self.email;
        // The store has seen to it that a tree that can't be read reads as an empty one.
        self.structure.get_or_insert_with(|| email.structure())
    }

    /// Whether the message has octets above 127 in fields by which clients list it, or in its structure.
    pub(super) fn is_international(&self) -> bool {
        self.email.is_international()
    }

    /// The surrogate of the message's header, and where the header ends; `None` if it needs none.
    ///
    /// # Errors
    /// As reading it.
    pub(super) async fn surrogate(&mut self) -> Result<Option<(Vec<u8>, u64)>, store::Error> {
        let span = self.span(&[], What::Header).unwrap_or_default();
        let end = span.end.min(span.start.saturating_add(HEADER_BYTES_MAX));
        let mut header = Vec::new();
        self.email.read(Span { end, ..span }, &mut header).await?;
        if !downgrade::is_needed(&header) {
            return Ok(None);
        }
        let mut surrogate = Vec::with_capacity(header.len());
        downgrade::header(&header, &mut surrogate);
        Ok(Some((surrogate, span.end)))
    }

    /// What PREVIEW tells.
    ///
    /// # Errors
    /// As reading it.
    pub(super) async fn preview(&mut self) -> Result<String, store::Error> {
        self.structure();
        match &self.structure {
            Some(structure) => preview::of(&self.email, structure).await,
            None => Ok(String::new()),
        }
    }

    /// The fields asked for, if the record has them all: those that follow each other are one slice.
    pub(super) fn listed(
        &self,
        part: &[u32],
        names: &Names,
    ) -> Option<impl Iterator<Item = &[u8]> + Clone> {
        let names = names.listed().filter(|_| part.is_empty())?;
        Some(self.email.listed(names))
    }

    /// The octets of a section; `None` if there is no such section.
    pub(super) fn span(&mut self, part: &[u32], what: What) -> Option<Span> {
        let end = self.email.size();
        let span = match (part, what) {
            // These need no structure.
            ([], What::Whole) => Span { start: 0, end },
            ([], What::Header) => self.email.header(),
            _ => {
                let trace = self.email.trace_len();
                self.structure().span(part, what, trace)?
            }
        };
        Some(Span {
            start: span.start.min(end),
            end: span.end.min(end),
        })
    }

    /// Gathers the fields asked for in `chosen`, by way of `header`; `false` if there is no such part.
    ///
    /// # Errors
    /// As reading it.
    pub(super) async fn choose(
        &mut self,
        part: &[u32],
        names: &Names,
        (header, chosen): (&mut Vec<u8>, &mut Vec<u8>),
    ) -> Result<bool, store::Error> {
        chosen.clear();
        if let Some(fields) = self.listed(part, names) {
            for some in fields {
                fields::put(chosen, some);
            }
        } else {
            let Some(span) = self.span(part, What::Header) else {
                return Ok(false);
            };
            let end = span.end.min(span.start.saturating_add(HEADER_BYTES_MAX));
            header.clear();
            self.email.read(Span { end, ..span }, header).await?;
            names.choose(header, chosen);
        }
        chosen.extend_from_slice(b"\r\n");
        Ok(true)
    }

    /// The part, to be decoded; `None` if there is no such part.
    pub(super) fn encoded(&mut self, part: &[u32]) -> Option<Encoded> {
        let span = self.span(part, What::Whole)?;
        Encoded::find(self.structure(), part, span)
    }
}
