//! THREAD on a store, algorithm by algorithm, and what hostile References cost.

mod differential;

use super::{Identity, Links};
use crate::imap::{
    fetch::tests::{Reader, run},
    search::pace::Pace,
};

/// A message in short: `id < references | subject @ hour`.
fn header(short: &str) -> String {
    let (rest, hour) = short.split_once('@').unwrap_or((short, "0"));
    let (rest, subject) = rest.split_once('|').unwrap_or((rest, ""));
    let (id, references) = rest.split_once('<').unwrap_or((rest, ""));
    let bracketed = |ids: &str| {
        let ids = ids.split_whitespace().map(|id| format!(" <{id}@x>"));
        ids.collect::<String>()
    };
    format!(
        "Message-ID:{}\r\nReferences:{}\r\nSubject: {}\r\nDate: 1 Jan 2024 {:02}:00 +0000\r\n\r\n.",
        bracketed(id),
        bracketed(references),
        subject.trim(),
        hour.trim().parse::<u8>().unwrap(),
    )
}

async fn threads(algorithm: &str, messages: &[&str]) -> String {
    let mut reader = Reader::new(None).await;
    for short in messages {
        reader.deliver("", header(short).as_bytes()).await;
    }
    let said = reader.ok(&format!("THREAD {algorithm} UTF-8 ALL")).await;
    said.trim_end()
        .strip_prefix("* THREAD")
        .unwrap()
        .trim_start()
        .to_owned()
}

fn check(algorithm: &str, table: &[(&[&str], &str)]) {
    run(async {
        for (messages, expected) in table {
            let got = threads(algorithm, messages).await;
            assert_eq!(got, *expected, "{algorithm} {messages:?}");
        }
    });
}

#[test]
fn references_make_parents_and_children() {
    check(
        "REFERENCES",
        &[
            (&[], ""),
            (&["a"], "(1)"),
            (&["a", "b < a", "c < a b"], "(1 2 3)"),
            // Children come in the order in which they were sent.
            (
                &["a @1", "c < a @3", "b < a @2", "d < a b @4"],
                "(1 (3 4)(2))",
            ),
            // A reply that comes before what it replies to.
            (&["b < a @2", "a @1"], "(2 1)"),
            (&["c < a b @3", "b < a @2", "a @1"], "(3 2 1)"),
            // Parents that are not there: a dummy with several children stays, on top.
            (&["b < a @1", "c < a @2"], "((1)(2))"),
            (&["b < a"], "(1)"),
            (&["c < a b @1", "d < a b @2", "e < a @3"], "((1)(2)(3))"),
            (&["a @1", "c < a b @2", "d < a b @3"], "(1 (2)(3))"),
            (&["x < r a b @2", "y < r a c @1"], "((2)(1))"),
            // A link that others' References omit stays; what a message itself says wins, also
            // that it is no reply.
            (&["a", "c < a b @2", "d < a c @3", "b @1"], "(1)(4 2 3)"),
            (&["c < b a @3", "b @1", "a @2"], "(2)(3 1)"),
            // Threads come in the order in which they began.
            (&["b @5", "a @2", "c < b @1"], "(2)(1 3)"),
            // Of what was sent at the same time, in the order of the mailbox.
            (&["b", "a", "c"], "(1)(2)(3)"),
        ],
    );
}

#[test]
fn loops_and_doubles_come_to_nothing() {
    check(
        "REFERENCES",
        &[
            (&["a < a"], "(1)"),
            (&["a < b @1", "b < a @2"], "(2 1)"),
            (&["a < b c @1", "b < c a @2", "c < a b @3"], "(2 3 1)"),
            (&["x < a b a", "a", "b"], "(2 1)(3)"),
            // The first has the identifier; the other is a message like any without one.
            (&["a @1", "a @2", "b < a @3"], "(1 3)(2)"),
            (&["a @2", "a < a @1"], "(1 2)"),
            (&["| x", "| y"], "(1)(2)"),
        ],
    );
}

#[test]
fn threads_of_one_subject_become_one() {
    check(
        "REFERENCES",
        &[
            // Neither is a reply: siblings below a dummy.
            (&["a | tea @1", "b | Tea @2"], "((1)(2))"),
            (
                &["a | tea @1", "b | Tea @2", "c | [x] TEA @3"],
                "((1)(2)(3))",
            ),
            // A reply becomes a child of what is none, whichever is earlier.
            (&["a | tea @1", "b | Re: tea @2"], "(1 2)"),
            (&["a | Re: tea @1", "b | tea @2"], "(2 1)"),
            (
                &["a | tea @1", "b | Re: tea @2", "c | fwd: tea @3"],
                "(1 (2)(3))",
            ),
            (
                &["a | tea @1", "b | Re: tea @2", "c | tea @3"],
                "((1 2)(3))",
            ),
            // Both are replies.
            (&["a | Re: tea @1", "b | Re: tea @2"], "((1)(2))"),
            (
                &["a | Re: tea @1", "b | tea (fwd) @2", "c | tea @3"],
                "(3 (1)(2))",
            ),
            // With a dummy: it takes all.
            (
                &["b < a | tea @1", "c < a | tea @2", "d | tea @3"],
                "((1)(2)(3))",
            ),
            (
                &["d | tea @0", "b < a | x @1", "c < a | tea @2"],
                "(1)((2)(3))",
            ),
            (
                &[
                    "b < a | tea @1",
                    "c < a | tea @2",
                    "e < d | tea @3",
                    "f < d | y @4",
                ],
                "((1)(2)(3)(4))",
            ),
            // The subject is that of the thread, not of each message.
            (
                &["a | tea @1", "b < a | coffee @2", "c | coffee @3"],
                "(1 2)(3)",
            ),
            // Without a subject, alone.
            (&["a | @1", "b | Re: @2", "c | @3"], "(1)(2)(3)"),
        ],
    );
}

