//! A search key made ready: sets resolved, texts decoded and folded, and the keys of
//! every conjunction in the order of what they cost.
//!
//! A key is answered from the cheapest source that has the answer ([`Source`]). Those
//! that need more than the snapshot are numbered; a message is looked at source by
//! source, and only until its fate is known.

use std::{iter, mem, ops::Range};

use imap::{
    UidSet,
    command::{AnnotationKey, AnnotationScope, Date, DateOrder, Flag, SearchKey},
    response::Code,
    set::SequenceSet,
};
use mail::{charset, collation::Collation, fuzzy::Words, header};
use store::{
    EmailId, Keyword, Message, SentDate, SystemFlags, ThreadId,
    search::{Place, Sieve},
};

use super::filters;
use super::sieve;
use crate::imap::{
    annotation::Annotated, object_ids::ObjectIds, refusal::Refusal, view::View, wording::Text,
};

/// Keys of one SEARCH. Each is work for every message.
const KEYS_MAX: usize = 4096;

/// Keys that read a message's text: each is compared with every octet.
const TEXTS_MAX: usize = 64;

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
        Self::read(key, charset, &Known::of(view, saved, collation))
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

    fn read(key: &SearchKey, charset: Option<&[u8]>, known: &Known<'_>) -> Result<Self, Refusal> {
        let mut reader = Reader {
            charset: charset_name(charset)?,
            known,
            probes: Vec::new(),
            keys: 0,
            by_mod_seq: false,
            fuzzy: false,
        };
        let query = reader.query(key)?;
        reader.finish(key, query)
    }
}

/// What keys are read against.
#[derive(Debug)]
struct Known<'a> {
    keywords: &'a [Keyword],
    /// Messages that the client counts.
    len: u32,
    largest_uid: u32,
    saved: &'a UidSet,
    collation: Collation,
    ids: ObjectIds,
}

impl<'a> Known<'a> {
    fn of(view: &'a View, saved: &'a UidSet, collation: Collation) -> Self {
        Self {
            keywords: view.mailbox().keywords(),
            len: view.len(),
            largest_uid: view.largest_uid(),
            saved,
            collation,
            ids: view.ids(),
        }
    }
}

/// RFC 9051 §6.4.4: without CHARSET it is UTF-8, of which RFC 3501's US-ASCII is a part.
fn charset_name(charset: Option<&[u8]>) -> Result<&str, Refusal> {
    let Some(name) = charset else {
        return Ok("UTF-8");
    };
    std::str::from_utf8(name)
        .ok()
        .filter(|name| charset::is_known(name))
        .ok_or_else(|| {
            let some = vec![
                "UTF-8",
                "US-ASCII",
                "ISO-8859-1",
                "WINDOWS-1252",
                "ISO-2022-JP",
            ];
            Refusal::no(Code::BadCharset(some), "That charset is unknown here")
        })
}

struct Reader<'a> {
    charset: &'a str,
    known: &'a Known<'a>,
    probes: Vec<Probe>,
    keys: usize,
    by_mod_seq: bool,
    /// The key being read is FUZZY's.
    fuzzy: bool,
}

