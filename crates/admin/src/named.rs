//! Mailboxes that a verb is about, of some accounts: by names, or patterns.

use clap::{ArgMatches, Args, Command, FromArgMatches};
use imap::name::list_matches;
use serde::{Deserialize, Serialize};
use store::{MailboxId, MailboxName, name::DELIMITER};

use crate::{
    chosen,
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    whose::{Accounts, Meant, New, Typed, Whose},
};

/// Which mailboxes: typed `ACCOUNT MAILBOX…`, or `--all MAILBOX…`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailboxes {
    /// Whose: a name, a pattern with `*`, or an id.
    #[serde(default)]
    pub account: Option<String>,
    /// Everybody's.
    #[serde(default)]
    pub all: bool,
    /// The shared ones of the domains that this pattern means.
    #[serde(default)]
    pub shared: Option<String>,
    /// Names, patterns of LIST, or ids.
    #[serde(default)]
    pub names: Vec<String>,
}

impl FromArgMatches for Mailboxes {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = Typed::from_arg_matches(matches)?;
        let (all, shared) = (typed.all, typed.shared.clone());
        let (account, words) = typed.words();
        Ok(Self {
            account,
            all,
            shared,
            names: words.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Mailboxes {
    fn augment_args(command: Command) -> Command {
        Typed::augment(command, "MAILBOX", "More of them; for rename, its new name")
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl Mailboxes {
    /// Whose they are.
    pub(crate) fn whose(&self) -> Whose<'_> {
        Whose {
            account: self.account.as_deref(),
            all: self.all,
            shared: self.shared.as_deref(),
        }
    }

    /// The accounts that are meant.
    ///
    /// # Errors
    /// There is no such account.
    pub(crate) async fn accounts(&self, context: &Context, new: New) -> Result<Accounts, Failed> {
        self.whose().accounts(context, new).await
    }

    /// The names that are given.
    ///
    /// # Errors
    /// There are none.
    pub(crate) fn some(&self) -> Result<&[String], Failed> {
        if self.names.is_empty() {
            return Err(Failed::misunderstood("say which mailbox, by its name"));
        }
        Ok(&self.names)
    }

    /// Whether a name is meant, which need not be a mailbox's.
    pub(crate) fn means(&self, name: &MailboxName) -> bool {
        let mut names = self.names.iter();
        let is = |given: &String| list_matches(given, name.as_str(), DELIMITER);
        self.names.is_empty() || names.any(is)
    }

    /// The mailboxes of an account that are meant, each once, in the order of the names given. All of them, if none
    /// is.
    ///
    /// # Errors
    /// There is none of a name, and one account is asked.
    pub(crate) fn of(
        &self,
        context: &Context,
        meant: &Meant,
        one: bool,
    ) -> Result<Vec<MailboxId>, Failed> {
        let all = ["*".to_owned()];
        let names = if self.names.is_empty() {
            &all[..]
        } else {
            &self.names
        };
        let mut found = Vec::new();
        for name in names {
            for id in chosen::mailboxes(context, meant, name, one)? {
                if !found.contains(&id) {
                    found.push(id);
                }
            }
        }
        Ok(found)
    }
}

/// A mailbox that something was done to, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    pub(crate) account: String,
    pub(crate) name: &'a str,
    pub(crate) mailbox: &'a str,
    pub(crate) mailbox_id: Option<String>,
    /// What it is called from now on, or was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to_mailbox: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) messages: Option<u32>,
}

impl<'a> Line<'a> {
    /// Of a mailbox of somebody's.
    pub(crate) fn of(meant: &'a Meant, mailbox: &'a str, id: Option<MailboxId>) -> Self {
        Self {
            account: meant.id.to_string(),
            name: &meant.name,
            mailbox,
            mailbox_id: id.map(|id| id.to_string()),
            to_mailbox: None,
            messages: None,
        }
    }

    /// Tells it: `done` is what was done.
    pub(crate) fn tell(&self, (accounts, meant): (&Accounts, &Meant), report: &mut dyn Report) {
        let mut text = self.mailbox.to_owned();
        if let Some(to) = self.to_mailbox {
            text = format!("{text}\t\u{2192} {to}");
        }
        if let Some(messages) = self.messages {
            text = format!("{text}\tmessages {messages}");
        }
        report.row(Row::new(self, accounts.line(meant, &text)));
    }
}

/// What was done in all, for programs.
#[derive(Debug, Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    failed: u64,
    dry_run: bool,
}

/// How a verb ends that did something to so many mailboxes.
pub(crate) fn outcome(
    accounts: &Accounts,
    mailboxes: u64,
    (done, dry_run): (&str, bool),
) -> Outcome {
    let sum = Sum {
        accounts: accounts.opened,
        mailboxes,
        failed: accounts.failed,
        dry_run,
    };
    let would = if dry_run { "would be " } else { "" };
    let text = format!(
        "{would}{done}: mailboxes {mailboxes}, accounts {}",
        sum.accounts
    );
    accounts.outcome(Row::new(&sum, text))
}
