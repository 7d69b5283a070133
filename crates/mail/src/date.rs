//! Dates: the `Date` field (RFC 5322 §3.3, §4.3), and the civil calendar.

use crate::lex::Cursor;

/// A `Date` field, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub unix: i64,
    /// Minutes that the sender's clock was ahead of UTC.
    pub zone_minutes: i16,
    /// The date as written, disregarding time and zone: days since 1970-01-01.
    pub days: i32,
}

const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. `month`
/// is 1–12; days beyond the month's end count into the next one.
#[must_use]
pub fn days_from_civil(year: i32, month: u32, day: u32) -> i32 {
    // Years begin in March here, so that the leap day is the last of the year.
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

/// Year, month (1–12) and day (1–31) of a day since 1970-01-01.
#[must_use]
pub fn civil_from_days(days: i32) -> (i32, u32, u32) {
    let days = i64::from(days) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |n: i64| u32::try_from(n).unwrap_or_default();
    (
        i32::try_from(year).unwrap_or_default(),
        small(month),
        small(day),
    )
}

/// The English abbreviation of a month (1–12) as mail writes it; of January
/// for any other number.
#[must_use]
pub fn month_name(month: u32) -> &'static str {
    match month {
        2 => "Feb",
        3 => "Mar",
        4 => "Apr",
        5 => "May",
        6 => "Jun",
        7 => "Jul",
        8 => "Aug",
        9 => "Sep",
        10 => "Oct",
        11 => "Nov",
        12 => "Dec",
        _ => "Jan",
    }
}

/// Reads the value of a `Date` field. The weekday may be missing or wrong,
/// seconds and zone missing, separators any, comments anywhere, the year of two
/// or three digits (RFC 5322 §4.3), the order that of `ctime`, or ISO 8601.
#[must_use]
pub fn parse(value: &[u8]) -> Option<DateTime> {
    read(value).date_time()
}

/// The sent date of RFC 5256 §2.2: as [`parse`] reads it, but of a day that there is.
/// `None` if there is none: then the date on which the message arrived takes its place.
#[must_use]
pub fn sent(value: &[u8]) -> Option<DateTime> {
    let found = read(value);
    let date = found.date_time()?;
    let (_, month, day) = civil_from_days(date.days);
    (found.month == Some(month) && found.day == Some(day)).then_some(date)
}

fn read(value: &[u8]) -> Found {
    let mut tokens = Tokens {
        at: Cursor::new(value),
    };
    let mut found = Found::default();
    while let Some(token) = tokens.next() {
        found.take(token);
    }
    found
}

/// A run of letters, or of digits with the sign or separator before it.
#[derive(Clone, Copy)]
enum Token<'a> {
    Word(&'a [u8]),
    Number {
        before: u8,
        value: u32,
        digits: usize,
        after: u8,
    },
}

struct Tokens<'a> {
    at: Cursor<'a>,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        let mut before = b' ';
        loop {
            self.at.skip_cfws();
            let first = self.at.peek()?;
            if first.is_ascii_digit() {
                return Some(self.number(before));
            }
            if first.is_ascii_alphabetic() {
                return Some(Token::Word(self.at.run(|b| b.is_ascii_alphabetic())));
            }
            before = first;
            self.at.bump();
        }
    }

    fn number(&mut self, before: u8) -> Token<'a> {
        let run = self.at.run(|b| b.is_ascii_digit());
        let value = run.iter().fold(0u32, |value, digit| {
            value
                .saturating_mul(10)
                .saturating_add(u32::from(digit - b'0'))
        });
        self.at.skip_cfws();
        let after = self.at.peek().unwrap_or(b' ');
        let digits = run.len();
        Token::Number {
            before,
            value,
            digits,
            after,
        }
    }
}

/// What has been recognised so far.
#[derive(Default)]
struct Found {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    time: [Option<u32>; 3],
    zone: Option<i16>,
    /// `PM` seen: twelve hours later.
    afternoon: bool,
}

impl Found {
    fn take(&mut self, token: Token<'_>) {
        match token {
            Token::Word(word) => self.word(word),
            Token::Number {
                before,
                value,
                digits,
                after,
            } => {
                if matches!(before, b'+' | b'-')
                    && self.time[0].is_some()
                    && self.zone.is_none()
                    && digits >= 2
                {
                    self.zone = numeric_zone(before, value, digits);
                } else if after == b':' || before == b':' {
                    self.clock(value, before, after);
                } else {
                    self.calendar(value, digits);
                }
            }
        }
    }

    fn clock(&mut self, value: u32, before: u8, after: u8) {
        let [hour, minute, second] = &mut self.time;
        match (before == b':', after == b':') {
            (false, true) if hour.is_none() => *hour = Some(value),
            _ if minute.is_none() => *minute = Some(value),
            _ if second.is_none() => *second = Some(value),
            _ => {}
        }
    }

    fn calendar(&mut self, value: u32, digits: usize) {
        let year = i32::try_from(value).ok();
        if digits >= 4 && self.year.is_none() {
            self.year = year;
        } else if self.year.is_some() && self.month.is_none() && self.day.is_none() {
            // ISO 8601: the year came first.
            self.month = Some(value);
        } else if self.day.is_none() {
            self.day = Some(value);
        } else if self.year.is_none() && (2..=3).contains(&digits) {
            // RFC 5322 §4.3: two digits are 1950–2049, three count from 1900.
            self.year = year.map(|y| {
                if digits == 2 && y < 50 {
                    y + 2000
                } else {
                    y + 1900
                }
            });
        }
    }

