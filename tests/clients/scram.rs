//! `gsasl`: an implementation of SCRAM that is not ours, with and without channel binding.

use std::process::Command;

use super::run;
use crate::chapar::{Chapar, PASSWORD};

#[test]
fn gsasl_logs_in_by_scram() {
    let chapar = Chapar::with_accounts(&["ann"]);
    for mechanism in ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"] {
        let said = run(Command::new("gsasl")
            .args([
                "--imap",
                "--mechanism",
                mechanism,
                "--authentication-id",
                "ann",
                "--password",
                PASSWORD,
            ])
            // Without channel binding only where the mechanism has none: gsasl refuses to go down.
            .args(if mechanism.ends_with("PLUS") {
                &[][..]
            } else {
                &["--no-cb"]
            })
            .arg("--x509-ca-file")
            .arg(chapar.directory().join("cert.pem"))
            .args(["localhost", &chapar.imap.port().to_string()]));
        assert!(said.contains("OK"), "{mechanism}: {said}");
    }
}
