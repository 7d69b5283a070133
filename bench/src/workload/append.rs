//! Clients store messages: APPEND, and MULTIAPPEND (RFC 3502) of twenty.

use std::time::Instant;

use super::Workload;
use crate::{client::imap::Imap, failure::Result, measure::Sample, scene::Scene};

struct Append {
    name: &'static str,
    /// Messages in one command.
    together: usize,
    client: Option<Imap>,
}

/// Every workload of APPEND.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    let mut all: Vec<Box<dyn Workload>> = Vec::new();
    for (name, together) in [("append", 1), ("append-20-together", 20)] {
        all.push(Box::new(Append {
            name,
            together,
            client: None,
        }));
    }
    all
}

impl Workload for Append {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "message"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let account = scene.accounts("append", 1)?.swap_remove(0);
        let mut client = scene.login(&account)?;
        // It may be there from an earlier run; a new one every time, so that nobody's grows.
        let _ = client.command("DELETE stored");
        client.command("CREATE stored")?;
        self.client = Some(client);
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let count = scene.scale.pick(40, 2000);
        let first = u64::from(round) * count;
        let messages: Vec<Vec<u8>> = (first..first + count)
            .map(|number| scene.corpus.message(number))
            .collect();
        let messages: Vec<&[u8]> = messages.iter().map(|message| &**message).collect();
        let client = &mut self.client;
        let together = self.together;
        scene.timed(|_, latencies| {
            if let Some(client) = client {
                for some in messages.chunks(together) {
                    let begin = Instant::now();
                    client.append("stored", some)?;
                    latencies.push(begin.elapsed());
                }
            }
            Ok(messages.len() as u64)
        })
    }

    fn finish(&mut self, _scene: &mut Scene) -> Result<()> {
        self.client.take().map_or(Ok(()), Imap::logout)
    }
}
