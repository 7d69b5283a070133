//! Delivery: one message into the mailboxes of all its recipients.
//!
//! All appends are under way before the first is waited for, so that one
//! group commit serves everybody. What fails for one recipient is that recipient's
//! reply and nobody else's.

use std::{future::poll_fn, pin::Pin, task::Poll};

use store::{AccountId, Arrival, Error, Flags, MailboxId, MailboxName, Received, Snapshot, Store};

use crate::destination::Destination;

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
}

/// A message to deliver.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    /// Where to.
    pub(super) store: &'a Store,
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
        let (id, user) = (&*self.trace.id, &*to.destination.identity.name);
        match self.append(to).await {
            Ok(mailbox) => {
                let octets = self.message.size();
                tracing::info!(id, user, %mailbox, octets, "delivered");
                reply::DELIVERED
            }
            Err(error) => {
                tracing::warn!(id, user, %error, "not delivered");
                refusal(&error)
            }
        }
    }

    /// Appends the message; says where.
    async fn append(&self, to: &Accepted) -> Result<MailboxName, Error> {
        let account = self
            .store
            .account(AccountId(to.destination.identity.account))
            .await?;
        let account = account.acting(&self.trace.by);
        let snapshot = account.snapshot();
        let inbox = MailboxName::inbox();
        let arrival = || Arrival {
            message: self.message.clone(),
            trace: self.trace.fields(self.from, &to.path),
            flags: Flags::default(),
            internal_date: None,
        };
        if let Some((name, mailbox)) = to
            .destination
            .detail
            .as_deref()
            .and_then(|d| folder(&snapshot, d))
        {
            match account.append(mailbox, vec![arrival()]).await {
                // Deleted meanwhile: INBOX, then.
                Err(Error::NoSuchMailbox) => {}
                other => return other.map(|_| name),
            }
        }
        let mailbox = snapshot.named(&inbox).ok_or(Error::NoSuchMailbox)?.id();
        account.append(mailbox, vec![arrival()]).await?;
        Ok(inbox)
    }
}

/// The mailbox that a detail names: by its exact name, or else in any case, and also with
/// `.` for `/`, which not every MTA lets into a local part. `None` means INBOX: a
/// sender must not be able to make mailboxes.
fn folder(snapshot: &Snapshot, detail: &str) -> Option<(MailboxName, MailboxId)> {
    let exact = MailboxName::new(detail).ok()?;
    if let Some(mailbox) = snapshot.named(&exact) {
        return Some((exact, mailbox.id()));
    }
    let wanted = exact.as_str().to_lowercase();
    let dotted = wanted.replace('.', "/");
    let find = |wanted: &str| {
        snapshot
            .mailboxes()
            .find(|(name, _)| lower_case(name.as_str()).eq(wanted.chars()))
    };
    let (name, mailbox) = find(&wanted).or_else(|| find(&dotted))?;
    Some((name.clone(), mailbox.id()))
}

fn lower_case(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

/// What a failure of the store means to the client. It hears nothing of the cause.
pub(super) fn refusal(error: &Error) -> Reply {
    match error {
        Error::TooBig(_) => reply::TOO_BIG,
        Error::Full => reply::NO_SPACE,
        Error::Limit(_) | Error::OverQuota { .. } => reply::MAILBOX_LIMIT,
        Error::NoSuchMailbox
        | Error::AlreadyExists
        | Error::NotPermitted(_)
        | Error::NoRight(_)
        | Error::InvalidName(_)
        | Error::RoleTaken
        | Error::OutOfService(_)
        | Error::InUse(_)
        | Error::Corrupt { .. }
        | Error::Io { .. } => reply::STORE_FAILED,
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