impl Reader<'_> {
    /// The parser bounds how deep keys nest.
    fn query(&mut self, key: &SearchKey) -> Result<Query, Refusal> {
        self.keys += 1;
        if self.keys > KEYS_MAX {
            return Err(Refusal::no(Code::Limit, "Too many search keys"));
        }
        Ok(match key {
            SearchKey::And(keys) => {
                let mut all = self.all(keys)?;
                all.sort_by_key(|query| self.cost(query));
                Query::And(all)
            }
            SearchKey::Or(both) => {
                let mut both = vec![self.query(&both.0)?, self.query(&both.1)?];
                both.sort_by_key(|query| self.cost(query));
                Query::Or(both)
            }
            SearchKey::Not(key) => Query::Not(Box::new(self.query(key)?)),
            SearchKey::Fuzzy(key) => {
                let outside = mem::replace(&mut self.fuzzy, true);
                let query = self.query(key);
                self.fuzzy = outside;
                query?
            }
            SearchKey::NotFlag(flag) => Query::Not(Box::new(Query::Kept(self.flag(flag)))),
            SearchKey::New => {
                let seen = Query::Kept(Kept::System(SystemFlags::SEEN));
                Query::And(vec![Query::Kept(Kept::Recent), Query::Not(Box::new(seen))])
            }
            SearchKey::SentDate(order, date) => {
                let sent = Asked::Sent(days(*order, *date));
                self.probe(Source::Digest, sent, Sieve::Open)
            }
            SearchKey::Header { field, contains } => {
                let source = if header::is_listed(field) {
                    Source::Digest
                } else {
                    Source::Header
                };
                self.looks_for(source, Place::Field(field.clone()), contains)?
            }
            SearchKey::Body(text) => self.looks_for(Source::Text, Place::Body, text)?,
            SearchKey::Text(text) => self.looks_for(Source::Text, Place::Text, text)?,
            // Filters have been put in by now.
            SearchKey::Filter(name) => return Err(filters::undefined(name.clone())),
            SearchKey::Annotation(key) => Query::Kept(self.annotated(key)?),
            key => Query::Kept(self.kept(key)),
        })
    }

    fn annotated(&self, key: &AnnotationKey) -> Result<Kept, Refusal> {
        let collation = self.known.collation;
        let contains = key.contains.as_deref().map(|octets| {
            let mut folded = String::new();
            collation.fold(&self.text(octets)?, &mut folded);
            Ok::<_, Refusal>(folded)
        });
        Ok(Kept::Annotated(Box::new(AnnotatedWith {
            entry: key.entry.clone(),
            scope: key.scope,
            contains: contains.transpose()?,
            collation,
        })))
    }

    /// A text that is to be somewhere. RFC 6203 §3: with FUZZY, or about that; a text without
    /// words is looked for as it is.
    fn looks_for(&mut self, source: Source, place: Place, octets: &[u8]) -> Result<Query, Refusal> {
        let text = self.text(octets)?;
        if self.fuzzy {
            let words = Words::of(&text);
            if !words.is_empty() {
                let sieve = sieve::like(&place, &words);
                return Ok(self.probe(source, Asked::Like { place, words }, sieve));
            }
        }
        let (what, sieve) = match place {
            Place::Body => {
                let sieve = sieve::text(Place::Body, &text);
                (Asked::Body(text), sieve)
            }
            Place::Text => {
                let sieve = sieve::text(Place::Text, &text);
                (Asked::Text(text), sieve)
            }
            Place::Field(name) => {
                let mut contains = String::new();
                self.known.collation.fold(&text, &mut contains);
                let sieve = sieve::field(&name, &text);
                (Asked::Field { name, contains }, sieve)
            }
        };
        Ok(self.probe(source, what, sieve))
    }

    fn all(&mut self, keys: &[SearchKey]) -> Result<Vec<Query>, Refusal> {
        keys.iter().map(|key| self.query(key)).collect()
    }

    fn kept(&mut self, key: &SearchKey) -> Kept {
        match key {
            SearchKey::Flag(flag) => self.flag(flag),
            SearchKey::Sequence(set) => self.sequence(set),
            SearchKey::Uid(set) => Kept::Uid(match set.resolve(self.known.largest_uid) {
                Some(uids) => uids,
                None => self.known.saved.clone(),
            }),
            SearchKey::InternalDate(order, date) => Kept::Days(days(*order, *date)),
            SearchKey::SaveDate(order, date) => Kept::Saved(days(*order, *date)),
            SearchKey::Older(seconds) => Kept::Older(seconds.get().into()),
            SearchKey::Younger(seconds) => Kept::Younger(seconds.get().into()),
            SearchKey::Larger(octets) => Kept::Larger(*octets),
            SearchKey::Smaller(octets) => Kept::Smaller(*octets),
            SearchKey::ModSeq(mod_seq) => {
                self.by_mod_seq = true;
                Kept::ModSeq(*mod_seq)
            }
            SearchKey::EmailId(id) => self
                .known
                .ids
                .read(id)
                .map_or(Kept::Always(false), Kept::Email),
            SearchKey::ThreadId(id) => self
                .known
                .ids
                .read(id)
                .map_or(Kept::Always(false), Kept::Thread),
            // `ALL`, and `SAVEDATESUPPORTED`, as every mailbox has save dates; the others have
            // been taken care of.
            _ => Kept::Always(true),
        }
    }

    fn flag(&self, flag: &Flag) -> Kept {
        Kept::System(match flag {
            Flag::Answered => SystemFlags::ANSWERED,
            Flag::Flagged => SystemFlags::FLAGGED,
            Flag::Deleted => SystemFlags::DELETED,
            Flag::Seen => SystemFlags::SEEN,
            Flag::Draft => SystemFlags::DRAFT,
            Flag::Recent => return Kept::Recent,
            Flag::Extension(_) => return Kept::Always(false),
            Flag::Keyword(name) => {
                let mut keywords = self.known.keywords.iter();
                let index = keywords.position(|keyword| keyword.eq_ignore_ascii_case(name));
                let index = index.and_then(|index| u32::try_from(index).ok());
                return index.map_or(Kept::Always(false), Kept::Keyword);
            }
        })
    }

    /// RFC 7377 §2: numbers that no message has are no error in a search. They find nothing.
    fn sequence(&self, set: &SequenceSet) -> Kept {
        match set.resolve(self.known.len) {
            None => Kept::Uid(self.known.saved.clone()),
            Some(numbers) => Kept::Sequence(numbers),
        }
    }

    /// A text, decoded.
    fn text(&self, octets: &[u8]) -> Result<String, Refusal> {
        let text = charset::decode_text(self.charset, octets);
        text.ok_or_else(|| {
            Refusal::bad(Text::with(
                "A search text is wrong in its charset, {}",
                [self.charset.to_owned().into()],
            ))
        })
    }

    fn probe(&mut self, source: Source, what: Asked, sieve: Sieve) -> Query {
        self.probes.push(Probe {
            source,
            what,
            sieve,
        });
        Query::Probe(self.probes.len() - 1)
    }

    /// What must be read at most: nothing for `None`.
    fn cost(&self, query: &Query) -> Option<Source> {
        match query {
            Query::Kept(_) => None,
            Query::Probe(n) => self.probes.get(*n).map(|probe| probe.source),
            Query::And(all) | Query::Or(all) => {
                all.iter().filter_map(|query| self.cost(query)).max()
            }
            Query::Not(query) => self.cost(query),
        }
    }

    fn finish(self, key: &SearchKey, query: Query) -> Result<Search, Refusal> {
        let texts = self.probes.iter().filter(|p| p.source == Source::Text);
        if texts.count() > TEXTS_MAX {
            return Err(Refusal::no(Code::Limit, "Too many BODY and TEXT keys"));
        }
        Ok(Search {
            query,
            probes: self.probes,
            keys: self.keys,
            by_mod_seq: self.by_mod_seq,
            collation: self.known.collation,
            has_fuzzy: key.has_fuzzy(),
        })
    }
}

