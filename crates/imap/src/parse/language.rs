//! LANGUAGE: RFC 5255 §3.2.

use alloc::{string::String, vec::Vec};

use super::cursor::{Cursor, Result, fault_at};
use crate::command::{Any, Command};

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

#[cfg(test)]
mod tests {
    use super::is_language_range;

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
