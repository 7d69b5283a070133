//! Messages are copied, moved and expunged, a thousand at a time.

use std::time::Instant;

use super::Workload;
use crate::{
    client::imap::Imap,
    failure::{Failure, Result},
    mailbox::{Filling, emptied, exists},
    measure::Sample,
    scene::Scene,
};

/// So many messages with one command.
const COUNT: u64 = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Copy,
    Move,
    Expunge,
}

struct Copy {
    name: &'static str,
    deed: Deed,
    size: Option<u64>,
    filling: Filling,
    account: String,
}

/// Every workload of copies.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    [
        ("copy-1000", Deed::Copy),
        ("move-1000", Deed::Move),
        ("expunge-1000", Deed::Expunge),
    ]
    .into_iter()
    .map(|(name, deed)| sized(name, deed, None))
    .collect()
}

/// The workloads in a mailbox of that size.
pub(super) fn at_size(size: u64) -> Vec<Box<dyn Workload>> {
    vec![
        sized("copy-1000", Deed::Copy, Some(size)),
        sized("expunge-1000", Deed::Expunge, Some(size)),
    ]
}

fn sized(name: &'static str, deed: Deed, size: Option<u64>) -> Box<dyn Workload> {
    let filling = if size.is_some() {
        Filling::Small
    } else {
        Filling::Real
    };
    Box::new(Copy {
        name,
        deed,
        size,
        filling,
        account: String::new(),
    })
}

impl Workload for Copy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "message"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let size = *self.size.get_or_insert(scene.scale.pick(10_000, 100_000));
        self.account = scene.full("read", self.filling, size)?;
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let size = self.size.unwrap_or_default().max(COUNT);
        let mut client = scene.login(&self.account)?;
        let first = u64::from(round) * 1733 % (size - COUNT + 1) + 1;
        let copy = |client: &mut Imap, to: &str| {
            exists(client, "INBOX")?;
            client.command(&format!("COPY {first}:{} {to}", first + COUNT - 1))
        };
        emptied(&mut client, "Here")?;
        emptied(&mut client, "There")?;
        let command = match self.deed {
            Deed::Copy => {
                exists(&mut client, "INBOX")?;
                format!("COPY {first}:{} Here", first + COUNT - 1)
            }
            Deed::Move => {
                copy(&mut client, "Here")?;
                expect(&mut client, "Here", COUNT)?;
                "MOVE 1:* There".to_owned()
            }
            Deed::Expunge => {
                copy(&mut client, "Here")?;
                expect(&mut client, "Here", COUNT)?;
                client.command("STORE 1:* +FLAGS.SILENT (\\Deleted)")?;
                "EXPUNGE".to_owned()
            }
        };
        let sample = scene.timed(|_, latencies| {
            let begin = Instant::now();
            client.command(&command)?;
            latencies.push(begin.elapsed());
            Ok(COUNT)
        })?;
        let (here, there) = match self.deed {
            Deed::Copy => (COUNT, 0),
            Deed::Move => (0, COUNT),
            Deed::Expunge => (0, 0),
        };
        expect(&mut client, "Here", here)?;
        expect(&mut client, "There", there)?;
        client.logout()?;
        Ok(sample)
    }
}

fn expect(client: &mut Imap, mailbox: &str, count: u64) -> Result<()> {
    let found = exists(client, mailbox)?;
    if found == count {
        Ok(())
    } else {
        Err(Failure::Broken(format!(
            "{mailbox} has {found} messages, not {count}"
        )))
    }
}
