//! A mail transaction: sender, recipients, and the message as it comes in.

use store::{Error, Incoming};

use super::{
    command::{Body, Mail, Rcpt},
    deliver::{self, Accepted, Delivery},
    reply::{self, Reply},
    trace::Trace,
};
use crate::{
    FLUSH_AT, Gone, Outlet, Peer, Services,
    destination::{self, Destination, Obstacle},
};

/// From MAIL to the end of the message.
#[derive(Debug)]
pub(super) struct Transaction {
    mail: Mail,
    recipients: Vec<Accepted>,
    message: Message,
}

/// The message of a transaction.
#[derive(Debug)]
enum Message {
    /// Neither DATA nor BDAT has come.
    None,
    /// Being received.
    Arriving(Box<Incoming>),
    /// What goes on coming is thrown away: it has failed, with this.
    Failed(Reply),
}

/// Who sends a message, and to which server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) services: &'a Services,
    pub(super) peer: &'a Peer,
    pub(super) client: &'a str,
}

impl Transaction {
    pub(super) fn new(mail: Mail) -> Self {
        Self {
            mail,
            recipients: Vec::new(),
            message: Message::None,
        }
    }

    /// Whether some of the message has come.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.message, Message::None)
    }

    /// Whether no recipient was accepted.
    pub(super) fn has_nobody(&self) -> bool {
        self.recipients.is_empty()
    }

    /// One more recipient.
    pub(super) async fn rcpt(&mut self, rcpt: Rcpt, services: &Services) -> Reply {
        if self.has_begun() {
            return reply::BDAT_BEGUN;
        }
        if self.recipients.len() >= services.limits.recipients_max {
            return reply::TOO_MANY_RECIPIENTS;
        }
        match accept(&rcpt, self.mail.size, services).await {
            Ok(destination) => {
                self.recipients.push(Accepted {
                    destination,
                    path: rcpt.to.path,
                    ignore_quota: rcpt.ignore_quota,
                });
                reply::RECIPIENT_OK
            }
            Err(obstacle) => reply::refusal(&obstacle, &services.lmtp),
        }
    }

    /// DATA. The store is asked for room first: now the client can still be told no.
    pub(super) async fn data(&mut self, services: &Services) -> Result<(), Reply> {
        if self.has_begun() {
            return Err(reply::BDAT_BEGUN);
        }
        if self.recipients.is_empty() {
            return Err(reply::NO_RECIPIENT);
        }
        if self.mail.body == Some(Body::BinaryMime) {
            return Err(reply::NEEDS_BDAT);
        }
        self.begin(services).await;
        match self.message {
            Message::Failed(reply) => {
                self.message = Message::None;
                Err(reply)
            }
            Message::None | Message::Arriving(_) => Ok(()),
        }
    }

    /// BDAT. A failure of the store is not said before the chunk has come.
    pub(super) async fn bdat(&mut self, services: &Services) -> Result<(), Reply> {
        if !self.has_begun() {
            if self.recipients.is_empty() {
                return Err(reply::NO_RECIPIENT);
            }
            self.begin(services).await;
        }
        Ok(())
    }

    async fn begin(&mut self, services: &Services) {
        let store = &services.store;
        // Where the first recipient's mail is; if nothing is to be had there, anywhere.
        let first = self.recipients.first().map(|it| it.destination.account);
        let received = match first {
            Some(id) => match store.receive_for(id).await {
                Err(_) => store.receive().await,
                received => received,
            },
            None => store.receive().await,
        };
        self.message = match received {
            Ok(incoming) => Message::Arriving(Box::new(incoming)),
            Err(error) => failed(&error),
        };
    }

    /// Octets of the message, and whether they seem to be the last.
    pub(super) async fn write(&mut self, octets: &[u8], last: bool) {
        let Message::Arriving(incoming) = &mut self.message else {
            return;
        };
        let written = if last {
            incoming.write_last(octets).await
        } else {
            incoming.write(octets).await
        };
        if let Err(error) = written {
            self.message = failed(&error);
        }
    }

    /// How it goes, as the reply to a chunk that is not the last.
    pub(super) fn so_far(&self) -> Reply {
        match self.message {
            Message::Failed(reply) => reply,
            Message::None | Message::Arriving(_) => reply::OK,
        }
    }

    /// The message is complete: delivers it, with a reply for every recipient, in
    /// order and as soon as it is known (RFC 2033 §4.2, §5).
    pub(super) async fn deliver(self, from: Origin<'_>, out: &mut impl Outlet) -> Result<(), Gone> {
        let finished = match self.message {
            Message::Arriving(incoming) => incoming.finish().await,
            Message::Failed(reply) => return each(&self.recipients, reply, out).await,
            Message::None => return Ok(()),
        };
        let message = match finished {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "message not received");
                return each(&self.recipients, reply::failure(&error), out).await;
            }
        };
        let delivery = Delivery {
            services: from.services,
            message: &message,
            trace: &Trace::new(from.services, from.peer, from.client, self.mail.utf8),
            from: &self.mail.from,
        };
        for recipients in self.recipients.chunks(deliver::AT_ONCE) {
            for reply in delivery.to(recipients).await {
                reply.write(out.buffer());
            }
            out.flush().await?;
        }
        Ok(())
    }
}

fn failed(error: &Error) -> Message {
    tracing::warn!(%error, "message not received");
    Message::Failed(reply::failure(error))
}

/// Where mail for a recipient goes, if it can be taken at all: better now than after all of it has come. A
/// store that can't tell is asked again then.
async fn accept(
    Rcpt { to, ignore_quota }: &Rcpt,
    size: Option<u64>,
    services: &Services,
) -> Result<Destination, Obstacle> {
    let found = destination::find(services, &to.local_part, to.domain.as_deref()).await?;
    let room = async {
        let place = found.place(services, "").await?;
        if *ignore_quota {
            return Ok(());
        }
        Ok(place.room(size.unwrap_or_default()).await?)
    };
    match room.await {
        Err(Obstacle::Store(error)) if !matches!(error, Error::OverQuota { .. }) => {
            tracing::warn!(%error, "whether there is room is not known");
            Ok(found)
        }
        room => room.map(|()| found),
    }
}

/// The same reply for every recipient.
async fn each(recipients: &[Accepted], reply: Reply, out: &mut impl Outlet) -> Result<(), Gone> {
    for _ in recipients {
        reply.write(out.buffer());
        if out.buffer().len() >= FLUSH_AT {
            out.flush().await?;
        }
    }
    Ok(())
}
