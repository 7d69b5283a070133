//! `deduplicate`: of what is there more than once, the first stays.

use std::collections::HashSet;

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use store::{Email, Uid};

use crate::{
    chosen::{Chosen, Messages},
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// Remove messages that are in a mailbox more than once; the one with the lowest UID stays
///
/// Only among the messages that the search finds, and within each mailbox. What is removed can be brought
/// back by undelete.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar deduplicate ann@example.org INBOX ALL --dry-run
  chapar deduplicate ann \"*\" ALL --by message-id")]
pub struct Deduplicate {
    /// Which messages.
    #[command(flatten)]
    pub messages: Messages,
    /// What makes messages the same
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    #[serde(default)]
    pub by: By,
    /// Only say what would be removed
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// What makes messages the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Every octet of what was sent, without the trace fields of delivery
    #[default]
    Content,
    /// Their Message-ID; those without one stay
    MessageId,
}

impl Deduplicate {
    /// A row per mailbox from which something goes; how much.
    ///
    /// # Errors
    /// There is no such account or mailbox; the search is not understood; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut choosing = self.messages.choose(context).await?;
        let mut removed = 0;
        while let Some(mut chosen) = choosing.next(report).await? {
            match self.again(&chosen, report).await {
                Ok(again) if again.is_empty() => continue,
                Ok(again) => chosen.uids = again,
                Err(failed) => {
                    choosing.trouble(report, &chosen, failed)?;
                    continue;
                }
            }
            if !self.dry_run {
                let mailbox = chosen.mailbox.id();
                match chosen.account().remove(mailbox, &chosen.uids).await {
                    Ok(gone) => chosen.uids = gone,
                    Err(error) => {
                        choosing.trouble(report, &chosen, error.into())?;
                        continue;
                    }
                }
            }
            removed += chosen.uids.len() as u64;
            choosing.row(&chosen, &chosen.line(&chosen.uids), report);
        }
        choosing.sum.messages = removed;
        Ok(choosing.outcome("removed", Some(self.dry_run)))
    }

    /// Those that are the same as one before them.
    async fn again(&self, chosen: &Chosen, report: &mut dyn Report) -> Result<Vec<Uid>, Failed> {
        let mut known = HashSet::new();
        let mut again = Vec::new();
        for uid in &chosen.uids {
            let Some(message) = chosen.mailbox.get(*uid) else {
                continue;
            };
            let email = match chosen.account().email(&message).await {
                Ok(email) => email,
                Err(error @ store::Error::Corrupt { .. }) => {
                    report.note(&format!("{} UID {uid}: {error}", chosen.place()));
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if let Some(same) = self.same(&email)
                && !known.insert(same)
            {
                again.push(*uid);
            }
        }
        Ok(again)
    }

    /// What all messages have that are the same as this one, and no others.
    fn same(&self, email: &Email) -> Option<Vec<u8>> {
        match self.by {
            By::Content => Some(email.blake3().to_vec()),
            By::MessageId => {
                let listed = email.digest_ref().listed;
                let field = mail::header::find(listed, "Message-ID")?;
                let id = field.text().trim_ascii().to_vec();
                (!id.is_empty()).then_some(id)
            }
        }
    }
}
