//! Freeing: what is alive stays, whatever fails in the middle of it; the space comes back.

use std::ops::ControlFlow;

use super::{
    Log,
    disk::{Access, Disk, RealDisk},
    sim::{Fault, SimDisk, Unsynced},
    tests::{append, wait},
};
use crate::{
    engine::{RecordKind, Ref, SweepKind, WalkItem, WalkKind},
    error::Error,
    id::AccountId,
};

const A: AccountId = AccountId(7);
const SEGMENT_BYTES: u64 = 32 << 10;
/// Batches below it are not needed.
const FIRST_NEEDED: u64 = 20;

fn open<D: Disk>(disk: D) -> Result<Log<D>, Error> {
    Log::open(disk, SEGMENT_BYTES)
}

/// A log of some segments, and what is in it: blobs with their octets.
fn fill<D: Disk>(log: &Log<D>) -> Vec<(Ref, Vec<u8>)> {
    let mut blobs = Vec::new();
    assert!(wait(log.batches(A, 0)).unwrap().is_empty());
    for seq in 1..=40_u64 {
        let writes = log.begin();
        for n in 0..3_u8 {
            let body = vec![n ^ seq.to_le_bytes()[0]; 1500 + usize::from(n) * 1000];
            let at = wait(log.put(writes, RecordKind::Blob, None, &body)).unwrap();
            blobs.push((at, body));
        }
        let answer = append(log, writes, A, seq, &seq.to_le_bytes()).unwrap();
        answer.recv().unwrap().unwrap();
    }
    wait(log.checkpoint_put(Vec::new(), Some(log.position()))).unwrap();
    blobs
}

/// Few are alive, and none in a stretch that is longer than a segment, nor at the beginning.
fn alive(number: usize) -> bool {
    number.is_multiple_of(7) && !(30..60).contains(&number) && number > 24
}

/// Frees all that is not alive. Gives the octets of space that came back.
fn compact<D: Disk>(log: &Log<D>, blobs: &[(Ref, Vec<u8>)]) -> Result<u64, Error> {
    let needed: Vec<Ref> = blobs
        .iter()
        .enumerate()
        .filter(|(number, _)| alive(*number))
        .map(|(_, (at, _))| *at)
        .collect();
    wait(log.tidy())?;
    wait(log.forget_batches(vec![(A, FIRST_NEEDED)]))?;
    let mut back = 0;
    for sealed in wait(log.sealed(log.horizon()))? {
        let needed = needed.clone();
        let dead = wait(log.sweep(
            sealed.number,
            Box::new(move |sweep| match sweep.what {
                SweepKind::Record(WalkKind::Batch { seq }, _) => seq < FIRST_NEEDED,
                SweepKind::Record(..) => !needed.contains(&sweep.at.start),
                SweepKind::Commit => true,
                SweepKind::Gap => false,
                SweepKind::Doubtful => !needed.iter().any(|at| sweep.at.contains(at)),
            }),
        ))?;
        back += wait(log.free(sealed.number, dead.ranges))?.octets;
    }
    wait(log.tidy())?;
    Ok(back)
}

/// What is alive is there, and nothing is damage.
fn look<D: Disk>(log: &Log<D>, blobs: &[(Ref, Vec<u8>)]) {
    assert_eq!(log.damages(), []);
    for (number, (at, body)) in blobs.iter().enumerate().filter(|(n, _)| alive(*n)) {
        let mut read = Vec::new();
        wait(log.read(*at, 0..body.len(), Some(body.len()), &mut read)).expect("alive");
        assert_eq!(&read, body, "blob {number}");
        assert!(!log.is_freed(*at));
    }
    let seqs: Vec<u64> = wait(log.batches(A, FIRST_NEEDED - 1))
        .unwrap()
        .iter()
        .map(|b| b.0)
        .collect();
    assert_eq!(
        seqs,
        (FIRST_NEEDED..=*seqs.last().unwrap()).collect::<Vec<_>>()
    );
    assert!(seqs.last() >= Some(&40));
    assert_eq!(damages(log), Vec::<String>::new());
}

