//! Puts a damaged store right, while it is in use.
//!
//! What verify finds is taken one by one. A message whose record is damaged and whose octets are whole
//! gets its record made again; one whose octets are damaged leaves its mailbox, and what can be read
//! of it goes to a directory. An account that has lost batches keeps the state that it is served in, which
//! is written down as a base, so that nothing before it is needed; messages of which only a lost
//! batch knew come into a mailbox of their own. Damaged places in the log stay where they are and
//! are written down as seen to. All else stays as it is, octet by octet.
//!
//! Each step is a batch of its own. Broken off at any point, what was done is done, and doing it again
//! does the rest.

mod message;
mod orphans;
mod report;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    path::PathBuf,
    sync::Arc,
};

use crate::{
    account::Account,
    engine::Damage,
    error::Error,
    id::{AccountId, Uid},
    name::MailboxName,
    past::Mode,
    store::Store,
    verify::{Depth, Finding},
};

/// The mailbox into which messages come of which nobody knows any more where they were.
pub const RECOVERED: &str = "Recovered";
/// Who does it.
const BY: &str = "repair";

/// How to repair.
#[derive(Debug, Clone)]
pub struct RepairOptions {
    /// Whether to do it, or only to tell what would be done.
    pub mode: Mode,
    /// Where to write what can't be saved; made if need be.
    pub report: PathBuf,
    /// Only this account; what is nobody's is left alone then.
    pub account: Option<AccountId>,
}

/// Something that was done, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// What.
    pub kind: RepairKind,
    /// Whose.
    pub account: Option<AccountId>,
    /// In which mailbox.
    pub mailbox: Option<MailboxName>,
    /// Which message.
    pub uid: Option<Uid>,
    /// What was wrong, and what was done, for a person.
    pub what: Arc<str>,
    /// What was written of it.
    pub file: Option<PathBuf>,
}

/// What repair does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepairKind {
    /// The message's record was made again: the message is as it was.
    Remade,
    /// The message left its mailbox; what can be read of it was written to the report.
    Removed,
    /// A message that no mailbox had is in one again.
    Recovered,
    /// The account's state was written down anew; what it lost is lost.
    Rebased,
    /// A damaged place was written down as seen to.
    SeenTo,
}

/// What was done in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepairSummary {
    /// How often.
    pub done: BTreeMap<RepairKind, u64>,
    /// What could not be done: verify names it still.
    pub failed: Vec<String>,
}

impl RepairSummary {
    /// How often something was done.
    #[must_use]
    pub fn count(&self, kind: RepairKind) -> u64 {
        self.done.get(&kind).copied().unwrap_or(0)
    }

    /// Whether something of anybody's mail is lost.
    #[must_use]
    pub fn lost(&self) -> bool {
        self.count(RepairKind::Removed) + self.count(RepairKind::Rebased) > 0
    }
}

/// Told of everything that is done.
pub type Told<'a> = dyn FnMut(Repaired) + Send + 'a;

/// A repair going on.
struct Repair<'a> {
    store: &'a Store,
    options: &'a RepairOptions,
    told: &'a mut Told<'a>,
    summary: RepairSummary,
}

impl Store {
    /// Repairs what is damaged; see [`crate::repair`]. Reads the whole store. Waits for the disk: call it
    /// on a thread that may.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`]; what was done by then is done.
    pub async fn repair<'a>(
        &'a self,
        options: &'a RepairOptions,
        told: &'a mut Told<'a>,
    ) -> Result<RepairSummary, Error> {
        let mut repair = Repair {
            store: self,
            options,
            told,
            summary: RepairSummary::default(),
        };
        // States as they are served: a checkpoint may know what the log has lost.
        let mut accounts = Vec::new();
        for id in self.accounts().await? {
            accounts.push(self.account(id).await?);
        }
        let mut findings = Vec::new();
        self.verify(Depth::Content, &mut |finding| findings.push(finding))?;
        let found = Found::sort(findings, options.account);
        for account in accounts {
            let Some(wrong) = found.accounts.get(&account.id()) else {
                continue;
            };
            repair.account(&account.acting(BY), wrong).await?;
        }
        if options.account.is_none() {
            repair.see_to(found.places)?;
        }
        Ok(repair.summary)
    }
}

/// What verify found, by whose it is.
#[derive(Default)]
struct Found {
    accounts: BTreeMap<AccountId, Wrong>,
    /// By partition.
    places: BTreeMap<Arc<str>, Vec<Damage>>,
}

/// What is wrong with an account.
#[derive(Default)]
struct Wrong {
    /// Its batches.
    batches: bool,
    messages: BTreeMap<MailboxName, BTreeSet<Uid>>,
}

impl Found {
    fn sort(findings: Vec<Finding>, only: Option<AccountId>) -> Self {
        let mut found = Self::default();
        for finding in findings {
            if only.is_some() && finding.account != only {
                continue;
            }
            match (finding.account, finding.mailbox, finding.uid) {
                (Some(account), Some(mailbox), Some(uid)) => {
                    let wrong = found.accounts.entry(account).or_default();
                    wrong.messages.entry(mailbox).or_default().insert(uid);
                }
                (Some(account), ..) => found.accounts.entry(account).or_default().batches = true,
                (None, ..) => found
                    .places
                    .entry(finding.partition)
                    .or_default()
                    .push(Damage {
                        file: finding.file,
                        offset: finding.offset,
                        what: finding.what,
                    }),
            }
        }
        found
    }
}

impl Repair<'_> {
    fn told(&mut self, repaired: Repaired) {
        *self.summary.done.entry(repaired.kind).or_default() += 1;
        (self.told)(repaired);
    }

    fn dry(&self) -> bool {
        self.options.mode == Mode::DryRun
    }

    async fn account(&mut self, account: &Account, wrong: &Wrong) -> Result<(), Error> {
        for (name, uids) in &wrong.messages {
            let id = account.snapshot().named(name).map(|mailbox| mailbox.id());
            // It may have been deleted meanwhile.
            let Some(id) = id else { continue };
            for uid in uids {
                self.message(account, id, *uid).await?;
            }
        }
        if !wrong.batches {
            return Ok(());
        }
        self.orphans(account).await?;
        let mut what = "batches were lost: its state as it is served was written down anew";
        if !self.dry() && !account.write_base().await? {
            what = "its state could not be written down: it is changed all the time";
            self.summary
                .failed
                .push(format!("account {}: {what}", account.id()));
            return Ok(());
        }
        self.told(Repaired {
            kind: RepairKind::Rebased,
            account: Some(account.id()),
            mailbox: None,
            uid: None,
            what: what.into(),
            file: None,
        });
        Ok(())
    }

    /// Writes down damaged places of the log.
    fn see_to(&mut self, places: BTreeMap<Arc<str>, Vec<Damage>>) -> Result<(), Error> {
        for (partition, damages) in places {
            for damage in &damages {
                let Damage { file, offset, what } = damage;
                self.told(Repaired {
                    kind: RepairKind::SeenTo,
                    account: None,
                    mailbox: None,
                    uid: None,
                    what: format!("{file}:{offset}: {what}").into(),
                    file: None,
                });
            }
            if !self.dry() {
                let now = (self.store.clock())().unix;
                self.store.partitions().see_to(&partition, damages, now)?;
            }
        }
        Ok(())
    }
}

/// Goes on with a walk.
const ON: ControlFlow<()> = ControlFlow::Continue(());
