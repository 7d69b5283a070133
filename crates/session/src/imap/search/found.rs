//! What was found, in its order, and how it is told: RFC 9051 §6.4.4, §7.3.4, RFC 3501
//! §7.2.5, RFC 4731, RFC 5182, RFC 5256 §4, RFC 5267 §3, RFC 7162 §3.1.5, RFC 9394 §3.1,
//! §3.2.

use std::ops::Range;

use imap::{
    UidSet,
    command::{Numbering, SearchReturn},
    encode::{self, Correlator, Esearch, Numbers},
};
use store::Message;

use super::verdicts::Matching;

/// Messages found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    order: Order,
    first: Option<One>,
    last: Option<One>,
    /// The highest of all.
    mod_seq: u64,
    count: u64,
    /// MODSEQ was searched for.
    pub(super) by_mod_seq: bool,
}

/// The messages in their order.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    /// SEARCH: that of the mailbox.
    Mailbox {
        numbers: UidSet,
        uids: UidSet,
        /// Of each, or none.
        scores: Vec<u8>,
    },
    /// SORT: another. All are in the order of the mailbox, and beside them is which of them comes when.
    Sorted { all: Vec<One>, order: Vec<u32> },
}

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct One {
    sequence: u32,
    uid: u32,
    /// How well it matches FUZZY keys, 1 to 100; 0 if there are none (RFC 6203 §4).
    pub(super) score: u8,
}

impl Default for Order {
    fn default() -> Self {
        Self::Mailbox {
            numbers: UidSet::new(),
            uids: UidSet::new(),
            scores: Vec::new(),
        }
    }
}

impl One {
    /// A message with this number.
    pub(super) fn of(sequence: u32, message: &Message<'_>) -> Self {
        Self {
            sequence,
            uid: message.uid.0,
            score: 0,
        }
    }

    /// The same with a score.
    pub(super) fn scored(self, score: u8) -> Self {
        Self { score, ..self }
    }

    const fn number(self, numbering: Numbering) -> u32 {
        match numbering {
            Numbering::Sequence => self.sequence,
            Numbering::Uid => self.uid,
        }
    }
}

