//! `domain`: what holds for all accounts and shared mailboxes of a domain.

use auth::directory::Limits;
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    octets::Octets,
    outcome::{Failed, Outcome},
    registry::Registry,
    report::{Report, Row},
};

/// Show domains, and limit what they may hold
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Domain {
    List(List),
    Limit(Limit),
}

/// List the domains: how many accounts they have, and what these may hold together
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar domain list
  chapar domain list --json")]
pub struct List {}

/// Limit what the accounts and shared mailboxes of a domain may hold together
///
/// What is not named has no limit any more. The domain `''` is that of the accounts without one.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar domain limit example.org --storage 500GiB --messages 1000000
  chapar domain limit example.org")]
pub struct Limit {
    /// The domain
    pub domain: String,
    /// Octets of messages
    #[arg(long, value_name = "OCTETS")]
    #[serde(default)]
    pub storage: Option<Octets>,
    /// Messages
    #[arg(long, value_name = "NUMBER")]
    #[serde(default)]
    pub messages: Option<u64>,
    /// Mailboxes
    #[arg(long, value_name = "NUMBER")]
    #[serde(default)]
    pub mailboxes: Option<u64>,
    /// Octets of annotations
    #[arg(long, value_name = "OCTETS")]
    #[serde(default)]
    pub annotations: Option<Octets>,
}

/// A domain for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    domain: &'a str,
    accounts: usize,
    shared: Option<String>,
    storage_octets: Option<u64>,
    messages: Option<u64>,
    mailboxes: Option<u64>,
    annotation_octets: Option<u64>,
}

impl Domain {
    pub(crate) fn run(
        &self,
        registry: Registry<'_>,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::List(_) => Ok(list(registry, report)),
            Self::Limit(limit) => limit.run(registry),
        }
    }

    pub(crate) fn changes(&self) -> bool {
        matches!(self, Self::Limit(_))
    }
}

fn list(registry: Registry<'_>, report: &mut dyn Report) -> Outcome {
    let directory = registry.directory;
    let accounts = directory.accounts();
    let mut domains = 0;
    for name in directory.domains() {
        if !registry.roles.helps(&name) {
            continue;
        }
        domains += 1;
        let limits = directory.domain(&name).limits;
        let shared = directory.shared(&name);
        let line = Line {
            domain: &name,
            accounts: accounts.iter().filter(|a| a.domain() == &*name).count(),
            shared: shared.map(|id| store::AccountId(id).to_string()),
            storage_octets: limits.storage_octets,
            messages: limits.messages,
            mailboxes: limits.mailboxes,
            annotation_octets: limits.annotation_octets,
        };
        report.row(Row::new(&line, line.text()));
    }
    Outcome::done(Row::new(&json!({ "domains": domains }), ""))
}

impl Line<'_> {
    fn text(&self) -> String {
        let limits = [
            ("storage", self.storage_octets),
            ("messages", self.messages),
            ("mailboxes", self.mailboxes),
            ("annotations", self.annotation_octets),
        ];
        let limits = limits
            .into_iter()
            .filter_map(|(what, limit)| Some(format!("{what} at most {}", limit?)));
        let first = [
            format!("@{}", self.domain),
            format!("accounts {}", self.accounts),
        ];
        first
            .into_iter()
            .chain(limits)
            .collect::<Vec<_>>()
            .join("\t")
    }
}

impl Limit {
    fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let limits = Limits {
            storage_octets: self.storage.map(|octets| octets.0),
            messages: self.messages,
            mailboxes: self.mailboxes,
            annotation_octets: self.annotations.map(|octets| octets.0),
        };
        registry.directory.set_limits(&self.domain, limits)?;
        let line = if limits == Limits::default() {
            format!("@{} has no limits", self.domain)
        } else {
            format!("@{} has new limits", self.domain)
        };
        let object = json!({ "domain": self.domain });
        Ok(Outcome::done(Row::new(&object, line)))
    }
}
