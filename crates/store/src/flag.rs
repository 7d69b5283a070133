//! Flags and keywords of a message: RFC 9051 §2.3.2.

use std::sync::Arc;

/// The system flags, as bits. `\Recent` is not among them: it belongs to a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SystemFlags(pub u8);

impl SystemFlags {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// `\Answered`.
    pub const ANSWERED: Self = Self(1);
    /// `\Flagged`.
    pub const FLAGGED: Self = Self(2);
    /// `\Deleted`.
    pub const DELETED: Self = Self(4);
    /// `\Seen`.
    pub const SEEN: Self = Self(8);
    /// `\Draft`.
    pub const DRAFT: Self = Self(16);
    /// All of them.
    pub const EVERY: Self = Self(31);

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These without those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// A keyword: an atom, compared without regard to ASCII case, shown as first used.
pub type Keyword = Arc<str>;

/// Flags to set or to compare with, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// System flags.
    pub system: SystemFlags,
    /// Keywords; no two alike but for case.
    pub keywords: Vec<Keyword>,
}
