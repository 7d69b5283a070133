//! What happened: the changes of an account, and their form in the log.
//!
//! A batch is what one verb did. All numbers in it are outcomes (the UID given,
//! the flags that resulted), so that the fold needs no clock and decides
//! nothing. Layout: `docs/store-format-batches.md`.

use std::sync::Arc;

use crate::{
    clock::Timestamp,
    engine::Ref,
    flag::{Flags, SystemFlags},
    id::{EmailId, MailboxId, ModSeq, ThreadId, Uid, UidValidity},
    name::{MailboxName, Role},
    octets::{
        Malformed, Octets, put_i64, put_len, put_octets, put_ranges, put_step, put_timestamp,
        put_u64,
    },
};

/// The form of batch that this program writes.
const VERSION: u8 = 1;

/// Tags from here on may be skipped by a program that doesn't know them.
const OPTIONAL_FROM: u8 = 128;

/// What one verb did to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The modseq of all its changes: its place in the account's log.
    pub mod_seq: ModSeq,
    /// When, in unix seconds. Told to people, never used to order anything.
    pub time: i64,
    /// By whom; empty if nobody said.
    pub by: String,
    /// What changed, in order.
    pub changes: Vec<Change>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A mailbox was made.
    MailboxCreated {
        /// Its id, never used before.
        id: MailboxId,
        /// Its name.
        name: MailboxName,
        /// Its special use.
        role: Option<Role>,
        /// Its UIDVALIDITY, larger than any before.
        uid_validity: UidValidity,
    },
    /// A mailbox is gone, with its messages.
    MailboxDeleted {
        /// Which.
        id: MailboxId,
    },
    /// A mailbox has another name.
    MailboxRenamed {
        /// Which.
        id: MailboxId,
        /// Its name now.
        name: MailboxName,
    },
    /// A mailbox has another special use, or none.
    RoleSet {
        /// Which.
        id: MailboxId,
        /// Its use now.
        role: Option<Role>,
    },
    /// A name was subscribed to.
    Subscribed {
        /// The name.
        name: MailboxName,
    },
    /// A name is no longer subscribed to.
    Unsubscribed {
        /// The name.
        name: MailboxName,
    },
    /// A message arrived.
    Added(Added),
    /// A message that the account has already was placed once more.
    Copied(Added),
    /// Messages have these flags now.
    FlagsChanged {
        /// In which mailbox.
        mailbox: MailboxId,
        /// Which: ascending disjoint ranges.
        uids: Vec<(Uid, Uid)>,
        /// All their flags.
        flags: Flags,
    },
    /// Messages were removed.
    Expunged {
        /// From which mailbox.
        mailbox: MailboxId,
        /// Which: ascending disjoint ranges.
        uids: Vec<(Uid, Uid)>,
    },
    /// Messages below this are `\Recent` for no session any more.
    RecentClaimed {
        /// In which mailbox.
        mailbox: MailboxId,
        /// The first UID that is still unclaimed.
        below: Uid,
    },
}

