//! Numbers and strings as octets: what batches, message records and
//! checkpoint values are made of.
//!
//! Numbers are little-endian base 128, seven bits to an octet; signed ones are
//! folded first, so that small ones of either sign are short. Reading trusts
//! nothing: any octets give a value or [`Malformed`], and memory is taken only
//! for what is there.

use crate::{clock::Timestamp, id::Uid};

/// What is wrong with octets that can't be read, for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Ascending disjoint ranges of UIDs, both ends included.
pub(crate) type UidRanges = Vec<(Uid, Uid)>;

pub(crate) fn put_u64(into: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        into.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    into.push((n & 0x7f) as u8);
}

pub(crate) fn put_len(into: &mut Vec<u8>, n: usize) {
    put_u64(into, n as u64);
}

pub(crate) fn put_i64(into: &mut Vec<u8>, n: i64) {
    put_u64(into, ((n << 1) ^ (n >> 63)).cast_unsigned());
}

/// The difference between two numbers, around the corner if need be.
pub(crate) fn put_step(into: &mut Vec<u8>, from: u64, to: u64) {
    put_i64(into, to.wrapping_sub(from).cast_signed());
}

pub(crate) fn put_octets(into: &mut Vec<u8>, octets: &[u8]) {
    put_len(into, octets.len());
    into.extend_from_slice(octets);
}

pub(crate) fn put_timestamp(into: &mut Vec<u8>, time: Timestamp) {
    put_i64(into, time.unix);
    put_i64(into, time.zone_minutes.into());
}

/// Writes ranges as gap and length each, so that they can only be read as ascending and disjoint.
pub(crate) fn put_ranges(into: &mut Vec<u8>, ranges: &[(Uid, Uid)]) {
    put_len(into, ranges.len());
    let mut end = 0;
    for &(first, last) in ranges {
        put_u64(into, u64::from(first.0.wrapping_sub(end)));
        put_u64(into, u64::from(last.0.wrapping_sub(first.0)));
        end = last.0;
    }
}

/// Adds a UID to ranges that end before it.
pub(crate) fn extend_ranges(ranges: &mut UidRanges, uid: Uid) {
    match ranges.last_mut() {
        Some((_, last)) if last.0.checked_add(1) == Some(uid.0) => *last = uid,
        _ => ranges.push((uid, uid)),
    }
}

/// Octets being read from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Octets<'a>(pub(crate) &'a [u8]);

impl<'a> Octets<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// That nothing is left over.
    pub(crate) fn end(&self) -> Result<(), Malformed> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Malformed("octets left over"))
        }
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.0.split_first().ok_or(Malformed("cut short"))?;
        self.0 = rest;
        Ok(first)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let octet = self.u8()?;
            let bits = u64::from(octet & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            n |= bits << shift;
            if octet & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(Malformed("a number of more than 64 bits"))
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.u64()?).map_err(|_| Malformed("a number of more than 32 bits"))
    }

    pub(crate) fn usize(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.u64()?).map_err(|_| Malformed("a number beyond this machine"))
    }

    #[inline]
    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        let n = self.u64()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }

    #[inline]
    pub(crate) fn step(&mut self, from: u64) -> Result<u64, Malformed> {
        Ok(from.wrapping_add(self.i64()?.cast_unsigned()))
    }

    /// How many things follow, each of at least `octets_min` octets.
    pub(crate) fn count(&mut self, octets_min: usize) -> Result<usize, Malformed> {
        let n = self.usize()?;
        if n.saturating_mul(octets_min) > self.0.len() {
            return Err(Malformed("a count of more than there is"));
        }
        Ok(n)
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Malformed("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn octets(&mut self) -> Result<&'a [u8], Malformed> {
        let n = self.usize()?;
        self.take(n)
    }

    pub(crate) fn str(&mut self) -> Result<&'a str, Malformed> {
        str::from_utf8(self.octets()?).map_err(|_| Malformed("not UTF-8"))
    }

    pub(crate) fn timestamp(&mut self) -> Result<Timestamp, Malformed> {
        let unix = self.i64()?;
        let zone = i16::try_from(self.i64()?).map_err(|_| Malformed("no such time zone"))?;
        Ok(Timestamp {
            unix,
            zone_minutes: zone,
        })
    }

    pub(crate) fn ranges(&mut self) -> Result<UidRanges, Malformed> {
        let wrong = Malformed("UIDs that don't ascend");
        let mut ranges = Vec::with_capacity(self.count(2)?);
        let mut end = 0_u32;
        for _ in 0..ranges.capacity() {
            let gap = self.u32()?;
            let first = end.checked_add(gap).filter(|_| gap > 0).ok_or(wrong)?;
            let last = first.checked_add(self.u32()?).ok_or(wrong)?;
            ranges.push((Uid(first), Uid(last)));
            end = last;
        }
        Ok(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        for n in [0, 1, 127, 128, 300, 1 << 31, u64::MAX / 2, u64::MAX] {
            let mut octets = Vec::new();
            put_u64(&mut octets, n);
            put_i64(&mut octets, n.cast_signed());
            put_step(&mut octets, 77, n);
            let mut read = Octets(&octets);
            assert_eq!(read.u64(), Ok(n));
            assert_eq!(read.i64(), Ok(n.cast_signed()));
            assert_eq!(read.step(77), Ok(n));
            assert_eq!(read.end(), Ok(()));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for octets in [&[][..], &[0x80], &[0xff; 10], &[0xff; 11]] {
            assert!(Octets(octets).u64().is_err(), "{octets:?}");
        }
        assert_eq!(Octets(&[0xff; 4]).count(1), Err(Malformed("cut short")));
        assert!(Octets(&[100, 1, 2]).count(1).is_err());
    }

    #[test]
    fn ranges_come_back_ascending_or_not_at_all() {
        let ranges = vec![(Uid(1), Uid(1)), (Uid(3), Uid(9)), (Uid(11), Uid(u32::MAX))];
        let mut octets = Vec::new();
        put_ranges(&mut octets, &ranges);
        assert_eq!(Octets(&octets).ranges(), Ok(ranges));
        // A gap of nothing, and ranges past the largest UID.
        assert!(Octets(&[1, 0, 5]).ranges().is_err());
        assert!(
            Octets(&[1, 1, 0xff, 0xff, 0xff, 0xff, 0x0f])
                .ranges()
                .is_err()
        );
    }
}
