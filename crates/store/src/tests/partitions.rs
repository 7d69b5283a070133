//! Several partitions, and what moves between them.

use super::*;
use crate::{
    check,
    engine::{
        AnyDisk, Partitions,
        log::sim::{Fault, SimDisk, Unsynced},
    },
    moves::Moved,
    past::Retention,
};
use fastrand::Rng;

const BOB: AccountId = AccountId(0xb0b);

/// How many points of a sweep are passed over for one that is looked at; none with `SWEEP` set.
fn stride(usual: usize) -> usize {
    if std::env::var("SWEEP").is_ok() {
        1
    } else {
        usual
    }
}

fn open(disk: &SimDisk) -> Result<Store, Error> {
    let disk = AnyDisk::Sim(Arc::new(disk.clone()));
    let partitions = Partitions::open_on(disk, 64 << 10)?;
    Ok(Store::with_partitions(partitions, 1 << 20, clock))
}

/// A store with a second partition.
fn two(disk: &SimDisk) -> Store {
    let store = open(disk).unwrap();
    store.add_partition("slow", None).unwrap();
    store
}

/// A message's octets: few, or those of a number from 1000 on some kilobytes.
fn text(n: u32) -> String {
    let body = format!("body {n}\r\n").repeat(if n < 1000 { 1 } else { 700 });
    format!("Message-ID: <{n}@x>\r\nSubject: {n}\r\n\r\n{body}")
}

async fn deliver(store: &Store, account: &Account, n: u32) -> Result<Uid, Error> {
    let mut incoming = store.receive().await?;
    incoming.write(text(n).as_bytes()).await?;
    let arrival = Arrival {
        message: incoming.finish().await?,
        trace: vec![],
        flags: Flags {
            keywords: vec![format!("n{n}").into()],
            ..Flags::default()
        },
        internal_date: None,
    };
    let placed = account.append(inbox(account), vec![arrival]).await?;
    Ok(placed.uids[0])
}

/// An account with messages, flags, copies, and something gone.
async fn fill(store: &Store, id: AccountId) -> Account {
    let account = store.account(id).await.unwrap();
    for n in 1..=12 {
        deliver(store, &account, n).await.unwrap();
    }
    let trash = account.snapshot().named(&name("Trash")).unwrap().id();
    let from = inbox(&account);
    account.copy(from, &[Uid(1), Uid(2)], trash).await.unwrap();
    account.expunge(from, None).await.unwrap();
    account.move_to(from, &[Uid(3)], trash).await.unwrap();
    account
}

async fn move_to(store: &Store, account: &Account, to: &str) -> Result<Moved, Error> {
    store.move_account(account, to, &mut |_, _| {}).await
}