    fn word(&mut self, word: &[u8]) {
        let head = word.get(..3).unwrap_or_default();
        let month = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(head));
        if word.eq_ignore_ascii_case(b"pm") {
            self.afternoon = true;
        } else if let (Some(index), None) = (month, self.month) {
            self.month = u32::try_from(index + 1).ok();
        } else if self.time[0].is_some() && self.zone.is_none() {
            self.zone = named_zone(word);
        }
    }

    fn date_time(&self) -> Option<DateTime> {
        let (year, month, day) = (self.year?, self.month?, self.day?);
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let days = days_from_civil(year, month, day);
        let [hour, minute, second] = self.time.map(Option::unwrap_or_default);
        let afternoon = if self.afternoon && hour < 12 { 12 } else { 0 };
        // A leap second is the last that there can be. RFC 5256 §2.2: an invalid time
        // is midnight.
        let seconds = if hour < 24 && minute < 60 && second < 61 {
            (hour + afternoon) * 3600 + minute * 60 + second.min(59)
        } else {
            0
        };
        let zone_minutes = self.zone.unwrap_or(0);
        let unix = i64::from(days) * 86_400 + i64::from(seconds) - i64::from(zone_minutes) * 60;
        Some(DateTime {
            unix,
            zone_minutes,
            days,
        })
    }
}

/// `+hhmm`, `+hh`; anything beyond a day is not believed.
fn numeric_zone(sign: u8, value: u32, digits: usize) -> Option<i16> {
    let minutes = if digits <= 2 {
        value.saturating_mul(60)
    } else {
        value / 100 * 60 + value % 100
    };
    let minutes = i16::try_from(minutes).ok().filter(|m| *m < 24 * 60)?;
    Some(if sign == b'-' { -minutes } else { minutes })
}

/// RFC 5322 §4.3: the North American names; the military letters were defined
/// the wrong way round once, so they mean nothing, as do unknown names.
fn named_zone(word: &[u8]) -> Option<i16> {
    const ZONES: [(&[u8], i16); 16] = [
        (b"UT", 0),
        (b"UTC", 0),
        (b"GMT", 0),
        (b"Z", 0),
        (b"EST", -300),
        (b"EDT", -240),
        (b"CST", -360),
        (b"CDT", -300),
        (b"MST", -420),
        (b"MDT", -360),
        (b"PST", -480),
        (b"PDT", -420),
        (b"CET", 60),
        (b"CEST", 120),
        (b"MET", 60),
        (b"JST", 540),
    ];
    let zone = ZONES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    // "GMT+0200" goes on with the number.
    zone.filter(|(_, minutes)| *minutes != 0)
        .map(|(_, minutes)| *minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, unix, zone) in [
            ("Fri, 21 Nov 1997 09:55:06 -0600", 880_127_706, -360),
            ("21 Nov 97 09:55:06 GMT", 880_106_106, 0),
            (
                "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
                880_127_706,
                -360,
            ),
            (
                "Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330 (Newfoundland)",
                -27_723_480,
                -210,
            ),
            ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)", 837_595_405, -420),
            ("Wed Jul 17 02:23:25 1996", 837_570_205, 0),
            ("Wed Jul 17 02:23:25 PDT 1996", 837_595_405, -420),
            ("1996-07-17T02:23:25Z", 837_570_205, 0),
            ("17-Jul-1996 02:23:25 +0200", 837_563_005, 120),
            ("1 Jan 2000", 946_684_800, 0),
            ("Tue, 1 Jul 2003 10:52:37 GMT+0200", 1_057_049_557, 120),
            ("Tue, 31 Dec 103 23:59:60 +0000", 1_072_915_199, 0),
        ] {
            let got = parse(text.as_bytes()).unwrap();
            assert_eq!((got.unix, got.zone_minutes), (unix, zone), "{text}");
        }
    }

    /// RFC 5256 §2.2.
    #[test]
    fn sent_dates_are_adjusted_to_utc() {
        for (text, expected) in [
            ("31 Dec 2000 16:01:33 -0800", Some(978_307_293)),
            ("1 Jan 2001 00:01:33 +0000", Some(978_307_293)),
            // An invalid zone is UTC, an invalid time midnight.
            ("1 Jan 2001 00:01:33 +9999", Some(978_307_293)),
            ("1 Jan 2001 00:01:33 XYZ", Some(978_307_293)),
            ("1 Jan 2001 24:00:00 +0000", Some(978_307_200)),
            ("1 Jan 2001 10:61:00 +0000", Some(978_307_200)),
            ("1 Jan 2001", Some(978_307_200)),
            ("29 Feb 2000 00:00:00 +0000", Some(951_782_400)),
            ("29 Feb 2001 00:00:00 +0000", None),
            ("31 Apr 2001 00:00:00 +0000", None),
            ("nonsense", None),
            ("", None),
        ] {
            let unix = sent(text.as_bytes()).map(|date| date.unix);
            assert_eq!(unix, expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "yesterday",
            "32 Jan 2000",
            "1 Foo 2000",
            "1 Jan 99999999999999",
            "((((",
            "0 Jan 2000",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_date_is_the_senders() {
        let got = parse(b"1 Jan 2000 00:30:00 +0200").unwrap();
        assert_eq!(civil_from_days(got.days), (2000, 1, 1));
    }

    #[test]
    fn civil_dates_and_days_are_inverse() {
        for (days, civil) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (-719_468, (0, 3, 1)),
        ] {
            assert_eq!(civil_from_days(days), civil);
        }
        for days in (-800_000..3_000_000).step_by(97).chain([i32::MAX / 2]) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
    }
}
