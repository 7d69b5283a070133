//! Reads a command from left to right: the lexical productions of RFC 9051 §9.

use alloc::{string::String, vec::Vec};
use core::num::NonZeroU32;

use super::what::What;

/// What is wrong, and at which octet (from 0).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) what: What,
}

pub(super) type Result<T> = core::result::Result<T, Fault>;

/// A place in a command.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    old: bool,
}

// ATOM-CHAR = <any CHAR except atom-specials>
pub(super) const fn is_atom_char(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e)
        && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

// ASTRING-CHAR = ATOM-CHAR / resp-specials
pub(crate) const fn is_astring_char(byte: u8) -> bool {
    is_atom_char(byte) || byte == b']'
}

// list-char = ATOM-CHAR / list-wildcards / resp-specials
pub(super) const fn is_list_char(byte: u8) -> bool {
    is_astring_char(byte) || matches!(byte, b'%' | b'*')
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            old: false,
        }
    }

    /// In which what was before IMAP4rev1 has its meaning ([`super::old`]).
    pub(super) const fn old(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            old: true,
        }
    }

    /// Goes to a place that [`Cursor::at`] told of the same bytes, or of their beginning.
    pub(super) const fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    pub(super) const fn is_old(&self) -> bool {
        self.old
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Takes the octet if it is next.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes the word if it is next, in any case; a space or the end, or one of
    /// `[(<`, must follow it.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let found = ahead
            .take_while(is_atom_char)
            .eq_ignore_ascii_case(word.as_bytes());
        if found {
            *self = ahead;
        }
        found
    }

    pub(super) fn take_while(&mut self, wanted: fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|&b| !wanted(b)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// A fault at this place.
    pub(super) fn fault<T>(&self, what: impl Into<What>) -> Result<T> {
        fault_at(self.at, what)
    }

    pub(super) fn expected<T>(&self, what: &'static str) -> Result<T> {
        self.fault(What::of("expected {}", what))
    }

    /// One octet of punctuation.
    pub(super) fn expect(&mut self, byte: u8, what: &'static str) -> Result<()> {
        if self.eat(byte) {
            return Ok(());
        }
        self.expected(what)
    }

    // SP; more than one is forgiven.
    pub(super) fn sp(&mut self, after: &'static str) -> Result<()> {
        if self.peek() != Some(b' ') {
            return self.fault(What::of("expected a space after {}", after));
        }
        self.skip_spaces();
        Ok(())
    }

    pub(super) fn skip_spaces(&mut self) {
        self.take_while(|b| b == b' ');
    }

    /// A space, and something after it: trailing spaces are forgiven.
    pub(super) fn more(&mut self) -> bool {
        if self.peek() != Some(b' ') {
            return false;
        }
        self.skip_spaces();
        self.peek().is_some()
    }

    /// The end of the command.
    pub(super) fn end(&mut self, after: &'static str) -> Result<()> {
        self.skip_spaces();
        if self.peek().is_none() {
            return Ok(());
        }
        self.fault(What::of("expected the command to end after {}", after))
    }

    // atom = 1*ATOM-CHAR
    pub(super) fn atom(&mut self, what: &'static str) -> Result<&'a str> {
        self.word(is_atom_char, what)
    }

    pub(super) fn word(&mut self, wanted: fn(u8) -> bool, what: &'static str) -> Result<&'a str> {
        let start = self.at;
        match core::str::from_utf8(self.take_while(wanted)) {
            Ok(word) if !word.is_empty() => Ok(word),
            _ => fault_at(start, What::of("expected {}", what)),
        }
    }

    // astring = 1*ASTRING-CHAR / string
    pub(super) fn astring(&mut self, what: &'static str) -> Result<Vec<u8>> {
        self.word_or_string(is_astring_char, what)
    }

    // list-mailbox = 1*list-char / string
    pub(super) fn list_mailbox(&mut self) -> Result<Vec<u8>> {
        self.list_mailbox_of("a mailbox pattern")
    }

    /// The same where it is no mailbox.
    pub(super) fn list_mailbox_of(&mut self, what: &'static str) -> Result<Vec<u8>> {
        self.word_or_string(is_list_char, what)
    }

    /// A language range: an astring, or `*` where no quotes are.
    pub(super) fn language_word(&mut self) -> Result<Vec<u8>> {
        self.word_or_string(is_list_char, "a language range")
    }

    fn word_or_string(&mut self, wanted: fn(u8) -> bool, what: &'static str) -> Result<Vec<u8>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(what),
            _ => Ok(self.word(wanted, what)?.as_bytes().to_vec()),
        }
    }

    // string = quoted / literal
    pub(super) fn string(&mut self, what: &'static str) -> Result<Vec<u8>> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal(),
            _ => self.expected(what),
        }
    }

    // quoted = DQUOTE *uQUOTED-CHAR DQUOTE
    pub(super) fn quoted(&mut self) -> Result<Vec<u8>> {
        let start = self.at;
        self.expect(b'"', "a quoted string")?;
        let mut text = Vec::new();
        loop {
            let rest = self.rest();
            let Some(end) = memchr::memchr2(b'"', b'\\', rest) else {
                return fault_at(start, "quoted string without its closing quote");
            };
            let plain = rest.get(..end).unwrap_or_default();
            if let Some(bad) = plain.iter().position(|b| matches!(b, b'\r' | b'\n' | 0)) {
                self.at += bad;
                return self.fault("quoted string with a line end or NUL");
            }
            text.extend_from_slice(plain);
            self.at += end;
            if self.eat(b'"') {
                // RFC 6855 §3, RFC 9051 §4.3.
                if core::str::from_utf8(&text).is_err() {
                    return fault_at(start, "quoted string with octets that are not UTF-8");
                }
                return Ok(text);
            }
            match rest.get(end + 1) {
                Some(&special @ (b'"' | b'\\')) => text.push(special),
                _ => {
                    return self.fault("backslash in a quoted string before neither '\"' nor '\\'");
                }
            }
            self.at += 2;
        }
    }

    // literal = "{" number64 ["+"] "}" CRLF *CHAR8
    fn literal(&mut self) -> Result<Vec<u8>> {
        let start = self.at;
        let octets = self.literal_octets(start)?;
        if memchr::memchr(0, octets).is_some() {
            return fault_at(start, "NUL in a literal");
        }
        Ok(octets.to_vec())
    }

    // literal8 = "~{" number64 ["+"] "}" CRLF *OCTET
    pub(super) fn literal8(&mut self) -> Result<Vec<u8>> {
        let start = self.at;
        self.expect(b'~', "a literal that begins with '~'")?;
        Ok(self.literal_octets(start)?.to_vec())
    }

    /// The octets of a literal that began at `start`, whatever they are.
    fn literal_octets(&mut self, start: usize) -> Result<&'a [u8]> {
        let size = self.literal_head()?;
        let octets = usize::try_from(size)
            .ok()
            .and_then(|size| self.rest().get(..size));
        let Some(octets) = octets else {
            return fault_at(start, "literal is not all there");
        };
        self.at += octets.len();
        Ok(octets)
    }

    /// `{n}` or `{n+}` with its line end.
    pub(super) fn literal_head(&mut self) -> Result<u64> {
        self.expect(b'{', "a literal")?;
        let size = self.number64("the size of a literal")?;
        self.eat(b'+');
        self.expect(b'}', "'}' after the size of a literal")?;
        self.eat(b'\r');
        self.expect(b'\n', "a line end after the size of a literal")?;
        Ok(size)
    }

    // number64 = 1*DIGIT, 63 bits
    pub(super) fn number64(&mut self, what: &'static str) -> Result<u64> {
        let start = self.at;
        let digits = self.take_while(|b| b.is_ascii_digit());
        if digits.is_empty() {
            return self.expected(what);
        }
        let number = digits.iter().try_fold(0i64, |n, digit| {
            n.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
        });
        match number.and_then(|n| u64::try_from(n).ok()) {
            Some(number) => Ok(number),
            None => fault_at(start, What::of("{} is too large", what)),
        }
    }

    // nz-number = digit-nz *DIGIT, 32 bits
    pub(super) fn nz_number(&mut self, what: &'static str) -> Result<NonZeroU32> {
        let start = self.at;
        let number = self.number64(what)?;
        match u32::try_from(number).ok().and_then(NonZeroU32::new) {
            Some(number) => Ok(number),
            None => fault_at(start, What::of("{} is not between 1 and 4294967295", what)),
        }
    }

    /// `"(" item *(SP item) ")"`; spaces within the parentheses are forgiven.
    pub(super) fn list<T>(
        &mut self,
        what: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        if !self.eat(b'(') {
            return self.fault(What::of("expected '(' before {}", what));
        }
        let mut items = Vec::new();
        loop {
            self.skip_spaces();
            if self.eat(b')') {
                return Ok(items);
            }
            items.push(item(self)?);
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return self.fault(What::of("expected a space or ')' in {}", what));
            }
        }
    }

    /// [`Cursor::list`], with at least one item.
    pub(super) fn list1<T>(
        &mut self,
        what: &'static str,
        item: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let start = self.at;
        let items = self.list(what, item)?;
        if items.is_empty() {
            return fault_at(start, What::of("nothing in the parentheses of {}", what));
        }
        Ok(items)
    }
}

pub(super) fn fault_at<T>(at: usize, what: impl Into<What>) -> Result<T> {
    Err(Fault {
        at,
        what: what.into(),
    })
}

/// ASCII upper case of a word.
pub(super) fn upper(word: &str) -> String {
    word.to_ascii_uppercase()
}
