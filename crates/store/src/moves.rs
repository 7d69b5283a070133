//! Moving accounts and mailboxes between partitions, while they are used.
//!
//! The octets go first, message by message, and are said to be there by batches where the account still
//! is. Then the account stands still for a moment: its state is written down in the new partition
//! ([`crate::checkpoint::base`]), and the old one says that it moved away. A crash before that is durable
//! leaves the account where it was, one after it where it is now. What is left goes after it.
//!
//! Breaking off loses nothing, and doing it again finishes it.

use std::{collections::HashSet, sync::Arc};

use crate::{
    account::{Account, Pass},
    change::Change,
    check,
    checkpoint::{self, base},
    engine::Engine,
    error::Error,
    id::MailboxId,
    sharing,
    store::Store,
};

/// Messages that may be left when the account stands still.
const LEFT_MAX: u64 = 64;
/// Passes before that. Who delivers faster than messages are copied is not waited for.
const PASSES_MAX: usize = 8;

/// What a move did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Messages that lie elsewhere now; a copy is one more.
    pub messages: u64,
    /// Octets that were written for them.
    pub octets: u64,
    /// Messages that could not be read, and stay where they were.
    pub damaged: u64,
}

/// Told how far a move is: messages and octets so far.
pub type Told<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

impl Store {
    /// Moves an account to another partition, with all messages but those of mailboxes that have
    /// a partition of their own. It is used meanwhile; verbs wait for a moment.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if there is no such partition, or a legal hold lies on the account: what was
    /// expunged stays behind. [`Error::OutOfService`], [`Error::Full`], [`Error::Io`]; then the account is
    /// whole where it was, or where it was to go.
    pub async fn move_account(
        &self,
        account: &Account,
        to: &str,
        told: Told<'_>,
    ) -> Result<Moved, Error> {
        let to = self.partition_named(to)?;
        let _one = self.moves().lock().await;
        let snapshot = account.snapshot();
        if snapshot.held() || snapshot.mailboxes().any(|(_, mailbox)| mailbox.held()) {
            return Err(Error::NotPermitted(
                "a legal hold lies on it: what was expunged would stay behind",
            ));
        }
        let mut pass = Pass::new(told);
        for _ in 0..PASSES_MAX {
            if relocate_all(account, &to, &mut pass).await? <= LEFT_MAX {
                break;
            }
        }
        if account.shared.engine().partition() != to.partition() {
            self.change_home(account, &to).await?;
        }
        while relocate_all(account, &to, &mut pass).await? > 0 {}
        Ok(moved(&pass))
    }

    /// Moves the messages of a mailbox to another partition, and has new ones go there. The account
    /// stays where it is.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] if there is no such partition; [`Error::NoSuchMailbox`]. As
    /// [`Store::move_account`].
    pub async fn move_mailbox(
        &self,
        account: &Account,
        mailbox: MailboxId,
        to: &str,
        told: Told<'_>,
    ) -> Result<Moved, Error> {
        let to = self.partition_named(to)?;
        let _one = self.moves().lock().await;
        let home = account.shared.engine();
        let own = (home.partition() != to.partition()).then_some(to.partition().number);
        let set = account.shared.commit(&account.hands, None, |draft| {
            if draft.mailbox(mailbox)?.partition != own {
                draft.push(Change::PartitionSet {
                    mailbox,
                    partition: own,
                })?;
            }
            Ok(())
        });
        set.await?;
        let mut pass = Pass::new(told);
        while account.relocate(mailbox, &to, &mut pass).await? > 0 {}
        Ok(moved(&pass))
    }

    /// What a move would do now, of an account or of one of its mailboxes. Octets are the messages',
    /// without what is kept beside them.
    ///
    /// # Errors
    /// As [`Store::move_account`].
    pub async fn move_planned(
        &self,
        account: &Account,
        mailbox: Option<MailboxId>,
        to: &str,
    ) -> Result<Moved, Error> {
        let number = self.partition_named(to)?.partition().number;
        let mut planned = Moved::default();
        let mut seen = HashSet::new();
        for (_, about) in account.snapshot().mailboxes() {
            let wanted = match mailbox {
                Some(id) => about.id() == id,
                None => about.partition.is_none(),
            };
            if !wanted {
                continue;
            }
            for message in account.open_mailbox(about.id()).await?.every() {
                if message.record.partition() != number {
                    planned.messages += 1;
                    let copied = seen.insert(message.record);
                    planned.octets += if copied { message.size } else { 0 };
                }
            }
        }
        Ok(planned)
    }

    /// The moment: what the account is goes to the other partition.
    async fn change_home(&self, account: &Account, to: &Engine) -> Result<(), Error> {
        // A checkpoint must not write down where it was.
        let none = Arc::clone(self.checkpoints()).lock_owned().await;
        let _crossing = account.shared.partitions.crossing().await;
        let id = account.id();
        let from = account.shared.engine();
        let whole = account.whole().await?;
        let stopped = account.stop().await;
        drop(whole);
        let whole = account.whole().await?;
        let (snapshot, threads) = stopped.state().await?;
        // What an earlier attempt has left there has numbers too.
        let there = checkpoint::open(to, id).await?.state.snapshot.mod_seq;
        let before = snapshot.mod_seq.max(there);
        to.go_on_after(id, before);
        let mut state = (*snapshot).clone();
        state.mod_seq = before + 1;
        state.arrived = Some(crate::snapshot::Arrived {
            from: from.partition().number,
            at: state.mod_seq(),
        });
        let writes = to.begin();
        // What is put is kept, though nothing refers to it yet.
        let _pin = to.pin();
        let pieces = base::put(to, writes, id, &state, &threads).await?;
        to.settle(writes).await?;
        let changes = vec![
            Change::Base { pieces },
            Change::MovedHere {
                partition: from.partition().number,
            },
        ];
        stopped
            .append(to, state.mod_seq, &account.hands.by, changes)
            .await?;
        // It has to be there as it would be found after a crash.
        let opened = checkpoint::open(to, id).await?;
        if let Some(what) = check::difference(&state, &opened.state.snapshot) {
            tracing::error!(account = %id, what, "what was moved is not what was there");
            return Err(Error::NotPermitted("internal error"));
        }
        self.sharing().note(to, id, sharing::given(&state)).await?;
        let going = (to.clone(), opened);
        stopped.move_away(&account.hands.by, going, none).await?;
        drop(whole);
        // What the account says from now on counts by itself.
        account.settle_here().await
    }
}

fn moved(pass: &Pass<'_>) -> Moved {
    Moved {
        messages: pass.messages,
        octets: pass.octets,
        damaged: pass.damaged(),
    }
}

/// Moves the messages of every mailbox that has no partition of its own. Gives how many there were.
async fn relocate_all(account: &Account, to: &Engine, pass: &mut Pass<'_>) -> Result<u64, Error> {
    let snapshot = account.snapshot();
    let homely = snapshot
        .mailboxes()
        .filter(|(_, mailbox)| mailbox.partition.is_none());
    // Sessions wait for moves, too: no borrow of the snapshot may be held meanwhile.
    let homely: Vec<MailboxId> = homely.map(|(_, mailbox)| mailbox.id()).collect();
    let mut found = 0;
    for mailbox in homely {
        found += account.relocate(mailbox, to, pass).await?;
    }
    Ok(found)
}
