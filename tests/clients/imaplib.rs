//! Python's `imaplib`: a strict, old-fashioned reader of IMAP4rev1, over STARTTLS.

use std::process::Command;

use super::run;
use crate::chapar::{Chapar, PASSWORD};

#[test]
fn imaplib_does_a_working_day() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/clients/working_day.py"
    );
    let said = run(Command::new("python3")
        .arg(script)
        .arg(chapar.imap.port().to_string())
        .arg(chapar.directory().join("cert.pem"))
        .args(["ann", PASSWORD]));
    assert!(said.contains("all well"), "{said}");
}
