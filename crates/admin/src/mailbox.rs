//! What is asked for of mailboxes.

pub mod create;
pub mod delete;
pub mod list;
pub mod relocate;
pub mod rename;
pub mod status;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// A verb of `chapar mailbox`.
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Mailbox {
    Create(create::Create),
    Delete(delete::Delete),
    List(list::List),
    Move(relocate::Move),
    Rename(rename::Rename),
    Status(status::Status),
}

impl Mailbox {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Create(create) => create.run(context, report).await,
            Self::Delete(delete) => delete.run(context, report).await,
            Self::List(list) => list.run(context, report).await,
            Self::Move(relocate) => relocate.run(context, report).await,
            Self::Rename(rename) => rename.run(context, report).await,
            Self::Status(status) => status.run(context, report).await,
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Create(create) => !create.dry_run,
            Self::Delete(delete) => !delete.dry_run,
            Self::Rename(rename) => !rename.dry_run,
            Self::Move(_) => true,
            Self::List(_) | Self::Status(_) => false,
        }
    }
}
