//! The bytes of a segment: its header, and the header of a record.
//!
//! The tables are in `docs/store-format.md`. All numbers are little-endian. Nothing here
//! trusts what it decodes: every field is checked, nothing is indexed.

use crate::checksum::{crc32c, crc32c_append};

/// The version of the format.
pub(crate) const FORMAT_VERSION: u32 = 1;
/// Octets before the first record of a segment.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = 4096;
/// Where the second copy of the segment's header is: in another sector.
pub(crate) const HEADER_COPY_AT: usize = 2048;
/// Octets of a record before its body.
pub(crate) const RECORD_HEADER_BYTES: usize = 40;
/// The longest body that is believed, in octets.
pub(crate) const BODY_BYTES_MAX: usize = 64 << 20;
/// The first LSN there is: 0 stays "before everything".
pub(crate) const FIRST_LSN: u64 = 8;
/// Records begin at multiples of this.
pub(crate) const ALIGNMENT: u64 = STEP as u64;
/// The same, for lengths in memory.
pub(crate) const STEP: usize = 8;

const MAGIC: &[u8; 8] = b"ChaparL\n";
const SEGMENT_FIELDS_BYTES: usize = 128;
/// A record of a type we don't know may be skipped.
const OPTIONAL: u8 = 1;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) store: [u8; 16],
    pub(crate) partition: [u8; 16],
    pub(crate) number: u64,
    pub(crate) first_lsn: u64,
    /// The epoch of the lease under which it was made.
    pub(crate) epoch: u64,
    /// Random: so that bytes of an earlier life of the same disk blocks can't pass.
    pub(crate) salt: u64,
}

/// Why a segment's header is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadHeader {
    /// Not the magic, or not the checksum.
    Damaged,
    /// Made by a later program, whose header begins as ours does.
    Newer {
        /// Its format version.
        version: u32,
        /// The store it belongs to.
        store: [u8; 16],
    },
}

/// A little-endian number at `at`, 0 if there is none.
fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk::<N>())
        .copied()
        .unwrap_or([0; N])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(number(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(number(bytes, at))
}

impl SegmentHeader {
    /// The header block, both copies.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut fields = Vec::with_capacity(SEGMENT_FIELDS_BYTES);
        fields.extend_from_slice(MAGIC);
        fields.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        fields.extend_from_slice(&0u32.to_le_bytes());
        fields.extend_from_slice(&self.store);
        fields.extend_from_slice(&self.partition);
        for value in [self.number, self.first_lsn, self.epoch, self.salt] {
            fields.extend_from_slice(&value.to_le_bytes());
        }
        fields.resize(SEGMENT_FIELDS_BYTES - 4, 0);
        let sum = crc32c(&fields);
        fields.extend_from_slice(&sum.to_le_bytes());
        let mut block = fields.clone();
        block.resize(HEADER_COPY_AT, 0);
        block.extend_from_slice(&fields);
        block.resize(usize::try_from(SEGMENT_HEADER_BYTES).unwrap_or(4096), 0);
        block
    }

    /// The header, from whichever copy is whole.
    pub(crate) fn decode(block: &[u8]) -> Result<Self, BadHeader> {
        let first = Self::decode_copy(block);
        match first {
            Err(BadHeader::Damaged) => {
                Self::decode_copy(block.get(HEADER_COPY_AT..).unwrap_or_default())
            }
            decided => decided,
        }
    }

    fn decode_copy(bytes: &[u8]) -> Result<Self, BadHeader> {
        let fields = bytes
            .get(..SEGMENT_FIELDS_BYTES - 4)
            .ok_or(BadHeader::Damaged)?;
        let sum = u32_at(bytes, SEGMENT_FIELDS_BYTES - 4);
        if !fields.starts_with(MAGIC) || crc32c(fields) != sum {
            return Err(BadHeader::Damaged);
        }
        let version = u32_at(fields, 8);
        if version != FORMAT_VERSION {
            return Err(BadHeader::Newer {
                version,
                store: number(fields, 16),
            });
        }
        let header = Self {
            store: number(fields, 16),
            partition: number(fields, 32),
            number: u64_at(fields, 48),
            first_lsn: u64_at(fields, 56),
            epoch: u64_at(fields, 64),
            salt: u64_at(fields, 72),
        };
        if header.first_lsn < FIRST_LSN || !header.first_lsn.is_multiple_of(ALIGNMENT) {
            return Err(BadHeader::Damaged);
        }
        Ok(header)
    }

    /// What begins the checksum of every record header in this segment.
    pub(crate) fn seal(&self) -> Seal {
        Seal(crc32c_append(
            crc32c(&self.salt.to_le_bytes()),
            &self.number.to_le_bytes(),
        ))
    }
}

