//! The engine in memory: for tests and simulation.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use super::{Damage, Done, Entry, PIECE_BYTES_MAX, Position, RecordKind, Ref, Writes};
use crate::{error::Error, id::AccountId};

/// The engine. `done`s run on a thread of its own, as with the log: an append is called with
/// a lock held that `done` takes.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    next: u64,
    complete_to: u64,
    records: BTreeMap<u64, Vec<u8>>,
    batches: BTreeMap<(AccountId, u64), (Position, Vec<u8>)>,
    checkpoint: BTreeMap<Vec<u8>, Vec<u8>>,
    dones: Option<mpsc::Sender<(Done, Position)>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let (dones, waiting) = mpsc::channel::<(Done, Position)>();
        thread::spawn(move || {
            for (done, position) in waiting {
                done(Ok(position));
            }
        });
        Self {
            state: Arc::new(Mutex::new(State {
                next: 1,
                complete_to: 1,
                records: BTreeMap::new(),
                batches: BTreeMap::new(),
                checkpoint: BTreeMap::new(),
                dones: Some(dones),
            })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::unused_self, reason = "the shape every engine has")]
    pub(crate) fn begin(&self) -> Writes {
        Writes { generation: 0 }
    }

    #[expect(clippy::unused_async, reason = "the shape every engine has")]
    pub(crate) async fn put(
        &self,
        _writes: Writes,
        _kind: RecordKind,
        _account: Option<AccountId>,
        body: Vec<u8>,
    ) -> Result<Ref, Error> {
        if body.len() > PIECE_BYTES_MAX {
            return Err(Error::TooBig(PIECE_BYTES_MAX as u64));
        }
        let mut state = self.state();
        let at = state.next;
        state.next += 1;
        state.records.insert(at, body);
        Ok(Ref(at))
    }

    pub(crate) fn append(
        &self,
        _writes: Writes,
        account: AccountId,
        seq: u64,
        batch: Vec<u8>,
        done: Done,
    ) -> Result<(), Error> {
        let mut state = self.state();
        let last = state
            .batches
            .range((account, 0)..=(account, u64::MAX))
            .next_back()
            .map_or(0, |((_, seq), _)| *seq);
        if seq != last + 1 {
            return Err(Error::NotPermitted("the account's log has moved on"));
        }
        let closed = Error::OutOfService("closed".into());
        state.next += 1;
        let position = Position(state.next);
        let dones = state.dones.as_ref().ok_or_else(|| closed.clone())?;
        dones.send((done, position)).map_err(|_| closed)?;
        state.batches.insert((account, seq), (position, batch));
        Ok(())
    }

    #[expect(clippy::unused_async, reason = "the shape every engine has")]
    pub(crate) async fn read(
        &self,
        at: Ref,
        range: Range<usize>,
        length: Option<usize>,
        into: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let state = self.state();
        let body = state.records.get(&at.0);
        let found = body.filter(|body| length.is_none_or(|length| length == body.len()));
        match found.and_then(|body| Some((body.len(), body.get(range)?))) {
            Some((length, octets)) => {
                into.extend_from_slice(octets);
                Ok(length)
            }
            None => Err(Error::Corrupt {
                file: "memory".into(),
                offset: at.0,
                what: "no such record".into(),
            }),
        }
    }

    #[expect(clippy::unused_async, reason = "the shape every engine has")]
    pub(crate) async fn batches(
        &self,
        account: AccountId,
        after: u64,
    ) -> Result<Vec<(u64, Vec<u8>)>, Error> {
        Ok(self
            .state()
            .batches
            .range((account, after.saturating_add(1))..=(account, u64::MAX))
            .map(|((_, seq), (_, body))| (*seq, body.clone()))
            .collect())
    }

    #[expect(clippy::unused_async, reason = "the shape every engine has")]
    pub(crate) async fn checkpoint_get(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.state().checkpoint.get(&key).cloned())
    }

    #[expect(clippy::unused_async, reason = "the shape every engine has")]
    pub(crate) async fn checkpoint_scan(&self, prefix: Vec<u8>) -> Result<Vec<Entry>, Error> {
        Ok(self
            .state()
            .checkpoint
            .range(prefix.clone()..)
            .take_while(|(key, _)| key.starts_with(&prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    #[expect(clippy::unused_async, reason = "the shape every engine has")]
    pub(crate) async fn checkpoint_put(
        &self,
        writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        complete_to: Option<Position>,
    ) -> Result<(), Error> {
        let mut state = self.state();
        for (key, value) in writes {
            match value {
                Some(value) => state.checkpoint.insert(key, value),
                None => state.checkpoint.remove(&key),
            };
        }
        if let Some(position) = complete_to {
            state.complete_to = state.complete_to.max(position.0);
        }
        Ok(())
    }

    pub(crate) fn pending_accounts(&self) -> Vec<AccountId> {
        let state = self.state();
        let mut accounts: Vec<_> = state
            .batches
            .iter()
            .filter(|(_, (position, _))| position.0 > state.complete_to)
            .map(|((account, _), _)| *account)
            .collect();
        accounts.dedup();
        accounts
    }

    pub(crate) fn position(&self) -> Position {
        Position(self.state().next)
    }

    pub(crate) fn bytes_since_checkpoint(&self) -> u64 {
        let state = self.state();
        state.next - state.complete_to
    }

    #[expect(clippy::unused_self, reason = "the shape every engine has")]
    pub(crate) fn damages(&self) -> Vec<Damage> {
        Vec::new()
    }

    #[expect(clippy::unused_async, reason = "the shape every engine has")]
    pub(crate) async fn close(&self) -> Result<(), Error> {
        self.state().dones = None;
        Ok(())
    }
}
