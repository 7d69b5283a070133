//! What several clients of one mailbox are told, and when.

use super::{Client, World, run};
use crate::{Next, Peer};

/// Says a line; the answer must be these lines.
async fn expect(client: &mut Client, line: &str, expected: &[&str]) {
    let heard = client.says(line).await;
    let lines: Vec<&str> = heard.lines().collect();
    assert_eq!(lines, expected, "after {line:?}");
}

#[test]
fn expunge_waits_for_a_command_without_numbers() {
    run(async {
        let world = World::with_messages(4).await;
        let (mut one, mut two) = (world.selected().await, world.selected().await);
        expect(
            &mut one,
            "a STORE 2 +FLAGS.SILENT (\\Deleted)",
            &["a OK STORE completed"],
        )
        .await;
        expect(
            &mut one,
            "b EXPUNGE",
            &["* 2 EXPUNGE", "b OK EXPUNGE completed"],
        )
        .await;
        // The numbering of the other still holds: 3 is 3, and 2 is readable.
        expect(
            &mut two,
            "a STORE 3 +FLAGS (\\Seen)",
            &["* 3 FETCH (FLAGS (\\Seen))", "a OK STORE completed"],
        )
        .await;
        expect(
            &mut two,
            "b STORE 2:3 +FLAGS (\\Flagged)",
            &[
                "* 3 FETCH (FLAGS (\\Flagged \\Seen))",
                "b NO [EXPUNGEISSUED] Some of the messages no longer exist",
            ],
        )
        .await;
        expect(&mut two, "c NOOP", &["* 2 EXPUNGE", "c OK NOOP completed"]).await;
        expect(
            &mut two,
            "d STORE 4 +FLAGS (\\Seen)",
            &["d BAD No message has that number: there are 3"],
        )
        .await;
        expect(
            &mut one,
            "c NOOP",
            &[
                "* 2 FETCH (FLAGS (\\Flagged \\Seen \\Recent))",
                "c OK NOOP completed",
            ],
        )
        .await;
    });
}

#[test]
fn arrivals_are_announced_and_counted_with_what_is_not_told_yet() {
    run(async {
        let world = World::with_messages(2).await;
        let (mut one, mut two) = (world.selected().await, world.selected().await);
        one.says("a STORE 1 +FLAGS.SILENT (\\Deleted)").await;
        one.says("b EXPUNGE").await;
        world.deliver(1).await;
        // One gone but not told, one come: three, from this client's side.
        expect(
            &mut two,
            "a STORE 2 +FLAGS.SILENT (\\Seen)",
            &["* 3 EXISTS", "* 1 RECENT", "a OK STORE completed"],
        )
        .await;
        expect(&mut two, "b NOOP", &["* 1 EXPUNGE", "b OK NOOP completed"]).await;
        // The new message is \Recent for the other, which saw it first.
        expect(
            &mut one,
            "c NOOP",
            &[
                "* 1 FETCH (FLAGS (\\Seen \\Recent))",
                "* 2 EXISTS",
                "* 1 RECENT",
                "c OK NOOP completed",
            ],
        )
        .await;
    });
}

#[test]
fn silent_store_still_tells_what_others_did() {
    run(async {
        let world = World::with_messages(2).await;
        let (mut one, mut two) = (world.selected().await, world.selected().await);
        one.says("a STORE 1 +FLAGS.SILENT (work)").await;
        // The same message: the flags are not what this client must take them to be.
        expect(
            &mut two,
            "a STORE 1 +FLAGS.SILENT (\\Seen)",
            &["* 1 FETCH (FLAGS (\\Seen work))", "a OK STORE completed"],
        )
        .await;
        expect(
            &mut one,
            "b NOOP",
            &[
                "* 1 FETCH (FLAGS (\\Seen \\Recent work))",
                "b OK NOOP completed",
            ],
        )
        .await;
    });
}

#[test]
fn qresync_has_vanished_in_place_of_expunge() {
    run(async {
        let world = World::with_messages(4).await;
        let mut one = world.selected().await;
        let mut two = world.client();
        expect(
            &mut two,
            "a ENABLE QRESYNC",
            &["* ENABLED QRESYNC", "a OK ENABLE completed"],
        )
        .await;
        two.says("b SELECT INBOX").await;
        one.says("a STORE 2:3 +FLAGS.SILENT (\\Deleted)").await;
        one.says("b EXPUNGE").await;
        let held = two.says("c STORE 1 +FLAGS (\\Seen)").await;
        // MODSEQ is told while VANISHED is held back: HIGHESTMODSEQ must be older.
        assert!(
            held.starts_with("* 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ ("),
            "{held}"
        );
        assert!(held.contains("c OK [HIGHESTMODSEQ "), "{held}");
        assert!(!held.contains("VANISHED"), "{held}");
        let told = two.says("d UID STORE 4 +FLAGS (\\Seen)").await;
        assert!(told.contains("* VANISHED 2:3\r\n"), "{told}");
        assert!(told.contains("d OK [HIGHESTMODSEQ "), "{told}");
        expect(&mut two, "e NOOP", &["e OK NOOP completed"]).await;
    });
}

