//! Verbs of the past, on a store in memory.

use std::sync::Arc;

use auth::Directory;
use store::{
    Account, AccountId, Arrival, FlagAction, FlagChange, Flags, MailboxName, Store, SystemFlags,
    Timestamp, Uid, change::Expiry, past::Rules,
};

use super::request;
use crate::{Context, Failed, Heard, Outcome, Retention, Running};

fn run<T>(future: impl Future<Output = T>) -> T {
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

struct World {
    context: Context,
    account: Account,
    heard: Heard,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.toml");
        let store = Store::open(store::Options {
            directory: None,
            message_bytes_max: 1 << 20,
            clock,
        });
        let store = store.await.unwrap();
        let account = store.account(AccountId(0xa1)).await.unwrap();
        let rule = Expiry {
            messages_max: Some(1),
            ..Expiry::default()
        };
        let context = Context {
            store,
            directory: Arc::new(Directory::open(file, Vec::new()).unwrap()),
            data: folder.path().to_owned(),
            retention: Retention::default(),
            archive: None,
            expiry: Rules {
                roles: [(store::Role::Trash, rule)].into(),
                default: None,
            },
            by: "admin root".into(),
            roles: auth::Roles::all(),
            sessions: None,
            lately: None,
            running: Running::default(),
        };
        Self {
            context,
            account: account.acting("imap ann 192.0.2.7"),
            heard: Heard::default(),
        }
    }

    async fn deliver(&self, to: &str, subject: &str) {
        let text = format!("Message-ID: <{subject}@x>\r\nSubject: {subject}\r\n\r\nbody\r\n");
        let mut incoming = self.context.store.receive().await.unwrap();
        incoming.write(text.as_bytes()).await.unwrap();
        let arrival = Arrival {
            message: incoming.finish().await.unwrap(),
            trace: Vec::new(),
            flags: Flags::default(),
            internal_date: None,
        };
        let to = self.id(to);
        self.account.append(to, vec![arrival]).await.unwrap();
    }

    async fn expunge(&self, from: &str, uid: u32) {
        let change = FlagChange {
            action: FlagAction::Add,
            flags: Flags {
                system: SystemFlags::DELETED,
                keywords: Vec::new(),
            },
            unchanged_since: None,
        };
        let from = self.id(from);
        let uids = [Uid(uid)];
        self.account.store(from, &uids, &change).await.unwrap();
        self.account.expunge(from, Some(&uids)).await.unwrap();
    }

    fn id(&self, of: &str) -> store::MailboxId {
        let name = MailboxName::new(of).unwrap();
        self.account.snapshot().named(&name).unwrap().id()
    }

    /// Runs what is typed; gives its rows' lines and its last.
    async fn types(&mut self, typed: &str) -> (Vec<String>, String) {
        let outcome = self.tries(typed).await;
        let outcome = outcome.unwrap_or_else(|e| panic!("{typed}: {}", e.why));
        let lines = self.heard.rows.drain(..).map(|row| row.line);
        (lines.collect(), outcome.summary.line)
    }

    async fn tries(&mut self, typed: &str) -> Result<Outcome, Failed> {
        let request = request(&format!("chapar {typed}"));
        request.run(&self.context, &mut self.heard).await
    }
}

#[test]
fn what_is_gone_is_listed_and_comes_back_once() {
    run(async {
        let mut world = World::new().await;
        world.deliver("INBOX", "one").await;
        world.deliver("INBOX", "two").await;
        world.expunge("INBOX", 1).await;
        let (rows, last) = world.types("undelete Aa1 --list").await;
        let row = "INBOX 1\t2027-01-15T08:00:00Z\timap ann 192.0.2.7\t43\tone";
        assert_eq!(rows, [row]);
        assert_eq!(last, "mailboxes 0, messages 1");
        let (rows, last) = world.types("undelete Aa1 INBOX 1:* --dry-run").await;
        assert_eq!(rows, ["back\tINBOX 1\t→ INBOX 3"]);
        assert_eq!(last, "would be back 1, there already 0, lost 0");
        let (rows, last) = world.types("undelete Aa1 INBOX 1").await;
        assert_eq!(rows, ["back\tINBOX 1\t→ INBOX 3"]);
        assert_eq!(last, "back 1, there already 0, lost 0");
        let (rows, _) = world.types("undelete Aa1 INBOX 1,99").await;
        assert_eq!(rows, ["there already\tINBOX 1"]);
        let nothing = world.tries("undelete Aa1 INBOX").await.unwrap_err();
        assert_eq!(nothing.why, "nothing is gone from \"INBOX\"");
        let nothing = world.tries("undelete Aa1").await.unwrap_err();
        assert_eq!(nothing.code, Failed::MISUNDERSTOOD);
        assert!(world.tries("undelete Aa1 nowhere").await.is_err());

        let (rows, _) = world.types("history Aa1 INBOX 1").await;
        let rows: Vec<&str> = rows
            .iter()
            .map(|row| &row[row.find("Z\t").unwrap() + 2..])
            .collect();
        let expected = [
            "2\t-\tarrived\tINBOX 1",
            "4\timap ann 192.0.2.7\tflags\tINBOX 1 () → (\\Deleted)",
            "5\timap ann 192.0.2.7\texpunged\tINBOX 1",
            "6\tadmin root\tundeleted\tINBOX 3",
        ];
        assert_eq!(rows[1..], expected[1..]);
        let (rows, _) = world.types("history Aa1 --message-id <one@x>").await;
        assert_eq!(rows.len(), 4);
        let (rows, _) = world.types("history Aa1 --email E9").await;
        assert!(rows.is_empty());
    });
}

