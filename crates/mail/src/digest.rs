//! All that is derived from a message, in the form in which it is kept.
//!
//! A digest belongs to the message's *content*: offsets count from its first
//! octet as it was handed to the [`crate::Scanner`].

use alloc::vec::Vec;

use crate::structure::Part;

/// What a message means, computed once on arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// ENVELOPE as IMAP sends it, parentheses included (RFC 9051 §7.5.2).
    /// Octets above 127 occur only within literals.
    pub envelope: Vec<u8>,
    /// BODY: BODYSTRUCTURE without extension data.
    pub body: Vec<u8>,
    /// BODYSTRUCTURE.
    pub body_structure: Vec<u8>,
    /// The raw header fields that clients list by ([`crate::header::LISTED`]),
    /// in the order of the message, each with its CRLF.
    pub listed: Vec<u8>,
    /// The day of the `Date` field, disregarding time and zone, as days since
    /// 1970-01-01; `None` if absent or beyond reading (RFC 9051 §6.4.4, SENTON).
    pub sent_days: Option<i32>,
    /// Hashes under which messages of one conversation meet
    /// ([`crate::thread`]): the message's own id first.
    pub thread_keys: Vec<u64>,
    /// The MIME tree.
    pub structure: Part,
}
