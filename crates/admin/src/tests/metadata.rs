//! Verbs about metadata, on a store in memory.

use super::messages::{World, run};

#[test]
fn metadata_is_set_shown_and_removed() {
    run(async {
        let mut world = World::new().await;
        for (line, expected) in [
            (
                "set ann INBOX comment \"all of it\" --dry-run",
                "INBOX /shared/comment all of it|would be set: entries 1, accounts 1",
            ),
            ("show ann", "entries 0, accounts 1"),
            (
                "set ann INBOX -- comment \"all of it\" /private/x -7",
                "INBOX /shared/comment all of it|INBOX /private/x -7|set: entries 2, accounts 1",
            ),
            (
                "set --all INBOX sharedseen true --private",
                "ann INBOX /private/vendor/cmu/cyrus-imapd/sharedseen true|bob INBOX /private/vendor/cmu/cyrus-imapd/sharedseen true|set: entries 2, accounts 2",
            ),
            (
                "set bob \"\" /shared/comment b",
                "(the account) /shared/comment b|set: entries 1, accounts 1",
            ),
            (
                "show ann INBOX",
                "INBOX /private/vendor/cmu/cyrus-imapd/sharedseen true|INBOX /private/x -7|INBOX /shared/comment all of it|entries 3, accounts 1",
            ),
            (
                "show ann * /SHARED/*",
                "INBOX /shared/comment all of it|entries 1, accounts 1",
            ),
            (
                "show bob \"\"",
                "(the account) /shared/comment b|entries 1, accounts 1",
            ),
            ("show --all Archive", "entries 0, accounts 2"),
            (
                "remove ann * /private/* --dry-run",
                "INBOX /private/vendor/cmu/cyrus-imapd/sharedseen|INBOX /private/x|would be removed: entries 2, accounts 1",
            ),
            (
                "remove ann * /private/*",
                "INBOX /private/vendor/cmu/cyrus-imapd/sharedseen|INBOX /private/x|removed: entries 2, accounts 1",
            ),
            (
                "show ann",
                "INBOX /shared/comment all of it|entries 1, accounts 1",
            ),
            (
                "set ann Archive /private/specialuse \\Important",
                "Archive /private/specialuse \\Important|set: entries 1, accounts 1",
            ),
        ] {
            let said = world.ask(&format!("chapar metadata {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
        let said = world.ask("chapar mailbox list ann Archive").await;
        assert!(said.starts_with("Archive \\Important"), "{said}");
        for (line, code, why) in [
            ("set ann INBOX", 2, "which entry, and its value"),
            ("set ann INBOX comment", 2, "which entry, and its value"),
            ("remove ann INBOX", 2, "say which entries"),
            ("set ann Nowhere comment x", 1, "no mailbox \"Nowhere\""),
            ("set ann INBOX /private/specialuse \\Odd", 1, "special use"),
        ] {
            let failed = world.try_ask(&format!("chapar metadata {line}")).await;
            let failed = failed.expect_err(line);
            assert_eq!(failed.code, code, "{line}: {failed:?}");
            assert!(failed.why.contains(why), "{line}: {failed:?}");
        }
    });
}
