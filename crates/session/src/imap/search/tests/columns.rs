//! Whether columns are asked or records: SEARCH finds the same, and what is damaged costs nobody else anything.

use imap::{Command, UidSet, command};
use mail::collation::Collation;

use crate::imap::{
    fetch::tests::{Reader, damage, run},
    search::{Finder, query::Search},
};

/// What is found with columns, and without; and which of the messages could not be read.
async fn both(reader: &Reader, keys: &str) -> [(Vec<u32>, Vec<u32>); 2] {
    let command = imap::parse::command(format!("a SEARCH {keys}").as_bytes());
    let Command::Selected(command::Selected::Search(command)) = command.unwrap().command else {
        panic!("{keys}");
    };
    let (view, saved) = (&reader.selected.view, UidSet::new());
    let search = Search::new(&command.key, None, (view, &saved), Collation::default()).unwrap();
    let mut all = [(Vec::new(), Vec::new()), (Vec::new(), Vec::new())];
    for (with_columns, found) in [true, false].into_iter().zip(&mut all) {
        let mut finder = Finder::new(reader.selected.account(), view, &search);
        if !with_columns {
            finder.clerk = None;
        }
        found.0 = finder.find().await.unwrap().uids().iter().collect();
        let damaged = finder.damaged.into_named();
        found.1 = damaged.iter().map(|(uid, _)| uid.0).collect();
    }
    all
}

const KEYS: &[&str] = &[
    "SUBJECT number",
    "NOT SUBJECT number",
    "SUBJECT \"number 7\"",
    "SUBJECT \"\"",
    "FROM joe",
    "FROM {5+}\r\nJ\u{d6}RG",
    "OR FROM joe TO joe",
    "TO everybody",
    "NOT TO someone10",
    "HEADER Message-ID 7@x",
    "HEADER Date \"\"",
    "SENTON 3-Feb-2024",
    "NOT SENTSINCE 3-Feb-2024",
    "SENTBEFORE 3-Feb-2024 SUBJECT 1 SMALLER 1000",
    "OR SUBJECT 7 BODY body3",
    "SUBJECT number BODY body3",
    "NOT (SUBJECT 7 FROM joe)",
    "UID 60:80 SUBJECT number",
    "OR SEEN SUBJECT 5",
];

#[test]
fn columns_change_no_result() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let mut reader = Reader::new(Some(directory.path())).await;
        // More than are looked at together.
        for n in 0..150 {
            let mut header = Vec::new();
            if n % 4 > 0 {
                header.push(format!("Subject: number {n}\r\nMessage-ID: <{n}@x>\r\n"));
            }
            if n % 3 > 0 {
                let who = ["joe@example.test", "=?utf-8?q?J=C3=B6rg?= <j@x>"][n % 2];
                let day = n % 5 + 1;
                header.push(format!(
                    "From: {who}\r\nDate: {day} Feb 2024 10:00 +0000\r\n"
                ));
            }
            if n % 5 == 0 {
                // Too long for columns.
                header.push("To: ".into());
                header.extend((0..600).map(|n| format!("someone{n}@example.test,\r\n ")));
                header.push("everybody@x\r\n".into());
            }
            if n == 70 {
                header.push("Subject: to-be-damaged\r\n".into());
            }
            let content = format!("{}\r\nbody{n}\r\n", header.concat());
            reader
                .deliver("Delivered-To: joe\r\n", content.as_bytes())
                .await;
        }
        for round in 0..3 {
            for keys in KEYS {
                let [with, without] = both(&reader, keys).await;
                assert_eq!(with.0, without.0, "{keys}");
                if round == 0 {
                    assert!(with.1.is_empty() && without.1.is_empty());
                }
                let is_all = with.0.is_empty() || with.0.len() == 150;
                assert!(
                    !is_all || *keys == "OR SEEN SUBJECT 5",
                    "{keys} tells nothing"
                );
            }
            if round == 0 {
                // Its content, and then its record, which the columns have.
                damage(directory.path(), b"Subject: to-be-damaged");
            }
            reader.remove(20 + round).await;
        }
    });
}

#[test]
fn what_is_damaged_is_named_each_time_and_is_as_if_it_were_empty() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let mut reader = Reader::new(Some(directory.path())).await;
        for text in ["one", "two-to-be-damaged", "a third"] {
            let message = format!("Subject: {text}\r\nMessage-ID: <{}@x>\r\n\r\n.", text.len());
            reader.deliver("", message.as_bytes()).await;
        }
        for _ in 0..2 {
            // Where the text stands first is the content, then the record.
            damage(directory.path(), b"two-to-be-damaged");
        }
        for (command, expected) in [
            ("SEARCH SUBJECT o", "* SEARCH 1\r\n"),
            ("SEARCH NOT SUBJECT o", "* SEARCH 3\r\n"),
            ("SEARCH SMALLER 1", "* SEARCH\r\n"),
            ("SORT (SUBJECT) UTF-8 ALL", "* SORT 2 3 1\r\n"),
            ("SORT (ARRIVAL) UTF-8 ALL", "* SORT 1 2 3\r\n"),
            ("THREAD REFERENCES UTF-8 ALL", "* THREAD (1)(2)(3)\r\n"),
        ] {
            for _ in 0..2 {
                let said = reader.ok(command).await;
                let reads = !command.contains("SMALLER") && !command.contains("ARRIVAL");
                assert_eq!(
                    said.starts_with("* NO [CORRUPTION] UID 2: "),
                    reads,
                    "{said}"
                );
                assert!(said.ends_with(expected), "{command}: {said}");
            }
        }
    });
}
