//! Names and what they mean, in every look.

use std::sync::Arc;

use super::*;

fn namespace(look: &str, account: &str) -> Namespace {
    let look = Look::named(look).unwrap();
    assert_eq!(look.check(), Ok(()));
    Namespace::new(&Arc::new(look), &account.into())
}

/// The look of the names of an administrator is said by `!`.
fn of(look: &str, account: &str) -> Namespace {
    match look.strip_suffix('!') {
        Some(look) => namespace(look, account).for_administrator(),
        None => namespace(look, account),
    }
}

fn own(name: &str) -> Place {
    place(Owner::Own, name)
}

fn other(account: &str, name: &str) -> Place {
    place(Owner::Other(account.into()), name)
}

fn shared(domain: &str, name: &str) -> Place {
    place(Owner::Shared(domain.into()), name)
}

fn place(owner: Owner, name: &str) -> Place {
    let name = MailboxName::new(name).unwrap();
    Place { owner, name }
}

/// A look, an account, a name there, and what it means: both ways.
type Row = (&'static str, &'static str, &'static str, Place);

fn check(rows: impl IntoIterator<Item = Row>) {
    for (look, account, client, expected) in rows {
        let namespace = of(look, account);
        assert_eq!(
            namespace.read(client),
            Ok(expected.clone()),
            "{look}: {client}"
        );
        assert_eq!(
            namespace.write(&expected.owner, &expected.name),
            client,
            "{look}: {expected:?}"
        );
    }
}

#[test]
fn names_mean_one_mailbox_and_are_written_so() {
    check([
        ("chapar", "ann", "INBOX", own("INBOX")),
        ("chapar", "ann", "INBOX/a", own("INBOX/a")),
        ("chapar", "ann", "Sent", own("Sent")),
        ("chapar", "ann", "v1.0^", own("v1.0^")),
        ("chapar", "ann", "Other Users/joe", other("joe", "INBOX")),
        ("chapar", "ann", "Other Users/joe/x/y", other("joe", "x/y")),
        (
            "chapar",
            "ann@d",
            "Other Users/joe",
            other("joe@d", "INBOX"),
        ),
        (
            "chapar",
            "ann@d",
            "Other Users/joe@e.f/x",
            other("joe@e.f", "x"),
        ),
        ("chapar", "ann@d", "Other Users/joe@/x", other("joe", "x")),
        (
            "chapar",
            "ann",
            "Other Users/ann/Other Users",
            own("Other Users"),
        ),
        (
            "chapar",
            "ann",
            "Other Users/ann/Shared Folders/x",
            own("Shared Folders/x"),
        ),
        ("chapar", "ann", "Other Usersx", own("Other Usersx")),
        (
            "chapar",
            "ann@d",
            "Shared Folders/bb/x",
            shared("d", "bb/x"),
        ),
        ("chapar", "ann@d", "Shared Folders/@e/bb", shared("e", "bb")),
        ("chapar", "ann@d", "Shared Folders/@/bb", shared("", "bb")),
        ("chapar", "ann@d", "Shared Folders/@d/@x", shared("d", "@x")),
        ("chapar", "ann", "#deleted/x", own("#deleted/x")),
    ]);
}

#[test]
fn names_are_those_of_the_server_that_a_site_comes_from() {
    check([
        ("cyrus", "joe", "INBOX", own("INBOX")),
        ("cyrus", "joe", "INBOX.Sent", own("Sent")),
        ("cyrus", "joe", "INBOX.INBOX.a", own("INBOX/a")),
        ("cyrus", "joe", "INBOX.v1^0", own("v1.0")),
        ("cyrus", "joe", "INBOX.a/b", own("a^b")),
        ("cyrus", "joe", "user.ann", other("ann", "INBOX")),
        (
            "cyrus",
            "joe",
            "user.john^smith.x",
            other("john.smith", "x"),
        ),
        ("cyrus", "joe@a", "user.ann@b^c.x", other("ann@b.c", "x")),
        ("cyrus", "joe", "bb.announce", shared("", "bb/announce")),
        ("cyrus", "joe", "#site.user.x", shared("", "user/x")),
        ("cyrus", "joe", "#site.INBOX", shared("", "INBOX")),
        ("cyrus", "joe", "#site.#site", shared("", "#site")),
        ("cyrus", "joe", "#site.#deleted.x", shared("", "#deleted/x")),
        ("cyrus", "joe", "#deleted.x", own("#deleted/x")),
        ("cyrus-unix", "joe", "INBOX/v1.0", own("v1.0")),
        (
            "cyrus-unix",
            "joe",
            "user/john.smith/x",
            other("john.smith", "x"),
        ),
        ("cyrus-alt", "joe", "Sent.2000", own("Sent/2000")),
        ("cyrus-alt", "joe", "Other Users.ann", other("ann", "INBOX")),
        ("cyrus-alt", "joe", "Shared Folders.bb", shared("", "bb")),
        ("cyrus!", "admin", "INBOX", own("INBOX")),
        ("cyrus!", "admin", "user.admin.x", own("x")),
        ("cyrus!", "admin", "user.joe", other("joe", "INBOX")),
        ("cyrus!", "admin", "user.joe.lists", other("joe", "lists")),
        ("cyrus!", "admin", "user.joe@a.b", other("joe@a.b", "INBOX")),
        ("cyrus!", "admin", "user.j^x.y@a.b", other("j.x@a.b", "y")),
        ("cyrus!", "admin", "bb", shared("", "bb")),
        ("cyrus!", "admin", "bb@a.b", shared("a.b", "bb")),
        ("cyrus!", "admin", "bb@x@", shared("", "bb@x")),
        ("cyrus!", "admin", "#site.user.x", shared("", "user/x")),
        ("cyrus!", "admin@a.b", "user.joe", other("joe@a.b", "INBOX")),
        ("cyrus!", "admin@a.b", "user.joe@", other("joe", "INBOX")),
        ("cyrus-alt-unix!", "admin", "user/joe/x", other("joe", "x")),
        ("cyrus-alt-unix!", "admin", "bb/x", shared("", "bb/x")),
        ("dovecot", "joe", "shared/ann/x", other("ann", "x")),
        ("dovecot", "joe", "Public/x", shared("", "x")),
        ("dovecot-inbox", "joe", "INBOX.Drafts", own("Drafts")),
        ("uw", "joe", "~ann", other("ann", "INBOX")),
        ("uw", "joe", "~ann/mail", other("ann", "mail")),
        ("uw", "joe", "~joe/~x", own("~x")),
        ("uw", "joe", "#shared/x", shared("", "x")),
    ]);
}

#[test]
fn other_ways_to_say_it_mean_the_same() {
    for (look, account, client, expected) in [
        ("chapar", "ann", "inbox", own("INBOX")),
        ("chapar", "ann", "Inbox/a", own("INBOX/a")),
        ("chapar", "ann", "Other Users/ann", own("INBOX")),
        ("chapar", "ann@d", "Other Users/Ann@D/x", own("x")),
        (
            "chapar",
            "ann",
            "Other Users/joe/INBOX",
            other("joe", "INBOX"),
        ),
        (
            "chapar",
            "ann",
            "Other Users/joe/inbox/a",
            other("joe", "INBOX/a"),
        ),
        ("cyrus", "joe", "user.joe.Sent", own("Sent")),
        ("cyrus", "joe", "inbox.Sent", own("Sent")),
        ("cyrus", "joe", "INBOX.INBOX", own("INBOX")),
        ("cyrus!", "admin", "INBOX.x", own("x")),
        ("cyrus!", "admin", "user.admin", own("INBOX")),
        (
            "cyrus-unix!",
            "admin",
            "user/joe/a@b/c",
            other("joe", "a@b/c"),
        ),
        ("cyrus!", "admin@d", "user.joe@d", other("joe@d", "INBOX")),
    ] {
        let read = of(look, account).read(client);
        assert_eq!(read, Ok(expected), "{look}: {client}");
    }
}

#[test]
fn every_look_that_has_a_name_can_be() {
    for word in Look::WORDS {
        namespace(word, "joe");
    }
    assert_eq!(Look::named("chapar"), Some(Look::default()));
    assert_eq!(Look::named("other"), None);
}

#[test]
fn some_names_mean_nothing() {
    let empty = Nowhere::Invalid("it has an empty level");
    for (look, client, expected) in [
        ("chapar", "Other Users", Nowhere::Level),
        ("chapar", "Other Users/", Nowhere::Level),
        ("chapar", "Other Users//x", empty),
        ("chapar", "Other Users/@d/x", empty),
        ("chapar", "Shared Folders", Nowhere::Level),
        ("chapar", "Shared Folders/@d", Nowhere::Level),
        ("chapar", "Shared Folders//x", empty),
        ("chapar", "a//b", empty),
        ("chapar", "", Nowhere::Invalid("it is empty")),
        ("cyrus", "user", Nowhere::Level),
        ("cyrus", "user..x", empty),
        ("cyrus", "INBOX.", Nowhere::Invalid("it is empty")),
        ("cyrus", "INBOX.a..b", empty),
        ("cyrus", "#site", Nowhere::Level),
        ("cyrus!", "user", Nowhere::Level),
        ("cyrus!", "user.@d", empty),
        ("cyrus!", "#site", Nowhere::Level),
        ("dovecot-inbox", "Drafts", Nowhere::Outside),
        ("uw", "~", Nowhere::Level),
        ("uw", "~/x", empty),
    ] {
        assert_eq!(
            of(look, "joe").read(client),
            Err(expected),
            "{look}: {client}"
        );
    }
}

#[test]
fn levels_are_above_others() {
    for (look, client, parent) in [
        ("chapar", "Other Users/joe/x", Some("Other Users/joe")),
        ("chapar", "Other Users/joe@d/x", Some("Other Users/joe@d")),
        ("chapar", "a@b/c", Some("a@b")),
        ("chapar", "a", None),
        ("cyrus", "user.joe@a^b", Some("user")),
        ("cyrus!", "user.joe.x@a.b", Some("user.joe@a.b")),
        ("cyrus!", "user.joe@a.b", Some("user")),
        ("cyrus!", "bb@a.b", None),
        ("cyrus!", "bb.x@a.b", Some("bb@a.b")),
    ] {
        let namespace = of(look, "ann");
        assert_eq!(namespace.parent(client).as_deref(), parent, "{client}");
    }
    let namespace = of("cyrus!", "ann");
    assert_eq!(namespace.comparable("user.%@a.b"), "user.%@a\u{1}b");
    assert_eq!(namespace.comparable("user.%"), "user.%");
    assert_eq!(of("cyrus", "ann").comparable("user.a@b.c"), "user.a@b.c");
}

#[test]
fn all_names_of_an_owner_begin_alike() {
    for look in ["chapar", "cyrus", "cyrus!", "dovecot-inbox", "uw"] {
        let namespace = of(look, "ann@d");
        for place in [
            own("x"),
            other("joe@d", "INBOX"),
            other("j.x@e.f", "x"),
            shared("d", "x"),
            shared("e.f", "x/y"),
        ] {
            let (root, name) = (
                namespace.root(&place.owner),
                namespace.write(&place.owner, &place.name),
            );
            assert!(name.starts_with(&root), "{look}: {name} {root}");
        }
    }
}

#[test]
fn prefixes_are_those_of_the_servers_that_sites_come_from() {
    for (look, personal, others, shared) in [
        ("chapar", Some(""), "Other Users/", "Shared Folders/"),
        ("cyrus", Some("INBOX."), "user.", ""),
        ("cyrus!", None, "user.", ""),
        ("cyrus-unix!", None, "user/", ""),
        ("chapar!", Some(""), "Other Users/", "Shared Folders/"),
        ("dovecot-inbox", Some("INBOX."), "shared.", "Public."),
        ("uw", Some(""), "~", "#shared/"),
    ] {
        let expected = Prefixes {
            personal: personal.map(str::to_owned),
            others: others.to_owned(),
            shared: shared.to_owned(),
        };
        assert_eq!(of(look, "joe").prefixes(), expected, "{look}");
    }
}

#[test]
fn looks_in_which_a_name_would_mean_two_things_are_refused() {
    for (look, others, shared) in [
        ("chapar", "", "Shared/"),
        ("chapar", "/", "Shared/"),
        ("chapar", "Other/", ""),
        ("chapar", "Other/", "Shared"),
        ("chapar", "Shared/", "Shared/Users/"),
        ("chapar", "Other/", "Other/"),
        ("chapar", "INBOX/users/", "Shared/"),
        ("chapar", "Other/", "inbox/"),
        ("chapar", "Other//", "Shared/"),
        ("chapar", "a//b/", "Shared/"),
        ("chapar", "Ot*er/", "Shared/"),
        ("cyrus", "a/b.", ""),
    ] {
        let prefixes = (Some(others.to_owned()), Some(shared.to_owned()));
        let look = Look::named(look)
            .unwrap()
            .with_prefixes(prefixes.0, prefixes.1);
        assert!(look.check().is_err(), "{others:?} {shared:?}");
    }
}

/// Levels out of what matters to some look.
fn any_name(random: &mut fastrand::Rng) -> String {
    const PIECES: &[&str] = &[
        "INBOX",
        "inbox",
        "user",
        "Other Users",
        "Shared Folders",
        "shared",
        "Public",
        "#site",
        "#deleted",
        "#shared",
        "#news",
        "~",
        "@",
        "@d",
        "a",
        "b.c",
        "^",
        ".",
        "joe",
        "ann",
        "joe@d",
        "ü",
        "x y",
        "/",
        "&",
        "-",
    ];
    (0..random.usize(1..6))
        .map(|_| *random.choice(PIECES).unwrap())
        .collect()
}

#[test]
fn whatever_is_written_is_read_as_what_it_was() {
    const ACCOUNTS: &[&str] = &[
        "ann", "joe", "j.x", "a^b", "joe@d", "ann@d", "x@a.b", "user",
    ];
    let mut random = fastrand::Rng::with_seed(2342);
    let mut seen = 0;
    for round in 0..40_000 {
        let look = Look::WORDS[round % Look::WORDS.len()];
        let account = *random.choice(ACCOUNTS).unwrap();
        let mut namespace = namespace(look, account);
        if random.bool() {
            namespace = namespace.for_administrator();
        }
        if random.bool() {
            namespace = namespace.with_outside(["#news", "#shared", "#site", "plain"]);
        }
        let text = any_name(&mut random);
        if let Ok(place) = namespace.read(&text) {
            // The name that is canonical is a name of the same.
            let canonical = namespace.write(&place.owner, &place.name);
            assert_eq!(
                namespace.read(&canonical),
                Ok(place),
                "{namespace:?} {text:?}"
            );
        }
        let Ok(name) = MailboxName::new(&text) else {
            continue;
        };
        let owner = match random.u8(0..3) {
            0 => Owner::Own,
            1 => match *random.choice(ACCOUNTS).unwrap() {
                other if other == account => Owner::Own,
                other => Owner::Other(other.into()),
            },
            _ => Owner::Shared((*random.choice(&["", "d", "a.b"]).unwrap()).into()),
        };
        let place = Place { owner, name };
        let client = namespace.write(&place.owner, &place.name);
        assert_eq!(
            namespace.read(&client),
            Ok(place),
            "{namespace:?} {client:?}"
        );
        seen += 1;
    }
    assert!(seen > 10_000, "{seen}");
}
