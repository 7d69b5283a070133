//! What whoever acts may do, and the lists that say so: RFC 4314.

use crate::{
    account::{Account, commit::Draft},
    change::Change,
    error::Error,
    id::MailboxId,
    mailbox::Mailbox,
    rights::{ACL_ENTRIES_MAX, Acl, Actor, GROUP_OCTETS_MAX, Identifier, Rights, Who},
};

/// What is to become of the rights in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightsChange {
    /// They become these; with none, there is no entry any more.
    Replace(Rights),
    /// These are added.
    Add(Rights),
    /// These are taken away.
    Remove(Rights),
}

impl Account {
    /// What whoever acts through this handle may do with one of its mailboxes.
    #[must_use]
    pub fn rights(&self, mailbox: &Mailbox) -> Rights {
        mailbox.rights_of(self.actor(), self.id())
    }

    /// Whether they may know of a mailbox: RFC 4314 §6.
    #[must_use]
    pub fn sees(&self, mailbox: &Mailbox) -> bool {
        self.rights(mailbox).contains(Rights::LOOKUP)
    }

    /// Whether they may do with a mailbox what takes all these rights; gives all that they have.
    ///
    /// # Errors
    /// [`Error::NoRight`]; [`Error::NoSuchMailbox`] if they may not even know of it.
    pub fn may(&self, mailbox: &Mailbox, needed: Rights) -> Result<Rights, Error> {
        let rights = self.rights(mailbox);
        permit(rights, needed).map(|()| rights)
    }

    /// As [`Account::may`], with a mailbox that is open: whoever may open it knows of it.
    ///
    /// # Errors
    /// As [`Account::may`].
    pub fn may_open(&self, mailbox: &Mailbox, needed: Rights) -> Result<Rights, Error> {
        let rights = self.rights(mailbox);
        permit_open(rights, needed).map(|()| rights)
    }

    /// Changes one entry of a mailbox's list; gives the list since then. Takes [`Rights::ADMINISTER`].
    ///
    /// # Errors
    /// [`Error::NotPermitted`] for owners who would take from themselves what can't be taken from them;
    /// [`Error::Limit`].
    pub async fn change_rights(
        &self,
        mailbox: MailboxId,
        identifier: &Identifier,
        change: RightsChange,
    ) -> Result<Acl, Error> {
        let identifier = self.canonical(identifier)?;
        self.shared
            .commit(&self.hands, None, |draft| {
                draft.may(mailbox, Rights::ADMINISTER)?;
                let before = draft.mailbox(mailbox)?.acl();
                let has = before.get(&identifier).unwrap_or_default();
                let rights = match change {
                    RightsChange::Replace(rights) => rights,
                    RightsChange::Add(rights) => has.with(rights),
                    RightsChange::Remove(rights) => has.without(rights),
                };
                self.keeps_own(&identifier, rights)?;
                let acl = before.with(&identifier, rights);
                if acl.len() > ACL_ENTRIES_MAX.max(before.len()) {
                    return Err(Error::Limit("entries of a list of rights"));
                }
                set(draft, mailbox, Some(acl.clone()))?;
                Ok(acl)
            })
            .await
    }

    /// Gives a mailbox another list, or none of its own. Takes [`Rights::ADMINISTER`].
    ///
    /// # Errors
    /// As [`Account::change_rights`].
    pub async fn set_acl(&self, mailbox: MailboxId, acl: Option<Acl>) -> Result<(), Error> {
        if acl.as_ref().is_some_and(|acl| acl.len() > ACL_ENTRIES_MAX) {
            return Err(Error::Limit("entries of a list of rights"));
        }
        self.shared
            .commit(&self.hands, None, |draft| {
                draft.may(mailbox, Rights::ADMINISTER)?;
                set(draft, mailbox, acl.clone())
            })
            .await
    }

    /// The owner by number is the owner: so an entry has one form.
    fn canonical(&self, identifier: &Identifier) -> Result<Identifier, Error> {
        let mut identifier = identifier.clone();
        match &identifier.who {
            Who::Account(account) if *account == self.id() => identifier.who = Who::Owner,
            Who::Group(group) if group.len() > GROUP_OCTETS_MAX => {
                return Err(Error::Limit("octets of a group's name"));
            }
            _ => {}
        }
        Ok(identifier)
    }

    /// Owners are told that they can't take from themselves what they keep all the same.
    fn keeps_own(&self, identifier: &Identifier, rights: Rights) -> Result<(), Error> {
        let by_owner = match self.actor() {
            Actor::User(person) => person.account == self.id() && !person.administrator,
            Actor::System | Actor::Anonymous => false,
        };
        let takes = if identifier.negative {
            rights.intersects(Rights::OF_OWNERS)
        } else {
            !rights.contains(Rights::OF_OWNERS)
        };
        if by_owner && takes && identifier.who == Who::Owner {
            return Err(Error::NotPermitted(
                "The rights l, r, k, x and a can't be taken from a mailbox's owner",
            ));
        }
        Ok(())
    }
}

/// Another list for a mailbox, if it is another.
pub(crate) fn set(draft: &mut Draft<'_>, id: MailboxId, acl: Option<Acl>) -> Result<(), Error> {
    if draft.mailbox(id)?.acl == acl {
        return Ok(());
    }
    draft.push(Change::RightsSet { mailbox: id, acl })
}

/// As [`permit`], with a mailbox that is open: whoever may open it knows of it, whether or not it is listed.
///
/// # Errors
/// As [`permit`].
pub(crate) fn permit_open(rights: Rights, needed: Rights) -> Result<(), Error> {
    match permit(rights, needed) {
        Err(Error::NoSuchMailbox) if rights.contains(Rights::READ) => {
            Err(Error::NoRight(needed.without(rights)))
        }
        permitted => permitted,
    }
}

/// Whether somebody with these rights may do what takes those.
///
/// # Errors
/// [`Error::NoRight`]; [`Error::NoSuchMailbox`] if they may not even know of the mailbox.
pub(crate) fn permit(rights: Rights, needed: Rights) -> Result<(), Error> {
    if rights.contains(needed) {
        Ok(())
    } else if rights.contains(Rights::LOOKUP) {
        Err(Error::NoRight(needed.without(rights)))
    } else {
        Err(Error::NoSuchMailbox)
    }
}
