//! Any octet of any file may be damaged, and any file as a whole: the store opens, what is damaged is
//! named, everything else is served, and nothing that was told is told again of something else.
//!
//! `SWEEP=10` looks at ten times as many places.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic,
    sync::Arc,
};

use fastrand::Rng;

use super::*;
use crate::{
    UidValidity,
    engine::{
        Engine,
        log::{Log, ram::RamDisk},
    },
    past::Mode,
    repair::{RepairOptions, RepairSummary},
    verify::Finding,
};

/// Small, so that there are several.
const SEGMENT_BYTES: u64 = 40 << 10;
/// Places that are damaged, at least, in all files together.
const PLACES: usize = 120;
const ACCOUNTS: [AccountId; 3] = [ALICE, AccountId(0xb0b), AccountId(0xca7)];

type Files = BTreeMap<String, Vec<u8>>;

/// A message by account, mailbox's name and UID.
type At = (AccountId, String, u32);

/// What was told of a mailbox: its id, UIDVALIDITY and UIDNEXT.
type Told = (u64, u32, u32);

/// A store, and all that was told of it.
struct World {
    files: Files,
    messages: BTreeMap<At, Vec<u8>>,
    mailboxes: BTreeMap<(AccountId, String), Told>,
    mod_seqs: BTreeMap<AccountId, u64>,
}

fn sweep() -> usize {
    let sweep = std::env::var("SWEEP").ok();
    sweep.and_then(|times| times.parse().ok()).unwrap_or(1)
}

fn open(disk: &Arc<RamDisk>) -> Result<Store, Error> {
    let log = Log::open_on(Arc::clone(disk), SEGMENT_BYTES)?;
    Ok(Store::with_engine(Engine::Memory(log), 1 << 20, clock))
}

/// Everything that can be read, and the places of what can't.
async fn read(store: &Store) -> (BTreeMap<At, Option<Vec<u8>>>, World) {
    let mut messages = BTreeMap::new();
    let (mut mailboxes, mut mod_seqs) = (BTreeMap::new(), BTreeMap::new());
    for id in ACCOUNTS {
        let account = store.account(id).await.unwrap();
        assert_eq!(account.check().await.unwrap(), Vec::<String>::new());
        let whole = account.whole().await.unwrap();
        mod_seqs.insert(id, whole.mod_seq().0);
        for mailbox in whole.open() {
            let name = mailbox.name().to_string();
            let UidValidity(validity) = mailbox.uid_validity();
            let told = (mailbox.id().0, validity, mailbox.uid_next().0);
            mailboxes.insert((id, name.clone()), told);
            for message in mailbox.every() {
                let span = Span {
                    start: 0,
                    end: u64::MAX,
                };
                let mut octets = Vec::new();
                let read = async {
                    let email = account.email(&message).await?;
                    email.read(span, &mut octets).await
                };
                let octets = match read.await {
                    Ok(()) => Some(octets),
                    Err(Error::Corrupt { .. }) => None,
                    Err(error) => panic!("{error}"),
                };
                messages.insert((id, name.clone(), message.uid.0), octets);
            }
        }
    }
    let world = World {
        files: Files::new(),
        messages: BTreeMap::new(),
        mailboxes,
        mod_seqs,
    };
    (messages, world)
}

/// Work on every account: some mail, some of it shared, some copied, some expunged.
async fn work(store: &Store, random: &mut Rng, rounds: usize) {
    for round in 0..rounds {
        let length = if round == 1 {
            140_000
        } else {
            random.usize(10..900)
        };
        let text: String = std::iter::repeat_with(|| random.alphanumeric())
            .take(length)
            .collect();
        let octets = format!("Message-ID: <{}@x>\r\n\r\n{text}\r\n", random.u64(..));
        let shared = receive(store, octets.as_bytes()).await;
        for id in ACCOUNTS
            .into_iter()
            .take(if round % 2 == 0 { 3 } else { 1 })
        {
            let account = store.account(id).await.unwrap();
            let mut arrival = arrival(store, octets.as_bytes()).await;
            arrival.message = shared.clone();
            let inbox = inbox(&account);
            account.append(inbox, vec![arrival]).await.unwrap();
            let trash = account.snapshot().with_role(Role::Trash).unwrap().id();
            match random.u8(..6) {
                0 => drop(account.copy(inbox, &[Uid(1), Uid(2)], trash).await.unwrap()),
                1 => drop(account.expunge(inbox, Some(&[Uid(3)])).await.unwrap()),
                2 => {
                    let made = name(&format!("made-{round}"));
                    let _ = account.create(&made, None).await;
                }
                _ => {}
            }
        }
    }
}

