//! Commands on rights: RFC 4314 §3.

use alloc::{string::String, vec::Vec};

use super::Mailbox;

/// A command of RFC 4314. Identifiers are as the client sent them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acl {
    /// SETACL, §3.1.
    Set {
        /// Of which mailbox.
        mailbox: Mailbox,
        /// Whose rights.
        identifier: Vec<u8>,
        /// What becomes of them.
        rights: ModRights,
    },
    /// DELETEACL, §3.2.
    Delete {
        /// Of which mailbox.
        mailbox: Mailbox,
        /// Whose entry.
        identifier: Vec<u8>,
    },
    /// GETACL, §3.3.
    Get(Mailbox),
    /// LISTRIGHTS, §3.4.
    ListRights {
        /// Of which mailbox.
        mailbox: Mailbox,
        /// To whom rights might be given.
        identifier: Vec<u8>,
    },
    /// MYRIGHTS, §3.5.
    MyRights(Mailbox),
}

/// `mod-rights`: small letters of ASCII and digits, which need not be rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModRights {
    /// These, and no others.
    Replace(String),
    /// `+`: these too.
    Add(String),
    /// `-`: these no longer.
    Remove(String),
}
