//! All that is derived from a message, in the form in which it is kept.
//!
//! A digest belongs to the message's *content*: offsets count from its first
//! octet as it was handed to the [`crate::Scanner`].

use alloc::{boxed::Box, string::String, vec::Vec};
use core::ops::Range;

use crate::structure::{Encoding, Part, PartKind, Span};

/// What a message means, computed once on arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// ENVELOPE as IMAP sends it, parentheses included (RFC 9051 §7.5.2).
    /// Octets above 127 occur only within literals.
    pub envelope: Vec<u8>,
    /// BODY: BODYSTRUCTURE without extension data.
    pub body: Vec<u8>,
    /// BODYSTRUCTURE.
    pub body_structure: Vec<u8>,
    /// The raw header fields that clients list by ([`crate::header::LISTED`]),
    /// in the order of the message, each with its CRLF.
    pub listed: Vec<u8>,
    /// The day of the `Date` field, disregarding time and zone, as days since
    /// 1970-01-01; `None` if absent or beyond reading (RFC 9051 §6.4.4, SENTON).
    pub sent_days: Option<i32>,
    /// Hashes under which messages of one conversation meet
    /// ([`crate::thread`]): the message's own id first.
    pub thread_keys: Vec<u64>,
    /// The MIME tree.
    pub structure: Part,
}

/// Nesting of parts that an encoded digest may have; a scanner's limit is held
/// to it, so that reading one back can't exhaust the stack.
pub(crate) const DEPTH_MAX: usize = 128;

/// The first octet of an encoded digest.
const VERSION: u8 = 1;

/// The least octets that an encoded part takes.
const PART_BYTES_MIN: usize = 9;

impl Digest {
    /// Appends the digest in the form that is kept:
    ///
    /// version (1 octet) · sent day (0 for none, else 1 + zigzag) · lengths of
    /// envelope, BODY, BODYSTRUCTURE, listed fields · number of thread keys ·
    /// these, keys little-endian · the structure.
    ///
    /// A part is: start and length of its header · octets between header and
    /// body, and length of the body · lines · length and octets of the media
    /// type · 1 + length (0 for none) and octets of the charset · encoding ·
    /// number of parts: 0 for a leaf, 1 for a message, else 2 + the parts of a
    /// multipart · these parts. Numbers are LEB128.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let texts = [
            &self.envelope,
            &self.body,
            &self.body_structure,
            &self.listed,
        ];
        // The rest is numbers, and a word or two for each part.
        let octets: usize = texts.iter().map(|text| text.len()).sum();
        out.reserve(octets + octets / 4 + 8 * self.thread_keys.len() + 64);
        out.push(VERSION);
        put(out, self.sent_days.map_or(0, |days| 1 + zigzag(days)));
        for text in texts {
            put(out, text.len() as u64);
        }
        put(out, self.thread_keys.len() as u64);
        for text in texts {
            out.extend_from_slice(text);
        }
        for key in &self.thread_keys {
            out.extend_from_slice(&key.to_le_bytes());
        }
        put_part(out, &self.structure);
    }

    /// Reads what [`Digest::encode`] wrote; `None` for anything else.
    #[must_use]
    pub fn decode(octets: &[u8]) -> Option<Self> {
        DigestRef::new(octets)?.to_digest()
    }
}

/// An encoded digest, read in place: nothing is allocated but for
/// [`DigestRef::structure`].
#[derive(Debug, Clone, Copy)]
pub struct DigestRef<'a> {
    /// See [`Digest::envelope`].
    pub envelope: &'a [u8],
    /// See [`Digest::body`].
    pub body: &'a [u8],
    /// See [`Digest::body_structure`].
    pub body_structure: &'a [u8],
    /// See [`Digest::listed`].
    pub listed: &'a [u8],
    /// See [`Digest::sent_days`].
    pub sent_days: Option<i32>,
    thread_keys: &'a [u8],
    structure: &'a [u8],
}

/// Where what a digest says is among its octets: who has looked for it once need not read the lengths again.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    sent_days: Option<i32>,
    /// Where ENVELOPE begins.
    start: u32,
    /// Octets of the texts and of the thread keys, which follow each other.
    lens: [u32; 5],
}

