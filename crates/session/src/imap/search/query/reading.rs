//! How a search key is made ready: what it names is looked up, texts are decoded and folded, and keys put in order.
use std::{mem, ops::Range};

use imap::{
    UidSet,
    command::{AnnotationKey, Date, DateOrder, Flag, SearchKey},
    response::Code,
    set::SequenceSet,
};
use mail::{charset, collation::Collation, fuzzy::Words, header};
use store::{
    Keyword, SystemFlags,
    search::{Place, Sieve},
};

use super::{
    super::{filters, sieve},
    AnnotatedWith, Asked, Kept, Probe, Query, Search, Source,
};
use crate::imap::{object_ids::ObjectIds, refusal::Refusal, view::View, wording::Text};

/// Keys of one SEARCH. Each is work for every message.
pub(super) const KEYS_MAX: usize = 4096;

/// Keys that read a message's text: each is compared with every octet.
pub(super) const TEXTS_MAX: usize = 64;

/// What keys are read against.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) keywords: &'a [Keyword],
    /// Messages that the client counts.
    pub(super) len: u32,
    pub(super) largest_uid: u32,
    pub(super) saved: &'a UidSet,
    pub(super) collation: Collation,
    pub(super) ids: ObjectIds,
}

impl<'a> Known<'a> {
    pub(super) fn of(view: &'a View, saved: &'a UidSet, collation: Collation) -> Self {
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

/// Makes a key ready, against what is known.
///
/// # Errors
/// As [`Search::new`].
pub(super) fn read(
    key: &SearchKey,
    charset: Option<&[u8]>,
    known: &Known<'_>,
) -> Result<Search, Refusal> {
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
