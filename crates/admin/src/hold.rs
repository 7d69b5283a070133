//! `hold`: legal holds.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Lay legal holds on mail, and lift them
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Hold {
    Set(Set),
    Lift(Lift),
    List(List),
}

/// Lay a legal hold on an account or a mailbox: nothing of it expires or is freed
///
/// Users notice nothing: what they expunge or delete can be brought back without end.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar hold set ann@example.org
  chapar hold set ann Archive/2025")]
pub struct Set {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// Only this mailbox
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Lift a legal hold
///
/// What went under it counts from the day it went: it may be freed soon.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar hold lift ann@example.org
  chapar hold lift ann Archive/2025")]
pub struct Lift {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// Only that of this mailbox
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// List what is under a legal hold
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar hold list
  chapar hold list ann@example.org --json")]
pub struct List {
    /// Only of this account: a name, or an id such as A1f0c29
    #[serde(default)]
    pub account: Option<String>,
}

/// A hold for programs; without a mailbox it lies on the account.
#[derive(Debug, Serialize)]
struct Line {
    account: String,
    name: Option<String>,
    mailbox: Option<String>,
    deleted: bool,
}

#[derive(Debug, Serialize)]
struct Done {
    changed: bool,
    held: bool,
    dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Sum {
    holds: u64,
}

impl Hold {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Set(set) => {
                let on = (&*set.account, set.mailbox.as_deref());
                change(context, on, true, set.dry_run).await
            }
            Self::Lift(lift) => {
                let on = (&*lift.account, lift.mailbox.as_deref());
                change(context, on, false, lift.dry_run).await
            }
            Self::List(list) => list.run(context, report).await,
        }
    }

    pub(crate) fn changes(&self) -> bool {
        !matches!(self, Self::List(_))
    }
}

async fn change(
    context: &Context,
    (account, mailbox): (&str, Option<&str>),
    held: bool,
    dry_run: bool,
) -> Result<Outcome, Failed> {
    let account = context.account(account).await?;
    let mailbox = mailbox
        .map(|mailbox| context.mailbox(&account, mailbox))
        .transpose()?;
    let changed = if dry_run {
        let snapshot = account.snapshot();
        let now = match mailbox {
            None => snapshot.held(),
            Some(id) => snapshot.mailbox(id).is_some_and(|mailbox| mailbox.held()),
        };
        now != held
    } else {
        account.set_hold(mailbox, held).await?
    };
    let how = match (changed, held, dry_run) {
        (true, true, false) => "is held now",
        (true, false, false) => "is no longer held",
        (true, true, true) => "would be held",
        (true, false, true) => "would be held no longer",
        (false, true, _) => "is held already",
        (false, false, _) => "is not held anyway",
    };
    let snapshot = account.snapshot();
    let mailbox = mailbox.and_then(|id| snapshot.mailbox(id));
    let account = context.display(account.id());
    let text = match mailbox {
        Some(mailbox) => format!("mailbox {} of {account} {how}", mailbox.name()),
        None => format!("account {account} {how}"),
    };
    let line = Done {
        changed,
        held,
        dry_run,
    };
    Ok(Outcome::done(Row::new(&line, text)))
}

impl List {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let accounts = match &self.account {
            Some(account) => vec![context.account_id(account).await?],
            None => context.store.accounts().await?,
        };
        let mut holds = 0;
        for id in accounts {
            let account = context.store.account(id).await?;
            let snapshot = account.snapshot();
            let mut found = Vec::new();
            if snapshot.held() {
                found.push((None, false));
            }
            for (name, mailbox) in snapshot.mailboxes() {
                if mailbox.held() {
                    found.push((Some(name.to_string()), false));
                }
            }
            let gone = account.gone(context.retention.of_store()).await?;
            for mailbox in &gone.mailboxes {
                if mailbox.held && mailbox.deleted.is_some() {
                    found.push((Some(mailbox.name.to_string()), true));
                }
            }
            for (mailbox, deleted) in found {
                holds += 1;
                let line = Line {
                    account: id.to_string(),
                    name: context.names().get(&id).map(ToString::to_string),
                    mailbox,
                    deleted,
                };
                let on = line.mailbox.as_deref().unwrap_or("(all of it)");
                let deleted = if deleted { " (deleted)" } else { "" };
                let text = format!("{}\t{on}{deleted}", context.display(id));
                report.row(Row::new(&line, text));
            }
        }
        Ok(Outcome::done(Row::new(
            &Sum { holds },
            format!("holds {holds}"),
        )))
    }
}
