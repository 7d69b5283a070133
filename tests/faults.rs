//! The process killed, the disk full, a byte flipped: what was acknowledged stays.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    io::{Read, Seek, SeekFrom, Write},
    net::SocketAddr,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    chapar::{Chapar, PASSWORD, text},
    connection::{Connection, code_numbers},
};

/// How often the server is killed; `KILLS=1000 cargo test …` for a night.
fn kills() -> u32 {
    std::env::var("KILLS")
        .ok()
        .and_then(|k| k.parse().ok())
        .unwrap_or(100)
}

/// What the workers were told, and so what must hold after every crash.
#[derive(Default)]
struct Acknowledged {
    /// Messages, by their unique Message-ID, that LMTP or APPEND answered for.
    messages: HashSet<String>,
    /// Messages, by Message-ID, with `\Flagged` answered for.
    flagged: HashSet<String>,
    /// Messages, by Message-ID, whose MOVE to Archive was answered for.
    moved: HashSet<String>,
    /// UIDs answered for by APPENDUID and COPYUID: (mailbox, uid) to Message-ID.
    uids: BTreeMap<(String, u32), String>,
    /// Messages that somebody asked to expunge; those whose expunge was answered for.
    doomed: HashSet<String>,
    expunged: HashSet<String>,
    /// Messages that LMTP answered for, for bob.
    bobs: HashSet<String>,
    /// Mailboxes with a name that were made: whether there is one, if that was answered for.
    made: BTreeMap<String, Option<bool>>,
}

#[test]
fn kill_minus_nine_loses_nothing_acknowledged() {
    let mut chapar = Chapar::prepare("");
    let acknowledged = endure(&mut chapar, kills(), &mut Chapar::kill);
    assert!(
        acknowledged.messages.len() > kills() as usize,
        "the workers worked"
    );
    assert!(!acknowledged.flagged.is_empty() && !acknowledged.moved.is_empty());
    assert!(!acknowledged.expunged.is_empty() && !acknowledged.made.is_empty());
}

#[test]
fn a_power_cut_loses_nothing_acknowledged() {
    let Some(disk) = LoopDisk::new(512) else {
        eprintln!(
            "not tested: cutting the power of a file system needs root, ext4 and a loop device"
        );
        return;
    };
    let mut chapar = Chapar::prepare_in(&disk.mount(), "");
    let acknowledged = endure(&mut chapar, cuts(), &mut |chapar| {
        // Without power nobody answers: else it might, while its disk dies, for what a
        // sync that was under way says of it.
        chapar.signal("-STOP");
        disk.cut();
        chapar.kill();
        disk.mount_again();
    });
    assert!(!acknowledged.messages.is_empty(), "the workers worked");
    drop(chapar);
}

/// Works a server as hard as it goes, ends it, starts it again and looks at what is there: so often.
fn endure(chapar: &mut Chapar, rounds: u32, end: &mut dyn FnMut(&mut Chapar)) -> Acknowledged {
    chapar.environment = vec![("CHAPAR_TEST_HURRY", "1")];
    chapar.add_account("ann");
    chapar.add_account("bob");
    // What makes the test, and not the store, must be there after a cut.
    assert!(Command::new("sync").status().unwrap().success());
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    let mut seen = Seen::default();
    let serial = Arc::new(AtomicU32::new(0));
    let mut random = fastrand::Rng::with_seed(9);
    for round in 0..rounds {
        chapar.start();
        seen.check(chapar, &mut acknowledged.lock().unwrap(), round);
        let stop = Arc::new(AtomicBool::new(false));
        let works = [deliver, append, flag, shift, expunge, copy, name];
        let workers: Vec<_> = works
            .into_iter()
            .map(|work| {
                let worker = Worker {
                    imap: chapar.imap,
                    lmtp: chapar.lmtp,
                    acknowledged: acknowledged.clone(),
                    serial: serial.clone(),
                    stop: stop.clone(),
                };
                // A worker ends, one way or another, when its connection breaks.
                thread::spawn(move || work(&worker))
            })
            .collect();
        thread::sleep(Duration::from_millis(random.u64(20..200)));
        end(chapar);
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            let _ = worker.join();
        }
    }
    chapar.start();
    seen.check(chapar, &mut acknowledged.lock().unwrap(), rounds);
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    let segments = fs::read_dir(log_of(chapar)).unwrap().count();
    eprintln!(
        "{rounds} ends: {} messages, {} flags, {} moves, {} expunges, {} mailboxes, {} UIDs \
         acknowledged, none lost; {segments} segments",
        acknowledged.messages.len(),
        acknowledged.flagged.len(),
        acknowledged.moved.len(),
        acknowledged.expunged.len(),
        acknowledged.made.len(),
        acknowledged.uids.len(),
    );
    assert!(segments > 2, "segments were sealed");
    acknowledged
}

