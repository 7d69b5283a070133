//! A base: the whole state of an account as it was after a batch, written down in the log with that
//! batch, so that nothing before it is needed.
//!
//! Its octets are what a checkpoint would have of the account: every key and value.

use std::collections::BTreeMap;

use super::{
    read::{fill, key_of, outline, read_buckets},
    value::{Key, account_of, header_key, put_header, read_header, read_threads, seal, unseal},
    write::Changes,
};
use crate::{
    account::{Account, Hands, commit::Shared},
    change::{Batch, Change},
    email::Piece,
    engine::{Engine, Entry, PIECE_BYTES_MAX, RecordKind, Writes},
    error::Error,
    fold::State,
    id::{AccountId, ModSeq, ThreadId},
    octets::{Malformed, Octets, put_octets},
    snapshot::Snapshot,
    threads::{Buckets, Threads},
};

/// How often a base is begun anew because the account has gone on.
const ATTEMPTS: usize = 3;

/// Writes a state down; says where. All messages of `snapshot` have to be in memory.
///
/// # Errors
/// As the engine's put.
pub(crate) async fn put(
    engine: &Engine,
    writes: Writes,
    id: AccountId,
    snapshot: &Snapshot,
    threads: &[(u64, ThreadId)],
) -> Result<Vec<Piece>, Error> {
    let mut octets = Vec::new();
    let mut pieces = Vec::new();
    let mut put = async |octets: Vec<u8>| {
        let len = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let at = engine
            .put(writes, RecordKind::Blob, Some(id), &octets)
            .await;
        at.map(|at| pieces.push(Piece { at, len }))
    };
    for (key, value) in entries(id, snapshot, threads) {
        put_octets(&mut octets, &key);
        put_octets(&mut octets, &value);
        while octets.len() >= PIECE_BYTES_MAX {
            let rest = octets.split_off(PIECE_BYTES_MAX);
            put(std::mem::replace(&mut octets, rest)).await?;
        }
    }
    if !octets.is_empty() {
        put(octets).await?;
    }
    Ok(pieces)
}

