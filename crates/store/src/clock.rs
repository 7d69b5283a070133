//! What time it is: dates are data here, nothing is ordered by them.

use std::time::{SystemTime, UNIX_EPOCH};

/// A point in time with the zone it was written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix: i64,
    /// Minutes east of UTC.
    pub zone_minutes: i16,
}

/// Where the time comes from; tests bring their own.
pub type Clock = fn() -> Timestamp;

/// The system's clock, in UTC.
#[must_use]
pub fn system() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp {
        unix: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        zone_minutes: 0,
    }
}
