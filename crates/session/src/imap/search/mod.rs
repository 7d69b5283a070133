//! SEARCH, SORT, THREAD and ESEARCH: RFC 9051 §6.4.4, RFC 3501 §6.4.4, RFC 4731,
//! RFC 5182, RFC 5256, RFC 7162 §3.1.5, RFC 8474 §6, RFC 8514 §4.3.
//!
//! [`query`] makes a key ready; messages are then asked, some at a time, from the cheapest source
//! on: the snapshot, what the store has side by side of them ([`columns`]), the digest, the header, the text, and no
//! further than until their fate is known. Once some had to be read, the store's index is asked which of the
//! others need not be ([`sieve`]). [`mod@sort`] may put what was found in another order; [`found`]
//! words the result, and [`contexts`] keeps it up to date; [`mod@thread`] makes threads of it.
//!
//! Messages that another session has expunged are not found, even while the client
//! still counts them (RFC 2180 §4.4 leaves that to the server). A message that can't
//! be read matches nothing that needed it; an untagged NO names it.

mod columns;
pub(crate) mod contexts;
mod damaged;
pub(crate) mod esearch;
pub(super) mod filters;
mod found;
mod merge_sort;
pub(super) mod pace;
mod probe;
mod query;
mod radix_sort;
mod sieve;
mod sort;
#[cfg(test)]
mod tests;
mod text;
mod thread;
pub mod unattended;
mod verdicts;

use std::sync::Arc;

use imap::{
    UidSet,
    command::{self, SearchReturn, SortKey},
    encode::Correlator,
    response::{Code, Status},
};
use store::{
    Account, EmailId, Error, Message,
    search::{Answers, Sifted},
};

pub(crate) use self::thread::thread;
use self::{
    columns::Clerk,
    contexts::{About, Context, Ordering},
    damaged::Damaged,
    found::{Found, Telling},
    pace::Pace,
    probe::{Looking, Witness},
    query::{Facts, Search, Source},
    sieve::{LOOKED_AT_MIN, SIEVES_MAX},
    sort::Sorter,
    verdicts::{Matching, Verdicts},
};
use super::{
    fetch,
    refusal::{Done, Outcome, Refusal, Stop},
    reply,
    state::{Enabled, Selected, User},
    view::View,
};
use crate::Outlet;

/// Answers SEARCH. The tag goes into ESEARCH responses.
pub(crate) async fn search(
    selected: &mut Selected,
    enabled: Enabled,
    tag: &str,
    command: &command::Search,
    out: &mut impl Outlet,
) -> Outcome {
    no_charset(enabled, command)?;
    let request = Request {
        enabled,
        tag,
        named: false,
        search: command,
        returns: returns(command).or(enabled.rev2.then_some(ALL)),
        ordering: None,
    };
    request.answer(selected, out).await?;
    Ok(Done::new("SEARCH completed"))
}

/// RFC 6855 §3: with UTF8=ACCEPT, SEARCH is in UTF-8.
fn no_charset(enabled: Enabled, command: &command::Search) -> Result<(), Refusal> {
    if enabled.utf8 && command.charset.is_some() {
        let text = "Once UTF8=ACCEPT is enabled, SEARCH takes no CHARSET";
        return Err(Refusal::bad(text));
    }
    Ok(())
}

/// Answers SORT: RFC 5256 §3, RFC 5267 §3.
pub(crate) async fn sort(
    selected: &mut Selected,
    enabled: Enabled,
    tag: &str,
    command: &command::Sort,
    out: &mut impl Outlet,
) -> Outcome {
    let ordering = Ordering {
        criteria: command.criteria.clone(),
        annotations: command.annotations.clone(),
        comparator: enabled.comparator,
    };
    let mut criteria = command.criteria.iter();
    if criteria.any(|criterion| criterion.key == SortKey::Relevancy) {
        needs_fuzzy(&command.search)?;
    }
    let request = Request {
        enabled,
        tag,
        named: false,
        search: &command.search,
        returns: returns(&command.search),
        ordering: Some(&ordering),
    };
    request.answer(selected, out).await?;
    Ok(Done::new("SORT completed"))
}

/// What a command asks of a mailbox.
#[derive(Debug, Clone, Copy)]
struct Request<'a> {
    enabled: Enabled,
    tag: &'a str,
    /// ESEARCH: responses name the mailbox.
    named: bool,
    search: &'a command::Search,
    /// `RETURN`; `None` for a response that is nothing but numbers.
    returns: Option<SearchReturn>,
    /// Of SORT.
    ordering: Option<&'a Ordering>,
}

