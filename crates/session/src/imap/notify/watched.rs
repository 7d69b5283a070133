//! An account that is watched for a client: what happened there, as far as it is to be told.
//!
//! Of one's own account the store says what became of which name. Of another's a user knows what they see: so
//! names that came and went are found by what is seen before and after, and rights that are given and taken are
//! mailboxes that come and go (RFC 5465 §5.4).

use std::{collections::BTreeSet, sync::Arc};

use store::{
    Account, AccountId, Brief, Mailbox, MailboxId, MailboxName, Naming, Watch, account::Messages,
};

use super::{Asked, Events, Open, is_observable, pending::Pending};
use crate::{
    Gone, Outlet,
    imap::state::{Enabled, Selected, User},
};

/// The most names that are remembered for having been deleted.
const DELETED_MAX: usize = 1000;

/// Metadata of one user alone (RFC 5464 §3.3).
const PRIVATE: &str = "/private/";

/// An account that is watched.
#[derive(Debug)]
pub(super) struct Watched {
    account: Account,
    watch: Watch,
    pending: Pending,
    /// Names that were a mailbox's that has been deleted: a new one has another UIDVALIDITY.
    deleted: BTreeSet<MailboxName>,
    /// Names of another's mailboxes that the user saw when it was last looked.
    seen: BTreeSet<MailboxName>,
}

/// More happened than the server remembers.
#[derive(Debug)]
pub(super) struct Overflown;

impl Watched {
    /// From now on.
    pub(super) fn new(account: Account) -> Self {
        Self {
            watch: account.watch(),
            pending: Pending::default(),
            deleted: BTreeSet::new(),
            seen: seen(&account),
            account,
        }
    }

    pub(super) const fn account(&self) -> &Account {
        &self.account
    }

