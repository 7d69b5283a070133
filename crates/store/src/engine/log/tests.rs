//! The log from outside: what is promised, on disks that work and on disks that do not.

use std::{
    future::Future,
    ops::ControlFlow,
    pin::pin,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use super::{
    Log,
    checkpoint::Update,
    disk::{Disk, RealDisk},
    index::Place,
    ram::RamDisk,
};
use crate::{
    engine::{
        Engine, EngineOptions, PIECE_BYTES_MAX, Position, RecordKind, Ref, WalkItem, WalkKind,
        Writes,
    },
    error::Error,
    id::AccountId,
};

const A: AccountId = AccountId(10);
const B: AccountId = AccountId(11);
const SEGMENT_BYTES: u64 = 64 << 10;

/// Runs a future on this thread.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}

pub(super) type Answer = mpsc::Receiver<Result<Position, Error>>;

/// Appends; the answer comes through the channel.
pub(super) fn append<D: Disk>(
    log: &Log<D>,
    writes: Writes,
    account: AccountId,
    seq: u64,
    batch: &[u8],
) -> Result<Answer, Error> {
    let (answer, answers) = mpsc::channel();
    let done = Box::new(move |result| answer.send(result).unwrap_or(()));
    log.append(writes, account, seq, batch, done)?;
    Ok(answers)
}

fn append_now<D: Disk>(log: &Log<D>, account: AccountId, seq: u64, batch: &[u8]) -> Position {
    let answer = append(log, log.begin(), account, seq, batch).unwrap();
    answer.recv().unwrap().unwrap()
}

fn put<D: Disk>(log: &Log<D>, body: &[u8]) -> Ref {
    wait(log.put(log.begin(), RecordKind::Blob, None, body)).unwrap()
}

fn read<D: Disk>(log: &Log<D>, at: Ref) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    wait(log.read(at, 0..0, None, &mut body))
        .and_then(|length| wait(log.read(at, 0..length, Some(length), &mut body)))
        .map(|_| body)
}

fn batches<D: Disk>(log: &Log<D>, account: AccountId, after: u64) -> Vec<(u64, Vec<u8>)> {
    wait(log.batches(account, after)).unwrap()
}

fn open_account<D: Disk>(log: &Log<D>, account: AccountId) -> u64 {
    batches(log, account, 0).last().map_or(0, |(seq, _)| *seq)
}

#[test]
fn what_is_written_is_read_back_also_after_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Log::open(RealDisk::new(directory.path().join("data")), SEGMENT_BYTES).unwrap();
    let log = open();
    assert_eq!(open_account(&log, A), 0);
    let bodies: Vec<Vec<u8>> = [0, 1, 7, 8, 4096, 5000, PIECE_BYTES_MAX]
        .iter()
        .map(|length| (0..*length).map(|at| at.to_le_bytes()[0] ^ 0x5A).collect())
        .collect();
    let refs: Vec<Ref> = bodies.iter().map(|body| put(&log, body)).collect();
    append_now(&log, A, 1, b"first");
    append_now(&log, A, 2, b"second");
    wait(log.close()).unwrap();
    drop(log);
    let log = open();
    for (at, body) in refs.iter().zip(&bodies) {
        assert_eq!(&read(&log, *at).unwrap(), body);
    }
    let mut part = b"kept".to_vec();
    wait(log.read(refs[5], 4998..5000, Some(5000), &mut part)).unwrap();
    assert_eq!(part, [b"kept", &bodies[5][4998..]].concat());
    let expected = vec![(1, b"first".to_vec()), (2, b"second".to_vec())];
    assert_eq!(batches(&log, A, 0), expected);
    assert_eq!(batches(&log, A, 1), expected[1..]);
    assert_eq!(log.pending_accounts(), [A]);
    assert_eq!(log.damages(), []);
}

#[test]
fn a_put_is_readable_before_anybody_has_appended() {
    let log = Log::open(RamDisk::default(), SEGMENT_BYTES).unwrap();
    let at = put(&log, b"waiting");
    assert_eq!(read(&log, at).unwrap(), b"waiting");
}

