//! Results that are kept up to date: UPDATE of SEARCH, SORT and ESEARCH, RFC 5267 §4.3.
//!
//! A context remembers what was searched for and what the client knows of the result, in UIDs.
//! Messages that came or changed since are asked again, no others, and the client is told what
//! has come into the result and what has left it:
//!
//! * what is expunged leaves it before its EXPUNGE is told, and at once, even while EXPUNGE has
//!   to wait: its number is good until then ([`tell_gone`]);
//! * what has come or changed is told after EXISTS and FETCH, by the numbers that hold from there
//!   on ([`tell_changed`]).

#[cfg(test)]
mod tests;

use std::sync::Arc;

use imap::{
    UidSet,
    command::{self, FetchItem, Numbering, SearchKey, SortAnnotation, SortCriterion},
    encode::{self, Change, Numbers},
    set::{SequenceRange, SequenceSet},
};
use mail::collation::{Collation, Comparator};
use store::{Account, Message, ModSeq, Uid};

use super::{
    AT_ONCE, Finder, correlator, damaged::Damaged, found::Found, pace::Pace, query::Search,
    sort::Sorter, verdicts::Matching,
};
use crate::{
    Gone, Outlet,
    imap::{
        fetch,
        refusal::{Done, Outcome, Refusal, Stop},
        state::{Enabled, Selected},
        sync::{Arrivals, flush_if_full},
        view::View,
        wording::Text,
    },
};

/// Contexts of one session. Each costs its result, and a look at every message that changes.
const CONTEXTS_MAX: usize = 16;

/// Messages in all sorted results of one session: they are kept one by one.
const SORTED_MAX: usize = 2_000_000;

/// Numbers in one response, ranges counted once: what clients' line buffers take.
const NUMBERS_MAX: usize = 300;

/// The contexts of the mailbox that is open; they end with it.
#[derive(Debug, Default)]
pub(crate) struct Contexts(Vec<Context>);

/// One result that is kept up to date.
#[derive(Debug)]
pub(super) struct Context {
    about: About,
    key: SearchKey,
    charset: Option<Vec<u8>>,
    /// By what text was compared at the time.
    collation: Collation,
    results: Results,
    /// Changes up to this one have been looked at,
    seen: ModSeq,
    /// in messages with UIDs below this.
    announced: u32,
    /// What `*` meant.
    largest: u32,
    /// When that was, in unix seconds: OLDER and YOUNGER go by it.
    now: i64,
    /// What is to be told of each new message that comes into it: RFC 5465 §7.
    update: Arc<[FetchItem]>,
}

/// What a client calls a context.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// The tag of the command.
    pub(super) tag: String,
    /// What numbers are.
    pub(super) numbering: Numbering,
    /// ESEARCH: responses name the mailbox, too.
    pub(super) named: Option<Box<str>>,
}

/// How SORT orders.
#[derive(Debug, Clone)]
pub(super) struct Ordering {
    /// By what.
    pub(super) criteria: Vec<SortCriterion>,
    /// What [`imap::command::SortKey::Annotation`] names.
    pub(super) annotations: Vec<SortAnnotation>,
    /// What compares text, since the command.
    pub(super) comparator: Comparator,
}

impl Ordering {
    /// What puts messages in this order.
    pub(super) fn sorter<'a>(&self, account: &'a Account) -> Sorter<'a> {
        let annotations = &self.annotations;
        Sorter::new(account, &self.criteria, annotations, self.comparator)
    }
}

/// What the client knows to be the result, in UIDs.
#[derive(Debug)]
enum Results {
    /// In the order of the mailbox.
    Mailbox(UidSet),
    /// In another.
    Sorted(Ordering, Vec<u32>),
}

impl Contexts {
    /// Whether a context goes by that tag: RFC 5267 §4.3 forbids to use it again.
    pub(super) fn has(&self, tag: &str) -> bool {
        self.0.iter().any(|context| context.about.tag == tag)
    }

