//! `backup verify`: reads a generation, and names what is not what was written.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use store::{
    Store,
    verify::{Finding, Walked},
};

use super::{octets_of, telling, told};
use crate::{
    outcome::{Failed, Outcome},
    place,
    report::Report,
    verify::Names,
    wait::wait,
};

/// Read a backup and name whatever is not what was written
///
/// Every octet is compared with the sums that were made when it was written; with --mail every message is then
/// verified as `chapar verify` does it. Exit code 3: something is damaged.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar backup verify /mnt/backup/mail
  chapar backup verify /mnt/backup/mail --mail
  chapar backup verify /mnt/backup/mail/2026-11-26T115324Z")]
pub struct Verify {
    /// The directory of the backups, of which the latest is read, or of one generation
    #[arg(value_name = "DIR", value_parser = place::place)]
    pub of: PathBuf,
    /// Verify also the mail in it, as a store's
    #[arg(long)]
    #[serde(default)]
    pub mail: bool,
}

impl Verify {
    /// A row per place that is damaged.
    ///
    /// # Errors
    /// There is no whole backup.
    pub fn run(&self, report: &mut dyn Report) -> Result<Outcome, Failed> {
        place::check(&self.of)?;
        let generation = store::backup::latest(&self.of)?;
        let total = octets_of(&generation);
        let copied = store::backup::verify(&generation, &mut telling(report, total))?;
        let octets = told(&copied, "verified", report);
        if !self.mail {
            return Ok(octets);
        }
        report.row(octets.summary);
        let store = wait(Store::open_read_only(
            generation.clone(),
            store::clock::system,
        ))?;
        let look = |depth, walked: &mut Walked<'_>, found: &mut dyn FnMut(Finding)| {
            store.verify_watched(depth, walked, found)
        };
        let place = (generation.as_path(), &Names::new());
        let mut mail = crate::verify::Verify::default().look(place, &look, report)?;
        mail.code = mail.code.max(octets.code);
        Ok(mail)
    }
}
