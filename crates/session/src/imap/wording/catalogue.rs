//! What our sentences are in other languages: one PO file for each, as translators keep them
//! (`msgid` is the English sentence, `msgstr` the other).

use std::{collections::HashMap, sync::LazyLock};

/// Sentences by their English.
pub(super) type Catalogue = LazyLock<HashMap<String, String>>;

/// German.
pub(super) static GERMAN: Catalogue = LazyLock::new(|| read(include_str!("de.po")));
/// French.
pub(super) static FRENCH: Catalogue = LazyLock::new(|| read(include_str!("fr.po")));
/// Spanish.
pub(super) static SPANISH: Catalogue = LazyLock::new(|| read(include_str!("es.po")));
/// Japanese.
pub(super) static JAPANESE: Catalogue = LazyLock::new(|| read(include_str!("ja.po")));

/// Reads a catalogue: entries of one line `msgid "…"` and one line `msgstr "…"`.
pub(super) fn read(po: &str) -> HashMap<String, String> {
    let mut catalogue = HashMap::new();
    let mut sentence = None;
    for line in po.lines() {
        if let Some(english) = quoted(line, "msgid ") {
            sentence = Some(english);
        } else if let Some(said) = quoted(line, "msgstr ")
            && let Some(english) = sentence.take()
            && !english.is_empty()
            && !said.is_empty()
        {
            catalogue.insert(english, said);
        }
    }
    catalogue
}

/// The string after a word, with `\"` and `\\` undone.
fn quoted(line: &str, word: &str) -> Option<String> {
    let inner = line
        .strip_prefix(word)?
        .trim_end()
        .strip_prefix('"')?
        .strip_suffix('"')?;
    let mut characters = inner.chars();
    let mut text = String::with_capacity(inner.len());
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => characters.next()?,
            other => other,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn entries_are_read() {
        let po = "# by us\nmsgid \"\"\nmsgstr \"\"\n\"Language: de\\n\"\n\n\
                  msgid \"Done\"\nmsgstr \"Fertig\"\n\n\
                  msgid \"not yet\"\nmsgstr \"\"\n\
                  msgid \"a \\\"{}\\\" \\\\ b\"\nmsgstr \"ein \\\"{}\\\" \\\\ b\"\n";
        let catalogue = read(po);
        assert_eq!(catalogue.len(), 2, "{catalogue:?}");
        assert_eq!(catalogue.get("Done").map(String::as_str), Some("Fertig"));
        let with_quotes = catalogue.get("a \"{}\" \\ b").map(String::as_str);
        assert_eq!(with_quotes, Some("ein \"{}\" \\ b"));
    }
}
