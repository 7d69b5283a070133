//! `account move`: an account goes to another partition.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Move an account to another partition, while it is used
///
/// Its messages are copied first; then it stands still for a moment. Broken off at any point the account is
/// whole where it was, or where it was to go; doing it again finishes it. Mailboxes that have a partition
/// of their own stay there. What was expunged before can be brought back as long as the old partition is there.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account move ann@example.org archive --dry-run
  chapar account move ann@example.org archive")]
pub struct Move {
    /// Its name, or an id such as A1f0c29
    pub account: String,
    /// The partition's name
    pub partition: String,
    /// Only say how much would be moved
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// What was moved, or would be.
#[derive(Debug, Serialize)]
pub(crate) struct Sum {
    pub(crate) partition: String,
    pub(crate) messages: u64,
    pub(crate) octets: u64,
    pub(crate) messages_damaged: u64,
    pub(crate) dry_run: bool,
}

impl Sum {
    /// How a move ends, of what is called so.
    pub(crate) fn outcome(&self, what: &str) -> Outcome {
        let verb = if self.dry_run { "would move" } else { "moved" };
        let mut text = format!(
            "{verb} {what} to partition {}: messages {}, octets {}",
            self.partition, self.messages, self.octets
        );
        if self.messages_damaged > 0 {
            text += "; messages that can't be read, and stay: ";
            text += &self.messages_damaged.to_string();
            return Outcome::damaged(Row::new(self, text));
        }
        Outcome::done(Row::new(self, text))
    }
}

impl Move {
    /// Moves it.
    ///
    /// # Errors
    /// There is no such account or partition; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let account = context.account(&self.account).await?;
        let what = format!("account {}", context.display(account.id()));
        let planned = context
            .store
            .move_planned(&account, None, &self.partition)
            .await?;
        let moved = if self.dry_run {
            planned
        } else {
            let mut told = |messages, _| report.progress(messages, planned.messages, "messages");
            let moving = context
                .store
                .move_account(&account, &self.partition, &mut told);
            moving.await?
        };
        let sum = Sum {
            partition: self.partition.clone(),
            messages: moved.messages,
            octets: moved.octets,
            messages_damaged: moved.damaged,
            dry_run: self.dry_run,
        };
        Ok(sum.outcome(&what))
    }
}