/// A store that was closed, and worked on again if it is `open`.
fn build(seed: u64, is_open: bool) -> World {
    let disk = Arc::new(RamDisk::default());
    let mut random = Rng::with_seed(seed);
    let world = run(async {
        let store = open(&disk).unwrap();
        work(&store, &mut random, 8).await;
        store.checkpoint().await.unwrap();
        work(&store, &mut random, 4).await;
        store.close().await.unwrap();
        let store = open(&disk).unwrap();
        if is_open {
            work(&store, &mut random, 4).await;
        }
        assert_eq!(findings(&store), []);
        let (messages, mut world) = read(&store).await;
        let whole = |(at, octets): (At, Option<Vec<u8>>)| (at, octets.unwrap());
        world.messages = messages.into_iter().map(whole).collect();
        world
    });
    let mut files = disk.octets();
    files.retain(|name, _| !name.ends_with("/lease"));
    World { files, ..world }
}

fn findings(store: &Store) -> Vec<Finding> {
    let mut findings = Vec::new();
    let verified = store.verify(Depth::Content, &mut |finding| findings.push(finding));
    verified.unwrap();
    findings
}

/// Repairs: then nothing is found, and what could be read is what it was.
async fn repair(store: &Store, before: BTreeMap<At, Option<Vec<u8>>>) {
    let report = tempfile::tempdir().unwrap();
    let options = RepairOptions {
        mode: Mode::Do,
        report: report.path().to_owned(),
        account: None,
    };
    let done = store.repair(&options, &mut |_| {}).await.unwrap();
    assert_eq!(done.failed, Vec::<String>::new());
    assert_eq!(findings(store), [], "after repair: {done:?}");
    let (after, _) = read(store).await;
    for (at, octets) in before {
        if octets.is_some() {
            assert_eq!(after.get(&at), Some(&octets), "{at:?} after repair");
        }
    }
    assert!(after.values().all(Option::is_some));
    let again = store.repair(&options, &mut |_| {}).await.unwrap();
    assert_eq!(again, RepairSummary::default());
}

impl World {
    /// Opens what was made of the files, and looks at everything. `lost_max`: different messages that may
    /// be gone or unreadable.
    fn endure(&self, files: &Files, lost_max: usize) {
        let disk = Arc::new(RamDisk::with(files));
        let after = run(async {
            let store = open(&disk).expect("damage is no reason not to open");
            let (messages, now) = read(&store).await;
            let findings = findings(&store);
            self.judge(&messages, &now, &findings, lost_max);
            repair(&store, messages).await;
            let told = self.work_on(&store).await;
            drop(store);
            told
        });
        let again = run(async {
            let store = open(&disk).expect("nor is it afterwards");
            let (messages, _) = read(&store).await;
            messages
        });
        for (at, octets) in after {
            let found = again.get(&at).and_then(Option::as_ref);
            assert_eq!(found, Some(&octets), "{at:?}");
        }
    }

    fn judge(
        &self,
        messages: &BTreeMap<At, Option<Vec<u8>>>,
        now: &Self,
        findings: &[Finding],
        lost_max: usize,
    ) {
        // A copy has the octets of its original.
        let mut lost = BTreeSet::new();
        for (at, octets) in &self.messages {
            match messages.get(at) {
                Some(Some(found)) => assert_eq!(found, octets, "{at:?} has other octets"),
                Some(None) => {
                    lost.insert(octets);
                    let named = |it: &Finding| {
                        (it.account, it.uid) == (Some(at.0), Some(Uid(at.2)))
                            && it.mailbox.as_ref().is_some_and(|it| it.as_str() == at.1)
                    };
                    assert!(
                        findings.iter().any(named),
                        "{at:?} is not named: {findings:#?}"
                    );
                }
                None => {
                    lost.insert(octets);
                    assert!(!findings.is_empty(), "{at:?} is gone, and nothing is named");
                }
            }
        }
        assert!(lost.len() <= lost_max, "{} messages are lost", lost.len());
        for (at, told) in &self.mailboxes {
            if let Some(now) = now.mailboxes.get(at).filter(|now| now.0 == told.0) {
                assert_eq!(now.1, told.1, "{at:?}: UIDVALIDITY");
                assert!(
                    now.2 >= told.2,
                    "{at:?}: UIDNEXT {} after {}",
                    now.2,
                    told.2
                );
            }
        }
    }

