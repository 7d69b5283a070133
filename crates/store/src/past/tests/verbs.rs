//! One thing at a time.

use std::ops::ControlFlow;

use super::*;
use crate::{
    MailboxName, Role,
    compact::CompactOptions,
    engine::{
        Engine,
        log::{Log, sim::SimDisk},
    },
};

async fn open() -> (Store, Account) {
    let store = Store::with_engine(engine_in_memory(), 1 << 20, ticking);
    let account = store.account(ALICE).await.unwrap();
    let account = account.acting("imap ann 192.0.2.7");
    (store, account)
}

async fn deliver(store: &Store, account: &Account, to: &str, id: &str) -> Uid {
    let octets = format!("Message-ID: <{id}>\r\nSubject: about {id}\r\n\r\nbody\r\n");
    let arrival = Arrival {
        message: receive(store, octets.as_bytes()).await,
        trace: Vec::new(),
        flags: Flags::default(),
        internal_date: None,
    };
    let mailbox = id_of(account, to);
    let account = account.acting("lmtp mx.example 192.0.2.1");
    account.append(mailbox, vec![arrival]).await.unwrap().uids[0]
}

fn id_of(account: &Account, of: &str) -> MailboxId {
    account.snapshot().named(&name(of)).expect(of).id()
}

async fn expunge(account: &Account, from: &str, uid: Uid) {
    let change = FlagChange {
        action: FlagAction::Add,
        flags: Flags {
            system: SystemFlags::DELETED,
            keywords: Vec::new(),
        },
        unchanged_since: None,
    };
    let from = id_of(account, from);
    account.store(from, &[uid], &change).await.unwrap();
    account.expunge(from, Some(&[uid])).await.unwrap();
}

async fn told(account: &Account, which: Which) -> Vec<String> {
    let mut told = Vec::new();
    let shown = |place: &Place| format!("{}:{}", place.name, place.uid);
    let mut visit = |event: Event| {
        let what = match &event.what {
            Happened::Arrived { at, .. } => format!("arrived {}", shown(at)),
            Happened::Copied { from, to } => format!("copied {} {}", shown(from), shown(to)),
            Happened::Moved { from, to } => format!("moved {} {}", shown(from), shown(to)),
            Happened::Undeleted { at } => format!("undeleted {}", shown(at)),
            Happened::FlagsChanged { at, from, to } => {
                format!("flags {} {} {}", shown(at), from.system.0, to.system.0)
            }
            Happened::SeenSet { at, reader, seen } => {
                format!("seen {} {reader} {seen}", shown(at))
            }
            Happened::Expunged { at } => format!("expunged {}", shown(at)),
            Happened::WentWithMailbox { at } => format!("went along {}", shown(at)),
            Happened::MailboxCreated { name, .. } => format!("created {name}"),
            Happened::MailboxRenamed { from, to, .. } => format!("renamed {from} {to}"),
            Happened::MailboxDeleted { name, .. } => format!("deleted {name}"),
            Happened::HeldSet { mailbox, held } => {
                let name = mailbox.as_ref().map(|(_, name)| name.as_str());
                format!("held {name:?} {held}")
            }
            Happened::AnnotationSet { at, entry, there } => {
                format!("annotation {} {entry} {there}", shown(at))
            }
            Happened::ExpirySet { .. } => "expiry".to_owned(),
            Happened::QuotaSet { root, quota } => format!("quota {root:?} {quota:?}"),
            Happened::MetadataSet { entry, there, .. } => format!("metadata {entry} {there}"),
            Happened::RightsSet { entries, .. } => format!("rights {entries:?}"),
        };
        let by = event.by.split(' ').next().unwrap().to_owned();
        told.push(format!("{by}: {what}"));
        ControlFlow::Continue(())
    };
    account.history(&which, &mut visit).await.unwrap();
    told
}

