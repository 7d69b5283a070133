//! STATUS: RFC 9051 §6.3.11, RFC 7162 §3.1.7, RFC 8438, RFC 8474 §4.3, RFC 7889, RFC 9208 §4.1.4.

use std::sync::Arc;

use imap::{
    command::{Mailbox, StatusItem},
    encode::{self, StatusValue},
};
use store::Account;

use store::Rights;

use crate::{
    Outlet,
    imap::{
        deleted, names,
        object_ids::ObjectIds,
        refusal::{Done, Outcome},
        state::{Enabled, User},
    },
};

/// Answers STATUS. The newest state, also of the selected mailbox: a client
/// that compares it with what it has been told there has been warned (§6.3.11).
pub(crate) async fn status(
    user: &User,
    enabled: Enabled,
    mailbox: &Mailbox,
    items: &[StatusItem],
    out: &mut impl Outlet,
) -> Outcome {
    let named = names::exact_place(user, enabled, mailbox).await?;
    let place = user.reach.aliased(named.clone());
    let deleted = deleted::find(user, &place).await?;
    let deleted = deleted.as_ref().and_then(|deleted| deleted.mailbox());
    let account = place.account.clone();
    // Who asks by another name listens for that.
    let name = user.reach.written(account.id(), &named.name);
    let found = match deleted {
        Some(deleted) => Arc::clone(deleted),
        None => place.with(Rights::READ)?.mailbox,
    };
    let told = Told {
        name: &name,
        mailbox: &found,
        account: &account,
        ids: user.reach.ids(account.id()),
        deleted_octets: deleted_octets(&account, &found, items).await?,
    };
    write(told, items, user.message_bytes_max, enabled, out.buffer());
    Ok(Done::new("STATUS completed"))
}

/// A mailbox whose STATUS is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    /// The name that the client knows it by.
    pub(crate) name: &'a str,
    /// As it is now.
    pub(crate) mailbox: &'a store::Mailbox,
    /// Whose it is, in the hands of who is told: their `\Seen` may be their own.
    pub(crate) account: &'a Account,
    /// How its identifier is told.
    pub(crate) ids: ObjectIds,
    /// Octets of its messages with `\Deleted`: DELETED-STORAGE. See [`deleted_octets`].
    pub(crate) deleted_octets: u64,
}

/// DELETED-STORAGE of a mailbox, counted if it is among what is to be told.
///
/// # Errors
/// What the store says.
pub(crate) async fn deleted_octets(
    account: &Account,
    mailbox: &store::Mailbox,
    items: &[StatusItem],
) -> Result<u64, store::Error> {
    if mailbox.counters().deleted == 0 || !items.contains(&StatusItem::DeletedStorage) {
        return Ok(0);
    }
    match account.deleted_octets(mailbox.id()).await {
        // It went meanwhile, or is one of what is deleted.
        Err(store::Error::NoSuchMailbox) => Ok(0),
        octets => octets,
    }
}

/// Writes a STATUS response.
pub(crate) fn write(
    told: Told<'_>,
    items: &[StatusItem],
    message_bytes_max: u64,
    enabled: Enabled,
    out: &mut Vec<u8>,
) {
    use StatusValue::{Id, Number};
    let Told { name, mailbox, .. } = told;
    let status = told.account.status(mailbox);
    let counters = status.counters;
    let mut id = String::new();
    if items.contains(&StatusItem::MailboxId) {
        id = told.ids.told(mailbox.id()).to_string();
    }
    let value = |item| match item {
        StatusItem::Messages => Number(counters.messages.into()),
        StatusItem::Recent => Number(status.recent.into()),
        StatusItem::UidNext => Number(mailbox.uid_next().0.into()),
        StatusItem::UidValidity => Number(mailbox.uid_validity().0.into()),
        StatusItem::Unseen => Number(counters.unseen.into()),
        StatusItem::Deleted => Number(counters.deleted.into()),
        StatusItem::DeletedStorage => Number(told.deleted_octets),
        StatusItem::Size => Number(counters.octets),
        StatusItem::HighestModSeq => Number(status.highest_mod_seq.0),
        StatusItem::MailboxId => Id(&id),
        StatusItem::AppendLimit => Number(message_bytes_max),
    };
    let values = items.iter().map(|&item| (item, value(item)));
    encode::status(out, name, enabled.names(), values);
}