/// How often the power is cut; `CUTS=200 cargo test …` for more.
fn cuts() -> u32 {
    let cuts = std::env::var("CUTS").ok();
    cuts.and_then(|cuts| cuts.parse().ok()).unwrap_or(15)
}

/// An ext4 file system in a file, which can be stopped at once: what has not reached the device then
/// never does, as when the power is cut.
struct LoopDisk(tempfile::TempDir);

/// Stops the file system at the first argument, without writing its journal.
const STOP: &str = "import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";

impl LoopDisk {
    /// `None` where this user or machine can't.
    fn new(megabytes: u32) -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        fs::create_dir(disk.mount()).unwrap();
        let image = fs::File::create(disk.image()).unwrap();
        image.set_len(u64::from(megabytes) << 20).unwrap();
        let made = Command::new("mkfs.ext4")
            .arg("-q")
            .arg(disk.image())
            .output();
        let can = made.is_ok_and(|made| made.status.success()) && disk.try_mount() && disk.stop();
        (can && disk.unmount() && disk.try_mount()).then_some(disk)
    }

    fn image(&self) -> std::path::PathBuf {
        self.0.path().join("image")
    }

    fn mount(&self) -> std::path::PathBuf {
        self.0.path().join("mount")
    }

    fn try_mount(&self) -> bool {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", "loop"])
            .arg(self.image())
            .arg(self.mount());
        mount.output().is_ok_and(|done| done.status.success())
    }

    fn unmount(&self) -> bool {
        let unmount = || Command::new("umount").arg(self.mount()).output();
        (0..200).any(|_| {
            let done = unmount().is_ok_and(|done| done.status.success());
            if !done {
                thread::sleep(Duration::from_millis(20));
            }
            done
        })
    }

    fn stop(&self) -> bool {
        let mut stop = Command::new("python3");
        stop.args(["-c", STOP]).arg(self.mount());
        stop.output().is_ok_and(|done| done.status.success())
    }

    /// The power is gone. Nothing works there until it is mounted again.
    fn cut(&self) {
        assert!(self.stop());
    }

    fn mount_again(&self) {
        assert!(self.unmount() && self.try_mount());
    }
}

impl Drop for LoopDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.mount()).status();
    }
}

struct Worker {
    imap: SocketAddr,
    lmtp: SocketAddr,
    acknowledged: Arc<Mutex<Acknowledged>>,
    serial: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    fn id(&self) -> String {
        format!(
            "<{}@crash.test>",
            self.serial.fetch_add(1, Ordering::Relaxed)
        )
    }

