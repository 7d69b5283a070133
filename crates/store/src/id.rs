//! The numbers of a mail store, each its own type: mixing them up is the
//! classic mistake of this field.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A message's number in its mailbox: RFC 9051 §2.3.1.1. From 1, only grows.
    Uid(u32)
}
number! {
    /// RFC 9051 §2.3.1.1. From 1.
    UidValidity(u32)
}
number! {
    /// The number of a change in its account, and so the time of a state:
    /// RFC 7162 §2. From 1, below 2^63. 0 is before everything.
    ModSeq(u64)
}

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{:x}"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();
            /// Only what `Display` writes.
            fn from_str(s: &str) -> Result<Self, ()> {
                let digits = s.strip_prefix($letter).ok_or(())?;
                let id = Self(u64::from_str_radix(digits, 16).map_err(|_| ())?);
                if id.to_string() == s { Ok(id) } else { Err(()) }
            }
        }
    };
}

object_id! {
    /// An account, for ever: chosen at random when it is made.
    AccountId, "A"
}
object_id! {
    /// A mailbox, through renames: RFC 8474 §4 `MAILBOXID`.
    MailboxId, "M"
}
object_id! {
    /// A message's immutable content within its account: RFC 8474 §5.1 `EMAILID`.
    EmailId, "E"
}
object_id! {
    /// A conversation within its account: RFC 8474 §5.2 `THREADID`.
    ThreadId, "T"
}
