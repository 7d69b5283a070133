//! IMAP on the wire: bytes to [`Command`]s, responses to bytes.
//!
//! RFC 9051 (IMAP4rev2) and RFC 3501 (IMAP4rev1) with the extensions that
//! `docs/conformance.md` lists. Two halves that share only the vocabulary:
//!
//! * in: [`wire`] finds where one command ends (lines, literals), [`parse`]
//!   turns its bytes into a [`Command`], completely, before anything acts;
//! * out: [`encode`] writes the RFC's data items straight into a byte buffer,
//!   [`response`] the greeting, tagged and untagged responses and their codes.
//!
//! Nothing here does I/O, knows a clock, or knows what a mailbox contains:
//! `no_std` proves it.

#![no_std]

extern crate alloc;

mod calendar;
pub mod command;
pub mod encode;
pub mod name;
pub mod parse;
pub mod response;
pub mod set;
pub mod url;
pub mod wire;

pub use command::Command;
pub use set::{SequenceSet, UidSet};
