//! The base subject (RFC 5256 §2.1).

use alloc::string::String;

use crate::encoded_word::{self, Exactly};

/// What SORT and THREAD take of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The base subject, which is compared.
    pub base: Exactly,
    /// Something was removed that marks a reply or a forwarded message (RFC 5256 §3,
    /// REFERENCES).
    pub is_reply: bool,
}

/// Reads the value of a `Subject` field.
#[must_use]
pub fn read(value: &[u8]) -> Subject {
    match encoded_word::decode_exactly(value) {
        Exactly::Text(text) => {
            let text = spaced(&text);
            let stripped = strip(&text);
            Subject {
                base: Exactly::Text(stripped.rest.into()),
                is_reply: stripped.is_reply,
            }
        }
        Exactly::Octets(octets) => {
            // What is removed is ASCII, so any charset will do that keeps the octets apart.
            let text: String = octets.iter().map(|octet| char::from(*octet)).collect();
            let text = spaced(&text);
            let stripped = strip(&text);
            let octets = stripped
                .rest
                .chars()
                .map(|c| u8::try_from(c).unwrap_or(b'?'));
            Subject {
                base: Exactly::Octets(octets.collect()),
                is_reply: stripped.is_reply,
            }
        }
    }
}

/// The base subject of an unfolded `Subject` value: what is left without
/// `Re:`, `Fwd:`, `[list]` and their like, in UTF-8.
#[must_use]
pub fn base(subject: &[u8]) -> String {
    let text = spaced(&encoded_word::decode(subject));
    String::from(strip(&text).rest)
}

/// (1): white space becomes single spaces.
fn spaced(decoded: &str) -> String {
    let mut text = String::with_capacity(decoded.len());
    for word in decoded
        .split([' ', '\t', '\r', '\n'])
        .filter(|w| !w.is_empty())
    {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// A subject, with its artifacts coming off.
struct Stripped<'a> {
    rest: &'a str,
    is_reply: bool,
}

/// Steps (2) to (6).
fn strip(text: &str) -> Stripped<'_> {
    let mut stripped = Stripped {
        rest: text,
        is_reply: false,
    };
    loop {
        stripped.trailers();
        stripped.leaders();
        if !stripped.forward() {
            return stripped;
        }
    }
}

impl Stripped<'_> {
    /// (2): `subj-trailer = "(fwd)" / WSP`.
    fn trailers(&mut self) {
        self.rest = self.rest.trim_matches(' ');
        while let Some(shorter) = strip_suffix_ignore_case(self.rest, "(fwd)") {
            self.rest = shorter.trim_end_matches(' ');
            self.is_reply = true;
        }
    }

    /// (3) to (5): `subj-leader`, and a `subj-blob` that leaves something.
    fn leaders(&mut self) {
        self.rest = self.rest.trim_start_matches(' ');
        loop {
            match (leader(self.rest), blob(self.rest)) {
                (Some(shorter), _) => {
                    self.rest = shorter.trim_start_matches(' ');
                    self.is_reply = true;
                }
                (None, Some(shorter)) if !shorter.is_empty() => self.rest = shorter,
                _ => return,
            }
        }
    }

    /// (6): `[fwd: … ]`.
    fn forward(&mut self) -> bool {
        let inner = strip_prefix_ignore_case(self.rest, "[fwd:");
        let inner = inner.and_then(|inner| inner.strip_suffix(']'));
        if let Some(inner) = inner {
            self.rest = inner;
            self.is_reply = true;
        }
        inner.is_some()
    }
}

/// `*subj-blob subj-refwd`. Blobs before what is no refwd are looked at once
/// here, and dropped by the caller one by one: the limit on them keeps that linear.
fn leader(text: &str) -> Option<&str> {
    const BLOBS_MAX: usize = 16;
    let mut rest = text;
    for _ in 0..BLOBS_MAX {
        match blob(rest) {
            Some(shorter) => rest = shorter,
            None => break,
        }
    }
    refwd(rest)
}

/// `("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`.
fn refwd(text: &str) -> Option<&str> {
    let rest = ["re", "fwd", "fw"]
        .iter()
        .find_map(|word| strip_prefix_ignore_case(text, word))?
        .trim_start_matches(' ');
    blob(rest).unwrap_or(rest).strip_prefix(':')
}

