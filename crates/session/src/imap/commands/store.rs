//! STORE and UID STORE: RFC 9051 §6.4.6, RFC 7162 §3.1.3.
//!
//! Messages that another session has expunged: the others are done, and STORE by sequence
//! numbers answers NO \[EXPUNGEISSUED] (RFC 2180 §4.2.3), UID STORE answers OK.

use std::collections::BTreeSet;

use imap::{
    UidSet,
    command::{Numbering, Store, StoreAction},
    response::Code,
};
use store::{FlagAction, FlagChange, Flags, Message, ModSeq, Stored, Uid};

use crate::{
    Outlet,
    imap::{
        flags,
        refusal::{Done, Outcome, Refusal},
        reply::{self, Shown},
        state::{Access, Enabled, Selected},
        sync::flush_if_full,
        view::View,
    },
};

/// Answers STORE.
pub(crate) async fn store(
    selected: &mut Selected,
    enabled: Enabled,
    store: &Store,
    out: &mut impl Outlet,
) -> Outcome {
    if selected.access == Access::ReadOnly {
        return Err(Refusal::read_only().into());
    }
    let change = change(store)?;
    let uids = selected.resolve(&store.messages, store.numbering)?;
    let mut targets = selected.view.uids_in(&uids);
    let counted = targets.len();
    targets.retain(|uid| !selected.view.is_ghost(*uid));

    let before = selected.view.mailbox().clone();
    let stored = if targets.is_empty() {
        Stored::default()
    } else {
        let account = selected.account();
        account.store(selected.mailbox, &targets, &change).await?
    };
    let missing = targets.len() < counted || !stored.gone.is_empty();
    targets.retain(|uid| stored.modified.binary_search(uid).is_err());
    selected.refresh().await;
    if selected.limited.is_some() {
        targets.reverse(); // RFC 9738 §3.1
    }

    let report = Report {
        shown: shown(store, enabled),
        change: &change,
        keywords: indexes(selected.view.mailbox(), &change.flags),
        enabled,
    };
    if store.silent && !report.shown.mod_seq && is_all_news(selected, &before, &stored) {
        selected.view.flags_told();
    } else if store.silent {
        report.silently(selected, &before, &targets, out).await?;
    } else {
        report.fully(selected, &targets, out).await?;
    }
    outcome(selected, store.numbering, &stored, missing)
}

/// Whether a client that knew all of a mailbox knows what a STORE made of it, since nothing else has happened there;
/// and keeps no search result, of which each change is asked.
fn is_all_news(selected: &Selected, before: &store::OpenMailbox, stored: &Stored) -> bool {
    let view = &selected.view;
    let (met, left) = (before.highest_mod_seq(), view.mailbox().highest_mod_seq());
    view.told() >= met && stored.step == Some((met, left)) && selected.contexts.is_empty()
}

/// How the client is told what became of its STORE.
struct Report<'a> {
    shown: Shown,
    change: &'a FlagChange,
    /// The change's keywords as the mailbox numbers them, ascending.
    keywords: Vec<u32>,
    enabled: Enabled,
}

