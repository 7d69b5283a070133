//! `verify`: reads the whole store and names whatever is wrong.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::Path,
    sync::Arc,
};

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{
    AccountId, MailboxName, Store,
    verify::{Depth, Finding, Summary, Walked, octets},
};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// After how many octets it is looked whether anybody still waits for the end.
const LOOK_OCTETS: u64 = 1 << 20;

/// Read the whole store and name whatever is wrong; changes nothing, may run beside the server
///
/// What is found is named by partition, account, mailbox, UID, file and offset. Exit code 0: all
/// well; 3: something is damaged. Where no server has the store, or its control socket does
/// not answer, the files are read all the same.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar verify
  chapar verify --account ann@example.org --mailbox Archive/2025
  chapar verify --quick --json")]
pub struct Verify {
    /// Report what is wrong in this partition
    #[arg(long)]
    pub partition: Option<String>,
    /// Report what is wrong with this account (a name, or an id such as A1f0c29), and what is
    /// nobody's; all of the store is read all the same
    #[arg(long)]
    pub account: Option<String>,
    /// Report what is wrong with this mailbox of the account, and what is of no mailbox
    #[arg(long, requires = "account")]
    pub mailbox: Option<String>,
    /// Leave the messages' own octets unread: checksums of records, and that they fit together
    #[arg(long)]
    pub quick: bool,
}

/// What accounts are called.
pub type Names = BTreeMap<AccountId, Arc<str>>;

/// A finding for programs.
#[derive(Serialize)]
struct Found<'a> {
    partition: &'a str,
    account: Option<String>,
    name: Option<&'a str>,
    mailbox: Option<&'a str>,
    uid: Option<u32>,
    file: &'a str,
    offset: u64,
    what: &'a str,
}

/// The summary for programs.
#[derive(Serialize)]
struct Sum {
    accounts: u64,
    mailboxes: u64,
    messages: u64,
    records: u64,
    octets: u64,
    findings: u64,
}

/// Verifies something, telling how far it is and what it finds.
type Look<'a> =
    &'a dyn Fn(Depth, &mut Walked<'_>, &mut dyn FnMut(Finding)) -> Result<Summary, store::Error>;

impl Verify {
    /// Verifies an open store, and that what is open of it is what its files say.
    ///
    /// # Errors
    /// There is no such account or mailbox; the files can't be read.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        if let (Some(account), Some(mailbox)) = (&self.account, &self.mailbox) {
            let id = meant(&context.names(), account)?;
            let name = MailboxName::new(mailbox)?;
            // It may have had one, or it may be lost: it is looked for all the same.
            if !has(&context.store, id, &name).await {
                let account = context.display(id);
                report.note(&format!("{account} has no mailbox {mailbox:?} now"));
            }
        }
        let look = |depth, walked: &mut Walked<'_>, found: &mut dyn FnMut(Finding)| {
            context.store.verify_watched(depth, walked, found)
        };
        self.look((&context.data, &context.names()), &look, report)
    }

    /// Verifies the files of a store, which a server may have open.
    ///
    /// # Errors
    /// As [`Verify::run`].
    pub fn walk(
        &self,
        data: &Path,
        names: &Names,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        if let Err(error) = fs::read_dir(data) {
            return Err(Failed::because(format!("{}: {error}", data.display())));
        }
        let look = |depth, walked: &mut Walked<'_>, found: &mut dyn FnMut(Finding)| {
            store::verify::verify_watched(data, depth, walked, found)
        };
        self.look((data, names), &look, report)
    }

    pub(crate) fn look(
        &self,
        (data, names): (&Path, &Names),
        look: Look<'_>,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        let account = match &self.account {
            Some(account) => Some(meant(names, account)?),
            None => None,
        };
        if let Some(partition) = &self.partition
            && data
                .join("partitions")
                .join(partition)
                .symlink_metadata()
                .is_err()
        {
            return Err(Failed::because(format!(
                "there is no partition {partition:?}"
            )));
        }
        let mailbox = match &self.mailbox {
            Some(mailbox) => Some(MailboxName::new(mailbox)?),
            None => None,
        };
        let wanted = |finding: &Finding| {
            let partition = self.partition.as_deref();
            partition.is_none_or(|partition| *finding.partition == *partition)
                && (account.is_none() || finding.account.is_none() || finding.account == account)
                && (mailbox.is_none() || finding.mailbox.is_none() || finding.mailbox == mailbox)
        };
        let depth = if self.quick {
            Depth::Records
        } else {
            Depth::Content
        };
        let octets = octets(data, depth);
        let mut findings = 0_u64;
        let (report, gone) = (RefCell::new(report), Cell::new(false));
        let mut next = 0;
        let mut walked = |done: u64| {
            if done < next {
                return ControlFlow::Continue(());
            }
            next = done + LOOK_OCTETS;
            let mut report = report.borrow_mut();
            report.progress(done.min(octets), octets, "octets");
            gone.set(report.gone());
            if gone.get() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let summary = look(depth, &mut walked, &mut |finding| {
            if wanted(&finding) && !gone.get() {
                findings += 1;
                report.borrow_mut().row(row(&finding, names));
            }
        })?;
        if gone.get() {
            return Err(Failed::because("broken off: not everything was looked at"));
        }
        let summary = sum(&summary, findings);
        Ok(match findings {
            0 => Outcome::done(summary),
            _ => Outcome::damaged(summary),
        })
    }
}

