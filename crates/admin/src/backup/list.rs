//! `backup list`: the generations there are.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    moment::Moment,
    outcome::{Failed, Outcome},
    place,
    report::{Report, Row},
};

/// List the generations of a backup, oldest first
///
/// What an interrupted backup has left is none, and is not shown.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar backup list /mnt/backup/mail")]
pub struct List {
    /// The directory of the backups
    #[arg(value_name = "DIR", value_parser = place::place)]
    pub of: PathBuf,
}

#[derive(Debug, Serialize)]
struct Line {
    generation: String,
    taken: String,
    octets: u64,
    lost: u64,
}

#[derive(Debug, Serialize)]
struct Sum {
    generations: usize,
}

impl List {
    /// A row per generation.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn run(&self, report: &mut dyn Report) -> Result<Outcome, Failed> {
        place::check(&self.of)?;
        let there = store::backup::generations(&self.of)?;
        for generation in &there {
            let line = Line {
                generation: generation.name.clone(),
                taken: Moment::from_unix(generation.taken).to_string(),
                octets: generation.octets,
                lost: generation.lost,
            };
            let mut text = format!("{}\toctets {}", line.generation, line.octets);
            if line.lost > 0 {
                text = format!("{text}\tnot readable when it was made {}", line.lost);
            }
            report.row(Row::new(&line, text));
        }
        let generations = there.len();
        let sum = Sum { generations };
        Ok(Outcome::done(Row::new(
            &sum,
            format!("generations {generations}"),
        )))
    }
}