/// Every message's text can be read, and is its own. In which partitions they lie.
async fn readable(account: &Account) -> Vec<u16> {
    let mut places = Vec::new();
    for mailbox in account.whole().await.unwrap().open() {
        for message in mailbox.every() {
            let n = mailbox.keywords()[message.keywords[0] as usize].to_string();
            let email = account.email(&message).await.unwrap();
            let mut octets = Vec::new();
            let span = Span {
                start: 0,
                end: u64::MAX,
            };
            email.read(span, &mut octets).await.unwrap();
            assert_eq!(octets, text(n[1..].parse().unwrap()).as_bytes());
            places.push(message.record.partition());
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

/// What a client can see of an account.
async fn seen(account: &Account) -> Vec<String> {
    let mut seen = Vec::new();
    for mailbox in account.whole().await.unwrap().open() {
        seen.push(format!(
            "{} {:?} {:?} {:?}",
            mailbox.name(),
            mailbox.uid_validity(),
            mailbox.uid_next(),
            mailbox.highest_mod_seq()
        ));
        for message in mailbox.every() {
            let keywords: Vec<_> = message
                .keywords
                .iter()
                .map(|index| mailbox.keywords()[*index as usize].to_string())
                .collect();
            seen.push(format!(
                "{:?} {:?} {:?} {keywords:?} {:?} {:?}",
                message.uid, message.mod_seq, message.system, message.email, message.thread
            ));
        }
    }
    seen
}

#[test]
fn an_account_is_moved_and_its_handles_go_on() {
    run(async {
        let disk = SimDisk::new();
        let store = two(&disk);
        let account = fill(&store, ALICE).await;
        let before = seen(&account).await;
        let moved = move_to(&store, &account, "slow").await.unwrap();
        // Twelve, two copies; nothing was deleted.
        assert_eq!((moved.messages, moved.damaged), (14, 0));
        assert_eq!(seen(&account).await, before);
        assert_eq!(readable(&account).await, [1]);
        assert_eq!(&*store.partition_of(ALICE).await.unwrap(), "slow");
        // Again is nothing; and it goes on where it is.
        let again = move_to(&store, &account, "slow").await.unwrap();
        assert_eq!(again.messages, 0);
        let uid = deliver(&store, &account, 13).await.unwrap();
        assert_eq!(uid, Uid(13));
        assert_eq!(readable(&account).await, [1]);
        let threads = account.snapshot().last.thread;
        nothing_wrong(&store);
        let before = seen(&account).await;
        let disk = disk.restart(Unsynced::Kept, &mut Rng::with_seed(1));
        let again = open(&disk).unwrap();
        let account = again.account(ALICE).await.unwrap();
        assert_eq!(seen(&account).await, before);
        assert_eq!(account.snapshot().last.thread, threads);
        assert_eq!(readable(&account).await, [1]);
        nothing_wrong(&again);
    });
}

#[test]
fn there_and_back_and_there_again() {
    run(async {
        let disk = SimDisk::new();
        let mut store = two(&disk);
        let mut account = fill(&store, ALICE).await;
        let before = seen(&account).await;
        for (turn, to) in ["slow", "default", "slow", "default"].iter().enumerate() {
            move_to(&store, &account, to).await.unwrap();
            if turn % 2 == 0 {
                store.checkpoint().await.unwrap();
            }
            assert_eq!(seen(&account).await, before);
            nothing_wrong(&store);
            store.partitions().close().await.unwrap();
            drop((account, store));
            store = open(&disk.clone()).unwrap();
            account = store.account(ALICE).await.unwrap();
            assert_eq!(&*store.partition_of(ALICE).await.unwrap(), *to);
            assert_eq!(seen(&account).await, before);
            assert_eq!(readable(&account).await, [u16::from(*to == "slow")]);
        }
    });
}

#[test]
fn a_mailbox_has_a_partition_of_its_own() {
    run(async {
        let disk = SimDisk::new();
        let store = two(&disk);
        let account = fill(&store, ALICE).await;
        let before = seen(&account).await;
        let id = inbox(&account);
        let mut told = |_, _| {};
        let moved = store.move_mailbox(&account, id, "slow", &mut told);
        assert_eq!(moved.await.unwrap().messages, 11);
        assert_eq!(seen(&account).await, before);
        deliver(&store, &account, 20).await.unwrap();
        let place = async |uid: u32| {
            let mailbox = account.open_mailbox(id).await.unwrap();
            mailbox.get(Uid(uid)).unwrap().record.partition()
        };
        assert_eq!((place(1).await, place(13).await), (1, 1));
        assert_eq!(
            readable(&account).await,
            [0, 1],
            "the others are where they were"
        );
        assert_eq!(&*store.partition_of(ALICE).await.unwrap(), "default");
        // The account may go, too, and the mailbox comes back.
        move_to(&store, &account, "slow").await.unwrap();
        assert_eq!(readable(&account).await, [1]);
        let needs = store.needs("default", Retention::default()).await.unwrap();
        assert_eq!(needs, []);
        nothing_wrong(&store);
    });
}

/// What is asked of a move that was broken off anywhere.
async fn whole_in_one_place(disk: &SimDisk, before: &[String], context: &str) {
    let store = open(disk).expect(context);
    let account = store.account(ALICE).await.expect(context);
    let now = seen(&account).await;
    assert_eq!(now, before, "{context}");
    readable(&account).await;
    assert_eq!(account.check().await.unwrap(), Vec::<String>::new());
    nothing_wrong(&store);
    // Again finishes it.
    move_to(&store, &account, "slow").await.expect(context);
    assert_eq!(seen(&account).await, before, "{context}");
    assert_eq!(readable(&account).await, [1], "{context}");
    deliver(&store, &account, 99).await.expect(context);
    nothing_wrong(&store);
    let before = account.whole().await.unwrap();
    store.partitions().close().await.unwrap();
    drop((account, store));
    let after = open(disk).expect(context).account(ALICE).await.unwrap();
    let after = after.whole().await.unwrap();
    assert_eq!(check::difference(&before, &after), None, "{context}");
}

#[test]
fn a_crash_anywhere_in_a_move_leaves_the_account_whole_in_one_place() {
    run(async {
        for at in (1_u64..).step_by(stride(5)) {
            let disk = SimDisk::new();
            let store = two(&disk);
            let account = fill(&store, ALICE).await;
            let before = seen(&account).await;
            if at % 2 == 0 {
                store.checkpoint().await.unwrap();
            }
            disk.arm(Fault::Crash(at));
            let moved = move_to(&store, &account, "slow").await;
            disk.arm(Fault::Never);
            if moved.is_ok() {
                assert!(at > 10, "{at}");
                break;
            }
            drop((account, store));
            for unsynced in [Unsynced::Kept, Unsynced::Lost, Unsynced::Torn] {
                let context = format!("crash at {at}, {unsynced:?}");
                let disk = disk.restart(unsynced, &mut Rng::with_seed(at));
                whole_in_one_place(&disk, &before, &context).await;
            }
        }
    });
}

#[test]
fn what_a_failing_disk_breaks_off_is_finished_later() {
    run(async {
        for at in (1..40).step_by(stride(3)) {
            let disk = SimDisk::new();
            let store = two(&disk);
            let account = fill(&store, ALICE).await;
            let before = seen(&account).await;
            disk.arm(if at % 2 == 0 {
                Fault::Error(at)
            } else {
                Fault::Full(at, at + 3)
            });
            let moved = move_to(&store, &account, "slow").await;
            disk.arm(Fault::Never);
            let context = format!("{at}: {moved:?}");
            assert_eq!(seen(&account).await, before, "{context}");
            readable(&account).await;
            // Reads go on; what failed comes back when it has been reopened.
            for status in store.partition_statuses().await.unwrap() {
                if status.out_of_service.is_some() {
                    let damages = store.reopen_partition(&status.name).await.expect(&context);
                    assert_eq!(damages, Vec::<String>::new(), "{context}");
                }
            }
            let account = store.account(ALICE).await.expect(&context);
            assert_eq!(seen(&account).await, before, "{context}");
            move_to(&store, &account, "slow").await.expect(&context);
            assert_eq!(seen(&account).await, before, "{context}");
            assert_eq!(readable(&account).await, [1], "{context}");
            deliver(&store, &account, 99).await.expect(&context);
            nothing_wrong(&store);
        }
    });
}

#[test]
fn a_mailbox_whose_move_was_broken_off_is_whole() {
    run(async {
        for at in (1..30).step_by(stride(3)) {
            let disk = SimDisk::new();
            let store = two(&disk);
            let account = fill(&store, ALICE).await;
            let before = seen(&account).await;
            let id = inbox(&account);
            disk.arm(Fault::Crash(at));
            let moved = store
                .move_mailbox(&account, id, "slow", &mut |_, _| {})
                .await;
            if moved.is_ok() {
                assert!(at > 5);
                break;
            }
            drop((account, store));
            for unsynced in [Unsynced::Kept, Unsynced::Lost, Unsynced::Torn] {
                let context = format!("crash at {at}, {unsynced:?}");
                let disk = disk.restart(unsynced, &mut Rng::with_seed(at));
                let store = open(&disk).expect(&context);
                let account = store.account(ALICE).await.unwrap();
                assert_eq!(seen(&account).await, before, "{context}");
                readable(&account).await;
                nothing_wrong(&store);
                let mut told = |_, _| {};
                let again = store.move_mailbox(&account, id, "slow", &mut told);
                again.await.expect(&context);
                assert_eq!(seen(&account).await, before, "{context}");
                assert_eq!(readable(&account).await, [0, 1], "{context}");
                nothing_wrong(&store);
            }
        }
    });
}

#[test]
fn a_partition_that_is_not_there_takes_only_its_own_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let options = Options {
        directory: Some(directory.path().to_owned()),
        message_bytes_max: 1 << 20,
        clock,
    };
    let mount = elsewhere.path().join("mount");
    run(async {
        let store = Store::open(options.clone()).await.unwrap();
        store.add_partition("slow", Some(&mount)).unwrap();
        let alice = fill(&store, ALICE).await;
        let bob = fill(&store, BOB).await;
        move_to(&store, &alice, "slow").await.unwrap();
        let trash = bob.snapshot().named(&name("Trash")).unwrap().id();
        let mut told = |_, _| {};
        store
            .move_mailbox(&bob, trash, "slow", &mut told)
            .await
            .unwrap();
        nothing_wrong(&store);
        store.close().await.unwrap();
    });
    // The disk is not mounted: its directory is there, and empty.
    let away = elsewhere.path().join("away");
    std::fs::rename(&mount, &away).unwrap();
    std::fs::create_dir(&mount).unwrap();
    run(async {
        let store = Store::open(options.clone()).await.unwrap();
        let alice = store.account(ALICE).await;
        assert!(matches!(alice, Err(Error::OutOfService(_))), "{alice:?}");
        // Who has never been seen may be there.
        let other = store.account(AccountId(77)).await;
        assert!(matches!(other, Err(Error::OutOfService(_))));
        assert_eq!(std::fs::read_dir(&mount).unwrap().count(), 0, "made anew");
        let bob = store.account(BOB).await.unwrap();
        let trash = bob.snapshot().named(&name("Trash")).unwrap().id();
        for mailbox in bob.whole().await.unwrap().open() {
            for message in mailbox.every() {
                let email = bob.email(&message).await;
                let gone = matches!(email, Err(Error::OutOfService(_)));
                assert_eq!(gone, mailbox.id() == trash);
            }
        }
        // What arrives there lies at home meanwhile.
        let arrival = arrival(&store, b"Subject: x\r\n\r\ny").await;
        bob.append(trash, vec![arrival]).await.unwrap();
        deliver(&store, &bob, 30).await.unwrap();
        let mut findings = Vec::new();
        store
            .verify(Depth::Content, &mut |finding| findings.push(finding))
            .unwrap();
        let of: Vec<&str> = findings.iter().map(|it| &*it.partition).collect();
        assert_eq!(of, ["slow"], "{findings:?}");
        store.checkpoint().await.unwrap();
        let slow = &store.partition_statuses().await.unwrap()[1];
        assert!(slow.out_of_service.is_some() && slow.accounts.is_none());
        // It is mounted while the store is open.
        std::fs::remove_dir(&mount).unwrap();
        std::fs::rename(&away, &mount).unwrap();
        store.reopen_partition("slow").await.unwrap();
        let alice = store.account(ALICE).await.unwrap();
        assert_eq!(readable(&alice).await, [1]);
        store.account(AccountId(77)).await.unwrap();
        nothing_wrong(&store);
        store.close().await.unwrap();
    });
    // The file is lost: the partitions say it.
    std::fs::remove_file(directory.path().join("store.toml")).unwrap();
    run(async {
        let store = Store::open(options).await.unwrap();
        assert_eq!(readable(&store.account(ALICE).await.unwrap()).await, [1]);
        assert_eq!(store.partition_statuses().await.unwrap().len(), 2);
        nothing_wrong(&store);
    });
}

#[test]
fn a_partition_is_removed_when_nothing_needs_it() {
    run(async {
        let disk = SimDisk::new();
        let store = two(&disk);
        let account = fill(&store, ALICE).await;
        move_to(&store, &account, "slow").await.unwrap();
        let retention = Retention::default();
        let refused = store.remove_partition("slow", retention).await;
        assert!(matches!(refused, Err(Error::NotPermitted(_))));
        let needs = store.needs("slow", retention).await.unwrap();
        assert_eq!(
            (needs.len(), needs[0].home, needs[0].messages),
            (1, true, 14)
        );
        // The first goes as well as any other, once accounts begin elsewhere.
        assert!(store.remove_partition("default", retention).await.is_err());
        store.begin_accounts_in("slow").unwrap();
        store.remove_partition("default", retention).await.unwrap();
        deliver(&store, &account, 40).await.unwrap();
        nothing_wrong(&store);
        let bob = store.account(BOB).await.unwrap();
        deliver(&store, &bob, 41).await.unwrap();
        assert_eq!(readable(&bob).await, [1]);
        store.partitions().close().await.unwrap();
        drop((account, bob, store));
        let store = open(&disk).unwrap();
        assert_eq!(store.partition_statuses().await.unwrap().len(), 1);
        readable(&store.account(ALICE).await.unwrap()).await;
        // Its number is not given out again.
        store.add_partition("third", None).unwrap();
        let third = &store.partition_statuses().await.unwrap()[1];
        assert_eq!((&*third.name, third.number), ("third", 2));
    });
}

#[test]
fn what_goes_wrong_in_one_partition_is_nothing_to_the_other() {
    run(async {
        let disk = SimDisk::new();
        let store = two(&disk);
        let alice = fill(&store, ALICE).await;
        let bob = fill(&store, BOB).await;
        move_to(&store, &alice, "slow").await.unwrap();
        // The next operations are a write and a sync of the partition that is used.
        disk.arm(Fault::Error(2));
        let failed = alice.subscribe(&name("x")).await;
        assert!(matches!(failed, Err(Error::OutOfService(_))), "{failed:?}");
        disk.arm(Fault::Never);
        readable(&alice).await;
        assert!(deliver(&store, &alice, 50).await.is_err());
        deliver(&store, &bob, 51).await.unwrap();
        store.begin_accounts_in("slow").unwrap();
        // Arrivals go where they can.
        deliver(&store, &bob, 52).await.unwrap();
        assert_eq!(readable(&bob).await, [0]);
        let idle = alice.clone();
        let told = std::thread::spawn(move || run(idle.changed(ModSeq(u64::MAX))));
        store.reopen_partition("slow").await.unwrap();
        // Who waits for news of it hears that there are none any more.
        told.join().unwrap();
        assert!(alice.is_closed() && !bob.is_closed());
        let alice = store.account(ALICE).await.unwrap();
        assert!(!alice.is_closed());
        deliver(&store, &alice, 53).await.unwrap();
        nothing_wrong(&store);
    });
}

#[test]
fn deliveries_and_flags_go_on_while_an_account_is_moved() {
    let disk = SimDisk::new();
    let store = two(&disk);
    let account = run(fill(&store, ALICE));
    let id = inbox(&account);
    let delivered = std::thread::scope(|scope| {
        let deliveries = scope.spawn(|| {
            let uids = (100..180).map(|n| run(deliver(&store, &account, n)).unwrap());
            uids.collect::<Vec<_>>()
        });
        let flags = scope.spawn(|| {
            for n in 0..80_u32 {
                let change = crate::FlagChange {
                    action: crate::FlagAction::Replace,
                    flags: Flags {
                        system: crate::SystemFlags(u8::try_from(n % 32).unwrap()),
                        keywords: vec![format!("n{}", 1 + n % 12).into()],
                    },
                    unchanged_since: None,
                };
                let uid = Uid(1 + n % 12);
                run(account.store(id, &[uid], &change)).unwrap();
            }
        });
        for to in ["slow", "default", "slow"] {
            run(move_to(&store, &account, to)).unwrap();
            run(store.checkpoint()).unwrap();
        }
        flags.join().unwrap();
        deliveries.join().unwrap()
    });
    run(async {
        // None twice, none lost, in order.
        assert!(delivered.windows(2).all(|pair| pair[0] < pair[1]));
        move_to(&store, &account, "slow").await.unwrap();
        assert_eq!(readable(&account).await, [1]);
        let mailbox = account.open_mailbox(id).await.unwrap();
        assert!(delivered.iter().all(|uid| mailbox.get(*uid).is_some()));
        nothing_wrong(&store);
        let before = account.whole().await.unwrap();
        store.close().await.unwrap();
        drop((account, store));
        let after = open(&disk).unwrap().account(ALICE).await.unwrap();
        assert_eq!(
            check::difference(&before, &after.whole().await.unwrap()),
            None
        );
    });
}

#[test]
fn what_was_expunged_before_a_move_can_be_brought_back_after_it() {
    run(async {
        let disk = SimDisk::new();
        let store = two(&disk);
        let account = fill(&store, ALICE).await;
        let id = inbox(&account);
        let deleted = crate::FlagChange {
            action: crate::FlagAction::Add,
            flags: Flags {
                system: crate::SystemFlags::DELETED,
                keywords: vec![],
            },
            unchanged_since: None,
        };
        let uids = [Uid(4), Uid(5)];
        account.store(id, &uids, &deleted).await.unwrap();
        account.expunge(id, None).await.unwrap();
        let gone = async || account.gone(Retention::default()).await.unwrap();
        let before = gone().await;
        assert_eq!(before.messages(), 2);
        let moment = crate::past::Moment::ModSeq(account.snapshot().mod_seq());
        let then = account.as_of(moment).await.unwrap();
        for to in ["slow", "default", "slow"] {
            move_to(&store, &account, to).await.unwrap();
            assert_eq!(gone().await.messages(), 2, "{to}");
            let past = account.as_of(moment).await.unwrap();
            assert_eq!(check::difference(&then, &past), None, "{to}");
            for message in &before.mailbox(id).unwrap().messages {
                account.gone_email(message).await.unwrap();
            }
        }
        let needs = store.needs("default", Retention::default()).await.unwrap();
        assert_eq!((needs.len(), needs[0].messages, needs[0].gone), (1, 0, 2));
    });
}

#[test]
fn what_a_batch_refers_to_elsewhere_is_durable_before_it() {
    run(async {
        for at in 1.. {
            let disk = SimDisk::new();
            let store = two(&disk);
            let account = store.account(ALICE).await.unwrap();
            let id = inbox(&account);
            let moved = store
                .move_mailbox(&account, id, "slow", &mut |_, _| {})
                .await;
            moved.unwrap();
            deliver(&store, &account, 1).await.unwrap();
            disk.arm(Fault::Crash(at));
            let (first, second) = (
                deliver(&store, &account, 2).await,
                deliver(&store, &account, 3).await,
            );
            disk.arm(Fault::Never);
            if second.is_ok() {
                assert!(at > 4, "{at}");
                break;
            }
            drop((account, store));
            for unsynced in [Unsynced::Kept, Unsynced::Lost, Unsynced::Torn] {
                let context = format!("crash at {at}, {unsynced:?}");
                let disk = disk.restart(unsynced, &mut Rng::with_seed(at));
                let store = open(&disk).expect(&context);
                let account = store.account(ALICE).await.unwrap();
                assert_eq!(readable(&account).await, [1], "{context}");
                let there = account.snapshot().mailbox(id).unwrap().len();
                assert!(there > u32::from(first.is_ok()), "{context}");
                nothing_wrong(&store);
            }
        }
    });
}

#[test]
fn a_crash_while_a_partition_is_added_or_removed() {
    run(async {
        for at in (1..).step_by(stride(3)) {
            let disk = SimDisk::new();
            let store = open(&disk).unwrap();
            let account = fill(&store, ALICE).await;
            let before = seen(&account).await;
            disk.arm(Fault::Crash(at));
            let added = store.add_partition("slow", None);
            let retention = Retention::default();
            let removed = match added {
                Ok(()) => store.remove_partition("slow", retention).await,
                Err(_) => Err(Error::Full),
            };
            disk.arm(Fault::Never);
            if removed.is_ok() {
                assert!(at > 15, "{at}");
                break;
            }
            drop((account, store));
            for unsynced in [Unsynced::Kept, Unsynced::Lost, Unsynced::Torn] {
                let context = format!("crash at {at}, {unsynced:?}");
                let disk = disk.restart(unsynced, &mut Rng::with_seed(at));
                let store = open(&disk).expect(&context);
                let account = store.account(ALICE).await.expect(&context);
                assert_eq!(seen(&account).await, before);
                let statuses = store.partition_statuses().await.unwrap();
                assert!(statuses.iter().all(|it| it.out_of_service.is_none()));
                if statuses.len() == 1 {
                    // What was begun of it, and what is left of it, is taken as it is.
                    store.add_partition("slow", None).expect(&context);
                }
                move_to(&store, &account, "slow").await.expect(&context);
                nothing_wrong(&store);
            }
        }
    });
}

#[test]
fn a_backup_has_all_partitions() {
    let target = tempfile::tempdir().unwrap();
    let disk = SimDisk::new();
    let store = two(&disk);
    let account = run(fill(&store, ALICE));
    let id = inbox(&account);
    run(store.move_mailbox(&account, id, "slow", &mut |_, _| {})).unwrap();
    run(move_to(&store, &run(fill(&store, BOB)), "slow")).unwrap();
    std::thread::scope(|scope| {
        let deliveries = scope.spawn(|| {
            for n in 100..160 {
                run(deliver(&store, &account, n)).unwrap();
            }
        });
        for _ in 0..4 {
            store.backup(target.path(), vec![], &mut |_, _| {}).unwrap();
        }
        deliveries.join().unwrap();
    });
    let generations = crate::backup::generations(target.path()).unwrap();
    assert_eq!(generations.len(), 4);
    for generation in generations {
        let directory = target.path().join(&generation.name);
        run(async {
            let past = Store::open_read_only(directory.clone(), clock)
                .await
                .unwrap();
            let alice = past.account(ALICE).await.unwrap();
            assert_eq!(readable(&alice).await, [0, 1]);
            let bob = past.account(BOB).await.unwrap();
            assert_eq!(readable(&bob).await, [1]);
            nothing_wrong(&past);
        });
    }
}

#[test]
fn compaction_frees_what_a_move_left_and_nothing_else() {
    run(async {
        let disk = SimDisk::new();
        let mut store = two(&disk);
        let alice = fill(&store, ALICE).await;
        let bob = fill(&store, BOB).await;
        for n in 1000..1040 {
            deliver(&store, &alice, n).await.unwrap();
            deliver(&store, &bob, n + 100).await.unwrap();
        }
        // One of his is with hers, and some go.
        let trash = bob.snapshot().named(&name("Trash")).unwrap().id();
        let mut told = |_, _| {};
        let moved = store.move_mailbox(&bob, trash, "slow", &mut told);
        moved.await.unwrap();
        let before = (seen(&alice).await, seen(&bob).await);
        drop((alice, bob));
        for (turn, to) in ["slow", "default", "slow"].into_iter().enumerate() {
            let alice = store.account(ALICE).await.unwrap();
            move_to(&store, &alice, to).await.unwrap();
            let options = |days: i64| crate::compact::CompactOptions {
                mode: crate::past::Mode::Do,
                now: clock().unix + days * 86_400,
                retention: Retention::default(),
                rate: None,
            };
            let compacted = store.compact(options(30), &mut |_| {}).await.unwrap();
            assert_eq!(compacted.kept, [], "{to}");
            let left = usize::from(to == "default");
            let freed = compacted.partitions[left].freed;
            assert!(freed > 100_000, "{to}: {compacted:?}");
            nothing_wrong(&store);
            if turn == 1 {
                store.checkpoint().await.unwrap();
            }
            store.partitions().close().await.unwrap();
            drop((alice, store));
            store = open(&disk).unwrap();
            let alice = store.account(ALICE).await.unwrap();
            let bob = store.account(BOB).await.unwrap();
            assert_eq!((seen(&alice).await, seen(&bob).await), before);
            assert_eq!(readable(&alice).await, [1 - u16::try_from(left).unwrap()]);
            assert_eq!(readable(&bob).await, [0, 1]);
            nothing_wrong(&store);
        }
    });
}

#[test]
fn copies_for_another_account_share_the_octets_or_are_whole_in_its_partition() {
    run(async {
        let disk = SimDisk::new();
        let store = two(&disk);
        let ann = fill(&store, AccountId(1)).await;
        deliver(&store, &ann, 1001).await.unwrap();
        let near = store.account(AccountId(2)).await.unwrap();
        let far = store.account(AccountId(3)).await.unwrap();
        move_to(&store, &far, "slow").await.unwrap();
        let from = inbox(&ann);
        let all: Vec<Uid> = (1..=20).map(Uid).collect();
        for (other, partition) in [(&near, 0), (&far, 1)] {
            let to = (other, inbox(other));
            let copied = ann.copy_across(from, &all, to).await.unwrap();
            // The third is in Trash.
            let there = (1..=13).filter(|n| *n != 3).map(Uid);
            let expected: Vec<_> = there.zip((1..).map(Uid)).collect();
            assert_eq!(copied.uids, expected);
            assert_eq!(readable(other).await, [partition]);
        }
        let trash = near.snapshot().named(&name("Trash")).unwrap().id();
        let moved = [Uid(4), Uid(13)];
        let moved = ann.move_across(from, &moved, (&near, trash)).await.unwrap();
        assert_eq!(moved.uids, [(Uid(4), Uid(1)), (Uid(13), Uid(2))]);
        assert_eq!(ann.open_mailbox(from).await.unwrap().len(), 10);
        // A mailbox that is not there takes nothing away.
        let nowhere = (&near, MailboxId(99));
        let refused = ann.move_across(from, &[Uid(1)], nowhere).await;
        assert!(matches!(refused, Err(Error::NoSuchMailbox)));
        assert_eq!(ann.open_mailbox(from).await.unwrap().len(), 10);
        let before = [seen(&ann).await, seen(&near).await, seen(&far).await];
        store.close().await.unwrap();
        drop((ann, near, far, store));
        let store = open(&disk).unwrap();
        for (id, before) in [1, 2, 3].map(AccountId).into_iter().zip(before) {
            let account = store.account(id).await.unwrap();
            readable(&account).await;
            assert_eq!(seen(&account).await, before);
        }
        nothing_wrong(&store);
    });
}

#[test]
#[ignore = "prints figures"]
fn figures_of_a_move() {
    use std::{sync::atomic, time::Instant};
    let messages = std::env::var("MESSAGES").map_or(20_000, |n| n.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        directory: Some(directory.path().to_owned()),
        message_bytes_max: 1 << 20,
        clock,
    };
    let store = run(Store::open(options)).unwrap();
    store.add_partition("slow", None).unwrap();
    let account = run(store.account(ALICE)).unwrap();
    let id = inbox(&account);
    for n in 0..messages / 500 {
        let mut arrivals = Vec::new();
        for m in 0..500 {
            let octets = text(1000 + n * 500 + m);
            arrivals.push(run(arrival(&store, octets.as_bytes())));
        }
        run(account.append(id, arrivals)).unwrap();
    }
    let ended = atomic::AtomicBool::new(false);
    let (waited, moved) = std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let mut longest = std::time::Duration::ZERO;
            for n in 0.. {
                if ended.load(atomic::Ordering::Relaxed) {
                    break;
                }
                let begin = Instant::now();
                run(account.subscribe(&name(&format!("x{n}")))).unwrap();
                longest = longest.max(begin.elapsed());
            }
            longest
        });
        let begin = Instant::now();
        let moved = run(move_to(&store, &account, "slow")).unwrap();
        let took = begin.elapsed();
        ended.store(true, atomic::Ordering::Relaxed);
        (waits.join().unwrap(), (moved, took))
    });
    eprintln!("{messages} messages: {moved:?}; a verb waited {waited:?} at most");
}

