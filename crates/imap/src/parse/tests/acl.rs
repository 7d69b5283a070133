//! Commands of RFC 4314.

use super::*;
use crate::{
    command::{Acl, ModRights},
    parse::command,
};

#[test]
fn acl_commands_are_read() {
    let drafts = || mailbox("INBOX/Drafts");
    let set = |identifier: &str, rights| Acl::Set {
        mailbox: drafts(),
        identifier: identifier.into(),
        rights,
    };
    for (line, expected) in [
        (
            "SeTacl INBOX/Drafts David lrswida",
            set("David", ModRights::Replace("lrswida".into())),
        ),
        (
            "SETACL INBOX/Drafts {5}\r\nChris \"+cda9\"",
            set("Chris", ModRights::Add("cda9".into())),
        ),
        (
            "SETACL INBOX/Drafts -fred -w",
            set("-fred", ModRights::Remove("w".into())),
        ),
        (
            "SETACL INBOX/Drafts \"\" \"\"",
            set("", ModRights::Replace(String::new())),
        ),
        (
            "DELETEACL INBOX/Drafts group:staff",
            Acl::Delete {
                mailbox: drafts(),
                identifier: b"group:staff".to_vec(),
            },
        ),
        ("GETACL INBOX/Drafts", Acl::Get(drafts())),
        (
            "LISTRIGHTS INBOX/Drafts smith",
            Acl::ListRights {
                mailbox: drafts(),
                identifier: b"smith".to_vec(),
            },
        ),
        ("MYRIGHTS INBOX/Drafts", Acl::MyRights(drafts())),
    ] {
        after(line, Authenticated::Acl(expected));
    }
}

#[test]
fn rights_that_can_be_none_are_refused() {
    for (line, what) in [
        (
            "SETACL INBOX john lrQswicda",
            "uppercase rights are not allowed",
        ),
        ("SETACL INBOX john +lR", "uppercase rights are not allowed"),
        ("SETACL INBOX john l.r", "rights are letters and digits"),
        ("SETACL INBOX john +-l", "rights are letters and digits"),
        (
            "SETACL INBOX john {2}\r\n\u{e9}",
            "rights are letters and digits",
        ),
    ] {
        let line = format!("a {line}");
        let error = command(line.as_bytes()).unwrap_err();
        assert!(format!("{error}").contains(what), "{line}: {error}");
    }
    for line in [
        "SETACL INBOX john",
        "GETACL",
        "MYRIGHTS a b",
        "DELETEACL INBOX",
    ] {
        assert!(command(format!("a {line}").as_bytes()).is_err(), "{line}");
    }
}
