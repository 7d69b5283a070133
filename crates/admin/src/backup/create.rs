//! `backup create`: one more generation.

use std::{fs, path::PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::{prune, told};
use crate::{
    context::Context,
    moment::Period,
    outcome::{Failed, Outcome},
    place,
    report::{Report, Row},
};

/// Back up the whole store while it is in use, as one more generation in a directory
///
/// Everything that was acknowledged before it began is in it. Only what is new since the generation before is
/// read and written; the rest is shared with it. The accounts file goes along, and the configuration file. Exit
/// code 3: something could not be read, which is named; all else is backed up.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar backup create /mnt/backup/mail
  chapar backup create /mnt/backup/mail --dry-run
  chapar backup create /mnt/backup/mail --keep 14 --keep-for 30d")]
pub struct Create {
    /// The directory of the backups; made if it is not there
    #[arg(value_name = "DIR", value_parser = place::place)]
    pub to: PathBuf,
    /// Then remove all generations but so many, the latest
    #[arg(long, value_name = "N")]
    #[serde(default)]
    pub keep: Option<usize>,
    /// Keep those as well that are younger than this
    #[arg(long, value_name = "PERIOD", requires = "keep")]
    #[serde(default)]
    pub keep_for: Option<Period>,
    /// One more file to keep with it, by its name (more than once)
    #[arg(long, value_name = "FILE", value_parser = place::place)]
    #[serde(default)]
    pub with: Vec<PathBuf>,
    /// Only say how much would be copied, and which generations would go
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Ahead {
    /// The generation that it would share with.
    after: Option<String>,
    octets_new_at_most: u64,
    dry_run: bool,
}

impl Create {
    /// Makes it; a row per place that can't be read.
    ///
    /// # Errors
    /// Another backup runs; the disk of the backup fails or is full.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        place::check(&self.to)?;
        let _alone = context.alone("backup create")?;
        let beside = self.beside(context)?;
        if self.dry_run {
            return self.ahead(context, &beside, report);
        }
        let (store, to) = (context.store.clone(), self.to.clone());
        let (tell, mut told_octets) = mpsc::unbounded_channel();
        // The disk is waited for, and so are those who write to several partitions.
        let copying = tokio::task::spawn_blocking(move || {
            store.backup(&to, beside, &mut |_, octets| {
                // Nobody may listen any more; the backup is made all the same.
                let _ = tell.send(octets);
            })
        });
        let mut done = 0;
        while let Some(octets) = told_octets.recv().await {
            done += octets;
            report.progress(done, 0, "octets");
        }
        let copied = copying.await??;
        if let Some(keep) = self.keep {
            let now = (context.store.clock())().unix;
            for name in prune::prune(&self.to, keep, self.keep_for, (now, false))? {
                report.note(&format!("removed {name}"));
            }
        }
        Ok(told(&copied, "backed up", report))
    }

    /// What would be copied, and what would go.
    fn ahead(
        &self,
        context: &Context,
        beside: &[(String, Vec<u8>)],
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        let (after, octets) = context.store.backup_ahead(&self.to)?;
        let beside: u64 = beside.iter().map(|(_, octets)| octets.len() as u64).sum();
        if let Some(keep) = self.keep.filter(|_| after.is_some()) {
            let now = (context.store.clock())().unix;
            // One more is to come, which is one of those to keep.
            let keep = keep.saturating_sub(1).max(1);
            for name in prune::prune(&self.to, keep, self.keep_for, (now, true))? {
                report.note(&format!("would remove {name}"));
            }
        }
        let octets_new_at_most = octets + beside;
        let since = after.as_deref().unwrap_or("nothing");
        let text = format!("would copy at most {octets_new_at_most} octets, new after {since}");
        let sum = Ahead {
            after: after.clone(),
            octets_new_at_most,
            dry_run: true,
        };
        Ok(Outcome::done(Row::new(&sum, text)))
    }

    /// The files that go along.
    fn beside(&self, context: &Context) -> Result<Vec<(String, Vec<u8>)>, Failed> {
        let mut beside: Vec<(String, Vec<u8>)> = Vec::new();
        let accounts = context.directory.path().to_owned();
        for file in std::iter::once(&accounts).chain(&self.with) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let octets = match fs::read(file) {
                // There may be no accounts yet.
                Err(error) if *file == accounts && error.kind() == std::io::ErrorKind::NotFound => {
                    continue;
                }
                octets => octets
                    .map_err(|error| Failed::because(format!("{}: {error}", file.display())))?,
            };
            // Names that the store has itself, or that came before.
            if name != "store.toml" && !beside.iter().any(|(known, _)| **known == *name) {
                beside.push((name.into_owned(), octets));
            }
        }
        Ok(beside)
    }
}
