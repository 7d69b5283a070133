//! Partitions: the directories, usually disks, in which mail lies.

pub mod add;
pub mod list;
pub mod remove;
pub mod reopen;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::Report,
};

/// A verb of `chapar partition`.
#[derive(Debug, Clone, Subcommand, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "a verb's help is at its struct")]
pub enum Partition {
    Add(add::Add),
    List(list::List),
    Remove(remove::Remove),
    Reopen(reopen::Reopen),
}

impl Partition {
    pub(crate) async fn run(
        &self,
        context: &Context,
        report: &mut dyn Report,
    ) -> Result<Outcome, Failed> {
        match self {
            Self::Add(add) => add.run(context, report).await,
            Self::List(list) => list.run(context, report).await,
            Self::Remove(remove) => remove.run(context, report).await,
            Self::Reopen(reopen) => reopen.run(context, report).await,
        }
    }

    pub(crate) fn changes(&self) -> bool {
        match self {
            Self::Add(_) | Self::Remove(_) | Self::Reopen(_) => true,
            Self::List(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {

    use clap::Parser;
    use serde_json::json;
    use store::{AccountId, Arrival, Flags};

    use crate::{Context, Failed, Heard, Outcome, Request, tests::context};

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        request: Request,
    }

    async fn ask(context: &Context, line: &str) -> (Result<Outcome, Failed>, Heard) {
        let request = match line.strip_prefix("account move ") {
            Some(rest) => {
                let (account, partition) = rest.split_once(' ').unwrap();
                Request::Account(crate::account::Account::Move(
                    crate::account::relocate::Move {
                        account: account.into(),
                        partition: partition.into(),
                        dry_run: false,
                    },
                ))
            }
            None => Line::parse_from(["chapar"].into_iter().chain(line.split(' '))).request,
        };
        let mut heard = Heard::default();
        let outcome = request.run(context, &mut heard).await;
        (outcome, heard)
    }

    async fn deliver(context: &Context, id: AccountId) {
        let account = context.store.account(id).await.unwrap();
        let mut incoming = context.store.receive().await.unwrap();
        incoming.write(b"Subject: x\r\n\r\ny\r\n").await.unwrap();
        let arrival = Arrival {
            message: incoming.finish().await.unwrap(),
            trace: vec![],
            flags: Flags::default(),
            internal_date: None,
        };
        let inbox = context.mailbox(&account, "INBOX").unwrap();
        account.append(inbox, vec![arrival]).await.unwrap();
    }

    #[tokio::test]
    async fn a_partition_from_its_beginning_to_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let context = context(directory.path()).await;
        deliver(&context, AccountId(7)).await;
        let (planned, _) = ask(&context, "partition add slow --dry-run").await;
        assert_eq!(planned.unwrap().summary.object["dry_run"], true);
        assert_eq!(context.store.partition_statuses().await.unwrap().len(), 1);
        let path = directory.path().join("elsewhere");
        let add = format!("partition add slow --path {}", path.display());
        ask(&context, &add).await.0.unwrap();
        assert!(path.join("partition.toml").is_file());
        let (again, _) = ask(&context, &add).await;
        assert_eq!(again.unwrap_err().code, Failed::COULD_NOT);
        // What is typed is made absolute where it is typed; a request by hand may not be.
        let here = json!({"verb": "partition", "do": "add", "name": "x", "path": "here"});
        let here: Request = serde_json::from_value(here).unwrap();
        let relative = here.run(&context, &mut Heard::default()).await;
        assert_eq!(relative.unwrap_err().code, Failed::MISUNDERSTOOD);

        let (planned, _) = ask(&context, "mailbox move A7 INBOX slow --dry-run").await;
        assert_eq!(planned.unwrap().summary.object["messages"], 1);
        let (moved, heard) = ask(&context, "mailbox move A7 INBOX slow").await;
        assert_eq!(moved.unwrap().summary.object["messages"], 1);
        assert_eq!(heard.progress, Some((1, 1, "messages".into())));
        let (refused, heard) = ask(&context, "partition remove slow").await;
        assert_eq!(refused.unwrap_err().code, Failed::COULD_NOT);
        let row = &heard.rows[0].object;
        assert_eq!(
            (&row["messages"], &row["is_there"]),
            (&1.into(), &false.into())
        );

        ask(&context, "account move A7 slow").await.0.unwrap();
        let (_, heard) = ask(&context, "partition list").await;
        let rows: Vec<_> = heard.rows.iter().map(|row| &row.object).collect();
        assert_eq!(
            (&rows[0]["accounts"], &rows[1]["accounts"]),
            (&0.into(), &1.into())
        );
        assert_eq!(rows[1]["path"], path.display().to_string());
        ask(&context, "account move A7 default").await.0.unwrap();
        // It has a partition of its own still.
        let (needed, heard) = ask(&context, "partition remove slow --dry-run").await;
        assert_eq!(needed.unwrap().summary.object["accounts"], 1);
        assert_eq!(heard.rows[0].object["mailboxes"], 1);
        ask(&context, "mailbox move A7 INBOX default")
            .await
            .0
            .unwrap();
        ask(&context, "partition remove slow").await.0.unwrap();
        assert_eq!(context.store.partition_statuses().await.unwrap().len(), 1);
        let (in_service, _) = ask(&context, "partition reopen default").await;
        assert_eq!(in_service.unwrap_err().code, Failed::COULD_NOT);
        let mut findings = 0;
        let summary = context
            .store
            .verify(store::verify::Depth::Content, &mut |_| findings += 1);
        assert_eq!((summary.unwrap().messages, findings), (1, 0));
    }
}
