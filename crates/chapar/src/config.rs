//! `chapar config`: check and show.

use std::{
    io::{self, Write},
    path::Path,
};

use clap::Subcommand;
use server::{Config, config::Origin};

use crate::{
    Failed, read,
    screen::{Screen, complain},
};

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
    pub(crate) fn run(&self, file: &Path, out: &mut Screen) -> Result<(), Failed> {
        let config = read(file)?;
        match self {
            Self::Check => check(&config, out)?,
            Self::Show { effective } => show(&config, *effective, out)?,
        }
        Ok(())
    }
}

fn check(config: &Config, out: &mut Screen) -> io::Result<()> {
    for warning in &config.warnings {
        complain(&warning.to_string());
    }
    let doubts = match config.warnings.len() {
        0 => "",
        1 => ", with a warning",
        _ => ", with warnings",
    };
    writeln!(out, "{}: good{doubts}", config.file.display())
}

/// As it could be written in a file, so that what is in force here can be put in force elsewhere.
fn show(config: &Config, effective: bool, out: &mut Screen) -> io::Result<()> {
    for (key, value, origin) in config.in_force() {
        let (name, file) = (key.name, config.file.display());
        match origin {
            Origin::Line(line) => writeln!(out, "{name} = {value}  # {file}:{line}")?,
            Origin::Default if effective => writeln!(out, "{name} = {value}  # default")?,
            Origin::Default => {}
        }
    }
    Ok(())
}
