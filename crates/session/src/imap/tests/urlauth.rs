//! Who may fetch what a URL names: RFC 4467 §3, §4.

use std::sync::Arc;

use store::{AccountId, MailboxName};

use super::{World, run};
use crate::imap::{Settings, Urls};

/// The URL of a GENURLAUTH response.
fn url(said: &str) -> &str {
    said.split('"').nth(1).unwrap()
}

#[test]
fn a_url_is_for_whom_it_says_and_gives_what_its_owner_has() {
    run(async {
        let world = World::with_messages(1).await;
        for name in ["joe", "ann", "submit"] {
            world.users.add(name, b"secret").unwrap();
        }
        let settings = Settings {
            urls: Urls {
                submitters: vec!["submit".to_owned()],
                ..Urls::default()
            },
            ..Settings::default()
        };
        let id = world.users.account("ann").unwrap().id;
        let account = world.store.account(AccountId(id)).await.unwrap();
        let inbox = account
            .snapshot()
            .named(&MailboxName::inbox())
            .unwrap()
            .id();
        world.deliver_to(&account, inbox).await;

        let settings = Arc::new(settings);
        let mut ann = world.client_of("ann", &account, &settings);
        let mut joe = world.client_of("joe", &world.account, &settings);
        let mut submit = world.client_of("submit", &world.account, &settings);
        for (access, for_joe, for_submit) in [
            ("anonymous", true, true),
            ("authuser", true, true),
            ("user+joe", true, false),
            ("user+JOE", true, false),
            ("user+ann", false, false),
            ("submit+joe", false, true),
            ("submit+nobody", false, true),
        ] {
            let rump = format!("imap://ann@mail.example/INBOX/;uid=1;urlauth={access}");
            let said = ann.says(&format!("a GENURLAUTH \"{rump}\" INTERNAL")).await;
            let command = format!("b URLFETCH \"{}\"", url(&said));
            for (client, expected) in [(&mut joe, for_joe), (&mut submit, for_submit)] {
                let said = client.says(&command).await;
                assert_eq!(said.contains("Subject: x"), expected, "{access}: {said}");
                assert_eq!(said.contains(" NIL\r\n"), !expected, "{access}: {said}");
            }
        }
        // Others' mail can't be authorized, and who has none looks like who gives none.
        let said = joe
            .says(
                "c GENURLAUTH \"imap://ann@mail.example/INBOX/;uid=1;urlauth=anonymous\" INTERNAL",
            )
            .await;
        assert!(said.starts_with("c BAD"), "{said}");
        let said = ann
            .says(
                "d GENURLAUTH \"imap://ann@mail.example/INBOX/;uid=1;urlauth=anonymous\" INTERNAL",
            )
            .await;
        let nobodys = url(&said).replace("//ann@", "//nobody@");
        let said = joe.says(&format!("e URLFETCH \"{nobodys}\"")).await;
        assert!(said.contains(" NIL\r\n"), "{said}");
        // The access that the owner has now.
        let fetch = format!("f URLFETCH \"{}\"", nobodys.replace("//nobody@", "//ann@"));
        assert!(joe.says(&fetch).await.contains("Subject: x"));
        world.users.set_disabled("ann", true).unwrap();
        assert!(joe.says(&fetch).await.contains(" NIL\r\n"));
    });
}
