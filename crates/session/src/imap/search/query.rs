//! A search key made ready: sets resolved, texts decoded and folded, and the keys of
//! every conjunction in the order of what they cost.
//!
//! A key is answered from the cheapest source that has the answer ([`Source`]). Those
//! that need more than the snapshot are numbered; a message is looked at source by
//! source, and only until its fate is known.

use std::ops::Range;

use imap::{
    UidSet,
    command::{AnnotationScope, SearchKey},
};
use mail::{collation::Collation, fuzzy::Words};
use store::{
    EmailId, Message, SentDate, SystemFlags, ThreadId,
    search::{Place, Sieve},
};

use self::reading::Known;
use super::verdicts::Verdicts;
use crate::imap::{annotation::Annotated, refusal::Refusal, view::View};

mod reading;

/// A search key, ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Query {
    /// Answered by the snapshot.
    Kept(Kept),
    /// Answered by the message: the probe with this number.
    Probe(usize),
    /// All must hold.
    And(Vec<Query>),
    /// One must hold.
    Or(Vec<Query>),
    /// Must not hold.
    Not(Box<Query>),
}

/// What the snapshot tells of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    /// True, or false, of every message.
    Always(bool),
    /// Has this system flag.
    System(SystemFlags),
    /// Has the keyword with this index.
    Keyword(u32),
    /// `\Recent`.
    Recent,
    /// Its number is among these.
    Sequence(UidSet),
    /// Its UID is among these.
    Uid(UidSet),
    /// Its internal date, in its own zone, lies on one of these days.
    Days(Range<i64>),
    /// It was placed here on one of these days, in UTC.
    Saved(Range<i64>),
    /// It arrived so many seconds ago, or earlier.
    Older(i64),
    /// It arrived so many seconds ago, or later.
    Younger(i64),
    /// Octets.
    Larger(u64),
    /// Octets.
    Smaller(u64),
    /// Changed at or after this.
    ModSeq(u64),
    /// EMAILID.
    Email(EmailId),
    /// THREADID.
    Thread(ThreadId),
    /// Has an annotation of which this holds.
    Annotated(Box<AnnotatedWith>),
}

/// What is asked of a message's annotations: RFC 5257 §4.8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AnnotatedWith {
    /// The entry, or a pattern.
    entry: String,
    /// Whose value; `None`: either.
    scope: Option<AnnotationScope>,
    /// What the value contains, folded; `None`: there is no value.
    contains: Option<String>,
    /// What texts are compared by.
    collation: Collation,
}

impl AnnotatedWith {
    fn holds(&self, annotated: Annotated<'_>) -> bool {
        let Some(contains) = &self.contains else {
            return !annotated.any(&self.entry, self.scope, |_| true);
        };
        annotated.any(&self.entry, self.scope, |value| {
            let mut folded = String::new();
            let text = String::from_utf8_lossy(value);
            self.collation.fold(&text, &mut folded);
            folded.contains(contains.as_str())
        })
    }
}

/// What must be read to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probe {
    /// Where the answer is.
    pub(super) source: Source,
    /// What is asked.
    pub(super) what: Asked,
    /// What the index is asked.
    pub(super) sieve: Sieve,
}

/// Where answers are found, cheapest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The digest in the message's record.
    Digest,
    /// The octets of its header.
    Header,
    /// All of its octets.
    Text,
}

/// What is asked of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// The day of its `Date` field is one of these.
    Sent(Range<i64>),
    /// A field contains a text.
    Field {
        /// Its name.
        name: Vec<u8>,
        /// Folded; empty: it is there.
        contains: String,
    },
    /// The body contains this text, not folded yet.
    Body(String),
    /// Header or body contain this text, not folded yet.
    Text(String),
    /// These words, or about these, are there (RFC 6203).
    Like {
        /// Where.
        place: Place,
        /// Not none.
        words: Words,
    },
}

/// A search made ready.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Search {
    /// The key.
    pub(super) query: Query,
    /// What it asks of messages.
    pub(super) probes: Vec<Probe>,
    /// How many keys it has.
    pub(super) keys: usize,
    /// MODSEQ is among them (RFC 7162 §3.1.5).
    pub(super) by_mod_seq: bool,
    /// What texts are compared by.
    pub(super) collation: Collation,
    /// FUZZY is among them (RFC 6203 §4).
    pub(super) has_fuzzy: bool,
}

