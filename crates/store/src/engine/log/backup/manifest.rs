//! What a backup says of itself: which octets of which files it vouches for. Written last, so that
//! a backup without a whole manifest is none.

use std::{collections::BTreeMap, fmt::Write as _};

/// The name of a manifest, in the directory of its generation.
pub(crate) const MANIFEST: &str = "backup.manifest";

/// Above any manifest, in octets.
pub(super) const MANIFEST_BYTES_MAX: u64 = 256 << 20;

const FIRST_LINE: &str = "chapar-backup 1";

/// A backup's manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Which store.
    pub(crate) store: [u8; 16],
    /// When it was begun, unix seconds.
    pub(crate) taken: i64,
    /// Up to where each partition's log is in it, by the partition's name.
    pub(crate) ends: BTreeMap<String, u64>,
    /// Every file.
    pub(crate) files: Vec<Listed>,
}

/// A file of a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Below the directory of the generation.
    pub(crate) path: String,
    /// Its length. The file itself may be longer: a later backup went on in it.
    pub(crate) length: u64,
    /// What is in it, ascending; between them nothing is needed.
    pub(crate) ranges: Vec<Summed>,
    /// What of that could not be read when the backup was made, and is zeros.
    pub(crate) lost: Vec<(u64, u64)>,
}

/// Octets of a file, and their sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Summed {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) blake3: [u8; 32],
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut octets = [0; N];
    let lower = |octet: u8| matches!(octet, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != 2 * N || !text.bytes().all(lower) {
        return None;
    }
    for (place, at) in octets.iter_mut().zip((0..).step_by(2)) {
        *place = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(octets)
}

impl Manifest {
    /// As it is written down: lines of text, the last of which sums up all before.
    pub(crate) fn encode(&self) -> String {
        let mut text = format!("{FIRST_LINE}\nstore {}\n", hex(&self.store));
        // Writing to a string does not fail.
        let _ = writeln!(text, "taken {}", self.taken);
        for (name, end) in &self.ends {
            let _ = writeln!(text, "end {end} {name}");
        }
        for file in &self.files {
            let _ = writeln!(text, "file {} {}", file.length, file.path);
            for range in &file.ranges {
                let (start, end) = (range.start, range.end);
                let _ = writeln!(text, "range {start} {end} {}", hex(&range.blake3));
            }
            for (start, end) in &file.lost {
                let _ = writeln!(text, "lost {start} {end}");
            }
        }
        let sum = hex(blake3::hash(text.as_bytes()).as_bytes());
        let _ = writeln!(text, "sum {sum}");
        text
    }

    /// Reads it; `None` if it is not whole or not one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let body = text.strip_suffix('\n')?;
        let at = body.rfind('\n')? + 1;
        let (body, last) = text.split_at_checked(at)?;
        let sum = last.strip_suffix('\n')?.strip_prefix("sum ")?;
        if unhex(sum)? != *blake3::hash(body.as_bytes()).as_bytes() {
            return None;
        }
        let mut lines = body.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let mut manifest = Self::default();
        for line in lines {
            manifest.line(line)?;
        }
        Some(manifest)
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "store" => self.store = unhex(rest)?,
            "taken" => self.taken = rest.parse().ok()?,
            "end" => {
                let (end, name) = rest.split_once(' ')?;
                self.ends.insert(name.to_owned(), end.parse().ok()?);
            }
            "file" => {
                let (length, path) = rest.split_once(' ')?;
                self.files.push(Listed {
                    path: path.to_owned(),
                    length: length.parse().ok()?,
                    ..Listed::default()
                });
            }
            "range" => {
                let mut words = rest.split(' ');
                let range = Summed {
                    start: words.next()?.parse().ok()?,
                    end: words.next()?.parse().ok()?,
                    blake3: unhex(words.next()?)?,
                };
                self.files.last_mut()?.ranges.push(range);
            }
            "lost" => {
                let (start, end) = rest.split_once(' ')?;
                let lost = (start.parse().ok()?, end.parse().ok()?);
                self.files.last_mut()?.lost.push(lost);
            }
            _ => return None,
        }
        Some(())
    }

    /// What it says of a file.
    pub(crate) fn file(&self, path: &str) -> Option<&Listed> {
        self.files.iter().find(|file| file.path == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_whole_or_not_at_all() {
        let manifest = Manifest {
            store: [7; 16],
            taken: -5,
            ends: [("default".to_owned(), 4096), ("two words".to_owned(), 8)].into(),
            files: vec![
                Listed {
                    path: "partitions/two words/log/0000000001.log".to_owned(),
                    length: 9000,
                    ranges: vec![
                        Summed {
                            start: 0,
                            end: 4096,
                            blake3: [0xab; 32],
                        },
                        Summed {
                            start: 5000,
                            end: 9000,
                            blake3: [0xcd; 32],
                        },
                    ],
                    lost: vec![(5000, 5100)],
                },
                Listed::default(),
            ],
        };
        let text = manifest.encode();
        assert_eq!(Manifest::decode(&text), Some(manifest));
        for end in 0..text.len() {
            assert_eq!(Manifest::decode(&text[..end]), None, "cut at {end}");
        }
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..500 {
            let mut octets = text.clone().into_bytes();
            let at = random.usize(..octets.len());
            octets[at] ^= 1 << random.u8(..7);
            let read = String::from_utf8(octets).ok();
            assert_eq!(read.and_then(|text| Manifest::decode(&text)), None);
        }
    }
}
