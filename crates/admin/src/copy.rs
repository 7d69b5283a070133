//! `copy` and `move`: messages come into another mailbox, of the same account or of another.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{Account, Copied, MailboxId, MailboxName, Uid};

use crate::{
    chosen::{Chosen, Messages, set},
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// Copy messages that a search finds into another mailbox
///
/// Copies have the flags and dates of the messages. Into another account they come as a new message would; what is
/// shared by the accounts is written once.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar copy ann@example.org INBOX SUBJECT invoice --to Archive/Invoices --create
  chapar copy ann INBOX 17,20:25 --to INBOX --to-account bob --dry-run")]
pub struct Copy {
    /// Which messages.
    #[command(flatten)]
    pub messages: Messages,
    /// The mailbox that they come into
    #[arg(long, value_name = "MAILBOX")]
    pub to: String,
    /// Whose that is, if another's: a name, an id, or @DOMAIN for the shared mailboxes of a domain
    #[arg(long, value_name = "ACCOUNT")]
    #[serde(default)]
    pub to_account: Option<String>,
    /// Make the mailbox if there is none
    #[arg(long)]
    #[serde(default)]
    pub create: bool,
    /// Only say which messages
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Move messages that a search finds into another mailbox
///
/// Within an account all of a mailbox's messages move at once or none do. Into another account they are placed
/// there first, so that whatever interrupts it, nothing is lost.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar move ann@example.org INBOX SAVEDBEFORE 1-Jan-2026 --to Archive/2025 --create
  chapar move \"*@example.org\" INBOX KEYWORD $Junk --to Junk
  chapar move ann Projects ALL --to board/projects --to-account @example.org --dry-run")]
pub struct Move {
    /// Which messages.
    #[command(flatten)]
    pub messages: Messages,
    /// The mailbox that they come into
    #[arg(long, value_name = "MAILBOX")]
    pub to: String,
    /// Whose that is, if another's: a name, an id, or @DOMAIN for the shared mailboxes of a domain
    #[arg(long, value_name = "ACCOUNT")]
    #[serde(default)]
    pub to_account: Option<String>,
    /// Make the mailbox if there is none
    #[arg(long)]
    #[serde(default)]
    pub create: bool,
    /// Only say which messages
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

impl Copy {
    /// A row per mailbox from which messages are copied; how many there were.
    ///
    /// # Errors
    /// There is no such account or mailbox; the search is not understood; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let placing = Placing {
            to: MailboxName::new(&self.to)?,
            account: account(context, self.to_account.as_deref()).await?,
            create: self.create,
            dry_run: self.dry_run,
            moves: false,
        };
        placing.run(&self.messages, context, report).await
    }
}

impl Move {
    /// A row per mailbox from which messages move; how many there were.
    ///
    /// # Errors
    /// There is no such account or mailbox; the search is not understood; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let placing = Placing {
            to: MailboxName::new(&self.to)?,
            account: account(context, self.to_account.as_deref()).await?,
            create: self.create,
            dry_run: self.dry_run,
            moves: true,
        };
        placing.run(&self.messages, context, report).await
    }
}

async fn account(context: &Context, named: Option<&str>) -> Result<Option<Account>, Failed> {
    match named {
        Some(named) => Ok(Some(context.account(named).await?)),
        None => Ok(None),
    }
}

/// Where messages come to be.
struct Placing {
    to: MailboxName,
    /// Whose it is, if not that of whoever has the messages.
    account: Option<Account>,
    create: bool,
    dry_run: bool,
    /// They go from where they were.
    moves: bool,
}

impl Placing {
    async fn run(
        &self,
        messages: &Messages,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        let mut choosing = messages.choose(context).await?;
        let mut placed = 0;
        while let Some(mut chosen) = choosing.next(report).await? {
            let copied = match self.place(&chosen).await {
                Ok(Some(copied)) => copied,
                // They are there.
                Ok(None) => continue,
                Err(failed) => {
                    choosing.trouble(report, &chosen, failed)?;
                    continue;
                }
            };
            if let Some(copied) = &copied {
                chosen.uids = copied.uids.iter().map(|(from, _)| *from).collect();
            }
            placed += chosen.uids.len() as u64;
            let mut line = chosen.line(&chosen.uids);
            line.to_mailbox = Some(self.to.to_string());
            line.to_uids = copied.map(|copied| {
                let uids: Vec<Uid> = copied.uids.iter().map(|(_, to)| *to).collect();
                set(&uids)
            });
            choosing.row(&chosen, &line, report);
        }
        choosing.sum.messages = placed;
        let done = if self.moves { "moved" } else { "copied" };
        Ok(choosing.outcome(done, Some(self.dry_run)))
    }

    /// Places messages; `None` of those that are in that mailbox. A dry run has no UIDs.
    async fn place(&self, chosen: &Chosen) -> Result<Option<Option<Copied>>, Failed> {
        let account = self.account.as_ref().unwrap_or(chosen.account());
        let same = account.id() == chosen.meant.id;
        if same && *chosen.mailbox.name() == self.to {
            return Ok(None);
        }
        let Some(to) = self.destination(account).await? else {
            return Ok(Some(None));
        };
        if self.dry_run {
            return Ok(Some(None));
        }
        let (own, from, uids) = (chosen.account(), chosen.mailbox.id(), &chosen.uids);
        let copied = match (same, self.moves) {
            (true, false) => own.copy(from, uids, to).await?,
            (true, true) => own.move_to(from, uids, to).await?,
            (false, false) => own.copy_across(from, uids, (account, to)).await?,
            (false, true) => own.move_across(from, uids, (account, to)).await?,
        };
        Ok(Some(Some(copied)))
    }

    /// The mailbox, made if that is wanted; `None` in a dry run that would make it.
    async fn destination(&self, account: &Account) -> Result<Option<MailboxId>, Failed> {
        if let Some(there) = account.snapshot().named(&self.to) {
            return Ok(Some(there.id()));
        }
        match (self.create, self.dry_run) {
            (true, true) => Ok(None),
            (true, false) => Ok(Some(account.create(&self.to, None).await?)),
            (false, _) => Err(Failed::because(format!(
                "there is no mailbox {:?} to put them into; --create makes it",
                self.to.as_str()
            ))),
        }
    }
}
