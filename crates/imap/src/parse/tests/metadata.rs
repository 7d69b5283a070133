//! GETMETADATA and SETMETADATA: RFC 5464.

use alloc::string::ToString;

use super::*;
use crate::command::{Depth, GetMetadata};

fn get(mailbox: &str, entries: &[&str]) -> GetMetadata {
    GetMetadata {
        mailbox: super::mailbox(mailbox),
        size_max: None,
        depth: Depth::Zero,
        entries: entries.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn options_stand_before_or_after_the_mailbox() {
    let (comment, both) = ("/shared/comment", ["/shared/comment", "/private/comment"]);
    let limited = GetMetadata {
        size_max: Some(1024),
        ..get("INBOX", &both)
    };
    let all = GetMetadata {
        size_max: Some(7),
        depth: Depth::Infinity,
        ..get("INBOX", &[comment])
    };
    for (rest, expected) in [
        ("\"\" /shared/comment", get("", &[comment])),
        (
            "INBOX (/shared/comment /private/comment)",
            get("INBOX", &both),
        ),
        (
            "INBOX /shared/comment /private/comment",
            get("INBOX", &both),
        ),
        ("INBOX (\"/shared/comment\")", get("INBOX", &[comment])),
        (
            "INBOX (MAXSIZE 1024) (/shared/comment /private/comment)",
            limited.clone(),
        ),
        (
            "(MAXSIZE 1024) INBOX (/shared/comment /private/comment)",
            limited,
        ),
        (
            "(DEPTH infinity MAXSIZE 7) INBOX /shared/comment",
            all.clone(),
        ),
        ("(maxsize 7) INBOX (depth INFINITY) /shared/comment", all),
    ] {
        let expected = Authenticated::GetMetadata(expected);
        after(&format!("GETMETADATA {rest}"), expected);
    }
}

#[test]
fn values_may_be_anything_and_names_may_not() {
    let set = |entries: &[(&str, Option<&[u8]>)]| Authenticated::SetMetadata {
        mailbox: mailbox("INBOX"),
        entries: entries
            .iter()
            .map(|(name, value)| (name.to_string(), value.map(<[u8]>::to_vec)))
            .collect(),
    };
    for (values, expected) in [
        ("/private/comment NIL", set(&[("/private/comment", None)])),
        (
            "/private/comment \"NIL\"",
            set(&[("/private/comment", Some(b"NIL"))]),
        ),
        (
            "/private/a {2+}\r\n\"\n /shared/b ~{3+}\r\na\0b",
            set(&[("/private/a", Some(b"\"\n")), ("/shared/b", Some(b"a\0b"))]),
        ),
    ] {
        after(&format!("SETMETADATA INBOX ({values})"), expected);
    }
    for wrong in [
        "comment",
        "/comment",
        "/private",
        "/private/",
        "/private//a",
        "/private/a/",
        "\"/private/a*\"",
        "\"/private/a%\"",
        "/shared/vendor/x",
        "\"/private/\u{e9}\"",
        "\"/private/\t\"",
        "internal/a",
        "/other/a",
    ] {
        let command = format!("a SETMETADATA INBOX ({wrong} \"x\")");
        let error = parse(command.as_bytes()).unwrap_err();
        assert_eq!(error.kind, SyntaxErrorKind::Grammar, "{wrong}");
    }
    // A value is no atom.
    assert!(parse(b"a SETMETADATA INBOX (/private/a x)").is_err());
    // To be asked for, it may be the beginning of a name.
    assert!(parse(b"a GETMETADATA INBOX (DEPTH 1) /private/vendor/x").is_ok());
}
