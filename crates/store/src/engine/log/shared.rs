//! What the callers, the writer and the readers of a log share.

use std::{
    collections::HashMap,
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::{Semaphore, watch};

use super::{
    checkpoint::Checkpoint,
    disk::Disk,
    files::{Partition, Segment},
    format::{RECORD_HEADER_BYTES, RecordHeader, Type, padding, span},
    freed::Freed,
    gaps::Gap,
    index::Index,
    lease::Lease,
    pins::{Pin, Pins},
    pool::Pool,
};
use crate::{
    checksum::crc32c,
    engine::{Damage, Done, Ref, Writes},
    error::Error,
    id::AccountId,
};

/// Octets of puts that may wait for the writer.
pub(crate) const QUEUE_BYTES_MAX: usize = 16 << 20;
/// Puts alone wake the writer when so many octets wait: an append that comes before saves a write.
const PUTS_BYTES: usize = 256 << 10;
/// The room of a group: as much as many clients write at once. There are two, one that gathers and one that is
/// written; they stay where they are, and take memory as far as they were ever filled.
const ROOM_BYTES: usize = 2 << 20;

/// How long what nobody waits for may wait for what somebody does.
pub(crate) const PATIENCE: Duration = Duration::from_millis(10);

/// How far the log is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) end: u64,
    pub(crate) generation: u64,
}

/// Everything of an open log that more than one thread uses.
#[derive(Debug)]
pub(crate) struct Shared<D: Disk> {
    pub(crate) disk: Arc<D>,
    /// Whoever changes a file of the partition holds it.
    pub(crate) lease: Arc<Lease<D>>,
    pub(crate) partition: Partition,
    pub(crate) segment_bytes: u64,
    queue: Mutex<Queue>,
    wake: Condvar,
    pub(crate) budget: Semaphore,
    pub(crate) index: Mutex<Index>,
    /// Ascending by first LSN.
    pub(crate) segments: ArcSwap<Vec<Arc<Segment<D::File>>>>,
    /// What stands for segments that were removed, by number.
    pub(crate) tombstones: ArcSwap<Vec<Freed>>,
    pub(crate) written: watch::Sender<Written>,
    /// The same end, cheap to ask.
    pub(crate) written_end: AtomicU64,
    pub(crate) durable: AtomicU64,
    pub(crate) checkpoint: Checkpoint<D>,
    pub(crate) checkpointed: AtomicU64,
    pub(crate) pins: Arc<Pins>,
    pub(crate) pool: Pool,
    pub(crate) damages: Vec<Damage>,
    /// What was lost of the log when it was opened.
    pub(crate) gaps: Vec<Gap>,
    pub(crate) stopped: watch::Sender<bool>,
}

/// What waits for the writer.
#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) items: Vec<Item>,
    /// Told when all that was queued before them is durable.
    pub(crate) settling: Vec<Settling>,
    /// The records of `items` as they will lie in the log, but for their headers, which depend on the segment.
    octets: Vec<u8>,
    /// Room for those of the group after.
    spare: Vec<u8>,
    haste: Haste,
    rest: Rest,
    next_lsn: u64,
    generation: u64,
    /// Why the last generation ended.
    ended: Option<Error>,
    /// Why nothing is written any more.
    refused: Option<Error>,
    stop: bool,
    /// The last batch of each account, counting those that wait.
    pub(crate) heads: HashMap<AccountId, u64>,
    /// What was cut off on opening, until it is written down.
    notice: Option<Vec<u8>>,
}

/// How soon what waits is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Haste {
    /// With an append, or when there is much.
    None,
    /// With what somebody waits for, or after [`PATIENCE`].
    Patient,
    /// Now.
    Urgent,
}

/// What the writer does while it has nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// It looks whether it has.
    Awake,
    /// It waits to be woken, and for a while.
    Dozes,
    /// It waits to be woken.
    Sleeps,
}

impl Queue {
    /// Ends the generation: the log goes on at `end`. Returns the new one.
    pub(crate) fn fail(&mut self, end: u64, error: Error, fatal: bool) -> u64 {
        self.generation += 1;
        self.next_lsn = end;
        self.octets.clear();
        self.haste = Haste::None;
        if fatal {
            self.refused.get_or_insert_with(|| error.clone());
        }
        self.ended = Some(error);
        if self.refused.is_none() && !self.stop {
            self.push_notice();
        }
        self.generation
    }

    /// Has what was cut off written down with the next group.
    fn push_notice(&mut self) {
        if let Some(notice) = &self.notice {
            let notice = notice.clone();
            self.push(Type::Lost, 0, 0, Content::new(&notice, None));
        }
    }

