//! `acl show`: who may do what.

use clap::Args;
use serde::{Deserialize, Serialize};

use super::written;
use crate::{
    context::Context,
    named::Mailboxes,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    whose::New,
};

/// Show who may do what with mailboxes
///
/// A mailbox without a list of its own is its owner's alone. A dash before a name takes rights from whoever it
/// means, whatever gives them.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar acl show ann@example.org
  chapar acl show ann \"Projects/*\" --json
  chapar acl show --shared")]
pub struct Show {
    /// Which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
}

/// An entry for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    account: String,
    name: &'a str,
    mailbox: &'a str,
    mailbox_id: String,
    identifier: String,
    rights: String,
    /// Nobody has said so: it is as with every mailbox.
    default: bool,
}

#[derive(Debug, Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    entries: u64,
    failed: u64,
}

impl Show {
    /// A row per entry.
    ///
    /// # Errors
    /// There is no such account or mailbox; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut accounts = self.mailboxes.accounts(context, New::LeftOut).await?;
        let (mut mailboxes, mut entries) = (0, 0);
        while let Some(meant) = accounts.next(context, report).await? {
            let snapshot = meant.account.snapshot();
            for id in self.mailboxes.of(context, &meant, accounts.one)? {
                let Some(mailbox) = snapshot.mailbox(id) else {
                    continue;
                };
                mailboxes += 1;
                for (identifier, rights) in mailbox.acl().entries() {
                    entries += 1;
                    let line = Line {
                        account: meant.id.to_string(),
                        name: &meant.name,
                        mailbox: mailbox.name().as_str(),
                        mailbox_id: id.to_string(),
                        identifier: written(context, &meant, identifier),
                        rights: rights.to_string(),
                        default: !mailbox.has_acl(),
                    };
                    let text = format!("{}\t{}\t{}", line.mailbox, line.identifier, line.rights);
                    report.row(Row::new(&line, accounts.line(&meant, &text)));
                }
            }
        }
        let sum = Sum {
            accounts: accounts.opened,
            mailboxes,
            entries,
            failed: accounts.failed,
        };
        let text = format!(
            "entries {entries}, mailboxes {mailboxes}, accounts {}",
            sum.accounts
        );
        Ok(accounts.outcome(Row::new(&sum, text)))
    }
}
