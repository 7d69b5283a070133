//! The framing, whole and in pieces.

use alloc::{format, string::String, vec, vec::Vec};

use super::*;

const LIMITS: Limits = Limits {
    command_bytes_max: 200,
    inline_literal_bytes_max: 50,
    unasked_literal_bytes_max: u64::MAX,
};

/// What to do with the literals that the wire asks about.
#[derive(Clone, Copy, PartialEq)]
enum Taker {
    All,
    NoMessages,
    Nothing,
}

/// Feeds pieces, and writes down what comes out; data in pieces is joined.
fn run<'a>(pieces: impl Iterator<Item = &'a [u8]>, taker: Taker) -> Vec<String> {
    let mut wire = Wire::new(LIMITS);
    let mut seen = Vec::new();
    let mut data = Vec::new();
    for piece in pieces {
        wire.feed(piece.to_vec());
        loop {
            match wire.next() {
                Input::NeedMore => break,
                Input::Command(c) => seen.push(format!("command {}", c.escape_ascii())),
                Input::Line(line) => seen.push(format!("line {}", line.escape_ascii())),
                Input::Data { .. } => data.extend_from_slice(wire.data()),
                Input::DataEnd => {
                    seen.push(format!("data {}", data.escape_ascii()));
                    data.clear();
                }
                Input::Broken(b) => seen.push(format!(
                    "broken {} {}{}",
                    b.tag.as_deref().unwrap_or("*"),
                    b.what,
                    if b.fatal { ", fatally" } else { "" }
                )),
                Input::Literal(l) => {
                    let kind = if l.message { "message" } else { "string" };
                    let wait = if l.synchronising { "waits" } else { "comes" };
                    seen.push(format!(
                        "{kind} {} of {} {wait} after {}",
                        l.index,
                        l.size,
                        wire.command_so_far().escape_ascii()
                    ));
                    let take = match taker {
                        Taker::All => true,
                        Taker::NoMessages => !l.message,
                        Taker::Nothing => false,
                    };
                    if take { wire.accept() } else { wire.refuse() }
                }
            }
        }
    }
    seen
}

/// The same, however the bytes are cut.
fn check(input: &[u8], taker: Taker, expected: &[&str]) {
    for size in [usize::MAX, 1, 2, 3, 7, 50] {
        let pieces = input.chunks(size.min(input.len()));
        assert_eq!(run(pieces, taker), expected, "in pieces of {size}");
    }
}

#[test]
fn lines() {
    check(
        b"a NOOP\r\nb NOOP\n\r\nc {x} {} {-1} y}\r\nd NO",
        Taker::All,
        &[
            "command a NOOP",
            "command b NOOP",
            "command ",
            "command c {x} {} {-1} y}",
        ],
    );
}

#[test]
fn inline_literals() {
    check(
        b"a LOGIN {3}\r\nj\r\n {3+}\r\nabc\r\nb NOOP\r\n",
        Taker::All,
        &[
            "string 0 of 3 waits after a LOGIN ",
            "command a LOGIN {3}\\r\\nj\\r\\n {3+}\\r\\nabc",
            "command b NOOP",
        ],
    );
    check(
        b"a LOGIN {0+}\r\n {3}\r\nb NOOP\r\n",
        Taker::Nothing,
        &[
            "string 0 of 3 waits after a LOGIN {0+}\\r\\n ",
            "command b NOOP",
        ],
    );
}

#[test]
fn message_literals() {
    check(
        b"a APPEND {5+}\r\nINBOX (\\Seen) {4}\r\nab\r\n ~{0+}\r\n (x) {1+}\r\nc\r\nb NOOP\r\n",
        Taker::All,
        &[
            "message 0 of 4 waits after a APPEND {5+}\\r\\nINBOX (\\\\Seen) ",
            "data ab\\r\\n",
            "message 1 of 0 comes after a APPEND {5+}\\r\\nINBOX (\\\\Seen) {4}\\r\\n ",
            "data ",
            "message 2 of 1 comes after a APPEND {5+}\\r\\nINBOX (\\\\Seen) {4}\\r\\n ~{0+}\\r\\n (x) ",
            "data c",
            "command a APPEND {5+}\\r\\nINBOX (\\\\Seen) {4}\\r\\n ~{0+}\\r\\n (x) {1+}\\r\\n",
            "command b NOOP",
        ],
    );
    // UTF8 (~{n}), and a mailbox literal that is no message.
    check(
        b"a append \"a {3}\" UTF8 (~{2+}\r\nxy)\r\nb xappend c {1+}\r\nd\r\n",
        Taker::All,
        &[
            "message 0 of 2 comes after a append \\\"a {3}\\\" UTF8 (",
            "data xy",
            "command a append \\\"a {3}\\\" UTF8 (~{2+}\\r\\n)",
            "command b xappend c {1+}\\r\\nd",
        ],
    );
}

#[test]
fn refused_messages() {
    check(
        b"a APPEND x {9}\r\nb NOOP\r\n",
        Taker::NoMessages,
        &["message 0 of 9 waits after a APPEND x ", "command b NOOP"],
    );
    // What does not wait comes all the same, with the rest of the command.
    check(
        b"a APPEND x {8+}\r\nb NOOP\r\n (x) ~{2+}\r\n\r\n y\r\nc NOOP\r\nd APPEND x {900000+}\r\ne",
        Taker::NoMessages,
        &[
            "message 0 of 8 comes after a APPEND x ",
            "command c NOOP",
            "message 0 of 900000 comes after d APPEND x ",
        ],
    );
}

