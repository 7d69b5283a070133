//! STORE: RFC 9051 §6.4.6, RFC 7162 §3.1.3.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    account::{
        Account, FlagAction, FlagChange, Stored,
        commit::{Draft, Which},
        copy::{ranges, room_for_keywords},
        rights::permit_open,
        seen::Looking,
    },
    change::Change,
    error::Error,
    flag::{Flags, Keyword, SystemFlags},
    id::{AccountId, MailboxId, Uid},
    mailbox::{Mailbox, Message, keywords::KEYWORDS_OF_MESSAGE_MAX},
    octets::{UidRanges, extend_ranges},
    rights::Rights,
};

/// Flags that messages come to have: system flags, and indexes of keywords, ascending.
type Outcome = (u8, Vec<u32>);

impl Account {
    /// Changes flags of the messages that exist of `uids` (ascending), in one batch.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::Limit`]; [`Error::NoRight`] if it takes rights to set any of these flags
    /// of which there are none. Flags that it takes other rights to set stay as they are (RFC 4314 §4).
    pub async fn store(
        &self,
        mailbox: MailboxId,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<Stored, Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                store(draft, (mailbox, self.reader()), uids, change)
            })
            .await
    }
}

fn store(
    draft: &mut Draft<'_>,
    (id, reader): (MailboxId, Option<AccountId>),
    uids: &[Uid],
    change: &FlagChange,
) -> Result<Stored, Error> {
    let rights = draft.rights(id)?;
    let change = &permitted(rights, change)?;
    let mailbox = Arc::clone(draft.mailbox(id)?);
    if change.action != FlagAction::Remove {
        room_for_keywords(&mailbox, &change.flags.keywords)?;
    }
    let messages = draft.messages(&mailbox, Which::Within(&ranges(uids)))?;
    let looking = draft.looking(&mailbox, reader)?;
    let given = Given::new(&mailbox, change, rights);
    let mut stored = Stored::default();
    let mut outcomes = Outcomes::default();
    let mut last = Uid(0);
    let mut find = messages.in_turn();
    // What became of a message that had these flags: of the next, which mostly has the same, becomes that, too.
    let mut before: Option<(SystemFlags, &[u32], Option<Outcome>)> = None;
    for &uid in uids {
        if uid <= last {
            continue;
        }
        last = uid;
        let Some(message) = find(uid) else {
            stored.gone.push(uid);
            continue;
        };
        let told = looking.as_ref().map_or(message, |it| it.eye().on(message));
        if change
            .unchanged_since
            .is_some_and(|since| told.mod_seq > since)
        {
            stored.modified.push(uid);
            continue;
        }
        // RFC 7162 §3.1.3 leaves it open; what does not change has no new modseq.
        let same = before
            .take()
            .filter(|(system, keywords, _)| *system == told.system && *keywords == told.keywords);
        let outcome = same.map_or_else(|| given.applied_to(&told), |(.., outcome)| outcome);
        if let Some(outcome) = &outcome {
            if outcome.1.len() > KEYWORDS_OF_MESSAGE_MAX {
                return Err(Error::Limit("keywords of a message"));
            }
            let own = looking.as_ref().is_some_and(Looking::is_own);
            outcomes.take((&message, &told), outcome, own);
        }
        before = Some((told.system, told.keywords, outcome));
    }
    // The state must not be held when it is changed, or all of it were copied.
    let met = mailbox.highest_mod_seq;
    let names = given.names;
    drop(find);
    drop((mailbox, messages));
    for (seen, uids) in [(true, outcomes.seen), (false, outcomes.unseen)] {
        if let Some(reader) = reader {
            draft.set_seen(id, reader, uids, seen)?;
        }
    }
    let flags = outcomes.flags.into_iter();
    let flags = flags.flat_map(|(system, all)| all.into_iter().map(move |it| (system, it)));
    for (system, (keywords, uids)) in flags {
        let keywords = keywords.iter();
        let keywords = keywords.filter_map(|index| names.get(*index as usize).cloned());
        draft.push(Change::FlagsChanged {
            mailbox: id,
            uids,
            flags: Flags {
                system: SystemFlags(system),
                keywords: keywords.collect(),
            },
        })?;
    }
    let left = draft.mailbox(id)?.highest_mod_seq;
    let whole = reader.is_none() && rights.contains(Rights::FLAGS);
    stored.step = whole.then_some((met, left));
    Ok(stored)
}

