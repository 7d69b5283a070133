//! What is asked for of accounts. Who there is and their passwords is not: that is a file, which
//! the command line writes by itself.

pub mod relocate;
pub mod usage;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// A verb of `chapar account`.
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Account {
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
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Move(_) => true,
            Self::Usage(_) => false,
        }
    }
}
