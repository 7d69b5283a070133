//! `acl rights`: what somebody may do.

use auth::directory::domain_of;
use clap::Args;
use serde::{Deserialize, Serialize};
use store::{
    AccountId,
    rights::{Actor, Person},
};

use super::change::Whom;
use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    whose::{Meant, New},
};

/// Show what users may do with mailboxes, all that gives and takes counted: their groups, and what they administer
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar acl rights ann@example.org Projects bob@example.org
  chapar acl rights --shared \"*\" bob@example.org --json")]
pub struct Rights {
    /// Which mailbox, and who.
    #[command(flatten)]
    pub of: Whom,
}

/// What a user may do, for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    account: String,
    name: &'a str,
    mailbox: &'a str,
    mailbox_id: String,
    user: &'a str,
    rights: String,
}

#[derive(Debug, Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    failed: u64,
}

impl Rights {
    /// A row per mailbox and user.
    ///
    /// # Errors
    /// There is no such account, mailbox or user; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let Whom { mailboxes, who } = &self.of;
        mailboxes.some()?;
        if who.is_empty() {
            return Err(Failed::misunderstood("say whose rights: an account"));
        }
        let mut accounts = mailboxes.accounts(context, New::LeftOut).await?;
        let mut told = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            let snapshot = meant.account.snapshot();
            for id in mailboxes.of(context, &meant, accounts.one)? {
                let Some(mailbox) = snapshot.mailbox(id) else {
                    continue;
                };
                told += 1;
                for user in who {
                    let actor = actor(context, &meant, user)?;
                    let line = Line {
                        account: meant.id.to_string(),
                        name: &meant.name,
                        mailbox: mailbox.name().as_str(),
                        mailbox_id: id.to_string(),
                        user,
                        rights: mailbox.rights_of(&actor, meant.id).to_string(),
                    };
                    let rights = match line.rights.as_str() {
                        "" => "none",
                        rights => rights,
                    };
                    let text = format!("{}\t{user}\t{rights}", line.mailbox);
                    report.row(Row::new(&line, accounts.line(&meant, &text)));
                }
            }
        }
        let sum = Sum {
            accounts: accounts.opened,
            mailboxes: told,
            failed: accounts.failed,
        };
        let text = format!("mailboxes {told}, accounts {}", sum.accounts);
        Ok(accounts.outcome(Row::new(&sum, text)))
    }
}

/// A user as seen from an account; `anonymous` is a delivery.
///
/// # Errors
/// There is no such user.
fn actor(context: &Context, meant: &Meant, user: &str) -> Result<Actor, Failed> {
    if user == "anonymous" {
        return Ok(Actor::Anonymous);
    }
    let account = context.directory.account(user);
    let account =
        account.ok_or_else(|| Failed::because(format!("there is no account {user:?}")))?;
    let domain = match context.directory.shared_domain(meant.id.0) {
        Some(domain) => domain,
        None => domain_of(&meant.name).into(),
    };
    let identity = account.identity();
    Ok(Actor::User(
        Person {
            account: AccountId(account.id),
            groups: identity.groups.to_vec(),
            neighbour: *account.domain() == *domain,
            administrator: identity.roles.administers(&domain),
        }
        .into(),
    ))
}
