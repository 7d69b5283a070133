//! Old mail in a partition of its own: on larger disks, and slower ones.
//!
//! A rule says from which age on messages lie in the archive partition. They stay in their mailboxes, and
//! clients notice nothing; only octets and records move ([`crate::account::Account::relocate`]), while everybody uses them.
//! Broken off at any point every message can be read, and the next round goes on.

use std::{collections::HashMap, sync::Arc};

use crate::{
    account::{Account, Pass},
    error::Error,
    id::{AccountId, MailboxId, Uid},
    mailbox::{Mailbox, OpenMailbox},
    metadata::read_time,
    name::MailboxName,
    past::Mode,
    snapshot::Snapshot,
    store::Store,
};

/// By whom messages were moved that were moved by themselves.
pub const BY: &str = "archive";

/// The entry of metadata that says after which time messages go to the archive (`365`, `52d`), or `never`: of a
/// mailbox, for it and all below it that say nothing themselves; of an account, for all its mailboxes.
pub const ARCHIVE_AFTER: &str = "/shared/vendor/chapar/archive-after";

/// Mailboxes of which is remembered when they have to be looked at again, 32 octets each.
const REMEMBERED_MAX: usize = 1_000_000;

/// What the configuration says about the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveRule {
    /// The name of the partition.
    pub partition: Arc<str>,
    /// Messages that arrived so long ago go there, by INTERNALDATE, in seconds; `None`: only where metadata says so.
    pub age_seconds: Option<u64>,
}

impl ArchiveRule {
    /// The age from which on messages of a mailbox lie in the archive; `None`: they stay.
    #[must_use]
    pub fn age_seconds(&self, account: &Snapshot, mailbox: &Mailbox) -> Option<u64> {
        let name = mailbox.name().clone();
        let levels = std::iter::successors(Some(name), MailboxName::parent);
        let mut said = levels.filter_map(|name| {
            let metadata = account.named(&name)?.metadata();
            metadata.get(None, ARCHIVE_AFTER)
        });
        let own = said.next();
        let said = own.or_else(|| account.metadata().get(None, ARCHIVE_AFTER));
        match said {
            None => self.age_seconds,
            // What is no time moves nothing.
            Some(time) => read_time(time),
        }
    }
}

/// What went to the archive, or would go, of one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Whose.
    pub account: AccountId,
    /// The mailbox's name.
    pub name: MailboxName,
    /// How many messages; a copy is one more.
    pub messages: u64,
    /// Octets that were written for them; if they were not, their own.
    pub octets: u64,
    /// Messages that could not be read, and stay where they are.
    pub damaged: u64,
}

/// Moves old mail to the archive, round by round. Remembers of each mailbox when there will be something to do.
#[derive(Debug, Default)]
pub struct Archiver {
    rule: Option<ArchiveRule>,
    quiet: HashMap<(AccountId, MailboxId), Quiet>,
}

/// A mailbox in which nothing has to be done.
#[derive(Debug, Clone, Copy)]
struct Quiet {
    /// As long as nothing comes.
    uid_next: Uid,
    /// And no message gets so old; seconds since 1970.
    oldest: i64,
}

impl Archiver {
    /// One that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Goes through all mailboxes once; `report` hears of each of which anything moved, or would.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if there is no such partition; what the store says. Accounts that can't be read
    /// are passed over.
    pub async fn round(
        &mut self,
        store: &Store,
        rule: &ArchiveRule,
        mode: Mode,
        report: &mut (dyn FnMut(Archived) + Send),
    ) -> Result<(), Error> {
        store.partition_named(&rule.partition)?;
        if self.rule.as_ref() != Some(rule) {
            *self = Self {
                rule: Some(rule.clone()),
                ..Self::default()
            };
        }
        for id in store.accounts().await? {
            match self.account(store, (id, rule), mode, report).await {
                Err(Error::Corrupt { file, offset, what }) => {
                    tracing::error!(account = %id, %file, offset, %what, "it can't be archived");
                }
                Err(Error::OutOfService(why)) => {
                    tracing::warn!(account = %id, %why, "it can't be archived now");
                }
                other => other?,
            }
        }
        Ok(())
    }

    async fn account(
        &mut self,
        store: &Store,
        (id, rule): (AccountId, &ArchiveRule),
        mode: Mode,
        report: &mut (dyn FnMut(Archived) + Send),
    ) -> Result<(), Error> {
        let account = store.account(id).await?.acting(BY);
        let snapshot = account.snapshot();
        let now = (store.clock())().unix;
        for (mailbox, name, before) in self.due(&snapshot, (id, rule), now) {
            let open = match account.open_mailbox(mailbox).await {
                Err(Error::NoSuchMailbox) => continue,
                open => open?,
            };
            let archived = store.archive(&account, (&open, before), rule, mode).await?;
            self.learn((id, mailbox), &open, before);
            if archived.messages > 0 || archived.damaged > 0 {
                report(Archived { name, ..archived });
            }
        }
        Ok(())
    }

    /// The mailboxes of an account that have to be looked at; and from when messages are that are old.
    fn due(
        &self,
        account: &Snapshot,
        (id, rule): (AccountId, &ArchiveRule),
        now: i64,
    ) -> Vec<(MailboxId, MailboxName, i64)> {
        let mut due = Vec::new();
        for (name, mailbox) in account.mailboxes() {
            let Some(age) = rule.age_seconds(account, mailbox) else {
                continue;
            };
            let before = now.saturating_sub(i64::try_from(age).unwrap_or(i64::MAX));
            let quiet = self.quiet.get(&(id, mailbox.id()));
            let is_quiet = quiet
                .is_some_and(|quiet| quiet.uid_next == mailbox.uid_next() && quiet.oldest > before);
            if !mailbox.is_empty() && !is_quiet {
                due.push((mailbox.id(), name.clone(), before));
            }
        }
        due
    }

    /// Remembers when the first of those that stay will be old enough.
    fn learn(&mut self, key: (AccountId, MailboxId), open: &OpenMailbox, before: i64) {
        let dates = open.every().map(|message| message.internal_date.unix);
        let oldest = dates.filter(|date| *date > before).min();
        if self.quiet.len() >= REMEMBERED_MAX {
            self.quiet.clear();
        }
        let quiet = Quiet {
            uid_next: open.uid_next(),
            oldest: oldest.unwrap_or(i64::MAX),
        };
        self.quiet.insert(key, quiet);
    }
}

impl Store {
    /// Moves the messages of a mailbox that arrived by then to the archive, or says which would go.
    async fn archive(
        &self,
        account: &Account,
        (open, before): (&OpenMailbox, i64),
        rule: &ArchiveRule,
        mode: Mode,
    ) -> Result<Archived, Error> {
        let to = self.partition_named(&rule.partition)?;
        let there = to.partition().number;
        let mut archived = Archived {
            account: account.id(),
            name: open.name().clone(),
            messages: 0,
            octets: 0,
            damaged: 0,
        };
        if mode == Mode::DryRun {
            let going = open.every();
            let going = going.filter(|message| message.internal_date.unix <= before);
            for message in going.filter(|message| message.record.partition() != there) {
                archived.messages += 1;
                archived.octets += message.size;
            }
            return Ok(archived);
        }
        let _one = self.moves().lock().await;
        let mut told = |_, _| {};
        let mut pass = Pass::new(&mut told);
        account
            .relocate_old(open.id(), &to, &mut pass, before)
            .await?;
        archived.messages = pass.messages;
        archived.octets = pass.octets;
        archived.damaged = pass.damaged();
        Ok(archived)
    }
}
