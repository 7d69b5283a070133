//! `flags`: messages get flags and keywords, and lose them.

use std::{str::FromStr, sync::Arc};

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{FlagAction, FlagChange, Flags as Of, SystemFlags};

use crate::{
    chosen::{Chosen, Messages},
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// Add, remove or replace flags and keywords of messages that a search finds
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar flags ann@example.org INBOX UNSEEN SENTBEFORE 1-Jan-2026 --add \\Seen
  chapar flags ann INBOX 17,20:25 --add $Important --remove \\Flagged --dry-run
  chapar flags ann Drafts ALL --replace \"\\Draft \\Seen\"")]
pub struct Flags {
    /// Which messages.
    #[command(flatten)]
    pub messages: Messages,
    /// Add these: \Seen, \Answered, \Flagged, \Deleted, \Draft, or any keyword
    #[arg(long, value_name = "FLAGS")]
    #[serde(default)]
    pub add: Option<Names>,
    /// Remove these
    #[arg(long, value_name = "FLAGS")]
    #[serde(default)]
    pub remove: Option<Names>,
    /// They come to have these and no others; none if it is empty
    #[arg(long, value_name = "FLAGS", conflicts_with_all = ["add", "remove"])]
    #[serde(default)]
    pub replace: Option<Names>,
    /// Only say of which messages
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Flags as IMAP writes them, separated by spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Names(Vec<String>);

impl FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = text.trim_start_matches('(').trim_end_matches(')');
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        for name in &names {
            let known = system(name).is_some() || imap::parse::is_keyword(name.as_bytes());
            if !known {
                return Err(format!(
                    "{name:?} is no flag: \\Seen, \\Answered, \\Flagged, \\Deleted, \\Draft, or a keyword"
                ));
            }
        }
        Ok(Self(names))
    }
}

impl TryFrom<String> for Names {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Names> for String {
    fn from(names: Names) -> Self {
        names.0.join(" ")
    }
}

impl Names {
    fn flags(&self) -> Of {
        let mut flags = Of::default();
        for name in &self.0 {
            match system(name) {
                Some(flag) => flags.system = flags.system.with(flag),
                None if flags.keywords.iter().any(|k| k.eq_ignore_ascii_case(name)) => {}
                None => flags.keywords.push(Arc::from(name.as_str())),
            }
        }
        flags
    }
}

/// The system flag of that name.
fn system(name: &str) -> Option<SystemFlags> {
    let names = [
        (SystemFlags::ANSWERED, "\\Answered"),
        (SystemFlags::FLAGGED, "\\Flagged"),
        (SystemFlags::DELETED, "\\Deleted"),
        (SystemFlags::SEEN, "\\Seen"),
        (SystemFlags::DRAFT, "\\Draft"),
    ];
    let found = names.iter().find(|(_, n)| n.eq_ignore_ascii_case(name));
    found.map(|(flag, _)| *flag)
}

impl Flags {
    /// A row per mailbox in which messages are changed; how many there were.
    ///
    /// # Errors
    /// There is no such account or mailbox; the search is not understood; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let changes: Vec<FlagChange> = [
            (FlagAction::Replace, &self.replace),
            (FlagAction::Remove, &self.remove),
            (FlagAction::Add, &self.add),
        ]
        .into_iter()
        .filter_map(|(action, names)| {
            let flags = names.as_ref()?.flags();
            let unchanged_since = None;
            Some(FlagChange {
                action,
                flags,
                unchanged_since,
            })
        })
        .collect();
        if changes.is_empty() {
            let why = "say what becomes of the flags: --add, --remove or --replace";
            return Err(Failed::misunderstood(why));
        }
        let mut choosing = self.messages.choose(context).await?;
        while let Some(chosen) = choosing.next(report).await? {
            if !self.dry_run
                && let Err(failed) = change(&chosen, &changes).await
            {
                choosing.trouble(report, &chosen, failed)?;
                continue;
            }
            choosing.row(&chosen, &chosen.line(&chosen.uids), report);
        }
        Ok(choosing.outcome("changed", Some(self.dry_run)))
    }
}

async fn change(chosen: &Chosen, changes: &[FlagChange]) -> Result<(), Failed> {
    for change in changes {
        let (account, mailbox) = (chosen.account(), chosen.mailbox.id());
        account.store(mailbox, &chosen.uids, change).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_written_as_in_imap() {
        let names: Names = "(\\seen $Work \\FLAGGED $work)".parse().unwrap();
        let flags = names.flags();
        let system = SystemFlags::SEEN.with(SystemFlags::FLAGGED);
        assert_eq!(flags.system, system);
        assert_eq!(flags.keywords, [Arc::from("$Work")]);
        assert_eq!("".parse(), Ok(Names::default()));
        for wrong in ["\\Recent", "\\", "a\"b", "gr\u{fc}n", "a(b"] {
            assert!(wrong.parse::<Names>().is_err(), "{wrong}");
        }
    }
}
