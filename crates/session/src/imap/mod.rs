//! An IMAP session: RFC 9051 and RFC 3501 on one connection.

pub(crate) mod fetch;
pub(crate) mod flags;
pub(crate) mod refusal;
pub(crate) mod search;
pub(crate) mod state;
pub(crate) mod view;

use crate::{Gone, Next, Outlet, Peer, Services, Tls};

/// One client's session.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// A session that has not greeted yet.
    #[must_use]
    pub fn new(_services: Services, _peer: Peer) -> Self {
        Self {}
    }
    /// Sends the greeting.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn greet(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        unimplemented!()
    }
    /// Takes what the client sent, and answers every command that is complete.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn receive(&mut self, _octets: &[u8], _out: &mut impl Outlet) -> Result<Next, Gone> {
        unimplemented!()
    }
    /// TLS is on (after [`Next::StartTls`]).
    pub fn secured(&mut self, _tls: Tls) {}
    /// Waits until there is news for a client in IDLE; for ever when it is not.
    /// Cancel-safe. Then call [`Session::tell`].
    pub async fn news(&mut self) {}
    /// Tells an idling client what is new.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn tell(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        unimplemented!()
    }
    /// How long the client may be silent from now on.
    #[must_use]
    pub fn patience(&self) -> std::time::Duration {
        unimplemented!()
    }
    /// The client was silent for longer: says BYE.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn timed_out(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        unimplemented!()
    }
    /// The server is stopping: says BYE.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn stopping(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        unimplemented!()
    }
    /// The account's name once logged in, for logs and limits by account.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        None
    }
}
