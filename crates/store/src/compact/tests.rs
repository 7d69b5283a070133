//! Compaction: nothing alive is ever lost, whatever fails in the middle; what is gone for good gives
//! its space back.

use std::{cell::Cell, collections::BTreeMap};

use fastrand::Rng;

use super::*;
use crate::{
    Account, AccountId, Arrival, FlagAction, FlagChange, Flags, MailboxId, SystemFlags, Timestamp,
    Uid, checkpoint,
    engine::log::{
        Log,
        disk::RealDisk,
        sim::{Fault, SimDisk, Unsynced},
    },
    past::Gone,
    tests::{ALICE, name, nothing_wrong, receive, run},
};

const DAY: i64 = 86_400;
const BOB: AccountId = AccountId(0xb0b);
const SEGMENT_BYTES: u64 = 64 << 10;
const RETENTION: Retention = Retention {
    deleted_seconds: 3 * 86_400,
};

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(1_800_000_000) };
}

fn clock() -> Timestamp {
    Timestamp {
        unix: NOW.get(),
        zone_minutes: 0,
    }
}

fn pass(seconds: i64) {
    NOW.set(NOW.get() + seconds);
}

fn with(engine: Engine) -> Store {
    Store::with_engine(engine, 1 << 20, clock)
}

fn open(disk: &SimDisk) -> Result<Store, Error> {
    Ok(with(Engine::Sim(Log::open(disk.clone(), SEGMENT_BYTES)?)))
}

fn options(mode: Mode) -> CompactOptions {
    CompactOptions {
        mode,
        now: NOW.get(),
        retention: RETENTION,
        rate: None,
    }
}

async fn compact(store: &Store) -> Result<Compacted, Error> {
    store.compact(options(Mode::Do), &mut |_| {}).await
}

/// Some kilobytes that no other message has.
fn octets(seed: u64) -> Vec<u8> {
    let mut rng = Rng::with_seed(seed);
    let mut octets = format!("Message-ID: <{seed}@x>\r\nSubject: {seed}\r\n\r\n").into_bytes();
    let length = rng.usize(500..9000);
    octets.extend((0..length).map(|_| rng.u8(b'a'..=b'z')));
    octets
}

/// Random work of two accounts, with everything that was ever sent remembered by its subject.
struct World {
    rng: Rng,
    store: Store,
    sent: u64,
}

