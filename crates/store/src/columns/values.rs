//! What a field says, once for all the messages in which it says that; and what contains a text. A value is kept as it
//! stands until somebody has asked what it says and what is sorted by of it: most never do.

use mail::{collation::Collation, encoded_word};
use memchr::memmem;

use super::{intern::Interner, raw::Raw};

/// Octets of text that are kept of a value; of a longer one none are, and who looks for something in it reads the
/// message. Long lists of recipients are that.
pub(super) const TEXT_BYTES_MAX: usize = 4096;

/// Stands behind every field's text: no text of UTF-8 has it, so that nothing is found across.
const END: u8 = 0xFF;

/// The values of one field. Number 0 is that of messages without it.
#[derive(Debug)]
pub(super) struct Values {
    interner: Interner,
    /// Their texts, folded, one after the other.
    text: Vec<u8>,
    /// Where each ends. One that ends where it begins was too long, but for number 0.
    ends: Vec<u32>,
    /// What messages with that value are sorted and threaded by: see [`super::table::Table`].
    keys: Vec<[u32; 2]>,
    /// Those that came later than the last of either, as they stand: each behind its length.
    waiting: Vec<u8>,
    /// Octets of it whose values have text.
    with_text: usize,
    /// Octets of it whose values have keys.
    with_keys: usize,
}

/// The values of one field that contain a text.
#[derive(Debug)]
pub(super) struct Containing {
    /// `None`: whatever is there.
    needle: Option<memmem::Finder<'static>>,
    /// By number, as bits.
    hits: Vec<u64>,
    /// Values that were looked at.
    looked_at: usize,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            interner: Interner::default(),
            text: Vec::new(),
            ends: vec![0],
            keys: vec![[0; 2]],
            waiting: Vec::new(),
            with_text: 0,
            with_keys: 0,
        }
    }
}

impl Values {
    /// The number of a value with this hash; if it is new, [`Values::wait`] has to follow.
    pub(super) fn number(&mut self, hash: u64) -> (u32, bool) {
        let (number, is_new) = self.interner.number(hash);
        (number.saturating_add(1), is_new)
    }

    /// A new value.
    pub(super) fn wait(&mut self, raw: Raw<'_>) {
        let len = u32::try_from(raw.0.len()).unwrap_or(u32::MAX);
        self.waiting.extend_from_slice(&len.to_le_bytes());
        self.waiting.extend_from_slice(raw.0);
    }

    /// How many values have no text yet.
    pub(super) fn without_text(&self) -> usize {
        (self.interner.len() + 1).saturating_sub(self.ends.len())
    }

    /// How many have no keys.
    pub(super) fn without_keys(&self) -> usize {
        (self.interner.len() + 1).saturating_sub(self.keys.len())
    }

    /// Gives the next value that has no text; [`Values::push_text`] has to follow.
    pub(super) fn next_without_text(&mut self, into: &mut Vec<u8>) -> bool {
        let is_there = next(&self.waiting, &mut self.with_text, into);
        self.forget();
        is_there
    }

    /// Gives the next value that has no keys; [`Values::push_keys`] has to follow.
    pub(super) fn next_without_keys(&mut self, into: &mut Vec<u8>) -> bool {
        let is_there = next(&self.waiting, &mut self.with_keys, into);
        self.forget();
        is_there
    }

    /// Lets go of values that have both. Nobody may ever ask for more.
    fn forget(&mut self) {
        if self.with_text.min(self.with_keys) == self.waiting.len() {
            self.waiting = Vec::new();
            (self.with_text, self.with_keys) = (0, 0);
        }
    }

    /// What messages with the next value are sorted by.
    pub(super) fn push_keys(&mut self, keys: [u32; 2]) {
        self.keys.push(keys);
    }

    /// What the next value says: its fields, still as they stand in the message. Without text if there is no room for that.
    pub(super) fn push_text<'a>(
        &mut self,
        fields: impl Iterator<Item = &'a [u8]>,
        (collation, has_room): (Collation, bool),
    ) {
        let start = self.text.len();
        if has_room {
            let mut folded = String::new();
            for field in fields {
                folded.clear();
                collation.fold(&encoded_word::decode(field), &mut folded);
                self.text.extend_from_slice(folded.as_bytes());
                self.text.push(END);
            }
        }
        if self.text.len() - start > TEXT_BYTES_MAX || u32::try_from(self.text.len()).is_err() {
            self.text.truncate(start);
        }
        // As was just seen.
        self.ends
            .push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
    }

    /// What messages with a value are sorted by.
    pub(super) fn keys(&self, number: u32) -> [u32; 2] {
        let keys = self.keys.get(number as usize);
        keys.copied().unwrap_or_default()
    }

    /// Octets of memory.
    pub(super) fn octets(&self) -> usize {
        self.interner.octets()
            + self.text.capacity()
            + self.waiting.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.keys.capacity() * size_of::<[u32; 2]>()
    }

    fn end(&self, number: usize) -> usize {
        self.ends
            .get(number)
            .map_or(usize::MAX, |end| *end as usize)
    }

    fn is_untold(&self, number: usize) -> bool {
        number > 0 && self.end(number) == self.end(number - 1)
    }
}

