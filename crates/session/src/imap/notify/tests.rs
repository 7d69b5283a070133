//! Notifications that no transcript can well show.

use imap::command::StatusItem;
use store::{MailboxName, account::BRIEFS_MAX};

use super::pending::{Happened, Pending};
use crate::imap::{
    state::Enabled,
    tests::{World, run},
};

fn name(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}

#[test]
fn who_misses_too_much_is_told_so_and_nothing_more() {
    run(async {
        let world = World::with_messages(1).await;
        let mut client = world.selected().await;
        let asked =
            "a NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (PERSONAL (SubscriptionChange))";
        assert!(
            client
                .says(asked)
                .await
                .ends_with("a OK NOTIFY completed\r\n")
        );
        for _ in 0..=BRIEFS_MAX / 2 {
            world.account.subscribe(&name("x")).await.unwrap();
            world.account.unsubscribe(&name("x")).await.unwrap();
        }
        let heard = client.hears().await;
        assert!(heard.starts_with("* OK [NOTIFICATIONOVERFLOW] "), "{heard}");
        assert_eq!(heard.lines().count(), 1);
        // As after NOTIFY NONE.
        world.account.subscribe(&name("x")).await.unwrap();
        world.deliver(1).await;
        assert_eq!(client.hears().await, "");
        assert_eq!(client.says("b NOOP").await, "b OK NOOP completed\r\n");
    });
}

#[test]
fn much_at_once_is_told_once() {
    run(async {
        let world = World::new().await;
        let mut client = world.client();
        let asked = "a NOTIFY SET (PERSONAL (MessageNew MessageExpunge SubscriptionChange))";
        client.says(asked).await;
        world.deliver(50).await;
        for _ in 0..10 {
            world.account.subscribe(&name("x")).await.unwrap();
            world.account.unsubscribe(&name("x")).await.unwrap();
        }
        assert_eq!(
            client.hears().await,
            "* LIST (\\NonExistent \\Noselect \\HasNoChildren) \"/\" x\r\n\
             * STATUS INBOX (UIDNEXT 51 MESSAGES 50)\r\n"
        );
        assert_eq!(client.hears().await, "");
    });
}

#[test]
fn what_looks_like_an_answer_waits_for_it() {
    run(async {
        let world = World::new().await;
        let mut client = world.client();
        client
            .says("a NOTIFY SET (PERSONAL (MessageNew MessageExpunge MailboxName))")
            .await;
        world.deliver(1).await;
        world.account.create(&name("x"), None).await.unwrap();
        let answer = client.says("b STATUS Sent (MESSAGES)").await;
        assert_eq!(
            answer,
            "* STATUS Sent (MESSAGES 0)\r\nb OK STATUS completed\r\n"
        );
        let answer = client.says("c LIST \"\" Junk").await;
        assert_eq!(answer.matches("* LIST").count(), 1, "{answer}");
        let heard = client.hears().await;
        assert_eq!(heard.lines().count(), 2, "{heard}");
        world.deliver(1).await;
        let answer = client.says("d NOOP").await;
        let expected = "* STATUS INBOX (UIDNEXT 3 MESSAGES 2)\r\nd OK NOOP completed\r\n";
        assert_eq!(answer, expected);
    });
}

#[test]
fn status_tells_what_happened_and_no_more() {
    use StatusItem::{HighestModSeq, Messages, UidNext, UidValidity, Unseen};
    let plain = Enabled::default();
    let condstore = Enabled {
        condstore: true,
        ..plain
    };
    let qresync = Enabled {
        qresync: true,
        ..condstore
    };
    let came = Happened {
        came: true,
        ..Happened::default()
    };
    let went = Happened {
        went: true,
        ..Happened::default()
    };
    let flagged = Happened {
        flagged: true,
        ..Happened::default()
    };
    let seen = Happened {
        unseen: true,
        ..flagged
    };
    let validity = Happened {
        validity: true,
        ..Happened::default()
    };
    for (happened, enabled, items) in [
        (came, plain, &[UidNext, Messages][..]),
        (came, condstore, &[UidNext, Messages, HighestModSeq]),
        (went, plain, &[UidNext, Messages]),
        (went, condstore, &[UidNext, Messages]),
        (went, qresync, &[UidNext, Messages, HighestModSeq]),
        (flagged, plain, &[]),
        (flagged, condstore, &[UidValidity, HighestModSeq]),
        (seen, plain, &[Unseen]),
        (seen, condstore, &[UidValidity, Unseen, HighestModSeq]),
        (validity, plain, &[UidValidity, UidNext, Messages]),
    ] {
        assert_eq!(happened.items(enabled), items, "{happened:?} {enabled:?}");
    }
}

#[test]
fn names_in_between_are_not_told() {
    for (renames, expected) in [
        (&[("a", "b")][..], &[("b", Some("a"))][..]),
        (&[("a", "b"), ("a/x", "b/x")], &[("b", Some("a"))]),
        (
            &[("a", "b"), ("c", "b/x")],
            &[("b", Some("a")), ("b/x", Some("c"))],
        ),
        (&[("a", "b"), ("b", "c")], &[("c", Some("a"))]),
        (&[("a", "b"), ("b", "a")], &[("a", None)]),
        (
            &[("a", "a/b/c"), ("a/x", "a/b/c/x")],
            &[("a/b/c", Some("a"))],
        ),
    ] {
        let mut pending = Pending::default();
        for (from, to) in renames {
            pending.renamed(&name(from), &name(to));
        }
        let listings = pending.listings();
        let listings: Vec<_> = listings.collect();
        assert_eq!(listings, expected, "{renames:?}");
    }
}
