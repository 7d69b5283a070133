//! Sets of message numbers: `sequence-set` and `uid-set` of RFC 9051 §9.

use alloc::vec::Vec;
use core::ops::Range;

/// `sequence-set`: ranges as sent, `*` unresolved; or `$`, the saved result
/// of the last SEARCH (RFC 9051 §6.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SequenceSet {
    /// `$`.
    Saved,
    /// At least one range.
    Ranges(Vec<SequenceRange>),
}

/// One `seq-range` or `seq-number`; either end may be the larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceRange {
    /// One end; `None` is `*`.
    pub from: Option<u32>,
    /// The other end; the same as `from` for a single number.
    pub to: Option<u32>,
}

/// A set of numbers as sorted, disjoint, non-adjacent, inclusive ranges: what
/// a [`SequenceSet`] becomes once `*` is known, and what `uid-set`s are
/// written from. UIDs and sequence numbers alike.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UidSet {
    ranges: Vec<(u32, u32)>,
}

/// These numbers, by themselves.
impl From<&UidSet> for SequenceSet {
    fn from(set: &UidSet) -> Self {
        let range = |&(first, last): &(u32, u32)| SequenceRange {
            from: Some(first),
            to: Some(last),
        };
        Self::Ranges(set.ranges.iter().map(range).collect())
    }
}

impl SequenceSet {
    /// The set with `*` taken as `largest` (RFC 9051 §9, `seq-range`): for an
    /// empty mailbox (`largest` 0) `*` stands for nothing. `None` for `$`.
    #[must_use]
    pub fn resolve(&self, largest: u32) -> Option<UidSet> {
        let Self::Ranges(ranges) = self else {
            return None;
        };
        let end = |n: Option<u32>| n.or((largest > 0).then_some(largest));
        Some(
            ranges
                .iter()
                .filter_map(|range| Some((end(range.from)?, end(range.to)?)))
                .map(|(a, b)| (a.min(b), a.max(b)))
                .collect(),
        )
    }

    /// Whether any range ends in `*`.
    #[must_use]
    pub fn has_star(&self) -> bool {
        match self {
            Self::Saved => false,
            Self::Ranges(ranges) => ranges.iter().any(|r| r.from.is_none() || r.to.is_none()),
        }
    }
}

