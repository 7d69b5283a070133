//! One batch, from a verb's decision to everybody's eyes.
//!
//! Two states are kept. The *tip* has everything that was queued, and verbs decide
//! by it, one at a time, under a lock that nobody waits with; so one account is
//! not held to a batch per sync. The *published* state has what is durable, and is
//! what readers see. When the engine fails a batch, everything queued behind it fails
//! too, and the tip goes back to what is published.

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::{
    account::{Brief, Hands, Watched, rights},
    cabinet::Cabinets,
    change::{Added, Batch, Change},
    clock::Clock,
    engine::{Engine, Partitions, Writes},
    error::Error,
    events::{self, Events},
    fold::{self, State},
    id::{AccountId, MailboxId, ModSeq, ThreadId},
    mailbox::{Mailbox, Wanted, chunk::Entry, lately::Lately, placements::Placements, rows::Part},
    name::MailboxName,
    octets::UidRanges,
    past::LOOKING_MAX,
    quota::{DomainQuota, kept::Quotas, pool::Pools},
    rights::{Actor, Rights, Who},
    search::recall::Recall,
    sharing::Sharing,
    snapshot::Snapshot,
    threads::{Question, Threads},
};

/// What all clones of an account share.
pub(crate) struct Shared {
    pub(crate) id: AccountId,
    pub(crate) partitions: Partitions,
    /// What is kept for the domains of all accounts.
    pub(crate) pools: Arc<Pools>,
    pub(crate) sharing: Arc<Sharing>,
    pub(crate) recall: Arc<Recall>,
    /// What was listed and searched of all accounts.
    pub(crate) cabinets: Arc<Cabinets>,
    /// Mailboxes that stay in memory for a while.
    pub(super) lately: Arc<Lately>,
    /// The engine of the partition that its batches go to.
    pub(super) home: ArcSwap<Engine>,
    /// Whether it is being moved: no verb does anything then. Changed with the tip's lock held.
    pub(super) moving: watch::Sender<bool>,
    pub(crate) clock: Clock,
    pub(crate) published: ArcSwap<Snapshot>,
    tip: Mutex<Tip>,
    pub(super) news: watch::Sender<News>,
    /// One mailbox is read at a time.
    pub(super) reading: tokio::sync::Mutex<()>,
    /// What the checkpoint has of it; see [`crate::checkpoint`].
    pub(super) kept: Mutex<Option<Arc<Snapshot>>>,
    /// The right to look at what is gone as a user: it takes memory.
    pub(crate) looking: Arc<Semaphore>,
    /// For those who watch it.
    pub(crate) watched: Watched,
}

/// What an account is opened with.
pub(crate) struct Opening {
    pub(crate) id: AccountId,
    pub(crate) partitions: Partitions,
    pub(crate) pools: Arc<Pools>,
    pub(crate) sharing: Arc<Sharing>,
    pub(crate) recall: Arc<Recall>,
    pub(crate) cabinets: Arc<Cabinets>,
    pub(crate) lately: Arc<Lately>,
    /// The engine of its partition.
    pub(crate) home: Engine,
    pub(crate) clock: Clock,
}

/// Everything queued is in it.
pub(super) struct Tip {
    pub(super) snapshot: Snapshot,
    pub(super) threads: Threads,
    /// How often it went back: what was queued before then is lost.
    epoch: u64,
}

/// How far it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    pub(super) mod_seq: u64,
    epoch: u64,
    /// Its partition was reopened: nothing comes any more.
    pub(super) closed: bool,
}

/// A batch in the making: the state with the changes so far, and those changes.
pub(crate) struct Draft<'a> {
    pub(crate) snapshot: Snapshot,
    pub(crate) threads: &'a mut Threads,
    pub(crate) changes: Vec<Change>,
    pub(crate) mod_seq: ModSeq,
    /// Now, in unix seconds.
    pub(crate) now: i64,
    /// Whose account it is.
    id: AccountId,
    /// Who makes it.
    actor: &'a Actor,
    /// Whether the verb has asked what they may do.
    asked: bool,
    /// What the verb needed and was not in memory.
    unread: Unread,
    /// What was used before.
    pub(super) before: Quotas,
    /// No limit holds.
    pub(super) exempt: bool,
}

