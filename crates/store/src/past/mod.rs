//! What the log remembers, made useful: an account's history, what is gone and can come
//! back, states of the past, legal holds, and mail that goes by itself.
//!
//! * [`history`]: what happened, when, and by whom;
//! * [`gone`]: what was expunged or deleted and is still there to be brought back;
//! * [`undelete`]: bringing it back;
//! * [`restore`]: a past state, or another store's, brought into a running account;
//! * [`hold`]: mail that nothing frees;
//! * [`expiry`]: mail that goes by itself.
//!
//! All of it is read from the account's batches, page by page, on demand: nothing is kept for
//! it, and an account that is never asked pays nothing. What is brought back is placed anew,
//! with UIDs of its own (RFC 9051 §2.3.1.1: a UID is never used again); no octets move.

mod as_of;
mod batches;
mod begin;
mod deleted;
pub mod expiry;
pub mod gone;
pub mod history;
pub mod hold;
pub mod restore;
#[cfg(test)]
mod tests;
pub mod undelete;

pub use as_of::Moment;
pub(crate) use batches::Batches;
pub(crate) use deleted::LOOKING_MAX;
pub use deleted::{DELETED, DeletedMailbox};
pub use expiry::{Expired, Expirer, RuleFrom, Rules};
pub use gone::{Ended, Gone, GoneMailbox, GoneMessage};
pub use history::{Event, Happened, Place, Which};
pub use restore::{Restore, Restored, RestoredMailbox, Selection, Source, Target};
pub use undelete::{Back, Mode, Undelete, Undeleted, Wanted, Was};

/// How long what is gone can be brought back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Seconds since it went. Counts as [`Retention::SECONDS_MIN`] if it is less.
    pub deleted_seconds: u64,
}

impl Retention {
    /// The least: nothing goes beyond reach while somebody still reads it, or regrets it.
    pub const SECONDS_MIN: u64 = 3600;

    /// What went before this, in unix seconds, is beyond reach, if no hold keeps it.
    #[must_use]
    pub fn horizon(self, now: i64) -> i64 {
        let seconds = self.deleted_seconds.max(Self::SECONDS_MIN);
        now.saturating_sub(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

impl Default for Retention {
    /// Two weeks.
    fn default() -> Self {
        Self {
            deleted_seconds: 14 * 24 * 3600,
        }
    }
}