#[test]
fn qresync_select_brings_up_to_date() {
    run(async {
        let world = World::with_messages(6).await;
        let mut one = world.client();
        one.says("a ENABLE QRESYNC").await;
        let select = one.says("b SELECT INBOX").await;
        let of = |what: &str| {
            let (_, rest) = select.split_once(what).unwrap();
            rest.split(']').next().unwrap().to_owned()
        };
        let (validity, since) = (of("[UIDVALIDITY "), of("[HIGHESTMODSEQ "));
        one.says("c UID STORE 2,5 +FLAGS.SILENT (\\Deleted)").await;
        one.says("d UID EXPUNGE 1:*").await;
        one.says("e UID STORE 3 +FLAGS.SILENT (\\Seen)").await;
        let again = one
            .says(&format!("f SELECT INBOX (QRESYNC ({validity} {since}))"))
            .await;
        assert!(again.starts_with("* OK [CLOSED]"), "{again}");
        assert!(again.contains("* VANISHED (EARLIER) 2,5\r\n"), "{again}");
        assert!(
            again.contains("* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ ("),
            "{again}"
        );
        // With pairs that hold up to UID 3, only what is beyond is told.
        let pairs = one
            .says(&format!(
                "g SELECT INBOX (QRESYNC ({validity} {since} 1:6 (1:2 1,3)))"
            ))
            .await;
        assert!(pairs.contains("* VANISHED (EARLIER) 5\r\n"), "{pairs}");
        let other = one.says("h SELECT INBOX (QRESYNC (999 1))").await;
        assert!(
            !other.contains("VANISHED") && !other.contains("FETCH"),
            "{other}"
        );
    });
}

#[test]
fn unchangedsince_leaves_alone_what_changed() {
    run(async {
        let world = World::with_messages(3).await;
        let mut one = world.selected().await;
        one.says("a STORE 2 +FLAGS.SILENT (\\Flagged)").await;
        let refused = one
            .says("b STORE 1:3 (UNCHANGEDSINCE 1) +FLAGS.SILENT (x)")
            .await;
        assert!(refused.contains("b OK [MODIFIED 1:3] "), "{refused}");
        let mailbox = world.account.open_mailbox(world.inbox()).await.unwrap();
        let changed = mailbox.get(store::Uid(2));
        let before = changed.unwrap().mod_seq.0 - 1;
        let line = format!("c UID STORE 1:3 (UNCHANGEDSINCE {before}) +FLAGS.SILENT (y)");
        let some = one.says(&line).await;
        assert!(some.contains("c OK [MODIFIED 2] "), "{some}");
        assert!(some.contains("* 1 FETCH (UID 1 MODSEQ ("), "{some}");
        assert!(some.contains("* 3 FETCH (UID 3 MODSEQ ("), "{some}");
        assert!(!some.contains("FLAGS"), "{some}");
    });
}

#[test]
fn move_says_where_to_before_what_is_gone() {
    run(async {
        let world = World::with_messages(3).await;
        let mut one = world.selected().await;
        expect(
            &mut one,
            "a MOVE 1,3 Nowhere",
            &["a NO [TRYCREATE] No such mailbox; CREATE would make it"],
        )
        .await;
        let moved = one.says("b MOVE 1,3 Archive").await;
        let lines: Vec<&str> = moved.lines().collect();
        assert!(
            lines[0].starts_with("* OK [COPYUID ") && lines[0].contains(" 1,3 1:2]"),
            "{moved}"
        );
        assert_eq!(
            lines[1..],
            ["* 3 EXPUNGE", "* 1 EXPUNGE", "b OK MOVE completed"]
        );
        // Messages that are not there: done, nothing to say (Apple Mail).
        expect(
            &mut one,
            "c UID COPY 1,3 Archive",
            &["c OK No messages to copy"],
        )
        .await;
        expect(
            &mut one,
            "d UID COPY 2 INBOX",
            &[
                "* 2 EXISTS",
                "* 2 RECENT",
                &format!("d OK [COPYUID {} 2 4] COPY completed", validity(&world)),
            ],
        )
        .await;
    });
}