fn days(order: DateOrder, date: Date) -> Range<i64> {
    let day = i64::from(date.days);
    match order {
        DateOrder::Before => i64::MIN..day,
        DateOrder::On => day..day + 1,
        DateOrder::Since => day..i64::MAX,
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

/// What is known of up to 64 messages: a bit for each that matches, and one for each that does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Verdicts {
    yes: u64,
    no: u64,
}

impl Verdicts {
    /// Messages of which it can tell.
    pub(super) const MAX: usize = 64;

    /// Those of so many of which nothing is known: places, ascending.
    pub(super) fn untold(self, messages: usize) -> impl Iterator<Item = usize> {
        let mut left = self.open(messages);
        iter::from_fn(move || {
            let at = usize::try_from(left.trailing_zeros()).ok()?;
            let next = (left != 0).then_some(at);
            left &= left.wrapping_sub(1);
            next
        })
    }

    /// The bits of so many messages.
    fn all(messages: usize) -> u64 {
        u64::MAX.unbounded_shr(u64::BITS.saturating_sub(u32::try_from(messages).unwrap_or(0)))
    }

    /// What is known of one.
    pub(super) fn of(self, at: usize) -> Option<bool> {
        let has = |bits: u64| bits >> at & 1 == 1;
        has(self.yes | self.no).then(|| has(self.yes))
    }

    /// Of which of so many messages nothing is known.
    pub(super) fn open(self, messages: usize) -> u64 {
        Self::all(messages) & !(self.yes | self.no)
    }

    /// This is known of one, of which nothing was.
    pub(super) fn tell(&mut self, at: usize, answer: Option<bool>) {
        match answer {
            Some(true) => self.yes |= 1 << at,
            Some(false) => self.no |= 1 << at,
            None => {}
        }
    }
}

/// Which of up to 64 messages match, and how well.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matching {
    yes: u64,
    /// 0 without FUZZY.
    scores: [u8; Verdicts::MAX],
}

impl Matching {
    /// Those of which that is known, all with this score.
    pub(super) fn known(verdicts: Verdicts, score: u8) -> Self {
        Self {
            yes: verdicts.yes,
            scores: [score; Verdicts::MAX],
        }
    }

    /// So many, without scores.
    pub(super) fn all(messages: usize) -> Self {
        let yes = Verdicts::all(messages);
        Self::known(Verdicts { yes, no: 0 }, 0)
    }

    /// One more.
    pub(super) fn add(&mut self, at: usize, score: u8) {
        self.yes |= 1 << at;
        if let Some(it) = self.scores.get_mut(at) {
            *it = score;
        }
    }

    /// How many.
    pub(super) const fn len(&self) -> usize {
        self.yes.count_ones() as usize
    }

    /// Those of these messages, with their scores.
    pub(super) fn of<'a, T>(&self, messages: &'a [T]) -> impl Iterator<Item = (&'a T, u8)> {
        let (yes, scores) = (self.yes, self.scores);
        let all = messages.iter().zip(scores).enumerate();
        let is_one = move |(at, _): &(usize, _)| yes >> at & 1 == 1;
        all.filter(is_one).map(|(_, it)| it)
    }
}

#[cfg(test)]
mod tests;
