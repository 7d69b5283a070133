//! The log: one line per event on standard error, as text or as JSON; and what went wrong lately, for
//! `chapar log`.

use std::{
    fmt::{self, Write},
    time::{SystemTime, UNIX_EPOCH},
};

use admin::log::Lately;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::LevelFilter,
    fmt::layer,
    layer::{Context, SubscriberExt},
    registry,
    util::SubscriberInitExt,
};

/// How events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people, and for the journal.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Starts logging, for the whole process. `filter` is a level such as `info`, or a list of
/// them by target; what can't be read as one is taken as `info`. A second call changes nothing. Gives where warnings and
/// errors are kept for a while, whatever the filter.
pub fn start_log(format: Format, filter: &str) -> Lately {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lately = Lately::default();
    let keeper = Keeper(lately.clone()).with_filter(LevelFilter::WARN);
    let begun = registry().with(keeper);
    let log = layer()
        // It would go to the same place; and where that is full, writing there panics.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let started = match format {
        Format::Text => {
            let log = log.with_ansi(false).with_filter(filter);
            begun.with(log).try_init()
        }
        Format::Json => {
            let log = log.json().flatten_event(true).with_filter(filter);
            begun.with(log).try_init()
        }
    };
    if started.is_err() {
        tracing::debug!("logging has begun already");
    }
    lately
}

/// Keeps what went wrong.
struct Keeper(Lately);

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text(event.metadata().target().to_owned());
        event.record(&mut text);
        let level = if *event.metadata().level() == Level::ERROR {
            "ERROR"
        } else {
            "WARN"
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let unix = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        self.0.keep(unix, level, text.0);
    }
}

/// An event in one line: what it says, then its values.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Nothing can go wrong in writing to a text.
        let _ = match field.name() {
            "message" => write!(self.0, ": {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_a_line() {
        let lately = Lately::default();
        let keeper = Keeper(lately.clone()).with_filter(LevelFilter::WARN);
        tracing::subscriber::with_default(registry().with(keeper), || {
            tracing::info!("nothing");
            tracing::warn!(user = "ann", count = 7, "slow");
            tracing::error!(error = %"broken", "bad");
        });
        let said = format!("{lately:?}");
        assert!(said.contains(": slow user=ann count=7"), "{said}");
        assert!(said.contains(": bad error=broken"), "{said}");
        assert!(!said.contains("nothing"), "{said}");
    }
}
