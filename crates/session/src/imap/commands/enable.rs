//! ENABLE: RFC 9051 §6.3.1, RFC 5161, RFC 7162 §3.2.3.

use crate::{
    Outlet,
    imap::{capability::CAPABILITIES, refusal::Done, reply, state::Enabled, suppress::Hidden},
};

/// Answers ENABLE: names those that it knows and does not suppress, and passes over the others.
pub(crate) fn enable(
    enabled: &mut Enabled,
    names: &[String],
    hidden: Hidden<'_>,
    out: &mut impl Outlet,
) -> Done {
    let mut list = String::from("* ENABLED");
    for row in CAPABILITIES {
        let asked = names.iter().any(|name| name.eq_ignore_ascii_case(row.name));
        if let (true, Some(enable)) = (asked && !hidden.hides(row.name), row.enables) {
            enable(enabled);
            list.push(' ');
            list.push_str(row.name);
        }
    }
    reply::line(out, format_args!("{list}"));
    Done::new("ENABLE completed")
}
