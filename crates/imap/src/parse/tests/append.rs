//! APPEND with all its forms of data, and REPLACE; whole, and as far as to a literal.

use alloc::{format, vec, vec::Vec};
use core::num::NonZeroU32;

use super::{after, mailbox, parse};
use crate::{
    command::{
        AnnotationEntry, AnnotationScope, Append, AppendData, AppendMessage, Authenticated,
        CatPart, Command, DateTime, Flag, LiteralKind, MessageLiteral, Numbering, Selected,
    },
    parse::{append_start, takes_message},
    wire::LiteralStart,
};

const fn literal(size: u64, kind: LiteralKind) -> MessageLiteral {
    MessageLiteral { size, kind }
}

fn message(size: u64, kind: LiteralKind) -> AppendMessage {
    AppendMessage {
        annotations: Vec::new(),
        flags: vec![],
        date: None,
        data: AppendData::Message(literal(size, kind)),
    }
}

#[track_caller]
fn is(rest: &str, name: &str, messages: Vec<AppendMessage>) {
    let mailbox = mailbox(name);
    after(rest, Authenticated::Append(Append { mailbox, messages }));
}

#[test]
fn messages() {
    is(
        "APPEND saved-messages (\\Seen) {310}\r\n",
        "saved-messages",
        vec![AppendMessage {
            flags: vec![Flag::Seen],
            ..message(310, LiteralKind::Plain)
        }],
    );
    // RFC 3502 §6, RFC 3516, RFC 6855.
    let date = DateTime {
        unix: 773_395_530,
        zone_minutes: -420,
    };
    is(
        "APPEND {3}\r\na b (\\Seen $x) \" 5-Jul-1994 01:05:30 -0700\" {0+}\r\n ~{7}\r\n UTF8 (~{9+}\r\n)",
        "a b",
        vec![
            AppendMessage {
                flags: vec![Flag::Seen, Flag::Keyword("$x".into())],
                date: Some(date),
                ..message(0, LiteralKind::Plain)
            },
            message(7, LiteralKind::Binary),
            message(9, LiteralKind::Utf8),
        ],
    );
}

#[test]
fn annotated() {
    let entry = |name: &str, value: &[u8]| AnnotationEntry {
        name: name.into(),
        values: vec![(AnnotationScope::Private, Some(value.to_vec()))],
    };
    is(
        "APPEND x ANNOTATION (/comment (value.priv {2}\r\n)\")) ANNOTATION (/1/x (value.priv \"\")) {3}\r\n {4}\r\n",
        "x",
        vec![
            AppendMessage {
                annotations: vec![entry("/comment", b")\""), entry("/1/x", b"")],
                ..message(3, LiteralKind::Plain)
            },
            message(4, LiteralKind::Plain),
        ],
    );
}

