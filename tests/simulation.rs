//! Random sessions on shared mailboxes against a naive model, seeded.
//!
//! The model of a mailbox is a list of messages. The model of a client is a list too: what it
//! has been told, and it believes nothing but untagged responses, as RFC 9051 §7 wants.
//! After every command the client's list must be one that the rules permit; after a NOOP it
//! must be the mailbox itself. A failure prints its seed: `SEED=n cargo test simulation`;
//! `SEEDS=n` tries more.
//!
//! Every client talks another dialect ([`DIALECTS`]), so that extensions meet each other; and they are several
//! users' ([`USERS`]), who have their `\Seen` each for themselves, and whose rights change as they go. There is no room for more
//! messages than a quota permits, and what is used of it is what is there, at any moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    chapar::{Chapar, text},
    connection::{Connection, code_numbers},
};

/// Mailboxes: whose, and what they are called there.
const MAILBOXES: [(usize, &str); 3] = [(0, "INBOX"), (0, "Archive"), (1, "INBOX")];
/// How many users there are; clients take turns in being theirs.
const USERS: usize = 3;
/// How many messages each user may have.
const QUOTAS: [usize; USERS] = [40, 15, 1000];
/// What users may do that are not the owner, from the beginning and always.
const KEPT: &str = "lrw";
/// What may be given and taken.
const CHANGING: [char; 4] = ['s', 't', 'e', 'i'];
const FLAGS: [&str; 5] = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "work"];

/// How a client talks: the combinations of extensions in which servers break.
#[derive(Clone, Copy)]
struct Dialect {
    /// What it says after its login.
    says: &'static [&'static str],
    /// It is told VANISHED.
    vanished: bool,
    /// It knows no sequence numbers: UIDFETCH (RFC 9586).
    uid_only: bool,
    /// It may be told of expunges at any time: it had better name messages by UID.
    notified: bool,
}

const PLAIN: Dialect = Dialect {
    says: &[],
    vanished: false,
    uid_only: false,
    notified: false,
};
const NOTIFY: &str = "NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange)) (personal (MessageNew MessageExpunge))";
const DELAYED: &str =
    "NOTIFY SET (selected-delayed (MessageNew (UID FLAGS) MessageExpunge FlagChange))";

/// One client each.
const DIALECTS: [Dialect; 9] = [
    PLAIN,
    PLAIN,
    Dialect {
        says: &["ENABLE IMAP4rev2", "LANGUAGE de"],
        ..PLAIN
    },
    Dialect {
        says: &["ENABLE QRESYNC"],
        vanished: true,
        ..PLAIN
    },
    Dialect {
        says: &[NOTIFY],
        notified: true,
        ..PLAIN
    },
    Dialect {
        says: &["ENABLE CONDSTORE UTF8=ACCEPT", DELAYED],
        ..PLAIN
    },
    Dialect {
        says: &["ENABLE QRESYNC", NOTIFY],
        vanished: true,
        notified: true,
        ..PLAIN
    },
    Dialect {
        says: &["ENABLE UIDONLY"],
        vanished: true,
        uid_only: true,
        ..PLAIN
    },
    Dialect {
        says: &["ENABLE UIDONLY QRESYNC IMAP4rev2", NOTIFY],
        vanished: true,
        uid_only: true,
        notified: true,
    },
];
const CLIENTS: usize = DIALECTS.len();
const STEPS: usize = 400;

#[test]
fn random_sessions_agree_with_a_naive_model() {
    let number = |name| std::env::var(name).ok().map(|n| n.parse::<u64>().unwrap());
    let seeds = match number("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=number("SEEDS").unwrap_or(15),
    };
    let chapar = Chapar::with_accounts(&[]);
    for seed in seeds {
        let users: [String; USERS] = std::array::from_fn(|n| format!("sim{seed}-{n}"));
        for user in &users {
            chapar.add_account(user);
        }
        println!("seed {seed}");
        Simulation::new(&chapar, users, seed).run();
    }
}

/// A message as it is: the truth.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    uid: u32,
    octets: usize,
    /// Without `\Seen`.
    flags: BTreeSet<String>,
    /// Which users have seen it.
    seen: BTreeSet<usize>,
}

impl Message {
    /// Its flags, as a user is told of them.
    fn told(&self, user: usize) -> BTreeSet<String> {
        let seen = self.seen.contains(&user).then(|| "\\Seen".to_owned());
        self.flags.iter().cloned().chain(seen).collect()
    }
}

