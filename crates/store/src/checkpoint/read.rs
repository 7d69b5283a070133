//! Opens an account: what the checkpoint has, and the batches after it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    base,
    value::{
        Header, Key, MailboxHeader, account_of, header_key, header_prefix, read_header,
        read_history, read_seen, read_threads, unseal,
    },
};
use crate::{
    change::{Batch, NEWER},
    engine::{Engine, Loss},
    error::Error,
    fold::{self, Misfit, NOT_LATER, State, UNREAD},
    id::{AccountId, ThreadId},
    loss::Unsettled,
    mailbox::{
        Held, Mailbox, Wanted,
        chunk::Summary,
        form::read_chunk,
        history::{self, History},
        keywords::Keywords,
        placements::Placements,
        readers::{About, Reader, Readers},
    },
    octets::{Malformed, Octets},
    snapshot::Snapshot,
    threads::{Question, Threads},
};

/// An account as it was found.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// Its state.
    pub(crate) state: State,
    /// What of that the checkpoint has, if it can be trusted.
    pub(crate) kept: Option<Arc<Snapshot>>,
    /// Whether it begins with a base that was read: then nothing of it is what the checkpoint has.
    based: bool,
    /// What did not fit: which batch, and why.
    pub(crate) wrong: Vec<(u64, &'static str)>,
    /// What lost batches may have given out: to be skipped before anything is changed.
    pub(crate) unsettled: Unsettled,
}

/// Opens an account, by its checkpoint if that can be.
///
/// # Errors
/// [`Error::Io`], and [`Error::Corrupt`] where the log itself can't be read.
pub(crate) async fn open(engine: &Engine, id: AccountId) -> Result<Opened, Error> {
    match load(engine, id).await? {
        Ok(None) => {}
        Ok(Some(state)) => {
            let kept = Arc::new(state.snapshot.clone());
            let opened = replay(engine, id, state).await?;
            // Where a batch is missing, folding all again finds no more of it.
            if opened.based {
                return Ok(opened);
            }
            let among = |why| opened.wrong.iter().any(|(_, what)| *what == why);
            // What a damaged chunk could not take has to be found in the log.
            let missing = among(MISSING) && !among(UNREAD.0);
            if opened.wrong.is_empty() || missing {
                return Ok(Opened {
                    kept: Some(kept),
                    ..opened
                });
            }
            tracing::warn!(account = %id, "the checkpoint contradicts the log: folding again");
        }
        Err(Malformed(what)) => {
            tracing::warn!(account = %id, what, "the checkpoint is damaged: folding again");
        }
    }
    fold(engine, id).await
}

/// An account by its log alone.
///
/// # Errors
/// As [`open`].
pub(crate) async fn fold(engine: &Engine, id: AccountId) -> Result<Opened, Error> {
    let opened = replay(engine, id, State::default()).await?;
    for (mod_seq, what) in &opened.wrong {
        tracing::error!(account = %id, mod_seq, what, "the account's log is damaged");
    }
    Ok(opened)
}

/// Octets of batches that are held at a time.
const PAGE_BYTES: usize = 1 << 20;
/// A batch that can't be read or is not there.
const MISSING: &str = "a batch is missing or damaged";