impl Found {
    /// Those of some messages that match, in the order of the mailbox: by runs, as most that match have neighbours that do.
    pub(super) fn take(&mut self, messages: &[(u32, Message<'_>)], matching: &Matching) {
        type Numbered<'a> = (u32, Message<'a>);
        let follows = |(number, message): &Numbered<'_>, (next, other): &Numbered<'_>| {
            next.checked_sub(*number) == Some(1)
                && other.uid.0.checked_sub(message.uid.0) == Some(1)
        };
        for (matching, mut scores) in matching.runs(messages) {
            for run in matching.chunk_by(follows) {
                let mod_seq = run.iter().map(|(_, message)| message.mod_seq.0).max();
                let (own, others) = scores.split_at(run.len().min(scores.len()));
                scores = others;
                if let [(number, first), ..] = run
                    && let [.., (end, last)] = run
                {
                    let ends = (One::of(*number, first), One::of(*end, last));
                    self.add(ends, own, mod_seq.unwrap_or(0));
                }
            }
        }
    }

    /// Messages from one to another, both numbered without a gap, with their scores, none of which changed after this.
    fn add(&mut self, (first, last): (One, One), scores: &[u8], mod_seq: u64) {
        let score = |score: Option<&u8>| score.copied().unwrap_or(0);
        let first = first.scored(score(scores.first()));
        if let Order::Mailbox {
            numbers,
            uids,
            scores: all,
        } = &mut self.order
        {
            numbers.insert_range(first.sequence, last.sequence);
            uids.insert_range(first.uid, last.uid);
            if first.score > 0 {
                all.extend_from_slice(scores);
            }
        }
        self.count += u64::from(last.sequence - first.sequence) + 1;
        self.first.get_or_insert(first);
        self.last = Some(last.scored(score(scores.last())));
        self.mod_seq = self.mod_seq.max(mod_seq);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }

    /// These, of which none changed after `mod_seq`. `order` has the places of all of them here, in the order in which they
    /// are to be.
    pub(super) fn sorted(all: Vec<One>, order: Vec<u32>, mod_seq: u64) -> Self {
        let mut sorted = in_order(&all, &order);
        Self {
            first: sorted.next(),
            last: sorted.last(),
            mod_seq,
            count: all.len() as u64,
            order: Order::Sorted { all, order },
            by_mod_seq: false,
        }
    }

    /// The UIDs of all.
    pub(super) fn uids(&self) -> UidSet {
        self.places(0..self.count, Numbering::Uid).into_set()
    }

    /// The scores of all, in their order; none if FUZZY was not given.
    pub(super) fn scores(&self) -> impl Iterator<Item = u8> {
        let (kept, sorted) = match &self.order {
            Order::Mailbox { scores, .. } => (scores.as_slice(), Default::default()),
            Order::Sorted { all, order } => ([].as_slice(), (all.as_slice(), order.as_slice())),
        };
        let sorted = in_order(sorted.0, sorted.1).map(|one| one.score);
        kept.iter()
            .copied()
            .chain(sorted.filter(|score| *score > 0))
    }

    /// What RELEVANCY returns (RFC 6203 §4): the scores of what ALL returns, or of what PARTIAL
    /// does if that is asked for.
    fn relevancy(&self, returns: SearchReturn) -> Option<Vec<u8>> {
        if !returns.relevancy {
            return None;
        }
        let places = match returns.partial {
            Some(range) => range.places(self.count),
            None => 0..self.count,
        };
        let place = |place| usize::try_from(place).unwrap_or(usize::MAX);
        let (start, end) = (place(places.start), place(places.end));
        let some = self.scores().skip(start).take(end.saturating_sub(start));
        Some(some.collect())
    }

    /// The UIDs of all, in their order.
    pub(super) fn ordered_uids(&self) -> Vec<u32> {
        match self.places(0..self.count, Numbering::Uid) {
            Listed::Set(set) => set.iter().collect(),
            Listed::Ordered(uids) => uids,
        }
    }

    /// Whether nothing was found.
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What `$` becomes, in UIDs: RFC 5182 §2.4, RFC 9394 §3.2.
    pub(super) fn saved(&self, returns: SearchReturn) -> UidSet {
        if all_matter(returns) {
            return self.uids();
        }
        let partial = self.partial(returns, Numbering::Uid);
        let mut saved = partial.map_or_else(UidSet::new, Listed::into_set);
        for one in self.ends(returns) {
            saved.insert(one.uid);
        }
        saved
    }

    /// The MODSEQ that goes with the result: RFC 4731 §3.2, the highest of what is returned.
    /// `highest` tells that of some of the messages, in UIDs.
    pub(super) fn mod_seq(
        &self,
        returns: SearchReturn,
        highest: impl FnOnce(&UidSet) -> Option<u64>,
    ) -> Option<u64> {
        self.first?;
        if all_matter(returns) {
            return Some(self.mod_seq);
        }
        highest(&self.saved(returns))
    }

    /// What MIN and MAX return: the ends of the order.
    fn ends(&self, returns: SearchReturn) -> impl Iterator<Item = One> {
        let first = self.first.filter(|_| returns.min);
        let last = self.last.filter(|_| returns.max);
        first.into_iter().chain(last)
    }

    /// What PARTIAL returns.
    fn partial(&self, returns: SearchReturn, numbering: Numbering) -> Option<Listed> {
        let range = returns.partial?;
        Some(self.places(range.places(self.count), numbering))
    }

    /// The numbers at these places of the order.
    fn places(&self, places: Range<u64>, numbering: Numbering) -> Listed {
        match &self.order {
            Order::Mailbox { numbers, .. } if numbering == Numbering::Sequence => {
                Listed::Set(numbers.places(places))
            }
            Order::Mailbox { uids, .. } => Listed::Set(uids.places(places)),
            Order::Sorted { all, order } => {
                let place = |place| usize::try_from(place).unwrap_or(usize::MAX);
                let places = place(places.start)..place(places.end);
                let some = in_order(all, order.get(places).unwrap_or_default());
                Listed::Ordered(some.map(|one| one.number(numbering)).collect())
            }
        }
    }
}

/// Some of these, in an order.
fn in_order(all: &[One], order: &[u32]) -> impl DoubleEndedIterator<Item = One> {
    let place = |at: &u32| all.get(*at as usize).copied();
    order.iter().filter_map(place)
}

/// Numbers in the order of a result.
#[derive(Debug, PartialEq, Eq)]
enum Listed {
    /// That of the mailbox.
    Set(UidSet),
    /// Another.
    Ordered(Vec<u32>),
}

impl Listed {
    fn numbers(&self) -> Numbers<'_> {
        match self {
            Self::Set(set) => Numbers::Set(set),
            Self::Ordered(numbers) => Numbers::Ordered(numbers),
        }
    }

