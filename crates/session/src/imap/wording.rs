//! The human-readable text of responses, kept apart from its words: what is said, and with
//! which values, so that it can be said in the client's language (RFC 5255 §3).
//!
//! A [`Text`] is an English sentence with `{}` for every value. The sentence is the key under
//! which other languages have theirs. So sentences are literals in the source, and whole: never
//! put together from halves, which other languages would put in another order.

mod catalogue;
mod language;
#[cfg(test)]
mod sentences;

use std::{borrow::Cow, fmt};

use imap::parse::{self, SyntaxError, SyntaxErrorKind};

pub use language::Language;

/// What a person may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    /// In English, with `{}` for each value.
    sentence: &'static str,
    values: Vec<Value>,
}

/// A value in a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text itself: said in the same language.
    Said(Text),
    /// A name, a number: the same in every language.
    Verbatim(String),
}

impl Text {
    /// A sentence with values in place of each `{}`.
    pub(crate) fn with(sentence: &'static str, values: impl Into<Vec<Value>>) -> Self {
        let values = values.into();
        Self { sentence, values }
    }

    /// In a language.
    pub(crate) fn say(&self, language: Language) -> Cow<'static, str> {
        let sentence = language.sentence(self.sentence);
        if self.values.is_empty() {
            return Cow::Borrowed(sentence);
        }
        let mut said = String::with_capacity(sentence.len() + 32);
        let mut values = self.values.iter();
        let mut pieces = sentence.split("{}");
        said.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            match values.next() {
                Some(Value::Said(text)) => said.push_str(&text.say(language)),
                Some(Value::Verbatim(value)) => said.push_str(value),
                None => {}
            }
            said.push_str(piece);
        }
        Cow::Owned(said)
    }
}

/// In English.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(Language::Default))
    }
}

impl From<&'static str> for Text {
    fn from(sentence: &'static str) -> Self {
        let values = Vec::new();
        Self { sentence, values }
    }
}

impl From<&Text> for Text {
    fn from(text: &Text) -> Self {
        text.clone()
    }
}

/// What is wrong with a command.
impl From<&SyntaxError> for Text {
    fn from(error: &SyntaxError) -> Self {
        let what = Self::from(&error.what);
        match error.kind {
            SyntaxErrorKind::UnknownCommand => what,
            SyntaxErrorKind::Grammar => {
                let at = error.at + 1;
                Self::with("Syntax error: {} at octet {}", [what.into(), at.into()])
            }
        }
    }
}

/// The clause that says it.
impl From<&parse::What> for Text {
    fn from(what: &parse::What) -> Self {
        let value = what.value.as_ref().map(|value| match value {
            parse::Value::Phrase(phrase) => Value::from(*phrase),
            parse::Value::Verbatim(value) => Value::from(value.clone()),
        });
        Self::with(what.sentence, value.into_iter().collect::<Vec<_>>())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Said(text)
    }
}

impl From<&'static str> for Value {
    fn from(sentence: &'static str) -> Self {
        Self::Said(sentence.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Verbatim(value)
    }
}

/// Numbers.
macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Verbatim(number.to_string())
            }
        }
    )+};
}
numbers!(u32, u64, usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_sentence_wants_them() {
        let inner = Text::with("there are {}", [7_u32.into()]);
        for (text, said) in [
            (Text::from("Done"), "Done"),
            (
                Text::with("UID {}: {}", [3_u32.into(), inner.into()]),
                "UID 3: there are 7",
            ),
            (
                Text::with("{} of {}", ["a {} b".to_owned().into(), "all".into()]),
                "a {} b of all",
            ),
        ] {
            assert_eq!(text.to_string(), said);
        }
    }
}
