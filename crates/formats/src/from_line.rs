//! The line that begins a message in an mbox: `From sender Www Mmm dd hh:mm:ss yyyy`.

use mail::date::{civil_from_days, days_from_civil, month_name};

use crate::letter::Date;

/// The longest line that is looked at, in octets.
pub const FROM_LINE_BYTES_MAX: usize = 1000;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

/// Reads such a line (with or without its end). `None`: it is none, and belongs to a message's text. One
/// without a zone is taken for UTC.
#[must_use]
pub fn parse(line: &[u8]) -> Option<Date> {
    let rest = line.strip_prefix(b"From ")?;
    let text = str::from_utf8(rest).map_or_else(|_| ascii(rest), str::to_owned);
    let text = text.trim_end();
    let text = text
        .rfind(" remote from ")
        .and_then(|at| text.get(..at))
        .unwrap_or(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    // The sender may be anything, or missing: the date is read from the end.
    let (year, zone, rest) = match words.as_slice() {
        [rest @ .., zone, year] if is_zone(zone) && is_year(year) => (year, Some(zone), rest),
        [rest @ .., year, zone] if is_zone(zone) && is_year(year) => (year, Some(zone), rest),
        [rest @ .., year] if is_year(year) => (year, None, rest),
        _ => return None,
    };
    let [.., weekday, month, day, time] = rest else {
        return None;
    };
    if !DAYS.iter().any(|day| day.eq_ignore_ascii_case(weekday)) {
        return None;
    }
    let month = (1..=12).find(|n| month_name(*n).eq_ignore_ascii_case(month))?;
    let day = number(day, 31).filter(|day| *day > 0)?;
    let mut clock = time.split(':');
    let hour = number(clock.next()?, 23)?;
    let minute = number(clock.next()?, 59)?;
    let second = clock.next().map_or(Some(0), |second| number(second, 60))?;
    if clock.next().is_some() {
        return None;
    }
    let days = days_from_civil(year.parse().ok()?, month, day);
    let zone_minutes = zone.map_or(0, |zone| zone_minutes(zone));
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some(Date {
        unix: i64::from(days) * 86_400 + seconds - i64::from(zone_minutes) * 60,
        zone_minutes,
    })
}

fn ascii(octets: &[u8]) -> String {
    let plain = |octet: &u8| {
        if octet.is_ascii() {
            *octet as char
        } else {
            '?'
        }
    };
    octets.iter().map(plain).collect()
}

fn number(text: &str, max: u32) -> Option<u32> {
    let fine = (1..=2).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|n| fine && *n <= max)
}

fn is_year(word: &str) -> bool {
    word.len() == 4 && word.bytes().all(|octet| octet.is_ascii_digit())
}

fn is_zone(word: &str) -> bool {
    match word.as_bytes() {
        [b'+' | b'-', digits @ ..] => digits.len() == 4 && digits.iter().all(u8::is_ascii_digit),
        letters => (2..=5).contains(&letters.len()) && letters.iter().all(u8::is_ascii_uppercase),
    }
}

fn zone_minutes(zone: &str) -> i16 {
    let named = |name: &str| match name {
        "EST" | "CDT" => -5,
        "EDT" => -4,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        "CET" | "MET" | "BST" => 1,
        "CEST" | "MEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        _ => 0,
    };
    let Some((sign, digits)) = zone
        .split_at_checked(1)
        .filter(|(sign, _)| "+-".contains(sign))
    else {
        return named(zone) * 60;
    };
    let digits: i16 = digits.parse().unwrap_or(0);
    let minutes = digits / 100 * 60 + digits % 100;
    if sign == "-" { -minutes } else { minutes }
}

/// Writes such a line, with LF: in the zone of the date, which it names.
#[must_use]
pub fn format(sender: &str, date: Date) -> String {
    // What is written has to be read again: four digits of a year, and a line of some length.
    let unix = date.unix.clamp(-62_135_000_000, 253_402_000_000);
    let zone = i64::from(date.zone_minutes.clamp(-1439, 1439));
    let local = unix + zone * 60;
    let days = i32::try_from(local.div_euclid(86_400)).unwrap_or(0);
    let second = local.rem_euclid(86_400);
    let (year, month, day) = civil_from_days(days);
    let weekday = usize::try_from(days.rem_euclid(7)).unwrap_or(0);
    let weekday = DAYS.get(weekday).copied().unwrap_or("Thu");
    let sender: String = sender
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace())
        .take(200)
        .collect();
    let sender = if sender.is_empty() {
        "MAILER-DAEMON"
    } else {
        &sender
    };
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let sign = if zone < 0 { '-' } else { '+' };
    let zone = zone.abs() / 60 * 100 + zone.abs() % 60;
    format!(
        "From {sender} {weekday} {} {day:2} {hour:02}:{minute:02}:{second:02} {year:04} {sign}{zone:04}\n",
        month_name(month)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_lines_as_they_are_found() {
        let date = |unix, zone_minutes| Some(Date { unix, zone_minutes });
        for (line, expected) in [
            (
                "From joe@example.org Mon Jan  3 09:15:00 2000\n",
                date(946_890_900, 0),
            ),
            (
                "From joe Mon Jan  3 09:15:00 2000 +0000",
                date(946_890_900, 0),
            ),
            ("From joe Mon Jan  3 09:15 2000", date(946_890_900, 0)),
            (
                "From joe Mon Jan 03 10:15:00 +0100 2000",
                date(946_890_900, 60),
            ),
            (
                "From joe Mon Jan  3 10:15:00 CET 2000\r\n",
                date(946_890_900, 60),
            ),
            (
                "From a b c Mon Jan  3 09:15:00 2000 remote from host",
                date(946_890_900, 0),
            ),
            ("From  Mon Jan  3 09:15:00 2000", date(946_890_900, 0)),
            (
                "From j\u{e9} Mon Jan  3 04:15:00 EST 2000",
                date(946_890_900, -300),
            ),
            ("From here on nothing works", None),
            ("From me to you", None),
            ("From joe Foo Jan  3 09:15:00 2000", None),
            ("From joe Mon Jan 33 09:15:00 2000", None),
            ("From joe Mon Jan  3 25:15:00 2000", None),
            ("from joe Mon Jan  3 09:15:00 2000", None),
            (">From joe Mon Jan  3 09:15:00 2000", None),
            ("From ", None),
        ] {
            assert_eq!(parse(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(
            parse(b"From \xff\xfe Mon Jan  3 09:15:00 2000"),
            date(946_890_900, 0)
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..5000 {
            let date = Date {
                unix: random.i64(-2_000_000_000..200_000_000_000),
                zone_minutes: random.i16(-1439..=1439),
            };
            let line = format("joe@example.org", date);
            assert_eq!(parse(line.as_bytes()), Some(date), "{line}");
        }
        assert_eq!(
            format(
                "",
                Date {
                    unix: 0,
                    zone_minutes: 0
                }
            ),
            "From MAILER-DAEMON Thu Jan  1 00:00:00 1970 +0000\n"
        );
        for unix in [i64::MIN, i64::MAX] {
            let line = format(
                "x\ny z",
                Date {
                    unix,
                    zone_minutes: i16::MIN,
                },
            );
            assert!(parse(line.as_bytes()).is_some(), "{line}");
        }
    }
}
