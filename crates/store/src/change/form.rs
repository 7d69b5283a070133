//! Changes as they lie in the log. Layout: `docs/store-format-batches.md`.

use std::sync::Arc;

mod annotation;
mod rights;
mod seen;
mod set;
#[cfg(test)]
mod tests;

use annotation::{put_annotation, read_annotation};
pub(crate) use annotation::{put_whose, read_whose};
pub(crate) use rights::{put_acl, read_acl};

use super::{Added, Batch, Change, Expiry, Skipped};
use crate::{
    email::{put_pieces, read_pieces},
    engine::Ref,
    flag::{Flags, SystemFlags},
    id::{AccountId, EmailId, MailboxId, ModSeq, ThreadId, Uid, UidValidity},
    name::{MailboxName, Role},
    octets::{
        Malformed, Octets, put_i64, put_len, put_octets, put_ranges, put_step, put_timestamp,
        put_u64,
    },
    sent::Sent,
};

/// The form of batch that this program writes.
const VERSION: u8 = 1;

/// Tags from here on may be skipped by a program that doesn't know them.
const OPTIONAL_FROM: u8 = 128;

/// A batch that this program is too old to read. Nothing is wrong with it, and nobody may go on
/// as if it were not there.
pub(crate) const NEWER: Malformed = Malformed("it takes a newer program");

/// What a change is, in the log.
mod tag {
    pub(super) const MAILBOX_CREATED: u8 = 1;
    pub(super) const MAILBOX_DELETED: u8 = 2;
    pub(super) const MAILBOX_RENAMED: u8 = 3;
    pub(super) const ROLE_SET: u8 = 4;
    pub(super) const SUBSCRIBED: u8 = 5;
    pub(super) const UNSUBSCRIBED: u8 = 6;
    pub(super) const ADDED: u8 = 7;
    pub(super) const COPIED: u8 = 8;
    pub(super) const FLAGS_CHANGED: u8 = 9;
    pub(super) const EXPUNGED: u8 = 10;
    pub(super) const RECENT_CLAIMED: u8 = 11;
    pub(super) const UIDS_SKIPPED: u8 = 12;
    pub(super) const HELD_SET: u8 = 13;
    pub(super) const EXPIRY_SET: u8 = 14;
    pub(super) const RELOCATED: u8 = 15;
    pub(super) const BASE: u8 = 16;
    pub(super) const MOVED_AWAY: u8 = 17;
    pub(super) const MOVED_HERE: u8 = 18;
    pub(super) const PARTITION_SET: u8 = 19;
    pub(super) const NUMBERS_SKIPPED: u8 = 20;
    pub(super) const METADATA_SET: u8 = 21;
    pub(super) const RIGHTS_SET: u8 = 0x30;
    pub(super) const QUOTA_SET: u8 = 0x3c;
    pub(super) const ANNOTATION_SET: u8 = 0x42;
    pub(super) const SEEN_SET: u8 = 0x38;
    pub(super) const READER_RECENT_CLAIMED: u8 = 0x39;
    /// When the message of the change before was sent. A program that does not know it asks the message.
    pub(super) const SENT: u8 = 0x80;
}

impl Batch {
    /// The batch as it lies in the log.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut octets = vec![VERSION];
        put_u64(&mut octets, self.mod_seq.0);
        put_i64(&mut octets, self.time);
        put_octets(&mut octets, self.by.as_bytes());
        let mut body = Vec::new();
        for change in &self.changes {
            body.clear();
            octets.push(change.encode(&mut body));
            put_octets(&mut octets, &body);
            if let Change::Added(added) | Change::Copied(added) = change
                && added.sent != Sent::default()
            {
                body.clear();
                added.sent.put(&mut body, added.internal_date.unix);
                octets.push(tag::SENT);
                put_octets(&mut octets, &body);
            }
        }
        octets
    }

    /// The batch that lies in the log.
    pub(crate) fn decode(octets: &[u8]) -> Result<Self, Malformed> {
        let mut read = Octets(octets);
        if read.u8()? != VERSION {
            return Err(NEWER);
        }
        let mut batch = Self {
            mod_seq: ModSeq(read.u64()?),
            time: read.i64()?,
            by: read.str()?.into(),
            changes: Vec::new(),
        };
        while !read.is_empty() {
            let tag = read.u8()?;
            let mut body = Octets(read.octets()?);
            if tag == tag::SENT {
                let Some(Change::Added(added) | Change::Copied(added)) = batch.changes.last_mut()
                else {
                    return Err(Malformed("when nothing was sent"));
                };
                added.sent = Sent::read(&mut body, added.internal_date.unix)?;
                body.end()?;
                continue;
            }
            if let Some(change) = Change::decode(tag, &mut body)? {
                body.end()?;
                batch.changes.push(change);
            }
        }
        Ok(batch)
    }
}