    fn going(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// A connection that has INBOX selected; `None` once the server is gone.
    fn imap(&self) -> Option<Patient> {
        let mut connection = Patient(Connection::open(self.imap), 0);
        connection.0.try_read_line()?;
        connection.command(&format!("LOGIN ann {PASSWORD}"))?;
        connection.command("SELECT INBOX")?;
        Some(connection)
    }
}

/// A connection that may break at any moment.
struct Patient(Connection, u32);

impl Patient {
    /// The answer to a command, if the server lived to give it.
    fn command(&mut self, command: &str) -> Option<Vec<String>> {
        self.1 += 1;
        let tag = format!("p{} ", self.1);
        self.0
            .try_send(format!("{tag}{command}\r\n").as_bytes())
            .ok()?;
        let mut lines = Vec::new();
        loop {
            let line = self.0.try_read_line()?;
            let last = line.starts_with(&tag);
            // As good as gone: its disk is.
            if last && line.contains("[UNAVAILABLE]") {
                return None;
            }
            lines.push(line);
            if last {
                return Some(lines);
            }
        }
    }
}

fn is_ok(lines: &[String]) -> bool {
    lines
        .last()
        .is_some_and(|l| l.split(' ').nth(1) == Some("OK"))
}

fn message(id: &str) -> String {
    format!("From: a@example.test\r\nMessage-ID: {id}\r\nSubject: crash\r\n\r\nText of {id}\r\n")
}

/// Delivers over LMTP as fast as it goes.
fn deliver(worker: &Worker) -> Option<()> {
    let mut lmtp = Connection::open(worker.lmtp);
    lmtp.try_read_line()?;
    lmtp.try_send(b"LHLO test\r\n").ok()?;
    while !lmtp.try_read_line()?.starts_with("250 ") {}
    while worker.going() {
        let id = worker.id();
        let transaction = format!(
            "MAIL FROM:<a@example.test>\r\nRCPT TO:<ann@example.test>\r\n\
             RCPT TO:<bob@example.test>\r\nDATA\r\n{}.\r\n",
            message(&id)
        );
        lmtp.try_send(transaction.as_bytes()).ok()?;
        for _ in 0..4 {
            lmtp.try_read_line()?;
        }
        if lmtp.try_read_line()?.starts_with("250") {
            let mut acknowledged = worker.acknowledged.lock().unwrap();
            acknowledged.messages.insert(id.clone());
        }
        if lmtp.try_read_line()?.starts_with("250") {
            worker.acknowledged.lock().unwrap().bobs.insert(id);
        }
    }
    Some(())
}

/// Appends over IMAP, and notes the UID answered.
fn append(worker: &Worker) -> Option<()> {
    let mut imap = worker.imap()?;
    let mut count = 0;
    while worker.going() {
        let id = worker.id();
        let mut message = message(&id);
        count += 1;
        if count % 5 == 0 {
            // More than one piece, and soon more than one segment.
            message.push_str(&"0123456789abcdef0123456789abcdef\r\n".repeat(6000));
        }
        let answer = imap.command(&format!(
            "APPEND Drafts {{{}+}}\r\n{message}",
            message.len()
        ))?;
        assert!(is_ok(&answer), "{answer:?}");
        let uid = code_numbers(answer.last().unwrap(), "APPENDUID")[1];
        let mut acknowledged = worker.acknowledged.lock().unwrap();
        acknowledged.messages.insert(id.clone());
        let before = acknowledged.uids.insert(("Drafts".to_owned(), uid), id);
        assert_eq!(before, None, "UID {uid} was given twice");
    }
    Some(())
}

/// Flags a random message of INBOX, and notes which.
fn flag(worker: &Worker) -> Option<()> {
    let mut imap = worker.imap()?;
    while worker.going() {
        let uids = search(&mut imap, "UNFLAGGED")?;
        let Some(&uid) = uids.first() else { continue };
        let id = message_id(&mut imap, uid)?;
        if id.is_empty() {
            continue;
        }
        let answer = imap.command(&format!("UID STORE {uid} +FLAGS (\\Flagged)"))?;
        // Moved in between: then there is no FETCH for it, and no promise.
        if is_ok(&answer) && answer.len() > 1 && answer.iter().any(|l| l.contains("\\Flagged")) {
            worker.acknowledged.lock().unwrap().flagged.insert(id);
        }
    }
    Some(())
}

/// Moves messages of INBOX to Archive, a few at a time.
fn shift(worker: &Worker) -> Option<()> {
    let mut imap = worker.imap()?;
    while worker.going() {
        let uids = search(&mut imap, "ALL")?;
        let Some(&uid) = uids.last() else { continue };
        let id = message_id(&mut imap, uid)?;
        if id.is_empty() {
            continue;
        }
        let answer = imap.command(&format!("UID MOVE {uid} Archive"))?;
        if is_ok(&answer) && answer.iter().any(|l| l.contains("COPYUID")) {
            let copy = answer.iter().find(|l| l.contains("COPYUID")).unwrap();
            let placed = code_numbers(copy, "COPYUID")[2];
            let mut acknowledged = worker.acknowledged.lock().unwrap();
            acknowledged.moved.insert(id.clone());
            acknowledged.uids.insert(("Archive".to_owned(), placed), id);
        }
    }
    Some(())
}

/// Expunges messages of Drafts, one at a time.
fn expunge(worker: &Worker) -> Option<()> {
    let mut imap = worker.imap()?;
    imap.command("SELECT Drafts")?;
    while worker.going() {
        let uids = search(&mut imap, "ALL")?;
        let Some(&uid) = uids.get(3) else { continue };
        let id = message_id(&mut imap, uid)?;
        if id.is_empty() {
            continue;
        }
        worker
            .acknowledged
            .lock()
            .unwrap()
            .doomed
            .insert(id.clone());
        if !is_ok(&imap.command(&format!("UID STORE {uid} +FLAGS (\\Deleted)"))?) {
            continue;
        }
        if is_ok(&imap.command(&format!("UID EXPUNGE {uid}"))?) {
            worker.acknowledged.lock().unwrap().expunged.insert(id);
        }
    }
    Some(())
}

/// Copies messages of Archive to Sent.
fn copy(worker: &Worker) -> Option<()> {
    let mut imap = worker.imap()?;
    imap.command("SELECT Archive")?;
    while worker.going() {
        let uids = search(&mut imap, "ALL")?;
        let Some(&uid) = uids.last() else { continue };
        let id = message_id(&mut imap, uid)?;
        let answer = imap.command(&format!("UID COPY {uid} Sent"))?;
        if is_ok(&answer) && !id.is_empty() {
            let copied = code_numbers(answer.last()?, "COPYUID").get(2).copied()?;
            let mut acknowledged = worker.acknowledged.lock().unwrap();
            acknowledged.uids.insert(("Sent".to_owned(), copied), id);
        }
    }
    Some(())
}

/// Makes mailboxes, gives them other names, deletes them.
fn name(worker: &Worker) -> Option<()> {
    let mut imap = worker.imap()?;
    let mut count = 0;
    while worker.going() {
        let of = |n: u32| format!("made{}", n % 5);
        let (this, other) = (of(count), of(count / 2 + 3));
        count += 1;
        let know = |name: &str, there: Option<bool>| {
            let made = &mut worker.acknowledged.lock().unwrap().made;
            made.insert(name.to_owned(), there)
        };
        match count % 3 {
            0 if this != other => {
                let was = [know(&this, None), know(&other, None)];
                let renamed = is_ok(&imap.command(&format!("RENAME {this} {other}"))?);
                let is = match (renamed, was) {
                    (true, _) => [Some(false), Some(true)],
                    (false, was) => was.map(Option::flatten),
                };
                know(&this, is[0]);
                know(&other, is[1]);
            }
            1 => {
                know(&this, None);
                // It is there in either case.
                imap.command(&format!("CREATE {this}"))?;
                know(&this, Some(true));
                imap.command(&format!("SUBSCRIBE {this}"))?;
            }
            _ => {
                know(&other, None);
                imap.command(&format!("DELETE {other}"))?;
                know(&other, Some(false));
            }
        }
    }
    Some(())
}

fn search(imap: &mut Patient, key: &str) -> Option<Vec<u32>> {
    let answer = imap.command(&format!("UID SEARCH {key}"))?;
    let line = answer.iter().find(|l| l.starts_with("* SEARCH"))?.clone();
    Some(
        line.split(' ')
            .skip(2)
            .map(|n| n.parse().unwrap())
            .collect(),
    )
}

/// The Message-ID, empty if the message is gone; `None` once the server is.
fn message_id(imap: &mut Patient, uid: u32) -> Option<String> {
    let answer = imap.command(&format!(
        "UID FETCH {uid} BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
    ))?;
    let id = answer
        .iter()
        .find_map(|l| l.strip_prefix("Message-ID: ").map(str::to_owned));
    Some(id.unwrap_or_default())
}

/// What was ever seen of UIDs: what one says once, it says for ever.
#[derive(Default)]
struct Seen {
    validity: HashMap<String, u32>,
    validities: HashSet<u32>,
    validity_max: u32,
    uids: HashMap<(String, u32), String>,
}

impl Seen {
    fn check(&mut self, chapar: &Chapar, acknowledged: &mut Acknowledged, round: u32) {
        self.check_bob(chapar, acknowledged, round);
        self.check_names(chapar, acknowledged, round);
        self.list(chapar, "ann", "Sent");
        let mut places: HashMap<String, Vec<(String, u32, bool)>> = HashMap::new();
        for mailbox in ["INBOX", "Archive", "Drafts"] {
            for (uid, id, flagged) in self.list(chapar, "ann", mailbox) {
                places
                    .entry(id)
                    .or_default()
                    .push((mailbox.to_owned(), uid, flagged));
            }
        }
        for id in &acknowledged.messages {
            let found = places.get(id).map_or(0, Vec::len);
            let fine = match (
                acknowledged.expunged.contains(id),
                acknowledged.doomed.contains(id),
            ) {
                (true, _) => found == 0,
                (_, true) => found <= 1,
                _ => found == 1,
            };
            assert!(fine, "round {round}: {id} is there {found} times");
        }
        for (id, at) in &places {
            assert_eq!(
                at.len(),
                1,
                "round {round}: {id} is in several places: {at:?}"
            );
        }
        for id in &acknowledged.moved {
            assert_eq!(
                places[id][0].0, "Archive",
                "round {round}: the move of {id} was undone"
            );
        }
        for id in &acknowledged.flagged {
            assert!(places[id][0].2, "round {round}: the flag of {id} is lost");
        }
        for ((mailbox, uid), id) in &acknowledged.uids {
            let found = self.uids.get(&(mailbox.clone(), *uid));
            let gone = found.is_none() && acknowledged.doomed.contains(id);
            assert!(
                gone || found == Some(id),
                "round {round}: {mailbox} UID {uid}"
            );
        }
    }

