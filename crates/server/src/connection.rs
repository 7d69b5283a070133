//! One connection: the loop that drives a session.

use std::{fmt, io, time::Duration};

use session::{Gone, Next, Outlet, Peer};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    protocol::Protocol,
    seats::Seat,
    stream::{Socket, Stream},
    tls::Handshake,
    wire::Wire,
};

/// How far the server is in stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Not at all.
    Running,
    /// Sessions finish what they are at.
    Stopping,
    /// Connections are dropped.
    Dropping,
}

/// Why a connection ended, for the log.
#[derive(Debug)]
pub(crate) enum Disconnect {
    /// The session said so: QUIT, LOGOUT, too many errors, a time-out, a server that stops.
    Closed,
    /// The client closed its side.
    Left,
    /// The client went without a word, or did not read.
    Gone,
    /// Reading failed.
    Broken(io::Error),
    /// The TLS handshake failed.
    Handshake(io::Error),
    /// Its account has too many connections.
    Crowded,
    /// The server's patience with its connections was over when it stopped.
    Dropped,
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Left => f.write_str("client left"),
            Self::Gone => f.write_str("client gone or not reading"),
            Self::Broken(error) => write!(f, "broken: {error}"),
            Self::Handshake(error) => write!(f, "no TLS: {error}"),
            Self::Crowded => f.write_str("too many connections of the account"),
            Self::Dropped => f.write_str("dropped: the server stops"),
        }
    }
}

impl From<Gone> for Disconnect {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// A connection and all that belongs to it.
pub(crate) struct Connection<P> {
    session: P,
    wire: Wire<Stream>,
    handshake: Option<Handshake>,
    seat: Seat,
    phase: watch::Receiver<Phase>,
    /// The session knows that the server is stopping.
    told_to_stop: bool,
    opened: Instant,
    /// When the client last said something.
    heard: Instant,
    received: u64,
}

/// What a connection waits for.
enum Event {
    Octets(Vec<u8>),
    News,
    Silence,
    Stopping,
}

/// A client that has not logged in gets so many times the silence it may keep, in
/// all: one octet a minute is not a login.
const STRANGERS_PATIENCE: u32 = 5;

/// How a connection is to begin.
pub(crate) struct Opening {
    pub(crate) socket: Socket,
    pub(crate) peer: Peer,
    /// For STARTTLS, or for TLS at once.
    pub(crate) handshake: Option<Handshake>,
    pub(crate) begins_with_tls: bool,
    pub(crate) write_timeout: Duration,
}

impl<P: Protocol> Connection<P> {
    /// A connection whose TLS is on, if it begins with that.
    pub(crate) async fn open(
        setup: P::Setup,
        opening: Opening,
        seat: Seat,
        phase: watch::Receiver<Phase>,
    ) -> Result<Box<Self>, Disconnect> {
        let Opening {
            socket,
            mut peer,
            handshake,
            ..
        } = opening;
        let opened = Instant::now();
        let stream = match &handshake {
            Some(handshake) if opening.begins_with_tls => {
                let (stream, tls) = handshake
                    .with(socket)
                    .await
                    .map_err(Disconnect::Handshake)?;
                peer.tls = Some(tls);
                Stream::Tls(Box::new(stream))
            }
            _ => Stream::Clear(socket),
        };
        peer.can_start_tls = handshake.is_some() && !opening.begins_with_tls;
        Ok(Box::new(Self {
            session: P::new(setup, peer),
            wire: Wire::new(stream, opening.write_timeout),
            handshake,
            seat,
            phase,
            told_to_stop: false,
            opened,
            heard: opened,
            received: 0,
        }))
    }

    /// Drives the session to its end, and logs how it was.
    pub(crate) async fn drive(mut self: Box<Self>) {
        let why = self.run().await;
        let user = self.seat.account().unwrap_or_default();
        let (received, sent) = (self.received, self.wire.sent);
        let seconds = self.opened.elapsed().as_secs();
        tracing::info!(user, received, sent, seconds, %why, "connection closed");
    }

