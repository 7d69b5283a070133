//! Subscriptions to mailboxes that are not the user's own: RFC 9051 §6.3.7, §6.3.8.
//!
//! They are kept with the user's account, by the numbers of account and mailbox, and so last through renames of
//! both. A mailbox can be one to which all who see it are subscribed ([`BY_DEFAULT`]), until they unsubscribe
//! from it: that is kept, too, and wins.

use std::sync::Arc;

use store::{Account, AccountId, Mailbox, MailboxId, MetadataLimits, metadata::Entry};

use super::{reach::Found, refusal::Refusal, state::User};

/// The entry of a mailbox's metadata that says that all who see it are subscribed to it: `true`.
pub(crate) const BY_DEFAULT: &str = "/shared/vendor/chapar/subscribed";

/// What begins the entries of the account's metadata that say it.
const KEPT: &str = "internal/subscribed/";

/// The most mailboxes of others about which somebody says something.
const SUBSCRIPTIONS_MAX: usize = 10_000;

/// Whether a user, by their own account, is subscribed to a mailbox of another that they see.
pub(crate) fn has(own: &Account, account: &Account, mailbox: &Mailbox) -> bool {
    let entry = entry(account.id(), mailbox.id());
    if let Some(said) = own.snapshot().metadata().get(None, &entry) {
        return &**said == SUBSCRIBED;
    }
    let all = mailbox.metadata().get(None, BY_DEFAULT);
    all.is_some_and(|said| said.eq_ignore_ascii_case(b"true"))
}

const SUBSCRIBED: &[u8] = b"yes";
const UNSUBSCRIBED: &[u8] = b"no";

/// Subscribes the user to somebody else's mailbox.
///
/// # Errors
/// NO \[LIMIT]; what can't be written.
pub(crate) async fn subscribe(user: &User, found: &Found) -> Result<(), Refusal> {
    say(user, found, SUBSCRIBED).await
}

/// Unsubscribes the user from somebody else's mailbox; from then on, whatever it says to all.
///
/// # Errors
/// As [`subscribe`].
pub(crate) async fn unsubscribe(user: &User, found: &Found) -> Result<(), Refusal> {
    if has(&user.account, &found.account, &found.mailbox) {
        say(user, found, UNSUBSCRIBED).await
    } else {
        Ok(())
    }
}

async fn say(user: &User, found: &Found, what: &[u8]) -> Result<(), Refusal> {
    let snapshot = user.account.snapshot();
    let name = entry(found.account.id(), found.mailbox.id());
    let kept = snapshot.metadata().of(None);
    let others = kept.filter(|(kept, _)| kept.starts_with(KEPT) && **kept != *name);
    if others.count() >= SUBSCRIPTIONS_MAX {
        return Err(store::Error::Limit("subscriptions").into());
    }
    let entry = Entry {
        name: Arc::from(name),
        value: Some(what.into()),
    };
    let limits = MetadataLimits::default();
    user.account
        .set_metadata(None, None, &[entry], limits)
        .await?;
    Ok(())
}

fn entry(account: AccountId, mailbox: MailboxId) -> String {
    format!("{KEPT}{account}/{mailbox}")
}
