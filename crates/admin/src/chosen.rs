//! Messages that a verb is about: found by a search, in some mailboxes, of some accounts.

use std::vec;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use imap::name::list_matches;
use serde::{Deserialize, Serialize};
use session::search::{Failure, Keys};
use store::{Account, MailboxId, MailboxName, OpenMailbox, Uid, name::DELIMITER};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    typed,
    whose::{Accounts, Meant, New, Typed, Whose},
};

/// Which messages: typed `ACCOUNT MAILBOX SEARCH…`, or `--all MAILBOX SEARCH…`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// Whose: a name, a pattern with `*`, or an id.
    #[serde(default)]
    pub account: Option<String>,
    /// Everybody's.
    #[serde(default)]
    pub all: bool,
    /// In the shared mailboxes of the domains that this pattern means.
    #[serde(default)]
    pub shared: Option<String>,
    /// In which mailbox: a name, a pattern of LIST, or an id.
    pub mailbox: String,
    /// Which: `search-key *(SP search-key)` of RFC 9051 §9.
    pub search: String,
}

impl FromArgMatches for Messages {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = Typed::from_arg_matches(matches)?;
        let (all, shared) = (typed.all, typed.shared.clone());
        let (account, mut words) = typed.words();
        Ok(Self {
            account,
            all,
            shared,
            mailbox: words.next().unwrap_or_default(),
            search: typed::search(&words.collect::<Vec<_>>()),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Messages {
    fn augment_args(command: Command) -> Command {
        let help = "Which messages, as IMAP's SEARCH has it: UNSEEN FROM ann, or UIDs alone: 17,20:25; ALL is all";
        Typed::augment(command, "SEARCH", help)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Messages of one mailbox that were found.
pub(crate) struct Chosen {
    /// Whose.
    pub(crate) meant: Meant,
    /// Where, as it was when it was searched.
    pub(crate) mailbox: OpenMailbox,
    /// Which: ascending, never none.
    pub(crate) uids: Vec<Uid>,
}

impl Chosen {
    /// Whose account.
    pub(crate) fn account(&self) -> &Account {
        &self.meant.account
    }

    /// Where they are, for people: `ann INBOX`.
    pub(crate) fn place(&self) -> String {
        format!("{} {}", self.meant.name, self.mailbox.name())
    }

    /// These messages of it, for programs.
    pub(crate) fn line(&self, uids: &[Uid]) -> Line {
        Line {
            account: self.meant.id.to_string(),
            name: self.meant.name.to_string(),
            mailbox: self.mailbox.name().to_string(),
            mailbox_id: self.mailbox.id().to_string(),
            messages: uids.len(),
            uids: set(uids),
            to_mailbox: None,
            to_uids: None,
        }
    }
}

/// Messages of a mailbox, for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    account: String,
    name: String,
    mailbox: String,
    mailbox_id: String,
    messages: usize,
    uids: String,
    /// Where they are now, too, or instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to_mailbox: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to_uids: Option<String>,
}

/// Goes through the mailboxes, and finds.
pub(crate) struct Choosing<'a> {
    context: &'a Context,
    of: &'a Messages,
    keys: Keys,
    /// Whose mail is left.
    pub(crate) accounts: Accounts,
    /// The mailboxes that are left of an account.
    within: Option<(Meant, vec::IntoIter<MailboxId>)>,
    /// How far it is.
    pub(crate) sum: Sum,
}

/// What was found in all.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sum {
    accounts: u64,
    mailboxes: u64,
    /// Messages found, or done something to.
    pub(crate) messages: u64,
    /// Messages that can't be read.
    pub(crate) damaged: u64,
    /// Accounts or mailboxes that could not be done.
    failed: u64,
    dry_run: Option<bool>,
}

impl Messages {
    /// Whose they are.
    pub(crate) fn whose(&self) -> Whose<'_> {
        Whose {
            account: self.account.as_deref(),
            all: self.all,
            shared: self.shared.as_deref(),
        }
    }

    /// Begins to look for them.
    ///
    /// # Errors
    /// What is asked for is not understood; there is no such account.
    pub(crate) async fn choose<'a>(&'a self, context: &'a Context) -> Result<Choosing<'a>, Failed> {
        if self.mailbox.is_empty() {
            let why = "say in which mailbox, by its name or a pattern such as 'Archive/*'";
            return Err(Failed::misunderstood(why));
        }
        let keys = typed::keys(&self.search)?;
        let whose = self.whose();
        Ok(Choosing {
            context,
            of: self,
            keys,
            accounts: whose.accounts(context, New::LeftOut).await?,
            within: None,
            sum: Sum::default(),
        })
    }
}

impl Choosing<'_> {
    /// The next mailbox in which something was found.
    ///
    /// # Errors
    /// The only account or mailbox is not there, or can't be searched; the search can't be answered.
    pub(crate) async fn next(&mut self, report: &mut dyn Report) -> Result<Option<Chosen>, Failed> {
        loop {
            let Some((meant, mailbox)) = self.mailbox(report).await? else {
                return Ok(None);
            };
            let found = self.find(&meant, mailbox).await;
            let (mailbox, hits) = match found {
                Ok(found) => found,
                // It is gone meanwhile.
                Err(Failure::Store(store::Error::NoSuchMailbox)) => continue,
                Err(error @ Failure::Refused(_)) => {
                    let failed = Failed::misunderstood(error.to_string());
                    self.accounts.trouble(report, &meant.name, failed)?;
                    continue;
                }
                Err(error) => {
                    self.accounts.trouble(report, &meant.name, error.into())?;
                    continue;
                }
            };
            for (uid, error) in &hits.damaged {
                let name = mailbox.name();
                report.note(&format!("{} {name} UID {uid}: {error}", meant.name));
            }
            self.sum.damaged += hits.damaged.len() as u64;
            if !hits.uids.is_empty() {
                self.sum.mailboxes += 1;
                self.sum.messages += hits.uids.len() as u64;
                report.progress(self.sum.messages, 0, "messages");
                let uids = hits.uids;
                return Ok(Some(Chosen {
                    meant,
                    mailbox,
                    uids,
                }));
            }
        }
    }

