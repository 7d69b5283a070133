//! What search keys become, and what they find in the facts of one message.

use super::{
    reading::{KEYS_MAX, TEXTS_MAX},
    *,
};
use crate::imap::{
    fetch::tests::{Reader, run},
    object_ids::ObjectIds,
};
use imap::{Command, command, response::Code};
use std::sync::Arc;
use store::{ModSeq, Timestamp, Uid};

const DAY: i64 = 86_400;

/// What a query means, given its probes' answers.
type Ask<'a> = &'a dyn Fn(&Query, &[Option<bool>]) -> Option<bool>;

/// Gives what says what a query means for a message, which is number 3 and `\Recent`.
fn of_a_message(ask: impl FnOnce(Ask<'_>) + Send) {
    run(async {
        let mut reader = Reader::new(None).await;
        reader.deliver("", b"\r\n").await;
        reader.selected.view.make_recent(30..31);
        let view = &reader.selected.view;
        let (_, delivered) = view.messages().next().unwrap();
        let message = Message {
            uid: Uid(30),
            mod_seq: ModSeq(7),
            system: SystemFlags::FLAGGED.with(SystemFlags::DRAFT),
            keywords: &[1],
            // 1 February 1994, half an hour after midnight in its own zone.
            internal_date: Timestamp {
                unix: 8_797 * DAY + 1_800 - 7_200,
                zone_minutes: 120,
            },
            // 3 February 1994, a second before midnight.
            save_date: 8_800 * DAY - 1,
            size: 1_000,
            email: EmailId(0x10),
            thread: ThreadId(0x20),
            ..delivered
        };
        let messages = [(3, message)];
        let now = message.internal_date.unix + 100;
        let facts = Facts::of(view, &messages, now);
        ask(&|query, answers| query.verdict(facts, answers));
    });
}

/// A search as a client writes it.
fn search(text: &str) -> Result<Search, Refusal> {
    let command = imap::parse::command(format!("a SEARCH {text}").as_bytes());
    let Command::Selected(command::Selected::Search(command)) = command.unwrap().command else {
        panic!("{text}");
    };
    let saved = [30].into_iter().collect();
    let known = Known {
        ids: ObjectIds::default(),
        keywords: &[Arc::from("work"), Arc::from("$Junk")],
        len: 5,
        largest_uid: 50,
        saved: &saved,
        collation: Collation::default(),
    };
    reading::read(&command.key, command.charset.as_deref(), &known)
}

#[test]
fn the_snapshot_answers_what_it_can() {
    const TABLE: &[(&str, bool)] = &[
        ("ALL", true),
        ("FLAGGED", true),
        ("UNFLAGGED", false),
        ("SEEN", false),
        ("DRAFT UNSEEN", true),
        ("DRAFT SEEN", false),
        ("OR SEEN DRAFT", true),
        ("NOT (DRAFT SEEN)", true),
        ("KEYWORD $JUNK", true),
        ("KEYWORD work", false),
        ("UNKEYWORD nobody", true),
        ("KEYWORD nobody", false),
        ("NEW", true),
        ("RECENT", true),
        ("OLD", false),
        ("2:4", true),
        ("4:*", false),
        ("*:1", true),
        ("6", false),
        ("2:7", true),
        ("6:9", false),
        ("6:*", false),
        ("UID 30", true),
        ("UID 31:99", false),
        ("UID *", false),
        ("$", true),
        ("NOT $", false),
        ("OLDER 100", true),
        ("OLDER 101", false),
        ("YOUNGER 100", true),
        ("YOUNGER 99", false),
        ("LARGER 999", true),
        ("LARGER 1000", false),
        ("SMALLER 1001", true),
        ("SMALLER 1000", false),
        ("ON 1-Feb-1994", true),
        ("ON 31-Jan-1994", false),
        ("SINCE 1-Feb-1994", true),
        ("SINCE 2-Feb-1994", false),
        ("BEFORE 1-Feb-1994", false),
        ("BEFORE 2-Feb-1994", true),
        ("SAVEDON 3-Feb-1994", true),
        ("SAVEDON 2-Feb-1994", false),
        ("SAVEDBEFORE 3-Feb-1994", false),
        ("SAVEDBEFORE 4-Feb-1994", true),
        ("SAVEDSINCE 3-Feb-1994", true),
        ("SAVEDSINCE 4-Feb-1994", false),
        ("SAVEDATESUPPORTED", true),
        ("NOT SAVEDATESUPPORTED", false),
        ("MODSEQ 7", true),
        ("MODSEQ 8", false),
        ("EMAILID E10", true),
        ("EMAILID E11", false),
        ("EMAILID nonsense", false),
        ("THREADID T20", true),
    ];
    of_a_message(|verdict| {
        for (text, expected) in TABLE {
            let search = search(text).unwrap();
            assert!(search.probes.is_empty(), "{text}");
            assert_eq!(verdict(&search.query, &[]), Some(*expected), "{text}");
        }
    });
}

#[test]
fn what_must_be_read_is_read_only_while_it_matters() {
    let (yes, no) = (Some(true), Some(false));
    let table = [
        ("SUBJECT a", &[None][..], None),
        ("SUBJECT a", &[yes], yes),
        ("SUBJECT a SEEN", &[None], no),
        ("OR SUBJECT a FLAGGED", &[None], yes),
        ("NOT SUBJECT a", &[no], yes),
        ("SUBJECT a BODY b", &[no, None], no),
        ("SUBJECT a BODY b", &[yes, None], None),
        ("OR SUBJECT a BODY b", &[yes, None], yes),
        ("OR SUBJECT a BODY b", &[no, no], no),
        ("SENTON 1-Feb-1994", &[None], None),
    ];
    of_a_message(|verdict| {
        for (text, answers, expected) in table {
            let search = search(text).unwrap();
            assert_eq!(verdict(&search.query, answers), expected, "{text}");
        }
    });
}

#[test]
fn only_the_keys_of_fuzzy_are_fuzzy() {
    for (text, expected) in [
        ("FUZZY SUBJECT a SUBJECT b", &[true, false][..]),
        ("FUZZY (SUBJECT a NOT BODY b) TEXT c", &[true, true, false]),
        ("NOT FUZZY OR TEXT a TEXT b", &[true, true]),
        // There are no words in these.
        ("FUZZY (SUBJECT \"\" BODY \"?!\")", &[false, false]),
        ("FUZZY SEEN", &[]),
    ] {
        let search = search(text).unwrap();
        let like = |probe: &Probe| matches!(probe.what, Asked::Like { .. });
        let fuzzy: Vec<bool> = search.probes.iter().map(like).collect();
        assert_eq!(fuzzy, expected, "{text}");
        assert!(search.has_fuzzy, "{text}");
    }
    assert!(!search("SUBJECT fuzzy").unwrap().has_fuzzy);
}

#[test]
fn what_must_hold_counts_alike_and_of_others_the_best() {
    let yes = Some(true);
    for (text, answers, expected) in [
        ("FUZZY SUBJECT a", &[(yes, 40)][..], Some(40)),
        ("FUZZY SUBJECT a FROM b", &[(yes, 40), (yes, 0)], Some(40)),
        (
            "FUZZY (SUBJECT a FROM b)",
            &[(yes, 40), (yes, 61)],
            Some(50),
        ),
        (
            "FUZZY OR SUBJECT a FROM b",
            &[(yes, 40), (yes, 61)],
            Some(61),
        ),
        (
            "FUZZY OR SUBJECT a FROM b",
            &[(yes, 40), (None, 61)],
            Some(40),
        ),
        ("NOT FUZZY SUBJECT a", &[(Some(false), 0)], None),
        ("FUZZY SEEN", &[], None),
    ] {
        let search = search(text).unwrap();
        let (answers, scores): (Vec<_>, Vec<_>) = answers.iter().copied().unzip();
        assert_eq!(search.query.score(&answers, &scores), expected, "{text}");
    }
}

#[test]
fn cheap_keys_come_first() {
    let search = search("BODY {4+}\r\nGR\u{dc} HEADER X-Y z SUBJECT A SEEN").unwrap();
    let sources: Vec<_> = search.probes.iter().map(|probe| probe.source).collect();
    assert_eq!(sources, [Source::Text, Source::Header, Source::Digest]);
    assert_eq!(search.probes[0].what, Asked::Body("GR\u{dc}".into()));
    let Query::And(all) = &search.query else {
        panic!("{search:?}");
    };
    let order = [Query::Probe(2), Query::Probe(1), Query::Probe(0)];
    assert_eq!(all[1..], order);
    assert!(!search.by_mod_seq && search.keys == 5);
}

#[test]
fn named_uids_bound_the_walk() {
    for (text, expected) in [
        ("UID 3:5 UNSEEN", Some(vec![(3, 5)])),
        ("$ SUBJECT a", Some(vec![(30, 30)])),
        ("OR UID 3 SEEN", None),
        ("NOT UID 3", None),
        ("ALL", None),
    ] {
        let search = search(text).unwrap();
        let uids = search.query.uids().map(|uids| uids.ranges().to_vec());
        assert_eq!(uids, expected, "{text}");
    }
}

#[test]
fn what_can_not_be_searched_for_is_refused() {
    let many = "TEXT a ".repeat(TEXTS_MAX + 1);
    let more = "SEEN ".repeat(KEYS_MAX + 1);
    for (text, expected) in [
        ("CHARSET X-KLINGON ALL", "BADCHARSET"),
        ("CHARSET US-ASCII SUBJECT {2+}\r\n\u{fc}", "BAD"),
        (many.trim_end(), "LIMIT"),
        (more.trim_end(), "LIMIT"),
    ] {
        let kind = match search(text).unwrap_err() {
            Refusal::Bad(..) => "BAD",
            Refusal::No(Some(Code::BadCharset(_)), _) => "BADCHARSET",
            Refusal::No(Some(Code::Limit), _) => "LIMIT",
            other @ Refusal::No(..) => panic!("{other:?}"),
        };
        assert_eq!(kind, expected, "{text}");
    }
    let latin = search("CHARSET ISO-8859-1 SUBJECT a").unwrap();
    assert_eq!(latin.probes.len(), 1);
}
