//! A few threads for what has to wait for a device, so that no caller's thread does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
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
    jobs: Option<Mutex<mpsc::Sender<Job>>>,
}

impl Pool {
    /// Starts the threads.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn start() -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..THREADS {
            let waiting = Arc::clone(&waiting);
            thread::Builder::new()
                .name(format!("store-read-{number}"))
                .spawn(move || {
                    loop {
                        let job = waiting
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .recv();
                        let Ok(job) = job else { return };
                        // The one who waits is told by the channel that the job drops.
                        let _ = catch_unwind(AssertUnwindSafe(job));
                    }
                })?;
        }
        Ok(Self {
            jobs: Some(Mutex::new(jobs)),
        })
    }

    /// A pool of no threads: every job is done where it is asked for.
    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        Self { jobs: None }
    }

    /// Runs a job on one of the threads. Cancelled, the job runs all the same.
    ///
    /// # Errors
    /// The job's; [`Error::OutOfService`] if the pool has stopped or the job panicked.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let Some(jobs) = &self.jobs else {
            return job();
        };
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Nobody waits any more: then nobody wants it.
            let _ = answer.send(job());
        });
        let gone = || Error::OutOfService("its threads have stopped".into());
        {
            let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.send(job).map_err(|_| gone())?;
        }
        result.await.map_err(|_| gone())?
    }
}