/// Salt and segment number, folded into the start of a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seal(u32);

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// A piece of a message's octets.
    Blob,
    /// A message's own record.
    Message,
    /// Changes of one account.
    Batch,
    /// Closes a group.
    Commit,
    /// What was cut off of the log, and may have been acknowledged: see [`super::gaps`].
    Lost,
    /// Something later programs write, and this one may pass over.
    UnknownOptional(u8),
    /// Something later programs write, without which the log means something else.
    UnknownRequired(u8),
}

impl Type {
    fn to_bytes(self) -> [u8; 2] {
        match self {
            Self::Blob => [1, 0],
            Self::Message => [2, 0],
            Self::Batch => [3, 0],
            Self::Commit => [4, 0],
            Self::Lost => [5, OPTIONAL],
            Self::UnknownOptional(number) => [number, OPTIONAL],
            Self::UnknownRequired(number) => [number, 0],
        }
    }

    fn from_bytes(number: u8, flags: u8) -> Self {
        match number {
            1 => Self::Blob,
            2 => Self::Message,
            3 => Self::Batch,
            4 => Self::Commit,
            5 => Self::Lost,
            _ if flags & OPTIONAL != 0 => Self::UnknownOptional(number),
            _ => Self::UnknownRequired(number),
        }
    }
}

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    pub(crate) kind: Type,
    pub(crate) length: u32,
    pub(crate) body_sum: u32,
    pub(crate) lsn: u64,
    /// Whose it is; 0 for what is nobody's alone. In a commit: the group's first LSN.
    pub(crate) account: u64,
    /// The batch's number in its account. In a commit: the lease's epoch.
    pub(crate) seq: u64,
}

impl RecordHeader {
    /// Its bytes in the segment of that seal.
    pub(crate) fn encode(&self, seal: Seal) -> [u8; RECORD_HEADER_BYTES] {
        let mut bytes = [0; RECORD_HEADER_BYTES];
        let [kind, flags] = self.kind.to_bytes();
        let parts: [(usize, &[u8]); 6] = [
            (0, &self.length.to_le_bytes()),
            (8, &[kind, flags]),
            (12, &self.body_sum.to_le_bytes()),
            (16, &self.lsn.to_le_bytes()),
            (24, &self.account.to_le_bytes()),
            (32, &self.seq.to_le_bytes()),
        ];
        for (at, part) in parts {
            if let Some(place) = bytes.get_mut(at..at + part.len()) {
                place.copy_from_slice(part);
            }
        }
        let sum = header_sum(&bytes, seal);
        if let Some(place) = bytes.get_mut(4..8) {
            place.copy_from_slice(&sum.to_le_bytes());
        }
        bytes
    }

    /// The header in `bytes`, if it is one of that segment, at that LSN.
    pub(crate) fn decode(bytes: &[u8], seal: Seal, lsn: u64) -> Option<Self> {
        let bytes = bytes.first_chunk::<RECORD_HEADER_BYTES>()?;
        // Cheapest first: a search for the next record comes here for every 8 octets.
        if u64_at(bytes, 16) != lsn || header_sum(bytes, seal) != u32_at(bytes, 4) {
            return None;
        }
        let length = u32_at(bytes, 0);
        if usize::try_from(length).ok()? > BODY_BYTES_MAX {
            return None;
        }
        let [kind, flags] = number(bytes, 8);
        Some(Self {
            kind: Type::from_bytes(kind, flags),
            length,
            body_sum: u32_at(bytes, 12),
            lsn,
            account: u64_at(bytes, 24),
            seq: u64_at(bytes, 32),
        })
    }

