//! What the accounts file says of quotas, for the store: the limits of domains, and who belongs to them.

use std::sync::Arc;

use auth::{Directory, directory};
use store::{
    AccountId, Limits,
    quota::{Allotment, DomainQuota, LIMIT_MAX},
};

/// The limits that are in no account's log.
#[derive(Debug)]
pub struct FromDirectory {
    directory: Arc<Directory>,
    /// What an account may use that has no limits of its own.
    of_accounts: Limits,
}

impl FromDirectory {
    /// Domains as the accounts file has them; and what each account may use that has no limits of its own.
    #[must_use]
    pub fn new(directory: Arc<Directory>, of_accounts: Limits) -> Self {
        Self {
            directory,
            of_accounts,
        }
    }
}

impl Allotment for FromDirectory {
    fn of_account(&self, account: AccountId) -> Limits {
        if self.of_accounts.is_none() {
            return Limits::default();
        }
        // What is shared is nobody's: its domain's limits hold.
        match self.directory.shared_domain(account.0) {
            Some(_) => Limits::default(),
            None => self.of_accounts,
        }
    }

    fn domain_of(&self, account: AccountId) -> Option<DomainQuota> {
        if !self.directory.limits_domains() {
            return None;
        }
        let domain = self.directory.shared_domain(account.0);
        let domain = domain.or_else(|| {
            let name = self.directory.name_of(account.0)?;
            Some(directory::domain_of(&name).into())
        })?;
        let limits = limits(&self.directory.domain(&domain).limits);
        (!limits.is_none()).then_some(DomainQuota {
            name: domain,
            limits,
        })
    }

    fn accounts_of(&self, domain: &str) -> Vec<AccountId> {
        let accounts = self.directory.accounts().into_iter();
        let accounts = accounts.filter(|account| account.domain() == domain);
        let shared = self.directory.shared(domain);
        let ids = accounts.map(|account| account.id).chain(shared);
        ids.map(AccountId).collect()
    }

    fn generation(&self) -> u64 {
        self.directory.generation()
    }
}

/// Limits as the accounts file has them, which counts octets.
#[must_use]
pub fn limits(file: &directory::Limits) -> Limits {
    let units = |octets: Option<u64>| octets.map(|octets| octets / 1024);
    let at_most = |limit: Option<u64>| limit.map(|limit| limit.min(LIMIT_MAX));
    Limits {
        storage: units(file.storage_octets),
        message: at_most(file.messages),
        mailbox: at_most(file.mailboxes),
        annotation_storage: units(file.annotation_octets),
    }
}

/// Limits for the accounts file.
#[must_use]
pub fn in_file(limits: &Limits) -> directory::Limits {
    let octets = |units: Option<u64>| units.map(|units| units.saturating_mul(1024));
    directory::Limits {
        storage_octets: octets(limits.storage),
        messages: limits.message,
        mailboxes: limits.mailbox,
        annotation_octets: octets(limits.annotation_storage),
    }
}