#[test]
fn refs_looks_at_no_subject_and_orders_by_what_came_last() {
    run(async {
        let mut reader = Reader::new(None).await;
        for short in [
            "a | tea @1",
            "b | tea @2",
            "c < x @3",
            "d < x @1",
            "e < a @1",
        ] {
            reader.deliver("", header(short).as_bytes()).await;
        }
        let said = reader.ok("UID THREAD REFS UTF-8 ALL").await;
        assert_eq!(said, "* THREAD (2)((4)(3))(1 5)\r\n");
        let said = reader.ok("THREAD REFS UTF-8 NOT 5").await;
        assert_eq!(said, "* THREAD (1)(2)((4)(3))\r\n");
    });
}

#[test]
fn subjects_and_dates_make_threads_of_one_level() {
    check(
        "ORDEREDSUBJECT",
        &[
            (&[], ""),
            (&["a | tea @1", "b | coffee @2"], "(1)(2)"),
            (
                &["a | tea @2", "b | Re: Tea @3", "c | coffee @1"],
                "(3)(1 2)",
            ),
            (
                &[
                    "a | tea @2",
                    "b | Re: tea @4",
                    "c | [x] tea (fwd) @3",
                    "d | tea @1",
                ],
                "(4 (1)(3)(2))",
            ),
            (&["a |", "b | Re:", "c < a | x"], "(1 2)(3)"),
        ],
    );
}

/// RFC 5256 §3: In-Reply-To counts where References has nothing, and of it the first.
#[test]
fn in_reply_to_stands_in_for_references() {
    run(async {
        let mut reader = Reader::new(None).await;
        for header in [
            "Message-ID: <\"a\"@x>",
            "Message-ID: <b@x>",
            "In-Reply-To: <a@x> <b@x>",
            "In-Reply-To: Joe's of Monday <b@x>\r\nReferences: (none)",
            "In-Reply-To: <a@x>\r\nReferences: <b@x>",
            "In-Reply-To: a@x",
        ] {
            let header = format!("Date: 1 Jan 2024 00:00 +0000\r\n{header}\r\n\r\n.");
            reader.deliver("", header.as_bytes()).await;
        }
        let said = reader.ok("THREAD REFERENCES UTF-8 ALL").await;
        assert_eq!(said, "* THREAD (1 3)(2 (4)(5))(6)\r\n");
        // What is not searched for is not there.
        let said = reader.ok("UID THREAD REFERENCES US-ASCII NOT 2").await;
        assert_eq!(said, "* THREAD (1 3)((4)(5))(6)\r\n");
        reader.remove(1).await;
        let said = reader.ok("THREAD REFERENCES US-ASCII ALL").await;
        assert_eq!(said, "* THREAD (2 (4)(5))(3)(6)\r\n");
    });
}

fn id(n: usize) -> Identity {
    Identity::try_from(n).unwrap()
}

async fn written(links: Links, messages: usize) -> Vec<u8> {
    let entries = (1..=messages).map(|n| super::Entry {
        sequence: u32::try_from(n).unwrap(),
        uid: 0,
        sent: 0,
        arrived: 0,
        subject: None,
        is_reply: false,
    });
    let mut pace = Pace::default();
    let mut forest = super::Forest::grow(entries.collect(), &links, &mut pace).await;
    forest.sort_siblings(&mut pace).await;
    forest.sort_by_newest(&mut pace).await;
    let mut out = Vec::new();
    for top in &forest.tops {
        forest.write(top, |message| u32::try_from(message + 1).unwrap(), &mut out);
    }
    out
}

#[test]
fn a_thread_may_be_as_deep_as_the_mailbox() {
    run(async {
        const DEPTH: usize = 50_000;
        let mut links = Links::new(2 * DEPTH);
        for n in 0..DEPTH {
            // Two children each, of which one has children in turn.
            links.add(Some(id(2 * n + 2)), &[id(2 * n)]);
            links.add(Some(id(2 * n + 3)), &[id(2 * n)]);
        }
        let out = written(links, 2 * DEPTH).await;
        let text = String::from_utf8(out).unwrap();
        let count = |paren| text.matches(paren).count();
        assert_eq!((count('('), count(')')), (2 * DEPTH + 1, 2 * DEPTH + 1));
    });
}

/// Each message would have the whole chain walked, had looking for loops no bound.
#[test]
fn looking_for_loops_is_bounded() {
    run(async {
        const CHAIN: usize = 20_000;
        let mut links = Links::new(2 * CHAIN);
        let mut steps = 0;
        for n in 1..=CHAIN {
            steps += links.add(Some(id(n)), &[id(n - 1)]);
        }
        for _ in 0..CHAIN {
            // The root below its own last descendant.
            steps += links.add(None, &[id(CHAIN), id(0)]);
        }
        assert!(steps < super::links::STEPS_MAX + 70 * 2 * CHAIN, "{steps}");
        assert!(!written(links, 2 * CHAIN).await.is_empty());
    });
}

#[test]
fn what_is_referred_to_is_bounded() {
    let mut links = Links::new(1);
    let references: Vec<Identity> = (1..1_000_000).map(id).collect();
    links.add(None, &references);
    assert!(links.len() <= super::links::DUMMIES_MAX + 17);
}
