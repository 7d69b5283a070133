//! Verbs about rights, on a store in memory.

use super::messages::{World, run};

#[test]
fn rights_are_set_shown_told_and_taken_away() {
    run(async {
        let mut world = World::new().await;
        world.context.directory.add_group("staff").unwrap();
        let directory = &world.context.directory;
        directory.change_group("staff", &["bob"], &[]).unwrap();
        for (line, expected) in [
            (
                "acl show ann Archive",
                "Archive ann lrswipkxtean|entries 1, mailboxes 1, accounts 1",
            ),
            (
                "acl rights ann Archive bob ann anonymous",
                "Archive bob none|Archive ann lrswipkxtean|Archive anonymous none|mailboxes 1, accounts 1",
            ),
            (
                "acl set ann Archive bob read --dry-run",
                "Archive ann lrswipkxtean, bob lrs|would be set: mailboxes 1, accounts 1",
            ),
            (
                "acl rights ann Archive bob",
                "Archive bob none|mailboxes 1, accounts 1",
            ),
            (
                "acl set ann Archive bob read group:staff post",
                "Archive ann lrswipkxtean, bob lrs, group:staff lrsp|set: mailboxes 1, accounts 1",
            ),
            (
                "acl rights ann Archive bob zoe@example.org",
                "Archive bob lrsp|Archive zoe@example.org none|mailboxes 1, accounts 1",
            ),
            (
                "acl set ann Archive bob +wi -- -group:staff sp bob -s",
                "Archive ann lrswipkxtean, bob lrwi, group:staff lrsp, -group:staff sp|set: mailboxes 1, accounts 1",
            ),
            (
                "acl rights ann Archive bob",
                "Archive bob lrwi|mailboxes 1, accounts 1",
            ),
            (
                "acl remove ann Archive -- -group:staff group:staff",
                "Archive ann lrswipkxtean, bob lrwi|set: mailboxes 1, accounts 1",
            ),
            (
                "acl remove ann * --dry-run",
                "Archive ann lrswipkxtean|Drafts ann lrswipkxtean|INBOX ann lrswipkxtean|Junk ann lrswipkxtean|Sent ann lrswipkxtean|Trash ann lrswipkxtean|would be set: mailboxes 6, accounts 1",
            ),
            (
                "acl remove ann Archive",
                "Archive ann lrswipkxtean|set: mailboxes 1, accounts 1",
            ),
            (
                "mailbox create @example.org board",
                "board|made: mailboxes 1, accounts 1",
            ),
            (
                "acl set --shared board anyone lrs bob all",
                "@example.org board anyone lrs, bob lrswipkxtean|set: mailboxes 1, accounts 1",
            ),
            (
                "acl rights @example.org board zoe@example.org ann",
                "board zoe@example.org lrs|board ann none|mailboxes 1, accounts 1",
            ),
        ] {
            let said = world.ask(&format!("chapar {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
        world.ask("chapar acl show @example.org board").await;
        let object = &world.heard.rows[0].object;
        assert_eq!(
            (&object["identifier"], &object["default"]),
            (&"anyone".into(), &false.into())
        );
    });
}

#[test]
fn who_is_not_there_gets_no_rights() {
    run(async {
        let mut world = World::new().await;
        for (line, code, why) in [
            ("acl set ann Archive joe lrs", 1, "no user or group joe"),
            ("acl set ann Archive group:none lrs", 1, "no user or group"),
            ("acl set ann Archive bob lrz", 2, "'z' is no right"),
            ("acl set ann Archive bob", 2, "say which rights"),
            ("acl set ann Archive", 2, "say who"),
            ("acl set ann Nowhere bob lrs", 1, "no mailbox \"Nowhere\""),
            ("acl rights ann Archive", 2, "say whose rights"),
            ("acl rights ann Archive joe", 1, "no account \"joe\""),
            ("acl remove ann", 2, "say which mailbox"),
        ] {
            let failed = world.try_ask(&format!("chapar {line}")).await;
            let failed = failed.expect_err(line);
            assert_eq!(failed.code, code, "{line}: {failed:?}");
            assert!(failed.why.contains(why), "{line}: {failed:?}");
        }
    });
}