    /// Keeps a context; `false` if there are too many.
    pub(super) fn keep(&mut self, context: Context) -> bool {
        let others: usize = self.0.iter().map(Context::sorted).sum();
        let sorted = others + context.sorted();
        let fits = self.0.len() < CONTEXTS_MAX && sorted <= SORTED_MAX;
        if fits {
            self.0.push(context);
        }
        fits
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the client is to be told that ghosts are no results any more.
    pub(crate) fn lose_ghosts(&self, view: &View) -> bool {
        if self.0.is_empty() || !view.has_ghosts() {
            return false;
        }
        let ghosts = view.ghosts();
        self.0
            .iter()
            .any(|context| !context.among(&ghosts).is_empty())
    }

    /// Whether results change by the passing of time.
    pub(crate) fn age(&self) -> bool {
        self.0
            .iter()
            .any(|context| !intervals(&context.key).is_empty())
    }

    /// Ends the context with that tag; `false` if there is none.
    fn cancel(&mut self, tag: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|context| context.about.tag != tag);
        self.0.len() < before
    }
}

impl Context {
    /// The result of a command that was just carried out on `selected`.
    pub(super) fn new(
        about: About,
        (search, collation): (&command::Search, Collation),
        ordering: Option<Ordering>,
        found: &Found,
        selected: &Selected,
    ) -> Self {
        let view = &selected.view;
        Self {
            about,
            key: fixed(&search.key, selected),
            charset: search.charset.clone(),
            collation,
            results: match ordering {
                None => Results::Mailbox(found.uids()),
                Some(ordering) => Results::Sorted(ordering, found.ordered_uids()),
            },
            seen: view.mailbox().highest_mod_seq(),
            announced: view.announced(),
            largest: view.largest_uid(),
            now: selected.account().now().unix,
            update: search.update.as_slice().into(),
        }
    }

    /// How many results it keeps one by one.
    fn sorted(&self) -> usize {
        match &self.results {
            Results::Mailbox(_) => 0,
            Results::Sorted(_, results) => results.len(),
        }
    }

    /// Those of `uids` that are results.
    fn among(&self, uids: &UidSet) -> UidSet {
        match &self.results {
            Results::Mailbox(results) => results.intersection(uids),
            Results::Sorted(_, results) => {
                let mut known: Vec<u32> = results.clone();
                known.retain(|uid| uids.contains(*uid));
                known.sort_unstable();
                known.into_iter().collect()
            }
        }
    }

