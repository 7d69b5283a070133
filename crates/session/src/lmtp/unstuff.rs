//! The text of DATA: where it ends, and which dots were put in (RFC 5321 §4.5.2).
//!
//! Only `CRLF . CRLF` ends a message, and only a dot after CRLF was stuffed. A
//! bare LF or CR is an octet like any other: taking it for the end of a line is
//! how one message is smuggled inside another.

use memchr::memmem;

/// Finds the end of a message in octets that come in any pieces.
#[derive(Debug, Default)]
pub(super) struct Unstuff {
    at: At,
}

/// Where in a line the next octet stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum At {
    /// At the beginning of the text, or after CRLF.
    #[default]
    Start,
    /// After the dot that a line began with; the dot has been dropped.
    Dot,
    /// After such a dot and a CR, which is held back.
    DotCr,
    /// After a CR.
    Cr,
    /// Elsewhere.
    Middle,
}

/// What the next octets are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// Octets of the message.
    Text(&'a [u8]),
    /// The end of the message.
    End,
}

impl Unstuff {
    /// Takes octets off the front of `rest`, up to where something has to be left out.
    /// `None` when `rest` is used up.
    pub(super) fn next<'a>(&mut self, rest: &mut &'a [u8]) -> Option<Found<'a>> {
        loop {
            let (&first, after) = rest.split_first()?;
            match (self.at, first) {
                (At::Start, b'.') => (self.at, *rest) = (At::Dot, after),
                (At::Dot, b'\r') => (self.at, *rest) = (At::DotCr, after),
                (At::DotCr, b'\n') => {
                    (self.at, *rest) = (At::Start, after);
                    return Some(Found::End);
                }
                (At::DotCr, _) => {
                    self.at = At::Cr;
                    return Some(Found::Text(b"\r"));
                }
                (At::Cr, b'\n') => {
                    let (line_feed, after) = rest.split_at(1);
                    (self.at, *rest) = (At::Start, after);
                    return Some(Found::Text(line_feed));
                }
                (At::Start | At::Dot | At::Cr | At::Middle, _) => {
                    return Some(Found::Text(self.run(rest)));
                }
            }
        }
    }

    /// Whether the text ends here, as far as `rest` shows.
    pub(super) fn is_ended_by(&self, rest: &[u8]) -> bool {
        self.at == At::Start && rest.starts_with(b".\r\n")
    }

    /// The octets up to the next line that begins with a dot.
    fn run<'a>(&mut self, rest: &mut &'a [u8]) -> &'a [u8] {
        let length = memmem::find(rest, b"\r\n.").map_or(rest.len(), |at| at + 2);
        let (text, after) = rest.split_at(length);
        *rest = after;
        self.at = match text {
            [.., b'\r', b'\n'] => At::Start,
            [.., b'\r'] => At::Cr,
            _ => At::Middle,
        };
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message, and what follows its end.
    fn read(pieces: &[&[u8]]) -> (Vec<u8>, Option<Vec<u8>>) {
        let (mut unstuff, mut text, mut after) = (Unstuff::default(), Vec::new(), None);
        for mut rest in pieces.iter().copied() {
            if let Some(after) = &mut after {
                Vec::extend_from_slice(after, rest);
                continue;
            }
            while let Some(found) = unstuff.next(&mut rest) {
                match found {
                    Found::Text(more) => text.extend_from_slice(more),
                    Found::End => {
                        after = Some(rest.to_vec());
                        break;
                    }
                }
            }
        }
        (text, after)
    }

    #[test]
    fn only_crlf_dot_crlf_ends_a_message_however_it_is_split() {
        let cases: &[(&str, &str, Option<&str>)] = &[
            (".\r\n", "", Some("")),
            ("a\r\n.\r\nQUIT\r\n", "a\r\n", Some("QUIT\r\n")),
            ("\r\n.\r\n", "\r\n", Some("")),
            ("..a\r\n...\r\n.\r\n", ".a\r\n..\r\n", Some("")),
            (".a\r\n.\r\n", "a\r\n", Some("")),
            ("a\n.\nb\r\n.\r\n", "a\n.\nb\r\n", Some("")),
            ("a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n", Some("")),
            ("a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n", Some("")),
            ("a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n", Some("")),
            ("a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n", Some("")),
            ("a\r\n.\r\r\n.\r\n", "a\r\n\r\r\n", Some("")),
            ("a\r\r\n.\r\n", "a\r\r\n", Some("")),
            ("a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n", Some("")),
            ("a\r\n\r\n..\r\n.\r\n.\r\n", "a\r\n\r\n.\r\n", Some(".\r\n")),
            ("a\r\n.", "a\r\n", None),
            ("a\r\n.\r", "a\r\n", None),
        ];
        for (wire, text, after) in cases {
            let expected = (
                text.as_bytes().to_vec(),
                after.map(|a| a.as_bytes().to_vec()),
            );
            let wire = wire.as_bytes();
            assert_eq!(read(&[wire]), expected, "{wire:?} whole");
            let octets: Vec<&[u8]> = wire.chunks(1).collect();
            assert_eq!(read(&octets), expected, "{wire:?} by octet");
            for at in 0..wire.len() {
                let (a, b) = wire.split_at(at);
                assert_eq!(read(&[a, b]), expected, "{wire:?} split at {at}");
            }
        }
    }

    #[test]
    fn an_end_that_is_there_is_seen_with_the_text_before_it() {
        for (wire, ended) in [
            ("a\r\n.\r\nQUIT\r\n", true),
            ("a\r\n.\r", false),
            ("a\r\n..\r\n", false),
            ("a\n.\r\n", false),
        ] {
            let (mut unstuff, mut rest) = (Unstuff::default(), wire.as_bytes());
            assert!(matches!(unstuff.next(&mut rest), Some(Found::Text(_))));
            assert_eq!(unstuff.is_ended_by(rest), ended, "{wire:?}");
        }
    }
}
