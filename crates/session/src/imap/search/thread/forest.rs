//! Threads of linked messages: RFC 5256 §3, REFERENCES, steps 2 to 6, and how they are written.
//!
//! Nothing here recurses: a thread may be as deep as the mailbox is long.

use std::collections::HashMap;

use imap::encode;

use super::{Entry, Identity, Links};
use crate::imap::search::{merge_sort, pace::Pace};

/// Steps of [`Pace`] for a node that is looked at.
const STEPS_PER_NODE: usize = 10;

/// All threads.
#[derive(Debug)]
pub(super) struct Forest {
    /// The messages, by their place.
    pub(super) entries: Vec<Entry>,
    /// The children of every message.
    children: Vec<Vec<usize>>,
    /// The threads.
    pub(super) tops: Vec<Top>,
}

/// What is on top of a thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Top {
    /// A message.
    Message(usize),
    /// A dummy with these children.
    Dummy(Vec<usize>),
}

/// What a node hangs from once dummies are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    /// Nothing: it is a top.
    Nothing,
    /// A message, by its place.
    Message(usize),
    /// A dummy on top, by its node.
    Dummy(usize),
}

impl Forest {
    /// Messages without any relation, none of which is in a thread yet.
    pub(super) fn bare(entries: Vec<Entry>) -> Self {
        Self {
            children: vec![Vec::new(); entries.len()],
            entries,
            tops: Vec::new(),
        }
    }

    /// Steps 2 and 3: the messages without parents are the tops; of dummies, only those stay that
    /// are on top and have several children.
    pub(super) async fn grow(entries: Vec<Entry>, links: &Links, pace: &mut Pace) -> Self {
        let mut forest = Self::bare(entries);
        let mut above = Aboves::new(links);
        // Dummies on top, with the place of their thread among the tops.
        let mut dummies: HashMap<usize, usize> = HashMap::new();
        for (message, node) in links.messages().iter().enumerate() {
            match above.of(*node) {
                Above::Nothing => forest.tops.push(Top::Message(message)),
                Above::Message(parent) => {
                    if let Some(children) = forest.children.get_mut(parent) {
                        children.push(message);
                    }
                }
                Above::Dummy(dummy) => {
                    let top = *dummies.entry(dummy).or_insert(forest.tops.len());
                    match forest.tops.get_mut(top) {
                        Some(Top::Dummy(children)) => children.push(message),
                        _ => forest.tops.push(Top::Dummy(vec![message])),
                    }
                }
            }
            pace.worked(STEPS_PER_NODE).await;
        }
        for top in &mut forest.tops {
            if let Top::Dummy(children) = top
                && let [only] = children[..]
            {
                *top = Top::Message(only);
            }
        }
        forest
    }

    /// Gives a message its children.
    pub(super) fn give_children(&mut self, parent: usize, all: Vec<usize>) {
        if let Some(children) = self.children.get_mut(parent) {
            *children = all;
        }
    }

    /// Steps 4 and 5: threads whose base subjects are the same become one.
    pub(super) async fn merge_subjects(&mut self, pace: &mut Pace) {
        self.sort_by_sent(pace).await;
        let subjects: Vec<_> = self.tops.iter().map(|top| self.subject(top)).collect();
        let table = self.subject_table(&subjects);
        let mut tops: Vec<Option<Top>> = self.tops.drain(..).map(Some).collect();
        for (current, subject) in subjects.into_iter().enumerate() {
            pace.worked(STEPS_PER_NODE).await;
            let Some(chosen) = subject.and_then(|subject| table.entry(subject)) else {
                continue;
            };
            if chosen == current {
                continue;
            }
            let Some(merged) = tops.get_mut(current).and_then(Option::take) else {
                continue;
            };
            if let Some(Some(into)) = tops.get_mut(chosen) {
                self.merge(into, merged);
            }
        }
        self.tops = tops.into_iter().flatten().collect();
    }

