//! What the sessions of a seeded history do, one operation after the other in the same order
//! each time.

use std::{collections::BTreeMap, sync::Arc};

use fastrand::Rng;

use super::super::{clock, name};
use crate::{
    Account, AccountId, Arrival, CompactOptions, Error, FlagAction, FlagChange, Flags, MailboxId,
    MetadataLimits, Received, Snapshot, Store, SystemFlags, Uid,
    engine::{
        Engine,
        log::{
            Log,
            hand::{Hand, Task},
            sim::SimDisk,
        },
    },
    metadata::Entry,
    past::{Mode, Retention},
};

pub(super) const ACCOUNTS: [AccountId; 3] = [AccountId(0xa), AccountId(0xb), AccountId(0xc)];
const NAMES: [&str; 6] = ["INBOX", "Trash", "a", "a/b", "a/b/c", "d"];
const KEYWORDS: [&str; 3] = ["work", "$Forwarded", "Ärger"];
const SEGMENT_BYTES: u64 = 64 << 10;
/// What compaction says of batches that never were.
const MISSING: &str = "is missing or damaged";

/// What somebody was told: at which step of the film, of which account, the newest state.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) steps: usize,
    pub(super) account: AccountId,
    pub(super) snapshot: Arc<Snapshot>,
}

/// An open store and those who use it.
pub(super) struct World {
    pub(super) disk: SimDisk,
    pub(super) log: Log<SimDisk>,
    hand: Option<Hand<SimDisk>>,
    pub(super) store: Store,
    pub(super) accounts: Vec<Account>,
    pub(super) random: Rng,
    pub(super) told: Vec<Told>,
}

impl World {
    /// Opens the store on a disk, but none of its accounts.
    pub(super) fn open(disk: &SimDisk, seed: u64) -> Result<Self, Error> {
        let (log, hand) = Log::open_by_hand(disk.clone(), SEGMENT_BYTES)?;
        let engine = Engine::Sim(log.clone());
        Ok(Self {
            disk: disk.clone(),
            store: Store::with_engine(engine, 1 << 20, clock),
            log,
            hand: Some(hand),
            accounts: Vec::new(),
            random: Rng::with_seed(seed),
            told: Vec::new(),
        })
    }

    /// Whether it was not closed and could not be opened again.
    pub(super) fn is_open(&self) -> bool {
        self.hand.is_some()
    }

    pub(super) fn engine(&self) -> Engine {
        Engine::Sim(self.log.clone())
    }

    /// Runs tasks side by side, and notes when which states were there to be seen.
    pub(super) fn run<T>(&mut self, tasks: Vec<Task<'_, T>>) -> Vec<T> {
        let Self {
            disk,
            hand,
            accounts,
            told,
            ..
        } = self;
        let hand = hand.as_mut().expect("it is open");
        hand.run(tasks, &mut || look(disk, accounts, told))
    }

    pub(super) fn one<T>(&mut self, task: impl Future<Output = T>) -> T {
        let mut done = self.run(vec![Box::pin(task)]);
        done.pop().expect("one went in")
    }

    /// Opens the accounts; new ones get their first mailboxes.
    pub(super) fn open_accounts(&mut self) -> Result<(), Error> {
        let store = self.store.clone();
        self.accounts.clear();
        for id in ACCOUNTS {
            let account = self.one(store.account(id))?;
            self.accounts.push(account);
        }
        look(&self.disk, &self.accounts, &mut self.told);
        Ok(())
    }

    /// One to four sessions do something at once, or something happens to all.
    pub(super) fn step(&mut self) -> Result<(), Error> {
        match self.random.u8(..40) {
            0 => {
                let store = self.store.clone();
                return self.one(store.checkpoint());
            }
            1 | 2 => self.hand.as_mut().expect("it is open").idle(),
            3 => {
                // Nobody uses them any more: they are read anew.
                self.store = Store::with_engine(self.engine(), 1 << 20, clock);
                return self.open_accounts();
            }
            4 => return self.reopen(),
            5 => return self.compact(),
            _ => {}
        }
        let mut tasks: Vec<Task<'_, Result<(), Error>>> = Vec::new();
        for _ in 0..self.random.usize(1..=4) {
            let (store, accounts) = (self.store.clone(), self.accounts.clone());
            let random = self.random.fork();
            tasks.push(Box::pin(session(store, accounts, random)));
        }
        if self.random.u8(..16) == 0 {
            let store = self.store.clone();
            tasks.push(Box::pin(async move { store.checkpoint().await }));
        }
        self.run(tasks).into_iter().collect()
    }

