//! `role`: who may administer what.

use auth::{Role as Named, Roles};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    outcome::{Failed, Outcome},
    registry::Registry,
    report::{Report, Row},
};

/// Say who may administer what
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Role {
    Grant(Grant),
    Revoke(Revoke),
    List(List),
}

/// Give somebody a role
///
/// An `administrator` administers the server and all that is on it. A `domain-administrator@DOMAIN` administers the
/// accounts and shared mailboxes of that domain, a `help-desk@DOMAIN` gives its people new passwords and sees how their
/// accounts are, and never their mail. `domain-administrator@` is for the accounts without a domain.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar role grant root@example.org administrator
  chapar role grant ann@example.org help-desk@example.org
  chapar role grant --unix hilde domain-administrator@example.org")]
pub struct Grant {
    /// Whom: an account
    pub who: String,
    /// `administrator`, `domain-administrator@DOMAIN` or `help-desk@DOMAIN`
    pub role: String,
    /// It is a user of this machine, who asks over the control socket
    #[arg(long)]
    #[serde(default)]
    pub unix: bool,
}

/// Take a role from somebody
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar role revoke ann@example.org help-desk@example.org
  chapar role revoke --unix hilde domain-administrator@example.org")]
pub struct Revoke {
    /// Whose: an account
    pub who: String,
    /// `administrator`, `domain-administrator@DOMAIN` or `help-desk@DOMAIN`
    pub role: String,
    /// It is a user of this machine
    #[arg(long)]
    #[serde(default)]
    pub unix: bool,
}

/// List who has which role
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar role list
  chapar role list --json")]
pub struct List {}

impl Role {
    pub(crate) fn run(
        &self,
        registry: Registry<'_>,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Grant(grant) => {
                let with =
                    |roles: &Roles, role: &Named| roles.iter().chain([role]).cloned().collect();
                let role = change(registry, (&grant.who, grant.unix), &grant.role, with)?;
                let line = format!("{} is {role} now", grant.who);
                Ok(done(&grant.who, line))
            }
            Self::Revoke(revoke) => {
                let without = |roles: &Roles, role: &Named| {
                    let others = roles.iter().filter(|other| *other != role);
                    others.cloned().collect()
                };
                let role = change(registry, (&revoke.who, revoke.unix), &revoke.role, without)?;
                let line = format!("{} is not {role} any more", revoke.who);
                Ok(done(&revoke.who, line))
            }
            Self::List(_) => Ok(list(registry, report)),
        }
    }

    pub(crate) fn changes(&self) -> bool {
        !matches!(self, Self::List(_))
    }
}

fn done(who: &str, line: String) -> Outcome {
    Outcome::done(Row::new(&json!({ "who": who }), line))
}

/// Changes somebody's roles by one, which must be among those of whoever asks, as must be what they have.
fn change(
    registry: Registry<'_>,
    (who, unix): (&str, bool),
    role: &str,
    change: impl FnOnce(&Roles, &Named) -> Roles,
) -> Result<Named, Failed> {
    let role: Named = role.parse()?;
    let directory = registry.directory;
    let may = |roles: &Roles| {
        if registry.roles.cover(roles) {
            return Ok(());
        }
        Err(Failed::because(
            "not permitted: nobody gives or takes a role that they don't have themselves",
        ))
    };
    if unix {
        // Users of the machine belong to no domain.
        may(&Roles::all())?;
        let roles = change(&directory.unix_user(who), &role);
        directory.set_unix_user(who, &roles)?;
        return Ok(role);
    }
    may(&[role.clone()].into_iter().collect())?;
    let account = registry.account(who)?;
    may(&account.roles)?;
    directory.set_roles(&account.name, &change(&account.roles, &role))?;
    Ok(role)
}

fn list(registry: Registry<'_>, report: &mut dyn Report) -> Outcome {
    let mut count = 0;
    let mut tell = |who: &str, kind: &str, roles: &Roles| {
        for role in roles.iter() {
            count += 1;
            let object = json!({ "who": who, "kind": kind, "role": role.to_string() });
            report.row(Row::new(&object, format!("{kind}\t{who}\t{role}")));
        }
    };
    for account in registry.directory.accounts() {
        if registry.roles.helps(account.domain()) {
            tell(&account.name, "account", &account.roles);
        }
    }
    if registry.roles.is_administrator() {
        for (user, roles) in registry.directory.unix_users() {
            tell(&user, "unix-user", &roles);
        }
    }
    Outcome::done(Row::new(&json!({ "roles": count }), ""))
}
