//! A protocol for tests: says every line back, but for a few words.

use std::time::Duration;

use session::{Gone, Next, Outlet, Peer, Tls};

use crate::protocol::Protocol;

/// An echo of one client.
pub(super) struct Echo {
    setup: Setup,
    peer: Peer,
    line: Vec<u8>,
    user: Option<String>,
    expects_news: bool,
}

/// How an echo behaves.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) patience: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            patience: Duration::from_mins(1),
        }
    }
}

impl Echo {
    async fn obey(&mut self, line: &str, out: &mut impl Outlet) -> Result<Next, Gone> {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("STARTTLS", _) if self.peer.can_start_tls => {
                say(out, "GO");
                return Ok(Next::StartTls);
            }
            ("QUIT", _) => return Ok(Next::Close),
            ("PANIC", _) => panic!("as told"),
            ("LOGIN", name) => self.user = Some(name.to_owned()),
            ("EXPECT-NEWS", _) => self.expects_news = true,
            ("WORK", milliseconds) => {
                say(out, "BEGUN");
                out.flush().await?;
                let time = Duration::from_millis(milliseconds.parse().unwrap());
                tokio::time::sleep(time).await;
            }
            ("FLOOD", _) => {
                for _ in 0..4000 {
                    out.buffer().extend_from_slice(&[b'x'; 16 * 1024]);
                    out.flush().await?;
                }
            }
            _ => {}
        }
        say(out, line);
        Ok(Next::Wait)
    }
}

fn say(out: &mut impl Outlet, words: &str) {
    out.buffer().extend_from_slice(words.as_bytes());
    out.buffer().extend_from_slice(b"\r\n");
}

impl Protocol for Echo {
    const NAME: &'static str = "echo";
    const CROWDED: &'static [u8] = b"CROWDED\r\n";
    const ACCOUNT_CROWDED: &'static [u8] = b"ACCOUNT CROWDED\r\n";

    type Setup = Setup;

    fn new(setup: Setup, peer: Peer) -> Self {
        Self {
            setup,
            peer,
            line: Vec::new(),
            user: None,
            expects_news: false,
        }
    }
    async fn greet(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        let tls = self.peer.tls.is_some();
        say(out, if tls { "HELLO tls" } else { "HELLO clear" });
        Ok(Next::Wait)
    }
    async fn receive(&mut self, octets: Vec<u8>, out: &mut impl Outlet) -> Result<Next, Gone> {
        for octet in octets {
            self.line.push(octet);
            if octet == b'\n' {
                let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
                let next = self.obey(line.trim_end(), out).await?;
                if next != Next::Wait {
                    return Ok(next);
                }
            }
        }
        Ok(Next::Wait)
    }
    fn secured(&mut self, tls: Tls) {
        self.peer.tls = Some(tls);
        self.peer.can_start_tls = false;
    }
    async fn news(&mut self) {
        if !self.expects_news {
            std::future::pending::<()>().await;
        }
    }
    async fn tell(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        self.expects_news = false;
        say(out, "NEWS");
        Ok(Next::Wait)
    }
    fn patience(&self) -> Duration {
        self.setup.patience
    }
    async fn timed_out(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        say(out, "TOO LONG");
        Ok(Next::Close)
    }
    async fn stopping(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        say(out, "STOPPING");
        Ok(Next::Close)
    }
    fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }
    fn is_stranger(&self) -> bool {
        self.user.is_none()
    }
}
