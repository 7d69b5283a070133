//! NOTIFY: what a client asked to be told of, without asking again. RFC 5465.
//!
//! What happens in the selected mailbox goes through [`crate::imap::sync`], as far as the client wants it
//! ([`Wants`]). What happens elsewhere is found in the account's changes ([`store::Watch`]), so that no mailbox
//! is looked at in which nothing happened, and waits in [`pending`] until it may be told: what is
//! told is then how things stand, once, however much happened.
//!
//! Several groups may apply to a mailbox, and then the events of all of them do (§6).

mod pending;
#[cfg(test)]
mod tests;
mod watched;

use std::sync::Arc;

use imap::{
    command::{self, Event, EventFilter, FetchItem, StatusItem},
    response::{Code, Status},
};
use store::{Account, AccountId, MailboxId, MailboxName, Rights};

use self::watched::Watched;
use super::{
    commands::status,
    fetch,
    filter::{self, Filter},
    refusal::Refusal,
    reply,
    state::{Enabled, Selected, User},
    sync::{Wants, When, flush_if_full},
};
use crate::{Gone, Outlet};

/// What can be asked for: RFC 5465 §8, `unsupported-events-code`.
const EVENTS: &[&str] = &[
    "MessageNew",
    "MessageExpunge",
    "AnnotationChange",
    "FlagChange",
    "MailboxName",
    "SubscriptionChange",
    "MailboxMetadataChange",
    "ServerMetadataChange",
];

/// The most groups of one NOTIFY: each is asked at each change.
const GROUPS_MAX: usize = 100;

/// What a client said by NOTIFY.
#[derive(Debug, Default)]
pub(crate) enum Notifying {
    /// Nothing yet: it is told of the selected mailbox, when it asks.
    #[default]
    Never,
    /// NONE: it is told nothing.
    Nothing,
    /// SET.
    Set(Box<Registered>),
}

/// What a client asked for by NOTIFY SET, and has not been told yet.
#[derive(Debug)]
pub(crate) struct Registered {
    asked: Asked,
    selected: Wants,
    /// The accounts in which something may happen that it asked for; the user's own first.
    watched: Vec<Watched>,
    /// More happened than the server remembers.
    overflown: bool,
}

/// Whether more happened than can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// No.
    No,
    /// Yes, and the client has been told so.
    Yes,
}

/// Mailboxes, not the selected one, and what is to be told of them.
#[derive(Debug, PartialEq, Eq)]
struct Group {
    filter: Filter,
    events: Events,
}

/// The mailbox that is open, and whose it is.
pub(crate) type Open = (AccountId, MailboxId);

/// All that a client asked for of mailboxes that are not selected.
#[derive(Debug)]
struct Asked {
    groups: Vec<Group>,
}

impl Asked {
    /// The events that are told of a mailbox by that name.
    fn of(&self, user: &User, account: &Account, name: &MailboxName) -> Events {
        let matching = self.groups.iter();
        let matching = matching.filter(|group| group.filter.matches(user, account, name));
        matching.fold(Events::default(), |all, group| all.with(group.events))
    }

    /// Whether any group has the event.
    fn anywhere(&self, event: Events) -> bool {
        self.groups.iter().any(|group| group.events.has_any(event))
    }

    /// Whether who subscribes to a name, or no longer does, is to be told of elsewhere. Who unsubscribes has been
    /// subscribed until then (§5.5).
    fn tells_subscriptions(&self, user: &User, account: &Account, name: &MailboxName) -> bool {
        self.groups.iter().any(|group| {
            group.events.has_any(Events::SUBSCRIPTIONS)
                && (group.filter == Filter::Subscribed || group.filter.matches(user, account, name))
        })
    }

    fn filters(&self) -> Vec<&Filter> {
        self.groups.iter().map(|group| &group.filter).collect()
    }
}

/// Whether events of a mailbox may be told: §5.
fn is_observable(account: &Account, mailbox: &store::Mailbox) -> bool {
    account
        .may(mailbox, Rights::LOOKUP.with(Rights::READ))
        .is_ok()
}

/// Events, as a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Events(u8);

