//! Writes what changed since the last checkpoint.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::value::{
    Key, data_prefix, header_key, put_chunk, put_header, put_history, put_threads, seal,
};
use crate::{
    account::Account,
    engine::Engine,
    error::Error,
    id::{AccountId, ThreadId},
    mailbox::Mailbox,
    snapshot::Snapshot,
    threads::CHUNK_ENTRIES,
};

/// What has to be put for an account, and what is true when it has been.
pub(crate) struct Prepared {
    account: Account,
    snapshot: Arc<Snapshot>,
    threads_sealed: u32,
    threads_unsealed: usize,
    /// Puts and removals.
    pub(crate) writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Prepared {
    /// The writes are on disk.
    pub(crate) fn done(self) {
        let shared = &self.account.shared;
        shared.with_threads(|threads| threads.seal(self.threads_sealed, self.threads_unsealed));
        shared.keep(self.snapshot);
    }
}

/// What is durable of an account and not in the checkpoint yet. `None` if all is.
///
/// # Errors
/// As reading the checkpoint.
pub(crate) async fn prepare(engine: &Engine, account: Account) -> Result<Option<Prepared>, Error> {
    let shared = &account.shared;
    // What is being written now may lie before the position that the checkpoint will vouch for.
    shared.settled().await;
    let snapshot = shared.published.load_full();
    let kept = shared.kept();
    if kept.as_ref().map_or(0, |kept| kept.mod_seq) == snapshot.mod_seq {
        return Ok(None);
    }
    let id = shared.id;
    let mut changes = Changes::default();
    let nothing = Snapshot::default();
    changes.mailboxes(kept.as_deref().unwrap_or(&nothing), &snapshot);
    let at = snapshot.mod_seq();
    let (first, saved, unsealed) =
        shared.with_threads(|threads| (threads.sealed, threads.saved, threads.unsealed(at)));
    changes.threads(first, saved, &unsealed);
    if kept.is_none() {
        // Nothing that lies there can be trusted.
        for (key, _) in engine.checkpoint_scan(data_prefix(id)).await? {
            match Key::decode(&key) {
                Some(key) => changes.remove_unless_put(key),
                None => changes.strange.push(key),
            }
        }
    }
    let full = unsealed.len() / CHUNK_ENTRIES;
    let known = (first as usize * CHUNK_ENTRIES + unsealed.len()) as u64;
    let key = header_key(id);
    let header = seal(&key, |body| put_header(body, &snapshot, known));
    let mut writes = changes.encode(id);
    writes.push((key, Some(header)));
    Ok(Some(Prepared {
        threads_sealed: first + u32::try_from(full).unwrap_or(0),
        threads_unsealed: unsealed.len() % CHUNK_ENTRIES,
        account,
        snapshot,
        writes,
    }))
}

/// What the checkpoint of a partition has to have of an account that is not there, or no more:
/// that it is not, and nothing of its state.
///
/// # Errors
/// As opening the account.
pub(crate) async fn prepare_elsewhere(
    engine: &Engine,
    id: AccountId,
) -> Result<Vec<(Vec<u8>, Option<Vec<u8>>)>, Error> {
    let there = super::open(engine, id).await?.state.snapshot;
    let snapshot = Snapshot {
        mod_seq: there.mod_seq,
        moved_to: there.moved_to,
        arrived: there.arrived,
        ..Snapshot::default()
    };
    let mut writes: Vec<_> = engine
        .checkpoint_scan(data_prefix(id))
        .await?
        .into_iter()
        .map(|(key, _)| (key, None))
        .collect();
    let key = header_key(id);
    let header = seal(&key, |body| put_header(body, &snapshot, 0));
    writes.push((key, Some(header)));
    Ok(writes)
}

/// What writes a value's body.
type Body = Box<dyn FnOnce(&mut Vec<u8>) + Send>;

/// Values to put and keys to remove.
#[derive(Default)]
pub(super) struct Changes {
    put: BTreeMap<Key, Body>,
    removed: BTreeSet<Key>,
    /// Keys that no program of ours has written.
    strange: Vec<Vec<u8>>,
}

impl Changes {
    pub(super) fn mailboxes(&mut self, old: &Snapshot, new: &Snapshot) {
        for (id, mailbox) in new.mailboxes.iter() {
            match old.mailbox(*id) {
                Some(old) if Arc::ptr_eq(old, mailbox) => {}
                old => self.mailbox(old.map(|old| &**old), mailbox),
            }
        }
        for (id, mailbox) in old.mailboxes.iter() {
            if new.mailbox(*id).is_none() {
                let chunks = mailbox.placements.entries();
                self.removed
                    .extend(chunks.map(|entry| Key::Chunk(*id, entry.base)));
                self.removed.extend(
                    (0..)
                        .zip(mailbox.history.chunks())
                        .map(|(n, _)| Key::History(*id, n)),
                );
            }
        }
    }

    fn mailbox(&mut self, old: Option<&Mailbox>, new: &Mailbox) {
        let mut had: BTreeMap<u32, _> = old
            .into_iter()
            .flat_map(|old| old.placements.entries())
            .map(|entry| (entry.base, &entry.chunk))
            .collect();
        for entry in new.placements.entries() {
            let same = had.remove(&entry.base);
            if same.is_some_and(|chunk| Arc::ptr_eq(chunk, &entry.chunk)) {
                continue;
            }
            let (key, chunk) = (Key::Chunk(new.id, entry.base), Arc::clone(&entry.chunk));
            self.put
                .insert(key, Box::new(move |body| put_chunk(body, &chunk)));
        }
        let gone = had.into_keys().map(|base| Key::Chunk(new.id, base));
        self.removed.extend(gone);
        let mut had = old.into_iter().flat_map(|old| old.history.chunks());
        for (n, chunk) in (0..).zip(new.history.chunks()) {
            if had.next().is_some_and(|had| Arc::ptr_eq(had, chunk)) {
                continue;
            }
            let (key, chunk) = (Key::History(new.id, n), Arc::clone(chunk));
            self.put
                .insert(key, Box::new(move |body| put_history(body, &chunk)));
        }
    }

    /// Of `unsealed`, which begins with chunk `first`, `saved` entries are there already.
    pub(super) fn threads(&mut self, first: u32, saved: usize, unsealed: &[(u64, ThreadId)]) {
        let mut end = 0;
        for (n, chunk) in (first..).zip(unsealed.chunks(CHUNK_ENTRIES)) {
            end += chunk.len();
            if end <= saved {
                continue;
            }
            let chunk = chunk.to_vec();
            self.put.insert(
                Key::Threads(n),
                Box::new(move |body| put_threads(body, &chunk)),
            );
        }
    }

    fn remove_unless_put(&mut self, key: Key) {
        if !self.put.contains_key(&key) {
            self.removed.insert(key);
        }
    }

    pub(super) fn encode(self, account: AccountId) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let put = self.put.into_iter().map(|(key, body)| {
            let key = key.encode(account);
            let value = seal(&key, body);
            (key, Some(value))
        });
        let removed = self.removed.into_iter().map(|key| key.encode(account));
        let removed = removed.chain(self.strange).map(|key| (key, None));
        put.chain(removed).collect()
    }
}