fn validity(world: &World) -> u32 {
    let snapshot = world.account.snapshot();
    snapshot.mailbox(world.inbox()).unwrap().uid_validity().0
}

#[test]
fn idle_tells_at_once_and_commands_may_follow_done() {
    run(async {
        let world = World::with_messages(1).await;
        let mut one = world.selected().await;
        world.deliver(1).await;
        // What is pending is told when IDLE begins.
        let idling = one.says("a IDLE").await;
        assert_eq!(idling, "+ idling\r\n* 2 EXISTS\r\n* 2 RECENT\r\n");
        world.deliver(1).await;
        one.session.news().await;
        assert_eq!(one.hears().await, "* 3 EXISTS\r\n* 3 RECENT\r\n");
        let after = one.sends("DONE\r\nb NOOP\r\nc IDLE\r\n").await;
        assert_eq!(
            after,
            "a OK IDLE completed\r\nb OK NOOP completed\r\n+ idling\r\n"
        );
        let wrong = one.says("d NOOP").await;
        assert!(wrong.starts_with("c BAD "), "{wrong}");
        expect(&mut one, "e NOOP", &["e OK NOOP completed"]).await;
    });
}

#[test]
fn append_is_all_or_nothing_and_refused_before_it_is_sent() {
    run(async {
        let world = World::new().await;
        let mut one = world.selected().await;
        let uids = one
            .sends(
                "a APPEND INBOX (\\Seen) {3+}\r\nabc \"01-Jan-2024 00:00:00 +0000\" {2+}\r\nde\r\n",
            )
            .await;
        assert!(uids.contains("* 2 EXISTS\r\n"), "{uids}");
        assert!(
            uids.contains("a OK [APPENDUID ") && uids.contains(" 1:2]"),
            "{uids}"
        );
        let big = one.says("b APPEND INBOX {1001}").await;
        assert!(big.starts_with("b NO [TOOBIG] "), "{big}");
        let nowhere = one.says("c APPEND Nowhere {10}").await;
        assert!(nowhere.starts_with("c NO [TRYCREATE] "), "{nowhere}");
        expect(
            &mut one,
            "x APPEND INBOX {0}",
            &["x NO A message of no octets: nothing was appended"],
        )
        .await;
        let lost = one.says("y APPEND INBOX (\\Seen {5}").await;
        assert!(lost.starts_with("y BAD "), "{lost}");
        let none = one.sends("d APPEND INBOX {3+}\r\nabc {0+}\r\n\r\n").await;
        assert!(none.starts_with("d NO "), "{none}");
        // One that does not wait comes all the same, and is thrown away.
        let big = one
            .sends(&format!(
                "e APPEND INBOX {{1001+}}\r\n{}\r\nf NOOP\r\n",
                "x".repeat(1001)
            ))
            .await;
        assert!(
            big.starts_with("e NO [TOOBIG] ") && big.ends_with("f OK NOOP completed\r\n"),
            "{big}"
        );
        let go_on = one.says("g APPEND INBOX {3}").await;
        assert!(go_on.starts_with("+ "), "{go_on}");
        assert!(one.sends("abc\r\n").await.contains("* 3 EXISTS"));
    });
}

#[test]
fn a_deleted_mailbox_stays_readable_and_unchanged() {
    run(async {
        let world = World::new().await;
        let (mut one, mut two) = (world.client(), world.client());
        one.says("a CREATE Work").await;
        one.sends("b APPEND Work {3+}\r\nabc\r\n").await;
        two.says("a SELECT Work").await;
        expect(&mut one, "c DELETE Work", &["c OK DELETE completed"]).await;
        expect(&mut two, "b NOOP", &["b OK NOOP completed"]).await;
        expect(
            &mut two,
            "c STORE 1 +FLAGS (x)",
            &["c NO [NONEXISTENT] No such mailbox"],
        )
        .await;
        // A failed SELECT leaves nothing selected.
        let failed = two.says("d SELECT Work").await;
        assert!(
            failed.contains("* OK [CLOSED]") && failed.contains("d NO [NONEXISTENT]"),
            "{failed}"
        );
        expect(&mut two, "e CLOSE", &["e BAD Select a mailbox first"]).await;
    });
}

