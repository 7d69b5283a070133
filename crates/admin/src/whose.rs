//! Whose mail a verb is about: one account's, those that a pattern names, everybody's, or the shared mailboxes.

use std::{collections::BTreeSet, sync::Arc, vec};

use clap::{Args, Command};
use store::{Account, AccountId};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// The words of a verb about somebody's mailboxes, as they are typed: `ACCOUNT MAILBOX MORE…`, or `--all MAILBOX MORE…`.
/// What `more` is, each verb says.
#[derive(Debug, Args)]
pub(crate) struct Typed {
    /// Whose: a name, a pattern such as '*@example.org', an id, or @DOMAIN; not with --all or --shared
    account: Option<String>,
    /// The mailbox's name, or an id such as M2; * and % are wildcards, as with LIST
    mailbox: Option<String>,
    more: Vec<String>,
    /// Everybody's
    #[arg(long)]
    pub(crate) all: bool,
    /// The shared mailboxes: of every domain, or with --shared=DOMAIN of that one; @ is the site itself
    #[arg(long, value_name = "DOMAIN", num_args = 0..=1, require_equals = true, default_missing_value = "*")]
    pub(crate) shared: Option<String>,
}

impl Typed {
    /// Takes the definition of the words, of which the last are `more`.
    pub(crate) fn augment(command: Command, name: &'static str, help: &'static str) -> Command {
        Self::augment_args(command).mut_arg("more", |more| more.value_name(name).help(help))
    }

    /// The account, and the other words. Where it is said otherwise whose, no word says it.
    pub(crate) fn words(self) -> (Option<String>, impl Iterator<Item = String>) {
        let words = [self.account, self.mailbox].into_iter().flatten();
        let mut words = words.chain(self.more);
        let account = if self.all || self.shared.is_some() {
            None
        } else {
            words.next()
        };
        (account, words)
    }
}

/// Whose it is, as it was asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Whose<'a> {
    /// A name, a pattern with `*`, or an id.
    pub(crate) account: Option<&'a str>,
    /// Every account.
    pub(crate) all: bool,
    /// The shared mailboxes of the domains that this pattern names; `@` is the site itself.
    pub(crate) shared: Option<&'a str>,
}

/// An account that is meant.
#[derive(Debug, Clone)]
pub(crate) struct Meant {
    /// Its id.
    pub(crate) id: AccountId,
    /// What it is called; its id, if it has no name any more.
    pub(crate) name: Arc<str>,
    /// It, open.
    pub(crate) account: Account,
}

/// What becomes of accounts that have no mail yet: to open one makes its first mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum New {
    /// They are left out.
    LeftOut,
    /// They are left out, and that is noted: but for a dry run they would be opened.
    Noted,
    /// They are opened.
    Opened,
}

/// Goes through the accounts that are meant, one after the other.
pub(crate) struct Accounts {
    waiting: vec::IntoIter<(AccountId, Arc<str>)>,
    /// Those that have mail.
    stored: BTreeSet<AccountId>,
    /// What becomes of others.
    new: New,
    /// Exactly one was asked for: what is wrong with it ends the verb.
    pub(crate) one: bool,
    /// How many could not be done.
    pub(crate) failed: u64,
    /// How many were opened.
    pub(crate) opened: u64,
}

