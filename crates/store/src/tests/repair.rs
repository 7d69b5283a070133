//! Repair, case by case. That it leaves everything else as it was, whatever is damaged, is seen in
//! [`super::anybyte`].

use std::{fs, io::IoSlice, path::Path, sync::Arc};

use super::*;
use crate::{
    SystemFlags,
    engine::{
        Engine,
        log::{
            Log,
            disk::{Access, Disk},
            ram::RamDisk,
            sim::{Fault, SimDisk, Unsynced},
        },
    },
    past::Mode,
    repair::{RECOVERED, RepairKind, RepairOptions, RepairSummary, Repaired},
};

fn open(disk: &Arc<RamDisk>) -> Store {
    let log = Log::open_on(Arc::clone(disk), 4 << 20).unwrap();
    Store::with_engine(Engine::Memory(log), 1 << 20, clock)
}

fn text(which: &str) -> Vec<u8> {
    format!("Message-ID: <{which}@x>\r\nSubject: {which}\r\n\r\nthe {which} message\r\n").into()
}

async fn append(store: &Store, to: &str, octets: &[u8], by: &str) {
    let account = store.account(ALICE).await.unwrap().acting(by);
    let to = account.snapshot().named(&name(to)).unwrap().id();
    let mut arrival = arrival(store, octets).await;
    arrival.flags.system = SystemFlags::SEEN;
    account.append(to, vec![arrival]).await.unwrap();
}

