//! Backups of a store that is in use.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use super::*;
use crate::backup;

const THREADS: u64 = 3;

fn open(directory: &Path) -> Store {
    let options = Options {
        directory: Some(directory.to_owned()),
        message_bytes_max: 1 << 20,
        clock,
    };
    run(Store::open(options)).unwrap()
}

/// The content of the `n`th message of an account.
fn content(account: u64, n: u32) -> Vec<u8> {
    let mut octets = format!("Subject: {account} {n}\r\n\r\n").into_bytes();
    let length = (n as usize * 7919) % 9000;
    octets.extend((0..=250_u8).cycle().take(length));
    octets
}

async fn deliver(store: &Store, id: u64, n: u32) {
    let account = store.account(AccountId(id)).await.unwrap();
    let arrivals = vec![arrival(store, &content(id, n)).await];
    account.append(inbox(&account), arrivals).await.unwrap();
}

/// That every account's INBOX has messages 0, 1, 2 … as sent; says how many.
async fn delivered(store: &Store) -> BTreeMap<u64, u32> {
    let mut found = BTreeMap::new();
    for id in store.accounts().await.unwrap() {
        let account = store.account(id).await.unwrap();
        let mailbox = account.open_mailbox(inbox(&account)).await.unwrap();
        for n in 0..mailbox.len() {
            let email = account.email(&mailbox.at(n).unwrap()).await.unwrap();
            let mut octets = Vec::new();
            let span = Span {
                start: email.trace_len(),
                end: u64::MAX,
            };
            email.read(span, &mut octets).await.unwrap();
            assert_eq!(octets, content(id.0, n));
        }
        found.insert(id.0, mailbox.len());
    }
    found
}

#[test]
fn a_backup_taken_under_load_has_all_that_was_acknowledged_before_it_began() {
    let root = tempfile::tempdir().unwrap();
    let to = root.path().join("backup");
    let store = open(&root.path().join("data"));
    let acknowledged: Vec<AtomicU32> = (0..THREADS).map(|_| AtomicU32::new(0)).collect();
    let stop = AtomicBool::new(false);
    let mut before = Vec::new();
    thread::scope(|scope| {
        for (id, count) in (1..).zip(&acknowledged) {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let n = count.load(Ordering::Relaxed);
                    run(deliver(store, id, n));
                    count.store(n + 1, Ordering::Release);
                }
            });
        }
        for _ in 0..4 {
            while acknowledged.iter().any(|n| n.load(Ordering::Acquire) == 0) {
                thread::yield_now();
            }
            let now = acknowledged.iter().map(|n| n.load(Ordering::Acquire));
            before.push(now.collect::<Vec<_>>());
            let beside = vec![("accounts.toml".to_owned(), b"who\n".to_vec())];
            let copied = store.backup(&to, beside, &mut |_, _| {}).unwrap();
            assert_eq!(copied.damages, []);
        }
        stop.store(true, Ordering::Relaxed);
    });
    run(store.close()).unwrap();
    let generations = backup::generations(&to).unwrap();
    assert_eq!(generations.len(), 4);
    for (at, (generation, before)) in (0..).zip(generations.iter().zip(&before)) {
        let directory = to.join(&generation.name);
        assert_eq!(
            backup::verify(&directory, &mut |_, _| {}).unwrap().damages,
            []
        );
        // As it lies there, though later generations went on in its files …
        let past = run(Store::open_read_only(directory.clone(), clock)).unwrap();
        let seen = run(delivered(&past));
        nothing_wrong(&past);
        assert!(run(deliver_fails(&past)));
        run(past.close()).ok();
        // … and restored.
        let whole = root.path().join(format!("restored-{at}"));
        let copied = backup::restore(&directory, &whole, &mut |_, _| {}).unwrap();
        assert_eq!(copied.damages, []);
        assert_eq!(
            std::fs::read(whole.join("accounts.toml")).unwrap(),
            b"who\n"
        );
        let store = open(&whole);
        assert_eq!(run(delivered(&store)), seen);
        for (id, before) in (1..).zip(before) {
            assert!(
                seen.get(&id).is_some_and(|seen| seen >= before),
                "{seen:?} {before}"
            );
        }
        // It goes on from there.
        run(deliver(&store, 1, seen[&1]));
        nothing_wrong(&store);
        run(store.close()).unwrap();
    }
    assert!(backup::restore(&to.join(&generations[0].name), root.path(), &mut |_, _| {}).is_err());
}

async fn deliver_fails(store: &Store) -> bool {
    let mut incoming = store.receive().await.unwrap();
    incoming.write(b"x").await.unwrap();
    let account = store.account(AccountId(1)).await.unwrap();
    let arrival = Arrival {
        message: incoming.finish().await.unwrap(),
        trace: Vec::new(),
        flags: Flags::default(),
        internal_date: None,
    };
    account
        .append(inbox(&account), vec![arrival])
        .await
        .is_err()
}

#[test]
fn old_generations_go_and_the_rest_stays() {
    let root = tempfile::tempdir().unwrap();
    let to = root.path().join("backup");
    let store = open(&root.path().join("data"));
    for n in 0..5 {
        run(deliver(&store, 1, n));
        store.backup(&to, Vec::new(), &mut |_, _| {}).unwrap();
    }
    let there = backup::generations(&to).unwrap();
    let now = clock().unix;
    assert_eq!(backup::superseded(&there, 0, 0, now).len(), 4);
    // The clock stands still, so each generation is as young as the last.
    assert!(backup::superseded(&there, 2, 60, now).is_empty());
    let gone = backup::superseded(&there, 2, 0, now);
    assert_eq!(gone.len(), 3);
    backup::remove(&to, &gone).unwrap();
    let left = backup::generations(&to).unwrap();
    assert_eq!(left, there[3..]);
    for generation in &left {
        let directory = to.join(&generation.name);
        assert_eq!(
            backup::verify(&directory, &mut |_, _| {}).unwrap().damages,
            []
        );
    }
    assert!(!to.join(&gone[0]).exists());
    assert_eq!(backup::latest(&to).unwrap(), to.join(&left[1].name));
}

#[test]
fn no_number_that_was_given_out_after_the_backup_is_given_out_again() {
    let root = tempfile::tempdir().unwrap();
    let (to, whole) = (root.path().join("backup"), root.path().join("restored"));
    let store = open(&root.path().join("data"));
    run(deliver(&store, 1, 0));
    store.backup(&to, Vec::new(), &mut |_, _| {}).unwrap();
    for n in 1..40 {
        run(deliver(&store, 1, n));
    }
    let told = |store: &Store| {
        let account = run(store.account(AccountId(1))).unwrap();
        let snapshot = account.snapshot();
        let inbox = snapshot.mailbox(inbox(&account)).unwrap();
        (inbox.uid_validity(), inbox.uid_next(), snapshot.mod_seq())
    };
    let before = told(&store);
    backup::restore(&backup::latest(&to).unwrap(), &whole, &mut |_, _| {}).unwrap();
    let marker = whole.join("partitions/default/restored");
    let mut last = before;
    for round in 0..3 {
        let store = open(&whole);
        let after = told(&store);
        assert_eq!(after.0, before.0);
        assert!(after.1 > last.1 && after.2 > last.2, "{after:?} {last:?}");
        run(deliver(&store, 1, 1 + round));
        nothing_wrong(&store);
        last = (before.0, after.1, after.2);
        assert!(round == 0 || told(&store).1.0 < before.1.0 + 30_000_000);
        run(store.close()).unwrap();
        assert!(round == 0 || !marker.exists());
    }
}
