//! `mailbox rename`: a mailbox gets another name, with all below it.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{MailboxId, MailboxName};

use crate::{
    context::Context,
    named::{self, Line, Mailboxes},
    outcome::{Failed, Outcome},
    report::Report,
    whose::{Meant, New},
};

/// Give a mailbox, and all below it, another name
///
/// Two names are given: the one that it has, and its new one. Subscriptions to the old name are subscriptions
/// to the new one then. INBOX stays, and its messages move (RFC 9051 section 6.3.6).
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar mailbox rename ann@example.org Archive/2019 Archive/Old
  chapar mailbox rename --all \"Sent Items\" Sent-before --dry-run")]
pub struct Rename {
    /// Which mailbox, and what it is to be called.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Only say what would be renamed
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

impl Rename {
    /// A row per mailbox renamed.
    ///
    /// # Errors
    /// There is no such account or mailbox; the new name is taken; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let [from, to] = self.mailboxes.names.as_slice() else {
            let why = "say which mailbox, and its new name: two names";
            return Err(Failed::misunderstood(why));
        };
        let (from, to) = (MailboxName::new(from)?, MailboxName::new(to)?);
        let mut accounts = self.mailboxes.accounts(context, New::LeftOut).await?;
        let mut renamed = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            match self.rename(&meant, (&from, &to), accounts.one).await {
                Ok(None) => {}
                Ok(Some(id)) => {
                    renamed += 1;
                    let mut line = Line::of(&meant, from.as_str(), Some(id));
                    line.to_mailbox = Some(to.as_str());
                    line.tell((&accounts, &meant), report);
                }
                Err(failed) => accounts.trouble(report, &meant.name, failed)?,
            }
        }
        Ok(named::outcome(
            &accounts,
            renamed,
            ("renamed", self.dry_run),
        ))
    }

    /// Renames it; `None` if there is none, and several accounts are asked.
    async fn rename(
        &self,
        meant: &Meant,
        (from, to): (&MailboxName, &MailboxName),
        one: bool,
    ) -> Result<Option<MailboxId>, Failed> {
        let account = &meant.account;
        let snapshot = account.snapshot();
        let Some(mailbox) = snapshot.named(from) else {
            return if one {
                let why = format!("{} has no mailbox {:?}", meant.name, from.as_str());
                Err(Failed::because(why))
            } else {
                Ok(None)
            };
        };
        if self.dry_run {
            if snapshot.named(to).is_some() {
                return Err(store::Error::AlreadyExists.into());
            }
            return Ok(Some(mailbox.id()));
        }
        account.rename(from, to).await?;
        if snapshot.subscriptions().contains(from) && !from.is_inbox() {
            account.subscribe(to).await?;
            account.unsubscribe(from).await?;
        }
        Ok(Some(mailbox.id()))
    }
}
