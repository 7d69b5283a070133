//! Every command, from the RFCs' own examples and from what clients send.

use alloc::{format, string::ToString};

use super::command as parse;

/// Parses, and writes the command down as `Debug` does, shortened.
fn shown(command: &str) -> alloc::string::String {
    match parse(command.as_bytes()) {
        Ok(tagged) => format!("{:?}", tagged.command),
        Err(error) => error.to_string(),
    }
}

#[test]
fn smoke() {
    assert_eq!(shown("a NOOP"), "Any(Noop)");
}
