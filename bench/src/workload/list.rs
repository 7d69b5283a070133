//! A client looks where there is something new: LIST-STATUS (RFC 5819) of 500 mailboxes.

use std::time::Instant;

use super::Workload;
use crate::{
    client::imap::Imap,
    failure::{Failure, Result},
    measure::Sample,
    scene::Scene,
};

const MAILBOXES: u64 = 500;

#[derive(Default)]
struct ListStatus {
    client: Option<Imap>,
}

/// Every workload of LIST.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    vec![Box::new(ListStatus::default())]
}

impl Workload for ListStatus {
    fn name(&self) -> &'static str {
        "list-status"
    }

    fn operation(&self) -> &'static str {
        "mailbox"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let account = scene.accounts("list", 1)?.swap_remove(0);
        let mut client = scene.login(&account)?;
        let there = client.command("LIST \"\" box*")?.responses;
        for number in there..MAILBOXES {
            let name = format!("box{number:03}");
            client.command(&format!("CREATE {name}"))?;
            // Some messages in each, some of them read: else a server has nothing to count.
            let messages: Vec<Vec<u8>> = (0..3)
                .map(|n| scene.corpus.message(number * 3 + n))
                .collect();
            let messages: Vec<&[u8]> = messages.iter().map(|message| &**message).collect();
            client.append(&name, &messages)?;
        }
        self.client = Some(client);
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, _round: u32) -> Result<Sample> {
        let times = scene.scale.pick(2, 20);
        let client = &mut self.client;
        scene.timed(|_, latencies| {
            let mut told = 0;
            if let Some(client) = client {
                for _ in 0..times {
                    let begin = Instant::now();
                    client.look(
                        "LIST \"\" box* RETURN (STATUS (MESSAGES UIDNEXT UNSEEN HIGHESTMODSEQ))",
                        |response| told += u64::from(response.starts_with(b"* STATUS ")),
                    )?;
                    latencies.push(begin.elapsed());
                }
            }
            if told == times * MAILBOXES {
                Ok(told)
            } else {
                Err(Failure::Broken(format!("STATUS of {told} mailboxes")))
            }
        })
    }

    fn finish(&mut self, _scene: &mut Scene) -> Result<()> {
        self.client.take().map_or(Ok(()), Imap::logout)
    }
}