impl World {
    fn new(seed: u64, store: Store) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            store,
            sent: seed * 1_000_000,
        }
    }

    async fn account(&mut self) -> Result<Account, Error> {
        let id = [ALICE, BOB][self.rng.usize(..2)];
        self.store.account(id).await
    }

    fn mailbox(&mut self, account: &Account) -> MailboxId {
        let snapshot = account.snapshot();
        let ids: Vec<MailboxId> = snapshot
            .mailboxes()
            .map(|(_, mailbox)| mailbox.id())
            .collect();
        ids[self.rng.usize(..ids.len())]
    }

    async fn uids(&mut self, account: &Account, mailbox: MailboxId) -> Result<Vec<Uid>, Error> {
        let open = account.open_mailbox(mailbox).await?;
        let all: Vec<Uid> = open.every().map(|message| message.uid).collect();
        Ok(all.into_iter().filter(|_| self.rng.u8(..3) == 0).collect())
    }

    /// One message for one account, or the same for both.
    async fn deliver(&mut self) -> Result<(), Error> {
        self.sent += 1;
        let octets = octets(self.sent);
        let mut incoming = self.store.receive().await?;
        for piece in octets.chunks(1000) {
            incoming.write(piece).await?;
        }
        let message = incoming.finish().await?;
        let arrival = |trace: &str| Arrival {
            message: message.clone(),
            trace: trace.as_bytes().to_vec(),
            flags: Flags::default(),
            internal_date: None,
        };
        for id in [ALICE, BOB] {
            if self.rng.u8(..3) > 0 {
                let account = self.store.account(id).await?;
                let mailbox = self.mailbox(&account);
                account
                    .append(mailbox, vec![arrival("Delivered-To: x\r\n")])
                    .await?;
            }
        }
        Ok(())
    }

    async fn step(&mut self) -> Result<(), Error> {
        pass(self.rng.i64(0..6 * 3600));
        match self.rng.u8(..18) {
            0..7 => self.deliver().await?,
            7..9 => {
                let account = self.account().await?;
                let (from, to) = (self.mailbox(&account), self.mailbox(&account));
                let uids = self.uids(&account, from).await?;
                if self.rng.bool() {
                    account.copy(from, &uids, to).await?;
                } else {
                    account.move_to(from, &uids, to).await?;
                }
            }
            9..13 => {
                let account = self.account().await?;
                let mailbox = self.mailbox(&account);
                let uids = self.uids(&account, mailbox).await?;
                let deleted = FlagChange {
                    action: FlagAction::Add,
                    flags: Flags {
                        system: SystemFlags::DELETED,
                        keywords: vec![],
                    },
                    unchanged_since: None,
                };
                account.store(mailbox, &uids, &deleted).await?;
                account.expunge(mailbox, None).await?;
            }
            13 => {
                let account = self.account().await?;
                let target = name(["x", "y", "z"][self.rng.usize(..3)]);
                let made = account.create(&target, None).await;
                if matches!(made, Err(Error::AlreadyExists)) {
                    account.delete(&target).await?;
                }
            }
            14 => {
                let account = self.account().await?;
                let mailbox = self.mailbox(&account);
                let held = self.rng.u8(..4) == 0;
                account.set_hold(Some(mailbox), held).await?;
            }
            15..17 => {
                let account = self.account().await?;
                assert!(account.write_base().await?);
            }
            _ => self.store.checkpoint().await?,
        }
        Ok(())
    }
}

/// What there is: every message that is in a mailbox or can be brought back reads as it was sent.
async fn look(store: &Store) -> BTreeMap<(AccountId, MailboxId, Uid), u64> {
    let mut seen = BTreeMap::new();
    for id in [ALICE, BOB] {
        let account = store.account(id).await.unwrap();
        for (_, mailbox) in account.snapshot().mailboxes() {
            let open = account.open_mailbox(mailbox.id()).await.unwrap();
            for message in open.every() {
                let email = account.email(&message).await.unwrap();
                seen.insert((id, mailbox.id(), message.uid), reads(&email).await);
            }
        }
        let gone: Gone = account.gone(RETENTION).await.unwrap();
        for mailbox in &gone.mailboxes {
            for message in &mailbox.messages {
                // What is named by a hold may have been freed before that was laid.
                let old = message.ended.time < RETENTION.horizon(NOW.get());
                let email = match account.gone_email(message).await {
                    Err(Error::Corrupt { .. }) if old => continue,
                    email => email.unwrap(),
                };
                assert!(old || email.is_there());
                if !email.is_there() {
                    continue;
                }
                let sent = reads(&email).await;
                if !old {
                    seen.insert((id, mailbox.id, message.uid), sent);
                }
            }
        }
    }
    seen
}

/// Which message it is, if it is one as it was sent.
async fn reads(email: &crate::Email) -> u64 {
    let mut whole = Vec::new();
    let span = mail::Span {
        start: email.trace_len(),
        end: u64::MAX,
    };
    email.read(span, &mut whole).await.unwrap();
    let text = String::from_utf8(whole.clone()).unwrap();
    let (_, rest) = text.split_once("Subject: ").unwrap();
    let seed = rest.split_once("\r\n").unwrap().0.parse().unwrap();
    assert_eq!(whole, octets(seed));
    seed
}

/// Folds every account from nothing, and compares with what is there.
async fn folds(store: &Store) {
    for id in [ALICE, BOB] {
        let account = store.account(id).await.unwrap();
        let engine = &account.shared.engine();
        let folded = checkpoint::fold(engine, id).await.unwrap();
        assert_eq!(folded.wrong, []);
        let whole = account.whole().await.unwrap();
        let at = whole.mod_seq();
        let mut threads = folded.state.threads.learned(at);
        threads.sort_unstable();
        let known = checkpoint::base::threads(&account.shared, at);
        assert_eq!(known.await.unwrap(), threads);
        assert_eq!(
            crate::check::difference(&folded.state.snapshot, &whole),
            None
        );
    }
}

