//! `expiry`: rules by which mail goes by itself. `expire`: it goes now.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use store::{
    change::Expiry as Rule,
    past::{Expired, Expirer, Mode, RuleFrom},
};

use crate::{
    context::Context,
    moment::Period,
    octets::Octets,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Show and set the rules by which mail goes by itself
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Expiry {
    Show(Show),
    Set(Set),
}

/// Show by which rule each mailbox's mail goes, and where that rule comes from
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar expiry show ann@example.org
  chapar expiry show ann Trash")]
pub struct Show {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// Only this mailbox
    #[serde(default)]
    pub mailbox: Option<String>,
}

/// Give a mailbox or an account a rule of its own, or take it away
///
/// The bounds given are the whole rule. A mailbox's rule goes before its account's, and that before the
/// configuration's.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar expiry set ann@example.org Trash --age 30d
  chapar expiry set ann lists --age 90d --messages 10000
  chapar expiry set ann --never
  chapar expiry set ann Trash --inherit")]
pub struct Set {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// The mailbox; without one, the account gets the rule
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Messages go when they have been there for so long
    #[arg(long, value_name = "TIME")]
    #[serde(default)]
    pub age: Option<Period>,
    /// The oldest messages go when there are more
    #[arg(long, value_name = "NUMBER")]
    #[serde(default)]
    pub messages: Option<u32>,
    /// The oldest messages go when they have more octets
    #[arg(long, value_name = "OCTETS")]
    #[serde(default)]
    pub octets: Option<Octets>,
    /// Nothing goes, whatever other rules say
    #[arg(long, conflicts_with_all = ["age", "messages", "octets"])]
    #[serde(default)]
    pub never: bool,
    /// No rule of its own: what comes after it decides
    #[arg(long, conflicts_with_all = ["age", "messages", "octets", "never"])]
    #[serde(default)]
    pub inherit: bool,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Let mail go that has to go by itself, now; the server does that by the clock
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar expire --dry-run
  chapar expire")]
pub struct Expire {
    /// Only say what would go
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// A rule for programs.
#[derive(Debug, Serialize)]
struct Line {
    mailbox: Option<String>,
    age_seconds: Option<u64>,
    messages: Option<u32>,
    octets: Option<u64>,
    from: Option<String>,
    held: bool,
}

#[derive(Debug, Serialize)]
struct Shown {
    mailboxes: u64,
}

#[derive(Debug, Serialize)]
struct Done {
    changed: bool,
    dry_run: bool,
}

/// What goes from a mailbox, for programs.
#[derive(Debug, Serialize)]
struct Gone {
    account: String,
    name: Option<String>,
    mailbox: String,
    messages: u32,
    octets: u64,
    rule: String,
    from: String,
}

#[derive(Debug, Default, Serialize)]
struct Sum {
    mailboxes: u64,
    messages: u64,
    octets: u64,
    dry_run: bool,
}

impl Expiry {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Show(show) => show.run(context, report).await,
            Self::Set(set) => set.run(context).await,
        }
    }

    pub(crate) fn changes(&self) -> bool {
        matches!(self, Self::Set(_))
    }
}

impl Show {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let account = context.account_with_mail(&self.account).await?;
        let only = match &self.mailbox {
            Some(mailbox) => Some(context.mailbox(&account, mailbox)?),
            None => None,
        };
        let snapshot = account.snapshot();
        if only.is_none()
            && let Some(rule) = snapshot.expiry()
        {
            report.row(row(None, Some((rule, RuleFrom::Account)), snapshot.held()));
        }
        let mut mailboxes = 0;
        for (name, mailbox) in snapshot.mailboxes() {
            if only.is_some_and(|only| only != mailbox.id()) {
                continue;
            }
            mailboxes += 1;
            let rule = context.expiry.effective(&snapshot, mailbox);
            let held = snapshot.held() || mailbox.held();
            report.row(row(Some(name.to_string()), rule, held));
        }
        let text = format!("mailboxes {mailboxes}");
        Ok(Outcome::done(Row::new(&Shown { mailboxes }, text)))
    }
}

