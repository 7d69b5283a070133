//! Where an account's log begins in the middle: with the whole state, written down as a base, when
//! what came before it was freed.

use crate::{
    account::Account,
    change::{Added, Batch},
    checkpoint::base,
    error::Error,
    fold::State,
    mailbox::{Message, OpenMailbox},
    past::restore::flags,
};

impl Account {
    /// The whole state after a batch, if the batch brings it and does not follow on what was read
    /// before.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) async fn begins(
        &self,
        batch: &Batch,
        follows: bool,
    ) -> Result<Option<State>, Error> {
        let Some(pieces) = base::begins(batch, follows) else {
            return Ok(None);
        };
        let Some(first) = pieces.first() else {
            return Ok(None);
        };
        let Ok(engine) = self.shared.partitions.get(first.at.partition()) else {
            return Ok(None);
        };
        Ok(base::read(&engine, pieces).await?.ok())
    }
}

/// Whether batches that are read one after the other leave nothing out: of what was freed, some may be
/// there still.
#[derive(Debug, Default)]
pub(super) struct Unbroken {
    last: u64,
    broken: bool,
}

impl Unbroken {
    /// Whether nothing is missing before a batch.
    pub(super) fn follows(&self, batch: &Batch) -> bool {
        !self.broken && batch.mod_seq.0 == self.last + 1
    }

    /// That was the next; it brought a base, from which all is known again, or not.
    pub(super) fn next(&mut self, batch: &Batch, base: bool) {
        self.broken = !base && !self.follows(batch);
        self.last = batch.mod_seq.0;
    }
}

/// A message as the change that placed it would have it.
pub(super) fn as_added(mailbox: &OpenMailbox, message: &Message<'_>) -> Added {
    Added {
        mailbox: mailbox.id(),
        uid: message.uid,
        flags: flags(mailbox, message),
        internal_date: message.internal_date,
        save_date: message.save_date,
        size: message.size,
        email: message.email,
        thread: message.thread,
        record: message.record,
        record_len: message.record_len,
        sent: message.sent,
        thread_keys: Vec::new(),
    }
}
