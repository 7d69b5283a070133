//! `store.toml`: the version of the format, which store it is, and its partitions.
//!
//! Each partition also says which it is, in a `partition.toml` of its own and in every segment, and has a copy
//! of `store.toml`. So one that was lost or damaged is written again from what is there; and the empty directory on
//! which a disk should be mounted is not taken for the partition.

use std::{collections::BTreeSet, fmt::Write as _, io};

use super::{
    disk::{Access, Disk},
    files::{PARTITIONS, Partition, STORE, io_error},
    format::FORMAT_VERSION,
    listing::{self, Owner},
};
use crate::{checksum::crc32c, error::Error};

const BYTES_MAX: u64 = 1 << 20;
/// Locked while the store's file is looked for, made or changed.
const LOCK: &str = "store.lock";
/// The longest name of a partition, in octets.
pub(crate) const NAME_OCTETS_MAX: usize = 64;

/// What `store.toml` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registry {
    /// The store's id.
    pub(crate) store: [u8; 16],
    /// Ascending by number; those removed too, as their numbers are not given out again.
    pub(crate) partitions: Vec<Registered>,
}

/// A partition that the store has, or had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registered {
    pub(crate) partition: Partition,
    pub(crate) state: State,
}

/// What became of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It is the store's.
    Active,
    /// It was removed when nothing lay there any more.
    Removed,
}

impl Registry {
    /// The partitions that the store has.
    pub(crate) fn active(&self) -> impl Iterator<Item = &Partition> {
        self.partitions
            .iter()
            .filter(|it| it.state == State::Active)
            .map(|it| &it.partition)
    }
}

impl Registry {
    /// A number that no partition has had.
    pub(crate) fn next_number(&self) -> Result<u16, Error> {
        let last = self.partitions.last().map(|it| it.partition.number);
        let next = last.map_or(Some(1), |last| last.checked_add(1));
        next.ok_or(Error::Limit("partitions"))
    }

    /// Says what became of a partition.
    pub(crate) fn set(&mut self, partition: Partition, state: State) {
        let number = partition.number;
        self.partitions.retain(|it| it.partition.number != number);
        let at = self
            .partitions
            .partition_point(|it| it.partition.number < number);
        self.partitions.insert(at, Registered { partition, state });
    }
}

/// Whether a partition may be named so: it is a directory's name, and stands in configurations.
pub(crate) fn is_name(name: &str) -> bool {
    let fine = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    name.bytes().next().is_some_and(|first| first != b'-')
        && name.len() <= NAME_OCTETS_MAX
        && name.bytes().all(fine)
}

/// What the store's file was found to be.
enum Found {
    Whole(Registry),
    Missing,
    /// What is wrong with it.
    Damaged(String),
}

/// Reads the registry; makes the store if there is none, with its first partition.
///
/// # Errors
/// [`Error::Corrupt`] if the file is of a newer format, or the partitions are of several stores;
/// [`Error::InUse`]; [`Error::Io`].
pub(crate) fn open<D: Disk>(disk: &D) -> Result<Registry, Error> {
    if let Found::Whole(registry) = read(disk)? {
        return Ok(registry);
    }
    let _lock = lock(disk)?;
    // Somebody else may have been quicker.
    match read(disk)? {
        Found::Whole(registry) => return Ok(registry),
        Found::Missing => {}
        Found::Damaged(what) => {
            tracing::error!(file = STORE, what, "damaged: writing it anew");
            let aside = format!("{STORE}.damaged");
            let moved = disk.rename(STORE, &aside);
            moved.map_err(|error| io_error(STORE, error))?;
        }
    }
    let registry = if let Some(registry) = gather(disk)? {
        tracing::warn!(file = STORE, "written anew from what the partitions say");
        for partition in registry.active() {
            // Its segments may be all that said which it is. What is missing is never made.
            if identify(disk, partition)?.is_some() {
                make(disk, partition, registry.store)?;
            }
        }
        registry
    } else {
        let partition = Partition::first();
        let store = store_id(disk)?;
        make(disk, &partition, store)?;
        let state = State::Active;
        Registry {
            store,
            partitions: vec![Registered { partition, state }],
        }
    };
    write(disk, &registry)?;
    Ok(registry)
}

