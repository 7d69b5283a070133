//! Address lists (RFC 5322 §3.4, §4.4): what ENVELOPE needs of them.
//!
//! Never fails: what is no address becomes one with a name, or without a host.
//! Encoded words stay as they are, for the client to decode.

use alloc::vec::Vec;

use crate::{
    lex::Cursor,
    wire::{capped, nstring},
};

/// Addresses of one field that are taken; more can be read in the header.
/// Some lists have hundreds of recipients, none thousands.
pub const ADDRESSES_MAX: usize = 4_096;

/// Octets of a name, route, mailbox or host that are taken: no real one comes near.
const TEXT_BYTES_MAX: usize = 2_048;

/// What stands for the host of an address that has none: NIL would make it a
/// group (RFC 9051 §7.5.2), and clients take the empty string for NIL.
/// RFC 2606 §2 keeps this domain from ever existing.
pub const HOST_MISSING: &[u8] = b"missing-host.invalid";

/// An element of an address list, in the form of IMAP's address structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// One mailbox.
    Mailbox {
        /// The display name, or the comment that stands for it.
        name: Option<Vec<u8>>,
        /// The source route, `@a,@b`.
        route: Option<Vec<u8>>,
        /// The local part, unquoted.
        local: Vec<u8>,
        /// The domain, or [`HOST_MISSING`].
        host: Vec<u8>,
    },
    /// What follows up to [`Address::GroupEnd`] is in the group of this name.
    GroupStart(Vec<u8>),
    /// The group ends.
    GroupEnd,
}

/// Reads the unfolded value of an address field.
#[must_use]
pub fn parse(value: &[u8]) -> Vec<Address> {
    let mut parser = Parser {
        at: Cursor::new(value),
        list: Vec::new(),
        in_group: false,
    };
    while parser.list.len() < ADDRESSES_MAX && parser.at.peek().is_some() {
        parser.element();
    }
    parser.end_group();
    parser.list
}

/// The first element of an address field's unfolded value, without reading the others.
#[must_use]
pub fn first(value: &[u8]) -> Option<Address> {
    let mut parser = Parser {
        at: Cursor::new(value),
        list: Vec::new(),
        in_group: false,
    };
    while parser.list.is_empty() && parser.at.peek().is_some() {
        parser.element();
    }
    parser.list.into_iter().next()
}

/// Appends an address list as IMAP sends it: `(…)`, or `NIL` for none.
pub(crate) fn write(out: &mut Vec<u8>, list: &[Address]) {
    if list.is_empty() {
        out.extend_from_slice(b"NIL");
        return;
    }
    out.push(b'(');
    for address in list {
        match address {
            Address::Mailbox {
                name,
                route,
                local,
                host,
            } => structure(
                out,
                [name.as_deref(), route.as_deref(), Some(local), Some(host)],
            ),
            Address::GroupStart(name) => structure(out, [None, None, Some(name), None]),
            Address::GroupEnd => structure(out, [None; 4]),
        }
    }
    out.push(b')');
}

fn structure(out: &mut Vec<u8>, members: [Option<&[u8]>; 4]) {
    out.push(b'(');
    for (index, member) in members.into_iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        nstring(out, member);
    }
    out.push(b')');
}

struct Parser<'a> {
    at: Cursor<'a>,
    list: Vec<Address>,
    in_group: bool,
}

/// Words read so far, of which it is not yet known whether they are a display
/// name, a group's name, or a local part.
#[derive(Default)]
struct Words {
    text: Vec<u8>,
    count: usize,
}

impl Words {
    fn push(&mut self, word: &[u8], spaced: bool) {
        if spaced && !self.text.is_empty() {
            self.text.push(b' ');
        }
        if self.text.len() < TEXT_BYTES_MAX {
            self.text.extend_from_slice(word);
        }
        self.count += usize::from(spaced || self.count == 0);
    }
}

impl<'a> Parser<'a> {
    /// One mailbox, one group's start or end, or one separator.
    fn element(&mut self) {
        let mut words = Words::default();
        let mut comment = self.at.skip_cfws();
        let mut spaced = true;
        loop {
            match self.at.peek() {
                Some(b',') => {
                    self.at.bump();
                    break;
                }
                None | Some(b';') => break,
                Some(b'<') => {
                    self.angle(words, comment);
                    return;
                }
                Some(b':') if !self.in_group && words.count > 0 => {
                    self.at.bump();
                    self.list.push(Address::GroupStart(cap(words.text)));
                    self.in_group = true;
                    return;
                }
                Some(b'@') => {
                    self.at.bump();
                    self.bare(words, comment);
                    return;
                }
                Some(b'"') => words.push(&self.at.quoted_string(), spaced),
                Some(_) => words.push(self.atom(), spaced),
            }
            let before = self.at.rest.len();
            let found = self.at.skip_cfws();
            spaced = self.at.rest.len() < before;
            comment = found.or(comment);
        }
        self.alone(words, comment);
        if self.at.eat(b';') {
            self.end_group();
        }
    }

