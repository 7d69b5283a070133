//! The order of SORT: RFC 5256 §3, RFC 5957.
//!
//! Every message gets one key for every criterion, from its snapshot and its digest; octets of
//! messages are never read. What orders strings is the active comparator; those whose charset
//! can't be told come after all others, in the order of their octets (RFC 5255 §4.6).

use std::cmp::Ordering;

use imap::command::{SortAnnotation, SortCriterion, SortKey};
use mail::collation::Comparator;
use store::{Account, Error, Message};

use super::{
    damaged::Damaged,
    digested::{Digested, Who},
    found::One,
    merge_sort,
    pace::Pace,
};
use crate::imap::annotation::Annotated;

/// Octets of a string's key that are compared: longer than what anybody reads in a list.
const KEY_BYTES_MAX: usize = 1024;

/// Octets of all keys of one SORT beyond which the others are cut shorter, so that nobody's
/// long subjects take all memory.
const KEYS_BYTES_MAX: usize = 64 << 20;

/// What is left of a key then.
const KEY_BYTES_LEAST: usize = 32;

/// Messages with what they are sorted by.
pub(super) struct Sorter {
    criteria: Vec<SortCriterion>,
    /// What [`SortKey::Annotation`] names.
    annotations: Vec<SortAnnotation>,
    comparator: Comparator,
    messages: Vec<One>,
    /// As many for each message as there are criteria.
    keys: Vec<Key>,
    /// The strings of the keys, one after the other.
    strings: Vec<u8>,
}

/// What is compared of a message.
#[derive(Debug, Clone, Copy)]
enum Key {
    Number(i64),
    String {
        /// Whether it is text: what isn't comes last.
        is_text: bool,
        at: usize,
        len: usize,
    },
}

impl Sorter {
    /// Sorts by these criteria.
    pub(super) fn new(
        criteria: &[SortCriterion],
        annotations: &[SortAnnotation],
        comparator: Comparator,
    ) -> Self {
        let mut distinct: Vec<SortCriterion> = Vec::new();
        for criterion in criteria {
            // Once messages are the same by a key, they are so in either direction.
            if distinct.iter().all(|known| known.key != criterion.key) {
                distinct.push(*criterion);
            }
        }
        Self {
            criteria: distinct,
            annotations: annotations.to_vec(),
            comparator,
            messages: Vec::new(),
            keys: Vec::new(),
            strings: Vec::new(),
        }
    }

