//! What has been put and no batch refers to yet: nothing of it may be freed, however long that takes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The places in the log from which on somebody needs everything.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    /// How many need it, by LSN.
    held: Mutex<BTreeMap<u64, usize>>,
}

/// Keeps everything that is put from now on from being freed, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pin {
    pins: Arc<Pins>,
    lsn: u64,
}

impl Pins {
    /// Pins what `end` says: it is asked while nobody can ask for the lowest.
    pub(crate) fn pin(self: &Arc<Self>, end: impl FnOnce() -> u64) -> Pin {
        let mut held = self.held();
        let lsn = end();
        *held.entry(lsn).or_default() += 1;
        Pin {
            pins: Arc::clone(self),
            lsn,
        }
    }

    /// The lowest LSN that is pinned.
    pub(crate) fn lowest(&self) -> Option<u64> {
        self.held().keys().next().copied()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u64, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut held = self.pins.held();
        if let Some(count) = held.get_mut(&self.lsn) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.lsn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_that_is_still_held_counts() {
        let pins = Arc::new(Pins::default());
        assert_eq!(pins.lowest(), None);
        let (first, again, later) = (pins.pin(|| 8), pins.pin(|| 8), pins.pin(|| 80));
        drop(first);
        assert_eq!(pins.lowest(), Some(8));
        drop(again);
        assert_eq!(pins.lowest(), Some(80));
        drop(later);
        assert_eq!(pins.lowest(), None);
    }
}