/// A message and its placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// In which mailbox.
    pub mailbox: MailboxId,
    /// Its UID there.
    pub uid: Uid,
    /// Its flags.
    pub flags: Flags,
    /// INTERNALDATE.
    pub internal_date: Timestamp,
    /// When it was placed, unix seconds.
    pub save_date: i64,
    /// RFC822.SIZE, in octets.
    pub size: u64,
    /// EMAILID.
    pub email: EmailId,
    /// THREADID.
    pub thread: ThreadId,
    /// Where its record is.
    pub record: Ref,
    /// Octets of its record.
    pub record_len: u32,
    /// The keys under which its conversation is found; none in a copy.
    pub thread_keys: Vec<u64>,
}

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
        }
        octets
    }

    /// The batch that lies in the log.
    pub(crate) fn decode(octets: &[u8]) -> Result<Self, Malformed> {
        let mut read = Octets(octets);
        if read.u8()? != VERSION {
            return Err(Malformed("a batch of a version that is not known"));
        }
        let mut batch = Self {
            mod_seq: ModSeq(read.u64()?),
            time: read.i64()?,
            by: read.str()?.to_owned(),
            changes: Vec::new(),
        };
        while !read.is_empty() {
            let tag = read.u8()?;
            let mut body = Octets(read.octets()?);
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
            Self::MailboxDeleted { id } => {
                put_u64(into, id.0);
                tag::MAILBOX_DELETED
            }
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
            Self::Subscribed { name } => {
                put_name(into, name);
                tag::SUBSCRIBED
            }
            Self::Unsubscribed { name } => {
                put_name(into, name);
                tag::UNSUBSCRIBED
            }
            Self::Added(added) => {
                added.encode(into);
                put_len(into, added.thread_keys.len());
                for key in &added.thread_keys {
                    into.extend_from_slice(&key.to_le_bytes());
                }
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
                put_u64(into, mailbox.0);
                put_ranges(into, uids);
                put_flags(into, flags);
                tag::FLAGS_CHANGED
            }
            Self::Expunged { mailbox, uids } => {
                put_u64(into, mailbox.0);
                put_ranges(into, uids);
                tag::EXPUNGED
            }
            Self::RecentClaimed { mailbox, below } => {
                put_u64(into, mailbox.0);
                put_u64(into, below.0.into());
                tag::RECENT_CLAIMED
            }
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
            OPTIONAL_FROM.. => return Ok(None),
            _ => return Err(Malformed("a change of a kind that is not known")),
        }))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> Batch {
        let flags = Flags {
            system: SystemFlags::SEEN.with(SystemFlags::DRAFT),
            keywords: vec!["$Forwarded".into(), "été".into()],
        };
        let (mailbox, name) = (MailboxId(7), MailboxName::new("a/b").unwrap());
        let uids = vec![(Uid(1), Uid(4)), (Uid(900), Uid(u32::MAX))];
        let added = Added {
            mailbox,
            uid: Uid(u32::MAX - 1),
            flags: flags.clone(),
            internal_date: Timestamp {
                unix: -1,
                zone_minutes: -570,
            },
            save_date: i64::MAX,
            size: u64::MAX,
            email: EmailId(300),
            thread: ThreadId(12),
            record: Ref(1 << 60),
            record_len: 4000,
            thread_keys: vec![],
        };
        Batch {
            mod_seq: ModSeq(70_000),
            time: 1_700_000_000,
            by: "alice".to_owned(),
            changes: vec![
                Change::MailboxCreated {
                    id: mailbox,
                    name: name.clone(),
                    role: Some(Role::Junk),
                    uid_validity: UidValidity(u32::MAX),
                },
                Change::MailboxDeleted { id: mailbox },
                Change::MailboxRenamed {
                    id: mailbox,
                    name: name.clone(),
                },
                Change::RoleSet {
                    id: mailbox,
                    role: None,
                },
                Change::Subscribed { name: name.clone() },
                Change::Unsubscribed { name },
                Change::Copied(added.clone()),
                Change::Added(Added {
                    thread_keys: vec![0, u64::MAX],
                    ..added
                }),
                Change::FlagsChanged {
                    mailbox,
                    uids: uids.clone(),
                    flags,
                },
                Change::Expunged { mailbox, uids },
                Change::RecentClaimed {
                    mailbox,
                    below: Uid(5),
                },
            ],
        }
    }

    #[test]
    fn batches_come_back() {
        let batch = every_kind();
        assert_eq!(Batch::decode(&batch.encode()), Ok(batch));
    }

    #[test]
    fn no_octets_hurt() {
        let octets = every_kind().encode();
        for cut in 0..octets.len() {
            // Cut between changes it is a shorter batch; within one it is none.
            if let Ok(batch) = Batch::decode(&octets[..cut]) {
                assert_eq!(batch.encode(), octets[..cut]);
            }
        }
        for at in 0..octets.len() {
            for bit in 0..8 {
                let mut flipped = octets.clone();
                flipped[at] ^= 1 << bit;
                let _ = Batch::decode(&flipped);
            }
        }
    }

    #[test]
    fn what_a_later_program_wrote_is_skipped_only_if_it_may_be() {
        let known = Batch {
            changes: vec![],
            ..every_kind()
        };
        let with = |tag| [&known.encode()[..], &[tag, 2, 0xaa, 0xbb]].concat();
        assert_eq!(Batch::decode(&with(200)), Ok(known.clone()));
        assert!(Batch::decode(&with(100)).is_err());
    }
}
