//! Clients come and go: connect, log in, log out. They are returning ones: each account has logged in a
//! moment before, as a telephone does that connects every minute.

use std::time::Instant;

use super::Workload;
use crate::{client::imap::Imap, failure::Result, measure::Sample, peer::PASSWORD, scene::Scene};

/// How clients connect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Plain,
    /// A handshake that resumes the session before, if the server offers that.
    Tls,
    /// A handshake in full.
    TlsAnew,
}

struct Login {
    name: &'static str,
    by: By,
    accounts: Vec<String>,
}

/// Every workload of logins.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    let kinds = [
        ("login", By::Plain),
        ("login-tls", By::Tls),
        ("login-tls-anew", By::TlsAnew),
    ];
    let mut all: Vec<Box<dyn Workload>> = Vec::new();
    for (name, by) in kinds {
        all.push(Box::new(Login {
            name,
            by,
            accounts: Vec::new(),
        }));
    }
    all
}

impl Workload for Login {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "login"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        self.accounts = scene.accounts("login", 8)?;
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, _round: u32) -> Result<Sample> {
        let count = scene.scale.pick(40, 800);
        let (accounts, by) = (&self.accounts, self.by);
        scene.timed(|scene, latencies| {
            for account in accounts.iter().cycle().take(count) {
                let begin = Instant::now();
                let mut client: Imap = match by {
                    By::Plain => scene.connect()?,
                    By::Tls => scene.connect_tls()?,
                    By::TlsAnew => scene.connect_tls_anew()?,
                };
                client.login(account, PASSWORD)?;
                client.logout()?;
                latencies.push(begin.elapsed());
            }
            Ok(count as u64)
        })
    }
}
