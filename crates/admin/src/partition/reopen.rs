//! `partition reopen`: a partition comes back into service.

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    context::Context,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Open a partition again that is out of service, without restarting the server
///
/// After a sync that failed, or when its disk has been mounted. All of it is read first; what is damaged is
/// shown, and does not keep it from coming back. Clients of accounts that are there have to connect again.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar partition reopen archive")]
pub struct Reopen {
    /// Its name
    pub name: String,
    /// Only say whether it is out of service
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
}

#[derive(Debug, Serialize)]
struct Damaged {
    what: String,
}

#[derive(Debug, Serialize)]
struct Sum {
    name: String,
    damages: u64,
    dry_run: bool,
}

impl Reopen {
    /// A row for everything that is damaged.
    ///
    /// # Errors
    /// There is no such partition, it is in service, or it can't be opened.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let mut sum = Sum {
            name: self.name.clone(),
            damages: 0,
            dry_run: self.dry_run,
        };
        if self.dry_run {
            let statuses = context.store.partition_statuses().await?;
            let status = statuses.iter().find(|it| *it.name == *self.name);
            let status = status
                .ok_or_else(|| Failed::because(format!("there is no partition {:?}", self.name)))?;
            let text = match &status.out_of_service {
                None => format!("partition {} is in service", self.name),
                Some(why) => format!("would reopen partition {}: {why}", self.name),
            };
            return Ok(Outcome::done(Row::new(&sum, text)));
        }
        let damages = context.store.reopen_partition(&self.name).await?;
        sum.damages = damages.len() as u64;
        for what in damages {
            let text = what.clone();
            report.row(Row::new(&Damaged { what }, text));
        }
        let text = format!(
            "partition {} is in service; damaged places {}",
            self.name, sum.damages
        );
        let row = Row::new(&sum, text);
        Ok(if sum.damages == 0 {
            Outcome::done(row)
        } else {
            Outcome::damaged(row)
        })
    }
}