    /// What is gone goes for good: it has been for long.
    fn compact(&mut self) -> Result<(), Error> {
        let store = self.store.clone();
        let options = CompactOptions {
            mode: Mode::Do,
            now: clock().unix + 100_000,
            retention: Retention { deleted_seconds: 0 },
            rate: None,
        };
        let compacted = self.one(async move { store.compact(options, &mut |_| {}).await })?;
        // Where a tear looked like damage, an account's past is kept as it is.
        let said = compacted.kept.iter().map(|kept| &*kept.what);
        let unsaid: Vec<_> = said.filter(|what| !what.ends_with(MISSING)).collect();
        assert!(unsaid.is_empty(), "{unsaid:?}");
        Ok(())
    }

    /// Closes everything and opens it again.
    pub(super) fn reopen(&mut self) -> Result<(), Error> {
        self.accounts.clear();
        let hand = self.hand.take().expect("it is open");
        let closed = hand.close(&self.log);
        let again = Self::open(&self.disk, self.random.u64(..))?;
        (self.log, self.hand, self.store) = (again.log, again.hand, again.store);
        closed?;
        self.open_accounts()
    }
}

/// Notes what has become visible.
fn look(disk: &SimDisk, accounts: &[Account], told: &mut Vec<Told>) {
    for account in accounts {
        let snapshot = account.snapshot();
        let last = told.iter().rev().find(|it| it.account == account.id());
        if last.is_none_or(|last| last.snapshot.mod_seq() < snapshot.mod_seq()) {
            told.push(Told {
                steps: disk.steps(),
                account: account.id(),
                snapshot,
            });
        }
    }
}

/// The newest that was told of each account, of what was told up to a step.
pub(super) fn newest(told: &[Told], steps: usize) -> BTreeMap<AccountId, Arc<Snapshot>> {
    let told = told.iter().take_while(|told| told.steps <= steps);
    told.map(|told| (told.account, Arc::clone(&told.snapshot)))
        .collect()
}

/// One session's next command. What is refused because of the state of the mailboxes is fine.
async fn session(store: Store, accounts: Vec<Account>, mut random: Rng) -> Result<(), Error> {
    let account = &accounts[random.usize(..accounts.len())];
    let done = match random.u8(..20) {
        0..4 => deliver(&store, &accounts, &mut random).await,
        4..7 => append(&store, account, &mut random).await,
        7..11 => flags(account, &mut random).await,
        11..14 => copy_or_move(account, &mut random).await,
        14..16 => expunge(account, &mut random).await,
        _ => mailboxes(account, &mut random).await,
    };
    match done {
        Err(
            Error::NoSuchMailbox
            | Error::AlreadyExists
            | Error::NotPermitted(_)
            | Error::InvalidName(_)
            | Error::RoleTaken,
        ) => Ok(()),
        done => done,
    }
}

async fn receive(store: &Store, random: &mut Rng) -> Result<Received, Error> {
    let length = match random.u8(..40) {
        0 => 140_000,
        1..4 => 9000,
        _ => random.usize(..500),
    };
    let (id, about) = (random.u32(..100), random.u32(..100));
    let mut octets =
        format!("Message-ID: <{id}@example>\r\nReferences: <{about}@example>\r\n\r\n").into_bytes();
    octets.resize_with(octets.len() + length, || random.u8(b'a'..=b'z'));
    let mut incoming = store.receive().await?;
    for piece in octets.chunks(50_000) {
        incoming.write(piece).await?;
    }
    incoming.finish().await
}

async fn arrival(store: &Store, random: &mut Rng) -> Result<Arrival, Error> {
    Ok(Arrival {
        message: receive(store, random).await?,
        trace: b"Delivered-To: somebody\r\n".to_vec(),
        flags: some_flags(random),
        internal_date: None,
    })
}

