//! GETQUOTA, GETQUOTAROOT and SETQUOTA: RFC 9208 §7.

use alloc::{format, string::ToString};

use super::*;

fn set(root: &str, limits: &[(&str, u64)]) -> Command {
    Command::Authenticated(Authenticated::SetQuota {
        root: super::mailbox(root),
        limits: limits.iter().map(|(n, l)| ((*n).into(), *l)).collect(),
    })
}

#[test]
fn roots_and_limits_are_read() {
    let get = |root| Command::Authenticated(Authenticated::GetQuota(super::mailbox(root)));
    let root = |of| Command::Authenticated(Authenticated::GetQuotaRoot(super::mailbox(of)));
    for (text, expected) in [
        ("GETQUOTA \"\"", get("")),
        ("getquota \"!partition/sda4\"", get("!partition/sda4")),
        ("GETQUOTA #user/alice", get("#user/alice")),
        ("GETQUOTAROOT INBOX", root("INBOX")),
        ("SETQUOTA INBOX ()", set("INBOX", &[])),
        ("SETQUOTA \"\" (STORAGE 512)", set("", &[("STORAGE", 512)])),
        (
            "SETQUOTA @x ( storage 0  MESSAGE 9223372036854775807 X-Own 1 )",
            set(
                "@x",
                &[("STORAGE", 0), ("MESSAGE", i64::MAX as u64), ("X-OWN", 1)],
            ),
        ),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_list_of_limits_is_refused() {
    for (text, expected) in [
        (
            "SETQUOTA INBOX",
            "expected a space after the name of the quota root",
        ),
        ("SETQUOTA INBOX STORAGE 5", "expected '(' before the limits"),
        (
            "SETQUOTA INBOX (STORAGE)",
            "expected a space after the name of a resource",
        ),
        ("SETQUOTA INBOX (STORAGE -1)", "expected a limit"),
        (
            "SETQUOTA INBOX (STORAGE 9223372036854775808)",
            "a limit is too large",
        ),
        ("SETQUOTA INBOX (STORAGE 1 storage 2)", "a resource twice"),
        ("GETQUOTA", "expected a space after the name of the command"),
    ] {
        let error = parse(format!("a {text}").as_bytes()).expect_err(text);
        let told = error.to_string();
        assert!(told.contains(expected), "{text}: {told}");
    }
}