/// Gives the value that stands there; `false` if it was the last.
fn next(waiting: &[u8], at: &mut usize, into: &mut Vec<u8>) -> bool {
    into.clear();
    let rest = waiting.get(*at..).unwrap_or_default();
    let Some((len, rest)) = rest.split_first_chunk() else {
        return false;
    };
    let len = u32::from_le_bytes(*len) as usize;
    into.extend_from_slice(rest.get(..len).unwrap_or(rest));
    *at += size_of::<u32>() + len;
    true
}

impl Containing {
    /// Looks for a text, folded; the empty one is in every field.
    pub(super) fn new(text: &str) -> Self {
        let finder = || memmem::Finder::new(text.as_bytes()).into_owned();
        Self {
            needle: (!text.is_empty()).then(finder),
            hits: Vec::new(),
            looked_at: 1,
        }
    }

    /// Looks at the values that have come.
    pub(super) fn look(&mut self, values: &Values) {
        let len = values.ends.len();
        self.hits.resize(len.div_ceil(64), 0);
        let Some(needle) = &self.needle else {
            return;
        };
        let mut number = self.looked_at;
        self.looked_at = len;
        let mut at = values.end(number - 1);
        let found = |at: usize| needle.find(values.text.get(at..)?);
        while let Some(next) = found(at) {
            while values.end(number) <= at + next {
                number += 1;
            }
            if let Some(hits) = self.hits.get_mut(number / 64) {
                *hits |= 1 << (number % 64);
            }
            at = values.end(number);
            number += 1;
        }
    }

    /// Whether that value does, which was looked at; `None` if the message has to be asked.
    pub(super) fn has(&self, values: &Values, number: u32) -> Option<bool> {
        let number = number as usize;
        if number == 0 || self.needle.is_none() {
            return Some(number > 0);
        }
        let hits = self.hits.get(number / 64).copied().unwrap_or(0);
        if hits >> (number % 64) & 1 == 1 {
            return Some(true);
        }
        (!values.is_untold(number)).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_their_own_value_alone() {
        let mut values = Values::default();
        let long = "x".repeat(TEXT_BYTES_MAX + 1);
        let all: [&[&str]; 6] = [
            &["one two"],
            &["two", "three"],
            &[&long],
            &[""],
            &["=?utf-8?q?J=C3=B6rg?="],
            &["thr"],
        ];
        let push = |values: &mut Values, fields: &[&str]| {
            let (number, is_new) = values.number(values.ends.len() as u64);
            assert!(is_new);
            assert_eq!(number as usize, values.ends.len());
            let fields = fields.iter().map(|field| field.as_bytes());
            values.push_text(fields, (Collation::default(), true));
        };
        for it in &all[..4] {
            push(&mut values, it);
        }
        let (yes, no) = (Some(true), Some(false));
        let texts = ["TWO", "TWOTHREE", "THR", "J\u{d6}RG", "", "X", "O"];
        let mut looking = texts.map(|text| {
            let mut folded = String::new();
            Collation::default().fold(text, &mut folded);
            Containing::new(&folded)
        });
        for it in &mut looking {
            it.look(&values);
        }
        for it in &all[4..] {
            push(&mut values, it);
        }
        for (looking, expected) in looking.iter_mut().zip([
            [no, yes, yes, None, no, no, no],
            [no, no, no, None, no, no, no],
            [no, no, yes, None, no, no, yes],
            [no, no, no, None, no, yes, no],
            [no, yes, yes, yes, yes, yes, yes],
            [no, no, no, None, no, no, no],
            [no, yes, yes, None, no, yes, no],
        ]) {
            looking.look(&values);
            let got: Vec<_> = (0..7).map(|n| looking.has(&values, n)).collect();
            assert_eq!(got, expected, "{looking:?}");
        }
    }
}