#[test]
fn examine_changes_nothing() {
    run(async {
        let world = World::with_messages(1).await;
        let mut one = world.client();
        let examine = one.says("a EXAMINE INBOX").await;
        assert!(examine.contains("[PERMANENTFLAGS ()]"), "{examine}");
        assert!(examine.contains("* 1 RECENT\r\n"), "{examine}");
        assert!(
            examine.ends_with("a OK [READ-ONLY] EXAMINE completed\r\n"),
            "{examine}"
        );
        for command in ["STORE 1 +FLAGS (x)", "EXPUNGE", "MOVE 1 Trash"] {
            let no = one.says(&format!("b {command}")).await;
            assert!(no.starts_with("b NO [READ-ONLY] "), "{no}");
        }
        let select = one.says("c SELECT INBOX").await;
        assert!(select.contains("* 1 RECENT\r\n"), "{select}");
        assert!(one.says("d SELECT INBOX").await.contains("* 0 RECENT\r\n"));
    });
}

#[test]
fn select_speaks_the_dialect_that_was_enabled() {
    run(async {
        let world = World::with_messages(1).await;
        let mut one = world.client();
        let rev1 = one.says("a SELECT inbox").await;
        for part in [
            "* 1 EXISTS",
            "* 1 RECENT",
            "[UNSEEN 1]",
            "[UIDNEXT 2]",
            "[MAILBOXID (",
        ] {
            assert!(rev1.contains(part), "{part} in {rev1}");
        }
        assert!(!rev1.contains("* LIST"), "{rev1}");
        one.says("b ENABLE IMAP4rev2").await;
        let rev2 = one.says("c SELECT inbox").await;
        assert!(
            rev2.contains(
                "* LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX (\"OLDNAME\" (inbox))"
            ),
            "{rev2}"
        );
        assert!(
            !rev2.contains("RECENT") && !rev2.contains("UNSEEN"),
            "{rev2}"
        );
    });
}

#[test]
fn list_in_its_forms() {
    run(async {
        let world = World::new().await;
        let mut one = world.client();
        for line in [
            "a CREATE A/B/C",
            "b SUBSCRIBE A/B/C",
            "c SUBSCRIBE Gone",
            "d CREATE &AOk-t&AOk-/",
        ] {
            assert!(one.says(line).await.contains(" OK "), "{line}");
        }
        expect(
            &mut one,
            "e LIST \"\" \"\"",
            &["* LIST (\\Noselect) \"/\" \"\"", "e OK LIST completed"],
        )
        .await;
        expect(
            &mut one,
            "f LIST \"\" A/%",
            &["* LIST (\\HasChildren) \"/\" A/B", "f OK LIST completed"],
        )
        .await;
        expect(
            &mut one,
            "g LIST \"\" inbox",
            &[
                "* LIST (\\HasNoChildren) \"/\" INBOX",
                "g OK LIST completed",
            ],
        )
        .await;
        expect(
            &mut one,
            "h LIST \"\" &AOk-*",
            &[
                "* LIST (\\HasNoChildren) \"/\" &AOk-t&AOk-",
                "h OK LIST completed",
            ],
        )
        .await;
        expect(
            &mut one,
            "i LIST (SUBSCRIBED RECURSIVEMATCH) \"\" A",
            &[
                "* LIST (\\HasChildren) \"/\" A (\"CHILDINFO\" (\"SUBSCRIBED\"))",
                "i OK LIST completed",
            ],
        )
        .await;
        expect(
            &mut one,
            "j LIST (SUBSCRIBED) \"\" (A* G*)",
            &[
                "* LIST (\\HasNoChildren \\Subscribed) \"/\" A/B/C",
                "* LIST (\\HasNoChildren \\Subscribed \\Archive) \"/\" Archive",
                "* LIST (\\NonExistent \\Noselect \\HasNoChildren \\Subscribed) \"/\" Gone",
                "j OK LIST completed",
            ],
        )
        .await;
        expect(
            &mut one,
            "k LIST \"\" Sent RETURN (STATUS (MESSAGES UNSEEN))",
            &[
                "* LIST (\\HasNoChildren \\Sent) \"/\" Sent",
                "* STATUS Sent (MESSAGES 0 UNSEEN 0)",
                "k OK LIST completed",
            ],
        )
        .await;
        one.says("l DELETE A").await;
        expect(
            &mut one,
            "m LIST \"\" A%",
            &[
                "* LIST (\\NonExistent \\Noselect \\HasChildren) \"/\" A",
                "* LIST (\\HasNoChildren \\Archive) \"/\" Archive",
                "m OK LIST completed",
            ],
        )
        .await;
        expect(&mut one, "n LIST \"\" A", &["n OK LIST completed"]).await;
        expect(
            &mut one,
            "o LSUB \"\" A%",
            &[
                "* LSUB (\\Noselect) \"/\" A",
                "* LSUB (\\Archive) \"/\" Archive",
                "o OK LSUB completed",
            ],
        )
        .await;
        let bad = one.says("p LIST (RECURSIVEMATCH) \"\" *").await;
        assert!(bad.starts_with("p BAD"), "{bad}");
    });
}

