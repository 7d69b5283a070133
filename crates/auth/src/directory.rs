//! The accounts file: who there is, and which account a mail address means.

use crate::authenticator::Identity;

/// The accounts, read from their file and read again when it has changed.
#[derive(Debug)]
pub struct Directory {}

/// A mail address resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Whose mail it is.
    pub identity: Identity,
    /// What follows the `+` in the local part, if anything.
    pub detail: Option<String>,
}

impl Directory {
    /// The recipient that an address means: the whole address is an account's name; or
    /// without `+detail`; or the local part alone is, if its domain is one of ours.
    #[must_use]
    pub fn recipient(&self, _local_part: &str, _domain: Option<&str>) -> Option<Recipient> {
        unimplemented!()
    }
}
