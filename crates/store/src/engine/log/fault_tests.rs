//! The log on a disk that fails: what was acknowledged is there, what was not is whole or absent.

use std::collections::BTreeMap;

use super::{
    Log,
    sim::{Fault, SimDisk, Unsynced},
    tests::{Answer, append, wait},
};
use crate::{
    engine::{Position, RecordKind, Ref},
    error::Error,
    id::AccountId,
};

const SEGMENT_BYTES: u64 = 12 << 10;
const ACCOUNTS: u64 = 3;

/// A batch as it was given to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    account: AccountId,
    seq: u64,
    body: Vec<u8>,
}

/// What a test knows of the log it drives.
struct Driver {
    random: fastrand::Rng,
    /// Everything that may be in the log, in order.
    sent: Vec<Sent>,
    /// How many of those have been acknowledged: a prefix.
    acknowledged: usize,
    /// The last batch of each account, counting what waits.
    heads: BTreeMap<AccountId, u64>,
    /// The last checkpoint acknowledged.
    checkpointed: Option<u64>,
}

/// One round of work: how it went.
#[derive(Debug, Default)]
struct Outcome {
    errors: Vec<Error>,
    acknowledged: usize,
}

impl Driver {
    fn new(seed: u64) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            sent: Vec::new(),
            acknowledged: 0,
            heads: (1..=ACCOUNTS).map(|id| (AccountId(id), 0)).collect(),
            checkpointed: None,
        }
    }

    /// Opens accounts, then delivers: some puts, a batch that refers to them, several at a time.
    fn work(&mut self, log: &Log<SimDisk>, rounds: usize) -> Outcome {
        let mut outcome = Outcome::default();
        for account in 1..=ACCOUNTS {
            if let Err(error) = wait(log.batches(AccountId(account), 0)) {
                outcome.errors.push(error);
            }
        }
        for _ in 0..rounds {
            let mut answers = Vec::new();
            for _ in 0..self.random.usize(1..=4) {
                match self.deliver(log) {
                    Ok(answer) => answers.push(answer),
                    Err(error) => outcome.errors.push(error),
                }
            }
            self.settle(answers, &mut outcome);
            if self.random.u8(..) < 60 {
                match self.checkpoint(log) {
                    Ok(()) => {}
                    Err(error) => outcome.errors.push(error),
                }
            }
        }
        outcome
    }

    fn deliver(&mut self, log: &Log<SimDisk>) -> Result<Answer, Error> {
        let writes = log.begin();
        let account = AccountId(self.random.u64(1..=ACCOUNTS));
        let mut body = Vec::new();
        for _ in 0..self.random.usize(0..3) {
            let length = self.random.usize(..3000);
            let octet = self.random.u8(..);
            let octets = vec![octet; length];
            let put = log.put(writes, RecordKind::Blob, None, &octets);
            let at = wait(put)?;
            body.extend_from_slice(&at.0.to_le_bytes());
            body.extend_from_slice(&(length as u64).to_le_bytes());
            body.push(octet);
        }
        let seq = self.heads[&account] + 1;
        let answer = append(log, writes, account, seq, &body)?;
        self.heads.insert(account, seq);
        self.sent.push(Sent { account, seq, body });
        Ok(answer)
    }

    /// Waits for all answers. What was refused is not in the log, and never will be; what
    /// failed with the partition may turn up.
    fn settle(&mut self, answers: Vec<Answer>, outcome: &mut Outcome) {
        let mut last = Position(0);
        let mut unknown = false;
        let waiting = self.sent.split_off(self.sent.len() - answers.len());
        for (sent, answer) in waiting.into_iter().zip(answers) {
            match answer.recv().expect("every append is answered") {
                Ok(position) => {
                    assert!(!unknown, "acknowledged behind one that failed");
                    assert!(position >= last, "answers come in order");
                    last = position;
                    self.sent.push(sent);
                    self.acknowledged += 1;
                    outcome.acknowledged += 1;
                }
                Err(error) => {
                    if matches!(error, Error::OutOfService(_)) {
                        unknown = true;
                        self.sent.push(sent);
                    }
                    outcome.errors.push(error);
                }
            }
        }
        // As an account does: what failed never was.
        self.heads.values_mut().for_each(|seq| *seq = 0);
        for sent in self.sent.iter().take(self.acknowledged) {
            self.heads.insert(sent.account, sent.seq);
        }
    }

    fn checkpoint(&mut self, log: &Log<SimDisk>) -> Result<(), Error> {
        let position = log.position();
        let count = self.acknowledged as u64;
        let write = (b"count".to_vec(), Some(count.to_le_bytes().to_vec()));
        wait(log.checkpoint_put(vec![write], Some(position)))?;
        self.checkpointed = Some(count);
        Ok(())
    }

    /// After reopening: the log has what was acknowledged, and a prefix of the rest. That
    /// prefix is what is there from now on.
    fn verify(&mut self, log: &Log<SimDisk>) {
        assert_eq!(log.damages(), [], "a crash is not damage");
        let mut found: BTreeMap<AccountId, Vec<(u64, Vec<u8>)>> = BTreeMap::new();
        for id in 1..=ACCOUNTS {
            let batches = wait(log.batches(AccountId(id), 0)).unwrap();
            found.insert(AccountId(id), batches);
        }
        let total: usize = found.values().map(Vec::len).sum();
        assert!(
            (self.acknowledged..=self.sent.len()).contains(&total),
            "{total} batches, {} acknowledged, {} sent",
            self.acknowledged,
            self.sent.len()
        );
        self.sent.truncate(total);
        self.acknowledged = total;
        self.heads = (1..=ACCOUNTS).map(|id| (AccountId(id), 0)).collect();
        let mut expected: BTreeMap<AccountId, Vec<(u64, Vec<u8>)>> =
            self.heads.keys().map(|id| (*id, Vec::new())).collect();
        for sent in &self.sent {
            self.heads.insert(sent.account, sent.seq);
            let batches = expected.get_mut(&sent.account).unwrap();
            batches.push((sent.seq, sent.body.clone()));
        }
        assert_eq!(found, expected, "not a prefix of what was sent");
        for sent in &self.sent {
            for (at, length, octet) in references(&sent.body) {
                let mut body = Vec::new();
                wait(log.read(at, 0..length, Some(length), &mut body)).unwrap();
                assert_eq!(body, vec![octet; length]);
            }
        }
        let count = wait(log.checkpoint_get(b"count".to_vec())).unwrap();
        let count = count.map(|value| u64::from_le_bytes(value.try_into().unwrap()));
        assert!(count >= self.checkpointed, "a checkpoint was lost");
        assert!(count.unwrap_or(0) <= total as u64, "ahead of the log");
    }
}

