//! Mailbox names and special uses: RFC 9051 §5.1, RFC 6154.

use std::{fmt, sync::Arc};

use crate::error::Error;

/// What separates the levels of a name.
pub const DELIMITER: char = '/';

/// A valid mailbox name: Unicode, levels separated by `/`, none of them empty,
/// `.` or `..`, no control characters, `INBOX` in upper case when it is the first
/// level, at most [`MailboxName::OCTETS_MAX`] octets of UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxName(Arc<str>);

impl MailboxName {
    /// The longest name, in octets of UTF-8.
    pub const OCTETS_MAX: usize = 1000;
    /// The most levels.
    pub const LEVELS_MAX: usize = 50;

    /// Checks a name and puts it into its one form.
    ///
    /// # Errors
    /// [`Error::InvalidName`], which says why.
    pub fn new(name: &str) -> Result<Self, Error> {
        let why = if name.is_empty() {
            Some("it is empty")
        } else if name.len() > Self::OCTETS_MAX {
            Some("it is longer than 1000 octets")
        } else if name.chars().any(char::is_control) {
            Some("it has a control character")
        } else if name.contains(['*', '%']) {
            Some("it has a wildcard, '*' or '%'")
        } else if name.split(DELIMITER).count() > Self::LEVELS_MAX {
            Some("it has more than 50 levels")
        } else {
            name.split(DELIMITER).find_map(|level| match level {
                "" => Some("it has an empty level"),
                "." | ".." => Some("it has a level '.' or '..'"),
                _ => None,
            })
        };
        match why {
            Some(why) => Err(Error::InvalidName(why)),
            None => Ok(Self(canonical(name))),
        }
    }

    /// INBOX.
    #[must_use]
    pub fn inbox() -> Self {
        Self("INBOX".into())
    }

    /// Whether it is INBOX itself.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        &*self.0 == "INBOX"
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name one level up, if it has one.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0
            .rsplit_once(DELIMITER)
            .map(|(parent, _)| Self(parent.into()))
    }

    /// Whether it lies below `other`.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.0
            .strip_prefix(&*other.0)
            .is_some_and(|rest| rest.starts_with(DELIMITER))
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `INBOX` is one name in any case, also as the first level (RFC 9051 §5.1).
fn canonical(name: &str) -> Arc<str> {
    match name.get(..5) {
        Some(first)
            if first.eq_ignore_ascii_case("INBOX")
                && name
                    .get(5..)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(DELIMITER)) =>
        {
            format!("INBOX{}", name.get(5..).unwrap_or_default()).into()
        }
        _ => name.into(),
    }
}

/// A special use: RFC 6154 §2, RFC 8457. `\All` and `\Flagged` name virtual mailboxes,
/// which we have none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// `\Archive`.
    Archive = 1,
    /// `\Drafts`.
    Drafts = 2,
    /// `\Junk`.
    Junk = 3,
    /// `\Sent`.
    Sent = 4,
    /// `\Trash`.
    Trash = 5,
    /// `\Important`.
    Important = 6,
}

impl Role {
    /// All of them.
    pub const EVERY: [Self; 6] = [
        Self::Archive,
        Self::Drafts,
        Self::Junk,
        Self::Sent,
        Self::Trash,
        Self::Important,
    ];

    /// The attribute, with its backslash.
    #[must_use]
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Archive => "\\Archive",
            Self::Drafts => "\\Drafts",
            Self::Junk => "\\Junk",
            Self::Sent => "\\Sent",
            Self::Trash => "\\Trash",
            Self::Important => "\\Important",
        }
    }
}