/// Three messages, and what `more` does; closed, and its files with one octet of `needle` changed.
fn damaged(more: impl AsyncFnOnce(&Store), needle: &[u8], checkpoint: Checkpoint) -> Arc<RamDisk> {
    let disk = Arc::new(RamDisk::default());
    run(async {
        let store = open(&disk);
        for which in ["first", "second", "third"] {
            append(&store, "INBOX", &text(which), which).await;
        }
        more(&store).await;
        nothing_wrong(&store);
        if checkpoint == Checkpoint::Kept {
            store.close().await.unwrap();
        }
    });
    let mut files = disk.octets();
    files.retain(|name, _| name.strip_suffix("/lease").is_none());
    if checkpoint == Checkpoint::Lost {
        files.retain(|name, _| name.strip_suffix(".redb").is_none());
    }
    let mut found = 0;
    for (_, octets) in files
        .iter_mut()
        .filter(|(name, _)| name.strip_suffix(".log").is_some())
    {
        let places = octets.windows(needle.len()).enumerate();
        let places: Vec<usize> = places
            .filter(|(_, it)| *it == needle)
            .map(|(at, _)| at)
            .collect();
        for at in places {
            octets[at] ^= 1;
            found += 1;
        }
    }
    assert_eq!(found, 1, "the place to damage");
    Arc::new(RamDisk::with(&files))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checkpoint {
    Kept,
    Lost,
}

fn repair(store: &Store, mode: Mode, report: &Path) -> (RepairSummary, Vec<Repaired>) {
    let options = RepairOptions {
        mode,
        report: report.to_owned(),
        account: None,
    };
    let mut told = Vec::new();
    let summary = run(store.repair(&options, &mut |it| told.push(it))).unwrap();
    assert_eq!(summary.failed, Vec::<String>::new());
    (summary, told)
}

/// UID, flags and content of what is in a mailbox.
fn content(store: &Store, of: &str) -> Vec<(u32, SystemFlags, Vec<u8>)> {
    run(async {
        let account = store.account(ALICE).await.unwrap();
        let id = account.snapshot().named(&name(of)).unwrap().id();
        let mailbox = account.open_mailbox(id).await.unwrap();
        let mut found = Vec::new();
        for message in mailbox.every() {
            let email = account.email(&message).await.unwrap();
            assert_eq!(email.size(), message.size);
            let span = Span {
                start: email.trace_len(),
                end: u64::MAX,
            };
            let mut octets = Vec::new();
            email.read(span, &mut octets).await.unwrap();
            found.push((message.uid.0, message.system, octets));
        }
        found
    })
}

fn kinds(told: &[Repaired]) -> Vec<(RepairKind, Option<u32>)> {
    told.iter()
        .map(|it| (it.kind, it.uid.map(|uid| uid.0)))
        .collect()
}

const SEEN: SystemFlags = SystemFlags::SEEN;

#[test]
fn a_damaged_record_is_made_again_of_a_header_that_lies_apart() {
    let body = b"0123456789abcdef\r\n".repeat(20_000);
    let octets = [&b"Message-ID: <apart@x>\r\n\r\n"[..], &body].concat();
    let more = async |store: &Store| {
        let mut incoming = store.receive().await.unwrap();
        incoming.write(&octets).await.unwrap();
        let arrival = Arrival {
            message: incoming.finish().await.unwrap(),
            trace: Vec::new(),
            flags: Flags::default(),
            internal_date: None,
        };
        let account = store.account(ALICE).await.unwrap();
        let to = inbox(&account);
        account.append(to, vec![arrival]).await.unwrap();
    };
    let hash = *blake3::hash(&octets).as_bytes();
    let store = open(&damaged(more, &hash, Checkpoint::Kept));
    let report = tempfile::tempdir().unwrap();
    let (_, told) = repair(&store, Mode::Do, report.path());
    let expected = [(RepairKind::Remade, Some(4)), (RepairKind::SeenTo, None)];
    assert_eq!(kinds(&told), expected);
    let content = content(&store, "INBOX");
    assert_eq!(content.last().map(|it| &it.2), Some(&octets));
    nothing_wrong(&store);
}

#[test]
fn a_damaged_record_is_made_again_of_the_octets() {
    let hash = *blake3::hash(&text("second")).as_bytes();
    for checkpoint in [Checkpoint::Kept, Checkpoint::Lost] {
        let store = open(&damaged(async |_| {}, &hash, checkpoint));
        let report = tempfile::tempdir().unwrap();
        // Told first, and nothing is done.
        let (_, told) = repair(&store, Mode::DryRun, report.path());
        let expected = [(RepairKind::Remade, Some(2)), (RepairKind::SeenTo, None)];
        assert_eq!(kinds(&told), expected);
        let (summary, told) = repair(&store, Mode::Do, report.path());
        assert_eq!(kinds(&told), expected);
        assert!(!summary.lost());
        let all = ["first", "second", "third"].map(text);
        let all: Vec<_> = (1..)
            .zip(all)
            .map(|(uid, octets)| (uid, SEEN, octets))
            .collect();
        assert_eq!(content(&store, "INBOX"), all);
        assert_eq!(nothing_wrong(&store).known, 1);
        assert_eq!(repair(&store, Mode::Do, report.path()).1, []);
    }
}

#[test]
fn what_can_be_read_of_a_damaged_message_is_written_down() {
    let mut long = b"Message-ID: <long@x>\r\nSubject: long\r\n\r\n".to_vec();
    long.extend([vec![b'a'; 150_000], vec![b'b'; 150_000]].concat());
    long[200_000..200_006].copy_from_slice(b"needle");
    let more = async |store: &Store| append(store, "INBOX", &long, "long").await;
    let store = open(&damaged(more, b"needle", Checkpoint::Kept));
    let report = tempfile::tempdir().unwrap();
    let (summary, told) = repair(&store, Mode::Do, report.path());
    let expected = [(RepairKind::Removed, Some(4)), (RepairKind::SeenTo, None)];
    assert_eq!(kinds(&told), expected);
    assert!(summary.lost());
    assert_eq!(content(&store, "INBOX").len(), 3);
    let eml = told[0].file.clone().unwrap();
    let octets = fs::read(&eml).unwrap();
    let trace = b"Delivered-To: alice\r\n";
    let rest = [&trace[..], &long[..131_072], &long[262_144..]].concat();
    assert_eq!(octets, rest);
    let about = fs::read_to_string(eml.with_extension("txt")).unwrap();
    for what in [
        "Mailbox: INBOX",
        "UID: 4",
        "Flags: \\Seen",
        "131093..262165",
        "<long@x>",
    ] {
        assert!(about.contains(what), "{what} in {about}");
    }
    nothing_wrong(&store);
}

#[test]
fn a_message_that_only_a_lost_batch_knew_comes_back() {
    let more = async |store: &Store| {
        append(store, "INBOX", &text("fourth"), "whoever sent it").await;
        append(store, "INBOX", &text("fifth"), "x").await;
    };
    let disk = damaged(more, b"whoever sent it", Checkpoint::Lost);
    let store = open(&disk);
    let report = tempfile::tempdir().unwrap();
    let (summary, told) = repair(&store, Mode::Do, report.path());
    let expected = [
        (RepairKind::Recovered, Some(1)),
        (RepairKind::Rebased, None),
        (RepairKind::SeenTo, None),
    ];
    assert_eq!(kinds(&told), expected);
    assert!(summary.lost());
    let recovered = [(1, SystemFlags::NONE, text("fourth"))];
    assert_eq!(content(&store, RECOVERED), recovered);
    let uids: Vec<u32> = content(&store, "INBOX").iter().map(|it| it.0).collect();
    assert_eq!(uids, [1, 2, 3, 5]);
    nothing_wrong(&store);
    assert_eq!(repair(&store, Mode::Do, report.path()).1, []);
    run(store.close()).unwrap();
    let store = open(&disk);
    assert_eq!(content(&store, RECOVERED), recovered);
    nothing_wrong(&store);
}

#[test]
fn the_messages_of_a_mailbox_that_is_lost_come_back() {
    let more = async |store: &Store| {
        let account = store
            .account(ALICE)
            .await
            .unwrap()
            .acting("whoever made it");
        account.create(&name("made"), None).await.unwrap();
        append(store, "made", &text("fourth"), "x").await;
        append(store, "INBOX", &text("fifth"), "x").await;
    };
    // The checkpoint knows what the log has lost.
    let store = open(&damaged(more, b"whoever made it", Checkpoint::Kept));
    let report = tempfile::tempdir().unwrap();
    let (_, told) = repair(&store, Mode::Do, report.path());
    let expected = [(RepairKind::Rebased, None), (RepairKind::SeenTo, None)];
    assert_eq!(kinds(&told), expected);
    assert_eq!(content(&store, "made"), [(1, SEEN, text("fourth"))]);
    nothing_wrong(&store);
    // Nothing does.
    let store = open(&damaged(more, b"whoever made it", Checkpoint::Lost));
    let (summary, told) = repair(&store, Mode::Do, report.path());
    let expected = [
        (RepairKind::Recovered, Some(1)),
        (RepairKind::Rebased, None),
        (RepairKind::SeenTo, None),
    ];
    assert_eq!(kinds(&told), expected);
    assert!(summary.lost());
    assert_eq!(content(&store, RECOVERED), [(1, SEEN, text("fourth"))]);
    assert_eq!(content(&store, "INBOX").len(), 4);
    nothing_wrong(&store);
}

/// The same files on a disk that can be told to fail.
fn breakable(files: &RamDisk) -> SimDisk {
    let disk = SimDisk::new();
    for (name, octets) in files.octets() {
        let file = disk.open(&name, Access::Create).unwrap();
        // What is only allocated is written as fast as it is read: not at all.
        let used = octets
            .iter()
            .rposition(|octet| *octet != 0)
            .map_or(0, |last| last + 1);
        disk.write_at(&file, &[IoSlice::new(&octets[..used])], 0)
            .unwrap();
        disk.set_length(&file, octets.len() as u64).unwrap();
        disk.sync(&file).unwrap();
        let (directory, _) = name.rsplit_once('/').unwrap_or(("", &name));
        disk.sync_dir(directory).unwrap();
    }
    disk
}

fn open_breakable(disk: &SimDisk) -> Result<Store, Error> {
    let log = Log::open(disk.clone(), 4 << 20)?;
    Ok(Store::with_engine(Engine::Sim(log), 1 << 20, clock))
}

/// Power lost at operations of a repair, then a repair that is not disturbed: the end is that of one
/// which never was.
fn broken_off(damaged: &RamDisk, mailboxes: &[&str]) {
    let report = tempfile::tempdir().unwrap();
    let end = |store: &Store| -> Vec<_> {
        repair(store, Mode::Do, report.path());
        nothing_wrong(store);
        assert_eq!(repair(store, Mode::Do, report.path()).1, []);
        mailboxes.iter().map(|name| content(store, name)).collect()
    };
    let disk = breakable(damaged);
    let store = open_breakable(&disk).unwrap();
    disk.arm(Fault::Never);
    let expected = end(&store);
    let operations = disk.operations();
    drop(store);
    let sweep: u64 = std::env::var("SWEEP")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1);
    let stride = (operations / (12 * sweep)).max(1);
    let every = [Unsynced::Torn, Unsynced::Kept, Unsynced::Lost]
        .into_iter()
        .cycle();
    for (at, unsynced) in (1..=operations)
        .step_by(usize::try_from(stride).unwrap())
        .zip(every)
    {
        let disk = breakable(damaged);
        let store = open_breakable(&disk).unwrap();
        disk.arm(Fault::Crash(at));
        let options = RepairOptions {
            mode: Mode::Do,
            report: report.path().to_owned(),
            account: None,
        };
        // How it ended nobody heard.
        let _ = run(store.repair(&options, &mut |_| {}));
        drop(store);
        let disk = disk.restart(unsynced, &mut fastrand::Rng::with_seed(at));
        let store = open_breakable(&disk).unwrap();
        assert_eq!(end(&store), expected, "operation {at}, {unsynced:?}");
    }
}

#[test]
fn a_repair_that_is_broken_off_is_finished_by_the_next() {
    let hash = *blake3::hash(&text("second")).as_bytes();
    broken_off(&damaged(async |_| {}, &hash, Checkpoint::Lost), &["INBOX"]);
    let gone = damaged(async |_| {}, b"the second message", Checkpoint::Kept);
    broken_off(&gone, &["INBOX"]);
    let more = async |store: &Store| {
        append(store, "INBOX", &text("fourth"), "whoever sent it").await;
        append(store, "INBOX", &text("fifth"), "x").await;
    };
    let lost = damaged(more, b"whoever sent it", Checkpoint::Lost);
    broken_off(&lost, &["INBOX", RECOVERED]);
}
