//! A message that can't be read: its record is made again if its octets are whole, else it leaves its
//! mailbox, and what can be read of it is written to the report.

use std::sync::Arc;

use mail::Span;

use super::{ON, Repair, RepairKind, Repaired, report};
use crate::{
    account::{
        Account,
        commit::{Draft, Which},
    },
    change::{Added, Batch, Change},
    email::{self, Email, Parts, Piece, Put, Record, Target},
    engine::{PIECE_BYTES_MAX, Ref, WalkItem, WalkKind},
    error::Error,
    id::{MailboxId, Uid},
    mailbox::{Message, OpenMailbox},
};

/// How far before a record its octets are looked for, in octets of the log.
const NEIGHBOURHOOD: u64 = 256 << 20;
/// So many pieces before a record may be its last.
const CANDIDATES_MAX: usize = 32;
/// The most that is taken for trace fields, where nothing else tells, in octets.
const TRACE_MAX: u64 = 64 << 10;

/// What lies around a damaged record.
#[derive(Default)]
struct Around {
    /// Pieces of messages, ascending.
    blobs: Vec<Piece>,
    /// Whole records: their octets may be the same message's.
    records: Vec<(Ref, Record)>,
    /// What the batch said that placed it.
    added: Option<Added>,
}

/// A message's octets as they were found.
struct Salvaged {
    pieces: Vec<Piece>,
    blake3: [u8; 32],
    digest: Vec<u8>,
    size: u64,
}

