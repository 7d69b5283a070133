//! Compaction: the space of what nobody needs any more comes back.
//!
//! Alive is, of every account: the messages that are in its mailboxes; those that went less long ago
//! than the retention, or under a hold; and the batches from the last base on that is older than
//! that. Whatever is not alive, below what the checkpoint covers and no arrival has pinned, is freed in
//! place. Where something can't be read, whatever could belong to it is kept, and the reason told.
//!
//! It goes through the store while that is in use, one account and one segment after the other, and
//! waits in between as long as its budget says. Broken off at any point, it has freed part.

mod account;
mod live;
pub(crate) mod pace;
#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

use self::{
    account::read_account,
    live::{Live, Marks},
    pace::Pace,
};
use crate::{
    engine::{Engine, Position, Sealed},
    error::Error,
    id::AccountId,
    past::{Mode, Retention},
    store::Store,
};

/// What is gone stays so many seconds longer than can be brought back: whoever is just bringing
/// it back comes to an end.
pub(crate) const GRACE_SECONDS: u64 = 3600;

/// How to compact.
#[derive(Debug, Clone, Copy)]
pub struct CompactOptions {
    /// Whether to do it, or only to tell what would be freed.
    pub mode: Mode,
    /// Now, in unix seconds.
    pub now: i64,
    /// How long what is gone can be brought back.
    pub retention: Retention,
    /// Octets that may be read in a second; `None`: as fast as it goes.
    pub rate: Option<u64>,
}

/// How far a compaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactProgress {
    /// What it is doing.
    pub step: CompactStep,
    /// How many of these are done.
    pub done: u64,
    /// Of how many.
    pub of: u64,
}

/// What a compaction does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactStep {
    /// Reads what accounts need, one after the other.
    Accounts,
    /// Reads where messages' octets are, record by record.
    Records,
    /// Goes through the segments, and frees.
    Segments,
}

/// What a compaction did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compacted {
    /// By partition.
    pub partitions: Vec<CompactedPartition>,
    /// Accounts whose whole state was written down, so that their older batches can go one day.
    pub bases: u64,
    /// What could not be told to be dead, and why.
    pub kept: Vec<Kept>,
}

/// What a compaction did in a partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactedPartition {
    /// Its name.
    pub name: Arc<str>,
    /// Octets of space that its full segments took before.
    pub before: u64,
    /// Octets of records that are not needed and whose space can come back.
    pub dead: u64,
    /// Octets of space that came back.
    pub freed: u64,
    /// Full segments that there were.
    pub segments: u64,
    /// Those that are gone as a whole.
    pub removed: u64,
    /// The file system can't give back parts of files: only whole segments come back.
    pub unsupported: bool,
}

/// Something that was kept because it can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whose; `None`: not known.
    pub account: Option<AccountId>,
    /// What, and why.
    pub what: Arc<str>,
}

impl Compacted {
    /// Octets of space that came back in all partitions.
    #[must_use]
    pub fn freed(&self) -> u64 {
        self.partitions
            .iter()
            .map(|partition| partition.freed)
            .sum()
    }
}

/// Told how far it is; must not wait.
pub type Tell<'a> = &'a mut (dyn FnMut(CompactProgress) + Send);

impl Store {
    /// Gives back the space of what nobody needs any more; see [`crate::compact`]. Everything else
    /// goes on meanwhile.
    ///
    /// # Errors
    /// [`Error::NotPermitted`] while another is going on; [`Error::OutOfService`] while a partition is
    /// not open, whose accounts may need what lies in others; [`Error::Io`] and [`Error::Full`] if what is to
    /// be freed can't be written down. What has been freed by then stays freed.
    pub async fn compact(
        &self,
        options: CompactOptions,
        tell: Tell<'_>,
    ) -> Result<Compacted, Error> {
        let Ok(_one) = self.compaction().try_lock() else {
            return Err(Error::NotPermitted("a compaction is going on already"));
        };
        if let Some(missing) = self.partitions().missing() {
            // Its accounts may need what lies in the others.
            return Err(missing);
        }
        let engines = self.partitions().engines();
        if options.mode == Mode::Do {
            for engine in &engines {
                engine.tidy().await?;
            }
            // On a full disk the last one has to do.
            match self.checkpoint().await {
                Ok(()) | Err(Error::Full) => {}
                Err(error) => return Err(error),
            }
        }
        let reprieves = self.partitions().reprieves().await;
        // First how far it may go: what is put after it, or was put and is not referred to yet, stays.
        let horizons: Vec<(Engine, Position)> = engines
            .into_iter()
            .map(|engine| (engine.clone(), engine.horizon()))
            .collect();
        self.settle().await;
        let mut compaction = Compaction {
            store: self,
            options,
            pace: Pace::new(options.rate),
            compacted: Compacted::default(),
            reprieves,
            tell,
        };
        let marks = compaction.accounts().await?;
        let live = compaction.records(&horizons, marks).await?;
        compaction.segments(&horizons, &Arc::new(live)).await?;
        Ok(compaction.compacted)
    }
}

/// A compaction as it goes on.
struct Compaction<'a> {
    store: &'a Store,
    options: CompactOptions,
    pace: Pace,
    compacted: Compacted,
    /// How often what was dead had been brought back before.
    reprieves: u64,
    tell: Tell<'a>,
}

