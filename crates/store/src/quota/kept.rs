//! What an account uses, kept: every change that the fold applies moves it along.
//!
//! Only the limits are written down; what is used is counted anew from the counters of mailboxes
//! whenever a state is made from a checkpoint.

use std::{collections::BTreeMap, sync::Arc};

use super::{Quota, QuotaRoot, RootState, Usage};
use crate::{
    change::Change, error::Error, id::MailboxId, mailbox::Mailbox, name::MailboxName,
    snapshot::Snapshot,
};

/// The most quota roots of an account besides itself: every change looks for those above it.
pub(crate) const ROOTS_MAX: usize = 1000;

/// The quota roots of an account, and what it uses. A cheap clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Quotas {
    /// What the account uses.
    usage: Usage,
    /// What is set for the account as a whole.
    account: Option<Quota>,
    /// `None` if there are none, as in most accounts.
    roots: Option<Arc<BTreeMap<MailboxName, Root>>>,
}

/// A quota root that is not the account itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Root {
    quota: Quota,
    usage: Usage,
}

/// What a mailbox counted for, under which name.
type Counted = Option<(MailboxName, Usage)>;

impl Mailbox {
    /// What it counts for, by itself.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let metadata = self.metadata.every().map(|(.., value)| value.len() as u64);
        Usage {
            octets: self.counters.octets,
            messages: self.counters.messages.into(),
            mailboxes: 1,
            annotation_octets: self.annotation_octets() + metadata.sum::<u64>(),
        }
    }
}

/// The mailbox that counts for something else after a change, if any does.
pub(crate) fn counts_anew(change: &Change) -> Option<MailboxId> {
    match change {
        Change::Added(added) | Change::Copied(added) => Some(added.mailbox),
        Change::Expunged { mailbox: id, .. }
        | Change::MailboxCreated { id, .. }
        | Change::MailboxDeleted { id }
        | Change::MailboxRenamed { id, .. } => Some(*id),
        Change::AnnotationSet { mailbox, .. } => Some(*mailbox),
        Change::MetadataSet { mailbox, .. } => *mailbox,
        _ => None,
    }
}

/// What a mailbox counts for now.
pub(crate) fn counted(snapshot: &Snapshot, id: Option<MailboxId>) -> Counted {
    let mailbox = snapshot.mailbox(id?)?;
    Some((mailbox.name.clone(), mailbox.usage()))
}

impl Quotas {
    /// Limits that were written down; what is used has to be counted.
    pub(crate) fn uncounted(
        account: Option<Quota>,
        roots: impl IntoIterator<Item = (MailboxName, Quota)>,
    ) -> Self {
        let usage = Usage::default();
        let root = |(name, quota)| (name, Root { quota, usage });
        let roots: BTreeMap<_, _> = roots.into_iter().map(root).collect();
        Self {
            usage,
            account,
            roots: (!roots.is_empty()).then(|| Arc::new(roots)),
        }
    }

    /// The same limits with what is used in a state.
    pub(crate) fn recounted(&self, snapshot: &Snapshot) -> Self {
        let mut counted = Self::uncounted(self.account, self.every());
        for (name, mailbox) in snapshot.mailboxes() {
            counted.moved(&None, &Some((name.clone(), mailbox.usage())));
        }
        counted
    }

