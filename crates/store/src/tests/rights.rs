//! Who may do what: every verb with every right but one, and with nothing but what it takes.

use std::pin::Pin;

use super::*;
use crate::{
    Acl, Actor, AnnotationChange, AnnotationLimits, FlagAction, FlagChange, Identifier,
    MetadataLimits, Person, Rights, RightsChange, SystemFlags, Who, Whose, annotation::Setting,
    metadata::Entry,
};

const BOB: AccountId = AccountId(0xb0b);

fn bob() -> Actor {
    Actor::User(Arc::new(Person::owner(BOB)))
}

fn rights(letters: &str) -> Rights {
    Rights::parse(letters).unwrap()
}

/// Alice's mailboxes `a`, with a message that is `\Deleted`, and `b`; in hands that are not hers.
struct Site {
    store: Store,
    alice: Account,
    theirs: Account,
    a: MailboxId,
    b: MailboxId,
}

impl Site {
    async fn new(actor: Actor) -> Self {
        let store = memory();
        let alice = store.account(ALICE).await.unwrap();
        let a = alice.create(&name("a"), None).await.unwrap();
        let b = alice.create(&name("b"), None).await.unwrap();
        let mut message = arrival(&store, b"Subject: x\r\n\r\n").await;
        message.flags.system = SystemFlags::DELETED;
        alice.append(a, vec![message]).await.unwrap();
        let theirs = alice.acting_as("imap bob", actor);
        Self {
            store,
            alice,
            theirs,
            a,
            b,
        }
    }

    async fn give(&self, mailbox: MailboxId, who: Who, given: Rights) {
        let acl: Acl = [(Identifier::from(who), given)].into_iter().collect();
        self.alice.set_acl(mailbox, Some(acl)).await.unwrap();
    }
}

type Act = for<'a> fn(&'a Site) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

fn flags(action: FlagAction, system: SystemFlags) -> FlagChange {
    FlagChange {
        action,
        flags: Flags {
            system,
            keywords: Vec::new(),
        },
        unchanged_since: None,
    }
}

async fn annotate(s: &Site, whose: Whose) -> Result<(), Error> {
    let change = AnnotationChange {
        settings: vec![Setting {
            entry: "/comment".into(),
            whose,
            value: Some(b"x"[..].into()),
        }],
        unchanged_since: None,
        limits: AnnotationLimits::default(),
    };
    s.theirs.annotate(s.a, &[Uid(1)], &change).await.map(drop)
}

/// A verb, what it takes on `a`, and what on `b`.
const VERBS: &[(&str, &str, &str, Act)] = &[
    ("open", "r", "", |s| {
        Box::pin(async { s.theirs.open_mailbox(s.a).await.map(drop) })
    }),
    ("append", "i", "", |s| {
        Box::pin(async {
            let message = arrival(&s.store, b"\r\n").await;
            s.theirs.append(s.a, vec![message]).await.map(drop)
        })
    }),
    ("copy", "r", "i", |s| {
        Box::pin(async { s.theirs.copy(s.a, &[Uid(1)], s.b).await.map(drop) })
    }),
    ("copy nothing", "r", "i", |s| {
        Box::pin(async { s.theirs.copy(s.a, &[Uid(7)], s.b).await.map(drop) })
    }),
    ("move", "rte", "i", |s| {
        Box::pin(async { s.theirs.move_to(s.a, &[Uid(1)], s.b).await.map(drop) })
    }),
    ("replace", "te", "i", |s| {
        Box::pin(async {
            let message = arrival(&s.store, b"\r\n").await;
            let replaced = s.theirs.replace((s.a, Uid(1)), s.b, message.into());
            replaced.await.map(drop)
        })
    }),
    ("remove", "te", "", |s| {
        Box::pin(async { s.theirs.remove(s.a, &[Uid(1)]).await.map(drop) })
    }),
    ("expunge", "e", "", |s| {
        Box::pin(async { s.theirs.expunge(s.a, None).await.map(drop) })
    }),
    ("store \\Seen", "s", "", |s| {
        Box::pin(async {
            let change = flags(FlagAction::Add, SystemFlags::SEEN);
            s.theirs.store(s.a, &[Uid(1)], &change).await.map(drop)
        })
    }),
    ("store \\Deleted", "t", "", |s| {
        Box::pin(async {
            let change = flags(FlagAction::Remove, SystemFlags::DELETED);
            s.theirs.store(s.a, &[Uid(1)], &change).await.map(drop)
        })
    }),
    ("store \\Flagged", "w", "", |s| {
        Box::pin(async {
            let change = flags(FlagAction::Add, SystemFlags::FLAGGED);
            s.theirs.store(s.a, &[Uid(1)], &change).await.map(drop)
        })
    }),
    ("create", "k", "", |s| {
        Box::pin(async { s.theirs.create(&name("a/b/c"), None).await.map(drop) })
    }),
    ("delete", "x", "", |s| {
        Box::pin(async { s.theirs.delete(&name("a")).await })
    }),
    ("rename", "x", "k", |s| {
        Box::pin(async { s.theirs.rename(&name("a"), &name("b/a")).await })
    }),
    ("change rights", "a", "", |s| {
        Box::pin(async {
            let change = RightsChange::Add(Rights::READ);
            let anyone = Who::Anyone.into();
            s.theirs.change_rights(s.a, &anyone, change).await.map(drop)
        })
    }),
    ("set an acl", "a", "", |s| {
        Box::pin(async { s.theirs.set_acl(s.a, None).await })
    }),
    ("set shared metadata", "lw", "", |s| {
        Box::pin(async {
            let comment = [Entry {
                name: "/shared/comment".into(),
                value: Some(b"x"[..].into()),
            }];
            let set = s
                .theirs
                .set_metadata(Some(s.a), None, &comment, MetadataLimits::default());
            set.await.map(drop)
        })
    }),
    ("annotate for all", "n", "", |s| {
        Box::pin(async { annotate(s, Whose::Shared).await })
    }),
    ("annotate for oneself", "r", "", |s| {
        Box::pin(async { annotate(s, Whose::Private(BOB)).await })
    }),
];

