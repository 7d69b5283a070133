//! Logging in: directory, passwords, mechanisms and brake together.

use std::{net::IpAddr, sync::Arc};

use crate::{
    directory::Directory,
    sasl::{Channel, Exchange, Mechanism},
};

/// Somebody who has proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The account's name, as in the accounts file.
    pub name: Arc<str>,
    /// The account's number, as the store knows it.
    pub account: u64,
}

/// Why a login failed. What it says is fit for the client: it does not tell
/// whether the account exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Wrong user or password, or the account is disabled.
    #[error("authentication failed")]
    Credentials,
    /// May log in, but not as the authorization identity asked for.
    #[error("not authorized to act as that user")]
    Authorization,
    /// The exchange was not what the mechanism demands: says what.
    #[error("{0}")]
    Malformed(&'static str),
    /// Too many failures lately from this address for this account; try again later.
    #[error("too many failed attempts, try again later")]
    Braked,
    /// The accounts file can't be read.
    #[error("temporary authentication failure")]
    Unavailable,
}

/// What sessions log in with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Authenticator {}

impl Authenticator {
    /// Over a directory, with a brake of its own.
    #[must_use]
    pub fn new(_directory: Arc<Directory>) -> Self {
        Self {}
    }

    /// Checks a user name and password (LOGIN, PLAIN). Hashing runs aside, off
    /// the event loop, and in bounded number.
    ///
    /// # Errors
    /// Says why not.
    pub async fn password(
        &self,
        _peer: Option<IpAddr>,
        _user: &[u8],
        _password: &[u8],
    ) -> Result<Identity, Refused> {
        unimplemented!()
    }

    /// The mechanisms to offer on a channel, strongest first.
    #[must_use]
    pub fn mechanisms(&self, _channel: &Channel) -> Vec<Mechanism> {
        unimplemented!()
    }

    /// Begins an exchange; `None` if there is no such mechanism.
    #[must_use]
    pub fn start(
        &self,
        _mechanism: &str,
        _channel: &Channel,
        _peer: Option<IpAddr>,
    ) -> Option<Exchange> {
        unimplemented!()
    }

    /// The accounts.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        unimplemented!()
    }
}