#[test]
fn a_message_has_a_history_by_whatever_name() {
    run(async {
        let (store, account) = open().await;
        deliver(&store, &account, "INBOX", "other@x").await;
        let uid = deliver(&store, &account, "INBOX", "one@x").await;
        let (inbox, trash) = (id_of(&account, "INBOX"), id_of(&account, "Trash"));
        account.create(&name("a/b"), None).await.unwrap();
        let b = id_of(&account, "a/b");
        account.copy(inbox, &[uid], b).await.unwrap();
        account.move_to(inbox, &[uid], trash).await.unwrap();
        expunge(&account, "Trash", Uid(1)).await;
        account.rename(&name("a"), &name("z")).await.unwrap();
        account.delete(&name("z/b")).await.unwrap();
        let undelete = Undelete {
            which: Wanted::Mailbox(b),
            into: None,
            retention: Retention::default(),
        };
        let admin = account.acting("admin root");
        let undeleted = admin.undelete(&undelete, Mode::Do).await.unwrap();
        assert_eq!(undeleted.made, [name("z/b")]);
        let expected = [
            "lmtp: arrived INBOX:2",
            "imap: copied INBOX:2 a/b:1",
            "imap: moved INBOX:2 Trash:1",
            "imap: flags Trash:1 0 4",
            "imap: expunged Trash:1",
            "imap: went along z/b:1",
            "admin: undeleted z/b:1",
        ];
        let email = EmailId(2);
        for which in [
            Which::MessageId("<one@x>".to_owned()),
            Which::MessageId(" one@x".to_owned()),
            Which::Message(name("INBOX"), uid),
            Which::Message(name("a/b"), Uid(1)),
            Which::Email(email),
        ] {
            assert_eq!(told(&account, which.clone()).await, expected, "{which:?}");
        }
        let mailbox = [
            "imap: created a/b",
            "imap: copied INBOX:2 a/b:1",
            "imap: renamed a/b z/b",
            "imap: deleted z/b",
            "admin: created z/b",
            "admin: undeleted z/b:1",
        ];
        assert_eq!(told(&account, Which::Mailbox(name("z/b"))).await, mailbox);
        assert_eq!(
            told(&account, Which::MessageId("x@x".into())).await,
            [""; 0]
        );
        assert!(told(&account, Which::Everything).await.len() > 14);
    });
}

#[test]
fn a_mailbox_comes_back_as_it_was_or_beside_what_has_its_name() {
    run(async {
        let (store, account) = open().await;
        deliver(&store, &account, "Sent", "one@x").await;
        let sent = id_of(&account, "Sent");
        account.set_hold(Some(sent), true).await.unwrap();
        account.delete(&name("Sent")).await.unwrap();
        pass(400 * DAY);
        let undelete = Undelete {
            which: Wanted::Mailbox(sent),
            into: None,
            retention: Retention::default(),
        };
        // Its name is taken by one that has nothing of it.
        account
            .create(&name("Sent"), Some(Role::Sent))
            .await
            .unwrap();
        let undeleted = account.undelete(&undelete, Mode::Do).await.unwrap();
        let [made] = &undeleted.made[..] else {
            panic!("{undeleted:?}");
        };
        assert!(made.as_str().starts_with("Sent (deleted 20"), "{made}");
        let there = account.snapshot().named(made).unwrap().clone();
        assert_eq!((there.role(), there.held(), there.len()), (None, true, 1));
        assert!(account.snapshot().subscriptions().contains(made));
        assert!(
            account
                .gone(Retention::default())
                .await
                .unwrap()
                .mailboxes
                .is_empty()
        );
        // And once more, without the other.
        account.delete(made).await.unwrap();
        account.delete(&name("Sent")).await.unwrap();
        let undeleted = account.undelete(&undelete, Mode::Do).await.unwrap();
        assert_eq!(undeleted.made, [name("Sent")]);
        let there = account.snapshot().named(&name("Sent")).unwrap().clone();
        assert_eq!(there.role(), Some(Role::Sent));
        assert!(there.id() != sent && there.len() == 1);
        nothing_wrong(&store);
    });
}

