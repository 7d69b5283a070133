//! What a run gave, as it is saved: what was measured, where, and of what. Tables and plots are made of
//! this and of nothing else.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use crate::{
    failure::{Failure, Result},
    measure::{Figure, Sample},
    scene::Scale,
};

/// A run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// When it began, in seconds since 1970.
    pub(crate) began: u64,
    /// What it ran on.
    pub(crate) machine: Machine,
    /// What the messages were made from.
    pub(crate) seed: u64,
    /// How much was done.
    pub(crate) scale: Scale,
    /// Rounds that were counted.
    pub(crate) rounds: u32,
    /// What was compared, in the order of the tables.
    pub(crate) servers: Vec<Server>,
    /// What was done, in the order of the tables.
    pub(crate) rows: Vec<Row>,
    /// How costs grow: the same work at several sizes.
    #[serde(default)]
    pub(crate) growth: Vec<Growth>,
    /// What the machine gives at most.
    #[serde(default)]
    pub(crate) limits: Vec<Limit>,
}

/// A workload at one size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Growth {
    /// What there are more and more of: `messages` in the mailbox, or `accounts`.
    pub(crate) across: String,
    /// How many there are.
    pub(crate) size: u64,
    /// What it was then.
    pub(crate) row: Row,
}

/// The work of a server without the server.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Limit {
    /// `append-64`: messages appended to a file that is synced whenever there are 64 more; `bodies`: messages copied
    /// from the page cache to a socket.
    pub(crate) name: String,
    /// Its rounds; memory is not looked at.
    pub(crate) rounds: Vec<Round>,
}

/// The machine of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The processor, as it calls itself.
    pub(crate) processor: String,
    /// How many of it.
    pub(crate) processors: usize,
    /// Octets of memory.
    pub(crate) memory: u64,
    /// The version of the kernel.
    pub(crate) kernel: String,
    /// The distribution.
    pub(crate) system: String,
    /// The file system that mail lay on.
    pub(crate) file_system: String,
}

/// One of the servers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Server {
    /// What tables call it.
    pub(crate) name: String,
    /// Program and version.
    pub(crate) version: String,
    /// Whether it is a Chapar; else it is a peer, and ratios are to the best of those.
    pub(crate) ours: bool,
}

/// One workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// The workload's name.
    pub(crate) workload: String,
    /// What was counted.
    pub(crate) operation: String,
    /// What servers are compared by.
    pub(crate) figure: Figure,
    /// In the order of the servers.
    pub(crate) outcomes: Vec<Outcome>,
}

/// What one server made of a workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// It did it: every round.
    Done(Vec<Round>),
    /// It does not offer what is needed.
    NotOffered(String),
    /// It failed, or did something else.
    Failed(String),
}

/// One round. Times are in nanoseconds, memory in octets.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    /// Operations.
    pub(crate) operations: u64,
    /// How long they took together.
    pub(crate) wall: u64,
    /// CPU time of the server for them.
    pub(crate) cpu: u64,
    /// Half of them took no longer; none if single ones were not looked at.
    pub(crate) p50: Option<u64>,
    /// Of a hundred, one took longer.
    pub(crate) p99: Option<u64>,
    /// Memory of the server at their end.
    pub(crate) memory: u64,
    /// By how much that is more than before.
    pub(crate) grown: u64,
    /// CPU time that neither the server nor its clients used meanwhile: of whatever else ran on the machine. None was
    /// looked at in older runs.
    #[serde(default)]
    pub(crate) others: Option<u64>,
    /// In how long a time.
    #[serde(default)]
    pub(crate) span: Option<u64>,
}

impl Round {
    /// CPU time per operation, in nanoseconds.
    pub(crate) fn cpu_each(&self) -> f64 {
        count(self.cpu) / count(self.operations)
    }