impl Change {
    /// Writes all but the tag, and gives that.
    fn encode(&self, into: &mut Vec<u8>) -> u8 {
        match self {
            Self::MailboxCreated {
                id,
                name,
                role,
                uid_validity,
            } => {
                put_u64(into, id.0);
                put_name(into, name);
                into.push(role_octet(*role));
                put_u64(into, uid_validity.0.into());
                tag::MAILBOX_CREATED
            }
            Self::MailboxDeleted { id } => number(into, id.0, tag::MAILBOX_DELETED),
            Self::MailboxRenamed { id, name } => {
                put_u64(into, id.0);
                put_name(into, name);
                tag::MAILBOX_RENAMED
            }
            Self::RoleSet { id, role } => {
                put_u64(into, id.0);
                into.push(role_octet(*role));
                tag::ROLE_SET
            }
            Self::Subscribed { name } => named(into, name, tag::SUBSCRIBED),
            Self::Unsubscribed { name } => named(into, name, tag::UNSUBSCRIBED),
            Self::Added(added) => {
                added.encode(into);
                put_keys(into, &added.thread_keys);
                tag::ADDED
            }
            Self::Copied(added) => {
                added.encode(into);
                tag::COPIED
            }
            Self::FlagsChanged {
                mailbox,
                uids,
                flags,
            } => {
                put_uids(into, *mailbox, uids);
                put_flags(into, flags);
                tag::FLAGS_CHANGED
            }
            Self::Expunged { mailbox, uids } => {
                put_uids(into, *mailbox, uids);
                tag::EXPUNGED
            }
            Self::RecentClaimed { mailbox, below } => {
                place(into, *mailbox, *below, tag::RECENT_CLAIMED)
            }
            Self::SeenSet {
                mailbox,
                reader,
                uids,
                seen,
            } => seen::put_seen(into, (*mailbox, *reader), uids, *seen),
            Self::ReaderRecentClaimed {
                mailbox,
                reader,
                below,
            } => seen::put_claimed(into, (*mailbox, *reader), *below),
            Self::UidsSkipped { mailbox, to } => place(into, *mailbox, *to, tag::UIDS_SKIPPED),
            Self::Relocated {
                mailbox,
                uid,
                record,
                record_len,
            } => {
                put_place(into, *mailbox, *uid);
                put_u64(into, record.0);
                put_u64(into, (*record_len).into());
                tag::RELOCATED
            }
            Self::NumbersSkipped(skipped) => {
                skipped.encode(into);
                tag::NUMBERS_SKIPPED
            }
            Self::Base { pieces } => {
                put_pieces(into, pieces);
                tag::BASE
            }
            Self::MovedAway { partition } => number(into, (*partition).into(), tag::MOVED_AWAY),
            Self::MovedHere { partition } => number(into, (*partition).into(), tag::MOVED_HERE),
            Self::AnnotationSet {
                mailbox,
                uids,
                setting,
            } => put_annotation(into, (*mailbox, uids), setting),
            other => set::encode(other, into),
        }
    }