fn sweeps() -> u64 {
    let factor = std::env::var("SWEEP").ok().and_then(|it| it.parse().ok());
    factor.unwrap_or(1)
}

#[test]
fn whatever_happens_what_is_alive_reads_as_it_was_sent() {
    let mut freed = 0;
    for seed in 0..4 * sweeps() {
        run(async {
            let disk = SimDisk::new();
            let mut world = World::new(seed, open(&disk).unwrap());
            for step in 0..120 {
                world.step().await.unwrap();
                if world.rng.u8(..20) == 0 {
                    let before = look(&world.store).await;
                    let done = compact(&world.store).await.unwrap();
                    assert_eq!(done.kept, [], "seed {seed}, step {step}");
                    freed += done.freed();
                    assert_eq!(look(&world.store).await, before, "seed {seed}, step {step}");
                    let again = compact(&world.store).await.unwrap();
                    assert_eq!(again.freed(), 0, "seed {seed}, step {step}");
                    assert!(again.partitions.iter().all(|it| it.dead == 0));
                }
                if world.rng.u8(..25) == 0 {
                    let before = look(&world.store).await;
                    drop(std::mem::replace(&mut world.store, memory()));
                    if world.rng.bool() {
                        // Derived: it can go.
                        let _ = disk_remove_checkpoint(&disk);
                    }
                    world.store = open(&disk).unwrap();
                    assert_eq!(look(&world.store).await, before, "seed {seed}, step {step}");
                }
            }
            folds(&world.store).await;
            nothing_wrong(&world.store);
        });
    }
    assert!(freed > 0);
}

fn memory() -> Store {
    with(crate::tests::model::engine_in_memory())
}

fn disk_remove_checkpoint(disk: &SimDisk) -> std::io::Result<()> {
    use crate::engine::log::disk::Disk;
    disk.remove("partitions/default/checkpoint/checkpoint.redb")
}

/// A disk with mail of which most is gone for good.
fn used() -> (SimDisk, BTreeMap<(AccountId, MailboxId, Uid), u64>) {
    let disk = SimDisk::new();
    let store = open(&disk).unwrap();
    let mut world = World::new(77, store);
    let before = run(async {
        for _ in 0..60 {
            world.step().await.unwrap();
        }
        pass(10 * DAY);
        world.step().await.unwrap();
        look(&world.store).await
    });
    run(world.store.close()).unwrap();
    drop(world);
    (disk.restart(Unsynced::Kept, &mut Rng::with_seed(1)), before)
}

#[test]
fn the_power_may_fail_at_every_operation_of_a_compaction() {
    let (whole, before) = used();
    let copy = || whole.restart(Unsynced::Kept, &mut Rng::with_seed(1));
    let count = {
        let disk = copy();
        let store = open(&disk).unwrap();
        disk.arm(Fault::Never);
        assert!(run(compact(&store)).unwrap().freed() > 0);
        disk.operations()
    };
    let mut rng = Rng::with_seed(3);
    let step = (count * 3 / (40 * sweeps())).max(1);
    let every = [Unsynced::Lost, Unsynced::Torn, Unsynced::Kept];
    for (n, at) in (1..=count * 3)
        .step_by(usize::try_from(step).unwrap())
        .enumerate()
    {
        let (unsynced, at) = (every[n % 3], at / 3 + 1);
        let disk = copy();
        let store = open(&disk).unwrap();
        disk.arm(Fault::Crash(at));
        let _ = run(compact(&store));
        drop(store);
        let disk = disk.restart(unsynced, &mut rng);
        let store = open(&disk).unwrap_or_else(|error| panic!("{unsynced:?} {at}: {error}"));
        assert_eq!(run(look(&store)), before, "{unsynced:?} {at}");
        nothing_wrong(&store);
        run(compact(&store)).unwrap();
        assert_eq!(run(look(&store)), before, "{unsynced:?} {at}");
        nothing_wrong(&store);
    }
}

