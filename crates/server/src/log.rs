//! The log: one line per event on standard error, as text or as JSON.

use tracing_subscriber::EnvFilter;

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
/// them by target; what can't be read as one is taken as `info`. A second call changes nothing.
pub fn start_log(format: Format, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // It would go to the same place; and where that is full, writing there panics.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let started = match format {
        Format::Text => log.with_ansi(false).try_init(),
        Format::Json => log.json().flatten_event(true).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging has begun already");
    }
}
