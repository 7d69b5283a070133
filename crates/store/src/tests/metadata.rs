//! Metadata, through everything that can happen to what has it.

use std::ops::ControlFlow;

use super::*;
use crate::{
    Acl, Actor, Identifier, Metadata, MetadataLimits, Person, Rights, Who,
    metadata::{EXPIRE, Entry, METADATA, SPECIAL_USE, write_time},
    past::{
        Event, Happened, Mode, Moment, Restore, Retention, Selection, Source, Target, Undelete,
        Wanted, Which,
    },
};

const BOB: AccountId = AccountId(0xb0b);

fn entry(name: &str, value: &str) -> Entry {
    Entry {
        name: name.into(),
        value: Some(value.as_bytes().into()),
    }
}

fn gone(name: &str) -> Entry {
    Entry {
        name: name.into(),
        value: None,
    }
}

async fn set(account: &Account, mailbox: Option<MailboxId>, entries: &[Entry]) -> bool {
    let limits = MetadataLimits::default();
    let set = account.set_metadata(mailbox, None, entries, limits);
    set.await.unwrap()
}

fn shown(metadata: &Metadata) -> Vec<String> {
    let every = metadata.every();
    every
        .map(|(owner, name, value)| {
            let owner = owner.map_or_else(String::new, |owner| owner.to_string());
            format!("{owner}{name}={}", String::from_utf8_lossy(value))
        })
        .collect()
}

fn of(account: &Account, mailbox: &str) -> Vec<String> {
    shown(account.snapshot().named(&name(mailbox)).unwrap().metadata())
}

#[test]
fn entries_are_set_together_and_each_user_has_private_ones() {
    run(async {
        let account = memory().account(ALICE).await.unwrap();
        let id = inbox(&account);
        let inbox = Some(id);
        let both = [
            entry("/private/comment", "mine"),
            entry("/shared/comment", ""),
        ];
        assert!(set(&account, inbox, &both).await);
        let before = account.snapshot().mod_seq();
        assert!(!set(&account, inbox, &both).await);
        assert_eq!(account.snapshot().mod_seq(), before);
        let limits = MetadataLimits::default();
        let his = [entry("/private/comment", "his")];
        account
            .set_metadata(inbox, Some(BOB), &his, limits)
            .await
            .unwrap();
        assert_eq!(
            of(&account, "INBOX"),
            [
                "/private/comment=mine",
                "/shared/comment=",
                "Ab0b/private/comment=his"
            ]
        );
        let highest = account.snapshot().mailbox(id).unwrap().highest_mod_seq();
        assert_eq!(highest, ModSeq(1));
        assert!(!set(&account, inbox, &[entry("/PRIVATE/comment", "mine")]).await);
        let changes = [gone("/PRIVATE/Comment"), gone("/private/other")];
        assert!(set(&account, inbox, &changes).await);
        assert_eq!(
            of(&account, "INBOX"),
            ["/shared/comment=", "Ab0b/private/comment=his"]
        );
        assert!(set(&account, None, &[entry("/private/x", "y")]).await);
        assert_eq!(shown(account.snapshot().metadata()), ["/private/x=y"]);
    });
}

/// What Bob may do with metadata of Alice's INBOX once he has these rights.
async fn with_rights(rights: &str, entries: &[Entry]) -> Result<bool, Error> {
    as_somebody(rights, entries, false).await
}

async fn as_somebody(rights: &str, entries: &[Entry], administrator: bool) -> Result<bool, Error> {
    let alice = memory().account(ALICE).await.unwrap();
    let id = inbox(&alice);
    let bob = Identifier::from(Who::Account(BOB));
    let rights = Rights::parse(rights).unwrap();
    let acl: Acl = [(bob, rights)].into_iter().collect();
    alice.set_acl(id, Some(acl)).await.unwrap();
    let person = Person {
        account: BOB,
        groups: Vec::new(),
        neighbour: true,
        administrator,
    };
    let theirs = alice.acting_as("imap bob", Actor::User(person.into()));
    let limits = MetadataLimits::default();
    let set = theirs.set_metadata(Some(id), theirs.reader(), entries, limits);
    let set = set.await?;
    let snapshot = alice.snapshot();
    let metadata = snapshot.mailbox(id).unwrap().metadata();
    for Entry { name, value } in entries {
        let owner = name.starts_with("/private/").then_some(BOB);
        if ![EXPIRE, SPECIAL_USE].contains(&&**name) {
            assert_eq!(metadata.get(owner, name), value.as_ref(), "{name}");
        }
    }
    Ok(set)
}

