//! `undelete`: what is gone comes back.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{
    Account, MailboxName, Uid,
    past::{GoneMailbox, GoneMessage, Mode, Undelete as What, Undeleted, Wanted, Was},
};

use crate::{
    context::Context,
    history::names,
    moment::Moment,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    uids::Uids,
};

/// UIDs of one range that are looked for one by one, to say of which that they are there.
const RANGE_MAX: u32 = 10_000;

/// Bring back expunged messages and deleted mailboxes, or list what can be brought back
///
/// A message comes back into the mailbox that it was in, which is made again if it is gone, with its
/// flags (but for \Deleted) and dates, and a new UID. A deleted mailbox comes back with its
/// messages; under another name if its own is taken. Nothing is ever placed twice.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar undelete ann@example.org --list
  chapar undelete ann INBOX 17,20:25
  chapar undelete ann \"Archive/2025\" --dry-run
  chapar undelete ann --since 2h --into Found")]
pub struct Undelete {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// Only what was in this mailbox: its name (the last, if it is gone), or an id such as M2
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Only messages that had these UIDs there: 17,20:25
    #[serde(default)]
    pub uids: Option<Uids>,
    /// Only what went at this moment or later
    #[arg(long, value_name = "MOMENT", conflicts_with = "mailbox")]
    #[serde(default)]
    pub since: Option<Moment>,
    /// Put messages into this mailbox, made if need be
    #[arg(long, value_name = "MAILBOX")]
    #[serde(default)]
    pub into: Option<String>,
    /// Only list what can be brought back
    #[arg(long, conflicts_with = "into")]
    #[serde(default)]
    pub list: bool,
    /// Only say what would be done
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// A message for programs. One without UID is a mailbox.
#[derive(Debug, Default, Serialize)]
struct Line {
    what: &'static str,
    mailbox: String,
    mailbox_id: String,
    uid: Option<u32>,
    to_mailbox: Option<String>,
    to_uid: Option<u32>,
    gone: Option<String>,
    by: Option<String>,
    octets: Option<u64>,
    date: Option<String>,
    flags: Option<Vec<String>>,
    subject: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Sum {
    mailboxes: u64,
    messages: u64,
    present: u64,
    lost: u64,
    dry_run: bool,
}

impl Undelete {
    /// A row per message and mailbox; how many there were.
    ///
    /// # Errors
    /// There is no such account or mailbox; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let account = context.account_with_mail(&self.account).await?;
        if self.list {
            return self.list(context, &account, report).await;
        }
        let wanted = match (&self.mailbox, self.since) {
            (None, None) => {
                let why = "say what: a mailbox, or --since; --list shows what there is";
                return Err(Failed::misunderstood(why));
            }
            (None, Some(since)) => vec![Wanted::Since(since.unix())],
            (Some(mailbox), _) => self.wanted(context, &account, mailbox).await?,
        };
        let into = self.into.as_deref().map(MailboxName::new).transpose()?;
        let mode = if self.dry_run { Mode::DryRun } else { Mode::Do };
        let mut all = Undeleted::default();
        for which in wanted {
            let what = What {
                which,
                into: into.clone(),
                retention: context.retention.of_store(),
            };
            let undeleted = account.undelete(&what, mode).await?;
            all.made.extend(undeleted.made);
            all.back.extend(undeleted.back);
            all.present.extend(undeleted.present);
            all.lost.extend(undeleted.lost);
        }
        Ok(self.told(&all, report))
    }

    /// What is meant of a mailbox, which may be gone, and more than once.
    async fn wanted(
        &self,
        context: &Context,
        account: &Account,
        mailbox: &str,
    ) -> Result<Vec<Wanted>, Failed> {
        let gone = account.gone(context.retention.of_store()).await?;
        let found: Vec<&GoneMailbox> = gone
            .mailboxes
            .iter()
            .filter(|gone| is(gone, mailbox))
            .collect();
        if let (Some(uids), [_, _, ..]) = (&self.uids, &found[..]) {
            let ids: Vec<_> = found.iter().map(|gone| gone.id.to_string()).collect();
            let ids = ids.join(", ");
            return Err(Failed::misunderstood(format!(
                "several mailboxes were {mailbox:?}, with UIDs of their own ({uids}): say which, by id: {ids}"
            )));
        }
        if found.is_empty() {
            let there = context.mailbox(account, mailbox)?;
            let uids = self.uids.as_ref().map(|uids| some(uids, None));
            // It may be that all is back: then that is said.
            let wanted = uids.map(|uids| Wanted::Messages(there, uids));
            return match wanted {
                Some(wanted) => Ok(vec![wanted]),
                None => Err(Failed::because(format!("nothing is gone from {mailbox:?}"))),
            };
        }
        let wanted = found.iter().map(|gone| match &self.uids {
            None => Wanted::Mailbox(gone.id),
            Some(uids) => Wanted::Messages(gone.id, some(uids, Some(gone))),
        });
        Ok(wanted.collect())
    }