    /// `None` for a change that may be skipped.
    fn decode(tag: u8, read: &mut Octets<'_>) -> Result<Option<Self>, Malformed> {
        Ok(Some(match tag {
            tag::MAILBOX_CREATED => Self::MailboxCreated {
                id: MailboxId(read.u64()?),
                name: read_name(read)?,
                role: read_role(read)?,
                uid_validity: UidValidity(read.u32()?),
            },
            tag::MAILBOX_DELETED => Self::MailboxDeleted {
                id: MailboxId(read.u64()?),
            },
            tag::MAILBOX_RENAMED => Self::MailboxRenamed {
                id: MailboxId(read.u64()?),
                name: read_name(read)?,
            },
            tag::ROLE_SET => Self::RoleSet {
                id: MailboxId(read.u64()?),
                role: read_role(read)?,
            },
            tag::SUBSCRIBED => Self::Subscribed {
                name: read_name(read)?,
            },
            tag::UNSUBSCRIBED => Self::Unsubscribed {
                name: read_name(read)?,
            },
            tag::ADDED => {
                let mut added = Added::decode(read)?;
                for _ in 0..read.count(8)? {
                    let (key, rest) = read.0.split_first_chunk().ok_or(Malformed("cut short"))?;
                    added.thread_keys.push(u64::from_le_bytes(*key));
                    read.0 = rest;
                }
                Self::Added(added)
            }
            tag::COPIED => Self::Copied(Added::decode(read)?),
            tag::FLAGS_CHANGED => Self::FlagsChanged {
                mailbox: MailboxId(read.u64()?),
                uids: read.ranges()?,
                flags: read_flags(read)?,
            },
            tag::EXPUNGED => Self::Expunged {
                mailbox: MailboxId(read.u64()?),
                uids: read.ranges()?,
            },
            tag::RECENT_CLAIMED => Self::RecentClaimed {
                mailbox: MailboxId(read.u64()?),
                below: Uid(read.u32()?),
            },
            tag::SEEN_SET | tag::READER_RECENT_CLAIMED => seen::decode(tag, read)?,
            tag::UIDS_SKIPPED => Self::UidsSkipped {
                mailbox: MailboxId(read.u64()?),
                to: Uid(read.u32()?),
            },
            tag::RELOCATED => Self::Relocated {
                mailbox: MailboxId(read.u64()?),
                uid: Uid(read.u32()?),
                record: Ref(read.u64()?),
                record_len: read.u32()?,
            },
            tag::BASE => Self::Base {
                pieces: read_pieces(read)?,
            },
            tag::NUMBERS_SKIPPED => Self::NumbersSkipped(Skipped::decode(read)?),
            tag::MOVED_AWAY => Self::MovedAway {
                partition: partition(read.u64()?)?,
            },
            tag::MOVED_HERE => Self::MovedHere {
                partition: partition(read.u64()?)?,
            },
            tag::ANNOTATION_SET => read_annotation(read)?,
            _ => return set::decode(tag, read),
        }))
    }
}

/// A change that is one number.
fn number(into: &mut Vec<u8>, number: u64, tag: u8) -> u8 {
    put_u64(into, number);
    tag
}

/// A change that is one UID of a mailbox.
fn place(into: &mut Vec<u8>, mailbox: MailboxId, uid: Uid, tag: u8) -> u8 {
    put_place(into, mailbox, uid);
    tag
}

/// A change that is one name.
fn named(into: &mut Vec<u8>, name: &MailboxName, tag: u8) -> u8 {
    put_name(into, name);
    tag
}

fn partition(number: u64) -> Result<u16, Malformed> {
    u16::try_from(number).map_err(|_| Malformed("no such partition"))
}

/// A partition's number plus 1; 0 for none.
pub(crate) fn put_partition(into: &mut Vec<u8>, number: Option<u16>) {
    put_u64(into, number.map_or(0, |number| u64::from(number) + 1));
}

pub(crate) fn read_partition(read: &mut Octets<'_>) -> Result<Option<u16>, Malformed> {
    read.u64()?.checked_sub(1).map(partition).transpose()
}

impl Skipped {
    fn encode(&self, into: &mut Vec<u8>) {
        let UidValidity(uid_validity) = self.uid_validity;
        let numbers = [self.after.0, self.mailbox.0, self.email.0, self.thread.0];
        for n in numbers {
            put_u64(into, n);
        }
        put_u64(into, uid_validity.into());
    }

    fn decode(read: &mut Octets<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            after: ModSeq(read.u64()?),
            mailbox: MailboxId(read.u64()?),
            email: EmailId(read.u64()?),
            thread: ThreadId(read.u64()?),
            uid_validity: UidValidity(read.u32()?),
        })
    }
}

impl Added {
    fn encode(&self, into: &mut Vec<u8>) {
        put_u64(into, self.mailbox.0);
        put_u64(into, self.uid.0.into());
        put_flags(into, &self.flags);
        put_timestamp(into, self.internal_date);
        // Mostly the same time, or soon after.
        put_step(
            into,
            self.internal_date.unix.cast_unsigned(),
            self.save_date.cast_unsigned(),
        );
        put_u64(into, self.size);
        put_u64(into, self.email.0);
        put_u64(into, self.thread.0);
        put_u64(into, self.record.0);
        put_u64(into, self.record_len.into());
    }

    fn decode(read: &mut Octets<'_>) -> Result<Self, Malformed> {
        let mailbox = MailboxId(read.u64()?);
        let uid = Uid(read.u32()?);
        let flags = read_flags(read)?;
        let internal_date = read.timestamp()?;
        let save_date = read.step(internal_date.unix.cast_unsigned())?;
        Ok(Self {
            mailbox,
            uid,
            flags,
            internal_date,
            save_date: save_date.cast_signed(),
            size: read.u64()?,
            email: EmailId(read.u64()?),
            thread: ThreadId(read.u64()?),
            record: Ref(read.u64()?),
            record_len: read.u32()?,
            sent: Sent::default(),
            thread_keys: Vec::new(),
        })
    }
}

