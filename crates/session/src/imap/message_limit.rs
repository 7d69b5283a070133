//! MESSAGELIMIT and SAVELIMIT: RFC 9738. What a command names is cut to so many messages before
//! it runs, the newest of them; how far it came is told with its answer.
//!
//! Where the limit's capability is suppressed, there is none: a client that is not told of it would
//! take a part for the whole.

use imap::{
    Command, SequenceSet, UidSet,
    command::{self, Authenticated, Fetch, Numbering, Search, SearchKey},
    response::{Code, Status},
};
use store::{SystemFlags, Uid};

use super::{
    Session,
    refusal::{Done, Outcome, Refusal, Stop},
    reply,
    state::{Selected, State},
};
use crate::Outlet;

/// A command that is done in part only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited {
    /// Messages that a command may work on.
    max: u32,
    /// The oldest that it works on.
    lowest: Uid,
    /// It works on one after the other: what refuses it need not have kept it from all.
    piecemeal: bool,
}

impl Limited {
    fn code(self) -> Code {
        Code::MessageLimit(self.max, Some(self.lowest.0))
    }
}

impl Session {
    /// Messages that any command may work on.
    fn message_limit(&self) -> Option<u32> {
        let max = self.services.imap.message_limit?;
        let hides = self.hidden(self.logged_in()).hides("MESSAGELIMIT");
        (!hides).then_some(max)
    }

    /// Messages that COPY and APPEND may make.
    pub(super) fn save_limit(&self) -> Option<u32> {
        let max = self.services.imap.save_limit;
        let max = max.filter(|_| !self.hidden(self.logged_in()).hides("SAVELIMIT"));
        let both = [max, self.message_limit()];
        both.into_iter().flatten().min()
    }

    /// Cuts what a command names. What is left out of it is told when it is done: [`told`].
    ///
    /// # Errors
    /// NO \[MESSAGELIMIT], for what is done as a whole or not at all.
    pub(super) fn limit_messages(&mut self, command: &mut Command) -> Result<(), Refusal> {
        let (messages, saved) = (self.message_limit(), self.save_limit());
        if let (Some(max), Command::Authenticated(Authenticated::Append(append))) =
            (saved, &*command)
        {
            return few(append.messages.len(), max);
        }
        let (State::Selected(selected), Command::Selected(command)) = (&mut self.state, command)
        else {
            return Ok(());
        };
        if let (Some(max), command::Selected::Copy(copy)) = (saved, &*command) {
            return whole(selected, max, &copy.messages, copy.numbering);
        }
        if let Some(max) = messages {
            selected.limited = cut(selected, command, max)?;
        }
        Ok(())
    }
}

/// Cuts what a command names to its newest messages, if it names more than so many.
fn cut(
    selected: &Selected,
    command: &mut command::Selected,
    max: u32,
) -> Result<Option<Limited>, Refusal> {
    use command::Selected as S;
    let piecemeal = matches!(command, S::Fetch(_) | S::Store(_));
    let (messages, numbering) = match command {
        S::Fetch(fetch) if fetch.partial.is_some() => return span(fetch, max).map(|()| None),
        S::Fetch(fetch) => (&mut fetch.messages, fetch.numbering),
        S::Store(store) => (&mut store.messages, store.numbering),
        S::Move(copy) => (&mut copy.messages, copy.numbering),
        S::UidExpunge(messages) => return Ok(cut_deleted(selected, messages, max)),
        S::Search(search) => return Ok(cut_search(selected, search, max)),
        // RFC 9738 §3.3. SORT works from what is kept of every message.
        S::Thread(thread) => {
            let scope = scope(selected, &thread.search.key);
            return match newest(selected, &scope, max) {
                Some(_) => Err(refused(max, None)),
                None => Ok(None),
            };
        }
        _ => return Ok(None),
    };
    // What can't be resolved is refused by the command itself.
    let Ok(uids) = selected.resolve(messages, numbering) else {
        return Ok(None);
    };
    let Some((newest, mut limited)) = newest(selected, &uids, max) else {
        return Ok(None);
    };
    *messages = SequenceSet::from(&match numbering {
        Numbering::Uid => newest,
        Numbering::Sequence => numbers(selected, &newest),
    });
    limited.piecemeal = piecemeal;
    Ok(Some(limited))
}

/// The newest messages of a set, if it has more than so many.
fn newest(selected: &Selected, uids: &UidSet, max: u32) -> Option<(UidSet, Limited)> {
    let count = selected.view.count_in(uids);
    let left_out = count.checked_sub(max.into()).filter(|n| *n > 0)?;
    let newest = selected.view.places_in(uids, left_out..count);
    let lowest = Uid(newest.ranges().first()?.0);
    let limited = Limited {
        max,
        lowest,
        piecemeal: false,
    };
    Some((newest, limited))
}

