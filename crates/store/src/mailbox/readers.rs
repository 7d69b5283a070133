//! Those who read a mailbox that is not their own, and what is kept for each: what they have seen, and
//! what no session of theirs was told of as `\Recent`.

use std::sync::Arc;

use crate::{
    id::{AccountId, ModSeq, Uid},
    mailbox::{
        Counters, Mailbox,
        cell::Cell,
        placements::Unread,
        seen::{Seen, SeenBy, below},
    },
    metadata::Metadata,
    shelves::Shelves,
};

/// The entry of metadata that says whether a mailbox has one `\Seen` for everybody.
pub const SHARED_SEEN: &str = "/shared/vendor/chapar/shared-seen";

/// Every reader of a mailbox that ever said anything.
pub(crate) type Readers = Shelves<AccountId, Reader>;

/// A reader of a mailbox.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// What is known of it without reading it.
    pub(crate) about: About,
    /// What they have seen.
    pub(crate) cell: Arc<Cell<Seen>>,
}

/// What is known of a reader at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About {
    /// Messages that they have seen.
    pub(crate) seen: u32,
    /// The last time that any of that changed; 0: never.
    pub(crate) mod_seq: ModSeq,
    /// Spans of [`Seen`].
    pub(crate) spans: u32,
    /// The first UID that is `\Recent` for none of their sessions.
    pub(crate) recent_from: Uid,
    /// Messages below it.
    pub(crate) not_recent: u32,
}

/// A mailbox as one reader is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// MESSAGES, UNSEEN, DELETED, SIZE.
    pub counters: Counters,
    /// HIGHESTMODSEQ: never 0.
    pub highest_mod_seq: ModSeq,
    /// Messages that are `\Recent` for a session of theirs that would claim them now.
    pub recent: u32,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            about: About {
                seen: 0,
                mod_seq: ModSeq(0),
                spans: 0,
                recent_from: Uid(1),
                not_recent: 0,
            },
            cell: Arc::default(),
        }
    }
}

impl Reader {
    /// One whose [`Seen`] the checkpoint has.
    pub(crate) fn kept(about: About) -> Self {
        let cell = if about.spans == 0 {
            Arc::default()
        } else {
            Arc::new(Cell::kept())
        };
        Self { about, cell }
    }

    /// Whether this is what such a reader has seen.
    pub(crate) fn is(&self, seen: &Seen) -> bool {
        let last = seen.spans().iter().map(|span| span.mod_seq).max();
        let about = &self.about;
        let spans = seen.spans().len() == about.spans as usize;
        spans && seen.count() == about.seen && last.is_none_or(|last| last <= about.mod_seq)
    }

    /// Says of messages that are seen, or are not.
    ///
    /// # Errors
    /// [`Unread`]
    pub(crate) fn set(
        &mut self,
        uids: &[(Uid, Uid)],
        seen: bool,
        mod_seq: ModSeq,
    ) -> Result<(), Unread> {
        self.change(|all| all.set(uids, seen, mod_seq))?;
        self.about.mod_seq = mod_seq;
        Ok(())
    }

    /// Whether anything was ever said of some of these messages, as far as that is in memory.
    pub(crate) fn knows_any(&self, uids: &[(Uid, Uid)]) -> bool {
        let About {
            recent_from,
            not_recent,
            ..
        } = self.about;
        let seen = || self.cell.get().is_some_and(|seen| seen.knows_any(uids));
        not_recent > 0 && below(uids, recent_from) > 0 || seen()
    }

    /// Messages are gone.
    ///
    /// # Errors
    /// [`Unread`]
    pub(crate) fn forget(&mut self, uids: &[(Uid, Uid)]) -> Result<(), Unread> {
        self.about.not_recent -= below(uids, self.about.recent_from).min(self.about.not_recent);
        if self.about.spans == 0 {
            return Ok(());
        }
        self.change(|all| all.forget(uids))
    }

    fn change(&mut self, change: impl FnOnce(&mut Seen)) -> Result<(), Unread> {
        let seen = Cell::make_mut(&mut self.cell, Seen::clone).ok_or(Unread)?;
        change(seen);
        self.about.seen = seen.count();
        self.about.spans = u32::try_from(seen.spans().len()).unwrap_or(u32::MAX);
        Ok(())
    }
}

impl Mailbox {
    /// Whether it has one `\Seen` for everybody: that of its messages' flags.
    #[must_use]
    pub fn shares_seen(&self) -> bool {
        shares_seen(&self.metadata)
    }

    /// The mailbox as somebody is told of it: its owner (`None`), or another reader.
    #[must_use]
    pub fn status(&self, reader: Option<AccountId>) -> Status {
        let mut status = Status {
            counters: self.counters,
            highest_mod_seq: self.highest_mod_seq,
            recent: self.recent,
        };
        let Some(reader) = reader else {
            return status;
        };
        let about = self.readers.get(&reader).map(|it| it.about);
        let about = about.unwrap_or(Reader::default().about);
        if !self.shares_seen() {
            status.counters.unseen = status.counters.messages.saturating_sub(about.seen);
            status.highest_mod_seq = status.highest_mod_seq.max(about.mod_seq);
        }
        status.recent = self.counters.messages.saturating_sub(about.not_recent);
        status
    }

    /// What a reader has seen of it; `None` if it is not in memory.
    pub(crate) fn seen_by(&self, reader: AccountId) -> Option<SeenBy> {
        if self.shares_seen() {
            return Some(SeenBy::Everybody);
        }
        let seen = match self.readers.get(&reader) {
            None => Arc::default(),
            Some(reader) => reader.cell.get()?,
        };
        Some(SeenBy::Themselves(seen))
    }

    /// The first UID that is `\Recent` for no session of the owner (`None`), or of another reader.
    pub(crate) fn recent_from(&self, reader: Option<AccountId>) -> Uid {
        let Some(reader) = reader else {
            return self.recent_from;
        };
        let reader = self.readers.get(&reader);
        reader.map_or(Uid(1), |reader| reader.about.recent_from)
    }

    /// Everybody but the owner who has ever seen anything of it: who, how many of its messages, and the
    /// modseq of the last change of that.
    pub fn readers(&self) -> impl Iterator<Item = (AccountId, u32, ModSeq)> {
        let all = self.readers.iter();
        all.map(|(id, reader)| (*id, reader.about.seen, reader.about.mod_seq))
    }
}

pub(crate) fn shares_seen(metadata: &Metadata) -> bool {
    let said = metadata.get(None, SHARED_SEEN);
    said.is_some_and(|value| value.eq_ignore_ascii_case(b"true"))
}
