//! `curl`: every scheme and URL form of a client that speaks IMAP its own way.

use std::{fs, process::Command};

use super::run;
use crate::chapar::{Chapar, PASSWORD};

fn curl(chapar: &Chapar, path: &str, arguments: &[&str]) -> String {
    run(Command::new("curl")
        .args([
            "-sS",
            "--max-time",
            "60",
            "--user",
            &format!("ann:{PASSWORD}"),
        ])
        .arg("--cacert")
        .arg(chapar.directory().join("cert.pem"))
        .arg(format!("imaps://localhost:{}/{path}", chapar.imaps.port()))
        .args(arguments))
}

#[test]
fn curl_lists_appends_fetches_and_searches() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let mail = chapar.directory().join("mail.eml");
    fs::write(
        &mail,
        "From: c@example.test\r\nSubject: by curl\r\n\r\nCurled.\r\n",
    )
    .unwrap();
    curl(&chapar, "INBOX", &["-T", mail.to_str().unwrap()]);
    assert!(curl(&chapar, "", &[]).contains("INBOX"));
    assert!(curl(&chapar, "INBOX;MAILINDEX=1", &[]).contains("Curled."));
    assert!(curl(&chapar, "INBOX;UID=1;SECTION=TEXT", &[]).starts_with("Curled."));
    assert!(curl(&chapar, "INBOX?SUBJECT%20curl", &[]).contains("SEARCH 1"));
    // STARTTLS, required.
    let starttls = run(Command::new("curl")
        .args([
            "-sS",
            "--max-time",
            "60",
            "--ssl-reqd",
            "--user",
            &format!("ann:{PASSWORD}"),
        ])
        .arg("--cacert")
        .arg(chapar.directory().join("cert.pem"))
        .arg(format!(
            "imap://localhost:{}/INBOX;UID=1",
            chapar.imap.port()
        )));
    assert!(starttls.contains("Curled."), "{starttls}");
}