    fn end_group(&mut self) {
        if self.in_group {
            self.list.push(Address::GroupEnd);
            self.in_group = false;
        }
    }

    /// An atom, dots included (RFC 5322 §4.4 lets a phrase have them); a
    /// special that has no meaning here is one by itself.
    fn atom(&mut self) -> &'a [u8] {
        let atom = self.at.run(is_atom);
        if !atom.is_empty() {
            return atom;
        }
        let (special, rest) = self.at.rest.split_at(self.at.rest.len().min(1));
        self.at.rest = rest;
        special
    }

    /// At `<`: route, local part and host, up to `>`.
    fn angle(&mut self, words: Words, comment: Option<Vec<u8>>) {
        self.at.bump();
        self.at.skip_cfws();
        let route = self.route();
        let mut local = Vec::new();
        let mut host = Vec::new();
        loop {
            self.at.skip_cfws();
            match self.at.peek() {
                // A missing `>` must not swallow the addresses that follow.
                None | Some(b',' | b';') => break,
                Some(b'>') => {
                    self.at.bump();
                    break;
                }
                Some(b'@') => {
                    self.at.bump();
                    host = self.domain().0;
                }
                Some(b'"') => local.extend(self.at.quoted_string()),
                Some(_) => {
                    local.extend_from_slice(self.atom());
                }
            }
        }
        let name = if words.count > 0 {
            Some(words.text)
        } else {
            comment
        };
        self.push_mailbox(name, route, local, host);
        self.skip_to_separator();
    }

    /// `@a,@b:` (RFC 5322 §4.4), if it is there.
    fn route(&mut self) -> Option<Vec<u8>> {
        if self.at.peek() != Some(b'@') {
            return None;
        }
        let mut route = Vec::new();
        let mut ahead = self.at.clone();
        loop {
            ahead.skip_cfws();
            match ahead.bump()? {
                b':' => break,
                b'>' | b'<' | b';' | b'"' => return None,
                byte => route.push(byte),
            }
        }
        self.at = ahead;
        Some(route)
    }

    /// After `local@`.
    fn bare(&mut self, words: Words, comment: Option<Vec<u8>>) {
        let (host, trailing) = self.domain();
        self.push_mailbox(trailing.or(comment), None, words.text, host);
        self.skip_to_separator();
    }

    /// A domain or domain literal, and the comment after it.
    fn domain(&mut self) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut host = Vec::new();
        loop {
            let comment = self.at.skip_cfws();
            let part = match self.at.peek() {
                Some(b'[') => {
                    let literal = self.at.run(|b| !matches!(b, b']' | b'>' | b','));
                    host.extend_from_slice(literal);
                    if self.at.eat(b']') {
                        host.push(b']');
                    }
                    return (host, self.at.skip_cfws());
                }
                _ => self.at.run(is_atom),
            };
            // Two atoms without a dot between them are not one domain.
            if part.is_empty()
                || !(host.is_empty() || host.ends_with(b".") || part.starts_with(b"."))
            {
                return (host, comment);
            }
            host.extend_from_slice(part);
        }
    }

    /// Words with no address: one is a local part, several are a name.
    fn alone(&mut self, words: Words, comment: Option<Vec<u8>>) {
        match words.count {
            0 => {}
            1 => self.push_mailbox(comment, None, words.text, Vec::new()),
            _ => self.push_mailbox(Some(words.text), None, Vec::new(), Vec::new()),
        }
    }

    fn push_mailbox(
        &mut self,
        name: Option<Vec<u8>>,
        route: Option<Vec<u8>>,
        local: Vec<u8>,
        host: Vec<u8>,
    ) {
        let host = if host.is_empty() {
            HOST_MISSING.to_vec()
        } else {
            host
        };
        self.list.push(Address::Mailbox {
            name: name.map(cap).filter(|name| !name.is_empty()),
            route: route.map(cap),
            local: cap(local),
            host: cap(host),
        });
    }

    /// Past the comma after an address; a group's end is seen to.
    fn skip_to_separator(&mut self) {
        loop {
            self.at.skip_cfws();
            match self.at.peek() {
                Some(b',') => {
                    self.at.bump();
                    return;
                }
                Some(b';') => {
                    self.at.bump();
                    self.end_group();
                    return;
                }
                // A separator is missing, yet an address begins.
                None | Some(b'<' | b'"') => return,
                Some(_) => {
                    self.at.bump();
                }
            }
        }
    }
}

