//! Asking a message: the keys of a search that its snapshot does not answer.

use std::sync::OnceLock;

use mail::{
    Part, Span, collation::Collation, encoded_word, fuzzy::Likeness, header, text::HEADER_BYTES_MAX,
};
use store::{
    Buffers, Email, Error, TextReader,
    search::{Place, Question},
};

use super::{
    pace::Pace,
    query::{Asked, Probe, Search, Source},
    text::{Scope, Texts},
};

/// Octets of text that cost as much as one step of [`Pace`]: decoded, folded, compared.
const OCTETS_PER_STEP: usize = 16;

/// A message that is being asked.
#[derive(Debug)]
pub(super) struct Witness<'a> {
    email: Email,
    /// What texts are compared by.
    collation: Collation,
    /// The MIME tree, once something has needed it.
    structure: OnceLock<Part>,
    /// Of FUZZY's probes that have been answered, how well what they ask for was found; else 0.
    scores: Vec<u8>,
    looking: &'a mut Looking,
}

/// What looks for the texts of a search, in one message after the other.
#[derive(Debug)]
pub(super) struct Looking {
    texts: Texts,
    buffers: Buffers,
}

impl Looking {
    /// For the probes of this search.
    pub(super) fn new(search: &Search) -> Self {
        let mut texts = Texts::default();
        let probes = search.probes.iter();
        for probe in probes.filter(|probe| probe.source == Source::Text) {
            match &probe.what {
                Asked::Body(text) => texts.exact(Scope::Body, search.collation, text),
                Asked::Text(text) => texts.exact(Scope::All, search.collation, text),
                Asked::Like { place, words } => {
                    let scope = match place {
                        Place::Body => Scope::Body,
                        Place::Text | Place::Field(_) => Scope::All,
                    };
                    texts.fuzzy(scope, words);
                }
                // They are of the header.
                Asked::Sent(_) | Asked::Field { .. } => {}
            }
        }
        Self {
            texts,
            buffers: Buffers::default(),
        }
    }
}

impl Probe {
    /// What is asked, if the answer costs so much that it is worth remembering.
    pub(super) fn question(&self, collation: Collation) -> Option<Question> {
        let folded = |text: &str| {
            let mut folded = String::new();
            collation.fold(text, &mut folded);
            folded
        };
        let (place, text) = match &self.what {
            Asked::Body(text) => (Place::Body, folded(text)),
            Asked::Text(text) => (Place::Text, folded(text)),
            Asked::Field { name, contains } if self.source == Source::Header => {
                (Place::Field(name.to_ascii_lowercase()), contains.clone())
            }
            Asked::Field { .. } | Asked::Sent(_) | Asked::Like { .. } => return None,
        };
        Some(Question {
            place,
            text,
            collation,
        })
    }
}

impl<'a> Witness<'a> {
    /// To be asked the probes of this search.
    pub(super) fn new(email: Email, search: &Search, looking: &'a mut Looking) -> Self {
        Self {
            email,
            looking,
            collation: search.collation,
            structure: OnceLock::new(),
            scores: vec![0; search.probes.len()],
        }
    }

    /// Of each probe, how well what it asks for was found, 1 to 100; 0 if that was not asked.
    pub(super) fn scores(&self) -> &[u8] {
        &self.scores
    }

    /// Answers the probes of one source.
    ///
    /// # Errors
    /// If the message can't be read.
    pub(super) async fn answer(
        &mut self,
        source: Source,
        probes: &[Probe],
        answers: &mut [Option<bool>],
        pace: &mut Pace,
    ) -> Result<(), Error> {
        let found = self.look(source, probes, pace).await?;
        let asked = probes.iter().zip(answers).zip(&mut self.scores);
        let asked = asked.filter(|((probe, _), _)| probe.source == source);
        for (((_, answer), known), (holds, score)) in asked.zip(found) {
            *answer = Some(holds);
            *known = score;
        }
        Ok(())
    }

    /// For each probe of a source: whether what it asks for holds, and how well; 0 if that is not asked.
    async fn look(
        &mut self,
        source: Source,
        probes: &[Probe],
        pace: &mut Pace,
    ) -> Result<Vec<(bool, u8)>, Error> {
        let asked = probes.iter().filter(|probe| probe.source == source);
        let mut found = Vec::new();
        match source {
            Source::Digest => {
                let headers = [self.email.trace(), self.email.digest_ref().listed];
                for probe in asked {
                    found.push(match &probe.what {
                        Asked::Sent(days) => (self.sent(days), 0),
                        what => in_header(what, &headers, self.collation),
                    });
                }
                pace.worked(100).await;
            }
            Source::Header => {
                let octets = self.header().await?;
                for probe in asked {
                    found.push(in_header(&probe.what, &[&octets], self.collation));
                    pace.worked(octets.len() / OCTETS_PER_STEP).await;
                }
            }
            Source::Text => {
                self.read(pace).await?;
                found.extend(self.looking.texts.found());
            }
        }
        Ok(found)
    }

    /// RFC 9051 §6.4.4: the day in the field, disregarding time and zone. A message
    /// without one was sent on no day.
    fn sent(&self, days: &std::ops::Range<i64>) -> bool {
        let sent = self.email.digest_ref().sent_days.map(i64::from);
        sent.is_some_and(|day| days.contains(&day))
    }

    async fn header(&self) -> Result<Vec<u8>, Error> {
        let span = self.email.header();
        let mut octets = Vec::new();
        let end = span.end.min(span.start.saturating_add(HEADER_BYTES_MAX));
        let span = Span { end, ..span };
        self.email.read(span, &mut octets).await?;
        Ok(octets)
    }

    /// Reads the message's text until all is found, or all is read.
    async fn read(&mut self, pace: &mut Pace) -> Result<(), Error> {
        let structure = self.structure.get_or_init(|| self.email.structure());
        let Looking { texts, buffers } = &mut *self.looking;
        texts.reset();
        let mut reader = TextReader::new(&self.email, structure, buffers);
        while let Some(octets) = reader.step(texts).await? {
            pace.worked(octets / OCTETS_PER_STEP).await;
        }
        Ok(())
    }
}

/// Whether a field contains what is asked for, its encoded words decoded (RFC 9051
/// §6.4.4: RFC 2047 strings are decoded before they are compared); and how well, or 0.
fn in_header(what: &Asked, headers: &[&[u8]], collation: Collation) -> (bool, u8) {
    let named = |name: &[u8]| {
        let fields = headers.iter().flat_map(|octets| header::fields(octets));
        let name = name.to_vec();
        fields.filter(move |field| field.name.eq_ignore_ascii_case(&name))
    };
    match what {
        Asked::Field { name, contains } => {
            let mut folded = String::new();
            let holds = named(name).any(|field| {
                if contains.is_empty() {
                    return true;
                }
                folded.clear();
                collation.fold(&encoded_word::decode(field.value), &mut folded);
                folded.contains(contains.as_str())
            });
            (holds, 0)
        }
        Asked::Like {
            place: Place::Field(name),
            words,
        } => {
            let scores = named(name).filter_map(|field| {
                let mut likeness = Likeness::new(words);
                likeness.push(&encoded_word::decode(field.value));
                likeness.interrupt();
                likeness.score()
            });
            let best = scores.max();
            (best.is_some(), best.unwrap_or(0))
        }
        _ => (false, 0),
    }
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
            assert_eq!(got, (expected, 0), "{name} {contains}");
        }
    }
}