impl Places {
    /// Looks for what [`Digest::encode`] wrote; `None` if that is something else. The structure is not looked at.
    #[must_use]
    pub fn find(octets: &[u8]) -> Option<Self> {
        let (&version, rest) = octets.split_first()?;
        if version != VERSION {
            return None;
        }
        let mut input = Input { rest };
        let sent_days = match input.number()? {
            0 => None,
            n => Some(unzigzag(n - 1)?),
        };
        let mut lens = [0; 5];
        for len in &mut lens {
            *len = input.size()?;
        }
        let [.., keys] = &mut lens;
        *keys = keys.checked_mul(8)?;
        let all = lens
            .iter()
            .try_fold(0usize, |all, len| all.checked_add(*len));
        let start = octets.len() - input.rest.len();
        if all? > input.rest.len() {
            return None;
        }
        // The sum is no more than there are octets, of which there are fewer than 4 GiB.
        u32::try_from(octets.len()).ok()?;
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Some(Self {
            sent_days,
            start: number(start),
            lens: lens.map(number),
        })
    }

    /// Where among the octets of the digest [`Digest::listed`] is.
    #[must_use]
    pub fn listed(&self) -> Range<usize> {
        let [envelope, body, body_structure, listed, _] = self.lens.map(|len| len as usize);
        let start = self.start as usize + envelope + body + body_structure;
        start..start + listed
    }
}

impl<'a> DigestRef<'a> {
    /// Reads what [`Digest::encode`] wrote. The structure is not looked at yet.
    #[must_use]
    pub fn new(octets: &'a [u8]) -> Option<Self> {
        Self::at(octets, &Places::find(octets)?)
    }

    /// The same, if it is known where everything is: `None` if that was found among other octets.
    #[must_use]
    pub fn at(octets: &'a [u8], places: &Places) -> Option<Self> {
        let mut input = Input {
            rest: octets.get(places.start as usize..)?,
        };
        let mut texts: [&[u8]; 5] = [&[]; 5];
        for (text, len) in texts.iter_mut().zip(places.lens) {
            *text = input.take(len as usize)?;
        }
        let [envelope, body, body_structure, listed, thread_keys] = texts;
        Some(Self {
            envelope,
            body,
            body_structure,
            listed,
            sent_days: places.sent_days,
            thread_keys,
            structure: input.rest,
        })
    }

    /// See [`Digest::thread_keys`].
    #[must_use]
    pub fn thread_keys(&self) -> impl ExactSizeIterator<Item = u64> + use<'a> {
        let keys = self.thread_keys.chunks_exact(8);
        keys.map(|key| u64::from_le_bytes(key.try_into().unwrap_or_default()))
    }

    /// The message's own header, read now without the rest of its tree; `None` if it is damaged.
    #[must_use]
    pub fn header(&self) -> Option<Span> {
        let rest = self.structure;
        Input { rest }.span(0)
    }

    /// The MIME tree, read now; `None` if it is damaged.
    #[must_use]
    pub fn structure(&self) -> Option<Part> {
        let mut input = Input {
            rest: self.structure,
        };
        let part = input.part(0)?;
        input.rest.is_empty().then_some(part)
    }

    /// All of it, owned; `None` if the structure is damaged.
    #[must_use]
    pub fn to_digest(&self) -> Option<Digest> {
        Some(Digest {
            envelope: self.envelope.to_vec(),
            body: self.body.to_vec(),
            body_structure: self.body_structure.to_vec(),
            listed: self.listed.to_vec(),
            sent_days: self.sent_days,
            thread_keys: self.thread_keys().collect(),
            structure: self.structure()?,
        })
    }
}

const fn zigzag(n: i32) -> u64 {
    let n = n as i64;
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

fn unzigzag(n: u64) -> Option<i32> {
    let magnitude = i32::try_from(n >> 1).ok()?;
    Some(if n & 1 == 0 { magnitude } else { !magnitude })
}

/// LEB128.
fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(0x80 | (n & 0x7F).to_le_bytes()[0]);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
}

fn put_part(out: &mut Vec<u8>, part: &Part) {
    put(out, part.header.start);
    put(out, part.header.len());
    put(out, part.body.start.saturating_sub(part.header.end));
    put(out, part.body.len());
    put(out, part.lines);
    put(out, part.media_type.len() as u64);
    out.extend_from_slice(part.media_type.as_bytes());
    let charset = part.charset.as_deref();
    put(out, charset.map_or(0, |name| 1 + name.len() as u64));
    out.extend_from_slice(charset.unwrap_or_default().as_bytes());
    out.push(match part.encoding {
        Encoding::SevenBit => 0,
        Encoding::EightBit => 1,
        Encoding::Binary => 2,
        Encoding::QuotedPrintable => 3,
        Encoding::Base64 => 4,
        Encoding::Unknown => 5,
    });
    match &part.kind {
        PartKind::Leaf => put(out, 0),
        PartKind::Message(inner) => {
            put(out, 1);
            put_part(out, inner);
        }
        PartKind::Multipart(parts) => {
            put(out, 2 + parts.len() as u64);
            for part in parts {
                put_part(out, part);
            }
        }
    }
}

struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7F);
            let moved = bits << shift;
            if moved >> shift != bits {
                return None;
            }
            n |= moved;
            if octet < 0x80 {
                return Some(n);
            }
        }
        None
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn text(&mut self, len: usize) -> Option<String> {
        core::str::from_utf8(self.take(len)?).ok().map(String::from)
    }

    fn span(&mut self, from: u64) -> Option<Span> {
        let start = from.checked_add(self.number()?)?;
        let end = start.checked_add(self.number()?)?;
        Some(Span { start, end })
    }

    fn part(&mut self, depth: usize) -> Option<Part> {
        if depth > DEPTH_MAX {
            return None;
        }
        let header = self.span(0)?;
        let body = self.span(header.end)?;
        let lines = self.number()?;
        let media_type_len = self.size()?;
        let media_type = self.text(media_type_len)?;
        let charset = match self.size()? {
            0 => None,
            n => Some(self.text(n - 1)?),
        };
        let encoding = match self.octet()? {
            0 => Encoding::SevenBit,
            1 => Encoding::EightBit,
            2 => Encoding::Binary,
            3 => Encoding::QuotedPrintable,
            4 => Encoding::Base64,
            5 => Encoding::Unknown,
            _ => return None,
        };
        let kind = match self.size()? {
            0 => PartKind::Leaf,
            1 => PartKind::Message(Box::new(self.part(depth + 1)?)),
            n => {
                // A false number must not reserve memory.
                let fits = self.rest.len() / PART_BYTES_MIN;
                let mut parts = Vec::with_capacity((n - 2).min(fits));
                for _ in 2..n {
                    parts.push(self.part(depth + 1)?);
                }
                PartKind::Multipart(parts)
            }
        };
        Some(Part {
            header,
            body,
            lines,
            media_type,
            charset,
            encoding,
            kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Scanner};

    fn sample() -> Digest {
        let mut scanner = Scanner::new(Limits::default());
        scanner.push(
            b"From: a@b\r\nDate: 1 Jan 1960 00:00 +0000\r\nMessage-ID: <1@a>\r\n\
              Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
              Content-Type: text/plain; charset=UTF-8\r\n\r\nx\r\n--b\r\n\
              Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nz\r\n--b--\r\n",
        );
        scanner.finish()
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let digest = sample();
        let mut octets = Vec::new();
        digest.encode(&mut octets);
        assert_eq!(Digest::decode(&octets).as_ref(), Some(&digest));
        let read = DigestRef::new(&octets).unwrap();
        assert_eq!(read.envelope, digest.envelope);
        assert_eq!(
            octets[Places::find(&octets).unwrap().listed()],
            digest.listed
        );
        assert_eq!(read.sent_days, Some(-3653));
        assert_eq!(read.header(), Some(digest.structure.header));
        assert!(read.thread_keys().eq(digest.thread_keys.iter().copied()));
    }

    #[test]
    fn what_is_damaged_is_none_or_another() {
        let digest = sample();
        let mut octets = Vec::new();
        digest.encode(&mut octets);
        for len in 0..octets.len() {
            assert_eq!(Digest::decode(&octets[..len]), None, "{len}");
        }
        for at in 0..octets.len() {
            for bit in 0..8 {
                let mut flipped = octets.clone();
                flipped[at] ^= 1 << bit;
                assert_ne!(Digest::decode(&flipped).as_ref(), Some(&digest));
            }
        }
    }

    #[test]
    fn depth_and_numbers_are_bounded() {
        let mut deep = alloc::vec![VERSION, 0, 0, 0, 0, 0, 0];
        for _ in 0..100_000 {
            deep.extend([0, 0, 0, 0, 0, 0, 0, 0, 1]);
        }
        assert_eq!(Digest::decode(&deep), None);
        let many = [
            VERSION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255,
            127,
        ];
        assert_eq!(Digest::decode(&many), None);
    }

    #[test]
    fn days_zigzag() {
        for days in [0, 1, -1, i32::MAX, i32::MIN] {
            assert_eq!(unzigzag(zigzag(days)), Some(days));
        }
    }
}
