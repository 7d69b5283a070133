//! Not tests: what things cost in a mailbox of 100,000 messages.
//! `cargo test --release -p store --lib figures -- --ignored --nocapture`

use std::time::Instant;

use super::*;
use crate::{
    FlagAction, FlagChange, SystemFlags,
    engine::{Engine, EngineOptions},
};

const MESSAGES: u32 = 100_000;

/// Octets in memory.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages
        .split(' ')
        .nth(1)
        .and_then(|n| n.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begin = Instant::now();
    let value = work.await;
    eprintln!("{what}: {:.1} µs", begin.elapsed().as_secs_f64() * 1e6);
    value
}

async fn appends(what: &str, store: &Store, account: &Account, to: MailboxId) {
    let arrival = arrival(store, b"Message-ID: <x@y>\r\nSubject: x\r\n\r\ny\r\n").await;
    let begin = Instant::now();
    for _ in 0..5000 {
        account.append(to, vec![arrival.clone()]).await.unwrap();
    }
    eprintln!(
        "{what}: {:.1} µs",
        begin.elapsed().as_secs_f64() * 1e6 / 5000.0
    );
}

#[test]
#[ignore = "prints figures"]
fn figures() {
    let options = EngineOptions {
        directory: None,
        segment_bytes: EngineOptions::SEGMENT_BYTES,
    };
    let engine = run(Engine::open(options)).unwrap();
    run(async {
        let open = || Store::with_engine(engine.clone(), 1 << 20, clock);
        let store = open();
        let account = store.account(ALICE).await.unwrap();
        let trash = account.snapshot().named(&name("Trash")).unwrap().id();
        appends("append, empty", &store, &account, trash).await;
        let inbox = inbox(&account);
        for batch in 0..MESSAGES / 500 {
            let mut arrivals = Vec::new();
            for n in 0..500 {
                let octets = format!("Message-ID: <{batch}.{n}@x>\r\nSubject: {n}\r\n\r\ny\r\n");
                arrivals.push(arrival(&store, octets.as_bytes()).await);
            }
            account.append(inbox, arrivals).await.unwrap();
        }
        appends("append, 100,000 messages", &store, &account, inbox).await;
        appends("append, empty, again", &store, &account, trash).await;
        timed("the first checkpoint", store.checkpoint())
            .await
            .unwrap();
        let all: Vec<Uid> = (1..=MESSAGES).map(Uid).collect();
        let seen = FlagChange {
            action: FlagAction::Add,
            flags: Flags {
                system: SystemFlags::SEEN.with(SystemFlags::DELETED),
                keywords: vec![],
            },
            unchanged_since: None,
        };
        let one = account.store(inbox, &[Uid(50_000)], &seen);
        timed("STORE of one", one).await.unwrap();
        timed("a checkpoint after it", store.checkpoint())
            .await
            .unwrap();
        let before = resident();
        let again = open();
        let opened = timed("open", again.account(ALICE)).await.unwrap();
        let messages = opened
            .snapshot()
            .mailboxes()
            .map(|(_, m)| m.len())
            .sum::<u32>();
        let grown = resident().saturating_sub(before);
        eprintln!(
            "{messages} messages: {grown} octets, {} each",
            grown / messages as usize
        );
        drop((again, opened));
        let refold = crate::checkpoint::fold(&engine, ALICE);
        timed("open without a checkpoint", refold).await.unwrap();
        timed("STORE of all", account.store(inbox, &all, &seen))
            .await
            .unwrap();
        let half: Vec<Uid> = all.iter().copied().step_by(2).collect();
        timed("COPY of all", account.copy(inbox, &all, trash))
            .await
            .unwrap();
        timed(
            "EXPUNGE of every other",
            account.expunge(inbox, Some(&half)),
        )
        .await
        .unwrap();
        let walk = async {
            let snapshot = account.snapshot();
            let mailbox = snapshot.mailbox(inbox).unwrap();
            mailbox
                .range(Uid(1), Uid(u32::MAX))
                .map(|m| m.size)
                .sum::<u64>()
        };
        timed("a walk over all", walk).await;
    });
}
