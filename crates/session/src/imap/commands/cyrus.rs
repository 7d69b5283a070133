//! Entries of metadata as Cyrus names them, where there is a counterpart here: its clients and tools ask for
//! these. Which can be set is the store's to say ([`store::metadata::meant`]).

use store::{
    Account, Mailbox, SHARED_SEEN,
    archive::ARCHIVE_AFTER,
    metadata::{CYRUS, write_time},
};

/// What can only be read.
const FIXED: [&str; 3] = ["annotsize", "size", "uniqueid"];

/// What comes after Cyrus's beginning.
fn after(name: &str) -> Option<&str> {
    let (first, rest) = name.split_at_checked(CYRUS.len())?;
    first.eq_ignore_ascii_case(CYRUS).then_some(rest)
}

/// Whether it is one that can only be read.
pub(super) fn is_fixed(name: &str) -> bool {
    after(name).is_some_and(|rest| FIXED.iter().any(|it| it.eq_ignore_ascii_case(rest)))
}

/// Whether some of the names may mean entries of Cyrus's.
pub(super) fn is_asked_for(names: &[String]) -> bool {
    let beginning = CYRUS.trim_end_matches("cyrus-imapd/");
    names.iter().any(|name| {
        let first = name.get(..beginning.len());
        first.is_some_and(|first| first.eq_ignore_ascii_case(beginning))
    })
}

/// Gives each of those entries that a mailbox has to `add`, as Cyrus has it.
pub(super) fn entries(
    (account, mailbox): (&Account, &Mailbox),
    id: &str,
    add: &mut impl FnMut(&str, String),
) {
    let mut of_cyrus = |name: &str, value: String| add(&format!("{CYRUS}{name}"), value);
    if let Some(time) = mailbox.metadata().get(None, ARCHIVE_AFTER) {
        of_cyrus("archive", String::from_utf8_lossy(time).into_owned());
    }
    if let Some(expiry) = mailbox.expiry() {
        of_cyrus("expire", write_time(expiry.age_seconds.unwrap_or(0)));
    }
    let shared = mailbox.metadata().get(None, SHARED_SEEN);
    let shared = shared.is_some_and(|value| value.eq_ignore_ascii_case(b"true"));
    of_cyrus("sharedseen", shared.to_string());
    of_cyrus("annotsize", mailbox.annotation_octets().to_string());
    of_cyrus("size", account.status(mailbox).counters.octets.to_string());
    of_cyrus("uniqueid", id.to_owned());
}