#[test]
fn others_set_what_their_rights_permit() {
    run(async {
        let private = entry("/private/comment", "his");
        let shared = entry("/shared/comment", "for all");
        let expire = entry(EXPIRE, "30");
        for (rights, entries, expected) in [
            // RFC 5464 §3.3: `l`, and any of these.
            ("lr", &[&private][..], true),
            ("ls", &[&private], true),
            ("lw", &[&private, &shared], true),
            ("li", &[&private], true),
            ("lp", &[&private], true),
            ("l", &[&private], false),
            ("lkxtea", &[&private], false),
            ("rswip", &[&private], false),
            ("lrsip", &[&shared], false),
            ("lrsip", &[&private, &shared], false),
            ("lrw", &[&expire], false),
            ("lra", &[&expire], true),
        ] {
            let entries: Vec<Entry> = entries.iter().copied().cloned().collect();
            let set = with_rights(rights, &entries).await;
            match (set, expected) {
                (Ok(set), true) => assert!(set, "{rights} {entries:?}"),
                (Err(Error::NoRight(_) | Error::NoSuchMailbox), false) => {}
                (other, _) => panic!("{rights} {entries:?}: {other:?}"),
            }
        }
        // A mailbox's special use is its owner's to say, and who administers the owner may.
        let role = [entry(SPECIAL_USE, "\\Important")];
        let set = with_rights("lrswipkxtea", &role).await;
        assert!(matches!(set, Err(Error::NotPermitted(_))), "{set:?}");
        let set = as_somebody("r", &[entry(SPECIAL_USE, "\\Important")], true).await;
        assert!(set.unwrap());
    });
}

#[test]
fn how_long_messages_stay_is_an_entry() {
    run(async {
        let account = memory().account(ALICE).await.unwrap();
        let id = inbox(&account);
        let inbox = Some(id);
        let now = || {
            let snapshot = account.snapshot();
            let expiry = snapshot.mailbox(id).unwrap().expiry();
            expiry.map(|expiry| expiry.age_seconds.map(write_time))
        };
        for (value, expected) in [
            (Some("30"), Some(Some("30"))),
            (Some("7d"), Some(Some("7"))),
            (Some("36h"), Some(Some("36h"))),
            (Some("90m"), Some(Some("90m"))),
            (Some("61s"), Some(Some("61s"))),
            (Some("0"), Some(None)),
            (None, None),
        ] {
            let value = value.map(|value| value.as_bytes().into());
            let name = EXPIRE.into();
            assert!(set(&account, inbox, &[Entry { name, value }]).await);
            let expected: Option<Option<String>> = expected.map(|it| it.map(str::to_owned));
            assert_eq!(now(), expected);
        }
        let limits = MetadataLimits::default();
        for wrong in ["", "x", "-1", "7w", "99999999999999999999"] {
            let wrong = [entry(EXPIRE, wrong)];
            let set = account.set_metadata(inbox, None, &wrong, limits).await;
            assert!(matches!(set, Err(Error::NotPermitted(_))), "{wrong:?}");
        }
        assert_eq!(of(&account, "INBOX"), [""; 0]);
    });
}

#[test]
fn there_is_no_more_of_it_than_may_be() {
    run(async {
        let account = memory().account(ALICE).await.unwrap();
        let inbox = Some(inbox(&account));
        let limits = MetadataLimits {
            entries_max: 2,
            octets_max: 40,
        };
        let try_set = async |entries: &[Entry]| {
            let set = account.set_metadata(inbox, None, entries, limits).await;
            match set {
                Ok(changed) => Some(changed),
                Err(Error::Limit(METADATA)) => None,
                Err(error) => panic!("{error}"),
            }
        };
        let (a, b, c) = ("/shared/a", "/private/b", "/private/c");
        assert_eq!(
            try_set(&[entry(a, "1"), entry(b, "1"), entry(c, "1")]).await,
            None
        );
        assert_eq!(of(&account, "INBOX"), [""; 0]);
        assert_eq!(try_set(&[entry(a, "1"), entry(b, "1")]).await, Some(true));
        assert_eq!(try_set(&[entry(c, "1")]).await, None);
        assert_eq!(try_set(&[entry(c, "1"), gone(b)]).await, Some(true));
        assert_eq!(try_set(&[entry(a, &"x".repeat(30))]).await, None);
        assert_eq!(try_set(&[entry(a, &"x".repeat(20))]).await, Some(true));
        let nameless = [entry("", "1")];
        let nameless = account.set_metadata(inbox, None, &nameless, limits);
        assert!(matches!(nameless.await, Err(Error::NotPermitted(_))));
        let nowhere = account.set_metadata(Some(MailboxId(99)), None, &[], limits);
        assert!(matches!(nowhere.await, Err(Error::NoSuchMailbox)));
    });
}

