//! Annotations, through everything that can happen to what has them.

use super::*;
use crate::{
    Annotation, AnnotationChange, AnnotationLimits, Whose,
    annotation::{ANNOTATIONS, Setting, TOO_BIG, TOO_MANY},
    past::{Mode, Moment, Restore, Retention, Selection, Source, Target, Undelete, Wanted},
};

const BOB: Whose = Whose::Private(AccountId(0xb0b));

fn setting(entry: &str, whose: Whose, value: Option<&str>) -> Setting {
    Setting {
        entry: entry.into(),
        whose,
        value: value.map(|value| value.as_bytes().into()),
    }
}

fn change(settings: &[Setting]) -> AnnotationChange {
    AnnotationChange {
        settings: settings.to_vec(),
        unchanged_since: None,
        limits: AnnotationLimits::default(),
    }
}

async fn annotate(account: &Account, mailbox: &str, uid: u32, settings: &[Setting]) {
    let id = account.snapshot().named(&name(mailbox)).unwrap().id();
    let stored = account.annotate(id, &[Uid(uid)], &change(settings)).await;
    assert_eq!(stored.unwrap(), crate::Stored::default());
}

async fn deliver(store: &Store, account: &Account, messages: usize) -> MailboxId {
    let id = inbox(account);
    for n in 0..messages {
        let octets = format!("Message-ID: <{n}@x>\r\n\r\nbody\r\n");
        let arrivals = vec![arrival(store, octets.as_bytes()).await];
        account.append(id, arrivals).await.unwrap();
    }
    id
}

fn of(account: &Account, mailbox: &str, uid: u32) -> Vec<String> {
    let snapshot = account.snapshot();
    let mailbox = snapshot.named(&name(mailbox)).unwrap();
    let them = mailbox.annotations().of(Uid(uid)).iter();
    them.map(
        |Annotation {
             entry,
             whose,
             value,
         }| {
            let whose = match whose {
                Whose::Own => "own".to_owned(),
                Whose::Private(id) => id.to_string(),
                Whose::Shared => "shared".to_owned(),
            };
            format!("{entry} {whose} {}", String::from_utf8_lossy(value))
        },
    )
    .collect()
}

#[test]
fn every_value_is_somebodys_and_is_counted() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let id = deliver(&store, &account, 3).await;
        let settings = [
            setting("/comment", Whose::Own, Some("mine")),
            setting("/comment", BOB, Some("his")),
            setting("/comment", Whose::Shared, Some("ours")),
            setting("/altsubject", Whose::Own, Some("")),
        ];
        annotate(&account, "INBOX", 2, &settings).await;
        let expected = [
            "/altsubject own ",
            "/comment own mine",
            "/comment Ab0b his",
            "/comment shared ours",
        ];
        assert_eq!(of(&account, "INBOX", 2), expected);
        let mailbox = account.open_mailbox(id).await.unwrap();
        assert_eq!(mailbox.annotation_octets(), 11);
        let now = account.snapshot().mod_seq();
        assert_eq!(mailbox.get(Uid(2)).unwrap().mod_seq, now);
        assert_eq!(mailbox.highest_mod_seq(), now);
        // What is so already is no change.
        annotate(&account, "INBOX", 2, &settings).await;
        assert_eq!(account.snapshot().mod_seq(), now);
        let fewer = [
            setting("/comment", Whose::Own, None),
            setting("/comment", BOB, None),
            setting("/Comment", Whose::Shared, None),
        ];
        annotate(&account, "INBOX", 2, &fewer).await;
        let left = ["/altsubject own ", "/comment shared ours"];
        assert_eq!(of(&account, "INBOX", 2), left);
        let mailbox = account.open_mailbox(id).await.unwrap();
        assert_eq!(mailbox.annotation_octets(), 4);
        nothing_wrong(&store);
    });
}

#[test]
fn messages_that_changed_are_left_alone_and_those_that_are_gone_are_named() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let id = deliver(&store, &account, 3).await;
        let since = account.snapshot().mod_seq();
        annotate(
            &account,
            "INBOX",
            2,
            &[setting("/a", Whose::Own, Some("1"))],
        )
        .await;
        let later = AnnotationChange {
            unchanged_since: Some(since),
            ..change(&[setting("/a", Whose::Own, Some("2"))])
        };
        let uids = [Uid(1), Uid(2), Uid(3), Uid(9)];
        let stored = account.annotate(id, &uids, &later).await.unwrap();
        assert_eq!((stored.modified, stored.gone), (vec![Uid(2)], vec![Uid(9)]));
        assert_eq!(of(&account, "INBOX", 1), ["/a own 2"]);
        assert_eq!(of(&account, "INBOX", 2), ["/a own 1"]);
        assert_eq!(of(&account, "INBOX", 3), ["/a own 2"]);
    });
}

