//! An account stands still while it is moved to another partition.
//!
//! Verbs wait meanwhile, and go on where it is then; handles stay as they are. Nobody sees anything
//! of it but a moment's delay.

use std::sync::{Arc, PoisonError};

use tokio::sync::oneshot;

use crate::{
    account::{Account, commit::Shared},
    change::{Batch, Change},
    checkpoint::{Opened, base},
    engine::Engine,
    error::Error,
    id::{ModSeq, ThreadId},
    snapshot::Snapshot,
};

/// An account that stands still for as long as this lives.
pub(crate) struct Stopped {
    shared: Arc<Shared>,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _tip = self.shared.tip();
        self.shared.moving.send_replace(false);
    }
}

impl Account {
    /// Has verbs wait, and waits for what is queued. One at a time may do so.
    pub(crate) async fn stop(&self) -> Stopped {
        {
            let _tip = self.shared.tip();
            self.shared.moving.send_replace(true);
        }
        let stopped = Stopped {
            shared: Arc::clone(&self.shared),
        };
        self.shared.settled().await;
        stopped
    }

    /// Writes a batch that changes nothing: what it comes after counts from then on.
    ///
    /// # Errors
    /// Why it could not be written.
    pub(crate) async fn settle_here(&self) -> Result<(), Error> {
        let shared = &self.shared;
        let done = {
            let mut tip = shared.tip();
            let home = shared.engine();
            let mut snapshot = tip.snapshot.clone();
            snapshot.mod_seq += 1;
            let batch = shared.batch(snapshot.mod_seq(), &self.hands.by, vec![]);
            let writes = home.begin();
            shared.queue(&mut tip, (&home, writes), snapshot, &batch)?
        };
        match done {
            Some(done) => done.await.unwrap_or_else(|_| Err(closed())),
            None => Err(closed()),
        }
    }
}

fn closed() -> Error {
    Error::OutOfService("closed".into())
}

impl Shared {
    /// Tells whoever waits for news that there are none any more.
    pub(crate) fn close(&self) {
        self.news.send_modify(|news| news.closed = true);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.news.borrow().closed
    }

    fn batch(&self, mod_seq: ModSeq, by: &Arc<str>, changes: Vec<Change>) -> Batch {
        Batch {
            mod_seq,
            time: (self.clock)().unix,
            by: Arc::clone(by),
            changes,
        }
    }
}

impl Stopped {
    /// The state as it stands, and all thread keys.
    ///
    /// # Errors
    /// As reading the checkpoint.
    pub(crate) async fn state(&self) -> Result<(Arc<Snapshot>, Vec<(u64, ThreadId)>), Error> {
        let snapshot = self.shared.published.load_full();
        let threads = base::threads(&self.shared, snapshot.mod_seq()).await?;
        Ok((snapshot, threads))
    }

    /// Appends a batch to the account's log in a partition, durably. The state that everybody sees is the
    /// same after it.
    ///
    /// # Errors
    /// Why it could not be written; see [`Engine::append`].
    pub(crate) async fn append(
        &self,
        engine: &Engine,
        mod_seq: u64,
        by: &Arc<str>,
        changes: Vec<Change>,
    ) -> Result<(), Error> {
        let batch = self.shared.batch(ModSeq(mod_seq), by, changes);
        let (sender, done) = oneshot::channel();
        let told = Box::new(move |outcome: Result<_, Error>| {
            // Whoever asked may have stopped waiting.
            let _ = sender.send(outcome.map(drop));
        });
        let id = self.shared.id;
        engine.append(engine.begin(), id, mod_seq, &batch.encode(), told)?;
        done.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Says in the account's partition that it moved away, and has it go on in the other, as it was
    /// opened there, once that is durable: also if nobody waits for it any more. `until` is dropped then.
    ///
    /// # Errors
    /// Why it could not be written: then it goes on where it was.
    pub(crate) async fn move_away(
        self,
        by: &Arc<str>,
        (to, opened): (Engine, Opened),
        until: impl Send + 'static,
    ) -> Result<(), Error> {
        let (id, from) = (self.shared.id, self.shared.engine());
        let mod_seq = self.shared.published.load().mod_seq + 1;
        let away = Change::MovedAway {
            partition: to.partition().number,
        };
        let batch = self.shared.batch(ModSeq(mod_seq), by, vec![away]).encode();
        let (sender, done) = oneshot::channel();
        let told = Box::new(move |outcome: Result<_, Error>| {
            if outcome.is_ok() {
                self.go_on_in(to, opened);
            }
            drop((self, until));
            // Whoever asked may have stopped waiting.
            let _ = sender.send(outcome.map(drop));
        });
        from.append(from.begin(), id, mod_seq, &batch, told)?;
        done.await.unwrap_or_else(|_| Err(closed()))
    }

    fn go_on_in(&self, engine: Engine, opened: Opened) {
        let Opened { state, kept, .. } = opened;
        let mut tip = self.shared.tip();
        let mod_seq = state.snapshot.mod_seq;
        let published = Arc::new(state.snapshot.clone());
        tip.snapshot = state.snapshot;
        tip.threads = state.threads;
        self.shared.home.store(Arc::new(engine));
        self.shared.published.store(published);
        *self
            .shared
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = kept;
        drop(tip);
        self.shared.news.send_modify(|news| news.mod_seq = mod_seq);
    }
}
