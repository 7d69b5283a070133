//! Every verb there is.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{
    account, acl, address, archive, backup, compact,
    context::Context,
    copy, deduplicate, domain, expiry, export, expunge, fetch, flags, group, history, hold, import,
    index, log, login, mailbox, metadata,
    outcome::{Failed, Outcome},
    partition, quota,
    registry::Registry,
    repair,
    report::Report,
    restore, role, search, subscription, undelete, verify, who,
};

/// What an administrator asks for. As JSON an object with the verb's name in `verb`, and its arguments:
/// `{"verb": "account", "do": "usage", "account": "ann"}`.
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Request {
    /// Add, remove, list and change accounts
    #[command(subcommand)]
    Account(account::Account),
    /// Show and set who may do what with mailboxes
    #[command(subcommand)]
    Acl(acl::Acl),
    /// Let addresses mean shared mailboxes
    #[command(subcommand)]
    Address(address::Address),
    /// Find out why somebody can't log in
    #[command(subcommand)]
    Auth(login::Auth),
    /// Back the whole store up, and make it of a backup again
    #[command(subcommand)]
    Backup(backup::Backup),
    /// Show domains, and limit what they may hold
    #[command(subcommand)]
    Domain(domain::Domain),
    /// Add, remove, list and change groups of accounts
    #[command(subcommand)]
    Group(group::Group),
    /// List, make, rename and delete mailboxes, and what else concerns them
    #[command(subcommand)]
    Mailbox(mailbox::Mailbox),
    /// Show, set and remove metadata of mailboxes and accounts
    #[command(subcommand)]
    Metadata(metadata::Metadata),
    /// Add, show and remove the places in which mail lies
    #[command(subcommand)]
    Partition(partition::Partition),
    Compact(compact::Compact),
    Copy(copy::Copy),
    Deduplicate(deduplicate::Deduplicate),
    Archive(archive::Archive),
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
    Kick(who::Kick),
    Log(log::Log),
    Move(copy::Move),
    /// Show the indexes that make searches quick, bring them up to date, make them anew
    #[command(subcommand)]
    Index(index::Index),
    /// Show and set how much there may be in accounts, and below mailboxes
    #[command(subcommand)]
    Quota(quota::Quota),
    // Cyrus calls it so.
    #[command(visible_alias = "reconstruct")]
    Repair(repair::Repair),
    Restore(restore::Restore),
    /// Say who may administer what
    #[command(subcommand)]
    Role(role::Role),
    Search(search::Search),
    Subscribe(subscription::Subscribe),
    Undelete(undelete::Undelete),
    Unsubscribe(subscription::Unsubscribe),
    Verify(verify::Verify),
    Who(who::Who),
}

