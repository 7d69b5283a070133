//! Numbers for octets: the same octets have the same number.

/// Numbers that were given, from 0 on, found by hashes that nobody outside can foresee.
///
/// The octets themselves are not kept: two that differ have the same number by an accident of 64 random bits. Among a
/// million that is one in thirty million.
#[derive(Debug, Default)]
pub(super) struct Interner {
    /// The hash that each number was given for.
    hashes: Vec<u64>,
    /// By hash: 1 more than a number, or 0. A power of two, more than half of them free.
    slots: Vec<u32>,
}

impl Interner {
    /// The number that a hash has, and whether it was given just now.
    pub(super) fn number(&mut self, hash: u64) -> (u32, bool) {
        if self.slots.len() < (self.hashes.len() + 1) * 2 {
            self.grow();
        }
        let slot = self.slot(hash);
        match self.slots.get(slot).copied() {
            Some(taken) if taken > 0 => (taken - 1, false),
            _ => {
                let number = u32::try_from(self.hashes.len()).unwrap_or(u32::MAX);
                self.hashes.push(hash);
                if let Some(slot) = self.slots.get_mut(slot) {
                    *slot = number.saturating_add(1);
                }
                (number, true)
            }
        }
    }

    /// How many numbers were given.
    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Octets of memory.
    pub(super) fn octets(&self) -> usize {
        self.hashes.capacity() * size_of::<u64>() + self.slots.capacity() * size_of::<u32>()
    }

    /// Where a hash is, or would be.
    fn slot(&self, hash: u64) -> usize {
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = usize::try_from(hash & mask as u64).unwrap_or(0);
        loop {
            match self.slots.get(slot).copied() {
                Some(taken) if taken > 0 => {
                    let at = usize::try_from(taken - 1).unwrap_or(usize::MAX);
                    if self.hashes.get(at) == Some(&hash) {
                        return slot;
                    }
                }
                _ => return slot,
            }
            slot = (slot + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 2).max(64);
        self.slots.clear();
        self.slots.resize(len, 0);
        for at in 0..self.hashes.len() {
            let Some(hash) = self.hashes.get(at).copied() else {
                break;
            };
            let slot = self.slot(hash);
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = u32::try_from(at + 1).unwrap_or(u32::MAX);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_has_the_same_number() {
        let mut interner = Interner::default();
        // Hashes that all want the same slot, too.
        let hashes = (0..1000_u64).map(|n| if n % 2 == 0 { n << 32 } else { n });
        let hashes: Vec<u64> = hashes.collect();
        for (at, hash) in hashes.iter().enumerate() {
            assert_eq!(interner.number(*hash), (u32::try_from(at).unwrap(), true));
        }
        for (at, hash) in hashes.iter().enumerate() {
            assert_eq!(interner.number(*hash), (u32::try_from(at).unwrap(), false));
        }
        assert_eq!(interner.len(), 1000);
    }
}