    async fn run(&mut self) -> Disconnect {
        match self.turn().await {
            Ok(never) => match never {},
            Err(Disconnect::Crowded) => {
                self.wire.buffer().extend_from_slice(P::ACCOUNT_CROWDED);
                Box::pin(self.wire.close()).await;
                Disconnect::Crowded
            }
            Err(why) => why,
        }
    }

    /// The loop: do what the session says, wait, tell the session.
    async fn turn(&mut self) -> Result<std::convert::Infallible, Disconnect> {
        let mut next = self.session.greet(&mut self.wire).await?;
        loop {
            match next {
                Next::Wait => self.wire.flush().await?,
                Next::Close => {
                    Box::pin(self.wire.close()).await;
                    return Err(Disconnect::Closed);
                }
                Next::StartTls => {
                    self.wire.flush().await?;
                    Box::pin(self.start_tls()).await?;
                }
            }
            self.wire.rest();
            let event = self.event().await?;
            // Boxed, as the handshake is: an idle connection is not to keep room for it.
            next = Box::pin(self.answer(event)).await?;
            self.check_account()?;
        }
    }

    async fn event(&mut self) -> Result<Event, Disconnect> {
        let deadline = self.deadline();
        tokio::select! {
            read = self.wire.stream.octets() => match read {
                Ok(octets) if octets.is_empty() => Err(Disconnect::Left),
                Ok(octets) => Ok(Event::Octets(octets)),
                Err(error) => Err(Disconnect::Broken(error)),
            },
            () = self.session.news() => Ok(Event::News),
            () = sleep_until(deadline) => Ok(Event::Silence),
            // Closed with the server: it stops, then.
            _ = self.phase.wait_for(|p| *p >= Phase::Stopping), if !self.told_to_stop => {
                Ok(Event::Stopping)
            }
        }
    }

    async fn answer(&mut self, event: Event) -> Result<Next, Gone> {
        let Self { session, wire, .. } = self;
        match event {
            Event::Octets(octets) => {
                self.heard = Instant::now();
                self.received += octets.len() as u64;
                session.receive(&octets, wire).await
            }
            Event::News => session.tell(wire).await,
            Event::Silence => session.timed_out(wire).await,
            Event::Stopping => {
                self.told_to_stop = true;
                session.stopping(wire).await
            }
        }
    }

    fn deadline(&self) -> Instant {
        let patience = self.session.patience();
        let silence = self.heard + patience;
        if self.session.is_stranger() {
            silence.min(self.opened + patience * STRANGERS_PATIENCE)
        } else {
            silence
        }
    }

    /// STARTTLS has been answered. Octets that came before the handshake in clear text were
    /// never given to TLS: those read are gone, those not read break the handshake.
    async fn start_tls(&mut self) -> Result<(), Disconnect> {
        let unable = || Disconnect::Handshake(io::ErrorKind::Unsupported.into());
        let handshake = self.handshake.take().ok_or_else(unable)?;
        let Stream::Clear(socket) = self.wire.stream.take() else {
            return Err(unable());
        };
        let (stream, tls) = handshake
            .with(socket)
            .await
            .map_err(Disconnect::Handshake)?;
        self.wire.stream = Stream::Tls(Box::new(stream));
        self.session.secured(tls);
        self.heard = Instant::now();
        Ok(())
    }

    /// Counts the connection for its account, once it has logged in.
    fn check_account(&mut self) -> Result<(), Disconnect> {
        let Some(user) = self.session.user() else {
            return Ok(());
        };
        if self.seat.account() == Some(user) {
            return Ok(());
        }
        tracing::info!(user, "logged in");
        let seated = self.seat.belongs_to(user);
        seated.map_err(|_| Disconnect::Crowded)
    }
}