impl UidSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// The ranges, ascending, each end included.
    #[must_use]
    pub fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges
    }

    /// Adds one number. Cheap when it is larger than all before it.
    pub fn insert(&mut self, n: u32) {
        self.insert_range(n, n);
    }

    /// Adds `first..=last`; nothing if `first > last`. Cheap when it lies after
    /// all before it.
    pub fn insert_range(&mut self, first: u32, last: u32) {
        if first > last {
            return;
        }
        match self.ranges.last_mut() {
            Some((_, end)) if *end >= first => {}
            Some((_, end)) if *end + 1 == first => {
                *end = last;
                return;
            }
            _ => {
                self.ranges.push((first, last));
                return;
            }
        }
        // The ranges that touch the new one become one with it.
        let from = self
            .ranges
            .partition_point(|&(_, end)| end.saturating_add(1) < first);
        let to = self
            .ranges
            .partition_point(|&(start, _)| start <= last.saturating_add(1));
        let touched = self.ranges.get(from..to).unwrap_or_default();
        let merged = (
            touched
                .first()
                .map_or(first, |&(start, _)| start.min(first)),
            touched.last().map_or(last, |&(_, end)| end.max(last)),
        );
        self.ranges.splice(from..to, [merged]);
    }

    /// Whether it holds `n`.
    #[must_use]
    pub fn contains(&self, n: u32) -> bool {
        let after = self.ranges.partition_point(|&(first, _)| first <= n);
        after
            .checked_sub(1)
            .and_then(|i| self.ranges.get(i))
            .is_some_and(|&(_, last)| n <= last)
    }

    /// Whether it holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many numbers it holds.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges.iter().map(|&(a, b)| u64::from(b - a) + 1).sum()
    }

    /// Every number, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().flat_map(|&(a, b)| a..=b)
    }

    /// The numbers that both hold.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (
            self.ranges.iter().peekable(),
            other.ranges.iter().peekable(),
        );
        let mut both = Self::new();
        while let (Some(&&(a1, a2)), Some(&&(b1, b2))) = (a.peek(), b.peek()) {
            if a1.max(b1) <= a2.min(b2) {
                both.insert_range(a1.max(b1), a2.min(b2));
            }
            if a2 < b2 {
                a.next();
            } else {
                b.next();
            }
        }
        both
    }

    /// The numbers at those places among them, counted from 0 in ascending order.
    #[must_use]
    pub fn places(&self, places: Range<u64>) -> Self {
        let mut before = 0;
        let mut chosen = Self::new();
        for &(first, last) in &self.ranges {
            let here = u64::from(last - first) + 1;
            let from = places.start.max(before) - before;
            let end = places.end.min(before + here).saturating_sub(before);
            if from < end {
                // Both are below `here`, so neither leaves the range.
                let at = |place: u64| first.saturating_add(u32::try_from(place).unwrap_or(0));
                chosen.insert_range(at(from), at(end - 1));
            }
            before += here;
        }
        chosen
    }

    /// The numbers that only this one holds.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Self::new();
        let mut others = other.ranges.iter().peekable();
        for &(first, last) in &self.ranges {
            let mut next = Some(first);
            while others.next_if(|&&(_, end)| end < first).is_some() {}
            while let Some(&&(start, end)) = others.peek().filter(|&&&(start, _)| start <= last) {
                if let (Some(from), Some(before)) = (next, start.checked_sub(1)) {
                    left.insert_range(from, before);
                }
                next = end.checked_add(1);
                if end >= last {
                    break;
                }
                others.next();
            }
            if let Some(from) = next {
                left.insert_range(from, last);
            }
        }
        left
    }

    fn normalise(&mut self) {
        if self.is_normal() {
            return;
        }
        self.ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(self.ranges.len());
        for &(first, last) in &self.ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        self.ranges = merged;
    }

    fn is_normal(&self) -> bool {
        self.ranges.is_sorted_by(|a, b| a.1 < b.0 && b.0 - a.1 > 1)
    }
}