    /// Operations per second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.operations) * 1e9 / count(self.wall)
    }

    /// What servers are compared by: less is better. CPU and times in nanoseconds, memory in octets.
    pub(crate) fn figure(&self, figure: Figure) -> f64 {
        match figure {
            Figure::Cpu => self.cpu_each(),
            Figure::Memory => count(self.grown) / count(self.operations),
            Figure::Latency => self.p99.map_or(f64::NAN, count),
        }
    }
}

impl From<&Sample> for Round {
    fn from(sample: &Sample) -> Self {
        Self {
            operations: sample.operations,
            wall: nanoseconds(sample.wall),
            cpu: nanoseconds(sample.cpu),
            p50: sample.latencies.quantile(0.5).map(nanoseconds),
            p99: sample.latencies.quantile(0.99).map(nanoseconds),
            memory: sample.memory,
            grown: sample.grown,
            others: Some(nanoseconds(sample.others)),
            span: Some(nanoseconds(sample.span)),
        }
    }
}

impl From<Result<Vec<Sample>>> for Outcome {
    fn from(result: Result<Vec<Sample>>) -> Self {
        match result {
            Ok(samples) => Self::Done(samples.iter().map(Round::from).collect()),
            Err(Failure::NotOffered(what)) => Self::NotOffered(what),
            Err(e) => Self::Failed(e.to_string()),
        }
    }
}

impl Outcome {
    /// Its rounds.
    pub(crate) fn rounds(&self) -> &[Round] {
        match self {
            Self::Done(rounds) => rounds,
            _ => &[],
        }
    }

    /// The median over its rounds; none if there are none, or none that knows it.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> Option<f64> {
        let Self::Done(rounds) = self else {
            return None;
        };
        let mut values: Vec<f64> = rounds.iter().map(of).filter(|v| v.is_finite()).collect();
        values.sort_unstable_by(f64::total_cmp);
        // Of an even number, what is between the two in the middle.
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(f64::midpoint(lower, upper))
    }
}

impl Row {
    /// The best figure of any peer.
    pub(crate) fn best_peer(&self, servers: &[Server]) -> Option<f64> {
        servers
            .iter()
            .zip(&self.outcomes)
            .filter(|(server, _)| !server.ours)
            .filter_map(|(_, outcome)| outcome.median(|round| round.figure(self.figure)))
            .min_by(f64::total_cmp)
    }
}

impl Results {
    /// Saves it as a file of its own below that directory.
    pub(crate) fn save(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory).map_err(Failure::at(directory))?;
        let path = directory.join(format!("{}.json", self.began));
        let text = serde_json::to_string_pretty(self)?;
        fs::write(&path, text).map_err(Failure::at(&path))
    }

    /// Every run that was saved there, the oldest first.
    pub(crate) fn load_all(directory: &Path) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for entry in fs::read_dir(directory).map_err(Failure::at(directory))? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "json") {
                let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
                all.push(serde_json::from_str(&text)?);
            }
        }
        all.sort_by_key(|results| results.began);
        Ok(all)
    }
}

impl Machine {
    /// This one; mail lies in that directory.
    pub(crate) fn here(directory: &Path) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once([':', '=']));
            value.map_or(String::new(), |(_, value)| {
                value.trim().trim_matches('"').to_owned()
            })
        };
        let memory = after(&read("/proc/meminfo"), "MemTotal");
        let memory = memory
            .split(' ')
            .next()
            .and_then(|kb| kb.parse::<u64>().ok());
        Self {
            processor: after(&read("/proc/cpuinfo"), "model name"),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            memory: memory.unwrap_or(0) * 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            system: after(&read("/etc/os-release"), "PRETTY_NAME"),
            file_system: file_system(directory),
        }
    }
}

/// The type of the file system that a directory is on: that of the longest mount point above it.
fn file_system(directory: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let of = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        let (point, kind) = (fields.next()?, fields.next()?);
        directory
            .starts_with(point)
            .then(|| (point.len(), kind.to_owned()))
    };
    let longest = mounts
        .lines()
        .filter_map(of)
        .max_by_key(|(length, _)| *length);
    longest.map(|(_, kind)| kind).unwrap_or_default()
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what is counted here is far below 2^52"
)]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}
