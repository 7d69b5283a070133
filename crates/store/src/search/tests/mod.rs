//! Indexes on disks that fail, and what becomes of them when mail and accounts go elsewhere.
//! That searches find the same with them is tested where searches are: in `session`.

use std::{sync::Arc, time::Duration};

use fastrand::Rng;
use mail::{search::Matcher, text::Sink, text::Stretch};

use super::*;
use crate::{
    Arrival, FlagAction, FlagChange, Flags, SystemFlags, Uid,
    engine::{
        AnyDisk, Engine, Partitions,
        log::{
            Log,
            sim::{Fault, SimDisk, Unsynced},
        },
    },
    tests::{ALICE, name, receive, run},
    text::{Buffers, TextReader},
};

const OPTIONS: IndexOptions = IndexOptions {
    rate: None,
    least: 1,
};

fn open(disk: &SimDisk) -> Store {
    let log = Log::open(disk.clone(), 1 << 20).unwrap();
    Store::with_engine(Engine::Sim(log), 1 << 20, crate::clock::system)
}

/// Delivers messages that have these numbers in them.
async fn deliver(store: &Store, account: &Account, numbers: std::ops::Range<u32>) {
    let inbox = account.snapshot().named(&name("INBOX")).unwrap().id();
    for number in numbers {
        let octets = format!("Subject: number{number}\r\n\r\nbody{number} and more\r\n");
        let arrival = Arrival {
            message: receive(store, octets.as_bytes()).await,
            trace: Vec::new(),
            flags: Flags::default(),
            internal_date: None,
        };
        account.append(inbox, vec![arrival]).await.unwrap();
    }
}

/// Waits until the log has proved its last group, which it does a moment after it: that is none of an index's doing.
fn at_rest(disk: &SimDisk) {
    let mut before = None;
    while before.replace(disk.operations()) != Some(disk.operations()) {
        std::thread::sleep(Duration::from_millis(25));
    }
}

async fn expunge(account: &Account, uids: std::ops::Range<u32>) {
    let inbox = account.snapshot().named(&name("INBOX")).unwrap().id();
    let uids: Vec<Uid> = uids.map(Uid).collect();
    let change = FlagChange {
        action: FlagAction::Add,
        flags: Flags {
            system: SystemFlags::DELETED,
            keywords: Vec::new(),
        },
        unchanged_since: None,
    };
    account.store(inbox, &uids, &change).await.unwrap();
    account.expunge(inbox, Some(&uids)).await.unwrap();
}

/// Whether a body has a text.
struct Look(Matcher);

impl Sink for Look {
    fn wants(&self, stretch: &Stretch) -> bool {
        stretch.body
    }

    fn text(&mut self, text: &str, _: &Stretch) {
        self.0.push(text);
    }

    fn gap(&mut self) {
        self.0.interrupt();
    }
}

/// That the index rules out nothing that is there; gives how many messages it has.
async fn right(account: &Account) -> usize {
    let needles = ["body1", "y2 ", "BODY13", "absent", "4", "an"];
    let sieves = needles.map(|needle| {
        let mut folded = String::new();
        mail::search::fold(needle, &mut folded);
        Sieve::Has(Place::Body, folded)
    });
    let sifted = account.sift(sieves.to_vec()).await;
    for mailbox in account.whole().await.unwrap().open() {
        for message in mailbox.every() {
            let email = account.email(&message).await.unwrap();
            for (sieve, needle) in needles.iter().enumerate() {
                let mut look = Look(Matcher::new(needle));
                let structure = email.digest().structure;
                let mut buffers = Buffers::default();
                let mut reader = TextReader::new(&email, &structure, &mut buffers);
                while reader.step(&mut look).await.unwrap().is_some() {}
                let lost = look.0.found() && sifted.rules_out(sieve, &message);
                assert!(!lost, "{needle} in {}", message.uid);
            }
        }
    }
    sifted.len()
}

/// Four segments, which are merged, with messages that go meanwhile.
async fn work(store: &Store, account: &Account) -> Result<(), Error> {
    for round in 0..4 {
        deliver(store, account, round * 5..round * 5 + 5).await;
        store.index(account, OPTIONS).await?;
    }
    expunge(account, 1..12).await;
    store.index_round(IndexRound::All, OPTIONS).await?;
    Ok(())
}

#[test]
fn a_crash_anywhere_leaves_an_index_that_is_right_and_can_be_completed() {
    run(async {
        let disk = SimDisk::new();
        let store = open(&disk);
        let account = store.account(ALICE).await.unwrap();
        disk.film();
        work(&store, &account).await.unwrap();
        assert_eq!(right(&account).await, 9);
        let film = disk.filmed();
        drop((account, store));
        let (mut show, mut random) = (film.show(), Rng::with_seed(1));
        let mut step = 0;
        while show.step() {
            step += 1;
            // All of a delivery's own steps are tested elsewhere.
            let next = show.next();
            if !next.contains("search") && step % 7 != 0 {
                continue;
            }
            let unsynced = Unsynced::ALL[step % Unsynced::ALL.len()];
            let store = open(&show.cut(unsynced, &mut random));
            let account = store.account(ALICE).await.unwrap();
            right(&account).await;
            store.index(&account, OPTIONS).await.unwrap();
            let status = store.index_status(&account).await.unwrap();
            assert_eq!(
                status.indexed, status.messages,
                "after {step}, before {next}"
            );
            right(&account).await;
        }
        assert!(step > 50, "{step}");
    });
}

