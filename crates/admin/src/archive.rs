//! `archive`: old mail goes to the archive partition, now.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{
    archive::{Archived, Archiver},
    past::Mode,
};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Move old mail to the archive partition, now; the server does that by the clock
///
/// Which messages are old enough is said by `archive.age` in the configuration, and by the metadata entry
/// /shared/vendor/chapar/archive-after of mailboxes and accounts: a number of days, or never. They stay in
/// their mailboxes. Broken off at any point, every message can be read; doing it again finishes it.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar archive --dry-run
  chapar archive")]
pub struct Archive {
    /// Only say what would be moved
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// What went of a mailbox, for programs.
#[derive(Debug, Serialize)]
struct Gone {
    account: String,
    name: Option<String>,
    mailbox: String,
    messages: u64,
    octets: u64,
    damaged: u64,
}

#[derive(Debug, Default, Serialize)]
struct Sum {
    messages: u64,
    octets: u64,
    damaged: u64,
    dry_run: bool,
}

impl Archive {
    /// A row per mailbox of which something goes; how much.
    ///
    /// # Errors
    /// There is no archive; it is being done; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let Some(rule) = &context.archive else {
            let why =
                "no partition is the archive: archive.partition in the configuration says which";
            return Err(Failed::because(why));
        };
        let _alone = context.alone("archive")?;
        let mode = if self.dry_run { Mode::DryRun } else { Mode::Do };
        let names = context.names();
        let mut sum = Sum {
            dry_run: self.dry_run,
            ..Sum::default()
        };
        let mut tell = |archived: Archived| {
            sum.messages += archived.messages;
            sum.octets += archived.octets;
            sum.damaged += archived.damaged;
            let line = Gone {
                account: archived.account.to_string(),
                name: names.get(&archived.account).map(ToString::to_string),
                mailbox: archived.name.to_string(),
                messages: archived.messages,
                octets: archived.octets,
                damaged: archived.damaged,
            };
            let name = line.name.as_deref().unwrap_or(&line.account);
            let text = format!(
                "{name}\t{}\tmessages {}\toctets {}",
                line.mailbox, line.messages, line.octets
            );
            report.row(Row::new(&line, text));
        };
        let mut archiver = Archiver::new();
        archiver
            .round(&context.store, rule, mode, &mut tell)
            .await?;
        if sum.damaged > 0 {
            let text = format!(
                "messages that can't be read stay where they are: {}",
                sum.damaged
            );
            report.note(&text);
        }
        let would = if self.dry_run { "would be " } else { "" };
        let text = format!(
            "{would}archived: messages {}, octets {}",
            sum.messages, sum.octets
        );
        Ok(Outcome::done(Row::new(&sum, text)))
    }
}
