//! What this client has been told of its mailbox: the only place that knows its
//! message sequence numbers (RFC 9051 §2.3.1.2).
//!
//! A view holds the newest snapshot taken, and what separates it from what the
//! client knows:
//!
//! * *ghosts*: messages that the snapshot no longer has, but the client still
//!   counts. They keep their numbers, and stay readable from the snapshot that
//!   had them last, until an EXPUNGE or VANISHED response has gone out;
//! * *unannounced* messages: those with UIDs from `announced` on, which have no
//!   number until an EXISTS response has gone out;
//! * *untold* flags: messages whose modseq is above `told`.
//!
//! So [`View::advance`] may be called at any time: it changes no number and no
//! count. Numbers change in [`View::bury_last`], [`View::bury_all`] and
//! [`View::announce`], each called where the response is written, nowhere else.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use imap::UidSet;
use store::{Annotations, Message, ModSeq, OpenMailbox, Uid, Whose, annotation::Setting};

use super::{annotation::Annotated, object_ids::ObjectIds};

/// What a client has been told.
#[derive(Debug)]
pub(crate) struct View {
    /// The newest state taken.
    mailbox: OpenMailbox,
    /// Gone from `mailbox`, still counted by the client; ascending.
    ghosts: Vec<Ghost>,
    /// The client counts messages with UIDs below this.
    announced: u32,
    /// Changes of flags up to this one have been told.
    told: ModSeq,
    /// Everything up to this one, expunges included, has been told.
    complete: ModSeq,
    /// Whose annotations are the client's own.
    whose: Whose,
    /// The annotations of which the client has been told that they changed, or that it has set.
    annotations: Annotations,
    /// Messages whose flags were told at a modseq beyond `told`: what the
    /// command's own responses said. Ascending by UID; empty between commands.
    aware: VecDeque<(u32, ModSeq)>,
    /// UIDs that are `\Recent` in this session; ascending, disjoint.
    recent: Vec<Range<u32>>,
    /// How its object identifiers are told.
    ids: ObjectIds,
}

/// A message that was expunged, and the client does not know.
#[derive(Debug)]
struct Ghost {
    uid: Uid,
    /// The last snapshot that had it.
    last: OpenMailbox,
}

impl View {
    /// The view of a client that is just being told of all messages in `mailbox`.
    pub(crate) fn new(mailbox: OpenMailbox) -> Self {
        Self {
            announced: mailbox.uid_next().0,
            told: mailbox.highest_mod_seq(),
            complete: mailbox.highest_mod_seq(),
            ghosts: Vec::new(),
            aware: VecDeque::new(),
            recent: Vec::new(),
            ids: ObjectIds::default(),
            whose: Whose::Own,
            annotations: mailbox.annotations().clone(),
            mailbox,
        }
    }

    /// Its object identifiers are told so.
    pub(crate) fn with_ids(self, ids: ObjectIds) -> Self {
        Self { ids, ..self }
    }

    /// How its object identifiers are told.
    pub(crate) const fn ids(&self) -> ObjectIds {
        self.ids
    }

    /// The same view of a client to whom annotations of this user are its own.
    pub(crate) fn read_by(self, whose: Whose) -> Self {
        Self { whose, ..self }
    }

    /// The newest state taken. It lacks the ghosts and has the unannounced
    /// messages: for numbers and messages, ask the view.
    pub(crate) fn mailbox(&self) -> &OpenMailbox {
        &self.mailbox
    }

    /// How many messages the client counts: the last EXISTS less the EXPUNGEs since.
    pub(crate) fn len(&self) -> u32 {
        self.place_of(Uid(self.announced)) + number(self.ghosts.len())
    }

    /// The largest UID that the client counts; 0 for none. What `*` means.
    pub(crate) fn largest_uid(&self) -> u32 {
        let living = self
            .place_of(Uid(self.announced))
            .checked_sub(1)
            .and_then(|index| self.mailbox.uid_at(index))
            .map_or(0, |uid| uid.0);
        let ghost = self.ghosts.last().map_or(0, |ghost| ghost.uid.0);
        living.max(ghost)
    }

