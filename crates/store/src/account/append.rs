//! APPEND and delivery: RFC 9051 §6.3.12, RFC 3502.

use crate::{
    account::{
        Account, Arrival, AsWas, Placed,
        annotate::{give, may_set, room_in_account},
        commit::Draft,
        copy::room_for,
    },
    change::{Added, Change},
    clock::Timestamp,
    email::{self, Parts, Piece, Target},
    engine::Writes,
    error::Error,
    id::{AccountId, EmailId, MailboxId, ThreadId, Uid},
};

impl Account {
    /// Places messages, all or none.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NoRight`], [`Error::Limit`] for keywords or UIDs.
    pub async fn append(
        &self,
        mailbox: MailboxId,
        messages: Vec<Arrival>,
    ) -> Result<Placed, Error> {
        let messages = messages.into_iter().map(AsWas::from).collect();
        self.append_as(mailbox, messages).await
    }

    /// Places messages as they were elsewhere, all or none: UIDs that are given have to ascend.
    ///
    /// # Errors
    /// As [`Account::append`]; [`Error::NotPermitted`] if a UID is used up.
    pub async fn append_as(
        &self,
        mailbox: MailboxId,
        messages: Vec<AsWas>,
    ) -> Result<Placed, Error> {
        let (records, eldest) = self.records(mailbox, &messages).await?;
        self.shared
            .commit(&self.hands, eldest, |draft| {
                draft.may_insert(mailbox)?;
                let now = (self.shared.clock)();
                let mut uids = Vec::with_capacity(messages.len());
                for (message, record) in messages.iter().zip(&records) {
                    let by = (self.reader(), now);
                    uids.push(place(draft, mailbox, (message, *record), by)?);
                }
                Ok(Placed {
                    uid_validity: draft.mailbox(mailbox)?.uid_validity(),
                    uids,
                })
            })
            .await
    }

    /// Writes the records of messages for a mailbox; says with what they were put.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`]; as reading what lies elsewhere, and as the engine's put.
    pub(super) async fn records(
        &self,
        mailbox: MailboxId,
        messages: &[AsWas],
    ) -> Result<(Vec<Piece>, Option<Writes>), Error> {
        // Asked again when the batch is made: this only spares the disk.
        let snapshot = self.snapshot();
        let there = snapshot.mailbox(mailbox).ok_or(Error::NoSuchMailbox)?;
        self.may(there, self.actor().to_insert())?;
        let engine = self.shared.engine_of(mailbox);
        let mut records = Vec::with_capacity(messages.len());
        // All that is referred to must have been put since the engine last failed: the
        // eldest context decides.
        let mut eldest: Option<Writes> = None;
        for AsWas { arrival, .. } in messages {
            let lies = arrival.message.lies_in(&engine, self.id()).await?;
            let to = Target {
                engine: engine.clone(),
                writes: lies.writes,
                account: self.id(),
            };
            let parts = Parts {
                trace: &arrival.trace,
                blake3: arrival.message.blake3(),
                pieces: &lies.pieces,
                digest: arrival.message.digest(),
            };
            records.push(email::put_record(&to, parts).await?);
            let elder = |eldest: &Writes| eldest.generation <= lies.writes.generation;
            eldest = eldest.filter(elder).or(Some(lies.writes));
        }
        Ok((records, eldest))
    }
}

/// Places a message, which its owner (`None`) or another reader brings; gives its UID.
pub(super) fn place(
    draft: &mut Draft<'_>,
    mailbox: MailboxId,
    (as_was, record): (&AsWas, Piece),
    (reader, now): (Option<AccountId>, Timestamp),
) -> Result<Uid, Error> {
    let arrival = &as_was.arrival;
    let (next, flags) = room_for(draft, mailbox, &arrival.flags)?;
    let (flags, seen_by) = draft.flags_by(mailbox, reader, &flags)?;
    let uid = as_was.uid.unwrap_or(next);
    if uid < next || uid.0 == u32::MAX {
        return Err(Error::NotPermitted("the UID is used up"));
    }
    let last = draft.snapshot.last;
    let thread_keys = arrival.message.thread_keys();
    let known = draft.thread(thread_keys)?;
    draft.push(Change::Added(Added {
        mailbox,
        uid,
        flags,
        internal_date: arrival.internal_date.unwrap_or(now),
        save_date: as_was.save_date.unwrap_or(draft.now),
        size: arrival.message.size() + arrival.trace.len() as u64,
        email: EmailId(last.email + 1),
        thread: known.unwrap_or(ThreadId(last.thread + 1)),
        record: record.at,
        record_len: record.len,
        sent: arrival.message.sent(),
        thread_keys: thread_keys.to_vec(),
    }))?;
    if !as_was.annotations.is_empty() {
        may_set(draft, mailbox, as_was.annotations.iter().map(|it| it.whose))?;
        give(draft, (mailbox, uid), &as_was.annotations)?;
        room_in_account(draft)?;
    }
    if let Some(reader) = seen_by {
        draft.set_seen(mailbox, reader, vec![(uid, uid)], true)?;
    }
    Ok(uid)
}
