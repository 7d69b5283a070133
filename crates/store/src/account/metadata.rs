//! SETMETADATA: RFC 5464 §4.3.

use std::sync::Arc;

use crate::{
    account::{Account, commit::Draft, rights},
    change::{Change, Expiry},
    error::Error,
    id::{AccountId, MailboxId},
    mailbox::SHARED_SEEN,
    metadata::{
        self, ENTRY_OCTETS_MAX, EXPIRE, Entry, METADATA, Metadata, MetadataLimits, SPECIAL_USE,
        read_time,
    },
    name::Role,
    rights::Rights,
};

impl Account {
    /// Sets entries of a mailbox (`None`: of the account as a whole), or takes them away: all of
    /// them or none. `owner` is the user whose the private ones among them are, if not the account's own.
    /// [`SPECIAL_USE`] gives a mailbox that use, [`EXPIRE`] that rule of expiry; names of Cyrus mean what they mean
    /// there ([`metadata::meant`]). Gives whether anything changed.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NoRight`]; [`Error::Limit`] of [`METADATA`] if there would be too many
    /// entries, or too many octets of them; [`Error::NotPermitted`] for a name that can be none, and for
    /// what is no special use and no time; [`Error::RoleTaken`].
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
        let entries: Vec<Entry> = entries.iter().map(as_meant).collect();
        self.shared
            .commit(&self.hands, None, |draft| {
                let before = of(draft, mailbox)?.clone();
                for entry in &entries {
                    may_set(draft, mailbox, owner, &entry.name)?;
                }
                let apart_before = apart(draft, mailbox);
                for entry in &entries {
                    let is = |name: &str| entry.name.eq_ignore_ascii_case(name);
                    match mailbox {
                        Some(id) if is(SPECIAL_USE) => {
                            set_special_use(draft, id, entry.value.as_deref())?;
                        }
                        Some(id) if is(EXPIRE) => set_expire(draft, id, entry.value.as_deref())?,
                        _ => {
                            let owner = owner.filter(|_| is_below(&entry.name, PRIVATE));
                            set(draft, mailbox, owner, entry)?;
                        }
                    }
                }
                let after = of(draft, mailbox)?;
                let more = after.octets() > before.octets();
                let many = entries_of(after, owner) > entries_of(&before, owner);
                if many && entries_of(after, owner) > limits.entries_max
                    || more && octets(draft) > limits.octets()
                {
                    return Err(Error::Limit(METADATA));
                }
                Ok(*after != before || apart(draft, mailbox) != apart_before)
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

/// An entry under the name that it has here.
fn as_meant(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    if let Some(name) = metadata::meant(&entry.name) {
        entry.name = name.into();
    }
    entry
}

/// Whether whoever makes the draft may set an entry: RFC 5464 §3.3 asks for `l` and any of `r`, `s`, `w`, `i`, `p`.
/// What all see takes `w`, and `a` if it says what becomes of messages or of `\Seen`; what only one does is theirs
/// alone. Administrators set what all see, and give mailboxes their use, without rights of their own.
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
    if name.eq_ignore_ascii_case(SPECIAL_USE) {
        draft.may(mailbox, Rights::LOOKUP)?;
        return draft.may_as_owner();
    }
    let rights = draft.may(mailbox, Rights::LOOKUP)?;
    if draft.is_administered() && !is_below(name, PRIVATE) {
        return Ok(());
    }
    if !rights.intersects(Rights::FOR_METADATA) {
        return Err(Error::NoRight(Rights::READ));
    }
    if is_below(name, PRIVATE) {
        return match owner {
            Some(owner) => draft.may_as(owner),
            None => draft.may_as_owner(),
        };
    }
    let decides = [EXPIRE, SHARED_SEEN]
        .iter()
        .any(|it| name.eq_ignore_ascii_case(it));
    let needed = if decides {
        Rights::ADMINISTER
    } else {
        Rights::WRITE
    };
    rights::permit(rights, needed)
}

const PRIVATE: &str = "/private/";
const SHARED: &str = "/shared/";

/// Whether a name begins so; case does not matter.
fn is_below(name: &str, scope: &str) -> bool {
    let first = name.get(..scope.len());
    first.is_some_and(|first| first.eq_ignore_ascii_case(scope))
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

/// A time bounds how long messages stay, whatever else does; 0 is no bound, and none at all leaves it to the account.
fn set_expire(draft: &mut Draft<'_>, id: MailboxId, value: Option<&[u8]>) -> Result<(), Error> {
    let before = draft.mailbox(id)?.expiry();
    let others = before.unwrap_or_default();
    let expiry = match value {
        None => None,
        Some(value) => {
            let seconds = read_time(value).ok_or(Error::NotPermitted(
                "That is no number of days, nor of hours, minutes or seconds with h, m or s",
            ))?;
            Some(Expiry {
                age_seconds: (seconds > 0).then_some(seconds),
                ..others
            })
        }
    };
    if before == expiry {
        return Ok(());
    }
    draft.push(Change::ExpirySet {
        mailbox: Some(id),
        expiry,
    })
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

/// What is told as metadata of a mailbox, and kept apart from them.
fn apart(draft: &Draft<'_>, mailbox: Option<MailboxId>) -> Option<(Option<Role>, Option<Expiry>)> {
    let mailbox = draft.snapshot.mailbox(mailbox?)?;
    Some((mailbox.role(), mailbox.expiry()))
}

/// How many a user sees.
fn entries_of(metadata: &Metadata, owner: Option<AccountId>) -> usize {
    // What a protocol keeps nobody sees.
    let seen = |of: Option<AccountId>, name: &str| {
        name.starts_with('/') && (of == owner || is_below(name, SHARED))
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
