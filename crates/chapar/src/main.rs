//! `chapar`: the command line.
//!
//! Verbs are in files of their own. What they print for people goes to standard output, problems
//! to standard error. Exit codes: 0 done; 1 it could not be done; 2 it was asked for wrongly;
//! 3 (verify) something is damaged.

#![expect(clippy::print_stdout, reason = "a command line prints")]

mod account;
mod config;
mod serve;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use server::Config;

/// A mail store server: LMTP in, IMAP out, on a store that loses nothing.
#[derive(Debug, Parser)]
#[command(name = "chapar", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    /// The configuration file [default: chapar.toml here, else /etc/chapar/chapar.toml]
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve until SIGTERM or Ctrl-C
    Serve,
    /// Make a server from nothing in a directory, test it, and serve
    Quickstart {
        /// Where it all goes
        #[arg(long, short, value_name = "DIRECTORY", default_value = "chapar-data")]
        directory: PathBuf,
    },
    /// Add, remove, list and change accounts
    #[command(subcommand)]
    Account(account::Verb),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(config::Verb),
    /// Read the whole store and name whatever is wrong; changes nothing, may run beside the server
    Verify(verify::Verify),
}

/// Why a verb did not do what it was asked.
#[derive(Debug)]
enum Failed {
    /// Say this; exit with 1.
    Because(String),
    /// Everything is said; exit with this.
    Said(u8),
}

impl<E: std::error::Error> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Because(error.to_string())
    }
}

fn main() -> ExitCode {
    let Arguments { verb, config } = Arguments::parse();
    let file = config.unwrap_or_else(default_file);
    let outcome = match verb {
        Verb::Serve => serve::serve(&file),
        Verb::Quickstart { directory } => serve::quickstart(&directory),
        Verb::Account(verb) => read(&file).and_then(|config| verb.run(&config)),
        Verb::Config(verb) => verb.run(&file),
        Verb::Verify(verify) => read(&file).and_then(|config| verify.run(&config)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Said(code)) => ExitCode::from(code),
        Err(Failed::Because(why)) => {
            eprintln!("chapar: {why}");
            ExitCode::FAILURE
        }
    }
}

fn default_file() -> PathBuf {
    let here = PathBuf::from("chapar.toml");
    if here.exists() {
        here
    } else {
        PathBuf::from("/etc/chapar/chapar.toml")
    }
}

/// The configuration; its errors are printed if it can't be used.
fn read(file: &std::path::Path) -> Result<Config, Failed> {
    Config::read(file).map_err(|problems| {
        for problem in &problems {
            eprintln!("{problem}");
        }
        Failed::Said(1)
    })
}
