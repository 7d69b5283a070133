//! What a setting can hold: its text forms, and what is wrong with one.

use std::{fmt, path::PathBuf, time::Duration};

use toml::de::DeValue;

use crate::{network::Network, settings::Address};

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// One of these strings.
    Choice(&'static [&'static str]),
    /// A list of strings.
    Texts,
    /// A path; relative ones are taken from the configuration file's directory.
    Path,
    /// `true` or `false`.
    Flag,
    /// A number from 1, of 32 bits.
    Count,
    /// Octets: a number, or a string such as `"64KiB"`.
    Bytes,
    /// A time: a string such as `"30s"`, `"5m"`, `"1h30m"`.
    Duration,
    /// A list of `"address:port"`, or `"systemd:name"` for a socket that is passed in.
    Addresses,
    /// A list of `"address/prefix"`.
    Networks,
    /// File permissions: an octal string such as `"0660"`.
    Mode,
}

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// [`Kind::Text`], [`Kind::Choice`].
    Text(String),
    /// [`Kind::Texts`].
    Texts(Vec<String>),
    /// [`Kind::Path`].
    Path(PathBuf),
    /// [`Kind::Flag`].
    Flag(bool),
    /// [`Kind::Count`].
    Number(u64),
    /// [`Kind::Bytes`].
    Bytes(u64),
    /// [`Kind::Duration`].
    Duration(Duration),
    /// [`Kind::Addresses`].
    Addresses(Vec<Address>),
    /// [`Kind::Networks`].
    Networks(Vec<Network>),
    /// [`Kind::Mode`].
    Mode(u32),
}

impl Kind {
    /// What it takes, for a message.
    #[must_use]
    pub fn wants(self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Choice(words) => {
                format!(
                    "one of {}",
                    words
                        .iter()
                        .map(|w| format!("\"{w}\""))
                        .collect::<Vec<_>>()
                        .join(", ")
                )
            }
            Self::Texts => "a list of strings".to_owned(),
            Self::Path => "a path, as a string".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Count => "a number, 1 or more".to_owned(),
            Self::Bytes => "a number of octets, or a string such as \"64KiB\"".to_owned(),
            Self::Duration => "a string such as \"30s\", \"5m\" or \"1h30m\"".to_owned(),
            Self::Addresses => {
                "a list of strings such as \"127.0.0.1:143\", \"[::1]:143\" or \"systemd:imap\""
                    .to_owned()
            }
            Self::Networks => {
                "a list of strings such as \"192.0.2.0/24\" or \"2001:db8::/32\"".to_owned()
            }
            Self::Mode => "an octal string such as \"0660\"".to_owned(),
        }
    }

    /// Whether an item could be in a list of this kind.
    #[must_use]
    pub fn takes_item(self, item: &DeValue<'_>) -> bool {
        let text = item.as_str();
        match self {
            Self::Texts => text.is_some(),
            Self::Addresses => text.and_then(address).is_some(),
            Self::Networks => text.is_some_and(|t| t.parse::<Network>().is_ok()),
            _ => false,
        }
    }

    /// Reads a value. `None` if it is not of this kind.
    #[must_use]
    pub fn read(self, value: &DeValue<'_>) -> Option<Value> {
        let text = value.as_str();
        Some(match self {
            Self::Text => Value::Text(text?.to_owned()),
            Self::Choice(words) => Value::Text(text.filter(|t| words.contains(t))?.to_owned()),
            Self::Texts => Value::Texts(list(value, |t| Some(t.to_owned()))?),
            Self::Path => Value::Path(text.filter(|t| !t.is_empty())?.into()),
            Self::Flag => Value::Flag(value.as_bool()?),
            Self::Count => {
                let number = number(value).filter(|&n| n > 0)?;
                Value::Number(u32::try_from(number).ok()?.into())
            }
            Self::Bytes => Value::Bytes(number(value).or_else(|| bytes(text?)).filter(|&n| n > 0)?),
            Self::Duration => Value::Duration(duration(text?)?),
            Self::Addresses => Value::Addresses(list(value, address)?),
            Self::Networks => Value::Networks(list(value, |t| t.parse().ok())?),
            Self::Mode => Value::Mode(u32::from_str_radix(text?, 8).ok().filter(|&m| m <= 0o777)?),
        })
    }
}

impl fmt::Display for Value {
    /// As it could be written in the file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => quoted(text).fmt(f),
            Self::Texts(texts) => list_of(f, texts.iter().map(|text| quoted(text))),
            Self::Path(path) => quoted(&path.display().to_string()).fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Bytes(octets) => write_bytes(f, *octets),
            Self::Duration(duration) => write_duration(f, duration.as_secs()),
            Self::Addresses(addresses) => list_of(f, addresses.iter().map(written_address)),
            Self::Networks(networks) => list_of(f, networks.iter().map(|n| quoted(&n.to_string()))),
            Self::Mode(mode) => write!(f, "\"{mode:04o}\""),
        }
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list_of(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = String>) -> fmt::Result {
    let items: Vec<String> = items.collect();
    write!(f, "[{}]", items.join(", "))
}

