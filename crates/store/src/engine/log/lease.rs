//! Who has a partition open: one process on one machine, and it says which.
//!
//! On one machine the operating system's lock decides, which a crash releases. Between machines
//! that see the same directory a lock may mean nothing; there the text in the file decides, which
//! its holder renews. Whoever finds another machine's lease waits until it has not been
//! renewed for as long as it lasts; and a holder that could not renew it in time writes nothing
//! and answers for nothing until it has made sure that nobody else has come.

use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use super::{
    disk::{Access, Disk},
    files::{Partition, io_error},
    lease_text::{Record, SLOT_AT, SLOTS},
};
use crate::error::Error;

/// How long a lease lasts that is not renewed.
pub(crate) const LASTS: Duration = Duration::from_secs(30);
/// How often it is renewed.
pub(crate) const RENEWED_EVERY: Duration = Duration::from_secs(5);
/// How long another machine's lease has to stand still: clocks don't all go at one speed.
const STANDS_STILL: Duration = Duration::from_secs(35);
/// How often somebody who waits looks.
const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// After how long two who write at the same time have seen each other's.
const SETTLES: Duration = Duration::from_secs(2);

/// The lease, held until it is released.
#[derive(Debug)]
pub(crate) struct Lease<D: Disk> {
    disk: Arc<D>,
    path: String,
    /// Whether another machine had it last, and may not know yet that it has it no more.
    pub(crate) taken_over: bool,
    kept: Mutex<Kept<D::File>>,
    /// By [`Disk::now`], in nanoseconds.
    deadline: AtomicU64,
    /// Why it is not held any more.
    lost: OnceLock<Arc<str>>,
}

#[derive(Debug)]
struct Kept<F> {
    /// Open, so that the lock stays; `None` when released.
    file: Option<F>,
    record: Record,
    /// Where the next is written: not where the newest is.
    slot: usize,
}

/// Takes the lease, waiting for it if another machine has it.
///
/// # Errors
/// [`Error::InUse`], naming the owner; [`Error::Io`].
pub(crate) fn take<D: Disk>(disk: &Arc<D>, partition: &Partition) -> Result<Lease<D>, Error> {
    let path = partition.lease();
    let failed = |error| io_error(&path, error);
    let file = disk.open(&path, Access::Create).map_err(failed)?;
    let locked = disk.lock(&file).map_err(failed)?;
    let found = newest(&**disk, &path)?;
    let in_use = |record: &Record| Error::InUse(record.owner().into());
    if !locked {
        let somebody = || Error::InUse("somebody".into());
        return Err(found.map_or_else(somebody, |(record, _)| in_use(&record)));
    }
    let host = disk.host();
    let stranger = found
        .as_ref()
        .map(|(record, _)| record)
        .filter(|record| !record.host.is_machine_of(&host));
    if let Some(record) = stranger.filter(|record| record.held) {
        let owner = record.owner();
        tracing::warn!(owner, "waiting: another machine has not released the lease");
        wait(&**disk, &path, record)?;
    }
    let taken_over = stranger.is_some();
    let token = disk.random().map_err(failed)?;
    let (epoch, slot) = found.map_or((0, 1), |(record, slot)| (record.epoch, slot));
    let lease = Lease {
        disk: Arc::clone(disk),
        path,
        taken_over,
        kept: Mutex::new(Kept {
            file: Some(file),
            record: Record {
                epoch: epoch.saturating_add(1),
                counter: 0,
                held: true,
                token,
                host,
            },
            slot: 1 - slot.min(1),
        }),
        deadline: AtomicU64::new(0),
        lost: OnceLock::new(),
    };
    lease.claim()?;
    Ok(lease)
}

