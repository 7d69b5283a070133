//! A budget of octets in a second: so that compaction and indexing leave the disk to those who wait
//! for mail.

use std::{
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

/// Waits that are shorter are put together.
const WAIT_MIN: Duration = Duration::from_millis(50);

/// What has been spent of the budget.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Octets in a second.
    rate: Option<u64>,
    /// Up to when what has been read is paid for.
    paid_to: Instant,
}

impl Pace {
    pub(crate) fn new(rate: Option<u64>) -> Self {
        Self {
            rate: rate.filter(|rate| *rate > 0),
            paid_to: Instant::now(),
        }
    }

    /// Octets in a second.
    pub(crate) fn rate(&self) -> Option<u64> {
        self.rate
    }

    /// So many octets have been read: waits if that was too fast.
    pub(crate) async fn spend(&mut self, octets: u64) {
        let Some(rate) = self.rate else {
            return;
        };
        // What was not spent before is not saved up.
        let now = Instant::now();
        #[expect(clippy::cast_precision_loss, reason = "a wait need not be exact")]
        let takes = Duration::from_secs_f64(octets as f64 / rate as f64);
        self.paid_to = self.paid_to.max(now) + takes;
        let wait = self.paid_to.saturating_duration_since(now);
        if wait < WAIT_MIN {
            return;
        }
        let (done, waiting) = oneshot::channel();
        let sleeper = move || {
            thread::sleep(wait);
            // Nobody waits any more: then it was broken off.
            let _ = done.send(());
        };
        // The store knows no runtime, and no timer. Without a thread it does not wait.
        if thread::Builder::new()
            .name("store-pace".into())
            .spawn(sleeper)
            .is_ok()
        {
            let _ = waiting.await;
        }
    }
}