impl Events {
    /// `MessageNew` and `MessageExpunge`, which go together.
    const MESSAGES: Self = Self(1);
    const FLAGS: Self = Self(2);
    const NAMES: Self = Self(4);
    const SUBSCRIPTIONS: Self = Self(8);
    const METADATA: Self = Self(16);
    const SERVER_METADATA: Self = Self(32);
    const ANNOTATIONS: Self = Self(64);
    /// Those after which messages are not as they were, but still there.
    const CHANGES: Self = Self(2 | 64);
    /// Those of messages.
    const OF_MESSAGES: Self = Self(1 | 2 | 64);

    const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has_any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    /// The set that a client wrote.
    ///
    /// # Errors
    /// NO \[BADEVENT] for what is not among [`EVENTS`]; BAD for events that need others beside them (§5).
    fn new(asked: &[Event]) -> Result<Self, Refusal> {
        let (mut events, mut new, mut expunge) = (Self::default(), false, false);
        for event in asked {
            events = events.with(match event {
                Event::MessageNew(_) => {
                    new = true;
                    Self::MESSAGES
                }
                Event::MessageExpunge => {
                    expunge = true;
                    Self::MESSAGES
                }
                Event::FlagChange => Self::FLAGS,
                Event::MailboxName => Self::NAMES,
                Event::SubscriptionChange => Self::SUBSCRIPTIONS,
                Event::MailboxMetadataChange => Self::METADATA,
                Event::ServerMetadataChange => Self::SERVER_METADATA,
                Event::AnnotationChange => Self::ANNOTATIONS,
                Event::Other => {
                    let text = "There are no such events here";
                    return Err(Refusal::no(Code::BadEvent(EVENTS), text));
                }
            });
        }
        if new != expunge {
            return Err(Refusal::bad(
                "MessageNew and MessageExpunge need each other",
            ));
        }
        if events.has_any(Self::CHANGES) && !new {
            let text = "FlagChange and AnnotationChange need MessageNew and MessageExpunge";
            return Err(Refusal::bad(text));
        }
        Ok(events)
    }
}

impl Registered {
    /// Begins to watch what a client asks for.
    ///
    /// # Errors
    /// As the events' rules have it (§5, §6.1); NO \[NOTIFICATIONOVERFLOW] for too much at once.
    pub(crate) async fn new(
        asked: &command::Notify,
        user: &User,
        enabled: Enabled,
    ) -> Result<Self, Refusal> {
        if asked.groups.len() > GROUPS_MAX {
            let text = "Too much to notify of";
            return Err(Refusal::no(Code::NotificationOverflow, text));
        }
        // What is not supported is refused before what is wrong: NO, not BAD (§3.1).
        let events = asked.groups.iter().map(|group| Events::new(&group.events));
        let events = events.collect::<Vec<_>>();
        let unsupported = |it: &&Result<_, Refusal>| matches!(it, Err(Refusal::No(..)));
        if let Some(Err(refusal)) = events.iter().find(unsupported) {
            return Err(refusal.clone());
        }
        let mut groups = Vec::new();
        let mut selected = None;
        for (group, events) in asked.groups.iter().zip(events) {
            let events = events?;
            let wants = match &group.filter {
                EventFilter::Others(filter) => {
                    if !new_items(&group.events).is_empty() {
                        let text = "Only of new messages in the selected mailbox more can be told";
                        return Err(Refusal::bad(text));
                    }
                    let filter = Filter::new(filter, (user, enabled));
                    groups.push(Group { filter, events });
                    continue;
                }
                EventFilter::Selected => wants(When::AtOnce, events, &group.events)?,
                EventFilter::SelectedDelayed => wants(When::Delayed, events, &group.events)?,
            };
            if selected.replace(wants).is_some() {
                let text = "SELECTED or SELECTED-DELAYED can be there once only";
                return Err(Refusal::bad(text));
            }
        }
        let asked = Asked { groups };
        let accounts = filter::accounts(&asked.filters(), user).await?;
        Ok(Self {
            asked,
            selected: selected.unwrap_or(Wants::NOTHING),
            watched: accounts.into_iter().map(Watched::new).collect(),
            overflown: false,
        })
    }

