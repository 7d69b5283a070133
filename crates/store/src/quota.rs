//! Quotas: RFC 9208. What may be kept below a mailbox, in an account, in a domain, and what is.
//!
//! A *quota root* is a point with limits: a name, with every mailbox of that name and below it; an
//! account; a domain. All roots on the way up hold, not only the nearest. What is used is kept
//! beside what it is counted from ([`kept`]) and never believed longer than that: a checkpoint does not
//! have it. A domain's is kept by the store for all of its accounts ([`pool`]).
//!
//! One place holds batches to their limits, whatever verb made them: `account::commit`. A batch that
//! makes less is never refused, and one that makes more only for what it makes more of; so a limit
//! below the use may be set, and refuses only more.

mod filling;
mod form;
pub(crate) mod kept;
pub(crate) mod pool;

use std::{fmt, sync::Arc};

use crate::name::MailboxName;

pub use filling::Crossed;
pub(crate) use filling::Filling;
pub(crate) use form::{put_quota, put_root_name, read_quota, read_root_name};
pub use pool::{Allotment, DomainQuota};

/// Something of which there may be a limit: RFC 9208 §5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Octets of messages, in units of 1024. A copy counts in full, whatever room it takes.
    Storage,
    /// Messages; a copy is one more.
    Message,
    /// Mailboxes.
    Mailbox,
    /// Octets of the values of messages' annotations, and of their mailboxes' metadata, in units of 1024.
    AnnotationStorage,
}

impl Resource {
    /// All of them, in the order of the RFC.
    pub const EVERY: [Self; 4] = [
        Self::Storage,
        Self::Message,
        Self::Mailbox,
        Self::AnnotationStorage,
    ];

    /// Its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Storage => "STORAGE",
            Self::Message => "MESSAGE",
            Self::Mailbox => "MAILBOX",
            Self::AnnotationStorage => "ANNOTATION-STORAGE",
        }
    }

    /// The resource of that name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let same = |it: &Self| it.name().eq_ignore_ascii_case(name);
        Self::EVERY.into_iter().find(same)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The largest limit: RFC 9208 §3.1.2 has 63 bits.
pub const LIMIT_MAX: u64 = i64::MAX.cast_unsigned();

/// The limits of a quota root, in the units of each resource; `None`: there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of [`Resource::Storage`], in units of 1024 octets.
    pub storage: Option<u64>,
    /// Of [`Resource::Message`].
    pub message: Option<u64>,
    /// Of [`Resource::Mailbox`].
    pub mailbox: Option<u64>,
    /// Of [`Resource::AnnotationStorage`], in units of 1024 octets.
    pub annotation_storage: Option<u64>,
}

impl Limits {
    /// The limit of a resource.
    #[must_use]
    pub const fn get(&self, resource: Resource) -> Option<u64> {
        match resource {
            Resource::Storage => self.storage,
            Resource::Message => self.message,
            Resource::Mailbox => self.mailbox,
            Resource::AnnotationStorage => self.annotation_storage,
        }
    }

    /// Sets the limit of a resource, or takes it away.
    pub const fn set(&mut self, resource: Resource, limit: Option<u64>) {
        match resource {
            Resource::Storage => self.storage = limit,
            Resource::Message => self.message = limit,
            Resource::Mailbox => self.mailbox = limit,
            Resource::AnnotationStorage => self.annotation_storage = limit,
        }
    }

    /// Whether nothing is limited.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What is limited, and to what.
    pub fn every(&self) -> impl Iterator<Item = (Resource, u64)> {
        let limits = *self;
        let limited = move |resource| Some((resource, limits.get(resource)?));
        Resource::EVERY.into_iter().filter_map(limited)
    }

    /// The first resource of which there would be more than there was, and more than there may be.
    #[must_use]
    pub fn exceeded(&self, before: &Usage, after: &Usage) -> Option<Resource> {
        let over = |&(resource, limit): &(Resource, u64)| {
            after.exact(resource) > before.exact(resource) && after.of(resource) > limit
        };
        self.every().find(over).map(|(resource, _)| resource)
    }
}

/// What is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Octets of messages.
    pub octets: u64,
    /// Messages.
    pub messages: u64,
    /// Mailboxes.
    pub mailboxes: u64,
    /// Octets of annotations and metadata.
    pub annotation_octets: u64,
}

impl Usage {
    /// A resource's use in its units. Octets are rounded up: so no more is used than the limit says
    /// exactly while this is no more than the limit.
    #[must_use]
    pub const fn of(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Storage => self.octets.div_ceil(1024),
            Resource::Message => self.messages,
            Resource::Mailbox => self.mailboxes,
            Resource::AnnotationStorage => self.annotation_octets.div_ceil(1024),
        }
    }

    const fn exact(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Storage => self.octets,
            Resource::Message => self.messages,
            Resource::Mailbox => self.mailboxes,
            Resource::AnnotationStorage => self.annotation_octets,
        }
    }

    /// Both together.
    #[must_use]
    pub const fn and(&self, more: &Self) -> Self {
        Self {
            octets: self.octets.saturating_add(more.octets),
            messages: self.messages.saturating_add(more.messages),
            mailboxes: self.mailboxes.saturating_add(more.mailboxes),
            annotation_octets: self
                .annotation_octets
                .saturating_add(more.annotation_octets),
        }
    }

    /// This without that, which is part of it.
    #[must_use]
    pub const fn without(&self, less: &Self) -> Self {
        Self {
            octets: self.octets.saturating_sub(less.octets),
            messages: self.messages.saturating_sub(less.messages),
            mailboxes: self.mailboxes.saturating_sub(less.mailboxes),
            annotation_octets: self
                .annotation_octets
                .saturating_sub(less.annotation_octets),
        }
    }
}

/// A point with limits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QuotaRoot {
    /// Mailboxes of this name, and all below it; there need be none of the name itself.
    Name(MailboxName),
    /// All mailboxes of the account.
    Account,
    /// All accounts of a domain, and what they share; empty: those without any.
    Domain(Arc<str>),
}

/// What is set at a quota root.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quota {
    /// The limits.
    pub limits: Limits,
    /// An administrator has set them: nobody else may change them.
    pub administered: bool,
}

/// A quota root as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootState {
    /// Which.
    pub root: QuotaRoot,
    /// What is set there.
    pub quota: Quota,
    /// What is used.
    pub usage: Usage,
}

impl RootState {
    /// The resource of which most of what may be is used, and how many percent that is, rounded down.
    #[must_use]
    pub fn fullest(&self) -> Option<(Resource, u64)> {
        let percents =
            self.quota.limits.every().map(|(resource, limit)| {
                (resource, filling::percent(self.usage.of(resource), limit))
            });
        // The first of those that are as full.
        percents.reduce(|most, other| if other.1 > most.1 { other } else { most })
    }

    /// Whether so much more would be refused, and for lack of what.
    #[must_use]
    pub fn refuses(&self, more: &Usage) -> Option<Resource> {
        let after = self.usage.and(more);
        self.quota.limits.exceeded(&self.usage, &after)
    }
}
