//! `backup restore`: a whole store of a backup, where there is none.

use std::{fs, path::PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{octets_of, telling, told};
use crate::{
    outcome::{Failed, Outcome},
    place,
    report::Report,
};

/// Make a whole store of a backup, in an empty directory: after the loss of a disk
///
/// The accounts file and what else was backed up with it comes along. If it is broken off, the directory is no
/// store; do it again. Run it as the user that the server is to run as, then `chapar verify`. To bring an account,
/// a mailbox or messages from a backup into a running server, see `chapar restore --from`.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar backup restore /mnt/backup/mail /var/lib/chapar
  chapar backup restore /mnt/backup/mail/2026-11-26T115324Z /var/lib/chapar")]
pub struct Restore {
    /// The directory of the backups, of which the latest is taken, or of one generation
    #[arg(value_name = "DIR", value_parser = place::place)]
    pub from: PathBuf,
    /// The data directory; made if it is not there, and must be empty if it is
    #[arg(value_name = "DATA", value_parser = place::place)]
    pub to: PathBuf,
    /// Only read the backup and say what would be restored
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

impl Restore {
    /// A row per place that is damaged in the backup; it comes along as it is.
    ///
    /// # Errors
    /// There is no whole backup; the directory is not empty; the disk fails or is full.
    pub fn run(&self, report: &mut dyn Report) -> Result<Outcome, Failed> {
        place::check(&self.from)?;
        place::check(&self.to)?;
        let generation = store::backup::latest(&self.from)?;
        let total = octets_of(&generation);
        if self.dry_run {
            // What restoring would refuse.
            if fs::read_dir(&self.to).is_ok_and(|mut entries| entries.next().is_some()) {
                let to = self.to.display();
                return Err(Failed::because(format!("{to} is not empty")));
            }
            let read = store::backup::verify(&generation, &mut telling(report, total))?;
            return Ok(told(&read, "would restore", report));
        }
        let restored = store::backup::restore(&generation, &self.to, &mut telling(report, total))?;
        Ok(told(&restored, "restored", report))
    }
}