#[test]
fn a_hold_keeps_what_is_gone_in_reach_and_no_longer() {
    run(async {
        let (store, account) = open().await;
        let uid = deliver(&store, &account, "INBOX", "one@x").await;
        expunge(&account, "INBOX", uid).await;
        let inbox = id_of(&account, "INBOX");
        let gone = async || account.gone(Retention::default()).await.unwrap().messages();
        pass(13 * DAY);
        assert_eq!(gone().await, 1);
        pass(2 * DAY);
        assert_eq!(gone().await, 0);
        assert!(account.set_hold(None, true).await.unwrap());
        assert!(!account.set_hold(None, true).await.unwrap());
        assert_eq!(gone().await, 1);
        account.set_hold(None, false).await.unwrap();
        assert_eq!(gone().await, 0);
        account.set_hold(Some(inbox), true).await.unwrap();
        assert_eq!(gone().await, 1);
        let none = account.set_hold(Some(MailboxId(999)), true).await;
        assert!(matches!(none, Err(crate::Error::NoSuchMailbox)));
    });
}

#[test]
fn what_is_not_within_reach_is_said_not_to_be_there() {
    run(async {
        let (store, account) = open().await;
        deliver(&store, &account, "INBOX", "one@x").await;
        let mut undelete = Undelete {
            which: Wanted::Messages(id_of(&account, "INBOX"), vec![Uid(1)]),
            into: Some(MailboxName::inbox()),
            retention: Retention::default(),
        };
        let outcome = account.undelete(&undelete, Mode::Do).await;
        assert!(matches!(outcome, Err(crate::Error::NoSuchMailbox)));
        undelete.which = Wanted::Since(0);
        let nothing = account.undelete(&undelete, Mode::Do).await.unwrap();
        assert_eq!(nothing, Undeleted::default());
    });
}

#[test]
fn users_look_at_what_is_gone_as_mailboxes() {
    run(async {
        let (store, account) = open().await;
        let retention = Retention::default();
        let looked_at = async || account.deleted_mailboxes(retention).await.unwrap();
        deliver(&store, &account, "INBOX", "one@x").await;
        let two = deliver(&store, &account, "INBOX", "two@x").await;
        let inbox = id_of(&account, "INBOX");
        assert!(looked_at().await.is_empty());
        expunge(&account, "INBOX", two).await;
        let [mut first] = looked_at().await.try_into().unwrap();
        let open = first.open().unwrap();
        assert_eq!(open.name().as_str(), "#deleted/INBOX");
        assert_eq!((open.len(), open.recent()), (1, 0));
        assert!(open.get(two).unwrap().system.contains(SystemFlags::DELETED));
        assert!(account.snapshot().mailbox(open.id()).is_none());
        first.take_out(&[two]);
        let newer = first.open().unwrap();
        assert_eq!(
            newer.expunged_since(open.highest_mod_seq()),
            Some(vec![(two, two)])
        );

        // Four may look at the same time.
        let four = (looked_at().await, looked_at().await, looked_at().await);
        let fifth = account.deleted_mailboxes(retention).await;
        assert!(matches!(fifth, Err(crate::Error::Limit(_))));
        drop((four, first));

        // A lower UID comes: another UIDVALIDITY.
        expunge(&account, "INBOX", Uid(1)).await;
        let [again] = looked_at().await.try_into().unwrap();
        assert!(again.mailbox().unwrap().uid_validity() > open.uid_validity());
        // What is anywhere else is not gone; what a hold keeps is not shown.
        let into = name("Archive");
        let back = account
            .undelete_from(&again, &[two, Uid(9)], &into, retention)
            .await;
        assert_eq!(back.unwrap().back.len(), 1);
        assert_eq!(looked_at().await[0].open().unwrap().len(), 1);
        account.set_hold(Some(inbox), true).await.unwrap();
        pass(15 * DAY);
        assert!(looked_at().await.is_empty());
        account.set_hold(Some(inbox), false).await.unwrap();
        let back = account
            .undelete_from(&again, &[Uid(1)], &into, retention)
            .await;
        assert_eq!(back.unwrap().lost.len(), 1);

        // Three of one name.
        for n in 0..3 {
            account.create(&name("a"), None).await.unwrap();
            let uid = deliver(&store, &account, "a", &format!("{n}@x")).await;
            if n < 2 {
                account.delete(&name("a")).await.unwrap();
            } else {
                expunge(&account, "a", uid).await;
            }
        }
        let names = looked_at().await;
        let names: Vec<_> = names
            .iter()
            .map(|d| d.name().unwrap().to_string())
            .collect();
        assert_eq!(names[0], "#deleted/a");
        assert!(
            names[1] > names[2] && names[2].starts_with("#deleted/a ("),
            "{names:?}"
        );
    });
}