    /// The accounts that are watched.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.watched.iter().map(Watched::account)
    }

    /// Looks at what happened since the last time. Of the selected mailbox nothing is noted but
    /// which messages the client itself has put there: it is told of them without what it asked for of
    /// new ones (§5.2). What the client did elsewhere it knows (§5).
    pub(crate) fn look(&mut self, user: &User, mut selected: Option<&mut Selected>) {
        for watched in &mut self.watched {
            self.overflown |= watched
                .look(&self.asked, user, selected.as_deref_mut())
                .is_err();
        }
    }

    /// Whether anything waits to be told.
    pub(crate) fn has_news(&self) -> bool {
        self.overflown || self.watched.iter().any(Watched::has_news)
    }

    /// Tells what waits; says whether there was more than that: then the client hears of nothing any more
    /// (§5.8).
    pub(crate) async fn tell(
        &mut self,
        user: &User,
        selected: Option<Open>,
        enabled: Enabled,
        out: &mut impl Outlet,
    ) -> Result<Overflow, Gone> {
        for watched in &mut self.watched {
            watched.tell(user, selected, enabled, out).await?;
        }
        if !self.overflown {
            return Ok(Overflow::No);
        }
        let status = (Status::Ok, Some(&Code::NotificationOverflow));
        let text = "Too much happened: no more notifications";
        reply::untagged(out, enabled.language, status, text);
        Ok(Overflow::Yes)
    }

    /// How things stand, for whoever is told from now on how they change: a STATUS response for each mailbox,
    /// but the selected one, of which the client will be told of messages (§3.1).
    pub(crate) async fn statuses(
        &self,
        user: &User,
        selected: Option<Open>,
        enabled: Enabled,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
        for account in self.accounts() {
            let snapshot = account.snapshot();
            for (name, mailbox) in snapshot.mailboxes() {
                let events = self.asked.of(user, account, name);
                let is_open = selected == Some((account.id(), mailbox.id()));
                if !events.has_any(Events::MESSAGES) || is_open || !is_observable(account, mailbox)
                {
                    continue;
                }
                let mut items = vec![
                    StatusItem::UidValidity,
                    StatusItem::UidNext,
                    StatusItem::Messages,
                ];
                if events.has_any(Events::CHANGES) {
                    items.push(StatusItem::HighestModSeq);
                }
                let size_max = user.message_bytes_max;
                let name = user.reach.written(account.id(), name);
                let told = status::Told {
                    name: &name,
                    mailbox,
                    account,
                    ids: user.reach.ids(account.id()),
                    deleted_octets: 0,
                };
                status::write(told, &items, size_max, enabled, out.buffer());
                flush_if_full(out).await?;
            }
        }
        Ok(())
    }
}

/// What a client wants of the selected mailbox.
fn wants(when: When, events: Events, asked: &[Event]) -> Result<Wants, Refusal> {
    if events.with(Events::OF_MESSAGES) != Events::OF_MESSAGES {
        let text = "Only events of messages can be asked for of the selected mailbox";
        return Err(Refusal::bad(text));
    }
    let items = new_items(asked);
    fetch::check(items)?;
    Ok(Wants {
        messages: events.has_any(Events::MESSAGES),
        flags: events.has_any(Events::FLAGS),
        annotations: events.has_any(Events::ANNOTATIONS),
        when,
        fetch: (!items.is_empty()).then(|| Arc::from(items)),
    })
}

/// What is to be told of new messages.
fn new_items(asked: &[Event]) -> &[FetchItem] {
    let items = asked.iter().find_map(|event| match event {
        Event::MessageNew(items) => Some(items.as_slice()),
        _ => None,
    });
    items.unwrap_or_default()
}

impl Notifying {
    /// What the client wants of the mailbox that it selects.
    pub(crate) fn wants(&self) -> Wants {
        match self {
            Self::Never => Wants::default(),
            Self::Nothing => Wants::NOTHING,
            Self::Set(registered) => registered.selected.clone(),
        }
    }
}
