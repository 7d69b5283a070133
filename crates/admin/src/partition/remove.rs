//! `partition remove`: a place less for mail.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::past;

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Take a partition out of the store, if no mail needs it
///
/// Refused while an account is there, a mailbox has it for its own, or a message lies there, also one that
/// could still be brought back: every account that needs it is shown with the reason. Its directory stays.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar partition remove old-disk --dry-run
  chapar partition remove old-disk")]
pub struct Remove {
    /// Its name
    pub name: String,
    /// Only say what needs it
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// What of an account needs it.
#[derive(Debug, Serialize)]
struct Line {
    account: String,
    name: Option<String>,
    is_there: bool,
    mailboxes: u64,
    messages: u64,
    messages_gone: u64,
}

#[derive(Debug, Serialize)]
struct Sum {
    name: String,
    accounts: u64,
    removed: bool,
    dry_run: bool,
}

impl Remove {
    /// A row per account that needs it; none if it is removed.
    ///
    /// # Errors
    /// Something needs it; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let retention = past::Retention {
            deleted_seconds: context.retention.deleted.as_secs(),
        };
        let needs = context.store.needs(&self.name, retention).await?;
        let names = context.names();
        for need in &needs {
            let name = names.get(&need.account).map(ToString::to_string);
            let line = Line {
                account: need.account.to_string(),
                name,
                is_there: need.home,
                mailboxes: need.mailboxes,
                messages: need.messages,
                messages_gone: need.gone,
            };
            let text = format!(
                "{}\t{}\tmailboxes {}\tmessages {}\tgone, to be brought back {}",
                context.display(need.account),
                if need.home {
                    "is there"
                } else {
                    "is elsewhere"
                },
                need.mailboxes,
                need.messages,
                need.gone,
            );
            report.row(Row::new(&line, text));
        }
        if !needs.is_empty() && !self.dry_run {
            return Err(Failed::because(format!(
                "accounts that need partition {}: {}; move them with `chapar account move` or `chapar mailbox \
                 move`, and wait until what is gone is beyond reach",
                self.name,
                needs.len()
            )));
        }
        if !self.dry_run {
            context
                .store
                .remove_partition(&self.name, retention)
                .await?;
        }
        let text = match (self.dry_run, needs.len()) {
            (false, _) => format!("removed partition {}; its directory stays", self.name),
            (true, 0) => format!("would remove partition {}", self.name),
            (true, count) => format!("accounts that need partition {}: {count}", self.name),
        };
        let sum = Sum {
            name: self.name.clone(),
            accounts: needs.len() as u64,
            removed: !self.dry_run,
            dry_run: self.dry_run,
        };
        Ok(Outcome::done(Row::new(&sum, text)))
    }
}
