//! Collations: how strings are compared, found in one another and ordered (RFC 4790).
//!
//! Every collation here makes a key of a string: strings are equal if their keys are,
//! one contains another if its key contains the other's, and they are ordered as the
//! octets of their keys are. All input is valid for all of them.

use alloc::{string::String, vec::Vec};

use unicode_normalization::char::decompose_compatible;

/// A registered collation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Collation {
    /// `i;unicode-casemap`, RFC 5051: neither case nor the form of characters matters.
    #[default]
    UnicodeCasemap,
    /// `i;ascii-casemap`, RFC 4790 §9.2: the case of ASCII letters does not matter.
    AsciiCasemap,
    /// `i;octet`, RFC 4790 §9.3: everything matters.
    Octet,
    /// `i;ascii-numeric`, RFC 4790 §9.1: the number that a string begins with. It has no
    /// substrings, and so can't be what IMAP compares by (RFC 5255 §4.4).
    AsciiNumeric,
}

impl Collation {
    /// All of them, the most widely useful first (RFC 4790 §3.2).
    pub const ALL: [Self; 4] = [
        Self::UnicodeCasemap,
        Self::AsciiCasemap,
        Self::Octet,
        Self::AsciiNumeric,
    ];

    /// Its identifier.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnicodeCasemap => "i;unicode-casemap",
            Self::AsciiCasemap => "i;ascii-casemap",
            Self::Octet => "i;octet",
            Self::AsciiNumeric => "i;ascii-numeric",
        }
    }

    /// Whether a pattern of RFC 4790 §3.2 matches its identifier; `*` stands for any characters.
    #[must_use]
    pub fn is_matched_by(self, wild: &str) -> bool {
        let mut rest = self.name();
        let mut pieces = wild.split('*');
        let first = pieces.next().unwrap_or_default();
        match rest.get(..first.len()) {
            Some(head) if head.eq_ignore_ascii_case(first) => {
                rest = rest.get(first.len()..).unwrap_or_default();
            }
            _ => return false,
        }
        let Some(last) = pieces.next_back() else {
            // There was no `*`.
            return rest.is_empty();
        };
        for piece in pieces {
            let windows = rest.as_bytes().windows(piece.len().max(1));
            let found = match piece {
                "" => Some(0),
                piece => windows
                    .enumerate()
                    .find(|(_, window)| window.eq_ignore_ascii_case(piece.as_bytes()))
                    .map(|(at, _)| at),
            };
            let Some(at) = found else {
                return false;
            };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
        let tail = rest.len().checked_sub(last.len());
        tail.and_then(|at| rest.get(at..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(last))
    }

    /// Whether it has the substring operation (RFC 4790 §4.2.3).
    #[must_use]
    pub const fn has_substring(self) -> bool {
        !matches!(self, Self::AsciiNumeric)
    }

    /// Appends the text made ready for substrings. The key of two pieces of a text, one
    /// after the other, is that of the whole. Of `i;ascii-numeric` it is the text itself.
    pub fn fold(self, text: &str, out: &mut String) {
        match self {
            Self::UnicodeCasemap => unicode_casemap(text, out),
            Self::AsciiCasemap => push_upper(text, out),
            Self::Octet | Self::AsciiNumeric => out.push_str(text),
        }
    }

    /// Appends the key of the text: keys are compared octet by octet.
    pub fn key(self, text: &str, out: &mut Vec<u8>) {
        match self {
            Self::AsciiNumeric => ascii_numeric(text, out),
            Self::Octet => out.extend_from_slice(text.as_bytes()),
            Self::UnicodeCasemap | Self::AsciiCasemap => {
                let mut folded = String::new();
                self.fold(text, &mut folded);
                out.extend_from_slice(folded.as_bytes());
            }
        }
    }
}

/// What strings are compared by: a collation, and its direction (RFC 4790 §3.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Comparator {
    /// The collation.
    pub collation: Collation,
    /// What it orders, it orders the other way round.
    pub descending: bool,
}