    /// A group was written: its room is of use again.
    pub(crate) fn written(&mut self, group: &mut Group) {
        let mut room = mem::take(&mut group.octets);
        room.clear();
        room.shrink_to(ROOM_BYTES);
        self.spare = room;
        if group.items.iter().any(|it| it.header.kind == Type::Lost) {
            self.notice = None;
        }
    }

    fn admit(&self, writes: Writes) -> Result<(), Error> {
        if let Some(error) = &self.refused {
            return Err(error.clone());
        }
        if self.stop {
            return Err(closed());
        }
        if writes.generation != self.generation {
            return Err(self.ended.clone().unwrap_or(Error::Full));
        }
        Ok(())
    }

    /// Puts an item in its place: an LSN.
    fn push(&mut self, kind: Type, account: u64, seq: u64, content: Content<'_>) -> u64 {
        let Content { body, sum, done } = content;
        let lsn = self.next_lsn;
        let length = body.len();
        self.next_lsn += span(length);
        let body_at = self.octets.len() + RECORD_HEADER_BYTES;
        self.octets.resize(body_at, 0);
        self.octets.extend_from_slice(body);
        self.octets.resize(body_at + length + padding(length), 0);
        self.items.push(Item {
            header: RecordHeader {
                kind,
                // Callers have checked it against limits far below.
                length: u32::try_from(length).unwrap_or(u32::MAX),
                body_sum: sum,
                lsn,
                account,
                seq,
            },
            done,
        });
        lsn
    }
}

/// Somebody who waits for what was put before.
pub(crate) struct Settling(pub(crate) Done);

impl std::fmt::Debug for Settling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settling")
    }
}

/// A record that waits.
pub(crate) struct Item {
    pub(crate) header: RecordHeader,
    pub(crate) done: Option<Done>,
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.header.fmt(f)
    }
}

impl Item {
    /// What it took from the queue's budget.
    pub(crate) fn budget(&self) -> usize {
        match self.header.kind {
            Type::Blob | Type::Message => self.header.length as usize,
            _ => 0,
        }
    }
}

/// A body with its checksum, which is computed before any lock is taken.
pub(crate) struct Content<'a> {
    body: &'a [u8],
    sum: u32,
    done: Option<Done>,
}

impl<'a> Content<'a> {
    pub(crate) fn new(body: &'a [u8], done: Option<Done>) -> Self {
        Self {
            sum: crc32c(body),
            body,
            done,
        }
    }
}

/// What is written together.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) items: Vec<Item>,
    /// Their records, but for the headers.
    pub(crate) octets: Vec<u8>,
    /// Told with it.
    pub(crate) settling: Vec<Settling>,
    /// The LSN of the record that closes it: only if there is an append in it, or somebody
    /// to be told that puts are durable.
    pub(crate) commit: Option<u64>,
    /// The LSN after it.
    pub(crate) end: u64,
}

impl Group {
    pub(crate) fn budget(&self) -> usize {
        self.items.iter().map(Item::budget).sum()
    }
}

/// What a [`Shared`] is made of.
pub(crate) struct Parts<D: Disk> {
    pub(crate) disk: Arc<D>,
    pub(crate) lease: Arc<Lease<D>>,
    pub(crate) partition: Partition,
    pub(crate) segment_bytes: u64,
    pub(crate) index: Index,
    pub(crate) segments: Vec<Arc<Segment<D::File>>>,
    pub(crate) tombstones: Vec<Freed>,
    pub(crate) end: u64,
    pub(crate) checkpoint: Checkpoint<D>,
    pub(crate) checkpointed: u64,
    pub(crate) pool: Pool,
    pub(crate) damages: Vec<Damage>,
    pub(crate) gaps: Vec<Gap>,
    /// What was cut off on opening, to be written down before anything else.
    pub(crate) cut: Option<Vec<u8>>,
}