#[test]
fn what_a_disk_refuses_is_made_later_and_no_mail_waits_for_it() {
    for fault in 1..60 {
        for kind in [Fault::Error(fault), Fault::Full(fault, fault + 3)] {
            run(async {
                let disk = SimDisk::new();
                let store = open(&disk);
                let account = store.account(ALICE).await.unwrap();
                deliver(&store, &account, 0..6).await;
                at_rest(&disk);
                disk.arm(kind);
                let _ = store.index(&account, OPTIONS).await;
                disk.arm(Fault::Never);
                deliver(&store, &account, 6..8).await;
                right(&account).await;
                store.index(&account, OPTIONS).await.unwrap();
                assert_eq!(right(&account).await, 8, "{kind:?}");
            });
        }
    }
}

#[test]
fn what_is_gone_leaves_the_index_and_small_rests_wait() {
    run(async {
        let store = open(&SimDisk::new());
        let account = store.account(ALICE).await.unwrap();
        deliver(&store, &account, 0..20).await;
        let patient = IndexOptions {
            rate: None,
            least: 21,
        };
        assert_eq!(
            store.index_round(IndexRound::Open, patient).await.unwrap(),
            0
        );
        assert_eq!(
            store.index_round(IndexRound::Open, OPTIONS).await.unwrap(),
            20
        );
        assert_eq!(
            store.index_round(IndexRound::Open, OPTIONS).await.unwrap(),
            0
        );
        expunge(&account, 1..4).await;
        store.index_round(IndexRound::All, OPTIONS).await.unwrap();
        let status = store.index_status(&account).await.unwrap();
        // Few stay.
        assert_eq!((status.messages, status.indexed, status.gone), (17, 17, 3));
        expunge(&account, 4..10).await;
        store.index_round(IndexRound::All, OPTIONS).await.unwrap();
        let status = store.index_status(&account).await.unwrap();
        assert_eq!((status.messages, status.indexed, status.gone), (11, 11, 0));
        assert_eq!(status.segments, 1);
        store.drop_index(&account).await.unwrap();
        assert_eq!(right(&account).await, 0);
        assert_eq!(
            store.index_round(IndexRound::Open, OPTIONS).await.unwrap(),
            11
        );
    });
}

#[test]
fn an_account_takes_no_index_along_and_leaves_none_behind() {
    run(async {
        let disk = SimDisk::new();
        let on = AnyDisk::Sim(Arc::new(disk.clone()));
        let partitions = Partitions::open_on(on, 1 << 20).unwrap();
        let store = Store::with_partitions(partitions, 1 << 20, crate::clock::system);
        store.add_partition("slow", None).unwrap();
        let account = store.account(ALICE).await.unwrap();
        deliver(&store, &account, 0..9).await;
        store.index_round(IndexRound::Open, OPTIONS).await.unwrap();
        store
            .move_account(&account, "slow", &mut |_, _| {})
            .await
            .unwrap();
        assert_eq!(right(&account).await, 0);
        let indexed = |name: &str| {
            let engine = store.partition_named(name).unwrap();
            drawer::accounts(&store.partitions().volume(), &engine).unwrap()
        };
        assert_eq!((indexed("default"), indexed("slow")), (vec![ALICE], vec![]));
        assert_eq!(
            store.index_round(IndexRound::Open, OPTIONS).await.unwrap(),
            9
        );
        assert_eq!(right(&account).await, 9);
        store.index_round(IndexRound::All, OPTIONS).await.unwrap();
        assert_eq!((indexed("default"), indexed("slow")), (vec![], vec![ALICE]));
        assert_eq!(right(&account).await, 9);
    });
}

#[test]
fn what_somebody_deleted_is_made_again_though_no_mail_comes() {
    run(async {
        let store = open(&SimDisk::new());
        let account = store.account(ALICE).await.unwrap();
        deliver(&store, &account, 0..5).await;
        store.index_round(IndexRound::Open, OPTIONS).await.unwrap();
        drawer(&account).drop_all().unwrap();
        let mut rounds = 0;
        while store.index_round(IndexRound::Open, OPTIONS).await.unwrap() == 0 {
            rounds += 1;
            assert!(rounds < 100);
        }
        assert_eq!(right(&account).await, 5);
    });
}

#[test]
fn a_message_that_has_the_number_of_another_is_not_ruled_out() {
    // As when a log of an earlier day was put below the index of a later one.
    run(async {
        let disk = SimDisk::new();
        let (store, other) = (open(&disk), open(&SimDisk::new()));
        let account = store.account(ALICE).await.unwrap();
        deliver(&store, &account, 0..4).await;
        store.index(&account, OPTIONS).await.unwrap();
        let before = other.account(ALICE).await.unwrap();
        deliver(&other, &before, 100..104).await;
        let sieve = Sieve::Has(Place::Body, "BODY100".into());
        let sifted = account.sift(vec![sieve]).await;
        let mailbox = before.whole().await.unwrap();
        let mailbox = mailbox.open().iter().find(|it| !it.is_empty()).unwrap();
        assert!(!sifted.rules_out(0, &mailbox.at(0).unwrap()));
    });
}
