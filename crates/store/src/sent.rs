//! When a message was sent, in five octets beside its placement: sorting and searching by it reads no record.
//!
//! What is out of the ordinary is not told here, nor is it of messages that came before it was noted. Of those the record
//! is asked.

use mail::{date, digest::DigestRef, header};

use crate::octets::{Malformed, Octets, put_step};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// [`Sent::day`] of messages that were sent on the same day in UTC and in their own zone; a day more or less is one
/// more or less.
const SAME_DAY: u8 = 4;

/// Days that a zone lies apart from UTC at most; what is written with a stranger one is not told.
const DAYS_APART: i64 = 2;

/// When a message was sent, as far as its placement tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// 0: it is not told; 1: the message does not say; else about [`SAME_DAY`].
    day: u8,
    /// Since 1970, little-endian: so that a placement has no gaps.
    seconds: [u8; 4],
}

/// What a placement tells of when its message was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentDate {
    /// Nothing: the record has to be asked.
    Untold,
    /// The message has no date that can be read.
    Undated,
    /// It was sent then.
    At {
        /// The sent date of RFC 5256 §2.2, in seconds since 1970 UTC.
        unix: i64,
        /// See [`mail::digest::Digest::sent_days`].
        days: i32,
    },
}

impl Sent {
    /// What a digest tells.
    pub(crate) fn of(digest: DigestRef<'_>) -> Self {
        let date = header::find(digest.listed, "Date").and_then(|field| date::sent(field.value));
        match (date, digest.sent_days) {
            (Some(date), Some(days)) => Self::at(date.unix, days).unwrap_or_default(),
            (None, None) => Self {
                day: 1,
                seconds: [0; 4],
            },
            // A day that there is not, with a date all the same.
            _ => Self::default(),
        }
    }

    fn at(unix: i64, days: i32) -> Option<Self> {
        let seconds = u32::try_from(unix).ok()?;
        let apart = i64::from(days) - unix / DAY;
        let day = i64::from(SAME_DAY) + apart;
        (-DAYS_APART..=DAYS_APART).contains(&apart).then_some(Self {
            day: u8::try_from(day).ok()?,
            seconds: seconds.to_le_bytes(),
        })
    }

    /// When it was.
    #[must_use]
    pub fn date(self) -> SentDate {
        match self.day {
            0 => SentDate::Untold,
            1 => SentDate::Undated,
            day => {
                let seconds = u32::from_le_bytes(self.seconds);
                let on = i32::try_from(seconds / 86_400).unwrap_or(i32::MAX);
                SentDate::At {
                    unix: seconds.into(),
                    days: on + i32::from(day) - i32::from(SAME_DAY),
                }
            }
        }
    }

    /// Writes it, of a message that arrived then.
    pub(crate) fn put(self, into: &mut Vec<u8>, arrived: i64) {
        into.push(self.day);
        if let SentDate::At { unix, .. } = self.date() {
            put_step(into, arrived.cast_unsigned(), unix.cast_unsigned());
        }
    }

    /// What [`Sent::put`] wrote.
    pub(crate) fn read(read: &mut Octets<'_>, arrived: i64) -> Result<Self, Malformed> {
        let wrong = Malformed("no such date of sending");
        let day = read.u8()?;
        let apart = (i64::from(day) - i64::from(SAME_DAY)).abs();
        if day < 2 {
            let seconds = [0; 4];
            return Ok(Self { day, seconds });
        }
        let seconds = u32::try_from(read.step(arrived.cast_unsigned())?).map_err(|_| wrong)?;
        if apart > DAYS_APART {
            return Err(wrong);
        }
        Ok(Self {
            day,
            seconds: seconds.to_le_bytes(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(header: &str) -> SentDate {
        let mut scanner = mail::Scanner::new(mail::Limits::default());
        scanner.push(format!("{header}\r\n\r\n").as_bytes());
        let mut octets = Vec::new();
        scanner.finish().encode(&mut octets);
        let digest = DigestRef::new(&octets).unwrap();
        let sent = Sent::of(digest);
        let mut kept = Vec::new();
        sent.put(&mut kept, 1_700_000_000);
        let mut read = Octets(&kept);
        assert_eq!(Sent::read(&mut read, 1_700_000_000), Ok(sent));
        assert_eq!(read.end(), Ok(()));
        if let SentDate::At { unix, days } = sent.date() {
            let date = header::find(digest.listed, "Date").unwrap();
            assert_eq!(date::sent(date.value).unwrap().unix, unix);
            assert_eq!(digest.sent_days, Some(days));
        }
        sent.date()
    }

    #[test]
    fn what_is_ordinary_is_told_and_all_else_is_left_to_the_record() {
        let at = |unix, days| SentDate::At { unix, days };
        assert_eq!(of("Date: Thu, 1 Jan 1970 00:00:07 +0000"), at(7, 0));
        assert_eq!(of("Date: Thu, 2 Jan 1970 01:00 +0200"), at(82_800, 1));
        assert_eq!(of("Date: Thu, 1 Jan 1970 23:00 -0200"), at(90_000, 0));
        assert_eq!(of("Subject: x"), SentDate::Undated);
        assert_eq!(of("Date: yesterday"), SentDate::Undated);
        assert_eq!(of("Date: 31 Feb 2024 10:00 +0000"), SentDate::Untold);
        assert_eq!(of("Date: 31 Dec 1969 23:59:59 +0000"), SentDate::Untold);
        assert_eq!(of("Date: 1 Jan 2107 00:00 +0000"), SentDate::Untold);
        assert_eq!(Sent::default().date(), SentDate::Untold);
        assert_eq!(size_of::<crate::mailbox::chunk::Row>(), 64);
    }

    #[test]
    fn what_no_one_wrote_is_refused() {
        for octets in [&[][..], &[2], &[7, 0], &[4, 1]] {
            Sent::read(&mut Octets(octets), 0).unwrap_err();
        }
    }
}
