//! Libraries that Debian has not: `imapflow` (the npm registry) and `IMAPClient` (`PyPI`). Ignored unless asked for:
//!
//! ```sh
//! cargo test -p chapar --test system -- --ignored clients::libraries
//! ```

use std::process::Command;

use super::run;
use crate::chapar::{Chapar, PASSWORD};

fn script(name: &str) -> String {
    format!("{}/../../tests/clients/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
#[ignore = "takes imapflow from the npm registry"]
fn imapflow_does_a_working_day() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let directory = chapar.directory();
    run(Command::new("npm")
        .args(["install", "--silent", "--no-save", "imapflow"])
        .current_dir(directory));
    std::fs::copy(script("working_day.mjs"), directory.join("day.mjs")).unwrap();
    let said = run(Command::new("node")
        .arg("day.mjs")
        .arg(chapar.imaps.port().to_string())
        .args(["ann", PASSWORD])
        .current_dir(directory));
    assert!(said.contains("all well"), "{said}");
}

#[test]
#[ignore = "takes IMAPClient from PyPI"]
fn imapclient_does_a_working_day() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let python = chapar.directory().join("venv/bin/python");
    run(Command::new("python3")
        .args(["-m", "venv", "venv"])
        .current_dir(chapar.directory()));
    run(Command::new(&python).args(["-m", "pip", "-q", "install", "imapclient"]));
    let said = run(Command::new(&python)
        .arg(script("working_day_imapclient.py"))
        .arg(chapar.imaps.port().to_string())
        .args(["ann", PASSWORD]));
    assert!(said.contains("all well"), "{said}");
}