    fn told(&self, undeleted: &Undeleted, report: &mut dyn Report) -> Outcome {
        for name in &undeleted.made {
            let line = Line {
                what: "made",
                mailbox: name.to_string(),
                ..Line::default()
            };
            report.row(Row::new(&line, format!("mailbox made\t{name}")));
        }
        for back in &undeleted.back {
            let mut line = Line::of(&back.was, "back");
            line.to_mailbox = Some(back.name.to_string());
            line.to_uid = Some(back.uid.0);
            let (was, now) = (&back.was, back.uid);
            let text = format!("back\t{} {}\t→ {} {now}", was.name, was.uid, back.name);
            report.row(Row::new(&line, text));
        }
        for (was, what) in [
            (&undeleted.present, "there already"),
            (&undeleted.lost, "lost: its record can't be read any more"),
        ] {
            for was in was {
                let text = format!("{what}\t{} {}", was.name, was.uid);
                report.row(Row::new(&Line::of(was, what), text));
            }
        }
        let sum = Sum {
            mailboxes: undeleted.made.len() as u64,
            messages: undeleted.back.len() as u64,
            present: undeleted.present.len() as u64,
            lost: undeleted.lost.len() as u64,
            dry_run: self.dry_run,
        };
        let would = if self.dry_run { "would be " } else { "" };
        let text = format!(
            "{would}back {}, there already {}, lost {}",
            sum.messages, sum.present, sum.lost
        );
        let summary = Row::new(&sum, text);
        if sum.lost > 0 {
            Outcome::damaged(summary)
        } else {
            Outcome::done(summary)
        }
    }

    async fn list(
        &self,
        context: &Context,
        account: &Account,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        let gone = account.gone(context.retention.of_store()).await?;
        let since = self.since.map_or(i64::MIN, Moment::unix);
        let mut sum = Sum::default();
        for mailbox in &gone.mailboxes {
            if self.mailbox.as_ref().is_some_and(|m| !is(mailbox, m)) {
                continue;
            }
            if let Some(deleted) = mailbox.deleted.as_ref().filter(|e| e.time >= since) {
                sum.mailboxes += 1;
                let line = Line {
                    what: "mailbox",
                    mailbox: mailbox.name.to_string(),
                    mailbox_id: mailbox.id.to_string(),
                    gone: Some(Moment::from_unix(deleted.time).to_string()),
                    by: Some(deleted.by.to_string()),
                    ..Line::default()
                };
                let text = line.text(mailbox.messages.len());
                report.row(Row::new(&line, text));
            }
            for message in &mailbox.messages {
                let wanted = self.uids.as_ref().is_none_or(|u| u.contains(message.uid));
                if !wanted || message.ended.time < since || report.gone() {
                    continue;
                }
                sum.messages += 1;
                let mut line = Line::gone(mailbox, message);
                match account.gone_email(message).await {
                    Ok(email) => line.subject = subject(email.digest_ref().listed),
                    Err(store::Error::Corrupt { .. }) => {
                        sum.lost += 1;
                        line.what = "lost";
                    }
                    Err(error) => return Err(error.into()),
                }
                let text = line.text(0);
                report.row(Row::new(&line, text));
            }
        }
        let text = format!("mailboxes {}, messages {}", sum.mailboxes, sum.messages);
        Ok(Outcome::done(Row::new(&sum, text)))
    }
}

/// Whether a mailbox is meant, by its name or its id.
fn is(mailbox: &GoneMailbox, meant: &str) -> bool {
    let name = MailboxName::new(meant);
    name.is_ok_and(|name| name == mailbox.name) || mailbox.id.to_string() == meant
}

/// The UIDs that are gone, and those of short ranges, which may be there already.
fn some(uids: &Uids, gone: Option<&GoneMailbox>) -> Vec<Uid> {
    let messages = gone.into_iter().flat_map(|gone| &gone.messages);
    let gone = messages.map(|m| m.uid).filter(|uid| uids.contains(*uid));
    let short = uids.ranges().filter(|range| {
        let (first, last) = (range.start().0, range.end().0);
        last - first < RANGE_MAX
    });
    let each = short.flat_map(|range| (range.start().0..=range.end().0).map(Uid));
    gone.chain(each).collect()
}

/// The subject as people read it.
fn subject(header: &[u8]) -> Option<String> {
    let field = mail::header::find(header, "Subject")?;
    Some(mail::encoded_word::decode(&field.text()))
}

impl Line {
    fn of(was: &Was, what: &'static str) -> Self {
        Self {
            what,
            mailbox: was.name.to_string(),
            mailbox_id: was.mailbox.to_string(),
            uid: Some(was.uid.0),
            ..Self::default()
        }
    }

    fn gone(mailbox: &GoneMailbox, message: &GoneMessage) -> Self {
        Self {
            what: "message",
            mailbox: mailbox.name.to_string(),
            mailbox_id: mailbox.id.to_string(),
            uid: Some(message.uid.0),
            gone: Some(Moment::from_unix(message.ended.time).to_string()),
            by: Some(message.ended.by.to_string()),
            octets: Some(message.size),
            date: Some(Moment::from_unix(message.internal_date.unix).to_string()),
            flags: Some(names(&message.flags)),
            ..Self::default()
        }
    }

    fn text(&self, messages: usize) -> String {
        let gone = self.gone.as_deref().unwrap_or("-");
        let by = self.by.as_deref().filter(|by| !by.is_empty());
        let by = by.unwrap_or("-");
        let what = match self.uid {
            None => format!(
                "{} (mailbox {}, messages {messages})",
                self.mailbox, self.mailbox_id
            ),
            Some(uid) => format!("{} {uid}", self.mailbox),
        };
        let subject: String = match (&self.subject, self.what) {
            (_, "lost") => "(can't be read any more)".to_owned(),
            (Some(subject), _) => subject.chars().filter(|c| !c.is_control()).collect(),
            (None, _) => String::new(),
        };
        let octets = self.octets.map_or_else(String::new, |n| n.to_string());
        format!("{what}\t{gone}\t{by}\t{octets}\t{subject}")
    }
}
