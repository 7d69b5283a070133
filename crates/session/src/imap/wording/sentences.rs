//! Every sentence in the source that can reach a client is in every language.
//!
//! The sentences are found by reading the source: a string literal with a space and a small letter
//! is one, unless it stands where only the log, a developer or the protocol gets it. A single
//! word is one if it is given to something that speaks.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::catalogue;

/// What speaks: its literals are said, single words too.
const SPEAKERS: &[&str] = &[
    "Done::new",
    "Done::with",
    "Refusal::bad",
    "Refusal::no",
    "Text::from",
    "Text::with",
    "bye",
    "code",
    "go_on",
    "tagged",
    "untagged",
];

/// Whatever stands in these is for somebody else.
const MUTE: &[&str] = &[
    "#",
    "assert",
    "concat",
    "debug_assert",
    "env",
    "format",
    "format_args",
    "greeting",
    "include_str",
    "login",
    "panic",
    "row",
    "tracing::debug",
    "tracing::error",
    "tracing::info",
    "tracing::trace",
    "tracing::warn",
    "unreachable",
    "write",
];

/// What speaks outside of the protocol crates: errors whose text a client gets.
const ERRORS: &[&str] = &[
    "Error::InvalidName",
    "Error::Limit",
    "Error::NotPermitted",
    "Refused::Malformed",
];

/// Sentences by the look of them that are protocol, or are said to administrators: what is wrong
/// with a setting.
const NOT_SAID: &[&str] = &[
    "INBOX is always here; an account that is elsewhere has a home there",
    "clients go wrong without it",
    "it names no capability",
    "it names no server",
    "it wants \"MAILBOX: imap://HOST/MAILBOX\"",
    "it wants \"NAME: CAPABILITY\" or \"NAME/VERSION: CAPABILITY\"",
    "the client's name is missing",
    "there is no such capability here",
];

/// The languages and their catalogues.
const CATALOGUES: [(&str, &str); 4] = [
    ("de", include_str!("de.po")),
    ("fr", include_str!("fr.po")),
    ("es", include_str!("es.po")),
    ("ja", include_str!("ja.po")),
];

