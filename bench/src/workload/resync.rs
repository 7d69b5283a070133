//! A client comes back after a while and is told what has changed: QRESYNC (RFC 7162).

use std::time::Instant;

use super::Workload;
use crate::{
    client::imap::Imap,
    corpus::Corpus,
    failure::{Failure, Result},
    mailbox::{Filling, code, exists, load},
    measure::Sample,
    scene::Scene,
};

/// In so many messages flags change, and so many go and come, between two visits: 100 changes.
const FLAGGED: u64 = 60;
const GONE: u64 = 20;

struct Resync {
    name: &'static str,
    size: Option<u64>,
    account: String,
}

/// The workload.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    vec![sized("resync-100-changes", None)]
}

/// The workload in a mailbox of that size.
pub(super) fn at_size(size: u64) -> Vec<Box<dyn Workload>> {
    vec![sized("resync-100-changes", Some(size))]
}

fn sized(name: &'static str, size: Option<u64>) -> Box<dyn Workload> {
    Box::new(Resync {
        name,
        size,
        account: String::new(),
    })
}

impl Workload for Resync {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "resync"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let size = *self.size.get_or_insert(scene.scale.pick(10_000, 100_000));
        self.account = scene.full("resync", Filling::Small, size)?;
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let mut client = scene.login(&self.account)?;
        client.command("ENABLE QRESYNC")?;
        let (mut validity, mut mod_seq) = (None, None);
        client.look("SELECT INBOX", |response| {
            validity = validity.or_else(|| code(response, "UIDVALIDITY"));
            mod_seq = mod_seq.or_else(|| code(response, "HIGHESTMODSEQ"));
        })?;
        let (Some(validity), Some(mod_seq)) = (validity, mod_seq) else {
            return Err(Failure::NotOffered("QRESYNC".to_owned()));
        };
        client.command("UNSELECT")?;
        change(scene, &self.account, round)?;
        let sample = scene.timed(|_, latencies| {
            let times = 20;
            for _ in 0..times {
                let begin = Instant::now();
                come_back(&mut client, validity, mod_seq)?;
                latencies.push(begin.elapsed());
                client.command("UNSELECT")?;
            }
            Ok(times)
        })?;
        client.logout()?;
        Ok(sample)
    }
}

/// A hundred changes by another client, spread over the mailbox; as many come as go.
fn change(scene: &Scene, account: &str, round: u32) -> Result<()> {
    let mut client = scene.login(account)?;
    let size = exists(&mut client, "INBOX")?;
    let spread = |count: u64, offset: u64| -> String {
        let step = size / count;
        let numbers = (0..count).map(|n| (n * step + offset % step + 1).to_string());
        numbers.collect::<Vec<_>>().join(",")
    };
    let offset = u64::from(round) * 7;
    let flagged = spread(FLAGGED, offset + 3);
    // There and away again: whatever it was before, it has changed.
    client.command(&format!("STORE {flagged} +FLAGS.SILENT ($Work)"))?;
    client.command(&format!("STORE {flagged} -FLAGS.SILENT ($Work)"))?;
    client.command(&format!(
        "STORE {} +FLAGS.SILENT (\\Deleted)",
        spread(GONE, offset)
    ))?;
    client.command("EXPUNGE")?;
    load(
        &mut client,
        "INBOX",
        &Corpus::small(scene.corpus.seed()),
        size..size + GONE,
    )?;
    client.logout()
}

/// Selects with what the client knows, and sees that it is told of everything.
fn come_back(client: &mut Imap, validity: u64, mod_seq: u64) -> Result<()> {
    let (mut fetched, mut vanished) = (0, 0);
    let command = format!("SELECT INBOX (QRESYNC ({validity} {mod_seq}))");
    client.look(&command, |response| {
        if response.starts_with(b"* VANISHED (EARLIER) ") {
            vanished += 1;
        } else if response
            .get(..200.min(response.len()))
            .is_some_and(|head| memchr::memmem::find(head, b" FETCH (").is_some())
        {
            fetched += 1;
        }
    })?;
    // What came and went, and what has other flags; of those that have gone, none has to be told of.
    if (FLAGGED..=FLAGGED + GONE).contains(&fetched) && vanished > 0 {
        return Ok(());
    }
    Err(Failure::Broken(format!(
        "{fetched} messages with other flags, and {vanished} times some vanished"
    )))
}
