//! Backups on a disk that breaks, at every operation.

use std::collections::BTreeMap;

use super::*;
use crate::{
    engine::{
        RecordKind,
        log::{
            Log,
            ram::RamDisk,
            sim::{Fault, SimDisk, Unsynced},
            tests::{append, wait},
        },
    },
    id::AccountId,
};

const SEGMENT_BYTES: u64 = 16 << 10;
const ACCOUNT: AccountId = AccountId(5);
const BESIDE: &[u8] = b"[[account]]\n";

/// Batches, by number.
type Batches = BTreeMap<u64, Vec<u8>>;

fn deliver<D: Disk>(log: &Log<D>, batches: &mut Batches, count: u64) {
    let last = batches.keys().last().copied().unwrap_or(0);
    for seq in last + 1..=last + count {
        let body = vec![seq.to_le_bytes()[0]; 1500];
        wait(log.put(log.begin(), RecordKind::Blob, None, &body)).unwrap();
        let answer = append(log, log.begin(), ACCOUNT, seq, &body).unwrap();
        answer.recv().unwrap().unwrap();
        batches.insert(seq, body);
    }
}

fn back_up_to(log: &Log<RamDisk>, target: &SimDisk) -> Result<Copied, Error> {
    let beside = vec![("accounts.toml".to_owned(), BESIDE.to_vec())];
    log.back_up(target, (beside, 1_000_000), &mut |_, _| {})
}

fn checked(target: &SimDisk, name: &str, manifest: &Manifest) -> Vec<Damaged> {
    let disk = target;
    let whole = Whole {
        disk,
        name,
        manifest,
    };
    check(&whole, &mut |_, _| {}).damages
}

/// The batches of the store that a generation makes.
fn restored(target: &SimDisk, name: &str, manifest: &Manifest) -> Batches {
    let disk = RamDisk::default();
    let whole = Whole {
        disk: target,
        name,
        manifest,
    };
    let copied = restore(&whole, &disk, &mut |_, _| {}).unwrap();
    assert_eq!(copied.damages, []);
    assert_eq!(read_small(&disk, "accounts.toml").unwrap(), BESIDE);
    let log = Log::open(disk, SEGMENT_BYTES).unwrap();
    assert_eq!(log.damages(), []);
    wait(log.batches(ACCOUNT, 0)).unwrap().into_iter().collect()
}

/// A log, the batches in it, a disk with a backup of less, and what was in the log then.
fn begun() -> (Log<RamDisk>, SimDisk, Batches, Batches) {
    let log = Log::open(RamDisk::default(), SEGMENT_BYTES).unwrap();
    wait(log.batches(ACCOUNT, 0)).unwrap();
    let mut batches = Batches::new();
    deliver(&log, &mut batches, 12);
    let first = batches.clone();
    let target = SimDisk::new();
    back_up_to(&log, &target).unwrap();
    deliver(&log, &mut batches, 9);
    (log, target, first, batches)
}

#[test]
fn a_backup_that_breaks_off_anywhere_counts_for_nothing_and_harms_none() {
    let operations = {
        let (log, target, ..) = begun();
        target.arm(Fault::Never);
        back_up_to(&log, &target).unwrap();
        target.operations()
    };
    assert!(operations > 15, "{operations}");
    let mut random = fastrand::Rng::with_seed(7);
    let (log, target, first, batches) = begun();
    let begun = target.restart(Unsynced::Kept, &mut random);
    for at in 1..=operations {
        for unsynced in [Unsynced::Kept, Unsynced::Lost, Unsynced::Torn] {
            let target = begun.restart(Unsynced::Kept, &mut random);
            target.arm(Fault::Crash(at));
            assert!(back_up_to(&log, &target).is_err(), "operation {at}");
            let target = target.restart(unsynced, &mut random);
            let there = generations(&target).unwrap();
            assert!(!there.is_empty(), "operation {at}: the first is gone");
            for ((name, manifest), expected) in there.iter().zip([&first, &batches]) {
                assert_eq!(checked(&target, name, manifest), [], "operation {at}");
                assert_eq!(&restored(&target, name, manifest), expected);
            }
            back_up_to(&log, &target).unwrap();
            let there = generations(&target).unwrap();
            let (name, manifest) = there.last().unwrap();
            assert_eq!(checked(&target, name, manifest), []);
            assert_eq!(restored(&target, name, manifest), batches);
        }
    }
}

