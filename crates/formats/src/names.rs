//! Mailbox names as names of files: for Maildir++ in modified UTF-7, for trees of files made safe for any
//! file system.

use std::{collections::HashSet, fmt::Write as _};

/// The longest name of a file that is made here, in octets, without an ending.
const LEVEL_BYTES_MAX: usize = 120;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Modified UTF-7 (RFC 3501 §5.1.3) of a level of a name, with what `also` says encoded too: `.` separates
/// levels in Maildir++, and Courier writes one in a level so.
#[must_use]
pub fn to_utf7(level: &str, also: &[char]) -> String {
    let mut text = String::new();
    let mut rest = level.chars().peekable();
    let plain = |c: char| matches!(c, ' '..='~') && !also.contains(&c);
    while let Some(c) = rest.next() {
        if c == '&' {
            text.push_str("&-");
        } else if plain(c) {
            text.push(c);
        } else {
            let mut units = vec![c];
            while let Some(c) = rest.next_if(|c| *c != '&' && !plain(*c)) {
                units.push(c);
            }
            let mut buffer = [0; 2];
            let octets: Vec<u8> = units
                .iter()
                .flat_map(|c| c.encode_utf16(&mut buffer).to_vec())
                .flat_map(u16::to_be_bytes)
                .collect();
            text.push('&');
            push_base64(&octets, &mut text);
            text.push('-');
        }
    }
    text
}

fn push_base64(octets: &[u8], text: &mut String) {
    for three in octets.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(three.get(at).copied().unwrap_or(0)));
        let bits = a << 16 | b << 8 | c;
        for at in 0..=three.len() {
            let index = (bits >> (18 - 6 * at)) & 63;
            let digit = usize::try_from(index)
                .ok()
                .and_then(|index| BASE64.get(index));
            text.push(digit.map_or('A', |digit| char::from(*digit)));
        }
    }
}

/// The level of a name that modified UTF-7 stands for; `None` if it is none: then it is UTF-8.
#[must_use]
pub fn from_utf7(text: &str) -> Option<String> {
    let mut level = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, after) = rest.split_at(at);
        level.push_str(before);
        let (code, after) = after.get(1..)?.split_once('-')?;
        if code.is_empty() {
            level.push('&');
        } else {
            level.push_str(&decode(code)?);
        }
        rest = after;
    }
    level.push_str(rest);
    Some(level)
}

fn decode(code: &str) -> Option<String> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut units = Vec::new();
    for octet in code.bytes() {
        let digit = BASE64.iter().position(|known| *known == octet)?;
        bits = bits << 6 | u32::try_from(digit).ok()?;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push(u16::try_from(bits >> count & 0xffff).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    // What is left fills the last octet up, with zeros.
    (count < 6 && bits == 0).then(|| String::from_utf16(&units).ok())?
}

/// The directory of a mailbox in a Maildir++: empty for INBOX, `.A.B` for `A/B`.
#[must_use]
pub fn to_maildir(name: &str) -> String {
    if name == "INBOX" {
        return String::new();
    }
    let levels = name
        .split('/')
        .map(|level| to_utf7(level, &['.', '/', '~', ':']));
    levels.fold(String::new(), |path, level| format!("{path}.{level}"))
}

/// The mailbox of a directory in a Maildir++, `.A.B`.
#[must_use]
pub fn from_maildir(directory: &str) -> String {
    let inner = directory.strip_prefix('.').unwrap_or(directory);
    let levels = inner
        .split('.')
        .map(|level| from_utf7(level).unwrap_or_else(|| level.to_owned()));
    levels.collect::<Vec<_>>().join("/")
}

/// Names of files that are safe on any file system, one for each level of a mailbox's name, and no two alike
/// where upper and lower case are the same.
#[derive(Debug, Default)]
pub struct SafeNames {
    /// Paths in use, in lower case.
    used: HashSet<String>,
}

impl SafeNames {
    /// The path of a mailbox, levels separated by `/`. What stands for itself is written as it is, the
    /// rest as `%` and two hexadecimal digits for each octet. Where that does not tell two names apart, or is too
    /// long, a number is put behind: only the manifest knows the name then.
    pub fn path(&mut self, name: &str) -> String {
        let path: Vec<String> = name.split('/').map(safe_level).collect();
        let path = path.join("/");
        let mut unique = path.clone();
        let mut number = 2;
        while !self.used.insert(unique.to_lowercase()) {
            unique = format!("{path}~{number}");
            number += 1;
        }
        unique
    }
}

/// Names that mean something else to some systems.
const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];

