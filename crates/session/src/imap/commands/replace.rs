//! REPLACE and UID REPLACE: RFC 8508.
//!
//! One batch in the store: the message that comes and the end of the one that goes are seen together, or
//! not at all; but that into another account it is two.

use imap::{
    UidSet,
    command::{self, Numbering},
    parse::Replaced,
    response::{Code, Status},
    set::{SequenceRange, SequenceSet},
};
use store::Uid;

use super::append::{self, Appending};
use crate::{
    Outlet, Services,
    imap::{
        names,
        refusal::{Done, Outcome, Refusal},
        reply,
        state::{Access, Enabled, Selected},
        sync::{self, Expunges},
        url::Base,
    },
};

/// Answers REPLACE and UID REPLACE. The EXPUNGE or VANISHED response comes from the telling at the
/// end of the command.
pub(crate) async fn replace(
    selected: &mut Selected,
    (services, enabled): (&Services, Enabled),
    replace: &command::Replace,
    appending: Appending,
    out: &mut impl Outlet,
) -> Outcome {
    let uid = replaced(selected, (replace.numbering, replace.message))?;
    let base = Base {
        services,
        user: &selected.user,
        selected: Some(selected),
    };
    let account = selected.account();
    let to = names::destination(&selected.user, enabled, &replace.mailbox).await?;
    let to_id = to.mailbox.id();
    let messages = std::slice::from_ref(&replace.replacement);
    let received = appending.complete(base, messages).await?;
    let Some(received) = received.into_iter().next() else {
        return Err(Refusal::bad("REPLACE takes a message as a literal").into());
    };
    let arrival = append::arrival(&replace.replacement, received, to.account.whose())?;
    let replaced = (selected.mailbox, uid);
    let placed = if account.id() == to.account.id() {
        account.replace(replaced, to_id, arrival).await
    } else {
        let into = (&to.account, to_id);
        account.replace_across(replaced, into, arrival).await
    };
    let placed = match placed {
        Err(store::Error::NoSuchMailbox) if to.account.snapshot().mailbox(to_id).is_none() => {
            return Err(names::try_create().into());
        }
        placed => placed?.ok_or_else(gone)?,
    };
    let uids: UidSet = placed.uids.iter().map(|uid| uid.0).collect();
    let code = Code::AppendUid(placed.uid_validity.0, uids);
    // RFC 8508 §4.3: before the EXPUNGE.
    reply::untagged(
        out,
        enabled.language,
        (Status::Ok, Some(&code)),
        "Replacement message ready",
    );
    // As the RFC's examples have it: what came, then what is gone.
    sync::tell(selected, enabled, Expunges::Held, out).await?;
    Ok(Done::new("REPLACE completed"))
}

/// The message that is to go.
///
/// # Errors
/// BAD for a sequence number that the client does not have; NO if the message can't be removed: the mailbox
/// is open read-only, or the message is gone.
pub(crate) fn replaced(selected: &Selected, (numbering, number): Replaced) -> Result<Uid, Refusal> {
    if selected.access == Access::ReadOnly {
        return Err(Refusal::read_only());
    }
    let number = number.map(Into::into);
    let set = SequenceSet::Ranges(vec![SequenceRange {
        from: number,
        to: number,
    }]);
    let uids = selected.resolve(&set, numbering)?;
    let uids = selected.view.uids_in(&uids);
    match (uids.first(), numbering) {
        (Some(uid), _) if !selected.view.is_ghost(*uid) => Ok(*uid),
        (Some(_), Numbering::Sequence) => Err(gone()),
        _ => Err(Refusal::no(
            Code::NonExistent,
            "There is no message with that UID",
        )),
    }
}

/// Another session was quicker.
fn gone() -> Refusal {
    Refusal::no(
        Code::ExpungeIssued,
        "The message to be replaced no longer exists",
    )
}
