//! `partition list`: what there is, and how it is.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::partition::PartitionStatus;

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Show the partitions: where they are, what they take, and whether they are in service
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar partition list
  chapar partition list --json")]
pub struct List {}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    path: Option<String>,
    accounts: Option<u64>,
    octets: Option<u64>,
    octets_free: Option<u64>,
    in_service: bool,
    why_not: Option<String>,
    new_accounts: bool,
}

#[derive(Debug, Serialize)]
struct Sum {
    partitions: u64,
    out_of_service: u64,
}

impl List {
    /// A row per partition.
    ///
    /// # Errors
    /// What the store says.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let statuses = context.store.partition_statuses().await?;
        let mut sum = Sum {
            partitions: 0,
            out_of_service: 0,
        };
        for status in statuses {
            sum.partitions += 1;
            sum.out_of_service += u64::from(status.out_of_service.is_some());
            let line = Line::new(&status);
            let text = line.text();
            report.row(Row::new(&line, text));
        }
        let text = format!(
            "partitions {}, out of service {}",
            sum.partitions, sum.out_of_service
        );
        Ok(Outcome::done(Row::new(&sum, text)))
    }
}

impl Line {
    fn new(status: &PartitionStatus) -> Self {
        Self {
            name: status.name.to_string(),
            path: status.path.as_ref().map(|it| it.display().to_string()),
            accounts: status.accounts,
            octets: status.octets,
            octets_free: status.free,
            in_service: status.out_of_service.is_none(),
            why_not: status.out_of_service.as_ref().map(ToString::to_string),
            new_accounts: status.first,
        }
    }

    fn text(&self) -> String {
        let number = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
        let first = if self.new_accounts {
            " (new accounts)"
        } else {
            ""
        };
        let state = match &self.why_not {
            None => format!("in service{first}"),
            Some(why) => format!("OUT OF SERVICE: {why}"),
        };
        format!(
            "{}\t{}\taccounts {}\toctets {}\tfree {}\t{state}",
            self.name,
            self.path.as_deref().unwrap_or("in memory"),
            number(self.accounts),
            number(self.octets),
            number(self.octets_free),
        )
    }
}
