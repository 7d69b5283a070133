//! The header fields of an mbox that are no part of the message.

use std::fmt::Write as _;

use crate::letter::Marks;

/// Their names, in lower case.
const NAMES: [&[u8]; 6] = [
    b"status",
    b"x-status",
    b"x-keywords",
    b"x-uid",
    b"x-imap",
    b"x-imapbase",
];

/// Whether a line begins one, or says how long the body is.
pub(super) fn is_internal(line: &[u8]) -> bool {
    name(line).is_some_and(|name| {
        let known = |known: &[u8]| name.eq_ignore_ascii_case(known);
        known(b"content-length") || NAMES.iter().any(|name| known(name))
    })
}

/// The name of the field that a line begins.
pub(super) fn name(line: &[u8]) -> Option<&[u8]> {
    let at = line.iter().position(|octet| *octet == b':')?;
    Some(line.get(..at)?.trim_ascii_end()).filter(|name| !name.is_empty() && !name.contains(&b' '))
}

/// What the fields of a message say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) marks: Marks,
    pub(super) uid: Option<u32>,
    /// Octets of the body.
    pub(super) content_length: Option<u64>,
    /// Of the mailbox: UIDVALIDITY and the last UID.
    pub(super) base: Option<(u32, u32)>,
    /// It is no message, but a place for what is said of the mailbox.
    pub(super) pseudo: bool,
}

impl Fields {
    /// Takes in a whole field. `true`: it is no part of the message.
    pub(super) fn field(&mut self, field: &[u8]) -> bool {
        let Some(name) = name(field).map(<[u8]>::to_ascii_lowercase) else {
            return false;
        };
        let at = field.iter().position(|octet| *octet == b':').unwrap_or(0);
        let value = String::from_utf8_lossy(field.get(at + 1..).unwrap_or_default());
        let mut words = value.split_whitespace();
        match name.as_slice() {
            b"status" | b"x-status" => value.chars().for_each(|letter| self.letter(letter)),
            b"x-keywords" => words.for_each(|keyword| self.marks.add(keyword)),
            b"x-uid" => self.uid = value.trim().parse().ok().filter(|uid| *uid > 0),
            b"x-imap" | b"x-imapbase" => {
                let (validity, last) = (words.next(), words.next());
                let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
                self.base = number(validity).zip(number(last));
                self.pseudo |= name == b"x-imap";
            }
            b"content-length" => {
                self.content_length = value.trim().parse().ok();
                return false;
            }
            _ => return false,
        }
        true
    }

    fn letter(&mut self, letter: char) {
        let marks = &mut self.marks;
        match letter {
            'R' => marks.seen = true,
            'D' => marks.deleted = true,
            'F' => marks.flagged = true,
            'A' => marks.answered = true,
            'T' => marks.draft = true,
            _ => {}
        }
    }
}

/// The fields for a message, as lines with LF.
pub(super) fn lines(marks: &Marks, uid: Option<u32>) -> String {
    let letters = |letters: [(bool, char); 4]| {
        let set = letters
            .into_iter()
            .filter_map(|(set, letter)| set.then_some(letter));
        set.collect::<String>()
    };
    let mut text = format!("Status: {}O\n", if marks.seen { "R" } else { "" });
    let set = letters([
        (marks.deleted, 'D'),
        (marks.flagged, 'F'),
        (marks.answered, 'A'),
        (marks.draft, 'T'),
    ]);
    // Writing to a string does not fail.
    if !set.is_empty() {
        let _ = writeln!(text, "X-Status: {set}");
    }
    if !marks.keywords.is_empty() {
        let _ = writeln!(text, "X-Keywords: {}", marks.keywords.join(" "));
    }
    if let Some(uid) = uid {
        let _ = writeln!(text, "X-UID: {uid}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_there_and_back() {
        for bits in 0..32_u8 {
            let bit = |n: u8| bits & (1 << n) != 0;
            let marks = Marks {
                answered: bit(0),
                flagged: bit(1),
                deleted: bit(2),
                seen: bit(3),
                draft: bit(4),
                keywords: vec!["$Work".to_owned(), "Later".to_owned()],
            };
            let mut fields = Fields::default();
            for line in lines(&marks, Some(77)).split_inclusive('\n') {
                assert!(is_internal(line.as_bytes()));
                assert!(fields.field(line.as_bytes()), "{line}");
            }
            assert_eq!((fields.marks, fields.uid), (marks, Some(77)));
        }
    }

    #[test]
    fn what_is_said_of_a_mailbox() {
        let mut fields = Fields::default();
        assert!(fields.field(b"X-IMAPbase: 1795457028 3 $Work Later\n"));
        assert_eq!(
            (fields.base, fields.pseudo),
            (Some((1_795_457_028, 3)), false)
        );
        assert!(fields.field(b"X-IMAP: 1795457048 0000000007\n"));
        assert_eq!(
            (fields.base, fields.pseudo),
            (Some((1_795_457_048, 7)), true)
        );
        assert!(!fields.field(b"Content-Length: 23\n"));
        assert_eq!(fields.content_length, Some(23));
        assert!(!fields.field(b"Subject: x\n") && !fields.field(b"nothing") && !fields.field(b":"));
    }
}
