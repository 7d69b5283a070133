//! EXPUNGE and UID EXPUNGE: RFC 9051 §6.4.3, §6.4.9, RFC 7162 §3.2.7.
//!
//! The EXPUNGE or VANISHED responses come from the telling at the end of the command,
//! with those of other sessions.

use imap::{command::Numbering, set::SequenceSet};

use crate::imap::{
    refusal::{Done, Outcome, Refusal},
    state::{Access, Selected},
};

/// EXPUNGE: every message with `\Deleted`.
pub(crate) async fn expunge(selected: &mut Selected) -> Outcome {
    writable(selected)?;
    selected.account().expunge(selected.mailbox, None).await?;
    Ok(Done::new("EXPUNGE completed"))
}

/// UID EXPUNGE: those among `messages`.
pub(crate) async fn uid_expunge(selected: &mut Selected, messages: &SequenceSet) -> Outcome {
    writable(selected)?;
    let uids = selected.resolve(messages, Numbering::Uid)?;
    let uids = selected.view.uids_in(&uids);
    selected
        .account()
        .expunge(selected.mailbox, Some(&uids))
        .await?;
    Ok(Done::new("EXPUNGE completed"))
}

fn writable(selected: &Selected) -> Result<(), Refusal> {
    match selected.access {
        Access::ReadWrite => Ok(()),
        Access::ReadOnly => Err(Refusal::read_only()),
    }
}