/// A state, and the batches after it.
async fn replay(engine: &Engine, id: AccountId, mut state: State) -> Result<Opened, Error> {
    let mut wrong = Vec::new();
    // Batches are missing, whether or not that is written down.
    let mut jumped = false;
    let mut based = false;
    let mut unsettled = Unsettled::default();
    loop {
        let after = state.snapshot.mod_seq;
        let page = engine.batches_page(id, after, PAGE_BYTES).await?;
        if page.is_empty() {
            break;
        }
        for (seq, octets) in page {
            let last = state.snapshot.mod_seq;
            let follows = seq == last + 1;
            let batch = Batch::decode(&octets);
            if batch == Err(NEWER) {
                let what = format!("batch {seq} of account {id}: {}", NEWER.0);
                return Err(Error::OutOfService(what.into()));
            }
            if let Ok(batch) = &batch
                && let Some(pieces) = base::begins(batch, follows && wrong.is_empty() && !jumped)
            {
                match base::read(engine, pieces).await? {
                    Ok(whole) if whole.snapshot.mod_seq == seq => {
                        // What came before it does not matter any more.
                        state = whole;
                        wrong.clear();
                        jumped = false;
                        unsettled = Unsettled::default();
                        based = true;
                        continue;
                    }
                    Ok(_) => wrong.push((seq, "its base is of another batch")),
                    Err(Malformed(what)) => wrong.push((seq, what)),
                }
            }
            let batch = batch.ok().filter(|batch| batch.mod_seq.0 == seq);
            jumped |= !follows;
            if !follows && !batch.as_ref().is_some_and(|batch| batch.tells_of(last)) {
                wrong.push((last + 1, MISSING));
                if let Some(loss) = engine.loss(id, last, Some(seq)).await? {
                    unsettled.lose(&state.snapshot, &loss, false);
                }
            }
            if let Some(batch) = batch {
                unsettled.see(&state.snapshot, &batch);
                let misfits = apply(engine, id, &mut state, &batch).await?;
                wrong.extend(misfits.into_iter().map(|misfit| (seq, misfit.0)));
            } else {
                wrong.push((seq, MISSING));
                let octets = octets.len() as u64;
                unsettled.lose(&state.snapshot, &Loss { last: seq, octets }, false);
            }
            // Also past what can't be read: the number is taken.
            state.snapshot.mod_seq = seq;
        }
    }
    if let Some(loss) = engine.loss(id, state.snapshot.mod_seq, None).await? {
        unsettled.lose(&state.snapshot, &loss, true);
    }
    Ok(Opened {
        unsettled,
        state,
        kept: None,
        wrong,
        based,
    })
}

/// What a batch did to a state that may be in the checkpoint for the most part.
async fn apply(
    engine: &Engine,
    id: AccountId,
    state: &mut State,
    batch: &Batch,
) -> Result<Vec<Misfit>, Error> {
    if batch.mod_seq <= state.snapshot.mod_seq() {
        return Ok(vec![NOT_LATER]);
    }
    let mut misfits = Vec::new();
    for change in &batch.changes {
        let unread = fold::unread(&state.snapshot, change);
        // What can't be read is a misfit then.
        let held = if unread.is_empty() {
            Vec::new()
        } else {
            fetch(engine, id, unread).await?.0
        };
        misfits.extend(state.apply_change(batch.mod_seq, change).err());
        drop(held);
    }
    state.snapshot.mod_seq = batch.mod_seq.0;
    Ok(misfits)
}

/// What the checkpoint has of an account: nothing, a state, or something that is wrong. Of that
/// state no more is read than its header.
async fn load(engine: &Engine, id: AccountId) -> Result<Result<Option<State>, Malformed>, Error> {
    let key = header_key(id);
    let header = match engine.checkpoint_get(key.clone()).await {
        Ok(None) => return Ok(Ok(None)),
        Ok(Some(header)) => header,
        Err(Error::Corrupt { .. }) => return Ok(Err(UNREADABLE)),
        Err(error) => return Err(error),
    };
    let header = read_header(&key, &header);
    Ok(header.and_then(outline).map(Some))
}

/// The checkpoint, or a value of it, can't be read.
const UNREADABLE: Malformed = Malformed("it can't be read");

/// A state whose chunks and thread keys are in the checkpoint.
pub(super) fn outline(header: Header) -> Result<State, Malformed> {
    let mut snapshot = Snapshot {
        mod_seq: header.mod_seq,
        subscriptions: Arc::new(header.subscriptions.into_iter().collect()),
        last: header.last,
        held: header.held,
        expiry: header.expiry,
        moved_to: header.moved_to,
        arrived: header.arrived,
        metadata: header.metadata,
        quotas: header.quotas,
        ..Snapshot::default()
    };
    let Snapshot {
        mailboxes, names, ..
    } = &mut snapshot;
    for about in header.mailboxes {
        if names.insert(about.name.clone(), about.id).is_some() {
            return Err(Malformed("two mailboxes of one name"));
        }
        let mailbox = mailbox(about)?;
        mailboxes.insert(mailbox.id, Arc::new(mailbox));
    }
    snapshot.quotas = snapshot.quotas.recounted(&snapshot);
    Ok(State {
        snapshot,
        threads: Threads::kept(header.threads),
    })
}

