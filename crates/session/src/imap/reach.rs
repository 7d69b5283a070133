//! Whose mail a client comes to: from the names that it writes to the mailboxes of any account, and back.
//!
//! Handlers ask here for every name, so that none of them works on the user's own account where the
//! client meant somebody else's. Who has a mailbox, and what it is called, is the namespace's to say
//! ([`crate::namespace`]); what may be done with it is the store's, which knows who acts through the account
//! that it is given. An account that is not there and one of which the user may see nothing are the same here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use auth::{Directory, Identity, directory::domain_of};
use imap::response::Code;
use store::{
    Account, AccountId, Mailbox, MailboxName, Store,
    rights::{Actor, Person, Rights},
};

use super::{object_ids::ObjectIds, referral, refusal::Refusal, subscriptions, wording::Text};
use crate::{
    Services,
    namespace::{Aliases, Namespace, Nowhere, Owner},
};

/// The most accounts that a session keeps at hand.
const OPENED_MAX: usize = 100;

/// What a user comes to.
#[derive(Debug)]
pub(crate) struct Reach {
    store: Store,
    directory: Arc<Directory>,
    namespace: Namespace,
    aliases: Arc<Aliases>,
    identity: Identity,
    /// As whom they are written down.
    by: String,
    own: Account,
    /// Accounts of others, in the user's hands.
    opened: Mutex<HashMap<AccountId, Account>>,
}

/// Where a name leads. There need not be a mailbox of that name.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Whose mailbox it is or would be, in the hands of who has logged in.
    pub(crate) account: Account,
    /// Its name in that account.
    pub(crate) name: MailboxName,
}

/// A mailbox that is there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Whose it is, in the hands of who has logged in.
    pub(crate) account: Account,
    /// As it is now.
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Place {
    /// The mailbox, as far as the user may know of it.
    pub(crate) fn mailbox(&self) -> Option<Arc<Mailbox>> {
        let snapshot = self.account.snapshot();
        let mailbox = snapshot.named(&self.name)?;
        self.account.sees(mailbox).then(|| Arc::clone(mailbox))
    }

    /// The mailbox, if the user has these rights on it: whoever has what a command takes may give it, whether or not
    /// the mailbox is listed to them (RFC 4314 §4).
    ///
    /// # Errors
    /// [`store::Error::NoSuchMailbox`], [`store::Error::NoRight`]
    pub(crate) fn with(self, needed: Rights) -> Result<Found, store::Error> {
        let found = self.there()?;
        found.account.may(&found.mailbox, needed)?;
        Ok(found)
    }

    /// The mailbox, if the user has any of these rights on it.
    ///
    /// # Errors
    /// [`store::Error::NoSuchMailbox`]
    pub(crate) fn with_any(self, rights: Rights) -> Result<Found, store::Error> {
        let found = self.there()?;
        if found.account.rights(&found.mailbox).intersects(rights) {
            Ok(found)
        } else {
            Err(store::Error::NoSuchMailbox)
        }
    }

    /// The mailbox, whoever may know of it.
    fn there(self) -> Result<Found, store::Error> {
        let snapshot = self.account.snapshot();
        let mailbox = snapshot.named(&self.name).map(Arc::clone);
        Ok(Found {
            account: self.account,
            mailbox: mailbox.ok_or(store::Error::NoSuchMailbox)?,
        })
    }

    /// The same.
    ///
    /// # Errors
    /// [`store::Error::NoSuchMailbox`]
    pub(crate) fn found(self) -> Result<Found, store::Error> {
        let mailbox = self.mailbox().ok_or(store::Error::NoSuchMailbox)?;
        let account = self.account;
        Ok(Found { account, mailbox })
    }
}

impl Reach {
    /// What somebody who has logged in comes to: their own account, and those of others. `by`: as whom they are
    /// written down.
    pub(crate) fn new(
        services: &Services,
        identity: &Identity,
        (own, by): (Account, String),
    ) -> Self {
        let remotes = referral::remotes(&identity.remote_mailboxes, &services.imap.remotes);
        let mut namespace = Namespace::new(&services.site.look, &identity.name)
            .with_outside(referral::namespaces(&remotes));
        if identity.roles.is_for_mail() {
            namespace = namespace.for_administrator();
        }
        Self {
            store: services.store.clone(),
            directory: Arc::clone(services.auth.directory()),
            namespace,
            aliases: Arc::clone(&services.site.aliases),
            own: own.acting_as(&by, Actor::User(person(identity, &identity.domain).into())),
            identity: identity.clone(),
            by,
            opened: Mutex::default(),
        }
    }

    /// The user's own account, in their hands.
    pub(crate) const fn own(&self) -> &Account {
        &self.own
    }

    /// An account in the server's hands, for what has been permitted otherwise than by rights; written down as done
    /// by the user.
    ///
    /// # Errors
    /// It can't be opened.
    pub(crate) async fn unasked(&self, account: &Account) -> Result<Account, store::Error> {
        let opened = self.store.account(account.id()).await?;
        Ok(opened.acting_as(&self.by, Actor::System))
    }