fn safe_level(level: &str) -> String {
    let mut safe = String::new();
    let last = level.chars().count().saturating_sub(1);
    for (at, c) in level.chars().enumerate() {
        let edge = (at == 0 && matches!(c, '.' | ' ' | '-' | '~'))
            || (at == last && matches!(c, '.' | ' '));
        if c.is_control() || "/\\:*?\"<>|%~".contains(c) || edge {
            let mut buffer = [0; 4];
            for octet in c.encode_utf8(&mut buffer).bytes() {
                // Writing to a string does not fail.
                let _ = write!(safe, "%{octet:02X}");
            }
        } else {
            safe.push(c);
        }
    }
    let stem = safe.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = |prefix| {
        let digits = stem.strip_prefix(prefix).unwrap_or_default();
        digits.len() == 1 && digits.bytes().all(|octet| octet.is_ascii_digit())
    };
    if RESERVED.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        let first = safe.remove(0);
        safe = format!("%{:02X}{safe}", u32::from(first));
    }
    if safe.len() > LEVEL_BYTES_MAX {
        let end = safe.floor_char_boundary(LEVEL_BYTES_MAX);
        // Not in the middle of an octet that is written with three.
        let end = safe
            .get(..end)
            .and_then(|cut| cut.rfind('%'))
            .filter(|at| *at + 3 > end)
            .unwrap_or(end);
        safe.truncate(end);
    }
    safe
}

/// The level of a mailbox's name that the name of a file stands for, if nothing else says it.
#[must_use]
pub fn from_safe(file: &str) -> String {
    let mut octets = Vec::new();
    let mut rest = file.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| str::from_utf8(code).ok());
        let octet = code.and_then(|code| u8::from_str_radix(code, 16).ok());
        if let (b'%', Some(octet)) = (first, octet) {
            octets.push(octet);
            rest = after.get(2..).unwrap_or_default();
        } else {
            octets.push(*first);
            rest = after;
        }
    }
    String::from_utf8(octets).unwrap_or_else(|_| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_a_maildir_as_others_write_them() {
        for (name, directory) in [
            ("INBOX", ""),
            ("Lists/imap", ".Lists.imap"),
            ("INBOX/x", ".INBOX.x"),
            ("Entw\u{fc}rfe", ".Entw&APw-rfe"),
            (
                "\u{53f0}\u{5317}/\u{65e5}\u{672c}\u{8a9e}",
                ".&U,BTFw-.&ZeVnLIqe-",
            ),
            ("R&D", ".R&-D"),
            ("v1.2/x", ".v1&AC4-2.x"),
            ("\u{1f600}", ".&2D3eAA-"),
        ] {
            assert_eq!(to_maildir(name), directory);
            if name != "INBOX" {
                assert_eq!(from_maildir(directory), name);
            }
        }
        assert_eq!(from_maildir(".Entw\u{fc}rfe"), "Entw\u{fc}rfe");
        assert_eq!(from_maildir(".R&D"), "R&D");
        assert_eq!(from_maildir(".&AAAA"), "&AAAA");
    }

    #[test]
    fn any_name_comes_back() {
        let mut random = fastrand::Rng::with_seed(9);
        let letters: Vec<char> = "ab.&-/~%:+, \u{e9}\u{4e2d}\u{1f600}\u{7f}"
            .chars()
            .collect();
        for _ in 0..5000 {
            let level: String = (0..random.usize(1..9))
                .map(|_| *random.choice(&letters).unwrap())
                .collect();
            assert_eq!(from_utf7(&to_utf7(&level, &['.'])), Some(level.clone()));
            let safe = safe_level(&level);
            assert_eq!(from_safe(&safe), level, "{safe}");
            let octets: Vec<u8> = (0..random.usize(..9)).map(|_| random.u8(..)).collect();
            let text = String::from_utf8_lossy(&octets);
            // Anything, without a panic.
            let _ = (from_utf7(&text), from_safe(&text), from_maildir(&text));
        }
    }

    #[test]
    fn names_that_are_safe_anywhere() {
        let mut names = SafeNames::default();
        for (name, path) in [
            ("Archive/2025", "Archive/2025"),
            ("archive/2025", "archive/2025~2"),
            ("a:b", "a%3Ab"),
            ("CON", "%43ON"),
            ("com1.x", "%63om1.x"),
            (".hidden", "%2Ehidden"),
            ("end.", "end%2E"),
            ("100%", "100%25"),
            ("~x", "%7Ex"),
        ] {
            assert_eq!(names.path(name), path);
        }
        let long = "\u{e9}".repeat(400);
        let (first, second) = (names.path(&long), names.path(&format!("{long}x")));
        assert_ne!(first, second);
        assert!(first.len() <= LEVEL_BYTES_MAX);
    }
}