    /// The next mailbox to look in.
    async fn mailbox(
        &mut self,
        report: &mut dyn Report,
    ) -> Result<Option<(Meant, MailboxId)>, Failed> {
        while !report.gone() {
            if let Some((meant, waiting)) = &mut self.within
                && let Some(mailbox) = waiting.next()
            {
                return Ok(Some((meant.clone(), mailbox)));
            }
            let Some(meant) = self.accounts.next(self.context, report).await? else {
                break;
            };
            let named = mailboxes(self.context, &meant, &self.of.mailbox, self.accounts.one)?;
            self.within = Some((meant, named.into_iter()));
        }
        Ok(None)
    }

    async fn find(
        &self,
        meant: &Meant,
        mailbox: MailboxId,
    ) -> Result<(OpenMailbox, session::search::Hits), Failure> {
        let mailbox = meant.account.open_mailbox(mailbox).await?;
        let hits = self.keys.find(&meant.account, mailbox.clone()).await?;
        Ok((mailbox, hits))
    }

    /// Tells of messages of a mailbox.
    pub(crate) fn row(&self, chosen: &Chosen, line: &Line, report: &mut dyn Report) {
        let mut text = format!("{}\t{}", line.mailbox, line.uids);
        if let Some(to) = &line.to_mailbox {
            let uids = line.to_uids.as_deref().unwrap_or_default();
            text = format!("{text}\t\u{2192} {to} {uids}");
        }
        let text = self.accounts.line(&chosen.meant, text.trim_end());
        report.row(Row::new(line, text));
    }

    /// Something could not be done in a mailbox: see [`Accounts::trouble`].
    ///
    /// # Errors
    /// As that.
    pub(crate) fn trouble(
        &mut self,
        report: &mut dyn Report,
        chosen: &Chosen,
        failed: Failed,
    ) -> Result<(), Failed> {
        self.sum.messages -= chosen.uids.len() as u64;
        self.accounts.trouble(report, &chosen.place(), failed)
    }

    /// How it ends: `done` is what was done to so many messages.
    pub(crate) fn outcome(mut self, done: &str, dry_run: Option<bool>) -> Outcome {
        self.sum.accounts = self.accounts.opened;
        self.sum.failed = self.accounts.failed;
        self.sum.dry_run = dry_run;
        let would = if dry_run == Some(true) {
            "would be "
        } else {
            ""
        };
        let sum = &self.sum;
        let text = format!(
            "{would}{done}: messages {}, mailboxes {}, accounts {}",
            sum.messages, sum.mailboxes, sum.accounts
        );
        let summary = Row::new(sum, text);
        if sum.damaged > 0 {
            Outcome::damaged(summary)
        } else {
            self.accounts.outcome(summary)
        }
    }
}

/// The mailboxes of an account that are meant: by a name, a pattern, or an id. One that is named has to be there,
/// if `one` account is asked.
///
/// # Errors
/// There is none of that name; it can be none's.
pub(crate) fn mailboxes(
    context: &Context,
    meant: &Meant,
    pattern: &str,
    one: bool,
) -> Result<Vec<MailboxId>, Failed> {
    if !pattern.contains(['*', '%']) {
        return match context.mailbox(&meant.account, pattern) {
            Ok(id) => Ok(vec![id]),
            // That it can be nobody's is the same for all.
            Err(failed) if one || MailboxName::new(pattern).is_err() => Err(failed),
            Err(_) => Ok(Vec::new()),
        };
    }
    let snapshot = meant.account.snapshot();
    let named = snapshot.mailboxes();
    let named = named.filter(|(name, _)| list_matches(pattern, name.as_str(), DELIMITER));
    Ok(named.map(|(_, mailbox)| mailbox.id()).collect())
}

/// UIDs as administrators write them: `1,5:9`.
pub(crate) fn set(uids: &[Uid]) -> String {
    let set: imap::UidSet = uids.iter().map(|uid| uid.0).collect();
    let ranges = set.ranges().iter().map(|&(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}:{last}")
        }
    });
    ranges.collect::<Vec<_>>().join(",")
}
