//! What of a segment was freed: the file beside it that says so.
//!
//! It is durable before anything is freed, so that nothing that is missing is ever taken for
//! damage. Layout: `docs/store-format.md`.

use std::{
    io::{self, IoSlice},
    ops::Range,
};

use super::{
    disk::{Access, Disk},
    files::{Partition, io_error},
    format::{ALIGNMENT, FIRST_LSN},
};
use crate::{checksum::crc32c, error::Error};

const MAGIC: &[u8; 8] = b"ChaparF\n";
const VERSION: u32 = 1;
/// Octets before the ranges.
const HEAD_BYTES: usize = 88;
/// The segment as a whole: its file is to be removed, or has been.
const TOMBSTONE: u32 = 1;
/// What the reserve gives up so that freeing still works on a full disk.
const LENT_BYTES: u64 = 64 << 10;

/// What was freed of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Freed {
    pub(crate) store: [u8; 16],
    pub(crate) partition: [u8; 16],
    /// The segment's number; of a tombstone of several, the last one's.
    pub(crate) number: u64,
    /// The first segment's number; the same, unless it is a tombstone of several.
    pub(crate) first_number: u64,
    /// Whether there is nothing alive in it at all.
    pub(crate) tombstone: bool,
    /// From its first LSN to the first one after it.
    pub(crate) lsns: Range<u64>,
    /// Ascending and apart; whole records each.
    pub(crate) ranges: Vec<Range<u64>>,
}

impl Freed {
    /// Its octets.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(HEAD_BYTES + self.ranges.len() * 16 + 4);
        octets.extend_from_slice(MAGIC);
        octets.extend_from_slice(&VERSION.to_le_bytes());
        octets.extend_from_slice(&u32::from(self.tombstone).to_le_bytes());
        octets.extend_from_slice(&self.store);
        octets.extend_from_slice(&self.partition);
        let count = self.ranges.len() as u64;
        let (first, end) = (self.lsns.start, self.lsns.end);
        for number in [self.number, self.first_number, first, end, count] {
            octets.extend_from_slice(&number.to_le_bytes());
        }
        for range in &self.ranges {
            octets.extend_from_slice(&range.start.to_le_bytes());
            octets.extend_from_slice(&range.end.to_le_bytes());
        }
        let sum = crc32c(&octets);
        octets.extend_from_slice(&sum.to_le_bytes());
        octets
    }

    /// What octets say, if they are whole and make sense.
    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let (said, sum) = octets.split_last_chunk()?;
        if crc32c(said) != u32::from_le_bytes(*sum) {
            return None;
        }
        let rest = said.strip_prefix(MAGIC)?;
        let (version, rest) = rest.split_first_chunk()?;
        let (flags, rest) = rest.split_first_chunk()?;
        let (store, rest) = rest.split_first_chunk()?;
        let (partition, rest) = rest.split_first_chunk()?;
        let flags = u32::from_le_bytes(*flags);
        if u32::from_le_bytes(*version) != VERSION || flags & !TOMBSTONE != 0 {
            return None;
        }
        let (numbers, odd) = rest.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|octets| u64::from_le_bytes(*octets));
        let (number, first_number) = (numbers.next()?, numbers.next()?);
        let lsns = numbers.next()?..numbers.next()?;
        let count = numbers.next()?;
        let mut ranges = Vec::new();
        let mut last = lsns.start;
        while let Some(start) = numbers.next() {
            let range = start..numbers.next()?;
            let aligned = [range.start, range.end].map(|lsn| lsn.is_multiple_of(ALIGNMENT));
            if range.start < last || range.is_empty() || aligned != [true; 2] {
                return None;
            }
            last = range.end;
            ranges.push(range);
        }
        let fits = last <= lsns.end && lsns.start >= FIRST_LSN && first_number <= number;
        let whole = odd.is_empty() && ranges.len() as u64 == count;
        (fits && whole).then_some(Self {
            store: *store,
            partition: *partition,
            number,
            first_number,
            tombstone: flags & TOMBSTONE != 0,
            lsns,
            ranges,
        })
    }
}

