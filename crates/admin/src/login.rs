//! `auth test`: would somebody be let in?

use auth::password;
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    outcome::{Failed, Outcome},
    registry::Registry,
    report::Row,
    secret::Secret,
};

/// Find out why somebody can't log in
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Auth {
    Test(Test),
}

/// Test a name and a password as a login would; the password is asked for
///
/// It says which account the name means, and what is wrong. The brake on guessing does not count it.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar auth test ann@example.org
  chapar auth test ann --password-stdin")]
pub struct Test {
    /// As it is typed into the client: an account, or an address of one of our domains
    pub name: String,
    /// The password.
    #[arg(skip)]
    #[serde(default)]
    pub password: Option<Secret>,
    /// Take the password from the first line of standard input
    #[arg(long)]
    #[serde(skip)]
    pub password_stdin: bool,
}

impl Auth {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        match self {
            Self::Test(test) => test.run(registry),
        }
    }
}

impl Test {
    fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let Some(password) = &self.password else {
            return Err(Failed::misunderstood("there is no password in the request"));
        };
        // An address may mean an account of another domain than its own.
        let account = registry
            .directory
            .login(&self.name)
            .filter(|account| registry.roles.helps(account.domain()));
        let Some(account) = account else {
            let why = format!("{:?} means no account", self.name);
            return Err(Failed::because(why));
        };
        let name = &account.name;
        let wrong = |what: &str| Err(Failed::because(format!("{name} can't log in: {what}")));
        let Some(credentials) = &account.credentials else {
            return wrong("it has no password");
        };
        let right = password::prepare(password.octets())
            .is_ok_and(|prepared| password::verify(&prepared, &credentials.password));
        if !right {
            return wrong("the password is wrong");
        }
        if account.disabled {
            return wrong("the password is right, and the account is disabled");
        }
        let elsewhere = account.home.as_ref().map(|home| &*home.host);
        let text = match elsewhere {
            Some(host) => format!("{name} is let in, and sent to {host}"),
            None => format!("{name} is let in"),
        };
        let object = json!({ "name": **name, "home": elsewhere });
        Ok(Outcome::done(Row::new(&object, text)))
    }
}

#[cfg(test)]
mod tests {
    use ::auth::{Directory, Roles};

    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let domains = vec!["ours.test".to_owned()];
        let file = folder.path().join("accounts.toml");
        let directory = Directory::open(file, domains).unwrap();
        directory.add("ann", b"secret").unwrap();
        directory.add("off@a.test", b"secret").unwrap();
        directory.set_disabled("off@a.test", true).unwrap();
        directory.add_without_password("new").unwrap();
        let all = Roles::all();
        let desk: Roles = ["help-desk@ours.test".parse().unwrap()]
            .into_iter()
            .collect();
        for (roles, name, password, says) in [
            (&all, "ann", "secret", "ann is let in"),
            (&all, "Ann@ours.test", "secret", "ann is let in"),
            (&all, "ann", "Secret", "wrong"),
            (&all, "off@a.test", "secret", "disabled"),
            (&all, "off@a.test", "x", "wrong"),
            (&all, "new", "x", "no password"),
            (&all, "nobody", "x", "no account"),
            (&desk, "ann@ours.test", "secret", "no account"),
        ] {
            let directory = &directory;
            let test = Test {
                name: name.to_owned(),
                password: Some(Secret::new(password.to_owned())),
                password_stdin: false,
            };
            let said = match test.run(Registry { directory, roles }) {
                Ok(outcome) => outcome.summary.line,
                Err(failed) => failed.why,
            };
            assert!(said.contains(says), "{name} {password}: {said}");
        }
    }
}
