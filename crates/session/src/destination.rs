//! Where mail for an address goes, or why it may not.
//!
//! Asked in one place, so that the mail system before us hears the same beforehand
//! ([`crate::postfix`]) as when it hands the mail over ([`crate::lmtp`]).

use auth::Identity;

use crate::Services;

/// Where mail goes.
#[derive(Debug)]
pub(crate) struct Destination {
    /// Whose mail it is.
    pub(crate) identity: Identity,
    /// The folder asked for: what followed the `+`.
    pub(crate) detail: Option<String>,
}

/// Why it goes nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// No account has that address.
    Nobody,
    /// The account's mail is on another server.
    Elsewhere,
}

/// Finds where mail for an address goes.
pub(crate) fn find(
    services: &Services,
    local_part: &str,
    domain: Option<&str>,
) -> Result<Destination, Obstacle> {
    let directory = services.auth.directory();
    let found = directory.recipient(local_part, domain);
    let found = found.ok_or(Obstacle::Nobody)?;
    if found.identity.home.is_some() {
        return Err(Obstacle::Elsewhere);
    }
    Ok(Destination {
        identity: found.identity,
        detail: found.detail,
    })
}
