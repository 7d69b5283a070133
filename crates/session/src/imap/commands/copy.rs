//! COPY, MOVE and their UID forms: RFC 9051 §6.4.7, §6.4.8, RFC 6851.
//!
//! Each is one batch in the store: all or nothing; but that a MOVE to another account is two. A message that another session has
//! expunged fails a COPY by sequence numbers, as the client counts on it
//! (RFC 2180 §4.4.1); by UIDs, what is not there is left out.

use imap::{
    UidSet,
    command::{Copy, Numbering},
    response::{Code, Status},
};
use store::{Copied, Uid};

use crate::{
    Outlet,
    imap::{
        deleted, fullness, names,
        reach::Found,
        refusal::{Done, Outcome, Refusal, Stop},
        reply,
        state::{Access, Enabled, Selected},
    },
};

/// COPY and UID COPY.
pub(crate) async fn copy(
    selected: &mut Selected,
    enabled: Enabled,
    copy: &Copy,
    out: &mut impl Outlet,
) -> Outcome {
    let to = names::destination(&selected.user, enabled, &copy.mailbox).await?;
    let uids = sources(selected, copy)?;
    if uids.is_empty() {
        return Ok(Done::new("No messages to copy"));
    }
    let fullness = fullness::into(&selected.user, &to, Some(selected));
    let copied = match deleted::bring_back(selected, &uids, &to).await? {
        Some(back) => back,
        None => unless_gone(selected, place(selected, &uids, &to).await)?,
    };
    fullness.done(&selected.user, &to, enabled, out);
    Ok(Done {
        code: copy_uid(&copied),
        text: "COPY completed",
    })
}

/// MOVE and UID MOVE. COPYUID comes before the EXPUNGEs (RFC 9051 §6.4.8), which the
/// telling at the end of every command writes.
pub(crate) async fn move_to(
    selected: &mut Selected,
    enabled: Enabled,
    copy: &Copy,
    out: &mut impl Outlet,
) -> Outcome {
    if selected.access == Access::ReadOnly && selected.deleted.is_none() {
        return Err(Refusal::read_only().into());
    }
    let to = names::destination(&selected.user, enabled, &copy.mailbox).await?;
    let uids = sources(selected, copy)?;
    if uids.is_empty() {
        return Ok(Done::new("No messages to move"));
    }
    let fullness = fullness::into(&selected.user, &to, Some(selected));
    let moved = match deleted::bring_back(selected, &uids, &to).await? {
        Some(back) => {
            deleted::take_out(selected, &uids);
            back
        }
        None => unless_gone(selected, place_and_remove(selected, &uids, &to).await)?,
    };
    fullness.done(&selected.user, &to, enabled, out);
    if let Some(code) = copy_uid(&moved) {
        reply::untagged(out, enabled.language, (Status::Ok, Some(&code)), "Moved");
    }
    Ok(Done::new("MOVE completed"))
}

/// Places messages in another mailbox, whosever it is.
async fn place(selected: &Selected, uids: &[Uid], to: &Found) -> Result<Copied, store::Error> {
    let (account, from, into) = (selected.account(), selected.mailbox, to.mailbox.id());
    if account.id() == to.account.id() {
        account.copy(from, uids, into).await
    } else {
        account.copy_across(from, uids, (&to.account, into)).await
    }
}

/// The same, and they are gone from where they were.
async fn place_and_remove(
    selected: &Selected,
    uids: &[Uid],
    to: &Found,
) -> Result<Copied, store::Error> {
    let (account, from, into) = (selected.account(), selected.mailbox, to.mailbox.id());
    if account.id() == to.account.id() {
        account.move_to(from, uids, into).await
    } else {
        account.move_across(from, uids, (&to.account, into)).await
    }
}

/// The messages meant, ascending.
fn sources(selected: &Selected, copy: &Copy) -> Result<Vec<Uid>, Refusal> {
    let uids = selected.resolve(&copy.messages, copy.numbering)?;
    let mut uids = selected.view.uids_in(&uids);
    let counted = uids.len();
    uids.retain(|uid| !selected.view.is_ghost(*uid));
    if uids.len() < counted && copy.numbering == Numbering::Sequence {
        return Err(Refusal::no(
            Code::ExpungeIssued,
            "Some of the messages no longer exist",
        ));
    }
    Ok(uids)
}

/// What the store copied. In a mailbox that another session has deleted it finds nothing to copy,
/// which is refused: an OK would have the client take its messages for kept elsewhere.
fn unless_gone(selected: &Selected, copied: Result<Copied, store::Error>) -> Result<Copied, Stop> {
    let snapshot = selected.account().snapshot();
    let here = snapshot.mailbox(selected.mailbox).is_some();
    match copied {
        Ok(copied) if copied.uids.is_empty() && !here => Err(store::Error::NoSuchMailbox.into()),
        Ok(copied) => Ok(copied),
        // Of the two mailboxes it is the other one.
        Err(store::Error::NoSuchMailbox) if here => Err(names::try_create().into()),
        Err(error) => Err(error.into()),
    }
}

/// COPYUID, unless nothing was left to copy.
fn copy_uid(copied: &Copied) -> Option<Code> {
    let from: UidSet = copied.uids.iter().map(|(from, _)| from.0).collect();
    let to: UidSet = copied.uids.iter().map(|(_, to)| to.0).collect();
    let some = !from.is_empty();
    some.then_some(Code::CopyUid(copied.uid_validity.0, from, to))
}
