//! Letting others have their turn while a long command runs.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use crate::imap::{progress::Progress, state::User};

/// Steps between turns: some milliseconds.
const STEPS: usize = 50_000;

/// Counts work, and yields now and then.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    steps: usize,
    /// Where is counted what the work is done on, if somebody wants to hear of it.
    progress: Option<Arc<Progress>>,
}

impl Pace {
    /// Of a command of somebody's.
    pub(crate) fn of(user: &User) -> Self {
        Self {
            steps: 0,
            progress: Some(Arc::clone(&user.progress)),
        }
    }

    /// So many messages are to be gone through.
    pub(crate) fn expect(&self, messages: u64) {
        if let Some(progress) = &self.progress {
            progress.expect(u32::try_from(messages).unwrap_or(u32::MAX));
        }
    }

    /// So many more messages have been gone through.
    pub(crate) fn others(&self, messages: usize) {
        if let Some(progress) = &self.progress {
            progress.others(u32::try_from(messages).unwrap_or(u32::MAX));
        }
    }

    /// Some work has been done: `steps` of some ten nanoseconds each.
    pub(crate) async fn worked(&mut self, steps: usize) {
        self.steps = self.steps.saturating_add(steps);
        if self.steps >= STEPS {
            self.steps = 0;
            yield_now().await;
        }
    }
}

/// Gives the executor's other tasks a turn. No runtime is known here, so that
/// this is all there is to it: pending once, and woken at once.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context: &mut Context<'_>| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{pin::pin, task::Waker};

    #[test]
    fn others_get_a_turn_and_it_goes_on() {
        let mut pace = Pace::default();
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(pace.worked(STEPS - 1)).poll(&mut context).is_ready());
        let mut long = pin!(pace.worked(1));
        assert!(long.as_mut().poll(&mut context).is_pending());
        assert!(long.as_mut().poll(&mut context).is_ready());
    }
}
