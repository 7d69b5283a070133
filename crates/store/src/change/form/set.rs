//! Changes that set something on a mailbox, or on the account, as they lie in the log.

use std::sync::Arc;

use super::{
    NEWER, OPTIONAL_FROM, put_acl, put_expiry, put_owner, put_partition, read_acl, read_bool,
    read_expiry, read_owner, read_partition, tag,
};
use crate::{
    change::Change,
    id::{AccountId, MailboxId},
    octets::{Malformed, Octets, put_octets, put_u64},
    quota::{put_quota, put_root_name, read_quota, read_root_name},
};

/// Writes all but the tag, and gives that.
pub(super) fn encode(change: &Change, into: &mut Vec<u8>) -> u8 {
    match change {
        Change::HeldSet { mailbox, held } => {
            put_u64(into, scope(*mailbox));
            into.push(u8::from(*held));
            tag::HELD_SET
        }
        Change::ExpirySet { mailbox, expiry } => {
            put_u64(into, scope(*mailbox));
            put_expiry(into, *expiry);
            tag::EXPIRY_SET
        }
        Change::PartitionSet { mailbox, partition } => {
            put_u64(into, mailbox.0);
            put_partition(into, *partition);
            tag::PARTITION_SET
        }
        Change::RightsSet { mailbox, acl } => {
            put_u64(into, mailbox.0);
            put_acl(into, acl.as_ref());
            tag::RIGHTS_SET
        }
        Change::QuotaSet { root, quota } => {
            put_root_name(into, root.as_ref());
            put_quota(into, *quota);
            tag::QUOTA_SET
        }
        Change::MetadataSet {
            mailbox,
            owner,
            entry,
            value,
        } => put_entry(into, (*mailbox, *owner), entry, value.as_deref()),
        Change::MailboxCreated { .. }
        | Change::MailboxDeleted { .. }
        | Change::MailboxRenamed { .. }
        | Change::RoleSet { .. }
        | Change::Subscribed { .. }
        | Change::Unsubscribed { .. }
        | Change::Added(_)
        | Change::Copied(_)
        | Change::FlagsChanged { .. }
        | Change::Expunged { .. }
        | Change::RecentClaimed { .. }
        | Change::SeenSet { .. }
        | Change::ReaderRecentClaimed { .. }
        | Change::UidsSkipped { .. }
        | Change::NumbersSkipped(_)
        | Change::Relocated { .. }
        | Change::AnnotationSet { .. }
        | Change::Base { .. }
        | Change::MovedAway { .. }
        | Change::MovedHere { .. } => unreachable!("they are written with those that set nothing"),
    }
}

/// `None` for a change that may be skipped.
pub(super) fn decode(tag: u8, read: &mut Octets<'_>) -> Result<Option<Change>, Malformed> {
    Ok(Some(match tag {
        tag::HELD_SET => Change::HeldSet {
            mailbox: read_scope(read)?,
            held: read_bool(read)?,
        },
        tag::EXPIRY_SET => Change::ExpirySet {
            mailbox: read_scope(read)?,
            expiry: read_expiry(read)?,
        },
        tag::PARTITION_SET => Change::PartitionSet {
            mailbox: MailboxId(read.u64()?),
            partition: read_partition(read)?,
        },
        tag::METADATA_SET => Change::MetadataSet {
            mailbox: read_scope(read)?,
            owner: read_owner(read)?,
            entry: read.str()?.into(),
            value: read_value(read)?,
        },
        tag::RIGHTS_SET => Change::RightsSet {
            mailbox: MailboxId(read.u64()?),
            acl: read_acl(read)?,
        },
        tag::QUOTA_SET => Change::QuotaSet {
            root: read_root_name(read)?,
            quota: read_quota(read)?,
        },
        OPTIONAL_FROM.. => return Ok(None),
        _ => return Err(NEWER),
    }))
}

/// A mailbox, or 0 for the account: ids begin with 1.
fn scope(mailbox: Option<MailboxId>) -> u64 {
    mailbox.map_or(0, |mailbox| mailbox.0)
}

fn read_scope(read: &mut Octets<'_>) -> Result<Option<MailboxId>, Malformed> {
    let id = read.u64()?;
    Ok((id > 0).then_some(MailboxId(id)))
}

/// An entry of metadata: of what, whose, its name, and its value after a 1, or 0 for none.
fn put_entry(
    into: &mut Vec<u8>,
    (mailbox, owner): (Option<MailboxId>, Option<AccountId>),
    name: &str,
    value: Option<&[u8]>,
) -> u8 {
    put_u64(into, scope(mailbox));
    put_owner(into, owner);
    put_octets(into, name.as_bytes());
    put_value(into, value);
    tag::METADATA_SET
}

/// A value after a 1, or 0 for none.
pub(super) fn put_value(into: &mut Vec<u8>, value: Option<&[u8]>) {
    into.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put_octets(into, value);
    }
}

pub(super) fn read_value(read: &mut Octets<'_>) -> Result<Option<Arc<[u8]>>, Malformed> {
    let there = read_bool(read)?;
    there.then(|| read.octets().map(Arc::from)).transpose()
}
