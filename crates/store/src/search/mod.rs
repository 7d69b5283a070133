//! An index of the text of messages, so that a search need not look at all of them.
//!
//! Of every account, in segments: for each three octets of folded text, by where they are, the messages
//! that have them. It answers which messages may have a text, for any substring: never too
//! few, sometimes too many, and whoever asks looks at those. What is not in the index has to be
//! looked at too, so nothing is ever missed, however far it has come.
//!
//! It is derived. Every page is checked when it is read; what is damaged is thrown away and made again. It
//! is made in the background, from what is in the mailboxes, and a delivery knows nothing of it. Emails are
//! immutable: what is once in a segment is right for ever, and messages that are gone go when
//! segments are merged.

mod build;
mod drawer;
mod grams;
mod pages;
mod postings;
pub(crate) mod recall;
mod segment;
mod sift;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use self::{build::Live, drawer::Drawer, pages::Fault};
pub use self::{
    recall::{Answers, Question},
    sift::{Place, Sieve, Sifted},
};
use crate::{
    account::Account,
    compact::pace::Pace,
    engine::{io_error, partitions::aside},
    error::Error,
    id::AccountId,
    store::Store,
};

/// Messages that the background does not index by themselves: looking at them costs little, and
/// a segment for each would cost much.
pub const WAITING_MAX: u64 = 64;

/// Of an account's messages one in so many may wait to be indexed.
const WAITING_SHARE: u64 = 512;

/// After so many rounds an account's files are looked at again, though no mail came: something may have
/// become of them.
const TRUSTED_ROUNDS: u64 = 20;

/// Octets that an index leaves free for mail.
const FREE_MIN: u64 = 256 << 20;

/// What is kept in memory for indexing.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// Held by whoever writes an index: one account at a time.
    writing: tokio::sync::Mutex<()>,
    /// Counts rounds.
    round: AtomicU64,
    /// The accounts that were looked at.
    done: Mutex<HashMap<AccountId, Done>>,
}

/// How far an account was indexed when it was looked at.
#[derive(Debug, Clone, Copy)]
struct Done {
    /// Up to this EMAILID, at least in number.
    last: u64,
    /// In that partition.
    partition: u16,
    /// In which round.
    round: u64,
}

impl Desk {
    fn done(&self) -> MutexGuard<'_, HashMap<AccountId, Done>> {
        // The map is whole between any two of its operations.
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, account: &Account, last: u64) {
        let done = Done {
            last,
            partition: account.shared.engine().partition().number,
            round: self.round.load(Ordering::Relaxed),
        };
        self.done().insert(account.id(), done);
    }

    fn forget(&self, account: AccountId) {
        self.done().remove(&account);
    }

    /// Whether an account can be passed over: fewer messages than `least` came since it was looked at, as
    /// far as can be told without looking.
    fn is_done(&self, account: &Account, least: u64) -> bool {
        let round = self.round.load(Ordering::Relaxed);
        let newest = account.snapshot().last.email;
        let here = account.shared.engine().partition().number;
        self.done().get(&account.id()).is_some_and(|done| {
            let fresh = round - done.round < TRUSTED_ROUNDS && done.partition == here;
            fresh && newest.saturating_sub(done.last) < least
        })
    }
}

/// How to index.
#[derive(Debug, Clone, Copy)]
pub struct IndexOptions {
    /// Octets of text that may be read in a second; `None`: as fast as it goes.
    pub rate: Option<u64>,
    /// An account with fewer messages to index is left as it is.
    pub least: u64,
}

impl IndexOptions {
    /// More messages may wait where more are indexed: making a segment takes opening the mailboxes, and so costs
    /// by what is in them.
    fn patient(self, account: &Account) -> Self {
        let snapshot = account.snapshot();
        let mailboxes = snapshot.mailboxes();
        let messages: u64 = mailboxes
            .map(|(_, mailbox)| u64::from(mailbox.counters().messages))
            .sum();
        Self {
            least: self.least.max(messages / WAITING_SHARE),
            ..self
        }
    }
}

/// Which accounts a round looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexRound {
    /// Those that are open: mail can have come to no other.
    Open,
    /// All. What is gone from their mailboxes also goes from their indexes.
    All,
}

