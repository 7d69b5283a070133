//! A mailbox with its messages at hand.

use std::{
    collections::BTreeMap,
    ops::{Deref, Range},
    sync::Arc,
};

use crate::{
    checkpoint::Source,
    flag::SystemFlags,
    id::{AccountId, ModSeq, Uid},
    mailbox::{
        Counters, Mailbox, Message, Status, Wanted,
        history::{Gone, Recent},
        rows::{Reading, Rows, Stretch},
        seen::{Eye, SeenBy},
    },
};

/// A [`Mailbox`] whose messages are in memory for as long as this is held: what
/// [`crate::Account::open_mailbox`] gives. A cheap clone; everybody who has the same mailbox open
/// shares its messages. `index`es count from 0 in UID order.
///
/// What [`crate::Account::enter_mailbox`] gives has its messages in memory from when they are held, by
/// [`crate::Account::hold`], or first looked at, which then waits for the disk.
///
/// # Panics
/// Where messages that nobody holds are looked at and can't be read: they are not said to be missing.
///
/// It is as one reader is told of it: flags and modseqs, HIGHESTMODSEQ and counters.
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
    /// Whose eyes these are, if not the owner's.
    reader: Option<Reader>,
    /// Where messages are that are not in memory.
    source: Option<Source>,
}

#[derive(Debug)]
struct Reader {
    id: AccountId,
    seen: SeenBy,
}

impl Deref for OpenMailbox {
    type Target = Mailbox;

    fn deref(&self) -> &Mailbox {
        &self.held.mailbox
    }
}

impl OpenMailbox {
    /// The mailbox for its owner (`None`) or another reader, with what is in memory of its messages; `None` if
    /// something else of it is not.
    pub(crate) fn gather(
        mailbox: &Arc<Mailbox>,
        reader: Option<AccountId>,
        source: Option<Source>,
    ) -> Option<Self> {
        let held = Held {
            source,
            rows: mailbox.placements.rows(),
            gone: mailbox.history.recent()?,
            reader: match reader {
                None => None,
                Some(id) => Some(Reader {
                    id,
                    seen: mailbox.seen_by(id)?,
                }),
            },
            mailbox: Arc::clone(mailbox),
        };
        Some(Self {
            held: Arc::new(held),
        })
    }

    /// The state that it is of.
    pub(crate) fn state(&self) -> &Arc<Mailbox> {
        &self.held.mailbox
    }

