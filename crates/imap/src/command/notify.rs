//! What NOTIFY asks for: RFC 5465.

use alloc::vec::Vec;

use super::{FetchItem, Mailbox};

/// NOTIFY SET: RFC 5465 §3.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// `STATUS`: tell first how the mailboxes stand.
    pub status: bool,
    /// At least one.
    pub groups: Vec<EventGroup>,
}

/// Mailboxes, and what is to be told of them: RFC 5465 §8, `event-group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventGroup {
    /// Which mailboxes.
    pub filter: EventFilter,
    /// What; nothing for `NONE`.
    pub events: Vec<Event>,
}

/// `filter-mailboxes`: RFC 5465 §6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFilter {
    /// `SELECTED`: the selected mailbox, at once.
    Selected,
    /// `SELECTED-DELAYED`: the selected mailbox, expunges only where its numbers may move.
    SelectedDelayed,
    /// Other mailboxes.
    Others(MailboxFilter),
}

/// Mailboxes by where they are: RFC 5465 §6, `filter-mailboxes-other`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailboxFilter {
    /// `INBOXES`: where mail may be delivered.
    Inboxes,
    /// `PERSONAL`: the user's own.
    Personal,
    /// `SUBSCRIBED`.
    Subscribed,
    /// `SUBTREE`: these, and all below them.
    Subtree(Vec<Mailbox>),
    /// `SUBTREE-ONE`: these, and those one level below them; of ESEARCH only (RFC 7377 §2.2).
    SubtreeOne(Vec<Mailbox>),
    /// `MAILBOXES`: these.
    Mailboxes(Vec<Mailbox>),
}

/// `event`: RFC 5465 §5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `MessageNew`, and what to tell of each new message.
    MessageNew(Vec<FetchItem>),
    /// `MessageExpunge`.
    MessageExpunge,
    /// `FlagChange`.
    FlagChange,
    /// `AnnotationChange`.
    AnnotationChange,
    /// `MailboxName`.
    MailboxName,
    /// `SubscriptionChange`.
    SubscriptionChange,
    /// `MailboxMetadataChange`.
    MailboxMetadataChange,
    /// `ServerMetadataChange`.
    ServerMetadataChange,
    /// One that nobody here knows: `event-ext`.
    Other,
}
