//! Which mailboxes a client means, by where they are: RFC 5465 §6, RFC 7377 §2.2.
//!
//! Names are compared as the client knows them, so that a subtree may reach across accounts: `Other Users` is
//! everybody's.

use std::collections::BTreeSet;

use imap::command::{self, MailboxFilter};
use store::{Account, MailboxName};

use super::{
    names,
    refusal::Refusal,
    state::{Enabled, User},
};
use crate::namespace::{Nowhere, Owner};

/// The most accounts of others that one command looks into.
const ACCOUNTS_MAX: usize = 1000;

/// A filter whose names have been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// INBOXES and PERSONAL: all mailboxes of the user's own, as mail for `user+name` may be delivered into
    /// any of them (§6.3).
    Personal,
    /// SUBSCRIBED.
    Subscribed,
    /// SUBTREE.
    Subtree(BTreeSet<String>),
    /// SUBTREE-ONE: RFC 7377 §2.2.
    SubtreeOne(BTreeSet<String>),
    /// MAILBOXES.
    Named(BTreeSet<String>),
}

impl Filter {
    /// What a client asks for. Names that can't be a mailbox's are ignored, as are those that are none (§3.1).
    pub(crate) fn new(asked: &MailboxFilter, (user, enabled): (&User, Enabled)) -> Self {
        let read = |names: &[command::Mailbox]| {
            let names = names.iter();
            names
                .filter_map(|name| canonical(user, enabled, name))
                .collect()
        };
        match asked {
            MailboxFilter::Inboxes | MailboxFilter::Personal => Self::Personal,
            MailboxFilter::Subscribed => Self::Subscribed,
            MailboxFilter::Subtree(names) => Self::Subtree(read(names)),
            MailboxFilter::SubtreeOne(names) => Self::SubtreeOne(read(names)),
            MailboxFilter::Mailboxes(names) => Self::Named(read(names)),
        }
    }

    /// Whether a name in an account is among them. It need not be a mailbox's.
    pub(crate) fn matches(&self, user: &User, account: &Account, name: &MailboxName) -> bool {
        let written = || user.reach.written(account.id(), name);
        let above = |name: &String| user.reach.namespace().parent(name);
        match self {
            Self::Personal => account.id() == user.account.id(),
            Self::Subscribed => user.reach.is_subscribed(account, name),
            Self::Subtree(roots) => {
                std::iter::successors(Some(written()), above).any(|name| roots.contains(&name))
            }
            Self::SubtreeOne(roots) => {
                let name = written();
                roots.contains(&name) || above(&name).is_some_and(|name| roots.contains(&name))
            }
            Self::Named(names) => names.contains(&written()),
        }
    }

    /// The names that it goes by.
    fn names(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Personal | Self::Subscribed => None,
            Self::Subtree(names) | Self::SubtreeOne(names) | Self::Named(names) => Some(names),
        }
    }

    /// Whether mailboxes of an owner may be among them, whose names all lie at or below `root`.
    fn may_reach(&self, delimiter: char, root: &str) -> bool {
        let is_at_or_below = |name: &str, above: &str| {
            let rest = name.strip_prefix(above.trim_end_matches(delimiter));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(delimiter))
        };
        match self.names() {
            None => *self == Self::Subscribed,
            Some(names) => names.iter().any(|name| {
                root.is_empty() || is_at_or_below(root, name) || is_at_or_below(name, root)
            }),
        }
    }
}

/// A name in the one form in which the client is told it; a level above mailboxes as it is.
fn canonical(user: &User, enabled: Enabled, sent: &command::Mailbox) -> Option<String> {
    let namespace = user.reach.namespace();
    let mut text = names::text(&sent.0, enabled).ok()?;
    if text.ends_with(namespace.delimiter()) {
        text.pop();
    }
    match namespace.read(&text) {
        Ok(place) => Some(namespace.write(&place.owner, &place.name)),
        Err(Nowhere::Level) => Some(text),
        Err(Nowhere::Outside | Nowhere::Invalid(_)) => None,
    }
}

/// The accounts in which filters may find something; the user's own first.
///
/// # Errors
/// Who shares with whom can't be told.
pub(crate) async fn accounts(filters: &[&Filter], user: &User) -> Result<Vec<Account>, Refusal> {
    let namespace = user.reach.namespace();
    let delimiter = namespace.delimiter();
    let mut accounts = vec![user.account.clone()];
    if filters.iter().all(|filter| **filter == Filter::Personal) {
        return Ok(accounts);
    }
    let wanted = |owner: &Owner| {
        let root = namespace.root(owner);
        filters
            .iter()
            .any(|filter| filter.may_reach(delimiter, &root))
    };
    let others = user.reach.others(wanted).await?;
    accounts.extend(
        others
            .into_iter()
            .take(ACCOUNTS_MAX)
            .map(|(_, account)| account),
    );
    Ok(accounts)
}
