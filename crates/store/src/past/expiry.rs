//! Mail that goes by itself: rules by age, count and size; a hold beats them all.
//!
//! A mailbox's own rule decides; else its account's; else the configuration's for its special
//! use; else the configuration's for every mailbox. A rule without any bound means that
//! nothing goes, and so shields a mailbox from those after it. What goes is expunged like
//! anything else, by `expiry`, and can be brought back as long.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::Mode;
use crate::{
    Store,
    account::{
        Account,
        commit::Which,
        copy::{existing, ranges},
    },
    change::{Change, Expiry},
    error::Error,
    id::{AccountId, MailboxId, Uid},
    mailbox::{Mailbox, OpenMailbox},
    name::{MailboxName, Role},
    octets::{UidRanges, extend_ranges},
    snapshot::Snapshot,
};

/// By whom mail went that went by itself.
pub const BY: &str = "expiry";

/// Messages that go with one batch: whoever else writes waits no longer than for that.
const BATCH_MESSAGES: usize = 1000;

/// Mailboxes of which the oldest message's age is remembered between two rounds, 32 octets each.
const OLDEST_MAX: usize = 1_000_000;

/// What the configuration says about expiry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// For mailboxes with a special use.
    pub roles: BTreeMap<Role, Expiry>,
    /// For every other.
    pub default: Option<Expiry>,
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleFrom {
    /// It is the mailbox's own.
    Mailbox,
    /// It is the account's.
    Account,
    /// The configuration has it for mailboxes with this special use.
    Role(Role),
    /// The configuration has it for every mailbox.
    Default,
}

/// What went, or would go, from one mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expired {
    /// Whose.
    pub account: AccountId,
    /// From which mailbox.
    pub mailbox: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// How many messages.
    pub messages: u32,
    /// Octets of them.
    pub octets: u64,
    /// By which rule.
    pub rule: Expiry,
    /// Where that comes from.
    pub from: RuleFrom,
}

impl Rules {
    /// The rule that decides about a mailbox, and where it comes from; `None`: there is none.
    #[must_use]
    pub fn effective(&self, account: &Snapshot, mailbox: &Mailbox) -> Option<(Expiry, RuleFrom)> {
        let of_role = || {
            let role = mailbox.role()?;
            Some((*self.roles.get(&role)?, RuleFrom::Role(role)))
        };
        let own = mailbox.expiry().map(|rule| (rule, RuleFrom::Mailbox));
        own.or_else(|| account.expiry().map(|rule| (rule, RuleFrom::Account)))
            .or_else(of_role)
            .or_else(|| self.default.map(|rule| (rule, RuleFrom::Default)))
    }
}

impl Account {
    /// Gives a mailbox, or the account, a rule of its own; `None`: takes it away. Gives whether
    /// anything changed.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`].
    pub async fn set_expiry(
        &self,
        mailbox: Option<MailboxId>,
        expiry: Option<Expiry>,
    ) -> Result<bool, Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                let now = match mailbox {
                    None => draft.snapshot.expiry(),
                    Some(id) => draft.mailbox(id)?.expiry(),
                };
                if now != expiry {
                    draft.push(Change::ExpirySet { mailbox, expiry })?;
                }
                Ok(now != expiry)
            })
            .await
    }

    /// Expunges messages, whatever their flags, unless a hold lies on them. Gives how many went.
    async fn expire(&self, mailbox: MailboxId, uids: &[Uid]) -> Result<usize, Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                let state = Arc::clone(draft.mailbox(mailbox)?);
                let mut gone = UidRanges::new();
                let mut count = 0;
                if !draft.snapshot.held() && !state.held() {
                    let messages = draft.messages(&state, Which::Within(&ranges(uids)))?;
                    for message in existing(&messages, uids) {
                        extend_ranges(&mut gone, message.uid);
                        count += 1;
                    }
                }
                if !gone.is_empty() {
                    draft.push(Change::Expunged {
                        mailbox,
                        uids: gone,
                    })?;
                }
                Ok(count)
            })
            .await
    }
}

/// Goes through a store's accounts, again and again: what it learns of a mailbox in one round
/// spares opening it in the next.
#[derive(Debug, Default)]
pub struct Expirer {
    /// No message of the mailbox was placed before this, in unix seconds. Later ones only
    /// come behind.
    oldest: HashMap<(AccountId, MailboxId), i64>,
}