fn damages<D: Disk>(log: &Log<D>) -> Vec<String> {
    let mut damages = Vec::new();
    let walked = log.walk(&mut |item| {
        if let WalkItem::Damage(damage) = item {
            damages.push(format!("{}: {}", damage.file, damage.what));
        }
        ControlFlow::Continue(())
    });
    walked.unwrap();
    damages
}

fn freed<D: Disk>(log: &Log<D>) -> Vec<(u64, u64)> {
    let sealed = wait(log.sealed(log.horizon())).unwrap();
    sealed.iter().map(|it| (it.number, it.freed)).collect()
}

#[test]
fn what_is_alive_stays_and_space_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data");
    let log = open(RealDisk::new(path.clone())).unwrap();
    let blobs = fill(&log);
    let taken = |log: &Log<RealDisk>| -> u64 {
        let sealed = wait(log.sealed(log.horizon())).unwrap();
        sealed.iter().map(|it| it.space).sum()
    };
    let before = taken(&log);
    let back = compact(&log, &blobs).unwrap();
    // Some 15 in 120 blobs are alive, and nothing is smaller than a block.
    assert!(back * 2 > before, "{back} of {before}");
    assert_eq!(taken(&log), before - back);
    look(&log, &blobs);
    let after = freed(&log);
    assert_eq!(compact(&log, &blobs).unwrap(), 0);
    assert_eq!(freed(&log), after);
    let dead = blobs[1].0;
    assert!(log.is_freed(dead));
    let refused = wait(log.read(dead, 0..1, None, &mut Vec::new()));
    assert!(matches!(refused, Err(Error::Corrupt { .. })));
    drop(log);
    // Without the checkpoint all of the log is read again.
    std::fs::remove_dir_all(path.join("partitions/default/checkpoint")).unwrap();
    let log = open(RealDisk::new(path.clone())).unwrap();
    look(&log, &blobs);
    assert!(log.is_freed(dead));
    let names = std::fs::read_dir(path.join("partitions/default/log")).unwrap();
    let names: Vec<_> = names
        .map(|name| name.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!names.contains(&"0000000001.log".to_owned()), "{names:?}");
    assert!(
        !names.contains(&"0000000001.freed".to_owned()),
        "they are one: {names:?}"
    );
}

#[test]
fn the_power_may_fail_at_every_operation_of_freeing() {
    let whole = SimDisk::new();
    let blobs = fill(&open(whole.clone()).unwrap());
    let whole = whole.restart(Unsynced::Kept, &mut fastrand::Rng::with_seed(1));
    let mut random = fastrand::Rng::with_seed(2);
    let copy = || whole.restart(Unsynced::Kept, &mut fastrand::Rng::with_seed(1));
    let count = {
        let disk = copy();
        let log = open(disk.clone()).unwrap();
        disk.arm(Fault::Never);
        compact(&log, &blobs).unwrap();
        disk.operations()
    };
    assert!(count > 40, "{count}");
    for unsynced in [Unsynced::Lost, Unsynced::Torn, Unsynced::Kept] {
        for at in 1..=count {
            let disk = copy();
            let log = open(disk.clone()).unwrap();
            disk.arm(Fault::Crash(at));
            let _ = compact(&log, &blobs);
            drop(log);
            let disk = disk.restart(unsynced, &mut random);
            let log = open(disk.clone()).unwrap_or_else(|error| panic!("{at}: {error}"));
            look(&log, &blobs);
            compact(&log, &blobs).unwrap();
            look(&log, &blobs);
            let after = freed(&log);
            compact(&log, &blobs).unwrap();
            assert_eq!(freed(&log), after);
        }
    }
}

