//! Asking a message: the keys of a search that its snapshot does not answer.

use std::sync::OnceLock;

use mail::{Part, Span, What, collation::Collation, encoded_word, header, text::HEADER_BYTES_MAX};
use store::{Email, Error, TextReader};

use super::{
    pace::Pace,
    query::{Asked, Probe, Source},
    text::{Scope, Texts},
};

/// Octets of text that cost as much as one step of [`Pace`]: decoded, folded, compared.
const OCTETS_PER_STEP: usize = 16;

/// A message that is being asked.
#[derive(Debug)]
pub(super) struct Witness {
    email: Email,
    /// What texts are compared by.
    collation: Collation,
    /// The MIME tree, once something has needed it.
    structure: OnceLock<Part>,
}

impl Witness {
    pub(super) fn new(email: Email, collation: Collation) -> Self {
        Self {
            email,
            collation,
            structure: OnceLock::new(),
        }
    }

    fn structure(&self) -> &Part {
        self.structure.get_or_init(|| self.email.digest().structure)
    }

    /// Answers the probes of one source.
    ///
    /// # Errors
    /// If the message can't be read.
    pub(super) async fn answer(
        &self,
        source: Source,
        probes: &[Probe],
        answers: &mut [Option<bool>],
        pace: &mut Pace,
    ) -> Result<(), Error> {
        let mut asked = probes
            .iter()
            .zip(answers)
            .filter(|(p, _)| p.source == source);
        match source {
            Source::Digest => {
                let headers = [self.email.trace(), self.email.digest_ref().listed];
                for (probe, answer) in asked {
                    *answer = Some(match &probe.what {
                        Asked::Sent(days) => self.sent(days),
                        what => in_header(what, &headers, self.collation),
                    });
                }
                pace.worked(100).await;
            }
            Source::Header => {
                let octets = self.header().await?;
                for (probe, answer) in asked {
                    *answer = Some(in_header(&probe.what, &[&octets], self.collation));
                    pace.worked(octets.len() / OCTETS_PER_STEP).await;
                }
            }
            Source::Text => {
                let texts = probes.iter().filter_map(|probe| match &probe.what {
                    Asked::Body(text) => Some((Scope::Body, text.as_str())),
                    Asked::Text(text) => Some((Scope::All, text.as_str())),
                    Asked::Sent(_) | Asked::Field { .. } => None,
                });
                let mut texts = Texts::new(self.collation, texts);
                self.read(&mut texts, pace).await?;
                for found in texts.found() {
                    if let Some((_, answer)) = asked.next() {
                        *answer = Some(found);
                    }
                }
            }
        }
        Ok(())
    }

    /// RFC 9051 §6.4.4: the day in the field, disregarding time and zone. A message
    /// without one was sent on no day.
    fn sent(&self, days: &std::ops::Range<i64>) -> bool {
        let sent = self.email.digest_ref().sent_days.map(i64::from);
        sent.is_some_and(|day| days.contains(&day))
    }

    async fn header(&self) -> Result<Vec<u8>, Error> {
        let trace = self.email.trace_len();
        let span = self.structure().span(&[], What::Header, trace);
        let mut octets = Vec::new();
        let span = span.unwrap_or_default();
        let end = span.end.min(span.start.saturating_add(HEADER_BYTES_MAX));
        let span = Span { end, ..span };
        self.email.read(span, &mut octets).await?;
        Ok(octets)
    }

    /// Reads the message's text until all is found, or all is read.
    async fn read(&self, texts: &mut Texts, pace: &mut Pace) -> Result<(), Error> {
        let mut reader = TextReader::new(&self.email, self.structure());
        while let Some(octets) = reader.step(texts).await? {
            pace.worked(octets / OCTETS_PER_STEP).await;
        }
        Ok(())
    }
}

/// Whether a field contains what is asked for, its encoded words decoded (RFC 9051
/// §6.4.4: RFC 2047 strings are decoded before they are compared).
fn in_header(what: &Asked, headers: &[&[u8]], collation: Collation) -> bool {
    let Asked::Field { name, contains } = what else {
        return false;
    };
    let mut folded = String::new();
    let mut fields = headers.iter().flat_map(|octets| header::fields(octets));
    fields.any(|field| {
        if !field.name.eq_ignore_ascii_case(name) {
            return false;
        }
        if contains.is_empty() {
            return true;
        }
        folded.clear();
        collation.fold(&encoded_word::decode(field.value), &mut folded);
        folded.contains(contains.as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_and_compared_without_case() {
        let trace = b"Delivered-To: me@example.test\r\n";
        let header = b"From: =?iso-8859-1?Q?J=F6rg?= <j@x>\r\n\
            SUBJECT: a\r\n b =?utf-8?q?c?= =?utf-8?q?d?=\r\nSubject: second\r\nX-Empty:\r\n\r\nTo: body";
        for (name, contains, expected) in [
            ("from", "j\u{f6}rg", true),
            ("From", "<J@X>", true),
            ("from", "<j@x>", true),
            ("subject", "a b cd", true),
            ("Subject", "second", true),
            ("subject", "third", false),
            ("x-empty", "", true),
            ("x-empty", "a", false),
            ("to", "", false),
            ("delivered-to", "me@", true),
        ] {
            let mut folded = String::new();
            Collation::default().fold(contains, &mut folded);
            let asked = Asked::Field {
                name: name.as_bytes().to_vec(),
                contains: folded,
            };
            let got = in_header(&asked, &[trace, header], Collation::default());
            assert_eq!(got, expected, "{name} {contains}");
        }
    }
}
