//! What every format has in common: folders, and in them letters.

use std::{
    io,
    path::{Path, PathBuf},
};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Somebody else has it locked.
    #[error("{path}: it is locked by somebody else")]
    Locked {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// A point in time, with the zone it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix: i64,
    /// Minutes east of UTC.
    pub zone_minutes: i16,
}

/// The flags of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags are independent of each other, and these are their names"
)]
pub struct Marks {
    /// `\Answered`.
    pub answered: bool,
    /// `\Flagged`.
    pub flagged: bool,
    /// `\Deleted`.
    pub deleted: bool,
    /// `\Seen`.
    pub seen: bool,
    /// `\Draft`.
    pub draft: bool,
    /// Keywords.
    pub keywords: Vec<String>,
}

impl Marks {
    /// Adds a keyword, unless it is there, in whatever case.
    pub fn add(&mut self, keyword: &str) {
        let there = |known: &String| known.eq_ignore_ascii_case(keyword);
        if !self.keywords.iter().any(there) {
            self.keywords.push(keyword.to_owned());
        }
    }
}

/// A mailbox as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Its name: levels separated by `/`; `INBOX` is the first. What a mail store does not take as a name
    /// may be in it.
    pub name: String,
    /// Its file or directory.
    pub path: PathBuf,
}

/// A message as it was found; its content follows by [`Letters::read`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letter {
    /// Where it is, for a person: a file, or a file and an offset.
    pub place: String,
    /// Its flags.
    pub marks: Marks,
    /// When it arrived, if the format says so.
    pub date: Option<Date>,
    /// Its UID, if the format says so.
    pub uid: Option<u32>,
}

/// The messages of a folder, one after the other.
pub trait Letters {
    /// The next message; what is left of the one before is passed over. `None`: there are no more.
    ///
    /// # Errors
    /// The message can't be read; the next may be.
    fn next(&mut self) -> Result<Option<Letter>, Error>;

    /// Appends the next octets of the message's content to `into`, with CRLF at the ends of lines. `false`:
    /// there are no more.
    ///
    /// # Errors
    /// It can't be read any further; the next message may be.
    fn read(&mut self, into: &mut Vec<u8>) -> Result<bool, Error>;

    /// Begins the message's content again: the next [`Letters::read`] gives its first octets.
    ///
    /// # Errors
    /// It can't be read again.
    fn again(&mut self) -> Result<(), Error>;

    /// UIDVALIDITY of the folder, where the format says so.
    fn uid_validity(&self) -> Option<u32> {
        None
    }
}

/// Gives a message's octets from the first to the last, in pieces, as often as it is called.
pub type Content<'a> = &'a mut dyn FnMut(Take<'_>) -> io::Result<()>;

/// Takes a piece of a message.
pub type Take<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;