impl Compaction<'_> {
    fn tell(&mut self, step: CompactStep, done: usize, of: usize) {
        (self.tell)(CompactProgress {
            step,
            done: done as u64,
            of: of as u64,
        });
    }

    fn keep(&mut self, account: Option<AccountId>, what: &str) {
        tracing::warn!(
            account = account.map(tracing::field::display),
            what,
            "kept by compaction"
        );
        self.compacted.kept.push(Kept {
            account,
            what: what.into(),
        });
    }

    /// What each account needs.
    async fn accounts(&mut self) -> Result<Marks, Error> {
        let ids = self.store.accounts().await?;
        let mut marks = Marks::default();
        for (n, id) in ids.iter().enumerate() {
            self.tell(CompactStep::Accounts, n, ids.len());
            let account = match self.store.account(*id).await {
                Ok(account) => account,
                Err(error @ (Error::Corrupt { .. } | Error::OutOfService(_))) => {
                    self.keep(Some(*id), &format!("the account can't be opened: {error}"));
                    marks.unread = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let needs = read_account(&account, &self.options, &mut self.pace).await?;
            if let Some(what) = &needs.damage {
                self.keep(Some(*id), what);
            }
            let wants_base = needs.wants_base;
            marks.account(*id, needs);
            if wants_base && self.options.mode == Mode::Do {
                match account.write_base().await {
                    Ok(true) => self.compacted.bases += 1,
                    // It is written to all the time: the next compaction tries again.
                    Ok(false) | Err(Error::Full) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        self.tell(CompactStep::Accounts, ids.len(), ids.len());
        Ok(marks)
    }

    /// Where the octets of all messages are that are needed.
    async fn records(
        &mut self,
        horizons: &[(Engine, Position)],
        mut marks: Marks,
    ) -> Result<Live, Error> {
        for (engine, horizon) in horizons {
            for sealed in engine.sealed(*horizon).await? {
                marks.strays(engine, &sealed).await?;
                self.pace.spend(sealed.space / 64).await;
            }
        }
        let records = marks.records();
        let mut live = marks.into_live();
        for (n, (at, len)) in records.iter().enumerate() {
            if n.is_multiple_of(1000) {
                self.tell(CompactStep::Records, n, records.len());
            }
            self.pace.spend((*len).into()).await;
            let partitions = self.store.partitions();
            if let Err(what) = live.record(partitions, *at, *len).await? {
                self.keep(None, &what);
            }
        }
        self.tell(CompactStep::Records, records.len(), records.len());
        live.sort();
        Ok(live)
    }

    /// Frees what is not needed.
    async fn segments(
        &mut self,
        horizons: &[(Engine, Position)],
        live: &Arc<Live>,
    ) -> Result<(), Error> {
        for (engine, horizon) in horizons {
            let name = Arc::clone(&engine.partition().name);
            let sealed = engine.sealed(*horizon).await?;
            let mut partition = CompactedPartition {
                name,
                before: sealed.iter().map(|segment| segment.space).sum(),
                segments: sealed.len() as u64,
                ..CompactedPartition::default()
            };
            if self.options.mode == Mode::Do {
                // Nobody looks for these any more: they are about to go.
                let home = engine.partition().number;
                engine.forget_batches(live.forgotten(home)).await?;
            }
            for (n, segment) in sealed.iter().enumerate() {
                self.tell(CompactStep::Segments, n, sealed.len());
                let freed = self.segment(engine, segment, live, &mut partition).await?;
                if freed.is_break() {
                    let what =
                        "what is gone was brought back or held meanwhile: freeing ended there";
                    tracing::info!("{what}; the next compaction goes on");
                    break;
                }
            }
            self.tell(CompactStep::Segments, sealed.len(), sealed.len());
            if self.options.mode == Mode::Do {
                engine.tidy().await?;
            }
            self.compacted.partitions.push(partition);
        }
        Ok(())
    }

    async fn segment(
        &mut self,
        engine: &Engine,
        segment: &Sealed,
        live: &Arc<Live>,
        partition: &mut CompactedPartition,
    ) -> Result<ControlFlow<()>, Error> {
        let judge = Arc::clone(live);
        let dead = Box::new(move |item: &_| judge.is_dead(item));
        let dead = engine.sweep(segment.number, dead).await?;
        self.pace.spend(segment.space / 64).await;
        partition.dead += dead.octets;
        if self.options.mode == Mode::DryRun {
            partition.removed += u64::from(dead.whole);
            return Ok(ControlFlow::Continue(()));
        }
        let Some(_freeing) = self.store.partitions().freeing(self.reprieves).await else {
            // What is told to be dead may be alive again. The next compaction knows.
            return Ok(ControlFlow::Break(()));
        };
        // Also without anything new: a crash may have come between saying and freeing.
        let given = engine.free(segment.number, dead.ranges).await?;
        partition.freed += given.octets;
        partition.removed += u64::from(given.removed);
        partition.unsupported |= given.unsupported;
        Ok(ControlFlow::Continue(()))
    }
}

/// Accounts, as told apart by what could be read of them.
type Accounts = BTreeSet<AccountId>;
