//! `chapar verify`: reads the whole store and names whatever is wrong.

use std::{
    collections::HashMap,
    fmt::Write as _,
    fs,
    io::{self, Write},
    sync::Arc,
};

use auth::Directory;
use clap::Args;
use server::Config;
use store::{
    AccountId,
    verify::{Depth, Finding, Summary, verify},
};

use crate::{Failed, screen::Screen};

/// The exit code for damage.
const DAMAGED: u8 = 3;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Report what is wrong with this account (a name, or an id such as A1f0c29), and what is
    /// nobody's; all of the store is read all the same
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Leave the messages' own octets unread: checksums of records, and that they fit together
    #[arg(long)]
    quick: bool,
    /// One JSON object per finding, and one for the summary
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) fn run(&self, config: &Config, out: &mut Screen) -> Result<(), Failed> {
        if let Err(error) = fs::read_dir(&config.data) {
            let data = config.data.display();
            return Err(Failed::Because(format!("{data}: {error}")));
        }
        let names = Names::read(config);
        let only = match &self.account {
            Some(account) => Some(names.account(account)?),
            None => None,
        };
        let depth = if self.quick {
            Depth::Records
        } else {
            Depth::Content
        };
        let mut findings = 0_u64;
        let mut printed = Ok(());
        let summary = verify(&config.data, depth, &mut |finding| {
            if only.is_none() || finding.account.is_none() || finding.account == only {
                findings += 1;
                let line = if self.json {
                    as_json(&finding, &names)
                } else {
                    as_text(&finding, &names)
                };
                if printed.is_ok() {
                    printed = writeln!(out, "{line}");
                }
            }
        })?;
        printed?;
        self.sum_up(&summary, findings, out)?;
        if findings > 0 {
            return Err(Failed::Said(DAMAGED));
        }
        Ok(())
    }

    fn sum_up(&self, summary: &Summary, findings: u64, out: &mut Screen) -> io::Result<()> {
        let &Summary {
            accounts,
            mailboxes,
            messages,
            records,
            octets,
            ..
        } = summary;
        if self.json {
            return writeln!(
                out,
                r#"{{"accounts":{accounts},"mailboxes":{mailboxes},"messages":{messages},"records":{records},"octets":{octets},"findings":{findings}}}"#
            );
        }
        let verdict = match findings {
            0 if records == 0 => "there is no mail here yet".to_owned(),
            0 => "all well".to_owned(),
            _ => format!("findings {findings}"),
        };
        writeln!(
            out,
            "accounts {accounts}, mailboxes {mailboxes}, messages {messages}, \
             records {records}, octets {octets}: {verdict}"
        )
    }
}

/// What accounts are called. One that has been removed has no name.
struct Names(HashMap<AccountId, Arc<str>>);

impl Names {
    /// An accounts file that is broken does not keep the mail from being verified.
    fn read(config: &Config) -> Self {
        let directory = Directory::open(config.accounts.clone(), config.domains.clone());
        let accounts = directory.map(|directory| directory.accounts());
        if let Err(error) = &accounts {
            eprintln!("chapar: {error}");
        }
        let named = |account: Arc<auth::directory::Account>| {
            (AccountId(account.id), Arc::clone(&account.name))
        };
        Self(accounts.into_iter().flatten().map(named).collect())
    }

    fn account(&self, account: &str) -> Result<AccountId, Failed> {
        let lower = account.to_lowercase();
        let named = self.0.iter().find(|(_, name)| ***name == *lower);
        named
            .map(|(id, _)| *id)
            .or_else(|| account.parse().ok())
            .ok_or_else(|| Failed::Because(format!("there is no account {account:?}")))
    }
}

fn as_text(finding: &Finding, names: &Names) -> String {
    let mut text = format!("partition {}", finding.partition);
    // Writing to a String can't fail.
    if let Some(id) = finding.account {
        let _ = match names.0.get(&id) {
            Some(name) => write!(text, ", account {name} ({id})"),
            None => write!(text, ", account {id}"),
        };
    }
    if let Some(mailbox) = &finding.mailbox {
        let _ = write!(text, ", mailbox {mailbox}");
    }
    if let Some(uid) = finding.uid {
        let _ = write!(text, ", UID {uid}");
    }
    let (file, offset, what) = (&finding.file, finding.offset, &finding.what);
    format!("{text}: {file}:{offset}: {what}")
}

/// An object of RFC 8259, with `null` for what is not known or does not apply.
fn as_json(finding: &Finding, names: &Names) -> String {
    let null = || "null".to_owned();
    let text = |text: Option<&str>| text.map_or_else(null, json_string);
    let account = finding.account.map(|id| id.to_string());
    let name = finding.account.and_then(|id| names.0.get(&id));
    let mailbox = finding.mailbox.as_ref().map(ToString::to_string);
    format!(
        r#"{{"partition":{},"account":{},"name":{},"mailbox":{},"uid":{},"file":{},"offset":{},"what":{}}}"#,
        json_string(&finding.partition),
        text(account.as_deref()),
        text(name.map(|name| &**name)),
        text(mailbox.as_deref()),
        finding.uid.map_or_else(null, |uid| uid.to_string()),
        json_string(&finding.file),
        finding.offset,
        json_string(&finding.what),
    )
}

/// A string of RFC 8259 §7.
fn json_string(text: &str) -> String {
    let mut json = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => {
                // Control characters are all in the first plane.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use store::Uid;

    use super::*;

    #[test]
    fn a_finding_is_a_line_or_an_object() {
        let names = Names(HashMap::from([(AccountId(0x1f), "ann".into())]));
        let mut finding = Finding {
            partition: "default".into(),
            account: Some(AccountId(0x1f)),
            mailbox: None,
            uid: Some(Uid(2)),
            file: "log/1.log".into(),
            offset: 77,
            what: "a \"quoted\"\n\u{85}back\\slash, ü".into(),
        };
        assert_eq!(
            as_json(&finding, &names),
            r#"{"partition":"default","account":"A1f","name":"ann","mailbox":null,"uid":2,"file":"log/1.log","offset":77,"what":"a \"quoted\"\u000a\u0085back\\slash, ü"}"#
        );
        finding.what = "damaged".into();
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
            assert_eq!(as_text(&finding, &names), expected);
        }
    }
}