/// What is registered, or what the partitions say if nothing is; changes nothing. And what is wrong with
/// the file, if it is damaged. `None`: there is no store.
///
/// # Errors
/// As [`open`].
pub(crate) fn look<D: Disk>(disk: &D) -> Result<Option<(Registry, Option<String>)>, Error> {
    Ok(match read(disk)? {
        Found::Whole(registry) => Some((registry, None)),
        Found::Missing => gather(disk)?.map(|it| (it, Some("it is missing".into()))),
        Found::Damaged(what) => gather(disk)?.map(|it| (it, Some(what))),
    })
}

/// Whoever holds it may change the registry.
///
/// # Errors
/// [`Error::InUse`], [`Error::Io`].
pub(crate) fn lock<D: Disk>(disk: &D) -> Result<D::File, Error> {
    let failed = |error| io_error(LOCK, error);
    disk.make_dir("").map_err(failed)?;
    let file = disk.open(LOCK, Access::Create).map_err(failed)?;
    if disk.lock(&file).map_err(failed)? {
        Ok(file)
    } else {
        Err(Error::InUse("another process that opens it".into()))
    }
}

fn read<D: Disk>(disk: &D) -> Result<Found, Error> {
    let Some(text) = text(disk, STORE)? else {
        return Ok(Found::Missing);
    };
    match parse(&text) {
        Ok(registry) => Ok(Found::Whole(registry)),
        Err(Wrong::Damaged(what)) => Ok(Found::Damaged(what)),
        Err(Wrong::Newer(what)) => Err(Error::Corrupt {
            file: STORE.into(),
            offset: 0,
            what: what.into(),
        }),
    }
}

