//! Two machines and one disk, whose locks mean nothing between them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    Log,
    disk::{Access, Disk},
    files::Partition,
    format::SegmentHeader,
    hand::Hand,
    lease::{LASTS, RENEWED_EVERY},
    sim::{Fault, Machine, SimDisk, Unsynced},
    tests::{Answer, append},
};
use crate::{error::Error, id::AccountId};

const A: AccountId = AccountId(1);
const SEGMENT_BYTES: u64 = 64 << 10;

/// A log that is open on a machine.
struct Open {
    log: Log<SimDisk>,
    hand: Hand<SimDisk>,
    seq: u64,
}

impl Open {
    fn on(disk: &SimDisk) -> Result<Self, Error> {
        let (log, mut hand) = Log::open_by_hand(disk.clone(), SEGMENT_BYTES)?;
        let batches = hand.run(vec![Box::pin(log.batches(A, 0))], &mut || {});
        let seq = batches[0].as_ref().unwrap().last().map_or(0, |last| last.0);
        Ok(Self { log, hand, seq })
    }

    fn send(&mut self, body: &[u8]) -> Result<Answer, Error> {
        let answer = append(&self.log, self.log.begin(), A, self.seq + 1, body)?;
        self.seq += 1;
        Ok(answer)
    }

    /// Appends, and says whether that was acknowledged.
    fn append(&mut self, body: &[u8]) -> Result<(), Error> {
        let answer = self.send(body)?;
        self.hand.turn();
        answer.recv().unwrap().map(drop)
    }

    fn bodies(&mut self) -> Vec<Vec<u8>> {
        let batches = self
            .hand
            .run(vec![Box::pin(self.log.batches(A, 0))], &mut || {});
        let batches = batches.into_iter().next().unwrap().unwrap();
        batches.into_iter().map(|(_, body)| body).collect()
    }

    fn renew(&self) -> Result<(), Error> {
        self.log.shared().lease.renew()
    }
}

struct Two {
    one: Arc<Machine>,
    other: Arc<Machine>,
    disk: SimDisk,
    elsewhere: SimDisk,
}

fn two() -> Two {
    let disk = SimDisk::new();
    let (one, other) = (Arc::new(Machine::new(1)), Arc::new(Machine::new(2)));
    Two {
        disk: disk.seen_from(&one),
        elsewhere: disk.seen_from(&other),
        one,
        other,
    }
}

fn is_lost<T: std::fmt::Debug>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::OutOfService(_)))
}

#[test]
fn another_machine_is_refused_while_the_lease_is_renewed() {
    let two = two();
    let first = Open::on(&two.disk).unwrap();
    let first = Arc::new(Mutex::new(first));
    let (one, renewing) = (Arc::clone(&two.one), Arc::clone(&first));
    let mut since = Duration::ZERO;
    two.other.meanwhile(move |time| {
        one.pass(time);
        since += time;
        if since >= RENEWED_EVERY {
            since = Duration::ZERO;
            renewing.lock().unwrap().renew().unwrap();
        }
    });
    let refused = Open::on(&two.elsewhere);
    assert!(
        matches!(&refused, Err(Error::InUse(owner)) if &**owner == "process 1 on machine1"),
        "{:?}",
        refused.err()
    );
    first.lock().unwrap().append(b"still here").unwrap();
}

#[test]
fn who_is_suspended_past_its_lease_acknowledges_nothing_any_more() {
    // Before it is asked, and between being asked and writing.
    for late in [false, true] {
        let two = two();
        let mut first = Open::on(&two.disk).unwrap();
        first.append(b"one").unwrap();
        let waiting = late.then(|| first.send(b"lost").unwrap());
        // Its clock goes on, as clocks do, also while it is suspended.
        let one = Arc::clone(&two.one);
        two.other.meanwhile(move |time| one.pass(time));
        let mut second = Open::on(&two.elsewhere).unwrap();
        assert!(two.other.host_now() > LASTS);
        second.append(b"two").unwrap();
        let epoch = second
            .log
            .shared()
            .segments
            .load()
            .last()
            .unwrap()
            .header()
            .epoch;
        if let Some(waiting) = waiting {
            first.hand.turn();
            assert!(is_lost(&waiting.recv().unwrap()));
        } else {
            assert!(is_lost(&first.append(b"lost")));
        }
        assert!(is_lost(&first.append(b"lost")), "for good");
        let put = (b"k".to_vec(), Some(b"v".to_vec()));
        assert!(is_lost(&first.log.shared().checkpoint_put(vec![put], None)));
        second.append(b"three").unwrap();
        drop(first);
        drop(second);
        let mut again = Open::on(&two.elsewhere).unwrap();
        assert_eq!(again.bodies(), [&b"one"[..], b"two", b"three"]);
        let segments = again.log.shared().segments.load();
        let epochs: Vec<u64> = segments.iter().map(|it| it.header().epoch).collect();
        assert!(
            epochs.is_sorted() && epochs.last() == Some(&epoch),
            "{epochs:?}"
        );
    }
}

