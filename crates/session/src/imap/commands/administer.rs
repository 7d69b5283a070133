//! What administrators do by CREATE, DELETE and RENAME beyond mailboxes, as they do with Cyrus (cyradm): the INBOX of
//! an account stands for the account, and a partition may be named where mail is to lie.
//!
//! Accounts and where they lie are not the store's to permit, so it is asked here whose role it takes: to administer
//! the account's domain and to have every role that the account has; for partitions, to administer the server.

use std::sync::Arc;

use auth::{
    Roles,
    directory::{self, domain_of},
};
use imap::response::Code;
use store::{Account, MailboxId};

use crate::{
    imap::{
        refusal::{Done, Outcome, Refusal},
        state::User,
    },
    namespace::Owner,
};

/// The account that a name stands for, if it is the INBOX of somebody else, and whoever asks administers it. There need
/// be no such account.
pub(super) fn account_meant(user: &User, client: &str) -> Option<Arc<str>> {
    let place = user.reach.namespace().read(client).ok()?;
    let Owner::Other(name) = place.owner else {
        return None;
    };
    let roles = &user.reach.identity().roles;
    let meant = place.name.as_str() == "INBOX" && roles.administers(domain_of(&name));
    meant.then_some(name)
}

/// Makes an account that nobody can log in to yet, with its first mailboxes.
///
/// # Errors
/// As [`refused`], [`may_place`]; what the store says.
pub(super) async fn create_account(
    user: &User,
    name: Arc<str>,
    partition: Option<&str>,
) -> Outcome {
    if let Some(partition) = partition {
        may_place(user, partition).await?;
    }
    user.reach
        .directory()
        .add_without_password(&name)
        .map_err(refused)?;
    tracing::info!(by = %user.reach.identity(), account = &*name, "account made");
    let account = user.reach.account_of(&Owner::Other(name)).await?;
    let account = account.ok_or(store::Error::NoSuchMailbox)?;
    if let Some(partition) = partition {
        place(user, (&account, None), partition).await?;
    }
    let snapshot = account.snapshot();
    let inbox = snapshot
        .mailboxes()
        .find(|(name, _)| name.as_str() == "INBOX");
    let Some((_, inbox)) = inbox else {
        return Ok(Done::new("CREATE completed"));
    };
    let id = user.reach.ids(account.id()).told(inbox.id());
    Ok(Done::with(
        Code::MailboxId(id.to_string()),
        "CREATE completed",
    ))
}

/// Removes an account; its mail stays in the store under its id, as with `chapar account remove`.
///
/// # Errors
/// As [`refused`] and [`may_change`].
pub(super) fn delete_account(user: &User, name: &str) -> Outcome {
    may_change(user, name)?;
    user.reach.directory().remove(name).map_err(refused)?;
    tracing::info!(by = %user.reach.identity(), account = name, "account removed");
    Ok(Done::new("DELETE completed"))
}

/// Gives an account another name.
///
/// # Errors
/// As [`refused`] and [`may_change`].
pub(super) fn rename_account(user: &User, name: &str, new: &str) -> Result<(), Refusal> {
    may_change(user, name)?;
    user.reach.directory().rename(name, new).map_err(refused)?;
    tracing::info!(by = %user.reach.identity(), account = name, new, "account renamed");
    Ok(())
}

/// Whether whoever asks may change an account: it is there, and has no role that they don't have.
fn may_change(user: &User, name: &str) -> Result<(), Refusal> {
    let account = user.reach.directory().account(name);
    let account = account.ok_or(store::Error::NoSuchMailbox)?;
    let roles: &Roles = &user.reach.identity().roles;
    if roles.cover(&account.roles) {
        return Ok(());
    }
    let text = "Permission denied: the account has a role that you don't have";
    Err(Refusal::no(Code::NoPerm, text))
}

/// Whether whoever asks may say that mail is to lie in this partition.
///
/// # Errors
/// NO \[NOPERM]; NO \[CANNOT] if there is no such partition.
pub(super) async fn may_place(user: &User, partition: &str) -> Result<(), Refusal> {
    if !user.reach.identity().roles.is_administrator() {
        let text = "Only administrators of the server say where mail lies";
        return Err(Refusal::no(Code::NoPerm, text));
    }
    let partitions = user.reach.store().partition_statuses().await?;
    if partitions.iter().any(|it| *it.name == *partition) {
        return Ok(());
    }
    let text = "There is no partition of that name";
    Err(Refusal::no(Code::Cannot, text))
}

/// Has an account, or a mailbox of it, lie in a partition: [`may_place`] has been asked.
///
/// # Errors
/// What the store says.
pub(super) async fn place(
    user: &User,
    (account, mailbox): (&Account, Option<MailboxId>),
    partition: &str,
) -> Result<(), Refusal> {
    let store = user.reach.store();
    // Who may say where mail lies need not be let read it.
    let account = &user.reach.unasked(account).await?;
    let mut told = |_, _| ();
    match mailbox {
        Some(mailbox) => {
            let moving = store.move_mailbox(account, mailbox, partition, &mut told);
            moving.await?;
        }
        None => {
            store.move_account(account, partition, &mut told).await?;
        }
    }
    Ok(())
}

/// What is said of a change to the accounts that was not made.
fn refused(error: directory::Error) -> Refusal {
    use directory::Error as E;
    match error {
        E::Exists(_) => Refusal::no(Code::AlreadyExists, "There is an account of that name"),
        E::Missing(_) => store::Error::NoSuchMailbox.into(),
        E::Name { .. } => Refusal::no(Code::Cannot, "That can't be the name of an account"),
        error => {
            tracing::error!(%error, "the accounts can't be changed");
            let text = "The accounts can't be changed at present";
            Refusal::no(Code::Unavailable, text)
        }
    }
}