impl Repair<'_> {
    pub(super) async fn message(
        &mut self,
        account: &Account,
        id: MailboxId,
        uid: Uid,
    ) -> Result<(), Error> {
        let mailbox = match account.open_mailbox(id).await {
            Err(Error::NoSuchMailbox) => return Ok(()),
            mailbox => mailbox?,
        };
        let Some(message) = mailbox.get(uid) else {
            return Ok(());
        };
        let (kind, what) = match account.email(&message).await {
            Ok(email) => match self.again(account, &email).await? {
                Some(salvaged) => {
                    self.remake(account, (&mailbox, &message), (&salvaged, email.trace()))
                        .await?;
                    (
                        RepairKind::Remade,
                        "what was derived from it was derived again",
                    )
                }
                None => (RepairKind::Removed, "its octets are damaged"),
            },
            Err(Error::Corrupt { .. }) => match self.find(account, &message).await? {
                Some(salvaged) => {
                    let trace = stand_in(message.size - salvaged.size);
                    self.remake(account, (&mailbox, &message), (&salvaged, &trace))
                        .await?;
                    (
                        RepairKind::Remade,
                        "its record was damaged, its octets are whole",
                    )
                }
                None => (
                    RepairKind::Removed,
                    "its record is damaged, and its octets are not found",
                ),
            },
            Err(error) => return Err(error),
        };
        let mut file = None;
        if kind == RepairKind::Removed && !self.dry() {
            let email = account.email(&message).await.ok();
            let told = (account.id(), &mailbox, &message);
            file = Some(report::write(&self.options.report, told, email.as_ref()).await?);
            remove(account, (id, uid), message.record).await?;
        }
        self.told(Repaired {
            kind,
            account: Some(account.id()),
            mailbox: Some(mailbox.name().clone()),
            uid: Some(uid),
            what: what.into(),
            file,
        });
        Ok(())
    }

    /// Derives everything from the octets again, if these are all there and what arrived.
    async fn again(&self, account: &Account, email: &Email) -> Result<Option<Salvaged>, Error> {
        let pieces = email.pieces();
        let salvaged = scan(account, pieces).await?;
        Ok(salvaged.filter(|salvaged| salvaged.blake3 == *email.blake3()))
    }

    /// Looks for the octets of a message whose record is damaged.
    async fn find(
        &self,
        account: &Account,
        message: &Message<'_>,
    ) -> Result<Option<Salvaged>, Error> {
        let around = self.around(account, message)?;
        let keys = around.added.as_ref().map(|added| &added.thread_keys[..]);
        let fits = |salvaged: &Salvaged, keys_found: &[u64]| {
            let trace = message.size.checked_sub(salvaged.size);
            let trace = trace.is_some_and(|trace| trace <= TRACE_MAX && trace != 1);
            trace && keys.is_some_and(|keys| !keys.is_empty() && keys == keys_found)
        };
        // The same message for somebody else, most likely.
        for (_, record) in &around.records {
            let Some(salvaged) = scan(account, &record.pieces).await? else {
                continue;
            };
            if salvaged.blake3 == record.blake3 && fits(&salvaged, &keys_of(&salvaged)) {
                return Ok(Some(salvaged));
            }
        }
        for last in (0..around.blobs.len()).rev().take(CANDIDATES_MAX) {
            for pieces in ending_in(&around.blobs, last, message.size) {
                if let Some(salvaged) = scan(account, &pieces).await?
                    && fits(&salvaged, &keys_of(&salvaged))
                {
                    return Ok(Some(salvaged));
                }
            }
        }
        Ok(None)
    }

    fn around(&self, account: &Account, message: &Message<'_>) -> Result<Around, Error> {
        let at = message.record;
        let near = |it: Ref| {
            it.partition() == at.partition() && it.lsn().abs_diff(at.lsn()) <= NEIGHBOURHOOD
        };
        let mut around = Around::default();
        for walk in self.store.partitions().walks() {
            let Ok(walk) = walk.walk else { continue };
            walk(&mut |item| {
                let WalkItem::Record {
                    kind,
                    account: of,
                    at: here,
                    body,
                } = item
                else {
                    return ON;
                };
                let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
                match kind {
                    WalkKind::Blob if near(here) && here < at && of.is_none() => {
                        around.blobs.push(Piece { at: here, len });
                    }
                    WalkKind::Message if near(here) => {
                        if let Ok(Put::Whole(record)) = Record::decode(body.to_vec())
                            && record.size <= message.size
                            && message.size - record.size <= TRACE_MAX
                        {
                            around.records.push((here, record));
                        }
                    }
                    WalkKind::Batch { .. } if of == Some(account.id()) => {
                        let placed = Batch::decode(body).ok().and_then(|batch| placed(batch, at));
                        around.added = around.added.take().or(placed);
                    }
                    _ => {}
                }
                ON
            })?;
        }
        around
            .records
            .sort_by_key(|(here, _)| here.lsn().abs_diff(at.lsn()));
        around.records.truncate(CANDIDATES_MAX);
        Ok(around)
    }

    /// Writes a message's record again, and says where it is, in every mailbox that has the message.
    async fn remake(
        &self,
        account: &Account,
        (mailbox, message): (&OpenMailbox, &Message<'_>),
        (salvaged, trace): (&Salvaged, &[u8]),
    ) -> Result<(), Error> {
        if self.dry() {
            return Ok(());
        }
        // Its pieces lie in the partition of its record.
        let engine = self.store.partitions().get(message.record.partition())?;
        let to = Target {
            writes: engine.begin(),
            engine: engine.clone(),
            account: account.id(),
        };
        let _pin = engine.pin();
        let parts = Parts {
            trace,
            blake3: &salvaged.blake3,
            pieces: &salvaged.pieces,
            digest: &salvaged.digest,
        };
        let record = email::put_record(&to, parts).await?;
        let _crossing = self.store.partitions().crossing().await;
        engine.settle(to.writes).await?;
        let (id, uid, was) = (mailbox.id(), message.uid, message.record);
        account
            .shared
            .commit(&account.hands, None, |draft| {
                if is_there(draft, (id, uid), was)? {
                    draft.push(Change::Relocated {
                        mailbox: id,
                        uid,
                        record: record.at,
                        record_len: record.len,
                    })?;
                }
                Ok(())
            })
            .await
    }
}

/// Takes a message out of its mailbox, if it is there still.
async fn remove(account: &Account, (id, uid): (MailboxId, Uid), was: Ref) -> Result<(), Error> {
    account
        .shared
        .commit(&account.hands, None, |draft| {
            if is_there(draft, (id, uid), was)? {
                let uids = vec![(uid, uid)];
                draft.push(Change::Expunged { mailbox: id, uids })?;
            }
            Ok(())
        })
        .await
}

