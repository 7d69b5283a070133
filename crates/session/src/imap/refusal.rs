//! How a command fails: refused, with what the client is told; or its client is gone.
//!
//! Texts of errors below never reach a client: what a store error means on
//! the wire is decided here, once for each (RFC 5530).

use imap::response::Code;
use store::annotation;

use super::wording::Text;
use crate::Gone;

/// What the client is told of a command that was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `NO`: understood, and not done.
    No(Option<Code>, Text),
    /// `BAD`: not understood, or not permitted now.
    Bad(Option<Code>, Text),
}

/// Why a command's handler stopped short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The client is told why.
    Refused(Refusal),
    /// There is nobody to tell.
    Gone,
}

/// A command done: its tagged `OK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Done {
    /// The response code, if there is one.
    pub(crate) code: Option<Code>,
    /// What a person may read.
    pub(crate) text: &'static str,
}

/// How a command ends.
pub(crate) type Outcome = Result<Done, Stop>;

impl Done {
    /// Done, with nothing more to say.
    pub(crate) const fn new(text: &'static str) -> Self {
        Self { code: None, text }
    }

    /// Done, with a response code.
    pub(crate) const fn with(code: Code, text: &'static str) -> Self {
        Self {
            code: Some(code),
            text,
        }
    }
}

impl Refusal {
    /// `NO` with a code.
    pub(crate) fn no(code: Code, text: impl Into<Text>) -> Self {
        Self::No(Some(code), text.into())
    }

    /// `BAD`.
    pub(crate) fn bad(text: impl Into<Text>) -> Self {
        Self::Bad(None, text.into())
    }

    /// `BAD` with a code.
    pub(crate) fn bad_with(code: Code, text: impl Into<Text>) -> Self {
        Self::Bad(Some(code), text.into())
    }

    /// Message numbers after ENABLE UIDONLY: RFC 9586 §3.
    pub(crate) fn uid_required() -> Self {
        let text = "Message numbers are not allowed once UIDONLY is enabled";
        Self::bad_with(Code::UidRequired, text)
    }

    /// The mailbox was opened with EXAMINE.
    pub(crate) fn read_only() -> Self {
        Self::no(Code::ReadOnly, "The mailbox is open read-only")
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Gone> for Stop {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        use store::Error as E;
        match error {
            E::NoSuchMailbox => Self::no(Code::NonExistent, "No such mailbox"),
            E::AlreadyExists => Self::no(Code::AlreadyExists, "The mailbox exists already"),
            E::NoRight(rights) => Self::no(
                Code::NoPerm,
                Text::with(
                    "Permission denied: it takes the right {} on the mailbox",
                    [rights.to_string().into()],
                ),
            ),
            E::NotPermitted(why) => Self::no(Code::Cannot, why),
            E::InvalidName(why) => Self::no(
                Code::Cannot,
                Text::with("Invalid mailbox name: {}", [why.into()]),
            ),
            E::RoleTaken => Self::no(Code::UseAttr, "Another mailbox has that special use"),
            E::TooBig(max) => Self::no(
                Code::TooBig,
                Text::with("The message is larger than {} octets", [max.into()]),
            ),
            E::Limit(annotation::TOO_BIG) => {
                Self::no(Code::AnnotateTooBig, "The annotation is too large")
            }
            E::Limit(annotation::TOO_MANY) => Self::no(
                Code::AnnotateTooMany,
                "The message has too many annotations already",
            ),
            E::Limit(what) => Self::no(Code::Limit, Text::with("Limit reached: {}", [what.into()])),
            E::OverQuota { root, resource } => {
                // What another's limits are is nobody's business.
                let sentence = match root {
                    store::QuotaRoot::Domain(_) => {
                        "Over quota: the domain's limit of {} is reached"
                    }
                    _ => "Over quota: the limit of {} is reached",
                };
                Self::no(
                    Code::OverQuota,
                    Text::with(sentence, [resource.name().into()]),
                )
            }
            E::Full => Self::no(Code::Unavailable, "No space left on the server's disk"),
            E::OutOfService(_) => Self::no(
                Code::Unavailable,
                "The mail store takes no changes at present",
            ),
            E::InUse(_) => Self::no(Code::InUse, "The mail store is in use"),
            E::Corrupt { file, offset, what } => {
                tracing::error!(%file, offset, %what, "damaged");
                Self::no(Code::Corruption, "What was read is damaged")
            }
            E::Io { path, source } => {
                tracing::error!(path = %path.display(), %source, "input or output failed");
                Self::no(Code::Unavailable, "The mail store can't be read at present")
            }
        }
    }
}
