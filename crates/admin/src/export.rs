//! `export`: mail moves out, in files that other programs read, and with a manifest.

mod account;
pub(crate) mod manifest;
mod out;

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use store::MailboxName;

pub(crate) use self::account::FLAGS;
pub use self::manifest::Format;
use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    place,
    report::{Report, Row},
};

/// Export mail: the whole store, an account, or a mailbox
///
/// Each account comes into a directory of its own, with a manifest from which `chapar import` restores what the
/// format alone can't say. Run again, it goes on where it was, and finds nothing to do when all is there. What is
/// damaged is named, and all else is exported. Exit code 3: something could not be saved.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar export --to /mnt/export
  chapar export ann@example.org --to /mnt/export --format mbox
  chapar export ann Archive/2025 --to /mnt/export --format eml --dry-run")]
pub struct Export {
    /// Only this account: a name, or an id such as A1f0c29
    #[serde(default)]
    pub account: Option<String>,
    /// Only this mailbox of it
    #[serde(default)]
    pub mailbox: Option<String>,
    /// The directory it goes to; made if it is not there
    #[arg(long, value_name = "DIR", value_parser = place::place)]
    pub to: PathBuf,
    /// In what form
    #[arg(long, value_enum, default_value_t)]
    #[serde(default)]
    pub format: Format,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// A mailbox for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    #[serde(rename = "name")]
    account: &'a str,
    mailbox: &'a str,
    messages: u64,
    present: u64,
    octets: u64,
    blake3: &'a str,
}

/// What could not be saved, or not as it is, for programs.
#[derive(Debug, Serialize)]
struct Trouble<'a> {
    #[serde(rename = "name")]
    account: &'a str,
    mailbox: Option<&'a str>,
    uid: Option<u32>,
    what: &'a str,
}

/// All of it.
#[derive(Debug, Default, Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    /// Written now.
    messages: u64,
    /// There already.
    present: u64,
    octets: u64,
    /// Not saved, or not as they are.
    lost: u64,
    /// Whose lines end as they are, as they would not come back from LF.
    odd_lines: u64,
    dry_run: bool,
}

impl Export {
    /// A row per mailbox, and per message that could not be saved.
    ///
    /// # Errors
    /// There is no such account or mailbox; the disk that it goes to fails or is full.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        place::check(&self.to)?;
        let _alone = context.alone("export")?;
        let only = self.mailbox.as_deref().map(MailboxName::new).transpose()?;
        let mut sum = Sum {
            dry_run: self.dry_run,
            ..Sum::default()
        };
        let ids = match &self.account {
            Some(account) => vec![context.account_with_mail(account).await?.id()],
            None => context.store.accounts().await?,
        };
        let names = context.names();
        let mut directories = formats::names::SafeNames::default();
        for id in ids {
            let name = names
                .get(&id)
                .map_or_else(|| id.to_string(), ToString::to_string);
            let directory = self.to.join(directories.path(&name.replace('/', "_")));
            let account = match context.store.account(id).await {
                Ok(account) => account,
                Err(error) => {
                    sum.trouble(report, &name, (None, None), &error.to_string());
                    continue;
                }
            };
            if let Some(only) = &only
                && account.snapshot().named(only).is_none()
            {
                let account = context.display(id);
                return Err(Failed::because(format!(
                    "{account} has no mailbox {:?}",
                    only.as_str()
                )));
            }
            let what = account::What {
                account: &account,
                name: &name,
                directory: &directory,
                format: self.format,
                only: only.as_ref(),
                dry_run: self.dry_run,
            };
            what.export(&mut sum, report).await?;
            sum.accounts += 1;
        }
        let would = if self.dry_run { "would be " } else { "" };
        let text = format!(
            "accounts {}, mailboxes {}, {would}written {}, there already {}, octets {}, not saved {}",
            sum.accounts, sum.mailboxes, sum.messages, sum.present, sum.octets, sum.lost
        );
        if sum.odd_lines > 0 {
            report.note(&format!(
                "{} messages have odd ends of lines, and are exported octet by octet, with CRLF",
                sum.odd_lines
            ));
        }
        let summary = Row::new(&sum, text);
        Ok(if sum.lost > 0 {
            Outcome::damaged(summary)
        } else {
            Outcome::done(summary)
        })
    }
}

impl Sum {
    /// Tells what could not be saved.
    fn trouble(
        &mut self,
        report: &mut dyn Report,
        account: &str,
        (mailbox, uid): (Option<&str>, Option<u32>),
        what: &str,
    ) {
        self.lost += 1;
        let line = Trouble {
            account,
            mailbox,
            uid,
            what,
        };
        let mut text = account.to_owned();
        text.extend(mailbox.map(|mailbox| format!(", mailbox {mailbox}")));
        text.extend(uid.map(|uid| format!(", UID {uid}")));
        report.row(Row::new(&line, format!("{text}: {what}")));
    }
}