impl Account {
    /// Writes its whole state down, so that what came before is not needed to know it. `false` if it
    /// is changed meanwhile, again and again.
    ///
    /// # Errors
    /// As for every verb.
    pub(crate) async fn write_base(&self) -> Result<bool, Error> {
        for _ in 0..ATTEMPTS {
            self.shared.settled().await;
            let whole = self.whole().await?;
            let mod_seq = whole.mod_seq();
            let threads = threads(&self.shared, mod_seq).await?;
            let mut state = Snapshot::clone(&whole);
            state.mod_seq += 1;
            let engine = self.shared.engine();
            let writes = engine.begin();
            // What is put is kept, though nothing refers to it yet.
            let _pin = engine.pin();
            let pieces = put(&engine, writes, self.id(), &state, &threads).await?;
            let hands = Hands::system("compaction");
            let done = self.shared.commit(&hands, Some(writes), |draft| {
                let still = draft.snapshot.mod_seq() == mod_seq;
                if still {
                    let pieces = pieces.clone();
                    draft.push(Change::Base { pieces })?;
                }
                Ok(still)
            });
            if done.await? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The entries of a state, the header first. All messages of `snapshot` have to be in memory.
pub(crate) fn entries(
    id: AccountId,
    snapshot: &Snapshot,
    threads: &[(u64, ThreadId)],
) -> impl Iterator<Item = Entry> {
    let mut changes = Changes::default();
    changes.mailboxes(&Snapshot::default(), snapshot);
    changes.every_thread(threads);
    let key = header_key(id);
    // They are in no buckets.
    let buckets = Buckets {
        count: 0,
        keys: threads.len() as u64,
    };
    let header = seal(&key, |body| put_header(body, snapshot, buckets));
    let values = changes.encode(id).into_iter();
    let values = values.filter_map(|(key, value)| Some((key, value?)));
    std::iter::once((key, header)).chain(values)
}

/// Every thread key of an account that has that state, and perhaps some that it learned later;
/// ascending.
///
/// # Errors
/// As reading the checkpoint, and the log if that is damaged.
pub(crate) async fn threads(shared: &Shared, at: ModSeq) -> Result<Vec<(u64, ThreadId)>, Error> {
    loop {
        let (kept, learned) = shared.with_threads(|threads| (threads.kept, threads.learned(at)));
        match read_buckets(&shared.engine(), shared.id, 0..kept.count, |_| true).await? {
            // A checkpoint meanwhile: what was read may be half of the one and half of the other.
            Ok(_) if shared.with_threads(|threads| threads.kept) != kept => {}
            Ok(there) => {
                let mut every: BTreeMap<u64, ThreadId> = there.into_iter().collect();
                for (key, thread) in learned {
                    every.entry(key).or_insert(thread);
                }
                return Ok(every.into_iter().collect());
            }
            Err(why) => shared.refold(why).await?,
        }
    }
}

/// Reads a state that was written down.
///
/// # Errors
/// [`Error::Io`]. What is wrong with it is the other error.
pub(crate) async fn read(
    engine: &Engine,
    pieces: &[Piece],
) -> Result<Result<State, Malformed>, Error> {
    let mut octets = Vec::new();
    for piece in pieces {
        let len = piece.len as usize;
        match engine.read(piece.at, 0..len, Some(len), &mut octets).await {
            Err(Error::Corrupt { .. }) => return Ok(Err(Malformed("a base that is damaged"))),
            other => other?,
        };
    }
    Ok(decode(&octets))
}

/// The state that these octets are: all of it in memory, none of it in a checkpoint.
pub(crate) fn decode(octets: &[u8]) -> Result<State, Malformed> {
    let mut read = Octets(octets);
    let mut entries = Vec::new();
    while !read.is_empty() {
        entries.push((read.octets()?, read.octets()?));
    }
    assemble(&entries)
}

/// The state of entries, of which the first is its header.
pub(crate) fn assemble(entries: &[(&[u8], &[u8])]) -> Result<State, Malformed> {
    let missing = Malformed("part of a state is missing");
    let (first, header) = entries.first().ok_or(missing)?;
    let id = account_of(first).ok_or(missing)?;
    let header = read_header(first, header)?;
    let keys = header.threads.keys;
    let values: BTreeMap<&[u8], &[u8]> = entries.iter().copied().collect();
    let body = |key: &[u8]| unseal(key, values.get(key).ok_or(missing)?);
    let State { snapshot, .. } = outline(header)?;
    for mailbox in snapshot.mailboxes.values() {
        let rows = mailbox.unread(mailbox.placements.entries());
        let others = mailbox.unread_history().chain(mailbox.unread_readers());
        for wanted in rows.chain(others) {
            wanted.restore(fill(&wanted, body(&key_of(&wanted, id))?)?);
        }
    }
    let mut threads = Vec::new();
    for (key, value) in entries {
        if let Some(Key::Threads(_)) = Key::decode(key) {
            read_threads(unseal(key, value)?, |key, id| threads.push((key, id)))?;
        }
    }
    if threads.len() as u64 != keys {
        return Err(missing);
    }
    let threads = Threads::of(snapshot.mod_seq(), threads);
    Ok(State { snapshot, threads })
}

/// Where a batch has the whole state that has to be begun with, if it has: if it does not follow on
/// what was read before, or comes from another partition.
pub(crate) fn begins(batch: &Batch, follows: bool) -> Option<&[Piece]> {
    let mut changes = batch.changes.iter();
    let moved = changes.any(|change| matches!(change, Change::MovedHere { .. }));
    let pieces = batch.changes.iter().find_map(|change| match change {
        Change::Base { pieces } => Some(&pieces[..]),
        _ => None,
    });
    pieces.filter(|_| moved || !follows)
}
