//! COPY and MOVE into another account: RFC 9051 §6.4.7, §6.4.8.
//!
//! The octets stay where they are, unless the other account writes to another partition; a message gets a
//! record of its own there. The copies are one batch of the other account, all or none. A move is that, and
//! then a batch of this one: a crash in between leaves both, and never neither.

use crate::{
    account::{
        Account, AsWas, Copied, Placed,
        along::Along,
        annotate::{give, room_in_account},
        commit::Draft,
        copy::room_for,
    },
    annotation::Annotation,
    change::{Added, Change},
    clock::Timestamp,
    email::{self, Parts, Piece, Target},
    engine::Writes,
    error::Error,
    flag::Flags,
    id::{AccountId, EmailId, MailboxId, ThreadId, Uid},
    mailbox::{Message, OpenMailbox},
    rights::Rights,
    sent::Sent,
};

/// A message whose record for the other account is written.
struct Carried {
    /// Here.
    uid: Uid,
    flags: Flags,
    internal_date: Timestamp,
    size: u64,
    sent: Sent,
    thread_keys: Vec<u64>,
    /// As they are there.
    annotations: Vec<Annotation>,
    record: Piece,
}

impl Account {
    /// Copies the messages that still exist of `uids` (ascending) into a mailbox of another account, all or none.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`] for `to`, [`Error::NoRight`], [`Error::Limit`]; what can't be read here.
    pub async fn copy_across(
        &self,
        from: MailboxId,
        uids: &[Uid],
        to: (&Self, MailboxId),
    ) -> Result<Copied, Error> {
        let from = (from, Along::Copied(self.reader()));
        self.copy_along(from, uids, to).await
    }

    async fn copy_along(
        &self,
        (from, along): (MailboxId, Along),
        uids: &[Uid],
        (other, to): (&Self, MailboxId),
    ) -> Result<Copied, Error> {
        // What is gone here meanwhile has to stay until it is said to live there.
        let _kept = self.shared.partitions.reprieve().await;
        let snapshot = other.snapshot();
        let mailbox = snapshot.mailbox(to).ok_or(Error::NoSuchMailbox)?;
        other.may(mailbox, Rights::INSERT)?;
        let uid_validity = mailbox.uid_validity();
        let source = match self.open_mailbox(from).await {
            // Like messages that are gone.
            Err(Error::NoSuchMailbox) => {
                return Ok(Copied {
                    uid_validity,
                    uids: Vec::new(),
                });
            }
            source => source?,
        };
        let target = Target {
            engine: other.shared.engine_of(to),
            writes: other.shared.engine_of(to).begin(),
            account: other.id(),
        };
        // What is put is kept, though nothing refers to it yet.
        let _pin = target.engine.pin();
        let there = snapshot.mailbox(to).map(|it| other.rights(it));
        let there = there.unwrap_or_default();
        let mut carried = Vec::new();
        let mut last = Uid(0);
        for message in uids.iter().filter_map(|uid| source.get(*uid)) {
            if message.uid > last {
                last = message.uid;
                let one = self
                    .carry((&source, along, there), &message, &target)
                    .await?;
                carried.push(one);
            }
        }
        let uids = other.receive_across(to, &carried, target.writes).await?;
        Ok(Copied { uid_validity, uids })
    }

    /// Moves the messages that still exist of `uids` (ascending) into a mailbox of another account: they are
    /// gone here once all of them are durable there.
    ///
    /// # Errors
    /// As [`Account::copy_across`].
    pub async fn move_across(
        &self,
        from: MailboxId,
        uids: &[Uid],
        to: (&Self, MailboxId),
    ) -> Result<Copied, Error> {
        // Before anything is copied that could not be taken away here.
        if let Some(source) = self.snapshot().mailbox(from) {
            self.may_open(source, Rights::TO_REMOVE)?;
        }
        let copied = self
            .copy_along((from, Along::Moved(self.reader())), uids, to)
            .await?;
        let moved: Vec<Uid> = copied.uids.iter().map(|(uid, _)| *uid).collect();
        if !moved.is_empty() {
            self.remove(from, &moved).await?;
        }
        Ok(copied)
    }

