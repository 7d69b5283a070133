//! Messages go to another partition, octets and records, while everybody uses them.
//!
//! A message is copied first, durably, and then said to be there, many with one batch. Until then it is
//! read where it was, and what is read there now stays readable: nothing is removed by this.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    account::{Account, commit::Which, copy::ranges},
    change::Change,
    email::{self, Piece, Target},
    engine::{Engine, Ref},
    error::Error,
    id::{MailboxId, Uid},
    mailbox::OpenMailbox,
};

/// Messages that are said to be elsewhere with one batch, at most.
const MESSAGES_MAX: usize = 256;
/// Octets that are copied before a batch says so, or a little more.
const OCTETS: u64 = 16 << 20;
/// Records that are remembered, so that copies of a message share one there too. Beyond that they
/// take more space, and nothing else.
const REMEMBERED_MAX: usize = 1 << 20;

/// A move of messages: how far it is.
pub(crate) struct Pass<'a> {
    told: &'a mut (dyn FnMut(u64, u64) + Send),
    /// Where records are now, by where they were.
    copied: HashMap<Ref, Piece>,
    /// Records of what could not be read.
    damaged: HashSet<Ref>,
    /// Messages that were moved.
    pub(crate) messages: u64,
    /// Octets that were written for them.
    pub(crate) octets: u64,
}

/// A message on its way.
struct Moving {
    uid: Uid,
    from: Ref,
    to: Piece,
}

impl<'a> Pass<'a> {
    /// `told` is called with the messages and the octets moved so far.
    pub(crate) fn new(told: &'a mut (dyn FnMut(u64, u64) + Send)) -> Self {
        Self {
            told,
            copied: HashMap::new(),
            damaged: HashSet::new(),
            messages: 0,
            octets: 0,
        }
    }

    /// Messages that could not be read, and stay where they are.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged.len() as u64
    }
}

impl Account {
    /// Moves the messages of a mailbox that are not in that partition to it. Gives how many there were;
    /// those that arrive meanwhile may be missed.
    ///
    /// # Errors
    /// What can't be written. What can't be read is left where it is.
    pub(crate) async fn relocate(
        &self,
        id: MailboxId,
        to: &Engine,
        pass: &mut Pass<'_>,
    ) -> Result<u64, Error> {
        self.relocate_old(id, to, pass, i64::MAX).await
    }

    /// The same with those whose INTERNALDATE is no later, in seconds since 1970.
    ///
    /// # Errors
    /// As [`Account::relocate`].
    pub(crate) async fn relocate_old(
        &self,
        id: MailboxId,
        to: &Engine,
        pass: &mut Pass<'_>,
        until: i64,
    ) -> Result<u64, Error> {
        let mailbox = match self.open_mailbox(id).await {
            Err(Error::NoSuchMailbox) => return Ok(0),
            mailbox => mailbox?,
        };
        let number = to.partition().number;
        let before = pass.messages;
        let mut rest = elsewhere(&mailbox, number, until).into_iter().peekable();
        while rest.peek().is_some() {
            let target = Target {
                engine: to.clone(),
                writes: to.begin(),
                account: self.id(),
            };
            // What is put is kept, though nothing refers to it yet.
            let _pin = to.pin();
            let mut moving = Vec::new();
            let mut octets = 0;
            while moving.len() < MESSAGES_MAX && octets < OCTETS {
                let Some((uid, at)) = rest.next() else { break };
                let Some((copy, written)) = self.copy_once(at, &target, pass).await? else {
                    continue;
                };
                octets += written;
                moving.push(Moving {
                    uid,
                    from: at.at,
                    to: copy,
                });
            }
            if moving.is_empty() {
                continue;
            }
            let _crossing = self.shared.partitions.crossing().await;
            to.settle(target.writes).await?;
            pass.messages += self.say(&mailbox, &moving).await?;
            pass.octets += octets;
            (pass.told)(pass.messages, pass.octets);
        }
        Ok(pass.messages - before)
    }

    /// Copies a message, unless that has been done; says where it is, and what was written for it.
    async fn copy_once(
        &self,
        at: Piece,
        target: &Target,
        pass: &mut Pass<'_>,
    ) -> Result<Option<(Piece, u64)>, Error> {
        if let Some(copy) = pass.copied.get(&at.at) {
            return Ok(Some((*copy, 0)));
        }
        if pass.damaged.contains(&at.at) {
            return Ok(None);
        }
        let partitions = &self.shared.partitions;
        match email::copy(partitions, at, target).await {
            Ok((copy, octets)) => {
                if pass.copied.len() >= REMEMBERED_MAX {
                    pass.copied.clear();
                }
                pass.copied.insert(at.at, copy);
                Ok(Some((copy, octets)))
            }
            Err(error @ (Error::Corrupt { .. } | Error::Io { .. })) => {
                tracing::warn!(account = %self.id(), %error, "a message stays where it is");
                pass.damaged.insert(at.at);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Says where messages are now, of those that are there still.
    async fn say(&self, mailbox: &OpenMailbox, moving: &[Moving]) -> Result<u64, Error> {
        if moving.is_empty() {
            return Ok(0);
        }
        let id = mailbox.id();
        self.shared
            .commit(&self.hands, None, |draft| {
                let mut said = 0;
                let Some(now) = draft.snapshot.mailbox(id).map(Arc::clone) else {
                    return Ok(0);
                };
                let uids: Vec<Uid> = moving.iter().map(|moving| moving.uid).collect();
                let there = draft.messages(&now, Which::Within(&ranges(&uids)))?;
                for Moving { uid, from, to } in moving {
                    if there.get(*uid).is_none_or(|now| now.record != *from) {
                        continue;
                    }
                    draft.push(Change::Relocated {
                        mailbox: id,
                        uid: *uid,
                        record: to.at,
                        record_len: to.len,
                    })?;
                    said += 1;
                }
                Ok(said)
            })
            .await
    }
}

/// The messages with an INTERNALDATE no later than that whose records are in another partition, and where.
fn elsewhere(mailbox: &OpenMailbox, partition: u16, until: i64) -> Vec<(Uid, Piece)> {
    let old = mailbox.every().filter(|it| it.internal_date.unix <= until);
    let elsewhere = old.filter(|it| it.record.partition() != partition);
    let places = elsewhere.map(|it| {
        let record = Piece {
            at: it.record,
            len: it.record_len,
        };
        (it.uid, record)
    });
    places.collect()
}
