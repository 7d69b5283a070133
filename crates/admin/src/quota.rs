//! `quota`: how much there may be, and how much there is.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use store::{
    MailboxName,
    quota::{LIMIT_MAX, Limits, Quota as Of, QuotaRoot, Resource, RootState},
};

use crate::{
    chosen,
    context::Context,
    named::Mailboxes,
    octets::Octets,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    whose::{Accounts, Meant, New},
};

/// Show and set how much there may be in accounts, and below mailboxes
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Quota {
    Show(Show),
    Set(Set),
    Remove(Remove),
}

/// Show how much is used of what there may be
///
/// Of an account: all that is limited there, and what the account uses in all. Of a mailbox: every limit that holds for
/// it, the nearest first. What is limited is a quota root (RFC 9208): a mailbox with all below it, or the account.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar quota show ann@example.org
  chapar quota show ann Archive/2026
  chapar quota show --all --over 90 --json")]
pub struct Show {
    /// Whose, and which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Only what is used to so many percent, or more
    #[arg(long, value_name = "PERCENT")]
    #[serde(default)]
    pub over: Option<u64>,
}

/// Limit how much there may be in accounts, or in mailboxes and all below them
///
/// What is not named has no limit any more. What there is stays, also if it is more; only more is refused. INBOX is
/// the account, as without a mailbox.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar quota set ann@example.org --storage 2GiB
  chapar quota set \"*@example.org\" --storage 2GiB --messages 500000 --dry-run
  chapar quota set @example.org board --storage 10GiB")]
pub struct Set {
    /// Whose, and which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Octets of messages; 1024 are counted as one
    #[arg(long, value_name = "OCTETS")]
    #[serde(default)]
    pub storage: Option<Octets>,
    /// Messages
    #[arg(long = "messages", value_name = "NUMBER")]
    #[serde(default)]
    pub message: Option<u64>,
    /// Mailboxes
    #[arg(long = "mailboxes", value_name = "NUMBER")]
    #[serde(default)]
    pub mailbox_count: Option<u64>,
    /// Octets of annotations and metadata; 1024 are counted as one
    #[arg(long, value_name = "OCTETS")]
    #[serde(default)]
    pub annotations: Option<Octets>,
    /// Only say what would be limited
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Take limits away: of accounts, or of mailboxes
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar quota remove ann@example.org Archive
  chapar quota remove --all --dry-run")]
pub struct Remove {
    /// Whose, and which mailboxes.
    #[command(flatten)]
    pub mailboxes: Mailboxes,
    /// Only say what would have no limits
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// A limit for programs. Octets are in units of 1024.
#[derive(Debug, Serialize)]
struct Line<'a> {
    account: String,
    name: &'a str,
    /// `null`: the account.
    root: Option<&'a str>,
    resource: &'static str,
    usage: u64,
    limit: Option<u64>,
    percent: Option<u64>,
}

/// What was set, for programs.
#[derive(Debug, Serialize)]
struct Told<'a> {
    account: String,
    name: &'a str,
    root: Option<&'a str>,
    changed: bool,
}

#[derive(Debug, Serialize)]
struct Sum {
    accounts: u64,
    roots: u64,
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

impl Quota {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Show(show) => show.run(context, report).await,
            Self::Set(set) => set.run(context, report).await,
            Self::Remove(remove) => {
                let setting = Setting {
                    of: &remove.mailboxes,
                    limits: None,
                    dry_run: remove.dry_run,
                };
                setting.run(context, report).await
            }
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Show(_) => false,
            Self::Set(set) => !set.dry_run,
            Self::Remove(remove) => !remove.dry_run,
        }
    }
}

impl Show {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut accounts = self.mailboxes.accounts(context, New::LeftOut).await?;
        let mut roots = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            for state in self.states(context, &meant, accounts.one)? {
                roots += 1;
                self.tell((&accounts, &meant), &state, report);
            }
        }
        let sum = Sum {
            accounts: accounts.opened,
            roots,
            failed: accounts.failed,
            dry_run: None,
        };
        let text = format!("quota roots {roots}, accounts {}", sum.accounts);
        Ok(accounts.outcome(Row::new(&sum, text)))
    }

    /// The roots that are asked for.
    fn states(
        &self,
        context: &Context,
        meant: &Meant,
        one: bool,
    ) -> Result<Vec<RootState>, Failed> {
        let snapshot = meant.account.snapshot();
        if self.mailboxes.names.is_empty() {
            let mut states = meant.account.every_quota_root();
            if states
                .last()
                .is_none_or(|last| last.root != QuotaRoot::Account)
            {
                states.push(RootState {
                    root: QuotaRoot::Account,
                    quota: Of::default(),
                    usage: snapshot.usage(),
                });
            }
            return Ok(states);
        }
        let mut states: Vec<RootState> = Vec::new();
        for id in self.mailboxes.of(context, meant, one)? {
            let Some(mailbox) = snapshot.mailbox(id) else {
                continue;
            };
            for state in meant.account.quota_roots(mailbox.name()) {
                if !states.iter().any(|other| other.root == state.root) {
                    states.push(state);
                }
            }
        }
        Ok(states)
    }

    fn tell(
        &self,
        (accounts, meant): (&Accounts, &Meant),
        state: &RootState,
        report: &mut dyn Report,
    ) {
        let root = match &state.root {
            QuotaRoot::Name(name) => Some(name.as_str()),
            QuotaRoot::Account | QuotaRoot::Domain(_) => None,
        };
        for resource in Resource::EVERY {
            let limit = state.quota.limits.get(resource);
            let usage = state.usage.of(resource);
            if limit.is_none() && (root.is_some() || !state.quota.limits.is_none()) {
                continue;
            }
            let percent = limit.map(|limit| percent(usage, limit));
            if self
                .over
                .is_some_and(|over| percent.is_none_or(|it| it < over))
            {
                continue;
            }
            let line = Line {
                account: meant.id.to_string(),
                name: &meant.name,
                root,
                resource: resource.name(),
                usage,
                limit,
                percent,
            };
            let text = accounts.line(meant, &line.text());
            report.row(Row::new(&line, text));
        }
    }
}

