//! What joins accounts: groups, domains with their shared mailboxes, addresses, and the roles of the
//! machine's own users.

use std::sync::Arc;

use super::{
    Directory, Error,
    change::random_id,
    document::{
        AddressEntry, DomainEntry, GroupEntry, SharedEntry, UnixUserEntry, read_id, write_id,
    },
    name::{check_domain, check_name, comparable, domain_of},
    role::Roles,
};

/// A group of accounts, which rights can be given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name, `staff` or `staff@example.test`.
    pub name: Arc<str>,
    /// The names of its members, in order. Some may be no accounts, if the file was written by hand.
    pub members: Arc<[Arc<str>]>,
}

impl Group {
    /// The domain that it belongs to, and whose administrators may change it.
    #[must_use]
    pub fn domain(&self) -> &str {
        domain_of(&self.name)
    }
}

/// What holds for a domain as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name; empty for the site's own, which the accounts without a domain are of.
    pub name: Arc<str>,
    /// What all its accounts and shared mailboxes together may hold.
    pub limits: Limits,
}

/// The most of each resource of RFC 9208 §5; `None`: no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Octets of messages: STORAGE.
    pub storage_octets: Option<u64>,
    /// Messages: MESSAGE.
    pub messages: Option<u64>,
    /// Mailboxes: MAILBOX.
    pub mailboxes: Option<u64>,
    /// Octets of annotations: ANNOTATION-STORAGE.
    pub annotation_octets: Option<u64>,
}

/// An address that means a shared mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// As it is compared: `board@example.test`; `board` is of every domain that is ours.
    pub address: Arc<str>,
    /// The domain whose shared mailboxes the mailbox is among.
    pub domain: Arc<str>,
    /// The name of the mailbox, `/` between its levels.
    pub mailbox: Arc<str>,
}

impl Directory {
    /// The id of the account that has a domain's shared mailboxes, if it has been needed yet. It is the same as
    /// long as the file is there. The domain is as [`domain_of`] gives it.
    #[must_use]
    pub fn shared(&self, domain: &str) -> Option<u64> {
        self.current().shared.get(&*comparable(domain)).copied()
    }

    /// The same; it is made if it is needed for the first time.
    ///
    /// # Errors
    /// [`Error::Name`], or what is wrong with the file.
    pub fn shared_or_new(&self, domain: &str) -> Result<u64, Error> {
        if let Some(id) = self.shared(domain) {
            return Ok(id);
        }
        let domain = check_domain(domain)?;
        self.change(|document| {
            let mut shared = document.shared.iter();
            // Somebody else may have been quicker.
            if let Some(entry) = shared.find(|entry| comparable(&entry.domain) == domain)
                && let Some(id) = read_id(&entry.id)
            {
                return Ok(id);
            }
            let id = random_id()?;
            let written = write_id(id);
            document.must_be_free(&written)?;
            document.shared.push(SharedEntry {
                domain,
                id: written,
            });
            Ok(id)
        })
    }

    /// The accounts that have the shared mailboxes which mail to addresses of a domain may be for: the domain's
    /// own, then the site's, if mail of that domain is ours.
    #[must_use]
    pub fn shared_by_mail(&self, domain: Option<&str>) -> Vec<u64> {
        let own = domain.and_then(|domain| self.shared(domain));
        let site = self.shared("").filter(|_| self.is_ours(domain));
        own.into_iter().chain(site).collect()
    }

    /// The domains that have shared mailboxes, and the ids of the accounts that have them, by domain.
    #[must_use]
    pub fn all_shared(&self) -> Vec<(Arc<str>, u64)> {
        let contents = self.current();
        let shared = contents.shared.iter();
        let mut shared: Vec<_> = shared.map(|(d, id)| (Arc::clone(d), *id)).collect();
        shared.sort();
        shared
    }

    /// The domain whose shared mailboxes an account of this id has, if it is one of these.
    #[must_use]
    pub fn shared_domain(&self, id: u64) -> Option<Arc<str>> {
        let contents = self.current();
        let mut shared = contents.shared.iter();
        shared
            .find(|(_, other)| **other == id)
            .map(|(domain, _)| Arc::clone(domain))
    }