/// What is in the index of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IndexStatus {
    /// Messages that the account has, each once.
    pub messages: u64,
    /// How many of them are in the index.
    pub indexed: u64,
    /// Messages in the index that the account has no more.
    pub gone: u64,
    /// Files.
    pub segments: u64,
    /// Their octets.
    pub octets: u64,
    /// Octets of the messages.
    pub of_octets: u64,
}

impl Account {
    /// Puts all messages that are in the account's index through sieves. Whatever the state of the index,
    /// what it rules out is right.
    pub async fn sift(&self, sieves: Vec<Sieve>) -> Sifted {
        let drawer = drawer(self);
        let engine = self.shared.engine();
        let sifted = engine.work(move || sift::sift(&drawer, &sieves)).await;
        sifted.unwrap_or_default()
    }
}

fn drawer(account: &Account) -> Drawer {
    let shared = &account.shared;
    Drawer::new(shared.partitions.volume(), &shared.engine(), shared.id)
}

impl Store {
    /// Brings indexes up to date, one account after the other; gives how many messages were added. What goes
    /// wrong with one account is logged.
    ///
    /// # Errors
    /// [`Error::Full`]: the rest has to wait.
    pub async fn index_round(
        &self,
        round: IndexRound,
        options: IndexOptions,
    ) -> Result<u64, Error> {
        let mut added = 0;
        self.desk().round.fetch_add(1, Ordering::Relaxed);
        let ids = match round {
            IndexRound::Open => self.open_ids(),
            IndexRound::All => self.accounts().await?,
        };
        for id in ids {
            let indexed = async {
                let account = self.account(id).await?;
                if round == IndexRound::All {
                    self.weed(&account, options).await?;
                } else if self.desk().is_done(&account, options.least) {
                    return Ok(0);
                }
                let options = options.patient(&account);
                if round == IndexRound::Open && self.desk().is_done(&account, options.least) {
                    return Ok(0);
                }
                self.index(&account, options).await
            };
            match indexed.await {
                Ok(more) => added += more,
                Err(Error::Full) => return Err(Error::Full),
                Err(error) => tracing::warn!(account = %id, %error, "not indexed"),
            }
        }
        if round == IndexRound::All {
            self.leave_none_behind().await?;
        }
        Ok(added)
    }

    /// Brings the index of an account up to date; gives how many messages were added.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`] if its mailboxes can't be read; [`Error::Full`] if there is no space, or
    /// so little that it is left for mail.
    pub async fn index(&self, account: &Account, options: IndexOptions) -> Result<u64, Error> {
        let _one = self.desk().writing.lock().await;
        let drawer = drawer(account);
        let last = account.snapshot().last.email;
        let gaps = on_disk(&drawer, move |drawer| {
            drawer.tidy()?;
            Ok(drawer::gaps(&drawer.segments()?, last))
        })
        .await?;
        let waiting: u64 = gaps.iter().map(|gap| gap.end() - gap.start() + 1).sum();
        if waiting < options.least.max(1) {
            self.desk().note(account, last - waiting);
            return Ok(0);
        }
        let (partitions, home) = (self.partitions(), account.shared.engine());
        if partitions
            .free(home.partition())
            .is_some_and(|free| free < FREE_MIN)
        {
            return Err(Error::Full);
        }
        let first = gaps.first().map_or(1, |gap| *gap.start());
        let live = build::live(account, first..=last).await?;
        let mut pace = Pace::new(options.rate);
        let mut added = 0;
        for gap in gaps {
            added += build::fill(account, &drawer, (gap, &live), &mut pace).await?;
        }
        self.desk().note(account, last);
        tracing::debug!(account = %account.id(), messages = added, "indexed");
        Ok(added)
    }

