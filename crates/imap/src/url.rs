//! IMAP URLs: RFC 5092, with what URLAUTH (RFC 4467) adds.
//!
//! [`Url::parse`] reads absolute URLs, and the relative ones that CATENATE takes (RFC 4469 §3).
//! A path is read as it stands, dots (RFC 3986 §5.2.4) taken out first: parameters are part
//! of it, as RFC 5092 §7 has it. Percent-encoding is undone in values alone, never in what separates
//! them, and never twice.
//!
//! Relative references that begin with a mailbox name are not accepted (RFC 5092 §7.2); those that
//! begin with a parameter mean the mailbox of the base (§9.1).

mod read;
#[cfg(test)]
mod tests;

use alloc::string::String;
use core::{fmt, num::NonZeroU32};

use crate::command::Section;

/// What an IMAP URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Where; `None` in a relative reference: on the server of the base.
    pub server: Option<Server>,
    /// What there.
    pub target: Target,
}

/// `iserver`: RFC 5092 §3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Whose mail, decoded.
    pub user: Option<String>,
    /// `;AUTH=`, decoded: how to log in; `*` for any way.
    pub auth: Option<String>,
    /// The host, as written.
    pub host: String,
    /// The port, if it is written.
    pub port: Option<u16>,
}

/// The kinds of IMAP URLs: RFC 5092 §2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A whole server.
    Server,
    /// A mailbox, or the messages in it that a search finds.
    List {
        /// The mailbox, decoded.
        mailbox: String,
        /// `;UIDVALIDITY=`.
        uid_validity: Option<NonZeroU32>,
        /// The search program after `?`, as written.
        search: Option<String>,
    },
    /// A message or a part of one.
    Message(Message),
}

/// `imessagepart`: RFC 5092 §6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The mailbox, decoded; `None`: that of the base.
    pub mailbox: Option<String>,
    /// `;UIDVALIDITY=`.
    pub uid_validity: Option<NonZeroU32>,
    /// `;UID=`.
    pub uid: NonZeroU32,
    /// `;SECTION=`; the whole message, if it is not given.
    pub section: Option<Section>,
    /// `;PARTIAL=`.
    pub partial: Option<Range>,
    /// `;EXPIRE=`, in unix seconds.
    pub expires: Option<i64>,
    /// `;URLAUTH=`.
    pub authorization: Option<Authorization>,
}

/// `partial-range`: octets of a message or part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first, from 0.
    pub start: u64,
    /// How many at most; all that follow, if it is not given.
    pub count: Option<u64>,
}

/// `iurlauth`: who may use the URL, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Who may.
    pub access: Access,
    /// What a server put after it; `None` in a URL that is still to be authorized.
    pub verifier: Option<Verifier>,
}

/// `access`: RFC 4467 §3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// `submit+USER`: a submission server, on behalf of that user.
    Submit(String),
    /// `user+USER`: that user.
    User(String),
    /// `authuser`: anybody who has logged in as somebody.
    AuthUser,
    /// `anonymous`: anybody.
    Anonymous,
}

/// `iua-verifier`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// The mechanism, as written.
    pub mechanism: String,
    /// The token's hexadecimal digits, as written.
    pub token: String,
    /// How many octets of the URL are the rump, which the token authorizes: those before
    /// `:mechanism:token`. Nothing else may be done to it (RFC 4467 §6).
    pub rump: usize,
}

/// Why something is no IMAP URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlError {
    /// Another scheme than `imap`.
    Scheme,
    /// Not a user, host and port.
    Server,
    /// A relative reference that begins with neither `/` nor `;`: RFC 5092 §7.2.
    RelativePath,
    /// An octet that has to be percent-encoded, or `%` without two hexadecimal digits.
    Character,
    /// A mailbox or user name that is not UTF-8, or is empty.
    Name,
    /// A parameter that is not known, or not in its place.
    Parameter,
    /// A UID or UIDVALIDITY that is none.
    Number,
    /// A section that no message can have.
    Section,
    /// A range of octets that is none.
    Partial,
    /// A date and time that is none: RFC 3339.
    Expire,
    /// An access identifier, mechanism or token that is none.
    Authorization,
}

impl UrlError {
    /// The reason, as a sentence for the client.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Scheme => "The URL is not one of IMAP",
            Self::Server => "The URL does not name a server properly",
            Self::RelativePath => "A relative URL has to begin with '/' or ';'",
            Self::Character => "The URL has an octet that has to be percent-encoded",
            Self::Name => "The URL has a name that is empty or not UTF-8",
            Self::Parameter => "The URL has a parameter that is unknown or not in its place",
            Self::Number => "The URL has a UID or UIDVALIDITY that is none",
            Self::Section => "The URL has a section that no message can have",
            Self::Partial => "The URL has a range of octets that is none",
            Self::Expire => "The URL expires at a date that is none",
            Self::Authorization => "The URL has an authorization that is none",
        }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why())
    }
}

impl core::error::Error for UrlError {}

impl Url {
    /// Reads an IMAP URL, absolute or relative.
    ///
    /// # Errors
    /// [`UrlError`] says what it breaks.
    pub fn parse(url: &[u8]) -> Result<Self, UrlError> {
        read::url(url)
    }
}
