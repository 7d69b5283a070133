//! What is wrong with a command, kept apart from its words, so that it can be said in the
//! client's language (RFC 5255 §3).

use alloc::string::{String, ToString as _};
use core::fmt;

/// A fault, as a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct What {
    /// In English, with `{}` where the value goes.
    pub sentence: &'static str,
    /// What stands there, if anything does.
    pub value: Option<Value>,
}

/// What stands in a [`What`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A phrase of ours, in English: what was expected, where it was looked for.
    Phrase(&'static str),
    /// A number, or what the client sent: the same in every language.
    Verbatim(String),
}

impl What {
    /// A clause about a phrase: `expected {}`.
    pub(super) const fn of(sentence: &'static str, phrase: &'static str) -> Self {
        Self {
            sentence,
            value: Some(Value::Phrase(phrase)),
        }
    }

    /// A clause with a value that is no language's.
    pub(super) fn with(sentence: &'static str, value: impl fmt::Display) -> Self {
        Self {
            sentence,
            value: Some(Value::Verbatim(value.to_string())),
        }
    }
}

impl From<&'static str> for What {
    fn from(sentence: &'static str) -> Self {
        Self {
            sentence,
            value: None,
        }
    }
}

/// In English.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = match &self.value {
            None => return f.write_str(self.sentence),
            Some(Value::Phrase(phrase)) => phrase,
            Some(Value::Verbatim(value)) => &**value,
        };
        let (before, after) = self
            .sentence
            .split_once("{}")
            .unwrap_or((self.sentence, ""));
        write!(f, "{before}{value}{after}")
    }
}
