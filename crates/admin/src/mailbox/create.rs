//! `mailbox create`: mailboxes are made.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{MailboxId, MailboxName, Role};

use crate::{
    context::Context,
    named::{self, Line, Mailboxes},
    outcome::{Failed, Outcome},
    report::Report,
    whose::{Meant, New},
};

/// Make mailboxes, and those above them that do not exist
///
/// Those of an account that has never been used are made too, as are the first shared ones of a domain. A mailbox
/// that is there already is named; of several accounts or mailboxes, the others are made all the same.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar mailbox create ann@example.org Archive/2026 --subscribe
  chapar mailbox create --all Spam --special-use junk --dry-run
  chapar mailbox create @example.org board board/announce
  chapar mailbox create ann Archive/2020 --partition slow")]
pub struct Create {
    /// Which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Give it this special use: archive, drafts, junk, sent, trash or important
    #[arg(long, value_name = "USE", value_parser = special_use)]
    #[serde(default)]
    pub special_use: Option<String>,
    /// Subscribe to them
    #[arg(long)]
    #[serde(default)]
    pub subscribe: bool,
    /// Their messages are to lie in this partition, if not in the account's
    #[arg(long, value_name = "PARTITION")]
    #[serde(default)]
    pub partition: Option<String>,
    /// Only say which would be made
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// A special use as it is typed; the name of it.
fn special_use(text: &str) -> Result<String, String> {
    match role(text) {
        Some(role) => Ok(role.attribute().trim_start_matches('\\').to_lowercase()),
        None => Err(format!(
            "{text:?} is no special use: archive, drafts, junk, sent, trash or important"
        )),
    }
}

fn role(text: &str) -> Option<Role> {
    let name = text.trim_start_matches('\\');
    let is = |role: &Role| {
        let attribute = role.attribute();
        attribute
            .trim_start_matches('\\')
            .eq_ignore_ascii_case(name)
    };
    Role::EVERY.into_iter().find(is)
}

impl Create {
    /// A row per mailbox made.
    ///
    /// # Errors
    /// There is no such account; the mailbox is there; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let names = self.mailboxes.some()?.iter();
        let names: Vec<MailboxName> = names
            .map(|name| MailboxName::new(name))
            .collect::<Result<_, _>>()?;
        let role = match self.special_use.as_deref() {
            None => None,
            Some(text) => Some(
                role(text)
                    .ok_or_else(|| Failed::misunderstood(format!("{text:?} is no special use")))?,
            ),
        };
        if let Some(partition) = &self.partition {
            // Before anything is made.
            let statuses = context.store.partition_statuses().await?;
            if !statuses.iter().any(|it| *it.name == **partition) {
                let why = format!("there is no partition {partition:?}");
                return Err(Failed::because(why));
            }
        }
        let new = if self.dry_run {
            New::Noted
        } else {
            New::Opened
        };
        let mut accounts = self.mailboxes.accounts(context, new).await?;
        let mut made = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            for name in &names {
                match self.create(context, &meant, (name, role)).await {
                    Ok(id) => {
                        made += 1;
                        let line = Line::of(&meant, name.as_str(), id);
                        line.tell((&accounts, &meant), report);
                    }
                    Err(failed) => {
                        let of = format!("{} {name}", meant.name);
                        accounts.trouble(report, &of, failed)?;
                    }
                }
            }
        }
        Ok(named::outcome(&accounts, made, ("made", self.dry_run)))
    }

    /// Makes one; a dry run has no id.
    async fn create(
        &self,
        context: &Context,
        meant: &Meant,
        (name, role): (&MailboxName, Option<Role>),
    ) -> Result<Option<MailboxId>, Failed> {
        let account = &meant.account;
        if self.dry_run {
            let snapshot = account.snapshot();
            if snapshot.named(name).is_some() {
                return Err(store::Error::AlreadyExists.into());
            }
            if role.is_some_and(|role| snapshot.with_role(role).is_some()) {
                return Err(store::Error::RoleTaken.into());
            }
            return Ok(None);
        }
        let id = account.create(name, role).await?;
        if let Some(partition) = &self.partition {
            let mut told = |_, _| ();
            let moving = context
                .store
                .move_mailbox(account, id, partition, &mut told);
            moving.await?;
        }
        if self.subscribe {
            account.subscribe(name).await?;
        }
        Ok(Some(id))
    }
}