fn some_flags(random: &mut Rng) -> Flags {
    Flags {
        system: SystemFlags(random.u8(..32)),
        keywords: KEYWORDS
            .into_iter()
            .filter(|_| random.u8(..4) == 0)
            .map(Into::into)
            .collect(),
    }
}

fn any_mailbox(account: &Account, random: &mut Rng) -> MailboxId {
    let snapshot = account.snapshot();
    let ids: Vec<_> = snapshot.mailboxes.keys().copied().collect();
    ids[random.usize(..ids.len())]
}

fn some_uids(account: &Account, mailbox: MailboxId, random: &mut Rng) -> Vec<Uid> {
    let snapshot = account.snapshot();
    let next = snapshot.mailbox(mailbox).map_or(1, |it| it.uid_next().0);
    (1..=next)
        .filter(|_| random.u8(..3) == 0)
        .map(Uid)
        .collect()
}

/// A message for one, two or all.
async fn deliver(store: &Store, accounts: &[Account], random: &mut Rng) -> Result<(), Error> {
    let arrival = arrival(store, random).await?;
    for account in accounts {
        if random.bool() {
            let inbox = account.snapshot().named(&name("INBOX")).map(|it| it.id());
            let inbox = inbox.ok_or(Error::NoSuchMailbox)?;
            account.append(inbox, vec![arrival.clone()]).await?;
        }
    }
    Ok(())
}

async fn append(store: &Store, account: &Account, random: &mut Rng) -> Result<(), Error> {
    let mut arrivals = Vec::new();
    for _ in 0..random.usize(1..4) {
        arrivals.push(arrival(store, random).await?);
    }
    let mailbox = any_mailbox(account, random);
    account.append(mailbox, arrivals).await.map(drop)
}

async fn flags(account: &Account, random: &mut Rng) -> Result<(), Error> {
    let mailbox = any_mailbox(account, random);
    let actions = [FlagAction::Replace, FlagAction::Add, FlagAction::Remove];
    let change = FlagChange {
        action: actions[random.usize(..3)],
        flags: some_flags(random),
        unchanged_since: random.bool().then(|| account.snapshot().mod_seq()),
    };
    let uids = some_uids(account, mailbox, random);
    account.store(mailbox, &uids, &change).await.map(drop)
}

async fn copy_or_move(account: &Account, random: &mut Rng) -> Result<(), Error> {
    let from = any_mailbox(account, random);
    let to = any_mailbox(account, random);
    let uids = some_uids(account, from, random);
    if random.bool() {
        account.copy(from, &uids, to).await.map(drop)
    } else {
        account.move_to(from, &uids, to).await.map(drop)
    }
}

async fn expunge(account: &Account, random: &mut Rng) -> Result<(), Error> {
    let mailbox = any_mailbox(account, random);
    let uids = some_uids(account, mailbox, random);
    let among = random.bool().then_some(uids);
    account.expunge(mailbox, among.as_deref()).await.map(drop)
}

async fn mailboxes(account: &Account, random: &mut Rng) -> Result<(), Error> {
    let mut any = || name(NAMES[random.usize(..NAMES.len())]);
    let (this, other) = (any(), any());
    match random.u8(..8) {
        0 | 1 => account.create(&this, None).await.map(drop),
        2 => account.delete(&this).await,
        3 => account.rename(&this, &other).await,
        4 => account.subscribe(&this).await,
        5 | 6 => metadata(account, random).await,
        _ => account.unsubscribe(&this).await,
    }
}

async fn metadata(account: &Account, random: &mut Rng) -> Result<(), Error> {
    let mailbox = random.bool().then(|| any_mailbox(account, random));
    let owner = random.bool().then_some(ACCOUNTS[1]);
    let entries = ["/private/comment", "/shared/comment"].map(|name| Entry {
        name: name.into(),
        value: (random.u8(..3) > 0).then(|| vec![random.u8(..3); random.usize(..2000)].into()),
    });
    let limits = MetadataLimits::default();
    let set = account.set_metadata(mailbox, owner, &entries, limits);
    set.await.map(drop)
}
