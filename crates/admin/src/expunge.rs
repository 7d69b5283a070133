//! `expunge`: messages go.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    chosen::Messages,
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// Remove messages that a search finds, whether or not they have \Deleted
///
/// DELETED as the search is what IMAP's EXPUNGE does. What is removed can be brought back by undelete as long as
/// the retention, or a hold, keeps it.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar expunge ann@example.org INBOX DELETED
  chapar expunge ann Trash SAVEDBEFORE 1-Nov-2026 --dry-run
  chapar expunge --all Junk SEEN OLDER 2592000
  chapar expunge --shared board/announce FROM spammer@example.net")]
pub struct Expunge {
    /// Which messages.
    #[command(flatten)]
    pub messages: Messages,
    /// Only say what would be removed
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

impl Expunge {
    /// A row per mailbox from which something goes; how much.
    ///
    /// # Errors
    /// There is no such account or mailbox; the search is not understood; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut choosing = self.messages.choose(context).await?;
        while let Some(mut chosen) = choosing.next(report).await? {
            if !self.dry_run {
                let mailbox = chosen.mailbox.id();
                match chosen.account().remove(mailbox, &chosen.uids).await {
                    Ok(gone) => {
                        choosing.sum.messages -= (chosen.uids.len() - gone.len()) as u64;
                        chosen.uids = gone;
                    }
                    Err(error) => {
                        choosing.trouble(report, &chosen, error.into())?;
                        continue;
                    }
                }
            }
            choosing.row(&chosen, &chosen.line(&chosen.uids), report);
        }
        Ok(choosing.outcome("removed", Some(self.dry_run)))
    }
}
