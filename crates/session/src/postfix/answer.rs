//! Questions, and what the server knows about them, whatever the dialect.

use crate::{
    Services,
    destination::{self, Destination, Obstacle},
    lmtp::Reply,
};

/// A table that can be looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// By address: whose mail it is. `virtual_mailbox_maps` and the like.
    Recipients,
    /// The same, as the service of Cyrus answers it: who has no room is told so.
    Deliverable,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// What a table has under a key.
    Lookup(Table, String),
    /// Whether there is room for a message of so many octets to an address.
    Room(String, u64),
    /// Nothing that could be answered: why.
    Unclear(&'static str),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is such a one: this.
    Found(String),
    /// There is none.
    NotFound,
    /// Not at the moment.
    NotNow(Reply),
    /// Not at all.
    Never(Reply),
    /// The question made no sense.
    Unclear(&'static str),
}

impl Table {
    /// The table of a name, as it stands in Postfix's configuration.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"recipients" => Some(Self::Recipients),
            // The others are what is written where the service of Cyrus is asked, which passes names over.
            b"deliverable" | b"cyrus" | b"smmapd" | b"0" => Some(Self::Deliverable),
            _ => None,
        }
    }
}

impl Question {
    /// A lookup. Addresses are UTF-8: what is not is nobody's.
    pub(super) fn lookup(table: Table, key: &[u8]) -> Self {
        Self::Lookup(table, String::from_utf8_lossy(key).into_owned())
    }

    /// A question for room.
    pub(super) fn room(recipient: &[u8], octets: u64) -> Self {
        Self::Room(String::from_utf8_lossy(recipient).into_owned(), octets)
    }
}

/// Answers a question.
pub(super) fn to(question: &Question, services: &Services) -> Answer {
    match question {
        Question::Lookup(_, address) => match find(services, address) {
            Ok(destination) => Answer::Found(destination.identity.name.to_string()),
            Err(obstacle) => no(obstacle),
        },
        Question::Room(address, _) => match find(services, address) {
            Ok(_) => Answer::NotFound,
            Err(obstacle) => no(obstacle),
        },
        Question::Unclear(what) => Answer::Unclear(what),
    }
}

/// Where mail for an address goes. Postfix gives it without the quotes that it may have in a message.
fn find(services: &Services, address: &str) -> Result<Destination, Obstacle> {
    match address.rsplit_once('@') {
        Some((local_part, domain)) => destination::find(services, local_part, Some(domain)),
        None => destination::find(services, address, None),
    }
}

fn no(obstacle: Obstacle) -> Answer {
    let reply = Reply::from(obstacle);
    if obstacle == Obstacle::Nobody {
        Answer::NotFound
    } else if reply.is_for_good() {
        Answer::Never(reply)
    } else {
        Answer::NotNow(reply)
    }
}
