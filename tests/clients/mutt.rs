//! `mutt` and `neomutt`: fetch headers by field list, copy messages out, over TLS.

use std::{fs, process::Command};

use super::run;
use crate::chapar::{Chapar, PASSWORD};

#[test]
fn mutt_reads_a_mailbox_and_copies_it_out() {
    reads_and_copies_out("mutt", "");
}

/// RFC 4978, with a client that has its own mind of what it flushes.
#[test]
fn mutt_reads_a_mailbox_compressed() {
    let log = reads_and_copies_out("mutt", "set imap_deflate=yes\n");
    assert!(log.contains("received_deflated"), "{log}");
}

#[test]
fn neomutt_reads_a_mailbox_and_copies_it_out() {
    reads_and_copies_out("neomutt", "");
}

/// Does it with more settings; gives the server's log.
fn reads_and_copies_out(program: &str, settings: &str) -> String {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mut ann = chapar.login("ann");
    for n in 0..25 {
        ann.append("INBOX", &format!("From: a@example.test\r\nSubject: mutt {n}\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\nText {n}\r\n"));
    }
    let directory = chapar.directory();
    let out = directory.join("out.mbox");
    let rc = format!(
        "set ssl_starttls=no\nset ssl_force_tls=yes\nset certificate_file={cert}\nset ssl_verify_host=no\nset imap_user=ann\n\
         set imap_pass={PASSWORD}\nset header_cache=\"\"\nset confirmappend=no\nset confirmcreate=no\nset move=no\nset delete=yes\n\
         set wait_key=no\nset quit=yes\nset mbox_type=mbox\nset folder={folder}\n{settings}",
        cert = directory.join("cert.pem").display(),
        folder = directory.display(),
    );
    fs::write(directory.join("muttrc"), rc).unwrap();
    let keys = format!(
        "push <tag-pattern>.<enter><tag-prefix><copy-message><kill-line>{}<enter><quit>",
        out.display()
    );
    // mutt insists on a terminal: script gives it one.
    let mutt = format!(
        "{program} -n -F {rc} -e '{keys}' -f imaps://ann@localhost:{port}/INBOX",
        rc = directory.join("muttrc").display(),
        port = chapar.imaps.port(),
    );
    let said = run(Command::new("timeout")
        .args(["60", "script", "-qec", &mutt, "/dev/null"])
        .env("TERM", "xterm")
        .env("HOME", directory));
    let copied = fs::read_to_string(&out).unwrap_or_else(|e| panic!("{e}: mutt said {said:?}"));
    for n in 0..25 {
        assert!(
            copied.contains(&format!("Subject: mutt {n}\n")),
            "message {n} is missing"
        );
        assert!(
            copied.contains(&format!("Text {n}\n")),
            "the text of {n} is missing"
        );
    }
    chapar.log()
}
