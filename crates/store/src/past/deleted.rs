//! What is gone, as mailboxes to be looked at: for users, who bring it back without an
//! administrator.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;

use super::{
    Gone, GoneMailbox, GoneMessage, Mode, Retention, Undelete, Undeleted, Wanted, undelete::Was,
};
use crate::{
    account::Account,
    change::{Added, Change},
    error::Error,
    fold::{self, State},
    id::{EmailId, MailboxId, ModSeq, Uid, UidValidity},
    mailbox::{Mailbox, OpenMailbox},
    name::{DELIMITER, MailboxName},
};

/// The first level of the names of all such mailboxes.
pub const DELETED: &str = "#deleted";

/// Set in the ids of all such mailboxes, and in those of no others.
const LOOKED_AT: u64 = 1 << 63;

/// Messages that users can look at. An administrator finds more.
const MESSAGES_MAX: usize = 100_000;

/// How many may look at an account's at the same time: each has its own, some ten megabytes at most.
pub(crate) const LOOKING_MAX: usize = 4;

/// What is gone from one mailbox. It never changes by itself.
#[derive(Debug)]
pub struct DeletedMailbox {
    /// Where its messages were.
    from: MailboxId,
    /// A state with this one mailbox.
    state: State,
    id: MailboxId,
    /// The right to look, shared by all that were found together.
    _looking: Arc<OwnedSemaphorePermit>,
}

impl Account {
    /// What users can bring back, as mailboxes: `INBOX` as `#deleted/INBOX`. Of two with one name
    /// the one that is still there has it, else the one that was deleted last; others have
    /// their ids after it. Messages have the UIDs that they had; UIDVALIDITY is another
    /// whenever a message more is gone.
    ///
    /// Left out is what is anywhere in the account again, and what only a hold keeps.
    ///
    /// # Errors
    /// As [`Account::gone`]; [`Error::Limit`] if there is too much of it, or too many look at it.
    pub async fn deleted_mailboxes(
        &self,
        retention: Retention,
    ) -> Result<Vec<DeletedMailbox>, Error> {
        let looking = Arc::clone(&self.shared.looking).try_acquire_owned();
        let looking = looking.map_err(|_| Error::Limit("connections that look at what is gone"))?;
        let mut gone = self.gone_or_back(retention, MESSAGES_MAX).await?;
        if gone.mailboxes.is_empty() {
            return Ok(Vec::new());
        }
        let mut present: BTreeSet<EmailId> = BTreeSet::new();
        for mailbox in self.whole().await?.open() {
            present.extend(mailbox.every().map(|message| message.email));
        }
        let horizon = retention.horizon((self.shared.clock)().unix);
        for mailbox in &mut gone.mailboxes {
            mailbox.messages.retain(|message| {
                message.ended.time >= horizon && !present.contains(&message.email)
            });
        }
        gone.mailboxes
            .retain(|mailbox| !mailbox.messages.is_empty());
        Ok(named(gone, &Arc::new(looking)))
    }

    /// Brings messages of such a mailbox back into a mailbox that exists.
    ///
    /// # Errors
    /// As [`Account::undelete`].
    pub async fn undelete_from(
        &self,
        deleted: &DeletedMailbox,
        uids: &[Uid],
        into: &MailboxName,
        retention: Retention,
    ) -> Result<Undeleted, Error> {
        let undelete = Undelete {
            which: Wanted::Messages(deleted.from, uids.to_vec()),
            into: Some(into.clone()),
            retention,
        };
        match self.undelete_of(&undelete, Mode::Do, MESSAGES_MAX).await {
            // Beyond reach in the meantime.
            Err(Error::NoSuchMailbox) => Ok(Undeleted {
                lost: uids.iter().map(|uid| deleted.was(*uid)).collect(),
                ..Undeleted::default()
            }),
            other => other,
        }
    }
}

