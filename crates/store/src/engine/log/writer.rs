//! Group commit: the one thread that writes the log.
//!
//! It takes everything that waits, writes it with one call, syncs once if any of it is an
//! append, and then tells everyone, in order. While it syncs, the next group gathers.

use std::{
    io::IoSlice,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use super::{
    disk::{Access, Disk},
    files::{Segment, io_error, is_full},
    format::{RecordHeader, SEGMENT_HEADER_BYTES, SegmentHeader, Type, span},
    index::Place,
    open_files::OpenFiles,
    shared::{Group, Item, Settling, Shared, Written},
};
use crate::{engine::Position, error::Error, id::AccountId};

/// How long after the last group a closing commit is written, so that the last group, too,
/// is proven to have been durable. Not synced: it costs one small write.
const CLOSE_AFTER: Duration = Duration::from_millis(10);
/// Space kept for when there is no more: expunges and the like fit in it for long.
const RESERVE_BYTES: u64 = 4 << 20;

/// The writer's state; it lives on its thread.
#[derive(Debug)]
pub(crate) struct Writer<D: Disk> {
    shared: Arc<Shared<D>>,
    template: SegmentHeader,
    next_number: u64,
    current: Option<Current<D::File>>,
    /// Where the next record goes.
    end: u64,
    /// The start of the open group: everything before it is durable.
    group_start: u64,
    /// Whether the last record is a commit of an empty group.
    closed: bool,
    /// Those of the segments that were written here.
    files: Arc<OpenFiles<D::File>>,
}

#[derive(Debug)]
struct Current<F> {
    segment: Arc<Segment<F>>,
    /// The LSN at which its space ends.
    limit: u64,
    unsynced: bool,
    /// A write into it failed: what is beyond the end is not to be trusted.
    spoiled: bool,
    /// It is the reserve: for groups without puts only.
    reserve: bool,
}

/// Where a writer goes on.
#[derive(Debug)]
pub(crate) struct Start<F> {
    /// The header of the segments to come, but for number, first LSN and salt.
    pub(crate) template: SegmentHeader,
    pub(crate) next_number: u64,
    pub(crate) end: u64,
    /// The last segment, if its tail is clean, and its length.
    pub(crate) current: Option<(Arc<Segment<F>>, u64)>,
}

/// Where the space of a segment is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    New,
    Reserve,
}

/// How a group failed.
#[derive(Debug)]
enum Failure {
    /// Nothing of it is in the log; the next may succeed.
    Refused(Error),
    /// What the disk has is not known any more.
    Fatal(Error),
}