    /// Step 5 (A) and (B): for every base subject the place of the thread that others join.
    fn subject_table(&self, subjects: &[Option<Identity>]) -> Table {
        let mut table = Table::default();
        for (current, (top, subject)) in self.tops.iter().zip(subjects).enumerate() {
            let Some(subject) = subject else {
                continue;
            };
            let chosen = table.entry(*subject);
            let replaces = match chosen.and_then(|chosen| self.tops.get(chosen)) {
                Some(Top::Message(message)) => match top {
                    Top::Dummy(_) => true,
                    Top::Message(current) => self.is_reply(*message) && !self.is_reply(*current),
                },
                Some(Top::Dummy(_)) => false,
                None => true,
            };
            if replaces {
                table.set(*subject, current);
            }
        }
        table
    }

    /// Step 5 (C): merges a thread into that of the subject table.
    fn merge(&mut self, into: &mut Top, current: Top) {
        match (&mut *into, current) {
            (Top::Dummy(children), Top::Dummy(more)) => children.extend(more),
            (Top::Dummy(children), Top::Message(current)) => children.push(current),
            (Top::Message(message), Top::Message(current))
                if self.is_reply(current) && !self.is_reply(*message) =>
            {
                if let Some(children) = self.children.get_mut(*message) {
                    children.push(current);
                }
            }
            (Top::Message(message), Top::Message(current)) => {
                *into = Top::Dummy(vec![*message, current]);
            }
            // A dummy is what the table has if there is one.
            (Top::Message(message), Top::Dummy(mut more)) => {
                more.push(*message);
                *into = Top::Dummy(more);
            }
        }
    }

    /// The thread's subject.
    fn subject(&self, top: &Top) -> Option<Identity> {
        self.entries.get(self.first(top)?)?.subject
    }

    /// What is on top, or the first child of a dummy.
    fn first(&self, top: &Top) -> Option<usize> {
        match top {
            Top::Message(message) => Some(*message),
            // They need not be in order yet.
            Top::Dummy(children) => children
                .iter()
                .copied()
                .min_by_key(|child| self.sent(*child)),
        }
    }

    fn is_reply(&self, message: usize) -> bool {
        self.entries
            .get(message)
            .is_some_and(|entry| entry.is_reply)
    }

    /// By what messages are ordered: when they were sent, and then as in the mailbox.
    fn sent(&self, message: usize) -> (i64, usize) {
        let sent = self.entries.get(message).map_or(0, |entry| entry.sent);
        (sent, message)
    }

    /// Puts messages in the order in which they were sent.
    pub(super) async fn sort_messages(&self, messages: &mut Vec<usize>, pace: &mut Pace) {
        if messages.len() > 1 {
            let compare = |a: &usize, b: &usize| self.sent(*a).cmp(&self.sent(*b));
            *messages = merge_sort::sorted(std::mem::take(messages), compare, pace).await;
        }
    }

    /// Step 6, but for the tops.
    pub(super) async fn sort_siblings(&mut self, pace: &mut Pace) {
        for message in 0..self.children.len() {
            let children = self.children.get_mut(message);
            let several = children.filter(|children| children.len() > 1);
            if let Some(mut children) = several.map(std::mem::take) {
                self.sort_messages(&mut children, pace).await;
                self.give_children(message, children);
                pace.worked(STEPS_PER_NODE).await;
            }
        }
        let mut tops = std::mem::take(&mut self.tops);
        for top in &mut tops {
            if let Top::Dummy(children) = top {
                self.sort_messages(children, pace).await;
            }
        }
        self.tops = tops;
    }

    /// Orders the threads by when their first message was sent.
    pub(super) async fn sort_by_sent(&mut self, pace: &mut Pace) {
        let tops = std::mem::take(&mut self.tops);
        let keyed = tops.into_iter().map(|top| {
            let first = self.first(&top).unwrap_or_default();
            (self.sent(first), top)
        });
        self.tops = by_key(keyed.collect(), pace).await;
    }

    /// Orders the threads by when the last of their messages arrived.
    pub(super) async fn sort_by_newest(&mut self, pace: &mut Pace) {
        let tops = std::mem::take(&mut self.tops);
        let mut keyed = Vec::with_capacity(tops.len());
        for top in tops {
            let mut newest = (i64::MIN, 0);
            let mut left = match &top {
                Top::Message(message) => vec![*message],
                Top::Dummy(children) => children.clone(),
            };
            while let Some(message) = left.pop() {
                let arrived = self.entries.get(message).map_or(0, |entry| entry.arrived);
                newest = newest.max((arrived, message));
                left.extend_from_slice(self.children(message));
                pace.worked(STEPS_PER_NODE).await;
            }
            keyed.push((newest, top));
        }
        self.tops = by_key(keyed, pace).await;
    }

