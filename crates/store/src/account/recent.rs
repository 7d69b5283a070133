//! `\Recent`: RFC 3501 §2.3.2. One session is told, whichever asks first.

use std::{ops::Range, sync::Arc};

use crate::{
    account::{Account, commit::Which},
    change::Change,
    id::{MailboxId, Uid},
    rights::Rights,
};

impl Account {
    /// Makes the caller the one session for which messages with UIDs in the
    /// range given back (start included, end excluded) are `\Recent`: those below
    /// `below` that no session had before; of a reader who is not the owner, none of theirs. Does not wait for the disk to have it:
    /// that comes with the next change, or [`Account::hurry`], or some milliseconds later.
    pub async fn claim_recent(&self, mailbox: MailboxId, below: Uid) -> Range<u32> {
        let snapshot = self.snapshot();
        let known = snapshot.mailbox(mailbox);
        // Mostly all are claimed, and nobody takes that back: then there is nothing to ask for.
        let known = known.filter(|it| below <= it.uid_next() && self.status(it).recent == 0);
        if let Some(known) = known {
            let from = known.recent_from(self.reader());
            return from.0..below.0.max(from.0);
        }
        let claimed = self.shared.commit_unawaited(&self.hands, |draft| {
            draft.may(mailbox, Rights::READ)?;
            let state = Arc::clone(draft.mailbox(mailbox)?);
            let below = below.min(state.uid_next());
            let from = state.recent_from(self.reader());
            let claimed = from.0..below.0.max(from.0);
            // Nothing is written where nobody would see a difference.
            let (first, last) = (Uid(claimed.start), Uid(claimed.end.saturating_sub(1)));
            let recent = !claimed.is_empty() && self.status(&state).recent > 0;
            // Where all of them are claimed, no look at them is needed.
            let any = recent
                && (below == state.uid_next() || {
                    let within = vec![(first, last)];
                    let messages = draft.messages(&state, Which::Within(&within))?;
                    messages.range(first, last).next().is_some()
                });
            if any {
                draft.push(match self.reader() {
                    None => Change::RecentClaimed { mailbox, below },
                    Some(reader) => Change::ReaderRecentClaimed {
                        mailbox,
                        reader,
                        below,
                    },
                })?;
            }
            Ok(claimed)
        });
        claimed.await.unwrap_or(below.0..below.0)
    }

    /// Has the disk take now what no session waits for, so that others see it.
    pub fn hurry(&self) {
        self.shared.engine().hurry();
    }
}
