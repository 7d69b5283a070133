//! `account language`, `suppress`, `home`, `remote`: what an account's clients are told.

use auth::Home;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use session::{
    Language,
    imap::{
        check_suppressed,
        referral::{Remote as Rule, is_host},
    },
};

use crate::{
    outcome::{Failed, Outcome},
    registry::Registry,
    report::Row,
};

/// Say in which language an account's clients are spoken to that ask for the default one
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account language ann de
  chapar account language ann")]
pub struct SetLanguage {
    /// The account
    pub name: String,
    /// `de`, `en`, `es`, `fr`, `i-default` or `ja`; without it, what `imap.language` says
    #[serde(default)]
    pub tag: Option<String>,
}

/// Have an account's clients not be told of some capabilities of IMAP, or of all again
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account suppress ann QRESYNC
  chapar account suppress ann")]
pub struct Suppress {
    /// The account
    pub name: String,
    /// What they are not told of, such as QRESYNC; none: they are told of all
    #[serde(default)]
    pub capabilities: Vec<String>,
}

/// Say that an account's mail is on another server: its clients are sent there, its mail has to be
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account home ann mail2.example.org
  chapar account home ann mail2.example.org --guest
  chapar account home ann")]
pub struct SetHome {
    /// The account
    pub name: String,
    /// The other server, with `:PORT` if it is not 143; without it, the mail is here
    #[serde(default)]
    pub host: Option<String>,
    /// It may log in here nevertheless, for what is shared here
    #[arg(long, requires = "host")]
    #[serde(default)]
    pub guest: bool,
}

/// Say that a mailbox of an account is on another server: clients are sent there
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar account remote ann Team imap://mail2.example.org/Teams/Red
  chapar account remote ann Team")]
pub struct Remote {
    /// The account
    pub name: String,
    /// The mailbox, with all that is below it
    pub mailbox: String,
    /// Where it is, `imap://HOST/MAILBOX`, its replicas too; without it, it is here
    #[serde(default)]
    pub urls: Vec<String>,
}

impl SetLanguage {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let known = |tag: &String| {
            Language::tagged(tag).map(Language::tag).ok_or_else(|| {
                Failed::because(format!("{tag:?} is no language that is spoken here"))
            })
        };
        let language = self.tag.as_ref().map(known).transpose()?;
        registry.directory.set_language(&self.name, language)?;
        let line = match language {
            Some(tag) => format!("the language of {} is {tag}", self.name),
            None => format!("{} has no language of its own", self.name),
        };
        Ok(done(&self.name, line))
    }
}

impl Suppress {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        for capability in &self.capabilities {
            check_suppressed(capability)
                .map_err(|why| Failed::because(format!("{capability}: {why}")))?;
        }
        let words = self.capabilities.iter().map(|c| c.to_uppercase());
        let words: Vec<_> = words.collect();
        let line = match &*words {
            [] => format!("{}'s clients are told of every capability", self.name),
            words => {
                let words = words.join(" ");
                format!("{}'s clients are not told of {words}", self.name)
            }
        };
        registry.directory.set_suppressed(&self.name, words)?;
        Ok(done(&self.name, line))
    }
}

impl SetHome {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let host = self.host.as_deref();
        if let Some(host) = host.filter(|host| !is_host(host)) {
            return Err(Failed::because(format!("{host:?} is no host")));
        }
        let home = host.map(|host| Home {
            host: host.into(),
            guest: self.guest,
        });
        registry.directory.set_home(&self.name, home.as_ref())?;
        let line = match host {
            Some(host) => format!("the mail of {} is on {host}", self.name),
            None => format!("the mail of {} is here", self.name),
        };
        Ok(done(&self.name, line))
    }
}

impl Remote {
    pub(crate) fn run(&self, registry: Registry<'_>) -> Result<Outcome, Failed> {
        let (name, mailbox, urls) = (&self.name, &self.mailbox, self.urls.join(" "));
        let rule = format!("{mailbox}: {urls}");
        if !urls.is_empty() {
            Rule::read(&rule).map_err(|why| Failed::because(format!("{rule:?}: {why}")))?;
        }
        let before = registry.account(name)?;
        let start = format!("{mailbox}: ");
        let others = before.remote_mailboxes.iter();
        let others = others.filter(|rule| !rule.starts_with(&start));
        let mut remote: Vec<String> = others.cloned().collect();
        let line = if urls.is_empty() {
            format!("{mailbox} of {name} is here")
        } else {
            remote.push(rule);
            format!("{mailbox} of {name} is at {urls}")
        };
        registry.directory.set_remote_mailboxes(name, remote)?;
        Ok(done(name, line))
    }
}

fn done(name: &str, line: String) -> Outcome {
    Outcome::done(Row::new(&json!({ "name": name }), line))
}
