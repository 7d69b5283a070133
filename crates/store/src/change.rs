//! What happened: the changes of an account.
//!
//! A batch is what one verb did. All numbers in it are outcomes (the UID given,
//! the flags that resulted), so that the fold needs no clock and decides
//! nothing.

use std::sync::Arc;

use crate::{
    annotation::Setting,
    clock::Timestamp,
    email::Piece,
    engine::Ref,
    flag::Flags,
    id::{AccountId, EmailId, MailboxId, ModSeq, ThreadId, Uid, UidValidity},
    name::{MailboxName, Role},
    quota::Quota,
    rights::Acl,
    sent::Sent,
};

mod form;

pub(crate) use form::{
    NEWER, put_acl, put_expiry, put_name, put_owner, put_partition, put_whose, read_acl, read_bool,
    read_expiry, read_name, read_owner, read_partition, read_role, read_system, read_whose,
    role_octet,
};

/// What one verb did to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The modseq of all its changes: its place in the account's log.
    pub mod_seq: ModSeq,
    /// When, in unix seconds. Told to people, never used to order anything.
    pub time: i64,
    /// By whom; empty if nobody said.
    pub by: Arc<str>,
    /// What changed, in order.
    pub changes: Vec<Change>,
}

impl Batch {
    /// Whether it says that the batches between `last` and itself are lost, or never were.
    pub(crate) fn tells_of(&self, last: u64) -> bool {
        let told = |change: &Change| matches!(change, Change::NumbersSkipped(skipped) if skipped.after.0 == last);
        self.changes.first().is_some_and(told)
    }
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
    /// Somebody who reads another's mailbox has seen messages of it, or no longer has.
    SeenSet {
        /// In which mailbox.
        mailbox: MailboxId,
        /// Who.
        reader: AccountId,
        /// Which: ascending disjoint ranges.
        uids: Vec<(Uid, Uid)>,
        /// Whether they have seen them now.
        seen: bool,
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
    /// Messages below this are `\Recent` for no session of a reader of another's mailbox any more.
    ReaderRecentClaimed {
        /// In which mailbox.
        mailbox: MailboxId,
        /// Whose sessions.
        reader: AccountId,
        /// The first UID that is still unclaimed by them.
        below: Uid,
    },
    /// UIDs below this are used up: damage took the record of what they were given to.
    UidsSkipped {
        /// In which mailbox.
        mailbox: MailboxId,
        /// UIDNEXT is at least this now.
        to: Uid,
    },
    /// Numbers of the account are used up: damage took the record of what they were given to.
    NumbersSkipped(Skipped),
    /// A legal hold was laid on mail, or lifted: what is held is never freed.
    HeldSet {
        /// On which mailbox; `None`: on the whole account.
        mailbox: Option<MailboxId>,
        /// Whether it is held now.
        held: bool,
    },
    /// Messages expire by another rule now.
    ExpirySet {
        /// In which mailbox; `None`: in the account, where its mailboxes say nothing.
        mailbox: Option<MailboxId>,
        /// The rule; `None`: what stands above it decides.
        expiry: Option<Expiry>,
    },
    /// A message's record lies elsewhere now; the message is the same.
    Relocated {
        /// In which mailbox.
        mailbox: MailboxId,
        /// Which.
        uid: Uid,
        /// Where its record is now.
        record: Ref,
        /// Octets of it.
        record_len: u32,
    },
    /// The whole state after this batch: what came before it is not needed to know it.
    Base {
        /// Where it is written down.
        pieces: Vec<Piece>,
    },
    /// The account goes on in another partition, and in this log only if it comes back.
    MovedAway {
        /// That partition's number.
        partition: u16,
    },
    /// The account comes from another partition, and is here once that says that it moved away.
    MovedHere {
        /// That partition's number.
        partition: u16,
    },
    /// New messages of a mailbox go to a partition of its own.
    PartitionSet {
        /// Which mailbox.
        mailbox: MailboxId,
        /// The partition's number; `None`: the account's.
        partition: Option<u16>,
    },
    /// Other people may do other things with a mailbox.
    RightsSet {
        /// Which mailbox.
        mailbox: MailboxId,
        /// Who may do what; `None`: its owner everything, and nobody else anything.
        acl: Option<Acl>,
    },
    /// A quota root has other limits, or is none any more.
    QuotaSet {
        /// Mailboxes of which name, and all below it; `None`: the account.
        root: Option<MailboxName>,
        /// What is set there; `None`: it is no root.
        quota: Option<Quota>,
    },
    /// An entry of metadata has another value, or none.
    MetadataSet {
        /// Of which mailbox; `None`: of the account as a whole.
        mailbox: Option<MailboxId>,
        /// Whose private value it is, if not the account's own user's; `None` for what is not private.
        owner: Option<AccountId>,
        /// Its name, as it was spelt: letters of another case name the same entry.
        entry: Arc<str>,
        /// Its value now; `None`: it has gone.
        value: Option<Arc<[u8]>>,
    },
    /// An annotation of messages has another value, or none.
    AnnotationSet {
        /// In which mailbox.
        mailbox: MailboxId,
        /// Which messages: ascending disjoint ranges.
        uids: Vec<(Uid, Uid)>,
        /// Which entry, and what became of it.
        setting: Setting,
    },
}

/// Numbers that are used up, whatever became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Skipped {
    /// The last batch before this one that is known; those between are lost, or never were.
    pub after: ModSeq,
    /// Mailboxes up to this one were made.
    pub mailbox: MailboxId,
    /// Messages up to this one arrived.
    pub email: EmailId,
    /// Conversations up to this one began.
    pub thread: ThreadId,
    /// UIDVALIDITY was given out up to this one.
    pub uid_validity: UidValidity,
}

/// When messages go by themselves. A bound that is `None` bounds nothing; with none at all, nothing
/// ever expires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expiry {
    /// Seconds that a message may have been in the mailbox.
    pub age_seconds: Option<u64>,
    /// Messages that the mailbox may have; the oldest go.
    pub messages_max: Option<u32>,
    /// Octets that they may have; the oldest go.
    pub octets_max: Option<u64>,
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
    /// When it was sent.
    pub sent: Sent,
    /// The keys under which its conversation is found; none in a copy.
    pub thread_keys: Vec<u64>,
}
