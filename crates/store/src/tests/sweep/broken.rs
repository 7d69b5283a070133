//! Any operation of the disk may fail, once or for a while, for any reason: who asked is told, no
//! batch is there in part, what was told stays, and what can go on goes on.

use std::collections::BTreeMap;

use fastrand::Rng;
use mail::Span;

use super::{
    Known,
    work::{World, newest},
};
use crate::{
    Error, OpenMailbox,
    engine::log::sim::{Fault, SimDisk, Unsynced},
};

/// What is done before anything fails, and while it may; in steps.
const STEPS_BEFORE: usize = 12;
const STEPS_DURING: usize = 8;

/// A store with some mail in it, closed.
fn begin() -> SimDisk {
    let disk = SimDisk::new();
    let mut world = World::open(&disk, 5).unwrap();
    world.open_accounts().unwrap();
    for _ in 0..STEPS_BEFORE {
        world.step().unwrap();
    }
    world.reopen().unwrap();
    drop(world);
    disk.restart(Unsynced::Kept, &mut Rng::with_seed(1))
}

/// A copy of a disk.
fn copy(disk: &SimDisk) -> SimDisk {
    disk.restart(Unsynced::Kept, &mut Rng::with_seed(1))
}

/// Opens the store and works with it; gives the errors there were. After a failed opening, it is
/// opened again.
fn work(disk: &SimDisk, seed: u64) -> (Option<World>, Vec<Error>) {
    let mut errors = Vec::new();
    let mut world = match World::open(disk, seed) {
        Ok(world) => world,
        Err(error) => return (None, vec![error]),
    };
    errors.extend(world.open_accounts().err());
    for _ in 0..STEPS_DURING {
        if world.accounts.len() < super::ACCOUNTS.len() {
            errors.extend(world.open_accounts().err());
            continue;
        }
        let before = newest(&world.told, usize::MAX);
        let stopped = errors.iter().any(is_out_of_service);
        if let Err(error) = world.step() {
            errors.push(error);
            if !world.is_open() {
                break;
            }
        }
        let after = newest(&world.told, usize::MAX);
        let grew = |(id, now): (_, &std::sync::Arc<crate::Snapshot>)| {
            let before = before.get(id);
            before.is_none_or(|before| before.mod_seq() < now.mod_seq())
        };
        if stopped {
            assert!(!after.iter().any(grew), "told after it went out of service");
        }
    }
    (Some(world), errors)
}

fn is_out_of_service(error: &Error) -> bool {
    matches!(error, Error::OutOfService(_))
}

/// Every message that is there can be read.
fn read_all(world: &mut World) {
    for account in world.accounts.clone() {
        let whole = world.one(account.whole()).unwrap();
        for message in whole.open().iter().flat_map(OpenMailbox::every) {
            let mut octets = Vec::new();
            let span = Span {
                start: 0,
                end: u64::MAX,
            };
            let read = async {
                let email = account.email(&message).await?;
                email.read(span, &mut octets).await
            };
            world.one(read).unwrap();
            assert_eq!(octets.len() as u64, message.size);
        }
    }
}

/// Something fails, then nothing fails any more, then the power goes.
fn endure(begun: &SimDisk, fault: Fault, seed: u64) -> Vec<Error> {
    let mut random = Rng::with_seed(seed);
    let disk = copy(begun);
    disk.arm(fault);
    let (world, errors) = work(&disk, seed);
    for error in &errors {
        let clear = match fault {
            Fault::Full(..) | Fault::FullWrites(..) => matches!(error, Error::Full),
            _ => matches!(error, Error::Io { .. } | Error::OutOfService(_)),
        };
        assert!(clear, "{error}");
    }
    let mut told = BTreeMap::default();
    if let Some(mut world) = world {
        if !matches!(fault, Fault::Reads(..)) {
            read_all(&mut world);
        }
        disk.arm(Fault::Never);
        if world.is_open() {
            read_all(&mut world);
            if !errors.iter().any(is_out_of_service) {
                world.open_accounts().unwrap();
                for _ in 0..3 {
                    world.step().unwrap();
                }
            }
        }
        told = newest(&world.told, usize::MAX);
    }
    let unsynced = Unsynced::ALL[random.usize(..5)];
    let disk = disk.restart(unsynced, &mut random);
    let known = Known { told, states: None };
    let mut world = known.check(&disk, seed);
    super::work_on(&mut world);
    errors
}

fn each(fault: impl Fn(u64) -> Fault, count: u64, step: usize) -> Vec<Error> {
    let begun = begin();
    let mut errors = Vec::new();
    for at in (1..=count).step_by(step) {
        let point = std::panic::AssertUnwindSafe(|| endure(&begun, fault(at), at));
        match std::panic::catch_unwind(point) {
            Ok(more) => errors.extend(more),
            Err(panic) => {
                eprintln!("with {:?}", fault(at));
                std::panic::resume_unwind(panic);
            }
        }
    }
    errors
}

/// How many operations change and how many look, about.
fn count() -> (u64, u64) {
    let disk = copy(&begin());
    disk.arm(Fault::Never);
    let (_world, errors) = work(&disk, 1);
    assert!(errors.is_empty(), "{errors:?}");
    (disk.operations(), disk.looks())
}

fn step() -> usize {
    if super::sweep() > 1 { 1 } else { 3 }
}

#[test]
fn any_change_may_fail() {
    let (changes, _) = count();
    let once = each(Fault::Error, changes, step());
    assert!(once.iter().any(is_out_of_service));
    assert!(once.iter().any(|error| matches!(error, Error::Io { .. })));
    each(|at| Fault::Errors(at, at + 9), changes, step());
}

#[test]
fn any_look_may_fail() {
    let (_, looks) = count();
    let once = each(|at| Fault::Reads(at, at), looks, step());
    assert!(once.iter().any(|error| matches!(error, Error::Io { .. })));
    each(|at| Fault::Reads(at, at + 30), looks, step());
}

#[test]
fn there_may_be_no_space_at_any_time() {
    let (changes, _) = count();
    let some = each(|at| Fault::Full(at, at + at % 40), changes, step());
    let any = each(|at| Fault::FullWrites(at, at + at % 40), changes, step());
    assert!(!some.is_empty() && !any.is_empty());
}