    /// The messages that may have come into the result or left it, other than by expunge.
    fn candidates(&self, view: &View, now: i64) -> UidSet {
        let changed = view.mailbox().changed_since(self.seen);
        let counted = changed.filter(|message| message.uid.0 < view.announced());
        let mut candidates: UidSet = counted.map(|message| message.uid.0).collect();
        // Those that were there when `seen` was, and the client did not count them yet.
        candidates.insert_range(self.announced, view.announced().saturating_sub(1));
        let largest = view.largest_uid();
        if largest != self.largest && has_star(&self.key) {
            candidates.insert_range(self.largest.min(largest), self.largest.max(largest));
        }
        let intervals = intervals(&self.key);
        if now != self.now && !intervals.is_empty() {
            // Those whose age has come to an interval of the key, or passed one (RFC 5032 §2).
            let (from, to) = (self.now.min(now), self.now.max(now));
            let passed = |message: &Message<'_>| {
                let date = message.internal_date.unix;
                let mut at = intervals
                    .iter()
                    .map(|seconds| date.saturating_add(*seconds));
                at.any(|at| (from..=to).contains(&at))
            };
            let aged = view.messages().filter(|(_, message)| passed(message));
            for (_, message) in aged {
                candidates.insert(message.uid.0);
            }
        }
        candidates
    }

    /// Takes `removed`, which are results, out of the result; what the client is told.
    fn remove(&mut self, removed: &UidSet) -> Vec<(u32, Vec<u32>)> {
        match &mut self.results {
            Results::Mailbox(results) => {
                *results = results.difference(removed);
                in_mailbox_order(removed)
            }
            Results::Sorted(_, results) => {
                // From the last to the first, so that each position is what it was.
                let mut pairs = runs(results, removed);
                pairs.reverse();
                results.retain(|uid| !removed.contains(*uid));
                pairs
            }
        }
    }

    /// Puts `added`, which are no results, into the result; what the client is told.
    async fn add(
        &mut self,
        added: &UidSet,
        (account, view): (&Account, &View),
    ) -> Result<Vec<(u32, Vec<u32>)>, store::Error> {
        match &mut self.results {
            Results::Mailbox(results) => {
                for &(first, last) in added.ranges() {
                    results.insert_range(first, last);
                }
                Ok(in_mailbox_order(added))
            }
            Results::Sorted(ordering, results) => {
                let placing = Placing {
                    ordering,
                    account,
                    view,
                };
                *results = placing.placed(results, added).await?;
                // From the first to the last: each position is its last.
                Ok(runs(results, added))
            }
        }
    }

    /// Asks what came or changed, and tells the client what that does to the result.
    async fn update(
        &mut self,
        (account, view): (&Account, &View),
        enabled: Enabled,
        arrivals: &mut Arrivals,
        out: &mut impl Outlet,
    ) -> Result<(), Stop> {
        let now = account.now().unix;
        let candidates = self.candidates(view, now);
        if !candidates.is_empty() {
            let charset = self.charset.as_deref();
            let search = Search::new(&self.key, charset, (view, &UidSet::new()), self.collation)?;
            let mut finder = Finder::new(account, view, &search);
            let matching = finder.walk(Some(&candidates)).await?.uids();
            let known = self.among(&candidates);
            let removed = self.remove(&known.difference(&matching));
            let added = matching.difference(&known);
            self.write((view, enabled), &removed, Change::RemoveFrom, out)
                .await?;
            let new = added.intersection(&arrivals.new);
            if let Some(with_more) = &mut arrivals.with_more {
                with_more.push((new, Arc::clone(&self.update)));
            } else if !self.update.is_empty() {
                // RFC 5465 §7: before ADDTO, where NOTIFY tells nothing of them after it.
                for message in view.messages_in(&new) {
                    let items = self.update.to_vec();
                    fetch::arrival((account, view), message, items, enabled, out).await?;
                }
            }
            let added = self.add(&added, (account, view)).await?;
            self.write((view, enabled), &added, Change::AddTo, out)
                .await?;
        }
        self.seen = view.mailbox().highest_mod_seq();
        self.announced = view.announced();
        self.largest = view.largest_uid();
        self.now = now;
        Ok(())
    }

    /// Tells the client of pairs of a position and UIDs.
    async fn write(
        &self,
        (view, enabled): (&View, Enabled),
        pairs: &[(u32, Vec<u32>)],
        change: Change,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
        // RFC 9586 §3: no sequence numbers any more, also of a context that began with them.
        let numbering = match self.about.numbering {
            Numbering::Sequence if enabled.uid_only => Numbering::Uid,
            numbering => numbering,
        };
        let correlator = correlator(
            (&self.about.tag, self.about.named.as_deref()),
            view,
            enabled,
        );
        let mut rest = pairs;
        while !rest.is_empty() {
            let mut numbers = 0;
            let fits = rest.iter().take_while(|(_, uids)| {
                numbers += uids.len();
                numbers <= NUMBERS_MAX
            });
            let (some, later) = rest.split_at(fits.count().max(1));
            let numbered: Vec<(u32, Vec<u32>)> = some
                .iter()
                .map(|(position, uids)| (*position, numbers_of(view, uids, numbering)))
                .collect();
            let numbered = numbered.iter();
            let numbered = numbered.map(|(position, all)| (*position, Numbers::Ordered(all)));
            let what = (&correlator, numbering, change);
            encode::context(out.buffer(), what, numbered);
            flush_if_full(out).await?;
            rest = later;
        }
        Ok(())
    }
}

fn numbers_of(view: &View, uids: &[u32], numbering: Numbering) -> Vec<u32> {
    match numbering {
        Numbering::Uid => uids.to_vec(),
        Numbering::Sequence => {
            let numbers = uids.iter().filter_map(|uid| view.sequence_of(Uid(*uid)));
            numbers.collect()
        }
    }
}

/// Answers CANCELUPDATE: RFC 5267 §4.3.5. Ends all that it names, also if it names others.
///
/// # Errors
/// NO for a tag that no result goes by.
pub(crate) fn cancel_update(selected: &mut Selected, tags: &[String]) -> Outcome {
    let unknown = tags.iter().filter(|tag| !selected.contexts.cancel(tag));
    match unknown.last() {
        None => Ok(Done::new("CANCELUPDATE completed")),
        Some(tag) => {
            let text = Text::with("No result is kept up to date for {}", [tag.clone().into()]);
            Err(Refusal::No(None, text).into())
        }
    }
}

