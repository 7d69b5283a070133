//! One message: what its bytes mean.
//!
//! Header fields (RFC 5322), MIME structure (RFC 2045–2047, 2183, 2231),
//! and what IMAP derives from them: ENVELOPE, BODY, BODYSTRUCTURE, sections,
//! decoded text, base subject, threading keys; and how texts compare.
//!
//! A message is read once, on arrival, by [`Scanner`], in pieces of any size
//! and in memory that does not grow with it; the outcome is a [`Digest`],
//! which the store keeps beside the message, so that a FETCH parses nothing.
//!
//! Real mail is broken mail: nothing here fails on a message, whatever its
//! bytes; limits ([`Limits`]) bound what a hostile one can cost.
//!
//! Nothing here does I/O or knows a mailbox: `no_std` proves it.

#![no_std]

extern crate alloc;

pub mod address;
mod body_structure;
pub mod charset;
pub mod collation;
mod content;
pub mod date;
pub mod decode;
pub mod digest;
pub mod downgrade;
pub mod encoded_word;
pub mod envelope;
pub mod fuzzy;
pub mod header;
pub mod html;
mod lex;
pub mod message_id;
pub mod outline;
pub mod part_structure;
pub mod preview;
pub mod scan;
pub mod search;
pub mod structure;
pub mod subject;
pub mod text;
pub mod thread;
mod wire;

pub use digest::{Digest, DigestRef};
pub use scan::{Limits, Scanner};
pub use structure::{Encoding, Part, PartKind, Span, What};