#[test]
fn an_error_or_a_full_disk_in_a_compaction_costs_nothing() {
    let (whole, before) = used();
    let copy = || whole.restart(Unsynced::Kept, &mut Rng::with_seed(1));
    let step = usize::try_from((6 / sweeps()).max(1)).unwrap();
    for at in (1..100).step_by(step) {
        for fault in [Fault::Error(at), Fault::Full(at, at + 5)] {
            let disk = copy();
            let store = open(&disk).unwrap();
            disk.arm(fault);
            let _ = run(compact(&store));
            disk.arm(Fault::Never);
            assert_eq!(run(look(&store)), before, "{fault:?}");
            drop(store);
            let store = open(&disk).unwrap();
            assert_eq!(run(look(&store)), before, "{fault:?}");
            nothing_wrong(&store);
        }
    }
}

#[test]
fn what_is_being_received_is_kept_however_long_it_takes() {
    run(async {
        let disk = SimDisk::new();
        let store = open(&disk).unwrap();
        let account = store.account(ALICE).await.unwrap();
        let inbox = account.snapshot().named(&name("INBOX")).unwrap().id();
        let mut slow = store.receive().await.unwrap();
        let first = vec![b'x'; 200_000];
        slow.write(&first).await.unwrap();
        let mut world = World::new(5, store.clone());
        for _ in 0..60 {
            world.deliver().await.unwrap();
        }
        pass(30 * DAY);
        compact(&store).await.unwrap();
        slow.write(b"y").await.unwrap();
        let message = slow.finish().await.unwrap();
        compact(&store).await.unwrap();
        let arrival = Arrival {
            message,
            trace: vec![],
            flags: Flags::default(),
            internal_date: None,
        };
        let placed = account.append(inbox, vec![arrival]).await.unwrap();
        compact(&store).await.unwrap();
        let open = account.open_mailbox(inbox).await.unwrap();
        let email = account
            .email(&open.get(placed.uids[0]).unwrap())
            .await
            .unwrap();
        let mut whole = Vec::new();
        let all = mail::Span {
            start: 0,
            end: u64::MAX,
        };
        email.read(all, &mut whole).await.unwrap();
        assert_eq!(whole, [&first[..], b"y"].concat());
        nothing_wrong(&store);
    });
}

#[test]
fn space_on_the_disk_falls_as_soon_as_the_retention_has_passed() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(RealDisk::new(directory.path().join("data")), SEGMENT_BYTES).unwrap();
    let store = with(Engine::Log(log));
    let taken = || -> u64 {
        use std::os::unix::fs::MetadataExt;
        let files =
            std::fs::read_dir(directory.path().join("data/partitions/default/log")).unwrap();
        files
            .map(|file| file.unwrap())
            .filter(|file| file.path().extension().is_some_and(|it| it == "log"))
            .map(|file| file.metadata().unwrap().blocks() * 512)
            .sum()
    };
    run(async {
        let account = store.account(ALICE).await.unwrap();
        let inbox = account.snapshot().named(&name("INBOX")).unwrap().id();
        for seed in 0..100 {
            let message = receive(&store, &octets(seed)).await;
            let deleted = seed % 10 > 0;
            let arrival = Arrival {
                message,
                trace: vec![],
                flags: Flags {
                    system: if deleted {
                        SystemFlags::DELETED
                    } else {
                        SystemFlags::NONE
                    },
                    keywords: vec![],
                },
                internal_date: None,
            };
            account.append(inbox, vec![arrival]).await.unwrap();
        }
        account.expunge(inbox, None).await.unwrap();
        pass(RETENTION.deleted_seconds.cast_signed() - 60);
        let before = taken();
        assert_eq!(compact(&store).await.unwrap().freed(), 0);
        assert_eq!(account.gone(RETENTION).await.unwrap().messages(), 90);
        look(&store).await;
        pass(60 + GRACE_SECONDS.cast_signed() + 1);
        let told = store
            .compact(options(Mode::DryRun), &mut |_| {})
            .await
            .unwrap();
        // What is alive lies between, and small mail has few whole blocks.
        assert!(
            told.partitions[0].dead * 4 > told.partitions[0].before,
            "{told:?}"
        );
        assert_eq!(taken(), before, "only told");
        let done = compact(&store).await.unwrap();
        assert_eq!(before - taken(), done.freed());
        assert!(done.freed() * 4 > done.partitions[0].before, "{done:?}");
        look(&store).await;
        nothing_wrong(&store);
    });
}

