//! Annotations as they lie in the log, and in checkpoints. Layout: `docs/store-format-batches.md`.

use super::{
    put_uids,
    set::{put_value, read_value},
    tag,
};
use crate::{
    annotation::{Setting, Whose},
    change::Change,
    id::{AccountId, MailboxId, Uid},
    octets::{Malformed, Octets, put_octets, put_u64},
};

const SHARED: u8 = 0;
const OWN: u8 = 1;
const PRIVATE: u8 = 2;

/// One octet, and for another user's the account's number.
pub(crate) fn put_whose(into: &mut Vec<u8>, whose: Whose) {
    match whose {
        Whose::Shared => into.push(SHARED),
        Whose::Own => into.push(OWN),
        Whose::Private(AccountId(id)) => {
            into.push(PRIVATE);
            put_u64(into, id);
        }
    }
}

pub(crate) fn read_whose(read: &mut Octets<'_>) -> Result<Whose, Malformed> {
    Ok(match read.u8()? {
        SHARED => Whose::Shared,
        OWN => Whose::Own,
        PRIVATE => Whose::Private(AccountId(read.u64()?)),
        _ => return Err(Malformed("an annotation of nobody")),
    })
}

/// Of which messages, whose, the entry's name, and its value after a 1, or 0 for none.
pub(super) fn put_annotation(
    into: &mut Vec<u8>,
    (mailbox, uids): (MailboxId, &[(Uid, Uid)]),
    setting: &Setting,
) -> u8 {
    put_uids(into, mailbox, uids);
    put_whose(into, setting.whose);
    put_octets(into, setting.entry.as_bytes());
    put_value(into, setting.value.as_deref());
    tag::ANNOTATION_SET
}

pub(super) fn read_annotation(read: &mut Octets<'_>) -> Result<Change, Malformed> {
    Ok(Change::AnnotationSet {
        mailbox: MailboxId(read.u64()?),
        uids: read.ranges()?,
        setting: Setting {
            whose: read_whose(read)?,
            entry: read.str()?.into(),
            value: read_value(read)?,
        },
    })
}