/// `"[" *BLOBCHAR "]" *WSP`.
fn blob(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']'])?;
    let rest = inner.get(end..)?.strip_prefix(']')?;
    Some(rest.trim_start_matches(' '))
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn strip_suffix_ignore_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (rest, tail) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn artifacts_are_removed() {
        for (subject, expected, is_reply) in [
            ("", "", false),
            ("hello", "hello", false),
            (" hello\t ", "hello", false),
            // (1)
            ("a\t b\r\n c", "a b c", false),
            ("=?utf-8?q?Re:_J=C3=B6rg?=", "J\u{f6}rg", true),
            ("=?utf-8?q?Re?=: x", "x", true),
            ("re:=?utf-8?q?_=5Blist=5D_x?=", "x", true),
            // subj-refwd
            ("Re: hello", "hello", true),
            ("RE:hello", "hello", true),
            ("Fw: hello", "hello", true),
            ("FWD :hello", "hello", true),
            ("re \t : hello", "hello", true),
            ("Re[2]: hello", "hello", true),
            ("Re [a b] : hello", "hello", true),
            ("Re[2][3]: hello", "Re[2][3]: hello", false),
            ("RE:  Fwd : fw:hello (fwd) (FWD) ", "hello", true),
            ("Re: ", "", true),
            ("Re", "Re", false),
            ("Ree: hello", "Ree: hello", false),
            ("regards", "regards", false),
            ("Fwdd: hello", "Fwdd: hello", false),
            ("Antw: hello", "Antw: hello", false),
            ("hello Re: world", "hello Re: world", false),
            (":hello", ":hello", false),
            // subj-leader and subj-blob
            ("[list] Re: [list] hello", "hello", true),
            ("[a] [b]Re:[c] fw: hello", "hello", true),
            ("[a][b] hello", "hello", false),
            ("[] hello", "hello", false),
            ("[only]", "[only]", false),
            ("[a][only]", "[only]", false),
            ("[a] [only] (fwd)", "[only]", true),
            ("Re: [only]", "[only]", true),
            ("[unclosed hello", "[unclosed hello", false),
            ("[a[b] hello", "[a[b] hello", false),
            ("[a]] hello", "] hello", false),
            ("hello [tag]", "hello [tag]", false),
            // subj-trailer
            ("hello(fwd)", "hello", true),
            ("hello (Fwd) (fWd)", "hello", true),
            ("(fwd)", "", true),
            ("hello (fwd) x", "hello (fwd) x", false),
            ("hello (fw)", "hello (fw)", false),
            // subj-fwd
            ("[fwd: hello]", "hello", true),
            ("[Fwd:hello]", "hello", true),
            ("[fwd: Re: hello]", "hello", true),
            ("[fwd: [list] hello]", "hello", true),
            ("[fwd: [fwd: hello (fwd)]] (fwd)", "hello", true),
            ("Re: [fwd: hello]", "hello", true),
            ("[fwd: hello] x", "x", false),
            ("[fwd: hello", "[fwd: hello", false),
            ("[fwd:]", "", true),
            ("[fwd: [a]]", "[a]", true),
            ("fwd: [fwd: x", "[fwd: x", true),
            // Not ASCII.
            ("Re: \u{65e5}\u{672c} (fwd)", "\u{65e5}\u{672c}", true),
            ("[\u{e9}] \u{e9}", "\u{e9}", false),
        ] {
            assert_eq!(base(subject.as_bytes()), expected, "{subject}");
            let read = read(subject.as_bytes());
            assert_eq!(read.base, Exactly::Text(expected.into()), "{subject}");
            assert_eq!(read.is_reply, is_reply, "{subject}");
        }
    }

    #[test]
    fn artifacts_come_off_what_is_no_text() {
        let subject = read(b"Re: [x\xff] \xfc a  b (fwd)");
        assert_eq!(subject.base, Exactly::Octets(b"\xfc a b".to_vec()));
        assert!(subject.is_reply);
        assert_eq!(base(b"Re: \xfcber"), "\u{fc}ber");
    }

    #[test]
    fn many_blobs_are_one_after_the_other() {
        let blobs = "[a]".repeat(50_000);
        assert_eq!(base((blobs.clone() + "re: x").as_bytes()), "x");
        assert_eq!(base(blobs.as_bytes()), "[a]");
    }
}
