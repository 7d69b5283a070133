//! What somebody who reads another's mailbox has seen of it: `\Seen` belongs to each reader
//! (RFC 4314 §4, "s"), while the flags of the messages themselves are everybody's.

use std::{ops::Range, sync::Arc};

use crate::{
    flag::SystemFlags,
    id::{ModSeq, Uid},
    mailbox::{Message, Stretch},
};

/// Changes that are kept apart from their neighbours. What is older is told no more precisely than a whole
/// stretch of messages, or somebody who has read a mailbox message by message would cost as much as the mailbox.
const PRECISE_BATCHES: u64 = 1000;

/// Neighbouring messages that a reader has seen, or no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) first: Uid,
    pub(crate) last: Uid,
    /// When that was said of them; of some of them it may have been earlier.
    pub(crate) mod_seq: ModSeq,
    pub(crate) seen: bool,
}

/// All that one reader has ever said of the messages that are there. Of no others: so it is never larger
/// than the mailbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Ascending, disjoint.
    spans: Vec<Span>,
}

impl Span {
    pub(crate) fn len(&self) -> u32 {
        self.last.0 - self.first.0 + 1
    }

    /// Takes up the span that follows, if nobody can want to tell them apart.
    fn join(&mut self, next: &Self, precise_from: ModSeq) -> bool {
        let touch = self.last.0.checked_add(1) == Some(next.first.0);
        let old = self.mod_seq.max(next.mod_seq) < precise_from;
        let joins = touch && self.seen == next.seen && (old || self.mod_seq == next.mod_seq);
        if joins {
            self.last = next.last;
            self.mod_seq = self.mod_seq.max(next.mod_seq);
        }
        joins
    }
}

impl Seen {
    /// Puts together what a checkpoint kept; `None` if it can't be.
    pub(crate) fn from_spans(spans: Vec<Span>) -> Option<Self> {
        let within = |span: &Span| span.first.0 > 0 && span.first <= span.last;
        let ascend = |a: &Span, b: &Span| a.last < b.first;
        (spans.iter().all(within) && spans.is_sorted_by(ascend)).then_some(Self { spans })
    }

    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// How many messages are seen.
    pub(crate) fn count(&self) -> u32 {
        let seen = self.spans.iter().filter(|span| span.seen);
        seen.map(Span::len).sum()
    }

    /// What was said of a message, if anything.
    pub(crate) fn of(&self, uid: Uid) -> Option<&Span> {
        let at = self.spans.partition_point(|span| span.last < uid);
        self.spans.get(at).filter(|span| span.first <= uid)
    }

    /// Whether anything was said of some of these messages (ascending, disjoint).
    pub(crate) fn knows_any(&self, uids: &[(Uid, Uid)]) -> bool {
        uids.iter().any(|&(first, last)| {
            let at = self.spans.partition_point(|span| span.last < first);
            self.spans.get(at).is_some_and(|span| span.first <= last)
        })
    }

    /// The spans that have some of these messages, or lie between such.
    fn touched(&self, uids: &[(Uid, Uid)]) -> Range<usize> {
        let (Some((first, _)), Some((_, last))) = (uids.first(), uids.last()) else {
            return 0..0;
        };
        let from = self.spans.partition_point(|span| span.last < *first);
        let to = self.spans.partition_point(|span| span.first <= *last);
        from..to.max(from)
    }

    /// The spans that have some of these messages.
    fn within(&self, first: Uid, last: Uid) -> impl Iterator<Item = &Span> {
        let from = self.spans.partition_point(|span| span.last < first);
        let spans = self.spans.get(from..).unwrap_or_default().iter();
        spans.take_while(move |span| span.first <= last)
    }

    /// The spans of which something was said after `since`.
    pub(crate) fn since(&self, since: ModSeq) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |span| span.mod_seq > since)
    }

    /// Says of messages in `uids` (ascending, disjoint) that they are seen, or are not.
    pub(crate) fn set(&mut self, uids: &[(Uid, Uid)], seen: bool, mod_seq: ModSeq) {
        let touched = self.touched(uids);
        let mut spans = without(self.spans.get(touched.clone()).unwrap_or_default(), uids);
        spans.extend(uids.iter().map(|&(first, last)| Span {
            first,
            last,
            mod_seq,
            seen,
        }));
        spans.sort_unstable_by_key(|span| span.first);
        self.spans.splice(touched, spans);
        let precise_from = ModSeq(mod_seq.0.saturating_sub(PRECISE_BATCHES));
        self.spans
            .dedup_by(|next, last| last.join(next, precise_from));
    }

    /// Messages are gone.
    pub(crate) fn forget(&mut self, uids: &[(Uid, Uid)]) {
        let touched = self.touched(uids);
        let left = without(self.spans.get(touched.clone()).unwrap_or_default(), uids);
        self.spans.splice(touched, left);
    }
}

/// Spans without what is in `uids` (ascending, disjoint).
fn without(spans: &[Span], uids: &[(Uid, Uid)]) -> Vec<Span> {
    let mut left = Vec::with_capacity(spans.len() + uids.len());
    let mut uids = uids.iter().peekable();
    for span in spans {
        let mut rest = *span;
        // Ranges that end before this span end before all that follow.
        while uids.next_if(|(_, last)| *last < rest.first).is_some() {}
        let mut is_left = true;
        while let Some(&&(first, last)) = uids.peek() {
            if first > rest.last {
                break;
            }
            if first > rest.first {
                left.push(Span {
                    last: Uid(first.0 - 1),
                    ..rest
                });
            }
            if last >= rest.last {
                // The range may reach into the next span too.
                is_left = false;
                break;
            }
            rest.first = Uid(last.0 + 1);
            uids.next();
        }
        if is_left {
            left.push(rest);
        }
    }
    left
}

