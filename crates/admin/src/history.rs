//! `history`: what happened to mail, when, and by whom.

use std::ops::ControlFlow;

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{
    EmailId, Flags, MailboxName, SystemFlags, Uid,
    past::{Event, Happened, Place, Which},
};

use crate::{
    context::Context,
    moment::Moment,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Show what happened to mail: arrivals, moves, flags, deletions; when, and by whom
///
/// Of a whole account, of a mailbox (and of what was in it), or of one message: by its UID in a
/// mailbox, by its Message-ID, or by its EMAILID. Names are those of now or of then.
/// Messages that are gone are found too, as far back as the log goes.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar history ann@example.org INBOX 1234
  chapar history ann --message-id \"<20261120.1@example.net>\"
  chapar history ann Archive --since 14d --json")]
pub struct History {
    /// The account: a name, or an id such as A1f0c29
    pub account: String,
    /// Only of this mailbox, which may be gone
    #[serde(default)]
    pub mailbox: Option<String>,
    /// Only of the message that has or had this UID there
    #[serde(default)]
    pub uid: Option<u32>,
    /// Only of messages with this Message-ID
    #[arg(long, value_name = "ID", conflicts_with_all = ["mailbox", "email"])]
    #[serde(default)]
    pub message_id: Option<String>,
    /// Only of the message with this EMAILID
    #[arg(long, value_name = "EMAILID", conflicts_with = "mailbox")]
    #[serde(default)]
    pub email: Option<String>,
    /// Nothing that happened before this
    #[arg(long, value_name = "MOMENT")]
    #[serde(default)]
    pub since: Option<Moment>,
}

/// An event for programs.
#[derive(Debug, Default, Serialize)]
struct Line {
    time: String,
    mod_seq: u64,
    by: Option<String>,
    what: &'static str,
    mailbox: Option<String>,
    uid: Option<u32>,
    email: Option<String>,
    from_mailbox: Option<String>,
    from_uid: Option<u32>,
    entry: Option<String>,
    flags: Option<Vec<String>>,
    flags_before: Option<Vec<String>>,
    /// Who has seen it, by the account's id.
    reader: Option<String>,
}

#[derive(Debug, Serialize)]
struct Sum {
    events: u64,
}

impl History {
    /// A row per event, in order; how many there were.
    ///
    /// # Errors
    /// There is no such account; what the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let account = context.account_with_mail(&self.account).await?;
        let which = self.which()?;
        let since = self.since.map_or(i64::MIN, Moment::unix);
        let mut events = 0;
        let mut visit = |event: Event| {
            if event.time >= since {
                events += 1;
                let line = Line::new(&event);
                let text = line.text();
                report.row(Row::new(&line, text));
            }
            if report.gone() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        account.history(&which, &mut visit).await?;
        if events == 0 && which != Which::Everything && self.since.is_none() {
            report.note("nothing is known of that: see what it is called, or was, by `chapar history ACCOUNT`");
        }
        let text = format!("events {events}");
        Ok(Outcome::done(Row::new(&Sum { events }, text)))
    }

    fn which(&self) -> Result<Which, Failed> {
        if let Some(id) = &self.message_id {
            return Ok(Which::MessageId(id.clone()));
        }
        if let Some(email) = &self.email {
            let id = email.parse::<EmailId>();
            let wrong = |()| Failed::misunderstood(format!("{email:?} is no EMAILID: E1f"));
            return Ok(Which::Email(id.map_err(wrong)?));
        }
        let Some(mailbox) = &self.mailbox else {
            return match self.uid {
                Some(_) => Err(Failed::misunderstood("a UID needs its mailbox before it")),
                None => Ok(Which::Everything),
            };
        };
        let mailbox = MailboxName::new(mailbox)?;
        Ok(match self.uid {
            Some(uid) => Which::Message(mailbox, Uid(uid)),
            None => Which::Mailbox(mailbox),
        })
    }
}

impl Line {
    fn new(event: &Event) -> Self {
        let mut line = Self {
            time: Moment::from_unix(event.time).to_string(),
            mod_seq: event.mod_seq.0,
            by: (!event.by.is_empty()).then(|| event.by.to_string()),
            ..Self::default()
        };
        line.what = match &event.what {
            Happened::Arrived { at, flags, .. } => {
                line.flags = Some(names(flags));
                line.at(at, "arrived")
            }
            Happened::Copied { from, to } => line.from(from).at(to, "copied"),
            Happened::Moved { from, to } => line.from(from).at(to, "moved"),
            Happened::Undeleted { at } => line.at(at, "undeleted"),
            Happened::FlagsChanged { at, from, to } => {
                line.flags_before = Some(names(from));
                line.flags = Some(names(to));
                line.at(at, "flags")
            }
            Happened::AnnotationSet { at, entry, there } => {
                line.entry = Some(entry.to_string());
                let what = if *there {
                    "annotated"
                } else {
                    "annotation removed"
                };
                line.at(at, what)
            }
            Happened::SeenSet { at, reader, seen } => {
                line.reader = Some(reader.to_string());
                line.at(at, if *seen { "seen" } else { "unseen" })
            }
            Happened::Expunged { at } => line.at(at, "expunged"),
            Happened::WentWithMailbox { at } => line.at(at, "went with its mailbox"),
            Happened::MailboxCreated { name, .. } => line.mailbox(name, "mailbox created"),
            Happened::MailboxRenamed { from, to, .. } => {
                line.from_mailbox = Some(from.to_string());
                line.mailbox(to, "mailbox renamed")
            }
            Happened::MailboxDeleted { name, .. } => line.mailbox(name, "mailbox deleted"),
            Happened::HeldSet { mailbox, held } => {
                line.mailbox = mailbox.as_ref().map(|(_, name)| name.to_string());
                if *held { "held" } else { "hold lifted" }
            }
            Happened::ExpirySet { mailbox, .. } => {
                line.mailbox = mailbox.as_ref().map(|(_, name)| name.to_string());
                "expiry set"
            }
            Happened::RightsSet { mailbox, entries } => {
                line.mailbox = Some(mailbox.1.to_string());
                let told = |(identifier, rights): &(_, _)| format!("{identifier} {rights}");
                line.entry = Some(entries.iter().map(told).collect::<Vec<_>>().join(", "));
                "rights set"
            }
            Happened::QuotaSet { root, quota } => {
                line.mailbox = root.as_ref().map(ToString::to_string);
                if quota.is_some() {
                    "quota set"
                } else {
                    "quota removed"
                }
            }
            Happened::MetadataSet {
                mailbox,
                entry,
                there,
            } => {
                line.mailbox = mailbox.as_ref().map(|(_, name)| name.to_string());
                line.entry = Some(entry.to_string());
                if *there {
                    "metadata set"
                } else {
                    "metadata removed"
                }
            }
        };
        line
    }

    fn at(&mut self, place: &Place, what: &'static str) -> &'static str {
        self.uid = Some(place.uid.0);
        self.email = Some(place.email.to_string());
        self.mailbox(&place.name, what)
    }

    fn mailbox(&mut self, name: &MailboxName, what: &'static str) -> &'static str {
        self.mailbox = Some(name.to_string());
        what
    }

    fn from(&mut self, place: &Place) -> &mut Self {
        self.from_mailbox = Some(place.name.to_string());
        self.from_uid = Some(place.uid.0);
        self
    }

    fn text(&self) -> String {
        let place = |mailbox: &Option<String>, uid: Option<u32>| {
            let mailbox = mailbox.as_deref().unwrap_or("the account");
            uid.map_or_else(|| mailbox.to_owned(), |uid| format!("{mailbox} {uid}"))
        };
        let mut text = format!("{}\t", self.what);
        if self.from_mailbox.is_some() {
            text.push_str(&place(&self.from_mailbox, self.from_uid));
            text.push_str(" → ");
        }
        text.push_str(&place(&self.mailbox, self.uid));
        if let (Some(before), Some(flags)) = (&self.flags_before, &self.flags) {
            let list = |flags: &[String]| format!("({})", flags.join(" "));
            text = format!("{text} {} → {}", list(before), list(flags));
        }
        if let Some(entry) = &self.entry {
            text = format!("{text} {entry}");
        }
        let by = self.by.as_deref().unwrap_or("-");
        format!("{}\t{}\t{by}\t{text}", self.time, self.mod_seq)
    }
}

/// Flags as IMAP writes them.
pub(crate) fn names(flags: &Flags) -> Vec<String> {
    let system = [
        (SystemFlags::ANSWERED, "\\Answered"),
        (SystemFlags::FLAGGED, "\\Flagged"),
        (SystemFlags::DELETED, "\\Deleted"),
        (SystemFlags::SEEN, "\\Seen"),
        (SystemFlags::DRAFT, "\\Draft"),
    ];
    let system = system
        .iter()
        .filter(|(flag, _)| flags.system.contains(*flag))
        .map(|(_, name)| (*name).to_owned());
    system
        .chain(flags.keywords.iter().map(ToString::to_string))
        .collect()
}
