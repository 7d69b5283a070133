//! Quotas of an account: SETQUOTA, GETQUOTA, GETQUOTAROOT of RFC 9208 §4.1.

use crate::{
    account::{
        Account,
        commit::{Draft, Shared},
    },
    change::Change,
    error::Error,
    name::MailboxName,
    quota::{DomainQuota, Limits, Quota, QuotaRoot, RootState, Usage, kept::ROOTS_MAX},
    rights::{Actor, Rights},
    snapshot::Snapshot,
};

impl Account {
    /// Sets what a root has: of mailboxes of a name and below it, or of the account (`None`). Without a
    /// quota it is no root any more. Gives whether anything changed.
    ///
    /// Administrators may do that anywhere, and what they set nobody else may change. Who may administer a
    /// mailbox (RFC 9208 §6) may limit it further.
    ///
    /// # Errors
    /// [`Error::NoRight`], [`Error::NoSuchMailbox`]; [`Error::Limit`] of quota roots.
    pub async fn set_quota(
        &self,
        root: Option<&MailboxName>,
        limits: Option<Limits>,
    ) -> Result<bool, Error> {
        let administered = match self.actor() {
            Actor::System => true,
            Actor::User(person) => person.administrator,
            Actor::Anonymous => false,
        };
        let quota = limits.map(|limits| Quota {
            limits,
            administered,
        });
        self.shared
            .commit(&self.hands, None, |draft| {
                if administered {
                    draft.may_as_owner()?;
                } else {
                    may_limit(draft, root)?;
                }
                set(draft, root, quota)
            })
            .await
    }

    /// The roots of a mailbox of that name, whether or not there is one: the nearest first, the account
    /// last, if that has limits. That of its domain is told by [`crate::Store::domain_quota`].
    #[must_use]
    pub fn quota_roots(&self, name: &MailboxName) -> Vec<RootState> {
        let snapshot = self.snapshot();
        let mut roots = snapshot.quotas.above(name);
        roots.extend(self.account_root(&snapshot));
        roots
    }

    /// A root as it stands, if there is one: of a name, or (`None`) the account's.
    #[must_use]
    pub fn quota_root(&self, root: Option<&MailboxName>) -> Option<RootState> {
        let snapshot = self.snapshot();
        match root {
            Some(name) => snapshot.quotas.state(name),
            None => self.account_root(&snapshot),
        }
    }

    /// Every root with what is set there, in the order of the names, and the account last, if that has limits.
    #[must_use]
    pub fn every_quota_root(&self) -> Vec<RootState> {
        let snapshot = self.snapshot();
        let every = snapshot.quotas.every();
        let mut roots: Vec<RootState> = every
            .filter_map(|(name, _)| snapshot.quotas.state(&name))
            .collect();
        roots.extend(self.account_root(&snapshot));
        roots
    }

    /// Whether a mailbox of that name could take so much more now: to refuse what would be refused before it
    /// is sent. What is kept nevertheless decides when it is.
    ///
    /// # Errors
    /// [`Error::OverQuota`].
    pub async fn room(&self, name: &MailboxName, more: &Usage) -> Result<(), Error> {
        let mut roots = self.quota_roots(name);
        roots.extend(self.shared.domain_root().await);
        for state in roots {
            if let Some(resource) = state.refuses(more) {
                let root = state.root;
                return Err(Error::OverQuota { root, resource });
            }
        }
        Ok(())
    }

    fn account_root(&self, snapshot: &Snapshot) -> Option<RootState> {
        self.shared.account_root(snapshot)
    }
}

impl Shared {
    /// What is set for the account as a whole: by itself, or by what the store is told.
    fn account_quota(&self, snapshot: &Snapshot) -> Option<Quota> {
        let own = snapshot.quotas.account();
        own.or_else(|| {
            let limits = self.pools.allotment()?.of_account(self.id);
            (!limits.is_none()).then_some(Quota {
                limits,
                administered: true,
            })
        })
    }

    /// The root that is the account, if that has limits.
    fn account_root(&self, snapshot: &Snapshot) -> Option<RootState> {
        Some(RootState {
            root: QuotaRoot::Account,
            quota: self.account_quota(snapshot)?,
            usage: *snapshot.quotas.usage(),
        })
    }

    /// The account's domain, if that is limited; all that is used there is known then.
    pub(super) async fn domain(&self) -> Option<DomainQuota> {
        let domain = self.pools.domain_of(self.id)?;
        self.pools.usage(&self.partitions, &domain.name).await;
        Some(domain)
    }

    /// The root that is the account's domain.
    async fn domain_root(&self) -> Option<RootState> {
        let domain = self.pools.domain_of(self.id)?;
        let usage = self.pools.usage(&self.partitions, &domain.name).await;
        Some(domain.state(usage))
    }

