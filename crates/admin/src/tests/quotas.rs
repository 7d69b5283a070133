//! Verbs about quotas, on a store in memory.

use super::messages::{World, run};

#[test]
fn limits_are_set_shown_held_to_and_taken_away() {
    run(async {
        let mut world = World::new().await;
        for (line, expected) in [
            (
                "quota show ann",
                "(the account) STORAGE 1 no limit|(the account) MESSAGE 4 no limit|(the account) MAILBOX 6 no limit|(the account) ANNOTATION-STORAGE 0 no limit|quota roots 1, accounts 1",
            ),
            (
                "quota set ann --storage 2MiB --messages 5 --dry-run",
                "(the account)|would be limited: quota roots 1, accounts 1",
            ),
            (
                "quota set ann --storage 2MiB --messages 5",
                "(the account)|limited: quota roots 1, accounts 1",
            ),
            (
                "quota set ann INBOX --storage 2MiB --messages 5",
                "(the account) already so|limited: quota roots 1, accounts 1",
            ),
            (
                "quota set ann Archive Lists --messages 4",
                "Archive|Lists|limited: quota roots 2, accounts 1",
            ),
            (
                "quota show ann",
                "Archive MESSAGE 1 of 4 25 %|Lists MESSAGE 0 of 4 0 %|(the account) STORAGE 1 of 2048 0 %|(the account) MESSAGE 4 of 5 80 %|quota roots 3, accounts 1",
            ),
            (
                "quota show ann Archive",
                "Archive MESSAGE 1 of 4 25 %|(the account) STORAGE 1 of 2048 0 %|(the account) MESSAGE 4 of 5 80 %|quota roots 2, accounts 1",
            ),
            (
                "quota show --all --over 80",
                "ann (the account) MESSAGE 4 of 5 80 %|quota roots 4, accounts 2",
            ),
            (
                "copy ann INBOX 1 --to Archive",
                "INBOX 1 → Archive 2|copied: messages 1, mailboxes 1, accounts 1",
            ),
            (
                "quota remove ann Archive Lists",
                "Archive|Lists|without limits: quota roots 2, accounts 1",
            ),
            (
                "quota remove ann Archive",
                "Archive already so|without limits: quota roots 1, accounts 1",
            ),
        ] {
            let said = world.ask(&format!("chapar {line}")).await;
            assert_eq!(said, expected, "{line}");
        }
        let failed = world.try_ask("chapar copy ann INBOX 1 --to Sent").await;
        let why = failed.unwrap_err().why;
        assert!(why.contains("MESSAGE"), "{why}");
        world.ask("chapar quota show ann").await;
        let object = &world.heard.rows[1].object;
        assert_eq!(
            (&object["resource"], &object["percent"]),
            (&"MESSAGE".into(), &100.into())
        );
        assert_eq!(object["root"], serde_json::Value::Null);
        for (line, why) in [
            ("quota set ann", "--storage"),
            (
                "quota set ann --messages 18446744073709551615",
                "no limit is above",
            ),
            ("quota show", "say whose"),
        ] {
            let failed = world.try_ask(&format!("chapar {line}")).await.unwrap_err();
            assert!(
                failed.code == 2 && failed.why.contains(why),
                "{line}: {failed:?}"
            );
        }
    });
}
