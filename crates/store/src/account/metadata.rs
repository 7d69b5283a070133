//! SETMETADATA: RFC 5464 §4.3.

use std::sync::Arc;

use crate::{
    account::{Account, commit::Draft, rights},
    change::Change,
    error::Error,
    id::{AccountId, MailboxId},
    metadata::{ENTRY_OCTETS_MAX, Entry, METADATA, Metadata, MetadataLimits, SPECIAL_USE},
    name::Role,
    rights::Rights,
};

impl Account {
    /// Sets entries of a mailbox (`None`: of the account as a whole), or takes them away: all of
    /// them or none. `owner` is the user whose private ones they are, if not the account's own, and
    /// `None` for all that are not private. [`SPECIAL_USE`] gives a mailbox that use. Gives whether anything
    /// changed.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NoRight`]; [`Error::Limit`] of [`METADATA`] if there would be too many
    /// entries, or too many octets of them; [`Error::NotPermitted`] for a name that can be none, and for
    /// what is no special use; [`Error::RoleTaken`].
    pub async fn set_metadata(
        &self,
        mailbox: Option<MailboxId>,
        owner: Option<AccountId>,
        entries: &[Entry],
        limits: MetadataLimits,
    ) -> Result<bool, Error> {
        let valid = |entry: &Entry| (1..=ENTRY_OCTETS_MAX).contains(&entry.name.len());
        if !entries.iter().all(valid) {
            return Err(Error::NotPermitted("no name for metadata"));
        }
        self.shared
            .commit(&self.hands, None, |draft| {
                let before = of(draft, mailbox)?.clone();
                for entry in entries {
                    may_set(draft, mailbox, owner, &entry.name)?;
                }
                let role_before = role_of(draft, mailbox);
                for entry in entries {
                    match mailbox {
                        Some(id) if entry.name.eq_ignore_ascii_case(SPECIAL_USE) => {
                            set_special_use(draft, id, entry.value.as_deref())?;
                        }
                        _ => set(draft, mailbox, owner, entry)?,
                    }
                }
                let after = of(draft, mailbox)?;
                let more = after.octets() > before.octets();
                let many = after.of(owner).count() > before.of(owner).count();
                if many && entries_of(after, owner) > limits.entries_max
                    || more && octets(draft) > limits.octets()
                {
                    return Err(Error::Limit(METADATA));
                }
                Ok(*after != before || role_of(draft, mailbox) != role_before)
            })
            .await
    }
}

impl Account {
    /// The value of an entry of nobody; this one, if it has none: then it is set.
    ///
    /// # Errors
    /// As [`Account::set_metadata`].
    pub async fn metadata_or(
        &self,
        mailbox: Option<MailboxId>,
        name: &str,
        value: &[u8],
    ) -> Result<Arc<[u8]>, Error> {
        let entry = Entry {
            name: name.into(),
            value: Some(value.into()),
        };
        self.shared
            .commit(&self.hands, None, |draft| {
                may_set(draft, mailbox, None, name)?;
                if let Some(value) = of(draft, mailbox)?.get(None, name) {
                    return Ok(Arc::clone(value));
                }
                set(draft, mailbox, None, &entry)?;
                if octets(draft) > MetadataLimits::default().octets() {
                    return Err(Error::Limit(METADATA));
                }
                Ok(value.into())
            })
            .await
    }
}

/// Whether whoever makes the draft may set an entry: RFC 5464 §3.3 asks for `l` and any of `r`, `s`, `w`, `i`, `p`.
/// What all see takes `w`; what only one does is theirs alone.
fn may_set(
    draft: &mut Draft<'_>,
    mailbox: Option<MailboxId>,
    owner: Option<AccountId>,
    name: &str,
) -> Result<(), Error> {
    let Some(mailbox) = mailbox else {
        return draft.may_as_owner();
    };
    // What protocols keep is shown to nobody: whoever reads a mailbox makes use of it.
    if name.starts_with("internal/") {
        return draft.may_open(mailbox, Rights::READ).map(drop);
    }
    let rights = draft.may(mailbox, Rights::LOOKUP)?;
    let private = name.get(..9);
    if private.is_some_and(|first| first.eq_ignore_ascii_case("/private/")) {
        return match owner {
            Some(owner) => draft.may_as(owner),
            None => draft.may_as_owner(),
        };
    }
    rights::permit(rights, Rights::WRITE)
}

/// One entry, if it is to be another than it is.
pub(crate) fn set(
    draft: &mut Draft<'_>,
    mailbox: Option<MailboxId>,
    owner: Option<AccountId>,
    entry: &Entry,
) -> Result<(), Error> {
    if of(draft, mailbox)?.get(owner, &entry.name) == entry.value.as_ref() {
        return Ok(());
    }
    draft.push(Change::MetadataSet {
        mailbox,
        owner,
        entry: entry.name.clone(),
        value: entry.value.clone(),
    })
}

/// One mailbox at most has a special use, as with CREATE.
fn set_special_use(
    draft: &mut Draft<'_>,
    id: MailboxId,
    attribute: Option<&[u8]>,
) -> Result<(), Error> {
    let role = match attribute {
        None => None,
        Some(attribute) => Some(
            Role::EVERY
                .into_iter()
                .find(|role| role.attribute().as_bytes().eq_ignore_ascii_case(attribute))
                .ok_or(Error::NotPermitted("There is no such special use here"))?,
        ),
    };
    if draft.mailbox(id)?.role() == role {
        return Ok(());
    }
    if role.is_some_and(|role| draft.snapshot.with_role(role).is_some()) {
        return Err(Error::RoleTaken);
    }
    draft.push(Change::RoleSet { id, role })
}

/// Gives a mailbox, or the account, all metadata that another had, but for what protocols keep: that is
/// made anew.
pub(crate) fn copy(
    draft: &mut Draft<'_>,
    to: Option<MailboxId>,
    from: &Metadata,
) -> Result<(), Error> {
    let every = from.every();
    for (owner, name, value) in every.filter(|(_, name, _)| name.starts_with('/')) {
        let entry = Entry {
            name: name.clone(),
            value: Some(value.clone()),
        };
        set(draft, to, owner, &entry)?;
    }
    Ok(())
}

fn of<'a>(draft: &'a Draft<'_>, mailbox: Option<MailboxId>) -> Result<&'a Metadata, Error> {
    match mailbox {
        None => Ok(draft.snapshot.metadata()),
        Some(id) => Ok(draft.mailbox(id)?.metadata()),
    }
}

fn role_of(draft: &Draft<'_>, mailbox: Option<MailboxId>) -> Option<Role> {
    draft.snapshot.mailbox(mailbox?)?.role()
}

/// How many a user sees.
fn entries_of(metadata: &Metadata, owner: Option<AccountId>) -> usize {
    // What a protocol keeps nobody sees.
    let seen = |of: Option<AccountId>, name: &str| {
        name.starts_with('/') && (of == owner || name.starts_with("/shared/"))
    };
    let every = metadata.every();
    every.filter(|(of, name, _)| seen(*of, name)).count()
}

/// Octets of all metadata of the account.
fn octets(draft: &Draft<'_>) -> usize {
    let snapshot = &draft.snapshot;
    let mailboxes = snapshot.mailboxes.values();
    let mailboxes: usize = mailboxes.map(|mailbox| mailbox.metadata.octets()).sum();
    snapshot.metadata.octets() + mailboxes
}