#[test]
fn a_verb_needs_its_rights_and_no_other() {
    run(async {
        for (verb, on_a, on_b, act) in VERBS {
            let all = Rights::EVERY;
            let (on_a, on_b) = (rights(on_a), rights(on_b));
            for (first, needed) in [(true, on_a), (false, on_b)] {
                for right in needed.each() {
                    let site = Site::new(bob()).await;
                    let but = |here: bool| if here { all.without(right) } else { all };
                    site.give(site.a, Who::Account(BOB), but(first)).await;
                    site.give(site.b, Who::Account(BOB), but(!first)).await;
                    let before = site.alice.snapshot().mod_seq();
                    let refused = act(&site).await;
                    let hidden = right == Rights::LOOKUP;
                    match refused {
                        Err(Error::NoRight(lacking)) if !hidden => assert_eq!(lacking, right),
                        Err(Error::NoSuchMailbox) if hidden => {}
                        other => panic!("{verb} without {right}: {other:?}"),
                    }
                    assert_eq!(site.alice.snapshot().mod_seq(), before, "{verb}");
                }
            }
            let site = Site::new(bob()).await;
            site.give(site.a, Who::Account(BOB), on_a).await;
            site.give(site.b, Who::Account(BOB), on_b).await;
            let done = act(&site).await;
            assert!(
                done.is_ok(),
                "{verb} with {on_a:?} and {on_b:?} alone: {done:?}"
            );
        }
    });
}

#[test]
fn what_may_not_be_known_of_is_not_there() {
    run(async {
        for (verb, on_a, _, act) in VERBS {
            // Making a mailbox says nothing of the one above it, and a right to read tells that it is there.
            let left = Rights::EVERY
                .without(rights(on_a))
                .without(rights("lr"))
                .without(Rights::CREATE);
            let site = Site::new(bob()).await;
            site.give(site.a, Who::Account(BOB), left).await;
            site.give(site.b, Who::Account(BOB), Rights::EVERY).await;
            let refused = act(&site).await;
            if *verb == "create" {
                assert!(matches!(refused, Err(Error::NoRight(Rights::CREATE))));
            } else {
                assert!(matches!(refused, Err(Error::NoSuchMailbox)), "{verb}");
            }
        }
    });
}

#[test]
fn identifiers_mean_whom_they_say() {
    let person = |account| Person::owner(account);
    let user = |person: Person| Actor::User(Arc::new(person));
    let stranger = Person {
        neighbour: false,
        ..person(BOB)
    };
    let member = Person {
        groups: vec!["staff".into()],
        ..person(BOB)
    };
    let staff = || Who::Group("staff".into());
    let cases = [
        (Who::Anyone, user(person(BOB)), true),
        (Who::Anyone, user(stranger.clone()), false),
        (Who::Anyone, Actor::Anonymous, true),
        (Who::Authenticated, user(person(BOB)), true),
        (Who::Authenticated, user(stranger.clone()), false),
        (Who::Authenticated, Actor::Anonymous, false),
        (Who::Anonymous, Actor::Anonymous, true),
        (Who::Anonymous, user(person(BOB)), false),
        (Who::Owner, user(person(BOB)), false),
        (Who::Account(BOB), user(stranger), true),
        (Who::Account(BOB), Actor::Anonymous, false),
        (Who::Account(AccountId(1)), user(person(BOB)), false),
        (staff(), user(member), true),
        (staff(), user(person(BOB)), false),
    ];
    run(async {
        let site = Site::new(Actor::System).await;
        for (who, actor, means) in cases {
            site.give(site.a, who.clone(), rights("p")).await;
            let theirs = site.alice.acting_as("", actor.clone());
            let snapshot = theirs.snapshot();
            let has = theirs.rights(snapshot.mailbox(site.a).unwrap());
            let expected = if means { "p" } else { "" };
            assert_eq!(has, rights(expected), "{who:?} for {actor:?}");
        }
    });
}

