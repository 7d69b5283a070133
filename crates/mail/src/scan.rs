//! Reads a message once, in pieces, and derives its [`Digest`].
//!
//! The scanner looks at the beginning of each line and no further: a line that
//! begins with `--` may be a delimiter (RFC 2046 §5.1.1), an empty one ends a
//! header. What it keeps of an unfinished line is bounded, so pieces may be cut
//! anywhere, and how they are cut changes nothing.

use alloc::vec::Vec;
use core::mem;

use memchr::{memchr, memchr_iter, memmem};

use crate::{
    body_structure::is_message,
    content::{BOUNDARY_BYTES_MAX, Content},
    digest::{DEPTH_MAX, Digest},
};

mod finish;
mod open;
#[cfg(test)]
mod tests;

use open::{Hold, Open};

/// What one message may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one part's header that are looked at; the rest is kept but not parsed.
    pub header_bytes_max: usize,
    /// Parts in all; what would be further parts stays body of the enclosing part.
    pub parts_max: usize,
    /// Nesting of multiparts and messages.
    pub depth_max: usize,
    /// Octets that descriptions of parts (parameters, file names, envelopes of
    /// messages within) may take in all; further parts have type, encoding and
    /// size only. What bounds the digest of a hostile message.
    pub description_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Mail to thousands of recipients, or with long signatures and
            // seals, has some hundred KiB.
            header_bytes_max: 1 << 20,
            // Digests of mailing lists have hundreds.
            parts_max: 16_384,
            // Forwards of forwards of bounces come to about twenty. Walks of the
            // tree recurse, so this also bounds the stack.
            depth_max: 64,
            description_bytes_max: 1 << 20,
        }
    }
}

/// Octets of a line that is kept because it may be a delimiter: longer ones
/// are none. A boundary, its hyphens, and some white space.
const LINE_BYTES_MAX: usize = BOUNDARY_BYTES_MAX + 128;

/// Room for a header, which most don't fill: a line at a time it would be moved again and again.
const HEADER_ROOM: usize = 4096;

/// The one pass over a message: [`Scanner::push`] its octets in order, in
/// pieces of any size, then [`Scanner::finish`].
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    /// From the message itself to the innermost part that is open.
    stack: Vec<Open>,
    /// Parts opened.
    parts: usize,
    /// Octets left for descriptions.
    budget: usize,
    /// Octets taken.
    pos: u64,
    /// LFs among them.
    lines: u64,
    /// The last three of them.
    tail: [u8; 3],
    /// In the header of the innermost part, rather than its body.
    in_header: bool,
    /// That header, as far as it is looked at.
    header: Vec<u8>,
    /// Multiparts that await a delimiter.
    boundaries: usize,
    /// Within a line that is known to be neither delimiter nor empty.
    in_line: bool,
    /// The beginning of a line of which that isn't known yet.
    held: Vec<u8>,
    /// What the outermost header says.
    about: finish::About,
    line_start: memmem::Finder<'static>,
}

/// What the beginning of a line tells.
enum Line {
    /// Its end must be seen first.
    Unknown,
    /// Nothing special.
    Ordinary,
    /// Empty, or perhaps a delimiter: this many octets, line end included.
    Whole(usize),
}