#[test]
fn a_hold_keeps_what_is_gone_until_it_is_lifted() {
    run(async {
        let disk = SimDisk::new();
        let store = open(&disk).unwrap();
        let account = store.account(ALICE).await.unwrap();
        store.account(BOB).await.unwrap();
        let inbox = account.snapshot().named(&name("INBOX")).unwrap().id();
        account.set_hold(Some(inbox), true).await.unwrap();
        let mut world = World::new(9, store.clone());
        for _ in 0..40 {
            world.sent += 1;
            let arrival = Arrival {
                message: receive(&store, &octets(world.sent)).await,
                trace: vec![],
                flags: Flags {
                    system: SystemFlags::DELETED,
                    keywords: vec![],
                },
                internal_date: None,
            };
            account.append(inbox, vec![arrival]).await.unwrap();
        }
        account.expunge(inbox, None).await.unwrap();
        pass(400 * DAY);
        compact(&store).await.unwrap();
        assert_eq!(account.gone(RETENTION).await.unwrap().messages(), 40);
        look(&store).await;
        account.set_hold(Some(inbox), false).await.unwrap();
        assert!(compact(&store).await.unwrap().freed() > 0);
        nothing_wrong(&store);
    });
}

#[test]
fn batches_before_a_base_that_is_older_than_the_retention_go() {
    run(async {
        let disk = SimDisk::new();
        let store = open(&disk).unwrap();
        let account = store.account(ALICE).await.unwrap();
        store.account(BOB).await.unwrap();
        let inbox = account.snapshot().named(&name("INBOX")).unwrap().id();
        let message = receive(&store, &octets(1)).await;
        let arrival = Arrival {
            message,
            trace: vec![],
            flags: Flags::default(),
            internal_date: None,
        };
        account.append(inbox, vec![arrival]).await.unwrap();
        let toggle = async || {
            for n in 0..3000_u32 {
                let actions = [FlagAction::Add, FlagAction::Remove];
                let change = FlagChange {
                    action: actions[n as usize % 2],
                    flags: Flags {
                        system: SystemFlags::SEEN,
                        keywords: (0..4)
                            .map(|k| format!("{k}-{:0100}", n % 7).into())
                            .collect(),
                    },
                    unchanged_since: None,
                };
                account.store(inbox, &[Uid(1)], &change).await.unwrap();
            }
        };
        toggle().await;
        let first = compact(&store).await.unwrap();
        assert_eq!((first.bases, first.freed()), (1, 0), "{first:?}");
        assert_eq!(compact(&store).await.unwrap().bases, 0);
        pass(RETENTION.deleted_seconds.cast_signed() + GRACE_SECONDS.cast_signed() + 1);
        let second = compact(&store).await.unwrap();
        assert!(second.freed() > 1_000_000, "{second:?}");
        assert!(second.partitions[0].removed > 10);
        folds(&store).await;
        nothing_wrong(&store);
        drop((account, store));
        let _ = disk_remove_checkpoint(&disk);
        let store = open(&disk).unwrap();
        look(&store).await;
        folds(&store).await;
        nothing_wrong(&store);
        // Damage to what is left, before a later base, costs nothing that is there now.
        let account = store.account(ALICE).await.unwrap();
        assert_eq!(account.snapshot().mod_seq().0, 3003);
    });
}
