//! The loop over real sockets, with a protocol that does as it is told.

mod client;
mod echo;
mod limits;
mod stopping;
mod tls;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::watch;

use crate::{
    connection::Phase,
    listen::{Passed, listen},
    network::Network,
    seats::Seats,
    serve::Door,
    settings::{Address, Security, Speaks},
    tls::{Certificate, Handshake},
};
use client::Client;
use echo::Echo;

/// One door, open.
struct Open {
    address: SocketAddr,
    seats: Arc<Seats>,
    phase: watch::Sender<Phase>,
}

/// What a test wants to be otherwise.
struct Wish {
    security: Security,
    certificate: Option<Arc<Certificate>>,
    allow: Option<Vec<Network>>,
    live_max: usize,
    account_max: usize,
    timeout: Duration,
    echo: echo::Setup,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            security: Security::StartTls,
            certificate: None,
            allow: None,
            live_max: 10,
            account_max: 10,
            timeout: Duration::from_secs(10),
            echo: echo::Setup::default(),
        }
    }
}

impl Wish {
    fn granted(self) -> Open {
        let any = Address::Tcp("127.0.0.1:0".parse().unwrap());
        let listening = listen(&any, &mut Passed::none()).unwrap().remove(0);
        let address = listening.address().unwrap();
        let seats = Seats::new(self.live_max, self.account_max, admin::Sessions::default());
        let phase = watch::Sender::new(Phase::Running);
        let handshake = self
            .certificate
            .map(|c| Handshake::new(&c, Speaks::Imap, self.timeout).unwrap());
        let door: Door<Echo> = Door {
            listening,
            security: self.security,
            handshake,
            allow: self.allow,
            setup: self.echo,
            seats: Arc::clone(&seats),
            phase: phase.subscribe(),
            write_timeout: self.timeout,
        };
        tokio::spawn(door.serve());
        Open {
            address,
            seats,
            phase,
        }
    }
}

impl Open {
    async fn connect(&self) -> Client {
        Client::connect(self.address).await
    }

    /// Waits until only so many connections are left.
    async fn until_live(&self, count: usize) {
        while self.seats.live() != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Writes a new self-signed certificate for localhost.
fn write_certificate(directory: &Path) -> (PathBuf, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&files.0, made.cert.pem()).unwrap();
    std::fs::write(&files.1, made.signing_key.serialize_pem()).unwrap();
    files
}

#[tokio::test]
async fn a_client_that_sends_an_octet_at_a_time_is_served() {
    let open = Wish::default().granted();
    let mut client = open.connect().await;
    assert_eq!(client.line().await, "HELLO clear");
    for octet in b"one two\r\n" {
        client.send(&[*octet]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.line().await, "one two");
}

#[tokio::test]
async fn pipelined_lines_are_answered_in_order() {
    let open = Wish::default().granted();
    let mut client = open.connect().await;
    client.send(b"a\r\nb\r\nc\r\n").await;
    for expected in ["HELLO clear", "a", "b", "c"] {
        assert_eq!(client.line().await, expected);
    }
}

#[tokio::test]
async fn news_is_told_to_a_client_that_waits() {
    let open = Wish::default().granted();
    let mut client = open.connect().await;
    client.send(b"EXPECT-NEWS\r\n").await;
    for expected in ["HELLO clear", "EXPECT-NEWS", "NEWS"] {
        assert_eq!(client.line().await, expected);
    }
}

#[tokio::test]
async fn a_panic_ends_one_connection_and_gives_its_seat_back() {
    let open = Wish::default().granted();
    let mut other = open.connect().await;
    let mut client = open.connect().await;
    assert_eq!(client.line().await, "HELLO clear");
    open.until_live(2).await;
    client.send(b"PANIC\r\n").await;
    assert_eq!(client.rest().await, "");
    open.until_live(1).await;
    other.send(b"still here\r\n").await;
    assert_eq!(other.line().await, "HELLO clear");
    assert_eq!(other.line().await, "still here");
}
