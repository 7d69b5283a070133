//! `\Recent`: RFC 3501 §2.3.2. One session is told, whichever asks first.

use std::ops::Range;

use crate::{
    account::Account,
    change::Change,
    id::{MailboxId, Uid},
};

impl Account {
    /// Makes the caller the one session for which messages with UIDs in the
    /// range given back (start included, end excluded) are `\Recent`: those below
    /// `below` that no session had before. Does not wait for the disk to have it.
    #[expect(clippy::unused_async, reason = "the messages may have to be read")]
    pub async fn claim_recent(&self, mailbox: MailboxId, below: Uid) -> Range<u32> {
        let claimed = self.shared.commit_unawaited(&self.by, |draft| {
            let state = draft.mailbox(mailbox)?;
            let below = below.min(state.uid_next());
            let claimed = state.recent_from.0..below.0.max(state.recent_from.0);
            // Nothing is written where nobody would see a difference.
            let last = Uid(claimed.end.saturating_sub(1));
            if state
                .placements
                .range(Uid(claimed.start), last)
                .next()
                .is_some()
            {
                draft.push(Change::RecentClaimed { mailbox, below })?;
            }
            Ok(claimed)
        });
        claimed.unwrap_or(below.0..below.0)
    }
}
