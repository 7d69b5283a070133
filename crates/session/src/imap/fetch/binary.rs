//! BINARY: parts without their transfer encoding — RFC 3516, RFC 9051 §6.4.5.
//!
//! The size must be known before the first octet goes out. So a part is decoded
//! once to measure it, keeping what fits into a small buffer; if all fitted, that
//! is the answer, else it is decoded a second time on its way out.
//!
//! RFC 9051 asks of clients to leave multiparts and messages alone here. Those
//! have no encoding to remove, so that who asks all the same is given the octets.

use imap::{command::Partial, encode};
use mail::{
    Encoding, Part, PartKind, Span,
    decode::{TransferDecoder, Undecodable},
};
use store::Email;

use super::response::{self, Fail, Response, Trouble, pieces};
use crate::Outlet;

/// Decoded octets that are kept while measuring.
const KEPT_MAX: usize = 256 * 1024;

/// A part that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoded {
    span: Span,
    encoding: Encoding,
    lines: Lines,
}

/// RFC 9051 §7.5.2: lines of text end with CRLF, however they were kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// Of text.
    Crlf,
    /// Of nothing that has lines.
    AsTheyAre,
}

/// What measuring found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measure {
    /// Octets that are asked for, decoded.
    pub(super) size: u64,
    /// Line ends among them.
    pub(super) lines: u64,
    /// NUL is among them.
    pub(super) nul: bool,
    /// The buffer has them all.
    pub(super) kept: bool,
}

impl Encoded {
    /// The part with this number, whose octets are `span`; `None` if there is none.
    pub(super) fn find(structure: &Part, number: &[u32], span: Span) -> Option<Self> {
        let part = structure.find(number)?;
        let is_leaf = matches!(part.kind, PartKind::Leaf) && !number.is_empty();
        let is_text = is_leaf && part.media_type.starts_with("text/");
        Some(Self {
            span,
            encoding: if is_leaf {
                part.encoding
            } else {
                Encoding::Binary
            },
            lines: if is_text {
                Lines::Crlf
            } else {
                Lines::AsTheyAre
            },
        })
    }

    /// Measures what `partial` leaves of it, and keeps in `kept` what it has room for.
    ///
    /// # Errors
    /// UNKNOWN-CTE, if it can't be decoded; damage.
    pub(super) async fn measure(
        &self,
        email: &Email,
        partial: Option<Partial>,
        kept: &mut Vec<u8>,
    ) -> Result<Measure, Fail> {
        kept.clear();
        let mut decoder = Decoder::new(self, partial)?;
        let mut raw = Vec::new();
        let mut measure = Measure {
            kept: true,
            ..Measure::default()
        };
        for piece in pieces(self.span, |at| email.read_end(at)) {
            if decoder.is_done() {
                break;
            }
            raw.clear();
            email.read(piece, &mut raw).await?;
            measure.add(decoder.push(&raw), kept);
        }
        if !decoder.is_done() {
            measure.add(decoder.finish().map_err(unknown_cte)?, kept);
        }
        Ok(measure)
    }

    /// Writes what `partial` leaves of it.
    ///
    /// # Errors
    /// As [`Encoded::measure`].
    pub(super) async fn write<O: Outlet>(
        &self,
        email: &Email,
        partial: Option<Partial>,
        kept: &mut Vec<u8>,
        response: &mut Response<'_, O>,
    ) -> Result<(), Fail> {
        let measure = self.measure(email, partial, kept).await?;
        if measure.nul {
            encode::literal8_head(response.buffer(), measure.size);
        } else {
            response::string_head(response.buffer(), measure.size);
        }
        if measure.kept {
            response.buffer().extend_from_slice(kept);
            return Ok(());
        }
        let mut decoder = Decoder::new(self, partial)?;
        let mut left = measure.size;
        for piece in pieces(self.span, |at| email.read_end(at)) {
            kept.clear();
            email.read(piece, kept).await?;
            left = left.saturating_sub(copy(decoder.push(kept), response));
            response.flush_if_full().await?;
            if decoder.is_done() {
                break;
            }
        }
        if !decoder.is_done() {
            left = left.saturating_sub(copy(decoder.finish().map_err(unknown_cte)?, response));
        }
        // Octets don't change; should they, the literal would be a lie.
        if left == 0 { Ok(()) } else { Err(Fail::Gone) }
    }
}

fn copy<O: Outlet>(octets: &[u8], response: &mut Response<'_, O>) -> u64 {
    response.buffer().extend_from_slice(octets);
    octets.len() as u64
}

fn unknown_cte(_: Undecodable) -> Fail {
    Fail::Trouble(Trouble::UnknownCte)
}

impl Measure {
    fn add(&mut self, octets: &[u8], kept: &mut Vec<u8>) {
        self.size += octets.len() as u64;
        self.lines += memchr::memchr_iter(b'\n', octets).count() as u64;
        self.nul |= octets.contains(&0);
        self.kept &= kept.len() + octets.len() <= KEPT_MAX;
        if self.kept {
            kept.extend_from_slice(octets);
        }
    }
}

/// Decodes, ends lines, and lets through what is asked for.
#[derive(Debug)]
struct Decoder {
    /// `None` once it is finished.
    transfer: Option<TransferDecoder>,
    lines: Lines,
    after_cr: bool,
    /// Decoded octets before those asked for.
    skip: u64,
    /// Octets asked for that have not come yet.
    left: u64,
    decoded: Vec<u8>,
    ended: Vec<u8>,
}