/// The sequence numbers of the messages in ranges of which each holds a row of them.
fn numbers(selected: &Selected, uids: &UidSet) -> UidSet {
    let number = |uid| selected.view.sequence_of(Uid(uid));
    let ranges = uids.ranges().iter();
    ranges
        .filter_map(|&(first, last)| Some((number(first)?, number(last)?)))
        .collect()
}

/// RFC 9738 §3.1: a window of PARTIAL is not cut.
fn span(fetch: &Fetch, max: u32) -> Result<(), Refusal> {
    let places = fetch.partial.map(|partial| partial.places(u64::MAX));
    match places {
        Some(places) if places.end - places.start > u64::from(max) => Err(refused(max, None)),
        _ => Ok(()),
    }
}

/// UID EXPUNGE: so many that are `\Deleted`.
fn cut_deleted(selected: &Selected, messages: &mut SequenceSet, max: u32) -> Option<Limited> {
    let uids = selected.resolve(messages, Numbering::Uid).ok()?;
    let deleted: UidSet = selected
        .view
        .messages_in(&uids)
        .filter(|(_, message)| message.system.contains(SystemFlags::DELETED))
        .map(|(_, message)| message.uid.0)
        .collect();
    let (newest, limited) = newest(selected, &deleted, max)?;
    // Others than these stay out of it, also if they become `\Deleted` meanwhile.
    *messages = SequenceSet::from(&newest.intersection(&deleted));
    Some(limited)
}

/// SEARCH: so many that are looked at, not found (RFC 9738 §3.1).
fn cut_search(selected: &Selected, search: &mut Search, max: u32) -> Option<Limited> {
    let (_, limited) = newest(selected, &scope(selected, &search.key), max)?;
    let from = [(limited.lowest.0, u32::MAX)].into_iter().collect();
    let key = std::mem::replace(&mut search.key, SearchKey::All);
    search.key = SearchKey::And(vec![SearchKey::Uid(SequenceSet::from(&from)), key]);
    Some(limited)
}

/// The messages that a key can be about, by the sets that it names.
fn scope(selected: &Selected, key: &SearchKey) -> UidSet {
    let all = || [(1, u32::MAX)].into_iter().collect();
    let (set, numbering) = match key {
        SearchKey::Uid(set) => (set, Numbering::Uid),
        SearchKey::Sequence(set) => (set, Numbering::Sequence),
        // UIDBEFORE 1 and the like look at no message (RFC 9738 §3.2).
        SearchKey::Not(key) if **key == SearchKey::All => return UidSet::default(),
        SearchKey::And(keys) => {
            let scopes = keys.iter().map(|key| scope(selected, key));
            return scopes.fold(all(), |both, scope| both.intersection(&scope));
        }
        _ => return all(),
    };
    selected.resolve(set, numbering).unwrap_or_else(|_| all())
}

/// COPY: all or nothing.
fn whole(
    selected: &Selected,
    max: u32,
    messages: &SequenceSet,
    numbering: Numbering,
) -> Result<(), Refusal> {
    let Ok(uids) = selected.resolve(messages, numbering) else {
        return Ok(());
    };
    match newest(selected, &uids, max) {
        Some((_, limited)) => Err(refused(max, Some(limited.lowest.0))),
        None => Ok(()),
    }
}

/// APPEND of so many messages: all or nothing (RFC 3502).
///
/// # Errors
/// NO \[MESSAGELIMIT].
pub(super) fn few(count: usize, max: u32) -> Result<(), Refusal> {
    if u32::try_from(count).is_ok_and(|count| count <= max) {
        Ok(())
    } else {
        Err(refused(max, None))
    }
}

/// Too many at once. With the UID down to which it would have been enough, if that is known.
fn refused(max: u32, lowest: Option<u32>) -> Refusal {
    Refusal::no(
        Code::MessageLimit(max, lowest),
        "Too many messages at once, try fewer",
    )
}

/// How a command ended, with how far it came.
pub(super) fn told(
    limited: Limited,
    outcome: Outcome,
    language: super::Language,
    out: &mut impl Outlet,
) -> Outcome {
    let text = "Done for the newest messages, as many as one command may work on";
    match outcome {
        Ok(Done { code: None, .. }) => Ok(Done::with(limited.code(), text)),
        // Nothing was done.
        Err(Stop::Gone | Stop::Refused(Refusal::Bad(..))) => outcome,
        Err(_) if !limited.piecemeal => outcome,
        // RFC 9738 §3.1: the other code is in the tagged response.
        outcome => {
            let code = limited.code();
            reply::untagged(out, language, (Status::No, Some(&code)), text);
            outcome
        }
    }
}