fn named(gone: Gone, looking: &Arc<OwnedSemaphorePermit>) -> Vec<DeletedMailbox> {
    let changed = gone.changed.unwrap_or(ModSeq(1));
    let mut mailboxes = gone.mailboxes;
    mailboxes.sort_by_key(|mailbox| {
        let deleted = mailbox.deleted.as_ref();
        std::cmp::Reverse(deleted.map_or(ModSeq(u64::MAX), |ended| ended.mod_seq))
    });
    let mut names = BTreeSet::new();
    let mut deleted = Vec::new();
    for mailbox in mailboxes {
        let plain = format!("{DELETED}{DELIMITER}{}", mailbox.name);
        let other = format!("{plain} ({})", mailbox.id);
        let name = if names.contains(&plain) { other } else { plain };
        // Too long with what is put before it: only administrators find it.
        if let Ok(valid) = MailboxName::new(&name) {
            names.insert(name);
            let looking = Arc::clone(looking);
            deleted.push(DeletedMailbox::new(&mailbox, &valid, changed, looking));
        }
    }
    deleted
}

impl DeletedMailbox {
    fn new(
        from: &GoneMailbox,
        name: &MailboxName,
        changed: ModSeq,
        looking: Arc<OwnedSemaphorePermit>,
    ) -> Self {
        let id = MailboxId(from.id.0 | LOOKED_AT);
        let mut deleted = Self {
            from: from.id,
            state: State::default(),
            id,
            _looking: looking,
        };
        let changed_low = u32::try_from(changed.0 % u64::from(u32::MAX)).unwrap_or_default();
        deleted.apply(
            changed,
            &Change::MailboxCreated {
                id,
                name: name.clone(),
                role: None,
                uid_validity: UidValidity(changed_low + 1),
            },
        );
        for message in &from.messages {
            deleted.apply(changed, &Change::Copied(placed(id, message)));
            for annotation in &message.annotations {
                let change = Change::AnnotationSet {
                    mailbox: id,
                    uids: vec![(message.uid, message.uid)],
                    setting: annotation.clone().into(),
                };
                deleted.apply(changed, &change);
            }
        }
        let below = from.messages.last().map_or(Uid(1), |m| Uid(m.uid.0 + 1));
        // Nothing here is `\Recent` for anybody.
        deleted.apply(changed, &Change::RecentClaimed { mailbox: id, below });
        deleted
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Option<&MailboxName> {
        self.mailbox().map(|mailbox| mailbox.name())
    }

    /// It, as a mailbox. No verb knows it.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Arc<Mailbox>> {
        self.state.snapshot.mailbox(self.id)
    }

    /// It, with its messages.
    #[must_use]
    pub fn open(&self) -> Option<OpenMailbox> {
        self.mailbox()?.in_memory()
    }

    /// Takes messages out, which are back: the state after this has them no more.
    pub fn take_out(&mut self, uids: &[Uid]) {
        let next = ModSeq(self.state.snapshot.mod_seq + 1);
        for uid in uids {
            let change = Change::Expunged {
                mailbox: self.id,
                uids: vec![(*uid, *uid)],
            };
            self.apply(next, &change);
        }
    }

    fn apply(&mut self, mod_seq: ModSeq, change: &Change) {
        let State { snapshot, threads } = &mut self.state;
        // Ascending UIDs of messages that are there fit always.
        let fits = fold::apply(snapshot, threads, mod_seq, change);
        debug_assert_eq!(fits, Ok(()), "{change:?}");
        snapshot.mod_seq = mod_seq.0;
    }

    fn was(&self, uid: Uid) -> Was {
        Was {
            mailbox: self.from,
            name: self.name().cloned().unwrap_or_else(MailboxName::inbox),
            uid,
        }
    }
}

fn placed(mailbox: MailboxId, message: &GoneMessage) -> Added {
    Added {
        mailbox,
        uid: message.uid,
        flags: message.flags.clone(),
        internal_date: message.internal_date,
        save_date: message.save_date,
        size: message.size,
        email: message.email,
        thread: message.thread,
        record: message.record.at,
        record_len: message.record.len,
        sent: message.sent,
        thread_keys: Vec::new(),
    }
}
