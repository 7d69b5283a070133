//! `alpine`, the heir of Pine: reads, deletes, saves and expunges as at a terminal, through the
//! c-client library of the University of Washington.

use std::{fs, process::Command};

use super::run;
use crate::chapar::{Chapar, PASSWORD};

/// Answers what alpine asks, key by key.
const KEYS: &str = r#"
set timeout 40
set port [lindex $argv 0]
set rc [lindex $argv 1]
set password [lindex $argv 2]
# Alpine forgets what was typed ahead of a question: types as slowly as a person.
proc type {what} {
    after 700
    send $what
}
proc wait {what} {
    expect {
        -nocase -re $what {}
        timeout { puts "NO $what"; exit 3 }
        eof { puts "ENDED BEFORE $what"; exit 4 }
    }
}
spawn -noecho alpine -p $rc -f "{localhost:$port/user=ann/novalidate-cert/ssl}INBOX"
expect {
    -nocase -re "password" { send "$password\r" }
    timeout { puts "NO password"; exit 3 }
}
wait "opened with 10"
type "i"
wait "alpine 0"
type "d"
wait "marked for deletion|alpine 1"
type "s"
wait "SAVE.*folder"
type "\025Kept\r"
wait "create\\?"
type "y"
wait "Saving.*DONE|copied to folder"
type "x"
wait "Expunge .*No"
type "y"
wait "expunged|permanently|removed"
type "q"
expect {
    -nocase -re {really quit|\?} { type "y"; exp_continue }
    eof {}
    timeout { puts "NO end"; exit 3 }
}
puts "all well"
"#;

#[test]
fn alpine_reads_deletes_saves_and_expunges() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mut ann = chapar.login("ann");
    for n in 0..10 {
        ann.append("INBOX", &format!("From: a@example.test\r\nSubject: alpine {n}\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nText {n}\r\n"));
    }
    let directory = chapar.directory();
    let rc = directory.join("pinerc");
    let port = chapar.imaps.port();
    let settings = format!(
        "user-domain=example.test\n\
         folder-collections=Mail {{localhost:{port}/user=ann/novalidate-cert/ssl}}[]\n\
         feature-list=quit-without-confirm,expunge-without-confirm,no-save-will-quote-leading-froms,\
         disable-password-file-saving,disable-password-caching\n\
         last-version-used=6.26\n"
    );
    fs::write(&rc, settings).unwrap();
    fs::write(directory.join("keys.exp"), KEYS).unwrap();
    let said = run(Command::new("timeout")
        .args(["90", "expect"])
        .arg(directory.join("keys.exp"))
        .arg(port.to_string())
        .arg(&rc)
        .arg(PASSWORD)
        .env("TERM", "vt100")
        .env("HOME", directory));
    assert!(said.contains("all well"), "{said}");
    assert!(
        ann.ok("STATUS INBOX (MESSAGES)")[0].contains("MESSAGES 9"),
        "{said}"
    );
    assert!(
        ann.ok("STATUS Kept (MESSAGES)")[0].contains("MESSAGES 1"),
        "{said}"
    );
}
