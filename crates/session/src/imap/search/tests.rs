//! SEARCH on a store, command by command.

mod columns;
mod differential;

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
        let (_, ending) = reader
            .run("SEARCH RETURN (SAVE) CHARSET US-ASCII SUBJECT {2+}\r\n\u{fc}")
            .await;
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

/// Header fields of messages, to be sorted.
async fn with(headers: &[&str]) -> Reader {
    let mut reader = Reader::new(None).await;
    for header in headers {
        reader
            .deliver("", format!("{header}\r\n\r\n.").as_bytes())
            .await;
    }
    reader
}

#[test]
fn messages_are_sorted_by_every_key() {
    run(async {
        let mut reader = with(&[
            "From: Zoe <a@x>\r\nTo: b@x, z@x\r\nSubject: Re: beta\r\nDate: 1 Jan 2001 02:00 +0200",
            "From: =?utf-8?q?=C3=84mter?= <C@x>\r\nCc: d@x\r\nSubject: alpha\r\nDate: 1 Jan 2001 00:30 +0000",
            "From: b@x\r\nTo: Friends: q@x;\r\nSubject: [list] Beta (fwd)\r\nDate: 31 Dec 2000 23:59 +0000",
            "Subject: \r\nTo: \"\" <a@x>",
        ])
        .await;
        for (criteria, expected) in [
            ("SUBJECT", "4 2 1 3"),
            ("REVERSE SUBJECT", "1 3 2 4"),
            ("SUBJECT REVERSE DATE", "4 2 1 3"),
            ("SUBJECT DATE", "4 2 3 1"),
            ("SUBJECT REVERSE SUBJECT DATE", "4 2 3 1"),
            // The one without a date arrived later than all of them were sent.
            ("DATE", "3 1 2 4"),
            ("REVERSE DATE", "4 2 1 3"),
            ("FROM", "4 1 3 2"),
            ("TO", "2 4 1 3"),
            ("CC", "1 3 4 2"),
            ("REVERSE CC SIZE", "2 4 1 3"),
            ("DISPLAYFROM", "4 2 3 1"),
            ("DISPLAYTO", "2 4 1 3"),
            ("SIZE", "4 1 3 2"),
            ("ARRIVAL", "1 2 3 4"),
            ("REVERSE ARRIVAL", "1 2 3 4"),
        ] {
            let said = reader.ok(&format!("SORT ({criteria}) UTF-8 ALL")).await;
            assert_eq!(said, format!("* SORT {expected}\r\n"), "{criteria}");
        }
    });
}

/// RFC 5255 §4.6, the example: what can't be converted comes last, octet by octet.
#[test]
fn what_is_no_text_is_sorted_behind_what_is() {
    run(async {
        let mut reader = with(&[
            "Subject: =?utf-8?q?=D0=C0=D0=BD=D0=B4=D1=80=D0=B5=D0=B9?=",
            "Subject: =?utf-8?q?=D1=81=D0=95=D0=A0=D0=93=D0=95=D0=99?=",
            "Subject: =?utf-8?q?=D0=92=D0=B0=D1=81=D0=B8=D0=BB=D0=B8=FF=B9?=",
            "Subject: =?koi8-r?q?=E1=CC=C5=CB=D3=C5=CA?=",
        ])
        .await;
        let said = reader.ok("SORT (SUBJECT) UTF-8 ALL").await;
        assert_eq!(said, "* SORT 4 2 3 1\r\n");
        let said = reader.ok("SORT (REVERSE SUBJECT) UTF-8 ALL").await;
        assert_eq!(said, "* SORT 1 3 2 4\r\n");
    });
}

/// More messages than are sorted in one run.
#[test]
fn many_messages_are_merged() {
    run(async {
        let mut reader = Reader::new(None).await;
        let count = 2_500_u32;
        for n in 1..=count {
            // Two of every three subjects are there twice and more.
            let subject = n * 7919 % 1009;
            reader
                .deliver("", format!("Subject: {subject:04}\r\n\r\n").as_bytes())
                .await;
        }
        let mut expected: Vec<u32> = (1..=count).collect();
        expected.sort_by_key(|n| (std::cmp::Reverse(n * 7919 % 1009), *n));
        let said = reader.ok("SORT (REVERSE SUBJECT) UTF-8 ALL").await;
        let words = said.trim_end().strip_prefix("* SORT ").unwrap().split(' ');
        assert!(words.map(|n| n.parse::<u32>().unwrap()).eq(expected));
    });
}

#[test]
fn results_of_sort_are_saved_and_have_their_ends() {
    run(async {
        let mut reader = with(&["Subject: c", "Subject: a", "Subject: b"]).await;
        let said = reader
            .ok("UID SORT RETURN (MIN MAX COUNT SAVE) (SUBJECT) UTF-8 ALL")
            .await;
        assert_eq!(said, "* ESEARCH (TAG \"a\") UID MIN 2 MAX 1 COUNT 3\r\n");
        assert_eq!(reader.ok("SEARCH $").await, "* SEARCH 1 2 3\r\n");
        let said = reader
            .ok("SORT RETURN (SAVE MIN) (SUBJECT) UTF-8 ALL")
            .await;
        assert_eq!(said, "* ESEARCH (TAG \"a\") MIN 2\r\n");
        assert_eq!(reader.ok("SEARCH $").await, "* SEARCH 2\r\n");
        assert_eq!(reader.ok("SORT RETURN (SAVE) (SUBJECT) UTF-8 3").await, "");
        assert_eq!(reader.ok("SORT (SUBJECT) UTF-8 $").await, "* SORT 3\r\n");
        let (_, ending) = reader.run("SORT RETURN (SAVE) (DATE) X-KLINGON ALL").await;
        assert!(ending.starts_with("NO Some(BadCharset"), "{ending}");
        assert_eq!(reader.ok("SEARCH $").await, "* SEARCH\r\n");
    });
}

#[test]
fn what_was_removed_is_not_sorted() {
    run(async {
        let mut reader = with(&["Subject: c", "Subject: a", "Subject: b"]).await;
        reader.remove(2).await;
        assert_eq!(
            reader.ok("SORT (SUBJECT) UTF-8 ALL").await,
            "* SORT 3 1\r\n"
        );
        assert_eq!(reader.ok("SORT (SUBJECT) UTF-8 2").await, "* SORT\r\n");
        // IMAP4rev2 has no SEARCH response, but a SORT response.
        reader.enabled.rev2 = true;
        assert_eq!(
            reader.ok("UID SORT (SUBJECT) US-ASCII 1:3").await,
            "* SORT 3 1\r\n"
        );
    });
}
