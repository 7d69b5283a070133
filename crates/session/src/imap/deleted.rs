//! `#deleted/…`: what can be brought back, as mailboxes that are only read.
//!
//! A client that knows nothing of them never meets them: LIST shows them to a pattern that
//! begins with `#deleted` and to no other, as RFC 9051 §6.3.9 permits for names with `#`
//! (§5.1.2.1). SELECT opens them read-only; COPY and MOVE out of one bring
//! messages back.

use std::sync::Arc;

use imap::response::Code;
use store::{
    Copied, Mailbox, MailboxName, Uid,
    name::DELIMITER,
    past::{DELETED, DeletedMailbox},
};

use super::{
    reach::{Found, Place},
    refusal::Refusal,
    state::{Selected, User},
    wording::Text,
};

/// Whether a name is `#deleted` or lies below it.
pub(crate) fn is_deleted(name: &str) -> bool {
    let rest = name.strip_prefix(DELETED);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(DELIMITER))
}

/// The mailbox of what is deleted that has this name, if that is what the name can mean.
///
/// # Errors
/// What the store says.
pub(crate) async fn find(user: &User, place: &Place) -> Result<Option<DeletedMailbox>, Refusal> {
    let own = place.account.id() == user.account.id();
    let meant = own && is_deleted(place.name.as_str());
    let Some(retention) = user.undelete.filter(|_| meant) else {
        return Ok(None);
    };
    let all = user.account.deleted_mailboxes(retention).await?;
    let mut all = all.into_iter();
    Ok(all.find(|deleted| deleted.name() == Some(&place.name)))
}

/// All of them, for a LIST that asks for them.
///
/// # Errors
/// What the store says.
pub(crate) async fn all(user: &User) -> Result<Vec<(MailboxName, Arc<Mailbox>)>, Refusal> {
    let Some(retention) = user.undelete else {
        return Ok(Vec::new());
    };
    let all = user.account.deleted_mailboxes(retention).await?;
    let named = all.iter().filter_map(|deleted| {
        let mailbox = deleted.mailbox()?;
        Some((mailbox.name().clone(), Arc::clone(mailbox)))
    });
    Ok(named.collect())
}

/// That a mailbox of this name may be made.
///
/// # Errors
/// NO \[CANNOT]: the name is taken for what is deleted.
pub(crate) fn may_be_made(user: &User, name: &MailboxName) -> Result<(), Refusal> {
    if user.undelete.is_some() && is_deleted(name.as_str()) {
        let text = "Names with #deleted are for what was deleted";
        return Err(Refusal::no(Code::Cannot, text));
    }
    Ok(())
}

/// Takes messages that were moved out of the mailbox that is open: their EXPUNGE is told with the
/// next news.
pub(crate) fn take_out(selected: &mut Selected, uids: &[Uid]) {
    if let Some(deleted) = &mut selected.deleted {
        deleted.take_out(uids);
        if let Some(mailbox) = deleted.open() {
            selected.view.advance(&mailbox);
        }
    }
}

/// Brings messages of the mailbox that is open back, into another. Those that are there
/// already are not placed again, and count as brought back.
///
/// # Errors
/// NO \[TRYCREATE]; NO \[CANNOT] for a mailbox of somebody else; what the store says.
pub(crate) async fn bring_back(
    selected: &Selected,
    uids: &[Uid],
    to: &Found,
) -> Result<Option<Copied>, Refusal> {
    let (Some(deleted), Some(retention)) = (&selected.deleted, selected.user.undelete) else {
        return Ok(None);
    };
    let account = selected.account();
    if account.id() != to.account.id() {
        let text = "What was deleted can be brought back to mailboxes of your own only";
        return Err(Refusal::no(Code::Cannot, text));
    }
    let snapshot = account.snapshot();
    let mailbox = snapshot.mailbox(to.mailbox.id());
    let mailbox = mailbox.ok_or_else(super::names::try_create)?;
    let name = mailbox.name();
    let undeleted = account
        .undelete_from(deleted, uids, name, retention)
        .await?;
    if let Some(lost) = undeleted.lost.first() {
        let what = Text::with(
            "The message with UID {} can't be brought back any more",
            [lost.uid.0.into()],
        );
        return Err(Refusal::No(Some(Code::ExpungeIssued), what));
    }
    Ok(Some(Copied {
        uid_validity: mailbox.uid_validity(),
        uids: undeleted
            .back
            .iter()
            .map(|back| (back.was.uid, back.uid))
            .collect(),
    }))
}
