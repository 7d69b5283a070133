//! The files of a log that have a segment's name, and which of them are what they should be.
//!
//! What a segment says of itself counts, not its name: one under another's name is named and
//! read, one of another store or partition is named and not read.

use std::{collections::BTreeMap, io};

use super::{
    disk::{Access, Disk},
    files::{Partition, io_error},
    format::{BadHeader, SEGMENT_HEADER_BYTES, SegmentHeader},
};
use crate::{engine::Damage, error::Error};

/// A file that has a segment's name.
#[derive(Debug)]
pub(crate) struct Listed {
    /// The number in its name.
    pub(crate) number: u64,
    pub(crate) path: String,
    pub(crate) length: u64,
    header: Result<SegmentHeader, BadHeader>,
}

/// The ids of a store and of a partition.
pub(crate) type Owner = ([u8; 16], [u8; 16]);

/// The store and the partition that most of the files say they belong to.
pub(crate) fn owner(listed: &[Listed]) -> Option<Owner> {
    let mut counts: BTreeMap<Owner, usize> = BTreeMap::new();
    for header in listed.iter().filter_map(|file| file.header.as_ref().ok()) {
        *counts.entry((header.store, header.partition)).or_default() += 1;
    }
    let (owner, _) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(owner)
}

/// Lists a partition's segments and reads their headers, by the numbers in their names. Changes
/// nothing.
///
/// # Errors
/// [`Error::Io`] if they can't be listed.
pub(crate) fn list<D: Disk>(disk: &D, partition: &Partition) -> Result<Vec<Listed>, Error> {
    let log = partition.log();
    let names = match disk.list(&log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        names => names.map_err(|error| io_error(&log, error))?,
    };
    let mut listed = Vec::new();
    for name in names {
        let Some(number) = name.strip_suffix(".log").and_then(|it| it.parse().ok()) else {
            continue;
        };
        let path = format!("{log}/{name}");
        let (header, length) = read_header(disk, &path).map_err(|error| io_error(&path, error))?;
        listed.push(Listed {
            number,
            path,
            length,
            header,
        });
    }
    listed.sort_by_key(|file| file.number);
    Ok(listed)
}

/// Puts a partition's files where they belong; what is wrong with them goes to `damages`.
///
/// # Errors
/// [`Error::Corrupt`] for a segment of this store in a newer format.
pub(crate) fn places(
    listed: Vec<Listed>,
    owner: Option<Owner>,
    damages: &mut Vec<Damage>,
) -> Result<Places, Error> {
    let mut places = Places::new();
    for file in listed {
        sort(file, owner, &mut places, damages)?;
    }
    Ok(places)
}

/// By number: a file, and its header if it is a segment of this partition.
pub(crate) type Places = BTreeMap<u64, (Listed, Option<SegmentHeader>)>;

/// Puts a file where it belongs.
fn sort(
    file: Listed,
    owner: Option<Owner>,
    places: &mut Places,
    damages: &mut Vec<Damage>,
) -> Result<(), Error> {
    let what = match file.header {
        Ok(header) if Some((header.store, header.partition)) == owner => {
            let number = header.number;
            let named = number == file.number;
            if !named {
                let what = format!("it is segment {number}, under another's name");
                damages.push(damage(&file.path, &what));
            }
            let taken = places
                .get(&number)
                .is_some_and(|(_, header)| header.is_some());
            if taken && !named {
                damages.push(damage(&file.path, COPY));
            } else if let Some((copy, Some(_))) = places.insert(number, (file, Some(header))) {
                damages.push(damage(&copy.path, COPY));
            }
            return Ok(());
        }
        Err(BadHeader::Newer { version, store }) if owner.is_none_or(|it| it.0 == store) => {
            return Err(Error::Corrupt {
                file: file.path.into(),
                offset: 0,
                what: format!("format version {version}, which needs a newer program").into(),
            });
        }
        Ok(header) if owner.is_some_and(|it| it.0 == header.store) => {
            "a segment of another partition: nothing in it is read"
        }
        Ok(_) | Err(BadHeader::Newer { .. }) => "a segment of another store: nothing in it is read",
        Err(BadHeader::Damaged) => "the segment's header: nothing in it can be read",
    };
    damages.push(damage(&file.path, what));
    places.entry(file.number).or_insert((file, None));
    Ok(())
}

const COPY: &str = "a copy of a segment that is there: nothing in it is read";

pub(crate) fn damage(path: &str, what: &str) -> Damage {
    Damage {
        file: path.into(),
        offset: 0,
        what: what.into(),
    }
}

/// How often a header is read before it is believed that it can't be.
const READS_MAX: usize = 3;

/// What a file says of itself, and its length. A disk that fails is no damage: what it does not tell
/// now it may tell later, and whoever had gone on without would have given out numbers again.
///
/// # Errors
/// What the disk says, again and again.
fn read_header<D: Disk>(
    disk: &D,
    path: &str,
) -> io::Result<(Result<SegmentHeader, BadHeader>, u64)> {
    let file = disk.open(path, Access::Read)?;
    let length = disk.length(&file)?;
    let mut block = vec![0; usize::try_from(length.min(SEGMENT_HEADER_BYTES)).unwrap_or(0)];
    let mut tries = (0..READS_MAX).map(|_| disk.read_at(&file, &mut block, 0));
    let mut read = tries.next().unwrap_or(Ok(()));
    while let (Err(_), Some(again)) = (&read, tries.next()) {
        read = again;
    }
    match read {
        Ok(()) => Ok((SegmentHeader::decode(&block), length)),
        // It was cut just now.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Ok((Err(BadHeader::Damaged), length))
        }
        Err(error) => Err(error),
    }
}
