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
    AccountId, Snapshot,
    change::Batch,
    check,
    checkpoint::base,
    engine::log::sim::{Fault, Film, SimDisk, Unsynced},
    fold::State,
    threads::Threads,
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
        for step in 0..steps {
            let done = world.step();
            done.unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
        }
        nothing_wrong(&world.store);
        let states = ACCOUNTS.map(|id| (id, states(&mut world, id).0));
        Self {
            seed,
            film: disk.filmed(),
            told: world.told,
            states: states.into(),
        }
    }
}

/// The states of an account, one after each of its batches, by nothing but these; and its threads.
fn states(world: &mut World, id: AccountId) -> (Vec<Snapshot>, Threads) {
    let log = world.log.clone();
    let batches = world.one(async move { log.batches(id, 0).await });
    let mut state = State::default();
    let mut states = vec![Snapshot::default()];
    for (seq, octets) in batches.unwrap() {
        let batch = Batch::decode(&octets).unwrap();
        assert_eq!((batch.mod_seq.0, state.apply(&batch)), (seq, vec![]));
        states.push(state.snapshot.clone());
    }
    (states, state.threads)
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
        let (found, threads) = states(world, id);
        let last = found.last().expect("there is always the empty one");
        // A tear may look like damage: then numbers are skipped, and that is written down.
        if last.mod_seq != found.len() as u64 - 1 {
            if let Some(told) = self.told.get(&id) {
                never_again(told, last);
            }
            return;
        }
        if let Some(states) = self.states {
            let state = states[&id].get(found.len() - 1);
            let state = state.expect("no more than was ever sent");
            assert_eq!(check::difference(last, state), None);
        }
        if let Some(told) = self.told.get(&id) {
            let then = found.get(usize::try_from(told.mod_seq).unwrap());
            let then = then.expect("what was told is there");
            assert_eq!(numbers(then), numbers(told));
            never_again(then, last);
        }
        if found.len() == 1 {
            return;
        }
        let store = world.store.clone();
        let account = world.one(async move { store.account(id).await }).unwrap();
        let opened = world.one(account.whole()).unwrap();
        if opened.mod_seq() != last.mod_seq() {
            return never_again(last, &opened);
        }
        assert_eq!(check::difference(&opened, last), None);
        assert_eq!(world.one(account.check()).unwrap(), Vec::<String>::new());
        let known = base::threads(&account.shared, last.mod_seq());
        let mut learned = threads.learned(last.mod_seq());
        learned.sort_unstable();
        assert_eq!(world.one(known).unwrap(), learned);
    }
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
        let (mailbox, before) = (mailbox.in_memory().unwrap(), before.in_memory().unwrap());
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
    let before = ACCOUNTS.map(|id| states(world, id).0);
    for _ in 0..STEPS_AFTER {
        world.step().unwrap();
    }
    for (id, before) in ACCOUNTS.into_iter().zip(before) {
        let after = states(world, id).0;
        never_again(before.last().unwrap(), after.last().unwrap());
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
