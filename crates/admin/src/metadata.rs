//! `metadata`: named values that mailboxes have, and accounts.

use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};
use serde::{Deserialize, Serialize};
use store::{AccountId, MailboxId, Metadata as Of, MetadataLimits, metadata::Entry};

use crate::{
    chosen,
    context::Context,
    named::Mailboxes,
    outcome::{Failed, Outcome},
    report::{Report, Row},
    whose::{Accounts, Meant, New, Typed, matches},
};

/// Entries that cyradm knows by one word, below what is private or shared.
const CYRUS: &str = "/vendor/cmu/cyrus-imapd/";

/// Show, set and remove metadata of mailboxes and accounts
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Metadata {
    Show(Show),
    Set(Set),
    Remove(Remove),
}

/// Show metadata: named values of mailboxes and accounts (RFC 5464)
///
/// Without a mailbox, of the account and of all its mailboxes; the mailbox '' is the account alone. Entries are named
/// as in IMAP, and may have a *.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar metadata show ann@example.org
  chapar metadata show ann INBOX \"/private/*\" --json
  chapar metadata show --shared \"*\" comment")]
pub struct Show {
    /// Which mailbox, and which entries.
    #[command(flatten)]
    pub of: Entries,
}

/// Set metadata of mailboxes, or of accounts
///
/// What does not begin with /private/ or /shared/ is shared, or private with --private; words that cyradm has for
/// Cyrus's entries (comment, sharedseen …) are these.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar metadata set ann@example.org Projects /shared/comment \"all of it\"
  chapar metadata set @example.org \"board/*\" sharedseen true --dry-run
  chapar metadata set ann \"\" /private/vendor/kolab/x 7")]
pub struct Set {
    /// Which mailbox, which entries, and their values.
    #[command(flatten)]
    pub of: Entries,
    /// What is not said to be shared is private to the account's user
    #[arg(long)]
    #[serde(default)]
    pub private: bool,
    /// Only say what would be set
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Remove metadata of mailboxes, or of accounts
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar metadata remove ann@example.org Projects /shared/comment
  chapar metadata remove --all \"*\" \"/private/vendor/old/*\" --dry-run")]
pub struct Remove {
    /// Which mailbox, and which entries.
    #[command(flatten)]
    pub of: Entries,
    /// What is not said to be shared is private to the account's user
    #[arg(long)]
    #[serde(default)]
    pub private: bool,
    /// Only say what would be removed
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

/// Which mailboxes, and words about their entries: typed `ACCOUNT MAILBOX ENTRY…`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entries {
    /// Which mailboxes; `""`: the account.
    pub mailboxes: Mailboxes,
    /// Names of entries; for `set`, each with its value.
    #[serde(default)]
    pub entries: Vec<String>,
}