/// Reads what was freed of segment `number`; `None` if that can't be read.
///
/// # Errors
/// [`Error::Io`] if it is not there.
pub(crate) fn read<D: Disk>(
    disk: &D,
    partition: &Partition,
    number: u64,
) -> Result<Option<Freed>, Error> {
    let path = partition.freed(number);
    let octets = disk.open(&path, Access::Read).and_then(|file| {
        let length = usize::try_from(disk.length(&file)?).unwrap_or(0);
        // A segment has no more records than that.
        let mut octets = vec![0; length.min(256 << 20)];
        disk.read_at(&file, &mut octets, 0)?;
        Ok(octets)
    });
    let octets = match octets {
        // It may have been put together with another just now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(io_error(&path, error));
        }
        // Damage, as good as a wrong checksum.
        Err(_) => return Ok(None),
        Ok(octets) => octets,
    };
    let own = |freed: &Freed| freed.partition == partition.id && freed.number == number;
    Ok(Freed::decode(&octets).filter(own))
}

/// Writes it, durably: after a crash at any point of it what was there before is there, or this.
///
/// # Errors
/// [`Error::Io`], [`Error::Full`]; what was there before is there, or this.
pub(crate) fn write<D: Disk>(disk: &D, partition: &Partition, freed: &Freed) -> Result<(), Error> {
    let new = format!("{}/freed.new", partition.log());
    let path = partition.freed(freed.number);
    let octets = freed.encode();
    let attempt = || {
        let file = disk.open(&new, Access::Create)?;
        disk.set_length(&file, 0)?;
        disk.write_at(&file, &[IoSlice::new(&octets)], 0)?;
        disk.sync(&file)
    };
    let made = match attempt() {
        Err(error) if super::files::is_full(&error) && borrow(disk, partition).is_ok() => attempt(),
        other => other,
    };
    made.and_then(|()| disk.rename(&new, &path))
        .and_then(|()| disk.sync_dir(&partition.log()))
        .map_err(|error| io_error(&path, error))
}

/// Takes some space from the reserve; the next segment gives it back to it.
fn borrow<D: Disk>(disk: &D, partition: &Partition) -> io::Result<()> {
    let file = disk.open(&partition.reserve(), Access::Write)?;
    let there = disk.length(&file)?;
    disk.set_length(&file, there.saturating_sub(LENT_BYTES))?;
    disk.sync(&file)
}

/// Both, put together where they touch or overlap.
pub(crate) fn union(mut ranges: Vec<Range<u64>>, more: &[Range<u64>]) -> Vec<Range<u64>> {
    ranges.extend_from_slice(more);
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, kept| {
        let touch = next.start <= kept.end;
        if touch {
            kept.end = kept.end.max(next.end);
        }
        touch
    });
    ranges
}

/// The end of the range that has an LSN in it.
pub(crate) fn end_at(ranges: &[Range<u64>], lsn: u64) -> Option<u64> {
    let after = ranges.partition_point(|range| range.start <= lsn);
    let range = ranges.get(after.checked_sub(1)?)?;
    range.contains(&lsn).then_some(range.end)
}

/// Where the first range after an LSN begins.
pub(crate) fn next_after(ranges: &[Range<u64>], lsn: u64) -> Option<u64> {
    let after = ranges.partition_point(|range| range.start <= lsn);
    ranges.get(after).map(|range| range.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Freed {
        Freed {
            store: [1; 16],
            partition: [2; 16],
            number: 9,
            first_number: 3,
            tombstone: true,
            lsns: 800..8000,
            ranges: vec![800..1000, 1048..8000],
        }
    }

    #[test]
    fn it_comes_back_and_every_flipped_bit_is_noticed() {
        let octets = some().encode();
        assert_eq!(octets.len(), HEAD_BYTES + 2 * 16 + 4);
        assert_eq!(Freed::decode(&octets), Some(some()));
        for bit in 0..octets.len() * 8 {
            let mut flipped = octets.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Freed::decode(&flipped), None, "bit {bit}");
        }
        for cut in 0..octets.len() {
            assert_eq!(Freed::decode(&octets[..cut]), None);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for ranges in [
            &[792..800, 808..816],
            &[800..808, 816..8008],
            &[804..1000, 1048..2000],
            &[1000..1000, 1048..2000],
            &[1000..2000, 1992..3000],
        ] {
            let ranges = ranges.to_vec();
            let freed = Freed { ranges, ..some() };
            assert_eq!(Freed::decode(&freed.encode()), None, "{freed:?}");
        }
    }

    #[test]
    fn ranges_are_put_together() {
        let both = union(vec![8..16, 40..48], &[16..24, 80..88, 44..56]);
        assert_eq!(both, [8..24, 40..56, 80..88]);
        assert_eq!(end_at(&both, 8), Some(24));
        assert_eq!(end_at(&both, 24), None);
        assert_eq!(end_at(&both, 0), None);
        assert_eq!(next_after(&both, 24), Some(40));
        assert_eq!(next_after(&both, 80), None);
    }
}
