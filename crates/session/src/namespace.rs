//! What mailbox names mean: whose mailbox, and which. RFC 2342, RFC 9051 §5.1.
//!
//! In the store the mailboxes of an account have names of their own, with `/` between levels. A client
//! sees one tree with everybody's, and how it is arranged is the administrator's choice, the
//! [`Look`]: users who come from another server find every mailbox under the name that it had
//! there. This file only knows how names are written: not who exists, and who may see what.
//!
//! Every mailbox has one name, and every name at most one meaning:
//! [`Namespace::read`] of what [`Namespace::write`] gives is what it was given. Where
//! a name would mean something else, as that of a mailbox of one's own called `Other Users`, there is a
//! second way to say it: `Other Users/ann/Other Users`, of which Ann herself is the
//! owner; and for shared mailboxes [`SITE`].
//!
//! Where the delimiter is `.`, levels may have a `.` in the store. Clients then see `^`, as Cyrus has
//! it; and `/` for `^`, so that nothing is lost.

mod aliases;
mod look;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::Arc};

use store::{MailboxName, past::DELETED};

pub use aliases::Aliases;
pub use look::{Administrators, Impossible, Look, Personal};

/// The level below which shared mailboxes are, too, where they are at the root: for
/// those whose names mean something else there.
pub const SITE: &str = "#site";

/// What begins the names of users' mailboxes for administrators who see the whole site.
const USER: &str = "user";

/// Whose mailbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Of whoever has logged in.
    Own,
    /// Of the account of that name, domain included. Nobody says that there is such an account.
    Other(Arc<str>),
    /// Nobody's: a shared one of that domain, `""` for the site itself.
    Shared(Arc<str>),
}

/// One mailbox of all that there might be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Whose.
    pub owner: Owner,
    /// Its name among the owner's.
    pub name: MailboxName,
}

/// Why a name means no mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nowhere {
    /// It is a level above mailboxes that can be none itself, such as `Other Users`.
    Level,
    /// One's own mailboxes are below INBOX, and it is in no other namespace either.
    Outside,
    /// It breaks a rule for names.
    Invalid(&'static str),
}

/// The names as one user sees them.
#[derive(Debug, Clone)]
pub struct Namespace {
    look: Arc<Look>,
    /// The account's name.
    account: Arc<str>,
    /// Everybody's mailboxes are seen, as Cyrus shows them to administrators.
    whole_site: bool,
    /// First levels with `#` that are what they are in every look.
    outside: Arc<[String]>,
}

/// The prefixes of the namespaces (RFC 2342 §5); `None`: there is no such namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefixes {
    /// Of one's own mailboxes.
    pub personal: Option<String>,
    /// Of other users'.
    pub others: String,
    /// Of shared ones.
    pub shared: String,
}

impl Namespace {
    /// The names as the account of that name sees them.
    #[must_use]
    pub fn new(look: &Arc<Look>, account: &Arc<str>) -> Self {
        Self {
            look: Arc::clone(look),
            account: Arc::clone(account),
            whole_site: false,
            outside: Arc::new([]),
        }
    }

    /// The names as an administrator sees them, if that is something else in this look.
    #[must_use]
    pub fn for_administrator(mut self) -> Self {
        self.whole_site = self.look.administrators == Administrators::WholeSite;
        self
    }