/// A mailbox as it is.
#[derive(Default)]
struct Mailbox {
    messages: Vec<Message>,
    uid_next: u32,
    /// What users may do that are not the owner.
    rights: BTreeMap<usize, BTreeSet<char>>,
}

/// A client: its connection, and what it has been told.
struct Client {
    number: usize,
    user: usize,
    connection: Connection,
    selected: Option<usize>,
    dialect: Dialect,
    told: Vec<Told>,
    /// What it remembers of a mailbox that it left: UIDVALIDITY, modseq, messages.
    remembered: HashMap<usize, (u32, u64, Vec<Known>)>,
}

/// A message as a client remembers it: its UID and its flags.
type Known = (u32, BTreeSet<String>);

/// A message as a client knows it; it may not know everything yet.
#[derive(Clone, Debug, Default)]
struct Told {
    uid: Option<u32>,
    flags: Option<BTreeSet<String>>,
}

/// Whether sequence numbers may move during a command (RFC 9051 §7.5.1).
#[derive(Clone, Copy, PartialEq)]
enum Expunges {
    May,
    MustNot,
}

struct Simulation {
    random: fastrand::Rng,
    users: [String; USERS],
    mailboxes: [Mailbox; MAILBOXES.len()],
    clients: Vec<Client>,
    /// Who was told `\Recent` of a message, of each user's clients.
    recent: HashMap<(usize, usize, u32), usize>,
    serial: u32,
    trace: Vec<String>,
}

impl Simulation {
    fn new(chapar: &Chapar, users: [String; USERS], seed: u64) -> Self {
        let rights = share(chapar, &users);
        for (user, messages) in users.iter().zip(QUOTAS) {
            let messages = messages.to_string();
            let limits = ["--messages", &messages, "--storage", "1GiB"];
            let done = chapar.run(&[&["quota", "set", user], &limits[..]].concat(), "");
            assert!(done.status.success(), "{}", text(&done));
        }
        let clients = (0..CLIENTS)
            .map(|number| {
                let user = number % USERS;
                let mut connection = chapar.login(&users[user]);
                let dialect = DIALECTS[number];
                for line in dialect.says {
                    connection.ok(line);
                }
                Client {
                    number,
                    user,
                    connection,
                    selected: None,
                    dialect,
                    told: Vec::new(),
                    remembered: HashMap::new(),
                }
            })
            .collect();
        let mailboxes = std::array::from_fn(|n| Mailbox {
            uid_next: 1,
            rights: rights[n].clone(),
            ..Mailbox::default()
        });
        Self {
            random: fastrand::Rng::with_seed(seed),
            users,
            mailboxes,
            clients,
            recent: HashMap::new(),
            serial: 0,
            trace: Vec::new(),
        }
    }

