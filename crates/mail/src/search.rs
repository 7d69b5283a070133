//! Substrings without regard to case, as SEARCH compares (RFC 9051 §6.4.4).

use alloc::{string::String, vec::Vec};

use memchr::memmem;

/// Appends the text folded, so that texts which differ in case only become the
/// same. Close to `i;unicode-casemap` (RFC 5051), without its decomposition.
pub fn fold(text: &str, out: &mut String) {
    out.reserve(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest
            .bytes()
            .position(|b| !b.is_ascii())
            .unwrap_or(rest.len());
        let (head, tail) = rest.split_at(ascii);
        out.extend(head.chars().map(|c| c.to_ascii_lowercase()));
        let mut chars = tail.chars();
        if let Some(first) = chars.next() {
            // The two small sigmas are one letter.
            out.extend(first.to_lowercase().map(|c| if c == 'ς' { 'σ' } else { c }));
        }
        rest = chars.as_str();
    }
}

/// Looks for a text within another that comes in pieces.
#[derive(Debug)]
pub struct Matcher {
    needle: memmem::Finder<'static>,
    /// The end of what came before, folded: one octet less than the needle.
    window: Vec<u8>,
    folded: String,
    found: bool,
}

impl Matcher {
    /// Looks for this text; the empty one is everywhere.
    #[must_use]
    pub fn new(needle: &str) -> Self {
        let mut folded = String::new();
        fold(needle, &mut folded);
        Self {
            needle: memmem::Finder::new(folded.as_bytes()).into_owned(),
            window: Vec::new(),
            found: folded.is_empty(),
            folded: String::new(),
        }
    }

    /// The next piece.
    pub fn push(&mut self, text: &str) {
        if self.found {
            return;
        }
        self.folded.clear();
        fold(text, &mut self.folded);
        self.window.extend_from_slice(self.folded.as_bytes());
        self.found = self.needle.find(&self.window).is_some();
        let keep = self.needle.needle().len().saturating_sub(1);
        self.window.drain(..self.window.len().saturating_sub(keep));
    }

    /// A gap: what comes next does not continue what came before.
    pub fn interrupt(&mut self) {
        self.window.clear();
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
    fn nothing_is_found_across_a_gap() {
        let mut matcher = Matcher::new("ab");
        matcher.push("a");
        matcher.interrupt();
        matcher.push("b");
        assert!(!matcher.found());
    }
}
