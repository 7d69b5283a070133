//! The accounts file as it is written, and what is made of it when it is read.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::{
    Address, Domain, Error, Group, Limits,
    account::{Account, Credentials, Home},
    name::{check_domain, check_name, comparable},
    role::Roles,
};
use crate::password::{self, ScramKeys};

/// The file as it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    /// 32 random octets: where the salts of names that nobody has come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<String>,
    #[serde(default, rename = "account", skip_serializing_if = "Vec::is_empty")]
    pub(super) accounts: Vec<AccountEntry>,
    #[serde(default, rename = "group", skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<GroupEntry>,
    #[serde(default, rename = "shared", skip_serializing_if = "Vec::is_empty")]
    pub(super) shared: Vec<SharedEntry>,
    #[serde(default, rename = "domain", skip_serializing_if = "Vec::is_empty")]
    pub(super) domains: Vec<DomainEntry>,
    #[serde(default, rename = "address", skip_serializing_if = "Vec::is_empty")]
    pub(super) addresses: Vec<AddressEntry>,
    #[serde(default, rename = "unix-user", skip_serializing_if = "Vec::is_empty")]
    pub(super) unix_users: Vec<UnixUserEntry>,
}

/// An account as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AccountEntry {
    pub(super) name: String,
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scram_sha_256: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) disabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) language: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) suppress: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) home: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) guest: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) remote_mailboxes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) roles: Vec<String>,
}

/// A group as it is written: members by name, so that a person can read it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupEntry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) members: Vec<String>,
}

/// The account of a domain's shared mailboxes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SharedEntry {
    #[serde(default)]
    pub(super) domain: String,
    pub(super) id: String,
}

/// What holds for a domain as a whole.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct DomainEntry {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) storage_octets: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) messages: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mailboxes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) annotation_octets: Option<u64>,
}

/// An address that means a shared mailbox.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressEntry {
    pub(super) address: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) domain: String,
    pub(super) mailbox: String,
}

/// What a user of the machine may administer over the control socket.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnixUserEntry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) roles: Vec<String>,
}

/// All that the file says, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) secret: Option<[u8; 32]>,
    pub(super) by_name: HashMap<Arc<str>, Arc<Account>>,
    /// The names of accounts by their ids.
    pub(super) names: HashMap<u64, Arc<str>>,
    pub(super) groups: HashMap<Arc<str>, Arc<Group>>,
    pub(super) shared: HashMap<Arc<str>, u64>,
    pub(super) domains: HashMap<Arc<str>, Domain>,
    pub(super) addresses: HashMap<Arc<str>, Address>,
    pub(super) unix_users: HashMap<Arc<str>, Roles>,
}

impl Contents {
    /// What a document says, if it is good as a whole.
    pub(super) fn of(document: Document, path: &Path) -> Result<Self, Error> {
        let what = match Self::read(document) {
            Ok(contents) => return Ok(contents),
            Err(what) => what,
        };
        let path = path.to_owned();
        Err(Error::Malformed { path, what })
    }

    fn read(document: Document) -> Result<Self, String> {
        let mut contents = Self {
            secret: document.secret.as_deref().and_then(secret),
            ..Self::default()
        };
        if document.secret.is_some() && contents.secret.is_none() {
            let what = "the secret is not 64 hexadecimal digits; without it, a new one is made";
            return Err(what.to_owned());
        }
        let members = contents.read_groups(document.groups)?;
        contents.read_accounts(document.accounts, &members)?;
        contents.read_shared(document.shared)?;
        for entry in document.domains {
            let domain = entry.domain()?;
            let name = Arc::clone(&domain.name);
            if let Some(twice) = contents.domains.insert(name, domain) {
                return Err(format!("domain {:?} is there twice", twice.name));
            }
        }
        for entry in document.addresses {
            let address = entry.address()?;
            let name = Arc::clone(&address.address);
            if let Some(twice) = contents.addresses.insert(name, address) {
                return Err(format!("address {:?} is there twice", twice.address));
            }
        }
        for entry in document.unix_users {
            let roles =
                roles(&entry.roles).map_err(|why| format!("unix-user {:?}: {why}", entry.name))?;
            let name: Arc<str> = entry.name.into();
            if contents
                .unix_users
                .insert(Arc::clone(&name), roles)
                .is_some()
            {
                return Err(format!("unix-user {name:?} is there twice"));
            }
        }
        Ok(contents)
    }

    /// Reads the groups; gives those that each member is in. A member that is no account is nobody: the file
    /// stays good if an account's lines are deleted by hand.
    fn read_groups(
        &mut self,
        entries: Vec<GroupEntry>,
    ) -> Result<HashMap<String, Vec<Arc<str>>>, String> {
        let mut of_members: HashMap<String, Vec<Arc<str>>> = HashMap::new();
        for entry in entries {
            let name: Arc<str> = check_name(&entry.name)
                .map_err(|_| format!("group {:?}: its name can't be one", entry.name))?
                .into();
            let mut members: Vec<_> = entry.members.iter().map(|m| comparable(m)).collect();
            members.sort();
            members.dedup();
            for member in &members {
                let groups = of_members.entry(member.clone()).or_default();
                groups.push(Arc::clone(&name));
            }
            let group = Group {
                name: Arc::clone(&name),
                members: members.into_iter().map(Into::into).collect(),
            };
            if self.groups.insert(name, Arc::new(group)).is_some() {
                return Err(format!("group {:?} is there twice", entry.name));
            }
        }
        Ok(of_members)
    }

