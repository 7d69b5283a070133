//! `import`: mail moves in, from our exports and from what other programs have.

mod into;
mod source;

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{Account, AccountId, MadeAs, MailboxName, UidValidity};

use self::source::Folder;
use crate::{
    context::Context,
    export::Format,
    outcome::{Failed, Outcome},
    place,
    report::{Report, Row},
};

/// Import mail into an account: an export of ours, a Maildir++, mbox files, .eml files
///
/// What is there already, the same message with the same date in the same mailbox, is not imported twice: broken off,
/// it is run again and goes on. With the manifest of an export it restores flags, keywords, dates, roles and
/// subscriptions as they were, and compares every message. Exit code 3: something differs, or could not be
/// imported; it is named.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
#[command(after_long_help = "Examples:
  chapar import ann@example.org --from /mnt/export/ann@example.org --dry-run
  chapar import ann --from /home/ann/Maildir
  chapar import ann --from /var/mail/ann --into \"Old mail\"
  chapar import ann --from /mnt/export/ann --keep-uids")]
pub struct Import {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// What to import: an account's directory in an export, a Maildir, a file, a directory of files
    #[arg(long, value_name = "PATH", value_parser = place::place)]
    pub from: PathBuf,
    /// What it is, if that is not to be found out; an mbox is taken as it is found if nothing is said, and
    /// unquoted if its kind is
    #[arg(long, value_enum)]
    #[serde(default)]
    pub format: Option<Format>,
    /// Put it into this mailbox; several below it
    #[arg(long, value_name = "MAILBOX")]
    #[serde(default)]
    pub into: Option<String>,
    /// Give mailboxes the UIDVALIDITY and messages the UIDs that they had, where these are not used up
    #[arg(long, conflicts_with = "into")]
    #[serde(default)]
    pub keep_uids: bool,
    /// Import also what is there already
    #[arg(long)]
    #[serde(default)]
    pub again: bool,
    /// Pay no heed to a manifest
    #[arg(long)]
    #[serde(default)]
    pub no_manifest: bool,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// All of it.
#[derive(Debug, Default, Serialize)]
struct Sum {
    mailboxes: u64,
    imported: u64,
    present: u64,
    octets: u64,
    /// What differs, or could not be imported.
    differences: u64,
    dry_run: bool,
}

/// What differs, for programs.
#[derive(Debug, Serialize)]
struct Trouble<'a> {
    mailbox: Option<&'a str>,
    place: &'a str,
    what: &'a str,
}

impl Sum {
    /// Tells what differs.
    fn trouble(&mut self, report: &mut dyn Report, mailbox: Option<&str>, place: &str, what: &str) {
        self.differences += 1;
        let line = Trouble {
            mailbox,
            place,
            what,
        };
        let text = match mailbox {
            Some(mailbox) => format!("{mailbox}: {place}: {what}"),
            None => format!("{place}: {what}"),
        };
        report.row(Row::new(&line, text));
    }
}

impl Import {
    /// A row per mailbox, and per difference.
    ///
    /// # Errors
    /// There is no such account; nothing there can be read; the store takes no writes.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        place::check(&self.from)?;
        let id = context.account_id(&self.account).await?;
        let _alone = context.alone(&format!("import into {id}"))?;
        let mut sum = Sum {
            dry_run: self.dry_run,
            ..Sum::default()
        };
        let (folders, subscriptions) = source::find(self)?;
        let folders = self.targets(folders, report)?;
        let there = context.store.accounts().await?.contains(&id);
        let account = match (self.dry_run, there) {
            // Opening an account that has no mail yet would give it its first mailboxes.
            (true, false) => None,
            _ => Some(self.account(context, (id, there), &folders).await?),
        };
        for (folder, target) in folders {
            let into = into::Into {
                import: self,
                store: &context.store,
                account: account.as_ref(),
                target,
            };
            into.folder(folder, &mut sum, report).await?;
            sum.mailboxes += 1;
        }
        if let Some(account) = account
            .as_ref()
            .filter(|_| !self.dry_run && self.into.is_none())
        {
            for name in subscriptions {
                if let Ok(name) = MailboxName::new(&name) {
                    account.subscribe(&name).await?;
                }
            }
        }
        let would = if self.dry_run { "would be " } else { "" };
        let text = format!(
            "mailboxes {}, {would}imported {}, there already {}, octets {}, differences {}",
            sum.mailboxes, sum.imported, sum.present, sum.octets, sum.differences
        );
        let summary = Row::new(&sum, text);
        Ok(if sum.differences > 0 {
            Outcome::damaged(summary)
        } else {
            Outcome::done(summary)
        })
    }

    /// The account; with mailboxes of the UIDVALIDITY that they had, where that can be.
    async fn account(
        &self,
        context: &Context,
        (id, there): (AccountId, bool),
        folders: &[(Folder, MailboxName)],
    ) -> Result<Account, Failed> {
        let mut made: Vec<MadeAs> = Vec::new();
        for (folder, target) in folders.iter().filter(|_| self.keep_uids) {
            let Some(validity) = folder.uid_validity.filter(|validity| *validity > 0) else {
                continue;
            };
            let role = folder
                .role
                .filter(|role| made.iter().all(|it| it.role != Some(*role)));
            made.push(MadeAs {
                name: target.clone(),
                role,
                uid_validity: UidValidity(validity),
            });
        }
        let inbox = made.iter().any(|made| made.name.is_inbox());
        if !there && inbox && !self.dry_run {
            let account = context.store.account_as(id, &made).await?;
            return Ok(account.acting(&context.by));
        }
        let account = context.store.account(id).await?.acting(&context.by);
        for mut made in made.into_iter().filter(|_| !self.dry_run) {
            let snapshot = account.snapshot();
            if snapshot.named(&made.name).is_none() {
                made.role = made.role.filter(|role| snapshot.with_role(*role).is_none());
                // Where that is used up, the mailbox gets another, which is told later.
                match account.create_as(&[made]).await {
                    Ok(()) | Err(store::Error::NotPermitted(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(account)
    }

    /// The mailboxes that folders come into.
    fn targets(
        &self,
        folders: Vec<Folder>,
        report: &mut dyn Report,
    ) -> Result<Vec<(Folder, MailboxName)>, Failed> {
        let alone = folders.len() == 1;
        let mut targets = Vec::new();
        for folder in folders {
            let name = match &self.into {
                Some(into) if alone => into.clone(),
                Some(into) => format!("{into}/{}", folder.name),
                None => folder.name.clone(),
            };
            let fit = source::fit(&name);
            if fit != name {
                report.note(&format!(
                    "{name:?} can't be a mailbox's name: it comes into {fit}"
                ));
            }
            targets.push((folder, MailboxName::new(&fit)?));
        }
        Ok(targets)
    }
}