/// The versions of Unicode that `i;unicode-casemap` is made of here: of case, and of
/// decomposition. Whoever keeps keys on disk keeps these beside them.
pub const UNICODE: [(u8, u8, u8); 2] = [
    char::UNICODE_VERSION,
    unicode_normalization::UNICODE_VERSION,
];

/// RFC 5051 §2: every character by itself, its title case, and of that the full compatibility
/// decomposition. Marks are not reordered. Hangul syllables are decomposed too, as Normalization
/// Form KD does, since some systems write them so.
fn unicode_casemap(text: &str, out: &mut String) {
    out.reserve(text.len());
    let mut memo = None;
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = encoding_rs::Encoding::ascii_valid_up_to(rest.as_bytes());
        let (ascii, tail) = rest.split_at(ascii);
        push_upper(ascii, out);
        rest = tail;
        let mut chars = tail.chars();
        while let Some(first) = chars.next().filter(|c| !c.is_ascii()) {
            if is_ideograph(first) {
                out.push(first);
            } else if text.len() < MEMO_FROM {
                decompose_compatible(title_case(first), |c| out.push(c));
            } else {
                memo.get_or_insert_with(Memo::new).fold(first, out);
            }
            rest = chars.as_str();
        }
    }
}

/// Texts of fewer octets are folded before a [`Memo`] is made.
const MEMO_FROM: usize = 64;

/// Characters that are kept: more than most alphabets have.
const MEMO_CHARS: usize = 128;

/// What the characters of a text are folded to: it has few different ones, and looking them up in the tables of
/// Unicode takes long.
struct Memo([Folded; MEMO_CHARS]);

/// A character that was folded; NUL: none.
#[derive(Clone, Copy)]
struct Folded {
    of: char,
    len: usize,
    to: [char; 3],
}

impl Memo {
    fn new() -> Self {
        let none = Folded {
            of: '\0',
            len: 0,
            to: ['\0'; 3],
        };
        Self([none; MEMO_CHARS])
    }

    /// Appends what a character that is not ASCII is folded to.
    fn fold(&mut self, c: char, out: &mut String) {
        let Some(kept) = self.0.get_mut(c as usize % MEMO_CHARS) else {
            return;
        };
        if kept.of == c {
            out.extend(kept.to.iter().take(kept.len));
            return;
        }
        let mut len = 0;
        decompose_compatible(title_case(c), |c| {
            out.push(c);
            if let Some(place) = kept.to.get_mut(len) {
                *place = c;
            }
            len += 1;
        });
        kept.of = if len <= kept.to.len() { c } else { '\0' };
        kept.len = len;
    }
}

fn push_upper(text: &str, out: &mut String) {
    let start = out.len();
    out.push_str(text);
    if let Some(pushed) = out.get_mut(start..) {
        pushed.make_ascii_uppercase();
    }
}

/// Unified ideographs have neither case nor decomposition: much text is nothing else.
const fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
}

/// The title case that `UnicodeData.txt` has, which is always one character. It is the upper
/// case but for digraphs, for Greek with an iota subscript, and for Georgian, which has none.
fn title_case(c: char) -> char {
    let plus_eight = || char::from_u32(u32::from(c) + 8).unwrap_or(c);
    match c {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        '\u{10D0}'..='\u{10FF}' => c,
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => plus_eight(),
        '\u{1FB3}' => '\u{1FBC}',
        '\u{1FC3}' => '\u{1FCC}',
        '\u{1FF3}' => '\u{1FFC}',
        _ => {
            let mut upper = c.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(upper), None) => upper,
                // Several: only `SpecialCasing.txt` has those.
                _ => c,
            }
        }
    }
}

/// How many digits, and the digits. What begins with none is infinite.
fn ascii_numeric(text: &str, out: &mut Vec<u8>) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text.get(..digits).unwrap_or_default();
    if number.is_empty() {
        out.extend_from_slice(&u64::MAX.to_be_bytes());
        return;
    }
    let number = number.trim_start_matches('0');
    out.extend_from_slice(&(number.len() as u64).to_be_bytes());
    out.extend_from_slice(number.as_bytes());
}

