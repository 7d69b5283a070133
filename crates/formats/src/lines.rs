//! The ends of lines: CRLF in the store, LF in most files.
//!
//! A file with LF becomes CRLF and comes back as it was. The other way round two things can't be kept
//! in a file with LF: an LF without a CR before it comes back with one, and of CR CR LF one CR is
//! lost. A message that has such is *odd*: export writes it with all its octets as they are, and says so in the
//! manifest. A bare CR that no LF follows is kept in any case.

/// Makes CRLF of every LF that has no CR before it.
#[derive(Debug, Clone, Default)]
pub struct ToCrlf {
    after_cr: bool,
}

impl ToCrlf {
    /// Appends what becomes of the next octets to `into`.
    pub fn push(&mut self, octets: &[u8], into: &mut Vec<u8>) {
        for line in octets.split_inclusive(|octet| *octet == b'\n') {
            let body = line.strip_suffix(b"\n").unwrap_or(line);
            into.extend_from_slice(body);
            if let Some(last) = body.last() {
                self.after_cr = *last == b'\r';
            }
            if body.len() < line.len() {
                if !self.after_cr {
                    into.push(b'\r');
                }
                into.push(b'\n');
                self.after_cr = false;
            }
        }
    }
}

/// Makes LF of every CRLF, and notices what will not come back.
#[derive(Debug, Clone, Default)]
pub struct ToLf {
    /// A CR has come that is not passed on yet.
    cr: bool,
    /// The octet before that.
    last: u8,
    odd: bool,
}

impl ToLf {
    /// Appends what becomes of the next octets to `into`.
    pub fn push(&mut self, octets: &[u8], into: &mut Vec<u8>) {
        for &octet in octets {
            match octet {
                b'\r' => {
                    if self.cr {
                        into.push(b'\r');
                        self.last = b'\r';
                    }
                    self.cr = true;
                    continue;
                }
                b'\n' if self.cr => self.odd |= self.last == b'\r',
                b'\n' => self.odd = true,
                _ if self.cr => into.push(b'\r'),
                _ => {}
            }
            self.cr = false;
            into.push(octet);
            self.last = octet;
        }
    }

    /// The last octets; whether the message is odd, and would not come back as it is.
    pub fn finish(&mut self, into: &mut Vec<u8>) -> bool {
        if std::mem::take(&mut self.cr) {
            into.push(b'\r');
        }
        self.odd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_crlf(octets: &[u8], step: usize) -> Vec<u8> {
        let (mut lines, mut into) = (ToCrlf::default(), Vec::new());
        for piece in octets.chunks(step) {
            lines.push(piece, &mut into);
        }
        into
    }

    fn to_lf(octets: &[u8], step: usize) -> (Vec<u8>, bool) {
        let (mut lines, mut into) = (ToLf::default(), Vec::new());
        for piece in octets.chunks(step) {
            lines.push(piece, &mut into);
        }
        let odd = lines.finish(&mut into);
        (into, odd)
    }

    #[test]
    fn ends_of_lines_there_and_back() {
        for (stored, file, odd) in [
            (&b""[..], &b""[..], false),
            (b"a\r\nb\r\n", b"a\nb\n", false),
            (b"\r\n\r\n", b"\n\n", false),
            (b"a\rb\r", b"a\rb\r", false),
            (b"a\nb", b"a\nb", true),
            (b"a\r\r\n", b"a\r\n", true),
            (b"\r\r\r\n", b"\r\r\n", true),
        ] {
            for step in 1..4 {
                assert_eq!(to_lf(stored, step), (file.to_vec(), odd), "{stored:?}");
                if !odd {
                    assert_eq!(to_crlf(file, step), stored, "{file:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_odd_comes_back_and_what_is_does_not() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..20_000 {
            let length = random.usize(..8);
            let stored: Vec<u8> = (0..length)
                .map(|_| *random.choice(b"\r\na").unwrap())
                .collect();
            let step = random.usize(1..4);
            let (file, odd) = to_lf(&stored, step);
            let back = to_crlf(&file, step);
            assert_eq!(back == stored, !odd, "{stored:?}");
        }
    }
}
