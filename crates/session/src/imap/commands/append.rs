//! APPEND, with many messages at once: RFC 9051 §6.3.12, RFC 3502.
//!
//! The messages are written to the store as they arrive ([`Appending`]); the command that
//! ends them places them, all or none. What can be refused is refused when a
//! message is announced, before the client sends it.

use imap::{
    Command, UidSet,
    command::{self, Append, Tagged},
    response::Code,
};
use store::{AccountId, Arrival, Incoming, Received, Store, Timestamp};

use crate::imap::{
    flags, names,
    refusal::{Done, Outcome, Refusal},
    state::{Enabled, User},
};

/// The most messages of one APPEND: they are all held on to until the last has come.
pub(crate) const MESSAGES_MAX: usize = 1000;

/// The messages of an APPEND that is being received.
#[derive(Debug, Default)]
pub(crate) struct Appending {
    received: Vec<Received>,
    current: Option<Incoming>,
    /// Why the APPEND will be refused once it is over: the client is sending already.
    failed: Option<Refusal>,
}

impl Appending {
    /// A message is announced.
    ///
    /// # Errors
    /// The store takes none; the client need not send it.
    pub(crate) async fn announced(&mut self, store: &Store, id: AccountId) -> Result<(), Refusal> {
        if self.failed.is_none() {
            self.current = Some(store.receive_for(id).await?);
        }
        Ok(())
    }

    /// The next octets of the message announced.
    pub(crate) async fn data(&mut self, octets: &[u8]) {
        if let Some(incoming) = &mut self.current
            && let Err(error) = incoming.write(octets).await
        {
            self.fail(error);
        }
    }

    /// The message announced is complete.
    pub(crate) async fn data_end(&mut self) {
        let Some(incoming) = self.current.take() else {
            return;
        };
        match incoming.finish().await {
            Ok(received) => self.received.push(received),
            Err(error) => self.fail(error),
        }
    }

    /// Remembers the first failure, and lets go of what has come.
    fn fail(&mut self, error: store::Error) {
        self.current = None;
        self.received.clear();
        self.failed.get_or_insert(error.into());
    }
}

/// Places what has been received.
pub(crate) async fn append(
    user: &User,
    enabled: Enabled,
    append: &Append,
    appending: Appending,
) -> Outcome {
    if let Some(refusal) = appending.failed {
        return Err(refusal.into());
    }
    let to = names::destination(&append.mailbox, enabled, &user.account.snapshot())?;
    if append.messages.len() != appending.received.len() {
        return Err(Refusal::bad("APPEND takes messages as literals").into());
    }
    let arrivals = append
        .messages
        .iter()
        .zip(appending.received)
        .map(|(message, received)| {
            Ok(Arrival {
                message: received,
                trace: Vec::new(),
                flags: flags::from_wire(&message.flags)?,
                internal_date: message.date.map(|date| Timestamp {
                    unix: date.unix,
                    zone_minutes: date.zone_minutes,
                }),
            })
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    let placed = match user.account.append(to, arrivals).await {
        Err(store::Error::NoSuchMailbox) => return Err(names::try_create().into()),
        placed => placed?,
    };
    let uids: UidSet = placed.uids.iter().map(|uid| uid.0).collect();
    Ok(Done::with(
        Code::AppendUid(placed.uid_validity.0, uids),
        "APPEND completed",
    ))
}

/// Whether an APPEND that has got as far as its first message has somewhere to go.
///
/// # Errors
/// NO \[TRYCREATE]; BAD if what came so far is no APPEND.
pub(crate) fn may_begin(user: &User, enabled: Enabled, command: &[u8]) -> Result<(), Refusal> {
    // As if the message ended it: then it is a whole command, and parsed as one.
    let whole = [command, b"{1}\r\n"].concat();
    match imap::parse::command(&whole) {
        Ok(Tagged {
            command: Command::Authenticated(command::Authenticated::Append(append)),
            ..
        }) => names::destination(&append.mailbox, enabled, &user.account.snapshot()).map(drop),
        Ok(_) => Err(Refusal::bad("A message belongs to APPEND")),
        Err(error) => Err(Refusal::bad(&error)),
    }
}
