//! RENAME: RFC 9051 §6.3.6; and, of administrators, to another partition.

use imap::{command::Rename, response::Code};
use store::{Account, MailboxId};

use super::administer;
use crate::imap::{
    names,
    refusal::{Done, Outcome, Refusal},
    state::{Enabled, User},
};

/// Answers RENAME. Sessions that have it open carry on (RFC 2180 §3.4): they hold
/// the mailbox, not its name. With a partition, an administrator's moves it there, and the name may stay; the
/// INBOX of somebody else stands for the account.
pub(crate) async fn rename(user: &User, enabled: Enabled, rename: &Rename) -> Outcome {
    let from = names::text(&rename.from.0, enabled)?;
    let to = names::new_text(user, enabled, &rename.to)?;
    let partition = rename.partition.as_deref();
    if let Some(partition) = partition {
        administer::may_place(user, partition).await?;
    }
    let accounts = (
        administer::account_meant(user, &from),
        administer::account_meant(user, &to),
    );
    let moved = match accounts {
        (Some(name), Some(new)) => {
            if name != new {
                administer::rename_account(user, &name, &new)?;
            }
            let place = user.reach.place(&to).await?;
            Some((place.account, None))
        }
        _ => on_mailbox(user, enabled, rename).await?,
    };
    if let (Some(partition), Some((account, mailbox))) = (partition, moved) {
        administer::place(user, (&account, mailbox), partition).await?;
    }
    Ok(Done::new("RENAME completed"))
}

/// Gives a mailbox another name, unless it is only to be moved to a partition; gives what is to be moved, if that
/// is asked for: a mailbox, or all of the account whose INBOX it is.
async fn on_mailbox(
    user: &User,
    enabled: Enabled,
    rename: &Rename,
) -> Result<Option<(Account, Option<MailboxId>)>, Refusal> {
    let from = names::exact_place(user, enabled, &rename.from).await?;
    let elsewhere = || {
        let text =
            "A mailbox can't be renamed into somebody else's: make one there and move its messages";
        Refusal::no(Code::Cannot, text)
    };
    // Before it is looked whether there is such an account: that is not told.
    let text = names::new_text(user, enabled, &rename.to)?;
    if user.reach.is_of_another(from.account.id(), &text) {
        return Err(elsewhere());
    }
    let to = names::free_place(user, enabled, &rename.to).await?;
    if from.account.id() != to.account.id() {
        return Err(elsewhere());
    }
    let stays = rename.partition.is_some() && from.name == to.name;
    if !stays {
        from.account.rename(&from.name, &to.name).await?;
    }
    if rename.partition.is_none() {
        return Ok(None);
    }
    let mailbox = to.found()?;
    let id = mailbox.mailbox.id();
    let all = from.name.as_str() == "INBOX" && stays;
    Ok(Some((mailbox.account, (!all).then_some(id))))
}