/// What says which messages a reader has seen.
#[derive(Debug, Clone)]
pub(crate) enum SeenBy {
    /// The messages' flags: `\Seen` is everybody's.
    Everybody,
    /// What they have seen themselves.
    Themselves(Arc<Seen>),
}

impl SeenBy {
    /// What they have seen themselves, where that counts.
    pub(crate) fn own(&self) -> Option<&Seen> {
        match self {
            Self::Everybody => None,
            Self::Themselves(seen) => Some(seen),
        }
    }
}

/// A reader's way to look at messages that are somebody else's, or everybody's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eye<'a> {
    /// What they have seen themselves; `None` where `\Seen` is everybody's.
    pub(crate) seen: Option<&'a Seen>,
    /// Since when it is one or the other: until then another `\Seen` was told.
    pub(crate) since: ModSeq,
}

impl Eye<'_> {
    /// The message as the reader is told of it.
    pub(crate) fn on<'m>(&self, message: Message<'m>) -> Message<'m> {
        let mut told = message;
        told.mod_seq = told.mod_seq.max(self.since);
        if let Some(seen) = self.seen {
            let said = seen.of(message.uid);
            told.mod_seq = said.map_or(told.mod_seq, |span| told.mod_seq.max(span.mod_seq));
            told.system = told.system.without(SystemFlags::SEEN);
            if said.is_some_and(|span| span.seen) {
                told.system = told.system.with(SystemFlags::SEEN);
            }
        }
        told
    }

    /// Neighbouring messages as the reader is told of them.
    pub(crate) fn on_stretch(&self, some: &Stretch) -> Stretch {
        let mut told = some.clone();
        told.mod_seq_max = told.mod_seq_max.max(self.since);
        if let Some(seen) = self.seen {
            told.unseen = told.indexes.end - told.indexes.start;
            for span in seen.within(told.first, told.last) {
                told.mod_seq_max = told.mod_seq_max.max(span.mod_seq);
                if span.seen {
                    // Whatever is in a span is there.
                    let (first, last) = (span.first.max(told.first), span.last.min(told.last));
                    told.unseen = told.unseen.saturating_sub(last.0 - first.0 + 1);
                }
            }
        }
        told
    }
}

/// How many UIDs of `ranges` are below one.
pub(crate) fn below(ranges: &[(Uid, Uid)], uid: Uid) -> u32 {
    let below = ranges.iter().take_while(|(first, _)| *first < uid);
    below
        .map(|(first, last)| (last.0.min(uid.0 - 1)) - first.0 + 1)
        .sum()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::octets::UidRanges;
    use crate::octets::extend_ranges;

    fn ranges(uids: impl IntoIterator<Item = u32>) -> UidRanges {
        let mut ranges = UidRanges::new();
        uids.into_iter()
            .for_each(|uid| extend_ranges(&mut ranges, Uid(uid)));
        ranges
    }

    #[test]
    fn it_is_what_was_said_last_of_each_message() {
        let mut rng = fastrand::Rng::with_seed(4314);
        for _ in 0..200 {
            let mut seen = Seen::default();
            let mut model: BTreeMap<u32, (bool, u64)> = BTreeMap::new();
            for mod_seq in 1..60 {
                let share = rng.f64();
                let uids: Vec<u32> = (1..40).filter(|_| rng.f64() < share).collect();
                let some = ranges(uids.iter().copied());
                if rng.u8(..4) == 0 {
                    seen.forget(&some);
                    model.retain(|uid, _| !uids.contains(uid));
                } else {
                    let is_seen = rng.bool();
                    seen.set(&some, is_seen, ModSeq(mod_seq));
                    model.extend(uids.iter().map(|uid| (*uid, (is_seen, mod_seq))));
                }
                assert!(Seen::from_spans(seen.spans.clone()).is_some(), "{seen:?}");
                for uid in 1..40 {
                    let said = seen.of(Uid(uid)).map(|it| (it.seen, it.mod_seq.0));
                    assert_eq!(said, model.get(&uid).copied(), "{uid} of {seen:?}");
                }
                let count = model.values().filter(|(seen, _)| *seen).count();
                assert_eq!(seen.count() as usize, count);
            }
        }
    }

    #[test]
    fn what_was_said_long_ago_is_told_of_whole_stretches() {
        let mut seen = Seen::default();
        for n in 1..=5000_u32 {
            seen.set(&ranges([n]), true, ModSeq(n.into()));
        }
        assert_eq!(seen.count(), 5000);
        let spans = u64::try_from(seen.spans.len()).unwrap();
        assert!(spans <= PRECISE_BATCHES + 2, "{spans}");
        // Nobody is told too little.
        for n in 1..=5000 {
            let said = seen.of(Uid(n)).unwrap();
            assert!(said.seen && said.mod_seq.0 >= u64::from(n));
        }
        assert_eq!(seen.since(ModSeq(4999)).count(), 1);
    }

    #[test]
    fn ranges_are_counted_below_a_uid() {
        let a = ranges([1, 2, 3, 7, 8, 20]);
        for (uid, count) in [(0, 0), (1, 0), (2, 1), (4, 3), (8, 4), (21, 6)] {
            assert_eq!(below(&a, Uid(uid)), count, "{uid}");
        }
    }
}