impl<D: Disk> Shared<D> {
    pub(crate) fn new(parts: Parts<D>) -> Self {
        let end = parts.end;
        let this = Self {
            disk: parts.disk,
            lease: parts.lease,
            partition: parts.partition,
            segment_bytes: parts.segment_bytes,
            queue: Mutex::new(Queue {
                items: Vec::new(),
                settling: Vec::new(),
                octets: Vec::with_capacity(ROOM_BYTES),
                spare: Vec::with_capacity(ROOM_BYTES),
                haste: Haste::None,
                rest: Rest::Awake,
                next_lsn: end,
                generation: 1,
                ended: None,
                refused: None,
                stop: false,
                heads: parts.index.lasts().collect(),
                notice: parts.cut,
            }),
            wake: Condvar::new(),
            budget: Semaphore::new(QUEUE_BYTES_MAX),
            index: Mutex::new(parts.index),
            segments: ArcSwap::from_pointee(parts.segments),
            tombstones: ArcSwap::from_pointee(parts.tombstones),
            written: watch::Sender::new(Written { end, generation: 1 }),
            written_end: AtomicU64::new(end),
            durable: AtomicU64::new(end),
            checkpoint: parts.checkpoint,
            checkpointed: AtomicU64::new(parts.checkpointed),
            pins: Arc::default(),
            pool: parts.pool,
            damages: parts.damages,
            gaps: parts.gaps,
            stopped: watch::Sender::new(false),
        };
        this.queue().push_notice();
        this
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self) -> Writes {
        Writes {
            partition: self.partition.number,
            generation: self.queue().generation,
            patient: false,
        }
    }

    /// Whether a context is of this partition: one of another says nothing here.
    fn admit(&self, writes: Writes) -> Result<(), Error> {
        if writes.partition == self.partition.number {
            Ok(())
        } else {
            Err(Error::NotPermitted("a write to another partition"))
        }
    }

    /// Pins what is put from now on.
    pub(crate) fn pin(&self) -> Pin {
        self.pins.pin(|| self.queue().next_lsn)
    }

    /// Queues a record.
    pub(crate) fn put(
        &self,
        writes: Writes,
        kind: Type,
        account: u64,
        content: Content<'_>,
    ) -> Result<Ref, Error> {
        self.admit(writes)?;
        let mut queue = self.queue();
        queue.admit(writes)?;
        let lsn = queue.push(kind, account, 0, content);
        if queue.octets.len() >= PUTS_BYTES {
            self.wake_writer(queue);
        }
        Ok(Ref::new(self.partition.number, lsn))
    }

    /// Queues a batch.
    pub(crate) fn append(
        &self,
        writes: Writes,
        account: AccountId,
        seq: u64,
        content: Content<'_>,
    ) -> Result<(), Error> {
        self.admit(writes)?;
        let mut queue = self.queue();
        queue.admit(writes)?;
        let head = queue.heads.get(&account).copied();
        if head.and_then(|head| head.checked_add(1)) != Some(seq) {
            // After a failed group the caller may not have been told of it yet.
            let failed = queue.ended.clone();
            let moved = Error::NotPermitted("the account's log has moved on");
            return Err(failed.unwrap_or(moved));
        }
        queue.heads.insert(account, seq);
        queue.push(Type::Batch, account.0, seq, content);
        if writes.patient {
            self.tell_writer(queue);
        } else {
            self.wake_writer(queue);
        }
        Ok(())
    }

    /// Has the writer make durable what waits and what was written, though nobody appends.
    pub(crate) fn settle(&self, writes: Writes, done: Done) -> Result<(), Error> {
        self.admit(writes)?;
        let mut queue = self.queue();
        queue.admit(writes)?;
        queue.settling.push(Settling(done));
        self.wake_writer(queue);
        Ok(())
    }

    /// Has the writer write what waits, though nobody has appended; `false` if an LSN is
    /// not among what waits or is written.
    pub(crate) fn flush_to(&self, lsn: u64) -> bool {
        let queue = self.queue();
        let is_there = lsn < queue.next_lsn;
        self.wake_writer(queue);
        is_there
    }

    /// Has the writer take what waits, if anything does.
    pub(crate) fn hurry(&self) {
        let queue = self.queue();
        if queue.haste == Haste::Patient {
            self.wake_writer(queue);
        }
    }

    /// Has the writer take what waits after a while.
    fn tell_writer(&self, mut queue: MutexGuard<'_, Queue>) {
        queue.haste = queue.haste.max(Haste::Patient);
        let sleeps = queue.rest == Rest::Sleeps;
        drop(queue);
        if sleeps {
            self.wake.notify_one();
        }
    }

    /// Has the writer take what waits. It is woken with the lock released: it would only wait for that, and be
    /// woken a second time.
    fn wake_writer(&self, mut queue: MutexGuard<'_, Queue>) {
        queue.haste = Haste::Urgent;
        let rests = mem::replace(&mut queue.rest, Rest::Awake) != Rest::Awake;
        drop(queue);
        if rests {
            self.wake.notify_one();
        }
    }

    /// Stops taking writes; the writer finishes what waits.
    pub(crate) fn stop(&self) {
        let mut queue = self.queue();
        queue.stop = true;
        self.budget.close();
        self.wake_writer(queue);
    }