#[test]
fn negative_rights_are_taken_last_and_what_is_required_stays() {
    run(async {
        let site = Site::new(bob()).await;
        let negative = |who| Identifier {
            negative: true,
            who,
        };
        let acl = [
            (negative(Who::Anyone), rights("wlk")),
            (Who::Account(BOB).into(), rights("lrw")),
            (Who::Anyone.into(), rights("si")),
            (negative(Who::Owner), Rights::EVERY),
        ];
        let acl: Acl = acl.into_iter().collect();
        site.alice.set_acl(site.a, Some(acl)).await.unwrap();
        let of = |person: Person| {
            let theirs = site.alice.acting_as("", Actor::User(Arc::new(person)));
            let snapshot = theirs.snapshot();
            theirs.rights(snapshot.mailbox(site.a).unwrap()).to_string()
        };
        assert_eq!(of(Person::owner(BOB)), "rsi");
        assert_eq!(of(Person::owner(ALICE)), "lrkxa");
        let administrator = Person {
            administrator: true,
            neighbour: false,
            ..Person::owner(AccountId(7))
        };
        assert_eq!(of(administrator), "lkxa");
        // Mail comes to an INBOX whatever its list says, and elsewhere if somebody may post there.
        let outside = site.alice.acting_as("lmtp", Actor::Anonymous);
        let message = async || vec![arrival(&site.store, b"\r\n").await];
        let (inbox, elsewhere) = (inbox(&outside), site.a);
        site.give(inbox, Who::Owner, Rights::EVERY).await;
        outside.append(inbox, message().await).await.unwrap();
        let refused = outside.append(elsewhere, message().await).await;
        assert!(matches!(refused, Err(Error::NoSuchMailbox)));
        site.give(elsewhere, Who::Anyone, Rights::POST).await;
        outside.append(elsewhere, message().await).await.unwrap();
    });
}

#[test]
fn flags_that_may_not_be_set_are_left_out_or_left_alone() {
    let every = SystemFlags::EVERY;
    let of = |letters: &str| {
        let mut flags = SystemFlags::NONE;
        for (letter, flag) in [
            ('s', SystemFlags::SEEN),
            ('t', SystemFlags::DELETED),
            (
                'w',
                SystemFlags::ANSWERED
                    .with(SystemFlags::FLAGGED)
                    .with(SystemFlags::DRAFT),
            ),
        ] {
            if letters.contains(letter) {
                flags = flags.with(flag);
            }
        }
        flags
    };
    run(async {
        for letters in ["", "s", "t", "w", "st", "sw", "tw", "stw"] {
            let site = Site::new(bob()).await;
            let given = rights("lri").with(rights(letters));
            for mailbox in [site.a, site.b] {
                site.give(mailbox, Who::Account(BOB), given).await;
            }
            let mut message = arrival(&site.store, b"\r\n").await;
            message.flags = Flags {
                system: every,
                keywords: vec!["k".into()],
            };
            let placed = site.theirs.append(site.b, vec![message.clone()]).await;
            let appended = placed.unwrap().uids[0];
            site.alice.append(site.a, vec![message]).await.unwrap();
            let copied = site.theirs.copy(site.a, &[Uid(2)], site.b).await.unwrap();
            let look = async |account: &Account, mailbox, uid| {
                let open = account.open_mailbox(mailbox).await.unwrap();
                let message = open.get(uid).unwrap();
                (message.system, message.keywords.len())
            };
            let keywords = usize::from(letters.contains('w'));
            let expected = (of(letters), keywords);
            let (alice, bob, seen) = (&site.alice, &site.theirs, SystemFlags::SEEN);
            assert_eq!(look(bob, site.b, appended).await, expected, "{letters:?}");
            // Alice has seen what Bob copied, and he has not.
            let copy = (of(letters).without(seen), keywords);
            assert_eq!(look(bob, site.b, copied.uids[0].1).await, copy);
            // What may not be changed stays as it is.
            let replace = flags(FlagAction::Replace, SystemFlags::NONE);
            let stored = site.theirs.store(site.a, &[Uid(2)], &replace).await;
            assert_eq!(stored.is_err(), letters.is_empty(), "{letters:?}");
            let left = (every.without(of(letters)).with(seen), 1 - keywords);
            assert_eq!(look(alice, site.a, Uid(2)).await, left, "{letters:?}");
        }
    });
}

