//! Mail is read: listings as clients make them, headers, bodies, single messages.

use std::time::Instant;

use super::Workload;
use crate::{
    client::imap::Imap,
    failure::{Failure, Result},
    mailbox::{Filling, exists},
    measure::Sample,
    scene::Scene,
};

/// What Outlook asks for, of every message.
const OUTLOOK: &str = "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)";
/// What Thunderbird asks for.
const THUNDERBIRD: &str = "(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID \
    Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])";

/// How the client reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// All messages with one command.
    All,
    /// The same, with TLS.
    Tls,
    /// One message with each command, any of them.
    Single,
}

struct Fetch {
    name: &'static str,
    items: &'static str,
    way: Way,
    /// Of how many messages at least this is asked in a round: the mailbox is listed again until it is so many.
    least: u64,
    /// How many messages the mailbox has, and which they are; by the scale if nothing is said.
    size: Option<u64>,
    filling: Filling,
    client: Option<Imap>,
}

/// Every workload that reads.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    KINDS.iter().map(|kind| sized(*kind, None)).collect()
}

/// The workloads in a mailbox of that size, but for those that read all bodies.
pub(super) fn at_size(size: u64) -> Vec<Box<dyn Workload>> {
    let kinds = KINDS
        .iter()
        .filter(|(name, ..)| !name.starts_with("fetch-bodies"));
    kinds.map(|kind| sized(*kind, Some(size))).collect()
}

/// A name, what is asked for, how, and of how many messages at least: see [`Fetch::least`].
type Kind = (&'static str, &'static str, Way, u64);

const KINDS: [Kind; 7] = [
    ("fetch-outlook", OUTLOOK, Way::All, 20_000),
    ("fetch-thunderbird", THUNDERBIRD, Way::All, 20_000),
    ("fetch-flags", "(FLAGS)", Way::All, 200_000),
    ("fetch-headers", "(BODY.PEEK[HEADER])", Way::All, 20_000),
    ("fetch-bodies", "(BODY.PEEK[])", Way::All, 1),
    ("fetch-bodies-tls", "(BODY.PEEK[])", Way::Tls, 1),
    ("fetch-one", "(BODY.PEEK[])", Way::Single, 0),
];

fn sized((name, items, way, least): Kind, size: Option<u64>) -> Box<dyn Workload> {
    let filling = if size.is_some() {
        Filling::Small
    } else {
        Filling::Real
    };
    Box::new(Fetch {
        name,
        items,
        way,
        least,
        size,
        filling,
        client: None,
    })
}

impl Workload for Fetch {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "message"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let size = *self.size.get_or_insert(scene.scale.pick(10_000, 100_000));
        let account = scene.full("read", self.filling, size)?;
        let mut client = if self.way == Way::Tls {
            scene.login_tls(&account)?
        } else {
            scene.login(&account)?
        };
        exists(&mut client, "INBOX")?;
        self.client = Some(client);
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let client = self
            .client
            .as_mut()
            .ok_or_else(|| Failure::Broken("not prepared".to_owned()))?;
        let (size, items, least) = (self.size.unwrap_or_default(), self.items, self.least);
        let sets: Vec<(String, u64)> = match self.way {
            Way::Single => singles(size, round)
                .into_iter()
                .map(|uid| (uid.to_string(), 1))
                .collect(),
            Way::All | Way::Tls => {
                vec![("1:*".to_owned(), size); usize::try_from(least.div_ceil(size)).unwrap_or(1)]
            }
        };
        scene.timed(|_, latencies| {
            let mut done = 0;
            for (set, expected) in &sets {
                let begin = Instant::now();
                let answer = client.command(&format!("UID FETCH {set} {items}"))?;
                latencies.push(begin.elapsed());
                if answer.responses != *expected {
                    return Err(Failure::Broken(format!(
                        "{} messages of {expected}",
                        answer.responses
                    )));
                }
                done += expected;
            }
            Ok(done)
        })
    }

    fn finish(&mut self, _: &mut Scene) -> Result<()> {
        self.client.take().map_or(Ok(()), Imap::logout)
    }
}

/// Some messages, others in every round, the same for every server.
fn singles(size: u64, round: u32) -> Vec<u64> {
    let mut random = fastrand::Rng::with_seed(u64::from(round));
    (0..2000).map(|_| random.u64(1..=size)).collect()
}
