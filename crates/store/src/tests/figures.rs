//! Not tests: what things cost in a mailbox of 1,000,000 messages, and among 10,000 mailboxes.
//! `MESSAGES=… MAILBOXES=… cargo test --release -p store --lib figures -- --ignored --nocapture
//! --test-threads 1`; `docs/limits.md` has what came of it.

use std::time::Instant;

use super::*;
use crate::{
    FlagAction, FlagChange, SystemFlags,
    engine::{Engine, EngineOptions},
};

/// Messages that are put at once while a mailbox is filled.
const AT_ONCE: u32 = 500;
/// How often a thing is done whose cost is told.
const TIMES: u32 = 200;

fn from_environment(name: &str, otherwise: u32) -> u32 {
    let set = std::env::var(name).ok().and_then(|n| n.parse().ok());
    set.unwrap_or(otherwise)
}

/// Octets in memory.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

fn in_memory() -> Engine {
    let options = EngineOptions {
        directory: None,
        segment_bytes: EngineOptions::SEGMENT_BYTES,
    };
    run(Engine::open(options)).unwrap()
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begin = Instant::now();
    let value = work.await;
    eprintln!("{what}: {:.1} µs", begin.elapsed().as_secs_f64() * 1e6);
    value
}

/// What one append costs, of messages that have been received.
async fn appends(what: &str, store: &Store, account: &Account, to: MailboxId) {
    let octets = format!("Message-ID: <{what}@y>\r\nSubject: x\r\n\r\ny\r\n");
    let arrival = arrival(store, octets.as_bytes()).await;
    let begin = Instant::now();
    for _ in 0..TIMES {
        account.append(to, vec![arrival.clone()]).await.unwrap();
    }
    let each = begin.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
    eprintln!("append, {what}: {each:.1} µs");
}

/// What one STORE of one message costs.
async fn stores(what: &str, account: &Account, mailbox: MailboxId, messages: u32) {
    let begin = Instant::now();
    for n in 0..TIMES {
        let uid = Uid(1 + n * (messages / TIMES));
        let change = flagged(SystemFlags::FLAGGED);
        account.store(mailbox, &[uid], &change).await.unwrap();
    }
    let each = begin.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
    eprintln!("STORE of one, {what}: {each:.1} µs");
}

fn flagged(system: SystemFlags) -> FlagChange {
    FlagChange {
        action: FlagAction::Add,
        flags: Flags {
            system,
            keywords: vec![],
        },
        unchanged_since: None,
    }
}

async fn fill(store: &Store, account: &Account, to: MailboxId, from: u32, until: u32) {
    let mut n = from;
    while n < until {
        let mut arrivals = Vec::new();
        for _ in 0..AT_ONCE.min(until - n) {
            let octets = format!("Message-ID: <{n}@x>\r\nSubject: {n}\r\n\r\ny\r\n");
            arrivals.push(arrival(store, octets.as_bytes()).await);
            n += 1;
        }
        account.append(to, arrivals).await.unwrap();
    }
}

#[test]
#[ignore = "prints figures"]
fn figures_of_a_large_mailbox() {
    let messages = from_environment("MESSAGES", 1_000_000);
    let engine = in_memory();
    run(async {
        let open = || Store::with_engine(engine.clone(), 1 << 20, clock);
        let store = open();
        let account = store.account(ALICE).await.unwrap();
        let inbox = inbox(&account);
        for tenth in 0..10 {
            let there = messages / 10 * tenth;
            appends(&format!("{there} messages"), &store, &account, inbox).await;
            fill(&store, &account, inbox, there, messages / 10 * (tenth + 1)).await;
        }
        appends(&format!("{messages} messages"), &store, &account, inbox).await;
        let checkpoint = store.checkpoint();
        timed("the first checkpoint", checkpoint).await.unwrap();
        stores("open", &account, inbox, messages).await;
        store.checkpoint().await.unwrap();
        let change = flagged(SystemFlags::SEEN);
        let middle = [Uid(messages / 2)];
        account.store(inbox, &middle, &change).await.unwrap();
        let checkpoint = store.checkpoint();
        timed("a checkpoint after one change", checkpoint)
            .await
            .unwrap();
        reopened(&open(), messages).await;
        let again = open();
        let other = again.account(ALICE).await.unwrap();
        appends("the account just opened", &again, &other, inbox).await;
        let refold = crate::checkpoint::fold(&engine, ALICE);
        timed("open without a checkpoint", refold).await.unwrap();
        of_all(&other, inbox, messages).await;
        drop((store, account));
        let begin = Instant::now();
        nothing_wrong(&again);
        eprintln!("verify: {:.1} s", begin.elapsed().as_secs_f64());
    });
}

