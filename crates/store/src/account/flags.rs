//! STORE: RFC 9051 §6.4.6, RFC 7162 §3.1.3.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    account::{
        Account, FlagAction, FlagChange, Stored,
        commit::{Draft, Which},
        copy::{ranges, room_for_keywords},
        rights::permit_open,
    },
    change::Change,
    error::Error,
    flag::{Flags, Keyword, SystemFlags},
    id::{MailboxId, Uid},
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
                store(draft, mailbox, uids, change)
            })
            .await
    }
}

fn store(
    draft: &mut Draft<'_>,
    id: MailboxId,
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
    let given = Given::new(&mailbox, change, rights);
    let mut stored = Stored::default();
    let mut outcomes: BTreeMap<Outcome, UidRanges> = BTreeMap::new();
    let mut last = Uid(0);
    for &uid in uids {
        if uid <= last {
            continue;
        }
        last = uid;
        let Some(message) = messages.get(uid) else {
            stored.gone.push(uid);
            continue;
        };
        if change
            .unchanged_since
            .is_some_and(|since| message.mod_seq > since)
        {
            stored.modified.push(uid);
            continue;
        }
        // RFC 7162 §3.1.3 leaves it open; what does not change has no new modseq.
        if let Some(outcome) = given.applied_to(&message) {
            if outcome.1.len() > KEYWORDS_OF_MESSAGE_MAX {
                return Err(Error::Limit("keywords of a message"));
            }
            extend_ranges(outcomes.entry(outcome).or_default(), uid);
        }
    }
    // The state must not be held when it is changed, or all of it were copied.
    let names = given.names;
    drop((mailbox, messages));
    for ((system, keywords), uids) in outcomes {
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