impl Report<'_> {
    /// The flags of every message, changed or not.
    async fn fully(
        &self,
        selected: &mut Selected,
        targets: &[Uid],
        out: &mut impl Outlet,
    ) -> Result<(), crate::Gone> {
        let newest = selected.view.mailbox().clone();
        let mut find = newest.in_turn();
        for &uid in targets {
            if let Some(message) = find(uid) {
                self.fetch(&selected.view, &message, out);
                selected.view.aware_at(uid, message.mod_seq);
                flush_if_full(out).await?;
            }
        }
        Ok(())
    }

    /// Nothing of flags that came out as the client expects, but their MODSEQ (RFC 7162
    /// §3.1.3); what another session changed meanwhile is told at the end as news.
    async fn silently(
        &self,
        selected: &mut Selected,
        before: &store::OpenMailbox,
        targets: &[Uid],
        out: &mut impl Outlet,
    ) -> Result<(), crate::Gone> {
        let newest = selected.view.mailbox().clone();
        let (mut old, mut new) = (before.in_turn(), newest.in_turn());
        for &uid in targets {
            let new = new(uid);
            let states = old(uid).zip(new);
            if states.is_some_and(|(old, new)| !self.as_expected(&selected.view, &old, &new)) {
                continue;
            }
            let Some(message) = new else { continue };
            if self.shown.mod_seq {
                self.fetch(&selected.view, &message, out);
                flush_if_full(out).await?;
            }
            selected.view.aware_at(uid, message.mod_seq);
        }
        Ok(())
    }

    fn fetch(&self, view: &View, message: &Message<'_>, out: &mut impl Outlet) {
        if let Some(sequence) = view.sequence_of(message.uid) {
            let what = (sequence, message);
            reply::fetch(view, what, self.shown, self.enabled, out.buffer());
        }
    }

    /// Whether the message has the flags that the client, knowing those that it had before,
    /// takes it to have.
    fn as_expected(&self, view: &View, old: &Message<'_>, new: &Message<'_>) -> bool {
        if !view.knows_flags_of(old) {
            return false;
        }
        let wanted = self.change.flags.system;
        let system = match self.change.action {
            FlagAction::Replace => wanted,
            FlagAction::Add => old.system.with(wanted),
            FlagAction::Remove => old.system.without(wanted),
        };
        new.system == system && self.keywords_as_expected(old, new)
    }

    fn keywords_as_expected(&self, old: &Message<'_>, new: &Message<'_>) -> bool {
        let (old, new, given) = (old.keywords, new.keywords, &*self.keywords);
        let has = |set: &[u32], index: &u32| set.binary_search(index).is_ok();
        match self.change.action {
            FlagAction::Replace => new == given,
            FlagAction::Add => {
                let mut from_old = new.iter().filter(|index| !has(given, index));
                from_old.all(|index| has(old, index))
                    && old.iter().chain(given).all(|index| has(new, index))
            }
            FlagAction::Remove => {
                let mut kept = old.iter().filter(|index| !has(given, index));
                kept.all(|index| has(new, index))
                    && new
                        .iter()
                        .all(|index| has(old, index) && !has(given, index))
            }
        }
    }
}

fn change(store: &Store) -> Result<FlagChange, Refusal> {
    let action = match store.action {
        StoreAction::Replace => FlagAction::Replace,
        StoreAction::Add => FlagAction::Add,
        StoreAction::Remove => FlagAction::Remove,
    };
    Ok(FlagChange {
        action,
        flags: flags::from_wire(&store.flags)?,
        unchanged_since: store.unchanged_since.map(ModSeq),
    })
}

/// The indexes of the keywords that the mailbox has, ascending.
fn indexes(mailbox: &store::Mailbox, flags: &Flags) -> Vec<u32> {
    let same = |given: &store::Keyword| {
        let mut known = mailbox.keywords().iter();
        known.position(|keyword| keyword.eq_ignore_ascii_case(given))
    };
    let positions = flags.keywords.iter().filter_map(same);
    let indexes: BTreeSet<u32> = positions.filter_map(|i| u32::try_from(i).ok()).collect();
    indexes.into_iter().collect()
}

fn shown(store: &Store, enabled: Enabled) -> Shown {
    Shown {
        flags: !store.silent,
        // RFC 9051 §6.4.9: always with UID STORE.
        uid: store.numbering == Numbering::Uid || Shown::unasked(enabled).uid,
        mod_seq: enabled.condstore,
    }
}

/// How a STORE ends that did this; `missing`: some of its messages no longer exist.
pub(crate) fn outcome(
    selected: &Selected,
    numbering: Numbering,
    stored: &Stored,
    missing: bool,
) -> Outcome {
    let view = &selected.view;
    let missing = missing && numbering == Numbering::Sequence;
    let modified: UidSet = match numbering {
        Numbering::Uid => stored.modified.iter().map(|uid| uid.0).collect(),
        Numbering::Sequence => {
            let numbers = stored.modified.iter();
            numbers.filter_map(|uid| view.sequence_of(*uid)).collect()
        }
    };
    let some = !modified.is_empty();
    let code = some.then_some(Code::Modified(modified));
    if missing {
        let code = code.unwrap_or(Code::ExpungeIssued);
        return Err(Refusal::no(code, "Some of the messages no longer exist").into());
    }
    let text = match code {
        Some(_) => "Some of the messages have changed and were left alone",
        None => "STORE completed",
    };
    Ok(Done { code, text })
}