/// What it costs to open the account, and what it takes in memory.
async fn reopened(store: &Store, messages: u32) {
    let before = resident();
    let account = timed("open", store.account(ALICE)).await.unwrap();
    let grown = resident().saturating_sub(before);
    eprintln!("the account open: {grown} octets");
    let inbox = inbox(&account);
    let status = async { account.snapshot().mailbox(inbox).unwrap().counters() };
    timed("STATUS", status).await;
    let select = account.open_mailbox(inbox);
    let opened = timed("SELECT, the first", select).await.unwrap();
    let select = account.open_mailbox(inbox);
    let second = timed("SELECT, another", select).await.unwrap();
    let grown = resident().saturating_sub(before);
    let each = grown / messages as usize;
    eprintln!("the mailbox open: {grown} octets, {each} for each message");
    drop((opened, second));
}

/// What it costs to do something with all messages.
async fn of_all(account: &Account, inbox: MailboxId, messages: u32) {
    let all: Vec<Uid> = (1..=messages).map(Uid).collect();
    let trash = account.snapshot().named(&name("Trash")).unwrap().id();
    let deleted = flagged(SystemFlags::SEEN.with(SystemFlags::DELETED));
    let store = account.store(inbox, &all, &deleted);
    timed("STORE of all", store).await.unwrap();
    let some: Vec<Uid> = all.iter().copied().take(100_000).collect();
    let copy = account.copy(inbox, &some, trash);
    timed("COPY of 100,000", copy).await.unwrap();
    let half: Vec<Uid> = all.iter().copied().step_by(2).collect();
    let expunge = account.expunge(inbox, Some(&half));
    timed("EXPUNGE of every other", expunge).await.unwrap();
    let walk = async {
        let mailbox = account.open_mailbox(inbox).await.unwrap();
        mailbox.every().map(|m| m.size).sum::<u64>()
    };
    timed("a walk over all", walk).await;
}

#[test]
#[ignore = "prints figures"]
fn figures_of_many_mailboxes() {
    let mailboxes = from_environment("MAILBOXES", 10_000).saturating_sub(200);
    let engine = in_memory();
    run(async {
        let open = || Store::with_engine(engine.clone(), 1 << 20, clock);
        let store = open();
        let account = store.account(ALICE).await.unwrap();
        appends("6 mailboxes", &store, &account, inbox(&account)).await;
        let begin = Instant::now();
        for n in 0..mailboxes {
            let made = name(&format!("a/{}/{n}", n % 100));
            account.create(&made, None).await.unwrap();
        }
        let each = begin.elapsed().as_secs_f64() * 1e6 / f64::from(mailboxes);
        eprintln!("CREATE: {each:.1} µs");
        appends("10,000 mailboxes", &store, &account, inbox(&account)).await;
        stores("10,000 mailboxes", &account, inbox(&account), TIMES).await;
        let arrival = arrival(&store, b"Subject: x\r\n\r\ny\r\n").await;
        let snapshot = account.snapshot();
        for mailbox in snapshot.mailboxes().map(|(_, m)| m.id()) {
            account
                .append(mailbox, vec![arrival.clone()])
                .await
                .unwrap();
        }
        let checkpoint = store.checkpoint();
        timed("the first checkpoint", checkpoint).await.unwrap();
        account
            .append(inbox(&account), vec![arrival])
            .await
            .unwrap();
        let checkpoint = store.checkpoint();
        timed("a checkpoint after one change", checkpoint)
            .await
            .unwrap();
        let again = open();
        let before = resident();
        let other = timed("open", again.account(ALICE)).await.unwrap();
        let grown = resident().saturating_sub(before);
        eprintln!("the account open: {grown} octets");
        let list = async {
            let snapshot = other.snapshot();
            let octets = snapshot.mailboxes().map(|(n, _)| n.as_str().len());
            octets.sum::<usize>()
        };
        timed("a walk over the names", list).await;
        let (from, to) = (name("a/0/0"), name("b"));
        timed("RENAME", other.rename(&from, &to)).await.unwrap();
        nothing_wrong(&store);
    });
}
