//! The languages, and choosing among them: RFC 5255 §3.2, RFC 4647.

use imap::response::Words;

use super::catalogue::{FRENCH, GERMAN, JAPANESE, SPANISH};

/// The language that a client is spoken to: RFC 5255 §3.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// `i-default` (RFC 2277 §4.5): English, in ASCII.
    #[default]
    Default,
    /// English, in which names may be UTF-8.
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Japanese.
    Japanese,
}

impl Language {
    /// Every language, in the order in which they are told.
    pub const EVERY: [Self; 6] = [
        Self::English,
        Self::German,
        Self::French,
        Self::Spanish,
        Self::Japanese,
        Self::Default,
    ];

    /// Its tag: RFC 5646.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Default => "i-default",
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Japanese => "ja",
        }
    }

    /// The language with a tag, in any case.
    #[must_use]
    pub fn tagged(tag: &str) -> Option<Self> {
        let same = |language: &Self| language.tag().eq_ignore_ascii_case(tag);
        Self::EVERY.into_iter().find(same)
    }

    /// The language that fits the first range that one fits (RFC 4647 §3.4, lookup); `preferred`
    /// for the ranges `default` and `*`.
    pub(crate) fn looked_up<'a>(
        ranges: impl IntoIterator<Item = &'a str>,
        preferred: Self,
    ) -> Option<Self> {
        let mut anything = false;
        for range in ranges {
            if range.eq_ignore_ascii_case("default") {
                return Some(preferred);
            }
            if range.starts_with('*') {
                // Fits every language, and so says nothing as long as another range does.
                anything = true;
            } else if let Some(language) = Self::fitting(range) {
                return Some(language);
            }
        }
        anything.then_some(preferred)
    }

    /// The range loses subtags from its end until a language has that tag.
    fn fitting(range: &str) -> Option<Self> {
        let mut subtags: Vec<&str> = range.split('-').filter(|subtag| *subtag != "*").collect();
        while !subtags.is_empty() {
            if let Some(language) = Self::tagged(&subtags.join("-")) {
                return Some(language);
            }
            subtags.pop();
            // RFC 4647 §3.4: what a single letter or digit introduced is gone.
            if subtags.last().is_some_and(|subtag| subtag.len() == 1) {
                subtags.pop();
            }
        }
        None
    }

    /// A sentence of ours in this language; in English, if it is not in the catalogue.
    pub(super) fn sentence(self, english: &'static str) -> &'static str {
        let catalogue = match self {
            Self::Default | Self::English => return english,
            Self::German => &GERMAN,
            Self::French => &FRENCH,
            Self::Spanish => &SPANISH,
            Self::Japanese => &JAPANESE,
        };
        catalogue.get(english).map_or(english, String::as_str)
    }

    /// A text as it may go out.
    pub(crate) const fn words(self, text: &str) -> Words<'_> {
        match self {
            Self::Default => Words::Ascii(text),
            _ => Words::Utf8(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, Default, English, French, German, Japanese, Spanish};

    #[test]
    fn lookup() {
        for (ranges, found) in [
            (&["de"][..], Some(German)),
            (&["DE-ch-1996"], Some(German)),
            (&["de-*-AT"], Some(German)),
            (&["it", "fr-CA", "de"], Some(French)),
            (&["FR-CA", "EN-CA"], Some(French)),
            (&["IT-CH", "EN-CA"], Some(English)),
            (&["es-419"], Some(Spanish)),
            (&["ja-Latn-hepburn-x-long"], Some(Japanese)),
            (&["i-default"], Some(Default)),
            (&["I-Default-x"], Some(Default)),
            (&["default"], Some(Spanish)),
            (&["*"], Some(Spanish)),
            (&["*-CH", "de"], Some(German)),
            (&["mul", "*"], Some(Spanish)),
            (&["mul"], None),
            (&["i"], None),
            (&["deu"], None),
            (&["x-de"], None),
            (&[], None),
        ] {
            let ranges = ranges.iter().copied();
            let looked_up = Language::looked_up(ranges.clone(), Spanish);
            assert_eq!(looked_up, found, "{ranges:?}");
        }
    }
}