impl Scanner {
    /// A scanner at the first octet of a message.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let depth_max = limits.depth_max.min(DEPTH_MAX);
        let mut scanner = Self {
            limits: Limits {
                depth_max,
                ..limits
            },
            stack: Vec::new(),
            parts: 0,
            budget: limits.description_bytes_max,
            pos: 0,
            lines: 0,
            tail: [b'\n'; 3],
            in_header: true,
            header: Vec::with_capacity(HEADER_ROOM),
            boundaries: 0,
            in_line: false,
            held: Vec::new(),
            about: finish::About::default(),
            line_start: memmem::Finder::new(b"\n--"),
        };
        scanner.open(Hold::Message);
        scanner
    }

    /// The next octets.
    pub fn push(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while !rest.is_empty() {
            rest = if self.in_line {
                self.within_line(rest)
            } else {
                self.at_line_start(rest)
            };
        }
    }

    /// The message is complete.
    #[must_use]
    pub fn finish(mut self) -> Digest {
        let held = mem::take(&mut self.held);
        match self.delimiter(&held) {
            Some((level, is_last)) => self.delimit(level, is_last, &held),
            None => self.consume(&held),
        }
        self.digest()
    }

    /// Both take some octets, and give the rest.
    fn at_line_start<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        if self.held.is_empty() {
            match self.classify(octets) {
                Line::Unknown => self.held.extend_from_slice(octets),
                Line::Ordinary => {
                    self.in_line = true;
                    return octets;
                }
                Line::Whole(len) => {
                    let (line, rest) = octets.split_at(len);
                    self.whole_line(line);
                    return rest;
                }
            }
            return &[];
        }
        let room = LINE_BYTES_MAX.saturating_sub(self.held.len());
        let near = octets.get(..room).unwrap_or(octets);
        let (more, rest) = octets.split_at(memchr(b'\n', near).map_or(near.len(), |at| at + 1));
        self.held.extend_from_slice(more);
        let mut held = mem::take(&mut self.held);
        match self.classify(&held) {
            Line::Unknown => {
                self.held = held;
                return rest;
            }
            Line::Ordinary => {
                self.consume(&held);
                self.in_line = !held.ends_with(b"\n");
            }
            // The line ends where what is held ends.
            Line::Whole(_) => self.whole_line(&held),
        }
        held.clear();
        self.held = held;
        rest
    }

    fn classify(&self, line: &[u8]) -> Line {
        match line {
            [b'\n', ..] if self.in_header => Line::Whole(1),
            [b'\r'] if self.in_header => Line::Unknown,
            [b'\r', b'\n', ..] if self.in_header => Line::Whole(2),
            [b'-'] if self.boundaries > 0 => Line::Unknown,
            [b'-', b'-', ..] if self.boundaries > 0 => {
                let near = line.get(..LINE_BYTES_MAX);
                match memchr(b'\n', near.unwrap_or(line)) {
                    Some(at) => Line::Whole(at + 1),
                    None if near.is_some() => Line::Ordinary,
                    None => Line::Unknown,
                }
            }
            _ => Line::Ordinary,
        }
    }

    fn within_line<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let len = if self.in_header {
            memchr(b'\n', octets).map(|at| at + 1)
        } else if self.boundaries == 0 {
            None
        } else {
            let found = self.line_start.find(octets).map(|at| at + 1);
            // What begins at the very end must be looked at with what follows.
            found.or(match octets {
                [.., b'\n'] => Some(octets.len()),
                [.., b'\n', b'-'] => Some(octets.len() - 1),
                _ => None,
            })
        };
        let (line, rest) = octets.split_at(len.unwrap_or(octets.len()));
        self.consume(line);
        self.in_line = len.is_none();
        rest
    }

    /// An empty line of a header, or one that begins with two hyphens.
    fn whole_line(&mut self, line: &[u8]) {
        if let Some((level, is_last)) = self.delimiter(line) {
            self.delimit(level, is_last, line);
            return;
        }
        self.consume(line);
        if self.in_header && matches!(line, b"\n" | b"\r\n") {
            self.header_ends();
        }
    }

    /// Whether the line is a delimiter: of which open multipart, the innermost
    /// first, and whether of its last part.
    fn delimiter(&self, line: &[u8]) -> Option<(usize, bool)> {
        // RFC 2046 §5.1.1: white space may follow. Compared as a whole, so that
        // a boundary may be the beginning of another.
        let text = line.trim_ascii_end().strip_prefix(b"--")?;
        let last = text.strip_suffix(b"--");
        self.stack
            .iter()
            .enumerate()
            .rev()
            .find_map(|(level, open)| {
                let boundary = open.boundary.as_deref()?;
                if boundary == text {
                    Some((level, false))
                } else {
                    (Some(boundary) == last).then_some((level, true))
                }
            })
    }

    fn delimit(&mut self, level: usize, is_last: bool, line: &[u8]) {
        // The line end before a delimiter belongs to it (RFC 2046 §5.1.1).
        let eol = match self.tail {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        self.close_above(level, eol);
        self.in_header = false;
        self.consume(line);
        if is_last {
            self.forget_boundary(level);
        } else if self.parts < self.limits.parts_max {
            self.open(Hold::Part);
        }
    }

    fn consume(&mut self, octets: &[u8]) {
        if self.in_header {
            let room = self
                .limits
                .header_bytes_max
                .saturating_sub(self.header.len());
            self.header
                .extend_from_slice(octets.get(..room).unwrap_or(octets));
        }
        self.pos += octets.len() as u64;
        self.lines += memchr_iter(b'\n', octets).count() as u64;
        for &octet in octets
            .get(octets.len().saturating_sub(3)..)
            .unwrap_or_default()
        {
            self.tail = [self.tail[1], self.tail[2], octet];
        }
    }

    /// The header of the innermost part is complete: what is its body?
    fn header_ends(&mut self) {
        self.in_header = false;
        let header = mem::take(&mut self.header);
        let mut content = Content::read(&header);
        let deeper = self.stack.len() < self.limits.depth_max && self.parts < self.limits.parts_max;
        let (pos, lines) = (self.pos, self.lines);
        let default = self.default_type();
        let envelope = self.describe(&header);
        let Some(open) = self.stack.last_mut() else {
            return;
        };
        open.body_starts(pos, lines, envelope);
        if content.main.is_empty() {
            content.set_type(default.0, default.1);
        }
        let mut hold = None;
        if content.main == "multipart" {
            match content.boundary() {
                Some(boundary) if deeper => {
                    open.boundary = Some(boundary.to_vec());
                    open.is_multipart = true;
                    self.boundaries += 1;
                }
                Some(_) => {}
                // RFC 2045 §5.2: what cannot be understood is plain text.
                None => content.set_type("text", "plain"),
            }
        } else if is_message(&content) && content.encoding.is_identity() && deeper {
            hold = Some(Hold::Message);
        }
        open.content = content;
        self.pay();
        self.header = header;
        if let Some(hold) = hold {
            self.open(hold);
        }
    }
}
