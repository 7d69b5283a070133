//! Mailboxes are opened: SELECT of small and of very large ones, again and again, and just after a start.

use std::time::Instant;

use super::Workload;
use crate::{
    client::imap::Imap,
    failure::{Failure, Result},
    measure::Sample,
    scene::{Scale, Scene},
};

struct Select {
    name: &'static str,
    size: u64,
    /// Whether the server has been started a moment ago.
    anew: bool,
    account: String,
    client: Option<Imap>,
}

/// Every workload of SELECT.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    let kinds = [
        ("select-1000", 1000, false),
        ("select-100000", 100_000, false),
        ("select-1000000", 1_000_000, false),
        ("select-1000-started", 1000, true),
        ("select-100000-started", 100_000, true),
        ("select-1000000-started", 1_000_000, true),
    ];
    kinds
        .into_iter()
        .map(|(name, size, anew)| sized(name, size, anew))
        .collect()
}

/// The workloads in a mailbox of that size.
pub(super) fn at_size(size: u64) -> Vec<Box<dyn Workload>> {
    vec![
        sized("select", size, false),
        sized("select-started", size, true),
    ]
}

fn sized(name: &'static str, size: u64, anew: bool) -> Box<dyn Workload> {
    Box::new(Select {
        name,
        size,
        anew,
        account: String::new(),
        client: None,
    })
}

impl Workload for Select {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "SELECT"
    }

    fn rounds_max(&self) -> u32 {
        if self.anew { 3 } else { u32::MAX }
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        if self.size > 100_000 && scene.scale == Scale::Quick {
            return Err(Failure::NotOffered("only with --scale full".to_owned()));
        }
        self.account = scene.large(self.size)?;
        if !self.anew {
            // The first one reads what all later ones find.
            let mut client = scene.login(&self.account)?;
            client.command("SELECT INBOX")?;
            client.command("UNSELECT")?;
            self.client = Some(client);
        }
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, _round: u32) -> Result<Sample> {
        let count = if self.anew {
            1
        } else {
            scene.scale.pick(30, 200)
        };
        if self.anew {
            scene.restart()?;
            self.client = Some(scene.login(&self.account)?);
        }
        let client = &mut self.client;
        scene.timed(|_, latencies| {
            if let Some(client) = client {
                for _ in 0..count {
                    let begin = Instant::now();
                    client.command("SELECT INBOX")?;
                    latencies.push(begin.elapsed());
                    client.command("UNSELECT")?;
                }
            }
            Ok(count)
        })
    }

    fn finish(&mut self, _scene: &mut Scene) -> Result<()> {
        self.client.take().map_or(Ok(()), Imap::logout)
    }
}