/// A small file's text; `None` if it is not there.
fn text<D: Disk>(disk: &D, path: &str) -> Result<Option<String>, Error> {
    let failed = |error| io_error(path, error);
    let file = match disk.open(path, Access::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let length = disk.length(&file).map_err(failed)?.min(BYTES_MAX);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    disk.read_at(&file, &mut bytes, 0).map_err(failed)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Writes the registry, durably: the old one or the new one is there, whatever happens.
///
/// # Errors
/// [`Error::Io`], [`Error::Full`].
pub(crate) fn write<D: Disk>(disk: &D, registry: &Registry) -> Result<(), Error> {
    replace(disk, "", STORE, written(registry))?;
    replicate(disk, registry);
    Ok(())
}

/// Sees to it that every partition that is there has a copy of the registry, if it is not the only one: that
/// tells of those that are not there if the registry is lost. What can't be written is no matter as long as it is not.
pub(crate) fn replicate<D: Disk>(disk: &D, registry: &Registry) {
    if registry.partitions.len() < 2 {
        // There is nobody to be missing.
        return;
    }
    for partition in registry.active() {
        let copy = partition.registry();
        let there = text(disk, &copy).ok().flatten();
        let same = there.is_some_and(|there| parse(&there).is_ok_and(|it| it == *registry));
        if same || check_there(disk, partition, registry.store).is_err() {
            continue;
        }
        if let Err(error) = replace(disk, &partition.root(), &copy, written(registry)) {
            tracing::warn!(file = copy, %error, "could not keep a copy of the registry");
        }
    }
}

/// The registry as it lies in its file, without its sum.
fn written(registry: &Registry) -> String {
    let mut text = "# A Chapar store. Written by the program: do not edit.\n".to_owned();
    // Writing to a string does not fail.
    let _ = writeln!(text, "format = {FORMAT_VERSION}");
    let _ = writeln!(text, "id = \"{}\"", hex(registry.store));
    for Registered { partition, state } in &registry.partitions {
        let state = match state {
            State::Active => "active",
            State::Removed => "removed",
        };
        let _ = writeln!(text, "\n[[partition]]\nnumber = {}", partition.number);
        let _ = writeln!(text, "name = \"{}\"", partition.name);
        let _ = writeln!(text, "id = \"{}\"", hex(partition.id));
        let _ = writeln!(text, "state = \"{state}\"");
    }
    text
}

/// Puts a file in place of another, with the sum of its text at its end.
fn replace<D: Disk>(disk: &D, directory: &str, path: &str, mut text: String) -> Result<(), Error> {
    let sum = crc32c(text.as_bytes());
    let _ = writeln!(text, "\n# sum {sum:08x}");
    let new = format!("{path}.new");
    disk.open(&new, Access::Create)
        .and_then(|file| {
            disk.set_length(&file, 0)?;
            disk.write_at(&file, &[io::IoSlice::new(text.as_bytes())], 0)?;
            disk.sync(&file)?;
            disk.rename(&new, path)?;
            disk.sync_dir(directory)
        })
        .map_err(|error| io_error(path, error))
}

/// Makes a partition's directory and has it say which it is; durable on return.
///
/// # Errors
/// [`Error::Io`], [`Error::Full`].
pub(crate) fn make<D: Disk>(disk: &D, partition: &Partition, store: [u8; 16]) -> Result<(), Error> {
    let log = partition.log();
    disk.make_dir(&log).map_err(|error| io_error(&log, error))?;
    let marker = partition.marker();
    if let Some(there) = text(disk, &marker)?
        && marked(&there).is_ok_and(|of| of == (store, partition.id))
    {
        return Ok(());
    }
    let text = format!(
        "# A partition of a Chapar store. Written by the program: do not edit.\n\
         format = {FORMAT_VERSION}\nstore = \"{}\"\nid = \"{}\"\n",
        hex(store),
        hex(partition.id)
    );
    replace(disk, &partition.root(), &marker, text)
}

/// That a partition is where it should be.
///
/// # Errors
/// [`Error::OutOfService`] if there is nothing: its disk is not mounted, most likely;
/// [`Error::Corrupt`] if it is another partition, or of another store.
pub(crate) fn check_there<D: Disk>(
    disk: &D,
    partition: &Partition,
    store: [u8; 16],
) -> Result<(), Error> {
    let found = identify(disk, partition)?.ok_or_else(|| {
        let root = partition.root();
        Error::OutOfService(format!("{root} is missing or empty: is its disk mounted?").into())
    })?;
    let what = if found.0 != store {
        "it is a partition of another store"
    } else if found.1 != partition.id {
        "it is another partition of this store"
    } else {
        return Ok(());
    };
    Err(Error::Corrupt {
        file: partition.marker().into(),
        offset: 0,
        what: what.into(),
    })
}

/// Which store and which partition what lies in a directory is of; only the name is taken from
/// `partition`. `None` if there is nothing.
///
/// # Errors
/// [`Error::Io`], [`Error::Corrupt`] if it takes a newer program.
pub(crate) fn identify<D: Disk>(disk: &D, partition: &Partition) -> Result<Option<Owner>, Error> {
    let marker = partition.marker();
    let of = match text(disk, &marker)?.as_deref().map(marked) {
        Some(Ok(of)) => return Ok(Some(of)),
        Some(Err(Wrong::Newer(what))) => {
            return Err(Error::Corrupt {
                file: marker.into(),
                offset: 0,
                what: what.into(),
            });
        }
        Some(Err(Wrong::Damaged(what))) => Some(what),
        None => None,
    };
    // What is wrong with the file is no matter if the segments say it.
    let owner = listing::owner(&listing::list(disk, partition)?);
    match (owner, of) {
        (Some(owner), _) => Ok(Some(owner)),
        (None, Some(what)) => {
            // No mail is in it, and something of ours is: not the bare mount point.
            tracing::error!(file = marker, what, "damaged, and there are no segments");
            let Found::Whole(store) = read(disk)? else {
                return Ok(None);
            };
            let registered = store
                .partitions
                .iter()
                .find(|it| it.partition.name == partition.name);
            Ok(registered.map(|it| (store.store, it.partition.id)))
        }
        (None, None) => Ok(None),
    }
}

/// The registry, as the partitions that are there tell it; `None` if there are none.
fn gather<D: Disk>(disk: &D) -> Result<Option<Registry>, Error> {
    let names = match disk.list(PARTITIONS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(|error| io_error(PARTITIONS, error))?,
    };
    let names: BTreeSet<String> = names.into_iter().filter(|name| is_name(name)).collect();
    let mut registry: Option<Registry> = None;
    let mut numbers = BTreeSet::new();
    let contradiction = |what: String| Error::Corrupt {
        file: STORE.into(),
        offset: 0,
        what: what.into(),
    };
    for name in &names {
        let mut partition = Partition {
            name: name.as_str().into(),
            ..Partition::first()
        };
        let Some((store, id)) = identify(disk, &partition)? else {
            continue;
        };
        partition.id = id;
        partition.number = number(id);
        let registry = registry.get_or_insert_with(|| Registry {
            store,
            partitions: Vec::new(),
        });
        if registry.store != store {
            let what = format!("it is missing, and partition {name} is of another store");
            return Err(contradiction(what));
        }
        if !numbers.insert(partition.number) {
            let what = format!("it is missing, and partition {name} is there twice");
            return Err(contradiction(what));
        }
        registry.partitions.push(Registered {
            partition,
            state: State::Active,
        });
    }
    if registry.is_none() && names.iter().any(|name| *name != *Partition::first().name) {
        let what = "it is missing, and nothing is in the partitions: are their disks mounted?";
        return Err(contradiction(what.into()));
    }
    if let Some(registry) = &mut registry {
        recall(disk, registry)?;
    }
    Ok(registry)
}

/// Adds what the copies in the partitions tell of those that are not there: they are missing, not
/// unknown.
fn recall<D: Disk>(disk: &D, registry: &mut Registry) -> Result<(), Error> {
    let there: Vec<Partition> = registry.active().cloned().collect();
    for partition in &there {
        let copy = text(disk, &partition.registry())?;
        let Some(Ok(copy)) = copy.as_deref().map(parse) else {
            continue;
        };
        if copy.store != registry.store {
            continue;
        }
        for Registered { partition, state } in copy.partitions {
            let same = |it: &Partition| it.number == partition.number;
            let named = |it: &Partition| it.name == partition.name;
            let known = registry.partitions.iter().any(|it| same(&it.partition));
            let tells = match state {
                // One copy may be older than another; but what is there is there.
                State::Removed => !there.iter().any(same),
                State::Active => !known && !registry.active().any(named),
            };
            if tells {
                registry.set(partition, state);
            }
        }
    }
    registry.partitions.sort_by_key(|it| it.partition.number);
    Ok(())
}

/// The number in a partition's id.
pub(crate) fn number(id: [u8; 16]) -> u16 {
    let [low, high, ..] = id;
    u16::from_le_bytes([low, high])
}

/// A new id for a partition of that number.
///
/// # Errors
/// [`Error::Io`]: there are no random numbers.
pub(crate) fn new_id(number: u16) -> Result<[u8; 16], Error> {
    let mut id = random()?;
    let [low, high, ..] = &mut id;
    [*low, *high] = number.to_le_bytes();
    Ok(id)
}

/// Why a file is not believed.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// It is not what was written.
    Damaged(String),
    /// It is whole, and takes another program.
    Newer(String),
}

/// The lines of a file of ours, without comments; its sum has to be right and its format ours.
fn lines(text: &str) -> Result<impl Iterator<Item = &str>, Wrong> {
    let damaged = |what: &str| Wrong::Damaged(what.to_owned());
    let (body, sum) = text
        .rsplit_once("\n# sum ")
        .ok_or_else(|| damaged("its end is missing"))?;
    let sum = u32::from_str_radix(sum.trim_end(), 16);
    if sum != Ok(crc32c(body.as_bytes())) {
        return Err(damaged("its sum is wrong"));
    }
    let mut lines = body
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let format = lines.next().and_then(|line| value(line, "format"));
    match format {
        None => Err(damaged("it does not say its format")),
        Some(format) if format == FORMAT_VERSION.to_string() => Ok(lines),
        Some(format) => Err(Wrong::Newer(format!(
            "the store has format {format}, this program knows {FORMAT_VERSION}"
        ))),
    }
}

/// The value in a line, if it is of that key.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (name, value) = line.split_once('=')?;
    (name.trim() == key).then(|| value.trim().trim_matches('"'))
}

