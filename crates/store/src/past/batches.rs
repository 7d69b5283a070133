//! Reading an account's batches in order, a page at a time.

use std::collections::VecDeque;

use crate::{
    account::commit::Shared,
    change::Batch,
    error::Error,
    home::{self, Stay},
    id::ModSeq,
};

/// How much of the log is read at once, in octets.
const PAGE_BYTES: usize = 1 << 20;

/// An account's batches, ascending. Those that can't be read are passed over: what they did is
/// unknown, and verify names them.
pub(crate) struct Batches<'a> {
    account: &'a Shared,
    after: u64,
    to: ModSeq,
    page: VecDeque<(u64, Vec<u8>)>,
    /// The partitions in which it has been and that are not read to the end; `None`: not asked yet.
    stays: Option<VecDeque<Stay>>,
    /// Octets of the one that was given last.
    octets: u64,
}

impl<'a> Batches<'a> {
    /// The batches after one, up to another, included.
    pub(crate) fn between(account: &'a Shared, after: ModSeq, to: ModSeq) -> Self {
        Self {
            account,
            after: after.0,
            to,
            page: VecDeque::new(),
            stays: None,
            octets: 0,
        }
    }

    /// The next one.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub(crate) async fn next(&mut self) -> Result<Option<Batch>, Error> {
        loop {
            let Some((seq, octets)) = self.page.pop_front() else {
                let stays = match &mut self.stays {
                    Some(stays) => stays,
                    none => none.insert(home::stays(self.account).await?),
                };
                let Some(stay) = stays.front() else {
                    return Ok(None);
                };
                let after = self.after.max(stay.first.saturating_sub(1));
                let page = stay.engine.batches_page(self.account.id, after, PAGE_BYTES);
                self.page = page.await?.into();
                self.page.retain(|(seq, _)| *seq <= stay.last);
                if self.page.is_empty() {
                    stays.pop_front();
                }
                continue;
            };
            self.after = seq;
            if seq > self.to.0 {
                return Ok(None);
            }
            match Batch::decode(&octets) {
                Ok(batch) if batch.mod_seq.0 == seq => {
                    self.octets = octets.len() as u64;
                    return Ok(Some(batch));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// Octets of the batch that was given last.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }
}
