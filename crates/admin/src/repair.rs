//! `repair`: puts a damaged store right, while it is in use.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{
    past::Mode,
    repair::{RepairKind, RepairOptions, Repaired},
};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    place,
    report::{Report, Row},
};

/// Put right what verify finds, in a store that is in use or not; say first what would be done with --dry-run
///
/// Messages whose records are damaged and whose octets are whole are as they were. Messages whose octets are
/// damaged leave their mailbox, and what can be read of them is written to the report directory, with
/// what is known of them. Messages of which no mailbox knows come into a mailbox `Recovered`. Everything
/// else stays as it is. Damaged places in the log are written down as seen to, and verify finds them no
/// more. Exit code 3: something could not be saved.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar repair --dry-run
  chapar repair
  chapar repair --account ann@example.org --report /root/lost-mail")]
pub struct Repair {
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
    /// Repair only this account, and leave alone what is nobody's
    #[arg(long)]
    #[serde(default)]
    pub account: Option<String>,
    /// Where to write what could not be saved; `repair` below the data directory, if not given
    #[arg(long, value_parser = place::place, value_name = "DIRECTORY")]
    #[serde(default)]
    pub report: Option<PathBuf>,
}

/// Something that was done, for programs.
#[derive(Serialize)]
struct Step<'a> {
    kind: &'a str,
    account: Option<String>,
    mailbox: Option<&'a str>,
    uid: Option<u32>,
    what: &'a str,
    file: Option<&'a Path>,
}

/// The summary for programs.
#[derive(Serialize)]
struct Sum {
    dry_run: bool,
    remade: u64,
    removed: u64,
    recovered: u64,
    rebased: u64,
    seen_to: u64,
    failed: u64,
}

impl Repair {
    /// Repairs the store, or tells what would be done.
    ///
    /// # Errors
    /// There is no such account; it is going on already; what is done can't be written.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let _alone = context.alone("repair")?;
        let account = match &self.account {
            Some(name) => Some(context.account_id(name).await?),
            None => None,
        };
        if let Some(report) = &self.report {
            place::check(report)?;
        }
        let directory = self.report.clone();
        let options = RepairOptions {
            mode: if self.dry_run { Mode::DryRun } else { Mode::Do },
            report: directory.unwrap_or_else(|| context.data.join("repair")),
            account,
        };
        let mut tell = |repaired: Repaired| {
            let whose = repaired.account.map(|id| context.display(id));
            report.row(row(&repaired, whose));
        };
        let done = context.store.repair(&options, &mut tell).await?;
        for what in &done.failed {
            report.note(what);
        }
        let sum = Sum {
            dry_run: self.dry_run,
            remade: done.count(RepairKind::Remade),
            removed: done.count(RepairKind::Removed),
            recovered: done.count(RepairKind::Recovered),
            rebased: done.count(RepairKind::Rebased),
            seen_to: done.count(RepairKind::SeenTo),
            failed: done.failed.len() as u64,
        };
        let (saved, lost) = (sum.remade + sum.recovered, sum.removed + sum.rebased);
        let would = if self.dry_run { "would have " } else { "" };
        let line = format!(
            "{would}saved {saved}, lost something {lost} times, {} damaged places seen to",
            sum.seen_to
        );
        let sum = Row::new(&sum, line);
        Ok(if done.lost() || !done.failed.is_empty() {
            Outcome::damaged(sum)
        } else {
            Outcome::done(sum)
        })
    }
}

fn name(kind: RepairKind) -> &'static str {
    match kind {
        RepairKind::Remade => "remade",
        RepairKind::Removed => "removed",
        RepairKind::Recovered => "recovered",
        RepairKind::Rebased => "rebased",
        RepairKind::SeenTo => "seen to",
    }
}

fn row(repaired: &Repaired, account: Option<String>) -> Row {
    let Repaired {
        kind,
        mailbox,
        uid,
        what,
        file,
        ..
    } = repaired;
    let mailbox = mailbox.as_ref().map(store::MailboxName::as_str);
    let uid = uid.map(|uid| uid.0);
    let mut line = name(*kind).to_owned();
    let parts = [
        account.clone(),
        mailbox.map(str::to_owned),
        uid.map(|uid| format!("UID {uid}")),
        Some(what.to_string()),
        file.as_ref()
            .map(|file| format!("kept in {}", file.display())),
    ];
    for part in parts.into_iter().flatten() {
        line.push('\t');
        line.push_str(&part);
    }
    let step = Step {
        kind: name(*kind),
        account,
        mailbox,
        uid,
        what,
        file: file.as_deref(),
    };
    Row::new(&step, line)
}

#[cfg(test)]
mod tests {
    use store::{MailboxName, Uid};

    use super::*;

    #[test]
    fn it_tells_what_it_did_and_what_it_kept() {
        let repaired = Repaired {
            kind: RepairKind::Removed,
            account: None,
            mailbox: MailboxName::new("INBOX").ok(),
            uid: Some(Uid(7)),
            what: "its octets are damaged".into(),
            file: Some("/data/repair/A1-1-7.eml".into()),
        };
        let row = row(&repaired, Some("ann (A1)".into()));
        assert_eq!(
            row.line,
            "removed\tann (A1)\tINBOX\tUID 7\tits octets are damaged\tkept in /data/repair/A1-1-7.eml"
        );
        assert_eq!(row.object["uid"], 7);
        assert_eq!(row.object["file"], "/data/repair/A1-1-7.eml");
    }
}