impl FromIterator<(u32, u32)> for UidSet {
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(ranges: I) -> Self {
        let mut set = Self {
            ranges: ranges
                .into_iter()
                .filter(|(first, last)| first <= last)
                .collect(),
        };
        set.normalise();
        set
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        // Runs are joined as they come; what is out of order is sorted once.
        let mut set = Self::new();
        let mut sorted = true;
        for n in numbers {
            match set.ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(n) => *last = n,
                Some((first, last)) if (*first..=*last).contains(&n) => {}
                last => {
                    sorted &= last.is_none_or(|(_, last)| *last < n);
                    set.ranges.push((n, n));
                }
            }
        }
        if !sorted {
            set.normalise();
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn range(from: u32, to: u32) -> SequenceRange {
        let end = |n| (n != 0).then_some(n);
        SequenceRange {
            from: end(from),
            to: end(to),
        }
    }

    /// 0 stands for `*`.
    #[test]
    fn star_is_the_largest() {
        for (from, to, largest, expected) in [
            (2, 4, 10, &[(2, 4)][..]),
            (4, 2, 10, &[(2, 4)]),
            (0, 0, 10, &[(10, 10)]),
            (559, 0, 10, &[(10, 559)]),
            (0, 559, 10, &[(10, 559)]),
            (10, 0, 10, &[(10, 10)]),
            (1, 0, 0, &[]),
            (0, 0, 0, &[]),
            (7, 7, 0, &[(7, 7)]),
            (u32::MAX, 1, 5, &[(1, u32::MAX)]),
        ] {
            let set = SequenceSet::Ranges(vec![range(from, to)]);
            let resolved = set.resolve(largest);
            assert_eq!(
                resolved.as_ref().map(UidSet::ranges),
                Some(expected),
                "{from}:{to} of {largest}"
            );
        }
        assert_eq!(SequenceSet::Saved.resolve(3), None);
    }

    #[test]
    fn however_it_is_built_a_set_is_the_same() {
        let mut state = 7u32;
        for round in 0..200 {
            let numbers: Vec<u32> = (0..round)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state >> 25
                })
                .collect();
            let model: alloc::collections::BTreeSet<u32> = numbers.iter().copied().collect();
            let collected: UidSet = numbers.iter().copied().collect();
            let paired: UidSet = numbers.iter().map(|&n| (n, n)).collect();
            let mut inserted = UidSet::new();
            for &n in &numbers {
                inserted.insert(n);
            }
            assert!(collected.iter().eq(model.iter().copied()));
            assert_eq!(collected, paired);
            assert_eq!(collected, inserted);
            assert_eq!(collected.len(), model.len() as u64);
            assert!((0..130).all(|n| collected.contains(n) == model.contains(&n)));
            assert!(collected.is_normal());
        }
    }

    #[test]
    fn ends_of_the_range() {
        let mut set = UidSet::new();
        set.insert(u32::MAX);
        set.insert_range(0, u32::MAX - 1);
        set.insert_range(9, 3);
        assert_eq!(set.ranges(), [(0, u32::MAX)]);
        assert_eq!(set.len(), 1 << 32);
        let backwards: UidSet = [(9, 3)].into_iter().collect();
        assert!(backwards.is_empty());
    }

    #[test]
    fn places_count_from_nought() {
        let set: UidSet = [(3, 5), (9, 9), (20, 24)].into_iter().collect();
        let all: Vec<u32> = set.iter().collect();
        for start in 0..11 {
            for end in 0..11 {
                let expected: Vec<u32> = all
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| (start..end).contains(i))
                    .map(|(_, n)| *n)
                    .collect();
                let chosen = set.places(start as u64..end as u64);
                assert!(chosen.iter().eq(expected), "{start}..{end}");
            }
        }
        let whole: UidSet = [(0, u32::MAX)].into_iter().collect();
        assert_eq!(whole.places(1 << 31..u64::MAX).len(), 1 << 31);
    }

    #[test]
    fn intersections() {
        let a: UidSet = [(1, 5), (10, 20), (30, 30)].into_iter().collect();
        let b: UidSet = [(5, 12), (19, 40)].into_iter().collect();
        assert_eq!(
            a.intersection(&b).ranges(),
            [(5, 5), (10, 12), (19, 20), (30, 30)]
        );
        assert!(a.intersection(&UidSet::new()).is_empty());
    }

    #[test]
    fn differences() {
        let sets: [&[(u32, u32)]; 7] = [
            &[],
            &[(0, u32::MAX)],
            &[(1, 5), (10, 20), (30, 30)],
            &[(5, 12), (19, 40)],
            &[(0, 0), (3, 3), (11, 11), (13, 13), (20, 21)],
            &[(u32::MAX, u32::MAX)],
            &[(1, 2), (4, 5), (10, 10), (30, 35)],
        ];
        let ends = [
            0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 19, 20, 21, 29, 30, 31, 35, 36,
        ];
        for a in sets {
            for b in sets {
                let a: UidSet = a.iter().copied().collect();
                let b: UidSet = b.iter().copied().collect();
                let left = a.difference(&b);
                for n in ends.into_iter().chain([40, 41, u32::MAX - 1, u32::MAX]) {
                    let expected = a.contains(n) && !b.contains(n);
                    assert_eq!(left.contains(n), expected, "{a:?} {b:?} {n}");
                }
                assert!(left.is_normal());
            }
        }
    }
}
