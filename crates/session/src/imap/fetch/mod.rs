//! FETCH and UID FETCH: RFC 9051 §6.4.5, RFC 3501 §6.4.5, RFC 7162 §3.1.4, §3.2.6,
//! RFC 9394 §3.3.
//!
//! [`plan`] works out what is asked for, once; `message` writes one response. What
//! the snapshot knows is answered from it, and the disk is not touched.
//!
//! Messages that another session has expunged are served as long as the client
//! counts them. A message that can't be read is left out, the others are served,
//! and the tagged NO names it.

mod binary;
mod fields;
mod message;
mod plan;
mod preview;
mod record;
mod response;
pub(crate) mod source;
mod surrogate;
#[cfg(test)]
pub(super) mod tests;

use imap::{
    SequenceSet, UidSet,
    command::{Fetch, FetchItem, Numbering},
    encode::Vanished,
    response::Code,
};
use store::{
    Account, FlagAction, FlagChange, Flags, Message, ModSeq, Rights, SystemFlags, Uid,
    records::Listing,
};

use self::{message::Server, plan::Plan, response::Trouble};
use super::{
    commands::annotate,
    refusal::{Done, Outcome, Refusal, Stop},
    state::{Access, Enabled, Selected},
    sync,
    view::View,
    wording::Text,
};
use crate::{Gone, Outlet};

/// Answers FETCH.
pub(crate) async fn fetch(
    selected: &mut Selected,
    enabled: Enabled,
    fetch: &Fetch,
    out: &mut impl Outlet,
) -> Outcome {
    let plan = Plan::new(fetch)?;
    let mut uids = selected.resolve(&fetch.messages, fetch.numbering)?;
    if let Some(partial) = fetch.partial {
        // RFC 9394 §3.4: before CHANGEDSINCE, which leaves out some of those.
        let places = partial.places(selected.view.count_in(&uids));
        uids = selected.view.places_in(&uids, places);
    }
    have_parts(selected, &plan, &uids).await?;
    if fetch.vanished {
        tell_vanished(selected, enabled, fetch, out).await?;
    }
    // RFC 4314 §4: where the user may not set it, it is not set.
    let seen = if plan.sets_seen
        && selected.access == Access::ReadWrite
        && selected.rights().contains(Rights::SEEN)
    {
        mark_seen(selected, &uids, fetch.changed_since).await
    } else {
        UidSet::new()
    };
    let mut server = Server::new(&plan, &selected.view, enabled, &seen);
    server.newest_first = selected.limited.is_some();
    serve(&mut server, selected.account(), &uids, fetch, out).await?;
    let (troubled, downgraded) = (server.troubled, server.downgraded);
    let told = told(&selected.view, &seen, |message| {
        plan.tells_flags(enabled)
            && uids.contains(message.uid.0)
            && is_wanted(message, fetch.changed_since)
    });
    for uid in told {
        if troubled.uids.binary_search(&uid).is_err() {
            selected.view.aware_of(uid);
        }
    }
    let mut done = troubled.outcome()?;
    if !downgraded.ranges().is_empty() {
        done.code = Some(Code::Downgraded(downgraded));
    }
    Ok(done)
}

/// That some of the messages have the parts that annotations are asked for of.
///
/// # Errors
/// BAD: RFC 5257 §3.2.1. What can't be read is the messages' own trouble.
async fn have_parts(selected: &Selected, plan: &Plan, uids: &UidSet) -> Result<(), Refusal> {
    for part in plan.annotated_parts() {
        let mut has = false;
        for (_, message) in selected.view.messages_in(uids) {
            let email = selected.account().email(&message).await;
            has = email.is_ok_and(|email| has_part(&email.structure(), &part));
            if has {
                break;
            }
        }
        if !has && selected.view.count_in(uids) > 0 {
            return Err(annotate::no_such_part());
        }
    }
    Ok(())
}

/// Whether a message has a part.
pub(crate) fn has_part(structure: &mail::Part, part: &[u32]) -> bool {
    structure.span(part, mail::What::Whole, 0).is_some()
}

/// Whether so much may be told of each new message.
///
/// # Errors
/// As for a FETCH of it.
pub(crate) fn check(items: &[FetchItem]) -> Result<(), Refusal> {
    Plan::new(&of_arrivals(items.to_vec())).map(drop)
}

