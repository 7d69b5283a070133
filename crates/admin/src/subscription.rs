//! `subscribe` and `unsubscribe`: which mailboxes a user's programs show.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::MailboxName;

use crate::{
    context::Context,
    named::{self, Line, Mailboxes},
    outcome::{Failed, Outcome},
    report::Report,
    whose::{Meant, New},
};

/// Subscribe users to mailboxes of theirs
///
/// Names need not be those of mailboxes, as with IMAP; a pattern means those that are.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar subscribe ann@example.org Archive/2026
  chapar subscribe --all Junk --dry-run")]
pub struct Subscribe {
    /// Which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Only say which
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Unsubscribe users from mailboxes, also from those that are gone
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar unsubscribe ann@example.org Archive/2019
  chapar unsubscribe --all \"lists/*\" --dry-run")]
pub struct Unsubscribe {
    /// Which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Only say which
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

impl Subscribe {
    /// A row per name that is subscribed to now, and was not before.
    ///
    /// # Errors
    /// There is no such account; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let changing = Changing {
            of: &self.mailboxes,
            subscribes: true,
            dry_run: self.dry_run,
        };
        changing.run(context, report).await
    }
}

impl Unsubscribe {
    /// A row per name that is not subscribed to any more.
    ///
    /// # Errors
    /// There is no such account; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let changing = Changing {
            of: &self.mailboxes,
            subscribes: false,
            dry_run: self.dry_run,
        };
        changing.run(context, report).await
    }
}

/// Subscriptions that come, or go.
struct Changing<'a> {
    of: &'a Mailboxes,
    subscribes: bool,
    dry_run: bool,
}

impl Changing<'_> {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        self.of.some()?;
        let mut accounts = self.of.accounts(context, New::LeftOut).await?;
        let mut changed = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            for name in self.names(&meant)? {
                if let Err(failed) = self.change(&meant, &name).await {
                    accounts.trouble(report, &meant.name, failed)?;
                    continue;
                }
                changed += 1;
                let id = meant.account.snapshot().named(&name).map(|m| m.id());
                Line::of(&meant, name.as_str(), id).tell((&accounts, &meant), report);
            }
        }
        let done = if self.subscribes {
            "subscribed to"
        } else {
            "unsubscribed from"
        };
        Ok(named::outcome(&accounts, changed, (done, self.dry_run)))
    }

    /// The names that are to change.
    fn names(&self, meant: &Meant) -> Result<Vec<MailboxName>, Failed> {
        let snapshot = meant.account.snapshot();
        let subscribed = snapshot.subscriptions();
        let mut names: Vec<MailboxName> = Vec::new();
        for given in &self.of.names {
            if !given.contains(['*', '%']) {
                names.push(MailboxName::new(given)?);
            } else if self.subscribes {
                let there = snapshot.mailboxes().map(|(name, _)| name);
                names.extend(there.filter(|name| self.of.means(name)).cloned());
            } else {
                let meant = subscribed.iter().filter(|name| self.of.means(name));
                names.extend(meant.cloned());
            }
        }
        names.sort();
        names.dedup();
        names.retain(|name| subscribed.contains(name) != self.subscribes);
        Ok(names)
    }

    async fn change(&self, meant: &Meant, name: &MailboxName) -> Result<(), Failed> {
        if self.dry_run {
            return Ok(());
        }
        if self.subscribes {
            meant.account.subscribe(name).await?;
        } else {
            meant.account.unsubscribe(name).await?;
        }
        Ok(())
    }
}
