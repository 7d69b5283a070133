//! How many connections there are, in all and by account.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use admin::{Presence, Sessions};
use tokio::sync::watch;

/// Counts connections and holds them to their limits.
#[derive(Debug)]
pub(crate) struct Seats {
    live: watch::Sender<usize>,
    live_max: usize,
    by_account: Mutex<HashMap<Arc<str>, usize>>,
    by_account_max: usize,
    sessions: Sessions,
}

/// A connection's place; gives it back when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    account: Option<Arc<str>>,
}

/// There is no place left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crowded;

impl Seats {
    pub(crate) fn new(live_max: usize, by_account_max: usize, sessions: Sessions) -> Arc<Self> {
        Arc::new(Self {
            live: watch::Sender::new(0),
            live_max,
            by_account: Mutex::default(),
            by_account_max,
            sessions,
        })
    }

    /// A place for a new connection.
    pub(crate) fn take(self: &Arc<Self>) -> Result<Seat, Crowded> {
        let taken = self.live.send_if_modified(|live| {
            let free = *live < self.live_max;
            *live += usize::from(free);
            free
        });
        if !taken {
            return Err(Crowded);
        }
        Ok(Seat {
            seats: Arc::clone(self),
            account: None,
        })
    }

    /// Waits until there are no connections.
    pub(crate) async fn empty(&self) {
        // The sender is ours, so the channel can't be closed.
        let _ = self.live.subscribe().wait_for(|live| *live == 0).await;
    }

    /// Connections now.
    pub(crate) fn live(&self) -> usize {
        *self.live.borrow()
    }

    fn by_account(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        // A count can't be left half-changed.
        self.by_account
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Tells administrators of the connection, from now until that is dropped.
    pub(crate) fn enter(&self, protocol: &'static str, address: Option<IpAddr>) -> Presence {
        self.seats.sessions.enter(protocol, address)
    }

    /// The account that the connection belongs to, once it has logged in.
    pub(crate) fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// The connection has logged in: counts it for that account.
    pub(crate) fn belongs_to(&mut self, account: &str) -> Result<(), Crowded> {
        self.release();
        let mut by_account = self.seats.by_account();
        let name = match by_account.get_key_value(account) {
            Some((_, count)) if *count >= self.seats.by_account_max => return Err(Crowded),
            Some((name, _)) => Arc::clone(name),
            None => account.into(),
        };
        *by_account.entry(Arc::clone(&name)).or_default() += 1;
        drop(by_account);
        self.account = Some(name);
        Ok(())
    }

    /// The connection belongs to no account any more, or does not yet.
    pub(crate) fn release(&mut self) {
        let Some(account) = self.account.take() else {
            return;
        };
        let mut by_account = self.seats.by_account();
        if let Some(count) = by_account.get_mut(&account) {
            *count -= 1;
            if *count == 0 {
                by_account.remove(&account);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.release();
        self.seats.live.send_modify(|live| *live -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_counted_in_all_and_by_account_and_given_back() {
        let seats = Seats::new(3, 2, Sessions::default());
        let [mut a, mut b, mut c] = [(); 3].map(|()| seats.take().unwrap());
        assert_eq!(seats.take().map(|_| ()), Err(Crowded));
        assert_eq!(a.belongs_to("ann"), Ok(()));
        assert_eq!(b.belongs_to("ann"), Ok(()));
        assert_eq!(c.belongs_to("ann"), Err(Crowded));
        assert_eq!(c.belongs_to("bob"), Ok(()));
        drop(a);
        assert_eq!(c.belongs_to("ann"), Ok(()));
        assert!(!seats.by_account().contains_key("bob"));
        drop((b, c));
        assert_eq!(seats.live(), 0);
        assert!(seats.by_account().is_empty());
    }
}
