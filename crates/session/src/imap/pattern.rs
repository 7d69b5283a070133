//! Mailbox patterns of LIST and LSUB: RFC 9051 §6.3.9.

use imap::name::list_matches;

use crate::namespace::Namespace;

/// The longest pattern taken, in octets: twice the longest name.
const OCTETS_MAX: usize = 2000;

/// A pattern in its canonical form: a reference and a mailbox pattern together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    pattern: String,
    delimiter: char,
}

impl Pattern {
    /// The reference with the pattern after it. `None` if nothing that long can match.
    pub(crate) fn new(namespace: &Namespace, reference: &str, pattern: &str) -> Option<Self> {
        let fits = reference.len() + pattern.len() <= OCTETS_MAX;
        let whole = fits.then(|| [reference, pattern].concat())?;
        Some(Self {
            pattern: namespace.comparable(&whole).into_owned(),
            delimiter: namespace.delimiter(),
        })
    }

    /// Whether it ends in `%`, and so asks for levels that are no mailboxes, too.
    pub(crate) fn asks_for_levels(&self) -> bool {
        self.pattern.ends_with('%')
    }

    /// Whether it begins with this, and so asks for what nobody is shown unasked.
    pub(crate) fn begins_with(&self, start: &str) -> bool {
        self.pattern.starts_with(start)
    }

    /// Whether some name that begins so could match, or could lie below one that does.
    pub(crate) fn may_match(&self, start: &str) -> bool {
        let literal = self.pattern.split(['*', '%']).next().unwrap_or_default();
        start.starts_with(literal) || literal.starts_with(start)
    }

    /// Whether a name matches, in the form in which names are compared ([`Namespace::comparable`]).
    pub(crate) fn matches(&self, name: &str) -> bool {
        list_matches(&self.pattern, name, self.delimiter)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::namespace::Look;

    #[test]
    fn reference_and_pattern_are_one() {
        let namespace = Namespace::new(&Arc::new(Look::default()), &"ann".into());
        for (reference, pattern, name, expected) in [
            ("", "*", "a/b/c", true),
            ("a/", "%", "a/b", true),
            ("a/", "%", "a/b/c", false),
            ("a", "/b", "a/b", true),
            ("", "inbox", "INBOX", true),
            ("inBox", "/%", "INBOX/a", true),
            ("", "Work", "work", false),
        ] {
            let matched = Pattern::new(&namespace, reference, pattern).unwrap();
            let matched = matched.matches(name);
            assert_eq!(matched, expected, "{reference:?} {pattern:?} {name:?}");
        }
        assert!(Pattern::new(&namespace, "*", &"*".repeat(2000)).is_none());
    }

    #[test]
    fn what_can_not_match_is_told_by_its_beginning() {
        let namespace = Namespace::new(&Arc::new(Look::default()), &"ann".into());
        for (pattern, start, expected) in [
            ("*", "Other Users/joe", true),
            ("%", "Other Users/joe", true),
            ("Other Users/%", "Other Users/joe", true),
            ("Other Users/joe/x/%", "Other Users/joe", true),
            ("Other Users/j*", "Other Users/joe", true),
            ("Other Users/k*", "Other Users/joe", false),
            ("Work", "Other Users/joe", false),
            ("Oth", "Other Users/joe", true),
        ] {
            let pattern = Pattern::new(&namespace, "", pattern).unwrap();
            assert_eq!(pattern.may_match(start), expected, "{pattern:?}");
        }
    }
}
