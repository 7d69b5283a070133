//! The protocol sessions: what is permitted when, and what each command does.
//!
//! No socket, no clock, no runtime. A driver (the `server` crate) owns the
//! connection: it gives a session the bytes that arrived and the passing
//! of time, and takes its bytes through [`Outlet`]. The contract is the
//! same for every protocol: after each call the driver does what [`Next`] says.
//!
//! * [`imap`]: RFC 9051 and RFC 3501
//! * [`lmtp`]: RFC 2033
//! * [`postfix`]: what Postfix asks beforehand
//!
//! What both share: [`namespace`], what mailbox names mean; [`quota`], the limits of domains.

mod destination;
pub mod imap;
pub mod limits;
pub mod lmtp;
pub mod namespace;
pub mod postfix;
pub mod quota;
mod site;
pub mod warning;

use std::{fmt, future::Future, net::IpAddr, sync::Arc};

pub use imap::{Language, identifier, unattended as search};
pub use limits::Limits;
pub use site::{MetadataMax, Site};

/// What every session works with.
#[derive(Debug, Clone)]
pub struct Services {
    /// The mail.
    pub store: store::Store,
    /// The users.
    pub auth: auth::Authenticator,
    /// What a client may cost.
    pub limits: Limits,
    /// Names the server in greetings and replies.
    pub hostname: Arc<str>,
    /// Logins in clear text without TLS are permitted.
    pub plaintext_login: bool,
    /// Users bring back by themselves what has been gone for no longer than this; `None`: only
    /// administrators do.
    pub undelete: Option<store::past::Retention>,
    /// What an administrator has set of IMAP.
    pub imap: Arc<imap::Settings>,
    /// What an administrator has set of delivery.
    pub lmtp: Arc<lmtp::Settings>,
    /// What the server says of itself.
    pub site: Arc<Site>,
}

/// The other end of a connection.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    /// Its address; `None` on a Unix socket.
    pub address: Option<IpAddr>,
    /// TLS, if it is on.
    pub tls: Option<Tls>,
    /// STARTTLS can be offered.
    pub can_start_tls: bool,
}

/// Where the client is, for a person.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => address.to_canonical().fmt(f),
            None => f.write_str("a local socket"),
        }
    }
}

/// What a session has to know of TLS.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// `tls-exporter` channel binding data (RFC 9266).
    pub exporter: Option<Vec<u8>>,
}

/// Where a session's bytes go.
pub trait Outlet: Send {
    /// Bytes that are to go out; sessions append to it.
    fn buffer(&mut self) -> &mut Vec<u8>;

    /// Writes the buffer out and empties it. Sessions call it whenever the buffer has
    /// grown past [`FLUSH_AT`], and nothing larger than a piece is ever held.
    ///
    /// # Errors
    /// [`Gone`] if the client is: it has left, or does not read.
    fn flush(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Ends when a client that waits, and has been told nothing meanwhile, is to hear that it has not been
    /// forgotten; never, where nobody minds.
    fn silence(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// Octets in the outlet's buffer at which it is flushed.
pub const FLUSH_AT: usize = 64 * 1024;

/// The client is gone: unwind and drop the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// What the driver is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Flush, then wait for bytes, news, or time.
    Wait,
    /// Flush, then do the TLS handshake and tell the session (`secured`). What
    /// the client sent before the handshake was discarded already.
    StartTls,
    /// Flush, then compress both ways (RFC 4978); then give the session what else has come, if
    /// only nothing (`receive`).
    Compress,
    /// Flush, end compression with that, both ways (RFC 8437 §4.1), and go on as after
    /// [`Next::Compress`].
    Uncompress,
    /// Flush and close.
    Close,
}