    /// The sequence number of a message that the client counts. O(log n).
    pub(crate) fn sequence_of(&self, uid: Uid) -> Option<u32> {
        if uid.0 >= self.announced {
            return None;
        }
        match (self.mailbox.index_of(uid), self.ghost_at(uid)) {
            (Ok(index), Err(ghosts)) | (Err(index), Ok(ghosts)) => Some(index + number(ghosts) + 1),
            _ => None,
        }
    }

    /// The UID of a sequence number. O(log² n) while there are ghosts, else O(1).
    pub(crate) fn uid_at(&self, sequence: u32) -> Option<Uid> {
        let rank = sequence.checked_sub(1)?;
        let (mut low, mut high) = (0, self.ghosts.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.ghost_rank(middle)? < rank {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        if self.ghost_rank(low) == Some(rank) {
            return self.ghosts.get(low).map(|ghost| ghost.uid);
        }
        let uid = self.mailbox.uid_at(rank - number(low))?;
        (uid.0 < self.announced).then_some(uid)
    }

    /// The message with that UID, if the client counts it; ghosts included.
    pub(crate) fn message(&self, uid: Uid) -> Option<Message<'_>> {
        if uid.0 >= self.announced {
            return None;
        }
        self.mailbox.get(uid).or_else(|| {
            let ghost = self.ghosts.get(self.ghost_at(uid).ok()?)?;
            ghost.last.get(uid)
        })
    }

    /// The annotations of a message, as the client sees them; of ghosts as they had them last.
    pub(crate) fn annotated(&self, uid: Uid) -> Annotated<'_> {
        let ghost = self.ghost_at(uid).ok().and_then(|at| self.ghosts.get(at));
        let mailbox = ghost.map_or(&self.mailbox, |ghost| &ghost.last);
        Annotated::new(mailbox.annotations().of(uid), self.whose)
    }

    /// The entries of a message that others have changed, and of which the client has not been told.
    pub(crate) fn annotated_otherwise(&self, uid: Uid) -> Vec<Arc<str>> {
        let told = Annotated::new(self.annotations.of(uid), self.whose);
        self.annotated(uid).changed_since(told)
    }

    /// The client has set annotations of a message: it is not told of what it knows.
    pub(crate) fn knows_annotations_of(&mut self, uid: Uid, settings: &[Setting]) {
        for setting in settings {
            let has = self.mailbox.annotations();
            let value = has.get(uid, &setting.entry, setting.whose).cloned();
            let setting = Setting {
                value,
                ..setting.clone()
            };
            self.annotations.set(uid, &setting);
        }
    }

    /// Whether the message was expunged, and the client does not know yet.
    pub(crate) fn is_ghost(&self, uid: Uid) -> bool {
        self.ghost_at(uid).is_ok()
    }

