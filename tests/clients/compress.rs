//! COMPRESS=DEFLATE (RFC 4978) with the zlib that clients have, in the clear and in TLS; and UNAUTHENTICATE (RFC
//! 8437), which ends it.

use std::process::Command;

use super::run;
use crate::chapar::{Chapar, PASSWORD};

#[test]
fn zlib_understands_and_is_understood() {
    let chapar = Chapar::with_accounts(&["ann"]);
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/clients/compress.py"
    );
    let said = run(Command::new("python3")
        .arg(script)
        .arg(chapar.imap.port().to_string())
        .arg(chapar.imaps.port().to_string())
        .arg(chapar.directory().join("cert.pem"))
        .args(["ann", PASSWORD]));
    assert!(said.contains("all well"), "{said}");
}
