//! `chapar config`: check and show.

use std::path::Path;

use clap::Subcommand;
use server::{Config, config::Origin};

use crate::{Failed, read};

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Report every problem, with file, line and column
    Check,
    /// Show the settings that are written in the file
    Show {
        /// Show everything in force, and where it comes from
        #[arg(long)]
        effective: bool,
    },
}

impl Verb {
    pub(crate) fn run(&self, file: &Path) -> Result<(), Failed> {
        match self {
            Self::Check => check(file),
            Self::Show { effective } => {
                show(&read(file)?, *effective);
                Ok(())
            }
        }
    }
}

fn check(file: &Path) -> Result<(), Failed> {
    let config = read(file)?;
    for warning in &config.warnings {
        eprintln!("{warning}");
    }
    println!(
        "{}: good{}",
        file.display(),
        if config.warnings.is_empty() {
            ""
        } else {
            ", with warnings"
        }
    );
    Ok(())
}

fn show(config: &Config, effective: bool) {
    for (key, value, origin) in config.in_force() {
        match origin {
            Origin::Line(line) => {
                println!("{} = {value}  # {}:{line}", key.name, config.file.display());
            }
            Origin::Default if effective => println!("{} = {value}  # default", key.name),
            Origin::Default => {}
        }
    }
}
