//! From another store: messages are received anew, and known again by their content.

use std::collections::HashMap;

use super::{
    Restore, Restored, Same, Selected, Selection, Source, Target, flags, move_others, open_target,
    take_place, was,
};
use crate::{
    account::{Account, Arrival, AsWas, commit::Draft, quota},
    email::Email,
    error::Error,
    id::{MailboxId, Uid},
    incoming::{Incoming, Received},
    mailbox::{Message, OpenMailbox},
    past::undelete::{Mode, Was},
};

/// The most messages that come with one batch, and their octets.
const BATCH_MESSAGES: usize = 100;
const BATCH_BYTES: u64 = 64 << 20;

/// Octets of a message that are read at once.
const READ_BYTES: u64 = 1 << 20;

impl Account {
    /// From another store: mailbox by mailbox, batch by batch.
    pub(super) async fn restore_foreign(
        &self,
        source: &Source,
        selected: &[Selected<'_>],
        (restore, mode): (&Restore, Mode),
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Restored, Error> {
        let mut restored = Restored::default();
        let mut looked_at = 0;
        for from in selected {
            let verb = |draft: &mut Draft<'_>| open_target(draft, from, &restore.target);
            let (to, mut entry) = match mode {
                Mode::Do => self.shared.commit(&self.hands, None, verb).await?,
                Mode::DryRun => self.shared.rehearse(&self.hands, verb).await?,
            };
            let there = match self.open_mailbox(to).await {
                Ok(there) => Some(there),
                // A dry run made none.
                Err(Error::NoSuchMailbox) => None,
                Err(error) => return Err(error),
            };
            let mut matcher = Matcher::new(there.as_ref());
            let (mut same, mut missing) = (Same::new(), Vec::new());
            for message in &from.messages {
                looked_at += 1;
                progress(looked_at);
                let email = match source.email(message).await {
                    Ok(email) => email,
                    Err(Error::Corrupt { .. }) => {
                        restored.lost.push(was(from.mailbox, message));
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                if let Some(uid) = matcher.find(self, message, &email).await? {
                    same.insert(message.uid, uid);
                } else {
                    missing.push(*message);
                }
            }
            entry.present = same.len() as u64;
            entry.placed = match mode {
                Mode::DryRun => missing.len() as u64,
                Mode::Do => {
                    let (placed, lost) = self.receive_anew(source, from, &missing, to).await?;
                    restored.lost.extend(lost);
                    same.extend(placed.iter().copied());
                    placed.len() as u64
                }
            };
            if let Target::InPlace(aside) = &restore.target
                && there.is_some()
            {
                let verb = |draft: &mut Draft<'_>| {
                    let mut entry = entry.clone();
                    take_place(draft, from, (to, &same), aside, &mut entry)?;
                    Ok(entry)
                };
                entry = match mode {
                    Mode::Do => self.shared.commit(&self.hands, None, verb).await?,
                    Mode::DryRun => self.shared.rehearse(&self.hands, verb).await?,
                };
            }
            restored.mailboxes.push(entry);
        }
        let verb = |draft: &mut Draft<'_>| {
            let whole = matches!(restore.selection, Selection::Account);
            if whole && !matches!(restore.target, Target::Beside(_)) {
                quota::carry(draft, source.state())?;
            }
            move_others(draft, source, selected, restore)
        };
        restored.moved = match mode {
            Mode::Do => self.shared.commit(&self.hands, None, verb).await?,
            Mode::DryRun => self.shared.rehearse(&self.hands, verb).await?,
        };
        Ok(restored)
    }

    /// Receives messages of another store; gives their UIDs there and here, and those that can't
    /// be read.
    async fn receive_anew(
        &self,
        source: &Source,
        from: &Selected<'_>,
        messages: &[Message<'_>],
        to: MailboxId,
    ) -> Result<(Vec<(Uid, Uid)>, Vec<Was>), Error> {
        let (mut placed, mut lost) = (Vec::new(), Vec::new());
        let (mut arrivals, mut uids, mut octets) = (Vec::new(), Vec::new(), 0);
        for (index, message) in messages.iter().enumerate() {
            match self.receive_one(source, message).await {
                Ok((received, trace)) => {
                    octets += message.size;
                    uids.push(message.uid);
                    let arrival = Arrival {
                        message: received,
                        trace,
                        flags: flags(from.mailbox, message),
                        internal_date: Some(message.internal_date),
                    };
                    arrivals.push(AsWas {
                        annotations: from.mailbox.annotations().of(message.uid).to_vec(),
                        ..AsWas::from(arrival)
                    });
                }
                Err(Error::Corrupt { .. }) => lost.push(was(from.mailbox, message)),
                Err(error) => return Err(error),
            }
            let at_end = index + 1 == messages.len();
            let full = arrivals.len() >= BATCH_MESSAGES || octets >= BATCH_BYTES;
            if (at_end || full) && !arrivals.is_empty() {
                let here = self.append_as(to, std::mem::take(&mut arrivals)).await?;
                placed.extend(std::mem::take(&mut uids).into_iter().zip(here.uids));
                octets = 0;
            }
        }
        Ok((placed, lost))
    }

    async fn receive_one(
        &self,
        source: &Source,
        message: &Message<'_>,
    ) -> Result<(Received, Vec<u8>), Error> {
        let email = source.email(message).await?;
        // What was accepted once is not too large.
        let mut incoming = Incoming::new(
            self.shared.engine(),
            self.shared.partitions.clone(),
            u64::MAX,
        );
        let (mut at, mut octets) = (email.trace_len(), Vec::new());
        while at < email.size() {
            octets.clear();
            let end = email.read_end(at).min(at + READ_BYTES);
            let span = mail::Span { start: at, end };
            email.read(span, &mut octets).await?;
            incoming.write(&octets).await?;
            at = end;
        }
        Ok((incoming.finish().await?, email.trace().to_vec()))
    }
}

/// Finds a message of another store among those of a mailbox: by size and date, then by content.
struct Matcher<'a> {
    mailbox: Option<&'a OpenMailbox>,
    candidates: HashMap<(u64, i64), Vec<Uid>>,
}

impl<'a> Matcher<'a> {
    fn new(mailbox: Option<&'a OpenMailbox>) -> Self {
        let mut candidates: HashMap<(u64, i64), Vec<Uid>> = HashMap::new();
        for message in mailbox.into_iter().flat_map(OpenMailbox::every) {
            let key = (message.size, message.internal_date.unix);
            candidates.entry(key).or_default().push(message.uid);
        }
        Self {
            mailbox,
            candidates,
        }
    }

    /// The message that is the same, which is then taken.
    async fn find(
        &mut self,
        account: &Account,
        message: &Message<'_>,
        email: &Email,
    ) -> Result<Option<Uid>, Error> {
        let key = (message.size, message.internal_date.unix);
        let (Some(mailbox), Some(uids)) = (self.mailbox, self.candidates.get_mut(&key)) else {
            return Ok(None);
        };
        for (index, uid) in uids.iter().enumerate() {
            let Some(other) = mailbox.get(*uid) else {
                continue;
            };
            let other = match account.email(&other).await {
                Ok(other) => other,
                // Damaged: then it is not the same.
                Err(Error::Corrupt { .. }) => continue,
                Err(error) => return Err(error),
            };
            if other.blake3() == email.blake3() && other.trace() == email.trace() {
                return Ok(Some(uids.remove(index)));
            }
        }
        Ok(None)
    }
}