async fn has(store: &Store, account: AccountId, mailbox: &MailboxName) -> bool {
    let stored = store.accounts().await;
    // To open one that is not there would make it.
    if !stored.is_ok_and(|accounts| accounts.contains(&account)) {
        return false;
    }
    let account = store.account(account).await;
    account.is_ok_and(|account| account.snapshot().named(mailbox).is_some())
}

/// An account that is damaged may not be found in the store, so that every id is believed.
fn meant(names: &Names, account: &str) -> Result<AccountId, Failed> {
    let lower = account.to_lowercase();
    let found = names.iter().find(|(_, name)| ***name == *lower);
    found
        .map(|(id, _)| *id)
        .or_else(|| account.parse().ok())
        .ok_or_else(|| Failed::because(format!("there is no account {account:?}")))
}

fn row(finding: &Finding, names: &Names) -> Row {
    let mailbox = finding.mailbox.as_ref();
    let found = Found {
        partition: &finding.partition,
        account: finding.account.map(|id| id.to_string()),
        name: finding
            .account
            .and_then(|id| names.get(&id))
            .map(|name| &**name),
        mailbox: mailbox.map(MailboxName::as_str),
        uid: finding.uid.map(|uid| uid.0),
        file: &finding.file,
        offset: finding.offset,
        what: &finding.what,
    };
    let mut line = vec![format!("partition {}", found.partition)];
    match (&found.account, found.name) {
        (Some(id), Some(name)) => line.push(format!("account {name} ({id})")),
        (Some(id), None) => line.push(format!("account {id}")),
        (None, _) => {}
    }
    line.extend(found.mailbox.map(|mailbox| format!("mailbox {mailbox}")));
    line.extend(found.uid.map(|uid| format!("UID {uid}")));
    let (line, file, offset, what) = (line.join(", "), found.file, found.offset, found.what);
    Row::new(&found, format!("{line}: {file}:{offset}: {what}"))
}

fn sum(summary: &Summary, findings: u64) -> Row {
    let &Summary {
        accounts,
        mailboxes,
        messages,
        records,
        octets,
        ..
    } = summary;
    let verdict = match findings {
        0 if records == 0 => "there is no mail here yet".to_owned(),
        0 => "all well".to_owned(),
        _ => format!("findings {findings}"),
    };
    let line = format!(
        "accounts {accounts}, mailboxes {mailboxes}, messages {messages}, \
         records {records}, octets {octets}: {verdict}"
    );
    let sum = Sum {
        accounts,
        mailboxes,
        messages,
        records,
        octets,
        findings,
    };
    Row::new(&sum, line)
}

#[cfg(test)]
mod tests {
    use store::Uid;

    use super::*;

    #[test]
    fn a_finding_is_a_line_and_an_object() {
        let names = Names::from([(AccountId(0x1f), "ann".into())]);
        let mut finding = Finding {
            partition: "default".into(),
            account: Some(AccountId(0x1f)),
            mailbox: None,
            uid: Some(Uid(2)),
            file: "log/1.log".into(),
            offset: 77,
            what: "damaged".into(),
        };
        assert_eq!(
            serde_json::to_string(&row(&finding, &names).object).unwrap(),
            r#"{"partition":"default","account":"A1f","name":"ann","mailbox":null,"uid":2,"file":"log/1.log","offset":77,"what":"damaged"}"#
        );
        for (account, expected) in [
            (
                Some(0x1f),
                "partition default, account ann (A1f), UID 2: log/1.log:77: damaged",
            ),
            (
                Some(0x20),
                "partition default, account A20, UID 2: log/1.log:77: damaged",
            ),
            (None, "partition default, UID 2: log/1.log:77: damaged"),
        ] {
            finding.account = account.map(AccountId);
            assert_eq!(row(&finding, &names).line, expected);
        }
    }

    #[test]
    fn an_account_is_meant_by_its_name_or_any_id() {
        let names = Names::from([(AccountId(0x1f), "ann".into())]);
        assert_eq!(meant(&names, "Ann"), Ok(AccountId(0x1f)));
        assert_eq!(meant(&names, "A2"), Ok(AccountId(2)));
        assert!(meant(&names, "bob").is_err());
    }
}
