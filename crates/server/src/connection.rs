//! One connection: the loop that drives a session.

use std::{fmt, io, net::IpAddr, time::Duration};

use admin::Presence;
use session::{Gone, Next, Outlet, Peer};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    deflate::{Inflater, Piece},
    events,
    protocol::Protocol,
    seats::Seat,
    stream::{Socket, Stream},
    tls::Handshake,
    wire::{Ratio, Wire},
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
    /// What is read is inflated first (RFC 4978).
    inflater: Option<Box<Inflater>>,
    handshake: Option<Handshake>,
    seat: Seat,
    /// What administrators see of it, and end it by.
    presence: Presence,
    /// The client's, if it has one.
    address: Option<IpAddr>,
    phase: watch::Receiver<Phase>,
    /// The session knows that the server is stopping.
    told_to_stop: bool,
    opened: Instant,
    /// When the client last said something.
    heard: Instant,
    /// When the client became a stranger: when it connected, or logged out and stayed.
    strange: Instant,
    received: u64,
    /// Octets that came compressed, after and before.
    came: Ratio,
}

/// What a connection waits for.
enum Event {
    Octets(Vec<u8>),
    News,
    Silence,
    Stopping,
    /// An administrator wants it to end.
    Ended,
    /// Nothing has happened for a while.
    Rest,
}

/// The time after which a connection gives back what compression needs only while it works.
const REST_AFTER: Duration = Duration::from_secs(5);

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
        let address = peer.address;
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
            inflater: None,
            handshake,
            presence: seat.enter(P::NAME, address),
            seat,
            address,
            phase,
            told_to_stop: false,
            opened,
            heard: opened,
            strange: opened,
            received: 0,
            came: Ratio::default(),
        }))
    }

    /// Drives the session to its end, and logs how it was.
    pub(crate) async fn drive(mut self: Box<Self>) {
        let why = self.run().await;
        if let Some(user) = self.seat.account() {
            events::logout(user, P::NAME, self.address, &why);
        }
        let user = self.seat.account().unwrap_or_default();
        let (received, sent) = (self.received, self.wire.sent);
        let seconds = self.opened.elapsed().as_secs();
        if self.wire.deflated.packed == 0 && self.came.packed == 0 {
            tracing::info!(user, received, sent, seconds, %why, "connection closed");
            return;
        }
        let (went, came) = (self.wire.deflated, self.came);
        tracing::info!(
            user,
            received,
            sent,
            seconds,
            %why,
            received_deflated = came.packed,
            received_inflated = came.plain,
            sent_plain = went.plain,
            sent_deflated = went.packed,
            "connection closed",
        );
    }

    async fn run(&mut self) -> Disconnect {
        match self.turn().await {
            Ok(never) => match never {},
            Err(Disconnect::Crowded) => {
                self.wire.buffer().extend_from_slice(P::ACCOUNT_CROWDED);
                Box::pin(self.wire.close()).await;
                Disconnect::Crowded
            }
            Err(Disconnect::Broken(error))
                if self.inflater.is_some() && error.kind() == io::ErrorKind::InvalidData =>
            {
                self.wire.buffer().extend_from_slice(P::NOT_DEFLATED);
                Box::pin(self.wire.close()).await;
                Disconnect::Broken(error)
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
                Next::Compress => {
                    self.wire.flush().await?;
                    self.wire.compress();
                    self.inflater = Some(Box::new(Inflater::new()));
                    next = self.go_on().await?;
                    continue;
                }
                Next::Uncompress => {
                    self.wire.uncompress().await?;
                    if let Some(inflater) = &mut self.inflater {
                        inflater.end();
                    }
                    next = self.go_on().await?;
                    continue;
                }
            }
            self.wire.rest();
            let event = self.event().await?;
            // Boxed, as the handshake is: an idle connection is not to keep room for it.
            next = Box::pin(self.answer(event)).await?;
            self.check_account()?;
        }
    }

    /// The session goes on with what it has already: it stopped for what the driver had to do.
    async fn go_on(&mut self) -> Result<Next, Disconnect> {
        let next = Box::pin(self.session.receive(Vec::new(), &mut self.wire)).await?;
        self.check_account()?;
        Ok(next)
    }

    async fn event(&mut self) -> Result<Event, Disconnect> {
        let deadline = self.deadline();
        let is_awake = self.wire.is_awake();
        tokio::select! {
            read = octets(&mut self.wire.stream, &mut self.inflater, &mut self.came) => match read {
                Ok(octets) if octets.is_empty() => Err(Disconnect::Left),
                Ok(octets) => Ok(Event::Octets(octets)),
                Err(error) => Err(Disconnect::Broken(error)),
            },
            () = self.session.news() => Ok(Event::News),
            () = sleep_until(deadline) => Ok(Event::Silence),
            () = sleep(REST_AFTER), if is_awake => Ok(Event::Rest),
            // Closed with the server: it stops, then.
            _ = self.phase.wait_for(|p| *p >= Phase::Stopping), if !self.told_to_stop => {
                Ok(Event::Stopping)
            }
            () = self.presence.ended() => Ok(Event::Ended),
        }
    }

    async fn answer(&mut self, event: Event) -> Result<Next, Gone> {
        let Self { session, wire, .. } = self;
        match event {
            Event::Octets(octets) => {
                self.heard = Instant::now();
                self.received += octets.len() as u64;
                session.receive(octets, wire).await
            }
            Event::News => session.tell(wire).await,
            Event::Silence => session.timed_out(wire).await,
            Event::Stopping => {
                self.told_to_stop = true;
                session.stopping(wire).await
            }
            Event::Ended => session.ended(wire).await,
            Event::Rest => {
                wire.doze();
                Ok(Next::Wait)
            }
        }
    }

    fn deadline(&self) -> Instant {
        let patience = self.session.patience();
        let silence = self.heard + patience;
        if self.session.is_stranger() {
            silence.min(self.strange + patience * STRANGERS_PATIENCE)
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
            if let Some(user) = self.seat.account() {
                tracing::info!(user, "logged out, and stays");
                events::logout(user, P::NAME, self.address, &Disconnect::Closed);
                self.seat.release();
                self.presence.belongs_to(None, None);
                self.strange = Instant::now();
            }
            return Ok(());
        };
        if self.seat.account() == Some(user) {
            return Ok(());
        }
        let administrator = self.session.administrator();
        tracing::info!(user, administrator, "logged in");
        self.presence.belongs_to(Some(user), administrator);
        events::login(user, P::NAME, self.address);
        let seated = self.seat.belongs_to(user);
        seated.map_err(|_| Disconnect::Crowded)
    }
}

/// The next octets of the client, inflated if they come compressed: a piece at a time, so that no client
/// makes much of little. Cancel-safe.
async fn octets(
    stream: &mut Stream,
    inflater: &mut Option<Box<Inflater>>,
    ratio: &mut Ratio,
) -> io::Result<Vec<u8>> {
    loop {
        let Some(active) = inflater else {
            return stream.octets().await;
        };
        if active.has_more() {
            // There may be much of it, and it never waits for the client.
            tokio::task::yield_now().await;
        }
        match active.piece()? {
            Some(Piece::Inflated(piece)) => {
                ratio.plain += piece.len() as u64;
                return Ok(piece);
            }
            Some(Piece::Plain(piece)) => {
                *inflater = None;
                return Ok(piece);
            }
            None => {}
        }
        let packed = stream.octets().await?;
        if packed.is_empty() {
            return Ok(packed);
        }
        ratio.packed += packed.len() as u64;
        active.feed(&packed);
    }
}
