//! What each command takes, from the other side: somebody with every right but one, somebody with nothing but
//! what it takes, and somebody who may not know that there is anything. RFC 4314 §4, §6.

use super::*;
use store::{Acl, Rights, Who};

/// A command, and what it takes on ann's mailbox `m`. Bob sends it, with `m` selected where that is said; then
/// the right to read it is not asked for again.
struct Row {
    selected: bool,
    command: &'static str,
    takes: &'static str,
}

const fn row(command: &'static str, takes: &'static str) -> Row {
    Row {
        selected: false,
        command,
        takes,
    }
}

const fn within(command: &'static str, takes: &'static str) -> Row {
    Row {
        selected: true,
        command,
        takes,
    }
}

/// `@` stands for the mailbox.
const COMMANDS: &[Row] = &[
    row("SELECT @", "r"),
    row("EXAMINE @", "r"),
    row("STATUS @ (MESSAGES UNSEEN)", "r"),
    row("APPEND @ {3+}\r\nabc", "i"),
    row("CREATE @/new", "k"),
    row("DELETE @", "x"),
    row("RENAME @ @2", "x"),
    row("SETACL @ bob lr", "a"),
    row("DELETEACL @ bob", "a"),
    row("GETACL @", "a"),
    row("LISTRIGHTS @ bob", "a"),
    within("EXPUNGE", "e"),
    within("UID EXPUNGE 1", "e"),
    within("STORE 1 +FLAGS (\\Seen)", "s"),
    within("STORE 1 -FLAGS (\\Deleted)", "t"),
    within("UID STORE 1 +FLAGS (\\Flagged)", "w"),
    within("STORE 1 +FLAGS ($Work)", "w"),
    within("MOVE 1 INBOX", "te"),
    within("UID MOVE 1 INBOX", "te"),
    within("REPLACE 1 INBOX {3+}\r\nabc", "te"),
];

/// The answer to somebody who may not know of it, where that is not `NONEXISTENT`.
fn hidden(command: &str) -> &'static str {
    match command.split(' ').next() {
        Some("APPEND") => "[TRYCREATE]",
        Some("CREATE") => "[NOPERM]",
        _ => "[NONEXISTENT]",
    }
}

/// Ann and bob, and ann's mailboxes.
struct Two {
    world: World,
    ann: Account,
    bob: Account,
    made: u32,
}

impl Two {
    async fn new() -> Self {
        let world = World::new().await;
        let mut accounts = Vec::new();
        for name in ["ann", "bob"] {
            let id = world.users.add_without_password(name).unwrap().id;
            accounts.push(world.store.account(AccountId(id)).await.unwrap());
        }
        let bob = accounts.pop().unwrap();
        let ann = accounts.pop().unwrap();
        Self {
            world,
            ann,
            bob,
            made: 0,
        }
    }

    /// What bob is answered with these rights on a new mailbox with a message that is `\Deleted`, by its last line;
    /// with all rights on INBOX, which new names come to.
    async fn answer(&mut self, row: &Row, rights: Rights) -> String {
        self.made += 1;
        let name = format!("m{}", self.made);
        let name = MailboxName::new(&name).unwrap();
        let mailbox = self.ann.create(&name, None).await.unwrap();
        self.world.deliver_to(&self.ann, mailbox).await;
        let deleted = store::FlagChange {
            action: store::FlagAction::Add,
            flags: Flags {
                system: store::SystemFlags::DELETED,
                keywords: Vec::new(),
            },
            unchanged_since: None,
        };
        self.ann.store(mailbox, &[Uid(1)], &deleted).await.unwrap();
        let inbox = self
            .ann
            .snapshot()
            .named(&MailboxName::inbox())
            .unwrap()
            .id();
        let selecting = if row.selected {
            Rights::READ
        } else {
            Rights::NONE
        };
        self.give(mailbox, rights.with(selecting)).await;
        self.give(inbox, Rights::CREATE).await;
        let imap = Arc::default();
        let mut bob = self.world.client_of("bob", &self.bob, &imap);
        let place = format!("\"Other Users/ann/{name}\"");
        if row.selected {
            let opened = bob.says(&format!("s SELECT {place}")).await;
            assert!(opened.contains("s OK"), "{opened}");
        }
        let command = row.command.replace("@2", &place.replace("/m", "/n"));
        let command = command.replace(
            "@/new",
            &place.replacen(&*name.to_string(), &format!("{name}/new"), 1),
        );
        let heard = bob
            .says(&format!("x {}", command.replace('@', &place)))
            .await;
        let last = heard.lines().last().unwrap_or_default();
        last.replace(name.as_str(), "m")
    }

    async fn give(&self, mailbox: MailboxId, rights: Rights) {
        let bob = Who::Account(self.bob.id());
        let acl: Acl = [(bob.into(), rights)].into_iter().collect();
        self.ann.set_acl(mailbox, Some(acl)).await.unwrap();
    }
}