    /// The domain that the mailboxes of an account of this id belong to, if it is there.
    #[must_use]
    pub fn domain_of_account(&self, id: u64) -> Option<Arc<str>> {
        let shared = self.shared_domain(id);
        shared.or_else(|| Some(domain_of(&self.name_of(id)?).into()))
    }

    /// A group.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<Arc<Group>> {
        self.current().groups.get(&*comparable(name)).cloned()
    }

    /// Every group, by name.
    #[must_use]
    pub fn groups(&self) -> Vec<Arc<Group>> {
        let mut groups: Vec<_> = self.current().groups.values().cloned().collect();
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        groups
    }

    /// Adds a group without members; gives its name in the form in which it is kept.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::There`], or what is wrong with the file.
    pub fn add_group(&self, name: &str) -> Result<String, Error> {
        let name = check_name(name)?;
        self.change(|document| {
            let mut groups = document.groups.iter();
            if groups.any(|entry| comparable(&entry.name) == name) {
                return Err(Error::There("group", name));
            }
            document.groups.push(GroupEntry {
                name: name.clone(),
                members: Vec::new(),
            });
            Ok(name)
        })
    }

    /// Removes a group. Rights that it was given are nobody's.
    ///
    /// # Errors
    /// [`Error::NotThere`], or what is wrong with the file.
    pub fn remove_group(&self, name: &str) -> Result<(), Error> {
        let name = comparable(name);
        self.change(|document| {
            let before = document.groups.len();
            document.groups.retain(|e| comparable(&e.name) != name);
            if document.groups.len() == before {
                return Err(Error::NotThere("group", name));
            }
            Ok(())
        })
    }

    /// Takes accounts into a group, and others out of it. Who is there, or not there, already is no error.
    ///
    /// # Errors
    /// [`Error::NotThere`], [`Error::Missing`] if somebody who is to be taken in is no account, or what
    /// is wrong with the file.
    pub fn change_group(&self, name: &str, add: &[&str], remove: &[&str]) -> Result<(), Error> {
        let name = comparable(name);
        self.change(|document| {
            let add: Vec<_> = add.iter().map(|member| comparable(member)).collect();
            for member in &add {
                let mut accounts = document.accounts.iter();
                if !accounts.any(|entry| comparable(&entry.name) == *member) {
                    return Err(Error::Missing(member.clone()));
                }
            }
            let mut groups = document.groups.iter_mut();
            let group = groups
                .find(|entry| comparable(&entry.name) == name)
                .ok_or_else(|| Error::NotThere("group", name.clone()))?;
            let leave = |member: &str| remove.iter().any(|other| comparable(other) == member);
            let mut members: Vec<_> = group.members.iter().map(|m| comparable(m)).collect();
            members.retain(|member| !leave(member));
            members.extend(add);
            members.sort();
            members.dedup();
            group.members = members;
            Ok(())
        })
    }

    /// What holds for a domain as a whole. One that the file does not mention has no limits.
    #[must_use]
    pub fn domain(&self, name: &str) -> Domain {
        let name = comparable(name);
        let known = self.current().domains.get(&*name).cloned();
        known.unwrap_or_else(|| Domain {
            name: name.into(),
            limits: Limits::default(),
        })
    }

    /// Whether any domain has limits.
    #[must_use]
    pub fn limits_domains(&self) -> bool {
        !self.current().domains.is_empty()
    }

    /// Every domain that the file mentions in any way, by name.
    #[must_use]
    pub fn domains(&self) -> Vec<Arc<str>> {
        let contents = self.current();
        let of_accounts = contents.by_name.values().map(|a| a.domain().into());
        let listed = contents
            .domains
            .keys()
            .chain(contents.shared.keys())
            .cloned();
        let mut domains: Vec<Arc<str>> = of_accounts.chain(listed).collect();
        domains.sort();
        domains.dedup();
        domains
    }

    /// Says what the accounts and shared mailboxes of a domain together may hold.
    ///
    /// # Errors
    /// [`Error::Name`], or what is wrong with the file.
    pub fn set_limits(&self, domain: &str, limits: Limits) -> Result<(), Error> {
        let name = check_domain(domain)?;
        self.change(|document| {
            document.domains.retain(|e| comparable(&e.name) != name);
            if limits != Limits::default() {
                let name = name.into();
                document
                    .domains
                    .push(DomainEntry::from(&Domain { name, limits }));
            }
            Ok(())
        })
    }

    /// The shared mailbox that an address means, and what follows the `+` in its local part: found by the
    /// whole address; or by the local part alone, if the domain is one of ours; both also without `+detail`.
    #[must_use]
    pub fn address(
        &self,
        local_part: &str,
        domain: Option<&str>,
    ) -> Option<(Address, Option<String>)> {
        let contents = self.current();
        let ours = self.is_ours(domain);
        let find = |local: &str| {
            let full = domain.and_then(|d| {
                contents
                    .addresses
                    .get(&*comparable(&format!("{local}@{d}")))
            });
            let short = || contents.addresses.get(&*comparable(local)).filter(|_| ours);
            full.or_else(short).cloned()
        };
        if let Some(found) = find(local_part) {
            return Some((found, None));
        }
        let (plain, detail) = local_part.split_once('+')?;
        let detail = Some(detail).filter(|d| !d.is_empty());
        Some((find(plain)?, detail.map(str::to_owned)))
    }

    /// Every address that means a shared mailbox, in order.
    #[must_use]
    pub fn addresses(&self) -> Vec<Address> {
        let mut addresses: Vec<_> = self.current().addresses.values().cloned().collect();
        addresses.sort_by(|a, b| a.address.cmp(&b.address));
        addresses
    }

    /// Lets an address mean a shared mailbox; whatever it meant before.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Exists`] if it is an account's name, or what is wrong with the file.
    pub fn set_address(&self, address: &str, domain: &str, mailbox: &str) -> Result<(), Error> {
        let address = check_name(address)?;
        let domain = check_domain(domain)?;
        self.change(|document| {
            let mut accounts = document.accounts.iter();
            if accounts.any(|entry| comparable(&entry.name) == address) {
                return Err(Error::Exists(address));
            }
            document
                .addresses
                .retain(|e| comparable(&e.address) != address);
            document.addresses.push(AddressEntry {
                address,
                domain,
                mailbox: mailbox.to_owned(),
            });
            Ok(())
        })
    }

    /// Lets an address mean no shared mailbox any more.
    ///
    /// # Errors
    /// [`Error::NotThere`], or what is wrong with the file.
    pub fn remove_address(&self, address: &str) -> Result<(), Error> {
        let address = comparable(address);
        self.change(|document| {
            let before = document.addresses.len();
            document
                .addresses
                .retain(|e| comparable(&e.address) != address);
            if document.addresses.len() == before {
                return Err(Error::NotThere("address", address));
            }
            Ok(())
        })
    }

    /// What a user of the machine may administer over the control socket.
    #[must_use]
    pub fn unix_user(&self, name: &str) -> Roles {
        let roles = self.current().unix_users.get(name).cloned();
        roles.unwrap_or_default()
    }

    /// The users of the machine that have roles, in order.
    #[must_use]
    pub fn unix_users(&self) -> Vec<(Arc<str>, Roles)> {
        let contents = self.current();
        let users = contents.unix_users.iter();
        let mut users: Vec<_> = users.map(|(n, r)| (Arc::clone(n), r.clone())).collect();
        users.sort_by(|(a, _), (b, _)| a.cmp(b));
        users
    }

    /// Says what a user of the machine may administer.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn set_unix_user(&self, name: &str, roles: &Roles) -> Result<(), Error> {
        self.change(|document| {
            document.unix_users.retain(|entry| entry.name != name);
            if !roles.is_empty() {
                document.unix_users.push(UnixUserEntry {
                    name: name.to_owned(),
                    roles: roles.iter().map(ToString::to_string).collect(),
                });
            }
            Ok(())
        })
    }
}
