//! One account, and what goes with it.

use std::sync::Arc;

use super::{name::domain_of, role::Roles};
use crate::{authenticator::Identity, password::ScramKeys};

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name, in the form in which names are compared.
    pub name: Arc<str>,
    /// Its number in the store: random, never used again, never 0.
    pub id: u64,
    /// What a login is checked with; without it there is none, though mail arrives.
    pub credentials: Option<Credentials>,
    /// No login, though mail still arrives.
    pub disabled: bool,
    /// The tag of the language that is preferred for them, if one is (RFC 5255 §3.2).
    pub language: Option<Arc<str>>,
    /// Capabilities of IMAP that its clients are not told of, by name.
    pub suppressed: Arc<[String]>,
    /// The server that its mail is on, if that is another (RFC 2221).
    pub home: Option<Home>,
    /// Mailboxes of its own that are on other servers, `MAILBOX: URL …` each (RFC 2193).
    pub remote_mailboxes: Arc<[String]>,
    /// The groups that it is in, in order.
    pub groups: Arc<[Arc<str>]>,
    /// What it may administer.
    pub roles: Roles,
}

/// What a login is checked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The Argon2id hash.
    pub password: String,
    /// The SCRAM-SHA-256 keys.
    pub scram: ScramKeys,
}

/// The server that an account's mail is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Its host, with a port if need be.
    pub host: Arc<str>,
    /// They may log in here nevertheless, for what is shared here.
    pub guest: bool,
}

impl Account {
    /// The domain that it belongs to: what follows the `@` of its name; empty for the site's own.
    #[must_use]
    pub fn domain(&self) -> &str {
        domain_of(&self.name)
    }

    /// Who this is.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity {
            name: self.name.clone(),
            account: self.id,
            language: self.language.clone(),
            suppressed: Arc::clone(&self.suppressed),
            home: self.home.clone(),
            remote_mailboxes: Arc::clone(&self.remote_mailboxes),
            domain: self.domain().into(),
            groups: Arc::clone(&self.groups),
            roles: self.roles.clone(),
            by: None,
        }
    }
}
