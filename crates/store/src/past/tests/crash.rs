//! A crash at any point: what comes back, restores or expires has happened, or has not.

use super::*;
use crate::{
    change::Expiry,
    engine::{
        Engine,
        log::{
            Log,
            sim::{Fault, SimDisk, Unsynced},
        },
    },
};

fn open(disk: &SimDisk) -> Result<Store, crate::Error> {
    let log = Log::open(disk.clone(), 1 << 20)?;
    Ok(Store::with_engine(Engine::Sim(log), 1 << 20, ticking))
}

/// An account with a mailbox that is deleted, something expunged, and something to expire.
async fn scene(disk: &SimDisk) -> Store {
    let store = open(disk).unwrap();
    let account = store.account(ALICE).await.unwrap().acting("test");
    let a = account.create(&name("a"), None).await.unwrap();
    let inbox = account.snapshot().named(&name("INBOX")).unwrap().id();
    for n in 0..6 {
        let octets = format!("Message-ID: <{n}@x>\r\nSubject: s{n}\r\n\r\nbody\r\n");
        let arrival = Arrival {
            message: receive(&store, octets.as_bytes()).await,
            trace: Vec::new(),
            flags: Flags {
                system: SystemFlags::DELETED,
                keywords: Vec::new(),
            },
            internal_date: None,
        };
        let to = if n < 3 { a } else { inbox };
        account.append(to, vec![arrival]).await.unwrap();
    }
    account.expunge(inbox, Some(&[Uid(2)])).await.unwrap();
    account.delete(&name("a")).await.unwrap();
    store
}

/// What is done while the disk fails.
async fn act(store: &Store, what: u8) -> Result<(), crate::Error> {
    let account = store.account(ALICE).await?.acting("test");
    match what {
        0 => {
            let undelete = Undelete {
                which: Wanted::Since(0),
                into: None,
                retention: Retention::default(),
            };
            account.undelete(&undelete, Mode::Do).await.map(drop)
        }
        1 => {
            let rules = Rules {
                default: Some(Expiry {
                    messages_max: Some(1),
                    ..Expiry::default()
                }),
                ..Rules::default()
            };
            let mut expirer = Expirer::new();
            expirer.round(store, &rules, Mode::Do, &mut |_| {}).await
        }
        _ => {
            // When all had arrived, and nothing had gone.
            let source = Source::as_of(&account, Moment::ModSeq(ModSeq(8))).await?;
            let restore = Restore {
                selection: Selection::Account,
                target: Target::InPlace(name("Aside")),
            };
            let quiet = &mut |_| {};
            let restored = account.restore(&source, &restore, Mode::Do, quiet).await;
            restored.map(drop)
        }
    }
}

/// What is done, and a crash at the operation of the disk with that number. Gives whether there
/// were as many.
fn crash(what: u8, at: u64, unsynced: Unsynced) -> bool {
    let context = format!("{what}, at {at}, {unsynced:?}");
    run(async {
        NOW.set(1_800_000_000);
        let disk = SimDisk::new();
        let store = scene(&disk).await;
        let account = store.account(ALICE).await.unwrap();
        let before = Seen::of(&account.whole().await.unwrap()).folders;
        drop(account);
        disk.arm(Fault::Crash(at));
        let acted = act(&store, what).await;
        let enough = disk.operations() < at;
        drop(store);
        let disk = disk.restart(unsynced, &mut Rng::with_seed(at));
        let store = open(&disk).expect(&context);
        let account = store.account(ALICE).await.unwrap();
        let found = Seen::of(&account.whole().await.unwrap()).folders;
        // Once more, undisturbed: there is nothing left to do if it was done, and all if not.
        act(&store, what).await.expect(&context);
        let done = Seen::of(&account.whole().await.unwrap()).folders;
        assert!(found == before || found == done, "{context}");
        assert!(done != before, "{context}");
        // A round of expiry passes over an account whose partition is out of service.
        if acted.is_ok() && what != 1 {
            assert!(found == done, "{context}");
        }
        nothing_wrong(&store);
        enough
    })
}

#[test]
fn each_of_these_is_whole_or_not_at_all() {
    for what in 0..3 {
        for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Torn] {
            let mut at = 1;
            while !crash(what, at, unsynced) {
                at += 1;
                assert!(at < 100, "it never ends");
            }
            assert!(at > 2, "nothing was written");
        }
    }
}
