//! Verbs about messages that a search finds, on a store in memory.

use std::sync::Arc;

use auth::Directory;
use serde_json::Value;
use store::{Account, AccountId, Arrival, Flags, MailboxName, Store, Timestamp};

use super::request;
use crate::{Context, Failed, Heard, Outcome, Retention, Running};

pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime
        .build()
        .unwrap_or_else(|e| panic!("{e}"))
        .block_on(future)
}

fn clock() -> Timestamp {
    Timestamp {
        unix: 1_800_000_000,
        zone_minutes: 0,
    }
}

/// Ann and bob, who have mail, and zoe, who has none.
pub(super) struct World {
    pub(super) context: Context,
    pub(super) heard: Heard,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.toml");
        let store = Store::open(store::Options {
            directory: None,
            message_bytes_max: 1 << 20,
            clock,
        });
        let directory = Directory::open(file, Vec::new()).unwrap();
        for name in ["ann", "bob", "zoe@example.org"] {
            directory.add_without_password(name).unwrap();
        }
        let context = Context {
            store: store.await.unwrap(),
            directory: Arc::new(directory),
            data: folder.path().to_owned(),
            retention: Retention::default(),
            expiry: store::past::Rules::default(),
            archive: None,
            by: "admin root".into(),
            roles: auth::Roles::all(),
            sessions: None,
            lately: None,
            running: Running::default(),
        };
        let world = Self {
            context,
            heard: Heard::default(),
            _folder: folder,
        };
        for subject in ["one", "two", "gr\u{fc}n three"] {
            world.deliver("ann", "INBOX", subject).await;
        }
        world.deliver("ann", "Archive", "one").await;
        world.deliver("bob", "INBOX", "one").await;
        world
    }

    pub(super) async fn account(&self, name: &str) -> Account {
        let id = self.context.directory.account(name).unwrap().id;
        self.context.store.account(AccountId(id)).await.unwrap()
    }

    pub(super) async fn deliver(&self, to: &str, mailbox: &str, subject: &str) {
        let text = format!(
            "Message-ID: <{subject}@x>\r\nSubject: {subject}\r\nFrom: Bo <bo@x>\r\nX-Odd: a\tb\r\n\r\nbody of it\r\n"
        );
        let mut incoming = self.context.store.receive().await.unwrap();
        incoming.write(text.as_bytes()).await.unwrap();
        let arrival = Arrival {
            message: incoming.finish().await.unwrap(),
            trace: Vec::new(),
            flags: Flags::default(),
            internal_date: None,
        };
        let account = self.account(to).await;
        let name = MailboxName::new(mailbox).unwrap();
        let id = account.snapshot().named(&name).unwrap().id();
        account.append(id, vec![arrival]).await.unwrap();
    }

    pub(super) async fn try_ask(&mut self, line: &str) -> Result<Outcome, Failed> {
        self.heard = Heard::default();
        request(line).run(&self.context, &mut self.heard).await
    }

    /// The lines that a verb says, and last the summary.
    pub(super) async fn ask(&mut self, line: &str) -> String {
        let outcome = self.try_ask(line).await;
        let outcome = outcome.unwrap_or_else(|failed| panic!("{line}: {failed:?}"));
        assert_eq!(outcome.code, 0, "{line}: {:?}", self.heard);
        self.said(&outcome)
    }

    pub(super) fn said(&self, outcome: &Outcome) -> String {
        let rows = self.heard.rows.iter().chain([&outcome.summary]);
        rows.map(|row| row.line.replace('\t', " "))
            .collect::<Vec<_>>()
            .join("|")
    }
}

