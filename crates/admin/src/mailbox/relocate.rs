//! `mailbox move`: a mailbox's messages go to another partition.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    account::relocate::Sum,
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// Move a mailbox's messages to another partition, while it is used
///
/// Messages that arrive later go there too; the account stays where it is. To the account's own partition,
/// the mailbox has none of its own any more. Broken off at any point, every message can be read;
/// doing it again finishes it.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar mailbox move ann@example.org Archive/2020 slow --dry-run
  chapar mailbox move ann@example.org Archive/2020 slow")]
pub struct Move {
    /// The account's name, or an id such as A1f0c29
    pub account: String,
    /// The mailbox's name, or an id such as M2
    pub mailbox: String,
    /// The partition's name
    pub partition: String,
    /// Only say how much would be moved
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

impl Move {
    /// Moves them.
    ///
    /// # Errors
    /// There is no such account, mailbox or partition; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let account = context.account(&self.account).await?;
        let id = context.mailbox(&account, &self.mailbox)?;
        let planned = context
            .store
            .move_planned(&account, Some(id), &self.partition)
            .await?;
        let moved = if self.dry_run {
            planned
        } else {
            let mut told = |messages, _| report.progress(messages, planned.messages, "messages");
            let moving = context
                .store
                .move_mailbox(&account, id, &self.partition, &mut told);
            moving.await?
        };
        let sum = Sum {
            partition: self.partition.clone(),
            messages: moved.messages,
            octets: moved.octets,
            messages_damaged: moved.damaged,
            dry_run: self.dry_run,
        };
        let account = context.display(account.id());
        Ok(sum.outcome(&format!("mailbox {} of {account}", self.mailbox)))
    }
}