/// What a partition's own file says: store and partition.
fn marked(text: &str) -> Result<Owner, Wrong> {
    let mut lines = lines(text)?;
    let mut id = |key: &str| {
        let said = lines.next().and_then(|line| value(line, key));
        said.and_then(unhex)
            .ok_or_else(|| Wrong::Damaged(format!("it does not say {key}")))
    };
    Ok((id("store")?, id("id")?))
}

fn parse(text: &str) -> Result<Registry, Wrong> {
    let wrong = |what: &str| Wrong::Damaged(what.to_owned());
    let mut lines = lines(text)?;
    let store = lines.next().and_then(|line| unhex(value(line, "id")?));
    let mut registry = Registry {
        store: store.ok_or_else(|| wrong("it does not say the store's id"))?,
        partitions: Vec::new(),
    };
    while let Some(line) = lines.next() {
        if line != "[[partition]]" {
            return Err(wrong("it says more than this program knows"));
        }
        let mut said = |key: &str| {
            let said = lines.next().and_then(|line| value(line, key));
            said.ok_or_else(|| Wrong::Damaged(format!("a partition without {key}")))
        };
        let (number_said, name) = (said("number")?, said("name")?);
        let id = unhex(said("id")?).ok_or_else(|| wrong("a partition of no id"))?;
        let state = match said("state")? {
            "active" => State::Active,
            "removed" => State::Removed,
            _ => return Err(wrong("a partition in a state that is not known")),
        };
        let number = number(id);
        let ascends = registry
            .partitions
            .last()
            .is_none_or(|last| last.partition.number < number);
        if number_said.parse() != Ok(number) || !ascends || !is_name(name) {
            return Err(wrong("a partition of no such number or name"));
        }
        if state == State::Active && registry.active().any(|other| *other.name == *name) {
            return Err(wrong("two partitions of one name"));
        }
        registry.partitions.push(Registered {
            partition: Partition {
                number,
                name: name.into(),
                id,
            },
            state,
        });
    }
    Ok(registry)
}