impl Request<'_> {
    /// Searches the mailbox that is selected: tells what was found, and keeps it if that is wanted.
    async fn answer(&self, selected: &mut Selected, out: &mut impl Outlet) -> Result<(), Stop> {
        let returns = self.returns.unwrap_or_default();
        fetch::check(&self.search.update)?;
        if returns.update && selected.contexts.has(self.tag) {
            // RFC 5267 §4.3.
            let text = "That tag is in use: its result is being kept up to date";
            return Err(Refusal::bad(text).into());
        }
        let here = Where::of(selected);
        match self.find(here, out).await {
            Ok(found) => {
                self.tell(here, &found, out);
                if returns.update {
                    self.keep_up(selected, &found, out);
                }
                if returns.save {
                    selected.saved = found.saved(returns);
                }
                Ok(())
            }
            Err(stop) => {
                // RFC 5182 §2.1: NO empties what was saved, BAD leaves it.
                if returns.save && matches!(stop, Stop::Refused(Refusal::No(..))) {
                    selected.saved = UidSet::new();
                }
                Err(stop)
            }
        }
    }

    /// What is found in a mailbox, in its order.
    async fn find(&self, here: Where<'_>, out: &mut impl Outlet) -> Result<Found, Stop> {
        find(here, self.enabled, (self.search, self.ordering), out).await
    }

    /// RFC 7377 §2.1: ESEARCH is not answered for mailboxes in which nothing is found.
    fn tell(&self, here: Where<'_>, found: &Found, out: &mut impl Outlet) {
        if self.named && found.is_empty() {
            return;
        }
        let mod_seq = found.by_mod_seq.then(|| {
            let returns = self.returns.unwrap_or_default();
            found.mod_seq(returns, |uids| highest(here.view, uids))
        });
        let name = self.named.then(|| here.name());
        let telling = Telling {
            correlator: correlator((self.tag, name.as_deref()), here.view, self.enabled),
            numbering: self.search.numbering,
            returns: self.returns,
            mod_seq: mod_seq.flatten(),
        };
        telling.tell(found, out.buffer());
    }

    /// UPDATE: RFC 5267 §4.3.
    fn keep_up(&self, selected: &mut Selected, found: &Found, out: &mut impl Outlet) {
        let by_score = self.ordering.is_some_and(|ordering| {
            let mut criteria = ordering.criteria.iter();
            criteria.any(|criterion| criterion.key == SortKey::Relevancy)
        });
        if by_score {
            // Scores are of one search, and go with all that it finds.
            self.no_update("What is sorted by RELEVANCY is not kept up to date", out);
            return;
        }
        let about = About {
            tag: self.tag.to_owned(),
            numbering: self.search.numbering,
            named: self.named.then(|| Where::of(selected).name().into()),
        };
        let what = (self.search, self.enabled.comparator.collation);
        let ordering = self.ordering.cloned();
        let context = Context::new(about, what, ordering, found, selected);
        if !selected.contexts.keep(context) {
            self.no_update("Too many results are kept up to date", out);
        }
    }

    /// RFC 5267 §4.3.1.
    fn no_update(&self, why: &'static str, out: &mut impl Outlet) {
        let code = Code::NoUpdate(self.tag.to_owned());
        let language = self.enabled.language;
        reply::untagged(out, language, (Status::No, Some(&code)), why);
    }
}

/// How an ESEARCH response says which command it belongs to, and, if it has to be named, to which mailbox.
fn correlator<'a>(
    (tag, name): (&'a str, Option<&'a str>),
    view: &View,
    enabled: Enabled,
) -> Correlator<'a> {
    let uid_validity = view.mailbox().uid_validity().0;
    let named = name.map(|name| (name, enabled.names(), uid_validity));
    Correlator {
        tag,
        mailbox: named,
    }
}

/// The highest modseq of some messages.
fn highest(view: &View, uids: &UidSet) -> Option<u64> {
    let messages = view.messages_in(uids);
    messages.map(|(_, message)| message.mod_seq.0).max()
}

/// `ALL` alone.
const ALL: SearchReturn = SearchReturn {
    min: false,
    max: false,
    all: true,
    count: false,
    save: false,
    relevancy: false,
    partial: None,
    update: false,
    context: false,
};

/// What `RETURN` asks for. RFC 9051 §6.4.4: `RETURN ()` is `RETURN (ALL)`.
fn returns(command: &command::Search) -> Option<SearchReturn> {
    let none = SearchReturn::default();
    command
        .returns
        .map(|returns| if returns == none { ALL } else { returns })
}

/// Where a search looks.
#[derive(Debug, Clone, Copy)]
struct Where<'a> {
    /// For whom.
    user: &'a User,
    /// Whose mailbox it is.
    account: &'a Account,
    /// The mailbox, as the client knows it.
    view: &'a View,
    /// What `$` is there.
    saved: &'a UidSet,
}