    fn reading(&self) -> Reading<'_> {
        Reading::new(
            &self.held.mailbox,
            &self.held.rows,
            self.held.source.as_ref(),
        )
    }

    /// What is wanted of its messages and not in memory. What is found there stays.
    pub(crate) fn unread(&self, wants: &impl Fn(&Stretch) -> bool) -> Vec<Wanted> {
        let told = self.told_of_stretch();
        let unread = self.reading().unread(&|some| wants(&told(some)));
        unread.into_iter().map(|entry| self.wanted(entry)).collect()
    }

    /// Whether all its messages are in memory.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.reading().unread(&|_| true).is_empty()
    }

    /// The reader's eye; the owner sees what is there.
    fn eye(&self) -> Option<Eye<'_>> {
        let reader = self.held.reader.as_ref()?;
        Some(Eye {
            seen: reader.seen.own(),
            since: self.held.mailbox.seen_since,
        })
    }

    /// What there is of a message, for whoever looks.
    fn told<'a>(&'a self) -> impl Fn(Message<'a>) -> Message<'a> + use<'a> {
        let eye = self.eye();
        move |message| eye.map_or(message, |eye| eye.on(message))
    }

    /// What there is of neighbouring messages, for whoever looks.
    fn told_of_stretch(&self) -> impl Fn(&Stretch) -> Stretch + use<'_> {
        let eye = self.eye();
        move |some| eye.map_or_else(|| some.clone(), |eye| eye.on_stretch(some))
    }

    fn status(&self) -> Status {
        let reader = self.held.reader.as_ref();
        self.held.mailbox.status(reader.map(|reader| reader.id))
    }

    /// MESSAGES, UNSEEN, DELETED, SIZE.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.status().counters
    }
    /// HIGHESTMODSEQ: never 0.
    #[must_use]
    pub fn highest_mod_seq(&self) -> ModSeq {
        self.status().highest_mod_seq
    }
    /// How many messages are `\Recent` for a session that would claim them now.
    #[must_use]
    pub fn recent(&self) -> u32 {
        self.status().recent
    }
    /// Whether both are the same state of the same mailbox, for the same reader; `false` may mean that nobody
    /// knows.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        let reader = |it: &Self| it.held.reader.as_ref().map(|reader| reader.id);
        Arc::ptr_eq(&self.held.mailbox, &other.held.mailbox) && reader(self) == reader(other)
    }
    /// Whether it has the messages of this very state; `false` may mean that nobody knows.
    #[must_use]
    pub fn is_of(&self, mailbox: &Arc<Mailbox>) -> bool {
        Arc::ptr_eq(&self.held.mailbox, mailbox)
    }
    /// The message at an index.
    #[must_use]
    pub fn at(&self, index: u32) -> Option<Message<'_>> {
        self.reading().at(index).map(self.told())
    }
    /// The UID of the message at an index: mostly known without a look at the message.
    #[must_use]
    pub fn uid_at(&self, index: u32) -> Option<Uid> {
        self.reading().uid_at(index)
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
        self.reading().get(uid).map(self.told())
    }
    /// Finds messages by UID, one after the other: cheaper than each by itself where they are neighbours.
    pub fn in_turn<'a>(&'a self) -> impl FnMut(Uid) -> Option<Message<'a>> {
        let (mut find, told) = (self.reading().in_turn(), self.told());
        move |uid| find(uid).map(&told)
    }
    /// Messages with UIDs `first..=last`, ascending: a sequential walk.
    pub fn range(&self, first: Uid, last: Uid) -> impl Iterator<Item = Message<'_>> {
        self.reading().range(first, last).map(self.told())
    }
    /// Every message, ascending.
    pub fn every(&self) -> impl Iterator<Item = Message<'_>> {
        self.range(Uid(1), Uid(u32::MAX))
    }
    /// Messages that changed or arrived after `since`, ascending by UID;
    /// costs by the chunks that hold such.
    pub fn changed_since(&self, since: ModSeq) -> impl Iterator<Item = Message<'_>> {
        let owner = self.eye().is_none();
        let changed = owner.then(|| self.reading().changed_since(since));
        let told = self.eye().map(|eye| self.told_since(eye, since));
        changed
            .into_iter()
            .flatten()
            .chain(told.into_iter().flatten())
    }

    /// What changed for a reader: the messages, or what they have seen of them.
    fn told_since(&self, eye: Eye<'_>, since: ModSeq) -> impl Iterator<Item = Message<'_>> {
        let reading = self.reading();
        // When `\Seen` became everybody's, or no more, any of them may have changed.
        let rows_since = if since < eye.since { ModSeq(0) } else { since };
        let mut changed: BTreeMap<Uid, Message<'_>> = BTreeMap::new();
        let seen = eye.seen.iter().flat_map(|seen| seen.since(since));
        let seen = seen.flat_map(|span| reading.range(span.first, span.last));
        for message in reading.changed_since(rows_since).chain(seen) {
            changed.insert(message.uid, message);
        }
        changed.into_values().map(self.told())
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
    /// The first neighbours of which one is without `\Seen`.
    fn unseen_in(&self) -> Option<Stretch> {
        let told = self.told_of_stretch();
        let mut all = self.reading().stretches().map(|some| told(&some));
        all.find(|some| some.unseen > 0)
    }
    /// The indexes of the messages among which the first without `\Seen` is, if that takes a look at them.
    #[must_use]
    pub fn unseen_within(&self) -> Option<Range<u32>> {
        let some = self.unseen_in()?;
        let all = some.unseen as usize == some.indexes.len();
        (!all).then_some(some.indexes)
    }
    /// The lowest index of a message without `\Seen`, if any (RFC 3501 `UNSEEN`).
    #[must_use]
    pub fn first_unseen(&self) -> Option<u32> {
        let some = self.unseen_in()?;
        let mut indexes = some.indexes;
        if some.unseen as usize == indexes.len() {
            return Some(indexes.start);
        }
        let mut messages = self.range(some.first, some.last);
        indexes.find(|_| {
            let next = messages.next();
            next.is_some_and(|message| !message.system.contains(SystemFlags::SEEN))
        })
    }
}
