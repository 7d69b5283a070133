//! THREAD and UID THREAD: RFC 5256 §3, and REFS as the drafts for it have it.
//!
//! A message gives an [`Entry`] from its digest; octets of messages are never read. For REFERENCES
//! and REFS, [`links`] makes parents and children of what messages refer to (step 1), [`forest`]
//! makes threads of that (steps 2 to 6) and writes them.
//!
//! REFS is REFERENCES without a look at subjects (steps 4 and 5), and its threads are in the order
//! of what arrived last in each. So a thread that something comes to becomes the last one.

mod forest;
mod links;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
};

use imap::{
    command::{Numbering, Thread, ThreadAlgorithm},
    encode,
};
use mail::{
    collation::Comparator,
    encoded_word::Exactly,
    message_id::{self, Identifiers},
    subject::Subject,
};
use store::Message;

use self::{
    forest::{Forest, Top},
    links::Links,
};
use super::{
    STEPS_PER_DIGEST, damaged::Damaged, digested::Digested, find, found::Found, pace::Pace,
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

/// What stands for an identifier or a subject: two different ones have the same only by an
/// accident that nobody can bring about, since it depends on random numbers of ours.
type Identity = u128;

/// Makes identities.
#[derive(Debug, Default)]
struct Identities([RandomState; 2]);

impl Identities {
    fn of(&self, octets: &[u8]) -> Identity {
        let [high, low] = self.0.each_ref().map(|state| state.hash_one(octets));
        Identity::from(high) << 64 | Identity::from(low)
    }

    /// A base subject's, under a comparator. What is no text is only equal to itself.
    fn of_subject(&self, subject: &Subject, comparator: Comparator) -> Option<Identity> {
        let mut key = Vec::new();
        match &subject.base {
            Exactly::Text(text) => {
                key.push(1);
                comparator.collation.key(text, &mut key);
            }
            Exactly::Octets(octets) => {
                key.push(0);
                key.extend_from_slice(octets);
            }
        }
        (key.len() > 1).then(|| self.of(&key))
    }
}

/// Answers THREAD.
pub(crate) async fn thread(
    selected: &mut Selected,
    enabled: Enabled,
    command: &Thread,
    out: &mut impl Outlet,
) -> Outcome {
    let found = find(super::Where::of(selected), enabled, &command.search, out).await?;
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
    identities: Identities,
    links: Links,
}

impl Gathered {
    fn new(algorithm: ThreadAlgorithm, messages: usize) -> Self {
        Self {
            algorithm,
            entries: Vec::with_capacity(messages),
            identities: Identities::default(),
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
        for (sequence, message) in selected.view.messages_in(&found.uids()) {
            let mut email = None;
            match account.email(&message).await {
                Ok(read) => email = Some(read),
                Err(error) => damaged.note(message.uid, error)?,
            }
            let digested = Digested::new(email.as_ref().map(store::Email::digest_ref));
            let steps = self.take((sequence, &message), &digested, enabled.comparator);
            pace.worked(STEPS_PER_DIGEST + steps).await;
        }
        damaged.tell(enabled.language, out);
        Ok(())
    }

    /// Takes a message. How much work it was, in steps of [`Pace`].
    fn take(
        &mut self,
        (sequence, message): (u32, &Message<'_>),
        digested: &Digested<'_>,
        comparator: Comparator,
    ) -> usize {
        let subject = (self.algorithm != ThreadAlgorithm::Refs).then(|| digested.subject());
        let subject = subject.as_ref();
        self.entries.push(Entry {
            sequence,
            uid: message.uid.0,
            sent: digested.sent(message),
            arrived: message.internal_date.unix,
            subject: subject.and_then(|subject| self.identities.of_subject(subject, comparator)),
            is_reply: subject.is_some_and(|subject| subject.is_reply),
        });
        if self.algorithm == ThreadAlgorithm::OrderedSubject {
            return 0;
        }
        let text = |name| digested.field(name).map(|field| field.text());
        let references = text("References").unwrap_or_default();
        let in_reply_to = text("In-Reply-To").unwrap_or_default();
        let id = text("Message-ID").unwrap_or_default();
        let identities = &self.identities;
        let each = |ids: Identifiers<'_>| ids.map(|id| identities.of(&id)).collect::<Vec<_>>();
        // RFC 5256 §3: In-Reply-To counts only where References has nothing valid, and of it the
        // first.
        let mut ancestors = each(message_id::identifiers(&references));
        if ancestors.is_empty() {
            let mut parent = message_id::identifiers(&in_reply_to);
            ancestors.extend(parent.next().map(|id| identities.of(&id)));
        }
        let id = message_id::identifiers(&id).next();
        let id = id.map(|id| identities.of(&id));
        self.links.add(id, &ancestors)
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
    let mut threads: HashMap<Option<Identity>, Vec<usize>> = HashMap::new();
    for (message, entry) in entries.iter().enumerate() {
        threads.entry(entry.subject).or_default().push(message);
    }
    let mut forest = Forest::bare(entries);
    for mut messages in threads.into_values() {
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
