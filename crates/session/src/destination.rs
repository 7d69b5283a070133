//! Where mail for an address goes, or why it may not.
//!
//! Asked in one place, so that the mail system before us hears the same beforehand
//! ([`crate::postfix`]) as when it hands the mail over ([`crate::lmtp`]).
//!
//! An address means somebody's INBOX; with `+detail`, one of their other mailboxes. Or it means a shared mailbox:
//! because it was given to one, or because it names one, `+board@example.org` and `post+board@example.org`. A sender
//! has not logged in, and so has the rights of `anyone` and `anonymous`: with the right `p` mail comes to a
//! mailbox, without it to the INBOX, or, where there is none, nowhere. A mailbox of somebody's own for which nobody
//! has said who may do what takes mail as well.

use std::sync::Arc;

use auth::Identity;
use store::{
    Account, AccountId, Error, Mailbox, MailboxId, MailboxName, Snapshot,
    quota::Usage,
    rights::{Actor, Rights},
};

use crate::Services;

/// Where mail goes.
#[derive(Debug)]
pub(crate) struct Destination {
    /// What it is called where somebody looks into the log: an account's name, or as it was asked for.
    pub(crate) name: Arc<str>,
    /// Whose mail it is.
    pub(crate) account: AccountId,
    wanted: Wanted,
}

/// Which mailbox is meant.
#[derive(Debug)]
enum Wanted {
    /// Somebody's INBOX, or the mailbox of theirs that what followed the `+` names.
    Own(Option<String>),
    /// A shared one; or that below it which what followed the `+` names.
    Shared(MailboxName, Option<String>),
}

/// A mailbox that mail goes to, and the account that it is in, in the hands of who sends.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) account: Account,
    pub(crate) mailbox: MailboxId,
    pub(crate) name: MailboxName,
}

/// Why it goes nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Obstacle {
    /// Nobody and nothing has that address.
    #[error("there is no such address")]
    Nobody,
    /// The account's mail is on another server.
    #[error("its mail is on another server")]
    Elsewhere,
    /// It is a shared mailbox that not everybody may post to.
    #[error("not everybody may post to it")]
    MayNotPost,
    /// The store can't take it.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Finds where mail for an address goes.
pub(crate) async fn find(
    services: &Services,
    local_part: &str,
    domain: Option<&str>,
) -> Result<Destination, Obstacle> {
    let directory = services.auth.directory();
    let whole = domain.and_then(|d| directory.account(&format!("{local_part}@{d}")));
    if let Some(account) = whole {
        return own(account.identity(), None);
    }
    if let Some((address, detail)) = directory.address(local_part, domain) {
        let account = directory.shared(&address.domain).ok_or(Obstacle::Nobody)?;
        let mailbox = MailboxName::new(&address.mailbox).map_err(|_| Obstacle::Nobody)?;
        return Ok(Destination {
            name: address.address,
            account: AccountId(account),
            wanted: Wanted::Shared(mailbox, detail),
        });
    }
    if let Some(found) = directory.recipient(local_part, domain) {
        return own(found.identity, found.detail);
    }
    let posted = posted_to(local_part, &services.lmtp.post_user);
    by_name(services, posted.ok_or(Obstacle::Nobody)?, domain).await
}

fn own(identity: Identity, detail: Option<String>) -> Result<Destination, Obstacle> {
    if identity.home.is_some() {
        return Err(Obstacle::Elsewhere);
    }
    Ok(Destination {
        name: identity.name,
        account: AccountId(identity.account),
        wanted: Wanted::Own(detail),
    })
}

/// The name of a shared mailbox that a local part has.
fn posted_to<'a>(local_part: &'a str, post_user: &str) -> Option<&'a str> {
    let (before, name) = local_part.split_once('+')?;
    let posting = before.is_empty() || before.eq_ignore_ascii_case(post_user);
    (posting && !name.is_empty()).then_some(name)
}