/// Tells of a new message what the client wants to know of such: RFC 5465 §5.2, §7. It does not become `\Seen`;
/// if it can't be read it is left out, as nobody asked for it by its number.
pub(crate) async fn arrival(
    (account, view): (&Account, &View),
    (sequence, message): (u32, Message<'_>),
    mut items: Vec<FetchItem>,
    enabled: Enabled,
    out: &mut impl Outlet,
) -> Result<(), Gone> {
    // RFC 7162 §3.1, §3.2.4.
    if enabled.qresync {
        items.push(FetchItem::Uid);
    }
    if enabled.condstore {
        items.push(FetchItem::ModSeq);
    }
    let Ok(plan) = Plan::new(&of_arrivals(items)) else {
        return Ok(());
    };
    let seen = UidSet::new();
    let mut server = Server::new(&plan, view, enabled, &seen);
    let (listing, messages) = (account.listing(), [(sequence, message)]);
    let written = together(&mut server, &listing, &messages, out).await;
    written.map_err(|_| Gone)
}

/// As if somebody had asked for it.
fn of_arrivals(items: Vec<FetchItem>) -> Fetch {
    Fetch {
        numbering: Numbering::Sequence,
        messages: SequenceSet::Saved,
        items,
        changed_since: None,
        vanished: false,
        partial: None,
    }
}

/// `VANISHED (EARLIER)`, which comes before every FETCH response: RFC 7162 §3.2.6.
async fn tell_vanished(
    selected: &Selected,
    enabled: Enabled,
    fetch: &Fetch,
    out: &mut impl Outlet,
) -> Result<(), Stop> {
    let since = match fetch.changed_since {
        Some(since) if enabled.qresync && fetch.numbering == Numbering::Uid => ModSeq(since),
        _ => {
            let text = "VANISHED needs UID FETCH, CHANGEDSINCE, and QRESYNC enabled";
            return Err(Refusal::bad(text).into());
        }
    };
    let mailbox = selected.view.mailbox();
    // `*` may stand for a message that is gone; what never was has not vanished.
    let last = mailbox.uid_next().0.saturating_sub(1);
    let among = fetch.messages.resolve(last);
    let among = among.unwrap_or_else(|| selected.saved.clone());
    let among = among.intersection(&[(1, last)].into_iter().filter(|r| r.1 > 0).collect());
    let gone = sync::gone_since(mailbox, since, &among);
    // Of those that the client still counts it is told after the command, without EARLIER.
    let gone = without_counted(&selected.view, &gone);
    Ok(sync::vanished(&gone, Vanished::Earlier, out).await?)
}

/// `gone` without the messages that the client still counts.
fn without_counted(view: &View, gone: &UidSet) -> UidSet {
    if !view.has_ghosts() {
        return gone.clone();
    }
    let mut left = UidSet::new();
    let mut counted = view.messages_in(gone).map(|(_, m)| m.uid.0).peekable();
    for &(first, last) in gone.ranges() {
        let mut next = first;
        while let Some(ghost) = counted.next_if(|uid| *uid <= last) {
            if ghost > next {
                left.insert_range(next, ghost - 1);
            }
            next = ghost.saturating_add(1);
        }
        if next <= last {
            left.insert_range(next, last);
        }
    }
    left
}

/// Sets `\Seen` for all messages that are about to be read, in one batch. Gives those
/// that had not been seen before.
///
/// Reading goes on if it can't be set: the disk may be full, or the mailbox deleted.
async fn mark_seen(selected: &mut Selected, uids: &UidSet, since: Option<u64>) -> UidSet {
    let view = &selected.view;
    let unseen: Vec<Uid> = view
        .messages_in(uids)
        .filter(|(_, message)| !message.system.contains(SystemFlags::SEEN))
        .filter(|(_, message)| is_wanted(message, since))
        .map(|(_, message)| message.uid)
        .filter(|uid| !view.is_ghost(*uid))
        .collect();
    if unseen.is_empty() {
        return UidSet::new();
    }
    let change = FlagChange {
        action: FlagAction::Add,
        flags: Flags {
            system: SystemFlags::SEEN,
            keywords: Vec::new(),
        },
        unchanged_since: None,
    };
    let account = selected.account();
    if account
        .store(selected.mailbox, &unseen, &change)
        .await
        .is_err()
    {
        return UidSet::new();
    }
    selected.refresh().await;
    let gone = |uid: &Uid| selected.view.is_ghost(*uid);
    let seen = unseen.into_iter().filter(|uid| !gone(uid));
    seen.map(|uid| uid.0).collect()
}

/// Serves every message asked for.
async fn serve(
    server: &mut Server<'_>,
    account: &Account,
    uids: &UidSet,
    fetch: &Fetch,
    out: &mut impl Outlet,
) -> Result<(), Stop> {
    let (view, listing) = (server.view, &account.listing());
    let Some(since) = fetch.changed_since else {
        let mut batches = view.batches(Some(uids));
        return each(server, listing, |some| batches.next(TOGETHER, some), out).await;
    };
    // RFC 7162 §3.1.4.1. Costs by what has changed, however large the set is.
    let changed = view.mailbox().changed_since(ModSeq(since));
    let asked = changed.filter(|message| uids.contains(message.uid.0));
    let mut counted = asked.filter_map(|message| Some((view.sequence_of(message.uid)?, message)));
    let next = |some: &mut Vec<_>| {
        some.clear();
        some.extend(counted.by_ref().take(TOGETHER));
    };
    each(server, listing, next, out).await
}

/// Messages whose records are looked up together.
const TOGETHER: usize = 16;

/// Serves messages, the next of which `next` puts in place of some; none when there are no more.
async fn each<'a>(
    server: &mut Server<'_>,
    listing: &Listing,
    mut next: impl FnMut(&mut Vec<(u32, Message<'a>)>),
    out: &mut impl Outlet,
) -> Result<(), Stop> {
    let mut some = Vec::with_capacity(TOGETHER);
    let mut all = Vec::new();
    loop {
        next(&mut some);
        if some.is_empty() {
            break;
        }
        if server.newest_first {
            // No more than one command may work on.
            all.append(&mut some);
        } else {
            together(server, listing, &some, out).await?;
        }
    }
    all.reverse();
    for some in all.chunks(TOGETHER) {
        together(server, listing, some, out).await?;
    }
    Ok(())
}

async fn together(
    server: &mut Server<'_>,
    listing: &Listing,
    messages: &[(u32, Message<'_>)],
    out: &mut impl Outlet,
) -> Result<(), Stop> {
    let mut kept = Vec::new();
    if server.needs_records() {
        kept = listing.kept(messages.iter().map(|(_, message)| message));
    }
    let mut kept = kept.into_iter();
    for message in messages {
        let email = kept.next().flatten();
        server.message(listing, message, email, out).await?;
        sync::flush_if_full(out).await?;
    }
    Ok(())
}

/// The messages whose changed flags the client has been told: by responses that show
/// them in full, or since this command made them `\Seen`.
fn told(view: &View, seen: &UidSet, shown: impl Fn(&Message<'_>) -> bool) -> Vec<Uid> {
    view.untold()
        .map(|(_, message)| message)
        .filter(|message| seen.contains(message.uid.0) || shown(message))
        .map(|message| message.uid)
        .collect()
}

/// RFC 7162 §3.1.4.1.
fn is_wanted(message: &Message<'_>, changed_since: Option<u64>) -> bool {
    changed_since.is_none_or(|since| message.mod_seq.0 > since)
}

/// Messages that could not be served.
#[derive(Debug, Default)]
struct Troubled {
    /// Ascending.
    uids: Vec<Uid>,
    /// What was wrong with the first.
    first: Option<Trouble>,
}

impl Troubled {
    fn add(&mut self, uid: Uid, trouble: Trouble) {
        self.uids.push(uid);
        self.first.get_or_insert(trouble);
    }

    fn outcome(self) -> Outcome {
        let (Some(uid), Some(first)) = (self.uids.first(), self.first) else {
            return Ok(Done::new("FETCH completed"));
        };
        let (code, text) = match first {
            Trouble::UnknownCte => (
                Some(Code::UnknownCte),
                Text::with(
                    "The encoding of a part of UID {} is unknown",
                    [uid.0.into()],
                ),
            ),
            Trouble::Unreadable(error) => match Refusal::from(error) {
                Refusal::No(code, text) => {
                    (code, Text::with("UID {}: {}", [uid.0.into(), text.into()]))
                }
                bad @ Refusal::Bad(..) => return Err(bad.into()),
            },
        };
        let text = match self.uids.len() - 1 {
            0 => text,
            n => Text::with("{} ({} more were left out, too)", [text.into(), n.into()]),
        };
        Err(Refusal::No(code, text).into())
    }
}
