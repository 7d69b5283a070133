//! REPLACE: RFC 8508.

use crate::{
    account::{Account, AsWas, Placed, append::place, commit::Which, copy::ranges},
    change::Change,
    error::Error,
    id::{MailboxId, Uid},
    rights::Rights,
};

impl Account {
    /// Places a message in `to` and removes another, both or neither. `None` if the other is gone:
    /// then nothing has changed.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`] and [`Error::NoRight`] for either mailbox, [`Error::Limit`].
    pub async fn replace(
        &self,
        (from, uid): (MailboxId, Uid),
        to: MailboxId,
        message: AsWas,
    ) -> Result<Option<Placed>, Error> {
        let messages = [message];
        let (records, writes) = self.records(to, &messages).await?;
        self.shared
            .commit(&self.hands, writes, |draft| {
                draft.may_open(from, Rights::TO_REMOVE)?;
                draft.may_insert(to)?;
                let source = std::sync::Arc::clone(draft.mailbox(from)?);
                let there = draft.messages(&source, Which::Within(&ranges(&[uid])))?;
                let is_there = there.get(uid).is_some();
                // The state must not be held when it is changed, or all of it were copied.
                drop((source, there));
                if !is_there {
                    return Ok(None);
                }
                let now = (self.shared.clock)();
                let mut uids = Vec::with_capacity(1);
                for (message, record) in messages.iter().zip(&records) {
                    let by = (self.reader(), now);
                    uids.push(place(draft, to, (message, *record), by)?);
                }
                draft.push(Change::Expunged {
                    mailbox: from,
                    uids: vec![(uid, uid)],
                })?;
                let uid_validity = draft.mailbox(to)?.uid_validity();
                Ok(Some(Placed { uid_validity, uids }))
            })
            .await
    }
}
