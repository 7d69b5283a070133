//! Conversations of several sessions on one store in memory.

mod contexts;
mod conversations;
mod rights;
mod room;
mod urlauth;
mod view;

use std::sync::Arc;

use store::{Account, AccountId, Arrival, Flags, MailboxId, MailboxName, Options, Store, Uid};

use auth::{Identity, directory::Roles};

use super::{Session, Settings, Suppressed, reach::Reach, state::State, state::User};
use crate::{Gone, Limits, Next, Outlet, Peer, Services};

/// What a session writes, kept.
#[derive(Debug, Default)]
pub(super) struct Sink {
    buffer: Vec<u8>,
    sent: Vec<u8>,
}

impl Outlet for Sink {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.sent.append(&mut self.buffer);
        Ok(())
    }
}

/// One client, logged in.
pub(super) struct Client {
    session: Session,
    sink: Sink,
    /// What the session wants of its driver.
    next: Next,
}

/// A store with one account.
pub(super) struct World {
    store: Store,
    pub(super) account: Account,
    pub(super) users: Arc<auth::Directory>,
    /// Where `users` has its file.
    _directory: tempfile::TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let store = Store::open(Options {
            directory: None,
            message_bytes_max: 1000,
            clock: store::clock::system,
        })
        .await
        .unwrap();
        let account = store.account(AccountId(1)).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("accounts.toml");
        let users = auth::Directory::open(file, Vec::new()).unwrap();
        Self {
            store,
            account,
            users: Arc::new(users),
            _directory: directory,
        }
    }

    /// With so many messages in INBOX.
    pub(super) async fn with_messages(count: usize) -> Self {
        let world = Self::new().await;
        world.deliver(count).await;
        world
    }

    pub(super) fn inbox(&self) -> MailboxId {
        let snapshot = self.account.snapshot();
        snapshot.named(&MailboxName::inbox()).unwrap().id()
    }

    pub(super) async fn deliver(&self, count: usize) -> Vec<Uid> {
        let mut uids = Vec::new();
        for _ in 0..count {
            uids.push(self.deliver_to(&self.account, self.inbox()).await);
        }
        uids
    }

    /// A message comes for any account.
    pub(super) async fn deliver_to(&self, account: &Account, mailbox: MailboxId) -> Uid {
        let mut incoming = self.store.receive().await.unwrap();
        incoming.write(b"Subject: x\r\n\r\n").await.unwrap();
        let arrival = Arrival {
            message: incoming.finish().await.unwrap(),
            trace: Vec::new(),
            flags: Flags::default(),
            internal_date: None,
        };
        let placed = account.append(mailbox, vec![arrival]).await.unwrap();
        placed.uids[0]
    }

    fn services(&self) -> Services {
        services(&self.store, &self.users)
    }

    /// A client that has not logged in.
    pub(super) fn stranger(&self, peer: Peer) -> Client {
        Client {
            session: Session::new(self.services(), peer),
            sink: Sink::default(),
            next: Next::Wait,
        }
    }

    /// A client that has.
    pub(super) fn client(&self) -> Client {
        let mut client = self.stranger(Peer::default());
        let reach = self.reach("joe", &self.account, "a client");
        client.session.state = State::Authenticated(User {
            name: "joe".into(),
            account: reach.own().clone(),
            reach: reach.into(),
            message_bytes_max: self.store.message_bytes_max(),
            undelete: None,
            site: Arc::default(),
            language: None,
            suppressed: Suppressed::default(),
            home: None,
            remotes: std::sync::Arc::default(),
            progress: std::sync::Arc::default(),
        });
        client
    }

    fn reach(&self, name: &str, account: &Account, by: &str) -> Reach {
        reach(&self.services(), name, (account, by))
    }

    /// A client of somebody else, of a server with these settings.
    pub(super) fn client_of(&self, name: &str, account: &Account, imap: &Arc<Settings>) -> Client {
        let mut client = self.client();
        client.session.services.imap = Arc::clone(imap);
        let reach = self.reach(name, account, "another client");
        if let State::Authenticated(user) = &mut client.session.state {
            user.name = name.into();
            user.account = reach.own().clone();
            user.reach = reach.into();
        }
        client
    }

    /// A client with INBOX selected; what SELECT said is forgotten.
    pub(super) async fn selected(&self) -> Client {
        let mut client = self.client();
        client.says("s SELECT INBOX").await;
        client
    }
}

impl Client {
    /// Sends a line; gives what comes back.
    pub(super) async fn says(&mut self, line: &str) -> String {
        self.sends(&format!("{line}\r\n")).await
    }

    /// Sends octets as they are; gives what comes back.
    pub(super) async fn sends(&mut self, octets: &str) -> String {
        self.next = self
            .session
            .receive(octets.into(), &mut self.sink)
            .await
            .unwrap();
        self.heard().await
    }

    /// What the session tells an idling client now.
    pub(super) async fn hears(&mut self) -> String {
        self.session.tell(&mut self.sink).await.unwrap();
        self.heard().await
    }

    async fn heard(&mut self) -> String {
        self.sink.flush().await.unwrap();
        String::from_utf8(std::mem::take(&mut self.sink.sent)).unwrap()
    }
}

/// What sessions work with.
pub(super) fn services(store: &Store, users: &Arc<auth::Directory>) -> Services {
    Services {
        store: store.clone(),
        auth: auth::Authenticator::new(Arc::clone(users)),
        limits: Limits {
            bad_commands_max: 3,
            ..Limits::default()
        },
        hostname: "mail.example".into(),
        plaintext_login: false,
        undelete: Some(store::past::Retention::default()),
        imap: Arc::default(),
        lmtp: Arc::default(),
        site: Arc::default(),
    }
}

/// What the owner of an account comes to.
pub(super) fn reach(services: &Services, name: &str, (account, by): (&Account, &str)) -> Reach {
    let identity = Identity {
        name: name.into(),
        account: account.id().0,
        language: None,
        suppressed: Arc::default(),
        home: None,
        remote_mailboxes: Arc::default(),
        domain: "".into(),
        groups: Arc::default(),
        roles: Roles::default(),
        by: None,
    };
    Reach::new(services, &identity, (account.clone(), by.to_owned()))
}

/// Runs a test. Nothing in a session waits for anything but the store.
pub(super) fn run(test: impl Future<Output = ()> + Send) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(test);
}
