//! Looks at the beginning of every line of a message that comes in pieces, and changes it where need be.

use super::{Quoting, fields::is_internal};

/// So much of a line is looked at, in octets.
const START_BYTES: usize = 512;
/// A line with more `>` than that before `From ` is left alone, there and back.
const QUOTES_MAX: usize = 400;

/// What is done to lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Quote `From `, rename fields that are not the message's to say.
    Write,
    /// Take back what [`Direction::Write`] did.
    Undo,
    /// Take back the quoting only: fields are as they were found.
    Read,
}

/// The machine.
#[derive(Debug)]
pub(super) struct LineStarts {
    direction: Direction,
    quoting: Quoting,
    in_header: bool,
    /// The beginning of a line that may have to be changed.
    start: Vec<u8>,
    /// The rest of the line goes through.
    passing: bool,
    /// A line was met that will not come back, for it looks like one that was quoted.
    pub(super) ambiguous: bool,
}

impl LineStarts {
    pub(super) fn new(direction: Direction, quoting: Quoting) -> Self {
        Self {
            direction,
            quoting,
            in_header: true,
            start: Vec::new(),
            passing: false,
            ambiguous: false,
        }
    }

    /// Whether the header has not ended.
    pub(super) fn in_header(&self) -> bool {
        self.in_header
    }

    /// Appends what becomes of the next octets to `into`.
    pub(super) fn push(&mut self, octets: &[u8], into: &mut Vec<u8>) {
        for part in octets.split_inclusive(|octet| *octet == b'\n') {
            let whole = part.ends_with(b"\n");
            if self.passing {
                into.extend_from_slice(part);
            } else {
                self.start.extend_from_slice(part);
                if whole || self.start.len() >= START_BYTES {
                    self.decide(into);
                    self.passing = true;
                }
            }
            if whole {
                self.passing = false;
            }
        }
    }

    /// What is left.
    pub(super) fn finish(&mut self, into: &mut Vec<u8>) {
        if !self.start.is_empty() {
            self.decide(into);
        }
    }

    fn decide(&mut self, into: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.start);
        if self.in_header && matches!(line.as_slice(), b"\n" | b"\r\n") {
            self.in_header = false;
        }
        let (quotes, from) = from_line(&line);
        // A length counts the body only.
        let quoting = match self.quoting {
            Quoting::Cl2 if self.in_header => Quoting::Rd,
            quoting => quoting,
        };
        let quotable = from
            && match (quoting, self.direction) {
                (Quoting::AsFound | Quoting::Cl2, _) => false,
                (Quoting::O, Direction::Write) => {
                    self.ambiguous |= quotes == 1;
                    quotes == 0
                }
                (Quoting::O, _) => quotes == 1,
                (Quoting::Rd, Direction::Write) => quotes <= QUOTES_MAX,
                (Quoting::Rd, _) => (1..=QUOTES_MAX + 1).contains(&quotes),
            };
        let mut rest = line.as_slice();
        if quotable {
            if self.direction == Direction::Write {
                into.push(b'>');
            } else {
                rest = rest.get(1..).unwrap_or_default();
            }
        } else if self.in_header {
            rest = self.renamed(rest, into);
        }
        into.extend_from_slice(rest);
        self.start = line;
        self.start.clear();
    }

    /// The header field with its other name: what of it is still to be written.
    fn renamed<'a>(&self, line: &'a [u8], into: &mut Vec<u8>) -> &'a [u8] {
        let inner = strip_prefixes(line);
        if !is_internal(inner) {
            return line;
        }
        match self.direction {
            Direction::Write => into.extend_from_slice(PREFIX),
            Direction::Undo if inner.len() < line.len() => {
                return line.get(PREFIX.len()..).unwrap_or_default();
            }
            Direction::Undo | Direction::Read => {}
        }
        line
    }
}

const PREFIX: &[u8] = b"X-Original-";

/// The line without what it was renamed with, however often.
fn strip_prefixes(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix(PREFIX) {
        line = rest;
    }
    line
}

/// How many `>` the line begins with, and whether `From ` follows.
fn from_line(line: &[u8]) -> (usize, bool) {
    let quotes = line.iter().take_while(|octet| **octet == b'>').count();
    let from = line
        .get(quotes..)
        .is_some_and(|rest| rest.starts_with(b"From "));
    (quotes, from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(
        octets: &[u8],
        direction: Direction,
        quoting: Quoting,
        step: usize,
    ) -> (Vec<u8>, bool) {
        let (mut lines, mut into) = (LineStarts::new(direction, quoting), Vec::new());
        for piece in octets.chunks(step) {
            lines.push(piece, &mut into);
        }
        lines.finish(&mut into);
        (into, lines.ambiguous)
    }

    #[test]
    fn lines_are_quoted() {
        let text = b"Subject: x\nStatus: RO\n\nFrom a\n>From b\n>>From c\nStatus: no field\nFrom";
        let (written, ambiguous) = through(text, Direction::Write, Quoting::Rd, 3);
        assert!(!ambiguous);
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "Subject: x\nX-Original-Status: RO\n\n>From a\n>>From b\n>>>From c\nStatus: no field\nFrom"
        );
        let (written, ambiguous) = through(text, Direction::Write, Quoting::O, 3);
        assert!(ambiguous && written.windows(8).any(|w| w == b">From a\n"));
    }

    #[test]
    fn whatever_is_written_comes_back() {
        let mut random = fastrand::Rng::with_seed(6);
        let pieces: [&[u8]; 10] = [
            b"\n",
            b">",
            b"From ",
            b"Status: R\n",
            b"X-Original-",
            b"x-uid: 5\n",
            b"\0\xff",
            b"Content-Length:",
            b"a",
            &[b'>'; 300],
        ];
        for _ in 0..4000 {
            let text: Vec<u8> = (0..random.usize(..12))
                .flat_map(|_| *random.choice(&pieces).unwrap())
                .copied()
                .collect();
            for quoting in [Quoting::Rd, Quoting::Cl2, Quoting::O] {
                let (written, ambiguous) =
                    through(&text, Direction::Write, quoting, random.usize(1..40));
                let (back, _) = through(&written, Direction::Undo, quoting, random.usize(1..40));
                assert!(ambiguous || back == text, "{quoting:?} {text:?}");
                let line = |line: &[u8]| line.starts_with(b"From ");
                assert!(
                    quoting == Quoting::Cl2 || !written.split(|octet| *octet == b'\n').any(line)
                );
            }
        }
    }
}