/// The shared mailbox of a name among those that mail to a domain may be for.
async fn by_name(
    services: &Services,
    name: &str,
    domain: Option<&str>,
) -> Result<Destination, Obstacle> {
    for id in services.auth.directory().shared_by_mail(domain) {
        let account = services.store.shared_account(AccountId(id)).await?;
        if let Some(mailbox) = folder(&account.snapshot(), name) {
            return Ok(Destination {
                name: format!("+{name}").into(),
                account: AccountId(id),
                wanted: Wanted::Shared(mailbox.name().clone(), None),
            });
        }
    }
    Err(Obstacle::Nobody)
}

impl Destination {
    /// Whether it is somebody's own.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.wanted, Wanted::Own(_))
    }

    /// The mailbox that mail from a stranger goes to now. `by`: who hands it over, for the account's history.
    pub(crate) async fn place(&self, services: &Services, by: &str) -> Result<Place, Obstacle> {
        let store = &services.store;
        match &self.wanted {
            Wanted::Own(detail) => {
                let account = store.account(self.account).await?;
                let snapshot = account.snapshot();
                let named = detail.as_deref().and_then(|d| folder(&snapshot, d));
                let named = named.filter(|mailbox| takes_mail(mailbox, self.account));
                let inbox = || snapshot.named(&MailboxName::inbox());
                let mailbox = named.or_else(inbox).ok_or(Error::NoSuchMailbox)?;
                Ok(place(&account, mailbox, by))
            }
            Wanted::Shared(name, detail) => {
                let account = store.shared_account(self.account).await?;
                let snapshot = account.snapshot();
                let below = |detail: &String| folder(&snapshot, &format!("{name}/{detail}"));
                let below = detail.as_ref().and_then(below);
                let below = below.filter(|mailbox| may_post(mailbox, self.account));
                let mailbox = below.or_else(|| snapshot.named(name));
                let mailbox = mailbox.ok_or(Obstacle::Nobody)?;
                if !may_post(mailbox, self.account) {
                    return Err(Obstacle::MayNotPost);
                }
                Ok(place(&account, mailbox, by))
            }
        }
    }
}

impl Place {
    /// Whether there is room for a message of so many octets; of unknown size, if 0.
    ///
    /// # Errors
    /// [`Error::OverQuota`]
    pub(crate) async fn room(&self, octets: u64) -> Result<(), Error> {
        let message = Usage {
            octets: octets.max(1),
            messages: 1,
            ..Usage::default()
        };
        self.account.room(&self.name, &message).await
    }
}

fn place(account: &Account, mailbox: &Mailbox, by: &str) -> Place {
    // What nobody has said who may do what with has no place for strangers: but this one is let in.
    let account = if may_post(mailbox, account.id()) {
        account.acting_as(by, Actor::Anonymous)
    } else {
        account.acting(by)
    };
    Place {
        account,
        mailbox: mailbox.id(),
        name: mailbox.name().clone(),
    }
}

/// Whether who has not logged in has the right to post.
fn may_post(mailbox: &Mailbox, owner: AccountId) -> bool {
    let rights = mailbox.rights_of(&Actor::Anonymous, owner);
    rights.contains(Rights::POST)
}

/// Whether mail comes to a mailbox of somebody's own.
fn takes_mail(mailbox: &Mailbox, owner: AccountId) -> bool {
    !mailbox.has_acl() || may_post(mailbox, owner)
}

/// The mailbox that a detail names: by its exact name, or else in any case, and also with
/// `.` for `/`, which not every MTA lets into a local part. `None` if there is none: a
/// sender must not be able to make mailboxes.
fn folder<'a>(snapshot: &'a Snapshot, detail: &str) -> Option<&'a Arc<Mailbox>> {
    let exact = MailboxName::new(detail).ok()?;
    if let Some(mailbox) = snapshot.named(&exact) {
        return Some(mailbox);
    }
    let wanted = exact.as_str().to_lowercase();
    let dotted = wanted.replace('.', "/");
    let find = |wanted: &str| {
        snapshot
            .mailboxes()
            .find(|(name, _)| lower_case(name.as_str()).eq(wanted.chars()))
    };
    let (_, mailbox) = find(&wanted).or_else(|| find(&dotted))?;
    Some(mailbox)
}

fn lower_case(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}
