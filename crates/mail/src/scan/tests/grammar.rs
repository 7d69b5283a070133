//! Reads ENVELOPE, BODY and BODYSTRUCTURE as the strictest client would: RFC
//! 9051 §9 by the letter, for IMAP4rev1 and rev2 alike.

use alloc::{string::String, vec::Vec};

/// Panics on what is not grammatical.
pub(super) fn check(envelope: &[u8], body: &[u8], body_structure: &[u8]) {
    whole(envelope, Reader::envelope);
    whole(body, |reader| reader.body(false));
    whole(body_structure, |reader| reader.body(true));
}

fn whole<'a>(octets: &'a [u8], read: impl Fn(&mut Reader<'a>) -> Option<()>) {
    let mut reader = Reader { rest: octets };
    let valid = read(&mut reader).is_some() && reader.rest.is_empty();
    assert!(valid, "{}", String::from_utf8_lossy(octets));
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn eat(&mut self, text: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    fn sp(&mut self) -> Option<()> {
        self.eat(b" ")
    }

    fn next_is(&self, text: &[u8]) -> bool {
        self.rest.starts_with(text)
    }

    fn number(&mut self) -> Option<u64> {
        let len = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        core::str::from_utf8(digits).ok()?.parse().ok()
    }

    /// Quoted: 7-bit, no NUL, CR, LF; literal: no NUL.
    fn string(&mut self) -> Option<Vec<u8>> {
        if self.next_is(b"{") {
            self.eat(b"{")?;
            let len = usize::try_from(self.number()?).ok()?;
            self.eat(b"}\r\n")?;
            let (text, rest) = self.rest.split_at_checked(len)?;
            self.rest = rest;
            return (!text.contains(&0)).then(|| text.to_vec());
        }
        self.eat(b"\"")?;
        let mut text = Vec::new();
        loop {
            let (&first, rest) = self.rest.split_first()?;
            self.rest = rest;
            match first {
                b'"' => return Some(text),
                b'\\' => {
                    let (&escaped, rest) = self.rest.split_first()?;
                    if !matches!(escaped, b'"' | b'\\') {
                        return None;
                    }
                    self.rest = rest;
                    text.push(escaped);
                }
                0 | b'\r' | b'\n' | 0x80.. => return None,
                _ => text.push(first),
            }
        }
    }

    fn nstring(&mut self) -> Option<()> {
        if self.next_is(b"NIL") {
            self.eat(b"NIL")
        } else {
            self.string().map(drop)
        }
    }

    fn envelope(&mut self) -> Option<()> {
        self.eat(b"(")?;
        self.nstring()?;
        self.sp()?;
        self.nstring()?;
        for _ in 0..6 {
            self.sp()?;
            self.addresses()?;
        }
        self.sp()?;
        self.nstring()?;
        self.sp()?;
        self.nstring()?;
        self.eat(b")")
    }

    fn addresses(&mut self) -> Option<()> {
        if self.next_is(b"NIL") {
            return self.eat(b"NIL");
        }
        self.eat(b"(")?;
        while !self.next_is(b")") {
            self.eat(b"(")?;
            for member in 0..4 {
                if member > 0 {
                    self.sp()?;
                }
                self.nstring()?;
            }
            self.eat(b")")?;
        }
        self.eat(b")")
    }

    fn body(&mut self, extended: bool) -> Option<()> {
        self.eat(b"(")?;
        if self.next_is(b"(") {
            while self.next_is(b"(") {
                self.body(extended)?;
            }
            self.sp()?;
            self.string()?;
            if extended {
                self.sp()?;
                self.params()?;
            }
        } else {
            self.one_part(extended)?;
            if extended {
                self.sp()?;
                self.nstring()?;
            }
        }
        if extended {
            self.extension()?;
        }
        self.eat(b")")
    }

    fn one_part(&mut self, extended: bool) -> Option<()> {
        let main = self.string()?;
        self.sp()?;
        let sub = self.string()?;
        if main.is_empty() || sub.is_empty() {
            return None;
        }
        self.sp()?;
        self.params()?;
        self.sp()?;
        self.nstring()?;
        self.sp()?;
        self.nstring()?;
        self.sp()?;
        self.string().filter(|encoding| !encoding.is_empty())?;
        self.sp()?;
        u32::try_from(self.number()?).ok()?;
        if main == b"message" && (sub == b"rfc822" || sub == b"global") {
            self.sp()?;
            self.envelope()?;
            self.sp()?;
            self.body(extended)?;
        } else if main != b"text" {
            return Some(());
        }
        self.sp()?;
        self.number().map(drop)
    }

    fn params(&mut self) -> Option<()> {
        if self.next_is(b"NIL") {
            return self.eat(b"NIL");
        }
        self.eat(b"(")?;
        loop {
            self.string()?;
            self.sp()?;
            self.string()?;
            if self.next_is(b")") {
                return self.eat(b")");
            }
            self.sp()?;
        }
    }

    fn extension(&mut self) -> Option<()> {
        self.sp()?;
        if self.next_is(b"(") {
            self.eat(b"(")?;
            self.string()?;
            self.sp()?;
            self.params()?;
            self.eat(b")")?;
        } else {
            self.eat(b"NIL")?;
        }
        self.sp()?;
        if self.next_is(b"(") {
            self.eat(b"(")?;
            self.string()?;
            while !self.next_is(b")") {
                self.sp()?;
                self.string()?;
            }
            self.eat(b")")?;
        } else {
            self.nstring()?;
        }
        self.sp()?;
        self.nstring()
    }
}
