//! `getmail` and `fetchmail`: take mail away, over TLS.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use super::run;
use crate::chapar::{Chapar, PASSWORD};

fn fill(chapar: &Chapar) {
    let mut ann = chapar.login("ann");
    for n in 0..20 {
        ann.append("INBOX", &format!("From: a@example.test\r\nTo: ann@example.test\r\nSubject: take {n}\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <{n}@take.test>\r\n\r\nText {n}\r\n"));
    }
}

#[test]
fn getmail_retrieves_each_message_once() {
    let chapar = Chapar::with_accounts(&["ann"]);
    fill(&chapar);
    let directory = chapar.directory();
    let out = directory.join("out");
    let rc = directory.join("getmailrc");
    let configuration = format!(
        "[retriever]\ntype = SimpleIMAPSSLRetriever\nserver = localhost\nport = {port}\nca_certs = {cert}\n\
         username = ann\npassword = {PASSWORD}\nmailboxes = (\"INBOX\",)\n\n[destination]\ntype = MDA_external\npath = /bin/sh\narguments = (\"-c\", \"cat >>{out}\")\nallow_root_commands = true\n\n\
         [options]\nread_all = false\ndelete = false\n",
        port = chapar.imaps.port(),
        cert = directory.join("cert.pem").display(),
        out = out.display(),
    );
    fs::write(&rc, configuration).unwrap();
    let getmail = || {
        run(Command::new("getmail")
            .arg("--getmaildir")
            .arg(directory)
            .arg("--rcfile")
            .arg(&rc))
    };
    let said = getmail();
    assert!(said.contains("20 messages"), "{said}");
    let taken = fs::read_to_string(&out).unwrap();
    assert_eq!(taken.matches("\nSubject: take ").count(), 20);
    let again = getmail();
    assert!(again.contains("0 messages"), "{again}");
}

#[test]
fn fetchmail_takes_mail_away() {
    let chapar = Chapar::with_accounts(&["ann"]);
    fill(&chapar);
    let directory = chapar.directory();
    let out = directory.join("out");
    let rc = directory.join("fetchmailrc");
    let configuration = format!(
        "poll localhost protocol imap service {port} user \"ann\" password \"{PASSWORD}\" ssl sslcertck sslcertfile \"{cert}\" \
         nokeep fetchall folder INBOX mda \"cat >>{out}\"\n",
        port = chapar.imaps.port(),
        cert = directory.join("cert.pem").display(),
        out = out.display(),
    );
    fs::write(&rc, configuration).unwrap();
    fs::set_permissions(&rc, fs::Permissions::from_mode(0o600)).unwrap();
    run(Command::new("timeout")
        .args(["60", "fetchmail", "--nosyslog", "--pidfile"])
        .arg(directory.join("fetchmail.pid"))
        .arg("--idfile")
        .arg(directory.join("fetchids"))
        .arg("-f")
        .arg(&rc)
        .env("HOME", directory));
    let taken = fs::read_to_string(&out).unwrap();
    for n in 0..20 {
        assert!(taken.contains(&format!("Subject: take {n}\n")), "{n}");
        assert!(taken.contains(&format!("Text {n}\n")), "{n}");
    }
    let mut ann = chapar.login("ann");
    assert!(ann.ok("STATUS INBOX (MESSAGES)")[0].contains("MESSAGES 0"));
}
