//! Asking the index: which messages may have what is looked for.

use super::{
    drawer::{Covers, Drawer},
    grams::{self, Class, Wanted},
    pages::{Fault, Window},
    segment::{Document, Entry, Segment},
};
use crate::mailbox::Message;

/// What a message has if it is worth looking at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sieve {
    /// Anything: the index does not help.
    Open,
    /// A text, somewhere.
    Has(Place, String),
    /// All of these.
    All(Vec<Sieve>),
    /// One of these.
    OneOf(Vec<Sieve>),
}

/// Where a text is to be. It is folded ([`mail::search::fold`]), and may be a substring of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// What BODY looks at.
    Body,
    /// What TEXT looks at.
    Text,
    /// The value of a field of this name in the header of the message, its encoded words decoded.
    Field(Vec<u8>),
}

impl Place {
    /// The classes of keys one of which has all of a text.
    fn classes(&self) -> Vec<Class> {
        match self {
            Self::Body => vec![Class::Body],
            Self::Text => vec![Class::Header, Class::Body],
            Self::Field(name) => vec![Class::of_field(name).unwrap_or(Class::Header)],
        }
    }
}

/// What the index says of the messages that are in it.
#[derive(Debug, Default)]
pub struct Sifted {
    parts: Vec<Part>,
}

/// What one segment says.
#[derive(Debug)]
struct Part {
    covers: Covers,
    documents: Vec<Document>,
    /// For each sieve, which messages pass; `None`: all.
    passed: Vec<Option<Bits>>,
}

impl Sifted {
    /// Whether the index knows that a message does not pass the sieve with this number. What
    /// it does not know has to be looked at.
    #[must_use]
    pub fn rules_out(&self, sieve: usize, message: &Message<'_>) -> bool {
        let email = message.email.0;
        let part = self.parts.partition_point(|it| *it.covers.end() < email);
        let Some(part) = self.parts.get(part) else {
            return false;
        };
        let Some(Some(passed)) = part.passed.get(sieve) else {
            return false;
        };
        let place = part.documents.binary_search_by_key(&email, |it| it.email);
        let document = place
            .ok()
            .and_then(|at| Some((at, part.documents.get(at)?)));
        document.is_some_and(|(at, it)| it.check == check(message.size) && !passed.has(at))
    }

