//! `acl set` and `acl remove`: who may do what, from now on.

use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde::{Deserialize, Serialize};
use store::{
    MailboxId,
    account::RightsChange,
    rights::{Acl, Identifier, Rights},
};

use super::{read, words, written};
use crate::{
    context::Context,
    named::Mailboxes,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    whose::{Meant, New, Typed},
};

/// Sets of rights that have a name, as in cyradm.
const NAMED: [(&str, &str); 7] = [
    ("none", ""),
    ("read", "lrs"),
    ("post", "lrsp"),
    ("append", "lrsip"),
    ("write", "lrswipkxten"),
    ("delete", "lrxte"),
    ("all", "lrswipkxtean"),
];

/// Set what somebody may do with mailboxes
///
/// WHO is an account, group:NAME, anyone, authenticated, anonymous, or owner; with a dash before it, rights are taken from
/// whoever it means. RIGHTS are letters of RFC 4314 (lrswipkxtean, 0 to 9), or none, read, post, append, write, delete,
/// all; +RIGHTS adds them to what there is, and -RIGHTS takes them away.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar acl set ann@example.org Projects bob@example.org lrs
  chapar acl set ann \"Projects/*\" group:staff write eve none --dry-run
  chapar acl set @example.org board anyone read group:editors +ip
  chapar acl set ann Projects --dry-run -- -eve lr bob -w")]
