//! The power may go at any moment: seeded histories, stopped at every step of the disk in turn.
//!
//! A history is done once, with no threads, on a disk that is filmed. Then, for each step of the
//! film, the disk is laid out as a power cut there could have left it, opened, and compared with
//! everything that anybody had been told by then. `SWEEP=10` sweeps ten times as much, `SEED=n`
//! one history alone.

mod broken;
mod work;

use std::{collections::BTreeMap, sync::Arc};

use fastrand::Rng;

use self::work::{ACCOUNTS, World, newest};
use super::nothing_wrong;
use crate::{
    Account, AccountId, ModSeq, Snapshot,
    account::Whole,
    change::{Batch, Change},
    check,
    checkpoint::base,
    engine::log::sim::{Fault, Film, SimDisk, Unsynced},
    fold::State,
};

/// Steps of a history; each is what several sessions do at once.
const STEPS: usize = 60;
/// Work after a crash, in steps.
const STEPS_AFTER: usize = 2;

/// A history: what happened to the disk, what was told when, and every state there was.
struct History {
    seed: u64,
    film: Film,
    told: Vec<work::Told>,
    /// By account: the state after each batch; the first is the empty one.
    states: BTreeMap<AccountId, Vec<Snapshot>>,
}

impl History {
    fn new(seed: u64, steps: usize) -> Self {
        let disk = SimDisk::new();
        disk.film();
        let mut world = World::open(&disk, seed).unwrap();
        world.open_accounts().unwrap();
        let mut ledger = Ledger::default();
        for step in 0..steps {
            ledger.note(&mut world);
            let done = world.step();
            done.unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
        }
        nothing_wrong(&world.store);
        ledger.note(&mut world);
        let states = ledger.accounts.into_iter();
        let states: BTreeMap<_, _> = states.map(|(id, (_, states))| (id, states)).collect();
        for told in &world.told {
            let state = &states[&told.account][usize::try_from(told.snapshot.mod_seq).unwrap()];
            assert_eq!(numbers(state), numbers(&told.snapshot));
        }
        Self {
            seed,
            film: disk.filmed(),
            told: world.told,
            states,
        }
    }
}

/// Every state of every account, by nothing but its batches, read before they may be freed.
#[derive(Default)]
struct Ledger {
    accounts: BTreeMap<AccountId, (State, Vec<Snapshot>)>,
}

impl Ledger {
    fn note(&mut self, world: &mut World) {
        for id in ACCOUNTS {
            let empty = || (State::default(), vec![Snapshot::default()]);
            let (state, states) = self.accounts.entry(id).or_insert_with(empty);
            for (seq, batch) in batches(world, id) {
                if seq > state.snapshot.mod_seq {
                    assert_eq!((seq, state.apply(&batch)), (states.len() as u64, vec![]));
                    states.push(state.snapshot.clone());
                }
            }
        }
    }
}

/// The batches of an account that are there.
fn batches(world: &mut World, id: AccountId) -> Vec<(u64, Batch)> {
    let log = world.log.clone();
    let batches = world.one(async move { log.batches(id, 0).await });
    let decode = |(seq, octets): (u64, Vec<u8>)| {
        let batch = Batch::decode(&octets).unwrap();
        assert_eq!(batch.mod_seq.0, seq);
        (seq, batch)
    };
    batches.unwrap().into_iter().map(decode).collect()
}

/// An account as it opens, with all its messages.
fn whole(world: &mut World, id: AccountId) -> (Account, Whole) {
    let store = world.store.clone();
    let account = world.one(async move { store.account(id).await }).unwrap();
    let whole = world.one(account.whole()).unwrap();
    (account, whole)
}

/// What was told by the time of a crash, and everything that may be there.
struct Known<'a> {
    told: BTreeMap<AccountId, Arc<Snapshot>>,
    /// Every state that an account may be found in, by its modseq, if that is known.
    states: Option<&'a BTreeMap<AccountId, Vec<Snapshot>>>,
}

