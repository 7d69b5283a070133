//! Moments and time spans, as administrators write them.

use std::{fmt, str::FromStr, time::Duration};

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// A moment, in seconds. Written `2026-11-20T12:00`, `2026-11-20 12:00:30` or `2026-11-20` in the time
/// zone of whoever writes it, `2026-11-20T12:00Z` or `…+01:00` in another; `14d` is
/// fourteen days ago. In a request it is always in UTC: the server may have another time zone and
/// another now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Moment(Timestamp);

impl Moment {
    /// Seconds since 1970.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0.as_second()
    }

    /// From seconds since 1970; far away ones are the nearest that can be written.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Self {
        let end = if seconds < 0 {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        Self(Timestamp::from_second(seconds).unwrap_or(end))
    }

    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self::from_unix(Timestamp::now().as_second())
    }

    fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Self, String> {
        let moment = if let Ok(ago) = text.parse::<Period>() {
            now.checked_sub(ago.0).ok()
        } else if let Ok(moment) = text.parse::<Timestamp>() {
            Some(moment)
        } else if let Ok(local) = text.parse::<civil::DateTime>() {
            zone.to_timestamp(local).ok()
        } else {
            None
        };
        moment
            .map(|moment| Self::from_unix(moment.as_second()))
            .ok_or_else(|| {
                format!("{text:?} is no moment: write 2026-11-20T12:00, 2026-11-20, or 14d for fourteen days ago")
            })
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, Timestamp::now(), &TimeZone::system())
    }
}

/// In UTC, as RFC 3339 has it.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A time span: `90s`, `5m`, `1h30m`, `14d`, `2w`; `0` is none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(pub Duration);

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        period(text).ok_or_else(|| format!("{text:?} is no time span: write 12h, 14d or 2w"))
    }
}

fn period(text: &str) -> Option<Period> {
    if text == "0" {
        return Some(Period(Duration::ZERO));
    }
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let length: u64 = match after.chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            'w' => 7 * 86400,
            _ => return None,
        };
        let these = digits.parse::<u64>().ok()?.checked_mul(length)?;
        seconds = seconds.checked_add(these)?;
        // The unit is one octet.
        rest = after.get(1..)?;
    }
    (!text.is_empty()).then_some(Period(Duration::from_secs(seconds)))
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seconds = self.0.as_secs();
        if seconds == 0 {
            return f.write_str("0");
        }
        for (unit, length) in [('d', 86400), ('h', 3600), ('m', 60), ('s', 1)] {
            if seconds >= length {
                write!(f, "{}{unit}", seconds / length)?;
                seconds %= length;
            }
        }
        Ok(())
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

as_text!(Moment);
as_text!(Period);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_one_of_these_ways() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        for (text, expected) in [
            ("14d", "2026-11-12T12:00:00Z"),
            ("1h30m", "2026-11-26T10:30:00Z"),
            ("0", "2026-11-26T12:00:00Z"),
            ("2026-11-20T12:00", "2026-11-20T11:00:00Z"),
            ("2026-11-20 12:00:30", "2026-11-20T11:00:30Z"),
            ("2026-11-20", "2026-11-19T23:00:00Z"),
            ("2026-11-20T12:00Z", "2026-11-20T12:00:00Z"),
            ("2026-11-20T12:00:00+05:30", "2026-11-20T06:30:00Z"),
        ] {
            let moment = Moment::parse(text, now, &zone);
            assert_eq!(moment.unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "d",
            "14",
            "yesterday",
            "2026-13-01",
            "12:00",
            "99999999999999d",
            "d14",
            "1é",
        ] {
            let refused = Moment::parse(text, now, &zone);
            assert!(refused.unwrap_err().contains("is no moment"), "{text}");
        }
    }

    #[test]
    fn a_time_span_comes_back_as_it_was() {
        for (text, expected) in [("2w", "14d"), ("90s", "1m30s"), ("0", "0"), ("24h", "1d")] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.to_string(), expected);
            assert_eq!(period.to_string().parse(), Ok(period));
        }
    }
}