/// Tells the client that what is expunged is no result any more. Before the EXPUNGE, so that
/// numbers are good (RFC 5267 §4.3.4).
pub(crate) async fn tell_gone(
    selected: &mut Selected,
    enabled: Enabled,
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    let view = &selected.view;
    if selected.contexts.0.is_empty() || !view.has_ghosts() {
        return Ok(());
    }
    let gone = view.ghosts();
    for context in &mut selected.contexts.0 {
        let removed = context.among(&gone);
        if !removed.is_empty() {
            let pairs = context.remove(&removed);
            context
                .write((view, enabled), &pairs, Change::RemoveFrom, out)
                .await?;
        }
    }
    Ok(())
}

/// Tells the client what came into results and left them since it was told last. After EXISTS,
/// so that numbers are good (RFC 5267 §4.3.3).
pub(crate) async fn tell_changed(
    selected: &mut Selected,
    enabled: Enabled,
    arrivals: &mut Arrivals,
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    let (account, view) = (&selected.account, &selected.view);
    for context in &mut selected.contexts.0 {
        let updated = context.update((account, view), enabled, arrivals, out);
        match updated.await {
            Ok(()) => {}
            Err(Stop::Gone) => return Err(Gone),
            // It is as the client knows it, and asked again with the next change.
            Err(Stop::Refused(why)) => tracing::error!(?why, "a context can't be kept up to date"),
        }
    }
    Ok(())
}

/// In the order of the mailbox, positions need not be said (RFC 5267 §4.3.3): sets as large as lines
/// may be.
fn in_mailbox_order(uids: &UidSet) -> Vec<(u32, Vec<u32>)> {
    let ranges = uids.ranges().chunks(NUMBERS_MAX);
    let every = |ranges: &[(u32, u32)]| ranges.iter().flat_map(|&(a, b)| a..=b).collect();
    ranges.map(|ranges| (0, every(ranges))).collect()
}

/// The runs of `order` that lie in `chosen`, each with the position of its first, from 1.
fn runs(order: &[u32], chosen: &UidSet) -> Vec<(u32, Vec<u32>)> {
    let mut pairs = Vec::new();
    let mut position = 1;
    let same = |a: &u32, b: &u32| chosen.contains(*a) == chosen.contains(*b);
    for run in order.chunk_by(same) {
        for piece in run.chunks(NUMBERS_MAX) {
            if run.first().is_some_and(|uid| chosen.contains(*uid)) {
                pairs.push((position, piece.to_vec()));
            }
            // No mailbox has more than that.
            position += u32::try_from(piece.len()).unwrap_or(u32::MAX);
        }
    }
    pairs
}

/// Where in a sorted result messages belong.
struct Placing<'a> {
    ordering: &'a Ordering,
    account: &'a Account,
    view: &'a View,
}

