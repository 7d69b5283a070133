//! Sets of message numbers: `sequence-set` and `uid-set` of RFC 9051 §9.

use alloc::vec::Vec;

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

impl SequenceSet {
    /// The set with `*` taken as `largest` (RFC 9051 §9, `seq-range`): for an
    /// empty mailbox (`largest` 0) `*` stands for nothing. `None` for `$`.
    #[must_use]
    pub fn resolve(&self, largest: u32) -> Option<UidSet> {
        let Self::Ranges(ranges) = self else {
            return None;
        };
        let end = |n: Option<u32>| n.unwrap_or(largest);
        Some(
            ranges
                .iter()
                .map(|r| (end(r.from), end(r.to)))
                .map(|(a, b)| (a.min(b).max(1), a.max(b)))
                .filter(|(a, b)| a <= b)
                .collect(),
        )
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

    /// Adds `first..=last`. Cheap when it lies after all before it.
    pub fn insert_range(&mut self, first: u32, last: u32) {
        if let Some((_, end)) = self.ranges.last_mut() {
            if first > *end {
                if first == *end + 1 {
                    *end = last;
                } else {
                    self.ranges.push((first, last));
                }
                return;
            }
        } else {
            self.ranges.push((first, last));
            return;
        }
        self.ranges.push((first, last));
        self.normalise();
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
    pub fn is_empty(&self) -> bool {
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

    fn normalise(&mut self) {
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
}

impl FromIterator<(u32, u32)> for UidSet {
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(ranges: I) -> Self {
        let mut set = Self {
            ranges: ranges.into_iter().collect(),
        };
        set.normalise();
        set
    }
}

impl FromIterator<u32> for UidSet {
    fn from_iter<I: IntoIterator<Item = u32>>(numbers: I) -> Self {
        let mut set = Self::new();
        for n in numbers {
            set.insert(n);
        }
        set
    }
}