impl FromArgMatches for Entries {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut mailboxes = Mailboxes::from_arg_matches(matches)?;
        let entries = mailboxes.names.split_off(mailboxes.names.len().min(1));
        Ok(Self { mailboxes, entries })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Entries {
    fn augment_args(command: Command) -> Command {
        let help = "Names of entries, each with its value where they are set; -- before them if a value begins with a dash";
        Typed::augment(command, "ENTRY", help)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// An entry for programs.
#[derive(Debug, Serialize)]
struct Line<'a> {
    account: String,
    name: &'a str,
    /// `null`: the account.
    mailbox: Option<&'a str>,
    entry: &'a str,
    /// Whose private value it is, if another user's.
    of: Option<String>,
    /// `null`: it goes.
    value: Option<String>,
}

#[derive(Debug, Serialize)]
struct Sum {
    accounts: u64,
    entries: u64,
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

impl Metadata {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Show(show) => show.run(context, report).await,
            Self::Set(set) => set.run(context, report).await,
            Self::Remove(remove) => remove.run(context, report).await,
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Show(_) => false,
            Self::Set(set) => !set.dry_run,
            Self::Remove(remove) => !remove.dry_run,
        }
    }

    /// Whose it is about.
    pub(crate) fn mailboxes(&self) -> &Mailboxes {
        match self {
            Self::Show(it) => &it.of.mailboxes,
            Self::Set(it) => &it.of.mailboxes,
            Self::Remove(it) => &it.of.mailboxes,
        }
    }
}

impl Entries {
    /// What of an account is meant: `None` is the account as a whole.
    fn places(
        &self,
        context: &Context,
        meant: &Meant,
        one: bool,
    ) -> Result<Vec<Option<MailboxId>>, Failed> {
        let Some(pattern) = self.mailboxes.names.first() else {
            let all = chosen::mailboxes(context, meant, "*", one)?;
            return Ok([None]
                .into_iter()
                .chain(all.into_iter().map(Some))
                .collect());
        };
        if pattern.is_empty() {
            return Ok(vec![None]);
        }
        let named = chosen::mailboxes(context, meant, pattern, one)?;
        Ok(named.into_iter().map(Some).collect())
    }
}

/// An entry's whole name; ours, where Cyrus has another for it.
fn whole(name: &str, private: bool) -> String {
    let name = spelt_out(name, private);
    store::metadata::meant(&name).map_or(name, str::to_owned)
}

fn spelt_out(name: &str, private: bool) -> String {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("/private/") || lower.starts_with("/shared/") {
        return name.to_owned();
    }
    let scope = if private { "/private" } else { "/shared" };
    match name {
        "comment" => format!("{scope}/comment"),
        name if name.starts_with('/') => format!("{scope}{name}"),
        "*" => format!("{scope}/*"),
        word => format!("{scope}{CYRUS}{word}"),
    }
}

/// What a place has.
fn of(snapshot: &store::Snapshot, place: Option<MailboxId>) -> Option<&Of> {
    match place {
        None => Some(snapshot.metadata()),
        Some(id) => snapshot.mailbox(id).map(|mailbox| mailbox.metadata()),
    }
}

impl Show {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut wanted: Vec<String> = Vec::new();
        for name in &self.of.entries {
            wanted.extend([whole(name, false), whole(name, true)].map(|it| it.to_lowercase()));
        }
        let wanted = |name: &str| {
            let name = name.to_ascii_lowercase();
            wanted.is_empty() || wanted.iter().any(|pattern| matches(pattern, &name))
        };
        let mut accounts = self.of.mailboxes.accounts(context, New::LeftOut).await?;
        let mut entries = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            let snapshot = meant.account.snapshot();
            for place in self.of.places(context, &meant, accounts.one)? {
                let Some(metadata) = of(&snapshot, place) else {
                    continue;
                };
                // What begins otherwise a protocol keeps for itself: keys are among it.
                let every = metadata
                    .every()
                    .filter(|(_, name, _)| name.starts_with('/'));
                for (owner, name, value) in every.filter(|(_, name, _)| wanted(name)) {
                    entries += 1;
                    let value = String::from_utf8_lossy(value);
                    let what = (place, name.as_ref(), Some(value.as_ref()));
                    tell(context, (&accounts, &meant), (owner, what), report);
                }
            }
        }
        Ok(outcome(&accounts, entries, ("entries", None)))
    }
}

impl Set {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        self.of.mailboxes.some()?;
        let pairs = self.of.entries.chunks(2);
        let entries: Vec<Entry> = pairs
            .map(|pair| match pair {
                [name, value] => Ok(Entry {
                    name: whole(name, self.private).into(),
                    value: Some(value.as_bytes().into()),
                }),
                _ => Err(Failed::misunderstood("say which entry, and its value")),
            })
            .collect::<Result<_, Failed>>()?;
        if entries.is_empty() {
            return Err(Failed::misunderstood("say which entry, and its value"));
        }
        let mut accounts = self.of.mailboxes.accounts(context, New::LeftOut).await?;
        let mut set = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            for place in self.of.places(context, &meant, accounts.one)? {
                if !self.dry_run
                    && let Err(failed) = write(&meant, place, &entries).await
                {
                    accounts.trouble(report, &meant.name, failed)?;
                    continue;
                }
                for entry in &entries {
                    set += 1;
                    let value = entry.value.as_deref().unwrap_or_default();
                    let value = String::from_utf8_lossy(value);
                    let what = (place, entry.name.as_ref(), Some(value.as_ref()));
                    tell(context, (&accounts, &meant), (None, what), report);
                }
            }
        }
        Ok(outcome(&accounts, set, ("set", Some(self.dry_run))))
    }
}