    /// Takes a message; they come in the order of the mailbox. One that is damaged has
    /// the keys of an empty message.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(super) async fn add(
        &mut self,
        account: &Account,
        (one, message, annotated): (One, &Message<'_>, Annotated<'_>),
        damaged: &mut Damaged,
    ) -> Result<(), Error> {
        let kept = |key| {
            matches!(
                key,
                SortKey::Annotation(_) | SortKey::Arrival | SortKey::Size | SortKey::Relevancy
            )
        };
        let mut email = None;
        if !self.criteria.iter().all(|criterion| kept(criterion.key)) {
            match account.email(message).await {
                Ok(read) => email = Some(read),
                Err(error) => damaged.note(message.uid, error)?,
            }
        }
        let digested = Digested::new(email.as_ref().map(store::Email::digest_ref));
        let criteria = std::mem::take(&mut self.criteria);
        for criterion in &criteria {
            let key = match criterion.key {
                // RFC 6203 §6: the highest first.
                SortKey::Relevancy => Key::Number(-i64::from(one.score)),
                SortKey::Annotation(at) => self.annotation(at, annotated),
                key => self.key(key, message, &digested),
            };
            self.keys.push(key);
        }
        self.criteria = criteria;
        self.messages.push(one);
        Ok(())
    }

    fn key(&mut self, key: SortKey, message: &Message<'_>, digested: &Digested<'_>) -> Key {
        match key {
            // Relevancy is not the message's own, and annotations are not in its record.
            SortKey::Annotation(_) | SortKey::Arrival | SortKey::Relevancy => {
                Key::Number(message.internal_date.unix)
            }
            SortKey::Date => Key::Number(digested.sent(message)),
            SortKey::Size => Key::Number(i64::try_from(message.size).unwrap_or(i64::MAX)),
            SortKey::Subject => self.string(&digested.subject().base),
            SortKey::Cc => self.string(&digested.mailbox(Who::Cc)),
            SortKey::From => self.string(&digested.mailbox(Who::From)),
            SortKey::To => self.string(&digested.mailbox(Who::To)),
            SortKey::DisplayFrom => self.string(&digested.display(Who::From)),
            SortKey::DisplayTo => self.string(&digested.display(Who::To)),
        }
    }

    /// A value of an entry: RFC 5257 §4.9. Without one it is as if that were empty.
    fn annotation(&mut self, at: u8, annotated: Annotated<'_>) -> Key {
        use mail::encoded_word::Exactly;
        let named = self.annotations.get(usize::from(at));
        let value = named.and_then(|it| annotated.value(&it.entry, it.scope));
        let value = value.unwrap_or_default();
        match std::str::from_utf8(value) {
            Ok(text) => self.string(&Exactly::Text(text.to_owned())),
            Err(_) => self.string(&Exactly::Octets(value.to_vec())),
        }
    }

    fn string(&mut self, value: &mail::encoded_word::Exactly) -> Key {
        use mail::encoded_word::Exactly;
        let at = self.strings.len();
        let is_text = match value {
            Exactly::Text(text) => {
                self.comparator.collation.key(text, &mut self.strings);
                true
            }
            Exactly::Octets(octets) => {
                self.strings.extend_from_slice(octets);
                false
            }
        };
        let max = if at < KEYS_BYTES_MAX {
            KEY_BYTES_MAX
        } else {
            KEY_BYTES_LEAST
        };
        self.strings.truncate(at + max);
        let len = self.strings.len() - at;
        Key::String { is_text, at, len }
    }

    /// All messages, in order.
    pub(super) async fn sorted(self, pace: &mut Pace) -> Vec<One> {
        let places = (0..self.messages.len()).collect();
        let order = merge_sort::sorted(places, |a, b| self.compare(*a, *b), pace).await;
        let message = |place| self.messages.get(place).copied();
        order.into_iter().filter_map(message).collect()
    }

    /// RFC 5256 §3: what is the same by every criterion stays in the order of the mailbox.
    fn compare(&self, a: usize, b: usize) -> Ordering {
        let keys = |index: usize| {
            let start = index * self.criteria.len();
            self.keys.get(start..).unwrap_or_default()
        };
        for (criterion, (a, b)) in self.criteria.iter().zip(keys(a).iter().zip(keys(b))) {
            let order = self.compare_keys(*a, *b);
            if order.is_ne() {
                return if criterion.reverse {
                    order.reverse()
                } else {
                    order
                };
            }
        }
        a.cmp(&b)
    }

    fn compare_keys(&self, a: Key, b: Key) -> Ordering {
        match (a, b) {
            (Key::Number(a), Key::Number(b)) => a.cmp(&b),
            (
                Key::String { is_text, at, len },
                Key::String {
                    is_text: other_is_text,
                    at: other_at,
                    len: other_len,
                },
            ) => {
                let string = |at: usize, len| self.strings.get(at..at + len).unwrap_or_default();
                let order = string(at, len).cmp(string(other_at, other_len));
                match (is_text, other_is_text) {
                    (true, true) if self.comparator.descending => order.reverse(),
                    (true, true) | (false, false) => order,
                    (true, false) => Ordering::Less,
                    (false, true) => Ordering::Greater,
                }
            }
            // A criterion gives keys of one kind.
            (Key::Number(_), Key::String { .. }) => Ordering::Less,
            (Key::String { .. }, Key::Number(_)) => Ordering::Greater,
        }
    }
}
