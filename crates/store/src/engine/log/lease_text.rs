//! What a lease file says: two slots that are written in turn, so that one is always whole.

use std::{fmt::Write as _, sync::Arc};

use crate::checksum::crc32c;

/// Where the slots are: in different blocks.
pub(crate) const SLOT_AT: [u64; 2] = [0, 4096];
/// Octets of the file.
pub(crate) const SLOTS: u64 = 8192;

/// A machine that runs, and a process on it; what is not known is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    /// Its name, for people.
    pub(crate) name: Arc<str>,
    /// What it is called as long as it is installed.
    pub(crate) machine: Arc<str>,
    /// What it is called as long as it runs.
    pub(crate) boot: Arc<str>,
    /// The process.
    pub(crate) process: u32,
}

impl Host {
    /// This process.
    pub(crate) fn this() -> Self {
        let read = |path: &str| {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            Arc::from(text.trim())
        };
        let name = rustix::system::uname().nodename().to_string_lossy().into();
        Self {
            name,
            machine: read("/etc/machine-id"),
            boot: read("/proc/sys/kernel/random/boot_id"),
            process: std::process::id(),
        }
    }

    /// Whether a lock that one of them holds keeps the other out.
    pub(crate) fn is_machine_of(&self, other: &Self) -> bool {
        let same = |a: &str, b: &str| !a.is_empty() && a == b;
        // Copies of one image have one machine id, and may have one name only by intent.
        same(&self.boot, &other.boot)
            || same(&self.machine, &other.machine) && same(&self.name, &other.name)
    }
}

/// One slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) epoch: u64,
    /// Grows whenever it is written.
    pub(crate) counter: u64,
    pub(crate) held: bool,
    /// Random: whose it is.
    pub(crate) token: u64,
    pub(crate) host: Host,
}

impl Record {
    /// Octets of a slot.
    pub(crate) const BYTES: usize = 512;

    /// Who has it, for a person on this or another machine.
    pub(crate) fn owner(&self) -> String {
        format!("process {} on {}", self.host.process, self.host.name)
    }

    pub(crate) fn encode(&self) -> [u8; Self::BYTES] {
        let plain = |text: &str| -> String {
            let shown = text.chars().filter(|it| !it.is_control());
            shown.take(64).collect()
        };
        let Host {
            name,
            machine,
            boot,
            process,
        } = &self.host;
        let state = if self.held { "held" } else { "released" };
        let mut text = format!(
            "chapar lease 1\nepoch {}\ncounter {}\nstate {state}\ntoken {:016x}\n",
            self.epoch, self.counter, self.token
        );
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "process {process}\nhost {}\nmachine {}\nboot {}\n",
            plain(name),
            plain(machine),
            plain(boot)
        );
        let mut end = text.len().min(Self::BYTES - 14);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        let sum = crc32c(text.as_bytes());
        let _ = writeln!(text, "sum {sum:08x}");
        let mut octets = [b' '; Self::BYTES];
        for (place, octet) in octets.iter_mut().zip(text.bytes()) {
            *place = octet;
        }
        octets
    }

    /// What a slot says, if it is whole.
    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok()?;
        let (text, sum) = text.rsplit_once("sum ")?;
        if u32::from_str_radix(sum.trim_end(), 16).ok()? != crc32c(text.as_bytes()) {
            return None;
        }
        let mut lines = text.lines();
        if lines.next()? != "chapar lease 1" {
            return None;
        }
        let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        Some(Self {
            epoch: value("epoch")?.parse().ok()?,
            counter: value("counter")?.parse().ok()?,
            held: value("state")? != "released",
            token: u64::from_str_radix(value("token")?, 16).ok()?,
            host: {
                let process = value("process")?.parse().ok()?;
                let mut text = |key| value(key).map(Arc::from);
                Host {
                    process,
                    name: text("host")?,
                    machine: text("machine")?,
                    boot: text("boot")?,
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            epoch: 7,
            counter: 3,
            held: true,
            token: 0xfeed,
            host: Host {
                name: "mail".into(),
                machine: "m".into(),
                boot: "b".into(),
                process: 12,
            },
        }
    }

    #[test]
    fn a_slot_is_read_as_it_was_written_or_not_at_all() {
        let mut long = record();
        long.host.name = "ä\n".repeat(300).into();
        long.host.machine = "x".repeat(300).into();
        assert!(Record::decode(&long.encode()).is_some());
        let octets = record().encode();
        assert_eq!(Record::decode(&octets), Some(record()));
        assert_eq!(
            Record::decode(&Host::this_record().encode()),
            Some(Host::this_record())
        );
        for at in 0..octets.len() {
            for bit in 0..8 {
                let mut flipped = octets;
                flipped[at] ^= 1 << bit;
                let found = Record::decode(&flipped);
                assert!(found.is_none() || found == Some(record()), "{at}");
            }
        }
    }

    impl Host {
        fn this_record() -> Record {
            Record {
                host: Self::this(),
                ..record()
            }
        }
    }

    #[test]
    fn a_machine_is_known_by_its_boot_or_by_its_id_and_name() {
        let host = |name: &str, machine: &str, boot: &str| Host {
            name: name.into(),
            machine: machine.into(),
            boot: boot.into(),
            process: 1,
        };
        let this = host("mail", "m", "b");
        assert!(this.is_machine_of(&host("mail", "m", "later")));
        assert!(this.is_machine_of(&host("other", "", "b")));
        assert!(!this.is_machine_of(&host("other", "m", "later")));
        assert!(!this.is_machine_of(&host("mail", "", "")));
        assert!(!host("", "", "").is_machine_of(&host("", "", "")));
    }
}
