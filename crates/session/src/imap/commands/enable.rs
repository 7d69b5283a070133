//! ENABLE: RFC 9051 §6.3.1, RFC 6855 §3, RFC 7162 §3.2.3.

use crate::{
    Outlet,
    imap::{refusal::Done, reply, state::Enabled},
};

/// Answers ENABLE: names those that it knows, and passes over the others.
pub(crate) fn enable(enabled: &mut Enabled, names: &[String], out: &mut impl Outlet) -> Done {
    let mut list = String::from("* ENABLED");
    for name in ["IMAP4REV2", "UTF8=ACCEPT", "CONDSTORE", "QRESYNC"] {
        if !names.iter().any(|asked| asked == name) {
            continue;
        }
        list.push(' ');
        match name {
            "IMAP4REV2" => {
                enabled.rev2 = true;
                list.push_str("IMAP4rev2");
                continue;
            }
            "UTF8=ACCEPT" => enabled.utf8 = true,
            "CONDSTORE" => enabled.condstore = true,
            _ => {
                enabled.condstore = true;
                enabled.qresync = true;
            }
        }
        list.push_str(name);
    }
    reply::line(out, format_args!("{list}"));
    Done::new("ENABLE completed")
}
