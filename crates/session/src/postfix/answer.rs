//! Questions, and what the server knows about them, whatever the dialect.

use crate::{
    Services,
    destination::{self, Destination, Obstacle},
    lmtp::{self, Reply},
};

/// A table that can be looked up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// By address: whose mail it is. `virtual_mailbox_maps` and the like.
    Recipients,
    /// The same, as the service of Cyrus answers it: who has no room is told so.
    Deliverable,
    /// By address: who may log in and send under it. `smtpd_sender_login_maps`.
    Senders,
    /// By domain: whether any mail of it is ours. `virtual_mailbox_domains`.
    Domains,
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
            b"senders" => Some(Self::Senders),
            b"domains" => Some(Self::Domains),
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
pub(super) async fn to(question: &Question, services: &Services) -> Answer {
    let answer = match question {
        Question::Lookup(Table::Domains, domain) => Ok(domains(domain, services)),
        Question::Lookup(Table::Senders, address) => senders(address, services).await,
        Question::Lookup(Table::Recipients, address) => recipients(address, services).await,
        // As long as it could be one octet more.
        Question::Lookup(Table::Deliverable, address) => room(address, 1, services).await,
        Question::Room(address, octets) => room(address, *octets, services).await,
        Question::Unclear(what) => Ok(Answer::Unclear(what)),
    };
    answer.unwrap_or_else(|obstacle| no(&obstacle, services))
}

fn domains(domain: &str, services: &Services) -> Answer {
    if services.auth.directory().has_mail_for(domain) {
        Answer::Found(domain.to_owned())
    } else {
        Answer::NotFound
    }
}

/// Nobody sends as a shared mailbox: an address of one has no senders.
async fn senders(address: &str, services: &Services) -> Result<Answer, Obstacle> {
    let destination = find(services, address).await?;
    Ok(if destination.is_own() {
        let logins = services.auth.directory().logins(&destination.name);
        Answer::Found(logins.join(","))
    } else {
        Answer::NotFound
    })
}

/// Whether they take mail at the moment is another question.
async fn recipients(address: &str, services: &Services) -> Result<Answer, Obstacle> {
    let destination = find(services, address).await?;
    match destination.place(services, "").await {
        Err(Obstacle::Nobody) => Err(Obstacle::Nobody),
        _ => Ok(Answer::Found(destination.name.to_string())),
    }
}

async fn room(address: &str, octets: u64, services: &Services) -> Result<Answer, Obstacle> {
    let destination = find(services, address).await?;
    let place = destination.place(services, "").await?;
    place.room(octets).await?;
    Ok(Answer::Found(destination.name.to_string()))
}

/// Where mail for an address goes. Postfix gives it without the quotes that it may have in a message.
async fn find(services: &Services, address: &str) -> Result<Destination, Obstacle> {
    match address.rsplit_once('@') {
        Some((local_part, domain)) => destination::find(services, local_part, Some(domain)).await,
        None => destination::find(services, address, None).await,
    }
}

fn no(obstacle: &Obstacle, services: &Services) -> Answer {
    let reply = lmtp::refusal(obstacle, &services.lmtp);
    if matches!(obstacle, Obstacle::Nobody) {
        Answer::NotFound
    } else if reply.is_for_good() {
        Answer::Never(reply)
    } else {
        Answer::NotNow(reply)
    }
}
