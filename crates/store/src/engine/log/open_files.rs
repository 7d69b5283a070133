//! How many files of segments stay open: a log of a terabyte has thousands of them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use arc_swap::ArcSwapOption;

/// Files that stay open though nobody reads them.
const OPEN_MAX: usize = 64;

/// A file, if it is open.
pub(crate) type Cell<F> = Arc<ArcSwapOption<F>>;

/// Files that are open to be read. When there are too many, the one that was opened first is closed,
/// as soon as nobody reads it any more.
#[derive(Debug)]
pub(crate) struct OpenFiles<F> {
    recent: Mutex<VecDeque<Weak<ArcSwapOption<F>>>>,
}

impl<F> OpenFiles<F> {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            recent: Mutex::default(),
        })
    }

    /// One has been opened.
    pub(crate) fn note(&self, cell: &Cell<F>) {
        let oldest = {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.push_back(Arc::downgrade(cell));
            let too_many = recent.len() > OPEN_MAX;
            too_many.then(|| recent.pop_front()).flatten()
        };
        if let Some(cell) = oldest.and_then(|cell| cell.upgrade()) {
            cell.store(None);
        }
    }
}

#[test]
fn the_first_opened_is_closed_when_nobody_reads_it() {
    let files = OpenFiles::new();
    let cells: Vec<Cell<usize>> = (0..OPEN_MAX * 2)
        .map(|n| {
            let cell: Cell<usize> = Arc::new(ArcSwapOption::from_pointee(n));
            files.note(&cell);
            cell
        })
        .collect();
    let open = |cell: &&Cell<usize>| cell.load().is_some();
    assert_eq!(cells.iter().filter(open).count(), OPEN_MAX);
    let read = cells.last().and_then(|cell| cell.load_full());
    for cell in &cells {
        files.note(cell);
    }
    assert_eq!(read.as_deref(), Some(&(OPEN_MAX * 2 - 1)));
}