    /// With first levels, beginning with `#`, that are one's own whatever the look:
    /// mailboxes on other servers have such names (RFC 2193).
    #[must_use]
    pub fn with_outside<'a>(mut self, levels: impl IntoIterator<Item = &'a str>) -> Self {
        let free = levels
            .into_iter()
            .filter(|level| level.starts_with('#') && *level != SITE && !self.is_prefixed(level));
        self.outside = free.map(str::to_owned).collect();
        self
    }

    /// What separates levels.
    #[must_use]
    pub fn delimiter(&self) -> char {
        self.look.delimiter
    }

    /// The prefixes, as NAMESPACE tells them.
    #[must_use]
    pub fn prefixes(&self) -> Prefixes {
        let delimiter = self.delimiter();
        if self.whole_site {
            return Prefixes {
                personal: None,
                others: format!("{USER}{delimiter}"),
                shared: String::new(),
            };
        }
        Prefixes {
            personal: Some(match self.look.personal {
                Personal::Root => String::new(),
                Personal::Inbox => format!("INBOX{delimiter}"),
            }),
            others: self.look.others.clone(),
            shared: self.look.shared.clone(),
        }
    }

    /// The mailbox that a client means: its name decoded, and without a delimiter at the end.
    ///
    /// # Errors
    /// [`Nowhere`]
    pub fn read(&self, client: &str) -> Result<Place, Nowhere> {
        let (first, below) = self.first(client);
        let is_inbox = first.eq_ignore_ascii_case("INBOX");
        if (is_inbox && below.is_none()) || self.is_outside(first) {
            return self.place(Owner::Own, client);
        }
        if self.whole_site {
            return match below {
                Some(below) if is_inbox => self.place(Owner::Own, below),
                _ => self.read_of_site(client),
            };
        }
        if let Some(rest) = self.after(client, &self.look.others) {
            let (level, below) = self.first(something(rest)?);
            return self.read_of_account(self.account_of(level)?, below);
        }
        if self.look.shared.is_empty() {
            if first == SITE {
                return self.read_shared(below.ok_or(Nowhere::Level)?);
            }
        } else if let Some(rest) = self.after(client, &self.look.shared) {
            return self.read_shared(something(rest)?);
        }
        match (self.look.personal, below) {
            (Personal::Root, _) => self.place(Owner::Own, client),
            (Personal::Inbox, Some(below)) if is_inbox => self.place(Owner::Own, below),
            _ if self.look.shared.is_empty() => self.read_shared(client),
            _ => Err(Nowhere::Outside),
        }
    }

    /// The name that a client knows a mailbox by.
    #[must_use]
    pub fn write(&self, owner: &Owner, name: &MailboxName) -> String {
        match owner {
            Owner::Own => self.write_own(name),
            Owner::Other(account) if self.whole_site => self.write_of_site(account, name),
            Owner::Other(account) => self.write_other(account, name),
            Owner::Shared(domain) => self.write_shared(domain, name),
        }
    }

    /// What the names of all mailboxes of an owner begin with.
    #[must_use]
    pub fn root(&self, owner: &Owner) -> String {
        match owner {
            Owner::Own => String::new(),
            Owner::Other(account) if self.whole_site => {
                self.join(USER, &self.shown(split(account).0))
            }
            Owner::Other(account) => self.write_other(account, &MailboxName::inbox()),
            Owner::Shared(_) if self.whole_site => String::new(),
            Owner::Shared(_) => self.look.shared.clone(),
        }
    }

    /// The name one level up, if there is one.
    #[must_use]
    pub fn parent(&self, client: &str) -> Option<String> {
        let (levels, domain) = self.in_domain(client);
        let (above, _) = levels.rsplit_once(self.delimiter())?;
        Some(match domain {
            Some(domain) if above != USER => format!("{above}@{domain}"),
            _ => above.to_owned(),
        })
    }

    /// A name, or a pattern for names, as they are compared: what separates levels does so in the domain at the
    /// end of a name no more.
    #[must_use]
    pub fn comparable<'a>(&self, client: &'a str) -> Cow<'a, str> {
        match self.in_domain(client) {
            (levels, Some(domain)) if domain.contains(self.delimiter()) => {
                let domain = domain.replace(self.delimiter(), "\u{1}");
                Cow::Owned(format!("{levels}@{domain}"))
            }
            _ => Cow::Borrowed(client),
        }
    }

    /// The levels of a name, and the domain that is said at its end.
    fn in_domain<'a>(&self, client: &'a str) -> (&'a str, Option<&'a str>) {
        let split = client.rsplit_once('@').filter(|_| self.whole_site);
        split.map_or((client, None), |(levels, domain)| (levels, Some(domain)))
    }

    fn write_own(&self, name: &MailboxName) -> String {
        let client = self.shown(name.as_str());
        if name.is_inbox() || self.is_outside(self.first(&client).0) {
            return client;
        }
        if self.whole_site {
            return self.write_of_site(&self.account, name);
        }
        match self.look.personal {
            Personal::Inbox => self.join("INBOX", &client),
            Personal::Root if self.is_prefixed(&client) => self.write_other(&self.account, name),
            Personal::Root => client,
        }
    }

    fn write_other(&self, account: &str, name: &MailboxName) -> String {
        let (local, domain) = split(account);
        let level = if domain == self.domain() {
            local.to_owned()
        } else {
            format!("{local}@{domain}")
        };
        let above = [&*self.look.others, &self.shown(&level)].concat();
        if name.is_inbox() {
            above
        } else {
            self.join(&above, &self.shown(name.as_str()))
        }
    }

    fn write_shared(&self, domain: &str, name: &MailboxName) -> String {
        let client = self.shown(name.as_str());
        if self.whole_site {
            let client = if self.is_taken(&client) {
                self.join(SITE, &client)
            } else {
                client
            };
            return self.with_domain(client, domain);
        }
        // Names of the site and of other domains, and what could be taken for one.
        let client = if domain != self.domain() || client.starts_with('@') {
            self.join(&format!("@{}", self.shown(domain)), &client)
        } else {
            client
        };
        if !self.look.shared.is_empty() {
            [&*self.look.shared, &client].concat()
        } else if self.is_taken(&client) {
            self.join(SITE, &client)
        } else {
            client
        }
    }

    /// `user/joe/x@domain`.
    fn write_of_site(&self, account: &str, name: &MailboxName) -> String {
        let (local, domain) = split(account);
        let mut client = self.join(USER, &self.shown(local));
        if !name.is_inbox() {
            client = self.join(&client, &self.shown(name.as_str()));
        }
        self.with_domain(client, domain)
    }

    /// Says of which domain a name is, if it would be taken for another's without.
    fn with_domain(&self, client: String, domain: &str) -> String {
        if domain != self.domain() || client.contains('@') {
            format!("{client}@{domain}")
        } else {
            client
        }
    }

    fn read_of_site(&self, client: &str) -> Result<Place, Nowhere> {
        let (client, domain) = match client.rsplit_once('@') {
            Some((client, domain)) if !domain.contains('/') => (client, domain),
            _ => (client, self.domain()),
        };
        let (first, below) = self.first(client);
        if first == USER {
            let (level, below) = self.first(below.ok_or(Nowhere::Level)?);
            let local = self.kept(level);
            if local.is_empty() {
                return Err(Nowhere::Invalid("it has an empty level"));
            }
            return self.read_of_account(joined(&local, domain), below);
        }
        let name = match below {
            Some(below) if first == SITE => below,
            None if first == SITE => return Err(Nowhere::Level),
            _ => client,
        };
        self.place(Owner::Shared(domain.into()), name)
    }

    fn read_of_account(&self, account: Arc<str>, below: Option<&str>) -> Result<Place, Nowhere> {
        let is_own = account.to_lowercase() == self.account.to_lowercase();
        let owner = if is_own {
            Owner::Own
        } else {
            Owner::Other(account)
        };
        self.place(owner, below.unwrap_or("INBOX"))
    }

    fn read_shared(&self, client: &str) -> Result<Place, Nowhere> {
        let Some(client) = client.strip_prefix('@') else {
            return self.place(Owner::Shared(self.domain().into()), client);
        };
        let (domain, below) = self.first(client);
        let owner = Owner::Shared(self.kept(domain).into());
        self.place(owner, below.ok_or(Nowhere::Level)?)
    }

    /// The account that a level means: `joe`, of one's own domain, or `joe@domain`; `joe@` has
    /// none.
    fn account_of(&self, level: &str) -> Result<Arc<str>, Nowhere> {
        let level = self.kept(level);
        let (local, domain) = match level.split_once('@') {
            Some((local, domain)) => (local, domain),
            None => (&*level, self.domain()),
        };
        if local.is_empty() {
            return Err(Nowhere::Invalid("it has an empty level"));
        }
        Ok(joined(local, domain))
    }

    fn place(&self, owner: Owner, client: &str) -> Result<Place, Nowhere> {
        match MailboxName::new(&self.kept(client)) {
            Ok(name) => Ok(Place { owner, name }),
            Err(store::Error::InvalidName(why)) => Err(Nowhere::Invalid(why)),
            Err(_) => Err(Nowhere::Invalid("it can't be a name")),
        }
    }

    /// One's own domain, `""` if one has none.
    fn domain(&self) -> &str {
        split(&self.account).1
    }

    /// What comes after a prefix, if a name has it: nothing, if it is only the levels of the prefix.
    fn after<'a>(&self, client: &'a str, prefix: &str) -> Option<&'a str> {
        let levels = prefix.strip_suffix(self.delimiter()).unwrap_or(prefix);
        let is_level = (client == levels).then_some("");
        client.strip_prefix(prefix).or(is_level)
    }

    /// Whether it begins with the prefix of other users' or of shared mailboxes.
    fn is_prefixed(&self, client: &str) -> bool {
        let (others, shared) = (&self.look.others, &self.look.shared);
        self.after(client, others).is_some()
            || !shared.is_empty() && self.after(client, shared).is_some()
    }

    /// Whether a name at the root can't be that of a shared mailbox, where those are there.
    fn is_taken(&self, client: &str) -> bool {
        let first = self.first(client).0;
        let others = if self.whole_site {
            first == USER
        } else {
            self.after(client, &self.look.others).is_some()
        };
        others || first == SITE || first.eq_ignore_ascii_case("INBOX") || self.is_outside(first)
    }

    /// Whether a first level is one's own in every look.
    fn is_outside(&self, level: &str) -> bool {
        level.starts_with('#')
            && (level == DELETED || self.outside.iter().any(|outside| outside == level))
    }

    /// The first level, and what is below it.
    fn first<'a>(&self, client: &'a str) -> (&'a str, Option<&'a str>) {
        match client.split_once(self.delimiter()) {
            Some((first, below)) => (first, Some(below)),
            None => (client, None),
        }
    }

    fn join(&self, above: &str, below: &str) -> String {
        let mut joined = String::with_capacity(above.len() + below.len() + 1);
        joined.push_str(above);
        joined.push(self.delimiter());
        joined.push_str(below);
        joined
    }

    /// Levels as clients see them.
    fn shown(&self, kept: &str) -> String {
        self.exchange(kept, |delimiter, c| match c {
            '/' => delimiter,
            '^' => '/',
            c if c == delimiter => '^',
            c => c,
        })
    }

    /// Levels as they are kept.
    fn kept(&self, shown: &str) -> String {
        self.exchange(shown, |delimiter, c| match c {
            '/' => '^',
            '^' => delimiter,
            c if c == delimiter => '/',
            c => c,
        })
    }

    fn exchange(&self, levels: &str, of: impl Fn(char, char) -> char) -> String {
        match self.delimiter() {
            '/' => levels.to_owned(),
            delimiter => levels.chars().map(|c| of(delimiter, c)).collect(),
        }
    }
}

/// What follows a prefix.
fn something(rest: &str) -> Result<&str, Nowhere> {
    if rest.is_empty() {
        Err(Nowhere::Level)
    } else {
        Ok(rest)
    }
}

/// An account's name in two: `""` where there is no domain.
fn split(account: &str) -> (&str, &str) {
    account.split_once('@').unwrap_or((account, ""))
}

fn joined(local: &str, domain: &str) -> Arc<str> {
    if domain.is_empty() {
        local.into()
    } else {
        format!("{local}@{domain}").into()
    }
}
