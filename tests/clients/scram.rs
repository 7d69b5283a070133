//! `gsasl`: an implementation of SCRAM that is not ours, with and without channel binding.

use std::process::Command;

use super::run;
use crate::chapar::{Chapar, PASSWORD};

#[test]
fn gsasl_logs_in_by_scram() {
    let chapar = Chapar::with_accounts(&["ann"]);
    for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "PLAIN"] {
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
            .arg("--x509-ca-file")
            .arg(chapar.directory().join("cert.pem"))
            .args(["localhost", &chapar.imap.port().to_string()]));
        assert!(said.contains("OK"), "{mechanism}: {said}");
    }
}