impl Decoder {
    fn new(encoded: &Encoded, partial: Option<Partial>) -> Result<Self, Fail> {
        if encoded.encoding == Encoding::Unknown {
            return Err(unknown_cte(Undecodable));
        }
        Ok(Self {
            transfer: Some(TransferDecoder::new(encoded.encoding)),
            lines: encoded.lines,
            after_cr: false,
            skip: partial.map_or(0, |p| p.start),
            left: partial.map_or(u64::MAX, |p| p.count),
            decoded: Vec::new(),
            ended: Vec::new(),
        })
    }

    /// Nothing more is asked for.
    fn is_done(&self) -> bool {
        self.left == 0
    }

    /// The next octets of the body; gives back those asked for.
    fn push(&mut self, octets: &[u8]) -> &[u8] {
        self.decoded.clear();
        if let Some(transfer) = &mut self.transfer {
            transfer.push(octets, &mut self.decoded);
        }
        self.asked()
    }

    /// The body is complete.
    fn finish(&mut self) -> Result<&[u8], Undecodable> {
        self.decoded.clear();
        if let Some(transfer) = self.transfer.take() {
            transfer.finish(&mut self.decoded)?;
        }
        Ok(self.asked())
    }

    fn asked(&mut self) -> &[u8] {
        let octets = match self.lines {
            Lines::AsTheyAre => &self.decoded,
            Lines::Crlf => {
                self.ended.clear();
                end_lines(&self.decoded, &mut self.after_cr, &mut self.ended);
                &self.ended
            }
        };
        let len = octets.len() as u64;
        let from = self.skip.min(len);
        let to = from.saturating_add(self.left).min(len);
        self.skip -= from;
        self.left -= to - from;
        let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        octets.get(index(from)..index(to)).unwrap_or_default()
    }
}

/// Copies text; a LF that no CR comes before gets one.
fn end_lines(text: &[u8], after_cr: &mut bool, out: &mut Vec<u8>) {
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        if let [rest @ .., b'\n'] = line {
            let has_cr = rest.last().map_or(*after_cr, |last| *last == b'\r');
            out.extend_from_slice(rest);
            out.extend_from_slice(if has_cr { b"\n" } else { b"\r\n" });
            *after_cr = false;
        } else {
            out.extend_from_slice(line);
            *after_cr = line.last() == Some(&b'\r');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(
        encoding: Encoding,
        lines: Lines,
        body: &[u8],
        partial: Option<(u64, u64)>,
    ) -> Option<Vec<u8>> {
        let encoded = Encoded {
            span: Span::default(),
            encoding,
            lines,
        };
        let partial = partial.map(|(start, count)| Partial { start, count });
        let mut all: Option<Vec<u8>> = None;
        for cut in 0..=body.len() {
            let mut decoder = Decoder::new(&encoded, partial).ok()?;
            let (head, tail) = body.split_at(cut);
            let mut out = decoder.push(head).to_vec();
            out.extend_from_slice(decoder.push(tail));
            if !decoder.is_done() {
                out.extend_from_slice(decoder.finish().ok()?);
            }
            assert_eq!(*all.get_or_insert_with(|| out.clone()), out, "cut at {cut}");
        }
        all
    }

    #[test]
    fn parts_are_decoded_and_clipped_however_they_are_cut() {
        use Encoding::{Base64, QuotedPrintable, SevenBit, Unknown};
        use Lines::{AsTheyAre, Crlf};
        for (encoding, lines, body, partial, expected) in [
            (
                Base64,
                AsTheyAre,
                &b"AAECAw=="[..],
                None,
                Some(&b"\0\x01\x02\x03"[..]),
            ),
            (
                Base64,
                AsTheyAre,
                b"AAECAw==",
                Some((1, 2)),
                Some(b"\x01\x02"),
            ),
            (Base64, AsTheyAre, b"AAECAw==", Some((4, 2)), Some(b"")),
            (Base64, AsTheyAre, b"AAECAw==", Some((9, 2)), Some(b"")),
            (Base64, AsTheyAre, b"YQpi", None, Some(b"a\nb")),
            (Base64, Crlf, b"YQpi", None, Some(b"a\r\nb")),
            (Base64, Crlf, b"YQpi", Some((1, 2)), Some(b"\r\n")),
            (
                QuotedPrintable,
                Crlf,
                b"Gr=FC=\r\n=DFe\r\n",
                None,
                Some(b"Gr\xfc\xdfe\r\n"),
            ),
            (
                SevenBit,
                Crlf,
                b"\na\r\n\nb\r",
                None,
                Some(b"\r\na\r\n\r\nb\r"),
            ),
            (Base64, AsTheyAre, b"!!! ???", None, None),
            (Unknown, AsTheyAre, b"uryyb", None, None),
        ] {
            let got = decode(encoding, lines, body, partial);
            assert_eq!(got.as_deref(), expected, "{body:?} {partial:?}");
        }
    }

    #[test]
    fn what_is_too_much_is_measured_and_not_kept() {
        let mut measure = Measure {
            kept: true,
            ..Measure::default()
        };
        let mut kept = Vec::new();
        measure.add(&[1; 10], &mut kept);
        assert!(measure.kept && !measure.nul && kept.len() == 10);
        measure.add(&vec![0; KEPT_MAX], &mut kept);
        measure.add(&[1; 10], &mut kept);
        assert_eq!(measure.size, 20 + KEPT_MAX as u64);
        assert!(!measure.kept && measure.nul && kept.len() == 10);
    }
}
