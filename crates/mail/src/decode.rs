//! Undoing the transfer encoding of a body (RFC 2045 §6), in pieces.

use alloc::vec::Vec;
use core::fmt;

use crate::structure::Encoding;

/// White space at a line's end that quoted-printable waits with, since it must
/// be dropped if the line ends there; more than any line has is kept.
const SPACE_BYTES_MAX: usize = 1_000;

/// A body that its encoding doesn't describe: unknown, or nothing like it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecodable;

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transfer encoding of the body is unknown or violated")
    }
}

impl core::error::Error for Undecodable {}

/// Decodes a body: [`TransferDecoder::push`] its octets in order, then
/// [`TransferDecoder::finish`].
#[derive(Debug)]
pub struct TransferDecoder(State);

#[derive(Debug)]
enum State {
    Identity,
    /// Octets pass, and `finish` says that they mean nothing.
    Unknown,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
}

impl TransferDecoder {
    /// A decoder at the first octet of a body.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self(match encoding {
            Encoding::SevenBit | Encoding::EightBit | Encoding::Binary => State::Identity,
            Encoding::Unknown => State::Unknown,
            Encoding::Base64 => State::Base64(Base64::default()),
            Encoding::QuotedPrintable => State::QuotedPrintable(QuotedPrintable::default()),
        })
    }

    /// Appends what the next octets mean, as far as that is known yet.
    pub fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            State::Identity | State::Unknown => out.extend_from_slice(octets),
            State::Base64(base64) => base64.push(octets, out),
            State::QuotedPrintable(qp) => qp.push(octets, out),
        }
    }

    /// Appends what is left.
    ///
    /// # Errors
    /// If the encoding is unknown, or it is base64 and most of the body isn't.
    /// What was decoded is the best that can be had all the same.
    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), Undecodable> {
        match self.0 {
            State::Identity => Ok(()),
            State::Unknown => Err(Undecodable),
            State::Base64(base64) => base64.finish(out),
            State::QuotedPrintable(qp) => {
                qp.finish(out);
                Ok(())
            }
        }
    }
}

/// RFC 2045 §6.8: what is not of the alphabet is skipped. Padding ends a
/// quantum, after which another body may follow, as some mailers concatenate.
#[derive(Debug, Default)]
struct Base64 {
    bits: u32,
    digits: u8,
    used: u64,
    junk: u64,
}

const PAD: u8 = 64;
const SPACE: u8 = 65;
const JUNK: u8 = 66;

fn meaning(octet: u8) -> u8 {
    DIGITS.get(usize::from(octet)).copied().unwrap_or(JUNK)
}

/// What each octet means: a digit below 64, or one of the above.
const DIGITS: [u8; 256] = digits();

#[expect(clippy::indexing_slicing, reason = "evaluated when compiled")]
const fn digits() -> [u8; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut table = [JUNK; 256];
    let mut value = 0;
    while value < 64 {
        table[alphabet[value as usize] as usize] = value;
        value += 1;
    }
    table[b'=' as usize] = PAD;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table
}

