//! Batches that refer to something in another partition, and backups that must not come between.
//!
//! A backup notes where each log ends, one after the other. A batch that became durable meanwhile could be in
//! it without what it refers to. So such batches wait while the ends are noted, and that waits for those
//! that are on their way.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Where they pass.
#[derive(Debug)]
pub(crate) struct Crossing {
    /// How many are on their way.
    passing: Mutex<usize>,
    /// One of these has come to its end.
    passed: Condvar,
    /// Whether nobody may set out. Changed with `passing` locked.
    closed: watch::Sender<bool>,
}

impl Default for Crossing {
    fn default() -> Self {
        Self {
            passing: Mutex::default(),
            passed: Condvar::new(),
            closed: watch::Sender::new(false),
        }
    }
}

/// On its way until it is dropped. Nobody may have two.
#[derive(Debug)]
pub(crate) struct Passing<'a>(&'a Crossing);

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        *self.0.passing() -= 1;
        self.0.passed.notify_all();
    }
}

impl Crossing {
    /// Sets out, once that may be.
    pub(crate) async fn pass(&self) -> Passing<'_> {
        loop {
            {
                let mut passing = self.passing();
                if !*self.closed.borrow() {
                    *passing += 1;
                    return Passing(self);
                }
            }
            let mut closed = self.closed.subscribe();
            // Can't fail: the sender lives in `self`.
            let _ = closed.wait_for(|closed| !closed).await;
        }
    }

    /// Does something while nobody is on the way. Waits: call it on a thread that may.
    pub(crate) fn alone<T>(&self, act: impl FnOnce() -> T) -> T {
        /// Opens it again, also if what was done panics.
        struct Open<'a>(&'a Crossing);
        impl Drop for Open<'_> {
            fn drop(&mut self) {
                let _passing = self.0.passing();
                self.0.closed.send_replace(false);
            }
        }
        let mut passing = self.passing();
        while self.closed.send_replace(true) {
            // Somebody else is alone: `passed` tells of that, too.
            passing = self.wait(passing);
        }
        let open = Open(self);
        while *passing > 0 {
            passing = self.wait(passing);
        }
        drop(passing);
        let done = act();
        drop(open);
        self.passed.notify_all();
        done
    }

    fn wait<'a>(&self, passing: MutexGuard<'a, usize>) -> MutexGuard<'a, usize> {
        self.passed
            .wait(passing)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn passing(&self) -> MutexGuard<'_, usize> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn nobody_passes_while_somebody_is_alone() {
        let crossing = Crossing::default();
        let (inside, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let passing = crate::tests::run(crossing.pass());
                        inside.fetch_add(1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(passing);
                    }
                    ended.fetch_add(1, Ordering::SeqCst);
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        crossing.alone(|| assert_eq!(inside.load(Ordering::SeqCst), 0));
                    }
                });
            }
        });
        assert_eq!(ended.load(Ordering::SeqCst), 3);
    }
}
