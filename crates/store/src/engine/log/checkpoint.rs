//! The derived state: keys and values in a redb file, which the log can always rebuild.
//!
//! Each value carries a checksum over key and value: redb keeps its own structure
//! consistent, but does not notice a bit that flips in a value at rest.

use std::{
    fmt, io,
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use redb::{Database, ReadableDatabase, StorageBackend, TableDefinition};

use super::{
    disk::{Access, Disk},
    files::Partition,
    gaps::{self, Gap},
    index::Place,
};
use crate::{
    checksum::{crc32c, crc32c_append},
    engine::Position,
    error::Error,
    id::AccountId,
};

const DATA: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("data");
/// The last batch of each account that the checkpoint covers.
const HEADS: TableDefinition<'_, u64, u64> = TableDefinition::new("heads");
/// Where in the log each of these batches is: account and number; place and octets.
const PLACES: TableDefinition<'_, (u64, u64), (u64, u64)> = TableDefinition::new("places");
/// The number of the first batch of an account that may not have been freed.
const FREED: TableDefinition<'_, u64, u64> = TableDefinition::new("freed");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

/// In `META`: the position up to which it is complete.
const COMPLETE_TO: &str = "complete_to";
/// In `META`: what of the log before that was found to be lost.
const GAPS: &str = "gaps";

/// What redb may keep in memory, in octets.
const CACHE_BYTES: usize = 64 << 20;

/// The checkpoint file, open.
#[derive(Debug)]
pub(crate) struct Checkpoint<D: Disk> {
    disk: Arc<D>,
    store: [u8; 16],
    partition: Partition,
    /// The file.
    path: String,
    database: RwLock<Option<Arc<Open>>>,
    closed: AtomicBool,
    /// It was moved aside while it was in use: what it covered is not known any more.
    lost: AtomicBool,
}

/// A change of the checkpoint: all of it or none.
#[derive(Debug, Default)]
pub(crate) struct Update {
    pub(crate) writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Batches that it covers now. The last of each account is its head.
    pub(crate) places: Vec<(AccountId, Place)>,
    /// Accounts whose batches before a number may have been freed.
    pub(crate) freed: Vec<(AccountId, u64)>,
    pub(crate) complete_to: Option<Position>,
    /// What is lost of the log: accounts that have not been opened since are to know it.
    pub(crate) gaps: Option<Vec<u8>>,
}

impl<D: Disk> Checkpoint<D> {
    /// Opens the checkpoint of that store. One that is damaged, of another store, or ahead of a
    /// log is moved aside, and a new one begun: then the position is 0.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`].
    pub(crate) fn open(
        disk: Arc<D>,
        store: [u8; 16],
        partition: &Partition,
    ) -> Result<(Self, Position), Error> {
        let this = Self {
            disk,
            store,
            path: format!("{}/checkpoint.redb", partition.checkpoint()),
            partition: partition.clone(),
            database: RwLock::new(None),
            closed: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        };
        let position = match this.begin() {
            // Derived: whatever is wrong with it, the log has it all.
            Err(Error::Corrupt { .. } | Error::Io { .. }) => {
                this.move_aside()?;
                this.begin()?
            }
            other => other?,
        };
        Ok((this, position))
    }

    /// Opens the file and reads how far it goes.
    fn begin(&self) -> Result<Position, Error> {
        let database = self.database()?;
        let known = self.attempt(|| {
            let read = database.get()?.begin_read()?;
            let meta = match read.open_table(META) {
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                meta => meta?,
            };
            read.open_table(PLACES)?;
            read.open_table(FREED)?;
            let owner = meta.get("store")?.map(|value| value.value().to_vec());
            let position = meta.get(COMPLETE_TO)?;
            let position = position.map(|value| value.value().to_vec());
            Ok(Some((owner, position)))
        })?;
        let Some((owner, position)) = known else {
            self.make(&database)?;
            return Ok(Position(0));
        };
        if owner.as_deref() != Some(self.store.as_slice()) {
            return Err(corrupt(&self.path, "it belongs to another store"));
        }
        self.gaps()?;
        let Some(position) = position else {
            return Ok(Position(0));
        };
        let position = self.checked(COMPLETE_TO.as_bytes(), position)?;
        let position = position.try_into().map(u64::from_le_bytes);
        position
            .map(Position)
            .map_err(|_| corrupt(&self.path, "its position"))
    }

    /// Makes the tables of a new file.
    fn make(&self, database: &Open) -> Result<(), Error> {
        self.attempt(|| {
            let write = database.get()?.begin_write().map_err(redb::Error::from)?;
            write
                .open_table(META)?
                .insert("store", self.store.as_slice())?;
            write.open_table(DATA)?;
            write.open_table(HEADS)?;
            write.open_table(PLACES)?;
            write.open_table(FREED)?;
            write.commit()?;
            Ok(())
        })
    }

    /// Moves the file to the quarantine; the next use begins a new one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) fn move_aside(&self) -> Result<(), Error> {
        *self.cell() = None;
        let to = format!("{}/checkpoint.redb", self.partition.quarantine());
        match self.disk.rename(&self.path, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(super::files::io_error(&self.path, error))
            }
            _ => Ok(()),
        }
    }

    /// Begins anew, because the checkpoint does not fit the log.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`].
    pub(crate) fn reset(&self) -> Result<(), Error> {
        self.move_aside()?;
        self.lost.store(false, Ordering::Release);
        self.begin().map(drop)
    }

    /// Whether it was damaged while it was in use, and has to be begun anew.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Io`].
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let database = self.database()?;
        let value = self.attempt(|| {
            let data = database.get()?.begin_read()?.open_table(DATA)?;
            Ok(data.get(key)?.map(|value| value.value().to_vec()))
        })?;
        value.map(|value| self.checked(key, value)).transpose()
    }

    /// Hands the values of keys to `read`, by their number: `None` for one that is not there or
    /// is damaged.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the file is, [`Error::Io`].
    pub(crate) fn read<T>(
        &self,
        keys: &[Vec<u8>],
        read: &impl Fn(usize, Option<&[u8]>) -> T,
    ) -> Result<Vec<T>, Error> {
        let database = self.database()?;
        self.attempt(|| {
            let data = database.get()?.begin_read()?.open_table(DATA)?;
            let mut found = Vec::with_capacity(keys.len());
            for (number, key) in keys.iter().enumerate() {
                let stored = data.get(key.as_slice())?;
                let stored = stored.as_ref().map(redb::AccessGuard::value);
                let value = stored.and_then(<[u8]>::split_last_chunk);
                let whole = value.filter(|(value, of)| **of == sum(key, value).to_le_bytes());
                found.push(read(number, whole.map(|(value, _)| value)));
            }
            Ok(found)
        })
    }

    /// The keys that begin so, ascending. Their values are not looked at: a damaged one is there all the same.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Corrupt`] if the file as a whole is damaged.
    pub(crate) fn keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let database = self.database()?;
        self.attempt(|| {
            let data = database.get()?.begin_read()?.open_table(DATA)?;
            let mut keys: Vec<Vec<u8>> = Vec::new();
            for entry in data.range(prefix..)? {
                let (key, _) = entry?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                keys.push(key.value().to_vec());
            }
            Ok(keys)
        })
    }

    /// The entries whose keys begin so.
    ///
    /// # Errors
    /// As [`Checkpoint::get`].
    #[cfg(test)]
    pub(crate) fn scan(&self, prefix: &[u8]) -> Result<Vec<crate::engine::Entry>, Error> {
        let entry = |key: Vec<u8>| Ok(self.get(&key)?.map(|value| (key, value)));
        let entries = self.keys(prefix)?.into_iter().map(entry);
        entries.filter_map(Result::transpose).collect()
    }

    /// The last batch of an account that the checkpoint covers; 0 if none.
    ///
    /// # Errors
    /// As [`Checkpoint::get`].
    pub(crate) fn head(&self, account: AccountId) -> Result<u64, Error> {
        let database = self.database()?;
        self.attempt(|| {
            let heads = database.get()?.begin_read()?.open_table(HEADS)?;
            Ok(heads.get(account.0)?.map_or(0, |value| value.value()))
        })
    }

    /// Where batches `seqs` of an account are, ascending: as many as have `octets_max` octets, and
    /// one more. Before them the last one below `seqs`, if there is one. What is said
    /// here has to be looked at before it is believed.
    ///
    /// # Errors
    /// As [`Checkpoint::get`].
    pub(crate) fn places(
        &self,
        account: AccountId,
        seqs: Range<u64>,
        octets_max: usize,
    ) -> Result<(Option<Place>, Vec<Place>), Error> {
        let database = self.database()?;
        let of = account.0;
        self.attempt(|| {
            let places = database.get()?.begin_read()?.open_table(PLACES)?;
            let place = |seq: u64, (lsn, length): (u64, u64)| Place {
                seq,
                lsn,
                length: usize::try_from(length).unwrap_or(usize::MAX),
            };
            let before = places.range((of, 0)..(of, seqs.start))?.next_back();
            let before = before.transpose()?;
            let before = before.map(|(key, value)| place(key.value().1, value.value()));
            let (mut found, mut octets) = (Vec::new(), 0_usize);
            for row in places.range((of, seqs.start)..(of, seqs.end))? {
                let (key, value) = row?;
                let place = place(key.value().1, value.value());
                octets = octets.saturating_add(place.cost());
                found.push(place);
                if octets > octets_max {
                    break;
                }
            }
            Ok((before, found))
        })
    }

    /// The first batch of an account that may not have been freed.
    ///
    /// # Errors
    /// As [`Checkpoint::get`].
    pub(crate) fn freed(&self, account: AccountId) -> Result<u64, Error> {
        let database = self.database()?;
        self.attempt(|| {
            let freed = database.get()?.begin_read()?.open_table(FREED)?;
            Ok(freed.get(account.0)?.map_or(0, |value| value.value()))
        })
    }

    /// What was lost of the log before the position, when it was found.
    ///
    /// # Errors
    /// As [`Checkpoint::get`].
    pub(crate) fn gaps(&self) -> Result<Vec<Gap>, Error> {
        let database = self.database()?;
        let gaps = self.attempt(|| {
            let meta = database.get()?.begin_read()?.open_table(META)?;
            Ok(meta.get(GAPS)?.map(|value| value.value().to_vec()))
        })?;
        let Some(gaps) = gaps else {
            return Ok(Vec::new());
        };
        let gaps = self.checked(GAPS.as_bytes(), gaps)?;
        gaps::decode(&gaps).map_err(|_| corrupt(&self.path, "what it says of gaps"))
    }

    /// Makes a change, durable on return.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Io`], [`Error::Corrupt`]; then nothing has changed.
    pub(crate) fn update(&self, update: &Update) -> Result<(), Error> {
        let database = self.database()?;
        self.attempt(|| {
            let mut write = database.get()?.begin_write().map_err(redb::Error::from)?;
            // Opening after a crash then takes no walk through the whole file.
            write.set_quick_repair(true);
            {
                let mut data = write.open_table(DATA)?;
                for (key, value) in &update.writes {
                    match value {
                        Some(value) => {
                            let mut stored = Vec::with_capacity(value.len() + 4);
                            stored.extend_from_slice(value);
                            stored.extend_from_slice(&sum(key, value).to_le_bytes());
                            data.insert(key.as_slice(), stored.as_slice())?;
                        }
                        None => drop(data.remove(key.as_slice())?),
                    }
                }
                let mut heads = write.open_table(HEADS)?;
                let mut places = write.open_table(PLACES)?;
                for (account, place) in &update.places {
                    heads.insert(account.0, place.seq)?;
                    places.insert((account.0, place.seq), (place.lsn, place.length as u64))?;
                }
                let mut freed = write.open_table(FREED)?;
                for (account, below) in &update.freed {
                    freed.insert(account.0, *below)?;
                    places.retain_in((account.0, 0)..(account.0, *below), |_, _| false)?;
                }
                if let Some(position) = update.complete_to {
                    let mut meta = write.open_table(META)?;
                    let position = summed(COMPLETE_TO, &position.0.to_le_bytes());
                    meta.insert(COMPLETE_TO, position.as_slice())?;
                    if let Some(gaps) = &update.gaps {
                        meta.insert(GAPS, summed(GAPS, gaps).as_slice())?;
                    }
                }
            }
            write.commit()?;
            Ok(())
        })
    }

    /// Closes the file, for good: from now on it may be somebody else's.
    pub(crate) fn close(&self) {
        let mut cell = self.cell();
        self.closed.store(true, Ordering::Release);
        *cell = None;
    }

    /// The value without its checksum, which must fit.
    fn checked(&self, key: &[u8], mut stored: Vec<u8>) -> Result<Vec<u8>, Error> {
        let split = stored.len().saturating_sub(4);
        let (value, stored_sum) = stored.split_at(split);
        if stored_sum != sum(key, value).to_le_bytes() {
            return Err(corrupt(&self.path, "a value's checksum"));
        }
        stored.truncate(split);
        Ok(stored)
    }

    fn cell(&self) -> std::sync::RwLockWriteGuard<'_, Option<Arc<Open>>> {
        self.database
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn database(&self) -> Result<Arc<Open>, Error> {
        let open = self.database.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = &*open {
            return Ok(Arc::clone(database));
        }
        drop(open);
        let mut cell = self.cell();
        if let Some(database) = &*cell {
            return Ok(Arc::clone(database));
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(super::shared::closed());
        }
        let file = self
            .disk
            .open(&self.path, Access::Create)
            .and_then(|file| {
                self.disk
                    .sync_dir(&self.partition.checkpoint())
                    .map(|()| file)
            })
            .map_err(|error| super::files::io_error(&self.path, error))?;
        // It may be reopened because a sync failed: then the cache may lie.
        self.disk.forget_cache(&file);
        let backend = Backend {
            disk: Arc::clone(&self.disk),
            file,
        };
        let opened = catch(&self.path, || {
            Ok(Database::builder()
                .set_cache_size(CACHE_BYTES)
                .create_with_backend(backend)?)
        });
        let database = Arc::new(Open(Some(opened?)));
        *cell = Some(Arc::clone(&database));
        Ok(database)
    }

    /// Runs a transaction. After an I/O error redb refuses everything until it is reopened,
    /// so the next use reopens it.
    fn attempt<T>(&self, run: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Error> {
        let result = catch(&self.path, run);
        match &result {
            Err(Error::Corrupt { .. }) => {
                // Whoever uses it rebuilds it from the log, or the next opening does.
                self.lost.store(true, Ordering::Release);
                let _ = self.move_aside();
            }
            Err(_) => *self.cell() = None,
            Ok(_) => {}
        }
        result
    }
}