    /// What the account uses.
    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }

    /// What is set for the account as a whole.
    pub(crate) fn account(&self) -> Option<Quota> {
        self.account
    }

    /// What is set at other roots, in the order of the names.
    pub(crate) fn every(&self) -> impl Iterator<Item = (MailboxName, Quota)> {
        let every = self.roots.iter().flat_map(|roots| roots.iter());
        every.map(|(name, root)| (name.clone(), root.quota))
    }

    /// How many there are of these.
    pub(crate) fn len(&self) -> usize {
        self.roots.as_ref().map_or(0, |roots| roots.len())
    }

    /// What is set at a root.
    pub(crate) fn at(&self, name: &MailboxName) -> Option<Quota> {
        Some(self.roots.as_ref()?.get(name)?.quota)
    }

    /// A root as it stands.
    pub(crate) fn state(&self, name: &MailboxName) -> Option<RootState> {
        let root = self.roots.as_ref()?.get(name)?;
        Some(RootState {
            root: QuotaRoot::Name(name.clone()),
            quota: root.quota,
            usage: root.usage,
        })
    }

    /// The roots of a mailbox of that name, whether or not there is one, the nearest first; without the
    /// account itself.
    pub(crate) fn above(&self, name: &MailboxName) -> Vec<RootState> {
        if self.roots.is_none() {
            return Vec::new();
        }
        let names = std::iter::successors(Some(name.clone()), MailboxName::parent);
        names.filter_map(|name| self.state(&name)).collect()
    }

    /// A mailbox counts for something else, or under another name.
    pub(crate) fn moved(&mut self, before: &Counted, after: &Counted) {
        if before == after {
            return;
        }
        if let Some((name, usage)) = before {
            self.usage = self.usage.without(usage);
            self.each_above(name, |root| root.usage = root.usage.without(usage));
        }
        if let Some((name, usage)) = after {
            self.usage = self.usage.and(usage);
            self.each_above(name, |root| root.usage = root.usage.and(usage));
        }
    }

    fn each_above(&mut self, name: &MailboxName, mut act: impl FnMut(&mut Root)) {
        let Some(roots) = &mut self.roots else {
            return;
        };
        for name in std::iter::successors(Some(name.clone()), MailboxName::parent) {
            if roots.contains_key(&name)
                && let Some(root) = Arc::make_mut(roots).get_mut(&name)
            {
                act(root);
            }
        }
    }

    /// The first limit that a state breaks which this one did not: these are the limits of `before`, as they
    /// are in the state after. A root that is new there is not asked.
    ///
    /// # Errors
    /// [`Error::OverQuota`].
    pub(crate) fn permit(&self, after: &Self, account: Option<Quota>) -> Result<(), Error> {
        let over = |root: QuotaRoot, quota: Quota, before: &Usage, after: &Usage| {
            let resource = quota.limits.exceeded(before, after);
            resource.map_or(Ok(()), |resource| Err(Error::OverQuota { root, resource }))
        };
        if let (Some(old), Some(new)) = (&self.roots, &after.roots) {
            for (name, root) in new.iter() {
                if let Some(was) = old.get(name) {
                    let at = QuotaRoot::Name(name.clone());
                    over(at, root.quota, &was.usage, &root.usage)?;
                }
            }
        }
        match account {
            None => Ok(()),
            Some(quota) => over(QuotaRoot::Account, quota, &self.usage, &after.usage),
        }
    }
}

/// Sets what a root has, or takes the root away.
pub(crate) fn set(snapshot: &mut Snapshot, root: Option<&MailboxName>, quota: Option<Quota>) {
    let Some(name) = root else {
        snapshot.quotas.account = quota;
        return;
    };
    let usage = snapshot.quotas.state(name).map(|state| state.usage);
    let usage = usage.unwrap_or_else(|| used_below(snapshot, name));
    let roots = &mut snapshot.quotas.roots;
    match quota {
        Some(quota) => {
            let roots = Arc::make_mut(roots.get_or_insert_default());
            roots.insert(name.clone(), Root { quota, usage });
        }
        None => {
            if let Some(roots) = roots {
                Arc::make_mut(roots).remove(name);
            }
        }
    }
    if roots.as_ref().is_some_and(|roots| roots.is_empty()) {
        *roots = None;
    }
}

/// What the mailbox of a name uses, if there is one, with all below it.
fn used_below(snapshot: &Snapshot, name: &MailboxName) -> Usage {
    let below = snapshot.below(name).map(|(_, mailbox)| mailbox);
    let every = snapshot.named(name).into_iter().chain(below);
    every.fold(Usage::default(), |sum, mailbox| sum.and(&mailbox.usage()))
}
