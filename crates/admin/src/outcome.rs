//! How a verb ends.

use serde::{Deserialize, Serialize};

use crate::report::Row;

/// A verb that did what it was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// What it comes to: the last thing that is printed. A line that is empty is not.
    pub summary: Row,
    /// 0, [`Outcome::DAMAGED`], or [`Failed::COULD_NOT`].
    pub code: u8,
}

impl Outcome {
    /// The exit code for damage that was found, and for what could not be saved.
    pub const DAMAGED: u8 = 3;

    /// All is well.
    #[must_use]
    pub fn done(summary: Row) -> Self {
        Self { summary, code: 0 }
    }

    /// Some of it could not be done; the notes say what, and why.
    #[must_use]
    pub fn partly(summary: Row) -> Self {
        let code = Failed::COULD_NOT;
        Self { summary, code }
    }

    /// Something is damaged, or could not be saved; the rows say what.
    #[must_use]
    pub fn damaged(summary: Row) -> Self {
        let code = Self::DAMAGED;
        Self { summary, code }
    }
}

/// A verb that did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Why, for a person.
    pub why: String,
    /// [`Failed::COULD_NOT`] or [`Failed::MISUNDERSTOOD`].
    pub code: u8,
}

impl Failed {
    /// The exit code of what could not be done.
    pub const COULD_NOT: u8 = 1;
    /// The exit code of what is asked for in a way that is not understood.
    pub const MISUNDERSTOOD: u8 = 2;

    /// It could not be done.
    #[must_use]
    pub fn because(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            code: Self::COULD_NOT,
        }
    }

    /// It was asked for wrongly.
    #[must_use]
    pub fn misunderstood(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            code: Self::MISUNDERSTOOD,
        }
    }
}

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::because(error.to_string())
    }
}