impl<D: Disk> Writer<D> {
    pub(crate) fn new(shared: Arc<Shared<D>>, start: Start<D::File>) -> Self {
        let current = start.current.map(|(segment, length)| Current {
            limit: segment.first_lsn() + length.saturating_sub(SEGMENT_HEADER_BYTES),
            segment,
            unsynced: false,
            spoiled: false,
            reserve: false,
        });
        Self {
            shared,
            template: start.template,
            next_number: start.next_number,
            current,
            end: start.end,
            group_start: start.end,
            closed: true,
            files: OpenFiles::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> Arc<Shared<D>> {
        Arc::clone(&self.shared)
    }

    /// Writes groups until the queue is stopped and empty.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        // However this thread ends, nobody may wait for it in vain.
        let _stopped = shared.stop_guard();
        while let Some(group) = shared.next_group((!self.closed).then_some(CLOSE_AFTER)) {
            self.take(group);
        }
        self.close_group();
        if let Some(current) = &self.current
            && current.unsynced
            && self.sync(&current.segment).is_err()
        {
            tracing::warn!("the last commit of the log could not be synced");
        }
    }

    pub(super) fn take(&mut self, mut group: Group) {
        if group.items.is_empty() && group.commit.is_none() {
            return self.close_group();
        }
        match self.write(&mut group) {
            Ok(()) => self.finish(group),
            Err(failure) => self.fail(group, &failure),
        }
    }

    fn write(&mut self, group: &mut Group) -> Result<(), Failure> {
        let lease = Arc::clone(&self.shared.lease);
        lease.hold().map_err(Failure::Fatal)?;
        let start = self.end;
        let octets = group.end - start;
        let put = |it: &Item| matches!(it.header.kind, Type::Blob | Type::Message);
        let puts = group.items.iter().any(put);
        let fits = self.current.as_ref().is_some_and(|current| {
            !current.spoiled && group.end <= current.limit && !(puts && current.reserve)
        });
        if !fits {
            match self.roll(octets, Space::New) {
                Err(Failure::Refused(Error::Full)) if !puts => {
                    self.roll(octets, Space::Reserve)?;
                }
                other => other?,
            }
        }
        self.put_down(group)?;
        self.end = group.end;
        self.closed = false;
        if let Some(current) = &mut self.current {
            current.unsynced = true;
        }
        self.shared.publish_written(self.end);
        if group.commit.is_some() {
            let segment = self.current.as_ref().map(|it| Arc::clone(&it.segment));
            if let Some(segment) = segment {
                self.sync(&segment).map_err(Failure::Fatal)?;
            }
            // It may have taken so long that somebody else has it now.
            lease.hold().map_err(Failure::Fatal)?;
            if let Some(current) = &mut self.current {
                current.unsynced = false;
            }
            self.group_start = self.end;
        }
        Ok(())
    }

    fn sync(&self, segment: &Segment<D::File>) -> Result<(), Error> {
        let disk = &*self.shared.disk;
        disk.sync(&*segment.file(disk)?)
            .map_err(|error| out_of_service(segment.path(), "sync", &error))
    }

    /// Writes the group's records, and its commit, in one call.
    fn put_down(&mut self, group: &mut Group) -> Result<(), Failure> {
        let Some(current) = &mut self.current else {
            return Err(Failure::Refused(Error::Full));
        };
        let seal = current.segment.seal();
        let mut rest = &mut *group.octets;
        for Item { header, .. } in &group.items {
            let length = usize::try_from(header.span()).unwrap_or(usize::MAX);
            let (record, after) = rest
                .split_at_mut_checked(length)
                .expect("every item has its octets in the group");
            if let Some(room) = record.first_chunk_mut() {
                *room = header.encode(seal);
            }
            rest = after;
        }
        if let Some(lsn) = group.commit {
            let commit = commit(lsn, self.group_start, self.template.epoch);
            group.octets.extend_from_slice(&commit.encode(seal));
        }
        let slices = [IoSlice::new(&group.octets)];
        let disk = &*self.shared.disk;
        let segment = &current.segment;
        let file = segment.file(disk).map_err(Failure::Refused)?;
        match disk.write_at(&file, &slices, segment.offset(self.end)) {
            Ok(()) => Ok(()),
            Err(error) => {
                current.spoiled = true;
                Err(if is_full(&error) {
                    Failure::Refused(Error::Full)
                } else {
                    Failure::Fatal(out_of_service(segment.path(), "write", &error))
                })
            }
        }
    }

    /// Seals the current segment and begins the next, which has room for `octets`.
    fn roll(&mut self, octets: u64, space: Space) -> Result<(), Failure> {
        if let Some(current) = &mut self.current
            && current.unsynced
        {
            let segment = Arc::clone(&current.segment);
            current.unsynced = false;
            self.sync(&segment).map_err(Failure::Fatal)?;
        }
        let salt = self.shared.disk.random();
        let header = SegmentHeader {
            number: self.next_number,
            first_lsn: self.end,
            salt: salt.map_err(|error| Failure::Refused(io_error("the random numbers", error)))?,
            ..self.template
        };
        let (file, length) = match space {
            Space::New => {
                let length = SEGMENT_HEADER_BYTES + octets.max(self.shared.segment_bytes);
                (self.create(&header, length)?, length)
            }
            Space::Reserve => self.use_reserve(&header, octets)?,
        };
        let path = self.shared.partition.segment(header.number);
        let segment = Arc::new(Segment::new(header, &path, &self.files).opened(file));
        self.next_number += 1;
        self.group_start = self.end;
        self.shared.add_segment(&segment);
        let sealed = self.current.replace(Current {
            segment,
            limit: self.end + length - SEGMENT_HEADER_BYTES,
            unsynced: false,
            spoiled: false,
            reserve: space == Space::Reserve,
        });
        if let Some(sealed) = sealed {
            // Gives back what it did not need. If that fails, nothing is lost but the space.
            let disk = &*self.shared.disk;
            sealed.segment.seal_at(self.end);
            let used = sealed.segment.offset(self.end);
            let _ = sealed
                .segment
                .file(disk)
                .map(|file| disk.set_length(&file, used));
            sealed.segment.written();
        }
        if space == Space::New {
            self.keep_reserve();
        }
        Ok(())
    }

    /// Makes a segment durable under another name first, so that a segment always has a header.
    fn create(&self, header: &SegmentHeader, length: u64) -> Result<D::File, Failure> {
        let disk = &*self.shared.disk;
        let path = self.shared.partition.segment(header.number);
        let new = self.shared.partition.next();
        let made = disk.open(&new, Access::Create).and_then(|file| {
            disk.set_length(&file, 0)?;
            disk.allocate(&file, length)?;
            disk.write_at(&file, &[IoSlice::new(&header.encode())], 0)?;
            disk.sync(&file)?;
            Ok(file)
        });
        let file = made.map_err(|error| {
            // What is left of it would only take the space that is wanting.
            let _ = disk.remove(&new);
            Failure::Refused(io_error(&path, error))
        })?;
        self.install(&new, &path)?;
        Ok(file)
    }

    /// Gives a segment its name. From then on it may be there, whatever is answered, and then
    /// nothing more may go into the one before.
    fn install(&self, from: &str, path: &str) -> Result<(), Failure> {
        let disk = &*self.shared.disk;
        // A segment of that name must not be another's.
        self.shared.lease.look().map_err(|error| match error {
            Error::OutOfService(_) => Failure::Fatal(error),
            _ => Failure::Refused(error),
        })?;
        disk.rename(from, path)
            .and_then(|()| disk.sync_dir(&self.shared.partition.log()))
            .map_err(|error| Failure::Fatal(out_of_service(path, "making", &error)))
    }

    /// Makes the reserve the next segment, if it has room for `octets`.
    fn use_reserve(&self, header: &SegmentHeader, octets: u64) -> Result<(D::File, u64), Failure> {
        let disk = &*self.shared.disk;
        let reserve = self.shared.partition.reserve();
        let made = disk.open(&reserve, Access::Write).and_then(|file| {
            let length = disk.length(&file)?;
            if length < SEGMENT_HEADER_BYTES + octets {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            disk.write_at(&file, &[IoSlice::new(&header.encode())], 0)?;
            disk.sync(&file)?;
            Ok((file, length))
        });
        // That there is none, or none that is good, is the same as a full disk.
        let (file, length) = made.map_err(|_| Failure::Refused(Error::Full))?;
        self.install(&reserve, &self.shared.partition.segment(header.number))?;
        tracing::warn!("the disk is full: writing into the reserve");
        Ok((file, length))
    }

    /// Sees to it that there is a reserve. If it can't be had now, then with the next segment.
    fn keep_reserve(&self) {
        let disk = &*self.shared.disk;
        let length = SEGMENT_HEADER_BYTES + RESERVE_BYTES.min(self.shared.segment_bytes);
        let reserve = self.shared.partition.reserve();
        let there = disk
            .open(&reserve, Access::Read)
            .and_then(|file| disk.length(&file));
        if there.is_ok_and(|there| there >= length) {
            return;
        }
        let made = disk.open(&reserve, Access::Create).and_then(|file| {
            disk.allocate(&file, length)?;
            disk.sync(&file)
        });
        if let Err(error) = made {
            tracing::warn!(%error, "no space for the reserve");
            let _ = disk.remove(&reserve);
        }
    }

    /// Everything of the group is where it should be: tell.
    fn finish(&mut self, mut group: Group) {
        let position = Position(self.end);
        self.shared.queue().written(&mut group);
        if group.commit.is_some() {
            let mut index = self
                .shared
                .index
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            for item in &group.items {
                if item.header.kind == Type::Batch {
                    index.add(AccountId(item.header.account), item.place());
                }
            }
            drop(index);
            self.shared.durable.store(position.0, Ordering::Release);
        }
        let octets = group.budget();
        tell(group.items, group.settling, &Ok(position));
        self.shared.budget.add_permits(octets);
    }

    /// The group failed, and everything that was built on it: whatever waits now.
    fn fail(&mut self, group: Group, failure: &Failure) {
        let (Failure::Refused(error) | Failure::Fatal(error)) = failure;
        tracing::error!(%error, "a group of writes failed");
        let fatal = matches!(failure, Failure::Fatal(_));
        // After a failed sync the group is written, but nobody may build on it.
        let (mut failed, mut settling) = (group.items, group.settling);
        let generation = {
            let mut queue = self.shared.queue();
            let index = self
                .shared
                .index
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            failed.append(&mut queue.items);
            settling.append(&mut queue.settling);
            for item in failed.iter().filter(|item| item.header.kind == Type::Batch) {
                let account = AccountId(item.header.account);
                let last = index.last(account);
                queue.heads.insert(account, last);
            }
            queue.fail(self.end, error.clone(), fatal)
        };
        self.shared.written.send_replace(Written {
            end: self.end,
            generation,
        });
        let octets = failed.iter().map(Item::budget).sum();
        tell(failed, settling, &Err(error.clone()));
        self.shared.budget.add_permits(octets);
    }

    /// Writes a commit of an empty group, unsynced: the log ends cleanly.
    pub(super) fn close_group(&mut self) {
        if self.closed {
            return;
        }
        // Whatever comes of it, once is enough.
        self.closed = true;
        let room = self
            .current
            .as_ref()
            .is_some_and(|it| !it.spoiled && self.end + span(0) <= it.limit);
        if !room || self.shared.lease.hold().is_err() {
            return;
        }
        let Some(end) = self.shared.reserve_commit(self.end) else {
            return;
        };
        let mut group = Group {
            items: Vec::new(),
            octets: Vec::new(),
            settling: Vec::new(),
            commit: Some(self.end),
            end,
        };
        match self.put_down(&mut group) {
            Ok(()) => {
                self.end = end;
                self.shared.publish_written(end);
                if let Some(current) = &mut self.current {
                    current.unsynced = true;
                }
            }
            Err(failure) => self.fail(group, &failure),
        }
    }
}

/// The record that closes a group.
fn commit(lsn: u64, group_start: u64, epoch: u64) -> RecordHeader {
    RecordHeader {
        kind: Type::Commit,
        length: 0,
        body_sum: 0,
        lsn,
        account: group_start,
        seq: epoch,
    }
}

impl Item {
    fn place(&self) -> Place {
        Place {
            seq: self.header.seq,
            lsn: self.header.lsn,
            length: self.header.length as usize,
        }
    }
}

fn tell(items: Vec<Item>, settling: Vec<Settling>, result: &Result<Position, Error>) {
    let waiting = items.into_iter().filter_map(|item| item.done);
    for done in waiting.chain(settling.into_iter().map(|it| it.0)) {
        let result = result.clone();
        if catch_unwind(AssertUnwindSafe(|| done(result))).is_err() {
            tracing::error!("a listener to the log panicked");
        }
    }
}

fn out_of_service(path: &str, what: &str, error: &std::io::Error) -> Error {
    Error::OutOfService(format!("{what} of {path} failed: {error}").into())
}
