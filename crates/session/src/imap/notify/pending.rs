//! What is to be told of mailboxes that are not selected: STATUS, LIST and METADATA responses.
//!
//! Noted is only that something is to be told; what is written is how things stand then. So it is bounded by
//! the account, and a client that is told late is told no more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use imap::{
    command::StatusItem,
    encode::{self, ListLine},
};
use store::{Account, MailboxId, MailboxName, Role, Whose, account::Messages};

use super::{Events, Open, is_observable};
use crate::{
    Gone, Outlet,
    imap::{
        commands::status,
        state::{Enabled, User},
        sync::flush_if_full,
    },
};

/// What waits to be told.
#[derive(Debug, Default)]
pub(super) struct Pending {
    mailboxes: BTreeMap<MailboxId, Happened>,
    /// Names to be listed, with the one that each had before.
    listings: BTreeMap<MailboxName, Option<MailboxName>>,
    /// Entries of a mailbox, or of the server.
    metadata: BTreeMap<Option<MailboxName>, BTreeSet<Arc<str>>>,
}

/// What happened in a mailbox, as far as it is to be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one reason to tell something of its own"
)]
pub(super) struct Happened {
    /// Messages came.
    pub(super) came: bool,
    /// Messages went.
    pub(super) went: bool,
    /// Flags changed, or annotations.
    pub(super) flagged: bool,
    /// `\Seen` was among them.
    pub(super) unseen: bool,
    /// Its name had another UIDVALIDITY.
    pub(super) validity: bool,
}

impl Happened {
    /// What STATUS has to tell, and no more: RFC 5465 §5.1 to §5.3. Nothing, if changed flags can't be
    /// seen in it.
    pub(super) fn items(self, enabled: Enabled) -> Vec<StatusItem> {
        let messages = self.came || self.went || self.validity;
        let flags = self.flagged && (enabled.condstore || self.unseen);
        let mod_seq = self.came && enabled.condstore
            || self.went && enabled.qresync
            || (self.flagged || self.validity) && enabled.condstore;
        [
            (
                self.flagged && enabled.condstore || self.validity,
                StatusItem::UidValidity,
            ),
            (messages, StatusItem::UidNext),
            (messages, StatusItem::Messages),
            (flags && self.unseen, StatusItem::Unseen),
            (mod_seq, StatusItem::HighestModSeq),
        ]
        .into_iter()
        .filter_map(|(told, item)| told.then_some(item))
        .collect()
    }
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.mailboxes.is_empty() && self.listings.is_empty() && self.metadata.is_empty()
    }

    /// Something happened to messages of a mailbox of which `events` are told.
    pub(super) fn messages(&mut self, messages: &Messages, events: Events, reader: Whose) {
        let flagged = messages.flagged && events.has_any(Events::FLAGS);
        let mut annotated = messages.annotated.iter();
        let seen = |whose: &Whose| *whose == Whose::Shared || *whose == reader;
        let annotated = events.has_any(Events::ANNOTATIONS) && annotated.any(seen);
        let came = !messages.came.is_empty();
        if came || messages.went || flagged || annotated {
            let happened = self.mailboxes.entry(messages.mailbox).or_default();
            happened.came |= came;
            happened.went |= messages.went;
            happened.flagged |= flagged || annotated;
            happened.unseen |= flagged && messages.unseen;
        }
    }

    /// A name has become that of another mailbox.
    pub(super) fn validity(&mut self, mailbox: MailboxId) {
        self.mailboxes.entry(mailbox).or_default().validity = true;
    }

    /// A name is to be listed.
    pub(super) fn listing(&mut self, name: &MailboxName, old: Option<MailboxName>) {
        let listing = self.listings.entry(name.clone()).or_default();
        if old.is_some() {
            *listing = old;
        }
    }

    /// A mailbox has another name. Of those below it, which have too, nothing is said (§5.4).
    pub(super) fn renamed(&mut self, from: &MailboxName, to: &MailboxName) {
        let levels = std::iter::successors(to.parent(), MailboxName::parent);
        let implied = levels.into_iter().any(|above| {
            let old = self.listings.get(&above).and_then(Option::as_ref);
            old.is_some_and(|old| {
                let (from, to) = (from.as_str(), to.as_str());
                from.strip_prefix(old.as_str()) == to.strip_prefix(above.as_str())
            })
        });
        if implied {
            return;
        }
        // The client has not heard of the name in between.
        let before = self.listings.get(from).cloned().flatten();
        if before.is_some() {
            self.listings.remove(from);
        }
        let from = before.unwrap_or_else(|| from.clone());
        self.listing(to, Some(from).filter(|from| from != to));
    }

    /// An entry of a mailbox, or of the server, was set or taken away.
    pub(super) fn metadata(&mut self, of: Option<MailboxName>, entry: &Arc<str>) {
        let entries = self.metadata.entry(of).or_default();
        entries.insert(Arc::clone(entry));
    }

    /// What is to be listed: names, with the ones before.
    #[cfg(test)]
    pub(super) fn listings(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let listings = self.listings.iter();
        listings.map(|(name, old)| (name.as_str(), old.as_ref().map(MailboxName::as_str)))
    }

    /// Writes all of it, as of that account. Of the selected mailbox nothing is said here.
    pub(super) async fn write(
        &mut self,
        (user, account): (&User, &Account),
        selected: Option<Open>,
        enabled: Enabled,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
        let snapshot = account.snapshot();
        let written = |name: &MailboxName| user.reach.written(account.id(), name);
        for (name, old) in std::mem::take(&mut self.listings) {
            let names = (&name, old.map(|old| written(&old)));
            list((user, account), names, enabled, out.buffer());
            flush_if_full(out).await?;
        }
        for (of, entries) in std::mem::take(&mut self.metadata) {
            let name = of.as_ref().map(written).unwrap_or_default();
            let entries = entries.iter().map(AsRef::as_ref);
            encode::metadata_changed(out.buffer(), &name, enabled.names(), entries);
            flush_if_full(out).await?;
        }
        for (id, happened) in std::mem::take(&mut self.mailboxes) {
            let items = happened.items(enabled);
            let mailbox = snapshot.mailbox(id).filter(|mailbox| {
                selected != Some((account.id(), id)) && is_observable(account, mailbox)
            });
            if let Some(mailbox) = mailbox.filter(|_| !items.is_empty()) {
                let told = status::Told {
                    name: &written(mailbox.name()),
                    mailbox,
                    account,
                    ids: user.reach.ids(account.id()),
                    deleted_octets: 0,
                };
                status::write(told, &items, user.message_bytes_max, enabled, out.buffer());
            }
            flush_if_full(out).await?;
        }
        Ok(())
    }
}