    /// Who the user is.
    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The accounts by name.
    pub(crate) const fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The mail of all.
    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    /// The domain of who has logged in.
    pub(crate) fn domain(&self) -> Arc<str> {
        Arc::clone(&self.identity.domain)
    }

    /// The domain of an account.
    pub(crate) fn domain_of(&self, account: AccountId) -> Arc<str> {
        let shared = self.directory.shared_domain(account.0);
        shared.unwrap_or_else(|| {
            let name = self.directory.name_of(account.0);
            domain_of(&name.unwrap_or_default()).into()
        })
    }

    /// Whether an account is one of shared mailboxes.
    pub(crate) fn is_shared(&self, account: AccountId) -> bool {
        self.directory.shared_domain(account.0).is_some()
    }

    /// Whether who has logged in administers a domain.
    pub(crate) fn administers_domain(&self, domain: &str) -> bool {
        self.identity.roles.administers(domain)
    }

    /// Whether who has logged in administers an account.
    pub(crate) fn administers(&self, account: AccountId) -> bool {
        self.administers_domain(&self.domain_of(account))
    }

    /// An account in the hands of who has logged in, also if it is their own: so verbs that not even owners
    /// may do are refused.
    pub(crate) fn in_hands(&self, account: &Account) -> Account {
        let person = person(&self.identity, &self.domain_of(account.id()));
        account.acting_as(&self.by, Actor::User(person.into()))
    }

    /// How names are written.
    pub(crate) const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// A place; if it is of a mailbox of one's own that is not there, and the name stands for a special use, that of
    /// the mailbox that is there for it.
    pub(crate) fn aliased(&self, place: Place) -> Place {
        let Place { account, name } = &place;
        if account.id() != self.own.id() {
            return place;
        }
        let Some(role) = self.aliases.role(name.as_str()) else {
            return place;
        };
        let snapshot = account.snapshot();
        match (snapshot.named(name), snapshot.with_role(role)) {
            (None, Some(meant)) => Place {
                account: account.clone(),
                name: meant.name().clone(),
            },
            _ => place,
        }
    }

    /// Where a name leads that exists, or should.
    ///
    /// # Errors
    /// NO \[NONEXISTENT] where no mailbox can be, or none that the user may know of; NO \[CANNOT] for what is no
    /// name.
    pub(crate) async fn place(&self, client: &str) -> Result<Place, Refusal> {
        match self.namespace.read(client) {
            Ok(place) => match self.account_of(&place.owner).await? {
                Some(account) => Ok(Place {
                    account,
                    name: place.name,
                }),
                None => Err(store::Error::NoSuchMailbox.into()),
            },
            Err(Nowhere::Invalid(why)) => Err(store::Error::InvalidName(why).into()),
            Err(Nowhere::Level | Nowhere::Outside) => Err(store::Error::NoSuchMailbox.into()),
        }
    }

    /// Where a name leads that is to be made.
    ///
    /// # Errors
    /// NO \[NOPERM] where the user can make none; NO \[CANNOT] for what is no name.
    pub(crate) async fn new_place(&self, client: &str) -> Result<Place, Refusal> {
        let place = match self.namespace.read(client) {
            Ok(place) => place,
            Err(Nowhere::Invalid(why)) => return Err(store::Error::InvalidName(why).into()),
            Err(Nowhere::Level) => {
                let text = "That name is a level above mailboxes";
                return Err(Refusal::no(Code::Cannot, text));
            }
            Err(Nowhere::Outside) => {
                let text = Text::with(
                    "Names begin with {} here",
                    [self
                        .namespace
                        .prefixes()
                        .personal
                        .unwrap_or_default()
                        .into()],
                );
                return Err(Refusal::no(Code::NoPerm, text));
            }
        };
        if let Owner::Shared(domain) = &place.owner
            && self.identity.roles.administers(domain)
            && self.directory.shared(domain).is_none()
            && let Err(error) = self.directory.shared_or_new(domain)
        {
            tracing::error!(%error, "shared mailboxes can't be begun");
        }
        let account = self.account_of(&place.owner).await?;
        let account = account.ok_or(store::Error::NoRight(Rights::CREATE))?;
        Ok(Place {
            account,
            name: place.name,
        })
    }

    /// Whether a name would be that of a mailbox in another account than this, whoever there is.
    pub(crate) fn is_of_another(&self, account: AccountId, client: &str) -> bool {
        let Ok(place) = self.namespace.read(client) else {
            return false;
        };
        match (self.owner(account), place.owner) {
            (Owner::Other(one), Owner::Other(other)) => one.to_lowercase() != other.to_lowercase(),
            (one, other) => one != other,
        }
    }

    /// Whether the user is subscribed to a name in an account. Their own need not be a mailbox's.
    pub(crate) fn is_subscribed(&self, account: &Account, name: &MailboxName) -> bool {
        if account.id() == self.own.id() {
            return self.own.snapshot().subscriptions().contains(name);
        }
        let snapshot = account.snapshot();
        let mailbox = snapshot.named(name).filter(|it| account.sees(it));
        mailbox.is_some_and(|mailbox| subscriptions::has(&self.own, account, mailbox))
    }

