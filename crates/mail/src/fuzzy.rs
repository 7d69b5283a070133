//! Texts that are about what was looked for: what `FUZZY` compares by (RFC 6203 §3).
//!
//! Words are compared, in any order, without regard to case and accents. A word is found as it
//! is, as the beginning of a longer one, within one, or with one letter wrong, missing, too many or
//! changed with the next; the better, the higher it counts. Whatever contains the text exactly
//! is found too.

use alloc::{string::String, vec::Vec};

use unicode_normalization::char::is_combining_mark;

use crate::search::fold;

/// Words of a text that are looked for; the others say little more.
const WORDS_MAX: usize = 16;
/// Letters of a word that are compared.
const WORD_CHARS_MAX: usize = 64;
/// Octets of a word of a message. Longer ones are no words, and are compared piece by piece.
const HELD_BYTES_MAX: usize = 1024;
/// A word with fewer letters than this is taken to be right.
const TYPO_CHARS_MIN: usize = 4;
/// One of the two has to have as many.
const TYPO_CHARS_LONGER: usize = 5;
/// Times that words are found beyond which more count no more.
const TIMES_MAX: u8 = 10;

/// How well a word is found.
const WHOLE: u8 = 100;
const BEGINS: u8 = 80;
const WITHIN: u8 = 60;
const TYPO: u8 = 30;

/// Whether a character of folded text is an accent, which is left out here.
#[must_use]
pub fn is_accent(c: char) -> bool {
    is_combining_mark(c)
}

/// Appends text folded ([`fold`]) and without accents.
pub fn bare(text: &str, out: &mut String) {
    let from = out.len();
    fold(text, out);
    if !out.get(from..).is_some_and(str::is_ascii) {
        let marked = out.split_off(from);
        out.extend(marked.chars().filter(|c| !is_accent(*c)));
    }
}

/// The words that are looked for, [`bare`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(Vec<Vec<char>>);

impl Words {
    /// Those of a text. One of signs only has none.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut folded = String::new();
        bare(text, &mut folded);
        let words = folded.split(|c: char| !c.is_alphanumeric());
        let words = words.filter(|word| !word.is_empty()).take(WORDS_MAX);
        Self(
            words
                .map(|word| word.chars().take(WORD_CHARS_MAX).collect())
                .collect(),
        )
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For each word, what every text in which it is found has, without accents.
    pub fn pieces(&self) -> impl Iterator<Item = Pieces> {
        self.0.iter().map(|word| Pieces::of(word))
    }
}

/// What is left of a word whatever one letter is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pieces {
    /// All of it.
    Whole(String),
    /// One of the halves, or all of it with the letters changed where they meet.
    OneOf([String; 3]),
}

impl Pieces {
    fn of(word: &[char]) -> Self {
        if word.len() < TYPO_CHARS_MIN {
            return Self::Whole(word.iter().collect());
        }
        let (left, right) = word.split_at(word.len() / 2);
        let mut changed = word.to_vec();
        changed.swap(left.len(), left.len() - 1);
        let text = |part: &[char]| part.iter().collect();
        Self::OneOf([text(left), text(right), text(&changed)])
    }
}

/// Looks for words in a text that comes in pieces.
#[derive(Debug)]
pub struct Likeness {
    words: Vec<Vec<char>>,
    /// How well each was found, at best.
    best: Vec<u8>,
    times: u8,
    /// How many were found one after the other just now.
    row: usize,
    /// All of them were, once.
    in_a_row: bool,
    /// The word of the text just now.
    word: String,
    chars: Vec<char>,
    text: String,
}

impl Likeness {
    /// Looks for these.
    #[must_use]
    pub fn new(words: &Words) -> Self {
        Self {
            best: words.0.iter().map(|_| 0).collect(),
            words: words.0.clone(),
            times: 0,
            row: 0,
            in_a_row: false,
            word: String::new(),
            chars: Vec::new(),
            text: String::new(),
        }
    }

    /// The next piece of the text.
    pub fn push(&mut self, text: &str) {
        let mut bared = core::mem::take(&mut self.text);
        bared.clear();
        bare(text, &mut bared);
        let mut rest = bared.as_str();
        while !rest.is_empty() {
            let len = rest.find(|c: char| !c.is_alphanumeric());
            let (word, others) = rest.split_at(len.unwrap_or(rest.len()));
            self.hold(word);
            if len.is_some() {
                self.word_ends();
            }
            let mut others = others.chars();
            others.next();
            rest = others.as_str();
        }
        self.text = bared;
    }

