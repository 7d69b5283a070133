//! METADATA responses that nobody asked for, to clients that have enabled METADATA: RFC 5464 §4.1, §4.4.2.
//!
//! What NOTIFY tells of metadata (RFC 5465 §5.6, §5.7) is [`super::notify`]'s; a client that has said what it
//! wants by NOTIFY gets nothing here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use imap::encode;
use store::{MailboxId, Watch};

use super::{
    state::{Enabled, User},
    sync::flush_if_full,
};
use crate::{Gone, Outlet};

/// The most entries that wait to be told. Those beyond are not: a client that is told of so many reads all anew.
const ENTRIES_MAX: usize = 1000;

/// What others changed, and the client has not been told yet.
#[derive(Debug)]
pub(crate) struct MetadataNews {
    watch: Watch,
    /// By mailbox; of the server, by none.
    changed: BTreeMap<Option<MailboxId>, BTreeSet<Arc<str>>>,
    entries: usize,
}

impl MetadataNews {
    /// From now on.
    pub(crate) fn new(user: &User) -> Self {
        Self {
            watch: user.account.watch(),
            changed: BTreeMap::new(),
            entries: 0,
        }
    }

    /// Looks at what happened since the last time. What the client itself did it knows.
    pub(crate) fn look(&mut self, user: &User) {
        // If more happened than is remembered, nobody can say which entries changed.
        for brief in self.watch.take().unwrap_or_default() {
            if user.account.did(&brief) {
                continue;
            }
            // What is somebody else's is not for this client.
            let own = brief
                .metadata
                .iter()
                .filter(|(_, whose, _)| whose.is_none());
            for (of, _, entry) in own {
                if self.entries < ENTRIES_MAX {
                    let entries = self.changed.entry(*of).or_default();
                    self.entries += usize::from(entries.insert(Arc::clone(entry)));
                }
            }
        }
    }

    /// Whether anything waits to be told.
    pub(crate) fn has_any(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Tells it: names of entries, not what they say.
    ///
    /// # Errors
    /// [`Gone`]
    pub(crate) async fn tell(
        &mut self,
        user: &User,
        enabled: Enabled,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
        self.entries = 0;
        let snapshot = user.account.snapshot();
        for (of, entries) in std::mem::take(&mut self.changed) {
            let mailbox = of.and_then(|id| snapshot.mailbox(id));
            if of.is_some() && mailbox.is_none() {
                // It has gone, and its entries with it.
                continue;
            }
            let written = |mailbox: &Arc<store::Mailbox>| {
                user.reach.written(user.account.id(), mailbox.name())
            };
            let name = mailbox.map(written).unwrap_or_default();
            let entries = entries.iter().map(AsRef::as_ref);
            encode::metadata_changed(out.buffer(), &name, enabled.names(), entries);
            flush_if_full(out).await?;
        }
        Ok(())
    }
}
