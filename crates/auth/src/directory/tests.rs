//! The accounts file as its readers and writers see it.

use std::{fs, os::unix::fs::MetadataExt};

use super::*;
use crate::password;

fn directory(domains: &[&str]) -> (tempfile::TempDir, Directory) {
    let folder = tempfile::tempdir().unwrap();
    let domains = domains.iter().map(|d| (*d).to_owned()).collect();
    let directory = attentive(folder.path().join("accounts.toml"), domains);
    (folder, directory)
}

/// One that looks at the file every time.
fn attentive(path: PathBuf, domains: Vec<String>) -> Directory {
    let directory = Directory::open(path, domains).unwrap();
    Directory {
        looks_every: Duration::ZERO,
        ..directory
    }
}

#[test]
fn accounts_come_change_and_go() {
    let (folder, directory) = directory(&[]);
    let ann = directory.add("Ann", b"secret").unwrap();
    assert_eq!(&*ann.name, "ann");
    assert!(matches!(directory.add("aNN", b"x"), Err(Error::Exists(_))));
    assert!(matches!(
        directory.add("bob", b""),
        Err(Error::Password(Unusable::Empty))
    ));
    directory.set_password("ann", b"other").unwrap();
    directory.set_disabled("ann", true).unwrap();
    let again = Directory::open(folder.path().join("accounts.toml"), Vec::new()).unwrap();
    let read = again.account("ANN").unwrap();
    assert_eq!((read.id, read.disabled), (ann.id, true));
    assert!(password::verify(
        "other",
        &read.credentials.as_ref().unwrap().password
    ));
    directory.remove("ann").unwrap();
    assert!(matches!(directory.remove("ann"), Err(Error::Missing(_))));
    assert_eq!(directory.accounts(), []);
}

#[test]
fn an_account_can_come_back_and_change_its_name() {
    let (_folder, directory) = directory(&[]);
    let ann = directory.add("ann", b"secret").unwrap();
    let taken = directory.add_again("bob", b"secret", ann.id).unwrap_err();
    assert!(matches!(taken, Error::Taken { by, .. } if by == "ann"));
    directory.remove("ann").unwrap();
    let bob = directory.add_again("bob", b"secret", ann.id).unwrap();
    assert_eq!(bob.id, ann.id);
    directory.add("carl", b"secret").unwrap();
    for (name, new) in [("bob", "Carl"), ("nobody", "x"), ("bob", "a b")] {
        assert!(directory.rename(name, new).is_err(), "{name} to {new}");
    }
    assert_eq!(
        directory.rename("BOB", "Bob@Example.org").unwrap(),
        "bob@example.org"
    );
    assert_eq!(directory.account("bob@example.org").unwrap().id, ann.id);
    assert!(directory.account("bob").is_none());
}

#[test]
fn addresses_find_their_accounts() {
    let (_folder, directory) = directory(&["example.org"]);
    for name in ["ann", "bob@other.test"] {
        directory.add(name, b"secret").unwrap();
    }
    for (local, domain, expected) in [
        ("ann", Some("example.org"), Some(("ann", None))),
        ("ANN", Some("Example.ORG"), Some(("ann", None))),
        ("ann", None, Some(("ann", None))),
        ("ann", Some("elsewhere.test"), None),
        (
            "ann+lists/rust",
            Some("example.org"),
            Some(("ann", Some("lists/rust"))),
        ),
        ("ann+", Some("example.org"), Some(("ann", None))),
        (
            "bob+x",
            Some("other.test"),
            Some(("bob@other.test", Some("x"))),
        ),
        ("bob", Some("example.org"), None),
        ("+x", Some("example.org"), None),
    ] {
        let found = directory.recipient(local, domain);
        let found = found
            .as_ref()
            .map(|r| (&*r.identity.name, r.detail.as_deref()));
        assert_eq!(found, expected, "{local}@{domain:?}");
    }
}

