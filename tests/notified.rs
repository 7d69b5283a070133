//! Random changes of an account, and a client that is told of them by NOTIFY (RFC 5465), seeded: what it makes of that
//! without asking is what LIST, LSUB and STATUS then say. A failure prints its seed: `SEED=n cargo test notified`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{chapar::Chapar, connection::Connection};

const NAMES: [&str; 6] = ["a", "a/b", "a/b/c", "d", "d/e", "f"];
const STEPS: usize = 120;

#[test]
fn who_is_notified_knows_what_who_asks_is_told() {
    let seeds: Vec<u64> = match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=6).collect(),
    };
    let chapar = Chapar::with_accounts(&[]);
    for seed in seeds {
        println!("seed {seed}");
        let user = format!("notified{seed}");
        chapar.add_account(&user);
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut told, mut other) = (chapar.login(&user), chapar.login(&user));
        told.ok("ENABLE QRESYNC");
        other.ok("SELECT INBOX");
        let mut known = Known::default();
        known.begin(&mut told);
        for step in 0..STEPS {
            change(&mut random, &mut other, &mut known.trace);
            if random.u8(..8) == 0 || step + 1 == STEPS {
                known.hear(told.ok("NOOP"));
                known.compare(&mut other);
            }
        }
    }
}

/// What a mailbox is known to have: `STATUS` items by name.
type Status = BTreeMap<String, String>;

/// What the client knows.
#[derive(Default)]
struct Known {
    mailboxes: BTreeMap<String, Status>,
    subscribed: BTreeSet<String>,
    trace: Vec<String>,
}

impl Known {
    fn begin(&mut self, client: &mut Connection) {
        self.hear(client.ok("LIST \"\" * RETURN (SUBSCRIBED)"));
        self.hear(client.ok("NOTIFY SET STATUS (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))"));
    }

    /// Believes untagged responses.
    fn hear(&mut self, lines: Vec<String>) {
        for line in lines {
            if let Some(rest) = line.strip_prefix("* LIST (") {
                self.listed(rest);
            } else if let Some(rest) = line.strip_prefix("* STATUS ") {
                let (name, items) = status(rest);
                self.mailboxes.entry(name).or_default().extend(items);
            }
            self.trace.push(format!("told: {line}"));
        }
    }

    fn listed(&mut self, rest: &str) {
        let (attributes, rest) = rest.split_once(") \"/\" ").unwrap();
        let (name, extended) = rest.split_once(" (").unwrap_or((rest, ""));
        let has = |attribute: &str| attributes.split(' ').any(|it| it == attribute);
        if let Some(old) = extended.strip_prefix("\"OLDNAME\" (") {
            let old = old.trim_end_matches(')');
            if old != "INBOX" {
                // Those below it go along (RFC 5465 §5.4).
                let (stay, go): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    std::mem::take(&mut self.mailboxes)
                        .into_iter()
                        .partition(|(it, _)| it != old && !it.starts_with(&format!("{old}/")));
                self.mailboxes = stay;
                let gone = go.into_iter();
                let renamed = gone.map(|(it, status)| (it.replacen(old, name, 1), status));
                self.mailboxes.extend(renamed);
            }
        }
        if has("\\NonExistent") {
            self.mailboxes.remove(name);
        } else {
            self.mailboxes.entry(name.to_owned()).or_default();
        }
        if has("\\Subscribed") {
            self.subscribed.insert(name.to_owned());
        } else {
            self.subscribed.remove(name);
        }
    }

    /// With what another client is told that asks.
    fn compare(&self, asking: &mut Connection) {
        let trace = || self.trace[self.trace.len().saturating_sub(60)..].join("\n");
        let items = "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ";
        let mut truth: BTreeMap<String, Status> = BTreeMap::new();
        for line in asking.ok(&format!("LIST \"\" * RETURN (STATUS ({items}))")) {
            if let Some(rest) = line.strip_prefix("* STATUS ") {
                let (name, items) = status(rest);
                truth.insert(name, items);
            }
        }
        let names = |all: &BTreeMap<String, Status>| all.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&self.mailboxes), names(&truth), "\n{}", trace());
        for (name, known) in &self.mailboxes {
            for (item, value) in known.iter().filter(|(item, _)| items.contains(&***item)) {
                let told = truth[name].get(item);
                assert_eq!(told, Some(value), "{item} of {name}\n{}", trace());
            }
        }
        let subscribed: BTreeSet<String> = asking
            .ok("LSUB \"\" *")
            .iter()
            .filter_map(|line| {
                Some(
                    line.strip_prefix("* LSUB (")?
                        .split_once(") \"/\" ")?
                        .1
                        .to_owned(),
                )
            })
            .collect();
        assert_eq!(self.subscribed, subscribed, "\n{}", trace());
    }
}

/// `name (ITEM value …)`.
fn status(rest: &str) -> (String, Status) {
    let (name, items) = rest.trim_end_matches(')').split_once(" (").unwrap();
    let words: Vec<&str> = items.split(' ').collect();
    let items = words
        .chunks(2)
        .map(|it| (it[0].to_owned(), it[1].to_owned()));
    (name.to_owned(), items.collect())
}

/// One random change, which may be refused.
fn change(random: &mut fastrand::Rng, other: &mut Connection, trace: &mut Vec<String>) {
    let name = *random.choice(&NAMES).unwrap();
    let to = *random.choice(&NAMES).unwrap();
    let anywhere = if random.bool() { "INBOX" } else { name };
    let command = match random.u8(..12) {
        0..3 => format!("CREATE {name}"),
        3 => format!("DELETE {name}"),
        4 => format!("RENAME {name} {to}"),
        5 => format!("RENAME {anywhere} {to}"),
        6 => format!("SUBSCRIBE {name}"),
        7 => format!("UNSUBSCRIBE {name}"),
        8 | 9 => format!("APPEND {anywhere} {{4+}}\r\nabc\n"),
        10 => format!(
            "STORE 1 {}FLAGS.SILENT (\\Deleted)",
            random.choice(&["+", "-"]).unwrap()
        ),
        _ => {
            let verb = *random.choice(&["EXPUNGE", "MOVE 1", "COPY 1"]).unwrap();
            if verb == "EXPUNGE" {
                verb.to_owned()
            } else {
                format!("{verb} {name}")
            }
        }
    };
    let answer = other.command(&command);
    trace.push(format!("{command:?}: {}", answer.last().unwrap()));
    if random.u8(..20) == 0 {
        other.command(&format!("SELECT {anywhere}"));
    }
}