#[test]
fn where_compaction_has_freed_the_beginning_the_past_begins_with_a_base() {
    run(async {
        let log = Log::open(SimDisk::new(), 64 << 10).unwrap();
        let store = Store::with_engine(Engine::Sim(log), 1 << 20, ticking);
        let account = store.account(ALICE).await.unwrap().acting("imap ann");
        deliver(&store, &account, "INBOX", "one@x").await;
        let two = deliver(&store, &account, "INBOX", "two@x").await;
        let a = account.create(&name("a"), None).await.unwrap();
        deliver(&store, &account, "a", "three@x").await;
        let early = NOW.get();
        pass(1);
        let inbox = id_of(&account, "INBOX");
        for n in 0..300_usize {
            let keywords = (0..20).map(|k| format!("{k}{:0200}", n % 7).into());
            let change = FlagChange {
                action: FlagAction::Replace,
                flags: Flags {
                    system: SystemFlags::NONE,
                    keywords: keywords.collect(),
                },
                unchanged_since: None,
            };
            account.store(inbox, &[two], &change).await.unwrap();
        }
        let retention = Retention::default();
        let compact = async || {
            let options = CompactOptions {
                mode: Mode::Do,
                now: NOW.get(),
                retention,
                rate: None,
            };
            store.compact(options, &mut |_| {}).await.unwrap()
        };
        assert_eq!(compact().await.bases, 1);
        pass(15 * DAY);
        assert!(compact().await.freed() > 1_000_000);

        expunge(&account, "INBOX", Uid(1)).await;
        account.delete(&name("a")).await.unwrap();
        let gone = account.gone(retention).await.unwrap();
        assert_eq!((gone.mailboxes.len(), gone.messages()), (2, 2));
        let mailbox = gone.mailbox(a).unwrap();
        assert_eq!(mailbox.name, name("a"));
        let email = account.gone_email(&mailbox.messages[0]).await.unwrap();
        assert_eq!(message_id(&email), "three@x");
        let expected = ["imap: flags INBOX:1 0 4", "imap: expunged INBOX:1"];
        assert_eq!(
            told(&account, Which::MessageId("one@x".into())).await,
            expected
        );
        assert_eq!(
            told(&account, Which::Message(name("INBOX"), Uid(1))).await,
            expected
        );
        let deleted = told(&account, Which::Mailbox(name("a"))).await;
        assert_eq!(deleted, ["imap: deleted a"]);
        let beyond = account.as_of(Moment::Time(early)).await;
        assert!(matches!(beyond, Err(crate::Error::NotPermitted(_))));
        let now = account.as_of(Moment::Time(NOW.get())).await.unwrap();
        let whole = account.whole().await.unwrap();
        assert_eq!(Seen::of(&now).folders, Seen::of(&whole).folders);
        let undelete = Undelete {
            which: Wanted::Since(0),
            into: None,
            retention,
        };
        let undeleted = account.undelete(&undelete, Mode::Do).await.unwrap();
        assert_eq!((undeleted.back.len(), undeleted.lost.len()), (2, 0));
        nothing_wrong(&store);
    });
}

fn message_id(email: &crate::Email) -> String {
    let listed = email.digest_ref().listed;
    let field = mail::header::find(listed, "Message-ID").unwrap();
    let text = String::from_utf8(field.text().to_vec()).unwrap();
    text.trim().trim_matches(['<', '>']).to_owned()
}
