//! `backup prune`: old generations go.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    moment::{Moment, Period},
    outcome::{Failed, Outcome},
    place,
    report::{Report, Row},
};

/// Remove old generations of a backup; what others share with them stays
///
/// The latest one is always kept.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar backup prune /mnt/backup/mail --keep 14
  chapar backup prune /mnt/backup/mail --keep 1 --keep-for 30d --dry-run")]
pub struct Prune {
    /// The directory of the backups
    #[arg(value_name = "DIR", value_parser = place::place)]
    pub of: PathBuf,
    /// Keep so many, the latest
    #[arg(long, value_name = "N")]
    pub keep: usize,
    /// Keep those as well that are younger than this
    #[arg(long, value_name = "PERIOD")]
    #[serde(default)]
    pub keep_for: Option<Period>,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    generation: &'a str,
}

#[derive(Debug, Serialize)]
struct Sum {
    removed: usize,
    dry_run: bool,
}

impl Prune {
    /// A row per generation that goes.
    ///
    /// # Errors
    /// A backup is being made there; the disk fails.
    pub fn run(&self, report: &mut dyn Report) -> Result<Outcome, Failed> {
        place::check(&self.of)?;
        let now = Moment::now().unix();
        let gone = prune(&self.of, self.keep, self.keep_for, (now, self.dry_run))?;
        let verb = if self.dry_run {
            "would remove"
        } else {
            "removed"
        };
        for generation in &gone {
            let text = format!("{verb} {generation}");
            report.row(Row::new(&Line { generation }, text));
        }
        let sum = Sum {
            removed: gone.len(),
            dry_run: self.dry_run,
        };
        let text = format!("{verb} {}", sum.removed);
        Ok(Outcome::done(Row::new(&sum, text)))
    }
}

/// Removes what is not to be kept `now`, or only says what that is; gives the names.
pub(super) fn prune(
    of: &Path,
    keep: usize,
    keep_for: Option<Period>,
    (now, dry_run): (i64, bool),
) -> Result<Vec<String>, Failed> {
    let there = store::backup::generations(of)?;
    let seconds = keep_for.map_or(0, |period| period.0.as_secs());
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let gone = store::backup::superseded(&there, keep, seconds, now);
    if !dry_run && !gone.is_empty() {
        store::backup::remove(of, &gone)?;
    }
    Ok(gone)
}
