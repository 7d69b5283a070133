//! `compact`: gives the space of what nobody needs any more back.

use clap::Args;
use serde::{Deserialize, Serialize};
use store::{
    CompactOptions, Compacted,
    compact::{CompactProgress, CompactStep, CompactedPartition, Kept},
    past::Mode,
};

use crate::{
    context::Context,
    octets::Octets,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// Give the space of what nobody needs any more back; the server does that by the clock
///
/// Messages that were expunged or deleted longer ago than the retention, and that no hold keeps, are freed, and
/// so are old changes that a later base makes up for. Mail goes on meanwhile. Exit code 3: something
/// can't be read, and whatever could belong to it was kept.
#[derive(Debug, Clone, Default, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar compact --dry-run
  chapar compact
  chapar compact --rate 16MiB")]
pub struct Compact {
    /// Only say what would be freed
    #[arg(long)]
    #[serde(default)]
    pub dry_run: bool,
    /// Read so many octets in a second at most
    #[arg(long, value_name = "OCTETS")]
    #[serde(default)]
    pub rate: Option<Octets>,
}

/// A partition for programs.
#[derive(Serialize)]
struct Part<'a> {
    partition: &'a str,
    segments: u64,
    space_before: u64,
    dead: u64,
    freed: u64,
    removed: u64,
    holes: bool,
}

/// The summary for programs.
#[derive(Serialize)]
struct Sum {
    dry_run: bool,
    dead: u64,
    freed: u64,
    bases: u64,
    kept: u64,
}

impl Compact {
    /// Compacts the store, or tells what that would free.
    ///
    /// # Errors
    /// It is going on already; a partition is not open; what is to be freed can't be written down.
    pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let _alone = context.alone("compact")?;
        let options = CompactOptions {
            mode: if self.dry_run { Mode::DryRun } else { Mode::Do },
            now: (context.store.clock())().unix,
            retention: context.retention.of_store(),
            rate: self.rate.map(|octets| octets.0),
        };
        let mut tell = |progress: CompactProgress| {
            let what = match progress.step {
                CompactStep::Accounts => "accounts",
                CompactStep::Records => "records",
                CompactStep::Segments => "segments",
            };
            report.progress(progress.done, progress.of, what);
        };
        let compacted = context.store.compact(options, &mut tell).await?;
        for partition in &compacted.partitions {
            report.row(row(partition, self.dry_run));
        }
        for Kept { account, what } in &compacted.kept {
            let whose = account.map(|id| format!("account {}: ", context.display(id)));
            report.note(&format!("kept: {}{what}", whose.unwrap_or_default()));
        }
        let sum = sum(&compacted, self.dry_run);
        Ok(if compacted.kept.is_empty() {
            Outcome::done(sum)
        } else {
            Outcome::damaged(sum)
        })
    }
}

fn row(partition: &CompactedPartition, dry_run: bool) -> Row {
    let part = Part {
        partition: &partition.name,
        segments: partition.segments,
        space_before: partition.before,
        dead: partition.dead,
        freed: partition.freed,
        removed: partition.removed,
        holes: !partition.unsupported,
    };
    let CompactedPartition {
        name,
        before,
        dead,
        freed,
        removed,
        ..
    } = partition;
    let mut line = if dry_run {
        format!(
            "partition {name}\t{dead} of {before} octets would be freed\t{removed} segments removed"
        )
    } else {
        format!("partition {name}\t{freed} of {before} octets freed\t{removed} segments removed")
    };
    if partition.unsupported {
        line.push_str("\tits file system has no holes: only whole segments come back");
    }
    Row::new(&part, line)
}

fn sum(compacted: &Compacted, dry_run: bool) -> Row {
    let sum = Sum {
        dry_run,
        dead: compacted.partitions.iter().map(|it| it.dead).sum(),
        freed: compacted.freed(),
        bases: compacted.bases,
        kept: compacted.kept.len() as u64,
    };
    let line = if dry_run {
        format!("would free {} octets", sum.dead)
    } else {
        format!("freed {} octets, wrote {} bases", sum.freed, sum.bases)
    };
    Row::new(&sum, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_it_frees_in_each_partition() {
        let part = CompactedPartition {
            name: "default".into(),
            before: 1000,
            dead: 600,
            segments: 2,
            removed: 1,
            unsupported: true,
            ..CompactedPartition::default()
        };
        assert_eq!(
            row(&part, true).line,
            "partition default\t600 of 1000 octets would be freed\t1 segments removed\t\
             its file system has no holes: only whole segments come back"
        );
        assert_eq!(row(&part, false).object["freed"], 0);
        assert_eq!(row(&part, false).object["holes"], false);
    }
}
