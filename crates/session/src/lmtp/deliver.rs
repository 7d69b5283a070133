//! Delivery: one message into the mailboxes of all its recipients.
//!
//! All appends are under way before the first is waited for, so that one
//! group commit serves everybody. What fails for one recipient is that recipient's
//! reply and nobody else's.

use std::{future::poll_fn, pin::Pin, task::Poll};

use store::{Arrival, Error, Flags, MailboxName, Received};

use crate::{
    Services,
    destination::{Destination, Obstacle},
};

use super::{
    path::Path,
    reply::{self, Reply},
    trace::Trace,
};

/// Deliveries under way at once. Bounds memory, and what polling them costs.
pub(super) const AT_ONCE: usize = 128;

/// A recipient that was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    /// Where to.
    pub(super) destination: Destination,
    /// As the client wrote it.
    pub(super) path: Path,
    /// No quota holds.
    pub(super) ignore_quota: bool,
}

/// A message to deliver.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    /// The store, and who there is.
    pub(super) services: &'a Services,
    /// The message.
    pub(super) message: &'a Received,
    /// Its trace fields.
    pub(super) trace: &'a Trace,
    /// Its reverse path.
    pub(super) from: &'a Path,
}

impl Delivery<'_> {
    /// Delivers to some recipients; the replies are in their order.
    pub(super) async fn to(&self, recipients: &[Accepted]) -> Vec<Reply> {
        all(recipients.iter().map(|recipient| self.one(recipient))).await
    }

    async fn one(&self, to: &Accepted) -> Reply {
        let (id, user) = (&*self.trace.id, &*to.destination.name);
        match self.append(to).await {
            Ok(mailbox) => {
                let octets = self.message.size();
                tracing::info!(id, user, %mailbox, octets, "delivered");
                reply::DELIVERED
            }
            Err(obstacle) => {
                tracing::warn!(id, user, %obstacle, "not delivered");
                reply::refusal(&obstacle, &self.services.lmtp)
            }
        }
    }

    /// Appends the message; says where.
    async fn append(&self, to: &Accepted) -> Result<MailboxName, Obstacle> {
        let mut tried = None;
        loop {
            let place = to.destination.place(self.services, &self.trace.by).await?;
            let arrival = Arrival {
                message: self.message.clone(),
                trace: self.trace.fields(self.from, &to.path),
                flags: Flags::default(),
                internal_date: None,
            };
            let account = if to.ignore_quota {
                place.account.beyond_quotas()
            } else {
                place.account
            };
            match account.append(place.mailbox, vec![arrival]).await {
                Ok(_) => return Ok(place.name),
                // Deleted meanwhile, or closed to strangers: mail goes elsewhere then, or nowhere.
                Err(Error::NoSuchMailbox | Error::NoRight(_)) if tried != Some(place.mailbox) => {
                    tried = Some(place.mailbox);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Runs futures side by side until all have ended; the results are in their order.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Running<F>> = futures.map(|f| Running::Yet(Box::pin(f))).collect();
    poll_fn(|context| {
        let mut pending = false;
        for one in &mut running {
            if let Running::Yet(future) = one {
                match future.as_mut().poll(context) {
                    Poll::Ready(output) => *one = Running::Ended(output),
                    Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|one| match one {
            Running::Ended(output) => Some(output),
            Running::Yet(_) => None,
        })
        .collect()
}

enum Running<F: Future> {
    Yet(Pin<Box<F>>),
    Ended(F::Output),
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, task::Context};

    use super::*;

    #[test]
    fn all_futures_begin_before_the_first_has_ended() {
        let begun = Cell::new(0);
        let one = |n: u32| {
            let begun = &begun;
            async move {
                begun.set(begun.get() + 1);
                let mut polled = false;
                poll_fn(|_| {
                    if std::mem::replace(&mut polled, true) {
                        return Poll::Ready(());
                    }
                    Poll::Pending
                })
                .await;
                n
            }
        };
        let mut together = Box::pin(all((0..3).map(one)));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(together.as_mut().poll(&mut context).is_pending());
        assert_eq!(begun.get(), 3);
        let Poll::Ready(results) = together.as_mut().poll(&mut context) else {
            panic!("not ready when all are");
        };
        assert_eq!(results, [0, 1, 2]);
    }
}
