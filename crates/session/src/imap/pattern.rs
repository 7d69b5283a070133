//! Mailbox patterns of LIST and LSUB: RFC 9051 §6.3.9.

use imap::name::list_matches;
use store::name::DELIMITER;

/// The longest pattern taken, in octets: twice the longest name.
const OCTETS_MAX: usize = 2000;

/// A pattern in its canonical form: a reference and a mailbox pattern together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// The reference with the pattern after it. `None` if nothing that long can match.
    pub(crate) fn new(reference: &str, pattern: &str) -> Option<Self> {
        (reference.len() + pattern.len() <= OCTETS_MAX).then(|| Self([reference, pattern].concat()))
    }

    /// Whether it ends in `%`, and so asks for levels that are no mailboxes, too.
    pub(crate) fn asks_for_levels(&self) -> bool {
        self.0.ends_with('%')
    }

    /// Whether it begins with this, and so asks for what nobody is shown unasked.
    pub(crate) fn begins_with(&self, start: &str) -> bool {
        self.0.starts_with(start)
    }

    /// Whether a name matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        list_matches(&self.0, name, DELIMITER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_and_pattern_are_one() {
        for (reference, pattern, name, expected) in [
            ("", "*", "a/b/c", true),
            ("a/", "%", "a/b", true),
            ("a/", "%", "a/b/c", false),
            ("a", "/b", "a/b", true),
            ("", "inbox", "INBOX", true),
            ("inBox", "/%", "INBOX/a", true),
            ("", "Work", "work", false),
        ] {
            let matched = Pattern::new(reference, pattern).unwrap().matches(name);
            assert_eq!(matched, expected, "{reference:?} {pattern:?} {name:?}");
        }
        assert!(Pattern::new("*", &"*".repeat(2000)).is_none());
    }
}