#[test]
fn parts() {
    // RFC 4469 §5, RFC 6855 §4.
    let text = |size, kind| CatPart::Text(literal(size, kind));
    let url = |url: &str| CatPart::Url(url.as_bytes().to_vec());
    is(
        "APPEND x CATENATE (URL \"/a/;UID=1\" TEXT {42}\r\n URL {3}\r\n/;U TEXT ~{0+}\r\n UTF8 (~{1}\r\n)) {5}\r\n",
        "x",
        vec![
            AppendMessage {
                data: AppendData::Catenate(vec![
                    url("/a/;UID=1"),
                    text(42, LiteralKind::Plain),
                    url("/;U"),
                    text(0, LiteralKind::Binary),
                    text(1, LiteralKind::Utf8),
                ]),
                ..message(0, LiteralKind::Plain)
            },
            message(5, LiteralKind::Plain),
        ],
    );
    for wrong in [
        "CATENATE ()",
        "CATENATE URL x",
        "CATENATE (URL x",
        "CATENATE (BLOB x)",
        "CATENATE (TEXT x)",
        "CATENATE (URL x){1}\r\n",
        "CATENATE (UTF8 {1}\r\n)",
        "UTF8 {1}\r\n",
    ] {
        let command = format!("a APPEND x {wrong}");
        assert!(parse(command.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn replacing() {
    let command = |rest: &str| match parse(format!("a {rest}").as_bytes()).map(|it| it.command) {
        Ok(Command::Selected(Selected::Replace(replace))) => {
            Some((replace.numbering, replace.message.map(NonZeroU32::get)))
        }
        _ => None,
    };
    for (rest, expected) in [
        (
            "REPLACE 4 Drafts (\\Seen \\Draft) {312}\r\n",
            Some((Numbering::Sequence, Some(4))),
        ),
        (
            "UID REPLACE 2000 Drafts CATENATE (TEXT {71}\r\n URL \"/Drafts/;UID=3002\")",
            Some((Numbering::Uid, Some(2000))),
        ),
        (
            "REPLACE * x UTF8 (~{1+}\r\n)",
            Some((Numbering::Sequence, None)),
        ),
        ("REPLACE 0 x {1}\r\n", None),
        ("REPLACE 1:2 x {1}\r\n", None),
        // RFC 8508 §4.7: one message, and no more.
        ("REPLACE 1 x {1}\r\n {1}\r\n", None),
    ] {
        assert_eq!(command(rest), expected, "{rest}");
    }
}

#[test]
fn so_far() {
    let announced = |synchronising, binary| LiteralStart {
        size: 9,
        synchronising,
        binary,
        message: true,
        index: 0,
    };
    for (so_far, binary, replaces, parts) in [
        ("x1 APPEND \"a b\" (\\Seen) ", false, None, vec![0]),
        ("x1 APPEND \"a b\" ", true, None, vec![0]),
        ("x1 APPEND \"a b\" UTF8 (", true, None, vec![0]),
        (
            "x1 APPEND \"a b\" {3}\r\n (x) CATENATE (TEXT ",
            false,
            None,
            vec![0, 1],
        ),
        (
            "x1 APPEND \"a b\" CATENATE (URL {1}\r\n) URL y TEXT {2}\r\n UTF8 (",
            true,
            None,
            vec![4],
        ),
        (
            "x1 UID REPLACE 7 \"a b\" ",
            false,
            Some((Numbering::Uid, NonZeroU32::new(7))),
            vec![0],
        ),
        (
            "x1 REPLACE * \"a b\" ",
            false,
            Some((Numbering::Sequence, None)),
            vec![0],
        ),
    ] {
        for synchronising in [true, false] {
            let literal = announced(synchronising, binary);
            let read = append_start(None, so_far.as_bytes(), &literal).expect(so_far);
            // As much of it as ends with the first literal, then the rest.
            let begins = [
                "x1 APPEND \"a b\" ",
                "x1 APPEND \"a b\" CATENATE (URL {1}\r\n) URL y TEXT ",
            ];
            for begin in begins
                .iter()
                .filter(|begin| so_far.contains(&format!("{begin}{{")))
            {
                let begun = append_start(None, begin.as_bytes(), &announced(false, false)).unwrap();
                let went_on = append_start(Some(begun), so_far.as_bytes(), &literal);
                assert_eq!(went_on.as_ref(), Ok(&read), "{so_far}");
            }
            let parts_of = |message: &AppendMessage| match &message.data {
                AppendData::Message(_) => 0,
                AppendData::Catenate(parts) => parts.len(),
            };
            let found: Vec<usize> = read.messages.iter().map(parts_of).collect();
            assert_eq!(
                (read.tag.as_str(), read.mailbox, read.replaces, found),
                ("x1", mailbox("a b"), replaces, parts.clone()),
                "{so_far}"
            );
        }
        assert!(takes_message(so_far.as_bytes()), "{so_far}");
    }
    for not_yet in [
        "x1 APPEND ",
        "x1 APPEND a",
        "x1 APPEND {3}\r\nab",
        "x1 REPLACE a ",
        "x1 REPLACE 1 ",
        "x1 UID APPEND a ",
        "x1 COPY 1 a ",
        "x1 ",
        "x1 APPEND a CATENATE (URL ",
        "x1 APPEND a CATENATE (TEXT {1}\r\n url ",
        "x1 APPEND a ANNOTATION (/comment (value.priv ",
        "x1 APPEND a (\\Seen) ANNOTATION (/c (\"value.shared\" ",
    ] {
        assert!(!takes_message(not_yet.as_bytes()), "{not_yet}");
        let read = append_start(None, not_yet.as_bytes(), &announced(true, false));
        assert!(read.is_err(), "{not_yet}");
    }
    // A mailbox may be called so.
    assert!(takes_message(b"x1 APPEND url "));
}
