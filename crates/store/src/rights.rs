//! Who may do what with a mailbox: RFC 4314.
//!
//! A mailbox has a list of who may do what, its [`Acl`]; without one of its own, its owner may do
//! everything and nobody else anything. Accounts stand there by their number, so that an account keeps its
//! rights under another name, and one that gets an old name has none of them.
//!
//! What somebody may do is what the entries that mean them give together, without what the negative ones that
//! mean them take; and then what can't be taken from an owner, or an administrator.

use std::{fmt, sync::Arc};

use crate::{
    flag::{Flags, SystemFlags},
    id::AccountId,
    mailbox::Mailbox,
};

/// The most entries of a list.
pub const ACL_ENTRIES_MAX: usize = 500;
/// The longest name of a group, in octets.
pub const GROUP_OCTETS_MAX: usize = 255;

/// A set of rights: RFC 4314 §2.1, `n` of RFC 5257 §4.2, and ten that mean what a site wants, `0` to `9`.
/// `c` and `d` of RFC 2086 are no rights of their own: [`Rights::parse`] takes them for those that they came to
/// be, and [`Rights::with_obsolete`] writes them for clients that know no others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rights(pub(crate) u32);

/// The rights in the order in which they are written: bit 0 is the first.
const LETTERS: &[u8; 22] = b"lrswipkxtean0123456789";

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);
    /// `l`: it is listed, and can be subscribed to.
    pub const LOOKUP: Self = Self(1);
    /// `r`: it can be opened, and its STATUS asked.
    pub const READ: Self = Self(1 << 1);
    /// `s`: `\Seen` can be set and cleared.
    pub const SEEN: Self = Self(1 << 2);
    /// `w`: all other flags can, but `\Deleted`; and what is shared of its metadata.
    pub const WRITE: Self = Self(1 << 3);
    /// `i`: messages can be put into it.
    pub const INSERT: Self = Self(1 << 4);
    /// `p`: mail can be sent to it.
    pub const POST: Self = Self(1 << 5);
    /// `k`: mailboxes can be made below it.
    pub const CREATE: Self = Self(1 << 6);
    /// `x`: it can be deleted, and get another name.
    pub const DELETE: Self = Self(1 << 7);
    /// `t`: `\Deleted` can be set and cleared.
    pub const DELETE_MESSAGES: Self = Self(1 << 8);
    /// `e`: messages can be expunged.
    pub const EXPUNGE: Self = Self(1 << 9);
    /// `a`: its list can be read and changed.
    pub const ADMINISTER: Self = Self(1 << 10);
    /// `n`: shared annotations of its messages can be written.
    pub const ANNOTATE: Self = Self(1 << 11);

    /// Every right but those that a site gives its own meaning.
    pub const EVERY: Self = Self((1 << 12) - 1);
    /// Every right that there is.
    pub const ALL: Self = Self((1 << 22) - 1);
    /// Whoever has one of these may change flags.
    pub const FLAGS: Self = Self::SEEN.with(Self::WRITE).with(Self::DELETE_MESSAGES);
    /// What it takes to remove messages that had no `\Deleted`, as MOVE and REPLACE do: RFC 6851 §4.2, RFC 8508 §4.1.
    pub const TO_REMOVE: Self = Self::DELETE_MESSAGES.with(Self::EXPUNGE);
    /// What an owner has on their own mailboxes, whatever a list says: so nobody locks themselves out.
    pub const OF_OWNERS: Self = Self::LOOKUP.with(Self::READ).with(Self::OF_ADMINISTRATORS);
    /// What administrators have on every mailbox: enough to give themselves more.
    pub const OF_ADMINISTRATORS: Self = Self::LOOKUP
        .with(Self::CREATE)
        .with(Self::DELETE)
        .with(Self::ADMINISTER);
    /// Who has one of these, and may know of the mailbox, may read its metadata: RFC 5464 §3.3.
    pub const FOR_METADATA: Self = Self::READ
        .with(Self::SEEN)
        .with(Self::WRITE)
        .with(Self::INSERT)
        .with(Self::POST);
    /// Who has one of these may ask which they have: RFC 4314 §4.
    pub const ANY: Self = Self::LOOKUP
        .with(Self::READ)
        .with(Self::INSERT)
        .with(Self::CREATE)
        .with(Self::DELETE)
        .with(Self::ADMINISTER);

    /// `c` of RFC 2086: to create and delete mailboxes.
    const OBSOLETE_CREATE: Self = Self::CREATE.with(Self::DELETE);
    /// `d` of RFC 2086: to delete messages.
    const OBSOLETE_DELETE: Self = Self::DELETE_MESSAGES.with(Self::EXPUNGE);

    /// These letters and digits.
    ///
    /// # Errors
    /// The first that is no right.
    pub fn parse(letters: &str) -> Result<Self, char> {
        letters.chars().try_fold(Self::NONE, |rights, letter| {
            Ok(rights.with(match letter {
                'c' => Self::OBSOLETE_CREATE,
                'd' => Self::OBSOLETE_DELETE,
                _ => Self::of_letter(letter).ok_or(letter)?,
            }))
        })
    }

    fn of_letter(letter: char) -> Option<Self> {
        let at = LETTERS
            .iter()
            .position(|known| char::from(*known) == letter)?;
        Some(Self(1 << at))
    }

    /// Both these and those.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These, but for those.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all those are among them.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of those is among them.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them by itself, in the order in which they are written.
    pub fn each(self) -> impl Iterator<Item = Self> {
        let bits = (0..LETTERS.len()).map(|at| Self(1 << at));
        bits.filter(move |right| self.contains(*right))
    }

    /// As clients are told them: with `c` and `d` after the others if any right is there that these came to
    /// be (RFC 4314 §2.1.1).
    #[must_use]
    pub fn with_obsolete(self) -> String {
        let mut letters = String::new();
        for (at, letter) in LETTERS.iter().enumerate() {
            let right = Self(1 << at);
            if right == Self::ADMINISTER {
                letters.extend(self.intersects(Self::OBSOLETE_CREATE).then_some('c'));
                letters.extend(self.intersects(Self::OBSOLETE_DELETE).then_some('d'));
            }
            letters.extend(self.contains(right).then_some(char::from(*letter)));
        }
        letters
    }

    /// The flags that these permit to set or clear, of those given: RFC 4314 §4.
    #[must_use]
    pub fn permitted(self, flags: &Flags) -> Flags {
        let keywords = if self.contains(Self::WRITE) {
            flags.keywords.clone()
        } else {
            Vec::new()
        };
        Flags {
            system: flags.system.without(self.forbidden()),
            keywords,
        }
    }

    /// What it takes to set or clear these flags.
    pub(crate) fn to_change(flags: &Flags) -> Self {
        let kinds = [
            (SystemFlags::SEEN, Self::SEEN),
            (SystemFlags::DELETED, Self::DELETE_MESSAGES),
        ];
        let of = |(flag, right)| flags.system.contains(flag).then_some(right);
        let rights = kinds.into_iter().filter_map(of);
        let rights = rights.fold(Self::NONE, Self::with);
        let others = flags
            .system
            .without(SystemFlags::SEEN)
            .without(SystemFlags::DELETED);
        if rights.is_empty() || others != SystemFlags::NONE || !flags.keywords.is_empty() {
            rights.with(Self::WRITE)
        } else {
            rights
        }
    }

    /// The system flags that these do not permit to set or clear.
    pub(crate) fn forbidden(self) -> SystemFlags {
        let kinds = [
            (Self::SEEN, SystemFlags::SEEN),
            (Self::DELETE_MESSAGES, SystemFlags::DELETED),
        ];
        let mut forbidden = SystemFlags::NONE;
        let mut others = SystemFlags::EVERY;
        for (right, flag) in kinds {
            others = others.without(flag);
            if !self.contains(right) {
                forbidden = forbidden.with(flag);
            }
        }
        if self.contains(Self::WRITE) {
            forbidden
        } else {
            forbidden.with(others)
        }
    }
}