fn hex(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let number = u128::from_str_radix(text, 16).ok()?;
    (text.len() == 32).then(|| number.to_be_bytes())
}

/// A new store's id.
fn store_id<D: Disk>(disk: &D) -> Result<[u8; 16], Error> {
    let random = || disk.random().map_err(|error| io_error(STORE, error));
    let id = (u128::from(random()?) << 64) | u128::from(random()?);
    Ok(id.to_be_bytes())
}

/// Sixteen random octets.
fn random() -> Result<[u8; 16], Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|error| io_error(STORE, io::Error::other(error.to_string())))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::log::ram::RamDisk;

    fn second() -> Partition {
        Partition {
            number: 1,
            name: "slow".into(),
            id: new_id(1).unwrap(),
        }
    }

    /// A store with two partitions.
    fn two(disk: &RamDisk) -> Registry {
        let mut registry = open(disk).unwrap();
        registry.partitions.push(Registered {
            partition: second(),
            state: State::Active,
        });
        for partition in registry.active() {
            make(disk, partition, registry.store).unwrap();
        }
        write(disk, &registry).unwrap();
        registry
    }

    fn flip(disk: &RamDisk, path: &str, at: u64) {
        let file = disk.open(path, Access::Write).unwrap();
        let mut octet = [0];
        disk.read_at(&file, &mut octet, at).unwrap();
        octet[0] ^= 1;
        disk.write_at(&file, &[io::IoSlice::new(&octet)], at)
            .unwrap();
    }

    #[test]
    fn a_store_keeps_what_is_registered() {
        let disk = RamDisk::default();
        let made = open(&disk).unwrap();
        assert_eq!(open(&disk).unwrap(), made);
        let mut two = two(&disk);
        assert_eq!(open(&disk).unwrap(), two);
        two.partitions[1].state = State::Removed;
        write(&disk, &two).unwrap();
        assert_eq!(open(&disk).unwrap(), two);
        assert_eq!(two.active().count(), 1);
    }

    #[test]
    fn what_was_lost_is_told_by_the_partitions() {
        let disk = RamDisk::default();
        let registry = two(&disk);
        disk.remove(STORE).unwrap();
        let (seen, wrong) = look(&disk).unwrap().unwrap();
        assert_eq!(
            (seen, wrong),
            (registry.clone(), Some("it is missing".into()))
        );
        assert!(
            disk.open(STORE, Access::Read).is_err(),
            "looking changes nothing"
        );
        assert_eq!(open(&disk).unwrap(), registry);
        let file = disk.open(STORE, Access::Read).unwrap();
        let length = disk.length(&file).unwrap();
        for at in 0..length {
            flip(&disk, STORE, at);
            assert_eq!(open(&disk).unwrap(), registry, "octet {at}");
        }
    }

    #[test]
    fn what_is_missing_when_the_file_is_lost_is_not_forgotten() {
        let disk = RamDisk::default();
        let mut registry = two(&disk);
        let second = registry.partitions[1].partition.clone();
        // Not mounted: its directory is empty.
        disk.remove(&second.marker()).unwrap();
        disk.remove(&second.registry()).unwrap();
        disk.remove(STORE).unwrap();
        assert_eq!(open(&disk).unwrap(), registry);
        assert!(check_there(&disk, &second, registry.store).is_err());
        // Nor is it that one was removed, though an old copy does not know it.
        registry.partitions[1].state = State::Removed;
        write(&disk, &registry).unwrap();
        disk.remove(STORE).unwrap();
        assert_eq!(open(&disk).unwrap(), registry);
        // A copy that is damaged tells nothing.
        flip(&disk, &Partition::first().registry(), 30);
        disk.remove(STORE).unwrap();
        assert_eq!(open(&disk).unwrap().partitions.len(), 1);
    }

    #[test]
    fn an_empty_directory_is_not_the_partition() {
        let disk = RamDisk::default();
        let registry = two(&disk);
        let second = &registry.partitions[1].partition;
        check_there(&disk, second, registry.store).unwrap();
        assert!(matches!(
            check_there(&disk, second, [9; 16]),
            Err(Error::Corrupt { .. })
        ));
        // Damaged, and no segment says it: the registry does, and this is no bare mount point.
        flip(&disk, &second.marker(), 100);
        check_there(&disk, second, registry.store).unwrap();
        disk.remove(&second.marker()).unwrap();
        assert!(matches!(
            check_there(&disk, second, registry.store),
            Err(Error::OutOfService(_))
        ));
    }

    #[test]
    fn what_is_not_ours_is_refused_with_the_reason() {
        let sealed = |text: &str| format!("{text}\n# sum {:08x}\n", crc32c(text.as_bytes()));
        let damaged = |what: &str| Err(Wrong::Damaged(what.to_owned()));
        let id = "0".repeat(32);
        for (text, why) in [
            (String::new(), damaged("its end is missing")),
            ("x\n# sum 00000000\n".into(), damaged("its sum is wrong")),
            (sealed("id = 1"), damaged("it does not say its format")),
            (
                sealed("format = 2"),
                Err(Wrong::Newer(
                    "the store has format 2, this program knows 1".into(),
                )),
            ),
            (
                sealed("format = 1\nid = \"xyz\""),
                damaged("it does not say the store's id"),
            ),
            (
                sealed(&format!("format = 1\nid = \"{id}\"\nnews = 1")),
                damaged("it says more than this program knows"),
            ),
            (
                sealed(&format!(
                    "format = 1\nid = \"{id}\"\n[[partition]]\nnumber = 1\nname = \"a\"\n\
                     id = \"{id}\"\nstate = \"active\""
                )),
                damaged("a partition of no such number or name"),
            ),
        ] {
            assert_eq!(parse(&text), why, "{text}");
        }
    }

    #[test]
    fn names_are_fit_for_directories() {
        for name in ["default", "a", "Archive-2", "_x"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", ".", "..", "a/b", "a b", "ü", &"x".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
