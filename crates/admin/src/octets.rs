//! Numbers of octets, as administrators write them: as in the configuration.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// So many octets: `1048576`, `64KiB`, `16MiB`, `2GB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Octets(pub u64);

impl FromStr for Octets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        octets(text)
            .ok_or_else(|| format!("{text:?} is no number of octets: write 65536, 64KiB or 16MiB"))
    }
}

fn octets(text: &str) -> Option<Octets> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit: u64 = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).map(Octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_have_units() {
        for (text, expected) in [
            ("0", 0),
            ("7", 7),
            ("64KiB", 65536),
            ("2 GB", 2_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Octets(expected)));
        }
        for text in ["", "KiB", "1TiB", "-1", "1.5MiB", "99999999999GiB"] {
            assert!(text.parse::<Octets>().is_err(), "{text}");
        }
    }
}
