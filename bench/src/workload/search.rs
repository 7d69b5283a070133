//! Messages are searched, sorted and threaded. What is found has to be what the corpus says: a server that finds other
//! messages has failed.

use std::{collections::HashSet, time::Instant};

use super::Workload;
use crate::{
    client::imap::Imap,
    corpus::{ABSENT, Corpus, FREQUENT, RARE, SUBJECT},
    failure::{Failure, Result},
    mailbox::{Filling, emptied, exists, load},
    measure::{Latencies, Sample},
    scene::Scene,
};

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Subject,
    From,
    Frequent,
    Rare,
    Absent,
    TextRare,
    Sent,
    Arrived,
    Flags,
    MessageId,
    /// SORT or THREAD, with its arguments.
    Order(&'static str),
}

/// Whether it has been asked before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// In a mailbox of 1,000 messages that came a moment ago.
    First,
    /// In the large mailbox, as in the round before.
    Again,
}

struct Search {
    name: &'static str,
    key: Key,
    when: When,
    size: Option<u64>,
    filling: Filling,
    account: String,
    /// The message numbers that have to be found, in order.
    expected: Vec<u64>,
}

/// Every workload of SEARCH.
pub(super) fn searches() -> Vec<Box<dyn Workload>> {
    [
        ("search-subject", Key::Subject, When::Again),
        ("search-from", Key::From, When::Again),
        ("search-message-id", Key::MessageId, When::Again),
        ("search-sent-date", Key::Sent, When::Again),
        ("search-arrival-date", Key::Arrived, When::Again),
        ("search-flags", Key::Flags, When::Again),
        ("search-body-frequent", Key::Frequent, When::Again),
        ("search-body-rare", Key::Rare, When::Again),
        ("search-body-absent", Key::Absent, When::Again),
        ("search-text-rare", Key::TextRare, When::Again),
        ("search-subject-first", Key::Subject, When::First),
        ("search-body-rare-first", Key::Rare, When::First),
        ("search-text-rare-first", Key::TextRare, When::First),
    ]
    .into_iter()
    .map(|(name, key, when)| sized(name, key, when, None))
    .collect()
}

/// Every workload of SORT and THREAD.
pub(super) fn orders() -> Vec<Box<dyn Workload>> {
    [
        ("sort-date", "SORT (DATE)"),
        ("sort-subject", "SORT (SUBJECT)"),
        ("sort-from", "SORT (REVERSE FROM)"),
        ("sort-arrival", "SORT (ARRIVAL)"),
        ("thread-references", "THREAD REFERENCES"),
        ("thread-subject", "THREAD ORDEREDSUBJECT"),
    ]
    .into_iter()
    .map(|(name, command)| sized(name, Key::Order(command), When::Again, None))
    .chain([
        sized(
            "sort-date-first",
            Key::Order("SORT (DATE)"),
            When::First,
            None,
        ),
        sized(
            "thread-references-first",
            Key::Order("THREAD REFERENCES"),
            When::First,
            None,
        ),
    ])
    .collect()
}

/// The workloads in a mailbox of that size.
pub(super) fn at_size(size: u64) -> Vec<Box<dyn Workload>> {
    [
        ("search-message-id", Key::MessageId),
        ("search-subject", Key::Subject),
        ("search-flags", Key::Flags),
        ("search-body-rare", Key::Rare),
        ("search-body-absent", Key::Absent),
        ("sort-date", Key::Order("SORT (DATE)")),
        ("sort-subject", Key::Order("SORT (SUBJECT)")),
        ("thread-references", Key::Order("THREAD REFERENCES")),
    ]
    .into_iter()
    .map(|(name, key)| sized(name, key, When::Again, Some(size)))
    .collect()
}

fn sized(name: &'static str, key: Key, when: When, size: Option<u64>) -> Box<dyn Workload> {
    let filling = if size.is_some() {
        Filling::Small
    } else {
        Filling::Real
    };
    Box::new(Search {
        name,
        key,
        when,
        size,
        filling,
        account: String::new(),
        expected: Vec::new(),
    })
}

/// So many messages are in a mailbox that is searched for the first time.
const FIRST: u64 = 1000;

impl Workload for Search {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "search"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        if self.when == When::First {
            self.account = scene.accounts("first", 1)?.swap_remove(0);
            return Ok(());
        }
        let size = *self.size.get_or_insert(scene.scale.pick(10_000, 100_000));
        self.account = scene.full("read", self.filling, size)?;
        scene.peer().index(&self.account)?;
        self.expected = match self.filling {
            Filling::Real => self.key.expected(&scene.corpus, 0..size),
            Filling::Small => self
                .key
                .expected(&Corpus::small(scene.corpus.seed()), 0..size),
        };
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let mut client = scene.login(&self.account)?;
        let size = self.size.unwrap_or(FIRST);
        let mut command = match self.filling {
            Filling::Real => self.key.command(&scene.corpus, size),
            Filling::Small => self.key.command(&Corpus::small(scene.corpus.seed()), size),
        };
        let mut times = self.key.times(size);
        if self.when == When::First {
            // Other messages in every round, so that nothing can be known of them.
            let numbers =
                1_000_000 + u64::from(round) * FIRST..1_000_000 + u64::from(round + 1) * FIRST;
            emptied(&mut client, "First")?;
            load(&mut client, "First", &scene.corpus, numbers.clone())?;
            command = self.key.command(&scene.corpus, size);
            self.expected = self.key.expected(&scene.corpus, numbers);
            times = 1;
        }
        exists(
            &mut client,
            if self.when == When::First {
                "First"
            } else {
                "INBOX"
            },
        )?;
        let (key, expected) = (self.key, &self.expected);
        let sample = scene.timed(|_, latencies| {
            for _ in 0..times {
                let found = search(&mut client, &command, latencies)?;
                key.judge(&command, &found, expected)?;
            }
            Ok(times)
        })?;
        client.logout()?;
        Ok(sample)
    }
}

