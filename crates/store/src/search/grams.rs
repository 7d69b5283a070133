//! The keys under which a message is found: every three octets that follow each other in its
//! text, folded, by where they are.
//!
//! Octets of UTF-8, so that one Chinese character is a key as three letters are. At the end of a
//! text come octets that no text has, so that its last two and its last one begin a key too:
//! a needle of one or two octets is found by the keys that begin with it. Text that has accents
//! is taken without them too, as fuzzy searches compare.

use mail::{
    encoded_word, fuzzy, header, search,
    text::{Sink, Stretch},
};

use crate::email::Email;

/// Where a text is. Each has keys of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The bodies of parts, and headers of messages within the message.
    Body = 0,
    /// The header of the message and those of its parts, all fields.
    Header = 1,
    /// The values of its `From` fields, as those that follow.
    From = 2,
    To = 3,
    Cc = 4,
    Bcc = 5,
    Subject = 6,
}

impl Class {
    /// The class of a field that has one of its own.
    pub(super) fn of_field(name: &[u8]) -> Option<Self> {
        let fields = [
            ("From", Self::From),
            ("To", Self::To),
            ("Cc", Self::Cc),
            ("Bcc", Self::Bcc),
            ("Subject", Self::Subject),
        ];
        let is = |(field, _): &&(&str, Self)| name.eq_ignore_ascii_case(field.as_bytes());
        fields.iter().find(is).map(|(_, class)| *class)
    }

    /// The key of three octets.
    pub(super) const fn key(self, gram: u32) -> u32 {
        (self as u32) << GRAM_BITS | gram
    }
}

const GRAM_BITS: u32 = 24;
const GRAM_MASK: u32 = (1 << GRAM_BITS) - 1;
/// No UTF-8 has it.
const END: u32 = 0xff;

/// Keys of one message. A message that has more is never found by the index: it is looked at.
const KEYS_MAX: usize = 1 << 18;

/// Three octets as a number, and those before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Roll {
    gram: u32,
    len: u32,
}

impl Roll {
    fn push(&mut self, octet: u32) -> Option<u32> {
        self.gram = (self.gram << 8 | octet) & GRAM_MASK;
        self.len = (self.len + 1).min(3);
        (self.len == 3).then_some(self.gram)
    }

    fn push_all(&mut self, octets: &[u8], mut add: impl FnMut(u32)) {
        let mut octets = octets.iter();
        while self.len < 2
            && let Some(octet) = octets.next()
        {
            self.push(u32::from(*octet));
        }
        let mut gram = self.gram;
        for octet in octets {
            gram = (gram << 8 | u32::from(*octet)) & GRAM_MASK;
            add(gram);
            self.len = 3;
        }
        self.gram = gram;
    }

    /// The text ends here: two more keys, or one, or none.
    fn end(&mut self, mut add: impl FnMut(u32)) {
        if self.len > 0 {
            for _ in 0..2 {
                self.push(END).into_iter().for_each(&mut add);
            }
        }
        *self = Self::default();
    }
}

/// A text with its accents, and without.
#[derive(Debug, Clone, Copy, Default)]
struct Rolls {
    whole: Roll,
    bare: Roll,
}

impl Rolls {
    fn push(&mut self, folded: &str, mut add: impl FnMut(u32)) {
        if self.whole == self.bare && folded.is_ascii() {
            self.whole.push_all(folded.as_bytes(), add);
            self.bare = self.whole;
            return;
        }
        let mut octets = [0; 4];
        for c in folded.chars() {
            let octets = c.encode_utf8(&mut octets).bytes();
            let is_accent = fuzzy::is_accent(c);
            for octet in octets {
                let apart = self.whole != self.bare;
                let bare = if is_accent {
                    None
                } else {
                    self.bare.push(octet.into()).filter(|_| apart)
                };
                let whole = self.whole.push(octet.into());
                whole.into_iter().chain(bare).for_each(&mut add);
            }
        }
    }

    fn end(&mut self, mut add: impl FnMut(u32)) {
        if self.whole != self.bare {
            self.bare.end(&mut add);
        }
        self.whole.end(&mut add);
        *self = Self::default();
    }
}

/// Numbers of 24 bits, each once.
#[derive(Debug)]
struct Set {
    bits: Vec<u64>,
    found: Vec<u32>,
}

impl Set {
    fn new() -> Self {
        Self {
            bits: vec![0; 1 << (GRAM_BITS - 6)],
            found: Vec::new(),
        }
    }

    fn add(&mut self, gram: u32) {
        if let Some(word) = self.bits.get_mut((gram >> 6) as usize) {
            let bit = 1 << (gram & 63);
            if *word & bit == 0 {
                *word |= bit;
                self.found.push(gram);
            }
        }
    }

    fn clear(&mut self) {
        for gram in self.found.drain(..) {
            if let Some(word) = self.bits.get_mut((gram >> 6) as usize) {
                *word = 0;
            }
        }
    }
}

/// Gathers the keys of one message after the other. Takes 4 MiB.
#[derive(Debug)]
pub(super) struct Grams {
    body: Set,
    header: Set,
    fields: Vec<u32>,
    /// The text just now, and whether it is body.
    rolls: Rolls,
    in_body: bool,
    folded: String,
}

impl Grams {
    pub(super) fn new() -> Self {
        Self {
            body: Set::new(),
            header: Set::new(),
            fields: Vec::new(),
            rolls: Rolls::default(),
            in_body: false,
            folded: String::new(),
        }
    }