impl fmt::Display for Rights {
    /// Their letters and digits, without `c` and `d`: what [`Rights::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, letter) in LETTERS.iter().enumerate() {
            if self.contains(Self(1 << at)) {
                write!(f, "{}", char::from(*letter))?;
            }
        }
        Ok(())
    }
}

/// Whom an entry means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Everybody, also who has not logged in; of those who have, the people of the mailbox's domain.
    Anyone,
    /// Who has not logged in: mail that comes from outside.
    Anonymous,
    /// Who has logged in, of the people of the mailbox's domain.
    Authenticated,
    /// Whose mailbox it is. Nobody is, of one that is shared by all.
    Owner,
    /// One account.
    Account(AccountId),
    /// The members of a group, by its name without `group:`.
    Group(Arc<str>),
}

/// Whom an entry means, and whether it gives or takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    /// Written with a dash before it: the rights are taken from them, whatever gives them.
    pub negative: bool,
    /// Whom.
    pub who: Who,
}

impl From<Who> for Identifier {
    fn from(who: Who) -> Self {
        let negative = false;
        Self { negative, who }
    }
}

impl fmt::Display for Identifier {
    /// As it is written where only the store is known: accounts by number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        match &self.who {
            Who::Anyone => f.write_str("anyone"),
            Who::Anonymous => f.write_str("anonymous"),
            Who::Authenticated => f.write_str("authenticated"),
            Who::Owner => f.write_str("owner"),
            Who::Account(account) => account.fmt(f),
            Who::Group(group) => write!(f, "group:{group}"),
        }
    }
}