#[test]
fn a_mailbox_that_was_deleted_twice_is_asked_back_by_id() {
    run(async {
        let mut world = World::new().await;
        let name = MailboxName::new("a").unwrap();
        for subject in ["one", "two"] {
            world.account.create(&name, None).await.unwrap();
            world.deliver("a", subject).await;
            world.account.delete(&name).await.unwrap();
        }
        let several = world.tries("undelete Aa1 a 1").await.unwrap_err();
        assert_eq!(several.code, Failed::MISUNDERSTOOD);
        let (rows, last) = world.types("undelete Aa1 M8").await;
        assert_eq!(rows, ["mailbox made\ta", "back\ta 1\t→ a 1"]);
        assert_eq!(last, "back 1, there already 0, lost 0");
        let (rows, _) = world.types("undelete Aa1 --since 2026-01-01").await;
        assert_eq!(rows[0], "mailbox made\ta (deleted 2027-01-15 08:00)");
    });
}

#[test]
fn a_moment_is_restored_beside_what_is_there() {
    run(async {
        let mut world = World::new().await;
        world.deliver("INBOX", "one").await;
        world.expunge("INBOX", 1).await;
        // All of it happened within one second: the moment after it.
        let (rows, last) = world
            .types("restore Aa1 INBOX --at 2027-01-15T08:00:00Z")
            .await;
        assert_eq!(
            rows,
            [
                "INBOX → Restored 2027-01-15 08:00/INBOX\tplaced 0\tthere already 0\tflags 0\taside 0"
            ]
        );
        assert_eq!(last, "placed 0, there already 0, aside 0, lost 0");
        let before = world
            .tries("restore Aa1 --at 2026-01-01")
            .await
            .unwrap_err();
        assert!(
            before.why.starts_with("there was no mail at 20"),
            "{}",
            before.why
        );
        let nowhere = world
            .tries("restore Aa1 nowhere --at 2027-01-15T08:00Z")
            .await
            .unwrap_err();
        assert!(nowhere.why.starts_with("there was no mailbox nowhere"));
        let future = world.tries("restore Aa1 --at 2028-01-01").await;
        assert!(future.unwrap_err().why.ends_with("is still to come"));
        let single = world
            .tries("restore Aa1 INBOX 1 --at 2027-01-15T08:00Z --in-place")
            .await;
        assert_eq!(single.unwrap_err().code, Failed::MISUNDERSTOOD);
    });
}

#[test]
fn holds_and_rules_are_shown_set_and_obeyed() {
    run(async {
        let mut world = World::new().await;
        for subject in ["one", "two", "three"] {
            world.deliver("Trash", subject).await;
        }
        let rule = "messages 1\tthe configuration's for \\Trash";
        let (rows, _) = world.types("expiry show Aa1 Trash").await;
        assert_eq!(rows, [format!("Trash\t{rule}")]);
        let going = [format!("Aa1\tTrash\tmessages 2\toctets 86\t{rule}")];
        let (rows, last) = world.types("expire --dry-run").await;
        assert_eq!(
            (rows, &*last),
            (going.to_vec(), "would be expired: messages 2, octets 86")
        );
        assert_eq!(
            world.types("hold set Aa1 --dry-run").await.1,
            "account Aa1 would be held"
        );
        assert_eq!(
            world.types("hold set Aa1").await.1,
            "account Aa1 is held now"
        );
        assert_eq!(
            world.types("hold set Aa1").await.1,
            "account Aa1 is held already"
        );
        assert_eq!(world.types("hold list").await.0, ["Aa1\t(all of it)"]);
        assert!(world.types("expire").await.0.is_empty());
        let (rows, _) = world.types("expiry show Aa1 Trash").await;
        assert_eq!(rows, [format!("Trash\t{rule}\theld: nothing goes")]);
        assert_eq!(
            world.types("hold lift Aa1").await.1,
            "account Aa1 is no longer held"
        );
        let set = world.types("expiry set Aa1 Trash --never").await.1;
        assert_eq!(set, "now: never");
        assert!(world.types("expire").await.0.is_empty());
        let set = world
            .types("expiry set Aa1 Trash --age 2d --octets 100")
            .await
            .1;
        assert_eq!(set, "now: age 2d, octets 100");
        let (rows, _) = world.types("expire").await;
        assert_eq!(rows.len(), 1);
        let set = world.tries("expiry set Aa1 Trash").await.unwrap_err();
        assert_eq!(set.code, Failed::MISUNDERSTOOD);
        assert_eq!(
            world.types("expiry set Aa1 Trash --inherit").await.1,
            "now: no rule of its own"
        );
        let (rows, _) = world.types("undelete Aa1 Trash --list").await;
        assert!(
            rows.iter().all(|row| row.contains("\texpiry\t")),
            "{rows:?}"
        );
    });
}