/// Waits until a lease has stood still for long enough.
fn wait<D: Disk>(disk: &D, path: &str, seen: &Record) -> Result<(), Error> {
    let since = disk.now();
    while disk.now().saturating_sub(since) < STANDS_STILL {
        disk.sleep(LOOKS_EVERY);
        match newest(disk, path)? {
            Some((record, _)) if !record.held => return Ok(()),
            Some((record, _)) if record != *seen => {
                return Err(Error::InUse(record.owner().into()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The newest that the file says, and in which slot.
fn newest<D: Disk>(disk: &D, path: &str) -> Result<Option<(Record, usize)>, Error> {
    let failed = |error| io_error(path, error);
    // Opened anew, so that a network's file system asks its server.
    let file = disk.open(path, Access::Read).map_err(failed)?;
    disk.forget_cache(&file);
    let length = disk.length(&file).map_err(failed)?;
    let mut newest: Option<(Record, usize)> = None;
    for (slot, at) in SLOT_AT.into_iter().enumerate() {
        let mut octets = [0; Record::BYTES];
        if at + Record::BYTES as u64 > length {
            continue;
        }
        disk.read_at(&file, &mut octets, at).map_err(failed)?;
        let order = |record: &Record| (record.epoch, record.counter);
        if let Some(record) = Record::decode(&octets)
            && newest
                .as_ref()
                .is_none_or(|(other, _)| order(other) < order(&record))
        {
            newest = Some((record, slot));
        }
    }
    Ok(newest)
}

impl<D: Disk> Lease<D> {
    /// Says that nobody has it any more, whatever becomes of that.
    pub(crate) fn release(&self) {
        let mut kept = self.kept();
        if kept.file.is_some() && self.lost.get().is_none() {
            let own = self.check(&kept.record);
            kept.record.held = false;
            if let Err(error) = own.and_then(|()| self.write(&mut kept)) {
                tracing::warn!(%error, "the lease could not be released: another machine will wait");
            }
        }
        self.lost.get_or_init(|| "it has been closed".into());
        kept.file = None;
    }

    /// Raises the epoch above one that was found in the log.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn raise_above(&self, epoch: u64) -> Result<u64, Error> {
        let mut kept = self.kept();
        if kept.record.epoch <= epoch {
            kept.record.epoch = epoch.saturating_add(1);
            match self.write(&mut kept) {
                // Then the next segment is the first to say it.
                Ok(()) | Err(Error::Full) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(kept.record.epoch)
    }

    /// That it is held still. Costs a look at the clock, unless it ran out: then it makes sure
    /// that nobody else has come, which takes seconds.
    ///
    /// # Errors
    /// [`Error::OutOfService`]: it is lost, for good.
    pub(crate) fn hold(&self) -> Result<(), Error> {
        if self.lost.get().is_none() && !self.has_run_out() {
            return Ok(());
        }
        self.renew()
    }

    /// The same by the file itself.
    ///
    /// # Errors
    /// As [`Lease::hold`]; [`Error::Io`].
    pub(crate) fn look(&self) -> Result<(), Error> {
        self.hold()?;
        self.check(&self.kept().record)
    }

    /// Renews it.
    ///
    /// # Errors
    /// As [`Lease::hold`]. That it could not be renewed in time for other reasons is none.
    pub(crate) fn renew(&self) -> Result<(), Error> {
        let mut kept = self.kept();
        if let Some(why) = self.lost.get() {
            return Err(Error::OutOfService(Arc::clone(why)));
        }
        let late = self.has_run_out();
        let renewed = self.renew_once(&mut kept, late);
        match &renewed {
            Ok(()) => return Ok(()),
            Err(error) => tracing::warn!(%error, "the lease could not be renewed"),
        }
        match self.lost.get() {
            Some(why) => Err(Error::OutOfService(Arc::clone(why))),
            None if late => Err(self.lose("the lease ran out and could not be renewed")),
            None => Ok(()),
        }
    }

    fn renew_once(&self, kept: &mut Kept<D::File>, late: bool) -> Result<(), Error> {
        self.check(&kept.record)?;
        let since = self.disk.now();
        match self.write(kept) {
            // Where there is no space for this, there is none for another's either.
            Ok(()) | Err(Error::Full) => {}
            Err(error) => return Err(error),
        }
        if late {
            // Somebody may have waited for this, and be taking it now.
            self.disk.sleep(SETTLES);
            self.check(&kept.record)?;
        }
        self.hold_from(since);
        Ok(())
    }

    /// The first writing of it.
    fn claim(&self) -> Result<(), Error> {
        let mut kept = self.kept();
        let since = self.disk.now();
        match self.write(&mut kept) {
            Ok(()) | Err(Error::Full) => {}
            Err(error) => return Err(error),
        }
        if self.taken_over {
            // Its holder may have slept, and be renewing it now.
            self.disk.sleep(SETTLES);
            if let Some((record, _)) = newest(&*self.disk, &self.path)?
                && record.token != kept.record.token
            {
                return Err(Error::InUse(record.owner().into()));
            }
        }
        self.hold_from(since);
        Ok(())
    }

    /// That the file says nobody else's.
    fn check(&self, own: &Record) -> Result<(), Error> {
        match newest(&*self.disk, &self.path)? {
            Some((record, _)) if record.token != own.token && record.epoch >= own.epoch => {
                let owner = record.owner();
                Err(self.lose(&format!("{owner} has taken the lease")))
            }
            _ => Ok(()),
        }
    }

    fn lose(&self, why: &str) -> Error {
        tracing::error!(why, "the partition is out of service");
        Error::OutOfService(Arc::clone(self.lost.get_or_init(|| why.into())))
    }

    /// Writes the record with the next counter where the newest is not.
    fn write(&self, kept: &mut Kept<D::File>) -> Result<(), Error> {
        let failed = |error| io_error(&self.path, error);
        let Some(file) = &kept.file else {
            return Ok(());
        };
        if self.disk.length(file).map_err(failed)? < SLOTS {
            // All its space from the first, for when there is no more.
            self.disk.allocate(file, SLOTS).map_err(failed)?;
        }
        kept.record.counter += 1;
        let octets = kept.record.encode();
        let at = SLOT_AT.get(kept.slot).copied().unwrap_or_default();
        self.disk
            .write_at(file, &[std::io::IoSlice::new(&octets)], at)
            .and_then(|()| self.disk.sync(file))
            .map_err(failed)?;
        kept.slot = 1 - kept.slot.min(1);
        Ok(())
    }

    fn hold_from(&self, since: Duration) {
        let until = nanoseconds(since + LASTS);
        self.deadline.fetch_max(until, Ordering::AcqRel);
    }

    fn has_run_out(&self) -> bool {
        nanoseconds(self.disk.now()) >= self.deadline.load(Ordering::Acquire)
    }

    fn kept(&self) -> MutexGuard<'_, Kept<D::File>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Renews a lease until it is dropped.
#[derive(Debug)]
pub(crate) struct Renewer {
    stopped: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Renewer {
    /// Starts its thread.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn start<D: Disk>(lease: &Arc<Lease<D>>) -> std::io::Result<Self> {
        let stopped = Arc::new((Mutex::new(false), Condvar::new()));
        let (lease, told) = (Arc::clone(lease), Arc::clone(&stopped));
        let renew = move || {
            let (stopped, tell) = &*told;
            let mut stop = stopped.lock().unwrap_or_else(PoisonError::into_inner);
            while !*stop {
                let woken = tell.wait_timeout(stop, RENEWED_EVERY);
                stop = woken.unwrap_or_else(PoisonError::into_inner).0;
                if *stop {
                    break;
                }
                drop(stop);
                if lease.renew().is_err() {
                    return;
                }
                stop = stopped.lock().unwrap_or_else(PoisonError::into_inner);
            }
        };
        let thread = thread::Builder::new()
            .name("store-lease".into())
            .spawn(renew)?;
        Ok(Self {
            stopped,
            thread: Some(thread),
        })
    }
}

impl Drop for Renewer {
    fn drop(&mut self) {
        let (stopped, tell) = &*self.stopped;
        *stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        tell.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