    fn read_accounts(
        &mut self,
        entries: Vec<AccountEntry>,
        members: &HashMap<String, Vec<Arc<str>>>,
    ) -> Result<(), String> {
        for entry in entries {
            let written = entry.name.clone();
            let mut account = entry
                .account()
                .map_err(|why| format!("account {written:?}: {why}"))?;
            if let Some(groups) = members.get(&*account.name) {
                let mut groups = groups.clone();
                groups.sort();
                account.groups = groups.into();
            }
            let name = Arc::clone(&account.name);
            if let Some(other) = self.names.insert(account.id, Arc::clone(&name)) {
                return Err(format!(
                    "accounts {other:?} and {written:?} have the same id"
                ));
            }
            if self.by_name.insert(name, Arc::new(account)).is_some() {
                return Err(format!("account {written:?} is there twice"));
            }
        }
        Ok(())
    }

    fn read_shared(&mut self, entries: Vec<SharedEntry>) -> Result<(), String> {
        let mut ids = HashSet::new();
        for entry in entries {
            let domain = check_domain(&entry.domain)
                .map_err(|_| format!("shared: {:?} can't be a domain", entry.domain))?;
            let of = |what: &str| format!("shared of {domain:?}: {what}");
            let id = read_id(&entry.id).ok_or_else(|| of(NO_ID))?;
            if !ids.insert(id) || self.names.contains_key(&id) {
                return Err(of("its id is another's, too"));
            }
            if self.shared.contains_key(&*domain) {
                return Err(of("it is there twice"));
            }
            self.shared.insert(domain.into(), id);
        }
        Ok(())
    }
}

const NO_ID: &str = "its id is not A and hexadecimal digits";

/// An id as it is written.
pub(super) fn write_id(id: u64) -> String {
    format!("A{id:x}")
}

pub(super) fn read_id(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('A')?;
    u64::from_str_radix(digits, 16).ok().filter(|&id| id != 0)
}

fn secret(digits: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(digits.as_bytes()).ok()?.try_into().ok()
}

fn roles(words: &[String]) -> Result<Roles, String> {
    let roles = words.iter().map(|word| word.parse());
    roles
        .collect::<Result<_, Error>>()
        .map_err(|e| e.to_string())
}

impl From<&Account> for AccountEntry {
    fn from(account: &Account) -> Self {
        let credentials = account.credentials.as_ref();
        Self {
            name: account.name.to_string(),
            id: write_id(account.id),
            password: credentials.map(|c| c.password.clone()),
            scram_sha_256: credentials.map(|c| c.scram.to_text()),
            disabled: account.disabled,
            language: account.language.as_deref().map(str::to_owned),
            suppress: account.suppressed.to_vec(),
            home: account.home.as_ref().map(|home| home.host.to_string()),
            guest: account.home.as_ref().is_some_and(|home| home.guest),
            remote_mailboxes: account.remote_mailboxes.to_vec(),
            roles: account.roles.iter().map(ToString::to_string).collect(),
        }
    }
}

impl AccountEntry {
    fn account(self) -> Result<Account, String> {
        let credentials = match (self.password, self.scram_sha_256) {
            (None, None) => None,
            (Some(password), Some(scram)) => Some(Credentials {
                scram: ScramKeys::from_text(&scram)
                    .ok_or("its scram-sha-256 is not of RFC 5803's form")?,
                password: if password::is_hash(&password) {
                    password
                } else {
                    return Err("its password is not an Argon2id hash".to_owned());
                },
            }),
            (Some(_), None) => return Err("it has a password, and no scram-sha-256".to_owned()),
            (None, Some(_)) => return Err("it has scram-sha-256, and no password".to_owned()),
        };
        Ok(Account {
            name: check_name(&self.name)
                .map_err(|_| "its name can't be one")?
                .into(),
            id: read_id(&self.id).ok_or(NO_ID)?,
            credentials,
            disabled: self.disabled,
            language: self.language.map(Into::into),
            suppressed: self.suppress.into(),
            home: self.home.map(|host| Home {
                host: host.into(),
                guest: self.guest,
            }),
            remote_mailboxes: self.remote_mailboxes.into(),
            groups: Arc::default(),
            roles: roles(&self.roles)?,
        })
    }
}

impl DomainEntry {
    fn domain(self) -> Result<Domain, String> {
        let name = check_domain(&self.name).map_err(|why| format!("domain: {why}"))?;
        Ok(Domain {
            name: name.into(),
            limits: Limits {
                storage_octets: self.storage_octets,
                messages: self.messages,
                mailboxes: self.mailboxes,
                annotation_octets: self.annotation_octets,
            },
        })
    }
}

impl From<&Domain> for DomainEntry {
    fn from(domain: &Domain) -> Self {
        let limits = domain.limits;
        Self {
            name: domain.name.to_string(),
            storage_octets: limits.storage_octets,
            messages: limits.messages,
            mailboxes: limits.mailboxes,
            annotation_octets: limits.annotation_octets,
        }
    }
}

impl AddressEntry {
    fn address(self) -> Result<Address, String> {
        let wrong = |why: &dyn std::fmt::Display| format!("address {:?}: {why}", self.address);
        if self.mailbox.is_empty() {
            return Err(wrong(&"its mailbox has no name"));
        }
        Ok(Address {
            address: check_name(&self.address).map_err(|why| wrong(&why))?.into(),
            domain: check_domain(&self.domain)
                .map_err(|why| wrong(&why))?
                .into(),
            mailbox: self.mailbox.into(),
        })
    }
}
