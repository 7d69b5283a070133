//! Which mailboxes a client means, by where they are: RFC 5465 §6, RFC 7377 §2.2.

use std::collections::BTreeSet;

use imap::command::{self, MailboxFilter};
use store::{MailboxName, Snapshot};

use super::{
    names,
    state::{Enabled, User},
};

/// A filter whose names have been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// INBOXES and PERSONAL: all mailboxes are the user's own, and mail for `user+name` may be delivered into
    /// any of them (§6.3).
    Every,
    /// SUBSCRIBED.
    Subscribed,
    /// SUBTREE.
    Subtree(BTreeSet<MailboxName>),
    /// SUBTREE-ONE: RFC 7377 §2.2.
    SubtreeOne(BTreeSet<MailboxName>),
    /// MAILBOXES.
    Named(BTreeSet<MailboxName>),
}

impl Filter {
    /// What a client asks for. Names that can't be a mailbox's are ignored, as are those that are none (§3.1).
    pub(crate) fn new(asked: &MailboxFilter, (user, enabled): (&User, Enabled)) -> Self {
        let read = |names: &[command::Mailbox]| {
            let names = names.iter();
            names
                .filter_map(|name| names::own(user, enabled, name))
                .collect()
        };
        match asked {
            MailboxFilter::Inboxes | MailboxFilter::Personal => Self::Every,
            MailboxFilter::Subscribed => Self::Subscribed,
            MailboxFilter::Subtree(names) => Self::Subtree(read(names)),
            MailboxFilter::SubtreeOne(names) => Self::SubtreeOne(read(names)),
            MailboxFilter::Mailboxes(names) => Self::Named(read(names)),
        }
    }

    /// Whether a name is among them, in this state of the account. The name need not be a mailbox's.
    pub(crate) fn matches(&self, name: &MailboxName, snapshot: &Snapshot) -> bool {
        match self {
            Self::Every => true,
            Self::Subscribed => snapshot.subscriptions().contains(name),
            Self::Subtree(roots) => {
                let above = std::iter::successors(name.parent(), MailboxName::parent);
                roots.contains(name) || above.into_iter().any(|name| roots.contains(&name))
            }
            Self::SubtreeOne(roots) => {
                roots.contains(name) || name.parent().is_some_and(|name| roots.contains(&name))
            }
            Self::Named(names) => names.contains(name),
        }
    }
}
