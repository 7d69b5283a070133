//! Damage that was found and seen to: `known-damage` in the partition's directory.
//!
//! The log keeps its scars, as nothing in it is overwritten. What repair has seen to stands here, so that
//! verify tells it from new damage. A line for each: when it was seen to (unix seconds), offset, file, and
//! what it is, with a tab between; at the end the CRC32C of the lines before. A file that is lost or damaged
//! says nothing: then everything is new again, and repair has nothing to do but to write it.

use std::{fmt::Write as _, io};

use super::{
    disk::{Access, Disk},
    files::{Partition, io_error},
};
use crate::{checksum::crc32c, engine::Damage, error::Error};

/// Damage that was seen to, and when, in unix seconds.
pub(crate) type Known = (Damage, i64);

const BYTES_MAX: u64 = 64 << 20;
const SUM: &str = "sum\t";

/// What is known of a partition.
pub(crate) fn read<D: Disk>(disk: &D, partition: &Partition) -> Vec<Known> {
    let read = || -> io::Result<Vec<u8>> {
        let file = disk.open(&partition.known(), Access::Read)?;
        let length = disk.length(&file)?.min(BYTES_MAX);
        let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
        disk.read_at(&file, &mut text, 0)?;
        Ok(text)
    };
    let text = read().ok().and_then(|text| String::from_utf8(text).ok());
    text.and_then(|text| parse(&text)).unwrap_or_default()
}

/// Writes what is known, in place of what was; durable on return.
///
/// # Errors
/// [`Error::Io`], [`Error::Full`]; then what was known before is.
pub(crate) fn write<D: Disk>(
    disk: &D,
    partition: &Partition,
    known: &[Known],
) -> Result<(), Error> {
    let path = partition.known();
    let text = compose(known);
    let new = format!("{path}.new");
    disk.open(&new, Access::Create)
        .and_then(|file| {
            disk.set_length(&file, 0)?;
            disk.write_at(&file, &[io::IoSlice::new(text.as_bytes())], 0)?;
            disk.sync(&file)?;
            disk.rename(&new, &path)?;
            disk.sync_dir(&partition.root())
        })
        .map_err(|error| io_error(&path, error))
}

fn compose(known: &[Known]) -> String {
    let mut text = String::new();
    for (damage, since) in known {
        let Damage { file, offset, what } = damage;
        // Writing to a string does not fail.
        let _ = writeln!(text, "{since}\t{offset}\t{file}\t{what}");
    }
    let sum = crc32c(text.as_bytes());
    let _ = writeln!(text, "{SUM}{sum:08x}");
    text
}

fn parse(text: &str) -> Option<Vec<Known>> {
    let at = text.rfind(SUM)?;
    let (lines, sum) = text.split_at_checked(at)?;
    if sum != format!("{SUM}{:08x}\n", crc32c(lines.as_bytes())) {
        return None;
    }
    let line = |line: &str| {
        let mut parts = line.splitn(4, '\t');
        let since = parts.next()?.parse().ok()?;
        let damage = Damage {
            offset: parts.next()?.parse().ok()?,
            file: parts.next()?.into(),
            what: parts.next()?.into(),
        };
        Some((damage, since))
    };
    lines.lines().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::log::ram::RamDisk;

    #[test]
    fn what_is_known_comes_back_whole_or_not_at_all() {
        let (disk, partition) = (RamDisk::default(), Partition::first());
        assert_eq!(read(&disk, &partition), []);
        let damage = |offset| Damage {
            file: "partitions/default/log/0000000001.log".into(),
            offset,
            what: "octets that are no record".into(),
        };
        let known = vec![(damage(4096), 1_800_000_000), (damage(9), -1)];
        write(&disk, &partition, &known).unwrap();
        assert_eq!(read(&disk, &partition), known);
        let text = compose(&known);
        for at in 0..text.len() {
            let mut octets = text.clone().into_bytes();
            octets[at] ^= 4;
            let read = String::from_utf8(octets).ok().and_then(|text| parse(&text));
            assert_eq!(read, None, "octet {at}");
        }
    }
}
