//! Every verb there is.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{
    account,
    context::Context,
    mailbox,
    outcome::{Failed, Outcome},
    partition,
    report::Report,
    verify,
};

/// What an administrator asks for. As JSON an object with the verb's name in `verb`, and its arguments:
/// `{"verb": "account", "do": "usage", "account": "ann"}`.
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Request {
    /// The command line has verbs of its own beside these.
    #[command(skip)]
    Account(account::Account),
    /// Ask for what concerns one mailbox
    #[command(subcommand)]
    Mailbox(mailbox::Mailbox),
    /// Add, show and remove the places in which mail lies
    #[command(subcommand)]
    Partition(partition::Partition),
    Verify(verify::Verify),
}

impl Request {
    /// Does what is asked for.
    ///
    /// # Errors
    /// [`Failed`]: why it is not done.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        match self {
            Self::Account(verb) => verb.run(context, report).await,
            Self::Mailbox(verb) => verb.run(context, report).await,
            Self::Partition(verb) => verb.run(context, report).await,
            Self::Verify(verify) => verify.run(context, report).await,
        }
    }

    /// Whether it changes anything. What does not is ended when nobody waits for its answer any more.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            Self::Account(verb) => verb.changes(),
            Self::Mailbox(verb) => verb.changes(),
            Self::Partition(verb) => verb.changes(),
            Self::Verify(_) => false,
        }
    }
}
