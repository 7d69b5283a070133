//! A log without threads, turned by hand: for tests that want every operation in the same order
//! each time.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{Log, disk::Disk, files::Partition, pool::Pool, registry, writer::Writer};
use crate::error::Error;

/// What turns the log: its writer.
#[derive(Debug)]
pub(crate) struct Hand<D: Disk> {
    writer: Option<Writer<D>>,
}

/// Something going on.
pub(crate) type Task<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How often nothing may happen before it is a standstill.
const IDLE_TURNS_MAX: usize = 100;

impl<D: Disk> Log<D> {
    /// As [`Log::open`], but nothing is written until it is turned.
    pub(crate) fn open_by_hand(disk: D, segment_bytes: u64) -> Result<(Self, Hand<D>), Error> {
        let disk = Arc::new(disk);
        let registry = registry::open(&*disk)?;
        let first = registry.active().next().cloned();
        let first = first.unwrap_or_else(Partition::first);
        let lease = Self::take(&disk, &first, registry.store)?;
        let how = (segment_bytes, Pool::nobody(), lease);
        let (log, writer) = Self::recover(disk, first, registry.store, how)?;
        let writer = Some(writer);
        Ok((log, Hand { writer }))
    }
}

impl<D: Disk> Hand<D> {
    /// Writes one group, if one waits.
    pub(crate) fn turn(&mut self) -> bool {
        self.writer.as_mut().is_some_and(Writer::turn)
    }

    /// As if nothing had come for a while.
    pub(crate) fn idle(&mut self) {
        if let Some(writer) = &mut self.writer {
            writer.close_group();
        }
    }

    /// Runs some things side by side to their ends: each goes on as far as it can, in their order,
    /// and then what waits is written.
    /// `look` is called after each group.
    pub(crate) fn run<T>(&mut self, tasks: Vec<Task<'_, T>>, look: &mut dyn FnMut()) -> Vec<T> {
        let mut tasks: Vec<_> = tasks.into_iter().map(Some).collect();
        let mut done: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
        let mut context = Context::from_waker(Waker::noop());
        let mut idle = 0;
        while done.iter().any(Option::is_none) {
            for (task, done) in tasks.iter_mut().zip(&mut done) {
                let polled = task.as_mut().map(|task| task.as_mut().poll(&mut context));
                if let Some(Poll::Ready(value)) = polled {
                    (*task, *done) = (None, Some(value));
                }
            }
            idle = if self.turn() { 0 } else { idle + 1 };
            look();
            assert!(idle < IDLE_TURNS_MAX, "nothing goes on any more");
        }
        done.into_iter().flatten().collect()
    }

    /// Closes the log as [`Log::close`] does.
    pub(crate) fn close(mut self, log: &Log<D>) -> Result<(), Error> {
        log.shared().stop();
        if let Some(writer) = self.writer.take() {
            writer.run();
        }
        let mut closed = self.run(vec![Box::pin(log.close())], &mut || {});
        closed.pop().unwrap_or(Ok(()))
    }
}

impl<D: Disk> Writer<D> {
    fn turn(&mut self) -> bool {
        let shared = self.shared();
        if !shared.is_due() {
            return false;
        }
        if let Some(group) = shared.next_group(Some(Duration::ZERO)) {
            self.take(group);
        }
        true
    }
}