/// Neither special (RFC 5322 §3.2.3), white space, nor NUL; the dot is one.
fn is_atom(byte: u8) -> bool {
    !matches!(
        byte,
        0..=b' '
            | 0x7F
            | b'('
            | b')'
            | b'<'
            | b'>'
            | b'['
            | b']'
            | b':'
            | b';'
            | b'@'
            | b'\\'
            | b','
            | b'"'
    )
}

fn cap(text: Vec<u8>) -> Vec<u8> {
    if text.len() <= TEXT_BYTES_MAX {
        return text;
    }
    capped(&text, TEXT_BYTES_MAX).to_vec()
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    fn check(value: &str, expected: &str) {
        assert_eq!(
            first(value.as_bytes()),
            parse(value.as_bytes()).into_iter().next()
        );
        let mut out = Vec::new();
        write(&mut out, &parse(value.as_bytes()));
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{value}");
    }

    #[test]
    fn addresses_become_structures() {
        for (value, expected) in [
            ("", "NIL"),
            ("a@b", r#"((NIL NIL "a" "b"))"#),
            ("A B <a@b>", r#"(("A B" NIL "a" "b"))"#),
            (
                r#""A, \"B\"" <a@b>, c@d"#,
                r#"(("A, \"B\"" NIL "a" "b")(NIL NIL "c" "d"))"#,
            ),
            ("a@b (A (nested) B)", r#"(("A (nested) B" NIL "a" "b"))"#),
            ("<@x,@y:a@b>", r#"((NIL "@x,@y" "a" "b"))"#),
            (r#""a b"@c.d"#, r#"((NIL NIL "a b" "c.d"))"#),
            ("a . b @ c . d", r#"((NIL NIL "a . b" "c.d"))"#),
            ("J. R. Doe <j@x.[1]>", r#"(("J. R. Doe" NIL "j" "x.[1]"))"#),
            ("a@[127.0.0.1]", r#"((NIL NIL "a" "[127.0.0.1]"))"#),
            (
                "=?utf-8?Q?J=C3=B6?= <a@b>",
                r#"(("=?utf-8?Q?J=C3=B6?=" NIL "a" "b"))"#,
            ),
        ] {
            check(value, expected);
        }
    }

    #[test]
    fn groups_have_marks() {
        for (value, expected) in [
            ("g:;", r#"((NIL NIL "g" NIL)(NIL NIL NIL NIL))"#),
            (
                "My g: a@b, C <c@d>; e@f",
                r#"((NIL NIL "My g" NIL)(NIL NIL "a" "b")("C" NIL "c" "d")(NIL NIL NIL NIL)(NIL NIL "e" "f"))"#,
            ),
            (
                "g: a@b",
                r#"((NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))"#,
            ),
            (
                "undisclosed-recipients:;",
                r#"((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))"#,
            ),
        ] {
            check(value, expected);
        }
    }

    #[test]
    fn the_broken_have_no_group_marks() {
        for (value, expected) in [
            ("root", r#"((NIL NIL "root" "missing-host.invalid"))"#),
            (
                "John Doe",
                r#"(("John Doe" NIL "" "missing-host.invalid"))"#,
            ),
            ("<>", r#"((NIL NIL "" "missing-host.invalid"))"#),
            (",,a@b,,", r#"((NIL NIL "a" "b"))"#),
            ("A <a@b, c@d", r#"(("A" NIL "a" "b")(NIL NIL "c" "d"))"#),
            ("A <a@b> B <c@d>", r#"(("A" NIL "a" "b")(NIL NIL "c" "d"))"#),
            (
                r#""unterminated <a@b>"#,
                r#"((NIL NIL "unterminated <a@b>" "missing-host.invalid"))"#,
            ),
            (";", "NIL"),
            ("@", r#"((NIL NIL "" "missing-host.invalid"))"#),
        ] {
            check(value, expected);
        }
    }

    #[test]
    fn the_number_is_bounded() {
        assert!(parse("a,".repeat(ADDRESSES_MAX * 2).as_bytes()).len() <= ADDRESSES_MAX + 1);
    }
}