/// Who may do what with a mailbox: entries in the order in which they were made, each identifier once. A cheap clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acl(Arc<[(Identifier, Rights)]>);

impl Acl {
    /// What a mailbox has that has no list of its own.
    #[must_use]
    pub fn of_owner() -> Self {
        Self([(Who::Owner.into(), Rights::EVERY)].into())
    }

    /// What a shared mailbox begins with that is made in no other, as with Cyrus.
    #[must_use]
    pub fn of_shared() -> Self {
        let rights = Rights::LOOKUP.with(Rights::READ).with(Rights::SEEN);
        Self([(Who::Anyone.into(), rights)].into())
    }

    /// Its entries, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&Identifier, Rights)> {
        self.0
            .iter()
            .map(|(identifier, rights)| (identifier, *rights))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none: nobody may do anything then, but for whom it can't be taken from.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rights in the entry of an identifier, if there is one.
    #[must_use]
    pub fn get(&self, identifier: &Identifier) -> Option<Rights> {
        let mut entries = self.entries();
        entries.find_map(|(has, rights)| (has == identifier).then_some(rights))
    }

    /// It with this entry: in the place that it had, or at the end. No rights: without it.
    #[must_use]
    pub fn with(&self, identifier: &Identifier, rights: Rights) -> Self {
        let mut entries: Vec<_> = self.0.to_vec();
        match entries.iter_mut().find(|(has, _)| has == identifier) {
            Some((_, has)) => *has = rights,
            None => entries.push((identifier.clone(), rights)),
        }
        entries.retain(|(_, rights)| !rights.is_empty());
        Self(entries.into())
    }

    /// What somebody may do by it with a mailbox of `owner`, before what can't be taken from them.
    fn given_to(&self, actor: &Actor, owner: AccountId) -> Rights {
        let (mut given, mut taken) = (Rights::NONE, Rights::NONE);
        for (identifier, rights) in self.entries() {
            if !identifier.who.means(actor, owner) {
                continue;
            }
            let sum = if identifier.negative {
                &mut taken
            } else {
                &mut given
            };
            *sum = sum.with(rights);
        }
        given.without(taken)
    }
}

