//! Opening mailboxes: their messages come into memory when somebody needs them.

use std::{ops::Deref, sync::Arc};

use crate::{
    account::{
        Account,
        commit::{Shared, Unread},
    },
    checkpoint::{self, Source},
    error::Error,
    id::{AccountId, MailboxId},
    mailbox::{Held, Mailbox, OpenMailbox, Stretch, Wanted},
    octets::Malformed,
    rights::Rights,
    snapshot::Snapshot,
};

/// How often a mailbox is looked at again that changes while it is being opened.
const TRIES_MAX: usize = 1000;

/// A state with the messages of all its mailboxes in memory for as long as this is held.
#[derive(Debug, Clone)]
pub struct Whole {
    snapshot: Arc<Snapshot>,
    open: Vec<OpenMailbox>,
    /// What open mailboxes don't have of their expunges, and of what their readers have seen.
    _older: Arc<Vec<Held>>,
}

impl Deref for Whole {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.snapshot
    }
}

impl Whole {
    /// Every mailbox with its messages, by id.
    #[must_use]
    pub fn open(&self) -> &[OpenMailbox] {
        &self.open
    }
}

impl Account {
    /// A mailbox with its messages, in its newest state. Reads them if nobody else has it open;
    /// STATUS and LIST need no more than [`Account::snapshot`].
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`], [`Error::NoRight`]; [`Error::Corrupt`], [`Error::Io`] if they can't be read.
    pub async fn open_mailbox(&self, id: MailboxId) -> Result<OpenMailbox, Error> {
        for _ in 0..TRIES_MAX {
            let open = self.enter_mailbox(id).await?;
            if self.has_held(&open, |_| true).await? {
                return Ok(open);
            }
        }
        Err(Error::OutOfService("a mailbox keeps changing".into()))
    }

    /// A mailbox in its newest state, whose messages are read when they are held or looked at: what it costs does not
    /// depend on how many there are.
    ///
    /// # Errors
    /// As [`Account::open_mailbox`].
    pub async fn enter_mailbox(&self, id: MailboxId) -> Result<OpenMailbox, Error> {
        let snapshot = self.snapshot();
        let mailbox = snapshot.mailbox(id).ok_or(Error::NoSuchMailbox)?;
        self.may(mailbox, Rights::READ)?;
        let open = self.enter(mailbox, self.reader()).await?;
        self.shared.lately.opened(self.shared.id, &open);
        Ok(open)
    }

    /// Reads what is wanted of a mailbox's messages and is not in memory: it is from now on.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`] if it can't be read; [`Error::OutOfService`] if it is gone, as it is with
    /// its mailbox.
    pub async fn hold(
        &self,
        open: &OpenMailbox,
        wants: impl Fn(&Stretch) -> bool,
    ) -> Result<(), Error> {
        let held = self.has_held(open, wants).await?;
        held.then_some(())
            .ok_or_else(|| Error::OutOfService("messages that were there are gone".into()))
    }

    /// Reads what is wanted; `false` if the checkpoint has something of it no more: then there is a newer state.
    async fn has_held(
        &self,
        open: &OpenMailbox,
        wants: impl Fn(&Stretch) -> bool,
    ) -> Result<bool, Error> {
        if open.unread(&wants).is_empty() {
            return Ok(true);
        }
        // Whoever comes first reads it, the others wait for that.
        let _one = self.shared.reading.lock().await;
        let unread = Unread {
            chunks: open.unread(&wants),
            threads: None,
        };
        let _read = self.shared.read(unread).await?;
        Ok(open.unread(&wants).is_empty())
    }

    /// The newest state with all messages.
    ///
    /// # Errors
    /// As [`Account::open_mailbox`].
    pub async fn whole(&self) -> Result<Whole, Error> {
        // What was opened of an older state stays: it shares nearly all with the newer.
        let mut open: Vec<OpenMailbox> = Vec::new();
        for _ in 0..TRIES_MAX {
            let snapshot = self.snapshot();
            let mut whole = Vec::with_capacity(snapshot.mailboxes.len());
            for mailbox in snapshot.mailboxes.values() {
                match self.enter(mailbox, None).await {
                    Ok(open) if self.has_held(&open, |_| true).await? => whole.push(open),
                    Ok(_) | Err(Error::NoSuchMailbox) => break,
                    Err(error) => return Err(error),
                }
            }
            open = whole;
            let states = || snapshot.mailboxes.values().zip(&open);
            let complete = open.len() == snapshot.mailboxes.len();
            if complete && states().all(|(mailbox, open)| open.is_of(mailbox)) {
                // First what others may let go of before the rest is read.
                let mailboxes = snapshot.mailboxes.values();
                let mut older: Vec<Held> = mailboxes.flat_map(|it| it.older_in_memory()).collect();
                let all = |it: &Arc<Mailbox>| -> Vec<_> {
                    it.unread_history().chain(it.unread_readers()).collect()
                };
                let unread = Unread {
                    chunks: snapshot.mailboxes.values().flat_map(all).collect(),
                    threads: None,
                };
                older.extend(self.shared.read(unread).await?);
                return Ok(Whole {
                    snapshot,
                    open,
                    _older: Arc::new(older),
                });
            }
        }
        drop(open);
        Err(Error::OutOfService("the account keeps changing".into()))
    }

    /// A mailbox's own newest state, as its owner (`None`) or another reader is told of it. `from` is one that it had.
    async fn enter(
        &self,
        from: &Arc<Mailbox>,
        reader: Option<AccountId>,
    ) -> Result<OpenMailbox, Error> {
        let mut mailbox = Arc::clone(from);
        let mut held = Vec::new();
        for _ in 0..TRIES_MAX {
            let source = Source::new(self.shared.engine(), self.shared.id);
            if let Some(open) = OpenMailbox::gather(&mailbox, reader, Some(source)) {
                return Ok(open);
            }
            // Whoever comes first reads it, the others wait for that.
            let _one = self.shared.reading.lock().await;
            let unread = Unread {
                chunks: mailbox.unread_of(reader),
                threads: None,
            };
            held.extend(self.shared.read(unread).await?);
            // A checkpoint may have replaced what that state had: then there is a newer one.
            let newest = self.snapshot();
            let newest = newest.mailbox(mailbox.id());
            mailbox = Arc::clone(newest.ok_or(Error::NoSuchMailbox)?);
        }
        Err(Error::OutOfService("a mailbox keeps changing".into()))
    }
}

