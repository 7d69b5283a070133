//! NOTIFY: what a client asked to be told of, without asking again. RFC 5465.
//!
//! What happens in the selected mailbox goes through [`crate::imap::sync`], as far as the client wants it
//! ([`Wants`]). What happens elsewhere is found in the account's changes ([`store::Watch`]), so that no mailbox
//! is looked at in which nothing happened, and waits in [`Pending`] until it may be told: what is
//! told is then how things stand, once, however much happened.
//!
//! Several groups may apply to a mailbox, and then the events of all of them do (§6).

mod pending;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc};

use imap::{
    command::{self, Event, EventFilter, FetchItem, StatusItem},
    response::{Code, Status},
};
use store::{MailboxId, MailboxName, Naming, Snapshot, Watch, Whose, account::Messages};

use self::pending::Pending;
use super::{
    commands::status,
    fetch,
    filter::Filter,
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

/// The most names that are remembered for having been deleted.
const DELETED_MAX: usize = 1000;

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
    groups: Vec<Group>,
    selected: Wants,
    watch: Watch,
    pending: Pending,
    /// More happened than the server remembers.
    overflown: bool,
    /// Names that were a mailbox's that has been deleted: a new one has another UIDVALIDITY.
    deleted: BTreeSet<MailboxName>,
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
    pub(crate) fn new(
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
        Ok(Self {
            groups,
            selected: selected.unwrap_or(Wants::NOTHING),
            watch: user.account.watch(),
            pending: Pending::default(),
            overflown: false,
            deleted: BTreeSet::new(),
        })
    }

    /// The events that are told of a mailbox by that name.
    fn of(&self, name: &MailboxName, snapshot: &Snapshot) -> Events {
        let matching = self.groups.iter();
        let matching = matching.filter(|group| group.filter.matches(name, snapshot));
        matching.fold(Events::default(), |all, group| all.with(group.events))
    }

    /// Whether any group has the event.
    fn anywhere(&self, event: Events) -> bool {
        self.groups.iter().any(|group| group.events.has_any(event))
    }

    /// Looks at what happened since the last time. Of the selected mailbox nothing is noted but
    /// which messages the client itself has put there: it is told of them without what it asked for of
    /// new ones (§5.2). What the client did elsewhere it knows (§5).
    pub(crate) fn look(&mut self, user: &User, mut selected: Option<&mut Selected>) {
        let Some(briefs) = self.watch.take() else {
            self.overflown = true;
            return;
        };
        if briefs.is_empty() {
            return;
        }
        let snapshot = user.account.snapshot();
        for brief in briefs {
            let own = user.account.did(&brief);
            for messages in &brief.messages {
                match &mut selected {
                    Some(selected) if selected.mailbox == messages.mailbox => {
                        if own {
                            selected.has_placed(&messages.came);
                        }
                    }
                    _ if own => {}
                    _ => self.note_messages(messages, user.account.whose(), &snapshot),
                }
            }
            for naming in &brief.names {
                self.note_name(naming, own, &snapshot);
            }
            if !own {
                let names = brief.subscriptions.iter();
                names.for_each(|name| self.note_subscription(name, &snapshot));
                let metadata = brief.metadata.iter();
                metadata.for_each(|(of, entry)| self.note_metadata(*of, entry, &snapshot));
            }
        }
    }

    /// Whether anything waits to be told.
    pub(crate) fn has_news(&self) -> bool {
        self.overflown || !self.pending.is_empty()
    }

    /// Tells what waits; says whether there was more than that: then the client hears of nothing any more
    /// (§5.8).
    pub(crate) async fn tell(
        &mut self,
        user: &User,
        selected: Option<MailboxId>,
        enabled: Enabled,
        out: &mut impl Outlet,
    ) -> Result<Overflow, Gone> {
        self.pending.write(user, selected, enabled, out).await?;
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
        selected: Option<MailboxId>,
        enabled: Enabled,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
        let snapshot = user.account.snapshot();
        for (name, mailbox) in snapshot.mailboxes() {
            let events = self.of(name, &snapshot);
            if !events.has_any(Events::MESSAGES) || selected == Some(mailbox.id()) {
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
            let name = user.reach.written(user.account.id(), mailbox.name());
            let told = status::Told {
                name: &name,
                mailbox,
                account: &user.account,
                ids: user.reach.ids(user.account.id()),
            };
            status::write(told, &items, size_max, enabled, out.buffer());
            flush_if_full(out).await?;
        }
        Ok(())
    }

    fn note_messages(&mut self, messages: &Messages, reader: Whose, snapshot: &Snapshot) {
        let Some(mailbox) = snapshot.mailbox(messages.mailbox) else {
            return;
        };
        let events = self.of(mailbox.name(), snapshot);
        if events.has_any(Events::OF_MESSAGES) {
            self.pending.messages(messages, events, reader);
        }
    }

    /// §5.4. A mailbox that comes or goes affects the one above it as well.
    fn note_name(&mut self, naming: &Naming, own: bool, snapshot: &Snapshot) {
        let mut affected = |name: &MailboxName| {
            if !own && self.of(name, snapshot).has_any(Events::NAMES) {
                self.pending.listing(name, None);
            }
        };
        match naming {
            Naming::Made(name) => {
                affected(name);
                name.parent().iter().for_each(affected);
                self.note_validity(name, snapshot);
            }
            Naming::Deleted(name) => {
                affected(name);
                name.parent().iter().for_each(affected);
                self.note_deleted(name);
            }
            Naming::Renamed { from, to } => {
                let events = self.of(from, snapshot).with(self.of(to, snapshot));
                if !own && events.has_any(Events::NAMES) {
                    self.pending.renamed(from, to);
                }
                self.note_validity(to, snapshot);
                self.note_deleted(from);
            }
        }
    }

    fn note_deleted(&mut self, name: &MailboxName) {
        if self.anywhere(Events::FLAGS) {
            if self.deleted.len() >= DELETED_MAX {
                self.deleted.pop_first();
            }
            self.deleted.insert(name.clone());
        }
    }

    /// §5.1: whoever is told of flags is told that a name has another UIDVALIDITY.
    fn note_validity(&mut self, name: &MailboxName, snapshot: &Snapshot) {
        if self.deleted.remove(name)
            && self.of(name, snapshot).has_any(Events::FLAGS)
            && let Some(mailbox) = snapshot.named(name)
        {
            self.pending.validity(mailbox.id());
        }
    }

    /// §5.6, §5.7.
    fn note_metadata(&mut self, of: Option<MailboxId>, entry: &Arc<str>, snapshot: &Snapshot) {
        let Some(id) = of else {
            if self.anywhere(Events::SERVER_METADATA) {
                self.pending.metadata(None, entry);
            }
            return;
        };
        let name = snapshot.mailbox(id).map(|mailbox| mailbox.name());
        if let Some(name) = name
            && self.of(name, snapshot).has_any(Events::METADATA)
        {
            self.pending.metadata(Some(name.clone()), entry);
        }
    }

    /// §5.5. Who unsubscribes from a mailbox has subscribed to it until then.
    fn note_subscription(&mut self, name: &MailboxName, snapshot: &Snapshot) {
        let wanted = self.groups.iter().any(|group| {
            group.events.has_any(Events::SUBSCRIPTIONS)
                && (group.filter == Filter::Subscribed || group.filter.matches(name, snapshot))
        });
        if wanted {
            self.pending.listing(name, None);
        }
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