/// In the largest unit that gives a whole number.
fn write_bytes(f: &mut fmt::Formatter<'_>, octets: u64) -> fmt::Result {
    for (unit, length) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] {
        if octets.is_multiple_of(length) {
            return write!(f, "\"{}{unit}\"", octets / length);
        }
    }
    write!(f, "{octets}")
}

/// In as few units as give it exactly.
fn write_duration(f: &mut fmt::Formatter<'_>, mut seconds: u64) -> fmt::Result {
    f.write_str("\"")?;
    for (unit, length) in [('d', 86400), ('h', 3600), ('m', 60), ('s', 1)] {
        if seconds >= length {
            write!(f, "{}{unit}", seconds / length)?;
            seconds %= length;
        }
    }
    f.write_str("\"")
}

fn written_address(address: &Address) -> String {
    match address {
        Address::Tcp(address) => quoted(&address.to_string()),
        Address::Unix { path, .. } => quoted(&path.display().to_string()),
        Address::Passed(name) => quoted(&format!("{PASSED}{name}")),
    }
}

/// Goes before the name of a socket that is passed in.
const PASSED: &str = "systemd:";

fn address(text: &str) -> Option<Address> {
    match text.strip_prefix(PASSED) {
        Some("") => None,
        Some(name) => Some(Address::Passed(name.to_owned())),
        None => text.parse().ok().map(Address::Tcp),
    }
}

fn number(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn list<T>(value: &DeValue<'_>, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value
        .as_array()?
        .iter()
        .map(|item| read(item.get_ref().as_str()?))
        .collect()
}

/// `"64KiB"`, `"1MB"`, `"2GiB"`, `"500"`.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
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
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// `"30s"`, `"5m"`, `"1h30m"`; not zero.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = after.chars().next()?;
        let length: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            _ => return None,
        };
        seconds = digits
            .parse::<u64>()
            .ok()?
            .checked_mul(length)?
            .checked_add(seconds)?;
        rest = after.get(unit.len_utf8()..)?;
    }
    (seconds > 0).then_some(Duration::from_secs(seconds))
}

/// `80%`: from 1 to 100.
pub(super) fn percent(text: &str) -> Option<u8> {
    let percent = text.strip_suffix('%')?.parse().ok()?;
    (1..=100).contains(&percent).then_some(percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_as_it_can_be_written() {
        for (kind, text, expected) in [
            (Kind::Bytes, "\"150MiB\"", "\"150MiB\""),
            (Kind::Bytes, "1048577", "1048577"),
            (Kind::Bytes, "\"1024MiB\"", "\"1GiB\""),
            (Kind::Duration, "\"90m\"", "\"1h30m\""),
            (Kind::Duration, "\"31m\"", "\"31m\""),
            (Kind::Count, "0x10", "16"),
            (Kind::Mode, "\"660\"", "\"0660\""),
            (Kind::Networks, "[\"::1\"]", "[\"::1/128\"]"),
            (
                Kind::Addresses,
                "[\"[::1]:143\", \"systemd:imap\"]",
                "[\"[::1]:143\", \"systemd:imap\"]",
            ),
            (Kind::Path, "'a\"\\é'", ""),
            (Kind::Flag, "true", "true"),
        ] {
            let read = |text: &str| kind.read(DeValue::parse(text).unwrap().get_ref()).unwrap();
            let shown = read(text).to_string();
            assert_eq!(read(&shown), read(text), "{text}");
            if kind != Kind::Path {
                assert_eq!(shown, expected);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_not_read() {
        for (kind, text) in [
            (Kind::Count, "0"),
            (Kind::Count, "-1"),
            (Kind::Count, "4294967296"),
            (Kind::Count, "\"5\""),
            (Kind::Mode, "\"1777\""),
            (Kind::Mode, "0o660"),
            (Kind::Addresses, "[\"localhost:143\"]"),
            (Kind::Addresses, "[\"systemd:\"]"),
            (Kind::Addresses, "\"127.0.0.1:143\""),
            (Kind::Networks, "[\"10.0.0.0/33\"]"),
            (Kind::Flag, "1"),
            (Kind::Choice(&["a", "b"]), "\"c\""),
        ] {
            let value = DeValue::parse(text).unwrap();
            assert_eq!(kind.read(value.get_ref()), None, "{text}");
        }
    }

    #[test]
    fn percentages_have_their_sign() {
        for (text, expected) in [
            ("1%", Some(1)),
            ("100%", Some(100)),
            ("0%", None),
            ("101%", None),
            ("80", None),
            ("%", None),
        ] {
            assert_eq!(percent(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_and_times_have_units() {
        for (text, expected) in [
            ("64KiB", Some(65536)),
            ("1MB", Some(1_000_000)),
            ("12", Some(12)),
            ("", None),
            ("1 MiB", Some(1 << 20)),
            ("1TiB", None),
            ("-1", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
        for (text, expected) in [
            ("30s", Some(30)),
            ("1h30m", Some(5400)),
            ("1d", Some(86400)),
            ("0s", None),
            ("", None),
            ("30", None),
            ("m", None),
            ("30x", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(duration(text), expected.map(Duration::from_secs), "{text}");
        }
    }
}
