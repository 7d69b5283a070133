//! Days and dates: what INTERNALDATE and SEARCH need of the calendar.
//! Proleptic Gregorian; no time zones but the one that is written.

/// The months as RFC 9051 §9 spells them (`date-month`).
pub(crate) const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

const DAYS_PER_ERA: i64 = 146_097;

/// A day of the calendar; `month` counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) year: i64,
    pub(crate) month: u8,
    pub(crate) of_month: u8,
}

impl Day {
    /// Days since 1970-01-01; `None` if there is no such day.
    pub(crate) fn to_days(self) -> Option<i32> {
        if !(1..=12).contains(&self.month)
            || self.of_month < 1
            || self.of_month > month_length(self.year, self.month)
        {
            return None;
        }
        // Years that start in March have their leap day at the end.
        let year = self.year - i64::from(self.month <= 2);
        let month = i64::from(self.month + 9) % 12;
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * month + 2) / 5 + i64::from(self.of_month) - 1;
        let days = era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
        i32::try_from(days - 719_468).ok()
    }

    /// The day that lies so many days after 1970-01-01.
    pub(crate) fn from_days(days: i64) -> Self {
        let days = days.saturating_add(719_468);
        let (era, of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: u8::try_from(month).unwrap_or(1),
            of_month: u8::try_from(day).unwrap_or(1),
        }
    }
}

fn month_length(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_both_ways() {
        for (year, month, day, days) in [
            (1970, 1, 1, Some(0)),
            (1969, 12, 31, Some(-1)),
            (2000, 2, 29, Some(11_016)),
            (1900, 2, 29, None),
            (1994, 2, 1, Some(8_797)),
            (2024, 2, 30, None),
            (2024, 4, 31, None),
            (2024, 13, 1, None),
            (2024, 1, 0, None),
            (9999, 12, 31, Some(2_932_896)),
            (0, 1, 1, Some(-719_528)),
        ] {
            let date = Day {
                year,
                month,
                of_month: day,
            };
            assert_eq!(date.to_days(), days, "{date:?}");
            if let Some(days) = days {
                assert_eq!(Day::from_days(days.into()), date);
            }
        }
    }

    #[test]
    fn every_day_comes_back() {
        for days in (-800_000..3_000_000).step_by(17) {
            assert_eq!(Day::from_days(days).to_days().map(i64::from), Some(days));
        }
    }
}