impl Expirer {
    /// One that has learned nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One round: expires what has to go by now, in small batches, in every account, also
    /// those nobody logs into; tells of each mailbox from which something went, or would go.
    /// An account that can't be read, or whose partition is out of service, is passed over.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`]; what went till then is gone.
    pub async fn round(
        &mut self,
        store: &Store,
        rules: &Rules,
        mode: Mode,
        report: &mut (dyn FnMut(Expired) + Send),
    ) -> Result<(), Error> {
        for id in store.accounts().await? {
            let outcome = self.account(store, (id, rules), mode, report).await;
            match outcome {
                Err(Error::Corrupt { file, offset, what }) => {
                    tracing::error!(account = %id, %file, offset, %what, "it can't expire");
                }
                Err(Error::OutOfService(why)) => {
                    tracing::warn!(account = %id, %why, "it can't expire now");
                }
                other => other?,
            }
        }
        Ok(())
    }

    async fn account(
        &mut self,
        store: &Store,
        (id, rules): (AccountId, &Rules),
        mode: Mode,
        report: &mut (dyn FnMut(Expired) + Send),
    ) -> Result<(), Error> {
        let account = store.account(id).await?.acting(BY);
        let snapshot = account.snapshot();
        if snapshot.held() {
            return Ok(());
        }
        let now = (store.clock())().unix;
        for (name, mailbox) in snapshot.mailboxes() {
            let Some((rule, from)) = rules.effective(&snapshot, mailbox) else {
                continue;
            };
            if mailbox.held() || !self.may_bite(id, mailbox, rule, now) {
                continue;
            }
            let open = match account.open_mailbox(mailbox.id()).await {
                Ok(open) => open,
                Err(Error::NoSuchMailbox) => continue,
                Err(error) => return Err(error),
            };
            let (going, octets) = going(&open, rule, now);
            self.learn(id, &open, going.last().copied());
            let mut went = going.len();
            if mode == Mode::Do {
                went = 0;
                for uids in going.chunks(BATCH_MESSAGES) {
                    went += account.expire(mailbox.id(), uids).await?;
                }
            }
            if went > 0 {
                report(Expired {
                    account: id,
                    mailbox: mailbox.id(),
                    name: name.clone(),
                    messages: u32::try_from(went).unwrap_or(u32::MAX),
                    octets,
                    rule,
                    from,
                });
            }
        }
        Ok(())
    }

    /// Whether anything could have to go, by what need not be read.
    fn may_bite(&self, account: AccountId, mailbox: &Mailbox, rule: Expiry, now: i64) -> bool {
        let counters = mailbox.counters();
        let over = |max: Option<u64>, is: u64| max.is_some_and(|max| is > max);
        let oldest = self.oldest.get(&(account, mailbox.id()));
        over(rule.messages_max.map(Into::into), counters.messages.into())
            || over(rule.octets_max, counters.octets)
            || rule.age_seconds.is_some_and(|age| {
                counters.messages > 0 && oldest.is_none_or(|oldest| old_enough(*oldest, age, now))
            })
    }

    /// Remembers how old the oldest message is that stays: the first one after those that go.
    fn learn(&mut self, account: AccountId, open: &OpenMailbox, last: Option<Uid>) {
        let key = (account, open.id());
        let dates = open.every().map(|message| message.save_date);
        match dates.min() {
            // What goes may yet be kept by a hold.
            Some(oldest) if last.is_none() && self.oldest.len() < OLDEST_MAX => {
                self.oldest.insert(key, oldest);
            }
            _ => drop(self.oldest.remove(&key)),
        }
    }
}

fn old_enough(save_date: i64, age_seconds: u64, now: i64) -> bool {
    let age = i64::try_from(age_seconds).unwrap_or(i64::MAX);
    save_date.saturating_add(age) <= now
}

/// The messages that have to go, ascending, and their octets: those that are old enough, and of
/// the others the first, until the mailbox has no more than it may.
fn going(mailbox: &OpenMailbox, rule: Expiry, now: i64) -> (Vec<Uid>, u64) {
    let old = |save_date| {
        let age = rule.age_seconds;
        age.is_some_and(|age| old_enough(save_date, age, now))
    };
    let staying = || mailbox.every().filter(|message| !old(message.save_date));
    let (mut messages, mut octets) = (0_u64, 0_u64);
    for message in staying() {
        messages += 1;
        octets += message.size;
    }
    let messages_max = rule.messages_max.map_or(u64::MAX, Into::into);
    let octets_max = rule.octets_max.unwrap_or(u64::MAX);
    let (mut uids, mut going_octets) = (Vec::new(), 0);
    for message in mailbox.every() {
        let old = old(message.save_date);
        if old || messages > messages_max || octets > octets_max {
            uids.push(message.uid);
            going_octets += message.size;
            if !old {
                messages -= 1;
                octets -= message.size;
            }
        }
    }
    (uids, going_octets)
}
