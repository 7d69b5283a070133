//! CLOSE and UNSELECT: RFC 9051 §6.4.1, §6.4.2.

use crate::imap::{
    refusal::{Done, Outcome},
    state::{Access, Selected},
};

/// CLOSE: expunges without a word, and without HIGHESTMODSEQ (RFC 7162 §3.2.8).
/// Its caller leaves the mailbox, also if the expunge fails: then NO says so.
pub(crate) async fn close(selected: &Selected) -> Outcome {
    if selected.access == Access::ReadWrite {
        match selected.account().expunge(selected.mailbox, None).await {
            // Deleted meanwhile: nothing is left to expunge. RFC 4314 §4: nor does it hinder the end that the
            // user may not.
            Ok(_) | Err(store::Error::NoSuchMailbox | store::Error::NoRight(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Done::new("CLOSE completed"))
}