/// Whether a message is in its mailbox still, with that record.
fn is_there(
    draft: &mut Draft<'_>,
    (id, uid): (MailboxId, Uid),
    record: Ref,
) -> Result<bool, Error> {
    let Some(mailbox) = draft.snapshot.mailbox(id).map(Arc::clone) else {
        return Ok(false);
    };
    let messages = draft.messages(&mailbox, Which::Within(&vec![(uid, uid)]))?;
    Ok(messages.get(uid).is_some_and(|now| now.record == record))
}

/// What a batch says of the message with that record.
fn placed(batch: Batch, record: Ref) -> Option<Added> {
    batch.changes.into_iter().find_map(|change| match change {
        Change::Added(added) if added.record == record => Some(added),
        _ => None,
    })
}

/// Pieces that may be one message of at most `size` octets with its trace: the last, and before it only
/// whole ones, the first of which may be two, its header apart. Fewest first.
fn ending_in(blobs: &[Piece], last: usize, size: u64) -> Vec<Vec<Piece>> {
    let mut found = Vec::new();
    let mut pieces = Vec::new();
    let mut octets = 0;
    // What was behind a header that lies apart, perhaps.
    let mut body = None;
    for piece in blobs.get(..=last).unwrap_or_default().iter().rev() {
        let len = piece.len as usize;
        if body.is_some_and(|body| body + len != PIECE_BYTES_MAX) {
            break;
        }
        if !pieces.is_empty() && len != PIECE_BYTES_MAX {
            body = Some(len);
        }
        octets += u64::from(piece.len);
        if octets > size {
            break;
        }
        pieces.insert(0, *piece);
        if size - octets <= TRACE_MAX {
            found.push(pieces.clone());
        }
    }
    found
}

/// Reads pieces as one message's octets; `None` if one is damaged.
async fn scan(account: &Account, pieces: &[Piece]) -> Result<Option<Salvaged>, Error> {
    let mut hasher = blake3::Hasher::new();
    let mut scanner = mail::Scanner::new(mail::Limits::default());
    let mut size = 0;
    for piece in pieces {
        let mut octets = Vec::new();
        match piece.read(&account.shared.partitions, &mut octets).await {
            Err(Error::Corrupt { .. }) => return Ok(None),
            read => read?,
        }
        hasher.update(&octets);
        scanner.push(&octets);
        size += octets.len() as u64;
    }
    let mut digest = Vec::new();
    scanner.finish().encode(&mut digest);
    Ok(Some(Salvaged {
        pieces: pieces.to_vec(),
        blake3: *hasher.finalize().as_bytes(),
        digest,
        size,
    }))
}

fn keys_of(salvaged: &Salvaged) -> Vec<u64> {
    let digest = mail::digest::DigestRef::new(&salvaged.digest);
    digest.map_or_else(Vec::new, |digest| digest.thread_keys().collect())
}

/// Header fields in place of those that were lost with a record, of exactly as many octets: the size of a
/// message never changes.
fn stand_in(octets: u64) -> Vec<u8> {
    let octets = usize::try_from(octets).unwrap_or(0);
    let mut field = b"X-Lost: ".to_vec();
    field.resize(octets.saturating_sub(2).max(8), b'-');
    field.extend_from_slice(b"\r\n");
    if octets < field.len() {
        // Too short for a field. No trace field is.
        field = vec![b'-'; octets.saturating_sub(2)];
        field.truncate(octets);
        field.extend_from_slice(b"\r\n".get(..octets.min(2)).unwrap_or_default());
    }
    field
}

/// Reads what can be read of a message: its octets, and which ranges are missing.
pub(super) async fn readable(email: &Email) -> Result<(Vec<u8>, Vec<Span>), Error> {
    let (mut octets, mut missing) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < email.size() {
        let end = email.read_end(at).min(email.size());
        let span = Span { start: at, end };
        match email.read(span, &mut octets).await {
            Err(Error::Corrupt { .. }) => missing.push(span),
            read => read?,
        }
        at = end.max(at + 1);
    }
    Ok((octets, missing))
}
