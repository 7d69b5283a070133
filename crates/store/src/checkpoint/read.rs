//! Opens an account: what the checkpoint has, and the batches after it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    base,
    value::{
        Header, Key, MailboxHeader, account_of, data_prefix, header_key, header_prefix, read_chunk,
        read_header, read_history, read_threads, unseal,
    },
};
use crate::{
    change::Batch,
    engine::{Engine, Entry, Loss},
    error::Error,
    fold::State,
    id::{AccountId, MailboxId},
    loss::Unsettled,
    mailbox::{
        Mailbox,
        history::{Gone, History},
        keywords::Keywords,
        placements::{Chunk, Placements},
    },
    octets::Malformed,
    snapshot::Snapshot,
    threads::Threads,
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
            let missing = opened.wrong.iter().any(|(_, what)| *what == MISSING);
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
                let misfits = state.apply(&batch);
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

/// What the checkpoint has of an account: nothing, a state, or something that is wrong.
async fn load(engine: &Engine, id: AccountId) -> Result<Result<Option<State>, Malformed>, Error> {
    let damaged = Malformed("it can't be read");
    let key = header_key(id);
    let header = match engine.checkpoint_get(key.clone()).await {
        Ok(None) => return Ok(Ok(None)),
        Ok(Some(header)) => header,
        Err(Error::Corrupt { .. }) => return Ok(Err(damaged)),
        Err(error) => return Err(error),
    };
    let header = match unseal(&key, &header).and_then(read_header) {
        Ok(header) => header,
        Err(why) => return Ok(Err(why)),
    };
    match engine.checkpoint_scan(data_prefix(id)).await {
        Ok(entries) => Ok(assemble(header, &entries).map(Some)),
        Err(Error::Corrupt { .. }) => Ok(Err(damaged)),
        Err(error) => Err(error),
    }
}

/// The chunks of one mailbox.
#[derive(Default)]
struct Parts<'a> {
    placements: Vec<(u32, &'a Entry)>,
    history: Vec<&'a Entry>,
}

pub(super) fn assemble(header: Header, entries: &[Entry]) -> Result<State, Malformed> {
    let mut parts: BTreeMap<MailboxId, Parts<'_>> = BTreeMap::new();
    let mut threads = Threads::default();
    for entry in entries {
        let (key, value) = entry;
        match Key::decode(key).ok_or(Malformed("a strange key"))? {
            // The keys ascend, and so do the numbers in them.
            Key::Chunk(mailbox, base) => {
                parts
                    .entry(mailbox)
                    .or_default()
                    .placements
                    .push((base, entry));
            }
            Key::History(mailbox, _) => parts.entry(mailbox).or_default().history.push(entry),
            Key::Threads(_) => threads.load(&read_threads(unseal(key, value)?)?),
        }
    }
    if threads.len() != header.threads {
        return Err(Malformed("thread keys are missing"));
    }
    let mut snapshot = Snapshot {
        mod_seq: header.mod_seq,
        subscriptions: Arc::new(header.subscriptions.into_iter().collect()),
        last: header.last,
        held: header.held,
        expiry: header.expiry,
        moved_to: header.moved_to,
        arrived: header.arrived,
        ..Snapshot::default()
    };
    let mailboxes = Arc::make_mut(&mut snapshot.mailboxes);
    let names = Arc::make_mut(&mut snapshot.names);
    for about in header.mailboxes {
        let parts = parts.remove(&about.id).unwrap_or_default();
        if names.insert(about.name.clone(), about.id).is_some() {
            return Err(Malformed("two mailboxes of one name"));
        }
        let mailbox = mailbox(about, &parts)?;
        mailboxes.insert(mailbox.id, Arc::new(mailbox));
    }
    if !parts.is_empty() {
        return Err(Malformed("messages of no mailbox"));
    }
    Ok(State { snapshot, threads })
}

fn mailbox(about: MailboxHeader, parts: &Parts<'_>) -> Result<Mailbox, Malformed> {
    let keywords = about.keywords.len();
    let chunks = parts.placements.iter().map(|(base, (key, value))| {
        let chunk = unseal(key, value).and_then(|body| read_chunk(body, keywords));
        chunk.map(|chunk| (*base, chunk))
    });
    let chunks: Vec<(u32, Chunk)> = chunks.collect::<Result<_, _>>()?;
    let history: Vec<Vec<Gone>> = parts
        .history
        .iter()
        .map(|(key, value)| unseal(key, value).and_then(read_history))
        .collect::<Result<_, _>>()?;
    let gone: usize = history.iter().map(Vec::len).sum();
    if gone as u64 != about.gone {
        return Err(Malformed("expunges are missing"));
    }
    let mailbox = Mailbox {
        id: about.id,
        name: about.name,
        role: about.role,
        uid_validity: about.uid_validity,
        uid_next: about.uid_next,
        highest_mod_seq: about.highest_mod_seq,
        counters: about.counters,
        recent_from: about.recent_from,
        held: about.held,
        expiry: about.expiry,
        partition: about.partition,
        keywords: Keywords::from_names(about.keywords).ok_or(Malformed("keywords alike"))?,
        placements: Placements::from_chunks(chunks).ok_or(Malformed("chunks that don't fit"))?,
        history: History::from_chunks(history).ok_or(Malformed("expunges out of order"))?,
    };
    if mailbox.placements.count() == mailbox.counters {
        Ok(mailbox)
    } else {
        Err(Malformed("messages are missing"))
    }
}

/// Accounts that the checkpoint knows, ascending.
///
/// # Errors
/// As reading the checkpoint.
pub(crate) async fn accounts(engine: &Engine) -> Result<Vec<AccountId>, Error> {
    let headers = engine.checkpoint_scan(header_prefix()).await?;
    Ok(headers
        .iter()
        .filter_map(|(key, _)| account_of(key))
        .collect())
}
