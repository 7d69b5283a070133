//! Flags change: one by one, by one client and by many, and all of a mailbox at once.

use std::time::Instant;

use super::Workload;
use crate::{
    failure::{Failure, Result},
    mailbox::{Filling, exists},
    measure::{Latencies, Sample},
    scene::Scene,
};

/// Whose flags change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// One message's with each command, by so many clients, each in an account of its own.
    Single(usize),
    /// The same, all clients in one mailbox.
    SingleShared(usize),
    /// All messages' with one command.
    All,
}

struct Flags {
    name: &'static str,
    which: Which,
    size: Option<u64>,
    /// Where the clients work, one for each.
    accounts: Vec<String>,
}

/// Every workload of flags.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    [
        ("flags-1", Which::Single(1)),
        ("flags-64", Which::Single(64)),
        ("flags-64-one-inbox", Which::SingleShared(64)),
        ("flags-all", Which::All),
    ]
    .into_iter()
    .map(|(name, which)| sized(name, which, None))
    .collect()
}

/// The workloads in a mailbox of that size.
pub(super) fn at_size(size: u64) -> Vec<Box<dyn Workload>> {
    vec![
        sized("flags-1", Which::Single(1), Some(size)),
        sized("flags-all", Which::All, Some(size)),
    ]
}

fn sized(name: &'static str, which: Which, size: Option<u64>) -> Box<dyn Workload> {
    Box::new(Flags {
        name,
        which,
        size,
        accounts: Vec::new(),
    })
}

/// So many messages have the mailboxes in which single flags are changed by many, each in one of its own.
const OWN: u64 = 500;

impl Workload for Flags {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        match self.which {
            Which::All => "message",
            Which::Single(_) | Which::SingleShared(_) => "change",
        }
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let size = *self.size.get_or_insert(scene.scale.pick(10_000, 100_000));
        self.accounts = match self.which {
            Which::Single(clients) if clients > 1 => {
                self.size = Some(OWN);
                scene.full_each("flag", Filling::Small, OWN, clients)?
            }
            Which::Single(clients) | Which::SingleShared(clients) => {
                vec![scene.full("flags", Filling::Small, size)?; clients]
            }
            Which::All => vec![scene.full("flags", Filling::Small, size)?],
        };
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let size = self.size.unwrap_or_default();
        let mut clients = Vec::new();
        for account in &self.accounts {
            let mut client = scene.login(account)?;
            exists(&mut client, "INBOX")?;
            clients.push(client);
        }
        // On and off, so that every command changes something.
        let sign = if round.is_multiple_of(2) { '+' } else { '-' };
        if self.which == Which::All {
            let client = clients
                .first_mut()
                .ok_or_else(|| Failure::Broken("no client".to_owned()))?;
            client.command("STORE 1:* -FLAGS.SILENT ($Work)")?;
            return scene.timed(|_, latencies| {
                for sign in ['+', '-'] {
                    let begin = Instant::now();
                    client.command(&format!("STORE 1:* {sign}FLAGS.SILENT ($Work)"))?;
                    latencies.push(begin.elapsed());
                }
                Ok(size * 2)
            });
        }
        let each = (scene.scale.pick(1024, 4096) / clients.len() as u64).max(8);
        let tasks: Vec<_> = clients
            .into_iter()
            .map(std::sync::Mutex::new)
            .enumerate()
            .collect();
        scene.timed(|scene, latencies| {
            latencies.add(scene.at_once(&tasks, |_, (at, client)| {
                let mut client = client
                    .lock()
                    .map_err(|_| Failure::Broken("a client panicked".to_owned()))?;
                let mut latencies = Latencies::default();
                for step in 0..each {
                    // Far from each other, as users are; no two clients change the same message.
                    let message = (*at as u64 + step * tasks.len() as u64) * 7919 % size + 1;
                    let begin = Instant::now();
                    client.command(&format!("STORE {message} {sign}FLAGS.SILENT (\\Flagged)"))?;
                    latencies.push(begin.elapsed());
                }
                Ok(latencies)
            })?);
            Ok(each * tasks.len() as u64)
        })
    }
}