#[cfg(test)]
mod tests {
    use core::cmp::Ordering::{self, Equal, Greater, Less};

    use super::*;

    fn folded(text: &str) -> String {
        let mut out = String::new();
        Collation::UnicodeCasemap.fold(text, &mut out);
        out
    }

    #[test]
    fn unicode_casemap_is_title_case_decomposed() {
        for (text, expected) in [
            ("", ""),
            ("Hello, World 1", "HELLO, WORLD 1"),
            // RFC 5051 §2, the example: the z stays small.
            ("\u{1C4}", "Dz\u{30C}"),
            ("\u{1C6}", "Dz\u{30C}"),
            ("\u{1F3}\u{1CC}\u{1C9}", "DzNjLj"),
            ("\u{E9}\u{C9}", "E\u{301}E\u{301}"),
            ("e\u{301}", "E\u{301}"),
            // No title case of one character.
            ("stra\u{DF}e", "STRA\u{DF}E"),
            ("\u{149}", "\u{2BC}n"),
            ("\u{1F0}", "j\u{30C}"),
            ("\u{FB01}", "fi"),
            // Both sigmas, both long s, the signs that are letters.
            (
                "\u{3BF}\u{3B4}\u{3C3}\u{3C2}",
                "\u{39F}\u{394}\u{3A3}\u{3A3}",
            ),
            ("\u{17F}\u{1E9B}", "SS\u{307}"),
            ("\u{B5}\u{212A}\u{212B}", "\u{39C}KA\u{30A}"),
            ("\u{130}\u{131}", "I\u{307}I"),
            // Greek with iota subscript: the title case, decomposed.
            ("\u{1F80}", "\u{391}\u{313}\u{345}"),
            (
                "\u{1FB3}\u{1FC3}\u{1FF3}",
                "\u{391}\u{345}\u{397}\u{345}\u{3A9}\u{345}",
            ),
            ("\u{1FB2}", "\u{3B1}\u{300}\u{345}"),
            // Georgian has no title case; Cherokee and Deseret have.
            ("\u{10D0}\u{1C90}", "\u{10D0}\u{1C90}"),
            ("\u{AB70}\u{10428}", "\u{13A0}\u{10400}"),
            // Compatibility: widths, ligatures, spaces, superscripts, fractions.
            ("\u{FF21}\u{FF41}", "AA"),
            ("a\u{A0}b\u{3000}c", "A B C"),
            ("x\u{B2}\u{BD}", "X21\u{2044}2"),
            ("\u{2026}\u{2122}", "...TM"),
            ("\u{AA}\u{339D}", "acm"),
            // CJK: ideographs stay, compatibility ones and kana with marks don't.
            ("\u{65E5}\u{672C}\u{3400}", "\u{65E5}\u{672C}\u{3400}"),
            (
                "\u{F900}\u{304C}\u{FF76}\u{FF9E}",
                "\u{8C48}\u{304B}\u{3099}\u{30AB}\u{3099}",
            ),
            // Hangul, as Normalization Form KD has it.
            ("\u{D55C}", "\u{1112}\u{1161}\u{11AB}"),
            // Marks are not put in another order.
            ("a\u{301}\u{323}", "A\u{301}\u{323}"),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    fn compare(collation: Collation, a: &str, b: &str) -> Ordering {
        let key = |text| {
            let mut key = Vec::new();
            collation.key(text, &mut key);
            key
        };
        key(a).cmp(&key(b))
    }

    #[test]
    fn collations_order_as_registered() {
        use Collation::{AsciiCasemap, AsciiNumeric, Octet, UnicodeCasemap};
        for (collation, a, b, expected) in [
            (UnicodeCasemap, "", "a", Less),
            (UnicodeCasemap, "stra\u{DF}e", "STRA\u{DF}E", Equal),
            (UnicodeCasemap, "\u{DC}ber", "uber", Greater),
            (UnicodeCasemap, "\u{DC}ber", "V", Less),
            (UnicodeCasemap, "z", "_", Less),
            (UnicodeCasemap, "\u{FFFD}", "\u{10400}", Less),
            // RFC 5255 §4.6, the example.
            (
                UnicodeCasemap,
                "\u{410}\u{43B}\u{435}\u{43A}\u{441}\u{435}\u{439}",
                "\u{441}\u{415}\u{420}\u{413}\u{415}\u{419}",
                Less,
            ),
            (AsciiCasemap, "abc", "ABC", Equal),
            (AsciiCasemap, "\u{E9}", "\u{C9}", Greater),
            (AsciiCasemap, "z", "_", Less),
            (Octet, "a", "B", Greater),
            (Octet, "a", "a", Equal),
            (Octet, "a", "aa", Less),
            // RFC 4790 §9.1.1, the examples.
            (AsciiNumeric, "0", "1", Less),
            (AsciiNumeric, "1", "4294967298", Less),
            (AsciiNumeric, "4294967298", "04294967298", Equal),
            (AsciiNumeric, "4294967298", "4294967298b", Equal),
            (AsciiNumeric, "04294967298", "", Less),
            (AsciiNumeric, "", "x", Equal),
            (AsciiNumeric, "x", "y", Equal),
            (AsciiNumeric, "0", "00", Equal),
            (AsciiNumeric, "9", "10", Less),
        ] {
            assert_eq!(compare(collation, a, b), expected, "{collation:?} {a} {b}");
            assert_eq!(compare(collation, b, a), expected.reverse());
        }
    }

    #[test]
    fn long_texts_fold_as_their_characters_do() {
        let mut random = fastrand::Rng::with_seed(9);
        for _ in 0..300 {
            // Some alphabet, and now and then anything.
            let first = random.u32(0x80..0x1_0000);
            let any = |_| match random.u32(..8) {
                0 => random.char(..),
                1 => random.char(' '..='~'),
                2 => '\u{FDFA}',
                _ => char::from_u32(first + random.u32(..300)).unwrap_or('x'),
            };
            let text: String = (0..200).map(any).collect();
            let each = text.chars().map(|c| folded(&String::from(c)));
            assert_eq!(folded(&text), each.collect::<String>());
        }
    }

    #[test]
    fn pieces_fold_as_the_whole_does() {
        let text = "Stra\u{DF}e \u{1C6} \u{D55C} \u{E9}e\u{301} \u{65E5}";
        for (at, _) in text.char_indices() {
            let (head, tail) = text.split_at(at);
            assert_eq!(folded(head) + &folded(tail), folded(text), "{at}");
        }
    }

    #[test]
    fn patterns_match_identifiers() {
        use Collation::{AsciiCasemap, AsciiNumeric, Octet, UnicodeCasemap};
        for (wild, expected) in [
            ("i;octet", &[Octet][..]),
            ("I;OCTET", &[Octet]),
            ("i;octe", &[]),
            ("i;octets", &[]),
            ("*", &[UnicodeCasemap, AsciiCasemap, Octet, AsciiNumeric]),
            ("i;*", &[UnicodeCasemap, AsciiCasemap, Octet, AsciiNumeric]),
            ("*casemap", &[UnicodeCasemap, AsciiCasemap]),
            ("i;*c*e*p", &[UnicodeCasemap, AsciiCasemap]),
            ("i*a*-*", &[AsciiCasemap, AsciiNumeric]),
            ("i;octet*", &[Octet]),
            ("i;octet*t", &[]),
            ("cz;*", &[]),
            ("", &[]),
        ] {
            let matched = Collation::ALL.into_iter().filter(|c| c.is_matched_by(wild));
            assert!(matched.eq(expected.iter().copied()), "{wild}");
        }
    }

    #[test]
    fn names_are_of_one_collation_each() {
        for collation in Collation::ALL {
            let same = Collation::ALL
                .iter()
                .filter(|c| c.name() == collation.name());
            assert_eq!(same.count(), 1);
        }
        assert!(Collation::default().has_substring());
        assert!(!Collation::AsciiNumeric.has_substring());
    }
}
