//! An account as it was at a moment of its past.

use std::sync::Arc;

use super::batches::Batches;
use crate::{account::Account, error::Error, fold::State, id::ModSeq, snapshot::Snapshot};

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
    /// [`Error::NotPermitted`] if the log goes back to a later moment only: what came before was
    /// freed. [`Error::Io`], [`Error::Corrupt`] of the log itself.
    pub async fn as_of(&self, moment: Moment) -> Result<Arc<Snapshot>, Error> {
        let now = self.snapshot().mod_seq();
        let mut batches = Batches::between(&self.shared, ModSeq(0), now);
        let mut state = State::default();
        let (mut last, mut whole) = (ModSeq(0), true);
        while let Some(batch) = batches.next().await? {
            let follows = batch.mod_seq.0 == last.0 + 1;
            let is_later = match moment {
                Moment::ModSeq(mod_seq) => batch.mod_seq > mod_seq,
                Moment::Time(time) => batch.time > time,
            };
            let begins = last == ModSeq(0) && !follows;
            let base = self.begins(&batch, follows && whole).await?;
            // Where there is no base, nothing was freed: what is missing is damaged.
            if begins && is_later && base.is_some() {
                return Err(Error::NotPermitted("the log does not go back that far"));
            }
            if is_later {
                break;
            }
            last = batch.mod_seq;
            if let Some(base) = base {
                (state, whole) = (base, true);
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