#[test]
fn a_broken_file_is_named_and_leaves_the_accounts() {
    let (folder, directory) = directory(&[]);
    directory.add("ann", b"secret").unwrap();
    let path = folder.path().join("accounts.toml");
    let good = fs::read_to_string(&path).unwrap();
    let entry = &good[good.find("[[account]]").unwrap()..];
    for (bad, says) in [
        (good.replace("id = \"A", "id = \"B"), "id"),
        (format!("{good}\nnonsense = 1\n"), "nonsense"),
        (format!("{good}{entry}"), "same id"),
        (good.replace("secret = \"", "secret = \"x"), "secret"),
        (good.replace("$argon2id$", "$argon3$"), "Argon2id"),
    ] {
        fs::write(&path, bad).unwrap();
        assert!(directory.add("bob", b"secret").is_err());
        let error = Directory::open(path.clone(), Vec::new())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains(says) && error.contains("accounts.toml"),
            "{error}"
        );
        assert!(directory.account("ann").is_some());
    }
    fs::remove_file(&path).unwrap();
    assert!(directory.account("ann").is_some(), "no file is broken, too");
    let other = good.replace("\"ann\"", "\"bob\"");
    fs::write(&path, other).unwrap();
    assert!(directory.account("ann").is_none());
    assert!(directory.account("bob").is_some());
}

#[test]
fn the_file_is_looked_at_from_time_to_time_and_own_changes_hold_at_once() {
    let (folder, mut directory) = directory(&[]);
    let other = Directory::open(folder.path().join("accounts.toml"), Vec::new()).unwrap();
    directory.looks_every = Duration::MAX;
    directory.add("ann", b"secret").unwrap();
    assert!(directory.account("ann").is_some());
    other.add("bob", b"secret").unwrap();
    assert!(
        directory.account("bob").is_none(),
        "it was looked at just now"
    );
    directory.looks_every = Duration::ZERO;
    assert!(directory.account("bob").is_some());
}

#[test]
fn the_file_is_private_and_nothing_else_is_left() {
    let (folder, directory) = directory(&[]);
    let new = folder.path().join("accounts.new");
    fs::write(&new, "what a crash left").unwrap();
    directory.add("ann", b"secret").unwrap();
    let secret = directory.secret();
    directory.set_password("ann", b"other").unwrap();
    assert!(secret.is_some() && directory.secret() == secret);
    let path = folder.path().join("accounts.toml");
    assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
    assert!(!new.exists());
}

#[test]
fn administrators_at_once_lose_nothing() {
    let (folder, _) = directory(&[]);
    let path = folder.path().join("accounts.toml");
    std::thread::scope(|scope| {
        for name in ["ann", "bob", "carl", "dora"] {
            let path = path.clone();
            scope.spawn(move || {
                let directory = Directory::open(path, Vec::new()).unwrap();
                directory.add(name, b"secret").unwrap();
            });
        }
    });
    let directory = Directory::open(path, Vec::new()).unwrap();
    assert_eq!(directory.accounts().len(), 4);
}

#[test]
fn an_account_without_a_password_is_one() {
    let (folder, directory) = directory(&[]);
    let ann = directory.add_without_password("ann").unwrap();
    let again = attentive(folder.path().join("accounts.toml"), Vec::new());
    assert_eq!(again.account("ann").unwrap().credentials, None);
    directory.set_password("ann", b"secret").unwrap();
    let ann_now = again.account("ann").unwrap();
    assert!(ann_now.credentials.is_some() && ann_now.id == ann.id);
    assert_eq!(again.name_of(ann.id).as_deref(), Some("ann"));
    assert_eq!(again.by_id(ann.id).unwrap(), ann_now);
    assert_eq!(again.name_of(ann.id + 1), None);
}