/// What has to be read from the checkpoint before a verb can be tried again.
#[derive(Default)]
pub(crate) struct Unread {
    pub(crate) chunks: Vec<Wanted>,
    pub(crate) threads: Option<Question>,
}

impl Unread {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.threads.is_none()
    }
}

/// Which messages of a mailbox a verb wants to see.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which<'a> {
    /// All of them.
    All,
    /// At least all that have `\Deleted`.
    WithDeleted,
    /// At least those in ranges, which ascend and are disjoint.
    Within(&'a UidRanges),
}

/// Whether whoever runs a verb waits for its batch, and with what they put what it refers to.
#[derive(Debug, Clone, Copy)]
enum Wait {
    For(Option<Writes>),
    No,
}

/// How an attempt at a verb went.
enum Attempt<T> {
    /// Its batch is queued.
    Queued(T, oneshot::Receiver<Result<(), Error>>),
    /// There was nothing to do, in a state that may not be durable yet.
    Nothing(T, News),
    /// What it built on is failing: once that is known, try again.
    Stale(News),
    /// The account is being moved: try again after that.
    Moving,
    /// What was put with this is in another partition.
    Elsewhere(Writes),
    /// It gives rights to these, which has to be written down first.
    Shares(HashSet<Who>),
    /// It needs what has to be read first.
    Unread(Unread),
}

/// How often a verb is tried while what it builds on fails.
const ATTEMPTS_MAX: usize = 8;

/// How often a verb is tried with more of the account in memory each time.
const READS_MAX: usize = 1000;

/// The longest batch: some hundred thousand copies at once. The log believes in no record
/// of more than twice that.
const BATCH_BYTES_MAX: usize = 32 << 20;

impl Shared {
    pub(crate) fn new(opening: Opening, state: State, kept: Option<Arc<Snapshot>>) -> Self {
        let Opening {
            id,
            partitions,
            pools,
            sharing,
            recall,
            cabinets,
            lately,
            home,
            clock,
        } = opening;
        let mod_seq = state.snapshot.mod_seq;
        Self {
            id,
            partitions,
            pools,
            sharing,
            recall,
            cabinets,
            lately,
            home: ArcSwap::from_pointee(home),
            moving: watch::Sender::new(false),
            clock,
            published: ArcSwap::from_pointee(state.snapshot.clone()),
            tip: Mutex::new(Tip {
                snapshot: state.snapshot,
                threads: state.threads,
                epoch: 0,
            }),
            news: watch::Sender::new(News {
                mod_seq,
                epoch: 0,
                closed: false,
            }),
            reading: tokio::sync::Mutex::default(),
            kept: Mutex::new(kept),
            looking: Arc::new(Semaphore::new(LOOKING_MAX)),
            watched: Watched::default(),
        }
    }

