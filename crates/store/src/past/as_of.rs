//! An account as it was at a moment of its past.

use std::sync::Arc;

use super::batches::Batches;
use crate::{
    account::Account, checkpoint::base, error::Error, fold::State, id::ModSeq, snapshot::Snapshot,
};

/// A moment in an account's past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// When this change, and none after it, had happened.
    ModSeq(ModSeq),
    /// At the end of this second, in unix time.
    Time(i64),
}

impl Account {
    /// The account's state at a moment: before its first change it is empty, after the last it is
    /// what it is now. Messages of it can be read ([`Account::email`]) while their records are there.
    /// Costs the memory of that state.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`] of the log itself.
    pub async fn as_of(&self, moment: Moment) -> Result<Arc<Snapshot>, Error> {
        let now = self.snapshot().mod_seq();
        let to = match moment {
            Moment::ModSeq(mod_seq) => mod_seq.min(now),
            Moment::Time(_) => now,
        };
        let mut batches = Batches::between(&self.shared, ModSeq(0), to);
        let mut state = State::default();
        let mut whole = true;
        while let Some(batch) = batches.next().await? {
            if matches!(moment, Moment::Time(time) if batch.time > time) {
                break;
            }
            let follows = batch.mod_seq.0 == state.snapshot.mod_seq + 1;
            if let Some(pieces) = base::begins(&batch, follows && whole)
                && let Some(first) = pieces.first()
                && let Ok(engine) = self.shared.partitions.get(first.at.partition())
                && let Ok(base) = base::read(&engine, pieces).await?
            {
                state = base;
                whole = true;
                continue;
            }
            whole &= follows;
            for misfit in state.apply(&batch) {
                whole = false;
                let (account, mod_seq, what) = (self.id(), batch.mod_seq.0, misfit.0);
                tracing::warn!(%account, mod_seq, what, "a past state is incomplete");
            }
        }
        Ok(Arc::new(state.snapshot))
    }
}
