//! Random sessions on shared mailboxes against a naive model, seeded.
//!
//! The model of a mailbox is a list of messages. The model of a client is a list too: what it
//! has been told, and it believes nothing but untagged responses, as RFC 9051 §7 wants.
//! After every command the client's list must be one that the rules permit; after a NOOP it
//! must be the mailbox itself. A failure prints its seed: `SEED=n cargo test simulation`;
//! `SEEDS=n` tries more.
//!
//! Every client talks another dialect ([`DIALECTS`]), so that extensions meet each other.

use std::collections::{BTreeSet, HashMap};

use crate::{
    chapar::Chapar,
    connection::{Connection, code_numbers},
};

const MAILBOXES: [&str; 2] = ["INBOX", "Archive"];
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
        let user = format!("sim{seed}");
        chapar.add_account(&user);
        println!("seed {seed}");
        Simulation::new(&chapar, &user, seed).run();
    }
}

/// A message as it is: the truth.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    uid: u32,
    flags: BTreeSet<String>,
}

/// A mailbox as it is.
#[derive(Default)]
struct Mailbox {
    messages: Vec<Message>,
    uid_next: u32,
}

/// A client: its connection, and what it has been told.
struct Client {
    number: usize,
    connection: Connection,
    selected: Option<usize>,
    dialect: Dialect,
    told: Vec<Told>,
    /// What it remembers of a mailbox that it left: UIDVALIDITY, modseq, messages.
    remembered: HashMap<usize, (u32, u64, Vec<Message>)>,
}

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
    mailboxes: [Mailbox; 2],
    clients: Vec<Client>,
    /// Who was told `\Recent` of a message.
    recent: HashMap<(usize, u32), usize>,
    serial: u32,
    trace: Vec<String>,
}

