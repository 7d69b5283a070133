//! What readers of others' mailboxes have seen, as it lies in the log.

use super::{NEWER, put_place, put_uids, read_bool, tag};
use crate::{
    change::Change,
    id::{AccountId, MailboxId, Uid},
    octets::{Malformed, Octets, put_u64},
};

/// Writes all but the tag, and gives that.
pub(super) fn put_seen(
    into: &mut Vec<u8>,
    (mailbox, reader): (MailboxId, AccountId),
    uids: &[(Uid, Uid)],
    seen: bool,
) -> u8 {
    put_u64(into, reader.0);
    put_uids(into, mailbox, uids);
    into.push(u8::from(seen));
    tag::SEEN_SET
}

/// Writes all but the tag, and gives that.
pub(super) fn put_claimed(
    into: &mut Vec<u8>,
    (mailbox, reader): (MailboxId, AccountId),
    below: Uid,
) -> u8 {
    put_u64(into, reader.0);
    put_place(into, mailbox, below);
    tag::READER_RECENT_CLAIMED
}

pub(super) fn decode(tag: u8, read: &mut Octets<'_>) -> Result<Change, Malformed> {
    let (reader, mailbox) = (AccountId(read.u64()?), MailboxId(read.u64()?));
    match tag {
        tag::SEEN_SET => Ok(Change::SeenSet {
            mailbox,
            reader,
            uids: read.ranges()?,
            seen: read_bool(read)?,
        }),
        tag::READER_RECENT_CLAIMED => Ok(Change::ReaderRecentClaimed {
            mailbox,
            reader,
            below: Uid(read.u32()?),
        }),
        _ => Err(NEWER),
    }
}
