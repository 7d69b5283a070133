//! Roles: who may administer what.

use std::{fmt, str::FromStr, sync::Arc};

use super::{
    Error,
    name::{check_domain, domain_of},
};

/// What somebody may do beside their own mail. Written `administrator`, `domain-administrator@example.test`,
/// `help-desk@example.test`; the site's own accounts, those without a domain, are `help-desk@`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Administers the server and all that is on it.
    Administrator,
    /// Administers the accounts and shared mailboxes of this domain.
    DomainAdministrator(Arc<str>),
    /// Helps the people of this domain: sees how their accounts are, gives them new passwords, and never sees
    /// their mail.
    HelpDesk(Arc<str>),
}

impl Role {
    /// What it is called, without its domain.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::DomainAdministrator(_) => "domain-administrator",
            Self::HelpDesk(_) => "help-desk",
        }
    }

    /// The domain that it is for; `None`: everything.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        match self {
            Self::Administrator => None,
            Self::DomainAdministrator(domain) | Self::HelpDesk(domain) => Some(domain),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self.domain() {
            Some(domain) => write!(f, "@{domain}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unknown = || Error::Role(text.to_owned());
        if text == "administrator" {
            return Ok(Self::Administrator);
        }
        let (word, domain) = text.split_once('@').ok_or_else(unknown)?;
        let domain = check_domain(domain)?.into();
        match word {
            "domain-administrator" => Ok(Self::DomainAdministrator(domain)),
            "help-desk" => Ok(Self::HelpDesk(domain)),
            _ => Err(unknown()),
        }
    }
}

/// The roles that somebody has. Most people have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(Arc<[Role]>);

impl Roles {
    /// Those of somebody who administers everything.
    #[must_use]
    pub fn all() -> Self {
        Self([Role::Administrator].into())
    }

    /// Whether they have none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every one, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.0.iter()
    }

    /// Whether they administer the server.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.0.contains(&Role::Administrator)
    }

    /// Whether they administer anybody's mail, and not only accounts, as a help desk does.
    #[must_use]
    pub fn is_for_mail(&self) -> bool {
        self.iter().any(|role| !matches!(role, Role::HelpDesk(_)))
    }

    /// Whether they administer a domain: as its administrators, or the server's.
    #[must_use]
    pub fn administers(&self, domain: &str) -> bool {
        self.iter().any(|role| match role {
            Role::Administrator => true,
            Role::DomainAdministrator(own) => **own == *domain,
            Role::HelpDesk(_) => false,
        })
    }

    /// Whether whoever has these roles may do all that somebody with the others may do by role.
    #[must_use]
    pub fn cover(&self, others: &Self) -> bool {
        others.iter().all(|other| match other.domain() {
            None => self.is_administrator(),
            Some(domain) => self.administers(domain) || self.0.contains(other),
        })
    }

    /// Whether they administer the account of this name, or would if there was one.
    #[must_use]
    pub fn administers_account(&self, name: &str) -> bool {
        self.administers(domain_of(name))
    }

    /// Whether they may help the people of a domain: its help desk, and whoever administers it.
    #[must_use]
    pub fn helps(&self, domain: &str) -> bool {
        self.administers(domain)
            || self
                .iter()
                .any(|role| matches!(role, Role::HelpDesk(own) if **own == *domain))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        let mut roles: Vec<_> = roles.into_iter().collect();
        roles.sort();
        roles.dedup();
        Self(roles.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(words: &[&str]) -> Roles {
        words.iter().map(|word| word.parse().unwrap()).collect()
    }

    #[test]
    fn roles_are_words() {
        for word in [
            "administrator",
            "domain-administrator@example.test",
            "help-desk@",
        ] {
            assert_eq!(word.parse::<Role>().unwrap().to_string(), word);
        }
        for bad in [
            "",
            "help-desk",
            "administrator@example.test",
            "king@x",
            "help-desk@a@b",
        ] {
            assert!(bad.parse::<Role>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_role_is_for_its_domain_only() {
        let both = roles(&["domain-administrator@a.test", "help-desk@b.test"]);
        for (domain, administers, helps) in [
            ("a.test", true, true),
            ("b.test", false, true),
            ("c.test", false, false),
            ("", false, false),
            ("x.a.test", false, false),
        ] {
            assert_eq!(both.administers(domain), administers, "{domain}");
            assert_eq!(both.helps(domain), helps, "{domain}");
        }
        for (others, covered) in [
            (&[][..], true),
            (&["help-desk@a.test", "help-desk@b.test"], true),
            (&["domain-administrator@b.test"], false),
            (&["administrator"], false),
            (&["help-desk@c.test"], false),
        ] {
            assert_eq!(both.cover(&roles(others)), covered, "{others:?}");
        }
        assert!(!both.is_administrator() && !both.is_empty() && both.is_for_mail());
        assert!(!roles(&["help-desk@a.test"]).is_for_mail());
        assert!(both.administers_account("ann@a.test") && !both.administers_account("ann"));
        assert!(roles(&["administrator"]).administers("any.test"));
        assert!(roles(&["domain-administrator@"]).administers_account("ann"));
    }
}
