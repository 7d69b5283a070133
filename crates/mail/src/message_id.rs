//! Message identifiers as THREAD compares them (RFC 5256 §3, RFC 5322 §3.6.4).

use alloc::vec::Vec;

use crate::lex::Cursor;

/// The valid identifiers of a field's unfolded value, in their order, without brackets and
/// normalized: `<"a"@b>` and `<a@b>` are the same.
///
/// What stands around them (words, addresses without brackets, comments) is passed over.
#[must_use]
pub fn identifiers(value: &[u8]) -> Identifiers<'_> {
    Identifiers {
        at: Cursor::new(value),
        plain: false,
    }
}

/// See [`identifiers`].
#[derive(Debug, Clone)]
pub struct Identifiers<'a> {
    at: Cursor<'a>,
    /// A comment or a quoted string never ended: from then on they are no such thing, or a
    /// stray quote would hide what follows it.
    plain: bool,
}

impl Iterator for Identifiers<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.at.peek()? {
                b'<' => {
                    self.at.bump();
                    if let Some(identifier) = identifier(&mut self.at) {
                        return Some(identifier);
                    }
                }
                b'(' | b'"' if !self.plain => self.skip(),
                _ => {
                    self.at.bump();
                }
            }
        }
    }
}

impl Identifiers<'_> {
    /// At a comment or quoted string: past it, if it ends.
    fn skip(&mut self) {
        let mut ahead = self.at.clone();
        let mut depth = 0_usize;
        let mut quoted = false;
        while let Some(octet) = ahead.bump() {
            match octet {
                b'\\' => drop(ahead.bump()),
                b'"' if depth == 0 => quoted = !quoted,
                b'(' if !quoted => depth += 1,
                b')' if !quoted => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && !quoted {
                self.at = ahead;
                return;
            }
        }
        self.plain = true;
    }
}

/// After `<`: up to `>`, if that makes an identifier. Stops at a `<`, where another may begin.
// msg-id = "<" id-left "@" id-right ">"
fn identifier(at: &mut Cursor<'_>) -> Option<Vec<u8>> {
    let mut identifier = Vec::new();
    // Where the right side begins: after the last `@` that is not quoted.
    let mut right = None;
    loop {
        match at.peek()? {
            b'>' => {
                at.bump();
                let right = right.filter(|right| (2..identifier.len()).contains(right));
                return right.map(|_| identifier);
            }
            b'<' => return None,
            b'"' => identifier.extend(at.quoted_string()),
            b' ' | b'\t' => {
                at.bump();
            }
            b'[' if right == Some(identifier.len()) => literal(at, &mut identifier),
            octet => {
                at.bump();
                identifier.push(octet);
                if octet == b'@' {
                    right = Some(identifier.len());
                }
            }
        }
    }
}

/// At `[`: up to and with `]`, quoted pairs resolved.
// no-fold-literal = "[" *dtext "]"
fn literal(at: &mut Cursor<'_>, into: &mut Vec<u8>) {
    while let Some(octet) = at.bump() {
        match octet {
            b'\\' => into.extend(at.bump()),
            octet => into.push(octet),
        }
        if octet == b']' {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn identifiers_are_found_and_normalized() {
        for (value, expected) in [
            ("", &[][..]),
            ("<a@b>", &["a@b"]),
            ("<a@b><c@d>\t<e@f>", &["a@b", "c@d", "e@f"]),
            // RFC 5256 §3, the example.
            (
                "<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>",
                &["01KF8JCEOCBS0045PS@xxx.yyy.com"],
            ),
            (
                "<01KF8JCEOCBS0045PS@xxx.yyy.com>",
                &["01KF8JCEOCBS0045PS@xxx.yyy.com"],
            ),
            ("<\"a\\\"b\\c\".d@e>", &["a\"bc.d@e"]),
            ("<\"a@b\"@c>", &["a@b@c"]),
            ("<a@[1.2\\.3]>", &["a@[1.2.3]"]),
            ("<a@[x>y]>", &["a@[x>y]"]),
            // Folded within, as some do with long ones.
            ("<a\t b@c>", &["ab@c"]),
            ("<A@b> <a@B>", &["A@b", "a@B"]),
            // Not valid.
            ("<a>", &[]),
            ("<@b> <a@>", &[]),
            ("a@b", &[]),
            ("<a@b", &[]),
            ("<a <b@c>", &["b@c"]),
            // What old mailers put into In-Reply-To.
            ("Your message of \"Mon, <x@y>\" (was <z@y>) <a@b>", &["a@b"]),
            ("<a@b> Joe <joe@example.test>", &["a@b", "joe@example.test"]),
            ("Joe's \"message <a@b>", &["a@b"]),
            (":-( <a@b> (<c@d>", &["a@b", "c@d"]),
        ] {
            let found = identifiers(value.as_bytes()).map(|id| String::from_utf8(id).unwrap());
            assert_eq!(found.collect::<Vec<_>>(), expected, "{value}");
        }
    }

    #[test]
    fn a_hostile_value_is_read_once_or_twice() {
        let brackets = "<(\"[".repeat(100_000);
        assert_eq!(identifiers(brackets.as_bytes()).count(), 0);
        let open = "(".repeat(500_000);
        assert_eq!(identifiers(open.as_bytes()).count(), 0);
        let quotes = "<a\"".repeat(200_001);
        assert_eq!(identifiers(quotes.as_bytes()).count(), 0);
    }
}
