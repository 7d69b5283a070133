//! CREATE, DELETE, RENAME, SUBSCRIBE: RFC 9051 §6.3.4–6.3.8.

use std::sync::Arc;

use crate::{
    account::{
        Account, Hands,
        along::Along,
        commit::{Draft, Which},
        copy, metadata, quota, rights,
    },
    change::Change,
    error::Error,
    id::{MailboxId, UidValidity},
    mailbox::Mailbox,
    name::{DELIMITER, MailboxName, Role},
    rights::{Acl, Rights},
    snapshot::Snapshot,
    store::SHARED,
};

/// The most mailboxes of an account: opening it, and its checkpoint, cost by their number.
const MAILBOXES_MAX: usize = 10_000;

/// The most names subscribed to.
const SUBSCRIPTIONS_MAX: usize = 20_000;

impl Account {
    /// Makes a mailbox, and those above it that don't exist. The mailbox made
    /// is not subscribed to, and begins with the rights of the one that it is made in.
    ///
    /// # Errors
    /// [`Error::AlreadyExists`], [`Error::NoRight`], [`Error::RoleTaken`], [`Error::Limit`].
    pub async fn create(&self, name: &MailboxName, role: Option<Role>) -> Result<MailboxId, Error> {
        self.shared
            .commit(&self.hands, None, |draft| create_named(draft, name, role))
            .await
    }

