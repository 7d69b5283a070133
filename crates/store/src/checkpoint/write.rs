//! Writes what changed since the last checkpoint.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

use super::read::read_buckets;
use super::value::{
    Key, data_prefix, header_key, put_header, put_history, put_seen, put_threads, seal,
};
use crate::{
    account::Account,
    engine::Engine,
    error::Error,
    id::{AccountId, ThreadId},
    mailbox::{Mailbox, cell::Cell, chunk::Chunk, form::put_chunk, history::Gone, seen::Seen},
    octets::Malformed,
    snapshot::Snapshot,
    threads::Buckets,
};

/// What has to be put for an account, and what is true when it has been.
pub(crate) struct Prepared {
    account: Account,
    snapshot: Arc<Snapshot>,
    threads: Buckets,
    /// Chunks that are among the writes.
    chunks: Vec<Arc<Cell<Chunk>>>,
    history: Vec<Arc<Cell<Vec<Gone>>>>,
    seen: Vec<Arc<Cell<Seen>>>,
    /// Puts and removals.
    pub(crate) writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Prepared {
    /// The writes are on disk.
    pub(crate) fn done(self) {
        let shared = &self.account.shared;
        shared.with_threads(|threads| threads.keep(self.snapshot.mod_seq(), self.threads));
        self.chunks.iter().for_each(|cell| cell.keep());
        self.history.iter().for_each(|cell| cell.keep());
        self.seen.iter().for_each(|cell| cell.keep());
        shared.keep(Some(self.snapshot));
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
    let at = snapshot.mod_seq();
    let (before, learned) = shared.with_threads(|threads| (threads.kept, threads.learned(at)));
    let mut changes = Changes::default();
    let threads = match changes.threads(engine, id, before, &learned).await? {
        Ok(threads) => threads,
        // It can only be done anew.
        Err(why) => {
            shared.refold(why).await?;
            return Box::pin(prepare(engine, account)).await;
        }
    };
    let nothing = Snapshot::default();
    changes.mailboxes(kept.as_deref().unwrap_or(&nothing), &snapshot);
    if kept.is_none() {
        // Nothing that lies there can be trusted.
        for key in engine.checkpoint_keys(data_prefix(id)).await? {
            match Key::decode(&key) {
                Some(key) => changes.remove_unless_put(key),
                None => changes.strange.push(key),
            }
        }
    }
    let key = header_key(id);
    let header = seal(&key, |body| put_header(body, &snapshot, threads));
    let (chunks, history, seen) = (
        mem::take(&mut changes.chunks),
        mem::take(&mut changes.history),
        mem::take(&mut changes.seen),
    );
    let mut writes = engine.work(move || changes.encode(id)).await?;
    writes.push((key, Some(header)));
    Ok(Some(Prepared {
        account,
        snapshot,
        threads,
        chunks,
        history,
        seen,
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
        .checkpoint_keys(data_prefix(id))
        .await?
        .into_iter()
        .map(|key| (key, None))
        .collect();
    let key = header_key(id);
    let header = seal(&key, |body| put_header(body, &snapshot, Buckets::default()));
    writes.push((key, Some(header)));
    Ok(writes)
}

/// Buckets that were put together.
struct Merged {
    buckets: BTreeMap<u32, Vec<(u64, ThreadId)>>,
    /// Keys that were in none.
    new: u64,
}

/// What is in buckets, and what was learned since, in the buckets where it belongs.
fn merge(after: Buckets, there: Vec<(u64, ThreadId)>, learned: Vec<(u64, ThreadId)>) -> Merged {
    let before = there.len();
    let mut all: Vec<(u32, u64, ThreadId)> = there
        .into_iter()
        .chain(learned)
        .map(|(key, thread)| (after.bucket(key), key, thread))
        .collect();
    // Stable: the first to come with a key stays the first, and keeps it.
    all.sort_by_key(|(bucket, key, _)| (*bucket, *key));
    all.dedup_by_key(|(_, key, _)| *key);
    let new = (all.len() - before) as u64;
    let mut buckets: BTreeMap<u32, Vec<(u64, ThreadId)>> = BTreeMap::new();
    for some in all.chunk_by(|(a, ..), (b, ..)| a == b) {
        let keys = some.iter().map(|(_, key, thread)| (*key, *thread));
        if let Some((bucket, ..)) = some.first() {
            buckets.insert(*bucket, keys.collect());
        }
    }
    Merged { buckets, new }
}

/// Thread keys of an entry of a base.
const KEYS_AT_ONCE: usize = 4096;

/// What writes a value's body.
type Body = Box<dyn FnOnce(&mut Vec<u8>) + Send>;

/// Values to put and keys to remove.
#[derive(Default)]
pub(super) struct Changes {
    put: BTreeMap<Key, Body>,
    removed: BTreeSet<Key>,
    /// What is there and stays.
    left: BTreeSet<Key>,
    /// What is put.
    chunks: Vec<Arc<Cell<Chunk>>>,
    history: Vec<Arc<Cell<Vec<Gone>>>>,
    seen: Vec<Arc<Cell<Seen>>>,
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
                        .zip(mailbox.history.entries())
                        .map(|(n, _)| Key::History(*id, n)),
                );
                let readers = mailbox.readers.keys();
                self.removed
                    .extend(readers.map(|reader| Key::Seen(*id, *reader)));
            }
        }
    }

    fn mailbox(&mut self, old: Option<&Mailbox>, new: &Mailbox) {
        let mut had: BTreeMap<u32, _> = old
            .into_iter()
            .flat_map(|old| old.placements.entries())
            .map(|entry| (entry.base, &entry.cell))
            .collect();
        for entry in new.placements.entries() {
            let key = Key::Chunk(new.id, entry.base);
            let same = had.remove(&entry.base);
            if same.is_some_and(|cell| Arc::ptr_eq(cell, &entry.cell)) {
                continue;
            }
            match entry.cell.get() {
                Some(chunk) => {
                    self.chunks.push(Arc::clone(&entry.cell));
                    self.put
                        .insert(key, Box::new(move |body| put_chunk(body, &chunk)));
                }
                // What is not in memory is there, whoever put it.
                None => drop(self.left.insert(key)),
            }
        }
        let gone = had.into_keys().map(|base| Key::Chunk(new.id, base));
        self.removed.extend(gone);
        self.readers(old, new);
        let mut had = old.into_iter().flat_map(|old| old.history.entries());
        for (n, entry) in (0..).zip(new.history.entries()) {
            let key = Key::History(new.id, n);
            if had
                .next()
                .is_some_and(|had| Arc::ptr_eq(&had.cell, &entry.cell))
            {
                continue;
            }
            match entry.cell.get() {
                Some(chunk) => {
                    self.history.push(Arc::clone(&entry.cell));
                    self.put
                        .insert(key, Box::new(move |body| put_history(body, &chunk)));
                }
                None => drop(self.left.insert(key)),
            }
        }
    }

    fn readers(&mut self, old: Option<&Mailbox>, new: &Mailbox) {
        for (id, reader) in new.readers.iter() {
            let key = Key::Seen(new.id, *id);
            let had = old.and_then(|old| old.readers.get(id));
            if had.is_some_and(|had| Arc::ptr_eq(&had.cell, &reader.cell)) {
                continue;
            }
            match reader.cell.get() {
                // Of what is nothing nothing is put.
                Some(seen) if seen.spans().is_empty() => drop(self.removed.insert(key)),
                Some(seen) => {
                    self.seen.push(Arc::clone(&reader.cell));
                    self.put
                        .insert(key, Box::new(move |body| put_seen(body, &seen)));
                }
                None => drop(self.left.insert(key)),
            }
        }
    }

    /// All thread keys, in no buckets.
    pub(super) fn every_thread(&mut self, threads: &[(u64, ThreadId)]) {
        for (n, some) in (0..).zip(threads.chunks(KEYS_AT_ONCE)) {
            let some = some.to_vec();
            self.put.insert(
                Key::Threads(n),
                Box::new(move |body| put_threads(body, &some)),
            );
        }
    }

    /// Adds what was learned to the buckets where it belongs. Gives what there are then.
    async fn threads(
        &mut self,
        engine: &Engine,
        account: AccountId,
        before: Buckets,
        learned: &[(u64, ThreadId)],
    ) -> Result<Result<Buckets, Malformed>, Error> {
        let mut after = before.grown(learned.len());
        let keys = learned.iter().map(|(key, _)| *key);
        let (read, written) = before.changed(after, keys);
        let there = match read_buckets(engine, account, read, |_| true).await? {
            Ok(there) => there,
            Err(why) => return Ok(Err(why)),
        };
        let learned = learned.to_vec();
        let merged = engine.work(move || merge(after, there, learned)).await?;
        after.keys = before.keys + merged.new;
        let mut merged = merged.buckets;
        for number in written {
            let bucket = merged.remove(&number).unwrap_or_default();
            self.put.insert(
                Key::Threads(number),
                Box::new(move |body| put_threads(body, &bucket)),
            );
        }
        Ok(Ok(after))
    }

    fn remove_unless_put(&mut self, key: Key) {
        if !self.put.contains_key(&key) && !self.left.contains(&key) {
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
