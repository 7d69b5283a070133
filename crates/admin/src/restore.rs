//! `restore`: mail as it was at a moment.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{
    Account, MailboxName, OpenMailbox, Store, Uid,
    past::{
        Mode, Moment as Past, Restore as What, Restored, RestoredMailbox, Selection, Source, Target,
    },
};

use crate::{
    context::Context,
    moment::Moment,
    outcome::{Failed, Outcome},
    place,
    report::{Report, Row},
    uids::Uids,
};

/// Restore mail as it was at a moment: an account, a mailbox, or messages
///
/// It comes beside what is there, below a name such as "Restored 2026-11-20 12:00", if nothing else
/// is said. With --missing only what mailboxes lack comes back into them. With --in-place they
/// come to be as they were, and what they have besides moves below "Replaced …". Nothing is lost by any
/// of these, and doing it twice does it once.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar restore ann@example.org --at 2026-11-20T12:00
  chapar restore ann INBOX --at 3h --missing
  chapar restore ann Archive 17,20:25 --at 2026-11-20 --into Found
  chapar restore ann --at 1h --in-place --dry-run
  chapar restore ann INBOX --from /mnt/backup/mail --missing")]
pub struct Restore {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// Only this mailbox, by the name that it had then
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Only messages with these UIDs there: 17,20:25
    #[serde(default)]
    pub uids: Option<Uids>,
    /// The moment; with --from, that of the backup if nothing is said
    #[arg(long, value_name = "MOMENT", required_unless_present = "from")]
    #[serde(default)]
    pub at: Option<Moment>,
    /// Take it from a backup: from the latest in this directory, or from this generation
    #[arg(long, value_name = "DIR", value_parser = place::place)]
    #[serde(default)]
    pub from: Option<PathBuf>,
    /// Put it below this name
    #[arg(long, value_name = "MAILBOX", conflicts_with_all = ["missing", "in_place"])]
    #[serde(default)]
    pub into: Option<String>,
    /// Put back what mailboxes lack, and change nothing else
    #[arg(long, conflicts_with = "in_place")]
    #[serde(default)]
    pub missing: bool,
    /// Make mailboxes what they were; what they have besides moves aside
    #[arg(long)]
    #[serde(default)]
    pub in_place: bool,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// A mailbox for programs.
#[derive(Debug, Serialize)]
struct Line {
    mailbox: String,
    to_mailbox: String,
    made: bool,
    placed: u64,
    present: u64,
    flagged: u64,
    aside: u64,
}

/// A mailbox that moved aside whole, for programs.
#[derive(Debug, Serialize)]
struct Moved {
    mailbox: String,
    moved_to: String,
}

/// A message that can't be restored, for programs.
#[derive(Debug, Serialize)]
struct Lost {
    mailbox: String,
    lost_uid: u32,
}

#[derive(Debug, Default, Serialize)]
struct Sum {
    mailboxes: u64,
    placed: u64,
    present: u64,
    aside: u64,
    lost: u64,
    dry_run: bool,
}

impl Restore {
    /// A row per mailbox; how much there was.
    ///
    /// # Errors
    /// There is no such account, or was no such mailbox; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        if let Some(at) = self.at
            && at.unix() > context.store.clock()().unix
        {
            return Err(Failed::misunderstood(format!("{at} is still to come")));
        }
        let (source, backup) = self.source(context).await?;
        let account = context.account(&self.account).await?;
        let what = What {
            selection: self.selection(&source)?,
            target: self.target()?,
        };
        let restored = self.restore(&account, &source, &what, report).await?;
        if let Some(backup) = backup {
            backup.close().await?;
        }
        Ok(told(&restored, self.dry_run, report))
    }

    /// The account as it was; and the backup that it is read from, if it is.
    async fn source(&self, context: &Context) -> Result<(Source, Option<Store>), Failed> {
        let moment = Past::Time(self.at.map_or(i64::MAX, Moment::unix));
        let Some(from) = &self.from else {
            if self.at.is_none() {
                return Err(Failed::misunderstood("say the moment: --at"));
            }
            let account = context.account_with_mail(&self.account).await?;
            return Ok((Source::as_of(&account, moment).await?, None));
        };
        place::check(from)?;
        let id = match context.account_id(&self.account).await {
            Ok(id) => id,
            // One of which nothing is left but the backup.
            Err(unknown) => self.account.parse().map_err(|()| unknown)?,
        };
        let generation = store::backup::latest(from)?;
        let backup = Store::open_read_only(generation, context.store.clock()).await?;
        if !backup.accounts().await?.contains(&id) {
            let account = context.display(id);
            let why = format!("the backup has no mail of {account}");
            return Err(Failed::because(why));
        }
        let account = backup.account(id).await?;
        Ok((Source::as_of(&account, moment).await?, Some(backup)))
    }