    /// Places a message in a mailbox of another account, and then removes one here. `None` if that is gone:
    /// then nothing has changed.
    ///
    /// # Errors
    /// As [`Account::replace`].
    pub async fn replace_across(
        &self,
        (from, uid): (MailboxId, Uid),
        (other, to): (&Self, MailboxId),
        message: AsWas,
    ) -> Result<Option<Placed>, Error> {
        let source = self.open_mailbox(from).await?;
        self.may_open(&source, Rights::TO_REMOVE)?;
        if source.get(uid).is_none() {
            return Ok(None);
        }
        let placed = other.append_as(to, vec![message]).await?;
        self.remove(from, &[uid]).await?;
        Ok(Some(placed))
    }

    /// Writes the record of a message for another account.
    async fn carry(
        &self,
        (source, along, rights): (&OpenMailbox, Along, Rights),
        message: &Message<'_>,
        to: &Target,
    ) -> Result<Carried, Error> {
        let email = self.email(message).await?;
        let there = to.engine.partition().number;
        let pieces = email.pieces();
        let copied;
        let pieces = if pieces.iter().all(|piece| piece.at.partition() == there) {
            pieces
        } else {
            copied = email::copy_pieces(&self.shared.partitions, pieces, to).await?;
            &copied
        };
        let parts = Parts {
            trace: email.trace(),
            blake3: email.blake3(),
            pieces,
            digest: email.encoded_digest(),
        };
        let keywords = message.keywords.iter();
        let names = keywords.filter_map(|index| source.keywords().get(*index as usize));
        let annotations = along.annotations((source, message.uid), rights).into_iter();
        let annotations = annotations.map(|it| Annotation {
            whose: it.whose.elsewhere(self.id(), to.account),
            ..it
        });
        Ok(Carried {
            uid: message.uid,
            annotations: annotations.collect(),
            flags: Flags {
                system: message.system,
                keywords: names.cloned().collect(),
            },
            internal_date: message.internal_date,
            size: message.size,
            sent: message.sent,
            thread_keys: email.digest().thread_keys,
            record: email::put_record(to, parts).await?,
        })
    }

    /// Places what was carried here from another account. Gives pairs (there, here).
    async fn receive_across(
        &self,
        to: MailboxId,
        carried: &[Carried],
        writes: Writes,
    ) -> Result<Vec<(Uid, Uid)>, Error> {
        self.shared
            .commit(&self.hands, Some(writes), |draft| {
                draft.may_insert(to)?;
                let by = self.reader();
                let place = |one: &Carried| Ok((one.uid, place(draft, (to, by), one)?));
                carried.iter().map(place).collect()
            })
            .await
    }
}

/// Places what its owner (`None`) or another reader of the mailbox brings.
fn place(
    draft: &mut Draft<'_>,
    (to, reader): (MailboxId, Option<AccountId>),
    carried: &Carried,
) -> Result<Uid, Error> {
    let (uid, flags) = room_for(draft, to, &carried.flags)?;
    let (flags, seen_by) = draft.flags_by(to, reader, &flags)?;
    let last = draft.snapshot.last;
    let known = draft.thread(&carried.thread_keys)?;
    draft.push(Change::Added(Added {
        mailbox: to,
        uid,
        flags,
        internal_date: carried.internal_date,
        save_date: draft.now,
        size: carried.size,
        email: EmailId(last.email + 1),
        thread: known.unwrap_or(ThreadId(last.thread + 1)),
        record: carried.record.at,
        record_len: carried.record.len,
        sent: carried.sent,
        thread_keys: carried.thread_keys.clone(),
    }))?;
    if !carried.annotations.is_empty() {
        give(draft, (to, uid), &carried.annotations)?;
        room_in_account(draft)?;
    }
    if let Some(reader) = seen_by {
        draft.set_seen(to, reader, vec![(uid, uid)], true)?;
    }
    Ok(uid)
}
