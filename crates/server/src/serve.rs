//! Accepting connections, each into a task of its own.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use session::Peer;
use tokio::{io::AsyncWriteExt, sync::watch, time::sleep};
use tracing::Instrument;

use crate::{
    connection::{Connection, Disconnect, Opening, Phase},
    listen::Listening,
    network::Network,
    protocol::Protocol,
    seats::{Seat, Seats},
    settings::Security,
    stream::Socket,
    tls::Handshake,
};

/// A listener with all that its connections need.
pub(crate) struct Door<P: Protocol> {
    pub(crate) listening: Listening,
    pub(crate) security: Security,
    pub(crate) handshake: Option<Handshake>,
    /// Who may come in by TCP; everybody, if `None`.
    pub(crate) allow: Option<Vec<Network>>,
    pub(crate) setup: P::Setup,
    pub(crate) seats: Arc<Seats>,
    pub(crate) phase: watch::Receiver<Phase>,
    pub(crate) write_timeout: Duration,
}

/// How long accepting rests when the system refuses, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Connections since the process began; each is named by its number in the log.
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);

impl<P: Protocol> Door<P> {
    /// The same door, secured.
    pub(crate) fn secured(self, security: Security, handshake: Option<Handshake>) -> Self {
        Self {
            security,
            handshake,
            ..self
        }
    }

    /// Accepts connections until the server stops.
    pub(crate) async fn serve(mut self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listening.accept() => accepted,
                _ = self.phase.wait_for(|p| *p >= Phase::Stopping) => return,
            };
            match accepted {
                Ok((socket, address)) => self.welcome(socket, address),
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn welcome(&self, socket: Socket, address: Option<IpAddr>) {
        let allowed = match (&self.allow, address) {
            (Some(networks), Some(address)) => networks.iter().any(|n| n.contains(address)),
            _ => true,
        };
        if !allowed {
            tracing::warn!(
                ?address,
                protocol = P::NAME,
                "connection refused: not allowed from there"
            );
            return;
        }
        let Ok(seat) = self.seats.take() else {
            tracing::warn!(?address, protocol = P::NAME, "connection refused: too many");
            if self.security == Security::StartTls {
                tokio::spawn(turn_away(socket, P::CROWDED));
            }
            return;
        };
        let opening = Opening {
            socket,
            peer: Peer {
                address,
                ..Peer::default()
            },
            handshake: self.handshake.clone(),
            begins_with_tls: self.security == Security::Tls,
            write_timeout: self.write_timeout,
        };
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let span = tracing::info_span!("connection", id = connection);
        let (setup, phase) = (self.setup.clone(), self.phase.clone());
        let life = live::<P>(setup, opening, seat, phase);
        tokio::spawn(life.instrument(span));
    }
}

/// Says that there is no room, if that can be said at once.
async fn turn_away(mut socket: Socket, words: &'static [u8]) {
    let goodbye = async {
        socket.write_all(words).await?;
        socket.shutdown().await
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), goodbye).await;
}

/// A connection from its first octet to its last. A panic in it ends it, and no other.
async fn live<P: Protocol>(
    setup: P::Setup,
    opening: Opening,
    seat: Seat,
    mut phase: watch::Receiver<Phase>,
) {
    let _alarm = Alarm;
    let peer = opening.peer.address;
    let tls = opening.begins_with_tls;
    tracing::info!(protocol = P::NAME, ?peer, tls, "connection opened");
    let heard_phase = phase.clone();
    let life = async {
        // Boxed: what a handshake needs is not kept for the rest of the connection's life.
        match Box::pin(Connection::<P>::open(setup, opening, seat, heard_phase)).await {
            Ok(connection) => connection.drive().await,
            Err(why) => tracing::info!(%why, "connection closed"),
        }
    };
    tokio::select! {
        () = life => {}
        _ = phase.wait_for(|p| *p >= Phase::Dropping) => {
            tracing::warn!(why = %Disconnect::Dropped, "connection closed");
        }
    }
}

/// Logs a panic, which the runtime keeps from spreading.
struct Alarm;

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a session panicked; its connection is closed");
        }
    }
}
