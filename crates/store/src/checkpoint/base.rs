//! A base: the whole state of an account as it was after a batch, written down in the log with that
//! batch, so that nothing before it is needed.
//!
//! Its octets are what a checkpoint would have of the account: every key and value.

use super::{
    read::assemble,
    value::{header_key, put_header, read_header, seal, unseal},
    write::Changes,
};
use crate::{
    account::Account,
    change::{Batch, Change},
    email::Piece,
    engine::{Engine, Entry, PIECE_BYTES_MAX, RecordKind, Writes},
    error::Error,
    fold::State,
    id::{AccountId, ThreadId},
    octets::{Malformed, Octets, put_octets},
    snapshot::Snapshot,
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
    let mut changes = Changes::default();
    changes.mailboxes(&Snapshot::default(), snapshot);
    changes.threads(0, 0, threads);
    let key = header_key(id);
    let header = seal(&key, |body| {
        put_header(body, snapshot, threads.len() as u64);
    });
    let mut octets = Vec::new();
    let mut pieces = Vec::new();
    let first = std::iter::once((key, Some(header)));
    let mut put = async |octets: Vec<u8>| {
        let len = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let at = engine.put(writes, RecordKind::Blob, Some(id), octets).await;
        at.map(|at| pieces.push(Piece { at, len }))
    };
    for (key, value) in first.chain(changes.encode(id)) {
        put_octets(&mut octets, &key);
        put_octets(&mut octets, &value.unwrap_or_default());
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
            let threads = self.shared.with_threads(|threads| threads.every());
            let whole = self.whole().await?;
            let mod_seq = whole.mod_seq();
            let mut state = Snapshot::clone(&whole);
            state.mod_seq += 1;
            let engine = self.shared.engine();
            let writes = engine.begin();
            // What is put is kept, though nothing refers to it yet.
            let _pin = engine.pin();
            let pieces = put(&engine, writes, self.id(), &state, &threads).await?;
            let by = "compaction".into();
            let done = self.shared.commit(&by, Some(writes), |draft| {
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

/// The state that these octets are.
pub(crate) fn decode(octets: &[u8]) -> Result<State, Malformed> {
    let mut read = Octets(octets);
    let mut next = || {
        let entry: Entry = (read.octets()?.to_vec(), read.octets()?.to_vec());
        Ok::<_, Malformed>((entry, read.is_empty()))
    };
    let ((key, value), mut end) = next()?;
    let header = read_header(unseal(&key, &value)?)?;
    let mut entries = Vec::new();
    while !end {
        let (entry, last) = next()?;
        entries.push(entry);
        end = last;
    }
    assemble(header, &entries)
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
