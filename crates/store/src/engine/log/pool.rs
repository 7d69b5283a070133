//! A few threads for what has to wait for a device, so that no caller's thread does.

use std::{
    collections::VecDeque,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use crate::error::Error;

const THREADS: usize = 4;

type Job = Box<dyn FnOnce() + Send>;

/// The threads; they end when the pool is dropped.
#[derive(Debug)]
pub(crate) struct Pool {
    /// `None` if there are none: then who asks does it.
    desk: Option<Arc<Desk>>,
}

/// Where jobs wait for threads, and threads for jobs.
#[derive(Debug, Default)]
struct Desk {
    waiting: Mutex<Waiting>,
    come: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Threads that have nothing to do: only they have to be woken.
    idle: usize,
    stop: bool,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn start() -> std::io::Result<Self> {
        // Those that have been started end with it, if another can't be.
        let pool = Self {
            desk: Some(Arc::default()),
        };
        for number in 0..THREADS {
            let Some(desk) = pool.desk.clone() else { break };
            thread::Builder::new()
                .name(format!("store-read-{number}"))
                .spawn(move || {
                    while let Some(job) = desk.next() {
                        // The one who waits is told by the channel that the job drops.
                        let _ = catch_unwind(AssertUnwindSafe(job));
                    }
                })?;
        }
        Ok(pool)
    }

    /// A pool of no threads: every job is done where it is asked for.
    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        Self { desk: None }
    }

    /// Runs a job on one of the threads. Cancelled, the job runs all the same.
    ///
    /// # Errors
    /// The job's; [`Error::OutOfService`] if the pool has stopped or the job panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let Some(desk) = &self.desk else {
            return job();
        };
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody waits any more: then nobody wants it.
            let _ = answer.send(job());
        });
        let gone = || Error::OutOfService("its threads have stopped".into());
        desk.give(job);
        result.await.map_err(|_| gone())?
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(desk) = &self.desk {
            desk.waiting().stop = true;
            desk.come.notify_all();
        }
    }
}

impl Desk {
    fn give(&self, job: Job) {
        let mut waiting = self.waiting();
        waiting.jobs.push_back(job);
        let sleeps = waiting.idle > 0;
        // Whoever is woken would wait for the lock first.
        drop(waiting);
        if sleeps {
            self.come.notify_one();
        }
    }

    /// The next job; `None` when there will be none.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.stop {
                return None;
            }
            waiting.idle += 1;
            let woken = self.come.wait(waiting);
            waiting = woken.unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("jobs", &self.jobs.len())
            .field("idle", &self.idle)
            .finish_non_exhaustive()
    }
}
