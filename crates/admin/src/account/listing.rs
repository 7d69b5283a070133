//! `account list`, `account show`: who there is.

use auth::directory::Account;
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    outcome::{Failed, Outcome},
    registry::Registry,
    report::{Report, Row},
};

/// List the accounts
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account list
  chapar account list --domain example.org --json")]
pub struct List {
    /// Only those of this domain; `''`: those without one
    #[arg(long)]
    #[serde(default)]
    pub domain: Option<String>,
}

/// Show one account
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account show ann@example.org")]
pub struct Show {
    /// The account
    pub name: String,
}

/// An account for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    account: String,
    name: &'a str,
    disabled: bool,
    password: bool,
    suppressed: &'a [String],
    groups: Vec<&'a str>,
    roles: Vec<String>,
}

impl<'a> Line<'a> {
    fn of(account: &'a Account) -> Self {
        Self {
            account: format!("A{:x}", account.id),
            name: &account.name,
            disabled: account.disabled,
            password: account.credentials.is_some(),
            suppressed: &account.suppressed,
            groups: account.groups.iter().map(|group| &**group).collect(),
            roles: account.roles.iter().map(ToString::to_string).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Sum {
    accounts: usize,
}

impl List {
    pub(crate) fn run(&self, registry: Registry<'_>, report: &mut dyn Report) -> Outcome {
        let wanted = self.domain.as_ref().map(|domain| domain.to_lowercase());
        let mut accounts = 0;
        for account in registry.directory.accounts() {
            let domain = account.domain();
            if !registry.roles.helps(domain) || wanted.as_ref().is_some_and(|d| d != domain) {
                continue;
            }
            accounts += 1;
            let mark = match (account.disabled, &account.credentials) {
                (true, _) => "  (disabled)",
                (false, None) => "  (no password)",
                (false, Some(_)) => "",
            };
            let line = format!("{}{mark}", account.name);
            report.row(Row::new(&Line::of(&account), line));
        }
        Outcome::done(Row::new(&Sum { accounts }, ""))
    }
}

impl Show {
    pub(crate) fn run(
        &self,
        registry: Registry<'_>,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        let account = registry.account(&self.name)?;
        let line = Line::of(&account);
        let lines = lines(&account, &line);
        report.row(Row::new(&line, lines.join("\n")));
        Ok(Outcome::done(Row::new(&Sum { accounts: 1 }, "")))
    }
}

/// What people are shown of an account.
fn lines(account: &Account, line: &Line<'_>) -> Vec<String> {
    let login = match (account.disabled, &account.credentials) {
        (true, _) => "disabled",
        (false, None) => "no password",
        (false, Some(_)) => "by password, SCRAM-SHA-256, SCRAM-SHA-256-PLUS",
    };
    let mut lines = vec![
        format!("name        {}", account.name),
        format!("id          {}", line.account),
        format!("login       {login}"),
    ];
    for (what, words) in [
        ("groups", line.groups.join(" ")),
        ("roles", line.roles.join(" ")),
        ("suppressed", account.suppressed.join(" ")),
    ] {
        if !words.is_empty() {
            lines.push(format!("{what:12}{words}"));
        }
    }
    if let Some(home) = &account.home {
        let guest = if home.guest { ", a guest here" } else { "" };
        lines.push(format!("home        {}{guest}", home.host));
    }
    let remote = account.remote_mailboxes.iter();
    lines.extend(remote.map(|rule| format!("remote      {rule}")));
    lines
}