/// An open database; also closing a damaged one must not stop the process.
#[derive(Debug)]
struct Open(Option<Database>);

impl Open {
    fn get(&self) -> Result<&Database, redb::Error> {
        self.0.as_ref().ok_or(redb::Error::DatabaseClosed)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let database = self.0.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

/// A damaged file must not stop the process, even where redb holds it impossible.
fn catch<T>(path: &str, run: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result.map_err(|error| from_redb(path, error)),
        Err(_) => Err(corrupt(path, "its structure")),
    }
}

fn from_redb(path: &str, error: redb::Error) -> Error {
    match error {
        redb::Error::Io(error) if error.kind() != io::ErrorKind::InvalidData => {
            super::files::io_error(path, error)
        }
        redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
            super::files::io_error(path, io::Error::other("an earlier operation on it failed"))
        }
        other => corrupt(path, &other.to_string()),
    }
}

/// A value and its checksum.
fn summed(key: &str, value: &[u8]) -> Vec<u8> {
    let mut stored = value.to_vec();
    stored.extend_from_slice(&sum(key.as_bytes(), value).to_le_bytes());
    stored
}

fn corrupt(path: &str, what: &str) -> Error {
    Error::Corrupt {
        file: path.into(),
        offset: 0,
        what: what.into(),
    }
}