    fn hold(&mut self, mut part: &str) {
        while self.word.len() + part.len() > HELD_BYTES_MAX {
            let room = HELD_BYTES_MAX.saturating_sub(self.word.len());
            let (head, tail) = part.split_at(part.floor_char_boundary(room));
            self.word.push_str(head);
            part = tail;
            self.compare();
            // What lies across the border is found all the same.
            let keep = self.word.chars().rev().take(WORD_CHARS_MAX);
            let keep = keep.map(char::len_utf8).sum::<usize>();
            self.word.drain(..self.word.len() - keep);
        }
        self.word.push_str(part);
    }

    /// A gap: what comes next does not continue what came before.
    pub fn interrupt(&mut self) {
        self.word_ends();
        self.row = 0;
    }

    fn word_ends(&mut self) {
        if !self.word.is_empty() {
            self.compare();
            self.word.clear();
        }
    }

    fn compare(&mut self) {
        self.chars.clear();
        self.chars.extend(self.word.chars());
        let next = self.row;
        self.row = 0;
        for (number, (word, best)) in self.words.iter().zip(&mut self.best).enumerate() {
            let found = likeness(word, &self.chars);
            *best = found.max(*best);
            if found > 0 {
                self.times = self.times.saturating_add(1);
                if number == next || number == 0 {
                    self.row = self.row.max(number + 1);
                }
            }
        }
        self.in_a_row |= self.row == self.words.len();
    }

    /// Whether nothing more can change the score much.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let perfect = self.best.iter().all(|best| *best == WHOLE);
        perfect && self.in_a_row && self.times >= TIMES_MAX
    }

    /// How well all words are found, 1 to 100; `None` if one is not.
    #[must_use]
    pub fn score(&self) -> Option<u8> {
        let sum: u32 = self.best.iter().map(|best| u32::from(*best)).sum();
        let count = u32::try_from(self.best.len()).unwrap_or(1);
        if self.best.contains(&0) || count == 0 {
            return None;
        }
        // Eight tenths how well, a tenth whether together, a tenth how often.
        let mut score = sum / count * 8 / 10;
        score += if self.in_a_row { 10 } else { 0 };
        score += u32::from(self.times.min(TIMES_MAX));
        u8::try_from(score.clamp(1, 100)).ok()
    }
}

/// How well a word is found in one of a text; 0: not.
fn likeness(word: &[char], of: &[char]) -> u8 {
    if of.len() + 1 < word.len() {
        return 0;
    }
    if of.starts_with(word) {
        return if of.len() == word.len() {
            WHOLE
        } else {
            BEGINS
        };
    }
    if of.len() > word.len() && of.windows(word.len()).any(|part| part == word) {
        return WITHIN;
    }
    let longer = word.len().max(of.len());
    if word.len() >= TYPO_CHARS_MIN && longer >= TYPO_CHARS_LONGER && one_typo(word, of) {
        return TYPO;
    }
    0
}

