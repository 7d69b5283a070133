//! The order of SORT: RFC 5256 §3, RFC 5957.
//!
//! Every message gets one number for every criterion, from its snapshot and, if that does not tell, the store's columns;
//! octets of messages are never read. What orders strings is the active comparator; those whose charset
//! can't be told come after all others, in the order of their octets (RFC 5255 §4.6).

use std::cmp::Ordering;

use imap::command::{SortAnnotation, SortCriterion, SortKey};
use mail::collation::Comparator;
use store::{
    Account, Error, Message, SentDate,
    columns::{Column, Columns, Entry, Text},
};

use super::{
    columns::{filled, sent},
    damaged::Damaged,
    found::{Found, One},
    merge_sort,
    pace::Pace,
    radix_sort,
    verdicts::Matching,
};
use crate::imap::{annotation::Annotated, view::View};

/// Octets of an annotation that are compared: longer than what anybody reads in a list.
const KEY_BYTES_MAX: usize = 1024;

/// Octets of all annotations of one SORT beyond which the others are cut shorter, so that nobody's
/// long values take all memory.
const KEYS_BYTES_MAX: usize = 64 << 20;

/// What is left of a key then.
const KEY_BYTES_LEAST: usize = 32;

/// Messages with what they are sorted by.
pub(super) struct Sorter<'a> {
    account: &'a Account,
    criteria: Vec<Criterion>,
    /// What [`SortKey::Annotation`] names.
    annotations: Vec<SortAnnotation>,
    comparator: Comparator,
    /// If any criterion needs them.
    columns: Option<Columns>,
    /// What it asks them about.
    asked: Vec<Column>,
    messages: Vec<One>,
    /// The highest modseq of all.
    mod_seq: u64,
    /// Octets of annotations.
    octets: usize,
}

/// One criterion, and what it makes of each message.
struct Criterion {
    key: SortKey,
    reverse: bool,
    /// Of numbers the numbers themselves, in order as such; of strings, their numbers, and in the end their places.
    numbers: Vec<u64>,
    /// Of annotations, what is compared: whether they are text, and their keys.
    values: Vec<(bool, Vec<u8>)>,
}

impl<'a> Sorter<'a> {
    /// Sorts messages of an account by these criteria.
    pub(super) fn new(
        account: &'a Account,
        criteria: &[SortCriterion],
        annotations: &[SortAnnotation],
        comparator: Comparator,
    ) -> Self {
        let mut distinct: Vec<Criterion> = Vec::new();
        for criterion in criteria {
            // Once messages are the same by a key, they are so in either direction.
            if distinct.iter().all(|known| known.key != criterion.key) {
                distinct.push(Criterion {
                    key: criterion.key,
                    reverse: criterion.reverse,
                    numbers: Vec::new(),
                    values: Vec::new(),
                });
            }
        }
        let texts = distinct.iter().filter_map(|it| text_of(it.key));
        let asked: Vec<Column> = texts.map(Text::column).collect();
        let reads = !asked.is_empty() || distinct.iter().any(|it| it.key == SortKey::Date);
        Self {
            account,
            columns: reads.then(|| account.columns(comparator.collation)),
            asked,
            criteria: distinct,
            annotations: annotations.to_vec(),
            comparator,
            messages: Vec::new(),
            mod_seq: 0,
            octets: 0,
        }
    }

