//! Object identifiers as a client is told them: RFC 8474.
//!
//! The store numbers mailboxes, messages and conversations within an account. Who comes to several accounts
//! is to meet no identifier twice, so those of other accounts say whose they are: `M2` is a mailbox of one's own,
//! `M2-A1f0c29` another's.

use std::{fmt, str::FromStr};

use store::AccountId;

/// How the identifiers of an account are told to a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ObjectIds {
    /// The account, if it is not the user's own.
    of: Option<AccountId>,
}

/// An identifier as it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<T> {
    id: T,
    of: Option<AccountId>,
}

impl ObjectIds {
    /// Those of an account that is not the user's own.
    pub(crate) const fn of_other(account: AccountId) -> Self {
        Self { of: Some(account) }
    }

    /// One of them.
    pub(crate) const fn told<T>(self, id: T) -> Told<T> {
        Told { id, of: self.of }
    }

    /// The one that a client means; `None` if it is none of this account's.
    pub(crate) fn read<T: FromStr>(self, told: &[u8]) -> Option<T> {
        let told = str::from_utf8(told).ok()?;
        let id = match self.of {
            None => told,
            Some(account) => {
                let (id, of) = told.split_once('-')?;
                (of.parse() == Ok(account)).then_some(id)?
            }
        };
        id.parse().ok()
    }
}

impl<T: fmt::Display> fmt::Display for Told<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.fmt(f)?;
        match self.of {
            None => Ok(()),
            Some(account) => write!(f, "-{account}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use store::{EmailId, MailboxId};

    use super::*;

    #[test]
    fn identifiers_say_whose_they_are() {
        let (own, other) = (ObjectIds::default(), ObjectIds::of_other(AccountId(0x1f)));
        assert_eq!(own.told(MailboxId(2)).to_string(), "M2");
        assert_eq!(other.told(MailboxId(2)).to_string(), "M2-A1f");
        assert_eq!(own.read(b"E2"), Some(EmailId(2)));
        assert_eq!(other.read(b"E2-A1f"), Some(EmailId(2)));
        for told in ["E2", "E2-A1e", "E2-", "E2-A1f-A1f", "M2-A1f", "-A1f"] {
            assert_eq!(other.read::<EmailId>(told.as_bytes()), None, "{told}");
        }
        assert_eq!(own.read::<EmailId>(b"E2-A1f"), None);
    }
}