#[test]
fn messages_are_found_in_one_mailbox_in_many_and_in_everybodys() {
    run(async {
        let mut world = World::new().await;
        for (line, expected) in [
            (
                "ann INBOX ALL",
                "INBOX 1:3|found: messages 3, mailboxes 1, accounts 1",
            ),
            (
                "ANN inbox 2",
                "INBOX 2|found: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "ann INBOX SUBJECT \"gr\u{fc}n three\"",
                "INBOX 3|found: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "ann INBOX \"OR SUBJECT one (SUBJECT two NOT SEEN)\"",
                "INBOX 1:2|found: messages 2, mailboxes 1, accounts 1",
            ),
            (
                "ann \"*\" SUBJECT one",
                "Archive 1|INBOX 1|found: messages 2, mailboxes 2, accounts 1",
            ),
            (
                "ann M1 BODY \"of it\" LARGER 5",
                "INBOX 1:3|found: messages 3, mailboxes 1, accounts 1",
            ),
            ("ann Junk ALL", "found: messages 0, mailboxes 0, accounts 1"),
            (
                "--all INBOX SUBJECT one",
                "ann INBOX 1|bob INBOX 1|found: messages 2, mailboxes 2, accounts 2",
            ),
            (
                "\"b*\" \"*\" ALL",
                "bob INBOX 1|found: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "--all Nowhere ALL",
                "found: messages 0, mailboxes 0, accounts 2",
            ),
            (
                "--shared INBOX ALL",
                "found: messages 0, mailboxes 0, accounts 0",
            ),
        ] {
            let said = world.ask(&format!("chapar search {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
        world.ask("chapar search --all INBOX SUBJECT two").await;
        let object = &world.heard.rows[0].object;
        assert_eq!(object["name"], "ann");
        assert_eq!(object["mailbox_id"], "M1");
        assert_eq!(object["uids"], "2");
        assert_eq!(object["messages"], 1);
    });
}

#[test]
fn what_is_asked_for_wrongly_says_why() {
    run(async {
        let mut world = World::new().await;
        for (line, code, why) in [
            (
                "search ann INBOX UNSEN",
                2,
                "unknown search key\n  UNSEN\n  ^",
            ),
            (
                "search ann INBOX FROM x UNSEN",
                2,
                "\n  FROM x UNSEN\n         ^",
            ),
            ("search ann INBOX", 2, "say which messages"),
            ("search ann", 2, "say in which mailbox"),
            ("search --all", 2, "say in which mailbox"),
            ("search", 2, "say in which mailbox"),
            ("search ann INBOX FILTER none", 2, "There is no such filter"),
            ("search ann Nowhere ALL", 1, "has no mailbox \"Nowhere\""),
            ("search --all a//b ALL", 1, "empty level"),
            ("search joe INBOX ALL", 1, "there is no account \"joe\""),
            ("search \"j*\" INBOX ALL", 1, "no account matches"),
            (
                "search zoe@example.org INBOX ALL",
                1,
                "there is no mail of zoe@example.org yet",
            ),
            (
                "search --shared=example.com x ALL",
                1,
                "no shared mailboxes of \"example.com\"",
            ),
            (
                "search @example.com x ALL",
                1,
                "no shared mailboxes of @example.com",
            ),
            ("flags ann INBOX ALL", 2, "--add, --remove or --replace"),
            ("move ann INBOX ALL --to a//b", 1, "empty level"),
            ("move ann INBOX ALL --to New", 1, "--create"),
            (
                "copy ann INBOX ALL --to INBOX --to-account joe",
                1,
                "\"joe\"",
            ),
        ] {
            let failed = world.try_ask(&format!("chapar {line}")).await.unwrap_err();
            assert_eq!(failed.code, code, "{line}: {failed:?}");
            assert!(failed.why.contains(why), "{line}: {failed:?}");
        }
    });
}

#[test]
fn messages_are_fetched_field_by_field() {
    run(async {
        let mut world = World::new().await;
        let usual = world.ask("chapar fetch ann INBOX 1,3").await;
        assert_eq!(
            usual,
            "INBOX 1 () 2027-01-15T08:00:00Z 78 Bo <bo@x> one|\
             INBOX 3 () 2027-01-15T08:00:00Z 94 Bo <bo@x> gr\u{fc}n three|\
             fetched: messages 2, mailboxes 1, accounts 1"
        );
        let fields = "uid,hdr.x-odd,message-id,hdr.nothing,account";
        let said = world
            .ask(&format!(
                "chapar fetch --all INBOX SUBJECT one --fields {fields}"
            ))
            .await;
        assert!(
            said.starts_with("ann 1 a b <one@x>  ann|bob 1 a b"),
            "{said}"
        );
        let object = &world.heard.rows[0].object;
        assert_eq!(object["hdr.x_odd"], "a\tb");
        assert_eq!(object["hdr.nothing"], Value::Null);
        assert_eq!(object["message_id"], "<one@x>");
        let said = world
            .ask("chapar fetch ann INBOX 2 --fields uid,text")
            .await;
        assert!(
            said.starts_with("uid: 2\ntext:\nMessage-ID: <two@x>\n"),
            "{said}"
        );
        assert!(said.contains("\n\nbody of it\n|fetched"), "{said}");
        let said = world.ask("chapar fetch ann INBOX 2 --fields body").await;
        assert!(said.starts_with("body:\nbody of it\n|"), "{said}");
        let said = world
            .ask("chapar fetch ann INBOX 2 --fields header,subject")
            .await;
        assert!(
            said.ends_with(
                "X-Odd: a b\nsubject: two\n|fetched: messages 1, mailboxes 1, accounts 1"
            ),
            "{said}"
        );
    });
}

#[test]
fn flags_change_and_a_dry_run_changes_nothing() {
    run(async {
        let mut world = World::new().await;
        let flags = "chapar flags ann INBOX 1:2 --add \"\\Seen $Work\" --dry-run";
        let said = world.ask(flags).await;
        assert_eq!(
            said,
            "INBOX 1:2|would be changed: messages 2, mailboxes 1, accounts 1"
        );
        let seen = "chapar search ann INBOX SEEN KEYWORD $Work";
        assert!(world.ask(seen).await.starts_with("found: messages 0"));
        let said = world.ask(flags.strip_suffix(" --dry-run").unwrap()).await;
        assert_eq!(
            said,
            "INBOX 1:2|changed: messages 2, mailboxes 1, accounts 1"
        );
        assert!(world.ask(seen).await.starts_with("INBOX 1:2|"));
        world
            .ask("chapar flags ann INBOX 1 --add \\Flagged --remove $work")
            .await;
        world
            .ask("chapar flags ann INBOX 3 --replace \\Draft")
            .await;
        let said = world.ask("chapar fetch ann INBOX ALL --fields flags").await;
        assert!(
            said.starts_with("(\\Flagged \\Seen)|(\\Seen $Work)|(\\Draft)|"),
            "{said}"
        );
    });
}

#[test]
fn messages_are_copied_and_moved_within_an_account_and_to_others() {
    run(async {
        let mut world = World::new().await;
        for (line, expected) in [
            (
                "copy ann INBOX 1 --to Sent --dry-run",
                "INBOX 1 → Sent|would be copied: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "copy ann INBOX 1 --to Sent",
                "INBOX 1 → Sent 1|copied: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "move ann \"*\" SUBJECT one --to New/Er --create --dry-run",
                "Archive 1 → New/Er|INBOX 1 → New/Er|Sent 1 → New/Er|would be moved: messages 3, mailboxes 3, accounts 1",
            ),
            (
                "move ann \"*\" SUBJECT one --to New/Er --create",
                "Archive 1 → New/Er 1|INBOX 1 → New/Er 2|Sent 1 → New/Er 3|moved: messages 3, mailboxes 3, accounts 1",
            ),
            // What is there stays as it is.
            (
                "move ann \"*\" SUBJECT one --to New/Er",
                "moved: messages 0, mailboxes 1, accounts 1",
            ),
            (
                "copy ann INBOX 2 --to Junk --to-account bob",
                "INBOX 2 → Junk 1|copied: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "move ann New/Er 3 --to INBOX --to-account bob",
                "New/Er 3 → INBOX 2|moved: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "move --all INBOX SUBJECT one --to Junk",
                "bob INBOX 1:2 → Junk 2:3|moved: messages 2, mailboxes 1, accounts 2",
            ),
            (
                "search --all \"*\" ALL",
                "ann INBOX 2:3|ann New/Er 1:2|bob Junk 1:3|found: messages 7, mailboxes 3, accounts 2",
            ),
        ] {
            let said = world.ask(&format!("chapar {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
        world.ask("chapar history ann INBOX 1").await;
        let events = world.heard.rows.iter().map(|row| &row.object);
        let mut moved = events.filter(|event| event["what"] == "moved");
        assert_eq!(moved.next().unwrap()["by"], "admin root");
    });
}

#[test]
fn of_many_accounts_those_that_fail_are_noted_and_the_others_are_done() {
    run(async {
        let mut world = World::new().await;
        let ann = world.account("ann").await;
        let name = MailboxName::new("Only").unwrap();
        ann.create(&name, None).await.unwrap();
        let outcome = world.try_ask("chapar move --all INBOX 1 --to Only").await;
        let outcome = outcome.unwrap();
        assert_eq!(outcome.code, 1);
        assert_eq!(
            world.said(&outcome),
            "ann INBOX 1 → Only 1|moved: messages 1, mailboxes 2, accounts 2"
        );
        assert_eq!(outcome.summary.object["failed"], 1);
        assert!(world.heard.notes[0].starts_with("bob INBOX: there is no mailbox \"Only\""));
    });
}

#[test]
fn messages_are_removed_and_can_come_back() {
    run(async {
        let mut world = World::new().await;
        for (line, expected) in [
            (
                "expunge ann INBOX DELETED",
                "removed: messages 0, mailboxes 0, accounts 1",
            ),
            (
                "expunge ann INBOX 1:2 --dry-run",
                "INBOX 1:2|would be removed: messages 2, mailboxes 1, accounts 1",
            ),
            (
                "expunge ann INBOX 1:2",
                "INBOX 1:2|removed: messages 2, mailboxes 1, accounts 1",
            ),
            (
                "expunge --all \"%\" SUBJECT one",
                "ann Archive 1|bob INBOX 1|removed: messages 2, mailboxes 2, accounts 2",
            ),
            (
                "search --all \"*\" ALL",
                "ann INBOX 3|found: messages 1, mailboxes 1, accounts 2",
            ),
            (
                "undelete ann INBOX 2",
                "back INBOX 2 → INBOX 4|back 1, there already 0, lost 0",
            ),
        ] {
            let said = world.ask(&format!("chapar {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
    });
}

#[test]
fn of_duplicates_the_first_stays() {
    run(async {
        let mut world = World::new().await;
        for subject in ["one", "two", "one"] {
            world.deliver("ann", "INBOX", subject).await;
        }
        for (line, expected) in [
            (
                "ann \"*\" ALL --dry-run",
                "INBOX 4:6|would be removed: messages 3, mailboxes 2, accounts 1",
            ),
            (
                "ann INBOX 2:4",
                "removed: messages 0, mailboxes 1, accounts 1",
            ),
            (
                "ann INBOX ALL",
                "INBOX 4:6|removed: messages 3, mailboxes 1, accounts 1",
            ),
            (
                "ann INBOX ALL --by message-id",
                "removed: messages 0, mailboxes 1, accounts 1",
            ),
        ] {
            let said = world.ask(&format!("chapar deduplicate {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
    });
}