    /// The moment, for people.
    fn moment(&self) -> String {
        match self.at {
            Some(at) => at.to_string(),
            None => Moment::now().to_string(),
        }
    }

    async fn restore(
        &self,
        account: &Account,
        source: &Source,
        what: &What,
        report: &mut dyn Report,
    ) -> Result<Restored, Failed> {
        let mode = if self.dry_run { Mode::DryRun } else { Mode::Do };
        let mut progress = |done| report.progress(done, 0, "messages");
        let restored = account.restore(source, what, mode, &mut progress).await;
        restored.map_err(|error| match (error, &what.selection) {
            (store::Error::NoSuchMailbox, Selection::Account) => {
                Failed::because(format!("there was no mail at {}", self.moment()))
            }
            (
                store::Error::NoSuchMailbox,
                Selection::Mailbox(name) | Selection::Messages(name, _),
            ) => Failed::because(format!("there was no mailbox {name} at {}", self.moment())),
            (error, _) => error.into(),
        })
    }

    fn selection(&self, source: &Source) -> Result<Selection, Failed> {
        let Some(mailbox) = &self.mailbox else {
            return match self.uids {
                Some(_) => Err(Failed::misunderstood("UIDs need their mailbox before them")),
                None => Ok(Selection::Account),
            };
        };
        let name = MailboxName::new(mailbox)?;
        let Some(uids) = &self.uids else {
            return Ok(Selection::Mailbox(name));
        };
        let there = source.mailboxes().iter().filter(|m| *m.name() == name);
        let messages = there.flat_map(OpenMailbox::every);
        let wanted: Vec<Uid> = messages
            .map(|message| message.uid)
            .filter(|uid| uids.contains(*uid))
            .collect();
        Ok(Selection::Messages(name, wanted))
    }

    fn target(&self) -> Result<Target, Failed> {
        if self.missing {
            return Ok(Target::Missing);
        }
        let minutes = |moment: Moment| {
            let text = moment.to_string().replace('T', " ");
            text.get(..16).unwrap_or_default().to_owned()
        };
        if self.in_place {
            if self.uids.is_some() {
                let why =
                    "single messages can't take the place of a mailbox: use --missing or --into";
                return Err(Failed::misunderstood(why));
            }
            let aside = format!("Replaced {}", minutes(Moment::now()));
            return Ok(Target::InPlace(MailboxName::new(&aside)?));
        }
        let beside = format!("Restored {}", minutes(self.at.unwrap_or_else(Moment::now)));
        let beside = self.into.as_deref().unwrap_or(&beside);
        Ok(Target::Beside(MailboxName::new(beside)?))
    }
}

/// Reports what was restored.
pub(crate) fn told(restored: &Restored, dry_run: bool, report: &mut dyn Report) -> Outcome {
    let mut sum = Sum {
        lost: restored.lost.len() as u64,
        dry_run,
        ..Sum::default()
    };
    for mailbox in &restored.mailboxes {
        sum.mailboxes += 1;
        sum.placed += mailbox.placed;
        sum.present += mailbox.present;
        sum.aside += mailbox.aside;
        let line = Line::new(mailbox);
        let text = format!(
            "{} → {}\tplaced {}\tthere already {}\tflags {}\taside {}",
            line.mailbox, line.to_mailbox, line.placed, line.present, line.flagged, line.aside
        );
        report.row(Row::new(&line, text));
    }
    for (from, to) in &restored.moved {
        let line = Moved {
            mailbox: from.to_string(),
            moved_to: to.to_string(),
        };
        report.row(Row::new(&line, format!("{from} → {to}\tmoved aside")));
    }
    for was in &restored.lost {
        let line = Lost {
            mailbox: was.name.to_string(),
            lost_uid: was.uid.0,
        };
        let text = format!(
            "{} {}\tlost: its record can't be read any more",
            was.name, was.uid
        );
        report.row(Row::new(&line, text));
    }
    let would = if dry_run { "would be " } else { "" };
    let text = format!(
        "{would}placed {}, there already {}, aside {}, lost {}",
        sum.placed, sum.present, sum.aside, sum.lost
    );
    let summary = Row::new(&sum, text);
    if sum.lost > 0 {
        Outcome::damaged(summary)
    } else {
        Outcome::done(summary)
    }
}

impl Line {
    fn new(mailbox: &RestoredMailbox) -> Self {
        Self {
            mailbox: mailbox.from.to_string(),
            to_mailbox: mailbox.to.to_string(),
            made: mailbox.made,
            placed: mailbox.placed,
            present: mailbox.present,
            flagged: mailbox.flagged,
            aside: mailbox.aside,
        }
    }
}
