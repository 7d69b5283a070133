//! `account add`, `remove`, `rename`: who there is.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    outcome::{Failed, Outcome},
    registry::Registry,
    report::Row,
    secret::Secret,
};

/// Add an account; the password is asked for
///
/// It begins without mail, and in no group.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account add ann@example.org
  chapar account add ann --password-stdin
  chapar account add ann --no-password
  chapar account add ann --id A1f0c29")]
pub struct Add {
    /// `user` or `user@domain`
    pub name: String,
    /// Its password; none: nobody can log in to it, but administrators in its stead.
    #[arg(skip)]
    #[serde(default)]
    pub password: Option<Secret>,
    /// Take the password from the first line of standard input
    #[arg(long)]
    #[serde(skip)]
    pub password_stdin: bool,
    /// Give it no password: mail arrives, and nobody can log in yet
    #[arg(long, conflicts_with_all = ["password_stdin", "id"])]
    #[serde(skip)]
    pub no_password: bool,
    /// Give it the mail that an account of this id has left in the store
    #[arg(long, value_name = "A…")]
    #[serde(default)]
    pub id: Option<String>,
}

/// Remove an account; its mail stays in the store until an account gets its id again
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account remove ann@example.org
  chapar account remove ann --yes")]
pub struct Remove {
    /// The account
    pub name: String,
    /// Don't ask
    #[arg(long)]
    #[serde(skip)]
    pub yes: bool,
}

/// Give an account another name; its password, mail, groups and rights stay
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account rename ann ann@example.org")]
pub struct Rename {
    /// The account
    pub name: String,
    /// Its new name
    pub new: String,
}

impl Add {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let directory = registry.directory;
        let id = self.id.as_deref().map(number).transpose()?;
        if id.is_some() && !registry.roles.is_administrator() {
            // It may be that of anybody who is gone.
            return Err(Failed::because(
                "only administrators of the server give ids",
            ));
        }
        let account = match (&self.password, id) {
            (Some(password), Some(id)) => directory.add_again(&self.name, password.octets(), id)?,
            (Some(password), None) => directory.add(&self.name, password.octets())?,
            (None, Some(_)) => return Err(Failed::misunderstood("an id goes with a password")),
            (None, None) => directory.add_without_password(&self.name)?,
        };
        let object = json!({"account": format!("A{:x}", account.id), "name": *account.name});
        let line = format!("added {}", account.name);
        Ok(Outcome::done(Row::new(&object, line)))
    }
}

/// An account's number in the store, as `show` and `remove` print it.
fn number(id: &str) -> Result<u64, Failed> {
    match id.parse::<store::AccountId>() {
        Ok(id) if id.0 != 0 => Ok(id.0),
        _ => Err(Failed::because(format!(
            "{id:?} is no account's id: they look like A1f0c29"
        ))),
    }
}

impl Remove {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let account = registry.account(&self.name)?;
        registry.directory.remove(&account.name)?;
        let (name, id) = (&account.name, format!("A{:x}", account.id));
        let line = format!(
            "removed {name}; its mail stays in the store as {id}, until \
             `chapar account add NAME --id {id}` gives it to an account again"
        );
        let object = json!({"account": id, "name": **name});
        Ok(Outcome::done(Row::new(&object, line)))
    }
}

impl Rename {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let account = registry.account(&self.name)?;
        let new = registry.directory.rename(&self.name, &self.new)?;
        let object = json!({"account": format!("A{:x}", account.id), "name": new});
        let line = format!("{} is {new} now", account.name);
        Ok(Outcome::done(Row::new(&object, line)))
    }
}