#[test]
fn it_goes_with_its_mailbox_and_comes_back_with_it() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let id = account.create(&name("a"), None).await.unwrap();
        let entries = [entry("/shared/comment", "one"), entry("internal/key", "k")];
        set(&account, Some(id), &entries).await;
        account.rename(&name("a"), &name("b")).await.unwrap();
        assert_eq!(of(&account, "b"), ["/shared/comment=one", "internal/key=k"]);
        account.delete(&name("b")).await.unwrap();
        account.create(&name("b"), None).await.unwrap();
        assert_eq!(of(&account, "b"), [""; 0]);
        account.delete(&name("b")).await.unwrap();
        let undelete = Undelete {
            which: Wanted::Mailbox(id),
            into: None,
            retention: Retention::default(),
        };
        account.undelete(&undelete, Mode::Do).await.unwrap();
        // What a protocol keeps is made anew.
        assert_eq!(of(&account, "b"), ["/shared/comment=one"]);
        nothing_wrong(&store);
    });
}

#[test]
fn a_restore_in_place_brings_back_what_it_was() {
    run(async {
        let store = memory();
        let account = store.account(ALICE).await.unwrap();
        let inbox = Some(inbox(&account));
        set(&account, inbox, &[entry("/shared/comment", "then")]).await;
        set(&account, None, &[entry("/private/x", "then")]).await;
        let then = account.snapshot().mod_seq();
        set(&account, inbox, &[entry("/shared/comment", "now")]).await;
        set(&account, None, &[gone("/private/x")]).await;
        let source = Source::as_of(&account, Moment::ModSeq(then)).await.unwrap();
        let restore = |target| Restore {
            selection: Selection::Account,
            target,
        };
        let beside = restore(Target::Beside(name("was")));
        account
            .restore(&source, &beside, Mode::Do, &mut |_| ())
            .await
            .unwrap();
        assert_eq!(of(&account, "was/INBOX"), ["/shared/comment=then"]);
        assert_eq!(of(&account, "INBOX"), ["/shared/comment=now"]);
        let in_place = restore(Target::InPlace(name("aside")));
        account
            .restore(&source, &in_place, Mode::Do, &mut |_| ())
            .await
            .unwrap();
        assert_eq!(of(&account, "INBOX"), ["/shared/comment=then"]);
        assert_eq!(shown(account.snapshot().metadata()), ["/private/x=then"]);
    });
}

#[test]
fn its_changes_are_part_of_the_history() {
    run(async {
        let account = memory().account(ALICE).await.unwrap();
        let inbox = Some(inbox(&account));
        set(&account, inbox, &[entry("/shared/comment", "1")]).await;
        set(&account, inbox, &[gone("/shared/comment")]).await;
        set(&account, None, &[entry("/private/x", "2")]).await;
        let mut told = Vec::new();
        let mut visit = |event: Event| {
            if let Happened::MetadataSet {
                mailbox,
                entry,
                there,
            } = event.what
            {
                let mailbox = mailbox.map(|(_, name)| name.to_string());
                told.push((mailbox, entry.to_string(), there));
            }
            ControlFlow::Continue(())
        };
        account
            .history(&Which::Everything, &mut visit)
            .await
            .unwrap();
        let inbox = || Some("INBOX".to_owned());
        let expected = [
            (inbox(), "/shared/comment".to_owned(), true),
            (inbox(), "/shared/comment".to_owned(), false),
            (None, "/private/x".to_owned(), true),
        ];
        assert_eq!(told, expected);
    });
}
