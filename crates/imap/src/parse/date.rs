//! Dates and times of commands, checked against the calendar.

use super::{
    cursor::{Cursor, Result, fault_at},
    what::What,
};
use crate::{
    calendar::{Day, MONTHS},
    command::{Date, DateTime},
};

// date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
pub(super) fn date_time(c: &mut Cursor<'_>) -> Result<DateTime> {
    c.expect(b'"', "a date and time in quotes")?;
    // date-day-fixed = (SP DIGIT) / 2DIGIT
    c.skip_spaces();
    let Date { days } = date_text(c)?;
    c.sp("the date")?;
    let seconds = time(c)?;
    c.sp("the time")?;
    let zone_minutes = zone(c)?;
    c.expect(b'"', "a quote after the time zone")?;
    let local = i64::from(days) * 86_400 + seconds;
    Ok(DateTime {
        unix: local - i64::from(zone_minutes) * 60,
        zone_minutes,
    })
}

// date = date-text / DQUOTE date-text DQUOTE
pub(super) fn date(c: &mut Cursor<'_>) -> Result<Date> {
    let quoted = c.eat(b'"');
    let date = date_text(c)?;
    if quoted {
        c.expect(b'"', "a quote after the date")?;
    }
    Ok(date)
}

// date-text = date-day "-" date-month "-" date-year
fn date_text(c: &mut Cursor<'_>) -> Result<Date> {
    let start = c.at();
    let day = digits(c, 1..=2, "the day of the month")?;
    c.expect(b'-', "'-' after the day of the month")?;
    let month = date_month(c)?;
    c.expect(b'-', "'-' after the month")?;
    let year = i64::from(if c.is_old() {
        // date_year_old = 2digit: (year - 1900)
        digits(c, 2..=4, "a year of two or four digits")?
    } else {
        digits(c, 4..=4, "a year of four digits")?
    });
    let day = Day {
        year: if year < 100 { year + 1900 } else { year },
        month,
        of_month: u8::try_from(day).unwrap_or(0),
    };
    match day.to_days() {
        Some(days) => Ok(Date { days }),
        None => fault_at(start, "there is no such day"),
    }
}

// date-month = "Jan" / "Feb" / "Mar" / …
fn date_month(c: &mut Cursor<'_>) -> Result<u8> {
    let start = c.at();
    let word = c.take_while(|b| b.is_ascii_alphabetic());
    MONTHS
        .iter()
        .zip(1..)
        .find(|(name, _)| word.eq_ignore_ascii_case(name.as_slice()))
        .map_or_else(
            || fault_at(start, "expected a month as three letters"),
            |(_, number)| Ok(number),
        )
}

// time = 2DIGIT ":" 2DIGIT ":" 2DIGIT
fn time(c: &mut Cursor<'_>) -> Result<i64> {
    let start = c.at();
    let hours = digits(c, 2..=2, "hours of two digits")?;
    c.expect(b':', "':' after the hours")?;
    let minutes = digits(c, 2..=2, "minutes of two digits")?;
    c.expect(b':', "':' after the minutes")?;
    let seconds = digits(c, 2..=2, "seconds of two digits")?;
    // 60 is a leap second, and counts as the next one.
    if hours > 23 || minutes > 59 || seconds > 60 {
        return fault_at(start, "there is no such time of day");
    }
    Ok(i64::from(hours * 3600 + minutes * 60 + seconds))
}

// zone = ("+" / "-") 4DIGIT
fn zone(c: &mut Cursor<'_>) -> Result<i16> {
    let start = c.at();
    let west = c.eat(b'-');
    if !west {
        c.expect(b'+', "'+' or '-' before the time zone")?;
    }
    let zone = digits(c, 4..=4, "a time zone of four digits")?;
    let (hours, minutes) = (zone / 100, zone % 100);
    let total = i16::try_from(hours * 60 + minutes).unwrap_or(i16::MAX);
    if hours > 23 || minutes > 59 {
        return fault_at(start, "there is no such time zone");
    }
    Ok(if west { -total } else { total })
}

fn digits(
    c: &mut Cursor<'_>,
    count: core::ops::RangeInclusive<usize>,
    what: &'static str,
) -> Result<u32> {
    let start = c.at();
    let digits = c.take_while(|b| b.is_ascii_digit());
    if !count.contains(&digits.len()) {
        return fault_at(start, What::of("expected {}", what));
    }
    Ok(digits
        .iter()
        .fold(0, |n, digit| n * 10 + u32::from(digit - b'0')))
}
