//! NAMESPACE: RFC 9051 §6.3.10.

use store::name::DELIMITER;

use crate::{
    Outlet,
    imap::{refusal::Done, reply},
};

/// Answers NAMESPACE: one's own mailboxes, at the root, and no others.
pub(crate) fn namespace(out: &mut impl Outlet) -> Done {
    write(out);
    Done::new("NAMESPACE completed")
}

/// Writes the NAMESPACE response.
pub(crate) fn write(out: &mut impl Outlet) {
    reply::line(
        out,
        format_args!("* NAMESPACE ((\"\" \"{DELIMITER}\")) NIL NIL"),
    );
}