impl Remove {
    async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        self.of.mailboxes.some()?;
        if self.of.entries.is_empty() {
            return Err(Failed::misunderstood("say which entries; '*' are all"));
        }
        let named = self.of.entries.iter();
        let wanted: Vec<String> = named
            .map(|name| whole(name, self.private).to_lowercase())
            .collect();
        let mut accounts = self.of.mailboxes.accounts(context, New::LeftOut).await?;
        let mut removed = 0;
        while let Some(meant) = accounts.next(context, report).await? {
            let snapshot = meant.account.snapshot();
            for place in self.of.places(context, &meant, accounts.one)? {
                let Some(metadata) = of(&snapshot, place) else {
                    continue;
                };
                let going: Vec<Entry> = metadata
                    .of(None)
                    .map(|(name, _)| name)
                    .filter(|name| {
                        let name = name.to_ascii_lowercase();
                        wanted.iter().any(|pattern| matches(pattern, &name))
                    })
                    .map(|name| Entry {
                        name: name.into(),
                        value: None,
                    })
                    .collect();
                if !self.dry_run
                    && let Err(failed) = write(&meant, place, &going).await
                {
                    accounts.trouble(report, &meant.name, failed)?;
                    continue;
                }
                for entry in &going {
                    removed += 1;
                    let what = (place, entry.name.as_ref(), None);
                    tell(context, (&accounts, &meant), (None, what), report);
                }
            }
        }
        Ok(outcome(&accounts, removed, ("removed", Some(self.dry_run))))
    }
}

async fn write(meant: &Meant, place: Option<MailboxId>, entries: &[Entry]) -> Result<(), Failed> {
    let limits = MetadataLimits::default();
    let writing = meant.account.set_metadata(place, None, entries, limits);
    writing.await?;
    Ok(())
}

/// An entry: where, its name, its value.
type Told<'a> = (Option<MailboxId>, &'a str, Option<&'a str>);

fn tell(
    context: &Context,
    (accounts, meant): (&Accounts, &Meant),
    (owner, (place, entry, value)): (Option<AccountId>, Told<'_>),
    report: &mut dyn Report,
) {
    let snapshot = meant.account.snapshot();
    let mailbox = place.and_then(|id| snapshot.mailbox(id));
    let line = Line {
        account: meant.id.to_string(),
        name: &meant.name,
        mailbox: mailbox.map(|mailbox| mailbox.name().as_str()),
        entry,
        of: owner.map(|id| context.name(id).to_string()),
        value: value.map(str::to_owned),
    };
    let at = line.mailbox.unwrap_or("(the account)");
    let of = line
        .of
        .as_deref()
        .map_or_else(String::new, |of| format!(" of {of}"));
    let value = value.unwrap_or_default().replace(['\t', '\r', '\n'], " ");
    let text = format!("{at}\t{entry}{of}\t{value}");
    report.row(Row::new(&line, accounts.line(meant, text.trim_end())));
}

fn outcome(accounts: &Accounts, entries: u64, (done, dry_run): (&str, Option<bool>)) -> Outcome {
    let sum = Sum {
        accounts: accounts.opened,
        entries,
        failed: accounts.failed,
        dry_run,
    };
    let would = if dry_run == Some(true) {
        "would be "
    } else {
        ""
    };
    let text = match dry_run {
        None => format!("entries {entries}, accounts {}", sum.accounts),
        Some(_) => format!(
            "{would}{done}: entries {entries}, accounts {}",
            sum.accounts
        ),
    };
    accounts.outcome(Row::new(&sum, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_whole_names() {
        for (name, private, expected) in [
            ("/shared/comment", true, "/shared/comment"),
            ("/Private/x", false, "/Private/x"),
            ("comment", false, "/shared/comment"),
            ("comment", true, "/private/comment"),
            ("/vendor/x/y", true, "/private/vendor/x/y"),
            ("*", true, "/private/*"),
            ("squat", false, "/shared/vendor/cmu/cyrus-imapd/squat"),
            ("sharedseen", false, store::SHARED_SEEN),
            ("expire", false, store::metadata::EXPIRE),
        ] {
            assert_eq!(whole(name, private), expected, "{name}");
        }
    }
}
