//! SEARCH on a store, command by command.

use crate::imap::fetch::tests::{NESTED, Reader, run};

/// Four messages: a nested one, a plain one without a date, one in Japanese, and a
/// large one with its text at the end.
async fn four() -> Reader {
    let mut reader = Reader::new(None).await;
    reader.deliver("", NESTED.as_bytes()).await;
    let trace = "Delivered-To: joe@example.test\r\n";
    reader
        .deliver(trace, b"From: b@example.test\r\n\r\nplain text")
        .await;
    let japanese = b"Subject: =?iso-2022-jp?b?GyRCRnxLXBsoQg==?=\r\n\
        Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B\r\n";
    reader.deliver("", japanese).await;
    let mut large = b"Subject: large\r\n\r\n".to_vec();
    large.resize(300_000, b'.');
    large.extend_from_slice(b" the END");
    reader.deliver("", &large).await;
    reader
}

#[test]
fn messages_are_asked_as_far_as_needed() {
    run(async {
        let mut reader = four().await;
        for (keys, expected) in [
            ("ALL", " 1 2 3 4"),
            ("SUBJECT nested", " 1"),
            ("CHARSET UTF-8 FROM {5+}\r\nJ\u{d6}RG", " 1"),
            ("CHARSET UTF-8 SUBJECT {6+}\r\n\u{65e5}\u{672c}", " 3"),
            ("CHARSET UTF-8 BODY {6+}\r\n\u{65e5}\u{672c}", " 3"),
            ("CHARSET ISO-8859-1 BODY gr", " 1"),
            ("HEADER X-Odd YES", " 1"),
            ("HEADER Delivered-To \"\"", " 2"),
            ("NOT HEADER Subject \"\"", " 2"),
            ("SENTON 1-Feb-2024", " 1"),
            ("SENTSINCE 2-Feb-2024", ""),
            ("NOT SENTSINCE 1-Feb-2024", " 2 3 4"),
            ("BODY INNEN", " 1"),
            ("BODY \"the end\"", " 4"),
            ("TEXT delivered-to", " 2"),
            ("BODY delivered-to", ""),
            ("OR BODY \"plain text\" TEXT \"subject: large\"", " 2 4"),
            ("LARGER 200000 SUBJECT large BODY end", " 4"),
            ("NOT TEXT nested", " 2 3 4"),
            ("UID 2:3 BODY \"\"", " 2 3"),
            ("ON 14-Nov-2023", " 1 2 3 4"),
        ] {
            let said = reader.ok(&format!("SEARCH {keys}")).await;
            assert_eq!(said, format!("* SEARCH{expected}\r\n"), "{keys}");
        }
    });
}

#[test]
fn what_was_removed_is_not_found_and_numbers_are_the_clients() {
    run(async {
        let mut reader = four().await;
        reader.remove(2).await;
        for (command, expected) in [
            ("SEARCH ALL", "* SEARCH 1 3 4\r\n"),
            ("UID SEARCH 2:3", "* SEARCH 3\r\n"),
            ("SEARCH UID 3:*", "* SEARCH 3 4\r\n"),
        ] {
            assert_eq!(reader.ok(command).await, expected, "{command}");
        }
        reader.selected.view.bury_all();
        assert_eq!(reader.ok("SEARCH 2").await, "* SEARCH 2\r\n");
        assert_eq!(reader.ok("UID SEARCH 2").await, "* SEARCH 3\r\n");
    });
}

#[test]
fn results_are_saved_and_a_refusal_empties_them() {
    run(async {
        let mut reader = four().await;
        assert_eq!(reader.ok("SEARCH RETURN (SAVE) 2:4").await, "");
        assert_eq!(reader.ok("SEARCH $ LARGER 1000").await, "* SEARCH 4\r\n");
        let said = reader.ok("UID SEARCH RETURN (SAVE MIN) $").await;
        assert_eq!(said, "* ESEARCH (TAG \"a\") UID MIN 2\r\n");
        assert_eq!(reader.ok("SEARCH $").await, "* SEARCH 2\r\n");
        let (_, ending) = reader.run("SEARCH RETURN (SAVE) 9").await;
        assert!(ending.starts_with("BAD "), "{ending}");
        assert_eq!(reader.ok("FETCH $ UID").await, "* 2 FETCH (UID 2)\r\n");
        let (_, ending) = reader
            .run("SEARCH RETURN (SAVE) CHARSET X-KLINGON ALL")
            .await;
        assert!(ending.starts_with("NO Some(BadCharset"), "{ending}");
        assert_eq!(reader.ok("SEARCH $").await, "* SEARCH\r\n");
    });
}

#[test]
fn imap4rev2_is_answered_by_esearch() {
    run(async {
        let mut reader = Reader::new(None).await;
        assert_eq!(reader.ok("SEARCH 1:*").await, "* SEARCH\r\n");
        reader.deliver("", b"\r\n").await;
        reader.enabled.rev2 = true;
        let said = reader.ok("SEARCH ALL").await;
        assert_eq!(said, "* ESEARCH (TAG \"a\") ALL 1\r\n");
        let said = reader.ok("SEARCH RETURN (COUNT) MODSEQ 1").await;
        assert!(
            said.starts_with("* ESEARCH (TAG \"a\") COUNT 1 MODSEQ "),
            "{said}"
        );
    });
}