impl Simulation {
    fn new(chapar: &Chapar, user: &str, seed: u64) -> Self {
        let clients = (0..CLIENTS)
            .map(|number| {
                let mut connection = chapar.login(user);
                let dialect = DIALECTS[number];
                for line in dialect.says {
                    connection.ok(line);
                }
                Client {
                    number,
                    connection,
                    selected: None,
                    dialect,
                    told: Vec::new(),
                    remembered: HashMap::new(),
                }
            })
            .collect();
        let mailboxes = std::array::from_fn(|_| Mailbox {
            uid_next: 1,
            ..Mailbox::default()
        });
        Self {
            random: fastrand::Rng::with_seed(seed),
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
            84..94 => self.search(client),
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
                        let owner = *self.recent.entry((mailbox, uid)).or_insert(client);
                        assert_eq!(owner, client, "\\Recent of UID {uid} given twice");
                    }
                }
            }
            _ => {}
        }
    }

    fn truth(&mut self, client: usize) -> &mut Mailbox {
        let mailbox = self.clients[client].selected.unwrap();
        &mut self.mailboxes[mailbox]
    }

    fn select(&mut self, client: usize) {
        let mailbox = self.random.usize(..2);
        let remembered = self.clients[client].remembered.remove(&mailbox);
        self.clients[client].selected = Some(mailbox);
        self.clients[client].told.clear();
        let name = MAILBOXES[mailbox];
        match remembered {
            Some(known) => self.resync(client, name, known),
            None => {
                self.ok(client, &format!("SELECT {name}"), Expunges::MustNot);
            }
        }
        self.fetch_all(client);
        self.compare(client);
    }

    /// SELECT with QRESYNC: the delta applied to what it remembered is the mailbox.
    fn resync(&mut self, client: usize, name: &str, known: (u32, u64, Vec<Message>)) {
        let (validity, modseq, mut messages) = known;
        let command = format!("SELECT {name} (QRESYNC ({validity} {modseq}))");
        self.trace.push(format!("{client}: C: {command}"));
        let lines = self.clients[client].connection.ok(&command);
        for line in &lines {
            self.trace.push(format!("{client}: S: {line:.300}"));
            if let Some(uids) = line.strip_prefix("* VANISHED (EARLIER) ") {
                let gone: BTreeSet<u32> = numbers(uids).collect();
                messages.retain(|m| !gone.contains(&m.uid));
            } else if let (Some(uid), Some(flags)) = (uid_of(line), flags(line)) {
                let uid = uid.parse().unwrap();
                messages.retain(|m| m.uid != uid);
                messages.push(Message {
                    uid,
                    flags: flags.into_iter().filter(|f| f != "\\Recent").collect(),
                });
            } else if let Some(number) = line.strip_suffix(" EXISTS") {
                let number = number.trim_start_matches("* ").parse().unwrap();
                self.clients[client].told.resize(number, Told::default());
            }
        }
        messages.sort_by_key(|m| m.uid);
        let truth = &self.truth(client).messages;
        assert_eq!(&messages, truth, "QRESYNC gave another mailbox");
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
        let truth = self.truth(client).messages.clone();
        let told = &self.clients[client].told;
        assert_eq!(told.len(), truth.len(), "the client counts otherwise");
        if self.clients[client].dialect.uid_only {
            for told in told.iter().filter(|told| told.uid.is_some()) {
                let truth = truth.iter().find(|m| Some(m.uid) == told.uid);
                let truth = truth.unwrap_or_else(|| panic!("{told:?} is gone"));
                assert!(
                    told.flags.as_ref().is_none_or(|f| *f == truth.flags),
                    "{told:?} is {truth:?}"
                );
            }
            return;
        }
        for (told, truth) in told.iter().zip(&truth) {
            assert!(
                told.uid.is_none_or(|u| u == truth.uid),
                "{told:?} is {truth:?}"
            );
            assert!(
                told.flags.as_ref().is_none_or(|f| *f == truth.flags),
                "{told:?} is {truth:?}"
            );
        }
    }

    fn noop(&mut self, client: usize) {
        self.ok(client, "NOOP", Expunges::May);
        self.compare(client);
        self.fetch_all(client);
        self.compare(client);
        assert!(
            self.clients[client]
                .told
                .iter()
                .all(|t| t.uid.is_some() && t.flags.is_some())
        );
    }

    fn append(&mut self, client: usize) {
        let mailbox = self.random.usize(..2);
        let flags = self.some_flags();
        self.serial += 1;
        let message = format!("Subject: {}\r\n\r\ntext\r\n", self.serial);
        let list: Vec<&str> = flags.iter().map(String::as_str).collect();
        let command = format!(
            "APPEND {} ({}) {{{}+}}\r\n{message}",
            MAILBOXES[mailbox],
            list.join(" "),
            message.len()
        );
        let tagged = self.ok(client, &command, Expunges::May);
        let uid = code_numbers(&tagged, "APPENDUID")[1];
        self.place(mailbox, uid, flags);
    }

    fn place(&mut self, mailbox: usize, uid: u32, flags: BTreeSet<String>) {
        let mailbox = &mut self.mailboxes[mailbox];
        assert_eq!(uid, mailbox.uid_next, "UIDs go up by one");
        mailbox.uid_next = uid + 1;
        mailbox.messages.push(Message { uid, flags });
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
        // Messages that are gone may turn the answer into NO; the others are changed all the same.
        self.command(client, &command, Self::permitted(prefix));
        for message in self
            .truth(client)
            .messages
            .iter_mut()
            .filter(|m| uids.contains(&m.uid))
        {
            match action {
                "+" => message.flags.extend(flags.iter().cloned()),
                "-" => message.flags.retain(|f| !flags.contains(f)),
                _ => message.flags.clone_from(&flags),
            }
        }
        // .SILENT tells nothing: the client knows by itself, if it knew the state before.
        let truth: HashMap<u32, BTreeSet<String>> = self
            .truth(client)
            .messages
            .iter()
            .map(|m| (m.uid, m.flags.clone()))
            .collect();
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
        let to = self.random.usize(..2);
        let verb = *self.random.choice(&["COPY", "MOVE"]).unwrap();
        let command = format!("{prefix}{verb} {set} {}", MAILBOXES[to]);
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
        let Some(code) = code else {
            // By number, one that is gone makes it NO, and nothing is copied.
            let refused = prefix.is_empty() && present.len() < uids.len();
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
        assert_eq!(
            pairs.iter().map(|p| p.0).collect::<Vec<_>>(),
            present.iter().map(|m| m.uid).collect::<Vec<_>>()
        );
        for (message, (_, uid)) in present.iter().zip(&pairs) {
            self.place(to, *uid, message.flags.clone());
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
        let truth: BTreeSet<u32> = self
            .truth(client)
            .messages
            .iter()
            .filter(|m| m.flags.contains(&name))
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
            let name = MAILBOXES[mailbox];
            let status = self.clients[client]
                .connection
                .ok(&format!("STATUS {name} (UIDVALIDITY HIGHESTMODSEQ)"));
            let validity = item(&status[0], "UIDVALIDITY ").unwrap().parse().unwrap();
            let modseq = item(&status[0], "HIGHESTMODSEQ ").unwrap().parse().unwrap();
            let messages = self.truth(client).messages.clone();
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
