//! Every verb there is.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{
    account, backup, compact,
    context::Context,
    copy, deduplicate, expiry, export, expunge, fetch, flags, history, hold, import, index,
    mailbox,
    outcome::{Failed, Outcome},
    partition, repair,
    report::Report,
    restore, search, undelete, verify,
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
    /// Back the whole store up, and make it of a backup again
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Ask for what concerns one mailbox
    #[command(subcommand)]
    Mailbox(mailbox::Mailbox),
    /// Add, show and remove the places in which mail lies
    #[command(subcommand)]
    Partition(partition::Partition),
    Compact(compact::Compact),
    Copy(copy::Copy),
    Deduplicate(deduplicate::Deduplicate),
    Expire(expiry::Expire),
    /// Show and set the rules by which mail goes by itself
    #[command(subcommand)]
    Expiry(expiry::Expiry),
    Export(export::Export),
    Expunge(expunge::Expunge),
    Fetch(fetch::Fetch),
    Flags(flags::Flags),
    History(history::History),
    /// Lay legal holds on mail, and lift them
    #[command(subcommand)]
    Hold(hold::Hold),
    Import(import::Import),
    Move(copy::Move),
    /// Show the indexes that make searches quick, bring them up to date, make them anew
    #[command(subcommand)]
    Index(index::Index),
    Repair(repair::Repair),
    Restore(restore::Restore),
    Search(search::Search),
    Undelete(undelete::Undelete),
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
            Self::Backup(verb) => verb.run(context, report).await,
            Self::Mailbox(verb) => verb.run(context, report).await,
            Self::Partition(verb) => verb.run(context, report).await,
            Self::Compact(compact) => compact.run(context, report).await,
            Self::Copy(copy) => copy.run(context, report).await,
            Self::Deduplicate(deduplicate) => deduplicate.run(context, report).await,
            Self::Expire(expire) => expire.run(context, report).await,
            Self::Expiry(verb) => verb.run(context, report).await,
            Self::Export(export) => export.run(context, report).await,
            Self::Expunge(expunge) => expunge.run(context, report).await,
            Self::Fetch(fetch) => fetch.run(context, report).await,
            Self::Flags(flags) => flags.run(context, report).await,
            Self::History(history) => history.run(context, report).await,
            Self::Hold(verb) => verb.run(context, report).await,
            Self::Import(import) => import.run(context, report).await,
            Self::Move(verb) => verb.run(context, report).await,
            Self::Index(verb) => verb.run(context, report).await,
            Self::Repair(repair) => repair.run(context, report).await,
            Self::Restore(restore) => restore.run(context, report).await,
            Self::Search(search) => search.run(context, report).await,
            Self::Undelete(undelete) => undelete.run(context, report).await,
            Self::Verify(verify) => verify.run(context, report).await,
        }
    }

    /// Whether it changes anything. What does not is ended when nobody waits for its answer any more.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            Self::Account(verb) => verb.changes(),
            Self::Backup(verb) => verb.changes(),
            Self::Mailbox(verb) => verb.changes(),
            Self::Partition(verb) => verb.changes(),
            Self::Expiry(verb) => verb.changes(),
            Self::Hold(verb) => verb.changes(),
            Self::Index(verb) => verb.changes(),
            Self::Compact(compact) => !compact.dry_run,
            Self::Copy(copy) => !copy.dry_run,
            Self::Deduplicate(deduplicate) => !deduplicate.dry_run,
            Self::Expunge(expunge) => !expunge.dry_run,
            Self::Flags(flags) => !flags.dry_run,
            Self::Move(verb) => !verb.dry_run,
            Self::Expire(expire) => !expire.dry_run,
            Self::Import(import) => !import.dry_run,
            Self::Repair(repair) => !repair.dry_run,
            Self::Restore(restore) => !restore.dry_run,
            Self::Undelete(undelete) => !undelete.list && !undelete.dry_run,
            Self::Export(_)
            | Self::Fetch(_)
            | Self::History(_)
            | Self::Search(_)
            | Self::Verify(_) => false,
        }
    }
}
