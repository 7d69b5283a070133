//! UIDs as administrators write them: `1,5:9,20:*`.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};
use store::Uid;

/// Some UIDs: ranges, ascending, disjoint; never none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uids(Vec<(u32, u32)>);

impl Uids {
    /// Whether it is one of them.
    #[must_use]
    pub fn contains(&self, uid: Uid) -> bool {
        let at = self.0.partition_point(|&(_, last)| last < uid.0);
        self.0.get(at).is_some_and(|&(first, _)| first <= uid.0)
    }

    /// As ranges, ascending and disjoint. `*` is the greatest UID that there could be.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<Uid>> {
        self.0.iter().map(|&(first, last)| Uid(first)..=Uid(last))
    }
}

impl FromStr for Uids {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text {
            "*" => Some(u32::MAX),
            _ => text.parse().ok().filter(|&uid| uid > 0),
        };
        let mut ranges = Vec::new();
        for item in text.split(',') {
            let (first, last) = item.split_once(':').unwrap_or((item, item));
            let (Some(first), Some(last)) = (number(first), number(last)) else {
                return Err(format!("{item:?} is no UID and no range: 1,5:9,20:*"));
            };
            ranges.push((first.min(last), first.max(last)));
        }
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Ok(Self(merged))
    }
}

impl fmt::Display for Uids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, &(first, last)) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            match (first, last) {
                (u32::MAX, _) => f.write_str("*")?,
                (first, u32::MAX) => write!(f, "{first}:*")?,
                (first, last) if first == last => write!(f, "{first}")?,
                (first, last) => write!(f, "{first}:{last}")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Uids {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Uids> for String {
    fn from(uids: Uids) -> Self {
        uids.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_written_as_in_imap() {
        for (text, expected) in [
            ("7", "7"),
            ("9:5,1,6,20:*", "1,5:9,20:*"),
            ("1,2,3", "1:3"),
            ("*:4", "4:*"),
            ("*", "*"),
        ] {
            assert_eq!(text.parse::<Uids>().unwrap().to_string(), expected);
        }
        for text in ["", "0", "1,", "a", "1:2:3", "-1", "4294967296"] {
            assert!(text.parse::<Uids>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_in_them() {
        let uids: Uids = "1,5:9,20:*".parse().unwrap();
        let inside: Vec<u32> = (0..25).filter(|&n| uids.contains(Uid(n))).collect();
        assert_eq!(inside, [1, 5, 6, 7, 8, 9, 20, 21, 22, 23, 24]);
        assert!(uids.contains(Uid(u32::MAX)));
    }
}