impl Whose<'_> {
    /// Who that is.
    ///
    /// # Errors
    /// There is no such account, or nothing was said.
    pub(crate) async fn accounts(self, context: &Context, new: New) -> Result<Accounts, Failed> {
        let mut waiting: Vec<(AccountId, Arc<str>)> = Vec::new();
        let pattern = if self.all { Some("*") } else { self.account };
        let one = pattern.is_some_and(|account| !account.contains('*'));
        match pattern {
            Some(account) if one => {
                if let Some(domain) = account.strip_prefix('@').filter(|_| new == New::Opened) {
                    context.directory.shared_or_new(domain)?;
                }
                let id = context.account_id(account).await?;
                let name = context.name(id);
                waiting.push((id, name));
            }
            Some(pattern) => {
                let every = context.directory.accounts();
                let pattern = pattern.to_lowercase();
                let named = every.iter().filter(|it| matches(&pattern, &it.name));
                waiting.extend(named.map(|it| (AccountId(it.id), Arc::clone(&it.name))));
                if waiting.is_empty() && !self.all {
                    let why = format!("no account matches {pattern:?}");
                    return Err(Failed::because(why));
                }
            }
            None if self.shared.is_none() => {
                let why =
                    "say whose: an account, a pattern such as '*@example.org', --all, or --shared";
                return Err(Failed::misunderstood(why));
            }
            None => {}
        }
        if let Some(domain) = self.shared {
            let shared = context.shared(domain);
            if shared.is_empty() && domain != "*" {
                let why = format!("there are no shared mailboxes of {domain:?}");
                return Err(Failed::because(why));
            }
            waiting.extend(shared);
        }
        Ok(Accounts {
            waiting: waiting.into_iter(),
            stored: context.store.accounts().await?.into_iter().collect(),
            new,
            one: one && self.shared.is_none(),
            failed: 0,
            opened: 0,
        })
    }
}

impl Accounts {
    /// The next one, opened in the hands of whoever asks. Of several, those that can't be opened are noted, and
    /// left out.
    ///
    /// # Errors
    /// The only one can't be opened, or has no mail.
    pub(crate) async fn next(
        &mut self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Option<Meant>, Failed> {
        while !report.gone() {
            let Some((id, name)) = self.waiting.next() else {
                break;
            };
            if self.new != New::Opened && !self.stored.contains(&id) {
                let why = format!("there is no mail of {name} yet");
                if self.one {
                    return Err(Failed::because(why));
                }
                if self.new == New::Noted {
                    report.note(&format!("{why}: it would get its first mailboxes"));
                }
                continue;
            }
            match context.open(id).await {
                Ok(account) => {
                    self.opened += 1;
                    return Ok(Some(Meant { id, name, account }));
                }
                Err(error) => self.trouble(report, &name, error)?,
            }
        }
        Ok(None)
    }

    /// Something could not be done: of several accounts it is noted, and the others are gone on with.
    ///
    /// # Errors
    /// What is wrong, if there is one account.
    pub(crate) fn trouble(
        &mut self,
        report: &mut dyn Report,
        of: &str,
        failed: Failed,
    ) -> Result<(), Failed> {
        if self.one {
            return Err(failed);
        }
        self.failed += 1;
        report.note(&format!("{of}: {}", failed.why));
        Ok(())
    }

    /// How it ends, with this summary.
    pub(crate) fn outcome(&self, summary: Row) -> Outcome {
        if self.failed > 0 {
            Outcome::partly(summary)
        } else {
            Outcome::done(summary)
        }
    }

    /// A line for people: whose it is comes first, unless there is one account.
    pub(crate) fn line(&self, meant: &Meant, line: &str) -> String {
        if self.one {
            line.to_owned()
        } else {
            format!("{}\t{line}", meant.name)
        }
    }
}

/// Whether a name is one that a pattern means: `*` stands for any characters, or none.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let (middle, end) = rest
        .rsplit_once('*')
        .map_or((None, rest), |(middle, end)| (Some(middle), end));
    // Of each piece the first place: what comes after has the most room so.
    for piece in middle.into_iter().flat_map(|middle| middle.split('*')) {
        match name.split_once(piece) {
            Some((_, after)) => name = after,
            None => return false,
        }
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_stars() {
        for (pattern, name, expected) in [
            ("*", "ann", true),
            ("*", "", true),
            ("ann", "ann", true),
            ("ann", "anna", false),
            ("ann*", "ann", true),
            ("*@example.org", "ann@example.org", true),
            ("*@example.org", "ann@example.com", false),
            ("a*n", "an", true),
            ("a*n", "a", false),
            ("a*a", "a", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*b*c", "abc", false),
            ("*a*", "ban", true),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