/// Whether one letter makes the difference, or two that changed places.
fn one_typo(a: &[char], b: &[char]) -> bool {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if long.len() > short.len() + 1 {
        return false;
    }
    let same = long.iter().zip(short).take_while(|(a, b)| a == b).count();
    let long = long.get(same..).unwrap_or_default();
    let short = short.get(same..).unwrap_or_default();
    match (long, short) {
        ([], _) | ([_], [] | [_]) => true,
        ([a, b, after @ ..], [c, d, others @ ..]) if long.len() == short.len() => {
            let changed = a == d && b == c && after == others;
            changed || long.get(1..) == short.get(1..)
        }
        ([_, rest @ ..], short) => rest == short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Matcher;

    fn score(needle: &str, text: &str) -> Option<u8> {
        let mut likeness = Likeness::new(&Words::of(needle));
        likeness.push(text);
        likeness.interrupt();
        likeness.score()
    }

    #[test]
    fn what_people_expect_is_found_and_the_better_the_higher() {
        for (needle, texts) in [
            (
                "hello",
                &[
                    "hello hello hello",
                    "Say HELLO.",
                    "helloes",
                    "othello",
                    "helo",
                ][..],
            ),
            ("Helo", &["helo", "hello"]),
            ("cafe", &["Caf\u{e9}", "internetcafe"]),
            ("caf\u{e9}", &["cafe"]),
            ("imap break", &["an imap break", "breaking the imap"]),
            ("resume", &["r\u{e9}sum\u{e9}"]),
            ("meeting", &["meeting", "meetings", "meting", "meetign"]),
            ("Stra\u{df}e", &["STRA\u{df}E"]),
            ("\u{65e5}\u{672c}", &["\u{65e5}\u{672c}\u{8a9e}"]),
        ] {
            let scores: Vec<Option<u8>> = texts.iter().map(|text| score(needle, text)).collect();
            assert!(scores.iter().all(Option::is_some), "{needle} {scores:?}");
            assert!(scores.is_sorted_by(|a, b| a >= b), "{needle} {scores:?}");
            let mut all = scores.iter().flatten();
            assert!(all.all(|score| (1..=100).contains(score)), "{scores:?}");
        }
    }

    #[test]
    fn what_is_another_word_is_not_found() {
        for (needle, text) in [
            ("hello", "help"),
            ("hello", "hall"),
            ("work", "word"),
            ("cat", "car"),
            ("imap break", "imap"),
            ("meeting", "beating"),
            ("letter", "le tter"),
            ("a", "b"),
        ] {
            assert_eq!(score(needle, text), None, "{needle} in {text}");
        }
        assert!(Words::of("!?").is_empty() && Words::of("").is_empty());
    }

    #[test]
    fn words_are_found_however_they_are_cut() {
        let long = "x".repeat(3_000) + "hello" + &"y".repeat(3_000);
        for text in ["say hello wor\u{e9}ld", &long] {
            let whole = score("hello", text);
            assert!(whole.is_some());
            for cut in (0..text.len())
                .step_by(7)
                .filter(|at| text.is_char_boundary(*at))
            {
                let mut likeness = Likeness::new(&Words::of("hello"));
                likeness.push(&text[..cut]);
                likeness.push(&text[cut..]);
                likeness.interrupt();
                assert_eq!(likeness.score().is_some(), whole.is_some(), "{cut}");
            }
        }
        let mut apart = Likeness::new(&Words::of("hello"));
        apart.push("hel");
        apart.interrupt();
        apart.push("lo");
        apart.interrupt();
        assert_eq!(apart.score(), None);
    }

    #[test]
    fn one_typo_is_one_and_pieces_are_left_of_it() {
        let letters = ['a', 'b', 'c', 'd', 'e'];
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..3_000 {
            let len = random.usize(4..12);
            let word: Vec<char> = (0..len).map(|_| letters[random.usize(..5)]).collect();
            let mut other = word.clone();
            let at = random.usize(..len);
            match random.u8(..4) {
                0 => other[at] = 'x',
                1 => other.insert(at, letters[random.usize(..5)]),
                2 => drop(other.remove(at)),
                _ => other.swap(at, at.saturating_sub(1)),
            }
            assert!(one_typo(&word, &other), "{word:?} {other:?}");
            assert!(one_typo(&other, &word), "{word:?} {other:?}");
            let text: String = other.iter().collect();
            let Pieces::OneOf(pieces) = Pieces::of(&word) else {
                panic!("{word:?}");
            };
            let has = |part: &String| text.contains(part.as_str());
            assert!(pieces.iter().any(has), "{word:?} {text}");
        }
        for (a, b) in [("abcde", "axcxe"), ("abcd", "abcdef"), ("abcde", "badce")] {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            assert!(!one_typo(&chars(a), &chars(b)), "{a} {b}");
        }
    }

    #[test]
    fn whatever_has_the_text_exactly_is_found() {
        let text = "Grüße aus Köln: die Straße, foo-bar baz, naïve 日本語 é!";
        let chars: Vec<char> = text.chars().collect();
        for from in 0..chars.len() {
            for to in from + 1..=chars.len() {
                let needle: String = chars[from..to].iter().collect();
                let mut exact = Matcher::new(&needle);
                exact.push(text);
                assert!(exact.found());
                if !Words::of(&needle).is_empty() {
                    assert!(score(&needle, text).is_some(), "{needle}");
                }
            }
        }
    }
}
