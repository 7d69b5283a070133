//! The scanner: by table, by random cuts, and by a strict reading of what it
//! writes.

use alloc::{format, string::String, vec::Vec};

use core::fmt::Write as _;

use super::*;
use crate::structure::{Part, PartKind, What};

mod grammar;

fn scan(message: &[u8]) -> Digest {
    scan_within(Limits::default(), message)
}

fn scan_within(limits: Limits, message: &[u8]) -> Digest {
    let mut scanner = Scanner::new(limits);
    scanner.push(message);
    let digest = scanner.finish();
    grammar::check(&digest.envelope, &digest.body, &digest.body_structure);
    within(&digest.structure, 0, message.len() as u64);
    digest
}

/// Spans lie within the enclosing one, in order.
fn within(part: &Part, from: u64, to: u64) {
    assert!(
        from <= part.header.start && part.header.start <= part.header.end,
        "{part:?}"
    );
    assert!(
        part.header.end <= part.body.start && part.body.start <= part.body.end,
        "{part:?}"
    );
    assert!(part.body.end <= to, "{part:?} beyond {to}");
    let mut at = part.body.start;
    match &part.kind {
        PartKind::Leaf => {}
        PartKind::Message(inner) => within(inner, at, part.body.end),
        PartKind::Multipart(parts) => {
            for inner in parts {
                within(inner, at, part.body.end);
                at = inner.body.end;
            }
        }
    }
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn check(message: &str, body: &str) {
    let digest = scan(message.as_bytes());
    assert_eq!(text(&digest.body), body, "{message:?}");
}

const TEXT: &str = r#""text" "plain" ("charset" "us-ascii") NIL NIL "7bit""#;
const NO_ENVELOPE: &str = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";

#[test]
fn single_parts() {
    for (message, body) in [
        ("", format!("({TEXT} 0 0)")),
        ("A: b", format!("({TEXT} 0 0)")),
        ("A: b\r\n\r\n", format!("({TEXT} 0 0)")),
        ("\r\nbody", format!("({TEXT} 4 1)")),
        ("\nbody\n\nx", format!("({TEXT} 7 3)")),
        ("Content-Type: text\n\nb\n", format!("({TEXT} 2 1)")),
        (
            "Content-Type: multipart/mixed\n\nb\n",
            format!("({TEXT} 2 1)"),
        ),
        (
            "Content-Type: IMAGE/png; name=a\nContent-Transfer-Encoding: Base64\nContent-ID: <1>\n\nAAAA",
            r#"("image" "png" ("name" "a") "<1>" NIL "base64" 4)"#.into(),
        ),
        (
            "Content-Type: message/rfc822\n\nSubject: s\n\nb\n",
            format!(
                r#"("message" "rfc822" NIL NIL NIL "7bit" 14 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ({TEXT} 2 1) 3)"#
            ),
        ),
        (
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA\n",
            format!(r#"("message" "rfc822" NIL NIL NIL "base64" 5 {NO_ENVELOPE} ({TEXT} 0 0) 1)"#),
        ),
    ] {
        check(message, &body);
    }
}

#[test]
fn multiparts() {
    let head = "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n";
    for (rest, parts) in [
        (
            "pre\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n\r\n--b--\r\nepi",
            format!("({TEXT} 3 1)({TEXT} 5 1)"),
        ),
        (
            "--b\n\none\n--b  \n\ntwo",
            format!("({TEXT} 3 1)({TEXT} 3 1)"),
        ),
        ("--b\r\n\r\n--b--", format!("({TEXT} 0 0)")),
        ("--b\r\n--b\r\n--b--", format!("({TEXT} 0 0)({TEXT} 0 0)")),
        ("--b--", format!("({TEXT} 5 1)")),
        ("no\r\nboundary", format!("({TEXT} 12 2)")),
        ("--bb\r\n --b\r\n", format!("({TEXT} 12 2)")),
        (
            "--b\r\n\r\n--bc\r\n--b--\r\n--b\r\n\r\nlate",
            format!("({TEXT} 4 1)"),
        ),
        (
            "--b\r\nContent-Type: message/rfc822\r\n--b--",
            format!(r#"("message" "rfc822" NIL NIL NIL "7bit" 0 {NO_ENVELOPE} ({TEXT} 0 0) 0)"#),
        ),
    ] {
        check(&format!("{head}{rest}"), &format!("({parts} \"mixed\")"));
    }
}

#[test]
fn nested_multiparts_end_with_the_outer_delimiter() {
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\
         Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\nx\n--bb\n\ny\n--b\n\nz\n--b--\n",
        &format!(r#"((({TEXT} 1 1)({TEXT} 1 1) "alternative")({TEXT} 1 1) "mixed")"#),
    );
}

#[test]
fn parts_of_a_digest_are_messages() {
    check(
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: s\n\nx\n--b\nContent-Type: text/plain\n\ny\n--b--",
        &format!(
            r#"(("message" "rfc822" NIL NIL NIL "7bit" 13 (NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL) ({TEXT} 1 1) 3)({TEXT} 1 1) "digest")"#
        ),
    );
}

#[test]
fn body_structure_has_extension_data() {
    let digest = scan(
        b"Content-Type: multipart/mixed; boundary=b\nContent-Language: en\n\n--b\n\
          Content-Disposition: attachment; filename*=utf-8''%41\nContent-MD5: m\nContent-Location: l\n\
          Content-Language: de, fr\n\nx\n--b--",
    );
    assert_eq!(
        text(&digest.body_structure),
        format!(
            r#"(({TEXT} 1 1 "m" ("attachment" ("filename*" "utf-8''%41")) ("de" "fr") "l") "mixed" ("boundary" "b") NIL "en" NIL)"#
        )
    );
}

/// RFC 9051 §6.4.5.1's example.
const SECTIONS: &str = "X: root\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\none\r\n\
    --a\r\nContent-Type: application/octet-stream\r\n\r\ntwo\r\n\
    --a\r\nContent-Type: message/rfc822\r\n\r\nSubject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\n\r\nthree.one\r\n--b--\r\n\r\n\
    --a\r\nContent-Type: message/rfc822\r\n\r\nSubject: four\r\n\r\nfour.one\r\n--a--\r\n";

#[test]
fn sections_are_found_by_number() {
    let digest = scan(SECTIONS.as_bytes());
    let at = |number: &[u32], what| {
        let span = digest.structure.span(number, what, 0)?;
        let range = usize::try_from(span.start).unwrap()..usize::try_from(span.end).unwrap();
        Some(&SECTIONS[range])
    };
    for (number, what, expected) in [
        (&[][..], What::Whole, Some(SECTIONS)),
        (&[], What::Mime, None),
        (&[1], What::Whole, Some("one")),
        (
            &[2],
            What::Mime,
            Some("Content-Type: application/octet-stream\r\n\r\n"),
        ),
        (&[2], What::Text, None),
        (&[1, 1], What::Whole, None),
        (&[3, 1], What::Whole, Some("three.one")),
        (&[3, 1], What::Mime, Some("\r\n")),
        (&[4, 1], What::Whole, Some("four.one")),
        (&[4, 1], What::Mime, Some("Subject: four\r\n\r\n")),
        (&[4], What::Header, Some("Subject: four\r\n\r\n")),
        (&[4], What::Text, Some("four.one")),
        (&[4], What::Whole, Some("Subject: four\r\n\r\nfour.one")),
        (
            &[4],
            What::Mime,
            Some("Content-Type: message/rfc822\r\n\r\n"),
        ),
        (&[4, 2], What::Whole, None),
        (&[5], What::Whole, None),
        (&[0], What::Whole, None),
    ] {
        assert_eq!(at(number, what), expected, "{number:?} {what:?}");
    }
}

#[test]
fn trace_fields_shift_all_but_the_beginning() {
    let part = scan(SECTIONS.as_bytes()).structure;
    let shifted = part.shifted(100);
    for number in [&[][..], &[1], &[3], &[3, 1], &[4], &[4, 1]] {
        for what in [What::Whole, What::Header, What::Text, What::Mime] {
            assert_eq!(
                part.span(number, what, 100),
                shifted.span(number, what, 0),
                "{number:?} {what:?}"
            );
        }
    }
    assert_eq!(part.span(&[], What::Header, 100).unwrap().start, 0);
    let plain = scan(b"A: b\n\nc").structure;
    assert_eq!(
        plain.span(&[1], What::Mime, 10),
        plain.span(&[], What::Header, 10)
    );
}

#[test]
fn the_outermost_header_is_read() {
    let digest = scan(
        b"Received: x\r\nFrom: a@b\r\nDate: Fri, 2 Jan 1970 00:00:00 +0000\r\nMessage-ID: <1@a>\r\nX-TUID: t",
    );
    assert_eq!(digest.sent_days, Some(1));
    assert_eq!(digest.thread_keys.len(), 1);
    assert_eq!(
        text(&digest.listed),
        "From: a@b\r\nDate: Fri, 2 Jan 1970 00:00:00 +0000\r\nMessage-ID: <1@a>\r\nX-TUID: t\r\n"
    );
}

#[test]
fn limits_hold() {
    let many = "--b\n\nx\n".repeat(20_000);
    let many = format!("Content-Type: multipart/mixed; boundary=b\n\n{many}--b--");
    let digest = scan(many.as_bytes());
    let PartKind::Multipart(parts) = &digest.structure.kind else {
        panic!("not a multipart");
    };
    assert_eq!(parts.len(), Limits::default().parts_max - 1);

    let mut deep = String::new();
    for level in 0..1_000 {
        write!(
            deep,
            "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
        )
        .unwrap();
    }
    let digest = scan(deep.as_bytes());
    let mut depth = 0;
    let mut part = &digest.structure;
    while let PartKind::Multipart(parts) = &part.kind {
        part = &parts[0];
        depth += 1;
    }
    assert_eq!(depth, Limits::default().depth_max - 1);

    let limits = Limits {
        header_bytes_max: 10,
        ..Limits::default()
    };
    let digest = scan_within(limits, b"Subject: 12345\r\nDate: x\r\n\r\nbody");
    assert_eq!(digest.listed, b"Subject: 1\r\n");
    assert_eq!(digest.structure.body.len(), 4);
}

#[test]
fn descriptions_are_bounded() {
    let long = |len| "d".repeat(len);
    for (field, parts) in [
        (format!("Content-Description: {}", long(5_000)), 2_000),
        (format!("Content-Type: {}/{}", long(120), long(120)), 16_000),
        (
            format!("Content-Type: multipart/{}; boundary=c", long(120)),
            16_000,
        ),
        (format!("Content-Transfer-Encoding: {}", long(120)), 16_000),
        (
            format!("Content-Type: text/plain; charset={}", long(120)),
            16_000,
        ),
    ] {
        let part = format!("--b\n{field}\n\nx\n").repeat(parts);
        let message = format!("Content-Type: multipart/mixed; boundary=b\n\n{part}--b--");
        let digest = scan(message.as_bytes());
        let mut kept = Vec::new();
        digest.encode(&mut kept);
        assert!(kept.len() < 8 << 20, "{} with {field}", kept.len());
    }
}

#[test]
fn how_pieces_are_cut_changes_nothing() {
    let mut random = Random(7);
    let hostile = "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: multipart/x; boundary=b-\r\n\n\
        --b-\r\n\r\n\r--b-\r\n---b\n--b--\n--b---\r\n- -b\r\n--\r\n--b\r\r\n--b \t\r\nA\r\n\r\n\0\n--b--";
    let long = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b{}\n\nx\n--b{}\n",
        " ".repeat(700),
        " ".repeat(600)
    );
    for message in [SECTIONS, hostile, &long, &SECTIONS.replace("\r\n", "\n")] {
        let whole = scan(message.as_bytes());
        for _ in 0..300 {
            let mut scanner = Scanner::new(Limits::default());
            let mut rest = message.as_bytes();
            while !rest.is_empty() {
                let (piece, after) = rest.split_at((random.below(9) + 1).min(rest.len()));
                scanner.push(piece);
                rest = after;
            }
            assert_eq!(scanner.finish(), whole);
        }
    }
}

#[test]
fn random_messages_are_cut_alike() {
    const WORDS: [&str; 22] = [
        "\r\n",
        "\n",
        "\r\n\r\n",
        "--a",
        "--a--",
        "--b",
        "--ab",
        "Content-Type: ",
        "multipart/mixed; boundary=a",
        "multipart/digest; boundary=ab",
        "multipart/x; boundary=\"b\"",
        "message/rfc822",
        "text/html; charset=x",
        "Content-Transfer-Encoding: base64",
        "x",
        "-",
        " ",
        "\t",
        "From: a",
        "\"",
        ";",
        "\u{e9}\0",
    ];
    let mut random = Random(11);
    for _ in 0..3_000 {
        let words = random.below(60);
        let message: String = (0..words)
            .map(|_| WORDS[random.below(WORDS.len())])
            .collect();
        let whole = scan(message.as_bytes());
        let mut scanner = Scanner::new(Limits::default());
        for piece in message.as_bytes().chunks(random.below(5) + 1) {
            scanner.push(piece);
        }
        assert_eq!(scanner.finish(), whole, "{message:?}");
    }
}

/// Knuth's MMIX generator: the same numbers on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }
}