    fn children(&self, message: usize) -> &[usize] {
        self.children.get(message).map_or(&[], Vec::as_slice)
    }

    /// Writes a thread; `number` is what a message is called. How many octets that took.
    // thread-list = "(" (thread-members / thread-nested) ")"
    // thread-members = nz-number *(SP nz-number) [SP thread-nested]
    // thread-nested = 2*thread-list
    pub(super) fn write(
        &self,
        top: &Top,
        number: impl Fn(usize) -> u32,
        out: &mut Vec<u8>,
    ) -> usize {
        enum Step {
            Thread(usize),
            End,
        }
        let before = out.len();
        let mut steps = Vec::new();
        match top {
            Top::Message(message) => steps.push(Step::Thread(*message)),
            Top::Dummy(children) => {
                out.push(b'(');
                steps.push(Step::End);
                steps.extend(children.iter().rev().map(|child| Step::Thread(*child)));
            }
        }
        while let Some(step) = steps.pop() {
            let Step::Thread(mut message) = step else {
                out.push(b')');
                continue;
            };
            out.push(b'(');
            encode::number(out, number(message).into());
            steps.push(Step::End);
            while let [only] = self.children(message) {
                message = *only;
                out.push(b' ');
                encode::number(out, number(message).into());
            }
            let children = self.children(message);
            if !children.is_empty() {
                out.push(b' ');
                steps.extend(children.iter().rev().map(|child| Step::Thread(*child)));
            }
        }
        out.len() - before
    }
}

/// A place for each number of some that are near to each other.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<u32>);

impl Table {
    /// The place that a number has.
    pub(super) fn entry(&self, number: Identity) -> Option<usize> {
        let place = self.0.get(number as usize)?.checked_sub(1)?;
        usize::try_from(place).ok()
    }

    /// Gives a number its place.
    pub(super) fn set(&mut self, number: Identity, place: usize) {
        let at = number as usize;
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        if let Some(entry) = self.0.get_mut(at) {
            // There are never more than `u32::MAX` messages.
            *entry = u32::try_from(place + 1).unwrap_or(0);
        }
    }
}

/// Threads in the order of their keys.
async fn by_key(keyed: Vec<((i64, usize), Top)>, pace: &mut Pace) -> Vec<Top> {
    let keys = keyed.iter().enumerate();
    let keys = keys.map(|(place, ((key, message), _))| (*key, *message, place));
    let order = merge_sort::sorted(keys.collect(), Ord::cmp, pace).await;
    let mut tops: Vec<Option<Top>> = keyed.into_iter().map(|(_, top)| Some(top)).collect();
    let top = |place: usize| tops.get_mut(place).and_then(Option::take);
    let places = order.into_iter().map(|(_, _, place)| place);
    places.filter_map(top).collect()
}

/// Finds what nodes hang from; each node is walked over once.
struct Aboves<'a> {
    links: &'a Links,
    known: Vec<Option<Above>>,
    /// Nodes on the way.
    walked: Vec<usize>,
}

impl<'a> Aboves<'a> {
    fn new(links: &'a Links) -> Self {
        Self {
            links,
            known: vec![None; links.len()],
            walked: Vec::new(),
        }
    }

    fn of(&mut self, node: usize) -> Above {
        let mut at = node;
        let above = loop {
            let Some(parent) = self.links.get(at).parent else {
                break Above::Nothing;
            };
            if let Some(message) = self.links.get(parent).message {
                break Above::Message(message);
            }
            if let Some(above) = self.known.get(parent).copied().flatten() {
                break above;
            }
            if self.links.get(parent).parent.is_none() {
                break Above::Dummy(parent);
            }
            self.walked.push(parent);
            at = parent;
        };
        for node in self.walked.drain(..).chain([node]) {
            if let Some(known) = self.known.get_mut(node) {
                *known = Some(above);
            }
        }
        above
    }
}
