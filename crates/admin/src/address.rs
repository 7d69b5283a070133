//! `address`: mail addresses that mean shared mailboxes.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    outcome::{Failed, Outcome},
    registry::Registry,
    report::{Report, Row},
};

/// Let addresses mean shared mailboxes
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Address {
    Set(Set),
    Remove(Remove),
    List(List),
}

/// Let an address mean a shared mailbox
///
/// Mail arrives if `anyone` or `anonymous` has the right `p` there. An address without a domain is one of every domain
/// that is ours.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar address set board@example.org Board --domain example.org
  chapar address set board Board")]
pub struct Set {
    /// The address
    pub address: String,
    /// The shared mailbox
    pub mailbox: String,
    /// The domain whose shared mailboxes it is among; without it, the site's own
    #[arg(long)]
    #[serde(default)]
    pub domain: Option<String>,
}

/// Let an address mean no shared mailbox any more
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar address remove board@example.org")]
pub struct Remove {
    /// The address
    pub address: String,
}

/// List the addresses that mean shared mailboxes
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar address list --json")]
pub struct List {}

impl Address {
    pub(crate) fn run(
        &self,
        registry: Registry<'_>,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        let directory = registry.directory;
        let (address, line) = match self {
            Self::List(_) => return Ok(list(registry, report)),
            Self::Set(set) => {
                let domain = set.domain.as_deref().unwrap_or_default();
                directory.set_address(&set.address, domain, &set.mailbox)?;
                let (address, mailbox) = (&set.address, &set.mailbox);
                let line = format!("{address} means the shared mailbox {mailbox} of @{domain}");
                (address, line)
            }
            Self::Remove(remove) => {
                directory.remove_address(&remove.address)?;
                let line = format!("{} means no shared mailbox any more", remove.address);
                (&remove.address, line)
            }
        };
        let object = json!({ "address": address });
        Ok(Outcome::done(Row::new(&object, line)))
    }

    pub(crate) fn changes(&self) -> bool {
        !matches!(self, Self::List(_))
    }
}

fn list(registry: Registry<'_>, report: &mut dyn Report) -> Outcome {
    let mut addresses = 0;
    for address in registry.directory.addresses() {
        if !registry.roles.helps(&address.domain) {
            continue;
        }
        addresses += 1;
        let object = json!({
            "address": *address.address,
            "domain": *address.domain,
            "mailbox": *address.mailbox,
        });
        let line = format!(
            "{}\t@{}\t{}",
            address.address, address.domain, address.mailbox
        );
        report.row(Row::new(&object, line));
    }
    Outcome::done(Row::new(&json!({ "addresses": addresses }), ""))
}