    /// Takes those of some messages that match; they come in the order of the mailbox. One that is damaged has
    /// the keys of an empty message.
    ///
    /// # Errors
    /// If the store can't be read.
    pub(super) async fn add(
        &mut self,
        (messages, matching): (&[(u32, Message<'_>)], &Matching),
        view: &View,
        damaged: &mut Damaged,
        pace: &mut Pace,
    ) -> Result<(), Error> {
        pace.worked(STEPS_PER_MESSAGE * matching.len()).await;
        let by_texts = !self.asked.is_empty();
        let asks = |message: &Message<'_>| by_texts || message.sent.date() == SentDate::Untold;
        let asked = || {
            let every = matching.of(messages).map(|((_, message), _)| message);
            every.filter(|message| asks(message))
        };
        let table = match &self.columns {
            Some(columns) if asked().next().is_some() => {
                let mut note = |uid, error| damaged.note(uid, error);
                let columns = (columns, &*self.asked);
                Some(filled(self.account, columns, asked(), pace, &mut note).await?)
            }
            _ => None,
        };
        let mut finder = table.as_ref().map(|table| table.finder());
        for ((sequence, message), score) in matching.of(messages) {
            let one = One::of(*sequence, message).scored(score);
            let entry = finder.as_mut().and_then(|it| it.find(message.email));
            for criterion in &mut self.criteria {
                if let SortKey::Annotation(at) = criterion.key {
                    let annotated = view.annotated(message.uid);
                    let value = value(self.annotations.get(usize::from(at)), annotated);
                    let key = key(value, self.comparator, self.octets < KEYS_BYTES_MAX);
                    self.octets += key.1.len();
                    criterion.values.push(key);
                } else {
                    criterion
                        .numbers
                        .push(criterion.number(&one, message, entry));
                }
            }
            self.messages.push(one);
            self.mod_seq = self.mod_seq.max(message.mod_seq.0);
        }
        Ok(())
    }

    /// All messages, in order.
    ///
    /// # Errors
    /// If the store is out of service.
    pub(super) async fn sorted(mut self, pace: &mut Pace) -> Result<Found, Error> {
        self.place_strings().await?;
        let comparator = self.comparator;
        for criterion in &mut self.criteria {
            if !criterion.values.is_empty() {
                criterion.numbers = places(&criterion.values, comparator, pace).await;
            }
            if criterion.reverse {
                criterion.numbers.iter_mut().for_each(|it| *it = !*it);
            }
        }
        // RFC 5256 §3: what is the same by every criterion stays in the order of the mailbox. So the last one is sorted by first.
        let len = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..len).collect();
        for criterion in self.criteria.iter().rev() {
            order = radix_sort::sorted(order, &criterion.numbers, pace).await;
        }
        Ok(Found::sorted(self.messages, order, self.mod_seq))
    }

    /// Puts the places of strings where their numbers are.
    async fn place_strings(&mut self) -> Result<(), Error> {
        let texts = self.criteria.iter().filter_map(|it| text_of(it.key));
        let texts: Vec<Text> = texts.collect();
        let Some(columns) = self.columns.as_ref().filter(|_| !texts.is_empty()) else {
            return Ok(());
        };
        let table = columns.arranged(&texts).await?;
        for criterion in &mut self.criteria {
            if let Some(text) = text_of(criterion.key) {
                for number in &mut criterion.numbers {
                    let string = u32::try_from(*number).unwrap_or(0);
                    *number = table.place(text, string, self.comparator).into();
                }
            }
        }
        Ok(())
    }
}

/// Steps of [`Pace`] that a message costs if nothing of it has to be read.
const STEPS_PER_MESSAGE: usize = 5;

impl Criterion {
    fn number(&self, one: &One, message: &Message<'_>, entry: Option<Entry<'_>>) -> u64 {
        let number = match self.key {
            // RFC 6203 §6: the highest first.
            SortKey::Relevancy => -i64::from(one.score),
            SortKey::Size => i64::try_from(message.size).unwrap_or(i64::MAX),
            SortKey::Date => sent(message, entry),
            // Annotations are not in the message.
            SortKey::Arrival | SortKey::Annotation(_) => message.internal_date.unix,
            key => {
                let string = text_of(key).zip(entry);
                return string.map_or(0, |(text, entry)| entry.text(text)).into();
            }
        };
        // In order without a sign.
        number.cast_unsigned() ^ 1 << 63
    }
}

/// What of a message's strings a key is.
const fn text_of(key: SortKey) -> Option<Text> {
    Some(match key {
        SortKey::Subject => Text::Subject,
        SortKey::From => Text::From,
        SortKey::To => Text::To,
        SortKey::Cc => Text::Cc,
        SortKey::DisplayFrom => Text::DisplayFrom,
        SortKey::DisplayTo => Text::DisplayTo,
        _ => return None,
    })
}

/// A value of an entry: RFC 5257 §4.9. Without one it is as if that were empty.
fn value<'a>(named: Option<&SortAnnotation>, annotated: Annotated<'a>) -> &'a [u8] {
    let value = named.and_then(|it| annotated.value(&it.entry, it.scope));
    value.unwrap_or_default()
}

fn key(value: &[u8], comparator: Comparator, has_room: bool) -> (bool, Vec<u8>) {
    let mut key = Vec::new();
    let text = str::from_utf8(value);
    match text {
        Ok(text) => comparator.collation.key(text, &mut key),
        Err(_) => key.extend_from_slice(value),
    }
    key.truncate(if has_room {
        KEY_BYTES_MAX
    } else {
        KEY_BYTES_LEAST
    });
    (text.is_ok(), key)
}

/// The places of strings in their order.
async fn places(values: &[(bool, Vec<u8>)], comparator: Comparator, pace: &mut Pace) -> Vec<u64> {
    let strings = |a: usize, b: usize| match (values.get(a), values.get(b)) {
        (Some((true, a)), Some((true, b))) if comparator.descending => b.cmp(a),
        (Some((true, a)), Some((true, b))) | (Some((false, a)), Some((false, b))) => a.cmp(b),
        (Some((true, _)), _) => Ordering::Less,
        _ => Ordering::Greater,
    };
    let compare = |a: &usize, b: &usize| strings(*a, *b).then(a.cmp(b));
    let order = merge_sort::sorted((0..values.len()).collect(), compare, pace).await;
    let mut places = vec![0; values.len()];
    let mut before: Option<(usize, u64)> = None;
    for string in order {
        let here = before.map_or(0, |(before, place)| {
            place + u64::from(strings(before, string).is_ne())
        });
        if let Some(it) = places.get_mut(string) {
            *it = here;
        }
        before = Some((string, here));
    }
    places
}
