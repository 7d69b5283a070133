//! Which messages of a mailbox have to be at hand for what comes next: the others are not read.
//!
//! Whatever is not held is read when it is looked at, while the session's thread waits. So this may ask for too little
//! and be slow, or for too much; what the client is told does not depend on it.

use imap::{
    Command, SequenceSet, UidSet,
    command::{self, Numbering, Qresync, SearchKey},
};
use store::{Account, Error, ModSeq, OpenMailbox, Stretch};

use super::state::Selected;

/// What a command looks at.
enum Looks<'a> {
    /// At no message.
    Nowhere,
    /// At those that it names, or only those that changed after a modseq.
    At(&'a SequenceSet, Numbering, Option<ModSeq>),
    /// At any.
    Everywhere,
}

/// Holds what SELECT tells of.
///
/// # Errors
/// As [`Account::hold`].
pub(crate) async fn opening(
    account: &Account,
    mailbox: &OpenMailbox,
    known: Option<&Qresync>,
) -> Result<(), Error> {
    let since = known
        .filter(|known| known.uid_validity.get() == mailbox.uid_validity().0)
        .map(|known| ModSeq(known.mod_seq));
    // Then each message is compared.
    let all = known.is_some_and(|known| known.match_data.is_some())
        || since.is_some_and(|since| mailbox.expunged_since(since).is_none());
    let unseen = mailbox.unseen_within();
    let recent = mailbox.len().saturating_sub(mailbox.recent());
    let wants = |some: &Stretch| {
        all || since.is_some_and(|since| some.mod_seq_max > since)
            || unseen.as_ref() == Some(&some.indexes)
            // Of the first message of all the UID is known.
            || some.indexes.contains(&recent) && recent > some.indexes.start
    };
    account.hold(mailbox, wants).await
}

/// Holds what is new in a state that is newer than the one at hand: what changed, and where something is gone.
///
/// # Errors
/// As [`Account::hold`].
pub(crate) async fn news(selected: &Selected, newest: &OpenMailbox) -> Result<(), Error> {
    let view = &selected.view;
    let gone = newest.expunged_since(view.mailbox().highest_mod_seq());
    if gone.is_none() {
        // Both are compared, message by message.
        selected.account().hold(view.mailbox(), |_| true).await?;
    }
    let all = gone.is_none() || selected.wants.fetch.is_some() || !selected.contexts.is_empty();
    let gone = gone.unwrap_or_default();
    let wants = |some: &Stretch| {
        let after = gone.partition_point(|(_, last)| *last < some.first);
        let reduced = gone
            .get(after)
            .is_some_and(|(first, _)| *first <= some.last);
        all || reduced || some.mod_seq_max > view.told()
    };
    selected.account().hold(newest, wants).await
}

/// Holds what a command looks at.
///
/// # Errors
/// As [`Account::hold`].
pub(crate) async fn named(selected: &Selected, command: &Command) -> Result<(), Error> {
    let (account, view) = (selected.account(), &selected.view);
    let (set, numbering, since) = match looks(command, view.mailbox()) {
        Looks::Nowhere => return Ok(()),
        Looks::Everywhere => return account.hold(view.mailbox(), |_| true).await,
        Looks::At(set, numbering, since) => (set, numbering, since),
    };
    let changed = |some: &Stretch| since.is_none_or(|since| some.mod_seq_max > since);
    let numbers = match set {
        SequenceSet::Saved => selected.saved.clone(),
        SequenceSet::Ranges(_) => {
            let largest = match numbering {
                Numbering::Uid => view.largest_uid(),
                Numbering::Sequence => view.len(),
            };
            set.resolve(largest).unwrap_or_default()
        }
    };
    let by_uid = numbering == Numbering::Uid || *set == SequenceSet::Saved;
    // What is gone and still counted moves numbers, by no more than so many.
    let ghosts = u32::try_from(view.ghosts().len()).unwrap_or(u32::MAX);
    let wants = |some: &Stretch| {
        let span = if by_uid {
            (some.first.0, some.last.0)
        } else {
            let indexes = &some.indexes;
            (indexes.start + 1, indexes.end.saturating_add(ghosts))
        };
        // Where a range begins and ends is found by a look at what is there.
        let reached = reaches(&numbers, span);
        reached.is_some_and(|wholly| changed(some) || !by_uid && !wholly)
    };
    account.hold(view.mailbox(), wants).await
}

/// Whether a set has all numbers of a span; `None` if it has none of them.
fn reaches(set: &UidSet, (first, last): (u32, u32)) -> Option<bool> {
    let ranges = set.ranges();
    let after = ranges.partition_point(|(_, end)| *end < first);
    let (start, end) = ranges.get(after).filter(|(start, _)| *start <= last)?;
    Some(*start <= first && *end >= last)
}

/// What a command looks at. What it says last, of news, is held with that.
fn looks<'a>(command: &'a Command, mailbox: &OpenMailbox) -> Looks<'a> {
    use command::{Authenticated as A, Selected as S};
    match command {
        // One of the mailboxes that it searches may be this one.
        Command::Authenticated(A::Esearch(_)) => Looks::Everywhere,
        Command::Any(_)
        | Command::NotAuthenticated(_)
        | Command::Authenticated(_)
        | Command::Selected(S::Check | S::Close | S::Unselect | S::Expunge | S::CancelUpdate(_)) => {
            Looks::Nowhere
        }
        Command::Selected(S::Fetch(fetch)) => {
            Looks::At(&fetch.messages, fetch.numbering, only_since(fetch, mailbox))
        }
        Command::Selected(S::Store(it)) => Looks::At(&it.messages, it.numbering, None),
        Command::Selected(S::StoreAnnotations(it)) => Looks::At(&it.messages, it.numbering, None),
        Command::Selected(S::Convert(it)) => Looks::At(&it.messages, it.numbering, None),
        Command::Selected(S::UidExpunge(messages)) => Looks::At(messages, Numbering::Uid, None),
        Command::Selected(S::Search(search)) => among(&search.key),
        Command::Selected(S::Sort(sort)) => among(&sort.search.key),
        Command::Selected(S::Thread(thread)) => among(&thread.search.key),
        Command::Selected(S::Copy(copy) | S::Move(copy)) => {
            Looks::At(&copy.messages, copy.numbering, None)
        }
        Command::Selected(_) => Looks::Everywhere,
    }
}

/// What a search looks at.
fn among(key: &SearchKey) -> Looks<'_> {
    match key {
        SearchKey::Uid(set) => Looks::At(set, Numbering::Uid, None),
        SearchKey::Sequence(set) => Looks::At(set, Numbering::Sequence, None),
        SearchKey::And(keys) => {
            let mut each = keys.iter().map(among);
            let named = each.find(|looks| matches!(looks, Looks::At(..)));
            named.unwrap_or(Looks::Everywhere)
        }
        _ => Looks::Everywhere,
    }
}

/// The modseq up to which a FETCH has no use for messages: if it asks for flags that changed, and what has vanished is
/// on record.
fn only_since(fetch: &command::Fetch, mailbox: &OpenMailbox) -> Option<ModSeq> {
    use command::FetchItem as F;
    let flags = |item: &F| matches!(item, F::Flags | F::Uid | F::ModSeq);
    let since = ModSeq(fetch.changed_since?);
    let recorded = !fetch.vanished || mailbox.expunged_since(since).is_some();
    (recorded && fetch.items.iter().all(flags)).then_some(since)
}
