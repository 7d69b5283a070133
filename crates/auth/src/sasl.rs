//! SASL mechanisms: RFC 4422, RFC 4616 (PLAIN), RFC 5802 and RFC 7677 (SCRAM).

use crate::authenticator::{Identity, Refused};

/// What a mechanism has to know of the connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channel {
    /// Nobody can listen: TLS, a Unix socket, or the configuration says so.
    pub private: bool,
    /// `tls-exporter` channel binding data (RFC 9266), on TLS 1.3 or with
    /// extended master secret.
    pub tls_exporter: Option<Vec<u8>>,
}

/// The mechanisms, strongest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mechanism {
    /// `PLAIN`.
    Plain,
    /// `SCRAM-SHA-256`.
    ScramSha256,
    /// `SCRAM-SHA-256-PLUS`.
    ScramSha256Plus,
}

impl Mechanism {
    /// Its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }
}

/// An exchange in progress. The client speaks first.
#[derive(Debug)]
pub struct Exchange {}

/// What comes next in an exchange.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this (not yet base64), and step again with the answer.
    Challenge(Vec<u8>),
    /// Logged in.
    Done(Identity),
}

impl Exchange {
    /// The client's next message, decoded from base64. A profile that can't carry
    /// data with success sends SCRAM's last message as a challenge, and
    /// gets an empty answer.
    ///
    /// # Errors
    /// Says why not; the exchange is over.
    pub async fn step(&mut self, _message: &[u8]) -> Result<Step, Refused> {
        unimplemented!()
    }
}
