//! What is asked for of mailboxes.

pub mod relocate;

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
    Move(relocate::Move),
}

impl Mailbox {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Move(relocate) => relocate.run(context, report).await,
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Move(_) => true,
        }
    }
}
