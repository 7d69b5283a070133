//! What the grammars of structured header fields share (RFC 5322 §3.2, RFC
//! 2045 §5.1): comments, white space, quoted strings, tokens.

use alloc::vec::Vec;

/// A place in an unfolded field value.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn bump(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Takes this octet if it is next.
    pub(crate) fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.bump();
        }
        found
    }

    /// Skips white space and comments; gives the last comment's content, where
    /// old mail has the sender's name. A comment that never ends is none.
    pub(crate) fn skip_cfws(&mut self) -> Option<Vec<u8>> {
        let mut last = None;
        loop {
            match self.peek() {
                Some(b' ' | b'\t' | b'\r' | b'\n' | 0) => {
                    self.bump();
                }
                Some(b'(') => last = Some(self.comment()),
                _ => return last,
            }
        }
    }

    /// At `(`. Nesting is counted, not recursed into.
    fn comment(&mut self) -> Vec<u8> {
        self.bump();
        let mut text = Vec::new();
        let mut depth = 1usize;
        while let Some(byte) = self.bump() {
            match byte {
                b'(' => depth += 1,
                b')' if depth == 1 => break,
                b')' => depth -= 1,
                b'\\' => {
                    text.extend(self.bump());
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    /// At `"`: the content, with backslashes resolved. One that never ends
    /// ends with the field.
    pub(crate) fn quoted_string(&mut self) -> Vec<u8> {
        self.bump();
        let mut text = Vec::new();
        while let Some(byte) = self.bump() {
            match byte {
                b'"' => break,
                b'\\' => text.extend(self.bump()),
                _ => text.push(byte),
            }
        }
        text
    }

    /// The longest run of octets of a kind; may be empty.
    pub(crate) fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let len = self.rest.iter().take_while(|b| belongs(**b)).count();
        let (run, rest) = self.rest.split_at(len);
        self.rest = rest;
        run
    }
}