impl Request {
    /// Does what is asked for.
    ///
    /// # Errors
    /// [`Failed`]: why it is not done.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        match self {
            Self::Account(verb) => verb.run(context, report).await,
            Self::Acl(verb) => verb.run(context, report).await,
            Self::Address(verb) => verb.run(context.registry(), report),
            Self::Auth(verb) => verb.run(context.registry()),
            Self::Backup(verb) => verb.run(context, report).await,
            Self::Domain(verb) => verb.run(context.registry(), report),
            Self::Group(verb) => verb.run(context.registry(), report),
            Self::Mailbox(verb) => verb.run(context, report).await,
            Self::Metadata(verb) => verb.run(context, report).await,
            Self::Partition(verb) => verb.run(context, report).await,
            Self::Compact(compact) => compact.run(context, report).await,
            Self::Copy(copy) => copy.run(context, report).await,
            Self::Deduplicate(deduplicate) => deduplicate.run(context, report).await,
            Self::Archive(archive) => archive.run(context, report).await,
            Self::Expire(expire) => expire.run(context, report).await,
            Self::Expiry(verb) => verb.run(context, report).await,
            Self::Export(export) => export.run(context, report).await,
            Self::Expunge(expunge) => expunge.run(context, report).await,
            Self::Fetch(fetch) => fetch.run(context, report).await,
            Self::Flags(flags) => flags.run(context, report).await,
            Self::History(history) => history.run(context, report).await,
            Self::Hold(verb) => verb.run(context, report).await,
            Self::Import(import) => import.run(context, report).await,
            Self::Kick(kick) => kick.run(context),
            Self::Log(log) => log.run(context, report),
            Self::Who(who) => who.run(context, report),
            Self::Move(verb) => verb.run(context, report).await,
            Self::Index(verb) => verb.run(context, report).await,
            Self::Quota(verb) => verb.run(context, report).await,
            Self::Repair(repair) => repair.run(context, report).await,
            Self::Restore(restore) => restore.run(context, report).await,
            Self::Role(verb) => verb.run(context.registry(), report),
            Self::Search(search) => search.run(context, report).await,
            Self::Subscribe(verb) => verb.run(context, report).await,
            Self::Undelete(undelete) => undelete.run(context, report).await,
            Self::Unsubscribe(verb) => verb.run(context, report).await,
            Self::Verify(verify) => verify.run(context, report).await,
        }
    }

    /// Whether it concerns the accounts file alone, and takes no store.
    #[must_use]
    pub fn concerns_accounts_alone(&self) -> bool {
        match self {
            Self::Account(verb) => !verb.needs_store(),
            Self::Address(_) | Self::Auth(_) | Self::Domain(_) | Self::Group(_) | Self::Role(_) => {
                true
            }
            _ => false,
        }
    }

    /// Does what concerns the accounts file alone.
    ///
    /// # Errors
    /// [`Failed`]: why it is not done; it takes an open store.
    pub fn register(
        &self,
        registry: Registry<'_>,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Account(verb) => verb.register(registry, report),
            Self::Address(verb) => verb.run(registry, report),
            Self::Auth(verb) => verb.run(registry),
            Self::Domain(verb) => verb.run(registry, report),
            Self::Group(verb) => verb.run(registry, report),
            Self::Role(verb) => verb.run(registry, report),
            _ => Err(Failed::because("this takes an open store")),
        }
    }

    /// Whether it changes anything. What does not is ended when nobody waits for its answer any more.
    #[must_use]
    pub fn changes(&self) -> bool {
        match self {
            Self::Account(verb) => verb.changes(),
            Self::Acl(verb) => verb.changes(),
            Self::Address(verb) => verb.changes(),
            Self::Backup(verb) => verb.changes(),
            Self::Domain(verb) => verb.changes(),
            Self::Group(verb) => verb.changes(),
            Self::Mailbox(verb) => verb.changes(),
            Self::Metadata(verb) => verb.changes(),
            Self::Partition(verb) => verb.changes(),
            Self::Expiry(verb) => verb.changes(),
            Self::Hold(verb) => verb.changes(),
            Self::Index(verb) => verb.changes(),
            Self::Quota(verb) => verb.changes(),
            Self::Role(verb) => verb.changes(),
            Self::Compact(compact) => !compact.dry_run,
            Self::Copy(copy) => !copy.dry_run,
            Self::Deduplicate(deduplicate) => !deduplicate.dry_run,
            Self::Expunge(expunge) => !expunge.dry_run,
            Self::Flags(flags) => !flags.dry_run,
            Self::Move(verb) => !verb.dry_run,
            Self::Archive(archive) => !archive.dry_run,
            Self::Expire(expire) => !expire.dry_run,
            Self::Import(import) => !import.dry_run,
            Self::Repair(repair) => !repair.dry_run,
            Self::Restore(restore) => !restore.dry_run,
            Self::Subscribe(verb) => !verb.dry_run,
            Self::Unsubscribe(verb) => !verb.dry_run,
            Self::Undelete(undelete) => !undelete.list && !undelete.dry_run,
            Self::Export(_)
            | Self::Fetch(_)
            | Self::Auth(_)
            | Self::History(_)
            | Self::Log(_)
            | Self::Search(_)
            | Self::Verify(_)
            | Self::Who(_) => false,
            Self::Kick(_) => true,
        }
    }
}