    /// Rids an account's index of messages that are gone, where they are many, and makes it anew where many
    /// are missing, because they came back.
    async fn weed(&self, account: &Account, options: IndexOptions) -> Result<(), Error> {
        let _one = self.desk().writing.lock().await;
        let drawer = drawer(account);
        let segments = on_disk(&drawer, Drawer::segments).await?;
        if segments.is_empty() {
            return Ok(());
        }
        let live = build::live(account, 0..=u64::MAX).await?;
        for covers in segments {
            let (from, emails) = (covers.clone(), emails(&live));
            let told = on_disk(&drawer, move |drawer| tell(drawer, &from, &emails)).await?;
            let Some((status, within)) = told else {
                continue;
            };
            let missing = within - status.indexed;
            if missing > WAITING_MAX.max(within / 16) {
                on_disk(&drawer, move |drawer| drawer.remove(&covers)).await?;
            } else if status.gone * 4 > status.gone + status.indexed {
                build::write_anew(&drawer, vec![covers], &live, options.rate).await?;
            }
        }
        Ok(())
    }

    /// Removes indexes of accounts that are not where their index is, and those of other versions.
    async fn leave_none_behind(&self) -> Result<(), Error> {
        let volume = self.partitions().volume();
        for engine in self.partitions().engines() {
            let (there, of) = (volume.clone(), engine.clone());
            let indexed = aside("store-index", move || drawer::accounts(&there, &of)).await??;
            let known = self.accounts().await?;
            for id in indexed {
                let here = match self.home(id).await {
                    Ok(home) => home.partition() == engine.partition(),
                    // It can't be told now.
                    Err(_) => continue,
                };
                if !here || known.binary_search(&id).is_err() {
                    let old = Drawer::new(volume.clone(), &engine, id);
                    on_disk(&old, Drawer::drop_all).await?;
                }
            }
        }
        Ok(())
    }

    /// What is in the index of an account.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Corrupt`] if its mailboxes can't be read.
    pub async fn index_status(&self, account: &Account) -> Result<IndexStatus, Error> {
        let live = build::live(account, 0..=u64::MAX).await?;
        let (emails, mut sum) = (emails(&live), IndexStatus::default());
        sum.messages = live.len() as u64;
        sum.of_octets = account
            .snapshot()
            .mailboxes()
            .map(|(_, mailbox)| mailbox.counters().octets)
            .sum();
        let drawer = drawer(account);
        let status = on_disk(&drawer, move |drawer| {
            for covers in drawer.segments()? {
                let Some((status, _)) = tell(drawer, &covers, &emails)? else {
                    continue;
                };
                sum.indexed += status.indexed;
                sum.gone += status.gone;
                sum.segments += 1;
                sum.octets += status.octets;
            }
            Ok(sum)
        });
        status.await
    }

    /// Throws the index of an account away. It is made again by whoever indexes next.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub async fn drop_index(&self, account: &Account) -> Result<(), Error> {
        let _one = self.desk().writing.lock().await;
        self.desk().forget(account.id());
        on_disk(&drawer(account), Drawer::drop_all).await
    }
}

fn emails(live: &[Live]) -> Vec<u64> {
    live.iter().map(|it| it.email).collect()
}

/// What a segment has of the messages given, and how many of them it should have. One that is damaged is
/// thrown away.
fn tell(
    drawer: &Drawer,
    covers: &drawer::Covers,
    emails: &[u64],
) -> Result<Option<(IndexStatus, u64)>, Error> {
    let segment = match drawer.open(covers) {
        Ok(segment) => segment,
        Err(Fault::Damaged(why)) => {
            drawer.discard(covers, why);
            return Ok(None);
        }
        Err(Fault::Io(error)) => return Err(io_error("search", error)),
    };
    let mut status = IndexStatus {
        octets: drawer.octets(covers).unwrap_or(0),
        ..IndexStatus::default()
    };
    for document in segment.documents() {
        match emails.binary_search(&document.email) {
            Ok(_) => status.indexed += 1,
            Err(_) => status.gone += 1,
        }
    }
    let from = emails.partition_point(|email| email < covers.start());
    let to = emails.partition_point(|email| email <= covers.end());
    Ok(Some((status, (to - from) as u64)))
}

/// Does something with an index on a thread that may wait for the disk.
async fn on_disk<T: Send + 'static>(
    drawer: &Drawer,
    job: impl FnOnce(&Drawer) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let drawer = drawer.clone();
    aside("store-index", move || job(&drawer)).await?
}