fn references(body: &[u8]) -> impl Iterator<Item = (Ref, usize, u8)> {
    body.chunks_exact(17).map(|part| {
        let number = |at: usize| u64::from_le_bytes(part[at..at + 8].try_into().unwrap());
        (
            Ref(number(0)),
            usize::try_from(number(8)).unwrap(),
            part[16],
        )
    })
}

fn open(disk: &SimDisk) -> Result<Log<SimDisk>, Error> {
    Log::open(disk.clone(), SEGMENT_BYTES)
}

/// How many operations a run of a seed takes, about.
fn operations(seed: u64) -> u64 {
    let disk = SimDisk::new();
    let log = open(&disk).unwrap();
    Driver::new(seed).work(&log, 6);
    drop(log);
    disk.operations()
}

#[test]
fn the_power_may_fail_at_every_operation() {
    let every = [Unsynced::Torn, Unsynced::Kept, Unsynced::Lost];
    for (seed, unsynced) in (0..).zip(every) {
        for at in 1..=operations(seed) {
            crash(seed, unsynced, at);
        }
    }
}

/// Crashes at an operation, again while it recovers or soon after, and a third time.
fn crash(seed: u64, unsynced: Unsynced, at: u64) {
    let mut disk = SimDisk::new();
    let mut driver = Driver::new(seed);
    let mut random = fastrand::Rng::with_seed(seed ^ at);
    for at in [at, random.u64(1..30), random.u64(1..60)] {
        disk.arm(Fault::Crash(at));
        let context = format!("seed {seed}, {unsynced:?}, operation {at}");
        if let Ok(log) = open(&disk) {
            eprintln!("{context}");
            driver.verify_if_sound(&log, &disk);
            driver.work(&log, 6);
        }
        disk = disk.restart(unsynced, &mut random);
    }
    let log = open(&disk).unwrap();
    driver.verify(&log);
    let outcome = driver.work(&log, 2);
    assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
    drop(log);
    let log = open(&disk).unwrap();
    driver.verify(&log);
}