fn row(mailbox: Option<String>, rule: Option<(Rule, RuleFrom)>, held: bool) -> Row {
    let bounds = rule.map_or_else(Rule::default, |(rule, _)| rule);
    let line = Line {
        mailbox,
        age_seconds: bounds.age_seconds,
        messages: bounds.messages_max,
        octets: bounds.octets_max,
        from: rule.map(|(_, from)| source(from)),
        held,
    };
    let on = line.mailbox.as_deref().unwrap_or("(the account)");
    let from = line.from.as_deref().unwrap_or("no rule");
    let held = if held { "\theld: nothing goes" } else { "" };
    let text = format!("{on}\t{}\t{from}{held}", words(bounds));
    Row::new(&line, text)
}

/// A rule in words.
fn words(rule: Rule) -> String {
    let age = rule.age_seconds.map(|seconds| {
        let age = Period(std::time::Duration::from_secs(seconds));
        format!("age {age}")
    });
    let messages = rule.messages_max.map(|n| format!("messages {n}"));
    let octets = rule.octets_max.map(|n| format!("octets {n}"));
    let bounds: Vec<String> = [age, messages, octets].into_iter().flatten().collect();
    if bounds.is_empty() {
        "never".to_owned()
    } else {
        bounds.join(", ")
    }
}

fn source(from: RuleFrom) -> String {
    match from {
        RuleFrom::Mailbox => "the mailbox's own".to_owned(),
        RuleFrom::Account => "the account's".to_owned(),
        RuleFrom::Role(role) => format!("the configuration's for {}", role.attribute()),
        RuleFrom::Default => "the configuration's for every mailbox".to_owned(),
    }
}

impl Set {
    async fn run(&self, context: &Context) -> Result<Outcome, Failed> {
        let rule = Rule {
            age_seconds: self.age.map(|age| age.0.as_secs()),
            messages_max: self.messages,
            octets_max: self.octets.map(|octets| octets.0),
        };
        let some = rule != Rule::default();
        if [some, self.never, self.inherit]
            .iter()
            .filter(|b| **b)
            .count()
            != 1
        {
            let why = "say which: --age, --messages, --octets; or --never; or --inherit";
            return Err(Failed::misunderstood(why));
        }
        let account = context.account(&self.account).await?;
        let mailbox = match &self.mailbox {
            Some(mailbox) => Some(context.mailbox(&account, mailbox)?),
            None => None,
        };
        let expiry = (!self.inherit).then_some(rule);
        let changed = if self.dry_run {
            let snapshot = account.snapshot();
            let now = match mailbox {
                None => snapshot.expiry(),
                Some(id) => snapshot.mailbox(id).and_then(|mailbox| mailbox.expiry()),
            };
            now != expiry
        } else {
            account.set_expiry(mailbox, expiry).await?
        };
        let is = expiry.map_or_else(|| "no rule of its own".to_owned(), words);
        let text = match (changed, self.dry_run) {
            (true, false) => format!("now: {is}"),
            (true, true) => format!("would be: {is}"),
            (false, _) => format!("already: {is}"),
        };
        let line = Done {
            changed,
            dry_run: self.dry_run,
        };
        Ok(Outcome::done(Row::new(&line, text)))
    }
}

impl Expire {
    /// A row per mailbox from which something goes; how much.
    ///
    /// # Errors
    /// It is being done; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let _alone = context.alone("expire")?;
        let mode = if self.dry_run { Mode::DryRun } else { Mode::Do };
        let names = context.names();
        let mut sum = Sum {
            dry_run: self.dry_run,
            ..Sum::default()
        };
        let mut tell = |expired: Expired| {
            sum.mailboxes += 1;
            sum.messages += u64::from(expired.messages);
            sum.octets += expired.octets;
            let line = Gone {
                account: expired.account.to_string(),
                name: names.get(&expired.account).map(ToString::to_string),
                mailbox: expired.name.to_string(),
                messages: expired.messages,
                octets: expired.octets,
                rule: words(expired.rule),
                from: source(expired.from),
            };
            let name = line.name.as_deref().unwrap_or(&line.account);
            let text = format!(
                "{name}\t{}\tmessages {}\toctets {}\t{}\t{}",
                line.mailbox, line.messages, line.octets, line.rule, line.from
            );
            report.row(Row::new(&line, text));
        };
        let mut expirer = Expirer::new();
        expirer
            .round(&context.store, &context.expiry, mode, &mut tell)
            .await?;
        let would = if self.dry_run { "would be " } else { "" };
        let text = format!(
            "{would}expired: messages {}, octets {}",
            sum.messages, sum.octets
        );
        Ok(Outcome::done(Row::new(&sum, text)))
    }
}