fn mailbox(about: MailboxHeader) -> Result<Mailbox, Malformed> {
    let placements = Placements::from_entries(about.placements);
    let history = History::from_entries(about.history);
    let mailbox = Mailbox {
        id: about.id,
        name: about.name,
        role: about.role,
        uid_validity: about.uid_validity,
        uid_next: about.uid_next,
        highest_mod_seq: about.highest_mod_seq,
        counters: about.counters,
        recent_from: about.recent_from,
        recent: about.recent,
        held: about.held,
        expiry: about.expiry,
        partition: about.partition,
        metadata: about.metadata,
        acl: about.acl,
        annotations: about.annotations,
        readers: readers(about.readers)?,
        seen_since: about.seen_since,
        keywords: Keywords::from_names(about.keywords).ok_or(Malformed("keywords alike"))?,
        placements: placements.ok_or(Malformed("chunks that don't fit"))?,
        history: history.ok_or(Malformed("expunges out of order"))?,
    };
    if mailbox.placements.count() == mailbox.counters {
        Ok(mailbox)
    } else {
        Err(Malformed("messages are missing"))
    }
}

fn readers(about: Vec<(AccountId, About)>) -> Result<Readers, Malformed> {
    let mut readers = Readers::default();
    for (id, about) in about {
        if readers.insert(id, Reader::kept(about)).is_some() {
            return Err(Malformed("one reader twice"));
        }
    }
    Ok(readers)
}

/// Chunks that are read at a time, by one thread.
const CHUNKS_AT_ONCE: usize = 256;

/// What could not be read, and why.
pub(crate) type Failed = Vec<(Wanted, Malformed)>;

/// Reads chunks: they are in memory while what is given back is held. Also gives those that
/// the checkpoint does not have as they are wanted.
///
/// # Errors
/// [`Error::Io`]
pub(crate) async fn fetch(
    engine: &Engine,
    id: AccountId,
    wanted: Vec<Wanted>,
) -> Result<(Vec<Held>, Failed), Error> {
    let (mut held, mut failed) = (Vec::with_capacity(wanted.len()), Failed::new());
    for some in wanted.chunks(CHUNKS_AT_ONCE) {
        let keys: Vec<Vec<u8>> = some.iter().map(|wanted| key_of(wanted, id)).collect();
        let (names, wanted) = (keys.clone(), some.to_vec());
        let read = engine.checkpoint_read(keys, move |n, value| {
            let (key, wanted) = names.get(n).zip(wanted.get(n)).ok_or(UNREADABLE)?;
            fill(wanted, unseal(key, value.ok_or(UNREADABLE)?)?)
        });
        let read = match read.await {
            Ok(read) => read,
            Err(Error::Corrupt { .. }) => some.iter().map(|_| Err(UNREADABLE)).collect(),
            Err(error) => return Err(error),
        };
        for (wanted, read) in some.iter().zip(read) {
            match read {
                Ok(chunk) => held.push(chunk),
                Err(why) => failed.push((wanted.clone(), why)),
            }
        }
    }
    Ok((held, failed))
}

/// Where an account's chunks are, for whoever can't wait as others do.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    engine: Engine,
    account: AccountId,
}

impl Source {
    pub(crate) fn new(engine: Engine, account: AccountId) -> Self {
        Self { engine, account }
    }

    /// Reads a chunk, as [`fetch`] does, on the thread of whoever asks.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`].
    pub(crate) fn read_now(&self, wanted: &Wanted) -> Result<Held, Error> {
        let key = key_of(wanted, self.account);
        let value = self.engine.checkpoint_get_now(&key)?;
        let read = value.ok_or(UNREADABLE);
        let read = read.and_then(|value| fill(wanted, unseal(&key, &value)?));
        read.map_err(|Malformed(what)| Error::Corrupt {
            file: "checkpoint".into(),
            offset: 0,
            what: what.into(),
        })
    }
}

