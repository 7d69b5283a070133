//! Verbs about mailboxes, on a store in memory.

use super::messages::{World, run};

#[test]
fn mailboxes_are_made_listed_renamed_and_deleted() {
    run(async {
        let mut world = World::new().await;
        for (line, expected) in [
            (
                "mailbox list ann \"A*\"",
                "Archive \\Archive subscribed|mailboxes 1, accounts 1",
            ),
            (
                "mailbox create ann a/b c --dry-run",
                "a/b|c|would be made: mailboxes 2, accounts 1",
            ),
            (
                "mailbox create ann a/b c --subscribe",
                "a/b|c|made: mailboxes 2, accounts 1",
            ),
            (
                "mailbox list ann a \"a/*\" c",
                "a  |a/b  subscribed|c  subscribed|mailboxes 3, accounts 1",
            ),
            (
                "mailbox rename ann a/b a/x --dry-run",
                "a/b → a/x|would be renamed: mailboxes 1, accounts 1",
            ),
            (
                "mailbox rename ann a/b a/x",
                "a/b → a/x|renamed: mailboxes 1, accounts 1",
            ),
            (
                "mailbox list ann --subscribed \"a*\"",
                "a/x  subscribed|mailboxes 1, accounts 1",
            ),
            (
                "move ann INBOX 1:2 --to a/x",
                "INBOX 1:2 → a/x 1:2|moved: messages 2, mailboxes 1, accounts 1",
            ),
            (
                "mailbox delete ann a --below --dry-run",
                "a/x messages 2|a messages 0|would be deleted: mailboxes 2, accounts 1",
            ),
            (
                "mailbox delete ann a/x --unsubscribe",
                "a/x messages 2|deleted: mailboxes 1, accounts 1",
            ),
            (
                "mailbox delete --all a c",
                "ann a messages 0|ann c messages 0|deleted: mailboxes 2, accounts 2",
            ),
            (
                "mailbox list ann --subscribed \"?\" c",
                "c  subscribed, not there|mailboxes 1, accounts 1",
            ),
            (
                "mailbox create zoe@example.org New",
                "New|made: mailboxes 1, accounts 1",
            ),
            (
                "mailbox list zoe@example.org INBOX New",
                "INBOX  subscribed|New  |mailboxes 2, accounts 1",
            ),
        ] {
            let said = world.ask(&format!("chapar {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
    });
}

#[test]
fn special_uses_are_given_where_they_are_free() {
    run(async {
        let mut world = World::new().await;
        world.ask("chapar mailbox delete bob Junk").await;
        let said = world
            .ask("chapar mailbox create bob Spam --special-use Junk")
            .await;
        assert_eq!(said, "Spam|made: mailboxes 1, accounts 1");
        let said = world.ask("chapar mailbox list bob Spam").await;
        assert!(said.starts_with("Spam \\Junk"), "{said}");
        // All the same in the others.
        let line = "chapar mailbox create --all Ham --special-use junk --dry-run";
        let outcome = world.try_ask(line).await.unwrap();
        assert_eq!(outcome.code, 1);
        let notes = world.heard.notes.join("|");
        assert!(
            notes.contains("ann Ham: ") && notes.contains("no mail of zoe@example.org"),
            "{notes}"
        );
    });
}

#[test]
fn status_tells_what_is_kept() {
    run(async {
        let mut world = World::new().await;
        world.ask("chapar flags ann INBOX 1 --add \\Seen").await;
        let said = world.ask("chapar mailbox status --all INBOX").await;
        let lines: Vec<&str> = said.split('|').collect();
        assert!(
            lines[0].starts_with("ann INBOX messages 3 unseen 2 deleted 0 octets "),
            "{said}"
        );
        assert!(
            lines[1].starts_with("bob INBOX messages 1 unseen 1 "),
            "{said}"
        );
        assert!(
            lines[2].starts_with("accounts 2, mailboxes 2, messages 4, unseen 3"),
            "{said}"
        );
        let object = &world.heard.rows[0].object;
        assert_eq!(
            (&object["uid_next"], &object["mailbox_id"]),
            (&4.into(), &"M1".into())
        );
    });
}

#[test]
fn shared_mailboxes_are_a_domains() {
    run(async {
        let mut world = World::new().await;
        for (line, expected) in [
            (
                "mailbox create @example.org board/news",
                "board/news|made: mailboxes 1, accounts 1",
            ),
            ("mailbox create @ all", "all|made: mailboxes 1, accounts 1"),
            (
                "mailbox list @example.org",
                "board  |board/news  |mailboxes 2, accounts 1",
            ),
            (
                "mailbox list --shared",
                "@ all  |@example.org board  |@example.org board/news  |mailboxes 3, accounts 2",
            ),
            (
                "copy ann INBOX 2 --to board/news --to-account @example.org",
                "INBOX 2 → board/news 1|copied: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "search --shared=example.org \"*\" SUBJECT two",
                "@example.org board/news 1|found: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "search --shared=@ \"*\" ALL",
                "@ |found: messages 0, mailboxes 0, accounts 1",
            ),
            (
                "fetch @example.org board/news ALL --fields account,subject",
                "@example.org two|fetched: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "search --all --shared \"*\" SUBJECT two",
                "ann INBOX 2|@example.org board/news 1|found: messages 2, mailboxes 2, accounts 4",
            ),
            (
                "expunge @example.org \"*\" ALL",
                "board/news 1|removed: messages 1, mailboxes 1, accounts 1",
            ),
        ] {
            let said = world.ask(&format!("chapar {line}")).await;
            assert_eq!(said, expected.trim_start_matches("@ |"), "{line}");
        }
        let usage = world.ask("chapar account usage @example.org").await;
        assert!(usage.starts_with("@example.org A"), "{usage}");
    });
}

#[test]
fn subscriptions_come_and_go() {
    run(async {
        let mut world = World::new().await;
        for (line, expected) in [
            (
                "unsubscribe --all \"%r%\" --dry-run",
                "ann Archive|ann Drafts|ann Trash|bob Archive|bob Drafts|bob Trash|would be unsubscribed from: mailboxes 6, accounts 2",
            ),
            (
                "unsubscribe --all Trash",
                "ann Trash|bob Trash|unsubscribed from: mailboxes 2, accounts 2",
            ),
            (
                "subscribe ann \"*\"",
                "Trash|subscribed to: mailboxes 1, accounts 1",
            ),
            (
                "subscribe ann Nowhere Trash",
                "Nowhere|subscribed to: mailboxes 1, accounts 1",
            ),
            (
                "mailbox list ann --subscribed Nowhere",
                "Nowhere  subscribed, not there|mailboxes 1, accounts 1",
            ),
        ] {
            let said = world.ask(&format!("chapar {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
    });
}

#[test]
fn what_can_not_be_done_to_a_mailbox_says_why() {
    run(async {
        let mut world = World::new().await;
        for (line, code, why) in [
            ("mailbox create ann", 2, "say which mailbox"),
            ("mailbox create", 2, "say which mailbox"),
            ("mailbox list", 2, "say whose"),
            ("mailbox create ann INBOX", 1, "exists"),
            ("mailbox create ann a//b", 1, "empty level"),
            (
                "mailbox create ann New --partition none",
                1,
                "no partition \"none\"",
            ),
            ("mailbox delete ann INBOX", 1, "INBOX can't be deleted"),
            (
                "mailbox delete ann INBOX --dry-run",
                1,
                "INBOX can't be deleted",
            ),
            ("mailbox delete ann Nowhere", 1, "no mailbox \"Nowhere\""),
            ("mailbox delete ann", 2, "say which mailbox"),
            ("mailbox rename ann INBOX", 2, "two names"),
            (
                "mailbox rename ann Nowhere New",
                1,
                "no mailbox \"Nowhere\"",
            ),
            ("mailbox rename ann Junk Trash", 1, "exists"),
            ("mailbox rename ann Junk Trash --dry-run", 1, "exists"),
            ("subscribe ann", 2, "say which mailbox"),
            ("subscribe zoe@example.org x", 1, "no mail of zoe"),
        ] {
            let failed = world.try_ask(&format!("chapar {line}")).await;
            let failed = failed.expect_err(line);
            assert_eq!(failed.code, code, "{line}: {failed:?}");
            assert!(failed.why.contains(why), "{line}: {failed:?}");
        }
        let made = world.try_ask("chapar mailbox list ann New").await;
        made.expect_err("nothing was made of what could not be done");
    });
}
