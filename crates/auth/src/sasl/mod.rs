//! SASL mechanisms: RFC 4422.

mod plain;
mod scram;

use std::net::IpAddr;

use crate::authenticator::{Authenticator, Identity, Refused};

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
    /// Every one, strongest first.
    pub const EVERY: [Self; 3] = [Self::ScramSha256Plus, Self::ScramSha256, Self::Plain];

    /// Its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
        }
    }

    /// Whether it may be used on a channel.
    #[must_use]
    pub fn fits(self, channel: &Channel) -> bool {
        match self {
            Self::Plain => channel.private,
            Self::ScramSha256 => true,
            Self::ScramSha256Plus => channel.tls_exporter.is_some(),
        }
    }
}

/// An exchange in progress. The client speaks first.
#[derive(Debug)]
pub struct Exchange {
    authenticator: Authenticator,
    peer: Option<IpAddr>,
    state: State,
}

#[derive(Debug)]
enum State {
    Plain,
    Scram(Box<scram::Scram>),
}

/// What comes next in an exchange.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this (not yet base64), and step again with the answer.
    Challenge(Vec<u8>),
    /// Logged in.
    Done(Identity),
}

impl Exchange {
    pub(crate) fn new(
        authenticator: &Authenticator,
        mechanism: Mechanism,
        channel: &Channel,
        peer: Option<IpAddr>,
    ) -> Self {
        let state = match mechanism {
            Mechanism::Plain => State::Plain,
            Mechanism::ScramSha256 => State::Scram(Box::new(scram::Scram::new(
                scram::Binding::not_used(channel),
            ))),
            Mechanism::ScramSha256Plus => {
                State::Scram(Box::new(scram::Scram::new(scram::Binding::used(channel))))
            }
        };
        Self {
            authenticator: authenticator.clone(),
            peer,
            state,
        }
    }

    /// The client's next message, decoded from base64. A profile that can't carry
    /// data with success sends SCRAM's last message as a challenge, and
    /// gets an empty answer.
    ///
    /// # Errors
    /// Says why not; the exchange is over.
    pub async fn step(&mut self, message: &[u8]) -> Result<Step, Refused> {
        match &mut self.state {
            State::Plain => {
                let plain = plain::read(message)?;
                let identity = self
                    .authenticator
                    .password(self.peer, plain.user, plain.password)
                    .await?;
                let acts_as = plain.acts_as.unwrap_or(identity.name.as_bytes()).to_owned();
                let identity = self.authenticator.authorize(identity, &acts_as)?;
                Ok(Step::Done(identity))
            }
            State::Scram(scram) => scram.step(&self.authenticator, self.peer, message).await,
        }
    }
}
