//! `chapar`: the command line.
//!
//! What administrators ask of the store is in the crate `admin`; here are the verbs around the server, and what is
//! printed. What is printed for people goes to standard output, problems to standard error. Exit codes: 0
//! done; 1 it could not be done; 2 it was asked for wrongly; 3 something is damaged, or could not
//! be saved; 130 interrupted.

mod administer;
mod config;
mod manual;
mod printer;
mod prompt;
mod screen;
mod serve;
mod usage;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use admin::{Request, backup::Backup};
use clap::{Parser, Subcommand};
use server::{Config, config::Problem};

use printer::Style;
use screen::{Screen, complain};

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
    /// Check and show the configuration
    #[command(subcommand)]
    Config(config::Verb),
    /// What is asked of the store.
    #[command(flatten)]
    Stored(Request),
    /// Print what makes a shell complete the verbs and flags of chapar
    #[command(after_long_help = "Examples:
  chapar completions bash > /etc/bash_completion.d/chapar
  chapar completions zsh > /usr/local/share/zsh/site-functions/_chapar
  chapar completions fish > ~/.config/fish/completions/chapar.fish")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write those of all verbs into a directory
    #[command(after_long_help = "Examples:
  chapar man | man -l -
  chapar man /usr/local/share/man/man1")]
    Man {
        /// Where the pages go: chapar.1, chapar-verify.1 …
        directory: Option<PathBuf>,
    },
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
    let (Arguments { verb, config }, style) = usage::arguments();
    match run(verb, config, style) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Said(code)) => ExitCode::from(code),
        Err(Failed::Because(why)) => {
            complain(&format!("chapar: {why}"));
            ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb, config: Option<PathBuf>, style: Style) -> Result<(), Failed> {
    let mut out = Screen::new();
    let file = || config.map_or_else(default_file, Ok);
    match verb {
        Verb::Serve => serve::serve(&file()?),
        Verb::Quickstart { directory } => serve::quickstart(&directory, &mut out),
        Verb::Config(verb) => verb.run(&file()?, &mut out),
        Verb::Stored(request) => stored(request, file, style),
        Verb::Completions { shell } => {
            manual::completions(shell, &mut out);
            Ok(())
        }
        Verb::Man { directory } => manual::man(directory.as_deref(), &mut out),
    }
}

/// Has a request done, where it is to be done.
fn stored(
    mut request: Request,
    file: impl FnOnce() -> Result<PathBuf, Failed>,
    style: Style,
) -> Result<(), Failed> {
    if let Request::Backup(backup) = &request
        && let Some(done) = administer::alone(backup, style)
    {
        return done;
    }
    let file = file()?;
    prompt::complete(&mut request)?;
    // What a server is configured by is as much needed after a loss as its mail.
    if let Request::Backup(Backup::Create(create)) = &mut request {
        create.with.push(std::path::absolute(&file)?);
    }
    administer::administer(&request, &to_administer(&file)?, style)
}

fn default_file() -> Result<PathBuf, Failed> {
    let places = ["chapar.toml", "/etc/chapar/chapar.toml"];
    let found = places.iter().map(PathBuf::from).find(|file| file.exists());
    found.ok_or_else(|| {
        let [here, system] = places;
        Failed::Because(format!(
            "there is neither {here} here nor {system}: say --config FILE"
        ))
    })
}

/// The configuration to serve by; its errors are printed if it can't be used.
fn read(file: &Path) -> Result<Config, Failed> {
    usable(Config::read(file))
}

/// The configuration to administer a store with.
fn to_administer(file: &Path) -> Result<Config, Failed> {
    usable(Config::read_to_administer(file))
}

fn usable(config: Result<Config, Vec<Problem>>) -> Result<Config, Failed> {
    config.map_err(|problems| {
        for problem in &problems {
            complain(&problem.to_string());
        }
        Failed::Said(1)
    })
}
