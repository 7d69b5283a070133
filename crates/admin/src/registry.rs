//! What verbs on the accounts file work on.

use std::sync::Arc;

use auth::{
    Directory, Roles,
    directory::{Account, comparable, domain_of},
};
use store::AccountId;

use crate::outcome::Failed;

/// The accounts file, and what whoever asks may administer. It takes no store: accounts can be there before
/// the first mail.
#[derive(Debug, Clone, Copy)]
pub struct Registry<'a> {
    /// The accounts by name.
    pub directory: &'a Directory,
    /// What whoever asks may administer.
    pub roles: &'a Roles,
}

impl Registry<'_> {
    /// The account that is meant.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn account(&self, name: &str) -> Result<Arc<Account>, Failed> {
        let account = self.directory.account(name);
        account.ok_or_else(|| Failed::because(format!("there is no account {name:?}")))
    }

    /// The domain of an account that is meant by its name, or by its id; `None` of an id that nobody has, of which
    /// only the server's administrators may know. Of a name that nobody has, it is that which the account would be of.
    pub(crate) fn domain(&self, account: &str) -> Option<Arc<str>> {
        if let Some(account) = self.directory.account(account) {
            return Some(account.domain().into());
        }
        match account.parse::<AccountId>() {
            Ok(id) => self.domain_of_id(id),
            Err(()) => Some(domain_named(account).into()),
        }
    }

    /// The domain of an account, or of the shared mailboxes that it has; `None` of one that has been removed.
    pub(crate) fn domain_of_id(&self, id: AccountId) -> Option<Arc<str>> {
        let named = self.directory.name_of(id.0);
        let named = named.map(|name| domain_of(&name).into());
        named.or_else(|| self.directory.shared_domain(id.0))
    }

    /// What an account may administer, if it is there.
    pub(crate) fn roles_of(&self, account: &str) -> Roles {
        let named = self.directory.account(account).or_else(|| {
            let id = account.parse::<AccountId>().ok()?;
            self.directory.by_id(id.0)
        });
        named.map_or_else(Roles::default, |account| account.roles.clone())
    }
}

/// The domain that a name means: names are prepared before they are used, and the `@` of some only appears by that.
pub(crate) fn domain_named(name: &str) -> String {
    domain_of(&comparable(name)).to_owned()
}