    fn run(mut self) {
        for _ in 0..STEPS {
            let client = self.random.usize(..CLIENTS);
            let outcome =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.step(client)));
            if let Err(panic) = outcome {
                let last = self.trace.len().saturating_sub(80);
                eprintln!("the last lines before:\n{}", self.trace[last..].join("\n"));
                std::panic::resume_unwind(panic);
            }
        }
        for client in 0..CLIENTS {
            if self.clients[client].selected.is_some() {
                self.noop(client);
            }
        }
    }

    fn step(&mut self, client: usize) {
        if self.clients[client].selected.is_none() {
            return self.select(client);
        }
        match self.random.u32(..100) {
            0..15 => self.noop(client),
            15..30 => self.append(client),
            30..50 => self.store(client),
            50..60 => self.expunge(client),
            60..72 => self.copy_or_move(client),
            72..84 => self.fetch(client),
            84..92 => self.search(client),
            92..96 => self.change_rights(client),
            _ => self.leave(client),
        }
    }

    /// Sends a command; gives the tagged line, having let the client believe the others.
    fn command(&mut self, client: usize, command: &str, expunges: Expunges) -> String {
        self.trace.push(format!("{client}: C: {command:.300}"));
        let mut lines = self.clients[client].connection.command(command);
        for line in &lines {
            self.trace.push(format!("{client}: S: {line:.300}"));
        }
        let tagged = lines.pop().unwrap();
        for line in lines {
            self.believe(client, &line, expunges);
        }
        tagged
    }

    fn ok(&mut self, client: usize, command: &str, expunges: Expunges) -> String {
        let tagged = self.command(client, command, expunges);
        assert!(
            tagged.split(' ').nth(1) == Some("OK"),
            "{command}: {tagged}"
        );
        tagged
    }

    /// What a client makes of an untagged response.
    fn believe(&mut self, client: usize, line: &str, expunges: Expunges) {
        let mailbox = self.clients[client].selected;
        let Some(rest) = line.strip_prefix("* ") else {
            panic!("neither tagged nor untagged: {line}")
        };
        let (first, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if first == "VANISHED" {
            let dialect = self.clients[client].dialect;
            assert!(
                dialect.vanished && (expunges == Expunges::May || dialect.notified),
                "{line}"
            );
            for uid in numbers(rest.trim_start_matches("(EARLIER) ")) {
                let told = &mut self.clients[client].told;
                let at = place_of(told, uid);
                told.remove(at.unwrap_or_else(|| panic!("{line}: {uid} was never told of")));
            }
            return;
        }
        let Ok(number) = first.parse::<usize>() else {
            return;
        };
        let dialect = self.clients[client].dialect;
        let told = &mut self.clients[client].told;
        match rest.split(' ').next().unwrap() {
            "UIDFETCH" => {
                assert!(dialect.uid_only, "{line}");
                let uid = u32::try_from(number).unwrap();
                let at = place_of(told, uid);
                let known = &mut told[at.unwrap_or_else(|| panic!("{uid} was never told of"))];
                known.uid = Some(uid);
                if let Some(flags) = flags(rest) {
                    known.flags = Some(flags.into_iter().filter(|f| f != "\\Recent").collect());
                }
            }
            "EXISTS" => {
                assert!(
                    number >= told.len(),
                    "EXISTS went from {} to {number}",
                    told.len()
                );
                told.resize(number, Told::default());
            }
            "EXPUNGE" => {
                assert!(!dialect.vanished, "EXPUNGE in place of VANISHED");
                assert!(
                    expunges == Expunges::May || dialect.notified,
                    "EXPUNGE where the numbering must not move"
                );
                assert!(
                    number >= 1 && number <= told.len(),
                    "EXPUNGE of {number} of {}",
                    told.len()
                );
                told.remove(number - 1);
            }
            "FETCH" => {
                assert!(!dialect.uid_only, "FETCH in place of UIDFETCH");
                assert!(
                    number >= 1 && number <= told.len(),
                    "FETCH of {number} of {}",
                    told.len()
                );
                let known = &mut told[number - 1];
                if let Some(uid) = item(rest, "UID ").map(|u| u.parse().unwrap()) {
                    assert!(
                        known.uid.is_none_or(|k| k == uid),
                        "{number} was {:?}: {line}",
                        known.uid
                    );
                    known.uid = Some(uid);
                }
                if let Some(flags) = flags(rest) {
                    let recent = flags.contains("\\Recent");
                    known.flags = Some(flags.into_iter().filter(|f| f != "\\Recent").collect());
                    if let (true, Some(uid), Some(mailbox)) = (recent, known.uid, mailbox) {
                        let of = (self.clients[client].user, mailbox, uid);
                        let owner = *self.recent.entry(of).or_insert(client);
                        assert_eq!(owner, client, "\\Recent of UID {uid} given twice");
                    }
                }
            }
            _ => {}
        }
    }

    /// What a client calls a mailbox.
    fn name(&self, client: usize, mailbox: usize) -> String {
        let (owner, name) = MAILBOXES[mailbox];
        let of = &self.users[owner];
        match (owner == self.clients[client].user, name) {
            (true, _) => name.to_owned(),
            (false, "INBOX") => format!("\"Other Users/{of}\""),
            (false, _) => format!("\"Other Users/{of}/{name}\""),
        }
    }

    /// Whether a client's user may do something with a mailbox.
    fn may(&self, client: usize, mailbox: usize, right: char) -> bool {
        let user = self.clients[client].user;
        let given = &self.mailboxes[mailbox].rights;
        MAILBOXES[mailbox].0 == user
            || KEPT.contains(right)
            || given.get(&user).is_some_and(|it| it.contains(&right))
    }

    /// Those of some flags that a client's user may set and clear in a mailbox.
    fn permitted_flags(
        &self,
        client: usize,
        mailbox: usize,
        flags: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let takes = |flag: &String| match &**flag {
            "\\Seen" => 's',
            "\\Deleted" => 't',
            _ => 'w',
        };
        let may = |flag: &&String| self.may(client, mailbox, takes(flag));
        flags.iter().filter(may).cloned().collect()
    }

    /// Whether there is room for so many messages more in a mailbox.
    fn has_room(&self, mailbox: usize, more: usize) -> bool {
        let (owner, _) = MAILBOXES[mailbox];
        more == 0 || self.used(owner).0 + more <= QUOTAS[owner]
    }

    /// How many messages a user has, and octets of them.
    fn used(&self, owner: usize) -> (usize, usize) {
        let own = self.mailboxes.iter().zip(MAILBOXES);
        let own = own.filter(|(_, (of, _))| *of == owner);
        let messages = own.flat_map(|(mailbox, _)| &mailbox.messages);
        messages.fold((0, 0), |(n, octets), it| (n + 1, octets + it.octets))
    }

    /// What is told of a user's quota is what there is.
    fn quota(&mut self, client: usize) {
        let from_here = self.trace.len();
        self.ok(client, "GETQUOTAROOT INBOX", Expunges::May);
        let line = self.trace[from_here..]
            .iter()
            .find(|line| line.contains("* QUOTA "));
        let line = line.expect("a quota");
        let user = self.clients[client].user;
        let (messages, octets) = self.used(user);
        let told = |resource| item(line, resource).unwrap().parse::<usize>().unwrap();
        assert_eq!(told("MESSAGE "), messages, "{line}");
        assert_eq!(told("STORAGE "), octets.div_ceil(1024), "{line}");
    }

    /// One whose mailbox it is gives another a right, or takes it.
    fn change_rights(&mut self, client: usize) {
        let user = self.clients[client].user;
        let own: Vec<usize> = (0..MAILBOXES.len())
            .filter(|mailbox| MAILBOXES[*mailbox].0 == user)
            .collect();
        let Some(mailbox) = self.random.choice(&own).copied() else {
            return;
        };
        let other = self.random.choice(0..USERS).unwrap();
        if other == user {
            return;
        }
        let right = *self.random.choice(&CHANGING).unwrap();
        let has = self.mailboxes[mailbox].rights.entry(other).or_default();
        let sign = if has.insert(right) {
            '+'
        } else {
            has.remove(&right);
            '-'
        };
        let (name, of) = (self.name(client, mailbox), self.users[other].clone());
        let command = format!("SETACL {name} {of} {sign}{right}");
        self.ok(client, &command, Expunges::May);
    }

    fn truth(&mut self, client: usize) -> &mut Mailbox {
        let mailbox = self.clients[client].selected.unwrap();
        &mut self.mailboxes[mailbox]
    }

    fn select(&mut self, client: usize) {
        let mailbox = self.random.usize(..MAILBOXES.len());
        let remembered = self.clients[client].remembered.remove(&mailbox);
        self.clients[client].selected = Some(mailbox);
        self.clients[client].told.clear();
        let name = self.name(client, mailbox);
        match remembered {
            Some(known) => self.resync(client, &name, known),
            None => {
                self.ok(client, &format!("SELECT {name}"), Expunges::MustNot);
            }
        }
        self.fetch_all(client);
        self.compare(client);
    }

    /// SELECT with QRESYNC: the delta applied to what it remembered is the mailbox.
    fn resync(&mut self, client: usize, name: &str, known: (u32, u64, Vec<Known>)) {
        let (validity, modseq, mut messages) = known;
        let command = format!("SELECT {name} (QRESYNC ({validity} {modseq}))");
        self.trace.push(format!("{client}: C: {command}"));
        let lines = self.clients[client].connection.ok(&command);
        for line in &lines {
            self.trace.push(format!("{client}: S: {line:.300}"));
            if let Some(uids) = line.strip_prefix("* VANISHED (EARLIER) ") {
                let gone: BTreeSet<u32> = numbers(uids).collect();
                messages.retain(|(uid, _)| !gone.contains(uid));
            } else if let (Some(uid), Some(flags)) = (uid_of(line), flags(line)) {
                let uid = uid.parse().unwrap();
                messages.retain(|(has, _)| *has != uid);
                let flags = flags.into_iter().filter(|f| f != "\\Recent");
                messages.push((uid, flags.collect()));
            } else if let Some(number) = line.strip_suffix(" EXISTS") {
                let number = number.trim_start_matches("* ").parse().unwrap();
                self.clients[client].told.resize(number, Told::default());
            }
        }
        messages.sort_by_key(|(uid, _)| *uid);
        let truth = self.known(client);
        assert_eq!(messages, truth, "QRESYNC gave another mailbox");
    }

    /// The mailbox as the client's user sees it.
    fn known(&mut self, client: usize) -> Vec<Known> {
        let user = self.clients[client].user;
        let messages = self.truth(client).messages.iter();
        messages.map(|m| (m.uid, m.told(user))).collect()
    }

    fn fetch_all(&mut self, client: usize) {
        if !self.clients[client].told.is_empty() {
            let dialect = self.clients[client].dialect;
            if dialect.uid_only || dialect.notified {
                self.ok(client, "UID FETCH 1:* (UID FLAGS)", Expunges::May);
            } else {
                self.ok(client, "FETCH 1:* (UID FLAGS)", Expunges::MustNot);
            }
        }
    }

    /// Everything the client knows is the truth.
    fn compare(&mut self, client: usize) {
        let truth = self.known(client);
        let told = &self.clients[client].told;
        assert_eq!(told.len(), truth.len(), "the client counts otherwise");
        if self.clients[client].dialect.uid_only {
            for told in told.iter().filter(|told| told.uid.is_some()) {
                let truth = truth.iter().find(|(uid, _)| Some(*uid) == told.uid);
                let truth = truth.unwrap_or_else(|| panic!("{told:?} is gone"));
                assert!(
                    told.flags.as_ref().is_none_or(|f| *f == truth.1),
                    "{told:?} is {truth:?}"
                );
            }
            return;
        }
        for (told, truth) in told.iter().zip(&truth) {
            assert!(
                told.uid.is_none_or(|u| u == truth.0),
                "{told:?} is {truth:?}"
            );
            assert!(
                told.flags.as_ref().is_none_or(|f| *f == truth.1),
                "{told:?} is {truth:?}"
            );
        }
    }

    fn noop(&mut self, client: usize) {
        self.ok(client, "NOOP", Expunges::May);
        self.compare(client);
        self.fetch_all(client);
        self.compare(client);
        self.quota(client);
        assert!(
            self.clients[client]
                .told
                .iter()
                .all(|t| t.uid.is_some() && t.flags.is_some())
        );
    }

    fn append(&mut self, client: usize) {
        let mailbox = self.random.usize(..MAILBOXES.len());
        let flags = self.some_flags();
        self.serial += 1;
        let message = format!("Subject: {}\r\n\r\ntext\r\n", self.serial);
        let list: Vec<&str> = flags.iter().map(String::as_str).collect();
        let command = format!(
            "APPEND {} ({}) {{{}+}}\r\n{message}",
            self.name(client, mailbox),
            list.join(" "),
            message.len()
        );
        if !self.may(client, mailbox, 'i') {
            return self.refused(client, &command);
        }
        if !self.has_room(mailbox, 1) {
            return self.full(client, &command);
        }
        let tagged = self.ok(client, &command, Expunges::May);
        let uid = code_numbers(&tagged, "APPENDUID")[1];
        let mut flags = self.permitted_flags(client, mailbox, &flags);
        let seen = flags.remove("\\Seen").then_some(self.clients[client].user);
        let message = Message {
            uid,
            octets: message.len(),
            flags,
            seen: seen.into_iter().collect(),
        };
        self.place(mailbox, message);
    }

    /// A command for which there is no room.
    fn full(&mut self, client: usize, command: &str) {
        let tagged = self.command(client, command, Expunges::May);
        assert!(tagged.contains(" NO [OVERQUOTA] "), "{command}: {tagged}");
    }

    /// A command that takes rights which the user lacks.
    fn refused(&mut self, client: usize, command: &str) {
        let tagged = self.command(client, command, Expunges::May);
        assert!(tagged.contains(" NO [NOPERM] "), "{command}: {tagged}");
    }

    fn place(&mut self, mailbox: usize, message: Message) {
        let mailbox = &mut self.mailboxes[mailbox];
        assert_eq!(message.uid, mailbox.uid_next, "UIDs go up by one");
        mailbox.uid_next += 1;
        mailbox.messages.push(message);
    }

    fn some_flags(&mut self) -> BTreeSet<String> {
        FLAGS
            .iter()
            .filter(|_| self.random.u32(..3) == 0)
            .map(|f| (*f).to_owned())
            .collect()
    }

    /// Some messages the client knows: a set to send, and the UIDs it means; by UID or not.
    fn some_messages(&mut self, client: usize) -> Option<(&'static str, String, Vec<u32>)> {
        let told = self.clients[client].told.clone();
        let chosen: Vec<usize> = (0..told.len())
            .filter(|_| self.random.u32(..4) == 0)
            .collect();
        if chosen.is_empty() || told.iter().any(|t| t.uid.is_none()) {
            return None;
        }
        let uids: Vec<u32> = chosen.iter().map(|&i| told[i].uid.unwrap()).collect();
        let dialect = self.clients[client].dialect;
        let by_uid = dialect.uid_only || dialect.notified || self.random.bool();
        let set: Vec<String> = if by_uid {
            uids.iter().map(u32::to_string).collect()
        } else {
            chosen.iter().map(|i| (i + 1).to_string()).collect()
        };
        Some((if by_uid { "UID " } else { "" }, set.join(","), uids))
    }

    fn permitted(prefix: &str) -> Expunges {
        if prefix.is_empty() {
            Expunges::MustNot
        } else {
            Expunges::May
        }
    }

    fn store(&mut self, client: usize) {
        let Some((prefix, set, uids)) = self.some_messages(client) else {
            return;
        };
        let flags = self.some_flags();
        let action = *self.random.choice(&["", "+", "-"]).unwrap();
        let silent = *self.random.choice(&["", ".SILENT"]).unwrap();
        let list: Vec<&str> = flags.iter().map(String::as_str).collect();
        let command = format!(
            "{prefix}STORE {set} {action}FLAGS{silent} ({})",
            list.join(" ")
        );
        let mailbox = self.clients[client].selected.unwrap();
        let permitted = self.permitted_flags(client, mailbox, &flags);
        if !action.is_empty() && permitted.is_empty() && !flags.is_empty() {
            return self.refused(client, &command);
        }
        // Messages that are gone may turn the answer into NO; the others are changed all the same.
        self.command(client, &command, Self::permitted(prefix));
        let every = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        let changeable = self.permitted_flags(client, mailbox, &every);
        let user = self.clients[client].user;
        for message in self
            .truth(client)
            .messages
            .iter_mut()
            .filter(|m| uids.contains(&m.uid))
        {
            let mut told = message.told(user);
            match action {
                "+" => told.extend(permitted.iter().cloned()),
                "-" => told.retain(|f| !permitted.contains(f)),
                _ => {
                    told.retain(|f| !changeable.contains(f));
                    told.extend(permitted.iter().cloned());
                }
            }
            if told.remove("\\Seen") {
                message.seen.insert(user);
            } else {
                message.seen.remove(&user);
            }
            message.flags = told;
        }
        // .SILENT tells nothing: the client knows by itself, if it knew the state before.
        let truth: HashMap<u32, BTreeSet<String>> = self.known(client).into_iter().collect();
        for told in &mut self.clients[client].told {
            if let Some(uid) = told.uid.filter(|u| uids.contains(u) && !silent.is_empty()) {
                told.flags = truth.get(&uid).cloned();
            }
        }
    }

    fn expunge(&mut self, client: usize) {
        let among = if self.random.bool() {
            self.some_messages(client).map(|(_, _, uids)| uids)
        } else {
            None
        };
        let command = match &among {
            Some(uids) => format!(
                "UID EXPUNGE {}",
                uids.iter()
                    .map(u32::to_string)
                    .collect::<Vec<_>>()
                    .join(",")
            ),
            None => "EXPUNGE".to_owned(),
        };
        let mailbox = self.clients[client].selected.unwrap();
        if !self.may(client, mailbox, 'e') {
            return self.refused(client, &command);
        }
        self.ok(client, &command, Expunges::May);
        self.truth(client).messages.retain(|m| {
            !m.flags.contains("\\Deleted")
                || among.as_ref().is_some_and(|uids| !uids.contains(&m.uid))
        });
        if among.is_none() {
            self.noop(client);
        }
    }

    fn copy_or_move(&mut self, client: usize) {
        let Some((prefix, set, uids)) = self.some_messages(client) else {
            return;
        };
        let to = self.random.usize(..MAILBOXES.len());
        let from = self.clients[client].selected.unwrap();
        let verb = *self.random.choice(&["COPY", "MOVE"]).unwrap();
        let command = format!("{prefix}{verb} {set} {}", self.name(client, to));
        let takes_away = self.may(client, from, 't') && self.may(client, from, 'e');
        if !self.may(client, to, 'i') || verb == "MOVE" && !takes_away {
            let tagged = self.command(client, &command, Expunges::May);
            // One that is gone may be the reason as well, or that there was nothing to move.
            let done = tagged.contains("No messages to ") || !tagged.contains(" OK ");
            assert!(done, "{command}: {tagged}");
            return;
        }
        let from_here = self.trace.len();
        self.command(client, &command, Expunges::May);
        let code = self.trace[from_here..]
            .iter()
            .find(|l| l.contains("[COPYUID "))
            .cloned();
        let present: Vec<Message> = self
            .truth(client)
            .messages
            .iter()
            .filter(|m| uids.contains(&m.uid))
            .cloned()
            .collect();
        // What is moved within an account takes no more room.
        let stays = verb == "MOVE" && MAILBOXES[from].0 == MAILBOXES[to].0;
        let Some(code) = code else {
            // By number, one that is gone makes it NO, and nothing is copied; and there may be no room.
            let full = !stays && !self.has_room(to, present.len());
            let refused = full || prefix.is_empty() && present.len() < uids.len();
            assert!(
                present.is_empty() || refused,
                "no COPYUID, but {present:?} exist"
            );
            return;
        };
        let fields: Vec<&str> = code
            .split("[COPYUID ")
            .nth(1)
            .unwrap()
            .split(']')
            .next()
            .unwrap()
            .split(' ')
            .collect();
        let pairs: Vec<(u32, u32)> = numbers(fields[1]).zip(numbers(fields[2])).collect();
        assert!(stays || self.has_room(to, present.len()), "{command}");
        assert_eq!(
            pairs.iter().map(|p| p.0).collect::<Vec<_>>(),
            present.iter().map(|m| m.uid).collect::<Vec<_>>()
        );
        let user = self.clients[client].user;
        let same_owner = MAILBOXES[from].0 == MAILBOXES[to].0;
        for (message, (_, uid)) in present.iter().zip(&pairs) {
            let permitted = self.permitted_flags(client, to, &message.told(user));
            let mut seen = BTreeSet::new();
            if verb == "MOVE" && same_owner {
                // The same message in another place: everybody else has seen it who has.
                seen.clone_from(&message.seen);
                seen.remove(&user);
            }
            seen.extend(permitted.contains("\\Seen").then_some(user));
            let flags = permitted.into_iter().filter(|flag| flag != "\\Seen");
            let message = Message {
                uid: *uid,
                octets: message.octets,
                flags: flags.collect(),
                seen,
            };
            self.place(to, message);
        }
        if verb == "MOVE" {
            self.truth(client)
                .messages
                .retain(|m| !pairs.iter().any(|p| p.0 == m.uid));
        }
    }

    fn fetch(&mut self, client: usize) {
        let Some((prefix, set, uids)) = self.some_messages(client) else {
            return;
        };
        // A message gone meanwhile still answers: its end has not been told yet.
        let from_here = self.trace.len();
        self.command(
            client,
            &format!("{prefix}FETCH {set} (UID FLAGS RFC822.SIZE)"),
            Self::permitted(prefix),
        );
        let sizes = self.trace[from_here..]
            .iter()
            .filter(|l| l.contains("RFC822.SIZE "))
            .count();
        // Who is notified at any time may have been told before the answer began.
        let gone = if self.clients[client].dialect.notified {
            let told = &self.clients[client].told;
            let is_there = |uid: &u32| told.iter().any(|t| t.uid == Some(*uid));
            uids.iter().filter(|uid| !is_there(uid)).count()
        } else {
            0
        };
        assert!(
            (uids.len() - gone..=uids.len()).contains(&sizes),
            "every message asked for is answered for"
        );
    }

    fn search(&mut self, client: usize) {
        let flag = *self
            .random
            .choice(&["SEEN", "ANSWERED", "FLAGGED", "DELETED", "KEYWORD work"])
            .unwrap();
        let from_here = self.trace.len();
        self.ok(client, &format!("UID SEARCH {flag}"), Expunges::May);
        let line = self.trace[from_here..]
            .iter()
            .find(|l| l.contains("S: * SEARCH") || l.contains("S: * ESEARCH"))
            .unwrap();
        let found: BTreeSet<u32> = match line.split("* SEARCH").nth(1) {
            Some(list) => list.split_whitespace().flat_map(numbers).collect(),
            None => item(line, " ALL ").into_iter().flat_map(numbers).collect(),
        };
        let name = if flag == "KEYWORD work" {
            "work".to_owned()
        } else {
            format!("\\{}{}", &flag[..1], flag[1..].to_lowercase())
        };
        let user = self.clients[client].user;
        let truth: BTreeSet<u32> = self
            .truth(client)
            .messages
            .iter()
            .filter(|m| m.told(user).contains(&name))
            .map(|m| m.uid)
            .collect();
        // Messages whose arrival or end is not told yet may be missing or still be there.
        let existing: BTreeSet<u32> = self.truth(client).messages.iter().map(|m| m.uid).collect();
        let known: BTreeSet<u32> = self.clients[client]
            .told
            .iter()
            .filter_map(|t| t.uid)
            .collect();
        for uid in known.intersection(&existing) {
            assert_eq!(
                found.contains(uid),
                truth.contains(uid),
                "{flag} for UID {uid}"
            );
        }
    }

    fn leave(&mut self, client: usize) {
        let mailbox = self.clients[client].selected.unwrap();
        let says = self.clients[client].dialect.says;
        if says.iter().any(|line| line.contains("QRESYNC")) {
            self.noop(client);
            let name = self.name(client, mailbox);
            let status = self.clients[client]
                .connection
                .ok(&format!("STATUS {name} (UIDVALIDITY HIGHESTMODSEQ)"));
            let validity = item(&status[0], "UIDVALIDITY ").unwrap().parse().unwrap();
            let modseq = item(&status[0], "HIGHESTMODSEQ ").unwrap().parse().unwrap();
            let messages = self.known(client);
            self.clients[client]
                .remembered
                .insert(mailbox, (validity, modseq, messages));
        }
        self.ok(client, "UNSELECT", Expunges::MustNot);
        self.clients[client].selected = None;
        self.clients[client].told.clear();
        let number = self.clients[client].number;
        assert_eq!(number, client);
    }
}

