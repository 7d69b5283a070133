//! What the server says of itself, and what its users may leave there.

use std::sync::Arc;

use crate::namespace::{Aliases, Look};

/// Settings of the site that sessions answer from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// How its administrator is reached, a URI: `/shared/admin` (RFC 5464 §3.2.1.1).
    pub admin: Option<Arc<str>>,
    /// A note on the server, where the account has none of its own: `/shared/comment`.
    pub comment: Option<Arc<str>>,
    /// Where the same mail is to be had over JMAP: the URL of its session resource (RFC 9698).
    pub jmap: Option<Arc<str>>,
    /// What there may be of metadata.
    pub metadata: MetadataMax,
    /// How mailbox names look.
    pub look: Arc<Look>,
    /// What else the mailboxes of special uses are called.
    pub aliases: Arc<Aliases>,
    /// From how many percent of a limit on users are told how near it is.
    pub quota_warning: u64,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            admin: None,
            comment: None,
            jmap: None,
            metadata: MetadataMax::default(),
            look: Arc::default(),
            aliases: Arc::default(),
            quota_warning: 90,
        }
    }
}

/// What a user may leave in metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataMax {
    /// Octets of a value.
    pub value_octets: usize,
    /// Entries of one mailbox, or of the server, and octets of all of an account's.
    pub together: store::MetadataLimits,
}

impl Default for MetadataMax {
    fn default() -> Self {
        Self {
            value_octets: 64 << 10,
            together: store::MetadataLimits {
                entries_max: 100,
                octets_max: 1 << 20,
            },
        }
    }
}