impl<'a> Where<'a> {
    /// The mailbox that is open.
    fn of(selected: &'a Selected) -> Self {
        Self {
            user: &selected.user,
            account: selected.account(),
            view: &selected.view,
            saved: &selected.saved,
        }
    }

    /// The name that the client knows the mailbox by.
    fn name(self) -> String {
        let name = self.view.mailbox().name();
        self.user.reach.written(self.account.id(), name)
    }
}

/// What a command finds, in its order if it has one: that of the mailbox otherwise.
async fn find(
    here: Where<'_>,
    enabled: Enabled,
    (command, ordering): (&command::Search, Option<&Ordering>),
    out: &mut impl Outlet,
) -> Result<Found, Stop> {
    if command.returns.is_some_and(|returns| returns.relevancy) {
        needs_fuzzy(command)?;
    }
    let search = Search::new(
        &command.key,
        command.charset.as_deref(),
        (here.view, here.saved),
        enabled.comparator.collation,
    )?;
    let mut finder = Finder::new(here.account, here.view, &search);
    finder.pace = Pace::of(here.user);
    let mut found = match ordering {
        None => finder.find().await?,
        Some(ordering) => finder.find_in_order(ordering).await?,
    };
    found.by_mod_seq = search.by_mod_seq;
    finder.damaged.tell(enabled.language, out);
    Ok(found)
}

/// RFC 6203 §4, §6: RELEVANCY is of what FUZZY finds.
fn needs_fuzzy(command: &command::Search) -> Result<(), Refusal> {
    if command.key.has_fuzzy() {
        return Ok(());
    }
    Err(Refusal::bad("RELEVANCY needs a FUZZY search key"))
}

/// Steps of [`Pace`] that a digest costs: read, and some fields looked at.
const STEPS_PER_DIGEST: usize = 200;

/// Messages that are taken from the view together: what is copied of more is no longer at hand when they are looked at.
const AT_ONCE: usize = Verdicts::MAX;

struct Finder<'a> {
    account: &'a Account,
    view: &'a View,
    search: &'a Search,
    /// What time it is: seconds since 1970, UTC.
    now: i64,
    /// Answers what need not be read.
    clerk: Option<Clerk>,
    /// Of the probes, for the message being looked at.
    answers: Vec<Option<bool>>,
    /// How well the message just looked at matches FUZZY keys; 0 if none was asked.
    score: u8,
    /// Messages whose fate the snapshot did not tell.
    looked_at: usize,
    /// Of the probes, what messages have answered before, if that is remembered.
    remembered: Vec<Option<Arc<Answers>>>,
    looking: Looking,
    /// What the index says, once it was asked.
    sifted: Option<Sifted>,
    damaged: Damaged,
    pace: Pace,
}

impl<'a> Finder<'a> {
    fn new(account: &'a Account, view: &'a View, search: &'a Search) -> Self {
        Self {
            account,
            view,
            search,
            now: account.now().unix,
            clerk: Clerk::of(search, account),
            answers: vec![None; search.probes.len()],
            score: 0,
            looked_at: 0,
            remembered: search
                .probes
                .iter()
                .map(|probe| Some(account.answers(probe.question(search.collation)?)))
                .collect(),
            looking: Looking::new(search),
            sifted: None,
            damaged: Damaged::default(),
            pace: Pace::default(),
        }
    }

    async fn find(&mut self) -> Result<Found, Error> {
        self.expect();
        self.walk(self.search.query.uids()).await
    }

    /// The same in another order.
    async fn find_in_order(&mut self, ordering: &Ordering) -> Result<Found, Error> {
        self.expect();
        let mut sorter = ordering.sorter(self.account);
        let sorting = Some(&mut sorter);
        self.walk_to(self.search.query.uids(), sorting).await?;
        sorter.sorted(&mut self.pace).await
    }

    fn expect(&self) {
        let uids = self.search.query.uids();
        let all = || self.view.len().into();
        let expected = uids.map_or_else(all, |uids| self.view.count_in(uids));
        self.pace.expect(expected);
    }

    /// Looks at the messages with these UIDs, or at all.
    async fn walk(&mut self, uids: Option<&UidSet>) -> Result<Found, Error> {
        self.walk_to(uids, None).await
    }

    /// The same; gives what is found to the sorter, if there is one, while it is at hand.
    async fn walk_to(
        &mut self,
        uids: Option<&UidSet>,
        mut sorter: Option<&mut Sorter<'_>>,
    ) -> Result<Found, Error> {
        let view = self.view;
        let mut batches = view.batches(uids);
        let mut some = Vec::with_capacity(AT_ONCE);
        let mut found = Found::default();
        loop {
            batches.next(AT_ONCE, &mut some);
            if some.is_empty() {
                return Ok(found);
            }
            if view.has_ghosts() {
                some.retain(|(_, message)| !view.is_ghost(message.uid));
            }
            let matching = self.look(&some).await?;
            match &mut sorter {
                Some(sorter) => {
                    let (damaged, pace) = (&mut self.damaged, &mut self.pace);
                    sorter.add((&some, &matching), view, damaged, pace).await?;
                }
                None => found.take(&some, &matching),
            }
        }
    }

