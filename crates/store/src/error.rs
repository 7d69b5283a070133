//! What can go wrong, by condition: what a session must tell apart.

use std::{path::PathBuf, sync::Arc};

use crate::quota::{QuotaRoot, Resource};
use crate::rights::Rights;

/// A failed store operation. Nothing of the operation has happened, unless
/// the variant says otherwise. Cheap to clone: one failed group answers many.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The mailbox does not exist (any more).
    #[error("no such mailbox")]
    NoSuchMailbox,
    /// A mailbox of that name exists.
    #[error("the mailbox exists already")]
    AlreadyExists,
    /// Whoever acts knows of the mailbox, and has not these rights on it: RFC 4314 §4.
    #[error("the right {0} is needed")]
    NoRight(Rights),
    /// INBOX can't be deleted, a mailbox can't move below itself, and so on.
    #[error("{0}")]
    NotPermitted(&'static str),
    /// The name can't be a mailbox's.
    #[error("invalid mailbox name: {0}")]
    InvalidName(&'static str),
    /// Another mailbox has this special use already.
    #[error("another mailbox has that special use")]
    RoleTaken,
    /// The message is larger than the store takes, in octets.
    #[error("message larger than {0} octets")]
    TooBig(u64),
    /// A limit on a count: mailboxes, keywords, UIDs. Says which.
    #[error("limit reached: {0}")]
    Limit(&'static str),
    /// A quota root would have more than its limit.
    #[error("over quota: {resource} of {root:?}")]
    OverQuota {
        /// The root.
        root: QuotaRoot,
        /// Of what.
        resource: Resource,
    },
    /// No space left; reads go on, writes resume when there is some.
    #[error("no space left on the partition")]
    Full,
    /// The partition takes no writes until it has been reopened and verified.
    #[error("partition out of service: {0}")]
    OutOfService(Arc<str>),
    /// Another process has the store open.
    #[error("the store is in use by {0}")]
    InUse(Arc<str>),
    /// What was read is not what was written.
    #[error("damaged: {what} at {file}:{offset}")]
    Corrupt {
        /// The file.
        file: Arc<str>,
        /// Where in it, in octets.
        offset: u64,
        /// What is wrong.
        what: Arc<str>,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Its reason.
        source: Arc<std::io::Error>,
    },
}
