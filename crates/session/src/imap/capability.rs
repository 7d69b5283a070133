//! What this server can do, as CAPABILITY says it: RFC 9051 §6.1.1.
//!
//! The list differs with the state: before login only what a client needs in
//! order to log in, after it everything.

use std::fmt::Write as _;

use auth::Mechanism;

/// Before and after login.
const ALWAYS: &[&str] = &[
    "IMAP4rev1", // RFC 3501
    "IMAP4rev2", // RFC 9051
    "SASL-IR",   // RFC 4959
    "LITERAL+",  // RFC 7888
    "ENABLE",    // RFC 5161
    "ID",        // RFC 2971
    "IDLE",      // RFC 2177
    "LANGUAGE",  // RFC 5255 §3
];

/// After login. Many are part of IMAP4rev2, and named for clients that know only
/// IMAP4rev1 with the extension.
const LOGGED_IN: &[&str] = &[
    "NAMESPACE",          // RFC 2342
    "CHILDREN",           // RFC 3348
    "MULTIAPPEND",        // RFC 3502
    "BINARY",             // RFC 3516
    "CATENATE",           // RFC 4469
    "UNSELECT",           // RFC 3691
    "UIDPLUS",            // RFC 4315
    "ESEARCH",            // RFC 4731
    "SEARCHRES",          // RFC 5182
    "LIST-EXTENDED",      // RFC 5258
    "LIST-STATUS",        // RFC 5819
    "SPECIAL-USE",        // RFC 6154 §2
    "CREATE-SPECIAL-USE", // RFC 6154 §3
    "MOVE",               // RFC 6851
    "CONDSTORE",          // RFC 7162 §3.1
    "QRESYNC",            // RFC 7162 §3.2
    "STATUS=SIZE",        // RFC 8438
    "REPLACE",            // RFC 8508
    "OBJECTID",           // RFC 8474
    "PARTIAL",            // RFC 9394
    "SAVEDATE",           // RFC 8514
];

/// The list before login.
pub(crate) fn before_login(start_tls: bool, mechanisms: &[Mechanism]) -> String {
    let mut list = ALWAYS.join(" ");
    if start_tls {
        list.push_str(" STARTTLS"); // RFC 9051 §6.2.1
    }
    for mechanism in mechanisms {
        // Writing to a String can't fail.
        let _ = write!(list, " AUTH={}", mechanism.name()); // RFC 9051 §6.2.2
    }
    if !mechanisms.contains(&Mechanism::Plain) {
        list.push_str(" LOGINDISABLED"); // RFC 9051 §6.2.3
    }
    list
}

/// The list after login.
pub(crate) fn after_login(message_bytes_max: u64) -> String {
    let mut list = ALWAYS.join(" ");
    for word in LOGGED_IN {
        list.push(' ');
        list.push_str(word);
    }
    let _ = write!(list, " APPENDLIMIT={message_bytes_max}"); // RFC 7889
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_is_disabled_where_plain_is() {
        let secured = before_login(false, &[Mechanism::ScramSha256, Mechanism::Plain]);
        assert!(
            secured.ends_with("AUTH=SCRAM-SHA-256 AUTH=PLAIN"),
            "{secured}"
        );
        let open = before_login(true, &[]);
        assert!(open.ends_with("STARTTLS LOGINDISABLED"), "{open}");
    }

    #[test]
    fn no_word_is_said_twice() {
        let list = after_login(1);
        let mut words: Vec<_> = list.split(' ').collect();
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
    }
}
