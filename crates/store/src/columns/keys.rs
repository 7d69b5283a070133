//! Strings that messages are ordered by, and the place of each in that order.

use mail::{collation::Collation, encoded_word::Exactly};

use super::intern::Interner;

/// Octets of a key that are compared: longer than what anybody reads in a list.
const KEY_BYTES_MAX: usize = 1024;

/// What is left of a key if there is no room.
const KEY_BYTES_LEAST: usize = 32;

/// First octet of the key of a text; one of what isn't text comes after all of these (RFC 5255 §4.6).
const TEXT: u8 = 0;
/// First octet of the key of octets whose charset can't be told.
const OCTETS: u8 = 1;

/// Distinct strings by number. Number 0 is the empty text.
#[derive(Debug)]
pub(super) struct Keys {
    interner: Interner,
    /// Their keys, one after the other.
    octets: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    /// All that have a place, in order.
    order: Vec<u32>,
    /// The places, by number; those that are cut to the same have the same.
    places: Vec<u32>,
    /// The places of texts are below this.
    texts: u32,
}

impl Keys {
    /// The empty text alone; `hash` is that of all of a key.
    pub(super) fn new(collation: Collation, hash: impl Fn(&[u8]) -> u64) -> Self {
        let mut keys = Self {
            interner: Interner::default(),
            octets: Vec::new(),
            ends: Vec::new(),
            order: Vec::new(),
            places: Vec::new(),
            texts: 0,
        };
        keys.number(&Exactly::Text(String::new()), (collation, true), hash);
        keys
    }

    /// The number of a string; `hash` is that of all of its key.
    pub(super) fn number(
        &mut self,
        string: &Exactly,
        (collation, has_room): (Collation, bool),
        hash: impl Fn(&[u8]) -> u64,
    ) -> u32 {
        let start = self.octets.len();
        match string {
            Exactly::Text(text) => {
                self.octets.push(TEXT);
                collation.key(text, &mut self.octets);
            }
            Exactly::Octets(octets) => {
                self.octets.push(OCTETS);
                self.octets.extend_from_slice(octets);
            }
        }
        let key = self.octets.get(start..).unwrap_or_default();
        let (number, is_new) = self.interner.number(hash(key));
        if is_new {
            let max = if has_room {
                KEY_BYTES_MAX
            } else {
                KEY_BYTES_LEAST
            };
            self.octets.truncate(start + 1 + max);
            // Of four GiB nothing comes: see `Table`.
            self.ends
                .push(u32::try_from(self.octets.len()).unwrap_or(u32::MAX));
        } else {
            self.octets.truncate(start);
        }
        number
    }

    /// Whether there is nothing to a string.
    pub(super) fn is_empty(&self, number: u32) -> bool {
        self.key(number).len() < 2
    }

    /// How many have no place yet.
    pub(super) fn waiting(&self) -> usize {
        self.ends.len() - self.order.len()
    }

    /// Gives all a place.
    pub(super) fn arrange(&mut self) {
        let new = self.order.len()..self.ends.len();
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        // Most differ in what is compared at once.
        let mut new: Vec<(u64, u32)> = new.map(|at| (self.head(number(at)), number(at))).collect();
        new.sort_unstable_by(|(head, a), (other, b)| {
            let order = head.cmp(other);
            order.then_with(|| (self.key(*a), a).cmp(&(self.key(*b), b)))
        });
        let mut order = Vec::with_capacity(self.ends.len());
        let mut rest = self.order.as_slice();
        for (_, number) in new {
            let key = self.key(number);
            let (before, after) = rest.split_at(rest.partition_point(|old| self.key(*old) <= key));
            order.extend_from_slice(before);
            order.push(number);
            rest = after;
        }
        order.extend_from_slice(rest);
        self.order = order;
        self.number_places();
    }

    fn number_places(&mut self) {
        let mut places = vec![0; self.order.len()];
        let (mut place, mut texts) = (0, 0);
        let mut last: Option<u32> = None;
        for number in &self.order {
            let key = self.key(*number);
            if last.is_some_and(|last| self.key(last) != key) {
                place += 1;
            }
            if key.first() == Some(&TEXT) {
                texts = place + 1;
            }
            if let Some(it) = places.get_mut(*number as usize) {
                *it = place;
            }
            last = Some(*number);
        }
        self.places = places;
        self.texts = texts;
    }

    /// The place of a string in the order of all; of texts, if they are ordered the other way round, from the other
    /// end.
    pub(super) fn place(&self, number: u32, descending: bool) -> u32 {
        let place = self.places.get(number as usize).copied().unwrap_or(0);
        if descending && place < self.texts {
            self.texts - 1 - place
        } else {
            place
        }
    }

    /// Octets of memory.
    pub(super) fn octets(&self) -> usize {
        let numbers = self.ends.capacity() + self.order.capacity() + self.places.capacity();
        self.interner.octets() + self.octets.capacity() + numbers * size_of::<u32>()
    }

    fn key(&self, number: u32) -> &[u8] {
        let at = number as usize;
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let start = start.map_or(0, |start| *start as usize);
        let end = self.ends.get(at).map_or(0, |end| *end as usize);
        self.octets.get(start..end).unwrap_or_default()
    }

    /// What a key begins with: keys are in the order of these, as far as they go.
    fn head(&self, number: u32) -> u64 {
        let mut head = [0; 8];
        for (to, octet) in head.iter_mut().zip(self.key(number)) {
            *to = *octet;
        }
        u64::from_be_bytes(head)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, RandomState};

    use super::*;

    #[test]
    fn places_are_those_of_the_keys_however_they_came() {
        let mut random = fastrand::Rng::with_seed(5);
        let hashes = RandomState::new();
        let mut keys = Keys::new(Collation::default(), |octets| hashes.hash_one(octets));
        let mut all = vec![(Exactly::Text(String::new()), 0)];
        let long = "l".repeat(KEY_BYTES_MAX);
        for _ in 0..30 {
            for _ in 0..random.usize(1..9) {
                let word = format!("w{}", random.u32(..40));
                let string = match random.u8(..9) {
                    0 => Exactly::Octets(word.into_bytes()),
                    1 => Exactly::Text(format!("{long}{word}")),
                    2 => Exactly::Text("W\u{e9}".into()),
                    _ => Exactly::Text(word),
                };
                let how = (Collation::default(), true);
                let number = keys.number(&string, how, |octets| hashes.hash_one(octets));
                all.push((string, number));
            }
            keys.arrange();
            assert_eq!(keys.waiting(), 0);
            let key = |string: &Exactly| {
                let mut key = Vec::new();
                match string {
                    Exactly::Text(text) => Collation::default().key(text, &mut key),
                    Exactly::Octets(octets) => key.extend_from_slice(octets),
                }
                key.truncate(KEY_BYTES_MAX);
                (matches!(string, Exactly::Octets(_)), key)
            };
            for (a, number) in &all {
                for (b, other) in &all {
                    let (key, other_key) = (key(a), key(b));
                    let place = |descending| keys.place(*number, descending);
                    let other = |descending| keys.place(*other, descending);
                    assert_eq!(place(false).cmp(&other(false)), key.cmp(&other_key));
                    let descending = if key.0 || other_key.0 {
                        key.cmp(&other_key)
                    } else {
                        other_key.cmp(&key)
                    };
                    assert_eq!(place(true).cmp(&other(true)), descending, "{a:?} {b:?}");
                }
            }
        }
        assert!(keys.is_empty(0) && !keys.is_empty(1));
    }
}