impl Base64 {
    fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        out.reserve(octets.len() / 4 * 3);
        let mut rest = octets;
        loop {
            if self.digits == 0 {
                rest = self.quanta(rest, out);
            }
            let Some((octet, others)) = rest.split_first() else {
                return;
            };
            rest = others;
            match meaning(*octet) {
                PAD => self.end_quantum(out),
                SPACE => {}
                JUNK => self.junk += 1,
                digit => {
                    self.bits = self.bits << 6 | u32::from(digit);
                    self.digits += 1;
                    self.used += 1;
                    if self.digits == 4 {
                        let [_, a, b, c] = self.bits.to_be_bytes();
                        out.extend_from_slice(&[a, b, c]);
                        (self.bits, self.digits) = (0, 0);
                    }
                }
            }
        }
    }

    /// Decodes the four digits that follow, again and again: most of a body is nothing else. Gives back the
    /// rest.
    fn quanta<'a>(&mut self, octets: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let mut rest = octets;
        while let Some((quantum, others)) = rest.split_first_chunk::<4>() {
            let digits = quantum.map(meaning);
            if digits.iter().any(|digit| *digit >= PAD) {
                break;
            }
            let bits = digits.map(u32::from);
            let bits = bits.iter().fold(0, |bits, digit| bits << 6 | digit);
            let [_, decoded @ ..] = bits.to_be_bytes();
            out.extend_from_slice(&decoded);
            self.used += 4;
            rest = others;
        }
        rest
    }

    fn end_quantum(&mut self, out: &mut Vec<u8>) {
        let aligned = self.bits << (6 * (4 - u32::from(self.digits.min(4))));
        let [_, a, b, _] = aligned.to_be_bytes();
        match self.digits {
            2 => out.push(a),
            3 => out.extend_from_slice(&[a, b]),
            _ => {}
        }
        (self.bits, self.digits) = (0, 0);
    }

    fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Undecodable> {
        self.end_quantum(out);
        if self.junk > self.used {
            Err(Undecodable)
        } else {
            Ok(())
        }
    }
}

/// RFC 2045 §6.7: an `=` that begins nothing stands for itself.
#[derive(Debug, Default)]
struct QuotedPrintable {
    /// White space that may prove to end the line.
    space: Vec<u8>,
    /// `=` and what followed it, as long as its meaning is open.
    escape: Vec<u8>,
}

impl QuotedPrintable {
    fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        out.reserve(octets.len());
        let mut rest = octets;
        while let Some((&octet, others)) = rest.split_first() {
            if self.escape.is_empty() {
                rest = match rest {
                    [b'=', high, low, after @ ..]
                        if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
                    {
                        out.append(&mut self.space);
                        out.push(hex(*high) << 4 | hex(*low));
                        after
                    }
                    [b'=', b'\r', b'\n', after @ ..] => {
                        out.append(&mut self.space);
                        after
                    }
                    [b'=' | b'\r' | b'\n', ..] => {
                        self.plain(octet, out);
                        others
                    }
                    _ => self.run(rest, out),
                };
            } else {
                self.escaped(octet, out);
                rest = others;
            }
        }
    }

    /// What comes before the end of the line, or an escape. Gives back the rest.
    fn run<'a>(&mut self, octets: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
        let len = memchr::memchr3(b'=', b'\r', b'\n', octets).unwrap_or(octets.len());
        let (run, rest) = octets.split_at(len);
        let is_solid = |octet: &u8| !matches!(octet, b' ' | b'\t');
        let solid = run.iter().rposition(is_solid).map_or(0, |last| last + 1);
        let (solid, blank) = run.split_at(solid);
        if !solid.is_empty() {
            out.append(&mut self.space);
            out.extend_from_slice(solid);
        }
        for octet in blank {
            self.plain(*octet, out);
        }
        rest
    }

    fn plain(&mut self, octet: u8, out: &mut Vec<u8>) {
        match octet {
            b' ' | b'\t' if self.space.len() < SPACE_BYTES_MAX => self.space.push(octet),
            b'\r' | b'\n' => {
                self.space.clear();
                out.push(octet);
            }
            _ => {
                out.append(&mut self.space);
                if octet == b'=' {
                    self.escape.push(octet);
                } else {
                    out.push(octet);
                }
            }
        }
    }

    fn escaped(&mut self, octet: u8, out: &mut Vec<u8>) {
        match (self.escape.as_slice(), octet) {
            // A soft line break, perhaps with white space before the line end.
            (_, b'\n') if self.escape.get(1).is_none_or(u8::is_ascii_whitespace) => {
                self.escape.clear();
            }
            ([_], b' ' | b'\t' | b'\r') => self.escape.push(octet),
            ([_, b' ' | b'\t', ..], b' ' | b'\t' | b'\r')
                if self.escape.len() < SPACE_BYTES_MAX =>
            {
                self.escape.push(octet);
            }
            ([_], _) if octet.is_ascii_hexdigit() => self.escape.push(octet),
            ([_, high], _) if high.is_ascii_hexdigit() && octet.is_ascii_hexdigit() => {
                out.push(hex(*high) << 4 | hex(octet));
                self.escape.clear();
            }
            _ => {
                out.append(&mut self.escape);
                self.plain(octet, out);
            }
        }
    }

    fn finish(self, out: &mut Vec<u8>) {
        // A lone "=" at the end is a soft line break whose line end was cut off.
        if self.escape.len() > 1 && !self.escape.iter().skip(1).all(u8::is_ascii_whitespace) {
            out.extend_from_slice(&self.escape);
        }
    }
}

