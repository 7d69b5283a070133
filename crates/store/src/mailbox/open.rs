//! A mailbox with its messages at hand.

use std::{ops::Deref, sync::Arc};

use crate::{
    id::{ModSeq, Uid},
    mailbox::{
        Mailbox, Message,
        history::{Gone, Recent},
        rows::{Reading, Rows},
    },
};

/// A [`Mailbox`] whose messages are in memory for as long as this is held: what
/// [`crate::Account::open_mailbox`] gives. A cheap clone; everybody who has the same mailbox open
/// shares its messages. `index`es count from 0 in UID order.
#[derive(Debug, Clone)]
pub struct OpenMailbox {
    held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
    mailbox: Arc<Mailbox>,
    /// Gathered from that very mailbox.
    rows: Rows,
    gone: Recent,
}

impl Deref for OpenMailbox {
    type Target = Mailbox;

    fn deref(&self) -> &Mailbox {
        &self.held.mailbox
    }
}

impl OpenMailbox {
    /// `None` if some of it is not in memory.
    pub(super) fn gather(mailbox: &Arc<Mailbox>) -> Option<Self> {
        let held = Held {
            rows: mailbox.placements.rows()?,
            gone: mailbox.history.recent()?,
            mailbox: Arc::clone(mailbox),
        };
        Some(Self {
            held: Arc::new(held),
        })
    }

    fn reading(&self) -> Reading<'_> {
        Reading::new(&self.held.mailbox.placements, &self.held.rows)
    }

    /// Whether both are the same state of the same mailbox; `false` may mean that nobody knows.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.held.mailbox, &other.held.mailbox)
    }
    /// Whether it has the messages of this very state; `false` may mean that nobody knows.
    #[must_use]
    pub fn is_of(&self, mailbox: &Arc<Mailbox>) -> bool {
        Arc::ptr_eq(&self.held.mailbox, mailbox)
    }
    /// The message at an index.
    #[must_use]
    pub fn at(&self, index: u32) -> Option<Message<'_>> {
        self.reading().at(index)
    }
    /// `Ok(index)` of the message with that UID, or `Err(index)` where it would stand.
    ///
    /// # Errors
    /// As said: the place of a UID that is not there.
    pub fn index_of(&self, uid: Uid) -> Result<u32, u32> {
        self.reading().index_of(uid)
    }
    /// The message with that UID.
    #[must_use]
    pub fn get(&self, uid: Uid) -> Option<Message<'_>> {
        self.reading().get(uid)
    }
    /// Messages with UIDs `first..=last`, ascending: a sequential walk.
    pub fn range(&self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'_>> {
        self.reading().range(first, last)
    }
    /// Every message, ascending.
    pub fn every(&self) -> impl Iterator<Item = Message<'_>> {
        self.range(Uid(1), Uid(u32::MAX))
    }
    /// Messages that changed or arrived after `since`, ascending by UID;
    /// costs by the chunks that hold such.
    pub fn changed_since(&self, since: ModSeq) -> impl Iterator<Item = Message<'_>> {
        self.reading().changed_since(since)
    }
    /// UIDs expunged after `since`, as ascending disjoint ranges; `None` if the
    /// record of expunges at hand does not go back that far.
    #[must_use]
    pub fn expunged_since(&self, since: ModSeq) -> Option<Vec<(Uid, Uid)>> {
        self.held.gone.since(since)
    }
    /// Every expunge in the record at hand, in the order of time.
    pub(crate) fn gone(&self) -> impl Iterator<Item = &Gone> {
        self.held.gone.every()
    }
    /// The lowest index of a message without `\Seen`, if any (RFC 3501 `UNSEEN`).
    #[must_use]
    pub fn first_unseen(&self) -> Option<u32> {
        self.reading().first_unseen()
    }
}
