//! `chapar verify`: reads the whole store and names whatever is wrong.

use std::collections::HashMap;

use auth::Directory;
use clap::Args;
use server::Config;
use store::verify::{Depth, Finding, verify};

use crate::Failed;

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Leave the messages' own octets unread: checksums of records, and that they fit together
    #[arg(long)]
    quick: bool,
    /// One JSON object per finding, and one for the summary
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(crate) fn run(&self, config: &Config) -> Result<(), Failed> {
        let names = names(config);
        let depth = if self.quick {
            Depth::Records
        } else {
            Depth::Content
        };
        let summary = verify(&config.data, depth, &mut |finding| {
            let name = finding
                .account
                .and_then(|id| names.get(&id.0).map(String::as_str));
            println!(
                "{}",
                if self.json {
                    as_json(&finding, name)
                } else {
                    as_text(&finding, name)
                }
            );
        })?;
        let store::verify::Summary {
            accounts,
            mailboxes,
            messages,
            records,
            octets,
            findings,
            ..
        } = summary;
        if self.json {
            println!(
                r#"{{"accounts":{accounts},"mailboxes":{mailboxes},"messages":{messages},"records":{records},"octets":{octets},"findings":{findings}}}"#
            );
        } else {
            println!(
                "{accounts} accounts, {mailboxes} mailboxes, {messages} messages, {records} records of {octets} octets: {}",
                if findings == 0 {
                    "all well".to_owned()
                } else {
                    format!("{findings} findings")
                }
            );
        }
        if findings == 0 {
            Ok(())
        } else {
            Err(Failed::Said(3))
        }
    }
}

/// Account names by number, for findings that people read. Without them it works as well.
fn names(config: &Config) -> HashMap<u64, String> {
    let directory = Directory::open(config.accounts.clone(), config.domains.clone());
    let accounts = directory.map(|d| d.accounts()).unwrap_or_default();
    accounts
        .iter()
        .map(|a| (a.id, a.name.to_string()))
        .collect()
}

fn as_text(finding: &Finding, name: Option<&str>) -> String {
    let account = finding.account.map_or_else(String::new, |id| match name {
        Some(name) => format!(", account {name} ({id})"),
        None => format!(", account {id}"),
    });
    let mailbox = finding
        .mailbox
        .as_ref()
        .map_or_else(String::new, |m| format!(", mailbox {m}"));
    let uid = finding
        .uid
        .map_or_else(String::new, |uid| format!(", UID {uid}"));
    let Finding {
        partition,
        file,
        offset,
        what,
        ..
    } = finding;
    format!("partition {partition}{account}{mailbox}{uid}: {file}:{offset}: {what}")
}

fn as_json(finding: &Finding, name: Option<&str>) -> String {
    let text = |value: Option<String>| value.map_or_else(|| "null".to_owned(), |v| json_string(&v));
    format!(
        r#"{{"partition":{},"account":{},"name":{},"mailbox":{},"uid":{},"file":{},"offset":{},"what":{}}}"#,
        json_string(&finding.partition),
        text(finding.account.map(|id| id.to_string())),
        text(name.map(str::to_owned)),
        text(finding.mailbox.as_ref().map(ToString::to_string)),
        finding
            .uid
            .map_or_else(|| "null".to_owned(), |uid| uid.to_string()),
        json_string(&finding.file),
        finding.offset,
        json_string(&finding.what),
    )
}

/// A string as RFC 8259 §7 writes it.
fn json_string(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c.is_control() => json.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::json_string;

    #[test]
    fn strings_are_escaped() {
        for (text, expected) in [
            ("plain", r#""plain""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("x\ny", r#""x\u000ay""#),
            ("ü", "\"ü\""),
        ] {
            assert_eq!(json_string(text), expected);
        }
    }
}