    /// Octets of the whole record, with its padding.
    pub(crate) fn span(&self) -> u64 {
        span(self.length as usize)
    }

    /// Where the next record begins.
    pub(crate) fn end(&self) -> u64 {
        self.lsn.saturating_add(self.span())
    }
}

/// Octets of a record with a body of `length`.
pub(crate) fn span(length: usize) -> u64 {
    (RECORD_HEADER_BYTES as u64 + length as u64).next_multiple_of(ALIGNMENT)
}

/// Zeros after a body of `length`.
pub(crate) fn padding(length: usize) -> usize {
    length.next_multiple_of(STEP) - length
}

fn header_sum(bytes: &[u8; RECORD_HEADER_BYTES], seal: Seal) -> u32 {
    let length = bytes.get(..4).unwrap_or_default();
    let rest = bytes.get(8..).unwrap_or_default();
    crc32c_append(crc32c_append(seal.0, length), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: SegmentHeader = SegmentHeader {
        store: [1; 16],
        partition: [2; 16],
        number: 42,
        first_lsn: 4096,
        epoch: 7,
        salt: 99,
    };
    const RECORD: RecordHeader = RecordHeader {
        kind: Type::Batch,
        length: 11,
        body_sum: 5,
        lsn: 800,
        account: u64::MAX,
        seq: 3,
    };

    #[test]
    fn a_segment_header_survives_the_loss_of_either_copy() {
        let whole = SEGMENT.encode();
        assert_eq!(whole.len() as u64, SEGMENT_HEADER_BYTES);
        for lost in [0, HEADER_COPY_AT] {
            let mut block = whole.clone();
            block[lost + 50] ^= 1;
            assert_eq!(SegmentHeader::decode(&block), Ok(SEGMENT));
        }
        let mut block = whole;
        block[50] ^= 1;
        block[HEADER_COPY_AT + 9] ^= 1;
        assert_eq!(SegmentHeader::decode(&block), Err(BadHeader::Damaged));
        assert_eq!(SegmentHeader::decode(&[]), Err(BadHeader::Damaged));
    }

    #[test]
    fn every_flipped_bit_of_a_record_header_is_noticed() {
        let seal = SEGMENT.seal();
        let bytes = RECORD.encode(seal);
        assert_eq!(RecordHeader::decode(&bytes, seal, 800), Some(RECORD));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::decode(&flipped, seal, 800), None, "bit {bit}");
        }
    }

    #[test]
    fn a_record_of_another_place_or_life_does_not_pass() {
        let seal = SEGMENT.seal();
        let bytes = RECORD.encode(seal);
        let other_salt = SegmentHeader { salt: 1, ..SEGMENT };
        let other_number = SegmentHeader {
            number: 1,
            ..SEGMENT
        };
        assert_eq!(RecordHeader::decode(&bytes, other_salt.seal(), 800), None);
        assert_eq!(RecordHeader::decode(&bytes, other_number.seal(), 800), None);
        assert_eq!(RecordHeader::decode(&bytes, seal, 808), None);
        assert_eq!(RecordHeader::decode(&bytes[..39], seal, 800), None);
    }

    #[test]
    fn unknown_types_say_whether_they_may_be_skipped() {
        let seal = SEGMENT.seal();
        for kind in [Type::UnknownOptional(9), Type::UnknownRequired(9)] {
            let header = RecordHeader { kind, ..RECORD };
            let found = RecordHeader::decode(&header.encode(seal), seal, 800);
            assert_eq!(found, Some(header));
        }
    }
}
