//! `mailbox status`: how much is in mailboxes.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::Mailbox;

use crate::{
    context::Context,
    named::Mailboxes,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    whose::{Meant, New},
};

/// Show how much is in mailboxes, and their numbers, as IMAP's STATUS does
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar mailbox status ann@example.org
  chapar mailbox status ann INBOX --json
  chapar mailbox status --all Junk")]
pub struct Status {
    /// Which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
}

/// A mailbox for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    account: String,
    name: &'a str,
    mailbox: &'a str,
    mailbox_id: String,
    messages: u32,
    unseen: u32,
    deleted: u32,
    recent: u32,
    octets: u64,
    uid_validity: u32,
    uid_next: u32,
    highest_mod_seq: u64,
}

/// The sum, for programs.
#[derive(Debug, Default, Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    messages: u64,
    unseen: u64,
    deleted: u64,
    octets: u64,
    failed: u64,
}

impl Status {
    /// A row per mailbox; the sum.
    ///
    /// # Errors
    /// There is no such account or mailbox; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut accounts = self.mailboxes.accounts(context, New::LeftOut).await?;
        let mut sum = Sum::default();
        while let Some(meant) = accounts.next(context, report).await? {
            let snapshot = meant.account.snapshot();
            for id in self.mailboxes.of(context, &meant, accounts.one)? {
                let Some(mailbox) = snapshot.mailbox(id) else {
                    continue;
                };
                let line = Line::of(&meant, mailbox);
                sum.mailboxes += 1;
                sum.messages += u64::from(line.messages);
                sum.unseen += u64::from(line.unseen);
                sum.deleted += u64::from(line.deleted);
                sum.octets += line.octets;
                let text = accounts.line(&meant, &line.text());
                report.row(Row::new(&line, text));
            }
        }
        sum.accounts = accounts.opened;
        sum.failed = accounts.failed;
        let text = format!(
            "accounts {}, mailboxes {}, messages {}, unseen {}, deleted {}, octets {}",
            sum.accounts, sum.mailboxes, sum.messages, sum.unseen, sum.deleted, sum.octets
        );
        Ok(accounts.outcome(Row::new(&sum, text)))
    }
}

impl<'a> Line<'a> {
    fn of(meant: &'a Meant, mailbox: &'a Mailbox) -> Self {
        let counters = mailbox.counters();
        Self {
            account: meant.id.to_string(),
            name: &meant.name,
            mailbox: mailbox.name().as_str(),
            mailbox_id: mailbox.id().to_string(),
            messages: counters.messages,
            unseen: counters.unseen,
            deleted: counters.deleted,
            recent: mailbox.recent(),
            octets: counters.octets,
            uid_validity: mailbox.uid_validity().0,
            uid_next: mailbox.uid_next().0,
            highest_mod_seq: mailbox.highest_mod_seq().0,
        }
    }

    fn text(&self) -> String {
        format!(
            "{}\tmessages {}\tunseen {}\tdeleted {}\toctets {}\tuidvalidity {}\tuidnext {}\tmodseq {}",
            self.mailbox,
            self.messages,
            self.unseen,
            self.deleted,
            self.octets,
            self.uid_validity,
            self.uid_next,
            self.highest_mod_seq
        )
    }
}
