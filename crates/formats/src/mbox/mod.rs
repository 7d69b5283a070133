//! mbox: one file for a mailbox, a `From ` line before each message.
//!
//! What a message's own lines that begin with `From ` become differs by [`Quoting`]. Flags and UIDs are in header
//! fields that are no part of the message (`Status`, `X-Status`, `X-Keywords`, `X-UID`, `X-IMAP`, `X-IMAPbase`):
//! a message that brings such fields with it must not be believed, so that they, and `Content-Length`,
//! are written with `X-Original-` before their names.

mod fields;
mod line_starts;
mod read;
mod stored;
mod write;

pub use self::{
    read::{Reader, folders, is_mbox},
    stored::Stored,
    write::{Placed, Writer},
};

/// What becomes of a line that begins with `From `, or looks like one that has been quoted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Quoting {
    /// Nothing: reading, lines are as they are found; written, messages could not be told apart.
    #[default]
    AsFound,
    /// mboxo: `From ` gets a `>`; a line that had one already can't be told from it.
    O,
    /// mboxrd: also those that have some `>` get one more. Comes back as it was.
    Rd,
    /// mboxcl2: nothing; a `Content-Length` says where the body ends.
    Cl2,
}