    /// Goes on working on every account; gives what was told.
    async fn work_on(&self, store: &Store) -> Vec<(At, Vec<u8>)> {
        let mut told = Vec::new();
        for id in ACCOUNTS {
            let account = store.account(id).await.unwrap();
            let known = |name: &str| self.mailboxes.get(&(id, name.to_owned()));
            let octets = format!("Subject: later\r\n\r\nfor {}\r\n", id.0);
            let inbox = inbox(&account);
            let message = arrival(store, octets.as_bytes()).await;
            let whole = [&message.trace[..], octets.as_bytes()].concat();
            let placed = account.append(inbox, vec![message]).await.unwrap();
            let before = known("INBOX").unwrap();
            let same = before.1 == placed.uid_validity.0;
            assert!(
                !same || placed.uids[0].0 >= before.2,
                "a UID is given out again"
            );
            assert!(
                account.snapshot().mod_seq().0 > self.mod_seqs[&id],
                "a modseq, too"
            );
            told.push(((id, "INBOX".into(), placed.uids[0].0), whole));
            let new = account.create(&name("new"), None).await.unwrap();
            let snapshot = account.snapshot();
            let made = snapshot.mailbox(new).unwrap();
            let mine = self.mailboxes.iter().filter(|(at, _)| at.0 == id);
            for (at, before) in mine {
                assert!(new.0 > before.0, "{at:?}: the id of a mailbox again");
                assert!(
                    made.uid_validity().0 > before.1,
                    "{at:?}: UIDVALIDITY again"
                );
            }
        }
        told
    }

    /// Damages files in one way; says which if it goes wrong.
    fn with(&self, what: &str, lost_max: usize, damage: impl FnOnce(&mut Files)) {
        let mut files = self.files.clone();
        damage(&mut files);
        let endured = panic::AssertUnwindSafe(|| self.endure(&files, lost_max));
        if let Err(panic) = panic::catch_unwind(endured) {
            eprintln!("with {what}");
            panic::resume_unwind(panic);
        }
    }

    fn segments(&self) -> Vec<String> {
        let names = self
            .files
            .keys()
            .filter(|name| name.strip_suffix(".log").is_some());
        names.cloned().collect()
    }
}

#[test]
fn any_octet_may_flip() {
    for (seed, is_open) in [(1, false), (2, true)] {
        let world = build(seed, is_open);
        assert!(world.segments().len() >= 4, "{:?}", world.segments());
        let mut random = Rng::with_seed(seed);
        let places = PLACES * sweep();
        for (name, octets) in &world.files {
            // What was allocated and not written matters less.
            let used = octets
                .iter()
                .rposition(|octet| *octet != 0)
                .map_or(0, |at| at + 1);
            let share = (places / world.files.len()).max(1);
            let stride = (used / share).max(1);
            for at in (random.usize(..stride)..used).step_by(stride) {
                let bit = random.u8(..8);
                world.with(&format!("bit {bit} of octet {at} of {name}"), 1, |files| {
                    files.get_mut(name).unwrap()[at] ^= 1 << bit;
                });
            }
        }
    }
}

#[test]
fn any_file_may_be_something_else() {
    let world = build(3, false);
    let mut random = Rng::with_seed(3);
    let all = world.messages.len();
    for (name, octets) in &world.files {
        let rubbish: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
            .take(octets.len())
            .collect();
        world.with(&format!("no {name}"), all, |files| drop(files.remove(name)));
        let others = [
            ("zeros", vec![0; octets.len()]),
            ("nothing", vec![]),
            ("rubbish", rubbish.clone()),
            (
                "more",
                [&octets[..], &rubbish[..rubbish.len().min(5000)]].concat(),
            ),
            ("zeros behind", [&octets[..], &[0; 5000]].concat()),
        ];
        for (what, octets) in others {
            world.with(&format!("{what} in {name}"), all, |files| {
                files.insert(name.clone(), octets);
            });
        }
        for _ in 0..2 * sweep() {
            let length = random.usize(..octets.len().max(1));
            world.with(&format!("{length} octets of {name}"), all, |files| {
                files.get_mut(name).unwrap().truncate(length);
            });
            world.with(&format!("zeros from {length} of {name}"), all, |files| {
                files.get_mut(name).unwrap()[length..].fill(0);
            });
        }
    }
}

#[test]
fn segments_may_be_elsewhere_or_another_store_s() {
    let (world, other) = (build(4, false), build(5, false));
    let segments = world.segments();
    for pair in segments.windows(2) {
        world.with(&format!("{pair:?} swapped"), 0, |files| {
            let first = files.remove(&pair[0]).unwrap();
            let second = files.insert(pair[1].clone(), first).unwrap();
            files.insert(pair[0].clone(), second);
        });
    }
    let foreign = other.files[&other.segments()[0]].clone();
    let last = segments.last().unwrap();
    let all = world.messages.len();
    let next = last.replace(".log", "9.log");
    world.with("another store's segment", 0, |files| {
        files.insert(next.clone(), foreign.clone());
    });
    world.with("another store's segment in place of one", all, |files| {
        files.insert(segments[1].clone(), foreign.clone());
    });
    world.with("a segment twice", 0, |files| {
        files.insert(next.clone(), files[&segments[1]].clone());
    });
}
