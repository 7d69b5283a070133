//! Who is connected to a server, and how it is told to end a connection.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

/// The connections of a server. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Sessions(Arc<Mutex<Open>>);

#[derive(Debug, Default)]
struct Open {
    /// Numbers are given once.
    last: u64,
    connected: BTreeMap<u64, Connected>,
}

/// A connection.
#[derive(Debug, Clone)]
pub struct Connected {
    /// Its number, given once by a server.
    pub id: u64,
    /// What is spoken: `imap`, `lmtp`.
    pub protocol: &'static str,
    /// Where the client is; `None`: a Unix socket.
    pub address: Option<IpAddr>,
    /// Since when.
    pub since: Instant,
    /// The account that has logged in.
    pub user: Option<Arc<str>>,
    /// The administrator who it really is.
    pub by: Option<Arc<str>>,
    end: Arc<Notify>,
}

/// A connection among those that are known; dropped, it is gone.
#[derive(Debug)]
pub struct Presence {
    sessions: Sessions,
    id: u64,
    end: Arc<Notify>,
}

impl Sessions {
    fn open(&self) -> MutexGuard<'_, Open> {
        // The map is whole between any two of its operations.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection has begun.
    #[must_use]
    pub fn enter(&self, protocol: &'static str, address: Option<IpAddr>) -> Presence {
        let end = Arc::new(Notify::new());
        let mut open = self.open();
        open.last += 1;
        let id = open.last;
        let connected = Connected {
            id,
            protocol,
            address,
            since: Instant::now(),
            user: None,
            by: None,
            end: Arc::clone(&end),
        };
        open.connected.insert(id, connected);
        drop(open);
        let sessions = self.clone();
        Presence { sessions, id, end }
    }

    /// Every connection, in the order in which they began.
    #[must_use]
    pub fn every(&self) -> Vec<Connected> {
        self.open().connected.values().cloned().collect()
    }

    /// An account has another name: its sessions go by that.
    pub fn renamed(&self, account: &str, new: &str) {
        let new: Arc<str> = new.into();
        for connected in self.open().connected.values_mut() {
            if connected.user.as_deref() == Some(account) {
                connected.user = Some(Arc::clone(&new));
            }
        }
    }

    /// Has every session of an account ended.
    pub fn end_those_of(&self, account: &str) {
        for connected in self.open().connected.values() {
            if connected.user.as_deref() == Some(account) {
                connected.end();
            }
        }
    }
}

impl Connected {
    /// Has it ended: once its command is done, its client is told.
    pub fn end(&self) {
        self.end.notify_one();
    }
}

impl Presence {
    /// Who has logged in, and who that really is; nobody, any more or yet.
    pub fn belongs_to(&self, user: Option<&str>, by: Option<&str>) {
        if let Some(connected) = self.sessions.open().connected.get_mut(&self.id) {
            connected.user = user.map(Into::into);
            connected.by = by.map(Into::into);
        }
    }

    /// Waits until it is to end. Cancel-safe.
    pub async fn ended(&self) {
        self.end.notified().await;
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.sessions.open().connected.remove(&self.id);
    }
}
