//! A checkpoint that turns out to be damaged while it is in use: what it knew comes back from the log.

use std::{
    ops::ControlFlow,
    sync::{PoisonError, atomic::Ordering},
};

use super::{
    checkpoint::Checkpoint,
    disk::Disk,
    format::{FIRST_LSN, Type},
    index::{Index, Place},
    scan::{Found, scan},
    shared::Shared,
};
use crate::{error::Error, id::AccountId};

impl<D: Disk> Shared<D> {
    /// Reads something of the checkpoint. If that finds it damaged, it is begun anew, and read again:
    /// then it says nothing, and the index has everything.
    pub(crate) fn derived<T>(
        &self,
        read: impl Fn(&Checkpoint<D>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match read(&self.checkpoint) {
            Err(Error::Corrupt { .. }) if self.checkpoint.is_lost() => {
                self.heal()?;
                read(&self.checkpoint)
            }
            other => other,
        }
    }

    /// Begins the checkpoint anew, and has the index know every batch of the log. Writers wait meanwhile.
    fn heal(&self) -> Result<(), Error> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been quicker.
        if !self.checkpoint.is_lost() {
            return Ok(());
        }
        tracing::error!("the checkpoint is damaged: rebuilding it from the log");
        self.checkpoint.reset()?;
        let end = self.durable.load(Ordering::Acquire);
        let mut all = Index::default();
        for segment in self.segments.load_full().iter() {
            scan(
                &*self.disk,
                segment,
                segment.first_lsn(),
                segment.end(),
                &mut |found| {
                    match found {
                        Found::Record { header, .. } if header.lsn >= end => {
                            return ControlFlow::Break(());
                        }
                        Found::Record { header, .. } if header.kind == Type::Batch => {
                            all.add(AccountId(header.account), Place::of(&header));
                        }
                        _ => {}
                    }
                    ControlFlow::Continue(())
                },
            )?;
        }
        for (account, last) in index.lasts() {
            all.skip(account, last);
        }
        *index = all;
        self.checkpointed.store(FIRST_LSN, Ordering::Release);
        Ok(())
    }
}