/// The LIST response for a name as it stands: RFC 5465 §5.4, §5.5.
fn list(
    (user, account): (&User, &Account),
    (name, old): (&MailboxName, Option<String>),
    enabled: Enabled,
    out: &mut Vec<u8>,
) {
    let snapshot = account.snapshot();
    let mailbox = snapshot.named(name);
    let mailbox = mailbox.filter(|mailbox| account.sees(mailbox));
    let mut attributes = Vec::new();
    if mailbox.is_none() {
        attributes.push("\\NonExistent");
        if !enabled.rev2 {
            // As LIST says it to clients that may not have heard of the other.
            attributes.push("\\Noselect");
        }
    }
    let mut below = snapshot.below(name);
    let has_children = below.any(|(_, mailbox)| account.sees(mailbox));
    attributes.push(if has_children {
        "\\HasChildren"
    } else {
        "\\HasNoChildren"
    });
    if user.reach.is_subscribed(account, name) {
        attributes.push("\\Subscribed");
    }
    // Others' mailboxes have a special use for their owners only.
    let own = mailbox.filter(|_| account.id() == user.account.id());
    let role = own.and_then(|mailbox| mailbox.role());
    attributes.extend(role.map(Role::attribute));
    let line = ListLine {
        attributes: &attributes,
        delimiter: Some(user.reach.namespace().delimiter()),
        name: &user.reach.written(account.id(), name),
        encoding: enabled.names(),
        old_name: old.as_deref(),
        ..ListLine::default()
    };
    encode::list(out, &line);
}