#[test]
fn who_was_late_but_alone_goes_on() {
    let two = two();
    let mut first = Open::on(&two.disk).unwrap();
    two.one.pass(LASTS * 10);
    first.append(b"late").unwrap();
    // The disk was away for long.
    two.disk.arm(Fault::Errors(1, 2));
    first.renew().unwrap();
    two.disk.arm(Fault::Never);
    first.append(b"in time").unwrap();
    two.one.pass(LASTS * 10);
    two.disk.arm(Fault::Errors(1, 2));
    assert!(is_lost(&first.append(b"late, and not renewed")));
}

#[test]
fn who_renews_late_and_who_takes_over_see_each_other() {
    // The holder wakes while the other makes sure that it is alone.
    let two = two();
    let first = Arc::new(Mutex::new(Open::on(&two.disk).unwrap()));
    let (one, waking) = (Arc::clone(&two.one), Arc::clone(&first));
    let mut waited = Duration::ZERO;
    let done = Arc::new(Mutex::new(None));
    let woken = Arc::clone(&done);
    two.other.meanwhile(move |time| {
        one.pass(time);
        waited += time;
        if waited > LASTS + RENEWED_EVERY + Duration::from_secs(1) {
            *woken.lock().unwrap() = Some(waking.lock().unwrap().append(b"late"));
        }
    });
    let second = Open::on(&two.elsewhere);
    assert!(is_lost(done.lock().unwrap().as_ref().unwrap()));
    second.unwrap().append(b"after").unwrap();
}

#[test]
fn a_lease_that_was_released_or_is_this_machines_is_taken_at_once() {
    let two = two();
    let first = Open::on(&two.disk).unwrap();
    let Open { log, hand, .. } = first;
    hand.close(&log).unwrap();
    let before = two.other.host_now();
    drop(Open::on(&two.elsewhere).unwrap());
    assert!(two.other.host_now() < before + RENEWED_EVERY);
    // The machine goes down with the lease held, and comes up again.
    let killed = Open::on(&two.disk).unwrap();
    let lost = two
        .disk
        .restart(Unsynced::Lost, &mut fastrand::Rng::with_seed(1));
    drop(killed);
    two.one.reboot();
    let before = two.one.host_now();
    drop(Open::on(&lost.seen_from(&two.one)).unwrap());
    assert_eq!(two.one.host_now(), before);
}

#[test]
fn epochs_only_grow_wherever_the_power_is_cut() {
    for unsynced in Unsynced::ALL {
        let mut random = fastrand::Rng::with_seed(2);
        let mut disk = SimDisk::new();
        let mut last = 0;
        for at in 1..60 {
            disk.arm(Fault::Crash(at));
            let mut epoch = |open: &Open| {
                let lease = open.log.shared().lease.raise_above(0).unwrap_or(0);
                assert!(lease == 0 || lease > last, "{unsynced:?} {at}: {lease}");
                last = last.max(lease);
            };
            if let Ok(open) = Open::on(&disk) {
                epoch(&open);
            }
            disk = disk.restart(unsynced, &mut random);
            epoch(&Open::on(&disk).unwrap());
        }
        // Also if the file is lost: the segments know.
        let mut open = Open::on(&disk).unwrap();
        open.append(b"makes a segment").unwrap();
        let epoch = open.log.shared().lease.raise_above(0).unwrap();
        drop(open);
        disk.remove(&Partition::first().lease()).unwrap();
        let open = Open::on(&disk).unwrap();
        assert!(open.log.shared().lease.raise_above(0).unwrap() > 1.max(epoch / 2));
    }
}

#[test]
fn a_segment_gets_no_name_that_another_has_given() {
    let two = two();
    let mut first = Open::on(&two.disk).unwrap();
    first.append(b"one").unwrap();
    // A machine that is stopped as a whole, with its clock, and goes on.
    let mut second = Open::on(&two.elsewhere).unwrap();
    second.append(b"two").unwrap();
    assert!(is_lost(&first.append(&vec![0; 65 << 10])));
    // Nor does it release what is another's.
    drop(first);
    second.append(b"three").unwrap();
    second.renew().unwrap();
    drop(second);
    let mut again = Open::on(&two.elsewhere).unwrap();
    assert_eq!(again.bodies(), [&b"one"[..], b"two", b"three"]);
    assert_eq!(again.log.damages(), []);
    let file = two
        .elsewhere
        .open(again.log.shared().segments.load()[1].path(), Access::Read);
    let mut block = vec![0; 4096];
    two.elsewhere
        .read_at(&file.unwrap(), &mut block, 0)
        .unwrap();
    assert!(SegmentHeader::decode(&block).is_ok());
}
