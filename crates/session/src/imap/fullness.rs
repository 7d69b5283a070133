//! How full the quotas of a mailbox are, told unasked: on SELECT, as Cyrus does, and when the mailbox that is
//! open, or one that messages are put into, comes near to a limit (RFC 9208 §4.3.1).
//!
//! Once until there is room again: a client that is told at every command stops listening. Only those
//! are told who can make room.

use imap::response::{Code, Status};
use store::{Account, Mailbox, MailboxName, ModSeq, rights::Rights};

use super::{
    reach::Found,
    reply,
    state::{Enabled, Selected, User},
    wording::Text,
};
use crate::Outlet;

/// What is known of how full the mailbox is that is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Fullness {
    /// The client has been told that it is nearly full.
    told: bool,
    /// The account's modseq when it was looked at.
    seen: Option<ModSeq>,
}

/// Tells whoever opens a mailbox.
pub(crate) fn opened(selected: &mut Selected, enabled: Enabled, out: &mut impl Outlet) {
    let percent = now(selected);
    if let Some(percent) = percent {
        tell(&Code::Alert, percent, enabled, out);
    }
    selected.fullness.told = percent.is_some();
}

/// Tells of the mailbox that is open, if it has come to that since it was last looked at.
pub(crate) fn news(selected: &mut Selected, enabled: Enabled, out: &mut impl Outlet) {
    if selected.fullness.seen == Some(selected.account.snapshot().mod_seq()) {
        return;
    }
    let percent = now(selected);
    if let Some(percent) = percent.filter(|_| !selected.fullness.told) {
        tell(&Code::OverQuota, percent, enabled, out);
    }
    selected.fullness.told = percent.is_some();
}

/// How full the mailbox is into which somebody puts messages that is not of the account of what they
/// have open: that tells for itself.
pub(crate) fn into(user: &User, to: &Found, selected: Option<&Selected>) -> Into {
    let told = selected.is_some_and(|selected| selected.account.id() == to.account.id());
    if told {
        return Into::Told;
    }
    match percent(user, &to.account, &to.mailbox) {
        Some(_) => Into::Told,
        None => Into::Below,
    }
}

/// See [`into`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Into {
    /// Nothing has to be told of it.
    Told,
    /// It was not nearly full.
    Below,
}

impl Into {
    /// The messages are there: tells if it is nearly full now.
    pub(crate) fn done(self, user: &User, to: &Found, enabled: Enabled, out: &mut impl Outlet) {
        if self == Self::Below
            && let Some(percent) = percent(user, &to.account, &to.mailbox)
        {
            tell(&Code::OverQuota, percent, enabled, out);
        }
    }
}

fn now(selected: &mut Selected) -> Option<u64> {
    let snapshot = selected.account.snapshot();
    selected.fullness.seen = Some(snapshot.mod_seq());
    let mailbox = snapshot.mailbox(selected.mailbox)?;
    percent(&selected.user, &selected.account, mailbox)
}

/// How many percent of what there may be are used of the mailbox's fullest quota root, if that is worth
/// a warning.
fn percent(user: &User, account: &Account, mailbox: &Mailbox) -> Option<u64> {
    if !account.rights(mailbox).contains(Rights::TO_REMOVE) {
        return None;
    }
    let name: &MailboxName = mailbox.name();
    let roots = account.quota_roots(name);
    let percents = roots.iter().filter_map(|root| Some(root.fullest()?.1));
    percents
        .max()
        .filter(|percent| *percent >= user.site.quota_warning)
}

fn tell(code: &Code, percent: u64, enabled: Enabled, out: &mut impl Outlet) {
    let text = Text::with("Mailbox is at {}% of quota", [percent.into()]);
    reply::untagged(out, enabled.language, (Status::No, Some(code)), text);
}
