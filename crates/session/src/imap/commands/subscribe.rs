//! SUBSCRIBE and UNSUBSCRIBE: RFC 9051 §6.3.7, §6.3.8.

use imap::command::Mailbox;

use crate::imap::{
    names,
    refusal::{Done, Outcome},
    state::{Enabled, User},
};

/// Answers SUBSCRIBE. The mailbox need not exist.
pub(crate) async fn subscribe(user: &User, enabled: Enabled, mailbox: &Mailbox) -> Outcome {
    let place = names::new_place(user, enabled, mailbox).await?;
    place.account.subscribe(&place.name).await?;
    Ok(Done::new("SUBSCRIBE completed"))
}

/// Answers UNSUBSCRIBE.
pub(crate) async fn unsubscribe(user: &User, enabled: Enabled, mailbox: &Mailbox) -> Outcome {
    let place = names::new_place(user, enabled, mailbox).await?;
    place.account.unsubscribe(&place.name).await?;
    Ok(Done::new("UNSUBSCRIBE completed"))
}
