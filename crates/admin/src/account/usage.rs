//! `account usage`: how much there is.

use std::collections::BTreeSet;

use clap::Args;
use serde::{Deserialize, Serialize};
use store::AccountId;

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Show how much mail accounts have: messages, octets, mailboxes
///
/// Accounts that have been removed are shown too, by their id, as long as there is mail of theirs. Octets
/// are those of the messages, as clients count them; what is shared is counted for each.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account usage
  chapar account usage ann@example.org")]
pub struct Usage {
    /// Only this account: a name, or an id such as A1f0c29
    #[serde(default)]
    pub account: Option<String>,
}

/// What an account has.
#[derive(Debug, Default, Serialize)]
struct Line {
    account: Option<String>,
    name: Option<String>,
    mailboxes: u64,
    messages: u64,
    octets: u64,
}

/// What all of them have.
#[derive(Debug, Default, Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    messages: u64,
    octets: u64,
}

impl Usage {
    /// A row per account, by name, then those without one; the sum.
    ///
    /// # Errors
    /// There is no such account; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let stored: BTreeSet<AccountId> = context.store.accounts().await?.into_iter().collect();
        let names = context.names();
        let wanted = if let Some(account) = &self.account {
            vec![context.account_id(account).await?]
        } else {
            let all: BTreeSet<_> = names.keys().chain(&stored).copied().collect();
            let mut all: Vec<_> = all.into_iter().filter(|id| context.sees(*id)).collect();
            all.sort_by_key(|id| (!names.contains_key(id), names.get(id)));
            all
        };
        let mut sum = Sum::default();
        for id in wanted {
            let mut line = Line {
                account: Some(id.to_string()),
                name: names.get(&id).map(ToString::to_string),
                ..Line::default()
            };
            // An account without mail is not opened: that would give it its first mailboxes.
            if stored.contains(&id) {
                let snapshot = match context.store.account(id).await {
                    Ok(account) => account.snapshot(),
                    Err(error @ store::Error::OutOfService(_)) if self.account.is_none() => {
                        report.note(&format!("{}: {error}", context.display(id)));
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                for (_, mailbox) in snapshot.mailboxes() {
                    line.mailboxes += 1;
                    line.messages += u64::from(mailbox.counters().messages);
                    line.octets += mailbox.counters().octets;
                }
            }
            sum.accounts += 1;
            sum.mailboxes += line.mailboxes;
            sum.messages += line.messages;
            sum.octets += line.octets;
            let text = line.text(id);
            report.row(Row::new(&line, text));
        }
        let text = format!(
            "accounts {}, mailboxes {}, messages {}, octets {}",
            sum.accounts, sum.mailboxes, sum.messages, sum.octets
        );
        Ok(Outcome::done(Row::new(&sum, text)))
    }
}

impl Line {
    fn text(&self, id: AccountId) -> String {
        let name = self.name.as_deref().unwrap_or("(removed)");
        format!(
            "{name}\t{id}\tmailboxes {}\tmessages {}\toctets {}",
            self.mailboxes, self.messages, self.octets
        )
    }
}