    /// How the object identifiers of an account are told.
    pub(crate) fn ids(&self, account: AccountId) -> ObjectIds {
        if account == self.own.id() {
            ObjectIds::default()
        } else {
            ObjectIds::of_other(account)
        }
    }

    /// The accounts of others in which the user may see something, if they are wanted.
    ///
    /// # Errors
    /// Who shares with whom can't be told. An account that can't be opened is left out.
    pub(crate) async fn others(
        &self,
        wanted: impl Fn(&Owner) -> bool,
    ) -> Result<Vec<(Owner, Account)>, Refusal> {
        let sharers = self
            .store
            .sharing_with(self.own.id(), &self.identity.groups)
            .await?;
        let named = sharers.named.into_iter().map(|id| (id, false));
        let everybody = sharers.with_everybody.into_iter().map(|id| (id, true));
        let mut owners: BTreeMap<AccountId, Owner> = BTreeMap::new();
        for (id, with_everybody) in named.chain(everybody) {
            let Some((owner, domain)) = self.known(id) else {
                continue;
            };
            // Everybody is who has the same domain.
            if !with_everybody || *domain == *self.identity.domain {
                owners.insert(id, owner);
            }
        }
        if self.identity.roles.is_for_mail() {
            owners.extend(self.administered());
        }
        owners.remove(&self.own.id());
        let mut accounts = Vec::new();
        for (_, owner) in owners.into_iter().filter(|(_, owner)| wanted(owner)) {
            match self.account_of(&owner).await {
                Ok(Some(account)) => accounts.push((owner, account)),
                Ok(None) => {}
                Err(why) => tracing::error!(?owner, ?why, "an account can't be opened for a list"),
            }
        }
        Ok(accounts)
    }

    /// The accounts that the user administers.
    fn administered(&self) -> impl Iterator<Item = (AccountId, Owner)> {
        let roles = &self.identity.roles;
        let people = self.directory.accounts().into_iter();
        let people = people
            .filter(|it| roles.administers(it.domain()))
            .map(|it| (AccountId(it.id), Owner::Other(Arc::clone(&it.name))));
        let shared = self.directory.all_shared().into_iter();
        let shared = shared
            .filter(|(domain, _)| roles.administers(domain))
            .map(|(domain, id)| (AccountId(id), Owner::Shared(domain)));
        people.chain(shared)
    }

    /// Whose an account is, and the domain of that; `None` of one that is nobody's any more.
    fn known(&self, id: AccountId) -> Option<(Owner, Arc<str>)> {
        if let Some(domain) = self.directory.shared_domain(id.0) {
            return Some((Owner::Shared(Arc::clone(&domain)), domain));
        }
        let name = self.directory.name_of(id.0)?;
        let domain = domain_of(&name).into();
        Some((Owner::Other(name), domain))
    }

    /// The name that the client knows a mailbox of an account by.
    pub(crate) fn written(&self, account: AccountId, name: &MailboxName) -> String {
        self.namespace.write(&self.owner(account), name)
    }

    /// Whose an account is. One that has lost its name goes by its number.
    fn owner(&self, account: AccountId) -> Owner {
        if account == self.own.id() {
            return Owner::Own;
        }
        match self.known(account) {
            Some((owner, _)) => owner,
            None => Owner::Other(account.to_string().into()),
        }
    }

    /// The account, in the user's hands; `None` if there is none.
    ///
    /// # Errors
    /// It can't be opened.
    pub(crate) async fn account_of(&self, owner: &Owner) -> Result<Option<Account>, Refusal> {
        let (id, domain) = match owner {
            Owner::Own => return Ok(Some(self.own.clone())),
            Owner::Shared(domain) => (self.directory.shared(domain), Arc::clone(domain)),
            Owner::Other(name) => {
                let account = self.directory.account(name);
                (account.map(|it| it.id), domain_of(name).into())
            }
        };
        let Some(id) = id.map(AccountId) else {
            return Ok(None);
        };
        self.account(id, &domain).await.map(Some)
    }

    /// An account of that domain, in the user's hands.
    async fn account(&self, id: AccountId, domain: &str) -> Result<Account, Refusal> {
        if id == self.own.id() {
            return Ok(self.own.clone());
        }
        let at_hand = self.opened().get(&id).cloned();
        if let Some(account) = at_hand.filter(|account| !account.is_closed()) {
            return Ok(account);
        }
        let opened = if self.directory.shared_domain(id.0).is_some() {
            self.store.shared_account(id).await?
        } else {
            self.store.account(id).await?
        };
        let person = person(&self.identity, domain);
        let account = opened.acting_as(&self.by, Actor::User(person.into()));
        let mut at_hand = self.opened();
        if at_hand.len() >= OPENED_MAX {
            at_hand.clear();
        }
        at_hand.insert(id, account.clone());
        Ok(account)
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, Account>> {
        // The map is whole between any two of its operations.
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody as seen from an account of that domain.
fn person(identity: &Identity, domain: &str) -> Person {
    Person {
        account: AccountId(identity.account),
        groups: identity.groups.to_vec(),
        neighbour: *identity.domain == *domain,
        administrator: identity.roles.administers(domain),
    }
}
