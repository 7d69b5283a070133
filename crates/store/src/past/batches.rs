//! Reading an account's batches in order, a page at a time.

use std::collections::VecDeque;

use crate::{account::commit::Shared, change::Batch, error::Error, id::ModSeq};

/// How much of the log is read at once, in octets.
const PAGE_BYTES: usize = 1 << 20;

/// An account's batches, ascending. Those that can't be read are passed over: what they did is
/// unknown, and verify names them.
pub(super) struct Batches<'a> {
    account: &'a Shared,
    after: u64,
    to: ModSeq,
    page: VecDeque<(u64, Vec<u8>)>,
}

impl<'a> Batches<'a> {
    /// The batches after one, up to another, included.
    pub(super) fn between(account: &'a Shared, after: ModSeq, to: ModSeq) -> Self {
        Self {
            account,
            after: after.0,
            to,
            page: VecDeque::new(),
        }
    }

    /// The next one.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub(super) async fn next(&mut self) -> Result<Option<Batch>, Error> {
        loop {
            let Some((seq, octets)) = self.page.pop_front() else {
                let Shared { id, engine, .. } = self.account;
                let page = engine.batches_page(*id, self.after, PAGE_BYTES).await?;
                if page.is_empty() {
                    return Ok(None);
                }
                self.page = page.into();
                continue;
            };
            self.after = seq;
            if seq > self.to.0 {
                return Ok(None);
            }
            match Batch::decode(&octets) {
                Ok(batch) if batch.mod_seq.0 == seq => return Ok(Some(batch)),
                Ok(_) | Err(_) => {}
            }
        }
    }
}