#[test]
fn limits() {
    let long = "x".repeat(201);
    check(
        format!("a {long}\r\nb NOOP\r\n{long} {{3+}}\r\nb N {{1+}}\r\n\r\nc NOOP\r\n").as_bytes(),
        Taker::All,
        &[
            "broken a Command line too long",
            "command b NOOP",
            "broken * Command line too long",
            "command c NOOP",
        ],
    );
    let fits = "x".repeat(198);
    check(
        format!("a {fits}\r\na {fits}y\r\n").as_bytes(),
        Taker::All,
        &[
            &format!("command a {fits}"),
            "broken a Command line too long",
        ],
    );
    // A literal of 51 octets, then one that makes the command too long.
    let literal = "y".repeat(50);
    check(
        format!(
            "a LOGIN {{51+}}\r\n{literal}\n x\r\nb LOGIN {{51}}\r\nc {{50+}}\r\n{literal} {{50+}}\r\n\
             {literal} {{50+}}\r\n{literal}{{50+}}\r\n{literal}\r\nd NOOP\r\n"
        )
        .as_bytes(),
        Taker::All,
        &[
            "broken a Literal too long",
            "broken b Literal too long",
            "broken c Literal too long",
            "command d NOOP",
        ],
    );
    check(
        b"a LOGIN {99999999999999999999}\r\nb LOGIN {99999999999999999999+}\r\nc NOOP\r\n",
        Taker::All,
        &[
            "broken a Literal too long",
            "broken b Literal too long to be skipped, fatally",
        ],
    );
}

#[test]
fn lines_of_other_protocols() {
    let mut wire = Wire::new(LIMITS);
    wire.feed(b"a IDLE\r\nDONE\r\n{5+}\r\n0123456789\r\nb NOOP\r\n".to_vec());
    assert_eq!(wire.next(), Input::Command(b"a IDLE".to_vec()));
    wire.expect_line(4);
    assert_eq!(wire.next(), Input::Line(b"DONE".to_vec()));
    wire.expect_line(4);
    assert_eq!(wire.next(), Input::Line(b"{5+}".to_vec()));
    wire.expect_line(4);
    assert!(matches!(
        wire.next(),
        Input::Broken(Broken { fatal: false, .. })
    ));
    assert_eq!(wire.next(), Input::Command(b"b NOOP".to_vec()));
    assert_eq!(wire.next(), Input::NeedMore);
}

#[test]
fn idle_connections_hold_nothing() {
    let mut wire = Wire::new(LIMITS);
    wire.feed(b"a NOOP\r\nb STARTTLS\r\nc EVIL\r\n".to_vec());
    assert!(matches!(wire.next(), Input::Command(_)));
    assert!(matches!(wire.next(), Input::Command(_)));
    assert_eq!(wire.buffered(), 8);
    assert!(matches!(wire.next(), Input::Command(_)));
    assert_eq!(wire.next(), Input::NeedMore);
    assert_eq!(wire.input.capacity() + wire.command.capacity(), 0);
    wire.feed(b"c EVIL\r\n".to_vec());
    wire.clear();
    assert_eq!((wire.buffered(), wire.next()), (0, Input::NeedMore));
}

#[test]
fn skipping_takes_constant_memory() {
    let mut wire = Wire::new(LIMITS);
    let piece = vec![b'x'; 1000];
    let mut broken = 0;
    for _ in 0..1000 {
        wire.feed(piece.clone());
        while let Input::Broken(_) = wire.next() {
            broken += 1;
        }
        assert!(wire.buffered() < 100 && wire.input.capacity() < 10_000);
    }
    assert_eq!(broken, 1);
    wire.feed(b" {5+}\r\n1\r\n2\r\r\nb NOOP\r\n".to_vec());
    assert_eq!(wire.next(), Input::Command(b"b NOOP".to_vec()));
}

#[test]
fn messages_are_not_copied() {
    let mut wire = Wire::new(LIMITS);
    let fed = b"a APPEND x {5+}\r\n01234 {3}\r\n".to_vec();
    let message = fed.as_ptr_range().start.wrapping_add(17);
    wire.feed(fed);
    assert!(matches!(wire.next(), Input::Literal(_)));
    wire.accept();
    assert_eq!(wire.next(), Input::Data { last: true });
    assert_eq!(
        (wire.data(), wire.data().as_ptr()),
        (&b"01234"[..], message)
    );
    assert_eq!(wire.next(), Input::DataEnd);
    assert!(matches!(wire.next(), Input::Literal(_)));
    wire.accept();
    assert_eq!(wire.next(), Input::NeedMore);
    wire.feed(b"01".to_vec());
    assert_eq!(wire.next(), Input::Data { last: false });
    // Fed before it is asked again.
    wire.feed(b"2\r\n".to_vec());
    assert_eq!(wire.next(), Input::Data { last: true });
    assert_eq!((wire.data(), wire.buffered()), (&b"2"[..], 2));
}
