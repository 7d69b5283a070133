//! `account passwd`, `disable`, `enable`: who may log in.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    outcome::{Failed, Outcome},
    registry::Registry,
    report::Row,
    secret::Secret,
};

/// Change an account's password
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account passwd ann@example.org
  chapar account passwd ann --password-stdin")]
pub struct Passwd {
    /// The account
    pub name: String,
    /// The new password.
    #[arg(skip)]
    #[serde(default)]
    pub password: Option<Secret>,
    /// Take the password from the first line of standard input
    #[arg(long)]
    #[serde(skip)]
    pub password_stdin: bool,
}

/// Let an account log in no more; mail still arrives
///
/// Sessions that it has go on: `chapar kick` ends them.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account disable ann@example.org")]
pub struct Disable {
    /// The account
    pub name: String,
}

/// Let a disabled account log in again
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account enable ann@example.org")]
pub struct Enable {
    /// The account
    pub name: String,
}

impl Passwd {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let account = registry.account(&self.name)?;
        let Some(password) = &self.password else {
            return Err(Failed::misunderstood("there is no password in the request"));
        };
        let directory = registry.directory;
        directory.set_password(&account.name, password.octets())?;
        let line = format!("{} has a new password", account.name);
        Ok(done(&account.name, line))
    }
}

impl Disable {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        registry.directory.set_disabled(&self.name, true)?;
        Ok(done(
            &self.name,
            format!("{} can log in no more", self.name),
        ))
    }
}

impl Enable {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        registry.directory.set_disabled(&self.name, false)?;
        Ok(done(&self.name, format!("{} can log in again", self.name)))
    }
}

fn done(name: &str, line: String) -> Outcome {
    Outcome::done(Row::new(&json!({ "name": name }), line))
}
