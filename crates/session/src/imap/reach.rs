//! Whose mail a client comes to: from the names that it writes to the mailboxes of any account.
//!
//! Handlers ask here for every name, so that none of them works on the user's own account where the
//! client meant somebody else's. What may be done with what is found is the store's to say, which knows
//! who acts through the account that it is given.

use std::sync::Arc;

use store::{Account, Mailbox, MailboxName};

/// Where a name leads. There need not be a mailbox of that name.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Whose mailbox it is or would be, in the hands of who has logged in.
    pub(crate) account: Account,
    /// Its name in that account.
    pub(crate) name: MailboxName,
}

/// A mailbox that is there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Whose it is, in the hands of who has logged in.
    pub(crate) account: Account,
    /// As it is now.
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Place {
    /// The mailbox, as far as the user may know of it.
    pub(crate) fn mailbox(&self) -> Option<Arc<Mailbox>> {
        self.account.snapshot().named(&self.name).cloned()
    }

    /// The same.
    ///
    /// # Errors
    /// [`store::Error::NoSuchMailbox`]
    pub(crate) fn found(self) -> Result<Found, store::Error> {
        let mailbox = self.mailbox().ok_or(store::Error::NoSuchMailbox)?;
        let account = self.account;
        Ok(Found { account, mailbox })
    }
}