impl FromIterator<(Identifier, Rights)> for Acl {
    /// Entries in order; of several with the same identifier the last counts.
    fn from_iter<T: IntoIterator<Item = (Identifier, Rights)>>(entries: T) -> Self {
        let mut acl: Vec<(Identifier, Rights)> = Vec::new();
        for (identifier, rights) in entries {
            match acl.iter_mut().find(|(has, _)| *has == identifier) {
                Some((_, has)) => *has = rights,
                None => acl.push((identifier, rights)),
            }
        }
        Self(acl.into())
    }
}

impl Who {
    fn means(&self, actor: &Actor, owner: AccountId) -> bool {
        let person = match actor {
            Actor::System => return false,
            Actor::Anonymous => return matches!(self, Self::Anyone | Self::Anonymous),
            Actor::User(person) => person,
        };
        match self {
            Self::Anyone | Self::Authenticated => person.neighbour,
            Self::Anonymous => false,
            Self::Owner => person.account == owner,
            Self::Account(account) => person.account == *account,
            Self::Group(group) => person.groups.contains(group),
        }
    }
}

/// Who acts through a handle of an account: see [`crate::Account::acting_as`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Actor {
    /// The server itself, or who administers it from its machine: nothing is asked.
    #[default]
    System,
    /// Somebody who has logged in.
    User(Arc<Person>),
    /// Nobody who has logged in: a delivery. It needs [`Rights::POST`].
    Anonymous,
}

/// Somebody who has logged in, as seen from the account that they act on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their own account.
    pub account: AccountId,
    /// The groups that they are in, by name.
    pub groups: Vec<Arc<str>>,
    /// Whether they are of that account's domain: else `anyone` and `authenticated` do not mean them.
    pub neighbour: bool,
    /// Whether they administer that account.
    pub administrator: bool,
}

impl Person {
    /// An account's own user, who is in no group and administers nothing.
    #[must_use]
    pub fn owner(account: AccountId) -> Self {
        Self {
            account,
            groups: Vec::new(),
            neighbour: true,
            administrator: false,
        }
    }
}

impl Actor {
    /// What they need to put messages into a mailbox: a delivery posts.
    pub(crate) fn to_insert(&self) -> Rights {
        match self {
            Self::System | Self::User(_) => Rights::INSERT,
            Self::Anonymous => Rights::POST,
        }
    }

    /// Whether they administer the account that they act on.
    #[must_use]
    pub fn administers(&self) -> bool {
        match self {
            Self::System => true,
            Self::User(person) => person.administrator,
            Self::Anonymous => false,
        }
    }

    /// What can't be taken from them on mailboxes of `owner`: RFC 4314 §3.7.
    #[must_use]
    pub fn required(&self, owner: AccountId) -> Rights {
        match self {
            Self::System => Rights::ALL,
            Self::Anonymous => Rights::NONE,
            Self::User(person) => {
                let of_owner = (person.account == owner).then_some(Rights::OF_OWNERS);
                let administrator = person.administrator;
                let of_administrator = administrator.then_some(Rights::OF_ADMINISTRATORS);
                let none = Rights::NONE;
                of_owner
                    .unwrap_or(none)
                    .with(of_administrator.unwrap_or(none))
            }
        }
    }
}

impl Mailbox {
    /// Who may do what with it.
    #[must_use]
    pub fn acl(&self) -> Acl {
        self.acl.clone().unwrap_or_else(Acl::of_owner)
    }

    /// Whether it has a list of its own: somebody has said who may do what.
    #[must_use]
    pub fn has_acl(&self) -> bool {
        self.acl.is_some()
    }

    /// What somebody may do with it, as one of `owner`'s mailboxes.
    #[must_use]
    pub fn rights_of(&self, actor: &Actor, owner: AccountId) -> Rights {
        let given = match actor {
            Actor::System => Rights::ALL,
            // Mail comes to an INBOX, whatever its list says: whom it is for was settled before.
            Actor::Anonymous if self.name.is_inbox() => Rights::POST,
            _ => Rights::NONE,
        };
        let given = given.with(self.acl().given_to(actor, owner));
        given.with(actor.required(owner))
    }
}
