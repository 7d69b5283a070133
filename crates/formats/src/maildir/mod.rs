//! Maildir++: a directory per mailbox, a file per message, flags in the file's name.
//!
//! `cur/`, `new/` and `tmp/` in each; folders are `.A.B` beside them. Dovecot's `dovecot-uidlist` and
//! `dovecot-keywords`, Courier's `courierimapuiddb`, and both's lists of subscriptions are read; Dovecot's are
//! written.

mod name;
mod read;
mod tables;
mod write;

pub(crate) use self::write::set_time;
pub use self::{
    name::{FileName, KEYWORDS_MAX},
    read::{Reader, folders, subscriptions},
    tables::{Uids, parse_keywords, parse_subscriptions, parse_uids},
    write::{Placed, Writer, write_subscriptions},
};
