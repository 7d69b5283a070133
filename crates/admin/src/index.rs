//! `index`: the indexes of text that make searches quick.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use store::{Account, IndexOptions};

use crate::{
    context::Context,
    octets::Octets,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Show the indexes that make searches quick, bring them up to date, make them anew
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Index {
    Status(Status),
    Update(Update),
    Rebuild(Rebuild),
    Drop(Drop),
}

/// Show how much of accounts is indexed
///
/// Messages that are not indexed are found as well; it takes longer. The server indexes by itself, but leaves
/// the last few of an account for later.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar index status
  chapar index status ann@example.org --json")]
pub struct Status {
    /// Only of this account: a name, or an id such as A1f0c29
    #[serde(default)]
    pub account: Option<String>,
}

/// Index what is not indexed yet, now and to the last message
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar index update
  chapar index update ann@example.org --rate 16MiB")]
pub struct Update {
    /// Only this account: a name, or an id such as A1f0c29
    #[serde(default)]
    pub account: Option<String>,
    /// Only say how many messages there are to index
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
    /// Read so many octets in a second at most
    #[arg(long, value_name = "OCTETS")]
    #[serde(default)]
    pub rate: Option<Octets>,
}

/// Throw the index of an account away, and make it anew
///
/// It is never needed: an index that is damaged is noticed, and made anew by the server. Searches find the
/// same meanwhile.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar index rebuild ann@example.org
  chapar index rebuild ann@example.org --rate 16MiB")]
pub struct Rebuild {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// Only say how many messages there are to index
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
    /// Read so many octets in a second at most
    #[arg(long, value_name = "OCTETS")]
    #[serde(default)]
    pub rate: Option<Octets>,
}

/// Throw the index of an account away
///
/// While the server indexes (`search.index`), it makes it anew soon.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar index drop ann@example.org")]
pub struct Drop {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// Only say what would be thrown away
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// The index of an account for programs.
#[derive(Debug, Serialize)]
struct Line {
    account: String,
    name: Option<String>,
    messages: u64,
    indexed: u64,
    gone: u64,
    segments: u64,
    octets: u64,
    of_octets: u64,
}

#[derive(Debug, Serialize)]
struct Sum {
    accounts: u64,
    messages: u64,
    indexed: u64,
    octets: u64,
}

#[derive(Debug, Serialize)]
struct Done {
    dry_run: bool,
    messages: u64,
}

impl Index {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Status(status) => status.run(context, report).await,
            Self::Update(update) => update.run(context, report).await,
            Self::Rebuild(rebuild) => rebuild.run(context).await,
            Self::Drop(drop) => drop.run(context).await,
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Status(_) => false,
            Self::Update(update) => !update.dry_run,
            Self::Rebuild(rebuild) => !rebuild.dry_run,
            Self::Drop(drop) => !drop.dry_run,
        }
    }
}

/// One account, or all that have mail.
async fn accounts(context: &Context, account: Option<&str>) -> Result<Vec<Account>, Failed> {
    let Some(account) = account else {
        let mut accounts = Vec::new();
        for id in context.store.accounts().await? {
            accounts.push(context.store.account(id).await?);
        }
        return Ok(accounts);
    };
    Ok(vec![context.account_with_mail(account).await?])
}

fn options(rate: Option<Octets>) -> IndexOptions {
    IndexOptions {
        rate: rate.map(|octets| octets.0),
        least: 1,
    }
}

fn done(dry_run: bool, messages: u64) -> Outcome {
    let line = Done { dry_run, messages };
    let text = if dry_run {
        format!("would index {messages} messages")
    } else {
        format!("indexed {messages} messages")
    };
    Outcome::done(Row::new(&line, text))
}