    /// Every message that the client counts, with its sequence number, ascending.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (u32, Message<'_>)> {
        self.between(1, u32::MAX)
    }

    /// The messages of `uids` that the client counts, with their sequence
    /// numbers, ascending: one sequential walk for each range.
    pub(crate) fn messages_in<'a>(
        &'a self,
        uids: &'a UidSet,
    ) -> impl Iterator<Item = (u32, Message<'a>)> {
        uids.ranges()
            .iter()
            .flat_map(|&(first, last)| self.between(first, last))
    }

    /// The same messages, or all, some at a time: what looks at many goes by these, since each of a few is found at
    /// less cost than the next one of an iterator.
    pub(crate) fn batches<'a>(&'a self, uids: Option<&'a UidSet>) -> Batches<'a> {
        Batches {
            view: self,
            ranges: uids.map_or(&[(1, u32::MAX)], UidSet::ranges),
            from: 0,
            sequence: None,
        }
    }

    /// The UIDs of `uids` that the client counts, ascending; ghosts included.
    pub(crate) fn uids_in(&self, uids: &UidSet) -> Vec<Uid> {
        self.messages_in(uids).map(|(_, m)| m.uid).collect()
    }

    /// How many messages of `uids` the client counts; ghosts included.
    pub(crate) fn count_in(&self, uids: &UidSet) -> u64 {
        let ranges = uids.ranges().iter();
        ranges
            .map(|&(first, last)| u64::from(self.counted_to(last) - self.counted_below(first)))
            .sum()
    }

    /// The messages of `uids` that the client counts, from one place among them to another,
    /// both counted from 0: as ranges that hold no other message of theirs.
    pub(crate) fn places_in(&self, uids: &UidSet, places: Range<u64>) -> UidSet {
        let mut before = 0;
        let mut chosen = UidSet::new();
        for &(first, last) in uids.ranges() {
            let (below, to) = (self.counted_below(first), self.counted_to(last));
            let here = u64::from(to - below);
            let from = places.start.max(before);
            let end = places.end.min(before + here);
            if from < end {
                let uid = |place: u64| {
                    let rank = u32::try_from(place - before).ok()?;
                    self.uid_at((below + rank).saturating_add(1))
                };
                if let (Some(first), Some(last)) = (uid(from), uid(end - 1)) {
                    chosen.insert_range(first.0, last.0);
                }
            }
            before += here;
        }
        chosen
    }

    /// Whether the message is `\Recent` in this session (RFC 3501 §2.3.2).
    pub(crate) fn is_recent(&self, uid: Uid) -> bool {
        let after = self.recent.partition_point(|range| range.start <= uid.0);
        after
            .checked_sub(1)
            .and_then(|i| self.recent.get(i))
            .is_some_and(|range| range.contains(&uid.0))
    }

    /// How many of the messages that the client counts are `\Recent`.
    pub(crate) fn recent(&self) -> u32 {
        self.recent
            .iter()
            .map(|range| self.counted_below(range.end) - self.counted_below(range.start))
            .sum()
    }

    /// Takes a newer snapshot: current flags from now on, and what is new waits
    /// to be told. Changes no number. An older or equal one changes nothing.
    pub(crate) fn advance(&mut self, newer: &OpenMailbox) {
        if newer.is(&self.mailbox) || newer.highest_mod_seq() < self.mailbox.highest_mod_seq() {
            return;
        }
        let gone = newer.expunged_since(self.mailbox.highest_mod_seq());
        let before = self.ghosts.len();
        let old = self.mailbox.clone();
        let ghost = |uid| Ghost {
            uid,
            last: old.clone(),
        };
        let last = Uid(self.announced.saturating_sub(1));
        match gone {
            Some(ranges) => self.ghosts.extend(
                ranges
                    .into_iter()
                    .flat_map(|(first, end)| old.range(first, end.min(last)))
                    .map(|message| ghost(message.uid)),
            ),
            // The record of expunges does not go back that far: compare.
            None => self.ghosts.extend(
                old.range(Uid(1), last)
                    .filter(|message| newer.index_of(message.uid).is_err())
                    .map(|message| ghost(message.uid)),
            ),
        }
        if before > 0 && self.ghosts.len() > before {
            // Two sorted runs: near to linear.
            self.ghosts.sort_by_key(|ghost| ghost.uid);
        }
        self.mailbox = newer.clone();
    }

    /// The client has just been told the flags of a message that the newest
    /// state has: they are not told again at the end of the command.
    pub(crate) fn aware_of(&mut self, uid: Uid) {
        if let Some(mod_seq) = self.mailbox.get(uid).map(|message| message.mod_seq) {
            self.aware_at(uid, mod_seq);
        }
    }

    /// The same of one that has this modseq there.
    pub(crate) fn aware_at(&mut self, uid: Uid, mod_seq: ModSeq) {
        if mod_seq <= self.told {
            return;
        }
        // Commands go up or down, mostly.
        let known = (uid.0, mod_seq);
        if self.aware.back().is_none_or(|last| last.0 < uid.0) {
            self.aware.push_back(known);
        } else if self.aware.front().is_none_or(|first| first.0 > uid.0) {
            self.aware.push_front(known);
        } else {
            match self.aware.binary_search_by_key(&uid.0, |known| known.0) {
                Ok(at) => {
                    if let Some(older) = self.aware.get_mut(at) {
                        *older = known;
                    }
                }
                Err(at) => self.aware.insert(at, known),
            }
        }
    }

    /// Whether the client has been told the flags that the message has in this state of it.
    pub(crate) fn knows_flags_of(&self, message: &Message<'_>) -> bool {
        let known = (message.uid.0, message.mod_seq);
        message.mod_seq <= self.told
            || self
                .aware
                .binary_search_by_key(&known.0, |it| it.0)
                .is_ok_and(|at| self.aware.get(at) == Some(&known))
    }

    /// Messages whose flags changed and that the client has not been told, with
    /// their sequence numbers. Neither ghosts nor unannounced messages.
    pub(crate) fn untold(&self) -> impl Iterator<Item = (u32, Message<'_>)> {
        // Both ascend.
        let mut aware = self.aware.iter().peekable();
        self.mailbox
            .changed_since(self.told)
            .filter(move |message| {
                while aware.next_if(|known| known.0 < message.uid.0).is_some() {}
                aware.peek() != Some(&&(message.uid.0, message.mod_seq))
            })
            .filter_map(|message| Some((self.sequence_of(message.uid)?, message)))
    }

    /// All flags and annotations up to the newest state have been told.
    pub(crate) fn flags_told(&mut self) {
        self.annotations = self.mailbox.annotations().clone();
        self.told = self.mailbox.highest_mod_seq();
        if self.ghosts.is_empty() {
            self.complete = self.told;
        }
        // Its room, too: an idle session is not to keep what a change of a whole mailbox took.
        self.aware = VecDeque::new();
    }

    /// Messages of which anything changed since the client was last told. No ghosts; some may be unannounced, and
    /// have no sequence number.
    pub(crate) fn changed(&self) -> impl Iterator<Item = Message<'_>> {
        self.mailbox.changed_since(self.told)
    }

    /// The modseq up to which the client has been told of flags.
    pub(crate) fn told(&self) -> ModSeq {
        self.told
    }

    /// The modseq up to which the client has been told everything, expunges included.
    pub(crate) fn complete_to(&self) -> ModSeq {
        self.complete
    }

    /// Whether anything waits to be told. May be wrong in the one way that costs
    /// nothing: telling may then find that there is nothing to say.
    pub(crate) fn has_news(&self) -> bool {
        self.has_ghosts() || self.has_untold() || self.has_unannounced()
    }

    /// Whether there may be flags that the client has not been told.
    pub(crate) fn has_untold(&self) -> bool {
        self.mailbox.highest_mod_seq() > self.told
    }

    /// Whether there are expunged messages that the client still counts.
    pub(crate) fn has_ghosts(&self) -> bool {
        !self.ghosts.is_empty()
    }

    /// The UIDs of those.
    pub(crate) fn ghosts(&self) -> UidSet {
        self.ghosts.iter().map(|ghost| ghost.uid.0).collect()
    }

    /// The client counts messages with UIDs below this.
    pub(crate) fn announced(&self) -> u32 {
        self.announced
    }

    /// Whether there are messages that the client does not count yet.
    pub(crate) fn has_unannounced(&self) -> bool {
        self.place_of(Uid(self.announced)) < self.mailbox.len()
    }

    /// Counts all messages of the newest state: EXISTS with [`View::len`] is being written. Gives the UIDs that
    /// new ones have.
    pub(crate) fn announce(&mut self) -> Range<u32> {
        let before = self.announced;
        self.announced = before.max(self.mailbox.uid_next().0);
        before..self.announced
    }

    /// Makes UIDs `\Recent` in this session: a range that was claimed for it.
    pub(crate) fn make_recent(&mut self, uids: Range<u32>) {
        if uids.is_empty() {
            return;
        }
        match self.recent.last_mut() {
            Some(last) if last.end >= uids.start => last.end = last.end.max(uids.end),
            _ => self.recent.push(uids),
        }
    }

    /// Stops counting the last ghost: EXPUNGE with the number given back is being
    /// written. From the last to the first, so that each number is the one by which the
    /// client knows the message.
    pub(crate) fn bury_last(&mut self) -> Option<u32> {
        let ghosts = number(self.ghosts.len());
        let ghost = self.ghosts.pop()?;
        Some(self.place_of(ghost.uid) + ghosts)
    }

    /// Stops counting all ghosts: VANISHED with the UIDs given back is being written.
    pub(crate) fn bury_all(&mut self) -> UidSet {
        self.ghosts.drain(..).map(|ghost| ghost.uid.0).collect()
    }

    /// Messages that the client counts with UIDs `first..=last`, with their
    /// sequence numbers: living and ghosts merged.
    fn between(&self, first: u32, last: u32) -> impl Iterator<Item = (u32, Message<'_>)> {
        let last = last.min(self.announced.saturating_sub(1));
        let from = self.ghosts.partition_point(|ghost| ghost.uid.0 < first);
        let mut sequence = self.place_of(Uid(first)) + number(from);
        let mut living = self.mailbox.range(Uid(first), Uid(last)).peekable();
        let mut ghosts = self
            .ghosts
            .get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(move |ghost| ghost.uid.0 <= last)
            .filter_map(|ghost| ghost.last.get(ghost.uid))
            .peekable();
        std::iter::from_fn(move || {
            let message = match (living.peek(), ghosts.peek()) {
                (Some(alive), Some(ghost)) if ghost.uid < alive.uid => ghosts.next(),
                (Some(_), _) => living.next(),
                (None, _) => ghosts.next(),
            }?;
            sequence += 1;
            Some((sequence, message))
        })
    }

    /// The first messages of those, `max` at most. `before` is the number of the message before them, if known.
    fn some_between<'a>(
        &'a self,
        (first, last): (u32, u32),
        before: Option<u32>,
        max: usize,
        into: &mut Vec<(u32, Message<'a>)>,
    ) {
        if self.has_ghosts() {
            into.extend(self.between(first, last).take(max));
            return;
        }
        let mut sequence = before.unwrap_or_else(|| self.place_of(Uid(first)));
        let living = self.mailbox.range(Uid(first), Uid(last)).take(max);
        // Not by `extend`: from within, the walk is a loop in a loop.
        living.for_each(|message| {
            sequence += 1;
            into.push((sequence, message));
        });
    }

    /// How many messages with smaller UIDs the client counts.
    fn counted_below(&self, uid: u32) -> u32 {
        let uid = Uid(uid.min(self.announced));
        let ghosts = self.ghosts.partition_point(|ghost| ghost.uid < uid);
        self.place_of(uid) + number(ghosts)
    }

    /// How many messages with UIDs up to this one the client counts.
    fn counted_to(&self, uid: u32) -> u32 {
        self.counted_below(uid.saturating_add(1))
    }

    /// How many messages of the newest state have smaller UIDs.
    fn place_of(&self, uid: Uid) -> u32 {
        match self.mailbox.index_of(uid) {
            Ok(index) | Err(index) => index,
        }
    }

    /// Where the ghost is, or would be.
    fn ghost_at(&self, uid: Uid) -> Result<usize, usize> {
        self.ghosts.binary_search_by_key(&uid, |ghost| ghost.uid)
    }

    /// How many messages the client counts before the ghost at `position`.
    fn ghost_rank(&self, position: usize) -> Option<u32> {
        let ghost = self.ghosts.get(position)?;
        Some(self.place_of(ghost.uid) + number(position))
    }
}

/// Messages that a client counts, some at a time.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    view: &'a View,
    /// What is left: the first of these from `from` on, and the others.
    ranges: &'a [(u32, u32)],
    from: u32,
    /// The number of the message before, if the next one follows it.
    sequence: Option<u32>,
}

impl<'a> Batches<'a> {
    /// Puts the next ones into `into`, with their sequence numbers, ascending, `max` at most; none when there are no
    /// more.
    pub(crate) fn next(&mut self, max: usize, into: &mut Vec<(u32, Message<'a>)>) {
        into.clear();
        while let Some((&(first, last), rest)) = self.ranges.split_first() {
            let (from, before) = (first.max(self.from), into.len());
            let last = last.min(self.view.announced.saturating_sub(1));
            let room = max - before;
            if from <= last {
                let view = self.view;
                view.some_between((from, last), self.sequence, room, into);
            }
            match into.last() {
                Some((sequence, message)) if into.len() == max => {
                    self.from = message.uid.0.saturating_add(1);
                    self.sequence = Some(*sequence);
                    return;
                }
                _ => (self.ranges, self.from, self.sequence) = (rest, 0, None),
            }
        }
    }
}

/// There are never more than `u32::MAX` messages.
fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