    /// What was delivered to two is there for both.
    fn check_bob(&mut self, chapar: &Chapar, acknowledged: &Acknowledged, round: u32) {
        let listed = self.list(chapar, "bob", "INBOX");
        let mut ids: Vec<_> = listed.iter().map(|(_, id, _)| id).collect();
        ids.sort_unstable();
        assert!(
            ids.is_sorted_by(|a, b| a < b),
            "round {round}: one is there twice"
        );
        for id in &acknowledged.bobs {
            assert!(
                ids.binary_search(&id).is_ok(),
                "round {round}: bob lost {id}"
            );
        }
    }

    /// Mailboxes are there, or not, as was answered; and no UIDVALIDITY came back.
    fn check_names(&mut self, chapar: &Chapar, acknowledged: &mut Acknowledged, round: u32) {
        let mut imap = chapar.login("ann");
        let listed = imap.ok("LIST \"\" * RETURN (STATUS (UIDVALIDITY))");
        let mut there = HashMap::new();
        for line in &listed {
            if let Some(rest) = line.strip_prefix("* STATUS ") {
                let name = rest.split(' ').next().unwrap().to_owned();
                let validity = rest.rsplit(' ').next().unwrap().trim_end_matches(')');
                there.insert(name, validity.parse::<u32>().unwrap());
            }
        }
        for (name, made) in &mut acknowledged.made {
            let found = there.contains_key(name);
            assert!(
                made.is_none_or(|made| made == found),
                "round {round}: {name} is there: {found}"
            );
            *made = Some(found);
        }
        let mut highest = self.validity_max;
        for validity in there.values() {
            let known = self.validities.contains(validity);
            assert!(
                known || *validity > self.validity_max,
                "round {round}: UIDVALIDITY {validity}"
            );
            highest = highest.max(*validity);
            self.validities.insert(*validity);
        }
        self.validity_max = highest;
    }

