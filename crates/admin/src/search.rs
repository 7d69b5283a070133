//! `search`: which messages there are.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    chosen::Messages,
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// Find messages, as IMAP's SEARCH does
///
/// A row per mailbox in which there are some, with their UIDs, as other verbs take them. The search is IMAP's
/// (RFC 9051 section 6.4.4), with all that this server knows besides: OR, NOT and parentheses, FUZZY,
/// SAVEDSINCE, OLDER and YOUNGER, FILTER. Numbers are UIDs. Words that have spaces in them may be quoted once, for
/// the shell.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar search ann@example.org INBOX UNSEEN FROM bob
  chapar search ann \"*\" SUBJECT \"two words\" SINCE 1-Nov-2026
  chapar search \"*@example.org\" Junk \"OR LARGER 1000000 (FROM x NOT SEEN)\"
  chapar search --all INBOX HEADER Message-ID \"<20261120.1@example.net>\" --json
  chapar search --shared \"*\" BODY secret")]
pub struct Search {
    /// Which messages.
    #[command(flatten)]
    pub messages: Messages,
}

impl Search {
    /// A row per mailbox in which something is found; how much.
    ///
    /// # Errors
    /// There is no such account or mailbox; the search is not understood; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut choosing = self.messages.choose(context).await?;
        while let Some(chosen) = choosing.next(report).await? {
            choosing.row(&chosen, &chosen.line(&chosen.uids), report);
        }
        Ok(choosing.outcome("found", None))
    }
}