#[test]
fn what_is_not_a_record_s_place_is_refused() {
    let log = Log::open(RamDisk::default(), SEGMENT_BYTES).unwrap();
    let at = put(&log, b"body");
    read(&log, at).unwrap();
    for wrong in [0, at.0 - 8, at.0 + 8, at.0 + 48, 1 << 40, u64::MAX] {
        let refused = read(&log, Ref(wrong));
        assert!(matches!(refused, Err(Error::Corrupt { .. })), "{wrong}");
    }
    let mut into = Vec::new();
    for (range, length) in [(0..5, 4), (0..5, 5), (2..3, 3), (9..10, 4)] {
        let refused = wait(log.read(at, range, Some(length), &mut into));
        assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
    }
    assert_eq!(into, b"");
}

#[test]
fn a_batch_goes_only_where_the_account_s_log_ends() {
    let log = Log::open(RamDisk::default(), SEGMENT_BYTES).unwrap();
    let refused = |seq| append(&log, log.begin(), A, seq, b"x").is_err();
    assert!(refused(1), "the account has not been opened");
    open_account(&log, A);
    assert!(refused(0) && refused(2));
    append_now(&log, A, 1, b"1");
    assert!(refused(1) && refused(3));
    append_now(&log, A, 2, b"2");
}

#[test]
fn what_is_too_long_is_refused() {
    let log = Log::open(RamDisk::default(), SEGMENT_BYTES).unwrap();
    let body = vec![0; PIECE_BYTES_MAX + 1];
    let refused = wait(log.put(log.begin(), RecordKind::Blob, None, &body));
    assert!(matches!(refused, Err(Error::TooBig(_))));
}

#[test]
fn recovery_begins_at_the_checkpoint_and_older_batches_are_still_found() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Log::open(RealDisk::new(directory.path().to_owned()), SEGMENT_BYTES).unwrap();
    let log = open();
    open_account(&log, A);
    open_account(&log, B);
    for seq in 1..=3 {
        put(&log, &[1; 10_000]);
        append_now(&log, A, seq, &[7; 10_000]);
    }
    let position = log.position();
    wait(log.checkpoint_put(vec![(b"k".to_vec(), Some(b"v".to_vec()))], Some(position))).unwrap();
    assert_eq!(log.bytes_since_checkpoint(), 0);
    append_now(&log, B, 1, b"b");
    drop(log);
    let log = open();
    assert_eq!(log.pending_accounts(), [B]);
    assert_eq!(
        wait(log.checkpoint_get(b"k".to_vec())).unwrap().unwrap(),
        b"v"
    );
    assert_eq!(batches(&log, A, 3), []);
    let seqs: Vec<u64> = batches(&log, A, 1).iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [2, 3]);
    append_now(&log, A, 4, b"goes on");
    assert_eq!(batches(&log, A, 2).len(), 2);
}

#[test]
fn a_lost_checkpoint_is_rebuilt_from_the_log() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Log::open(RealDisk::new(directory.path().to_owned()), SEGMENT_BYTES).unwrap();
    let log = open();
    open_account(&log, A);
    append_now(&log, A, 1, b"1");
    let position = log.position();
    wait(log.checkpoint_put(vec![(b"k".to_vec(), Some(b"v".to_vec()))], Some(position))).unwrap();
    drop(log);
    let file = directory
        .path()
        .join("partitions/default/checkpoint/checkpoint.redb");
    for damage in [&b""[..], b"not a database at all, but rather long for one"] {
        std::fs::write(&file, damage).unwrap();
        let log = open();
        assert_eq!(log.pending_accounts(), [A]);
        assert_eq!(wait(log.checkpoint_get(b"k".to_vec())).unwrap(), None);
        assert_eq!(batches(&log, A, 0), [(1, b"1".to_vec())]);
    }
}

#[test]
fn a_second_opener_is_refused_and_told_by_whom() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Log::open(RealDisk::new(directory.path().to_owned()), SEGMENT_BYTES);
    let log = open().unwrap();
    let Err(Error::InUse(owner)) = open() else {
        panic!("opened twice")
    };
    assert!(owner.contains(&std::process::id().to_string()), "{owner}");
    wait(log.close()).unwrap();
    open().unwrap();
    let refused = append(&log, log.begin(), A, 1, b"late");
    assert!(matches!(refused, Err(Error::OutOfService(_))));
}

