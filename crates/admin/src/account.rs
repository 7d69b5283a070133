//! What is asked for of accounts: who there is, which is in the accounts file, and their mail.

pub mod clients;
pub mod existence;
pub mod listing;
pub mod login;
pub mod relocate;
pub mod usage;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    registry::Registry,
    report::Report,
};

/// Add, remove, list and change accounts
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Account {
    Add(existence::Add),
    Remove(existence::Remove),
    List(listing::List),
    Passwd(login::Passwd),
    Rename(existence::Rename),
    Show(listing::Show),
    Disable(login::Disable),
    Enable(login::Enable),
    Language(clients::SetLanguage),
    Suppress(clients::Suppress),
    Home(clients::SetHome),
    Remote(clients::Remote),
    Move(relocate::Move),
    Usage(usage::Usage),
}

impl Account {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Move(relocate) => relocate.run(context, report).await,
            Self::Usage(usage) => usage.run(context, report).await,
            of_the_file => of_the_file.register(context.registry(), report),
        }
    }

    /// Whether it concerns mail, and not the accounts file alone.
    pub(crate) fn needs_store(&self) -> bool {
        matches!(self, Self::Move(_) | Self::Usage(_))
    }

    /// Does what concerns the accounts file alone.
    pub(crate) fn register(
        &self,
        registry: Registry<'_>,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Add(add) => add.run(registry),
            Self::Remove(remove) => remove.run(registry),
            Self::List(list) => Ok(list.run(registry, report)),
            Self::Passwd(passwd) => passwd.run(registry),
            Self::Rename(rename) => rename.run(registry),
            Self::Show(show) => show.run(registry, report),
            Self::Disable(disable) => disable.run(registry),
            Self::Enable(enable) => enable.run(registry),
            Self::Language(language) => language.run(registry),
            Self::Suppress(suppress) => suppress.run(registry),
            Self::Home(home) => home.run(registry),
            Self::Remote(remote) => remote.run(registry),
            Self::Move(_) | Self::Usage(_) => Err(Failed::because("this takes an open store")),
        }
    }

    pub(crate) fn changes(&self) -> bool {
        !matches!(self, Self::Usage(_) | Self::List(_) | Self::Show(_))
    }
}