#[test]
fn a_restore_that_breaks_off_anywhere_makes_no_store_and_can_be_done_again() {
    let (log, source, _, batches) = begun();
    back_up_to(&log, &source).unwrap();
    let (name, manifest) = generations(&source).unwrap().pop().unwrap();
    let mut random = fastrand::Rng::with_seed(8);
    let kinds = [Unsynced::Kept, Unsynced::Lost, Unsynced::Torn];
    for (at, unsynced) in (1..).zip(kinds.into_iter().cycle()) {
        let target = SimDisk::new();
        target.arm(Fault::Crash(at));
        let whole = || Whole {
            disk: &source,
            name: &name,
            manifest: &manifest,
        };
        let ended = restore(&whole(), &target, &mut |_, _| {}).is_ok();
        let target = target.restart(unsynced, &mut random);
        if !ended && Log::open(target.clone(), SEGMENT_BYTES).is_err() {
            restore(&whole(), &target, &mut |_, _| {}).unwrap();
        }
        let log = Log::open(target, SEGMENT_BYTES).unwrap();
        let found: Batches = wait(log.batches(ACCOUNT, 0)).unwrap().into_iter().collect();
        // Before its first durable step nothing was there, and the store is new.
        assert!(
            found == batches || (found.is_empty() && at <= 6),
            "operation {at}"
        );
        if ended {
            return;
        }
    }
}

#[test]
fn only_what_is_new_is_copied() {
    let (log, target, _, mut batches) = begun();
    back_up_to(&log, &target).unwrap();
    let again = back_up_to(&log, &target).unwrap();
    // The accounts, `store.toml` and `partition.toml`.
    assert!(again.octets_new < 800, "{again:?}");
    deliver(&log, &mut batches, 1);
    let one = back_up_to(&log, &target).unwrap();
    // Two bodies, their headers and a commit, and those.
    assert!((3000..4000).contains(&one.octets_new), "{one:?}");
    assert!(one.octets > 60_000, "{one:?}");
}

#[test]
fn a_backup_of_another_past_is_not_built_upon() {
    let (log, target, first, mut batches) = begun();
    back_up_to(&log, &target).unwrap();
    let (name, manifest) = generations(&target).unwrap().remove(0);
    let disk = RamDisk::default();
    let whole = Whole {
        disk: &target,
        name: &name,
        manifest: &manifest,
    };
    restore(&whole, &disk, &mut |_, _| {}).unwrap();
    let other = Log::open(disk, SEGMENT_BYTES).unwrap();
    wait(other.batches(ACCOUNT, 0)).unwrap();
    let mut others = first;
    // As many as the first log has, and others.
    for seq in 13..=21 {
        let body = vec![0xee; 1500];
        wait(other.put(other.begin(), RecordKind::Blob, None, &body)).unwrap();
        let answer = append(&other, other.begin(), ACCOUNT, seq, &body).unwrap();
        answer.recv().unwrap().unwrap();
        others.insert(seq, body);
    }
    back_up_to(&other, &target).unwrap();
    let there = generations(&target).unwrap();
    let expected = [None, Some(&batches), Some(&others)];
    for ((name, manifest), expected) in there.iter().zip(expected) {
        assert_eq!(checked(&target, name, manifest), []);
        if let Some(expected) = expected {
            assert_eq!(&restored(&target, name, manifest), expected);
        }
    }
    deliver(&log, &mut batches, 1);
    back_up_to(&log, &target).unwrap();
    let (name, manifest) = generations(&target).unwrap().pop().unwrap();
    assert_eq!(restored(&target, &name, &manifest), batches);
}

#[test]
fn what_cannot_be_trusted_in_a_backup_is_named() {
    let (log, target, ..) = begun();
    back_up_to(&log, &target).unwrap();
    let (name, manifest) = generations(&target).unwrap().pop().unwrap();
    let path = "partitions/default/log/0000000002.log";
    let file = target
        .open(&format!("{name}/{path}"), Access::Write)
        .unwrap();
    target.write_at(&file, &[IoSlice::new(b"x")], 5000).unwrap();
    let damages = checked(&target, &name, &manifest);
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert_eq!(damages[0].file, path);
    assert!(damages[0].start <= 5000 && damages[0].end > 5000);
}

#[test]
fn generations_have_names_that_ascend() {
    assert_eq!(name_at(1_795_694_004), "2026-11-26T115324Z");
    assert_eq!(name_at(951_782_400), "2000-02-29T000000Z");
    assert_eq!(name_at(0), "1970-01-01T000000Z");
    assert_eq!(
        name_for(7, Some("1970-01-01T000009Z")),
        "1970-01-01T000010Z"
    );
    assert_eq!(
        name_for(7, Some("1999-12-31T235959Z")),
        "1999-12-31T235960Z"
    );
    assert!(is_generation("2026-11-26T115324Z"));
    assert!(!is_generation("lost+found") && !is_generation("2026-11-26T115324"));
}