    /// The next group to write; an empty one if nothing came for `idle`; `None` when stopped.
    pub(crate) fn next_group(&self, idle: Option<Duration>) -> Option<Group> {
        let mut queue = self.queue();
        loop {
            let idle_queue = queue.items.is_empty() && queue.settling.is_empty();
            if queue.haste == Haste::Urgent && !idle_queue {
                break;
            }
            if queue.stop {
                if idle_queue {
                    return None;
                }
                break;
            }
            let patient = queue.haste == Haste::Patient;
            match idle.or(patient.then_some(PATIENCE)) {
                None => {
                    queue.rest = Rest::Sleeps;
                    queue = self
                        .wake
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                Some(doze) => {
                    queue.rest = Rest::Dozes;
                    let (woken, timeout) = self
                        .wake
                        .wait_timeout(queue, doze)
                        .unwrap_or_else(PoisonError::into_inner);
                    queue = woken;
                    let nothing = queue.items.is_empty() && queue.settling.is_empty();
                    if timeout.timed_out() && nothing && !queue.stop {
                        queue.rest = Rest::Awake;
                        return Some(Group {
                            items: Vec::new(),
                            octets: Vec::new(),
                            settling: Vec::new(),
                            commit: None,
                            end: queue.next_lsn,
                        });
                    }
                    if timeout.timed_out() && queue.haste == Haste::Patient {
                        queue.haste = Haste::Urgent;
                    }
                }
            }
            queue.rest = Rest::Awake;
        }
        queue.haste = Haste::None;
        let items = mem::take(&mut queue.items);
        let room = mem::take(&mut queue.spare);
        let octets = mem::replace(&mut queue.octets, room);
        let settling = mem::take(&mut queue.settling);
        let appends = items.iter().any(|item| item.header.kind == Type::Batch);
        let appends = appends || !settling.is_empty();
        let commit = appends.then_some(queue.next_lsn);
        if appends {
            queue.next_lsn += span(0);
        }
        Some(Group {
            items,
            octets,
            settling,
            commit,
            end: queue.next_lsn,
        })
    }

    /// Whether something waits that the writer writes now or after a while.
    #[cfg(test)]
    pub(crate) fn is_due(&self) -> bool {
        let queue = self.queue();
        queue.haste != Haste::None && !queue.items.is_empty()
    }

    /// Takes the place of a commit at `end`, if nothing else has; says where it ends.
    pub(crate) fn reserve_commit(&self, end: u64) -> Option<u64> {
        let mut queue = self.queue();
        let free = queue.next_lsn == end && queue.refused.is_none();
        free.then(|| {
            queue.next_lsn += span(0);
            queue.next_lsn
        })
    }

    pub(crate) fn publish_written(&self, end: u64) {
        self.written_end.store(end, Ordering::Release);
        self.written.send_if_modified(|written| {
            written.end = end;
            true
        });
    }

    pub(crate) fn add_segment(&self, segment: &Arc<Segment<D::File>>) {
        self.change_segments(|segments| segments.push(Arc::clone(segment)));
    }

    /// Changes the list of segments: the writer adds to it, compaction takes from it.
    pub(crate) fn change_segments(&self, change: impl Fn(&mut Vec<Arc<Segment<D::File>>>)) {
        self.segments.rcu(|segments| {
            let mut segments = Vec::clone(segments);
            change(&mut segments);
            segments
        });
    }

    /// Refuses everything from when it is dropped.
    pub(crate) fn stop_guard(self: &Arc<Self>) -> StopGuard<D> {
        StopGuard(Arc::clone(self))
    }

    /// Why nothing is written any more, if so.
    pub(crate) fn refused(&self) -> Option<Error> {
        self.queue().refused.clone()
    }
}

/// See [`Shared::stop_guard`].
pub(crate) struct StopGuard<D: Disk>(Arc<Shared<D>>);

impl<D: Disk> Drop for StopGuard<D> {
    fn drop(&mut self) {
        let (abandoned, settling) = {
            let mut queue = self.0.queue();
            queue.stop = true;
            (mem::take(&mut queue.items), mem::take(&mut queue.settling))
        };
        self.0.budget.close();
        let waiting = abandoned.into_iter().filter_map(|item| item.done);
        for done in waiting.chain(settling.into_iter().map(|it| it.0)) {
            done(Err(closed()));
        }
        // Whoever waits to read what was queued waits no longer.
        self.0
            .written
            .send_modify(|written| written.generation += 1);
        self.0.stopped.send_replace(true);
    }
}

/// The log has been closed.
pub(crate) fn closed() -> Error {
    Error::OutOfService("it has been closed".into())
}