pub(crate) fn put_name(into: &mut Vec<u8>, name: &MailboxName) {
    put_octets(into, name.as_str().as_bytes());
}

pub(crate) fn read_name(read: &mut Octets<'_>) -> Result<MailboxName, Malformed> {
    MailboxName::new(read.str()?).map_err(|_| Malformed("no mailbox name"))
}

fn put_keys(into: &mut Vec<u8>, keys: &[u64]) {
    put_len(into, keys.len());
    for key in keys {
        into.extend_from_slice(&key.to_le_bytes());
    }
}

fn put_uids(into: &mut Vec<u8>, mailbox: MailboxId, uids: &[(Uid, Uid)]) {
    put_u64(into, mailbox.0);
    put_ranges(into, uids);
}

fn put_place(into: &mut Vec<u8>, mailbox: MailboxId, uid: Uid) {
    put_u64(into, mailbox.0);
    put_u64(into, uid.0.into());
}

/// An account's number after a 1, or 0 for none.
pub(crate) fn put_owner(into: &mut Vec<u8>, owner: Option<AccountId>) {
    into.push(u8::from(owner.is_some()));
    if let Some(AccountId(owner)) = owner {
        put_u64(into, owner);
    }
}

pub(crate) fn read_owner(read: &mut Octets<'_>) -> Result<Option<AccountId>, Malformed> {
    let there = read_bool(read)?;
    there.then(|| read.u64().map(AccountId)).transpose()
}

pub(crate) fn read_bool(read: &mut Octets<'_>) -> Result<bool, Malformed> {
    match read.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed("neither yes nor no")),
    }
}

/// A set of bits that says which bounds there are, and those.
pub(crate) fn put_expiry(into: &mut Vec<u8>, expiry: Option<Expiry>) {
    let Some(expiry) = expiry else {
        return into.push(0);
    };
    let bounds = [
        expiry.age_seconds,
        expiry.messages_max.map(u64::from),
        expiry.octets_max,
    ];
    let there = (1..).zip(bounds).filter(|(_, bound)| bound.is_some());
    into.push(there.fold(1, |bits, (n, _)| bits | 1 << n));
    for bound in bounds.into_iter().flatten() {
        put_u64(into, bound);
    }
}

pub(crate) fn read_expiry(read: &mut Octets<'_>) -> Result<Option<Expiry>, Malformed> {
    let bits = read.u8()?;
    if bits == 0 {
        return Ok(None);
    }
    if bits & 1 == 0 || bits > 0b1111 {
        return Err(Malformed("no such rule of expiry"));
    }
    Ok(Some(Expiry {
        age_seconds: (bits & 2 != 0).then(|| read.u64()).transpose()?,
        messages_max: (bits & 4 != 0).then(|| read.u32()).transpose()?,
        octets_max: (bits & 8 != 0).then(|| read.u64()).transpose()?,
    }))
}

pub(crate) fn role_octet(role: Option<Role>) -> u8 {
    role.map_or(0, |role| role as u8)
}

pub(crate) fn read_role(read: &mut Octets<'_>) -> Result<Option<Role>, Malformed> {
    match read.u8()? {
        0 => Ok(None),
        octet => Role::EVERY
            .into_iter()
            .find(|role| *role as u8 == octet)
            .map(Some)
            .ok_or(Malformed("no such special use")),
    }
}

fn put_flags(into: &mut Vec<u8>, flags: &Flags) {
    into.push(flags.system.0);
    put_len(into, flags.keywords.len());
    for keyword in &flags.keywords {
        put_octets(into, keyword.as_bytes());
    }
}

fn read_flags(read: &mut Octets<'_>) -> Result<Flags, Malformed> {
    let system = read_system(read)?;
    let keywords = (0..read.count(1)?)
        .map(|_| read.str().map(Arc::from))
        .collect::<Result<_, _>>()?;
    Ok(Flags { system, keywords })
}

pub(crate) fn read_system(read: &mut Octets<'_>) -> Result<SystemFlags, Malformed> {
    let system = SystemFlags(read.u8()?);
    if SystemFlags::EVERY.contains(system) {
        Ok(system)
    } else {
        Err(Malformed("no such system flag"))
    }
}