    /// UID, Message-ID and whether flagged, of every message in a mailbox.
    fn list(&mut self, chapar: &Chapar, of: &str, mailbox: &str) -> Vec<(u32, String, bool)> {
        let mut imap = chapar.login(of);
        let examined = imap.ok(&format!("EXAMINE {mailbox}"));
        let validity = examined.iter().find(|l| l.contains("UIDVALIDITY")).unwrap();
        let validity = code_numbers(validity, "UIDVALIDITY")[0];
        let place = match of {
            "ann" => mailbox.to_owned(),
            _ => format!("{of}/{mailbox}"),
        };
        let known = *self.validity.entry(place.clone()).or_insert(validity);
        assert_eq!(known, validity, "{place} has another UIDVALIDITY");
        let lines = imap.ok("UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
        let mut messages = Vec::new();
        let mut head = String::new();
        for line in lines {
            if line.starts_with("* ") && line.contains("FETCH") {
                head = line;
            } else if let Some(id) = line.strip_prefix("Message-ID: ") {
                let uid = head
                    .split("UID ")
                    .nth(1)
                    .unwrap()
                    .split([' ', ')'])
                    .next()
                    .unwrap()
                    .parse()
                    .unwrap();
                let known = self
                    .uids
                    .entry((place.clone(), uid))
                    .or_insert_with(|| id.to_owned());
                assert_eq!(known, id, "{place} UID {uid} is another message now");
                messages.push((uid, id.to_owned(), head.contains("\\Flagged")));
            }
        }
        messages
    }
}

/// A small file system of its own, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn new(megabytes: u32) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={megabytes}m"),
                "chapar-test",
            ])
            .arg(directory.path())
            .output();
        mounted
            .is_ok_and(|m| m.status.success())
            .then_some(Self(directory))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_writes_serves_reads_and_recovers() {
    let Some(disk) = SmallDisk::new(48) else {
        eprintln!("not tested: mounting a small file system needs root");
        return;
    };
    let directory = disk.0.path().to_owned();
    fs::write(directory.join("filler"), vec![0; 16 << 20]).unwrap();
    let mut chapar = Chapar::prepare_in(&directory, "");
    chapar.environment = vec![("CHAPAR_TEST_HURRY", "1")];
    chapar.add_account("ann");
    chapar.start();
    let mut ann = chapar.login("ann");
    let body = format!(
        "Subject: big\r\n\r\n{}",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd\r\n".repeat(16 << 10)
    );
    let append =
        |ann: &mut Connection| last(ann, &format!("APPEND INBOX {{{}+}}\r\n{body}", body.len()));
    let mut stored = 0;
    let refusal = loop {
        let answer = append(&mut ann);
        if !answer.contains(" OK ") {
            break answer;
        }
        stored += 1;
        assert!(stored < 200, "the disk never filled");
    };
    assert!(refusal.contains("NO [UNAVAILABLE]"), "{refusal}");
    fill(&directory.join("brim"));
    let lmtp = lmtp_answer(chapar.lmtp, &body);
    assert!(lmtp.starts_with("452 4.3.1"), "{lmtp}");
    full_but_sound(&mut ann, stored);
    // What frees space goes into the reserve, and nothing is done by halves.
    ann.ok("UID STORE 2 +FLAGS (\\Deleted)");
    ann.ok("UID EXPUNGE 2");
    ann.ok("UID COPY 3 Archive");
    stored -= 1;
    full_but_sound(&mut ann, stored);
    // Killed on a full disk, it starts on a full disk.
    drop(ann);
    chapar.kill();
    fill(&directory.join("brim"));
    chapar.start();
    let mut ann = chapar.login("ann");
    full_but_sound(&mut ann, stored);
    let refusal = append(&mut ann);
    assert!(refusal.contains("NO [UNAVAILABLE]"), "{refusal}");
    // And it recovers by itself.
    fs::remove_file(directory.join("brim")).unwrap();
    fs::remove_file(directory.join("filler")).unwrap();
    let answer = append(&mut ann);
    assert!(answer.contains(" OK "), "{answer}");
    assert!(lmtp_answer(chapar.lmtp, "Subject: x\r\n\r\ny\r\n").starts_with("250"));
    full_but_sound(&mut ann, stored + 2);
    drop(ann);
    chapar.kill();
    chapar.start();
    full_but_sound(&mut chapar.login("ann"), stored + 2);
}