#[test]
fn members_keep_their_groups_through_renames_and_nobody_inherits_them() {
    let (_folder, directory) = directory(&[]);
    for name in ["ann", "bob"] {
        directory.add_without_password(name).unwrap();
    }
    for group in ["Staff", "all@example.test"] {
        directory.add_group(group).unwrap();
    }
    directory
        .change_group("staff", &["ANN", "bob"], &[])
        .unwrap();
    directory
        .change_group("all@example.test", &["ann"], &["nobody"])
        .unwrap();
    let groups = |name: &str| {
        let account = directory.account(name).unwrap();
        account.identity().groups.join(" ")
    };
    assert_eq!(
        (&*groups("ann"), &*groups("bob")),
        ("all@example.test staff", "staff")
    );
    directory.rename("ann", "anna").unwrap();
    assert_eq!(groups("anna"), "all@example.test staff");
    directory.remove("bob").unwrap();
    directory.add_without_password("bob").unwrap();
    directory.add_without_password("ann").unwrap();
    assert_eq!((&*groups("bob"), &*groups("ann")), ("", ""));
    let missing = directory
        .change_group("staff", &["nobody"], &[])
        .unwrap_err();
    assert!(matches!(missing, Error::Missing(_)));
    for failed in [
        directory.add_group("STAFF").map(|_| ()),
        directory.change_group("none", &[], &[]),
        directory.remove_group("none"),
    ] {
        assert!(matches!(
            failed,
            Err(Error::There(..) | Error::NotThere(..))
        ));
    }
    directory.remove_group("staff").unwrap();
    assert_eq!(groups("anna"), "all@example.test");
    assert_eq!(directory.groups().len(), 1);
    assert_eq!(directory.groups()[0].domain(), "example.test");
}

#[test]
fn a_domain_has_one_shared_account_for_good() {
    let (folder, directory) = directory(&[]);
    assert_eq!(directory.shared(""), None);
    let site = directory.shared_or_new("").unwrap();
    let path = folder.path().join("accounts.toml");
    let ids: Vec<u64> = std::thread::scope(|scope| {
        let open = || Directory::open(path.clone(), Vec::new()).unwrap();
        let of = move || open().shared_or_new("Example.test").unwrap();
        let all: Vec<_> = (0..4).map(|_| scope.spawn(of)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0] && *id != site), "{ids:?}");
    assert_eq!(directory.shared("example.test"), Some(ids[0]));
    assert_eq!(
        directory.shared_domain(ids[0]).as_deref(),
        Some("example.test")
    );
    assert_eq!(directory.shared_domain(ids[0] + 1), None);
    let taken = directory.add_again("ann", b"x", site).unwrap_err();
    assert!(matches!(taken, Error::Taken { .. }));
    assert_eq!(directory.accounts(), [], "it is nobody's");
    assert!(directory.shared_or_new("a@b").is_err());
}

#[test]
fn domains_have_limits() {
    let (_folder, directory) = directory(&[]);
    let limits = Limits {
        storage_octets: Some(1 << 40),
        messages: Some(7),
        ..Limits::default()
    };
    directory.set_limits("Example.test", limits).unwrap();
    directory.add_without_password("ann@other.test").unwrap();
    directory.add_without_password("bob").unwrap();
    assert_eq!(directory.domain("example.test").limits, limits);
    assert_eq!(directory.domain("").limits, Limits::default());
    assert_eq!(directory.domains().join(" "), " example.test other.test");
    directory
        .set_limits("example.test", Limits::default())
        .unwrap();
    assert_eq!(directory.domain("example.test").limits, Limits::default());
}