    /// Looks at some messages, no more than [`Verdicts::MAX`]: which of them match.
    async fn look(&mut self, messages: &[(u32, Message<'_>)]) -> Result<Matching, Error> {
        let facts = Facts::of(self.view, messages, self.now);
        let query = &self.search.query;
        let mut answers = self.search.answers(facts);
        let mut verdicts = query.verdicts(facts, &answers);
        let open = verdicts.open(messages.len());
        if open > 0
            && let Some(clerk) = &mut self.clerk
        {
            let (account, pace) = (self.account, &mut self.pace);
            clerk
                .answer(account, (messages, open), &mut answers, pace)
                .await?;
            verdicts = query.verdicts(facts, &answers);
        }
        self.score = 0;
        let mut matching = Matching::known(verdicts, self.scored());
        for at in verdicts.untold(messages.len()) {
            let Some((_, message)) = messages.get(at) else {
                break;
            };
            self.score = 0;
            let known = answers.iter().map(|verdicts| verdicts.of(at));
            self.answers.clear();
            self.answers.extend(known);
            if self.ask(message, facts.only(at)).await? {
                matching.add(at, self.scored());
            }
        }
        self.pace.worked(self.search.keys * messages.len()).await;
        self.pace.others(messages.len());
        Ok(matching)
    }

    /// Reads a message that its snapshot leaves undecided, if the index does too.
    async fn ask(&mut self, message: &Message<'_>, facts: Facts<'_>) -> Result<bool, Error> {
        if let Some(verdict) = self.recall(message.email, facts) {
            return Ok(verdict);
        }
        self.looked_at += 1;
        if self.looked_at > LOOKED_AT_MIN
            && let Some(verdict) = self.sift(message, facts).await
        {
            self.remember(message.email);
            return Ok(verdict);
        }
        match self.testimony(message, facts).await {
            Ok(verdict) => {
                self.remember(message.email);
                Ok(verdict)
            }
            Err(error) => self.damaged.note(message.uid, error).map(|()| false),
        }
    }

    /// What the message answered when it was asked before, if that decides it.
    fn recall(&mut self, email: EmailId, facts: Facts<'_>) -> Option<bool> {
        for (answers, answer) in self.remembered.iter().zip(&mut self.answers) {
            if let Some(answers) = answers
                && answer.is_none()
            {
                *answer = answers.of(email);
            }
        }
        self.search.query.verdict(facts, &self.answers)
    }

    /// For whoever asks next.
    fn remember(&self, email: EmailId) {
        for (answers, answer) in self.remembered.iter().zip(&self.answers) {
            if let (Some(answers), Some(answer)) = (answers, answer) {
                answers.note(email, *answer);
            }
        }
    }

    /// RFC 6203 §4: every message that is found has a score when FUZZY is given.
    fn scored(&self) -> u8 {
        match (self.search.has_fuzzy, self.score) {
            (true, 0) => 100,
            (_, score) => score,
        }
    }

    /// What the index tells of a message, if that decides it.
    async fn sift(&mut self, message: &Message<'_>, facts: Facts<'_>) -> Option<bool> {
        if self.sifted.is_none() {
            let probes = self.search.probes.iter().take(SIEVES_MAX);
            let sieves = probes.map(|probe| probe.sieve.clone()).collect();
            self.sifted = Some(self.account.sift(sieves).await);
        }
        let sifted = self.sifted.as_ref()?;
        for (number, answer) in self.answers.iter_mut().enumerate() {
            if sifted.rules_out(number, message) {
                *answer = Some(false);
            }
        }
        self.search.query.verdict(facts, &self.answers)
    }

    async fn testimony(&mut self, message: &Message<'_>, facts: Facts<'_>) -> Result<bool, Error> {
        let email = self.account.email(message).await?;
        let mut witness = Witness::new(email, self.search, &mut self.looking);
        for source in [Source::Digest, Source::Header, Source::Text] {
            let probes = &self.search.probes;
            let mut asked = probes.iter().zip(&self.answers);
            if !asked.any(|(probe, answer)| probe.source == source && answer.is_none()) {
                continue;
            }
            witness
                .answer(source, probes, &mut self.answers, &mut self.pace)
                .await?;
            if let Some(verdict) = self.search.query.verdict(facts, &self.answers) {
                let score = self.search.query.score(&self.answers, witness.scores());
                self.score = score.unwrap_or(0);
                return Ok(verdict);
            }
        }
        Ok(false)
    }
}
