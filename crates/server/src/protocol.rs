//! What the driver's loop needs of a session, the same for every protocol.

use std::{future::Future, time::Duration};

use session::{Gone, Next, Outlet, Peer, Services, Tls, imap, lmtp, postfix};

/// A session as the loop sees it. See [`session`] for the contract.
pub(crate) trait Protocol: Send + Sized + 'static {
    /// Its name in the log.
    const NAME: &'static str;
    /// What a connection too many is told, in clear text, before it is closed.
    const CROWDED: &'static [u8];
    /// What a connection too many of one account is told.
    const ACCOUNT_CROWDED: &'static [u8];
    /// What a client is told whose octets can't be inflated, before it is closed.
    const NOT_DEFLATED: &'static [u8] = b"";

    /// What a session is made of, besides its peer.
    type Setup: Clone + Send + 'static;

    fn new(setup: Self::Setup, peer: Peer) -> Self;
    fn greet(&mut self, out: &mut impl Outlet) -> impl Answer;
    fn receive(&mut self, octets: Vec<u8>, out: &mut impl Outlet) -> impl Answer;
    fn secured(&mut self, tls: Tls);
    fn news(&mut self) -> impl Future<Output = ()> + Send;
    fn tell(&mut self, out: &mut impl Outlet) -> impl Answer;
    fn patience(&self) -> Duration;
    fn timed_out(&mut self, out: &mut impl Outlet) -> impl Answer;
    fn stopping(&mut self, out: &mut impl Outlet) -> impl Answer;
    /// An administrator has ended it.
    fn ended(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.stopping(out)
    }
    fn user(&self) -> Option<&str>;
    /// The administrator who the user really is.
    fn administrator(&self) -> Option<&str> {
        None
    }
    /// Whether it is a stranger still: one that gets only so much time in all.
    fn is_stranger(&self) -> bool;
}

/// What a session answers.
pub(crate) trait Answer: Future<Output = Result<Next, Gone>> + Send {}
impl<F: Future<Output = Result<Next, Gone>> + Send> Answer for F {}

impl Protocol for imap::Session {
    const NAME: &'static str = "imap";
    const CROWDED: &'static [u8] = b"* BYE [LIMIT] Too many connections, try again later\r\n";
    const ACCOUNT_CROWDED: &'static [u8] =
        b"* BYE [LIMIT] Too many connections of this account\r\n";
    const NOT_DEFLATED: &'static [u8] = b"* BYE What came was not deflated\r\n";

    type Setup = Services;

    fn new(services: Services, peer: Peer) -> Self {
        Self::new(services, peer)
    }
    fn greet(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.greet(out)
    }
    fn receive(&mut self, octets: Vec<u8>, out: &mut impl Outlet) -> impl Answer {
        self.receive(octets, out)
    }
    fn secured(&mut self, tls: Tls) {
        self.secured(tls);
    }
    fn news(&mut self) -> impl Future<Output = ()> + Send {
        self.news()
    }
    fn tell(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.tell(out)
    }
    fn patience(&self) -> Duration {
        self.patience()
    }
    fn timed_out(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.timed_out(out)
    }
    fn stopping(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.stopping(out)
    }
    fn ended(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.ended(out)
    }
    fn user(&self) -> Option<&str> {
        self.user()
    }
    fn administrator(&self) -> Option<&str> {
        self.administrator()
    }
    fn is_stranger(&self) -> bool {
        self.user().is_none()
    }
}

impl Protocol for lmtp::Session {
    const NAME: &'static str = "lmtp";
    const CROWDED: &'static [u8] = b"421 4.7.0 Too many connections, try again later\r\n";
    const ACCOUNT_CROWDED: &'static [u8] = Self::CROWDED;

    type Setup = Services;

    fn new(services: Services, peer: Peer) -> Self {
        Self::new(services, peer)
    }
    fn greet(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.greet(out)
    }
    async fn receive(&mut self, octets: Vec<u8>, out: &mut impl Outlet) -> Result<Next, Gone> {
        self.receive(&octets, out).await
    }
    fn secured(&mut self, tls: Tls) {
        self.secured(tls);
    }
    fn news(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
    async fn tell(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        Ok(Next::Wait)
    }
    fn patience(&self) -> Duration {
        self.patience()
    }
    fn timed_out(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.timed_out(out)
    }
    fn stopping(&mut self, out: &mut impl Outlet) -> impl Answer {
        self.stopping(out)
    }
    fn user(&self) -> Option<&str> {
        self.user()
    }
    fn is_stranger(&self) -> bool {
        false
    }
}

/// A question, an answer: nobody greets, and nobody is told why it ends.
impl Protocol for postfix::Session {
    const NAME: &'static str = "postfix";
    const CROWDED: &'static [u8] = b"";
    const ACCOUNT_CROWDED: &'static [u8] = b"";

    type Setup = (Services, postfix::Dialect);

    fn new((services, dialect): Self::Setup, _peer: Peer) -> Self {
        Self::new(services, dialect)
    }
    async fn greet(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        Ok(Next::Wait)
    }
    async fn receive(&mut self, octets: Vec<u8>, out: &mut impl Outlet) -> Result<Next, Gone> {
        self.receive(&octets, out).await
    }
    fn secured(&mut self, _tls: Tls) {}
    fn news(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
    async fn tell(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        Ok(Next::Wait)
    }
    fn patience(&self) -> Duration {
        self.patience()
    }
    async fn timed_out(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        Ok(Next::Close)
    }
    async fn stopping(&mut self, _out: &mut impl Outlet) -> Result<Next, Gone> {
        Ok(Next::Close)
    }
    fn user(&self) -> Option<&str> {
        None
    }
    fn is_stranger(&self) -> bool {
        false
    }
}
