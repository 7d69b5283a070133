//! What goes over the wire, item by item.

use super::*;
use crate::command::StatusItem;
use alloc::{
    borrow::ToOwned,
    string::{String, ToString as _},
    vec,
};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn numbers() {
    for (n, text) in [
        (0, "0"),
        (7, "7"),
        (10, "10"),
        (4_294_967_295, "4294967295"),
        (u64::MAX, "18446744073709551615"),
    ] {
        assert_eq!(written(|out| number(out, n)), text);
    }
    let every = (0..100_000_u64).chain((1..20).flat_map(|n| {
        let power = 10_u64.pow(n);
        [power - 1, power, power + 1, power / 7 * 8]
    }));
    for n in every {
        assert_eq!(written(|out| number(out, n)), n.to_string());
    }
}

#[test]
fn strings_choose_their_form() {
    use EightBit::{Literal, Quoted};
    for (bytes, eight_bit, a_string, plain) in [
        (&b"INBOX"[..], Literal, "INBOX", "\"INBOX\""),
        (b"", Literal, "\"\"", "\"\""),
        (b"nil", Literal, "\"nil\"", "\"nil\""),
        (b"a]b", Literal, "a]b", "\"a]b\""),
        (b"a b", Literal, "\"a b\"", "\"a b\""),
        (b"a\"\\b", Literal, "\"a\\\"\\\\b\"", "\"a\\\"\\\\b\""),
        (b"a\r\nb", Literal, "{4}\r\na\r\nb", "{4}\r\na\r\nb"),
        (b"a\0b", Quoted, "{3}\r\na\x7fb", "{3}\r\na\x7fb"),
        ("ü".as_bytes(), Literal, "{2}\r\nü", "{2}\r\nü"),
        ("ü".as_bytes(), Quoted, "\"ü\"", "\"ü\""),
        (b"\xff", Quoted, "{1}\r\n\u{fffd}", "{1}\r\n\u{fffd}"),
        (b"a*", Literal, "\"a*\"", "\"a*\""),
    ] {
        assert_eq!(written(|out| astring(out, bytes, eight_bit)), a_string);
        assert_eq!(written(|out| string(out, bytes, eight_bit)), plain);
    }
    let long = vec![b'x'; QUOTED_BYTES_MAX + 1];
    assert!(written(|out| astring(out, &long, Literal)).starts_with("{1025}\r\nxxx"));
    assert_eq!(written(|out| nstring(out, None, Literal)), "NIL");
    assert_eq!(written(|out| literal8(out, b"\0")), "~{1}\r\n\0");
}

#[test]
fn dates() {
    for (unix, zone_minutes, text) in [
        (0, 0, "\" 1-Jan-1970 00:00:00 +0000\""),
        (837_595_405, -420, "\"17-Jul-1996 02:23:25 -0700\""),
        (837_596_665, 120, "\"17-Jul-1996 11:44:25 +0200\""),
        (-1, 0, "\"31-Dec-1969 23:59:59 +0000\""),
        (i64::MAX, 0, "\" 4-Dec-9999 15:30:07 +0000\""),
    ] {
        let date = DateTime { unix, zone_minutes };
        assert_eq!(written(|out| internal_date(out, date)), text);
    }
}

#[test]
fn sets() {
    let set: UidSet = [1, 2, 3, 5, 7, 8].into_iter().collect();
    assert_eq!(written(|out| uid_set(out, &set)), "1:3,5,7:8");
    assert_eq!(
        written(|out| vanished(out, Vanished::Earlier, &set)),
        "* VANISHED (EARLIER) 1:3,5,7:8\r\n"
    );
    assert_eq!(
        written(|out| vanished(out, Vanished::Now, &UidSet::new())),
        ""
    );
    assert_eq!(written(|out| sequence_set(out, &SequenceSet::Saved)), "$");
}