#[test]
fn errors_and_a_full_disk_cost_nothing() {
    for fault in [Fault::Error, |at| Fault::Full(at, at + 2)] {
        for at in 1..60 {
            let disk = SimDisk::new();
            let log = open(disk.clone()).unwrap();
            let blobs = fill(&log);
            disk.arm(fault(at));
            let _ = compact(&log, &blobs);
            disk.arm(Fault::Never);
            look(&log, &blobs);
            drop(log);
            let log = open(disk.clone()).unwrap();
            look(&log, &blobs);
            compact(&log, &blobs).unwrap();
            look(&log, &blobs);
        }
    }
}

#[test]
fn on_a_full_disk_the_reserve_lends_the_space_for_freeing() {
    let disk = SimDisk::new();
    let log = open(disk.clone()).unwrap();
    let blobs = fill(&log);
    disk.arm(Fault::Full(1, 3));
    compact(&log, &blobs).unwrap();
    look(&log, &blobs);
}

#[test]
fn damage_to_what_says_what_was_freed_is_named_and_mended_by_the_next_compaction() {
    let disk = SimDisk::new();
    let log = open(disk.clone()).unwrap();
    let blobs = fill(&log);
    compact(&log, &blobs).unwrap();
    drop(log);
    let files: Vec<String> = disk.list("partitions/default/log").unwrap();
    let files: Vec<String> = files
        .into_iter()
        .filter(|name| name.strip_suffix(".freed").is_some())
        .collect();
    assert!(files.len() > 3, "{files:?}");
    for name in files {
        let path = format!("partitions/default/log/{name}");
        let file = disk.open(&path, Access::Write).unwrap();
        let mut octet = [0];
        disk.read_at(&file, &mut octet, 90).unwrap();
        disk.write_at(&file, &[std::io::IoSlice::new(&[octet[0] ^ 1])], 90)
            .unwrap();
        drop(file);
        let log = open(disk.clone()).unwrap();
        assert_eq!(log.damages().len(), 1, "{name}: {:?}", log.damages());
        let found = damages(&log);
        assert!(
            matches!(&found[..], [one] if one.contains("freed ranges unreadable")),
            "{found:?}"
        );
        for (_, (at, body)) in blobs.iter().enumerate().filter(|(n, _)| alive(*n)) {
            let mut read = Vec::new();
            wait(log.read(*at, 0..body.len(), None, &mut read)).unwrap();
            assert_eq!(&read, body);
        }
        compact(&log, &blobs).unwrap();
        drop(log);
        let log = open(disk.clone()).unwrap();
        if log.damages().is_empty() {
            look(&log, &blobs);
            continue;
        }
        // Of a segment that is gone there is nothing to tell.
        disk.write_at(
            &disk.open(&path, Access::Write).unwrap(),
            &[std::io::IoSlice::new(&octet)],
            90,
        )
        .unwrap();
        drop(log);
        look(&open(disk.clone()).unwrap(), &blobs);
    }
}

#[test]
fn a_backup_of_what_is_left_is_whole_and_takes_no_more_than_that() {
    let log = open(SimDisk::new()).unwrap();
    let blobs = fill(&log);
    let target = SimDisk::new();
    let back_up = || {
        log.back_up(&target, (Vec::new(), 1), &mut |_, _| {})
            .unwrap()
    };
    let before = back_up();
    compact(&log, &blobs).unwrap();
    let after = back_up();
    // The first has it all, and it is not written again; a new one has what is left.
    let other = SimDisk::new();
    let fresh = log
        .back_up(&other, (Vec::new(), 1), &mut |_, _| {})
        .unwrap();
    assert!(after.octets_new < 20_000, "{after:?}");
    assert!(fresh.octets * 2 < before.octets, "{fresh:?}");
    for target in [&target, &other] {
        for (name, manifest) in super::backup::generations(target).unwrap() {
            let whole = super::backup::Whole {
                disk: target,
                name: &name,
                manifest: &manifest,
            };
            assert_eq!(super::backup::check(&whole, &mut |_, _| {}).damages, []);
            let disk = SimDisk::new();
            super::backup::restore(&whole, &disk, &mut |_, _| {}).unwrap();
            look(&open(disk).unwrap(), &blobs);
        }
    }
}
