//! Thunderbird under a virtual display: an account set up, mail read, answered, moved, deleted and searched for,
//! offline and back. Ignored unless asked for: it takes Debian's `thunderbird` and `xvfb`, which are large.
//!
//! ```sh
//! cargo test -p chapar --test system -- --ignored clients::thunderbird
//! ```

use std::{process::Command, thread, time::Duration};

use super::run;
use crate::chapar::{Chapar, PASSWORD};

#[test]
#[ignore = "takes Thunderbird and a virtual display"]
fn thunderbird_does_a_working_day() {
    let mut chapar = Chapar::prepare("[log]\nlevel = \"info,session=debug\"\n");
    chapar.add_account("ann");
    chapar.start();
    let mut ann = chapar.login("ann");
    for n in 0..30 {
        ann.append("INBOX", &format!("From: a@example.test\r\nTo: ann@example.test\r\nSubject: bird {n}\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{n}@bird.test>\r\n\r\nText {n}\r\n"));
    }
    let directory = chapar.directory().join("bird");
    std::fs::create_dir_all(&directory).unwrap();
    let ready = directory.join("ready");
    let mut late = chapar.login("ann");
    let teller = thread::spawn(move || {
        while !ready.exists() {
            thread::sleep(Duration::from_millis(200));
        }
        late.append(
            "INBOX",
            "From: a@example.test\r\nSubject: late\r\n\r\nlate\r\n",
        );
    });
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/clients/thunderbird.py"
    );
    let said = run(Command::new("timeout")
        .args(["300", "python3", script])
        .arg(chapar.imap.port().to_string())
        .args(["ann", PASSWORD])
        .arg(&directory));
    assert!(said.contains("all well"), "{said}");
    teller.join().unwrap();
    ann.ok("SELECT INBOX");
    for (keys, count) in [
        ("ANSWERED SEEN SUBJECT \"bird 7\"", 1),
        ("FLAGGED SUBJECT \"bird 8\"", 1),
        ("KEYWORD $label1", 1),
        ("SEEN SUBJECT \"bird 20\"", 1),
        ("UNDELETED", 30 - 2 + 1),
    ] {
        let found = ann.ok(&format!("SEARCH {keys}"))[0].clone();
        assert_eq!(found.split(' ').count(), 2 + count, "{keys}: {found}");
    }
    assert!(ann.ok("STATUS Trash (MESSAGES)")[0].contains("MESSAGES 1"));
    // It is told no to nothing.
    let log = chapar.log();
    let refused: Vec<_> = log
        .lines()
        .filter(|l| l.contains("outcome=\"NO\"") || l.contains("outcome=\"BAD\""))
        .collect();
    assert!(
        log.contains("outcome=\"OK\"") && refused.is_empty(),
        "{refused:#?}"
    );
}