impl Status {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut sum = Sum {
            accounts: 0,
            messages: 0,
            indexed: 0,
            octets: 0,
        };
        for account in accounts(context, self.account.as_deref()).await? {
            let status = context.store.index_status(&account).await?;
            let id = account.id();
            let line = Line {
                account: id.to_string(),
                name: context.names().get(&id).map(ToString::to_string),
                messages: status.messages,
                indexed: status.indexed,
                gone: status.gone,
                segments: status.segments,
                octets: status.octets,
                of_octets: status.of_octets,
            };
            sum.accounts += 1;
            sum.messages += line.messages;
            sum.indexed += line.indexed;
            sum.octets += line.octets;
            let text = format!(
                "{}\t{} of {} messages indexed\t{} octets in {} files",
                context.display(id),
                line.indexed,
                line.messages,
                line.octets,
                line.segments
            );
            report.row(Row::new(&line, text));
        }
        let text = format!(
            "{} of {} messages indexed, {} octets",
            sum.indexed, sum.messages, sum.octets
        );
        Ok(Outcome::done(Row::new(&sum, text)))
    }
}

impl Update {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let accounts = accounts(context, self.account.as_deref()).await?;
        let (mut messages, all) = (0, accounts.len() as u64);
        for (at, account) in (1..).zip(&accounts) {
            messages += if self.dry_run {
                let status = context.store.index_status(account).await?;
                status.messages - status.indexed
            } else {
                context.store.index(account, options(self.rate)).await?
            };
            report.progress(at, all, "accounts");
        }
        Ok(done(self.dry_run, messages))
    }
}

impl Rebuild {
    async fn run(&self, context: &Context) -> Result<Outcome, Failed> {
        let account = context.account_with_mail(&self.account).await?;
        if self.dry_run {
            let status = context.store.index_status(&account).await?;
            return Ok(done(true, status.messages));
        }
        context.store.drop_index(&account).await?;
        let messages = context.store.index(&account, options(self.rate)).await?;
        Ok(done(false, messages))
    }
}

impl Drop {
    async fn run(&self, context: &Context) -> Result<Outcome, Failed> {
        let account = context.account_with_mail(&self.account).await?;
        let status = context.store.index_status(&account).await?;
        let line = Done {
            dry_run: self.dry_run,
            messages: status.indexed,
        };
        let text = if self.dry_run {
            format!("would drop {} octets", status.octets)
        } else {
            context.store.drop_index(&account).await?;
            format!("dropped {} octets", status.octets)
        };
        Ok(Outcome::done(Row::new(&line, text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Heard, Request, tests::context};
    use store::{Arrival, Flags, MailboxName};

    async fn deliver(context: &Context, account: &Account, octets: &[u8]) {
        let mut incoming = context.store.receive().await.unwrap();
        incoming.write(octets).await.unwrap();
        let arrival = Arrival {
            message: incoming.finish().await.unwrap(),
            trace: Vec::new(),
            flags: Flags::default(),
            internal_date: None,
        };
        let inbox = account
            .snapshot()
            .named(&MailboxName::inbox())
            .unwrap()
            .id();
        account.append(inbox, vec![arrival]).await.unwrap();
    }

    #[tokio::test]
    async fn an_index_is_shown_made_and_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let context = context(directory.path()).await;
        let account = context.store.account(store::AccountId(0x1a)).await.unwrap();
        for number in 0..3 {
            let octets = format!("Subject: {number}\r\n\r\nbody {number}\r\n");
            deliver(&context, &account, octets.as_bytes()).await;
        }
        let of = || "A1a".to_owned();
        let status = || Index::Status(Status { account: None });
        let update = |dry_run| {
            Index::Update(Update {
                account: Some(of()),
                dry_run,
                rate: None,
            })
        };
        let rebuild = |dry_run| {
            Index::Rebuild(Rebuild {
                account: of(),
                dry_run,
                rate: None,
            })
        };
        let drop = |dry_run| {
            Index::Drop(Drop {
                account: of(),
                dry_run,
            })
        };
        for (verb, key, expected) in [
            (status(), "indexed", 0),
            (update(true), "messages", 3),
            (status(), "indexed", 0),
            (update(false), "messages", 3),
            (update(false), "messages", 0),
            (status(), "indexed", 3),
            (rebuild(true), "messages", 3),
            (rebuild(false), "messages", 3),
            (drop(true), "messages", 3),
            (status(), "indexed", 3),
            (drop(false), "messages", 3),
            (status(), "indexed", 0),
        ] {
            let mut heard = Heard::default();
            let asked = format!("{verb:?}");
            let outcome = Request::Index(verb)
                .run(&context, &mut heard)
                .await
                .unwrap();
            assert_eq!(outcome.summary.object[key], expected, "{asked}");
        }
    }
}
