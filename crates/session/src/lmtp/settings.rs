//! What an administrator sets of delivery.

use std::sync::Arc;

/// Settings of LMTP, and of what mail systems ask beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The local part that shared mailboxes are posted to by: `post+board@example.org`, besides
    /// `+board@example.org`. Empty: only the latter.
    pub post_user: Arc<str>,
    /// What mail is answered for which there is no room.
    pub over_quota: OverQuota,
}

/// What mail is answered for which there is no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OverQuota {
    /// That it may be tried again: the sender is told after days, if nobody has made room.
    #[default]
    Temporary,
    /// That it will not be taken: the sender is told at once.
    Permanent,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            post_user: "post".into(),
            over_quota: OverQuota::default(),
        }
    }
}