impl Driver {
    /// Reopened, but the power may fail in the middle of looking: then only what was read counts.
    fn verify_if_sound(&mut self, log: &Log<SimDisk>, disk: &SimDisk) {
        disk.pause(|| self.verify(log));
    }
}

#[test]
fn a_full_disk_refuses_cleanly_and_writing_resumes() {
    for seed in 1..=2 {
        for from in 1..operations(seed) {
            let disk = SimDisk::new();
            let log = open(&disk).unwrap();
            let mut driver = Driver::new(seed);
            let until = from + seed * 3;
            disk.arm(if seed % 2 == 0 {
                Fault::FullWrites(from, until)
            } else {
                Fault::Full(from, until)
            });
            let outcome = driver.work(&log, 12);
            for error in &outcome.errors {
                assert!(matches!(error, Error::Full), "{error}");
            }
            disk.arm(Fault::Never);
            let outcome = driver.work(&log, 2);
            assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
            // Nothing that was refused comes back.
            assert_eq!(driver.sent.len(), driver.acknowledged);
            drop(log);
            let log = open(&disk).unwrap();
            driver.verify(&log);
        }
    }
}

#[test]
fn what_frees_space_still_works_on_a_full_disk() {
    let disk = SimDisk::new();
    let log = open(&disk).unwrap();
    let account = AccountId(1);
    wait(log.batches(account, 0)).unwrap();
    let batch = |seq| {
        let answer = append(&log, log.begin(), account, seq, &[1; 100]).unwrap();
        answer.recv().unwrap()
    };
    let deliver = |seq| {
        let writes = log.begin();
        wait(log.put(writes, RecordKind::Blob, None, &[0; 8000])).unwrap();
        let answer = append(&log, writes, account, seq, b"delivered").unwrap();
        answer.recv().unwrap()
    };
    deliver(1).unwrap();
    disk.arm(Fault::Full(1, u64::MAX));
    assert!(matches!(deliver(2), Err(Error::Full)));
    // More than what is left of the segment.
    for seq in 2..60 {
        batch(seq).unwrap();
    }
    assert!(matches!(deliver(60), Err(Error::Full)));
    disk.arm(Fault::Never);
    deliver(60).unwrap();
    disk.arm(Fault::Full(1, u64::MAX));
    for seq in 61..110 {
        batch(seq).unwrap();
    }
    drop(log);
    disk.arm(Fault::Never);
    let log = open(&disk).unwrap();
    assert_eq!(wait(log.batches(account, 0)).unwrap().len(), 109);
    assert_eq!(log.damages(), []);
}

#[test]
fn after_a_failed_write_or_sync_nothing_is_acknowledged_until_it_is_reopened() {
    let mut stopped = 0;
    for seed in 0..3 {
        for at in 1..operations(seed) {
            let disk = SimDisk::new();
            let log = open(&disk).unwrap();
            let mut driver = Driver::new(seed);
            disk.arm(Fault::Error(at));
            let outcome = driver.work(&log, 8);
            eprintln!("seed {seed}, operation {at}: {:?}", outcome.errors.first());
            let refused = append(&log, log.begin(), AccountId(1), 1, b"");
            if matches!(refused, Err(Error::OutOfService(_))) {
                stopped += 1;
                let outcome = driver.work(&log, 3);
                assert_eq!(outcome.acknowledged, 0);
            }
            // Reads go on.
            for sent in &driver.sent[..driver.acknowledged] {
                for (at, length, octet) in references(&sent.body) {
                    let mut body = Vec::new();
                    wait(log.read(at, 0..length, Some(length), &mut body)).unwrap();
                    assert_eq!(body, vec![octet; length]);
                }
            }
            disk.arm(Fault::Never);
            drop(log);
            let log = open(&disk).unwrap();
            driver.verify(&log);
            let outcome = driver.work(&log, 2);
            assert!(outcome.errors.is_empty(), "{:?}", outcome.errors);
        }
    }
    assert!(stopped > 20, "{stopped}");
}

#[test]
fn a_second_opener_of_the_disk_is_refused() {
    let disk = SimDisk::new();
    let log = open(&disk).unwrap();
    assert!(matches!(open(&disk), Err(Error::InUse(_))));
    drop(log);
    open(&disk).unwrap();
}
