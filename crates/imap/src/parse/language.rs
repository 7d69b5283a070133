//! LANGUAGE and COMPARATOR: RFC 5255 §3.2, §4.7.

use alloc::{string::String, vec::Vec};

use super::cursor::{Cursor, Result, fault_at};
use crate::command::{Any, Authenticated, CollationOrder, Command};

/// RFC 4647 §2.1: the most characters between two hyphens.
const SUBTAG_BYTES_MAX: usize = 8;

// language-cmd = "LANGUAGE" *(SP lang-range-quoted)
pub(super) fn language(c: &mut Cursor<'_>) -> Result<Command> {
    let mut ranges = Vec::new();
    while c.more() {
        ranges.push(language_range(c)?);
    }
    Ok(Command::Any(Any::Language(ranges)))
}

// lang-range-quoted = astring: a language-range of RFC 4647 §2
fn language_range(c: &mut Cursor<'_>) -> Result<String> {
    let start = c.at();
    // `*` alone is no astring, and often sent without quotes.
    let range = c.language_word()?;
    match String::from_utf8(range) {
        Ok(range) if is_language_range(&range) => Ok(range),
        _ => fault_at(start, "that is no language range"),
    }
}

// extended-language-range = (1*8ALPHA / "*") *("-" (1*8alphanum / "*"))
fn is_language_range(range: &str) -> bool {
    let is_subtag = |subtag: &str, wanted: fn(&u8) -> bool| {
        subtag == "*"
            || (1..=SUBTAG_BYTES_MAX).contains(&subtag.len())
                && subtag.as_bytes().iter().all(wanted)
    };
    let mut subtags = range.split('-');
    let first = subtags.next().unwrap_or_default();
    is_subtag(first, u8::is_ascii_alphabetic)
        && subtags.all(|subtag| is_subtag(subtag, u8::is_ascii_alphanumeric))
}

/// The longest collation identifier, wildcards included: RFC 4790 §3.2.
const COLLATION_BYTES_MAX: usize = 254;

// comparator-cmd = "COMPARATOR" *(SP comp-order-quoted)
pub(super) fn comparator(c: &mut Cursor<'_>) -> Result<Command> {
    let mut orders = Vec::new();
    while c.more() {
        orders.push(collation_order(c)?);
    }
    Ok(Command::Authenticated(Authenticated::Comparator(orders)))
}

// comp-order-quoted = astring: a collation-order of RFC 4790 §3.3
// collation-order = ["+" / "-"] collation-wild
fn collation_order(c: &mut Cursor<'_>) -> Result<CollationOrder> {
    let start = c.at();
    // `*` is in no astring, and sent without quotes all the same.
    let Ok(order) = String::from_utf8(c.language_word()?) else {
        return fault_at(start, "that is no collation");
    };
    let descending = order.starts_with('-');
    let wild = order.strip_prefix(['+', '-']).unwrap_or(&order);
    if !is_collation_wild(wild) {
        return fault_at(start, "that is no collation");
    }
    Ok(CollationOrder {
        descending,
        wild: wild.into(),
    })
}

// collation-wild = ("*" / (ALPHA ["*"])) *(collation-char ["*"])
// collation-char = ALPHA / DIGIT / "-" / ";" / "=" / "."
fn is_collation_wild(wild: &str) -> bool {
    let is_char = |octet: u8| octet.is_ascii_alphanumeric() || b"-;=.*".contains(&octet);
    wild.starts_with(|first: char| first == '*' || first.is_ascii_alphabetic())
        && wild.len() <= COLLATION_BYTES_MAX
        && wild.bytes().all(is_char)
        && !wild.contains("**")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collations() {
        let long = "a".repeat(COLLATION_BYTES_MAX + 1);
        for (wild, is) in [
            ("i;octet", true),
            ("*", true),
            ("i;*", true),
            ("cz;*", true),
            ("*;basic;uca=3.1.1;*", true),
            ("default", true),
            ("", false),
            ("**", false),
            ("i;**", false),
            (";octet", false),
            ("1;octet", false),
            ("i;oct et", false),
            ("i;\u{e9}", false),
            (&long, false),
        ] {
            assert_eq!(is_collation_wild(wild), is, "{wild}");
        }
    }

    #[test]
    fn a_comparator_is_asked_for_with_its_direction() {
        let read = |text: &[u8]| super::super::command(text).map(|tagged| tagged.command);
        let order = |descending, wild: &str| CollationOrder {
            descending,
            wild: wild.into(),
        };
        for (text, expected) in [
            ("a COMPARATOR", alloc::vec![]),
            (
                "a COMPARATOR \"cz;*\" i;basic",
                alloc::vec![order(false, "cz;*"), order(false, "i;basic")],
            ),
            (
                "a comparator +* -i;octet",
                alloc::vec![order(false, "*"), order(true, "i;octet")],
            ),
        ] {
            let expected = Command::Authenticated(Authenticated::Comparator(expected));
            assert_eq!(read(text.as_bytes()), Ok(expected), "{text}");
        }
        assert!(read(b"a COMPARATOR \"\"").is_err());
        assert!(read(b"a COMPARATOR --i;octet").is_err());
    }

    #[test]
    fn ranges() {
        for (range, is) in [
            ("de", true),
            ("DE-ch-1996", true),
            ("i-default", true),
            ("default", true),
            ("*", true),
            ("*-CH", true),
            ("de-*-DE", true),
            ("", false),
            ("-", false),
            ("de-", false),
            ("de_CH", false),
            ("d3", false),
            ("ninechars", false),
            ("de-ninechars", false),
            ("ü", false),
        ] {
            assert_eq!(is_language_range(range), is, "{range}");
        }
    }
}
