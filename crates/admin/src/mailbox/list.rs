//! `mailbox list`: which mailboxes there are.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    named::Mailboxes,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    whose::New,
};

/// List mailboxes, with their special uses and whether their user has subscribed to them
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar mailbox list ann@example.org
  chapar mailbox list ann \"Archive/%\" --json
  chapar mailbox list --shared
  chapar mailbox list --all --subscribed")]
pub struct List {
    /// Which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Only names that are subscribed to, also those that no mailbox has
    #[arg(long)]
    #[serde(default)]
    pub subscribed: bool,
}

/// A mailbox for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    account: String,
    name: &'a str,
    mailbox: &'a str,
    mailbox_id: Option<String>,
    special_use: Option<&'static str>,
    subscribed: bool,
}

#[derive(Debug, Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    failed: u64,
}

impl List {
    /// A row per mailbox, by name.
    ///
    /// # Errors
    /// There is no such account or mailbox; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut accounts = self.mailboxes.accounts(context, New::LeftOut).await?;
        let mut mailboxes = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            let snapshot = meant.account.snapshot();
            let ids = if self.subscribed {
                Vec::new()
            } else {
                self.mailboxes.of(context, &meant, accounts.one)?
            };
            let there = ids.iter().filter_map(|id| snapshot.mailbox(*id));
            let there = there.map(|mailbox| (mailbox.name(), Some(mailbox)));
            let named = snapshot.subscriptions().iter();
            let named = named.filter(|name| self.subscribed && self.mailboxes.means(name));
            let named = named.map(|name| (name, snapshot.named(name)));
            for (name, mailbox) in there.chain(named) {
                mailboxes += 1;
                let line = Line {
                    account: meant.id.to_string(),
                    name: &meant.name,
                    mailbox: name.as_str(),
                    mailbox_id: mailbox.map(|mailbox| mailbox.id().to_string()),
                    special_use: mailbox.and_then(|m| m.role()).map(store::Role::attribute),
                    subscribed: snapshot.subscriptions().contains(name),
                };
                let text = accounts.line(&meant, &line.text());
                report.row(Row::new(&line, text));
            }
        }
        let sum = Sum {
            accounts: accounts.opened,
            mailboxes,
            failed: accounts.failed,
        };
        let text = format!("mailboxes {mailboxes}, accounts {}", sum.accounts);
        Ok(accounts.outcome(Row::new(&sum, text)))
    }
}

impl Line<'_> {
    fn text(&self) -> String {
        let special = self.special_use.unwrap_or_default();
        let there = match (self.subscribed, &self.mailbox_id) {
            (_, None) => "subscribed, not there",
            (true, _) => "subscribed",
            (false, _) => "",
        };
        format!("{}\t{special}\t{there}", self.mailbox)
    }
}
