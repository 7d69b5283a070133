//! THREAD and UID THREAD: RFC 5256 §3, and REFS as the drafts for it have it.
//!
//! A message gives an [`Entry`] from the store's columns; octets of messages are never read. For REFERENCES
//! and REFS, [`links`] makes parents and children of what messages refer to (step 1), [`forest`]
//! makes threads of that (steps 2 to 6) and writes them.
//!
//! REFS is REFERENCES without a look at subjects (steps 4 and 5), and its threads are in the order
//! of what arrived last in each. So a thread that something comes to becomes the last one.

mod forest;
mod links;
#[cfg(test)]
mod tests;

use imap::{
    command::{Numbering, Thread, ThreadAlgorithm},
    encode,
};
use store::{
    Message,
    columns::{self, Column, Field},
};

use self::{
    forest::{Forest, Table, Top},
    links::Links,
};
use super::{
    AT_ONCE,
    columns::{filled, sent},
    damaged::Damaged,
    find,
    found::Found,
    pace::Pace,
};
use crate::{
    Outlet,
    imap::{
        refusal::{Done, Outcome, Stop},
        state::{Enabled, Selected},
        sync::flush_if_full,
    },
};

/// What THREAD knows of a message.
#[derive(Debug, Clone, Copy)]
struct Entry {
    sequence: u32,
    uid: u32,
    /// When it was sent: seconds since 1970, UTC.
    sent: i64,
    /// When it arrived.
    arrived: i64,
    /// Its base subject; `None` if that is empty.
    subject: Option<Identity>,
    is_reply: bool,
}

/// What stands for an identifier or a subject: its number in the store's columns.
type Identity = u32;

/// Steps of [`Pace`] that a message costs if nothing of it has to be read.
const STEPS_PER_MESSAGE: usize = 5;

/// Answers THREAD.
pub(crate) async fn thread(
    selected: &mut Selected,
    enabled: Enabled,
    command: &Thread,
    out: &mut impl Outlet,
) -> Outcome {
    let found = find(
        super::Where::of(selected),
        enabled,
        (&command.search, None),
        out,
    )
    .await?;
    let mut pace = Pace::default();
    let mut gathered = Gathered::new(command.algorithm, found.len());
    gathered
        .read(selected, enabled, &found, (&mut pace, out))
        .await?;
    let forest = gathered.forest(&mut pace).await;
    encode::thread_start(out.buffer());
    if !forest.tops.is_empty() {
        out.buffer().push(b' ');
    }
    for top in &forest.tops {
        let number = |message: usize| match command.search.numbering {
            Numbering::Sequence => forest
                .entries
                .get(message)
                .map_or(0, |entry| entry.sequence),
            Numbering::Uid => forest.entries.get(message).map_or(0, |entry| entry.uid),
        };
        let written = forest.write(top, number, out.buffer());
        pace.worked(written).await;
        flush_if_full(out).await?;
    }
    encode::thread_end(out.buffer());
    Ok(Done::new("THREAD completed"))
}

/// The messages that are threaded.
struct Gathered {
    algorithm: ThreadAlgorithm,
    entries: Vec<Entry>,
    links: Links,
}

impl Gathered {
    fn new(algorithm: ThreadAlgorithm, messages: usize) -> Self {
        Self {
            algorithm,
            entries: Vec::with_capacity(messages),
            links: Links::new(messages),
        }
    }

    /// Reads what is needed of each message, in the order of the mailbox. One that is damaged is
    /// a message without a header.
    async fn read(
        &mut self,
        selected: &Selected,
        enabled: Enabled,
        found: &Found,
        (pace, out): (&mut Pace, &mut impl Outlet),
    ) -> Result<(), Stop> {
        let mut damaged = Damaged::default();
        let account = selected.account();
        let columns = account.columns(enabled.comparator.collation);
        let asked: &[Column] = if self.by_subject() {
            &[Column::Sorts(Field::Subject)]
        } else {
            &[]
        };
        let uids = found.uids();
        let mut batches = selected.view.batches(Some(&uids));
        let mut some = Vec::with_capacity(AT_ONCE);
        loop {
            batches.next(AT_ONCE, &mut some);
            if some.is_empty() {
                break;
            }
            let every = some.iter().map(|(_, message)| message);
            let mut note = |uid, error| damaged.note(uid, error);
            let table = filled(account, (&columns, asked), every, pace, &mut note).await?;
            let mut finder = table.finder();
            let mut steps = 0;
            for (sequence, message) in &some {
                let entry = finder.find(message.email);
                steps += STEPS_PER_MESSAGE + self.take((*sequence, message), entry);
            }
            drop(table);
            pace.worked(steps).await;
        }
        damaged.tell(enabled.language, out);
        Ok(())
    }

    fn by_subject(&self) -> bool {
        self.algorithm != ThreadAlgorithm::Refs
    }

    /// Takes a message. How much work it was, in steps of [`Pace`].
    fn take(
        &mut self,
        (sequence, message): (u32, &Message<'_>),
        entry: Option<columns::Entry<'_>>,
    ) -> usize {
        let (subject, is_reply) = entry
            .filter(|_| self.by_subject())
            .map_or((None, false), columns::Entry::subject);
        self.entries.push(Entry {
            sequence,
            uid: message.uid.0,
            sent: sent(message, entry),
            arrived: message.internal_date.unix,
            subject,
            is_reply,
        });
        if self.algorithm == ThreadAlgorithm::OrderedSubject {
            return 0;
        }
        let identifier = entry.and_then(columns::Entry::identifier);
        let references = entry.map(columns::Entry::references);
        self.links.add(identifier, references.unwrap_or_default())
    }

    /// All threads, in order.
    async fn forest(self, pace: &mut Pace) -> Forest {
        match self.algorithm {
            ThreadAlgorithm::OrderedSubject => ordered_subject(self.entries, pace).await,
            ThreadAlgorithm::References => {
                let mut forest = Forest::grow(self.entries, &self.links, pace).await;
                forest.merge_subjects(pace).await;
                forest.sort_siblings(pace).await;
                forest.sort_by_sent(pace).await;
                forest
            }
            ThreadAlgorithm::Refs => {
                let mut forest = Forest::grow(self.entries, &self.links, pace).await;
                forest.sort_siblings(pace).await;
                forest.sort_by_newest(pace).await;
                forest
            }
        }
    }
}

/// ORDEREDSUBJECT: messages of one subject are one thread, of which the earliest is the parent of
/// all others.
async fn ordered_subject(entries: Vec<Entry>, pace: &mut Pace) -> Forest {
    let mut threads: Vec<Vec<usize>> = Vec::new();
    let mut table = Table::default();
    for (message, entry) in entries.iter().enumerate() {
        // Those without a subject have one thread, too.
        let subject = entry.subject.map_or(0, |subject| subject.saturating_add(1));
        let thread = table.entry(subject).unwrap_or_else(|| {
            table.set(subject, threads.len());
            threads.push(Vec::new());
            threads.len() - 1
        });
        if let Some(messages) = threads.get_mut(thread) {
            messages.push(message);
        }
    }
    let mut forest = Forest::bare(entries);
    for mut messages in threads {
        forest.sort_messages(&mut messages, pace).await;
        let mut messages = messages.into_iter();
        if let Some(first) = messages.next() {
            forest.tops.push(Top::Message(first));
            forest.give_children(first, messages.collect());
        }
    }
    forest.sort_by_sent(pace).await;
    forest
}
