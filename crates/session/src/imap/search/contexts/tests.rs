//! Contexts whose results change with time.

use super::*;
use crate::imap::fetch::tests::{Reader, run};
use imap::Command;

#[test]
fn messages_are_asked_again_when_they_come_of_age() {
    run(async {
        let mut reader = Reader::new(None).await;
        reader.deliver("", b"Subject: a\r\n\r\n").await;
        let age = reader.selected.account().now().unix;
        for (key, seconds, expected) in [
            ("OLDER 100", 99, false),
            ("OLDER 100", 100, true),
            ("NOT (SEEN YOUNGER 100)", 100, true),
            ("YOUNGER 100", 101, true),
            ("OR YOUNGER 5 YOUNGER 200", 101, true),
            ("OR YOUNGER 500 YOUNGER 200", 101, false),
            ("UNSEEN", 101, false),
        ] {
            let line = format!("a SEARCH RETURN (UPDATE) {key}");
            let command = imap::parse::command(line.as_bytes()).unwrap().command;
            let Command::Selected(command::Selected::Search(search)) = command else {
                panic!("{line}");
            };
            let about = About {
                tag: "a".to_owned(),
                numbering: Numbering::Uid,
                named: None,
            };
            let (what, found) = ((&search, Collation::default()), Found::default());
            let context = Context::new(about, what, None, &found, &reader.selected);
            let candidates = context.candidates(&reader.selected.view, age + seconds);
            assert_eq!(candidates.contains(1), expected, "{key} {seconds}");
        }
    });
}