    /// Deletes a mailbox and its messages; mailboxes below it stay.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NoRight`], [`Error::NotPermitted`] for INBOX.
    pub async fn delete(&self, name: &MailboxName) -> Result<(), Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                let id = draft.named(name)?.id();
                // Before anything else is said: who may not know of it learns nothing.
                draft.may(id, Rights::DELETE)?;
                if name.is_inbox() {
                    return Err(Error::NotPermitted("INBOX can't be deleted"));
                }
                draft.push(Change::MailboxDeleted { id })
            })
            .await
    }

    /// Renames a mailbox and all below it, making those above the new name that don't
    /// exist. INBOX stays, and its messages move (RFC 9051 §6.3.6).
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NoRight`], [`Error::AlreadyExists`], [`Error::NotPermitted`].
    pub async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<(), Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                if from.is_inbox() {
                    rename_inbox(draft, to)
                } else {
                    rename(draft, from, to)
                }
            })
            .await
    }

    /// Subscribes to a name, which need not be a mailbox's.
    ///
    /// # Errors
    /// [`Error::Limit`]; [`Error::NotPermitted`] for whoever is not the account's owner.
    pub async fn subscribe(&self, name: &MailboxName) -> Result<(), Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                draft.may_as_owner()?;
                subscribe(draft, name)
            })
            .await
    }

    /// Unsubscribes from a name; nothing happens if it was not subscribed to.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for whoever is not the account's owner.
    pub async fn unsubscribe(&self, name: &MailboxName) -> Result<(), Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                draft.may_as_owner()?;
                if draft.snapshot.subscriptions().contains(name) {
                    draft.push(Change::Unsubscribed { name: name.clone() })
                } else {
                    Ok(())
                }
            })
            .await
    }

    /// Writes down what was skipped because damage may have taken the record of it. Without
    /// that it is found again whenever the account is opened, as long as the damage can be seen.
    pub(crate) async fn skipped(&self, skipped: Vec<Change>) {
        let hands = Hands::system("chapar");
        let written = self.shared.commit(&hands, None, |draft| {
            skipped
                .iter()
                .try_for_each(|change| draft.push(change.clone()))
        });
        match written.await {
            Ok(()) => tracing::warn!(
                account = %self.id(),
                "damage may have taken its last changes: what they may have given out is skipped"
            ),
            Err(error) => {
                tracing::warn!(account = %self.id(), %error, "could not write what is skipped");
            }
        }
    }

    /// What an account begins with: INBOX and a mailbox per usual special use, subscribed. One that
    /// has lost its INBOX gets that.
    pub(crate) async fn begin(&self) -> Result<(), Error> {
        let names = [
            ("INBOX", None),
            ("Archive", Some(Role::Archive)),
            ("Drafts", Some(Role::Drafts)),
            ("Junk", Some(Role::Junk)),
            ("Sent", Some(Role::Sent)),
            ("Trash", Some(Role::Trash)),
        ];
        self.shared
            .commit(&self.hands, None, |draft| {
                draft.exempt();
                let new = draft.snapshot.mailboxes.is_empty();
                for (name, role) in names.iter().copied().take(if new { 6 } else { 1 }) {
                    let name = MailboxName::new(name)?;
                    if draft.snapshot.named(&name).is_none() {
                        create_named(draft, &name, role)?;
                        subscribe(draft, &name)?;
                    }
                }
                Ok(())
            })
            .await
    }
}

pub(crate) fn create_named(
    draft: &mut Draft<'_>,
    name: &MailboxName,
    role: Option<Role>,
) -> Result<MailboxId, Error> {
    if draft.sees(name) {
        return Err(Error::AlreadyExists);
    }
    draft.may_create(name)?;
    if draft.snapshot.named(name).is_some() {
        return Err(Error::AlreadyExists);
    }
    if role.is_some_and(|role| draft.snapshot.with_role(role).is_some()) {
        return Err(Error::RoleTaken);
    }
    create_above(draft, name)?;
    create_one(draft, name, role)
}

/// Makes the mailboxes above `name` that don't exist.
fn create_above(draft: &mut Draft<'_>, name: &MailboxName) -> Result<(), Error> {
    let mut missing: Vec<MailboxName> = std::iter::successors(name.parent(), MailboxName::parent)
        .filter(|name| draft.snapshot.named(name).is_none())
        .collect();
    while let Some(name) = missing.pop() {
        create_one(draft, &name, None)?;
    }
    Ok(())
}

fn create_one(
    draft: &mut Draft<'_>,
    name: &MailboxName,
    role: Option<Role>,
) -> Result<MailboxId, Error> {
    let last = draft.snapshot.last;
    if draft.snapshot.mailboxes.len() >= MAILBOXES_MAX {
        return Err(Error::Limit("mailboxes"));
    }
    let id = MailboxId(last.mailbox + 1);
    // RFC 9051 §2.3.1.1: a mailbox made again under an old name must not have
    // an old UIDVALIDITY. The time helps where a whole store was lost and made again.
    let now = u32::try_from(draft.now).unwrap_or(0);
    let next = last
        .uid_validity
        .checked_add(1)
        .ok_or(Error::Limit("UIDVALIDITY"))?;
    draft.push(Change::MailboxCreated {
        id,
        name: name.clone(),
        role,
        uid_validity: UidValidity(next.max(now)),
    })?;
    let acl = acl_of_new(&draft.snapshot, name);
    rights::set(draft, id, acl)?;
    Ok(id)
}

/// RFC 4314 §4: a mailbox begins with the rights of the one that it is made in. One that nobody owns and that is made
/// in none can be read by all, or nobody could do anything with it.
fn acl_of_new(snapshot: &Snapshot, name: &MailboxName) -> Option<Acl> {
    if let Some(above) = snapshot.nearest_above(name) {
        return above.acl.clone();
    }
    let shared = snapshot.metadata().get(None, SHARED).is_some();
    shared.then(Acl::of_shared)
}

fn rename(draft: &mut Draft<'_>, from: &MailboxName, to: &MailboxName) -> Result<(), Error> {
    let id = draft.named(from)?.id();
    draft.may(id, Rights::DELETE)?;
    if draft.sees(to) {
        return Err(Error::AlreadyExists);
    }
    draft.may_create(to)?;
    if draft.snapshot.named(to).is_some() {
        return Err(Error::AlreadyExists);
    }
    if to.is_below(from) {
        return Err(Error::NotPermitted("a mailbox can't move below itself"));
    }
    let below = draft.snapshot.below(from);
    let mut moved: Vec<(MailboxId, MailboxName)> = std::iter::once(draft.named(from)?)
        .chain(below.map(|(_, mailbox)| mailbox))
        .map(|mailbox| Ok((mailbox.id(), moved_name(mailbox, from, to)?)))
        .collect::<Result<_, Error>>()?;
    // Mailboxes below `to` may exist though `to` does not. Where `to` lies above `from`,
    // one that moves away itself is not in the way, if it goes first: it is the shorter.
    let in_the_way = |name: &MailboxName| match draft.snapshot.named(name) {
        Some(mailbox) => !mailbox.name().is_below(from) && mailbox.name() != from,
        None => false,
    };
    if moved.iter().any(|(_, name)| in_the_way(name)) {
        return Err(Error::AlreadyExists);
    }
    moved.sort_by_key(|(_, name)| name.as_str().len());
    // Before anything is moved away: `to` may lie below a mailbox above `from`.
    create_above(draft, to)?;
    let roots = quota::rename(draft, from, to)?;
    for (id, name) in moved {
        draft.push(Change::MailboxRenamed { id, name })?;
    }
    quota::renamed(draft, &roots)
}

/// Renames one mailbox, without those below it, making those above its new name.
pub(crate) fn rename_one(
    draft: &mut Draft<'_>,
    id: MailboxId,
    to: &MailboxName,
) -> Result<(), Error> {
    create_above(draft, to)?;
    let name = to.clone();
    draft.push(Change::MailboxRenamed { id, name })
}

/// The name of a mailbox, `from` itself or below it, when `from` has become `to`.
fn moved_name(
    mailbox: &Mailbox,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<MailboxName, Error> {
    let rest = mailbox.name().as_str().get(from.as_str().len()..);
    let rest = rest.unwrap_or_default();
    debug_assert!(rest.is_empty() || rest.starts_with(DELIMITER), "{rest}");
    MailboxName::new(&format!("{to}{rest}"))
}

/// RFC 9051 §6.3.6: INBOX's messages move to a new mailbox; INBOX stays, empty, and
/// mailboxes below it stay where they are.
fn rename_inbox(draft: &mut Draft<'_>, to: &MailboxName) -> Result<(), Error> {
    let inbox = Arc::clone(draft.named(&MailboxName::inbox())?);
    draft.may(inbox.id(), Rights::DELETE)?;
    let made = create_named(draft, to, None)?;
    rights::set(draft, made, inbox.acl.clone())?;
    let messages = draft.messages(&inbox, Which::All)?;
    // RFC 5464 §4.1: INBOX keeps what it has, and the other gets it too.
    metadata::copy(draft, Some(made), inbox.metadata())?;
    copy::place_again(draft, &inbox, messages.every(), (made, Along::Moved(None)))?;
    copy::expunge_every(draft, &inbox, &messages)
}

pub(crate) fn subscribe(draft: &mut Draft<'_>, name: &MailboxName) -> Result<(), Error> {
    let subscribed = draft.snapshot.subscriptions();
    if subscribed.contains(name) {
        return Ok(());
    }
    if subscribed.len() >= SUBSCRIPTIONS_MAX {
        return Err(Error::Limit("subscriptions"));
    }
    draft.push(Change::Subscribed { name: name.clone() })
}