impl Known<'_> {
    /// Opens what a crash has left: nothing that was told is missing, and everything else is
    /// there whole or not at all.
    fn check(&self, disk: &SimDisk, seed: u64) -> World {
        let mut world = World::open(disk, seed).expect("a crash is no reason not to open");
        assert_eq!(world.log.damages(), [], "a crash is not damage");
        for id in ACCOUNTS {
            self.check_account(&mut world, id);
        }
        nothing_wrong(&world.store);
        world
    }

    fn check_account(&self, world: &mut World, id: AccountId) {
        let batches = batches(world, id);
        // Before a base they may have been freed.
        let first = batches.first().map_or(1, |(seq, _)| *seq);
        let seqs = batches.iter().map(|(seq, _)| *seq);
        let together = (first..).zip(seqs).take_while(|(a, b)| a == b).count();
        let last = first - 1 + together as u64;
        let told = self.told.get(&id);
        // A tear may look like damage: then it is said which batches never were.
        let later = batches.iter().skip(together);
        let reached = later.fold(last, |before, (seq, batch)| {
            let said = |change: &Change| match change {
                Change::NumbersSkipped(skipped) => skipped.after.0 == before,
                _ => false,
            };
            if *seq == before + 1 || batch.changes.iter().any(said) {
                *seq
            } else {
                before
            }
        });
        let there = if self.states.is_some() { last } else { reached };
        assert!(
            told.map_or(0, |told| told.mod_seq) <= there,
            "a batch is lost"
        );
        if batches.is_empty() {
            return;
        }
        let (account, opened) = whole(world, id);
        assert_eq!(world.one(account.check()).unwrap(), Vec::<String>::new());
        if let Some(states) = self.states {
            let state = states[&id].get(usize::try_from(last).unwrap());
            same(&opened, state.expect("no more than was ever sent"));
            // Where numbers are skipped, nothing else is done.
            let later = batches.iter().skip(together);
            assert!(later.flat_map(|(_, batch)| &batch.changes).all(skips));
        }
        if first > 1 {
            told.inspect(|told| never_again(told, &opened));
            return;
        }
        let mut state = State::default();
        for (_, batch) in batches.iter().take(together) {
            if told.is_some_and(|told| told.mod_seq == state.snapshot.mod_seq) {
                assert_eq!(
                    numbers(&state.snapshot),
                    told.map(|told| numbers(told)).unwrap()
                );
                never_again(&state.snapshot, &opened);
            }
            assert_eq!(state.apply(batch), vec![]);
        }
        if opened.mod_seq == last {
            assert_eq!(check::difference(&opened, &state.snapshot), None);
            let known = base::threads(&account.shared, ModSeq(last));
            let mut learned = state.threads.learned(ModSeq(last));
            learned.sort_unstable();
            assert_eq!(world.one(known).unwrap(), learned);
        }
    }
}

/// Whether a change does nothing but skip numbers.
fn skips(change: &Change) -> bool {
    matches!(
        change,
        Change::UidsSkipped { .. } | Change::NumbersSkipped(_)
    )
}

/// That a state is another, but for numbers that were skipped.
fn same(opened: &Whole, state: &Snapshot) {
    if opened.mod_seq == state.mod_seq {
        assert_eq!(check::difference(opened, state), None);
        return;
    }
    never_again(state, opened);
    let mailboxes = |state: &Snapshot| -> Vec<_> {
        let all = state.mailboxes();
        all.map(|(name, it)| (name.clone(), it.id(), it.counters()))
            .collect()
    };
    assert_eq!(mailboxes(opened), mailboxes(state));
}

/// What is told of a state in numbers.
fn numbers(state: &Snapshot) -> impl PartialEq + std::fmt::Debug {
    let mailboxes: Vec<_> = state
        .mailboxes()
        .map(|(name, it)| {
            let uids = (it.uid_validity(), it.uid_next());
            (
                name.clone(),
                it.id(),
                uids,
                it.highest_mod_seq(),
                it.counters(),
            )
        })
        .collect();
    let subscriptions = state.subscriptions().clone();
    (state.mod_seq, state.last, subscriptions, mailboxes)
}