    fn into_set(self) -> UidSet {
        match self {
            Self::Set(set) => set,
            Self::Ordered(mut numbers) => {
                // A set takes numbers quickly that ascend.
                numbers.sort_unstable();
                numbers.into_iter().collect()
            }
        }
    }
}

/// Whether the result is of all messages found, rather than of some of them.
fn all_matter(returns: SearchReturn) -> bool {
    returns.all || returns.count || !(returns.min || returns.max || returns.partial.is_some())
}

/// Whether the result is to be told.
fn tells(returns: SearchReturn) -> bool {
    let partial = returns.partial.is_some();
    returns.min || returns.max || returns.all || returns.count || returns.relevancy || partial
}

/// How results are told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Telling<'a> {
    /// Which command is answered.
    pub(super) correlator: Correlator<'a>,
    /// What numbers are.
    pub(super) numbering: Numbering,
    /// `RETURN`; `None` for a response that is nothing but numbers.
    pub(super) returns: Option<SearchReturn>,
    /// What [`Found::mod_seq`] said, if MODSEQ was searched for.
    pub(super) mod_seq: Option<u64>,
}

impl Telling<'_> {
    /// Writes the response, if there is one.
    pub(super) fn tell(&self, found: &Found, out: &mut Vec<u8>) {
        match self.returns {
            None => match &found.order {
                Order::Mailbox { numbers, uids, .. } => {
                    let all = match self.numbering {
                        Numbering::Sequence => numbers,
                        Numbering::Uid => uids,
                    };
                    encode::search(out, all.iter(), self.mod_seq);
                }
                Order::Sorted { all, order } => {
                    let all = in_order(all, order).map(|one| one.number(self.numbering));
                    encode::sort(out, all, self.mod_seq);
                }
            },
            // RFC 5182 §2.1: SAVE alone is answered by nothing.
            Some(returns) if returns.save && !tells(returns) => {}
            Some(returns) => self.tell_extended(returns, found, out),
        }
    }

    fn tell_extended(&self, returns: SearchReturn, found: &Found, out: &mut Vec<u8>) {
        let number = |one: One| one.number(self.numbering);
        let all = returns
            .all
            .then(|| found.places(0..found.count, self.numbering));
        let partial = found.partial(returns, self.numbering);
        let relevancy = found.relevancy(returns);
        let response = Esearch {
            correlator: self.correlator,
            numbering: self.numbering,
            min: found.first.filter(|_| returns.min).map(number),
            max: found.last.filter(|_| returns.max).map(number),
            all: all.as_ref().map(Listed::numbers),
            count: returns.count.then_some(found.count),
            mod_seq: self.mod_seq,
            partial: returns.partial.zip(partial.as_ref().map(Listed::numbers)),
            relevancy: relevancy.as_deref(),
        };
        encode::esearch(out, &response);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imap::command::{Counted, PartialRange};
    use std::num::NonZeroU32;

    fn found() -> Found {
        let mut found = Found::default();
        for (sequence, uid, mod_seq) in [(2, 12, 7), (3, 13, 9), (5, 15, 8)] {
            let score = 0;
            let one = One {
                sequence,
                uid,
                score,
            };
            found.add((one, one), &[score], mod_seq);
        }
        found
    }

    /// Each number is a place for PARTIAL.
    fn returns(words: &str) -> SearchReturn {
        let has = |word| words.split(' ').any(|w| w == word);
        let places = words.split(' ').filter_map(|word| word.parse::<i64>().ok());
        let place = |n: i64| {
            u32::try_from(n.abs())
                .ok()
                .and_then(NonZeroU32::new)
                .unwrap()
        };
        let places: Vec<i64> = places.collect();
        let partial = match places[..] {
            [from, to] => Some(PartialRange {
                counted: if from < 0 {
                    Counted::FromLast
                } else {
                    Counted::FromFirst
                },
                from: place(from),
                to: place(to),
            }),
            _ => None,
        };
        SearchReturn {
            min: has("MIN"),
            max: has("MAX"),
            all: has("ALL"),
            count: has("COUNT"),
            save: has("SAVE"),
            relevancy: has("RELEVANCY"),
            partial,
            ..SearchReturn::default()
        }
    }

    #[test]
    fn what_is_saved_depends_on_what_is_returned() {
        for (words, expected) in [
            ("SAVE", &[12, 13, 15][..]),
            ("SAVE MIN", &[12]),
            ("SAVE MAX", &[15]),
            ("SAVE MIN MAX", &[12, 15]),
            ("SAVE MIN COUNT", &[12, 13, 15]),
            ("SAVE MAX ALL", &[12, 13, 15]),
            ("SAVE 2 3", &[13, 15]),
            ("SAVE 2 2 MIN", &[12, 13]),
            ("SAVE -2 -2 MAX", &[13, 15]),
            ("SAVE 2 2 MIN MAX", &[12, 13, 15]),
            ("SAVE 2 2 COUNT", &[12, 13, 15]),
            ("SAVE 2 2 MIN COUNT", &[12, 13, 15]),
            ("SAVE 4 9", &[]),
        ] {
            let saved = found().saved(returns(words));
            assert_eq!(saved.iter().collect::<Vec<_>>(), expected, "{words}");
            assert!(Found::default().saved(returns(words)).is_empty());
        }
    }

    #[test]
    fn mod_seq_is_of_what_is_returned() {
        for (words, expected) in [
            ("MIN", 7),
            ("MAX", 8),
            ("MIN MAX", 8),
            ("MIN MAX COUNT", 9),
            ("ALL", 9),
            ("SAVE", 9),
            ("3 3", 8),
            ("3 3 MIN", 8),
            ("-3 -3 MAX", 8),
            ("1 2", 9),
            ("3 3 COUNT", 9),
        ] {
            let highest = |uids: &UidSet| {
                let known = [(12, 7), (13, 9), (15, 8)].into_iter();
                let some = known.filter(|(uid, _)| uids.contains(*uid));
                some.map(|(_, mod_seq)| mod_seq).max()
            };
            let mod_seq = found().mod_seq(returns(words), highest);
            assert_eq!(mod_seq, Some(expected), "{words}");
            let nothing = Found::default().mod_seq(returns(words), highest);
            assert_eq!(nothing, None);
        }
    }

    #[test]
    fn results_are_told_as_they_were_asked_for() {
        use Numbering::{Sequence, Uid};
        let has = |line: &str, item: &str| line.contains(item);
        for (numbering, words, mod_seq, expected, missing) in [
            (Sequence, None, None, &["* SEARCH 2 3 5\r\n"][..], &[][..]),
            (
                Uid,
                None,
                Some(9),
                &["* SEARCH 12 13 15 (MODSEQ 9)\r\n"],
                &[],
            ),
            (
                Uid,
                Some("MIN COUNT"),
                None,
                &["* ESEARCH (TAG \"t\") UID", " MIN 12", " COUNT 3"],
                &["MAX", "ALL", "MODSEQ"],
            ),
            (
                Sequence,
                Some("MAX ALL"),
                Some(9),
                &[" MAX 5", " ALL 2:3,5", " MODSEQ 9"],
                &["UID", "MIN", "COUNT"],
            ),
            (
                Sequence,
                Some("MAX"),
                Some(8),
                &[" MAX 5", " MODSEQ 8"],
                &["ALL"],
            ),
            (
                Uid,
                Some("2 9 MIN"),
                None,
                &[" UID MIN 12 PARTIAL (2:9 13,15)\r\n"],
                &["ALL"],
            ),
            (
                Sequence,
                Some("-1 -2"),
                None,
                &[" PARTIAL (-1:-2 3,5)\r\n"],
                &["ALL"],
            ),
            (
                Sequence,
                Some("4 9"),
                None,
                &[" PARTIAL (4:9 NIL)\r\n"],
                &["ALL"],
            ),
        ] {
            let telling = Telling {
                correlator: Correlator {
                    tag: "t",
                    mailbox: None,
                },
                numbering,
                returns: words.map(returns),
                mod_seq,
            };
            let mut out = Vec::new();
            telling.tell(&found(), &mut out);
            let line = String::from_utf8(out).unwrap();
            assert!(expected.iter().all(|item| has(&line, item)), "{line}");
            assert!(!missing.iter().any(|item| has(&line, item)), "{line}");
        }
    }

    #[test]
    fn finding_nothing_is_told_and_saving_is_not() {
        for (words, expected) in [
            (None, "* SEARCH\r\n"),
            (Some("MIN ALL"), "* ESEARCH (TAG \"t\")\r\n"),
            (Some("COUNT"), "* ESEARCH (TAG \"t\") COUNT 0\r\n"),
            (Some("SAVE"), ""),
            (
                Some("SAVE 1 5"),
                "* ESEARCH (TAG \"t\") PARTIAL (1:5 NIL)\r\n",
            ),
        ] {
            let telling = Telling {
                correlator: Correlator {
                    tag: "t",
                    mailbox: None,
                },
                numbering: Numbering::Sequence,
                returns: words.map(returns),
                mod_seq: None,
            };
            let mut out = Vec::new();
            telling.tell(&Found::default(), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    /// RFC 5267 §3, RFC 9394 §3.1: places and ends are those of the order asked for.
    #[test]
    fn what_is_sorted_is_told_in_its_order() {
        use Numbering::{Sequence, Uid};
        let one = |sequence, uid| One {
            sequence,
            uid,
            score: 0,
        };
        let all = vec![one(2, 12), one(3, 13), one(5, 15)];
        let found = Found::sorted(all, vec![2, 0, 1], 9);
        for (numbering, words, expected) in [
            (Sequence, None, "* SORT 5 2 3 (MODSEQ 9)\r\n"),
            (Uid, None, "* SORT 15 12 13 (MODSEQ 9)\r\n"),
            (
                Uid,
                Some("MIN MAX COUNT ALL"),
                "* ESEARCH (TAG \"t\") UID MIN 15 MAX 13 COUNT 3 MODSEQ 9 ALL 15,12:13\r\n",
            ),
            (
                Sequence,
                Some("MIN"),
                "* ESEARCH (TAG \"t\") MIN 5 MODSEQ 9\r\n",
            ),
            (
                Uid,
                Some("1 2"),
                "* ESEARCH (TAG \"t\") UID MODSEQ 9 PARTIAL (1:2 15,12)\r\n",
            ),
            (
                Uid,
                Some("-1 -9"),
                "* ESEARCH (TAG \"t\") UID MODSEQ 9 PARTIAL (-1:-9 15,12:13)\r\n",
            ),
        ] {
            let telling = Telling {
                correlator: Correlator {
                    tag: "t",
                    mailbox: None,
                },
                numbering,
                returns: words.map(returns),
                mod_seq: Some(9),
            };
            let mut out = Vec::new();
            telling.tell(&found, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
        for (words, expected) in [
            ("SAVE", &[12, 13, 15][..]),
            ("SAVE MIN", &[15]),
            ("SAVE MAX", &[13]),
            ("SAVE 1 2", &[12, 15]),
        ] {
            let saved = found.saved(returns(words));
            assert_eq!(saved.iter().collect::<Vec<_>>(), expected, "{words}");
        }
        let first = [15].into_iter().collect();
        let highest = |uids: &UidSet| (*uids == first).then_some(8);
        assert_eq!(found.mod_seq(returns("MIN"), highest), Some(8));
    }
}