impl Shared {
    /// Reads what is not in memory, and answers what was asked of thread keys. What is given back
    /// keeps it there. Something that a newer state no longer has may not be among it: then that
    /// state has to be looked at.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Corrupt`] if neither the checkpoint nor the log has it.
    pub(crate) async fn read(&self, unread: Unread) -> Result<Vec<Held>, Error> {
        // Boxed: mostly all is in memory, and every verb would keep room for it.
        Box::pin(self.read_kept(unread)).await
    }

    async fn read_kept(&self, unread: Unread) -> Result<Vec<Held>, Error> {
        let (id, engine) = (self.id, &self.engine());
        if let Some(question) = unread.threads {
            match checkpoint::find_threads(engine, id, &question).await? {
                Ok(found) => self.with_threads(|threads| threads.answered(&question, &found)),
                Err(why) => self.refold(why).await?,
            }
        }
        if unread.chunks.is_empty() {
            return Ok(Vec::new());
        }
        let (held, failed) = checkpoint::fetch(engine, id, unread.chunks).await?;
        let snapshot = self.published.load_full();
        if let Some((_, why)) = failed.iter().find(|(wanted, _)| is_of(wanted, &snapshot)) {
            self.refold(*why).await?;
            let still = |wanted: &Wanted| is_of(wanted, &snapshot) && !wanted.is_there();
            if failed.iter().any(|(wanted, _)| still(wanted)) {
                return Err(Error::Corrupt {
                    file: "checkpoint".into(),
                    offset: 0,
                    what: format!("{}, and the log does not have it", why.0).into(),
                });
            }
        }
        Ok(held)
    }

    /// The checkpoint is not what it should be: all that is not in memory is taken from the log,
    /// and the next checkpoint writes it anew. Whoever holds a state keeps it, and finds there
    /// what was missing.
    pub(crate) async fn refold(&self, why: Malformed) -> Result<(), Error> {
        tracing::warn!(account = %self.id, what = why.0, "the checkpoint is damaged: folding again");
        let folded = checkpoint::fold(&self.engine(), self.id).await?.state;
        let mod_seq = folded.snapshot.mod_seq();
        for mailbox in folded.snapshot.mailboxes.values() {
            let Some(open) = mailbox.in_memory() else {
                continue;
            };
            let states = [Snapshot::clone(&self.published.load()), self.newest()];
            for state in &states {
                if let Some(of) = state.mailbox(mailbox.id()) {
                    of.restore(&open);
                }
            }
        }
        self.with_threads(|threads| threads.restore(mod_seq, folded.threads));
        self.keep(None);
        Ok(())
    }
}

/// Whether a state has that very chunk.
fn is_of(wanted: &Wanted, snapshot: &Snapshot) -> bool {
    let mailbox = snapshot.mailbox(wanted.mailbox());
    mailbox.is_some_and(|mailbox| mailbox.has(wanted))
}