#[test]
fn every_command_takes_its_rights_and_no_other() {
    run(async {
        let mut two = Two::new().await;
        for row in COMMANDS {
            let takes = Rights::parse(row.takes).unwrap();
            for lacking in takes.each() {
                let answer = two.answer(row, Rights::EVERY.without(lacking)).await;
                let expected = format!(
                    "x NO [NOPERM] Permission denied: it takes the right {lacking} on the mailbox"
                );
                assert_eq!(answer, expected, "{} without {lacking}", row.command);
            }
            let answer = two.answer(row, takes).await;
            assert!(
                answer.starts_with("x OK"),
                "{} with {takes}: {answer}",
                row.command
            );
        }
    });
}

#[test]
fn what_is_hidden_is_answered_as_what_is_not_there() {
    run(async {
        let mut two = Two::new().await;
        for row in COMMANDS.iter().filter(|row| !row.selected) {
            let takes = Rights::parse(row.takes).unwrap();
            let rights = Rights::EVERY.without(takes).without(Rights::LOOKUP);
            let answer = two.answer(row, rights).await;
            let code = hidden(row.command);
            assert!(
                answer.starts_with(&format!("x NO {code} ")),
                "{}: {answer}",
                row.command
            );
            let imap = Arc::default();
            let mut bob = two.world.client_of("bob", &two.bob, &imap);
            for nowhere in ["Other Users/ann/none", "Other Users/nobody/m"] {
                // Who may make mailboxes in ann's INBOX may make this one.
                if row.command.starts_with("CREATE") && nowhere.ends_with("none") {
                    continue;
                }
                let place = format!("\"{nowhere}\"");
                let command = row.command.replace("@2", "\"Other Users/ann/n\"");
                let command = command.replace("@/new", &format!("\"{nowhere}/new\""));
                let heard = bob
                    .says(&format!("x {}", command.replace('@', &place)))
                    .await;
                assert_eq!(
                    heard.lines().last(),
                    Some(&*answer),
                    "{} {nowhere}",
                    row.command
                );
            }
        }
    });
}

#[test]
fn a_copy_takes_the_right_to_insert_where_it_goes() {
    run(async {
        let two = Two::new().await;
        let own = two
            .bob
            .snapshot()
            .named(&MailboxName::inbox())
            .unwrap()
            .id();
        two.world.deliver_to(&two.bob, own).await;
        for command in [
            "COPY 1 @",
            "UID COPY 1 @",
            "MOVE 1 @",
            "REPLACE 1 @ {3+}\r\nabc",
        ] {
            for (rights, expected) in [
                (Rights::EVERY.without(Rights::INSERT), "x NO [NOPERM] "),
                (Rights::READ, "x NO [TRYCREATE] "),
                (Rights::INSERT, "x OK"),
            ] {
                let name = MailboxName::new("into").unwrap();
                let mailbox = two.ann.create(&name, None).await.unwrap();
                two.give(mailbox, rights).await;
                let imap = Arc::default();
                let mut bob = two.world.client_of("bob", &two.bob, &imap);
                bob.says("s SELECT INBOX").await;
                let command = command.replace('@', "\"Other Users/ann/into\"");
                let heard = bob.says(&format!("x {command}")).await;
                let last = heard.lines().last().unwrap_or_default();
                assert!(
                    last.starts_with(expected),
                    "{command} with {rights}: {heard}"
                );
                two.ann.delete(&name).await.unwrap();
            }
            two.world.deliver_to(&two.bob, own).await;
        }
    });
}

#[test]
fn each_right_but_those_to_write_flags_lets_one_ask_for_ones_rights() {
    run(async {
        let mut two = Two::new().await;
        let row = row("MYRIGHTS @", "");
        for right in Rights::EVERY.each() {
            let answer = two.answer(&row, right).await;
            let expected = if Rights::ANY.contains(right) {
                "x OK"
            } else {
                "x NO [NONEXISTENT]"
            };
            assert!(answer.starts_with(expected), "{right}: {answer}");
        }
    });
}

#[test]
fn only_what_may_be_looked_up_is_listed() {
    run(async {
        let mut two = Two::new().await;
        for right in Rights::EVERY.each() {
            let select = row("NOOP", "");
            two.answer(&select, right).await;
            let imap = Arc::default();
            let mut bob = two.world.client_of("bob", &two.bob, &imap);
            let name = format!("Other Users/ann/m{}", two.made);
            let heard = bob.says(&format!("x LIST \"\" \"{name}\"")).await;
            assert_eq!(
                heard.contains(&name),
                right == Rights::LOOKUP,
                "{right}: {heard}"
            );
        }
    });
}