#[test]
fn commands_in_the_wrong_state() {
    run(async {
        let world = World::new().await;
        let mut nobody = world.stranger(Peer {
            can_start_tls: true,
            address: Some([192, 0, 2, 1].into()),
            tls: None,
        });
        expect(&mut nobody, "a SELECT INBOX", &["a BAD Log in first"]).await;
        let login = nobody.says("b LOGIN joe secret").await;
        assert!(login.starts_with("b NO [PRIVACYREQUIRED]"), "{login}");
        let capability = nobody.says("c CAPABILITY").await;
        assert!(
            capability.contains(" STARTTLS") && capability.contains(" LOGINDISABLED"),
            "{capability}"
        );
        let mut one = world.client();
        expect(&mut one, "a LOGIN joe secret", &["a BAD Logged in already"]).await;
        expect(&mut one, "b EXPUNGE", &["b BAD Select a mailbox first"]).await;
        one.says("c NONSENSE").await;
        assert_eq!(one.next, Next::Close, "after so many BAD in a row");
    });
}

#[test]
fn nothing_follows_starttls_in_the_clear() {
    run(async {
        let world = World::new().await;
        let peer = Peer {
            can_start_tls: true,
            address: Some([192, 0, 2, 1].into()),
            tls: None,
        };
        let mut honest = world.stranger(peer.clone());
        expect(&mut honest, "a STARTTLS", &["a OK Begin TLS now"]).await;
        assert_eq!(honest.next, Next::StartTls);
        let mut injected = world.stranger(peer);
        injected.sends("a STARTTLS\r\nb LOGIN joe secret\r\n").await;
        assert_eq!(injected.next, Next::Close);
    });
}

#[test]
fn names_that_cannot_be() {
    run(async {
        let world = World::new().await;
        let mut one = world.client();
        for (name, why) in [
            ("\"a//b\"", "it has an empty level"),
            ("\"a/../b\"", "it has a level '.' or '..'"),
            ("\"&\"", "as modified UTF-7, a '&' is not closed by '-'"),
        ] {
            let no = one.says(&format!("a CREATE {name}")).await;
            assert_eq!(no, format!("a NO [CANNOT] Invalid mailbox name: {why}\r\n"));
        }
    });
}

#[test]
fn logging_in() {
    run(async {
        let world = World::new().await;
        world.users.add("joe", b"correct horse").unwrap();
        let secured = || Peer {
            can_start_tls: false,
            address: Some([192, 0, 2, 1].into()),
            tls: Some(crate::Tls::default()),
        };
        let mut one = world.stranger(secured());
        let login = one.says("a LOGIN joe \"correct horse\"").await;
        assert!(login.starts_with("a OK [CAPABILITY IMAP4rev1 "), "{login}");
        assert_eq!(one.session.user(), Some("joe"));

        // \0joe\0correct horse
        let plain = "AGpvZQBjb3JyZWN0IGhvcnNl";
        let mut two = world.stranger(secured());
        let initial = two.says(&format!("a AUTHENTICATE PLAIN {plain}")).await;
        assert!(initial.starts_with("a OK [CAPABILITY "), "{initial}");
        let mut three = world.stranger(secured());
        expect(&mut three, "a AUTHENTICATE PLAIN", &["+ "]).await;
        expect(&mut three, "*", &["a BAD AUTHENTICATE cancelled"]).await;
        expect(&mut three, "b AUTHENTICATE PLAIN", &["+ "]).await;
        expect(&mut three, "?", &["b BAD That was not base64"]).await;
        expect(&mut three, "c AUTHENTICATE PLAIN", &["+ "]).await;
        let after = three.says(plain).await;
        assert!(after.starts_with("c OK [CAPABILITY "), "{after}");
    });
}

#[test]
fn failed_logins_end_it() {
    run(async {
        let world = World::new().await;
        let mut one = world.stranger(Peer::default());
        for _ in 0..5 {
            assert_eq!(one.next, Next::Wait);
            let no = one.says("a LOGIN joe wrong").await;
            assert!(no.starts_with("a NO ["), "{no}");
        }
        assert_eq!(one.next, Next::Close);
    });
}
