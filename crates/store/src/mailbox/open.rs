//! A mailbox with its messages at hand.

use std::{ops::Deref, sync::Arc};

use crate::{
    id::{ModSeq, Uid},
    mailbox::{Mailbox, Message},
};

/// A [`Mailbox`] whose messages are in memory for as long as this is held: what
/// [`crate::Account::open_mailbox`] gives. A cheap clone; everybody who has the same mailbox open
/// shares its messages. `index`es count from 0 in UID order.
#[derive(Debug, Clone)]
pub struct OpenMailbox {
    mailbox: Arc<Mailbox>,
}

impl Deref for OpenMailbox {
    type Target = Mailbox;

    fn deref(&self) -> &Mailbox {
        &self.mailbox
    }
}

impl OpenMailbox {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox }
    }
    /// Whether both are the same state of the same mailbox; `false` may mean that nobody knows.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mailbox, &other.mailbox)
    }
    /// Whether it has the messages of this very state; `false` may mean that nobody knows.
    #[must_use]
    pub fn is_of(&self, mailbox: &Arc<Mailbox>) -> bool {
        Arc::ptr_eq(&self.mailbox, mailbox)
    }
    /// The message at an index.
    #[must_use]
    pub fn at(&self, index: u32) -> Option<Message<'_>> {
        self.mailbox.placements.at(index)
    }
    /// `Ok(index)` of the message with that UID, or `Err(index)` where it would stand.
    ///
    /// # Errors
    /// As said: the place of a UID that is not there.
    pub fn index_of(&self, uid: Uid) -> Result<u32, u32> {
        self.mailbox.placements.index_of(uid)
    }
    /// The message with that UID.
    #[must_use]
    pub fn get(&self, uid: Uid) -> Option<Message<'_>> {
        self.at(self.index_of(uid).ok()?)
    }
    /// Messages with UIDs `first..=last`, ascending: a sequential walk.
    pub fn range(&self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'_>> {
        self.mailbox.placements.range(first, last)
    }
    /// Every message, ascending.
    pub fn every(&self) -> impl Iterator<Item = Message<'_>> {
        self.range(Uid(1), Uid(u32::MAX))
    }
    /// Messages that changed or arrived after `since`, ascending by UID;
    /// costs by the chunks that hold such.
    pub fn changed_since(&self, since: ModSeq) -> impl Iterator<Item = Message<'_>> {
        self.mailbox.placements.changed_since(since)
    }
    /// UIDs expunged after `since`, as ascending disjoint ranges; `None` if the
    /// record of expunges no longer goes back that far.
    #[must_use]
    pub fn expunged_since(&self, since: ModSeq) -> Option<Vec<(Uid, Uid)>> {
        Some(self.mailbox.history.since(since))
    }
    /// The lowest index of a message without `\Seen`, if any (RFC 3501 `UNSEEN`).
    #[must_use]
    pub fn first_unseen(&self) -> Option<u32> {
        self.mailbox.placements.first_unseen()
    }
}
