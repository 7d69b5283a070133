//! `partition add`: one more place for mail.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    place,
    report::{Report, Row},
};

/// Add a partition: a directory, usually a disk, in which mail may lie
///
/// It is made below the data directory as partitions/NAME, or as a link to another directory. A directory
/// that is this store's partition already, as after store.toml was lost, is taken as it is.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar partition add archive
  chapar partition add archive --path /mnt/slow/chapar --dry-run")]
pub struct Add {
    /// Its name: letters, digits, - and _
    pub name: String,
    /// The directory; made if it is not there
    #[arg(long, value_name = "DIR", value_parser = place::place)]
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Added {
    name: String,
    path: Option<PathBuf>,
    dry_run: bool,
}

impl Add {
    /// Adds it.
    ///
    /// # Errors
    /// The name or the path is not fit; what the store says.
    #[expect(clippy::unused_async, reason = "as all verbs")]
    pub async fn run(
        &self,
        context: &Context,
        _report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        if let Some(path) = &self.path {
            place::check(path)?;
        }
        context.store.may_add_partition(&self.name)?;
        if !self.dry_run {
            context
                .store
                .add_partition(&self.name, self.path.as_deref())?;
        }
        let below = context.data.join("partitions").join(&self.name);
        let at = self.path.clone().unwrap_or(below);
        let verb = if self.dry_run { "would add" } else { "added" };
        let text = format!("{verb} partition {} in {}", self.name, at.display());
        let added = Added {
            name: self.name.clone(),
            path: Some(at),
            dry_run: self.dry_run,
        };
        Ok(Outcome::done(Row::new(&added, text)))
    }
}
