//! Messages that clients bring: APPEND, CATENATE, REPLACE.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use super::{AnnotationEntry, DateTime, Flag, Mailbox, Numbering};

/// APPEND: a mailbox, and one message or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where to.
    pub mailbox: Mailbox,
    /// At least one.
    pub messages: Vec<AppendMessage>,
}

/// One message of an APPEND, or that of a REPLACE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendMessage {
    /// Flags and keywords as sent.
    pub flags: Vec<Flag>,
    /// The internal date, if given.
    pub date: Option<DateTime>,
    /// Its annotations: RFC 5257 §4.7.
    pub annotations: Vec<AnnotationEntry>,
    /// What it is made of.
    pub data: AppendData,
}

/// `append-data`: RFC 4466, RFC 4469, RFC 6855.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendData {
    /// A literal that is all of the message.
    Message(MessageLiteral),
    /// `CATENATE (…)`, RFC 4469: at least one part.
    Catenate(Vec<CatPart>),
}

/// `cat-part`: RFC 4469 §5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatPart {
    /// `TEXT`, or `UTF8 (…)`: octets that come with the command.
    Text(MessageLiteral),
    /// `URL`: octets of a message that is there already; the URL as sent ([`crate::url`]).
    Url(Vec<u8>),
}

/// A literal with octets of a message. These are never part of the command: [`crate::wire`]
/// hands them on in pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageLiteral {
    /// Its size in octets, as announced.
    pub size: u64,
    /// How it was sent.
    pub kind: LiteralKind,
}

/// The forms of literals with octets of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiteralKind {
    /// `{n}`: without NUL (RFC 9051 §4.3).
    Plain,
    /// `~{n}`: any octets (RFC 3516).
    Binary,
    /// `UTF8 (~{n})`: any octets, and UTF-8 in the header (RFC 6855 §4).
    Utf8,
}

/// REPLACE and UID REPLACE: RFC 8508.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replace {
    /// With or without the UID prefix.
    pub numbering: Numbering,
    /// The message that goes; `None` for `*`.
    pub message: Option<NonZeroU32>,
    /// Where the other comes to be.
    pub mailbox: Mailbox,
    /// The message that comes.
    pub replacement: AppendMessage,
}