    /// Runs a verb: one batch of the changes it makes, durable on return. A verb that
    /// makes none answers when the state it saw is durable. `verb` may run more than once.
    ///
    /// # Errors
    /// What `verb` says, or why the batch could not be written; nothing has changed then.
    pub(crate) async fn commit<T>(
        self: &Arc<Self>,
        hands: &Hands,
        writes: Option<Writes>,
        mut verb: impl FnMut(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // What was read has to stay in memory until the verb has had it.
        let mut held = Vec::new();
        let mut writes = writes;
        let (mut attempts, mut reads) = (0, 0);
        let mut crossing = None;
        let domain = self.domain().await;
        while attempts < ATTEMPTS_MAX && reads < READS_MAX {
            attempts += 1;
            let wait = Wait::For(writes);
            match self.attempt(hands, (wait, domain.as_ref()), &mut verb)? {
                Attempt::Elsewhere(of) => {
                    if crossing.is_none() {
                        crossing = Some(self.partitions.crossing().await);
                    }
                    // What was put there is durable then: a batch here may refer to it.
                    self.partitions.settle(of).await?;
                    writes = None;
                }
                Attempt::Shares(to) => self.sharing.note(&self.engine(), self.id, to).await?,
                Attempt::Moving => {
                    attempts = 0;
                    self.has_moved().await;
                }
                Attempt::Queued(value, done) => {
                    let gone = |_| Err(Error::OutOfService("closed".into()));
                    return done.await.unwrap_or_else(gone).map(|()| value);
                }
                Attempt::Nothing(value, saw) => {
                    if self.durable(saw).await {
                        return Ok(value);
                    }
                }
                Attempt::Stale(saw) => {
                    self.durable(saw).await;
                }
                Attempt::Unread(unread) => {
                    held.extend(self.read(unread).await?);
                    reads += 1;
                    attempts -= 1;
                }
            }
        }
        Err(Error::OutOfService("writes keep failing".into()))
    }

    /// The engine of the partition that its batches go to.
    pub(crate) fn engine(&self) -> Engine {
        Engine::clone(&self.home.load())
    }

    /// The engine to which new messages of a mailbox go: the partition of its own that it may have, if
    /// that takes writes, or the account's.
    pub(crate) fn engine_of(&self, mailbox: MailboxId) -> Engine {
        let published = self.published.load();
        let own = published.mailbox(mailbox).and_then(|it| it.partition);
        let own = own.and_then(|number| self.partitions.get(number).ok());
        own.filter(|engine| engine.refused().is_none())
            .unwrap_or_else(|| self.engine())
    }

    /// Waits until the account is not being moved.
    async fn has_moved(&self) {
        let mut moving = self.moving.subscribe();
        // Can't fail: the sender lives in `self`.
        let _ = moving.wait_for(|moving| !moving).await;
    }

    /// Runs a verb, and does not wait for its batch, which may yet fail: it is written with what others wait for, or
    /// some milliseconds later.
    pub(crate) async fn commit_unawaited<T>(
        self: &Arc<Self>,
        hands: &Hands,
        mut verb: impl FnMut(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Option<T> {
        let mut held = Vec::new();
        let domain = self.domain().await;
        for _ in 0..READS_MAX {
            match self
                .attempt(hands, (Wait::No, domain.as_ref()), &mut verb)
                .ok()?
            {
                Attempt::Queued(value, _) | Attempt::Nothing(value, _) => return Some(value),
                Attempt::Stale(_)
                | Attempt::Moving
                | Attempt::Elsewhere(_)
                | Attempt::Shares(_) => return None,
                Attempt::Unread(unread) => held.extend(self.read(unread).await.ok()?),
            }
        }
        None
    }

    /// Runs a verb as [`Shared::commit`] would, and forgets what it did.
    ///
    /// # Errors
    /// What `verb` says.
    pub(crate) async fn rehearse<T>(
        &self,
        hands: &Hands,
        mut verb: impl FnMut(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut held = Vec::new();
        loop {
            let (value, unread) = {
                let mut guard = self.tip();
                let tip = &mut *guard;
                let mut draft = Draft::new(tip, (self.id, hands), (self.clock)().unix);
                let value = verb(&mut draft).and_then(|value| {
                    self.permit(&draft)?;
                    Ok(value)
                });
                let unread = draft.unread;
                tip.threads.unlearn_after(tip.snapshot.mod_seq());
                (value, unread)
            };
            if unread.is_empty() || held.len() > READS_MAX {
                return value;
            }
            held.extend(self.read(unread).await?);
        }
    }

    fn attempt<T>(
        self: &Arc<Self>,
        hands: &Hands,
        (wait, domain): (Wait, Option<&DomainQuota>),
        verb: &mut impl FnMut(&mut Draft<'_>) -> Result<T, Error>,
    ) -> Result<Attempt<T>, Error> {
        let mut guard = self.tip();
        let tip = &mut *guard;
        if *self.moving.borrow() {
            return Ok(Attempt::Moving);
        }
        let home = self.home.load();
        if let Wait::For(Some(writes)) = wait
            && writes.partition != home.partition().number
        {
            return Ok(Attempt::Elsewhere(writes));
        }
        let saw = News {
            mod_seq: tip.snapshot.mod_seq,
            epoch: tip.epoch,
            closed: false,
        };
        // A verb that failed or panicked may have taught something that never happened.
        tip.threads.unlearn_after(tip.snapshot.mod_seq());
        let mut draft = Draft::new(tip, (self.id, hands), (self.clock)().unix);
        let value = verb(&mut draft);
        if !draft.unread.is_empty() {
            return Ok(Attempt::Unread(draft.unread));
        }
        let value = value?;
        draft.was_asked_for()?;
        if draft.changes.is_empty() {
            return Ok(Attempt::Nothing(value, saw));
        }
        let number = home.partition().number;
        let to = self.sharing.unknown(number, self.id, &draft.changes);
        if !to.is_empty() {
            return Ok(Attempt::Shares(to));
        }
        let used = self.reserve(&draft, domain)?;
        let Draft {
            mut snapshot,
            changes,
            mod_seq,
            now,
            ..
        } = draft;
        snapshot.mod_seq = mod_seq.0;
        let batch = Batch {
            mod_seq,
            time: now,
            by: Arc::clone(&hands.by),
            changes,
        };
        let writes = match wait {
            Wait::For(writes) => writes.unwrap_or_else(|| home.begin()),
            Wait::No => home.begin().patient(),
        };
        let queued = self.queue(tip, (&home, writes), snapshot, &batch);
        if !matches!(queued, Ok(Some(_))) {
            self.pools.put(self.id, domain, &used);
        }
        Ok(queued?.map_or(Attempt::Stale(saw), |done| Attempt::Queued(value, done)))
    }

    /// Queues a batch that makes the tip that snapshot. `None` if what it builds on is failing.
    pub(super) fn queue(
        self: &Arc<Self>,
        tip: &mut Tip,
        (home, writes): (&Engine, Writes),
        snapshot: Snapshot,
        batch: &Batch,
    ) -> Result<Option<oneshot::Receiver<Result<(), Error>>>, Error> {
        let (before, epoch) = (tip.snapshot.mod_seq, tip.epoch);
        let (sender, receiver) = oneshot::channel();
        let (shared, next) = (Arc::clone(self), Arc::new(snapshot.clone()));
        let brief = Brief::new(batch, &tip.snapshot, &snapshot);
        let events = events::are_wanted()
            .then(|| Events::new(self.id, (batch, &brief), &tip.snapshot, &snapshot));
        let done = Box::new(move |outcome: Result<_, Error>| {
            let outcome = outcome.map(|_| {
                shared.publish(next, brief);
                events.into_iter().for_each(Events::log);
            });
            if outcome.is_err() {
                shared.go_back(epoch);
            }
            // Whoever asked may have stopped waiting.
            let _ = sender.send(outcome);
        });
        let octets = batch.encode();
        if octets.len() > BATCH_BYTES_MAX {
            return Err(Error::Limit("changes at once"));
        }
        match home.append(writes, self.id, batch.mod_seq.0, &octets, done) {
            Ok(()) => {
                tip.snapshot = snapshot;
                Ok(Some(receiver))
            }
            Err(error) => {
                tip.threads.unlearn_after(ModSeq(before));
                // The engine may know already that what is queued before has failed. It told
                // nobody yet, or the tip would be what is published.
                if before > self.published.load().mod_seq {
                    Ok(None)
                } else {
                    Err(error)
                }
            }
        }
    }

    /// The batch after the published state is durable.
    fn publish(&self, next: Arc<Snapshot>, brief: Brief) {
        let mod_seq = next.mod_seq;
        self.tell_filling(&self.published.load(), &next);
        self.watched.tell(brief, || self.published.store(next));
        self.news.send_modify(|news| news.mod_seq = mod_seq);
    }

    /// A batch queued in `epoch` has failed, and all behind it will.
    fn go_back(&self, epoch: u64) {
        let mut tip = self.tip();
        if tip.epoch != epoch {
            return;
        }
        tip.epoch += 1;
        tip.snapshot = Snapshot::clone(&self.published.load());
        self.pools.back(self.id, tip.snapshot.quotas.usage());
        let mod_seq = tip.snapshot.mod_seq();
        tip.threads.unlearn_after(mod_seq);
        let epoch = tip.epoch;
        drop(tip);
        self.news.send_modify(|news| news.epoch = epoch);
    }

    /// Waits until what was seen is durable: `true`; or is lost: `false`.
    async fn durable(&self, saw: News) -> bool {
        let mut news = self.news.subscribe();
        // It may be something that nobody has waited for so far.
        if news.borrow().mod_seq < saw.mod_seq {
            self.engine().hurry();
        }
        let told = news
            .wait_for(|now| now.epoch != saw.epoch || now.mod_seq >= saw.mod_seq)
            .await;
        told.is_ok_and(|now| now.epoch == saw.epoch)
    }

    /// Waits until the modseq is greater.
    pub(crate) async fn changed(&self, than: ModSeq) {
        let mut news = self.news.subscribe();
        // Can't fail: the sender lives in `self`.
        let _ = news
            .wait_for(|now| now.mod_seq > than.0 || now.closed)
            .await;
    }

    /// Waits for everything that is queued now, however it ends.
    pub(crate) async fn settled(&self) {
        let saw = {
            let tip = self.tip();
            News {
                mod_seq: tip.snapshot.mod_seq,
                epoch: tip.epoch,
                closed: false,
            }
        };
        self.durable(saw).await;
    }

    /// What the checkpoint has; `None` if nothing that can be trusted.
    pub(crate) fn kept(&self) -> Option<Arc<Snapshot>> {
        let kept = self.kept.lock();
        kept.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The checkpoint has this; `None`: nothing that can be trusted.
    pub(crate) fn keep(&self, snapshot: Option<Arc<Snapshot>>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = snapshot;
    }

    /// The state with everything that is queued.
    pub(crate) fn newest(&self) -> Snapshot {
        self.tip().snapshot.clone()
    }

    /// Does something with the thread keys, under the account's lock: be short.
    pub(crate) fn with_threads<T>(&self, act: impl FnOnce(&mut Threads) -> T) -> T {
        act(&mut self.tip().threads)
    }

    /// A panic in a verb leaves the tip as it was: verbs work on a draft.
    pub(super) fn tip(&self) -> MutexGuard<'_, Tip> {
        self.tip.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a verb hears when it has to be tried again; nobody else does.
const UNREAD: Error = Error::NotPermitted("it has to be read first");

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("mod_seq", &self.published.load().mod_seq)
            .finish_non_exhaustive()
    }
}

impl<'a> Draft<'a> {
    fn new(tip: &'a mut Tip, (id, hands): (AccountId, &'a Hands), now: i64) -> Self {
        Self {
            mod_seq: ModSeq(tip.snapshot.mod_seq + 1),
            snapshot: tip.snapshot.clone(),
            before: tip.snapshot.quotas.clone(),
            threads: &mut tip.threads,
            changes: Vec::new(),
            now,
            id,
            actor: &hands.actor,
            asked: false,
            unread: Unread::default(),
            exempt: hands.beyond_quotas,
        }
    }

    /// No limit holds for the verb: an account that could not be opened would be worse than one that is too
    /// full.
    pub(crate) fn exempt(&mut self) {
        self.exempt = true;
    }

    /// Messages of a mailbox, which is one of this draft's.
    ///
    /// # Errors
    /// They are not in memory: the verb will be tried again when they are.
    pub(crate) fn messages(&mut self, mailbox: &Mailbox, which: Which<'_>) -> Result<Part, Error> {
        let placements = &mailbox.placements;
        match which {
            Which::All => self.part(mailbox, || placements.entries()),
            Which::WithDeleted => self.part(mailbox, || placements.with_deleted()),
            Which::Within(ranges) => self.part(mailbox, || placements.within(ranges)),
        }
    }

    fn part<'m, I: Iterator<Item = &'m Entry>>(
        &mut self,
        mailbox: &'m Mailbox,
        entries: impl Fn() -> I,
    ) -> Result<Part, Error> {
        if let Some(part) = Placements::part(entries()) {
            return Ok(part);
        }
        Err(self.lacks(mailbox.unread(entries())))
    }

    /// Something that a verb needs is not in memory: what it is to fail with, to be tried again.
    pub(crate) fn lacks(&mut self, wanted: impl IntoIterator<Item = Wanted>) -> Error {
        self.unread.chunks.extend(wanted);
        UNREAD
    }

    /// The conversation of the first of these keys that is known.
    ///
    /// # Errors
    /// The checkpoint has to be asked first: the verb will be tried again then.
    pub(crate) fn thread(&mut self, keys: &[u64]) -> Result<Option<ThreadId>, Error> {
        self.threads.find(keys).map_err(|question| {
            self.unread.threads = Some(question);
            UNREAD
        })
    }

    /// A mailbox that has to exist.
    pub(crate) fn mailbox(&self, id: MailboxId) -> Result<&Arc<Mailbox>, Error> {
        self.snapshot.mailbox(id).ok_or(Error::NoSuchMailbox)
    }

    /// A mailbox that has to exist, by its name.
    pub(crate) fn named(&self, name: &MailboxName) -> Result<&Arc<Mailbox>, Error> {
        self.snapshot.named(name).ok_or(Error::NoSuchMailbox)
    }

    /// What whoever makes it may do with a mailbox.
    ///
    /// # Errors
    /// [`Error::NoSuchMailbox`].
    pub(crate) fn rights(&mut self, id: MailboxId) -> Result<Rights, Error> {
        self.asked = true;
        Ok(self.mailbox(id)?.rights_of(self.actor, self.id))
    }

    /// Whether whoever makes it may do with a mailbox what takes these rights; gives all that they have.
    ///
    /// # Errors
    /// [`Error::NoRight`]; [`Error::NoSuchMailbox`] also if they may not even know of it.
    pub(crate) fn may(&mut self, id: MailboxId, needed: Rights) -> Result<Rights, Error> {
        let rights = self.rights(id)?;
        rights::permit(rights, needed).map(|()| rights)
    }

    /// As [`Draft::may`], with a mailbox that is open: whoever may open it knows of it.
    ///
    /// # Errors
    /// As [`Draft::may`].
    pub(crate) fn may_open(&mut self, id: MailboxId, needed: Rights) -> Result<Rights, Error> {
        let rights = self.rights(id)?;
        rights::permit_open(rights, needed).map(|()| rights)
    }

    /// Whether whoever makes it may put messages into a mailbox; gives all rights that they have there. A
    /// delivery posts.
    ///
    /// # Errors
    /// As [`Draft::may`].
    pub(crate) fn may_insert(&mut self, id: MailboxId) -> Result<Rights, Error> {
        self.may(id, self.actor.to_insert())
    }

    /// Whether whoever makes it may make a mailbox of that name: RFC 4314 §4.
    ///
    /// # Errors
    /// [`Error::NoRight`], whether or not they may know of the mailbox above it.
    pub(crate) fn may_create(&mut self, name: &MailboxName) -> Result<(), Error> {
        self.asked = true;
        let rights = match self.snapshot.nearest_above(name) {
            Some(above) => above.rights_of(self.actor, self.id),
            None => self.actor.required(self.id),
        };
        if rights.contains(Rights::CREATE) {
            Ok(())
        } else {
            Err(Error::NoRight(Rights::CREATE))
        }
    }

    /// Whether whoever makes it administers the account.
    pub(crate) fn is_administered(&self) -> bool {
        self.actor.administers()
    }

    /// Whether a mailbox is there that whoever makes it may know of.
    pub(crate) fn sees(&self, name: &MailboxName) -> bool {
        let there = self.snapshot.named(name);
        there.is_some_and(|it| {
            let rights = it.rights_of(self.actor, self.id);
            rights.contains(Rights::LOOKUP)
        })
    }

    /// Whether whoever makes it may do with the account as a whole what only its owner may.
    ///
    /// # Errors
    /// [`Error::NotPermitted`].
    pub(crate) fn may_as_owner(&mut self) -> Result<(), Error> {
        self.asked = true;
        match self.actor {
            Actor::System => Ok(()),
            Actor::User(person) if person.account == self.id || person.administrator => Ok(()),
            Actor::User(_) | Actor::Anonymous => Err(Error::NotPermitted(
                "That is for the owner of the mailboxes only",
            )),
        }
    }

    /// Whether whoever makes it acts for an account: only its own user does.
    ///
    /// # Errors
    /// [`Error::NotPermitted`].
    pub(crate) fn may_as(&mut self, account: AccountId) -> Result<(), Error> {
        self.asked = true;
        match self.actor {
            Actor::System => Ok(()),
            Actor::User(person) if person.account == account => Ok(()),
            Actor::User(_) | Actor::Anonymous => Err(Error::NotPermitted(
                "What is private is for its own user only",
            )),
        }
    }

    /// No verb changes anything for a user without having asked what they may do: one that did not is for
    /// the server alone.
    fn was_asked_for(&self) -> Result<(), Error> {
        if self.asked || self.changes.is_empty() || *self.actor == Actor::System {
            return Ok(());
        }
        tracing::error!("a verb for the server alone, in a user's hands");
        Err(Error::NotPermitted("internal error"))
    }

    /// One more change: it is in the draft's state on return.
    ///
    /// # Errors
    /// It does not fit, which is a fault of the verb; or what it changes is not in memory: then
    /// the verb will be tried again when it is.
    pub(crate) fn push(&mut self, change: Change) -> Result<(), Error> {
        let unread = fold::unread(&self.snapshot, &change);
        if !unread.is_empty() {
            return Err(self.lacks(unread));
        }
        fold::apply(&mut self.snapshot, self.threads, self.mod_seq, &change).map_err(fault)?;
        self.changes.push(change);
        Ok(())
    }

    /// As many changes as there are copies, all to one mailbox.
    ///
    /// # Errors
    /// As [`Draft::push`].
    pub(crate) fn push_copies(&mut self, copies: Vec<Added>) -> Result<(), Error> {
        let Some(to) = copies.first().map(|copy| copy.mailbox) else {
            return Ok(());
        };
        let unread = fold::unread_to_place(&self.snapshot, to);
        if !unread.is_empty() {
            return Err(self.lacks(unread));
        }
        fold::apply_copies(&mut self.snapshot, self.mod_seq, &copies).map_err(fault)?;
        self.changes.extend(copies.into_iter().map(Change::Copied));
        Ok(())
    }
}

fn fault(misfit: fold::Misfit) -> Error {
    tracing::error!(what = misfit.0, "a verb made a change that does not fit");
    Error::NotPermitted("internal error")
}