/// How much that is; of nothing everything is used.
fn percent(usage: u64, limit: u64) -> u64 {
    let percent = (u128::from(usage) * 100).checked_div(limit.into());
    percent.map_or(100, |it| u64::try_from(it).unwrap_or(u64::MAX))
}

impl Line<'_> {
    fn text(&self) -> String {
        let root = self.root.unwrap_or("(the account)");
        let limit = match (self.limit, self.percent) {
            (Some(limit), Some(percent)) => format!("of {limit}\t{percent} %"),
            _ => "no limit".to_owned(),
        };
        format!("{root}\t{}\t{}\t{limit}", self.resource, self.usage)
    }
}

impl Set {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let limits = Limits {
            storage: self.storage.map(|octets| octets.0 / 1024),
            message: self.message,
            mailbox: self.mailbox_count,
            annotation_storage: self.annotations.map(|octets| octets.0 / 1024),
        };
        if limits.is_none() {
            let why = "say how much there may be: --storage, --messages, --mailboxes or --annotations; \
                       `chapar quota remove` takes limits away";
            return Err(Failed::misunderstood(why));
        }
        if limits.every().any(|(_, limit)| limit > LIMIT_MAX) {
            return Err(Failed::misunderstood(format!(
                "no limit is above {LIMIT_MAX}"
            )));
        }
        let setting = Setting {
            of: &self.mailboxes,
            limits: Some(limits),
            dry_run: self.dry_run,
        };
        setting.run(context, report).await
    }
}

/// Limits that come, or go.
struct Setting<'a> {
    of: &'a Mailboxes,
    limits: Option<Limits>,
    dry_run: bool,
}

impl Setting<'_> {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let new = match (&self.limits, self.dry_run) {
            (None, _) => New::LeftOut,
            (Some(_), true) => New::Noted,
            (Some(_), false) => New::Opened,
        };
        let mut accounts = self.of.accounts(context, new).await?;
        let mut roots = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            for root in self.roots(context, &meant, accounts.one)? {
                let changed = match self.set(&meant, root.as_ref()).await {
                    Ok(changed) => changed,
                    Err(failed) => {
                        accounts.trouble(report, &meant.name, failed)?;
                        continue;
                    }
                };
                roots += 1;
                let line = Told {
                    account: meant.id.to_string(),
                    name: &meant.name,
                    root: root.as_ref().map(MailboxName::as_str),
                    changed,
                };
                let what = line.root.unwrap_or("(the account)");
                let already = if changed { "" } else { "\talready so" };
                let text = accounts.line(&meant, &format!("{what}{already}"));
                report.row(Row::new(&line, text));
            }
        }
        let sum = Sum {
            accounts: accounts.opened,
            roots,
            failed: accounts.failed,
            dry_run: Some(self.dry_run),
        };
        let would = if self.dry_run { "would be " } else { "" };
        let done = if self.limits.is_some() {
            "limited"
        } else {
            "without limits"
        };
        let text = format!(
            "{would}{done}: quota roots {roots}, accounts {}",
            sum.accounts
        );
        Ok(accounts.outcome(Row::new(&sum, text)))
    }

    /// Which roots: `None` is the account. A name need not be a mailbox's.
    fn roots(
        &self,
        context: &Context,
        meant: &Meant,
        one: bool,
    ) -> Result<Vec<Option<MailboxName>>, Failed> {
        if self.of.names.is_empty() {
            return Ok(vec![None]);
        }
        let snapshot = meant.account.snapshot();
        let mut roots = Vec::new();
        for given in &self.of.names {
            if given.contains(['*', '%']) {
                let ids = chosen::mailboxes(context, meant, given, one)?;
                let there = ids.iter().filter_map(|id| snapshot.mailbox(*id));
                roots.extend(there.map(|mailbox| mailbox.name().clone()));
            } else {
                roots.push(MailboxName::new(given)?);
            }
        }
        let root = |name: MailboxName| (!name.is_inbox()).then_some(name);
        Ok(roots.into_iter().map(root).collect())
    }

    async fn set(&self, meant: &Meant, root: Option<&MailboxName>) -> Result<bool, Failed> {
        if !self.dry_run {
            return Ok(meant.account.set_quota(root, self.limits).await?);
        }
        let now = meant.account.quota_root(root);
        Ok(now.map(|state| state.quota.limits) != self.limits)
    }
}