#[test]
fn a_move_that_nobody_waits_for_any_more_leaves_an_account_that_works() {
    use std::{future::Future, pin::pin, task};
    // Polled so often, then dropped.
    for polls in (1..60).step_by(stride(3)) {
        let disk = SimDisk::new();
        let store = two(&disk);
        let account = run(fill(&store, ALICE));
        let before = run(seen(&account));
        let mut context = task::Context::from_waker(task::Waker::noop());
        let mut told = |_, _| {};
        let ended = {
            let mut moving = pin!(store.move_account(&account, "slow", &mut told));
            (0..polls).any(|_| {
                // The disk's threads get on meanwhile.
                std::thread::sleep(std::time::Duration::from_millis(1));
                moving.as_mut().poll(&mut context).is_ready()
            })
        };
        run(async {
            deliver(&store, &account, 70).await.unwrap();
            deliver(&store, &account, 71).await.unwrap();
            move_to(&store, &account, "slow").await.unwrap();
            assert_eq!(readable(&account).await, [1], "{polls}");
            let now = seen(&account).await;
            let old = |line: &&String| before.contains(line);
            // But for the two, and what the mailbox says of itself.
            assert_eq!(now.iter().filter(old).count(), before.len() - 1, "{polls}");
            nothing_wrong(&store);
        });
        if ended {
            return;
        }
    }
    panic!("it takes longer than that");
}
