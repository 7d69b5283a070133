//! What a search is, as it is typed: words of a shell, or one word that is IMAP's own.
//!
//! A shell takes quotes away. So a word that IMAP would have in quotes, as it has a space in it, gets them back:
//! `SUBJECT "two words"` works unquoted and quoted once more. A word that begins with a parenthesis or a quote is
//! IMAP's already.

use session::search::{Keys, Misread};

use crate::outcome::Failed;

/// The search that words are.
pub(crate) fn search(words: &[String]) -> String {
    if let [only] = words {
        return only.clone();
    }
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// A word as IMAP has it.
fn quoted(word: &str) -> String {
    let is_imaps = word.starts_with(['(', '"']) || word.ends_with(')');
    let needs = word.is_empty() || word.contains([' ', '"', '\\']) || !word.is_ascii();
    if is_imaps || !needs {
        return word.to_owned();
    }
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// The keys of a search.
///
/// # Errors
/// It is empty, or not understood: the answer points to the place.
pub(crate) fn keys(search: &str) -> Result<Keys, Failed> {
    if search.trim().is_empty() {
        let why = "say which messages, as IMAP's SEARCH does: ALL, 17,20:25, UNSEEN FROM ann";
        return Err(Failed::misunderstood(why));
    }
    Keys::read(search).map_err(|misread| Failed::misunderstood(pointed(search, &misread)))
}

/// What is wrong, with a pointer to the place.
fn pointed(search: &str, misread: &Misread) -> String {
    let before = search.get(..misread.at).unwrap_or(search);
    let blank = " ".repeat(before.chars().count());
    let what = &misread.what;
    format!("the search is not understood: {what}\n  {search}\n  {blank}^")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        search(&words)
    }

    #[test]
    fn what_the_shell_took_comes_back() {
        for (typed, expected) in [
            (
                &["FROM bob SUBJECT \"a b\""][..],
                "FROM bob SUBJECT \"a b\"",
            ),
            (&["FROM", "bob", "UNSEEN"], "FROM bob UNSEEN"),
            (&["SUBJECT", "two words"], "SUBJECT \"two words\""),
            (&["SUBJECT", "gr\u{fc}n"], "SUBJECT \"gr\u{fc}n\""),
            (&["SUBJECT", "a \"b\" \\"], "SUBJECT \"a \\\"b\\\" \\\\\""),
            (&["HEADER", "X-Y", ""], "HEADER X-Y \"\""),
            (
                &["OR", "(FROM a TO b)", "(SEEN)"],
                "OR (FROM a TO b) (SEEN)",
            ),
            (&["(FROM", "a", "SEEN)"], "(FROM a SEEN)"),
            (&["SUBJECT", "\"two words\""], "SUBJECT \"two words\""),
        ] {
            let got = words(typed);
            assert_eq!(got, expected, "{typed:?}");
            keys(&got).unwrap();
        }
    }

    #[test]
    fn a_bad_search_gets_a_pointer() {
        let failed = keys("SUBJECT \"gr\u{fc}n\" UNSEN").unwrap_err();
        assert_eq!(failed.code, Failed::MISUNDERSTOOD);
        assert_eq!(
            failed.why,
            "the search is not understood: unknown search key\n  \
             SUBJECT \"gr\u{fc}n\" UNSEN\n                 ^"
        );
        assert!(keys(" ").unwrap_err().why.contains("ALL"));
    }
}