    /// What fields are compared by ([`mail::Digest::listed`] and the trace), which is
    /// not always what the octets of the header say.
    pub(super) fn fields(&mut self, email: &Email) {
        for octets in [email.trace(), email.digest_ref().listed] {
            for field in header::fields(octets) {
                let value = encoded_word::decode(field.value);
                self.in_body = false;
                self.push(&String::from_utf8_lossy(field.name));
                self.push(": ");
                self.push(&value);
                self.end();
                let Some(class) = Class::of_field(field.name) else {
                    continue;
                };
                self.folded.clear();
                search::fold(&value, &mut self.folded);
                let mut rolls = Rolls::default();
                let fields = &mut self.fields;
                rolls.push(&self.folded, |gram| fields.push(class.key(gram)));
                rolls.end(|gram| fields.push(class.key(gram)));
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.folded.clear();
        search::fold(text, &mut self.folded);
        let set = if self.in_body {
            &mut self.body
        } else {
            &mut self.header
        };
        self.rolls.push(&self.folded, |gram| set.add(gram));
    }

    fn end(&mut self) {
        let set = if self.in_body {
            &mut self.body
        } else {
            &mut self.header
        };
        self.rolls.end(|gram| set.add(gram));
    }

    /// The keys of the message, in no order; `None` if they are too many. Ready for the next one.
    pub(super) fn take(&mut self) -> Option<Vec<u32>> {
        self.end();
        self.fields.sort_unstable();
        self.fields.dedup();
        let len = self.body.found.len() + self.header.found.len() + self.fields.len();
        let keys = (len <= KEYS_MAX).then(|| {
            let mut keys = Vec::with_capacity(len);
            let of = |class: Class, set: &Set, keys: &mut Vec<u32>| {
                keys.extend(set.found.iter().map(|gram| class.key(*gram)));
            };
            of(Class::Body, &self.body, &mut keys);
            of(Class::Header, &self.header, &mut keys);
            keys.extend_from_slice(&self.fields);
            keys
        });
        self.body.clear();
        self.header.clear();
        self.fields.clear();
        keys
    }
}

impl Sink for Grams {
    fn wants(&self, _: &Stretch) -> bool {
        true
    }

    fn text(&mut self, text: &str, stretch: &Stretch) {
        self.in_body = stretch.body;
        self.push(text);
    }

    fn gap(&mut self) {
        self.end();
    }
}

/// The keys of which every text has all that contains this one, or the ranges of keys of
/// which it has one; `None`: any text may contain it.
pub(super) fn wanted(folded: &str) -> Option<Wanted> {
    match *folded.as_bytes() {
        [] => None,
        [only] => {
            let first = u32::from(only) << 16;
            Some(Wanted::Beginning(first, first | 0xffff))
        }
        [first, second] => {
            let first = u32::from(first) << 16 | u32::from(second) << 8;
            Some(Wanted::Beginning(first, first | 0xff))
        }
        ref octets => {
            let mut roll = Roll::default();
            let octets = octets.iter().take(NEEDLE_OCTETS_MAX);
            let mut grams: Vec<u32> = octets
                .filter_map(|octet| roll.push(u32::from(*octet)))
                .collect();
            grams.sort_unstable();
            grams.dedup();
            Some(Wanted::All(grams))
        }
    }
}

/// Octets of a text that are looked for by the index: the rest says little more.
const NEEDLE_OCTETS_MAX: usize = 200;

/// See [`wanted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of these.
    All(Vec<u32>),
    /// One of those from the first to the last.
    Beginning(u32, u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grams(texts: &[&[&str]]) -> Vec<u32> {
        let mut grams = Grams::new();
        for text in texts {
            for piece in *text {
                grams.push(piece);
            }
            grams.end();
        }
        let mut keys = grams.take().unwrap();
        keys.sort_unstable();
        keys
    }

    fn has(keys: &[u32], needle: &str) -> bool {
        let mut folded = String::new();
        search::fold(needle, &mut folded);
        let there = |gram| keys.contains(&Class::Header.key(gram));
        match wanted(&folded) {
            None => true,
            Some(Wanted::All(all)) => all.into_iter().all(there),
            Some(Wanted::Beginning(first, last)) => (first..=last).any(there),
        }
    }

    #[test]
    fn every_needle_of_a_text_is_found_by_its_keys() {
        let text = "Stra\u{df}e ab \u{65e5}\u{672c}\u{8a9e} x";
        let keys = grams(&[&[text]]);
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        for (from, _) in &chars {
            for (to, last) in chars.iter().filter(|(to, _)| to >= from) {
                let needle = &text[*from..to + last.len_utf8()];
                assert!(has(&keys, needle), "{needle}");
            }
        }
        assert!(!has(&keys, "strase") && !has(&keys, "q") && !has(&keys, "xx"));
        let keys = grams(&[&["un r\u{e9}", "sum\u{e9} n\u{303}"], &["o\u{301}"]]);
        for needle in ["r\u{e9}sum", "resume", "resume n", "me n", "o"] {
            assert!(has(&keys, needle), "{needle}");
        }
    }

    #[test]
    fn pieces_of_a_text_are_one_and_texts_are_not() {
        assert_eq!(grams(&[&["a", "bc", "", "d"]]), grams(&[&["abcd"]]));
        let keys = grams(&[&["ab"], &["cd"], &["e"], &[""]]);
        assert!(has(&keys, "ab") && has(&keys, "d") && has(&keys, "e"));
        assert!(!has(&keys, "bc") && !has(&keys, "abc") && !has(&keys, "de"));
        assert_eq!(keys.len(), 2 + 2 + 1);
    }

    #[test]
    fn what_has_too_many_keys_is_left_out_and_the_next_is_not() {
        let mut grams = Grams::new();
        for n in 0..=u32::try_from(KEYS_MAX).unwrap() {
            grams.header.add(n);
        }
        assert_eq!(grams.take(), None);
        grams.push("abc");
        assert_eq!(grams.take().map(|keys| keys.len()), Some(3));
    }
}
