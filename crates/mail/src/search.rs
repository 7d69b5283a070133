//! Substrings without regard to case, as SEARCH compares (RFC 9051 §6.4.4).

use alloc::string::String;

use memchr::memmem;

use crate::collation::Collation;

/// Appends the text folded, so that texts which mean the same become the same:
/// the key of `i;unicode-casemap` (RFC 5051), which is compared by as long as nobody
/// asks for anything else.
pub fn fold(text: &str, out: &mut String) {
    Collation::UnicodeCasemap.fold(text, out);
}

/// A number that is another whenever [`fold`] is: what was derived from folded text is then of
/// no use. Folds every character for it, some milliseconds.
#[must_use]
pub fn fingerprint() -> u64 {
    let mut folded = String::new();
    // FNV-1a.
    let mut print = 0xcbf2_9ce4_8422_2325_u64;
    for first in (0..=u32::from(char::MAX)).step_by(0x100) {
        folded.clear();
        for c in (first..first + 0x100).filter_map(char::from_u32) {
            fold(c.encode_utf8(&mut [0; 4]), &mut folded);
            folded.push('\0');
        }
        for octet in folded.bytes() {
            print = (print ^ u64::from(octet)).wrapping_mul(0x100_0000_01b3);
        }
    }
    print
}

/// Looks for a text within another that comes in pieces.
#[derive(Debug)]
pub struct Matcher {
    collation: Collation,
    needle: memmem::Finder<'static>,
    /// The end of what came before, folded: one octet less than the needle, or a few more.
    window: String,
    found: bool,
}

impl Matcher {
    /// Looks for this text, as [`fold`] compares; the empty one is everywhere.
    #[must_use]
    pub fn new(needle: &str) -> Self {
        Self::under(Collation::default(), needle)
    }

    /// Looks for this text as a collation compares.
    #[must_use]
    pub fn under(collation: Collation, needle: &str) -> Self {
        let mut folded = String::new();
        collation.fold(needle, &mut folded);
        Self {
            collation,
            needle: memmem::Finder::new(folded.as_bytes()).into_owned(),
            window: String::new(),
            found: folded.is_empty(),
        }
    }

    /// The next piece.
    pub fn push(&mut self, text: &str) {
        if self.found {
            return;
        }
        self.collation.fold(text, &mut self.window);
        self.found = self.needle.find(self.window.as_bytes()).is_some();
        let keep = self.needle.needle().len().saturating_sub(1);
        let past = self.window.len().saturating_sub(keep);
        self.window.drain(..self.window.floor_char_boundary(past));
    }

    /// A gap: what comes next does not continue what came before.
    pub fn interrupt(&mut self) {
        self.window.clear();
    }

    /// Begins anew, with another text.
    pub fn reset(&mut self) {
        self.interrupt();
        self.found = self.needle.needle().is_empty();
    }

    /// Whether it has been found.
    #[must_use]
    pub const fn found(&self) -> bool {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_however_they_are_cut() {
        for (needle, text, expected) in [
            ("", "", true),
            ("HELLO", "say hello", true),
            ("hello", "say HELL no", false),
            ("STRAßE \u{c4}", "straße \u{e4}", true),
            ("ΟΔΟΣ", "οδος", true),
            ("aab", "aaab", true),
            ("日本", "x日本y", true),
            ("e", "caf\u{e9}", true),
            ("\u{e9}", "cafe", false),
            ("CAFE\u{301}", "un caf\u{e9}", true),
            ("\u{1c6}", "\u{1c4}", true),
            ("ss", "stra\u{df}e", false),
            ("\u{d55c}", "\u{1112}\u{1161}\u{11ab}", true),
            ("a", "", false),
        ] {
            for cut in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let mut matcher = Matcher::new(needle);
                matcher.push(&text[..cut]);
                matcher.push(&text[cut..]);
                assert_eq!(matcher.found(), expected, "{needle} in {text} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_collation_decides_what_is_found() {
        use Collation::{AsciiCasemap, Octet, UnicodeCasemap};
        for (needle, text, collations) in [
            ("abc", "xABCx", &[UnicodeCasemap, AsciiCasemap][..]),
            ("\u{e9}", "\u{c9}", &[UnicodeCasemap]),
            ("a\u{e9}", "A\u{e9}", &[UnicodeCasemap, AsciiCasemap]),
            ("abc", "xabcx", &[UnicodeCasemap, AsciiCasemap, Octet]),
        ] {
            for collation in [UnicodeCasemap, AsciiCasemap, Octet] {
                let mut matcher = Matcher::under(collation, needle);
                matcher.push(text);
                let expected = collations.contains(&collation);
                assert_eq!(matcher.found(), expected, "{needle} {collation:?}");
            }
        }
    }

    #[test]
    fn nothing_is_found_across_a_gap() {
        let mut matcher = Matcher::new("ab");
        matcher.push("a");
        matcher.interrupt();
        matcher.push("b");
        assert!(!matcher.found());
        matcher.push("ab");
        assert!(matcher.found());
        matcher.reset();
        assert!(!matcher.found());
        let mut empty = Matcher::new("");
        empty.reset();
        assert!(empty.found());
    }
}
