//! Lists of documents, as few bits as their number asks for: Rice-coded gaps.
//!
//! A list of `count` of `of` documents is the gap before each (so many documents that are not in
//! it), as a quotient in unary (zeros, then a one) and `k` bits of remainder; `k` follows from the two numbers, and
//! is not written. Bits are taken from the lowest of each octet on.

use crate::octets::Malformed;

/// Bits of the remainder, for the size that lists have if documents are in them by chance.
fn remainder_bits(count: u32, of: u32) -> u32 {
    let missing = u64::from(of.saturating_sub(count));
    // About the mean gap times ln 2.
    let gap = missing * 7 / (u64::from(count.max(1)) * 10);
    gap.checked_ilog2().unwrap_or(0)
}

/// Appends a list: ascending, each once, all below `of`.
pub(super) fn encode(list: &[u32], of: u32, into: &mut Vec<u8>) {
    let k = remainder_bits(u32::try_from(list.len()).unwrap_or(u32::MAX), of);
    let mut bits = Bits {
        into,
        held: 0,
        len: 0,
    };
    let mut next = 0;
    for &document in list {
        let gap = document - next;
        let (quotient, remainder) = (gap >> k, u64::from(gap & ((1 << k) - 1)));
        if quotient + 1 + k <= 32 {
            bits.put((remainder << 1 | 1) << quotient, quotient + 1 + k);
        } else {
            bits.zeros(quotient);
            bits.put(1, 1);
            bits.put(remainder, k);
        }
        next = document + 1;
    }
    bits.end();
}

struct Bits<'a> {
    into: &'a mut Vec<u8>,
    held: u64,
    len: u32,
}

impl Bits<'_> {
    /// At most 32 bits.
    fn put(&mut self, bits: u64, len: u32) {
        self.held |= bits << self.len;
        self.len += len;
        if self.len >= 32 {
            let [first @ .., _, _, _, _] = self.held.to_le_bytes();
            self.into.extend_from_slice(&first);
            self.held >>= 32;
            self.len -= 32;
        }
    }

    fn zeros(&mut self, mut count: u32) {
        while count > 32 {
            self.put(0, 32);
            count -= 32;
        }
        self.put(0, count);
    }

    fn end(&mut self) {
        let octets = self.len.div_ceil(8) as usize;
        self.into
            .extend(self.held.to_le_bytes().into_iter().take(octets));
    }
}

/// Reads a list of `count` documents, in order.
#[derive(Debug)]
pub(super) struct List<'a> {
    octets: &'a [u8],
    held: u64,
    len: u32,
    k: u32,
    left: u32,
    of: u32,
    next: u32,
}

impl<'a> List<'a> {
    pub(super) fn new(octets: &'a [u8], count: u32, of: u32) -> Self {
        Self {
            octets,
            held: 0,
            len: 0,
            k: remainder_bits(count, of),
            left: count,
            of,
            next: 0,
        }
    }

    /// Has at least a bit, if there is one.
    fn fill(&mut self) {
        while self.len <= 56
            && let Some((&octet, rest)) = self.octets.split_first()
        {
            self.held |= u64::from(octet) << self.len;
            self.len += 8;
            self.octets = rest;
        }
    }

    fn quotient(&mut self) -> Option<u32> {
        let mut zeros = 0_u32;
        loop {
            self.fill();
            let here = self.held.trailing_zeros().min(self.len);
            zeros = zeros.checked_add(here)?;
            if here < self.len {
                // The one that ends it goes too; `here` is at most 63.
                self.held = (self.held >> here) >> 1;
                self.len -= here + 1;
                return Some(zeros);
            }
            if self.octets.is_empty() {
                return None;
            }
            self.held = 0;
            self.len = 0;
        }
    }

    fn gap(&mut self) -> Option<u32> {
        let quotient = self.quotient()?;
        self.fill();
        if self.len < self.k {
            return None;
        }
        let mask = (1_u64 << self.k) - 1;
        let remainder = u32::try_from(self.held & mask).ok()?;
        self.held >>= self.k;
        self.len -= self.k;
        let high = u64::from(quotient) << self.k;
        u32::try_from(high).ok()?.checked_add(remainder)
    }
}

impl Iterator for List<'_> {
    type Item = Result<u32, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let document = self.gap().and_then(|gap| self.next.checked_add(gap));
        if let Some(document) = document.filter(|document| *document < self.of) {
            self.next = document + 1;
            return Some(Ok(document));
        }
        self.left = 0;
        Some(Err(Malformed("a list that is none")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_back() {
        let mut random = fastrand::Rng::with_seed(7);
        for of in [1_u32, 2, 7, 64, 1000, 100_000] {
            for share in [1, 2, 5, 50, 1000, 100_000] {
                let list: Vec<u32> = (0..of).filter(|_| random.u32(..share) == 0).collect();
                let mut octets = Vec::new();
                encode(&list, of, &mut octets);
                let count = u32::try_from(list.len()).unwrap();
                let read: Result<Vec<u32>, _> = List::new(&octets, count, of).collect();
                assert_eq!(read.as_ref(), Ok(&list), "{of} {share}");
            }
        }
        for list in [
            vec![0],
            vec![99_999],
            vec![0, 99_999],
            (0..100_000).collect(),
        ] {
            let mut octets = Vec::new();
            encode(&list, 100_000, &mut octets);
            let count = u32::try_from(list.len()).unwrap();
            let read: Result<Vec<u32>, _> = List::new(&octets, count, 100_000).collect();
            assert_eq!(read, Ok(list));
        }
    }

    #[test]
    fn a_list_costs_what_its_chance_says() {
        // Of everything one bit each; of one in a hundred about eight.
        for (share, bits) in [(1, 1), (100, 9)] {
            let list: Vec<u32> = (0..100_000).filter(|n| n % share == 0).collect();
            let mut octets = Vec::new();
            encode(&list, 100_000, &mut octets);
            assert!(octets.len() * 8 <= list.len() * bits + 8, "{share}");
        }
    }

    #[test]
    fn any_octets_are_a_list_or_an_error() {
        let mut random = fastrand::Rng::with_seed(8);
        for _ in 0..2_000 {
            let octets: Vec<u8> = (0..random.usize(..40))
                .map(|_| random.u8(..) & random.u8(..))
                .collect();
            let (count, of) = (random.u32(..200), random.u32(..2_000));
            let mut last = None;
            for document in List::new(&octets, count, of).map_while(Result::ok) {
                assert!(document < of && last < Some(document));
                last = Some(document);
            }
        }
    }
}
