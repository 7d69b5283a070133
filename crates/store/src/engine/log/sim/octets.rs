//! The octets of a simulated file: pages that copies share until one of them is written to, so
//! that a disk can be copied at every operation.

use std::sync::Arc;

const PAGE_BYTES: usize = 4096;

type Page = Arc<[u8; PAGE_BYTES]>;

/// Octets; a page that is `None` is a hole, which reads as zeros and takes no space.
#[derive(Debug, Clone, Default)]
pub(super) struct Octets {
    pages: Vec<Option<Page>>,
    length: usize,
}

impl Octets {
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Cuts, or extends with a hole.
    pub(super) fn resize(&mut self, length: usize) {
        if length < self.length
            && let Some(Some(page)) = self.pages.get_mut(length / PAGE_BYTES)
        {
            Arc::make_mut(page)[length % PAGE_BYTES..].fill(0);
        }
        self.pages.resize(length.div_ceil(PAGE_BYTES), None);
        self.length = length;
    }

    /// Takes space for the first `length` octets, and extends to them.
    pub(super) fn allocate(&mut self, length: usize) {
        if length > self.length {
            self.resize(length);
        }
        let zeros: Page = Arc::new([0; PAGE_BYTES]);
        for page in &mut self.pages[..length.div_ceil(PAGE_BYTES)] {
            page.get_or_insert_with(|| Arc::clone(&zeros));
        }
    }

    /// Gives back the space of whole pages in a range; all of it reads as zeros.
    pub(super) fn punch(&mut self, at: usize, length: usize) {
        let end = (at + length).min(self.length);
        let mut at = at;
        while at < end {
            let page_end = ((at / PAGE_BYTES + 1) * PAGE_BYTES).min(end);
            let whole = at.is_multiple_of(PAGE_BYTES) && page_end - at == PAGE_BYTES;
            let page = &mut self.pages[at / PAGE_BYTES];
            if whole {
                *page = None;
            } else if let Some(page) = page {
                let start = at % PAGE_BYTES;
                Arc::make_mut(page)[start..start + page_end - at].fill(0);
            }
            at = page_end;
        }
    }

    /// Whether a write there needs space that has not been taken.
    pub(super) fn takes_space(&self, at: usize, length: usize) -> bool {
        let end = at + length;
        let mut pages = at / PAGE_BYTES..end.div_ceil(PAGE_BYTES);
        end > self.length || pages.any(|page| self.pages[page].is_none())
    }

    pub(super) fn write(&mut self, at: usize, mut octets: &[u8]) {
        if at + octets.len() > self.length {
            self.resize(at + octets.len());
        }
        let mut at = at;
        while !octets.is_empty() {
            let start = at % PAGE_BYTES;
            let (now, later) = octets.split_at(octets.len().min(PAGE_BYTES - start));
            let page = self.pages[at / PAGE_BYTES].get_or_insert_with(|| [0; PAGE_BYTES].into());
            Arc::make_mut(page)[start..start + now.len()].copy_from_slice(now);
            at += now.len();
            octets = later;
        }
    }

    /// Fills `into`; `false` if the octets end before that.
    pub(super) fn read(&self, at: usize, into: &mut [u8]) -> bool {
        if at + into.len() > self.length {
            return false;
        }
        let (mut at, mut into) = (at, into);
        while !into.is_empty() {
            let start = at % PAGE_BYTES;
            let count = into.len().min(PAGE_BYTES - start);
            let (now, later) = into.split_at_mut(count);
            match &self.pages[at / PAGE_BYTES] {
                Some(page) => now.copy_from_slice(&page[start..start + count]),
                None => now.fill(0),
            }
            at += count;
            into = later;
        }
        true
    }
}

#[test]
fn octets_are_as_a_vector_would_have_them() {
    for seed in 0..30 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut octets, mut plain) = (Octets::default(), Vec::<u8>::new());
        for _ in 0..60 {
            let (at, length) = (random.usize(..20_000), random.usize(..9000));
            match random.u8(..5) {
                0 => {
                    octets.resize(at);
                    plain.resize(at, 0);
                }
                1 => {
                    octets.allocate(at);
                    plain.resize(plain.len().max(at), 0);
                }
                2 => {
                    octets.punch(at, length);
                    let end = (at + length).min(plain.len());
                    plain[at.min(end)..end].fill(0);
                }
                _ => {
                    let written = vec![random.u8(1..); length];
                    octets.write(at, &written);
                    assert!(!octets.takes_space(at, length));
                    plain.resize(plain.len().max(at + length), 0);
                    plain[at..at + length].copy_from_slice(&written);
                }
            }
            let mut read = vec![1; plain.len()];
            assert!(octets.read(0, &mut read) && !octets.read(1, &mut read));
            assert_eq!((read, octets.length()), (plain.clone(), plain.len()));
        }
    }
}