#[test]
fn there_is_no_more_of_them_than_may_be() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let id = deliver(&store, &account, 1).await;
        let limits = AnnotationLimits {
            value_octets_max: 5,
            of_message_max: 2,
        };
        let try_set = async |settings: &[Setting]| {
            let change = AnnotationChange {
                limits,
                ..change(settings)
            };
            match account.annotate(id, &[Uid(1)], &change).await {
                Ok(_) => "",
                Err(Error::Limit(what)) => what,
                Err(Error::NotPermitted(_)) => "no name",
                Err(error) => panic!("{error}"),
            }
        };
        let own = |entry, value| setting(entry, Whose::Own, value);
        assert_eq!(try_set(&[own("/a", Some("123456"))]).await, TOO_BIG);
        assert_eq!(try_set(&[own("a", Some("1"))]).await, "no name");
        let shared = setting("/a", Whose::Shared, Some("12345"));
        assert_eq!(try_set(&[own("/a", Some("1")), shared]).await, "");
        assert_eq!(try_set(&[own("/b", Some("1"))]).await, TOO_MANY);
        // Somebody else's are not counted.
        assert_eq!(try_set(&[setting("/a", BOB, Some("1"))]).await, "");
        let other = [own("/a", None), own("/b", Some("1"))];
        assert_eq!(try_set(&other).await, "");
        assert_eq!(try_set(&[own("/a", Some("1")), own("/a", None)]).await, "");
        assert_eq!(of(&account, "INBOX", 1).len(), 3);
    });
}

#[test]
fn an_account_has_no_more_of_them_than_fits_in_memory() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let id = deliver(&store, &account, 5).await;
        let large = "x".repeat(3 << 20);
        let settings = [setting("/a", Whose::Shared, Some(&large))];
        let change = AnnotationChange {
            limits: AnnotationLimits {
                value_octets_max: 4 << 20,
                of_message_max: 100,
            },
            ..change(&settings)
        };
        let all = [1, 2, 3, 4, 5].map(Uid);
        account.annotate(id, &all, &change).await.unwrap();
        let trash = account.snapshot().named(&name("Trash")).unwrap().id();
        let copied = account.copy(id, &[Uid(1)], trash).await;
        assert!(
            matches!(copied, Err(Error::Limit(ANNOTATIONS))),
            "{copied:?}"
        );
        account.move_to(id, &[Uid(1)], trash).await.unwrap();
    });
}

#[test]
fn a_copy_has_what_its_maker_saw_and_a_move_takes_all_along() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let id = deliver(&store, &account, 1).await;
        let settings = [
            setting("/c", Whose::Own, Some("mine")),
            setting("/c", BOB, Some("his")),
            setting("/c", Whose::Shared, Some("ours")),
        ];
        annotate(&account, "INBOX", 1, &settings).await;
        let trash = account.snapshot().named(&name("Trash")).unwrap().id();
        account.copy(id, &[Uid(1)], trash).await.unwrap();
        assert_eq!(of(&account, "Trash", 1), ["/c own mine", "/c shared ours"]);
        account.move_to(id, &[Uid(1)], trash).await.unwrap();
        let all = ["/c own mine", "/c Ab0b his", "/c shared ours"];
        assert_eq!(of(&account, "Trash", 2), all);
        assert_eq!(of(&account, "INBOX", 1), [""; 0]);
        assert_eq!(
            account.snapshot().mailbox(id).unwrap().annotation_octets(),
            0
        );
        nothing_wrong(&store);
    });
}

#[test]
fn they_go_with_their_message_and_come_back_with_it() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let id = deliver(&store, &account, 2).await;
        let settings = [
            setting("/c", BOB, Some("his")),
            setting("/c", Whose::Shared, Some("ours")),
        ];
        annotate(&account, "INBOX", 1, &settings).await;
        let made = account.create(&name("a"), None).await.unwrap();
        account.move_to(id, &[Uid(1)], made).await.unwrap();
        account.delete(&name("a")).await.unwrap();
        let undelete = Undelete {
            which: Wanted::Mailbox(made),
            into: None,
            retention: Retention::default(),
        };
        account.undelete(&undelete, Mode::Do).await.unwrap();
        assert_eq!(of(&account, "a", 1), ["/c Ab0b his", "/c shared ours"]);
        nothing_wrong(&store);
    });
}

#[test]
fn a_restore_in_place_brings_back_what_they_were() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        deliver(&store, &account, 2).await;
        annotate(&account, "INBOX", 1, &[setting("/a", BOB, Some("then"))]).await;
        let then = account.snapshot().mod_seq();
        let since = [
            setting("/a", BOB, Some("now")),
            setting("/b", Whose::Own, Some("new")),
        ];
        annotate(&account, "INBOX", 1, &since).await;
        let source = Source::as_of(&account, Moment::ModSeq(then)).await.unwrap();
        let restore = |target| Restore {
            selection: Selection::Account,
            target,
        };
        for (target, there) in [
            (Target::Beside(name("was")), "was/INBOX"),
            (Target::InPlace(name("aside")), "INBOX"),
        ] {
            account
                .restore(&source, &restore(target), Mode::Do, &mut |_| ())
                .await
                .unwrap();
            assert_eq!(of(&account, there, 1), ["/a Ab0b then"]);
        }
        nothing_wrong(&store);
    });
}