/// What numbers stood for, they stand for still; new ones are above all that were told.
fn never_again(told: &Snapshot, now: &Snapshot) {
    assert!(now.mod_seq >= told.mod_seq);
    for (id, mailbox) in now.mailboxes.iter() {
        let Some(before) = told.mailbox(*id) else {
            assert!(
                id.0 > told.last.mailbox && mailbox.uid_validity().0 > told.last.uid_validity,
                "{} has a number that was another's",
                mailbox.name()
            );
            continue;
        };
        assert_eq!(mailbox.uid_validity(), before.uid_validity());
        assert!(mailbox.uid_next() >= before.uid_next());
        assert!(mailbox.highest_mod_seq() >= before.highest_mod_seq());
        let (Some(mailbox), Some(before)) = (mailbox.in_memory(), before.in_memory()) else {
            continue;
        };
        for message in mailbox.every() {
            if message.uid < before.uid_next() {
                let was = before.get(message.uid).map(|was| was.email);
                assert_eq!(was, Some(message.email), "UID {}", message.uid.0);
            } else {
                assert!(message.mod_seq > before.highest_mod_seq());
            }
        }
    }
}

/// The power is cut before a step of the film.
fn cut(history: &History, disk: &SimDisk, at: usize, unsynced: Unsynced) {
    let mut random = Rng::with_seed(history.seed ^ (at as u64) << 3);
    let known = Known {
        told: newest(&history.told, at),
        states: Some(&history.states),
    };
    let mut disk = disk.clone();
    // It goes again while it is opened, or soon after.
    for _ in 0..random.usize(..3) {
        disk.arm(Fault::Crash(random.u64(1..25)));
        if let Ok(mut world) = World::open(&disk, 0) {
            let _ = world.open_accounts();
        }
        let unsynced = Unsynced::ALL[random.usize(..5)];
        disk = disk.restart(unsynced, &mut random);
    }
    let mut world = known.check(&disk, random.u64(..));
    // It works on, and the power goes again.
    if random.u8(..3) == 0 {
        disk.arm(Fault::Crash(random.u64(1..25)));
        if world.open_accounts().is_ok() {
            while world.step().is_ok() {}
        }
        let mut told = known.told;
        told.extend(newest(&world.told, usize::MAX));
        disk = disk.restart(unsynced, &mut random);
        let known = Known { told, states: None };
        world = known.check(&disk, random.u64(..));
    }
    work_on(&mut world);
    disk.cut();
}

/// The store works, and its numbers go on above what was told.
fn work_on(world: &mut World) {
    world.open_accounts().unwrap();
    let before = ACCOUNTS.map(|id| whole(world, id).1);
    for _ in 0..STEPS_AFTER {
        world.step().unwrap();
    }
    for (id, before) in ACCOUNTS.into_iter().zip(before) {
        never_again(&before, &whole(world, id).1);
    }
    nothing_wrong(&world.store);
}

/// How much more than usual is asked for.
fn sweep() -> usize {
    let asked = std::env::var("SWEEP").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(1)
}

#[test]
fn a_seed_does_the_same_each_time() {
    let film = || format!("{:?}", History::new(7, 20).film);
    assert_eq!(film(), film());
}

#[test]
fn wherever_the_power_is_cut_nothing_told_is_lost() {
    let seeds: Vec<usize> = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..sweep()).collect(),
    };
    let mut points = 0;
    for seed in seeds {
        let history = History::new(seed as u64, STEPS * (1 + seed % 4));
        let ways = if sweep() > 1 { 5 } else { 1 };
        let mut show = history.film.show();
        for at in 0..=history.film.len() {
            for way in 0..ways {
                let unsynced = Unsynced::ALL[(at + way + seed) % 5];
                let mut random = Rng::with_seed((seed + at) as u64);
                let disk = show.cut(unsynced, &mut random);
                let what = (seed, at, unsynced, show.next());
                let point = std::panic::AssertUnwindSafe(|| cut(&history, &disk, at, unsynced));
                if let Err(panic) = std::panic::catch_unwind(point) {
                    eprintln!("seed, step, unsynced, before: {what:?}");
                    std::panic::resume_unwind(panic);
                }
                points += 1;
            }
            show.step();
        }
    }
    println!("{points} crash points, nothing lost");
}