/// Asks; the numbers that come.
fn search(client: &mut Imap, command: &str, latencies: &mut Latencies) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    let begin = Instant::now();
    client.look(command, |response| {
        if response.starts_with(b"* SEARCH")
            || response.starts_with(b"* SORT")
            || response.starts_with(b"* THREAD")
        {
            numbers(response, &mut found);
        }
    })?;
    latencies.push(begin.elapsed());
    Ok(found)
}

/// Those of one list that are not in another, the first few.
fn lacking(list: &[u64], other: &[u64]) -> String {
    let other: HashSet<u64> = other.iter().copied().collect();
    let lacking = list.iter().filter(|number| !other.contains(number));
    let lacking: Vec<String> = lacking.take(10).map(u64::to_string).collect();
    lacking.join(" ")
}

/// The numbers of a response, whatever is between them.
fn numbers(response: &[u8], found: &mut Vec<u64>) {
    let mut number = None;
    for octet in response.iter().chain(b" ") {
        if octet.is_ascii_digit() {
            number = Some(number.unwrap_or(0) * 10 + u64::from(octet - b'0'));
        } else {
            found.extend(number.take());
        }
    }
}

impl Key {
    /// How often it is asked in a round: the cheap ones more often, so that there is something to measure.
    fn times(self, size: u64) -> u64 {
        let messages = match self {
            Self::Frequent | Self::Rare | Self::Absent | Self::TextRare => 20_000,
            _ => 200_000,
        };
        (messages / size).clamp(1, 100)
    }

    /// The command, for a mailbox of the first `size` messages.
    fn command(self, corpus: &Corpus, size: u64) -> String {
        let (from, to) = days(size);
        match self {
            Self::Subject => format!("SEARCH SUBJECT {SUBJECT}"),
            Self::From => format!("SEARCH FROM {}", corpus.sender(0)),
            Self::Frequent => format!("SEARCH BODY {FREQUENT}"),
            Self::Rare => format!("SEARCH BODY {RARE}"),
            Self::Absent => format!("SEARCH BODY {ABSENT}"),
            Self::TextRare => format!("SEARCH TEXT {RARE}"),
            Self::Sent => format!(
                "SEARCH SENTSINCE {} SENTBEFORE {}",
                corpus.day_name(from),
                corpus.day_name(to)
            ),
            Self::Arrived => format!(
                "SEARCH SINCE {} BEFORE {}",
                corpus.day_name(from),
                corpus.day_name(to)
            ),
            Self::Flags => "SEARCH KEYWORD $Forwarded UNANSWERED".to_owned(),
            Self::MessageId => format!(
                "SEARCH HEADER Message-ID \"{}\"",
                corpus.message_id(size / 2)
            ),
            Self::Order(command) => format!("{command} UTF-8 ALL"),
        }
    }

    /// The message numbers that it has to find, where these messages of the corpus are 1 and so on.
    fn expected(self, corpus: &Corpus, numbers: std::ops::Range<u64>) -> Vec<u64> {
        let size = numbers.end - numbers.start;
        let (from, to) = days(size);
        let (from, to) = (corpus.day(from), corpus.day(to));
        let sender = corpus.sender(0);
        let has = |n: u64| match self {
            Self::Subject => corpus.has_subject(n),
            Self::From => corpus.sender(n) == sender,
            Self::Frequent => corpus.marks(n).any(|word| word == FREQUENT),
            Self::Rare | Self::TextRare => corpus.has_rare(n),
            Self::Absent => false,
            Self::Sent => (from..to).contains(&corpus.day(n)),
            Self::Arrived => (from..to).contains(&corpus.arrival_day(n)),
            Self::Flags => corpus.flags(n).contains("$Forwarded"),
            Self::MessageId => n == size / 2,
            Self::Order(_) => true,
        };
        (1..)
            .zip(numbers)
            .filter(|(_, n)| has(*n))
            .map(|(number, _)| number)
            .collect()
    }

    /// Whether that is what has to be found. What SORT and THREAD give has to have every message once; by which
    /// collation is the server's business.
    fn judge(self, command: &str, found: &[u64], expected: &[u64]) -> Result<()> {
        let mut sorted = Vec::new();
        let mut compared = found;
        if matches!(self, Self::Order(_)) {
            sorted.extend_from_slice(found);
            sorted.sort_unstable();
            compared = &sorted;
        }
        if compared == expected {
            return Ok(());
        }
        let said = format!(
            "{} messages, and {} were expected; missing: {}; too many: {}",
            found.len(),
            expected.len(),
            lacking(expected, found),
            lacking(found, expected),
        );
        Err(Failure::refused(command.as_bytes(), said.as_bytes()))
    }
}

/// A time in the middle of the mailbox: between the days of which two messages.
fn days(size: u64) -> (u64, u64) {
    (size / 2, size / 2 + size / 10)
}
