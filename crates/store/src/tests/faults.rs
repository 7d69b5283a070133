//! Several at once on one account, on a disk that fails.

use std::{collections::BTreeMap, sync::Mutex, thread};

use fastrand::Rng;

use super::*;
use crate::{
    FlagAction, FlagChange, SystemFlags, check,
    engine::{
        Engine,
        log::{
            Log,
            sim::{Fault, SimDisk, Unsynced},
        },
    },
};

/// How an append ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Acknowledged,
    Refused,
    /// With the partition: what was sent may turn up when it is opened again.
    Unknown,
}

/// Every append places two messages with a keyword of its own; all else only moves them and
/// changes flags. So each keyword is there twice or not at all.
#[derive(Debug, Default)]
struct Sent(Mutex<BTreeMap<String, Ended>>);

const THREADS: u64 = 3;

fn open(disk: &SimDisk) -> Result<Store, Error> {
    let log = Log::open(disk.clone(), 1 << 20)?;
    Ok(Store::with_engine(Engine::Sim(log), 1 << 20, clock))
}

/// Work of several threads on one account.
fn work(store: &Store, sent: &Sent, seed: u64, steps: usize) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let mut rng = Rng::with_seed(seed * THREADS + thread);
                for step in 0..steps {
                    let keyword = format!("k{seed}-{thread}-{step}");
                    run(one(store, sent, &mut rng, keyword));
                }
            });
        }
    });
}

async fn one(store: &Store, sent: &Sent, rng: &mut Rng, keyword: String) {
    let Ok(account) = store.account(ALICE).await else {
        return;
    };
    let mailbox = |of: &str| account.snapshot().named(&name(of)).unwrap().id();
    let (mut from, mut to) = (mailbox("INBOX"), mailbox("Trash"));
    if rng.bool() {
        (from, to) = (to, from);
    }
    let next = account.snapshot().mailbox(from).unwrap().uid_next();
    let uids: Vec<Uid> = (1..next.0).filter(|_| rng.u8(..4) == 0).map(Uid).collect();
    match rng.u8(..8) {
        0..4 => {
            let ended = append(store, &account, to, &keyword).await;
            sent.0.lock().unwrap().insert(keyword, ended);
        }
        4..6 => {
            let _ = account.move_to(from, &uids, to).await;
        }
        6 => {
            let change = FlagChange {
                action: FlagAction::Add,
                flags: Flags {
                    system: SystemFlags(rng.u8(..32)),
                    keywords: vec![],
                },
                unchanged_since: None,
            };
            let _ = account.store(from, &uids, &change).await;
        }
        _ => drop(store.checkpoint().await),
    }
}

async fn append(store: &Store, account: &Account, to: MailboxId, keyword: &str) -> Ended {
    let arrival = async || {
        let mut incoming = store.receive().await?;
        incoming.write(keyword.as_bytes()).await?;
        Ok::<_, Error>(Arrival {
            message: incoming.finish().await?,
            trace: vec![],
            flags: Flags {
                system: SystemFlags::NONE,
                keywords: vec![keyword.into()],
            },
            internal_date: None,
        })
    };
    let placed = async {
        let both = vec![arrival().await?, arrival().await?];
        account.append(to, both).await
    };
    match placed.await {
        Ok(placed) => {
            assert_eq!(placed.uids.len(), 2);
            // What is acknowledged is visible, if the disk still lets anybody look.
            if let Some(counted) = count(account) {
                assert_eq!(counted.get(keyword), Some(&2));
            }
            Ended::Acknowledged
        }
        Err(Error::OutOfService(_) | Error::Io { .. }) => Ended::Unknown,
        Err(_) => Ended::Refused,
    }
}

/// How often each keyword is there; `None` if the disk has failed and does not say.
fn count(account: &Account) -> Option<BTreeMap<String, usize>> {
    let whole = match run(account.whole()) {
        Err(Error::Io { .. }) => return None,
        whole => whole.unwrap(),
    };
    assert_eq!(check::check(&whole), Vec::<String>::new());
    let mut counted = BTreeMap::new();
    for mailbox in whole.open() {
        for message in mailbox.range(Uid(1), Uid(u32::MAX)) {
            for index in message.keywords {
                let keyword = mailbox.keywords()[*index as usize].to_string();
                *counted.entry(keyword).or_default() += 1;
            }
        }
    }
    Some(counted)
}

fn judge(store: &Store, sent: &Sent, context: &str) {
    let account = run(store.account(ALICE)).expect(context);
    let Some(counted) = count(&account) else {
        return;
    };
    for (keyword, ended) in &*sent.0.lock().unwrap() {
        let times = counted.get(keyword).copied().unwrap_or(0);
        let fine = match ended {
            Ended::Acknowledged => times == 2,
            Ended::Refused => times == 0,
            Ended::Unknown => times == 0 || times == 2,
        };
        assert!(
            fine,
            "{context}: {keyword} {ended:?} is there {times} times"
        );
    }
}

/// Work with a fault, a look, a restart, a look, and work again.
fn endure(seed: u64, fault: Fault, unsynced: Unsynced) {
    let context = format!("seed {seed}, {fault:?}, {unsynced:?}");
    let disk = SimDisk::new();
    let store = open(&disk).unwrap();
    let sent = Sent::default();
    run(store.account(ALICE)).unwrap();
    work(&store, &sent, 1000 + seed, 4);
    disk.arm(fault);
    work(&store, &sent, seed, 12);
    judge(&store, &sent, &context);
    if let Fault::Full(..) = fault {
        disk.arm(Fault::Never);
        work(&store, &sent, 2000 + seed, 4);
        judge(&store, &sent, &context);
    }
    drop(store);
    let disk = disk.restart(unsynced, &mut Rng::with_seed(seed));
    let store = open(&disk).expect(&context);
    assert!(count(&run(store.account(ALICE)).unwrap()).is_some());
    judge(&store, &sent, &context);
    work(&store, &sent, 3000 + seed, 4);
    judge(&store, &sent, &context);
    nothing_wrong(&store);
}

#[test]
fn whatever_fails_batches_are_whole_and_what_was_acknowledged_is_there() {
    for seed in 0..24 {
        let at = seed * 2 + 1;
        endure(seed, Fault::Error(at), Unsynced::Torn);
        endure(seed, Fault::Crash(at), Unsynced::Lost);
        endure(seed, Fault::Full(at, at + 6), Unsynced::Kept);
    }
}

#[test]
fn many_at_once_on_one_account() {
    let store = memory();
    let sent = Sent::default();
    run(store.account(ALICE)).unwrap();
    work(&store, &sent, 7, 100);
    let ended = sent.0.lock().unwrap().clone();
    assert!(ended.values().all(|ended| *ended == Ended::Acknowledged));
    judge(&store, &sent, "in memory");
    nothing_wrong(&store);
}
