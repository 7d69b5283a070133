//! Where a chunk of a mailbox is: in memory because nothing else has it, or in the checkpoint,
//! and then in memory only while somebody needs it.
//!
//! States that are older than the checkpoint have chunks of it too, and may not have read them yet. So a chunk that
//! is replaced by another, which the next checkpoint writes in its place, stays in memory from then on, as long as any
//! state has it: what is not in memory is what the checkpoint has.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// One chunk that never changes: all states of a mailbox that have it share the cell, and so
/// find it in memory if any of their users does.
#[derive(Debug)]
pub(crate) struct Cell<T> {
    held: Mutex<Held<T>>,
}

#[derive(Debug)]
enum Held<T> {
    /// Nothing else has it yet.
    Here(Arc<T>),
    /// The checkpoint has it.
    Kept(Weak<T>),
    /// A newer state has another in its place. The checkpoint may have this one now, and will not have it then.
    Replaced(Arc<T>),
}

impl<T: Default> Default for Cell<T> {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

impl<T> Cell<T> {
    /// A chunk that only this has.
    pub(crate) fn new(chunk: Arc<T>) -> Self {
        Self {
            held: Mutex::new(Held::Here(chunk)),
        }
    }

    /// A chunk that the checkpoint has.
    pub(crate) fn kept() -> Self {
        Self {
            held: Mutex::new(Held::Kept(Weak::new())),
        }
    }

    /// The chunk, if it is in memory. Hold it: it may not be the next time.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        match &*self.held() {
            Held::Here(chunk) | Held::Replaced(chunk) => Some(Arc::clone(chunk)),
            Held::Kept(chunk) => chunk.upgrade(),
        }
    }

    /// The chunk was read; gives the one that everybody has from now on.
    pub(crate) fn fill(&self, read: Arc<T>) -> Arc<T> {
        let mut held = self.held();
        match &mut *held {
            Held::Here(chunk) | Held::Replaced(chunk) => Arc::clone(chunk),
            Held::Kept(chunk) => chunk.upgrade().unwrap_or_else(|| {
                *chunk = Arc::downgrade(&read);
                read
            }),
        }
    }

    /// The checkpoint does not have it after all, and here it is.
    pub(crate) fn restore(&self, chunk: Arc<T>) {
        let mut held = self.held();
        if let Held::Kept(_) = &*held {
            *held = Held::Here(chunk);
        }
    }

    /// A newer state has another in its place, or nothing. Whoever made that holds this.
    pub(crate) fn replaced(&self) {
        let mut held = self.held();
        let chunk = match &*held {
            Held::Here(chunk) => Some(Arc::clone(chunk)),
            Held::Kept(chunk) => chunk.upgrade(),
            Held::Replaced(_) => None,
        };
        if let Some(chunk) = chunk {
            *held = Held::Replaced(chunk);
        }
    }

    /// The checkpoint has it now: it goes when nobody needs it any more.
    pub(crate) fn keep(&self) {
        let mut held = self.held();
        if let Held::Here(chunk) = &*held {
            let kept = Arc::downgrade(chunk);
            *held = Held::Kept(kept);
        }
    }

    /// The chunk, to be changed: a cell that others share, or that the checkpoint has, is replaced
    /// by one with what `copy` makes. `None` if it is not in memory.
    pub(crate) fn make_mut(this: &mut Arc<Self>, copy: impl FnOnce(&T) -> T) -> Option<&mut T> {
        let alone = Arc::get_mut(this)
            .and_then(Self::here)
            .is_some_and(|chunk| Arc::get_mut(chunk).is_some());
        if !alone {
            let chunk = this.get()?;
            this.replaced();
            *this = Arc::new(Self::new(Arc::new(copy(&chunk))));
        }
        Arc::get_mut(this)
            .and_then(Self::here)
            .and_then(Arc::get_mut)
    }

    fn here(&mut self) -> Option<&mut Arc<T>> {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        match held {
            Held::Here(chunk) => Some(chunk),
            Held::Kept(_) | Held::Replaced(_) => None,
        }
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        // Each of its changes is one assignment.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_checkpoint_has_goes_with_its_last_user() {
        let cell = Cell::new(Arc::new(1));
        assert!(cell.get().is_some(), "nothing else has it");
        let user = cell.get().unwrap();
        cell.keep();
        assert_eq!(cell.get().as_deref(), Some(&1));
        drop(user);
        assert_eq!(cell.get(), None);
        let user = cell.fill(Arc::new(1));
        let same = cell.fill(Arc::new(1));
        assert!(Arc::ptr_eq(&user, &same), "all share what was read first");
        drop((user, same));
        assert_eq!(cell.get(), None);
        cell.restore(Arc::new(1));
        assert!(cell.get().is_some());
    }

    #[test]
    fn what_is_shared_or_kept_is_copied_to_be_changed() {
        let mut cell = Arc::new(Cell::new(Arc::new(1)));
        *Cell::make_mut(&mut cell, |_| unreachable!("nobody else has it")).unwrap() = 2;
        let old = Arc::clone(&cell);
        *Cell::make_mut(&mut cell, |n| *n).unwrap() = 3;
        assert_eq!((*old.get().unwrap(), *cell.get().unwrap()), (2, 3));
        let user = cell.get();
        cell.keep();
        *Cell::make_mut(&mut cell, |n| *n).unwrap() = 4;
        assert_eq!((*user.unwrap(), *cell.get().unwrap()), (3, 4));
        cell.keep();
        assert_eq!(Cell::make_mut(&mut cell, |n| *n), None, "it has to be read");
    }

    #[test]
    fn what_was_replaced_stays_for_older_states() {
        let mut cell = Arc::new(Cell::kept());
        let old = Arc::clone(&cell);
        let read = cell.fill(Arc::new(1));
        *Cell::make_mut(&mut cell, |n| *n).unwrap() = 2;
        drop(read);
        assert_eq!(
            old.get().as_deref(),
            Some(&1),
            "its octets are written over"
        );
        // It was being written while it was replaced.
        old.keep();
        assert_eq!(old.get().as_deref(), Some(&1));
        cell.keep();
        assert_eq!(cell.get(), None, "what was written last can be read");
    }
}