/// The value of a hexadecimal digit.
pub(crate) const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoding: Encoding, pieces: &[&[u8]]) -> (Vec<u8>, Result<(), Undecodable>) {
        let mut decoder = TransferDecoder::new(encoding);
        let mut out = Vec::new();
        for piece in pieces {
            decoder.push(piece, &mut out);
        }
        let result = decoder.finish(&mut out);
        (out, result)
    }

    #[test]
    fn bodies_are_decoded_however_they_are_cut() {
        for (encoding, body, expected) in [
            (Encoding::Base64, &b"aGVsbG8="[..], &b"hello"[..]),
            (Encoding::Base64, b"aGVs\r\nbG8", b"hello"),
            (Encoding::Base64, b"aA==aGU=aGVs", b"hhehel"),
            (Encoding::Base64, b"", b""),
            (Encoding::QuotedPrintable, b"a=3Db=c3=A9", b"a=b\xc3\xa9"),
            (
                Encoding::QuotedPrintable,
                b"a=\r\nb = \t\r\nc=\nd",
                b"ab cd",
            ),
            (Encoding::QuotedPrintable, b"a \t\r\n b ", b"a\r\n b"),
            (Encoding::QuotedPrintable, b"=G1 =1G =", b"=G1 =1G "),
            (Encoding::QuotedPrintable, b"==41", b"=A"),
            (
                Encoding::QuotedPrintable,
                b"a \t=41  =\r\n b\r \n =\r",
                b"a \tA   b\r\n ",
            ),
            (Encoding::EightBit, b"\xff=", b"\xff="),
        ] {
            for cut in 0..=body.len() {
                let (head, tail) = body.split_at(cut);
                let got = decode(encoding, &[head, tail]);
                assert_eq!(got, (expected.to_vec(), Ok(())), "{body:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn long_bodies_are_decoded_as_octet_by_octet() {
        let mut random = fastrand::Rng::with_seed(5);
        let alphabets = [&b"AZaz09+/\r\n= !"[..], b"ABCDEFGHabcdefgh0123\r\n"];
        let quoted = [&b"ab= \t\r\n4F"[..], b"abcdefghijk =4\n"];
        for round in 0..400 {
            let (encoding, alphabets) = if round % 2 == 0 {
                (Encoding::Base64, alphabets)
            } else {
                (Encoding::QuotedPrintable, quoted)
            };
            let alphabet = alphabets[round / 2 % 2];
            let any = |_| alphabet[random.usize(..alphabet.len())];
            let body: Vec<u8> = (0..300).map(any).collect();
            let octets: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(decode(encoding, &[&body]), decode(encoding, &octets));
        }
    }

    #[test]
    fn what_is_not_encoded_so_is_undecodable() {
        assert_eq!(
            decode(Encoding::Base64, &[b"!!! ---- ????"]).1,
            Err(Undecodable)
        );
        assert_eq!(
            decode(Encoding::Unknown, &[b"begin 644"]).1,
            Err(Undecodable)
        );
    }

    #[test]
    fn space_is_not_gathered_without_end() {
        let spaces = alloc::vec![b' '; 3 * SPACE_BYTES_MAX];
        let (out, _) = decode(Encoding::QuotedPrintable, &[&spaces, b"x"]);
        assert_eq!(out.len(), spaces.len() + 1);
    }
}