/// Each user's mailboxes are opened to the others, by their owner. Gives what each other user may do with each mailbox.
fn share(
    chapar: &Chapar,
    users: &[String; USERS],
) -> [BTreeMap<usize, BTreeSet<char>>; MAILBOXES.len()] {
    let given: String = KEPT.chars().chain(CHANGING).collect();
    std::array::from_fn(|mailbox| {
        let (owner, name) = MAILBOXES[mailbox];
        let mut connection = chapar.login(&users[owner]);
        let others = (0..USERS).filter(|user| *user != owner);
        let rights = others.map(|user| {
            connection.ok(&format!("SETACL {name} {} {given}", users[user]));
            (user, CHANGING.into_iter().collect())
        });
        rights.collect()
    })
}

/// Where a client has a message, by UID. One that it has heard of only by EXISTS is one of those whose
/// UID it does not know, after those with lower ones.
fn place_of(told: &[Told], uid: u32) -> Option<usize> {
    let known = told.iter().position(|t| t.uid == Some(uid));
    let lower = told.iter().rposition(|t| t.uid.is_some_and(|u| u < uid));
    let after = lower.map_or(0, |at| at + 1);
    let unknown = told[after..].iter().position(|t| t.uid.is_none());
    known.or(unknown.map(|at| after + at))
}

/// `2:4,9` as numbers.
fn numbers(set: &str) -> impl Iterator<Item = u32> + '_ {
    set.split(',').flat_map(|range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        first.trim().parse::<u32>().unwrap()..=last.trim().parse::<u32>().unwrap()
    })
}

/// The word after `name` in a response.
fn item<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(name).nth(1)?.split([' ', ')']).next()
}

/// The UID that a FETCH or UIDFETCH response is of.
fn uid_of(line: &str) -> Option<&str> {
    let uid_only = line.strip_prefix("* ")?.split_once(" UIDFETCH ");
    uid_only.map_or_else(|| item(line, "UID "), |(uid, _)| Some(uid))
}

/// The flags in a FETCH response.
fn flags(line: &str) -> Option<BTreeSet<String>> {
    let list = line.split("FLAGS (").nth(1)?.split(')').next()?;
    Some(list.split_whitespace().map(str::to_owned).collect())
}