#[test]
fn a_new_mailbox_begins_with_the_rights_of_the_one_it_is_made_in() {
    run(async {
        let site = Site::new(bob()).await;
        let made = async |wanted: &str| {
            let id = site.alice.create(&name(wanted), None).await.unwrap();
            site.alice.snapshot().mailbox(id).unwrap().acl()
        };
        assert_eq!(made("a/own").await, Acl::of_owner());
        site.give(site.a, Who::Account(BOB), rights("lr")).await;
        let acl = site.alice.snapshot().mailbox(site.a).unwrap().acl();
        assert_eq!(made("a/x/y").await, acl);
        let snapshot = site.alice.snapshot();
        assert_eq!(snapshot.named(&name("a/x")).unwrap().acl(), acl);
        assert_eq!(made("other").await, Acl::of_owner());
        // What is at the top is made in INBOX.
        site.give(inbox(&site.alice), Who::Anyone, rights("lrk"))
            .await;
        site.theirs.create(&name("top"), None).await.unwrap();
        let snapshot = site.alice.snapshot();
        let top = snapshot.named(&name("top")).unwrap();
        assert_eq!(site.theirs.rights(top), rights("lrk"));
        // A mailbox takes its rights along; INBOX, whose messages go, gives its own.
        site.alice
            .rename(&name("a/x"), &name("top/x"))
            .await
            .unwrap();
        let snapshot = site.alice.snapshot();
        assert_eq!(snapshot.named(&name("top/x/y")).unwrap().acl(), acl);
        site.alice
            .rename(&name("INBOX"), &name("a/old"))
            .await
            .unwrap();
        let snapshot = site.alice.snapshot();
        let old = snapshot.named(&name("a/old")).unwrap();
        assert_eq!(site.theirs.rights(old), rights("lrk"));
        nothing_wrong(&site.store);
    });
}

#[test]
fn a_shared_mailbox_begins_by_being_read_by_all() {
    run(async {
        let store = memory();
        let shared = store.shared_account(AccountId(7)).await.unwrap();
        let made = shared.create(&name("board/minutes"), None).await.unwrap();
        let snapshot = shared.snapshot();
        let minutes = snapshot.mailbox(made).unwrap();
        let theirs = shared.acting_as("imap bob", bob());
        assert_eq!(theirs.rights(minutes), rights("lrs"));
        let refused = theirs.create(&name("mine"), None).await;
        assert!(matches!(refused, Err(Error::NoRight(Rights::CREATE))));
        let anonymous = shared.acting_as("lmtp", Actor::Anonymous);
        assert!(!anonymous.rights(minutes).contains(Rights::POST));
    });
}

#[test]
fn owners_do_not_lock_themselves_out() {
    run(async {
        let site = Site::new(Actor::User(Arc::new(Person::owner(ALICE)))).await;
        let own = Identifier::from(Who::Account(ALICE));
        let owner = site
            .alice
            .acting_as("imap alice", site.theirs.actor().clone());
        let change = async |change| owner.change_rights(site.a, &own, change).await;
        for less in [
            RightsChange::Replace(Rights::NONE),
            RightsChange::Replace(rights("lrs")),
            RightsChange::Remove(rights("a")),
        ] {
            assert!(matches!(change(less).await, Err(Error::NotPermitted(_))));
        }
        let acl = change(RightsChange::Remove(rights("wite"))).await.unwrap();
        assert_eq!(acl.get(&Who::Owner.into()), Some(rights("lrspkxan")));
        let appended = owner
            .append(site.a, vec![arrival(&site.store, b"\r\n").await])
            .await;
        assert!(matches!(appended, Err(Error::NoRight(Rights::INSERT))));
    });
}

#[test]
fn rights_are_read_and_written() {
    assert_eq!(rights("lrswipcda"), rights("lrswipkxtea"));
    assert_eq!(rights("lrswipkxtea").with_obsolete(), "lrswipkxtecda");
    assert_eq!(Rights::EVERY.with_obsolete(), "lrswipkxtecdan");
    assert_eq!(rights("x").with_obsolete(), "xc");
    assert_eq!(rights("e9a").with_obsolete(), "eda9");
    assert_eq!(Rights::ALL.to_string(), "lrswipkxtean0123456789");
    for (wrong, letter) in [("lq", 'q'), ("lR", 'R'), ("l+", '+'), ("é", 'é')] {
        assert_eq!(Rights::parse(wrong), Err(letter));
    }
    assert_eq!(Rights::parse(""), Ok(Rights::NONE));
}