    /// Messages that are in the index.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.documents.len()).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is kept of a message to know it again: its size is for ever the same.
pub(super) fn check(size: u64) -> u32 {
    u32::try_from((size ^ size >> 32) & 0xffff_ffff).unwrap_or(0)
}

/// Puts all that an index has through sieves. What can't be read is as if it were not there; what is
/// damaged is thrown away. Waits for the disk.
pub(super) fn sift(drawer: &Drawer, sieves: &[Sieve]) -> Sifted {
    let mut sifted = Sifted::default();
    // Segments may be merged just now: then there are others.
    for _ in 0..3 {
        let Ok(segments) = drawer.segments() else {
            break;
        };
        let parts = segments.iter().map(|covers| part(drawer, covers, sieves));
        let parts: Vec<Result<Part, Fault>> = parts.collect();
        let gone = |part: &Result<Part, Fault>| matches!(part, Err(Fault::Io(error)) if error.kind() == std::io::ErrorKind::NotFound);
        let again = parts.iter().any(gone);
        sifted.parts.clear();
        for (part, covers) in parts.into_iter().zip(&segments) {
            match part {
                Ok(part) => sifted.parts.push(part),
                Err(Fault::Damaged(why)) => drawer.discard(covers, why),
                Err(Fault::Io(error)) => {
                    tracing::debug!(%error, "a search index can't be read");
                }
            }
        }
        if !again {
            break;
        }
    }
    sifted
}

fn part(drawer: &Drawer, covers: &Covers, sieves: &[Sieve]) -> Result<Part, Fault> {
    let mut segment = drawer.open(covers)?;
    let mut passed = Vec::with_capacity(sieves.len());
    for sieve in sieves {
        passed.push(passes(&mut segment, sieve)?);
    }
    Ok(Part {
        covers: covers.clone(),
        documents: segment.documents().to_vec(),
        passed,
    })
}

/// The messages of a segment that pass; `None`: all.
fn passes(segment: &mut Segment, sieve: &Sieve) -> Result<Option<Bits>, Fault> {
    match sieve {
        Sieve::Open => Ok(None),
        Sieve::Has(place, text) => {
            let Some(wanted) = grams::wanted(text) else {
                return Ok(None);
            };
            let mut passed = Bits::default();
            for class in place.classes() {
                match with_class(segment, class, &wanted)? {
                    Some(some) => passed.join(&some),
                    None => return Ok(None),
                }
            }
            Ok(Some(passed))
        }
        Sieve::All(sieves) => {
            let mut passed: Option<Bits> = None;
            for sieve in sieves {
                let some = passes(segment, sieve)?;
                passed = match (passed, some) {
                    (Some(mut passed), Some(some)) => {
                        passed.meet(&some);
                        Some(passed)
                    }
                    (passed, some) => passed.or(some),
                };
            }
            Ok(passed)
        }
        Sieve::OneOf(sieves) => {
            let mut passed = Bits::default();
            for sieve in sieves {
                match passes(segment, sieve)? {
                    Some(some) => passed.join(&some),
                    None => return Ok(None),
                }
            }
            Ok(Some(passed))
        }
    }
}

/// Octets of lists that are read for one text: more, and looking at the messages is as good.
const LISTS_BYTES_MAX: u64 = 8 << 20;

fn with_class(segment: &mut Segment, class: Class, wanted: &Wanted) -> Result<Option<Bits>, Fault> {
    let mut window = Window::default();
    match wanted {
        Wanted::All(grams) => {
            let mut entries = Vec::with_capacity(grams.len());
            for gram in grams {
                let key = class.key(*gram);
                match segment.entries(key..=key)?.as_slice() {
                    [entry] => entries.push(*entry),
                    _ => return Ok(Some(Bits::default())),
                }
            }
            all_of(segment, entries, &mut window).map(Some)
        }
        Wanted::Beginning(first, last) => {
            let entries = segment.entries(class.key(*first)..=class.key(*last))?;
            if entries.iter().map(Entry::octets).sum::<u64>() > LISTS_BYTES_MAX {
                return Ok(None);
            }
            let (mut passed, mut found) = (Bits::default(), Vec::new());
            for entry in entries {
                found.clear();
                segment.list(&entry, &mut window, &mut found)?;
                for at in &found {
                    passed.set(*at);
                }
            }
            Ok(Some(passed))
        }
    }
}

/// Messages under every key, the rarest first.
fn all_of(segment: &Segment, mut entries: Vec<Entry>, window: &mut Window) -> Result<Bits, Fault> {
    entries.sort_by_key(|entry| entry.count);
    let (mut passed, mut list): (Option<Bits>, _) = (None, Vec::new());
    let mut octets = 0;
    for entry in entries {
        octets += entry.octets();
        // What passed so far may be too much, and is never too little.
        if passed
            .as_ref()
            .is_some_and(|it| it.is_empty() || octets > LISTS_BYTES_MAX)
        {
            break;
        }
        list.clear();
        segment.list(&entry, window, &mut list)?;
        let mut some = Bits::default();
        for at in &list {
            some.set(*at);
        }
        passed = Some(match passed {
            Some(mut passed) => {
                passed.meet(&some);
                passed
            }
            None => some,
        });
    }
    Ok(passed.unwrap_or_default())
}

/// A set of messages of a segment, by number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, at: u32) {
        let word = (at >> 6) as usize;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (at & 63);
        }
    }

    fn has(&self, at: usize) -> bool {
        let word = self.0.get(at >> 6).copied().unwrap_or(0);
        word >> (at & 63) & 1 == 1
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    fn meet(&mut self, other: &Self) {
        self.0.truncate(other.0.len());
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }
}