#[test]
fn the_engine_in_memory_is_the_same_log() {
    let options = EngineOptions {
        directory: None,
        segment_bytes: EngineOptions::SEGMENT_BYTES,
    };
    let engine = wait(Engine::open(options)).unwrap();
    wait(engine.batches_page(A, 0, 1)).unwrap();
    let writes = engine.begin();
    let at = wait(engine.put(writes, RecordKind::Message, Some(A), b"m")).unwrap();
    let (answer, answers) = mpsc::channel();
    let done = Box::new(move |result| answer.send(result).unwrap());
    engine.append(writes, A, 1, b"batch", done).unwrap();
    assert_eq!(answers.recv().unwrap().unwrap(), engine.position());
    let mut body = Vec::new();
    wait(engine.read(at, 0..1, Some(1), &mut body)).unwrap();
    assert_eq!(body, b"m");
    wait(engine.close()).unwrap();
}

#[test]
fn a_flipped_bit_is_named_and_costs_its_record_only() {
    const BLOB: u64 = 4096;
    const fn batch(seq: u64) -> u64 {
        BLOB + 40 + 5000 + (seq - 1) * (40 + 104 + 40)
    }
    // Where, what is said of it, which batches remain, whether the blob does.
    for (offset, what, seqs, blob) in [
        (
            batch(2) + 50,
            "batch 2 of account Aa",
            [1, 3, 4].as_slice(),
            true,
        ),
        (batch(3) + 17, "octets that are no record", &[1, 2, 4], true),
        (BLOB + 1000, "a piece of a message", &[1, 2, 3, 4], false),
        (
            batch(2) + 144,
            "octets that are no record",
            &[1, 2, 3, 4],
            true,
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let open = || Log::open(RealDisk::new(directory.path().to_owned()), SEGMENT_BYTES);
        let log = open().unwrap();
        open_account(&log, A);
        let at = put(&log, &[7; 5000]);
        for seq in 1..=4 {
            append_now(&log, A, seq, &[7; 100]);
        }
        wait(log.close()).unwrap();
        drop(log);
        let path = super::files::Partition::first().segment(1);
        flip(&directory.path().join(&path), offset);
        let log = open().unwrap();
        let damages = log.damages();
        assert_eq!(damages.len(), 1, "{what}: {damages:?}");
        assert_eq!((&*damages[0].what, &*damages[0].file), (what, &*path));
        assert!((offset - 1040..=offset).contains(&damages[0].offset));
        let found: Vec<u64> = batches(&log, A, 0).iter().map(|(seq, _)| *seq).collect();
        assert_eq!(found, seqs, "{what}");
        assert_eq!(read(&log, at).is_ok(), blob, "{what}");
        append_now(&log, A, 5, b"goes on");
    }
}

/// What a walk finds: batches, how many puts, damages.
fn walk<D: Disk>(log: &Log<D>) -> (Vec<(AccountId, u64)>, usize, Vec<String>) {
    let mut batches = Vec::new();
    let mut puts = 0;
    let mut damages = Vec::new();
    log.walk(&mut |item| {
        match item {
            WalkItem::Record {
                kind: WalkKind::Batch { seq },
                account,
                ..
            } => batches.push((account.unwrap(), seq)),
            WalkItem::Record { .. } => puts += 1,
            WalkItem::Damage(damage) => damages.push(damage.what.to_string()),
            WalkItem::Known => {}
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    (batches, puts, damages)
}

#[test]
fn a_walk_finds_everything_and_names_what_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(RealDisk::new(directory.path().to_owned()), SEGMENT_BYTES).unwrap();
    open_account(&log, A);
    open_account(&log, B);
    for seq in 1..=5 {
        put(&log, &[1; 16_000]);
        append_now(&log, A, seq, b"a");
        append_now(&log, B, seq, b"b");
    }
    let all: Vec<_> = (1..=5).flat_map(|seq| [(A, seq), (B, seq)]).collect();
    assert_eq!(walk(&log), (all.clone(), 5, vec![]), "beside the writer");
    // Not promised: no damage, and visited once the writer has come to it.
    let unfinished = put(&log, b"unfinished");
    read(&log, unfinished).unwrap();
    let (batches, puts, damages) = walk(&log);
    assert_eq!((batches, damages), (all.clone(), vec![]));
    assert!((5..=6).contains(&puts), "{puts}");
    assert_eq!(wait(log.close()).map_err(|error| error.to_string()), Ok(()));
    let first = directory
        .path()
        .join(super::files::Partition::first().segment(1));
    flip(&first, 4096 + 5000);
    let (batches, puts, damages) = walk(&log);
    // One of six is what is damaged.
    assert_eq!((batches, puts), (all, 5));
    assert_eq!(damages, ["a piece of a message"]);
    flip(&first, 60);
    flip(&first, 2048 + 60);
    let (batches, _, damages) = walk(&log);
    assert!(batches.len() < 10 && !batches.is_empty());
    assert_eq!(damages, ["the segment's header: nothing in it can be read"]);
}

fn flip(path: &std::path::Path, offset: u64) {
    let mut octets = std::fs::read(path).unwrap();
    octets[usize::try_from(offset).unwrap()] ^= 0x10;
    std::fs::write(path, octets).unwrap();
}

/// Not a test: prints how many deliveries a second the log takes on this disk.
/// `cargo test --release -p store figures -- --ignored --nocapture`
#[test]
#[ignore = "prints figures"]
fn figures() {
    use std::time::{Duration, Instant};
    for threads in [1, 8, 64] {
        let directory = tempfile::tempdir_in(".").unwrap();
        let disk = RealDisk::new(directory.path().to_owned());
        let log = Log::open(disk, EngineOptions::SEGMENT_BYTES).unwrap();
        let begin = Instant::now();
        let counts: Vec<u64> = thread::scope(|scope| {
            let deliver = |account| {
                let log = log.clone();
                move || {
                    open_account(&log, account);
                    let body = vec![0xA5; 8 << 10];
                    let mut seq = 0;
                    while begin.elapsed() < Duration::from_secs(5) {
                        seq += 1;
                        let writes = log.begin();
                        let put = log.put(writes, RecordKind::Blob, None, &body);
                        wait(put).unwrap();
                        let answer = append(&log, writes, account, seq, &[0; 100]).unwrap();
                        answer.recv().unwrap().unwrap();
                    }
                    seq
                }
            };
            let running: Vec<_> = (0..threads)
                .map(|number| scope.spawn(deliver(AccountId(number + 1))))
                .collect();
            running.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let seconds = begin.elapsed().as_secs_f64();
        let count = u32::try_from(counts.iter().sum::<u64>()).unwrap();
        eprintln!("{threads} threads: {:.0}/s", f64::from(count) / seconds);
    }
}

#[test]
fn batches_are_found_by_their_places_and_without_them() {
    let log = Log::open(RamDisk::default(), SEGMENT_BYTES).unwrap();
    open_account(&log, A);
    open_account(&log, B);
    let body = |seq: u64| vec![seq.to_le_bytes()[0]; 2000];
    for seq in 1..=120 {
        append_now(&log, A, seq, &body(seq));
        append_now(&log, B, seq, b"another's");
    }
    let expected: Vec<_> = (1..=120).map(|seq| (seq, body(seq))).collect();
    wait(log.checkpoint_put(Vec::new(), Some(log.position()))).unwrap();
    append_now(&log, A, 121, b"later");
    assert_eq!(batches(&log, A, 0)[..120], expected);
    assert_eq!(batches(&log, A, 0).len(), 121);
    let page = wait(log.batches_page(A, 50, 10_000)).unwrap();
    assert_eq!(page, expected[50..55]);
    let checkpoint = &log.shared().checkpoint;
    let (before, places) = checkpoint.places(A, 50..60, 0).unwrap();
    assert_eq!((before.unwrap().seq, places.len()), (49, 1));
    // Wrong about some, and nothing known of others.
    let wrong = |seq: u64, lsn: u64| {
        (
            A,
            Place {
                seq,
                lsn,
                length: 2000,
            },
        )
    };
    let update = Update {
        places: vec![
            wrong(1, 8),
            wrong(70, places[0].lsn),
            wrong(71, 1 << 40),
            wrong(120, 16),
        ],
        ..Update::default()
    };
    checkpoint.update(&update).unwrap();
    assert_eq!(batches(&log, A, 0)[..120], expected);
    let update = Update {
        freed: vec![(A, 100)],
        ..Update::default()
    };
    checkpoint.update(&update).unwrap();
    assert_eq!(batches(&log, A, 0)[..21], expected[99..]);
    assert_eq!(batches(&log, B, 0).len(), 120);
}

#[test]
fn a_start_reads_no_more_than_was_written_since_the_checkpoint() {
    const SEGMENT: u64 = 256 << 10;
    let disk = Arc::new(RamDisk::default());
    let mut seq = 0;
    let mut written = 0;
    for since in [0, 40, 4, 90] {
        let log = Log::open_on(Arc::clone(&disk), SEGMENT).unwrap();
        wait(log.batches(A, 0)).unwrap();
        // Much that a checkpoint covers, and some that none does.
        let mut fill = |batches: u64| {
            for _ in 0..batches {
                seq += 1;
                append_now(&log, A, seq, &vec![7; 40 << 10]);
            }
        };
        fill(100);
        written += 100 * (40 << 10);
        wait(log.checkpoint_put(vec![], Some(log.position()))).unwrap();
        fill(since);
        let after = log.bytes_since_checkpoint();
        assert!(after >= since * (40 << 10));
        drop(log);
        disk.read.store(0, std::sync::atomic::Ordering::Relaxed);
        let log = Log::open_on(Arc::clone(&disk), SEGMENT).unwrap();
        let read = disk.read.load(std::sync::atomic::Ordering::Relaxed);
        // Besides: the headers of all segments, the checkpoint's own pages, and the rest of the
        // segment that the log ended in, which was allocated and not written.
        let headers = 2 * 2048 * (written / SEGMENT + 10);
        assert!(read >= after, "{read} is less than {after}");
        let bound = after + headers + SEGMENT + (256 << 10);
        assert!(read <= bound, "{read} of {written}, since then {after}");
        // Closing it has added a commit.
        assert!(log.bytes_since_checkpoint() <= after + 40);
        written += since * (40 << 10);
    }
}

#[test]
fn a_log_of_many_segments_takes_few_open_files() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Log::open(RealDisk::new(directory.path().into()), 8 << 10).unwrap();
    let log = open();
    open_account(&log, A);
    for seq in 1..=150 {
        append_now(&log, A, seq, &[7; 7000]);
    }
    let files = || {
        let all = std::fs::read_dir("/proc/self/fd").unwrap();
        let links = all.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok());
        links
            .filter(|link| link.starts_with(directory.path()))
            .count()
    };
    assert!((1..100).contains(&files()), "{} after writing", files());
    drop(log);
    let log = open();
    assert_eq!(batches(&log, A, 0).len(), 150);
    log.walk(&mut |_| ControlFlow::Continue(())).unwrap();
    assert!((1..100).contains(&files()), "{} after reading", files());
}

#[test]
fn what_nobody_waits_for_is_written_with_what_somebody_does_or_after_a_while() {
    let (log, mut hand) = Log::open_by_hand(RamDisk::default(), SEGMENT_BYTES).unwrap();
    assert_eq!(open_account(&log, A), 0);
    let patient = append(&log, log.begin().patient(), A, 1, b"patient").unwrap();
    let urgent = append(&log, log.begin(), A, 2, b"urgent").unwrap();
    assert!(hand.turn());
    let position = urgent.try_recv().unwrap().unwrap();
    assert_eq!(patient.try_recv().unwrap().unwrap(), position, "one group");
    assert!(!hand.turn());
    hand.close(&log).unwrap();

    let log = Log::open(RamDisk::default(), SEGMENT_BYTES).unwrap();
    assert_eq!(open_account(&log, A), 0);
    for seq in 1..=3 {
        let patient = append(&log, log.begin().patient(), A, seq, b"patient").unwrap();
        if seq == 2 {
            log.hurry();
        }
        assert!(patient.recv().unwrap().is_ok());
    }
    wait(log.close()).unwrap();
}
