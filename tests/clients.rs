//! Real clients, and a real Postfix. What each is a good witness for is said at its test.
//!
//! They are Debian's packages; `tests/run` installs them.

mod alpine;
mod compress;
mod curl;
mod cyradm;
mod getmail;
mod imapfilter;
mod imaplib;
mod libraries;
mod mbsync;
mod mutt;
mod offlineimap;
mod perl;
mod postfix;
mod scram;
mod thunderbird;

use std::process::{Command, Output};

use crate::chapar::text;

/// Runs a program to its end; gives what it printed, and panics if it failed.
pub(crate) fn run(command: &mut Command) -> String {
    let output: Output = command.output().unwrap_or_else(|e| {
        panic!(
            "{}: {e} (tests/run installs what is missing)",
            command.get_program().display()
        )
    });
    assert!(
        output.status.success(),
        "{command:?} ended with {}:\n{}",
        output.status,
        text(&output)
    );
    text(&output)
}
