//! What is kept in memory of accounts because somebody asked for it, and can be made again: a drawer for each, and
//! so many octets for all. Beyond that what was used longest ago goes.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{columns, records};

/// What is kept of all accounts of a store.
#[derive(Debug)]
pub(crate) struct Cabinets {
    /// What was searched, sorted and threaded by.
    pub(crate) columns: columns::OfAll,
    /// What was listed.
    pub(crate) records: records::OfAll,
}

impl Default for Cabinets {
    fn default() -> Self {
        Self {
            columns: Cabinet::new(columns::OCTETS_MAX),
            records: Cabinet::new(records::OCTETS_MAX),
        }
    }
}

/// Octets that a drawer takes with nothing in it.
const DRAWER_OCTETS: usize = 2048;

/// Drawers by whose they are.
#[derive(Debug)]
pub(crate) struct Cabinet<W, T> {
    octets_max: usize,
    drawers: Mutex<Drawers<W, T>>,
}

#[derive(Debug)]
struct Drawers<W, T> {
    kept: HashMap<W, Drawer<T>>,
    /// Counts uses, to tell which was longest ago.
    uses: u64,
    /// Of all.
    octets: usize,
}

#[derive(Debug)]
struct Drawer<T> {
    content: Arc<T>,
    used: u64,
    octets: usize,
}

impl<W: Copy + Eq + Hash + Ord, T> Cabinet<W, T> {
    /// An empty one, of so many octets at most.
    pub(crate) fn new(octets_max: usize) -> Self {
        Self {
            octets_max,
            drawers: Mutex::new(Drawers {
                kept: HashMap::new(),
                uses: 0,
                octets: 0,
            }),
        }
    }

    /// What is in a drawer; what is `new` if it was not there.
    pub(crate) fn get(&self, whose: W, new: impl FnOnce() -> Arc<T>) -> Arc<T> {
        let mut drawers = self.drawers();
        drawers.uses += 1;
        let used = drawers.uses;
        if let Some(drawer) = drawers.kept.get_mut(&whose) {
            drawer.used = used;
            return Arc::clone(&drawer.content);
        }
        let content = new();
        let drawer = Drawer {
            content: Arc::clone(&content),
            used,
            octets: DRAWER_OCTETS,
        };
        drawers.kept.insert(whose, drawer);
        drawers.octets += DRAWER_OCTETS;
        drawers.shrink_to(self.octets_max);
        content
    }

    /// What a drawer takes now.
    pub(crate) fn weigh(&self, whose: &W, octets: usize) {
        let mut drawers = self.drawers();
        if let Some(drawer) = drawers.kept.get_mut(whose) {
            let octets = octets + DRAWER_OCTETS;
            let before = std::mem::replace(&mut drawer.octets, octets);
            drawers.octets = drawers.octets.saturating_sub(before) + octets;
        }
        drawers.shrink_to(self.octets_max);
    }

    fn drawers(&self) -> MutexGuard<'_, Drawers<W, T>> {
        // The sum is a guide; the map is whole between any two of its operations.
        self.drawers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Copy + Eq + Hash + Ord, T> Drawers<W, T> {
    /// If there is more, lets go of what was used longest ago, until a quarter is free; of what is used now never. Who
    /// uses it still has it.
    fn shrink_to(&mut self, max: usize) {
        if self.octets <= max {
            return;
        }
        let mut uses: Vec<_> = self
            .kept
            .iter()
            .map(|(whose, it)| (it.used, *whose))
            .collect();
        uses.sort_unstable();
        uses.pop();
        for (_, whose) in uses {
            if self.octets <= max / 4 * 3 {
                return;
            }
            if let Some(gone) = self.kept.remove(&whose) {
                self.octets = self.octets.saturating_sub(gone.octets);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_goes() {
        let cabinet = Cabinet::new(1 << 20);
        let get = |number: u64| cabinet.get(number, Arc::<Mutex<()>>::default);
        let used: Vec<_> = (0..4).map(get).collect();
        for (number, octets) in [(0, 700), (1, 100), (2, 500), (3, 300), (3, 100)] {
            cabinet.weigh(&number, octets);
        }
        assert!(Arc::ptr_eq(&get(0), used.first().unwrap()));
        let all = 4 * DRAWER_OCTETS + 1400;
        let kept = |max: usize| {
            let mut drawers = cabinet.drawers();
            drawers.shrink_to(max);
            let sum: usize = drawers.kept.values().map(|it| it.octets).sum();
            assert_eq!(drawers.octets, sum);
            [0, 1, 2, 3].map(|number| drawers.kept.contains_key(&number))
        };
        assert_eq!(kept(all), [true; 4]);
        assert_eq!(kept(all - 1), [true, false, false, true]);
        assert_eq!(kept(100), [true, false, false, false]);
        // Who uses it still has it; who comes now begins anew.
        assert!(!Arc::ptr_eq(&get(3), used.last().unwrap()));
    }
}