#[test]
fn every_sentence_is_in_every_language() {
    let sentences = sentences();
    assert!(sentences.len() > 200, "only {}", sentences.len());
    let mut wrong = Vec::new();
    for (language, po) in CATALOGUES {
        let catalogue = catalogue::read(po);
        for sentence in &sentences {
            if !catalogue.contains_key(sentence) {
                wrong.push(format!("{language} lacks {sentence:?}"));
            }
        }
        let unsaid = catalogue.keys().filter(|key| !sentences.contains(*key));
        wrong.extend(unsaid.map(|key| format!("{language}: nobody says {key:?}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_is_in_a_language_says_as_much() {
    let mut wrong = Vec::new();
    for (language, po) in CATALOGUES {
        let catalogue = catalogue::read(po);
        for (sentence, said) in &catalogue {
            if values(said) != values(sentence) {
                wrong.push(format!("{language} has other values in {sentence:?}"));
            }
            if said.contains(char::is_control) || said.starts_with('[') {
                wrong.push(format!("{language} can't say {said:?}"));
            }
        }
        if po.matches("\nmsgid ").count() != catalogue.len() {
            wrong.push(format!("{language} has entries twice, or of several lines"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// How many values a sentence has.
fn values(sentence: &str) -> usize {
    sentence.matches("{}").count()
}

/// Every sentence of the source.
fn sentences() -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sentences = BTreeSet::new();
    for (place, errors_only) in [
        ("session/src/imap", false),
        ("session/src/warning.rs", false),
        ("imap/src", false),
        ("store/src/name.rs", false),
        ("store/src/account", true),
        ("store/src/past/deleted.rs", true),
        ("store/src/past/gone.rs", true),
        ("auth/src", true),
    ] {
        for file in sources(&crates.join(place)) {
            let source = fs::read_to_string(&file).unwrap();
            let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for literal in literals(code) {
                if literal.is_said(errors_only) {
                    sentences.insert(literal.text);
                }
            }
        }
    }
    sentences.retain(|sentence| !NOT_SAID.contains(&&**sentence));
    sentences
}

/// A file, or the files of a folder, that are no tests.
fn sources(path: &Path) -> Vec<PathBuf> {
    let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
    if matches!(&*stem, "tests" | "sentences") {
        return Vec::new();
    }
    if !path.is_dir() {
        let code = path.extension().is_some_and(|end| end == "rs");
        return code.then(|| path.to_owned()).into_iter().collect();
    }
    let entries = fs::read_dir(path).unwrap();
    entries
        .flat_map(|entry| sources(&entry.unwrap().path()))
        .collect()
}

/// A string literal, and in which calls, macros and attributes it stands, the innermost last.
#[derive(Debug)]
struct Literal {
    text: String,
    within: Vec<String>,
    /// It comes first in the innermost of them.
    first: bool,
}

impl Literal {
    fn is_said(&self, errors_only: bool) -> bool {
        let innermost = self.within.iter().rev().find(|name| !name.is_empty());
        let given_to = |names: &[&str]| {
            innermost.is_some_and(|name| {
                names
                    .iter()
                    .any(|known| name == known || name.ends_with(&format!("::{known}")))
            })
        };
        if errors_only {
            return given_to(ERRORS);
        }
        let mute = self.within.iter().any(|name| MUTE.contains(&&**name))
            // `Option::expect`; the parser's takes what it expects before the text.
            || self.first && given_to(&["expect"]);
        let small = self.text.contains(|c: char| c.is_ascii_lowercase());
        let spaced = self.text.trim() == self.text && self.text.contains(' ');
        !mute && small && (spaced || given_to(SPEAKERS))
    }
}

/// The string literals of some Rust.
fn literals(code: &str) -> Vec<Literal> {
    let mut literals = Vec::new();
    let mut within: Vec<String> = Vec::new();
    let mut name = String::new();
    let mut first = false;
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        if rest.starts_with("//") {
            taken = rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("r\"") || rest.starts_with("r#\"") {
            let hashes = &rest[1..rest.find('"').unwrap()];
            let end = format!("\"{hashes}");
            let start = 2 + hashes.len();
            let length = rest[start..].find(&end).unwrap();
            let text = rest[start..start + length].to_owned();
            taken = start + length + end.len();
            let within = within.clone();
            literals.push(Literal {
                text,
                within,
                first,
            });
        } else if c == '"' {
            let (text, octets) = quoted(rest);
            taken = octets;
            // Octet strings are protocol.
            if name != "b" {
                let within = within.clone();
                literals.push(Literal {
                    text,
                    within,
                    first,
                });
            }
            name.clear();
        } else if c == '\'' {
            taken = character(rest);
        } else if matches!(c, '(' | '[' | '{') {
            within.push(std::mem::take(&mut name));
        } else if matches!(c, ')' | ']' | '}') {
            within.pop();
            name.clear();
        } else if c.is_alphanumeric() || matches!(c, '_' | ':' | '#') {
            name.push(c);
        } else if !matches!(c, '!' | '\n') {
            name.clear();
        }
        first = matches!(c, '(' | '[' | '{') || first && c.is_whitespace();
        rest = &rest[taken..];
    }
    literals
}

/// What a literal that begins here says, and its length in octets.
fn quoted(code: &str) -> (String, usize) {
    let mut text = String::new();
    let mut characters = code.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (text, at + 1),
            '\\' => match characters.next().map(|(_, c)| c) {
                // The line goes on where the next one has its first letter.
                Some('\n') => while characters.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    (text, code.len())
}

/// The length in octets of a character literal; of the quote alone, if it is a lifetime's.
fn character(code: &str) -> usize {
    if code.starts_with("'\\") {
        let end = code.get(3..).and_then(|rest| rest.find('\''));
        return end.map_or(1, |end| end + 4);
    }
    let mut characters = code.char_indices().skip(1);
    let (_, closing) = (characters.next(), characters.next());
    match closing {
        Some((at, '\'')) => at + 1,
        _ => 1,
    }
}

#[test]
fn sentences_are_found_where_they_are() {
    let code = r#"
        // "not this one"
        #[expect(dead_code, reason = "nor this")]
        fn f<'a>(c: &'a str) -> Result<(), Refusal> {
            reply::line(out, format_args!("* NO not this"));
            tracing::error!(path = %g("nor this one"), "not this");
            let quote = '"';
            let text = "A text that is \"said\"; \
                        in two lines";
            let byte = c.expect(b'(', "an opening parenthesis")?;
            let there = thing.expect("not this");
            let protocol = ("INBOX", "NOT SAID", b"not said", "Word");
            Done::with(Code::Closed, "Moved")
        }
    "#;
    let said: Vec<String> = literals(code)
        .into_iter()
        .filter(|literal| literal.is_said(false))
        .map(|literal| literal.text)
        .collect();
    assert_eq!(
        said,
        [
            "A text that is \"said\"; in two lines",
            "an opening parenthesis",
            "Moved"
        ]
    );
}
