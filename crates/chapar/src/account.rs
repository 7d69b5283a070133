//! `chapar account`: who there is.

use std::io::{self, BufRead, IsTerminal, Write};

use auth::directory::{Account, Directory};
use clap::Subcommand;
use server::Config;

use crate::Failed;

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Add an account; the password is asked for
    Add {
        /// `user` or `user@domain`
        name: String,
        /// Take the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Remove an account; its mail stays in the store, but nobody can reach it
    Remove {
        /// The account
        name: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
    /// List the accounts
    List,
    /// Change an account's password
    Passwd {
        /// The account
        name: String,
        /// Take the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Show one account
    Show {
        /// The account
        name: String,
    },
    /// Let an account log in no more; mail still arrives
    Disable {
        /// The account
        name: String,
    },
    /// Let a disabled account log in again
    Enable {
        /// The account
        name: String,
    },
}

impl Verb {
    pub(crate) fn run(&self, config: &Config) -> Result<(), Failed> {
        let directory = Directory::open(config.accounts.clone(), config.domains.clone())?;
        match self {
            Self::Add {
                name,
                password_stdin,
            } => {
                if directory.account(name).is_some() {
                    return Err(Failed::Because(format!(
                        "there is an account {name:?} already"
                    )));
                }
                let account = directory.add(name, &password(*password_stdin)?)?;
                println!("added {}", account.name);
            }
            Self::Remove { name, yes } => remove(&directory, name, *yes)?,
            Self::List => {
                for account in directory.accounts() {
                    println!(
                        "{}{}",
                        account.name,
                        if account.disabled { "  (disabled)" } else { "" }
                    );
                }
            }
            Self::Passwd {
                name,
                password_stdin,
            } => {
                existing(&directory, name)?;
                directory.set_password(name, &password(*password_stdin)?)?;
                println!("{name} has a new password");
            }
            Self::Show { name } => show(&*existing(&directory, name)?),
            Self::Disable { name } => {
                directory.set_disabled(name, true)?;
                println!("{name} can log in no more");
            }
            Self::Enable { name } => {
                directory.set_disabled(name, false)?;
                println!("{name} can log in again");
            }
        }
        Ok(())
    }
}

fn existing(directory: &Directory, name: &str) -> Result<std::sync::Arc<Account>, Failed> {
    directory
        .account(name)
        .ok_or_else(|| Failed::Because(format!("there is no account {name:?}")))
}

fn show(account: &Account) {
    println!("name        {}", account.name);
    println!("id          A{:x}", account.id);
    println!(
        "login       {}",
        if account.disabled {
            "disabled"
        } else {
            "by password, SCRAM-SHA-256, SCRAM-SHA-256-PLUS"
        }
    );
}

fn remove(directory: &Directory, name: &str, yes: bool) -> Result<(), Failed> {
    let account = existing(directory, name)?;
    if !yes {
        if !io::stdin().is_terminal() {
            return Err(Failed::Because("nobody to ask: say --yes".to_owned()));
        }
        print!(
            "Remove {}? Its mail stays in the store as A{:x}, but nobody can reach it. [y/N] ",
            account.name, account.id
        );
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if !answer.trim().eq_ignore_ascii_case("y") {
            return Err(Failed::Because("nothing was removed".to_owned()));
        }
    }
    directory.remove(name)?;
    println!(
        "removed {}; its mail stays in the store as A{:x}",
        account.name, account.id
    );
    Ok(())
}

/// The new password: from standard input, or asked for twice.
fn password(from_stdin: bool) -> Result<Vec<u8>, Failed> {
    if from_stdin {
        let mut line = Vec::new();
        io::stdin().lock().read_until(b'\n', &mut line)?;
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        return Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec());
    }
    let password = rpassword::prompt_password("Password: ")?;
    if rpassword::prompt_password("Again: ")? != password {
        return Err(Failed::Because("the two passwords differ".to_owned()));
    }
    Ok(password.into_bytes())
}
