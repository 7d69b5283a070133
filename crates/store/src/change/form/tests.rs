//! Every kind of change goes into the log and comes back.

use super::*;
use crate::annotation::{Setting, Whose};
use crate::{
    clock::Timestamp,
    email::Piece,
    quota::{LIMIT_MAX, Limits, Quota},
    rights::{Acl, Identifier, Rights, Who},
    sent::Sent,
};

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
        sent: Sent::default(),
        thread_keys: vec![],
    };
    Batch {
        mod_seq: ModSeq(70_000),
        time: 1_700_000_000,
        by: "alice".into(),
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
                sent: Sent::read(&mut Octets(&[5, 20]), 1).unwrap(),
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
            Change::NumbersSkipped(Skipped {
                after: ModSeq(5),
                mailbox: MailboxId(9),
                email: EmailId(1 << 40),
                thread: ThreadId(7),
                uid_validity: UidValidity(u32::MAX),
            }),
            Change::UidsSkipped {
                mailbox,
                to: Uid(9000),
            },
        ]
        .into_iter()
        .chain(read_by_others(mailbox))
        .chain(administered(mailbox))
        .collect(),
    }
}

fn annotated(mailbox: MailboxId, whose: Whose, value: Option<&[u8]>) -> Change {
    Change::AnnotationSet {
        mailbox,
        uids: vec![(Uid(1), Uid(1)), (Uid(3), Uid(u32::MAX))],
        setting: Setting {
            entry: "/comment".into(),
            whose,
            value: value.map(Arc::from),
        },
    }
}

fn read_by_others(mailbox: MailboxId) -> Vec<Change> {
    vec![
        Change::SeenSet {
            mailbox,
            reader: AccountId(u64::MAX),
            uids: vec![(Uid(2), Uid(2)), (Uid(7), Uid(u32::MAX))],
            seen: true,
        },
        Change::ReaderRecentClaimed {
            mailbox,
            reader: AccountId(1),
            below: Uid(u32::MAX),
        },
    ]
}

fn administered(mailbox: MailboxId) -> Vec<Change> {
    vec![
        Change::HeldSet {
            mailbox: None,
            held: true,
        },
        Change::HeldSet {
            mailbox: Some(mailbox),
            held: false,
        },
        Change::ExpirySet {
            mailbox: Some(mailbox),
            expiry: Some(Expiry::default()),
        },
        Change::ExpirySet {
            mailbox: None,
            expiry: Some(Expiry {
                age_seconds: Some(u64::MAX),
                messages_max: None,
                octets_max: Some(0),
            }),
        },
        Change::ExpirySet {
            mailbox: None,
            expiry: None,
        },
        Change::Relocated {
            mailbox,
            uid: Uid(4),
            record: Ref(1 << 50),
            record_len: 77,
        },
        Change::Base {
            pieces: vec![
                Piece {
                    at: Ref(4000),
                    len: 131_072,
                },
                Piece { at: Ref(8), len: 1 },
            ],
        },
        Change::MovedAway { partition: 3 },
        Change::MovedHere {
            partition: u16::MAX,
        },
        Change::PartitionSet {
            mailbox,
            partition: Some(u16::MAX),
        },
        Change::PartitionSet {
            mailbox,
            partition: None,
        },
        Change::MetadataSet {
            mailbox: Some(mailbox),
            owner: Some(AccountId(u64::MAX)),
            entry: "/private/comment".into(),
            value: Some(b"a\0\xff"[..].into()),
        },
        Change::RightsSet {
            mailbox,
            acl: Some(every_identifier()),
        },
        Change::RightsSet { mailbox, acl: None },
        Change::MetadataSet {
            mailbox: None,
            owner: None,
            entry: "/shared/comment".into(),
            value: None,
        },
        annotated(mailbox, Whose::Own, Some(b"a\0\xff")),
        annotated(mailbox, Whose::Private(AccountId(u64::MAX)), Some(b"")),
        annotated(mailbox, Whose::Shared, None),
        Change::QuotaSet {
            root: Some(MailboxName::new("a/b").unwrap()),
            quota: Some(Quota {
                limits: Limits {
                    storage: Some(0),
                    message: None,
                    mailbox: Some(LIMIT_MAX),
                    annotation_storage: Some(1000),
                },
                administered: true,
            }),
        },
        Change::QuotaSet {
            root: None,
            quota: Some(Quota::default()),
        },
        Change::QuotaSet {
            root: None,
            quota: None,
        },
    ]
}

fn every_identifier() -> Acl {
    let kinds = [
        Who::Anyone,
        Who::Anonymous,
        Who::Authenticated,
        Who::Owner,
        Who::Account(AccountId(u64::MAX)),
        Who::Group("staff".into()),
    ];
    let entries = kinds.into_iter().flat_map(|who| {
        let negative = Identifier {
            negative: true,
            who: who.clone(),
        };
        [(who.into(), Rights::ALL), (negative, Rights::NONE)]
    });
    entries.collect()
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
