//! Mail that comes back as it was elsewhere: under its UIDs, in mailboxes of its UIDVALIDITY.
//!
//! A client that knew it there knows it here. That is only possible where nothing has used those numbers up: in a
//! mailbox that is made for it, with UIDs that ascend.

use std::sync::Arc;

use crate::{
    account::{Account, Arrival},
    annotation::Annotation,
    change::Change,
    error::Error,
    id::{MailboxId, Uid, UidValidity},
    name::{MailboxName, Role},
};

/// A message to place with [`Account::append_as`].
#[derive(Debug, Clone)]
pub struct AsWas {
    /// The message.
    pub arrival: Arrival,
    /// Its UID, not below UIDNEXT; the next, if not given.
    pub uid: Option<Uid>,
    /// When it was placed there, unix seconds; now, if not given.
    pub save_date: Option<i64>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
}

impl From<Arrival> for AsWas {
    fn from(arrival: Arrival) -> Self {
        Self {
            arrival,
            uid: None,
            save_date: None,
            annotations: Vec::new(),
        }
    }
}

/// A mailbox to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeAs {
    /// Its name.
    pub name: MailboxName,
    /// Its special use.
    pub role: Option<Role>,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
}

impl Account {
    /// Makes mailboxes, in the order of their UIDVALIDITY; none of them is subscribed to. All or none.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if a UIDVALIDITY is used up: one above it has been given out;
    /// [`Error::AlreadyExists`], [`Error::RoleTaken`].
    pub async fn create_as(&self, mailboxes: &[MadeAs]) -> Result<(), Error> {
        let mut mailboxes: Vec<&MadeAs> = mailboxes.iter().collect();
        mailboxes.sort_by_key(|made| made.uid_validity);
        self.shared
            .commit(&self.hands, None, |draft| {
                for made in &mailboxes {
                    let last = draft.snapshot.last;
                    if made.uid_validity.0 <= last.uid_validity {
                        return Err(Error::NotPermitted("the UIDVALIDITY is used up"));
                    }
                    if draft.snapshot.named(&made.name).is_some() {
                        return Err(Error::AlreadyExists);
                    }
                    if made
                        .role
                        .is_some_and(|role| draft.snapshot.with_role(role).is_some())
                    {
                        return Err(Error::RoleTaken);
                    }
                    draft.push(Change::MailboxCreated {
                        id: MailboxId(last.mailbox + 1),
                        name: made.name.clone(),
                        role: made.role,
                        uid_validity: made.uid_validity,
                    })?;
                }
                Ok(())
            })
            .await
    }

    /// Sees to it that UIDNEXT of a mailbox is at least this.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`].
    pub async fn skip_uids(&self, mailbox: MailboxId, to: Uid) -> Result<(), Error> {
        self.shared
            .commit(&self.hands, None, |draft| {
                let next = Arc::clone(draft.mailbox(mailbox)?).uid_next();
                if next < to {
                    draft.push(Change::UidsSkipped { mailbox, to })?;
                }
                Ok(())
            })
            .await
    }
}