/// Everything that was stored can be read, nothing else is there.
fn full_but_sound(ann: &mut Connection, stored: u32) {
    ann.ok("SELECT INBOX");
    assert_eq!(
        ann.ok("STATUS INBOX (MESSAGES)")[0],
        format!("* STATUS INBOX (MESSAGES {stored})")
    );
    for n in [1, stored] {
        let read = ann.ok(&format!("FETCH {n} BODY.PEEK[TEXT]"));
        assert!(read.len() > 2, "message {n}");
    }
}

/// The last line of an answer.
fn last(imap: &mut Connection, command: &str) -> String {
    imap.command(command).last().unwrap().clone()
}

/// Takes all the space that is left.
fn fill(path: &std::path::Path) {
    let mut file = fs::File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

/// The answer to a message's final dot.
fn lmtp_answer(address: SocketAddr, message: &str) -> String {
    let mut lmtp = Connection::open(address);
    lmtp.read_line();
    lmtp.send(b"LHLO test\r\nMAIL FROM:<a@example.test>\r\nRCPT TO:<ann@example.test>\r\nDATA\r\n");
    while !lmtp.read_line().starts_with("250 ") {}
    lmtp.read_line();
    lmtp.read_line();
    let go_on = lmtp.read_line();
    if !go_on.starts_with("354") {
        return go_on;
    }
    lmtp.send(message.as_bytes());
    lmtp.send(b".\r\n");
    lmtp.read_line()
}

#[test]
fn sigterm_finishes_and_a_restart_goes_on() {
    let mut chapar = Chapar::with_accounts(&["ann"]);
    let mut ann = chapar.login("ann");
    ann.append("INBOX", "Subject: x\r\n\r\ny\r\n");
    ann.ok("SELECT INBOX");
    assert!(chapar.terminate().success(), "{}", chapar.log());
    let said = ann.read_line();
    assert!(said.starts_with("* BYE"), "{said}");
    chapar.start();
    let mut ann = chapar.login("ann");
    assert_eq!(
        ann.ok("STATUS INBOX (MESSAGES)")[0],
        "* STATUS INBOX (MESSAGES 1)"
    );
}

#[test]
fn a_second_server_on_one_store_is_refused_and_told_which_has_it() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let second = chapar.run(&["serve"], "");
    assert!(!second.status.success());
    let said = text(&second);
    let owner = format!("in use by process {} on ", chapar.pid());
    assert!(said.contains(&owner), "{said}");
    // The first has noticed nothing.
    let mut ann = chapar.login("ann");
    ann.append("INBOX", "Subject: x\r\n\r\ny\r\n");
}

