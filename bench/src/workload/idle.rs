//! Clients that wait: what thousands of them cost, and how soon they are told.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use super::Workload;
use crate::{
    client::imap::Imap,
    failure::Result,
    mailbox::Filling,
    measure::{Figure, Sample},
    peer::PASSWORD,
    scene::Scene,
};

/// How clients connect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Plain,
    Tls,
    TlsCompressed,
}

/// Every workload of clients that wait.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    let kinds = [
        ("idle-memory", By::Plain),
        ("idle-memory-tls", By::Tls),
        ("idle-memory-tls-compressed", By::TlsCompressed),
    ];
    let mut all: Vec<Box<dyn Workload>> = Vec::new();
    for (name, by) in kinds {
        all.push(Box::new(Waiting {
            name,
            by,
            accounts: Vec::new(),
        }));
    }
    all.push(Box::new(AtRest::default()));
    all.push(Box::new(Told::default()));
    all
}

/// How many wait: of processes of their own, a machine of usual size has no room for so many.
fn sessions(scene: &Scene) -> usize {
    if scene.peer().process_per_session() {
        scene.scale.pick(100, 1000)
    } else {
        10_000
    }
}

/// A session that has selected INBOX and idles; what TLS and compression need on this side of it
/// is gone.
fn wait(scene: &Scene, account: &str, by: By) -> Result<Option<TcpStream>> {
    let mut client: Imap = match by {
        By::Plain => scene.connect()?,
        By::Tls | By::TlsCompressed => scene.connect_tls()?,
    };
    client.login(account, PASSWORD)?;
    if by == By::TlsCompressed {
        client.compress()?;
    }
    client.command("SELECT INBOX")?;
    client.idle()?;
    Ok(client.into_socket())
}

/// Memory of sessions that idle.
struct Waiting {
    name: &'static str,
    by: By,
    accounts: Vec<String>,
}

impl Workload for Waiting {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "session"
    }

    fn figure(&self) -> Figure {
        Figure::Memory
    }

    fn rounds_max(&self) -> u32 {
        1
    }

    fn warms_up(&self) -> bool {
        false
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        self.accounts = waiting_accounts(scene)?;
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, _round: u32) -> Result<Sample> {
        let count = sessions(scene);
        let (accounts, by) = (&self.accounts, self.by);
        // The server begins anew: what sessions of earlier rounds have left to it would be used again,
        // and not be counted.
        scene.restart()?;
        let mut open = Vec::with_capacity(count);
        let sample = scene.timed_at_rest(|scene| {
            for account in accounts.iter().cycle().take(count) {
                open.push(wait(scene, account, by)?);
            }
            Ok(open.len() as u64)
        })?;
        drop(open);
        Ok(sample)
    }
}

/// A hundred accounts with some messages each: several clients for each, as people have.
fn waiting_accounts(scene: &mut Scene) -> Result<Vec<String>> {
    scene.full_each("wait", Filling::Small, 3, 100)
}

/// CPU time of sessions that idle, per session and second.
#[derive(Default)]
struct AtRest {
    open: Vec<Option<TcpStream>>,
}

impl Workload for AtRest {
    fn name(&self) -> &'static str {
        "idle-cpu"
    }

    fn operation(&self) -> &'static str {
        "session·second"
    }

    fn rounds_max(&self) -> u32 {
        1
    }

    fn warms_up(&self) -> bool {
        false
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let accounts = waiting_accounts(scene)?;
        // Those of all servers are open at the same time, and a process may have only so many files.
        let count = sessions(scene).min(1000);
        for account in accounts.iter().cycle().take(count) {
            self.open.push(wait(scene, account, By::Plain)?);
        }
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, _round: u32) -> Result<Sample> {
        let seconds = scene.scale.pick(3, 60);
        let count = self.open.len() as u64;
        scene.timed(|_, _| {
            std::thread::sleep(Duration::from_secs(seconds));
            Ok(count * seconds)
        })
    }

    fn finish(&mut self, _scene: &mut Scene) -> Result<()> {
        self.open.clear();
        Ok(())
    }
}

/// From the reply of LMTP to the untagged EXISTS of a client that idles.
#[derive(Default)]
struct Told {
    account: String,
    client: Option<(Imap, u32)>,
}

impl Workload for Told {
    fn name(&self) -> &'static str {
        "idle-told"
    }

    fn operation(&self) -> &'static str {
        "message"
    }

    fn figure(&self) -> Figure {
        Figure::Latency
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let account = scene.accounts("told", 1)?.swap_remove(0);
        self.account.clone_from(&account);
        let mut client = scene.login(&account)?;
        client.command("SELECT INBOX")?;
        let tag = client.idle()?;
        self.client = Some((client, tag));
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let count = scene.scale.pick(5, 100);
        let first = u64::from(round) * count;
        let to = [scene.recipient(&self.account)];
        let client = &mut self.client;
        scene.timed(|scene, latencies| {
            let mut connection = scene.deliver()?;
            if let Some((client, _)) = client {
                for number in first..first + count {
                    connection.deliver(&to, &scene.letter(number))?;
                    let replied = Instant::now();
                    client.await_response(|response| response.ends_with(b" EXISTS"))?;
                    latencies.push(replied.elapsed());
                    // The next one comes when all is quiet again, or it would be told with this one.
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
            connection.quit()?;
            Ok(count)
        })
    }

    fn finish(&mut self, scene: &mut Scene) -> Result<()> {
        if let Some((mut client, tag)) = self.client.take() {
            client.done(tag)?;
            client.logout()?;
        }
        scene.empty(&self.account)
    }
}