/// What of a change these rights permit.
fn permitted(rights: Rights, change: &FlagChange) -> Result<FlagChange, Error> {
    let flags = rights.permitted(&change.flags);
    let nothing = |flags: &Flags| flags.system == SystemFlags::NONE && flags.keywords.is_empty();
    let refused = match change.action {
        FlagAction::Replace => !rights.intersects(Rights::FLAGS),
        FlagAction::Add | FlagAction::Remove => nothing(&flags) && !nothing(&change.flags),
    };
    if refused {
        permit_open(rights, Rights::to_change(&change.flags))?;
    }
    Ok(FlagChange {
        flags,
        ..change.clone()
    })
}

/// What becomes of which messages.
#[derive(Default)]
struct Outcomes {
    /// By system flags and by keywords.
    flags: BTreeMap<u8, BTreeMap<Vec<u32>, UidRanges>>,
    /// Messages that the reader has seen now, and those that they no longer have.
    seen: UidRanges,
    unseen: UidRanges,
}

impl Outcomes {
    /// What a message, of which the reader is told something else, comes to have. `own`: its `\Seen` is theirs
    /// alone, and does not become the message's.
    fn take(
        &mut self,
        (message, told): (&Message<'_>, &Message<'_>),
        outcome: &Outcome,
        own: bool,
    ) {
        let (mut system, seen) = (SystemFlags(outcome.0), SystemFlags::SEEN);
        if own {
            match (told.system.contains(seen), system.contains(seen)) {
                (false, true) => extend_ranges(&mut self.seen, message.uid),
                (true, false) => extend_ranges(&mut self.unseen, message.uid),
                _ => {}
            }
            let others = message.system.contains(seen);
            system = if others {
                system.with(seen)
            } else {
                system.without(seen)
            };
        }
        if system == message.system && outcome.1 == message.keywords {
            return;
        }
        let of_system = self.flags.entry(system.0).or_default();
        let uids = match of_system.get_mut(&*outcome.1) {
            Some(uids) => uids,
            None => of_system.entry(outcome.1.clone()).or_default(),
        };
        extend_ranges(uids, message.uid);
    }
}

/// The flags given, in the mailbox's own terms.
struct Given {
    action: FlagAction,
    system: SystemFlags,
    /// Ascending.
    keywords: Vec<u32>,
    /// Keywords by index: the mailbox's, then those new to it.
    names: Vec<Keyword>,
    /// What they may change.
    rights: Rights,
}

impl Given {
    fn new(mailbox: &Mailbox, change: &FlagChange, rights: Rights) -> Self {
        let mut names = mailbox.keywords().to_vec();
        let mut keywords: Vec<u32> = Vec::with_capacity(change.flags.keywords.len());
        for keyword in &change.flags.keywords {
            match mailbox.keywords.find(keyword) {
                Some(index) => keywords.push(index),
                // Not known, so no message has it.
                None if change.action == FlagAction::Remove => {}
                None => {
                    keywords.push(u32::try_from(names.len()).unwrap_or(u32::MAX));
                    names.push(Arc::clone(keyword));
                }
            }
        }
        keywords.sort_unstable();
        keywords.dedup();
        Self {
            action: change.action,
            system: change.flags.system,
            keywords,
            names,
            rights,
        }
    }

    /// What a message comes to have; `None` if it has that already.
    fn applied_to(&self, message: &Message<'_>) -> Option<Outcome> {
        let (had, given) = (message.keywords, &self.keywords);
        let (system, keywords) = match self.action {
            FlagAction::Replace => {
                let kept = self.rights.forbidden();
                let kept = SystemFlags(message.system.0 & kept.0);
                let keywords = if self.rights.contains(Rights::WRITE) {
                    given.clone()
                } else {
                    had.to_vec()
                };
                (self.system.with(kept), keywords)
            }
            FlagAction::Add => {
                let mut all = had.to_vec();
                all.extend(given.iter().filter(|k| had.binary_search(k).is_err()));
                all.sort_unstable();
                (message.system.with(self.system), all)
            }
            FlagAction::Remove => {
                let left = had.iter().filter(|k| given.binary_search(k).is_err());
                let system = message.system.without(self.system);
                (system, left.copied().collect())
            }
        };
        (system != message.system || keywords != had).then_some((system.0, keywords))
    }
}