fn sum(key: &[u8], value: &[u8]) -> u32 {
    crc32c_append(crc32c(key), value)
}

/// A file of our disk, for redb.
struct Backend<D: Disk> {
    disk: Arc<D>,
    file: D::File,
}

impl<D: Disk> fmt::Debug for Backend<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("checkpoint.redb")
    }
}

impl<D: Disk> StorageBackend for Backend<D> {
    fn len(&self) -> io::Result<u64> {
        self.disk.length(&self.file)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read_at(&self.file, out, offset)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_length(&self.file, len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync(&self.file)
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk
            .write_at(&self.file, &[io::IoSlice::new(data)], offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::log::ram::RamDisk;

    fn path() -> String {
        format!("{}/checkpoint.redb", Partition::first().checkpoint())
    }

    fn put(key: &[u8], value: &[u8]) -> Update {
        Update {
            writes: vec![(key.to_vec(), Some(value.to_vec()))],
            places: vec![(
                AccountId(7),
                Place {
                    seq: 3,
                    lsn: 800,
                    length: 5,
                },
            )],
            freed: vec![],
            complete_to: Some(Position(99)),
            gaps: None,
        }
    }

    #[test]
    fn what_was_put_is_there_after_reopening() {
        let disk = Arc::new(RamDisk::default());
        let (checkpoint, position) =
            Checkpoint::open(Arc::clone(&disk), [1; 16], &Partition::first()).unwrap();
        assert_eq!(position, Position(0));
        checkpoint.update(&put(b"a/1", b"one")).unwrap();
        checkpoint.update(&put(b"a/2", b"")).unwrap();
        checkpoint.update(&put(b"b", b"b")).unwrap();
        drop(checkpoint);
        let (checkpoint, position) = Checkpoint::open(disk, [1; 16], &Partition::first()).unwrap();
        assert_eq!(position, Position(99));
        assert_eq!(checkpoint.get(b"a/1").unwrap(), Some(b"one".to_vec()));
        assert_eq!(checkpoint.get(b"a").unwrap(), None);
        assert_eq!(checkpoint.head(AccountId(7)).unwrap(), 3);
        assert_eq!(checkpoint.head(AccountId(8)).unwrap(), 0);
        let found = checkpoint.scan(b"a/").unwrap();
        let expected = [
            (b"a/1".to_vec(), b"one".to_vec()),
            (b"a/2".to_vec(), vec![]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_checkpoint_of_another_store_is_moved_aside() {
        let disk = Arc::new(RamDisk::default());
        let (checkpoint, _) =
            Checkpoint::open(Arc::clone(&disk), [1; 16], &Partition::first()).unwrap();
        checkpoint.update(&put(b"k", b"v")).unwrap();
        drop(checkpoint);
        let (checkpoint, position) =
            Checkpoint::open(Arc::clone(&disk), [2; 16], &Partition::first()).unwrap();
        assert_eq!(position, Position(0));
        assert_eq!(checkpoint.get(b"k").unwrap(), None);
        assert_eq!(
            disk.list(&Partition::first().quarantine()).unwrap(),
            ["checkpoint.redb"]
        );
    }

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is() {
        let disk = Arc::new(RamDisk::default());
        let (checkpoint, _) =
            Checkpoint::open(Arc::clone(&disk), [1; 16], &Partition::first()).unwrap();
        let value = vec![0xA5; 3000];
        checkpoint.update(&put(b"k", &value)).unwrap();
        drop(checkpoint);
        let file = disk.open(&path(), Access::Write).unwrap();
        let length = usize::try_from(disk.length(&file).unwrap()).unwrap();
        let mut whole = vec![0; length];
        disk.read_at(&file, &mut whole, 0).unwrap();
        for at in (0..length).step_by(509) {
            let disk = Arc::new(RamDisk::default());
            let file = disk.open(&path(), Access::Create).unwrap();
            let mut flipped = whole.clone();
            flipped[at] ^= 4;
            disk.write_at(&file, &[io::IoSlice::new(&flipped)], 0)
                .unwrap();
            let Ok((checkpoint, _)) = Checkpoint::open(disk, [1; 16], &Partition::first()) else {
                continue;
            };
            // Gone or whole, never something else.
            if let Ok(Some(found)) = checkpoint.get(b"k") {
                assert_eq!(found, value, "flipped at {at}");
            }
        }
    }
}