pub struct Set {
    /// Which mailbox, and who may do what.
    #[command(flatten)]
    pub to: Given,
    /// Only say what would be set
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Which mailbox, and who may do what: typed `ACCOUNT MAILBOX WHO RIGHTS…`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Which mailboxes.
    pub mailboxes: Mailboxes,
    /// Who, and what they may do.
    pub entries: Vec<(String, String)>,
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut mailboxes = Mailboxes::from_arg_matches(matches)?;
        let mut words = mailboxes
            .names
            .split_off(mailboxes.names.len().min(1))
            .into_iter();
        let mut entries = Vec::new();
        while let Some(who) = words.next() {
            entries.push((who, words.next().unwrap_or_default()));
        }
        Ok(Self { mailboxes, entries })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        let help = "Who, and what they may do; -- before them if one begins with a dash";
        Typed::augment(command, "WHO RIGHTS", help)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Take the entries of somebody from the lists of mailboxes, or the whole list
///
/// Without a name the mailbox has no list of its own any more: it is its owner's alone.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar acl remove ann@example.org Projects bob@example.org
  chapar acl remove ann \"*\" --dry-run
  chapar acl remove ann Projects -- -eve")]
pub struct Remove {
    /// Which mailbox, and whose entries.
    #[command(flatten)]
    pub of: Whom,
    /// Only say what would be removed
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Which mailbox, and whom: typed `ACCOUNT MAILBOX WHO…`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whom {
    /// Which mailboxes.
    pub mailboxes: Mailboxes,
    /// Who.
    #[serde(default)]
    pub who: Vec<String>,
}

impl FromArgMatches for Whom {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut mailboxes = Mailboxes::from_arg_matches(matches)?;
        let who = mailboxes.names.split_off(mailboxes.names.len().min(1));
        Ok(Self { mailboxes, who })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Whom {
    fn augment_args(command: Command) -> Command {
        let help = "Who: an account, group:NAME, anyone, authenticated, anonymous, owner";
        Typed::augment(command, "WHO", help)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// What is to become of rights: `lrs`, `read`, `+w`, `-w`.
fn change(text: &str) -> Result<RightsChange, Failed> {
    let (how, letters): (fn(Rights) -> RightsChange, &str) = match text.split_at_checked(1) {
        Some(("+", letters)) => (RightsChange::Add, letters),
        Some(("-", letters)) => (RightsChange::Remove, letters),
        _ => (RightsChange::Replace, text),
    };
    let named = NAMED.iter().find(|(name, _)| *name == letters);
    let letters = named.map_or(letters, |(_, letters)| letters);
    if letters.is_empty() && named.is_none() {
        let why =
            "say which rights each one has: letters of lrswipkxtean, or read, write, all, none …";
        return Err(Failed::misunderstood(why));
    }
    match Rights::parse(letters) {
        Ok(rights) => Ok(how(rights)),
        Err(letter) => Err(Failed::misunderstood(format!(
            "{letter:?} is no right: there are l r s w i p k x t e a n and 0 to 9"
        ))),
    }
}

impl Set {
    /// A row per mailbox, with its list since then.
    ///
    /// # Errors
    /// There is no such account, mailbox, user or group; the rights are not understood; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let Given { mailboxes, entries } = &self.to;
        if entries.is_empty() {
            return Err(Failed::misunderstood("say who, and what they may do"));
        }
        let changes: Vec<(&str, RightsChange)> = entries
            .iter()
            .map(|(who, rights)| Ok((who.as_str(), change(rights)?)))
            .collect::<Result<_, Failed>>()?;
        let verb = Changing {
            of: mailboxes,
            change: Change::Set(changes),
            dry_run: self.dry_run,
        };
        verb.run(context, report).await
    }
}

impl Remove {
    /// A row per mailbox, with its list since then.
    ///
    /// # Errors
    /// There is no such account, mailbox, user or group; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let Whom { mailboxes, who } = &self.of;
        let none = RightsChange::Replace(Rights::NONE);
        let change = if who.is_empty() {
            Change::Default
        } else {
            Change::Set(who.iter().map(|who| (who.as_str(), none)).collect())
        };
        let verb = Changing {
            of: mailboxes,
            change,
            dry_run: self.dry_run,
        };
        verb.run(context, report).await
    }
}

/// What is to become of lists.
enum Change<'a> {
    /// Entries.
    Set(Vec<(&'a str, RightsChange)>),
    /// They go.
    Default,
}

struct Changing<'a> {
    of: &'a Mailboxes,
    change: Change<'a>,
    dry_run: bool,
}

/// A list for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    account: String,
    name: &'a str,
    mailbox: &'a str,
    mailbox_id: String,
    acl: Vec<Entry>,
}

#[derive(Debug, Serialize)]
struct Entry {
    identifier: String,
    rights: String,
}

#[derive(Debug, Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    failed: u64,
    dry_run: bool,
}

impl Changing<'_> {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        self.of.some()?;
        let mut accounts = self.of.accounts(context, New::LeftOut).await?;
        let mut changed = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            for id in self.of.of(context, &meant, accounts.one)? {
                let acl = match self.change(context, &meant, id).await {
                    Ok(Some(acl)) => acl,
                    Ok(None) => continue,
                    Err(failed) => {
                        accounts.trouble(report, &meant.name, failed)?;
                        continue;
                    }
                };
                changed += 1;
                let snapshot = meant.account.snapshot();
                let mailbox = snapshot.mailbox(id).map_or("", |it| it.name().as_str());
                let entries = acl.entries().map(|(identifier, rights)| Entry {
                    identifier: written(context, &meant, identifier),
                    rights: rights.to_string(),
                });
                let line = Line {
                    account: meant.id.to_string(),
                    name: &meant.name,
                    mailbox,
                    mailbox_id: id.to_string(),
                    acl: entries.collect(),
                };
                let text = format!("{mailbox}\t{}", words(context, &meant, &acl));
                report.row(Row::new(&line, accounts.line(&meant, &text)));
            }
        }
        let sum = Sum {
            accounts: accounts.opened,
            mailboxes: changed,
            failed: accounts.failed,
            dry_run: self.dry_run,
        };
        let would = if self.dry_run { "would be " } else { "" };
        let text = format!("{would}set: mailboxes {changed}, accounts {}", sum.accounts);
        Ok(accounts.outcome(Row::new(&sum, text)))
    }

    /// Changes the list of a mailbox; gives it, or what it would be. `None` if the mailbox is gone.
    async fn change(
        &self,
        context: &Context,
        meant: &Meant,
        id: MailboxId,
    ) -> Result<Option<Acl>, Failed> {
        let account = &meant.account;
        let snapshot = account.snapshot();
        let Some(mailbox) = snapshot.mailbox(id) else {
            return Ok(None);
        };
        let Change::Set(changes) = &self.change else {
            if !self.dry_run {
                account.set_acl(id, None).await?;
            }
            return Ok(Some(Acl::of_owner()));
        };
        let mut acl = mailbox.acl();
        let changes: Vec<(Identifier, RightsChange)> = changes
            .iter()
            .map(|(who, change)| Ok((read(context, meant, &acl, who)?, *change)))
            .collect::<Result<_, Failed>>()?;
        for (identifier, change) in &changes {
            acl = if self.dry_run {
                changed(&acl, identifier, *change)
            } else {
                account.change_rights(id, identifier, *change).await?
            };
        }
        Ok(Some(acl))
    }
}

/// What a list would be.
fn changed(acl: &Acl, identifier: &Identifier, change: RightsChange) -> Acl {
    let has = acl.get(identifier).unwrap_or_default();
    let rights = match change {
        RightsChange::Replace(rights) => rights,
        RightsChange::Add(rights) => has.with(rights),
        RightsChange::Remove(rights) => has.without(rights),
    };
    acl.with(identifier, rights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_have_letters_and_names() {
        let rights = |letters| Rights::parse(letters).unwrap();
        for (text, expected) in [
            ("lrs", RightsChange::Replace(rights("lrs"))),
            ("read", RightsChange::Replace(rights("lrs"))),
            ("none", RightsChange::Replace(Rights::NONE)),
            ("+w", RightsChange::Add(rights("w"))),
            ("-write", RightsChange::Remove(rights("lrswipkxten"))),
            ("lrcd", RightsChange::Replace(rights("lrkxte"))),
            ("all", RightsChange::Replace(Rights::EVERY)),
        ] {
            assert_eq!(change(text).unwrap(), expected, "{text}");
        }
        for text in ["", "+", "lrz", "READ"] {
            assert_eq!(
                change(text).unwrap_err().code,
                Failed::MISUNDERSTOOD,
                "{text}"
            );
        }
    }
}