    /// Whether anything waits to be told.
    pub(super) fn has_news(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Tells what waits.
    pub(super) async fn tell(
        &mut self,
        user: &User,
        selected: Option<Open>,
        enabled: Enabled,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
        let whose = (user, &self.account);
        self.pending.write(whose, selected, enabled, out).await
    }

    /// Looks at what happened since the last time.
    ///
    /// # Errors
    /// [`Overflown`]
    pub(super) fn look(
        &mut self,
        asked: &Asked,
        user: &User,
        mut selected: Option<&mut Selected>,
    ) -> Result<(), Overflown> {
        let briefs = self.watch.take().ok_or(Overflown)?;
        let is_own = self.account.id() == user.account.id();
        let mut names_changed = false;
        for brief in briefs {
            let did = self.account.did(&brief);
            for messages in &brief.messages {
                match &mut selected {
                    Some(selected)
                        if selected.mailbox == messages.mailbox
                            && selected.account.id() == self.account.id() =>
                    {
                        if did {
                            selected.has_placed(&messages.came);
                        }
                    }
                    _ if did => {}
                    _ => self.note_messages(asked, user, messages),
                }
            }
            if is_own {
                self.note_own(asked, user, &brief, did);
            }
            names_changed |= !brief.names.is_empty() || !brief.rights.is_empty();
            if !did {
                for (of, whose, entry) in &brief.metadata {
                    if self.is_for(user, *whose, entry) {
                        self.note_metadata(asked, user, *of, entry);
                    }
                }
            }
            if !is_own && did {
                // What the client itself did it knows.
                self.seen = seen(&self.account);
            }
        }
        if !is_own && names_changed {
            self.note_seen(asked, user);
        }
        Ok(())
    }

    /// Names and subscriptions of the user's own account.
    fn note_own(&mut self, asked: &Asked, user: &User, brief: &Brief, did: bool) {
        for naming in &brief.names {
            self.note_name(asked, user, naming, did);
        }
        if !did {
            for name in &brief.subscriptions {
                if asked.tells_subscriptions(user, &self.account, name) {
                    self.pending.listing(name, None);
                }
            }
        }
    }

    fn note_messages(&mut self, asked: &Asked, user: &User, messages: &Messages) {
        let snapshot = self.account.snapshot();
        let mailbox = snapshot.mailbox(messages.mailbox);
        if let Some(mailbox) = mailbox.filter(|mailbox| is_observable(&self.account, mailbox)) {
            let events = asked.of(user, &self.account, mailbox.name());
            if events.has_any(Events::OF_MESSAGES) {
                let reader = self.account.whose();
                self.pending.messages(messages, events, reader);
            }
        }
    }

    /// §5.4. A mailbox that comes or goes affects the one above it as well.
    fn note_name(&mut self, asked: &Asked, user: &User, naming: &Naming, did: bool) {
        let account = self.account.clone();
        let of = |name: &MailboxName| asked.of(user, &account, name);
        let mut affected = |name: &MailboxName| {
            if !did && of(name).has_any(Events::NAMES) {
                self.pending.listing(name, None);
            }
        };
        match naming {
            Naming::Made(name) => {
                affected(name);
                name.parent().iter().for_each(affected);
                self.note_validity(asked, user, name);
            }
            Naming::Deleted(name) => {
                affected(name);
                name.parent().iter().for_each(affected);
                self.note_deleted(asked, name);
            }
            Naming::Renamed { from, to } => {
                let events = of(from).with(of(to));
                if !did && events.has_any(Events::NAMES) {
                    self.pending.renamed(from, to);
                }
                self.note_validity(asked, user, to);
                self.note_deleted(asked, from);
            }
        }
    }

    /// What the user sees of another's mailboxes has changed.
    fn note_seen(&mut self, asked: &Asked, user: &User) {
        let now = seen(&self.account);
        let before = std::mem::replace(&mut self.seen, now.clone());
        for name in before.symmetric_difference(&now) {
            let affected = std::iter::once(name.clone()).chain(name.parent());
            for name in affected {
                if asked.of(user, &self.account, &name).has_any(Events::NAMES) {
                    self.pending.listing(&name, None);
                }
            }
        }
        for name in before.difference(&now) {
            self.note_deleted(asked, name);
        }
        for name in now.difference(&before) {
            self.note_validity(asked, user, name);
        }
    }

    fn note_deleted(&mut self, asked: &Asked, name: &MailboxName) {
        if asked.anywhere(Events::FLAGS) {
            if self.deleted.len() >= DELETED_MAX {
                self.deleted.pop_first();
            }
            self.deleted.insert(name.clone());
        }
    }

    /// §5.1: whoever is told of flags is told that a name has another UIDVALIDITY.
    fn note_validity(&mut self, asked: &Asked, user: &User, name: &MailboxName) {
        let snapshot = self.account.snapshot();
        if self.deleted.remove(name)
            && asked.of(user, &self.account, name).has_any(Events::FLAGS)
            && let Some(mailbox) = snapshot.named(name)
        {
            self.pending.validity(mailbox.id());
        }
    }

    /// Whether an entry is the user's business: what is private to somebody else is not, not even that it changed.
    fn is_for(&self, user: &User, whose: Option<AccountId>, entry: &str) -> bool {
        let scope = entry.get(..PRIVATE.len());
        let private = scope.is_some_and(|scope| scope.eq_ignore_ascii_case(PRIVATE));
        !private || whose.unwrap_or(self.account.id()) == user.account.id()
    }

    /// §5.6, §5.7.
    fn note_metadata(
        &mut self,
        asked: &Asked,
        user: &User,
        of: Option<MailboxId>,
        entry: &Arc<str>,
    ) {
        let is_own = self.account.id() == user.account.id();
        let Some(id) = of else {
            if is_own && asked.anywhere(Events::SERVER_METADATA) {
                self.pending.metadata(None, entry);
            }
            return;
        };
        let snapshot = self.account.snapshot();
        let mailbox = snapshot.mailbox(id);
        let mailbox = mailbox.filter(|mailbox| is_observable(&self.account, mailbox));
        if let Some(name) = mailbox.map(|mailbox| mailbox.name())
            && asked
                .of(user, &self.account, name)
                .has_any(Events::METADATA)
        {
            self.pending.metadata(Some(name.clone()), entry);
        }
    }
}

/// The names that whoever has the account in their hands sees.
fn seen(account: &Account) -> BTreeSet<MailboxName> {
    let snapshot = account.snapshot();
    let sees = |mailbox: &Mailbox| account.sees(mailbox);
    let names = snapshot.mailboxes().filter(|(_, mailbox)| sees(mailbox));
    names.map(|(name, _)| name.clone()).collect()
}
