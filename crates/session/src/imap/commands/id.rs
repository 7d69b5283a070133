//! ID: RFC 2971.

use crate::{
    Outlet,
    imap::{refusal::Done, reply},
};

/// Answers ID with who we are.
pub(crate) fn id(out: &mut impl Outlet) -> Done {
    let version = env!("CARGO_PKG_VERSION");
    reply::line(
        out,
        format_args!("* ID (\"name\" \"Chapar\" \"version\" \"{version}\")"),
    );
    Done::new("ID completed")
}
