//! ID: RFC 2971.

use crate::{
    Outlet,
    imap::{
        refusal::{Done, Outcome},
        reply,
    },
};

/// Answers ID with who we are. What the client is, is its own affair.
pub(crate) fn id(out: &mut impl Outlet) -> Outcome {
    let version = env!("CARGO_PKG_VERSION");
    reply::line(
        out,
        format_args!("* ID (\"name\" \"Chapar\" \"version\" \"{version}\")"),
    );
    Ok(Done::new("ID completed"))
}
