//! SUBSCRIBE and UNSUBSCRIBE: RFC 9051 §6.3.7, §6.3.8.

use imap::{command::Mailbox, response::Code};

use crate::imap::{
    names,
    refusal::{Done, Outcome, Refusal},
    state::{Enabled, User},
    subscriptions,
};

/// Answers SUBSCRIBE. One's own mailbox need not exist; another's has to be seen (RFC 4314 §4).
pub(crate) async fn subscribe(user: &User, enabled: Enabled, mailbox: &Mailbox) -> Outcome {
    let name = names::new_text(user, enabled, mailbox)?;
    let place = user.reach.aliased(user.reach.place(&name).await?);
    if place.account.id() == user.account.id() {
        place.account.subscribe(&place.name).await?;
    } else {
        subscriptions::subscribe(user, &place.found()?).await?;
    }
    Ok(Done::new("SUBSCRIBE completed"))
}

/// Answers UNSUBSCRIBE. Nobody is told by it whether there is such a mailbox.
pub(crate) async fn unsubscribe(user: &User, enabled: Enabled, mailbox: &Mailbox) -> Outcome {
    let name = names::new_text(user, enabled, mailbox)?;
    let place = user.reach.place(&name).await;
    match place.map(|place| user.reach.aliased(place)) {
        Ok(place) if place.account.id() == user.account.id() => {
            place.account.unsubscribe(&place.name).await?;
        }
        Ok(place) => {
            if let Ok(found) = place.found() {
                subscriptions::unsubscribe(user, &found).await?;
            }
        }
        Err(Refusal::No(Some(Code::NonExistent), _)) => {}
        Err(refusal) => return Err(refusal.into()),
    }
    Ok(Done::new("UNSUBSCRIBE completed"))
}