impl Placing<'_> {
    /// `order` with `added` in their places. Costs by the logarithm of the whole for each of a
    /// few; if there are many, all are sorted anew.
    async fn placed(&self, order: &[u32], added: &UidSet) -> Result<Vec<u32>, store::Error> {
        let (known, many) = (order.len() as u64, added.len());
        let steps = 2 * u64::from(u64::BITS - known.leading_zeros());
        if many.saturating_mul(steps) > known + many {
            let all = order
                .iter()
                .copied()
                .chain(added.iter())
                .collect::<Vec<_>>();
            return self.sorted(all).await;
        }
        let mut placed = Vec::with_capacity(order.len() + added.ranges().len());
        let mut rest = order;
        for uid in self.sorted(added.iter().collect()).await? {
            let (before, after) = rest.split_at(self.place_of(uid, rest).await?);
            placed.extend_from_slice(before);
            placed.push(uid);
            rest = after;
        }
        placed.extend_from_slice(rest);
        Ok(placed)
    }

    /// How many of `order` come before a message.
    async fn place_of(&self, uid: u32, order: &[u32]) -> Result<usize, store::Error> {
        let (mut low, mut high) = (0, order.len());
        while low < high {
            let middle = low.midpoint(high);
            let Some(&other) = order.get(middle) else {
                break;
            };
            if self.sorted(vec![uid, other]).await?.first() == Some(&other) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// These messages, in order.
    async fn sorted(&self, mut uids: Vec<u32>) -> Result<Vec<u32>, store::Error> {
        if uids.len() < 2 {
            return Ok(uids);
        }
        uids.sort_unstable();
        let uids: UidSet = uids.into_iter().collect();
        let mut sorter = self.ordering.sorter(self.account);
        // They were named when the result was told first.
        let mut damaged = Damaged::default();
        let mut pace = Pace::default();
        let mut batches = self.view.batches(Some(&uids));
        let mut some = Vec::with_capacity(AT_ONCE);
        loop {
            batches.next(AT_ONCE, &mut some);
            if some.is_empty() {
                break;
            }
            let all = (&*some, &Matching::all(some.len()));
            sorter.add(all, self.view, &mut damaged, &mut pace).await?;
        }
        Ok(sorter.sorted(&mut pace).await?.ordered_uids())
    }
}

/// A key whose message numbers, and `$`, are those of now (RFC 5267 §4.3), as UIDs.
fn fixed(key: &SearchKey, selected: &Selected) -> SearchKey {
    let all = |keys: &[SearchKey]| keys.iter().map(|key| fixed(key, selected)).collect();
    match key {
        SearchKey::And(keys) => SearchKey::And(all(keys)),
        SearchKey::Or(both) => {
            let (one, other) = &**both;
            SearchKey::Or(Box::new((fixed(one, selected), fixed(other, selected))))
        }
        SearchKey::Not(key) => SearchKey::Not(Box::new(fixed(key, selected))),
        SearchKey::Fuzzy(key) => SearchKey::Fuzzy(Box::new(fixed(key, selected))),
        SearchKey::Sequence(set) => match set.resolve(selected.view.len()) {
            None => in_uids(&selected.saved),
            Some(numbers) => in_uids(&uids_of(&numbers, &selected.view)),
        },
        SearchKey::Uid(SequenceSet::Saved) => in_uids(&selected.saved),
        key => key.clone(),
    }
}

/// The UIDs of messages with those numbers.
fn uids_of(numbers: &UidSet, view: &View) -> UidSet {
    let ranges = numbers.ranges().iter().filter_map(|&(first, last)| {
        let last = last.min(view.len());
        Some((view.uid_at(first)?.0, view.uid_at(last)?.0))
    });
    ranges.collect()
}

/// `UID …`, or what matches nothing.
fn in_uids(uids: &UidSet) -> SearchKey {
    if uids.is_empty() {
        return SearchKey::Not(Box::new(SearchKey::All));
    }
    let ranges = uids.ranges().iter();
    let ranges = ranges.map(|&(from, to)| SequenceRange {
        from: Some(from),
        to: Some(to),
    });
    SearchKey::Uid(SequenceSet::Ranges(ranges.collect()))
}

/// The seconds of every OLDER and YOUNGER in it, and one more: either matches at the interval itself.
fn intervals(key: &SearchKey) -> Vec<i64> {
    match key {
        SearchKey::Older(seconds) | SearchKey::Younger(seconds) => {
            let seconds = i64::from(seconds.get());
            vec![seconds, seconds + 1]
        }
        SearchKey::And(keys) => keys.iter().flat_map(intervals).collect(),
        SearchKey::Or(both) => [intervals(&both.0), intervals(&both.1)].concat(),
        SearchKey::Not(key) | SearchKey::Fuzzy(key) => intervals(key),
        _ => Vec::new(),
    }
}

/// Whether `*` of UIDs is in it: what it matches depends on which message is the last. The parser
/// bounds how deep keys nest.
fn has_star(key: &SearchKey) -> bool {
    match key {
        SearchKey::Uid(set) => set.has_star(),
        SearchKey::And(keys) => keys.iter().any(has_star),
        SearchKey::Or(both) => has_star(&both.0) || has_star(&both.1),
        SearchKey::Not(key) | SearchKey::Fuzzy(key) => has_star(key),
        _ => false,
    }
}
