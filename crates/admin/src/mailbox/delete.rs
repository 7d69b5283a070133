//! `mailbox delete`: mailboxes go, with their messages.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{Mailbox, MailboxName};

use crate::{
    context::Context,
    named::{self, Line, Mailboxes},
    outcome::{Failed, Outcome},
    report::Report,
    whose::{Meant, New},
};

/// Delete mailboxes with their messages; undelete brings them back
///
/// Mailboxes below stay, unless --below says that they go too. INBOX can't be deleted.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar mailbox delete ann@example.org Archive/2019 --dry-run
  chapar mailbox delete ann \"Old mail\" --below --unsubscribe
  chapar mailbox delete @example.org board/old")]
pub struct Delete {
    /// Which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Those below them too
    #[arg(long)]
    #[serde(default)]
    pub below: bool,
    /// Unsubscribe from them too
    #[arg(long)]
    #[serde(default)]
    pub unsubscribe: bool,
    /// Only say which would be deleted, and how much is in them
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

impl Delete {
    /// A row per mailbox deleted.
    ///
    /// # Errors
    /// There is no such account or mailbox; it is INBOX; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        self.mailboxes.some()?;
        let mut accounts = self.mailboxes.accounts(context, New::LeftOut).await?;
        let mut deleted = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            let ids = self.mailboxes.of(context, &meant, accounts.one)?;
            let snapshot = meant.account.snapshot();
            let mut going: Vec<&Mailbox> = Vec::new();
            for mailbox in ids.iter().filter_map(|id| snapshot.mailbox(*id)) {
                let below = snapshot.below(mailbox.name());
                let below = below.map(|(_, mailbox)| mailbox).filter(|_| self.below);
                for mailbox in below.chain([mailbox]) {
                    if !going.iter().any(|other| other.id() == mailbox.id()) {
                        going.push(mailbox);
                    }
                }
            }
            for mailbox in going {
                let name = mailbox.name();
                if let Err(failed) = self.delete(&meant, name).await {
                    let of = format!("{} {name}", meant.name);
                    accounts.trouble(report, &of, failed)?;
                    continue;
                }
                deleted += 1;
                let mut line = Line::of(&meant, name.as_str(), Some(mailbox.id()));
                line.messages = Some(mailbox.len());
                line.tell((&accounts, &meant), report);
            }
        }
        Ok(named::outcome(
            &accounts,
            deleted,
            ("deleted", self.dry_run),
        ))
    }

    async fn delete(&self, meant: &Meant, name: &MailboxName) -> Result<(), Failed> {
        if self.dry_run {
            if name.is_inbox() {
                return Err(store::Error::NotPermitted("INBOX can't be deleted").into());
            }
            return Ok(());
        }
        meant.account.delete(name).await?;
        if self.unsubscribe {
            meant.account.unsubscribe(name).await?;
        }
        Ok(())
    }
}