#[test]
fn addresses_mean_shared_mailboxes() {
    let (_folder, directory) = directory(&["example.test"]);
    directory.add_without_password("ann").unwrap();
    directory
        .set_address("Board@example.test", "example.test", "bb/board")
        .unwrap();
    directory.set_address("all", "", "All").unwrap();
    assert!(matches!(
        directory.set_address("ann", "", "x"),
        Err(Error::Exists(_))
    ));
    for (local, domain, expected) in [
        ("BOARD", Some("Example.test"), Some(("bb/board", None))),
        (
            "board+x",
            Some("example.test"),
            Some(("bb/board", Some("x"))),
        ),
        ("board", None, None),
        ("board", Some("other.test"), None),
        ("all", Some("example.test"), Some(("All", None))),
        ("all+", None, Some(("All", None))),
        ("all", Some("other.test"), None),
    ] {
        let found = directory.address(local, domain);
        let found = found.as_ref().map(|(a, d)| (&*a.mailbox, d.as_deref()));
        assert_eq!(found, expected, "{local}@{domain:?}");
    }
    assert_eq!(directory.addresses().len(), 2);
    directory.remove_address("ALL").unwrap();
    assert!(matches!(
        directory.remove_address("all"),
        Err(Error::NotThere(..))
    ));
    assert!(directory.address("all", None).is_none());
}

#[test]
fn roles_are_given_and_taken() {
    let (folder, directory) = directory(&[]);
    directory.add("ann@a.test", b"secret").unwrap();
    let desk: Roles = ["help-desk@a.test".parse().unwrap()].into_iter().collect();
    directory.set_roles("ann@a.test", &desk).unwrap();
    directory.set_unix_user("hilde", &desk).unwrap();
    let again = attentive(folder.path().join("accounts.toml"), Vec::new());
    let identity = again.account("ann@a.test").unwrap().identity();
    assert_eq!((&identity.roles, &*identity.domain), (&desk, "a.test"));
    assert!(again.unix_user("hilde").helps("a.test"));
    assert!(again.unix_user("nobody").is_empty());
    directory.set_unix_user("hilde", &Roles::default()).unwrap();
    directory
        .set_roles("ann@a.test", &Roles::default())
        .unwrap();
    assert_eq!(again.unix_users(), []);
    assert!(again.account("ann@a.test").unwrap().roles.is_empty());
}

#[test]
fn what_is_wrong_with_groups_and_domains_is_named() {
    let (folder, _) = directory(&[]);
    let path = folder.path().join("accounts.toml");
    for (bad, says) in [
        ("[[group]]\nname = \"a b\"", "a b"),
        ("[[group]]\nname = \"x\"\n[[group]]\nname = \"X\"", "twice"),
        ("[[shared]]\ndomain = \"x\"\nid = \"7\"", "id"),
        (
            "[[shared]]\nid = \"A7\"\n[[shared]]\ndomain = \"x\"\nid = \"A7\"",
            "another's",
        ),
        ("[[shared]]\nid = \"A7\"\n[[shared]]\nid = \"A8\"", "twice"),
        ("[[domain]]\nname = \"a@b\"", "a@b"),
        (
            "[[domain]]\nname = \"x\"\n[[domain]]\nname = \"X\"",
            "twice",
        ),
        ("[[address]]\naddress = \"a\"\nmailbox = \"\"", "no name"),
        ("[[address]]\naddress = \"a b\"\nmailbox = \"x\"", "space"),
        ("[[unix-user]]\nname = \"x\"\nroles = [\"king\"]", "no role"),
        (
            "[[unix-user]]\nname = \"x\"\n[[unix-user]]\nname = \"x\"",
            "twice",
        ),
        (
            "[[account]]\nname = \"ann\"\nid = \"A1\"\npassword = \"x\"",
            "no scram",
        ),
        (
            "[[account]]\nname = \"ann\"\nid = \"A1\"\nscram-sha-256 = \"x\"",
            "no password",
        ),
        (
            "[[account]]\nname = \"ann\"\nid = \"A1\"\nroles = [\"help-desk\"]",
            "no role",
        ),
    ] {
        fs::write(&path, bad).unwrap();
        let error = Directory::open(path.clone(), Vec::new()).unwrap_err();
        assert!(error.to_string().contains(says), "{bad}: {error}");
    }
    let ghost = "[[group]]\nname = \"x\"\nmembers = [\"nobody\"]";
    fs::write(&path, ghost).unwrap();
    assert!(Directory::open(path, Vec::new()).is_ok());
}