#[test]
fn a_flipped_byte_costs_one_message_and_is_named() {
    let mut chapar = Chapar::with_accounts(&["ann"]);
    let mut ann = chapar.login("ann");
    for n in 1..=3 {
        ann.append("INBOX", &format!("Subject: {n}\r\n\r\nMARK-{n}-MARK\r\n"));
    }
    assert!(chapar.terminate().success());
    flip_in_log(&chapar, b"MARK-2-MARK");
    chapar.start();
    let mut ann = chapar.login("ann");
    ann.ok("SELECT INBOX");
    for (n, word) in [(1, "OK"), (2, "NO"), (3, "OK")] {
        let answer = ann.command(&format!("FETCH {n} BODY.PEEK[]"));
        let last = answer.last().unwrap();
        assert!(last.split(' ').nth(1) == Some(word), "message {n}: {last}");
        assert!(word == "OK" || last.contains("[CORRUPTION]"), "{last}");
    }
    ann.append("INBOX", "Subject: 4\r\n\r\nstill writing\r\n");
    let verified = chapar.run(&["verify"], "");
    assert!(!verified.status.success(), "verify must find it");
    let said = text(&verified);
    assert!(said.contains("INBOX") && said.contains("UID 2"), "{said}");
    chapar.kill();
    // Mend it, so that the check at the end of every test finds nothing.
    flip_in_log(&chapar, b"MARK-2-LARK");
}

fn log_of(chapar: &Chapar) -> std::path::PathBuf {
    chapar.directory().join("data/partitions/default/log")
}

/// Flips one bit in the byte after `MARK-2-` in the log.
fn flip_in_log(chapar: &Chapar, mark: &[u8]) {
    for entry in fs::read_dir(log_of(chapar)).unwrap() {
        let mut file = fs::File::options()
            .read(true)
            .write(true)
            .open(entry.unwrap().path())
            .unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        if let Some(at) = bytes.windows(mark.len()).position(|w| w == mark) {
            file.seek(SeekFrom::Start(at as u64 + 7)).unwrap();
            file.write_all(&[bytes[at + 7] ^ 1]).unwrap();
            return;
        }
    }
    panic!("the mark is not in the log");
}
