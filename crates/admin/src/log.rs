//! `log`: what went wrong lately.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    context::Context,
    moment::Moment,
    outcome::{Failed, Outcome},
    report::{Report, Row},
};

/// The most lines that are kept.
const LINES_MAX: usize = 1000;

/// The longest line that is kept, in octets.
const LINE_OCTETS_MAX: usize = 4096;

/// The last warnings and errors of a server's log. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lately(Arc<Mutex<VecDeque<Line>>>);

/// A line of the log.
#[derive(Debug, Clone, Serialize)]
struct Line {
    /// In Unix seconds.
    #[serde(skip)]
    unix: i64,
    time: String,
    level: &'static str,
    text: String,
}

impl Lately {
    /// Keeps a line; the oldest goes.
    pub fn keep(&self, unix: i64, level: &'static str, mut text: String) {
        text.truncate(text.floor_char_boundary(LINE_OCTETS_MAX));
        let time = Moment::from_unix(unix).to_string();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() >= LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(Line {
            unix,
            time,
            level,
            text,
        });
    }

    fn lines(&self) -> Vec<Line> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

/// Show the last warnings and errors of the server that runs
///
/// Up to a thousand since it has begun, whatever its log is set to. What is there of before is in the journal.
#[derive(Debug, Clone, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[command(after_long_help = "Examples:
  chapar log
  chapar log --errors --with ann@example.org")]
pub struct Log {
    /// Only errors
    #[arg(long)]
    #[serde(default)]
    pub errors: bool,
    /// Only what has this text: the name of an account, a mailbox, a file
    #[arg(long, value_name = "TEXT")]
    #[serde(default)]
    pub with: Option<String>,
    /// Only what is not older than this
    #[arg(long, value_name = "WHEN")]
    #[serde(default)]
    pub since: Option<Moment>,
}

impl Log {
    /// A row per line, oldest first; how many.
    ///
    /// # Errors
    /// No server runs.
    pub fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed> {
        let lately = context.lately.as_ref();
        let lately = lately.ok_or_else(|| Failed::because("no server runs"))?;
        let since = self.since.map(Moment::unix);
        let mut count = 0;
        for line in lately.lines() {
            let old = since.is_some_and(|since| line.unix < since);
            let other = self
                .with
                .as_ref()
                .is_some_and(|with| !line.text.contains(with));
            if old || other || (self.errors && line.level != "ERROR") {
                continue;
            }
            count += 1;
            let text = format!("{}\t{}\t{}", line.time, line.level, line.text);
            report.row(Row::new(&line, text));
        }
        let text = format!("lines {count}");
        Ok(Outcome::done(Row::new(&json!({ "lines": count }), text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Heard, tests::context};

    #[tokio::test]
    async fn the_last_lines_are_kept_and_chosen_from() {
        let folder = tempfile::tempdir().unwrap();
        let mut context = context(folder.path()).await;
        let lately = Lately::default();
        for n in 0..1100 {
            lately.keep(
                n,
                if n == 1000 { "ERROR" } else { "WARN" },
                format!("line {n}."),
            );
        }
        lately.keep(2000, "WARN", "ü".repeat(5000));
        context.lately = Some(lately);
        let told = |errors, with: Option<&str>| {
            let mut heard = Heard::default();
            let with = with.map(str::to_owned);
            let since = None;
            Log {
                errors,
                with,
                since,
            }
            .run(&context, &mut heard)
            .unwrap();
            heard.rows
        };
        assert_eq!(told(false, None).len(), 1000);
        assert!(told(false, None)[0].line.contains("line 101."));
        assert_eq!(told(true, None).len(), 1);
        assert_eq!(told(false, Some("line 105")).len(), 11);
        assert!(told(false, Some("ü"))[0].line.len() < 4200);
    }
}
