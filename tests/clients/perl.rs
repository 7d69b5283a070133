//! Perl's `Mail::IMAPClient`: what many a script at many a site is written with.

use std::process::Command;

use super::run;
use crate::chapar::{Chapar, PASSWORD};

#[test]
fn mail_imapclient_does_a_working_day() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/clients/working_day.pl"
    );
    let said = run(Command::new("perl")
        .arg(script)
        .arg(chapar.imap.port().to_string())
        .args(["ann", PASSWORD]));
    assert!(said.contains("all well"), "{said}");
}