pub(super) fn key_of(wanted: &Wanted, account: AccountId) -> Vec<u8> {
    let key = match wanted {
        Wanted::Placements { mailbox, entry, .. } => Key::Chunk(*mailbox, entry.base),
        Wanted::History {
            mailbox, number, ..
        } => Key::History(*mailbox, *number),
        Wanted::Seen {
            mailbox, reader, ..
        } => Key::Seen(*mailbox, *reader),
    };
    key.encode(account)
}

/// Puts a chunk where it is wanted, if it is the one.
pub(super) fn fill(wanted: &Wanted, body: Octets<'_>) -> Result<Held, Malformed> {
    let other = Malformed("a chunk of another time");
    match wanted {
        Wanted::Placements {
            keywords, entry, ..
        } => {
            let chunk = read_chunk(body, *keywords)?;
            let same = Summary::of(&chunk) == entry.about;
            let chunk = same.then(|| entry.cell.fill(Arc::new(chunk)));
            chunk.map(Held::Placements).ok_or(other)
        }
        Wanted::History { entry, .. } => {
            let chunk = read_history(body)?;
            let same = history::Entry::about(&chunk) == (entry.len, entry.last);
            let chunk = same.then(|| entry.cell.fill(Arc::new(chunk)));
            chunk.map(Held::History).ok_or(other)
        }
        Wanted::Seen { entry, .. } => {
            let seen = read_seen(body)?;
            let seen = entry.is(&seen).then(|| entry.cell.fill(Arc::new(seen)));
            seen.map(Held::Seen).ok_or(other)
        }
    }
}

/// Reads buckets of thread keys, and hands out those in them that are wanted.
///
/// # Errors
/// [`Error::Io`]
pub(super) async fn read_buckets(
    engine: &Engine,
    id: AccountId,
    buckets: impl IntoIterator<Item = u32>,
    wanted: impl Fn(u64) -> bool + Send + 'static,
) -> Result<Result<Vec<(u64, ThreadId)>, Malformed>, Error> {
    let keys = buckets.into_iter().map(|n| Key::Threads(n).encode(id));
    let keys: Vec<Vec<u8>> = keys.collect();
    let names = keys.clone();
    let read = engine.checkpoint_read(keys, move |n, value| {
        let mut found = Vec::new();
        let (key, value) = names.get(n).zip(value).ok_or(UNREADABLE)?;
        read_threads(unseal(key, value)?, |key, thread| {
            if wanted(key) {
                found.push((key, thread));
            }
        })?;
        Ok(found)
    });
    match read.await {
        Ok(read) => {
            let read: Result<Vec<Vec<_>>, Malformed> = read.into_iter().collect();
            Ok(read.map(|read| read.concat()))
        }
        Err(Error::Corrupt { .. }) => Ok(Err(UNREADABLE)),
        Err(error) => Err(error),
    }
}

/// What the checkpoint knows of some thread keys.
///
/// # Errors
/// [`Error::Io`]
pub(crate) async fn find_threads(
    engine: &Engine,
    id: AccountId,
    question: &Question,
) -> Result<Result<HashMap<u64, ThreadId>, Malformed>, Error> {
    let asked: BTreeSet<u64> = question.keys.iter().copied().collect();
    let buckets: BTreeSet<u32> = asked.iter().map(|key| question.kept.bucket(*key)).collect();
    let found = read_buckets(engine, id, buckets, move |key| asked.contains(&key)).await?;
    Ok(found.map(|found| found.into_iter().collect()))
}

/// Accounts that the checkpoint knows, ascending.
///
/// # Errors
/// As reading the checkpoint.
pub(crate) async fn accounts(engine: &Engine) -> Result<Vec<AccountId>, Error> {
    let headers = engine.checkpoint_keys(header_prefix()).await?;
    Ok(headers.iter().filter_map(|key| account_of(key)).collect())
}