    /// Whether a draft is within the limits of the account and of what lies below it.
    ///
    /// # Errors
    /// [`Error::OverQuota`].
    pub(super) fn permit(&self, draft: &Draft<'_>) -> Result<(), Error> {
        if draft.exempt {
            return Ok(());
        }
        let after = &draft.snapshot.quotas;
        let account = self.account_quota(&draft.snapshot);
        draft.before.permit(after, account)
    }

    /// Tells of roots of the account that fill up from one state to the next.
    pub(super) fn tell_filling(&self, before: &Snapshot, after: &Snapshot) {
        let filling = &self.pools.filling;
        if !filling.is_watched() {
            return;
        }
        for (name, _) in after.quotas.every() {
            let states = (before.quotas.state(&name), after.quotas.state(&name));
            if let (Some(before), Some(after)) = states {
                filling.tell(self.id, &before, &after);
            }
        }
        let states = (self.account_root(before), self.account_root(after));
        if let (Some(before), Some(after)) = states {
            filling.tell(self.id, &before, &after);
        }
    }

    /// Takes what a draft needs out of its domain's limits, if all others hold. Gives what the account
    /// used before: if the batch comes to nothing, it has to be put back. The account's lock is held.
    ///
    /// # Errors
    /// [`Error::OverQuota`].
    pub(super) fn reserve(
        &self,
        draft: &Draft<'_>,
        domain: Option<&DomainQuota>,
    ) -> Result<Usage, Error> {
        self.permit(draft)?;
        let before = *draft.before.usage();
        let after = draft.snapshot.quotas.usage();
        if draft.exempt {
            self.pools.put(self.id, domain, after);
        } else {
            self.pools.reserve(self.id, domain, (&before, after))?;
        }
        Ok(before)
    }
}

/// Whether somebody who is no administrator may set limits.
fn may_limit(draft: &mut Draft<'_>, root: Option<&MailboxName>) -> Result<(), Error> {
    let denied = Err(Error::NoRight(Rights::ADMINISTER));
    let Some(name) = root else {
        return denied;
    };
    let mailbox = draft.named(name)?.id();
    draft.may(mailbox, Rights::ADMINISTER)?;
    match draft.snapshot.quotas.at(name) {
        Some(quota) if quota.administered => denied,
        _ => Ok(()),
    }
}

fn set(
    draft: &mut Draft<'_>,
    root: Option<&MailboxName>,
    quota: Option<Quota>,
) -> Result<bool, Error> {
    let quotas = &draft.snapshot.quotas;
    let now = match root {
        Some(name) => quotas.at(name),
        None => quotas.account(),
    };
    if now == quota {
        return Ok(false);
    }
    if root.is_some() && now.is_none() && quotas.len() >= ROOTS_MAX {
        return Err(Error::Limit("quota roots"));
    }
    draft.push(Change::QuotaSet {
        root: root.cloned(),
        quota,
    })?;
    Ok(true)
}

/// Sets the limits that another state has, in an account that has none.
pub(crate) fn carry(draft: &mut Draft<'_>, from: &Snapshot) -> Result<(), Error> {
    let own = &draft.snapshot.quotas;
    if own.account().is_some() || own.len() > 0 {
        return Ok(());
    }
    if let Some(quota) = from.quotas.account() {
        set(draft, None, Some(quota))?;
    }
    for (name, quota) in from.quotas.every() {
        set(draft, Some(&name), Some(quota))?;
    }
    Ok(())
}

/// Mailboxes of `from` and below it are called by `to` now: their roots go with them, unless there are others
/// already. Gives what is to be set once they are.
pub(super) fn rename(
    draft: &mut Draft<'_>,
    from: &MailboxName,
    to: &MailboxName,
) -> Result<Vec<(MailboxName, Quota)>, Error> {
    let mut renamed = Vec::new();
    let every: Vec<_> = draft.snapshot.quotas.every().collect();
    for (name, quota) in every {
        let rest = name
            .as_str()
            .strip_prefix(from.as_str())
            .unwrap_or_default();
        if name != *from && !name.is_below(from) {
            continue;
        }
        let new = MailboxName::new(&format!("{to}{rest}"))?;
        if draft.snapshot.quotas.at(&new).is_none() {
            set(draft, Some(&name), None)?;
            renamed.push((new, quota));
        }
    }
    Ok(renamed)
}

/// Sets what [`rename`] gave.
pub(super) fn renamed(draft: &mut Draft<'_>, roots: &[(MailboxName, Quota)]) -> Result<(), Error> {
    for (name, quota) in roots {
        set(draft, Some(name), Some(*quota))?;
    }
    Ok(())
}