/// What the snapshot says of some messages, for [`Query::verdicts`]: no more than [`Verdicts::MAX`]. Looked up
/// key by key, so that nothing is copied that no key asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    view: &'a View,
    messages: &'a [(u32, Message<'a>)],
    /// What time it is: seconds since 1970, UTC.
    now: i64,
}

impl<'a> Facts<'a> {
    /// Of messages with their numbers, at this time.
    pub(super) fn of(view: &'a View, messages: &'a [(u32, Message<'a>)], now: i64) -> Self {
        Self {
            view,
            messages,
            now,
        }
    }

    /// Of one of them alone.
    pub(super) fn only(self, at: usize) -> Self {
        Self {
            messages: self.messages.get(at..=at).unwrap_or_default(),
            ..self
        }
    }

    /// Which of them were sent on one of these days, as far as their placements tell.
    fn sent(self, days: &Range<i64>) -> Verdicts {
        let mut verdicts = Verdicts::default();
        for (at, (_, message)) in self.messages.iter().enumerate() {
            let holds = match message.sent.date() {
                SentDate::At { days: day, .. } => Some(days.contains(&day.into())),
                // RFC 9051 §6.4.4: a message without the field was sent on no day.
                SentDate::Undated => Some(false),
                SentDate::Untold => None,
            };
            verdicts.tell(at, holds);
        }
        verdicts
    }

    /// Those of which it holds, as bits.
    fn bits(self, holds: impl Fn(u32, &Message<'_>) -> bool) -> u64 {
        let bit = |(at, (sequence, it)): (usize, &(u32, Message<'_>))| {
            u64::from(holds(*sequence, it)) << at
        };
        let every = self.messages.iter().enumerate();
        every.map(bit).fold(0, |bits, bit| bits | bit)
    }
}

impl Search {
    /// Makes a key ready.
    ///
    /// # Errors
    /// NO \[BADCHARSET], BAD for text that is wrong in its charset, NO \[LIMIT] for too
    /// much of it.
    pub(super) fn new(
        key: &SearchKey,
        charset: Option<&[u8]>,
        (view, saved): (&View, &UidSet),
        collation: Collation,
    ) -> Result<Self, Refusal> {
        reading::read(key, charset, &Known::of(view, saved, collation))
    }

    /// What is known of the probes without a look at the messages. RFC 6203 §4: scores are made of all that FUZZY finds, so
    /// that every probe has to be answered where they are.
    pub(super) fn answers(&self, facts: Facts<'_>) -> Vec<Verdicts> {
        let probes = self.probes.iter().map(|probe| match &probe.what {
            Asked::Sent(days) if !self.has_fuzzy => facts.sent(days),
            _ => Verdicts::default(),
        });
        probes.collect()
    }
}

impl Query {
    /// Whether it holds of a message, given the probes answered so far; `None` if that depends
    /// on one that has not been.
    pub(super) fn verdict(&self, facts: Facts<'_>, answers: &[Option<bool>]) -> Option<bool> {
        let answers = answers.iter().map(|answer| {
            let mut verdicts = Verdicts::default();
            verdicts.tell(0, *answer);
            verdicts
        });
        let answers: Vec<_> = answers.collect();
        self.verdicts(facts, &answers).of(0)
    }

    /// The same of up to 64 messages: key by key, so that little is decided for each.
    pub(super) fn verdicts(&self, facts: Facts<'_>, answers: &[Verdicts]) -> Verdicts {
        let all = Verdicts::all(facts.messages.len());
        match self {
            Self::Kept(kept) => {
                let yes = kept.holding(facts);
                Verdicts {
                    yes,
                    no: all & !yes,
                }
            }
            Self::Probe(n) => answers.get(*n).copied().unwrap_or_default(),
            Self::And(queries) => {
                let mut verdicts = Verdicts { yes: all, no: 0 };
                for query in queries {
                    let more = query.verdicts(facts, answers);
                    verdicts.yes &= more.yes;
                    verdicts.no |= more.no;
                    if verdicts.no == all {
                        break;
                    }
                }
                verdicts
            }
            Self::Or(queries) => {
                let mut verdicts = Verdicts { yes: 0, no: all };
                for query in queries {
                    let more = query.verdicts(facts, answers);
                    verdicts.yes |= more.yes;
                    verdicts.no &= more.no;
                    if verdicts.yes == all {
                        break;
                    }
                }
                verdicts
            }
            Self::Not(query) => {
                let Verdicts { yes, no } = query.verdicts(facts, answers);
                Verdicts { yes: no, no: yes }
            }
        }
    }

    /// How well a message that matches does, by the scores of the probes; 0 is one that has none.
    /// `None` if nothing fuzzy is in it: keys that must hold count alike, of others the best.
    pub(super) fn score(&self, answers: &[Option<bool>], scores: &[u8]) -> Option<u8> {
        match self {
            Self::Kept(_) | Self::Not(_) => None,
            Self::Probe(n) => {
                let holds = answers.get(*n).copied().flatten() == Some(true);
                let score = scores.get(*n).copied();
                score.filter(|score| holds && *score > 0)
            }
            Self::And(all) => {
                let scores = all.iter().filter_map(|query| query.score(answers, scores));
                let (sum, count) = scores.fold((0, 0), |(sum, count), score| {
                    (sum + u32::from(score), count + 1)
                });
                u8::try_from(u32::checked_div(sum, count)?).ok()
            }
            Self::Or(all) => {
                let scores = all.iter().filter_map(|query| query.score(answers, scores));
                scores.max()
            }
        }
    }

    /// UIDs without which no message can match, if such are named: `UID 5 …` need not
    /// walk a million messages.
    pub(super) fn uids(&self) -> Option<&UidSet> {
        match self {
            Self::Kept(Kept::Uid(uids)) => Some(uids),
            Self::And(all) => all.iter().find_map(Self::uids),
            _ => None,
        }
    }
}

impl Kept {
    /// Of which messages it holds, as bits.
    fn holding(&self, facts: Facts<'_>) -> u64 {
        let age = |it: &Message<'_>| facts.now.saturating_sub(it.internal_date.unix);
        match self {
            Self::Always(true) => Verdicts::all(facts.messages.len()),
            Self::Always(false) => 0,
            Self::System(flag) => facts.bits(|_, it| it.system.contains(*flag)),
            Self::Keyword(index) => facts.bits(|_, it| it.keywords.binary_search(index).is_ok()),
            Self::Recent => facts.bits(|_, it| facts.view.is_recent(it.uid)),
            Self::Sequence(numbers) => facts.bits(|sequence, _| numbers.contains(sequence)),
            Self::Uid(uids) => facts.bits(|_, it| uids.contains(it.uid.0)),
            Self::Days(days) => facts.bits(|_, it| {
                let zone = i64::from(it.internal_date.zone_minutes) * 60;
                let local = it.internal_date.unix.saturating_add(zone);
                days.contains(&local.div_euclid(86_400))
            }),
            Self::Saved(days) => {
                facts.bits(|_, it| days.contains(&it.save_date.div_euclid(86_400)))
            }
            // RFC 5032 §2: both hold of what arrived exactly then. What has a date to come is young.
            Self::Older(seconds) => facts.bits(|_, it| age(it) >= *seconds),
            Self::Younger(seconds) => facts.bits(|_, it| age(it) <= *seconds),
            Self::Larger(octets) => facts.bits(|_, it| it.size > *octets),
            Self::Smaller(octets) => facts.bits(|_, it| it.size < *octets),
            Self::ModSeq(mod_seq) => facts.bits(|_, it| it.mod_seq.0 >= *mod_seq),
            Self::Email(id) => facts.bits(|_, it| it.email == *id),
            Self::Thread(id) => facts.bits(|_, it| it.thread == *id),
            Self::Annotated(with) => facts.bits(|_, it| with.holds(facts.view.annotated(it.uid))),
        }
    }
}

#[cfg(test)]
mod tests;