#[test]
fn sections() {
    let one = NonZeroU32::MIN;
    for (part, text, origin, expected) in [
        (vec![], SectionText::Whole, None, "BODY[]"),
        (vec![], SectionText::Whole, Some(0), "BODY[]<0>"),
        (vec![one, one], SectionText::Whole, Some(5), "BODY[1.1]<5>"),
        (vec![one], SectionText::Mime, None, "BODY[1.MIME]"),
        (
            vec![one],
            SectionText::HeaderFields(vec![b"A".to_vec(), b"b c".to_vec()]),
            None,
            "BODY[1.HEADER.FIELDS (A \"b c\")]",
        ),
        (
            vec![],
            SectionText::HeaderFieldsNot(vec![b"A".to_vec()]),
            None,
            "BODY[HEADER.FIELDS.NOT (A)]",
        ),
    ] {
        let spec = Section { part, text };
        assert_eq!(written(|out| section(out, &spec, origin)), expected);
    }
    assert_eq!(written(|out| binary(out, &[one], Some(3))), "BINARY[1]<3>");
    assert_eq!(written(|out| binary_size(out, &[])), "BINARY.SIZE[]");
}

#[test]
fn mailbox_names() {
    for (name, utf7, utf8) in [
        ("INBOX", "INBOX", "INBOX"),
        ("a b", "\"a b\"", "\"a b\""),
        ("a&b", "a&-b", "a&b"),
        ("ü/x", "&APw-/x", "\"ü/x\""),
        // No client can name it so, but a foreign mailbox may be called that.
        ("a\nb", "a&AAo-b", "{3}\r\na\nb"),
    ] {
        let in_utf7 = written(|out| mailbox(out, name, Encoding::ModifiedUtf7));
        assert_eq!(in_utf7, utf7);
        assert_eq!(written(|out| mailbox(out, name, Encoding::Utf8)), utf8);
    }
}

#[test]
fn namespaces_may_have_translations() {
    let namespace = |prefix, translation: Option<&str>| Namespace {
        prefix,
        translation: translation.map(ToOwned::to_owned),
    };
    // RFC 5255 §3.4.
    let personal = [namespace("", None)];
    let users = [namespace("Other Users/", Some("Andere Benützer/"))];
    let public = [namespace("Public Folders/", Some("Gemeinsame Postfächer/"))];
    let all: [&[Namespace<'_>]; 3] = [&personal, &users, &public];
    let line = "* NAMESPACE ((\"\" \"/\")) \
                ((\"Other Users/\" \"/\" \"TRANSLATION\" (\"Andere Ben&APw-tzer/\"))) \
                ((\"Public Folders/\" \"/\" \"TRANSLATION\" (\"Gemeinsame Postf&AOQ-cher/\")))\r\n";
    assert_eq!(
        written(|out| namespaces(out, all, '/', Encoding::ModifiedUtf7)),
        line
    );
    assert_eq!(
        written(|out| namespaces(out, [&personal, &[], &[]], '/', Encoding::Utf8)),
        "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"
    );
}

#[test]
fn responses() {
    let mut line = ListLine {
        attributes: &["\\HasChildren", "\\Sent"],
        delimiter: Some('/'),
        name: "Entwürfe",
        ..ListLine::default()
    };
    assert_eq!(
        written(|out| list(out, &line)),
        "* LIST (\\HasChildren \\Sent) \"/\" Entw&APw-rfe\r\n"
    );
    line.encoding = Encoding::Utf8;
    line.child_info = &["SUBSCRIBED"];
    line.old_name = Some("x y");
    assert_eq!(
        written(|out| list(out, &line)),
        "* LIST (\\HasChildren \\Sent) \"/\" \"Entwürfe\" (\"CHILDINFO\" (\"SUBSCRIBED\") \"OLDNAME\" (\"x y\"))\r\n"
    );
    assert_eq!(
        written(|out| status(
            out,
            "a b",
            Encoding::Utf8,
            [
                (StatusItem::Messages, StatusValue::Number(231)),
                (StatusItem::MailboxId, StatusValue::Id("F1")),
                (StatusItem::AppendLimit, StatusValue::Nil),
            ]
        )),
        "* STATUS \"a b\" (MESSAGES 231 MAILBOXID (F1) APPENDLIMIT NIL)\r\n"
    );
    assert_eq!(
        written(|out| search(out, [2, 5], Some(917))),
        "* SEARCH 2 5 (MODSEQ 917)\r\n"
    );
    assert_eq!(written(|out| sort(out, [], None)), "* SORT\r\n");
    assert_eq!(
        written(|out| sort(out, [5, 3, 4], Some(9))),
        "* SORT 5 3 4 (MODSEQ 9)\r\n"
    );
    assert_eq!(written(|out| expunge(out, 3)), "* 3 EXPUNGE\r\n");
    assert_eq!(written(|out| flag_list(out, ["\\Seen", "a"])), "(\\Seen a)");
}
