//! The state of an account at a modseq: immutable, shared.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    change::Expiry,
    fold::Last,
    id::{MailboxId, ModSeq},
    mailbox::Mailbox,
    metadata::Metadata,
    name::{MailboxName, Role},
    quota::{Usage, kept::Quotas},
    shelves::Shelves,
};

/// All mailboxes of an account at one modseq.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub(crate) mod_seq: u64,
    pub(crate) mailboxes: Shelves<MailboxId, Arc<Mailbox>>,
    pub(crate) names: Shelves<MailboxName, MailboxId>,
    pub(crate) subscriptions: Arc<BTreeSet<MailboxName>>,
    pub(crate) last: Last,
    pub(crate) held: bool,
    pub(crate) expiry: Option<Expiry>,
    pub(crate) metadata: Metadata,
    /// Its quota roots, and what is used.
    pub(crate) quotas: Quotas,
    /// The partition in which the account goes on.
    pub(crate) moved_to: Option<u16>,
    /// How it came to this partition.
    pub(crate) arrived: Option<Arrived>,
}

/// An account came from another partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrived {
    /// That partition's number.
    pub(crate) from: u16,
    /// With which batch here.
    pub(crate) at: ModSeq,
}

impl Snapshot {
    /// The last change that is in it.
    #[must_use]
    pub fn mod_seq(&self) -> ModSeq {
        ModSeq(self.mod_seq)
    }

    /// The partition that has to have said that the account moved away: else this is a copy that was
    /// begun in vain. `None` once anything was written here after it came.
    pub(crate) fn unconfirmed(&self) -> Option<u16> {
        let arrived = self.arrived.filter(|it| it.at == self.mod_seq());
        arrived.map(|it| it.from)
    }

    /// A mailbox by its id.
    #[must_use]
    pub fn mailbox(&self, id: MailboxId) -> Option<&Arc<Mailbox>> {
        self.mailboxes.get(&id)
    }

    /// A mailbox by its name.
    #[must_use]
    pub fn named(&self, name: &MailboxName) -> Option<&Arc<Mailbox>> {
        self.mailboxes.get(self.names.get(name)?)
    }

    /// Every mailbox, in the order of the names.
    pub fn mailboxes(&self) -> impl Iterator<Item = (&MailboxName, &Arc<Mailbox>)> {
        self.names
            .iter()
            .filter_map(|(name, id)| Some((name, self.mailboxes.get(id)?)))
    }

    /// Every mailbox below `name`, in the order of the names.
    pub fn below<'a>(
        &'a self,
        name: &'a MailboxName,
    ) -> impl Iterator<Item = (&'a MailboxName, &'a Arc<Mailbox>)> {
        // All of them begin with it, and so they are together.
        self.names
            .from(name)
            .take_while(|(other, _)| other.as_str().starts_with(name.as_str()))
            .filter(|(other, _)| other.is_below(name))
            .filter_map(|(name, id)| Some((name, self.mailboxes.get(id)?)))
    }

    /// The mailbox that a new one of this name would be made in: the nearest above it that exists, or else INBOX,
    /// which stands above all that its account has. Whoever may make mailboxes there may make this one, and it
    /// begins with the same list of rights (RFC 4314 §4).
    #[must_use]
    pub fn nearest_above(&self, name: &MailboxName) -> Option<&Arc<Mailbox>> {
        let above = std::iter::successors(name.parent(), MailboxName::parent);
        let nearest = above.into_iter().find_map(|name| self.named(&name));
        let inbox = || self.named(&MailboxName::inbox());
        nearest.or_else(|| inbox().filter(|_| !name.is_inbox()))
    }

    /// Every name subscribed to, whether or not a mailbox has it.
    #[must_use]
    pub fn subscriptions(&self) -> &BTreeSet<MailboxName> {
        &self.subscriptions
    }

    /// Whether a legal hold lies on the whole account.
    #[must_use]
    pub fn held(&self) -> bool {
        self.held
    }

    /// The account's rule of expiry; `None`: the configuration decides.
    #[must_use]
    pub fn expiry(&self) -> Option<Expiry> {
        self.expiry
    }

    /// The metadata of the account as a whole.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What all mailboxes use.
    #[must_use]
    pub fn usage(&self) -> Usage {
        *self.quotas.usage()
    }

    /// The mailbox with this special use.
    #[must_use]
    pub fn with_role(&self, role: Role) -> Option<&Arc<Mailbox>> {
        self.mailboxes.values().find(|m| m.role() == Some(role))
    }
}
