//! What a server runs by, resolved: no file, no default that depends on another.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use session::postfix::Dialect;
use store::{
    archive::ArchiveRule,
    past::{Retention, Rules},
};

use crate::network::Network;

/// Where to listen, for whom, and what connections may cost.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The listeners.
    pub listen: Vec<Listen>,
    /// The certificate chain and its key, PEM; `None` for a server without TLS.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Networks that LMTP over TCP is open to.
    pub lmtp_allow: Vec<Network>,
    /// Networks whose Postfix may ask over TCP.
    pub postfix_allow: Vec<Network>,
    /// Connections in all. Each needs a file descriptor and some kilobytes.
    pub connections_max: usize,
    /// Connections of one account: a household behind several programs needs dozens.
    pub connections_per_account_max: usize,
    /// How long a client may take for a TLS handshake.
    pub handshake_timeout: Duration,
    /// How long a client may read nothing of what it is sent.
    pub write_timeout: Duration,
    /// How long connections may take to finish when the server stops.
    pub grace: Duration,
    /// How often the certificate's files are looked at.
    pub certificate_interval: Duration,
    /// At how many percent of a quota a mail warns of it.
    pub quota_mails: Vec<u8>,
    /// When mail goes by itself.
    pub expiry: Rules,
    /// How often it is looked what has to go.
    pub expiry_every: Duration,
    /// Where old mail lies, if there is such a place.
    pub archive: Option<ArchiveRule>,
    /// How often it is looked what has to go there.
    pub archive_every: Duration,
    /// How long what is gone can be brought back.
    pub retention: Retention,
    /// Whether space that nobody needs any more is given back by the clock.
    pub compact: bool,
    /// How often.
    pub compact_every: Duration,
    /// Octets that may be read for that in a second; 0: as fast as it goes.
    pub compact_rate: u64,
    /// Whether the text of messages is indexed in the background.
    pub index: bool,
    /// Octets that may be read for that in a second; 0: as fast as it goes.
    pub index_rate: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            certificate: None,
            lmtp_allow: Vec::new(),
            postfix_allow: Network::this_machine(),
            connections_max: 50_000,
            connections_per_account_max: 200,
            handshake_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_mins(2),
            grace: Duration::from_secs(20),
            certificate_interval: Duration::from_mins(1),
            quota_mails: Vec::new(),
            expiry: Rules::default(),
            expiry_every: Duration::from_hours(1),
            archive: None,
            archive_every: Duration::from_hours(24),
            retention: Retention::default(),
            compact: true,
            compact_every: Duration::from_hours(24),
            compact_rate: 32 << 20,
            index: true,
            index_rate: 16 << 20,
        }
    }
}

/// One listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// What is spoken there.
    pub speaks: Speaks,
    /// How it is secured.
    pub security: Security,
    /// Where.
    pub address: Address,
}

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// RFC 9051 and RFC 3501.
    Imap,
    /// RFC 2033.
    Lmtp,
    /// What Postfix asks.
    Postfix(Dialect),
}

/// How a listener is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// In clear text; STARTTLS is offered if there is a certificate.
    StartTls,
    /// TLS from the first octet (RFC 8314).
    Tls,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A TCP address. `[::]` means IPv6 only, so that `0.0.0.0` can stand beside it.
    Tcp(SocketAddr),
    /// A Unix socket, with the permissions it gets.
    Unix {
        /// Its path.
        path: PathBuf,
        /// Permission bits, as for chmod.
        mode: u32,
    },
    /// A listening socket passed in by systemd, by its `FileDescriptorName=`.
    Passed(String),
}
