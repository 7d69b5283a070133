//! Rounds, samples and what they come to.

use std::{fmt::Write as _, time::Duration};

use crate::{
    failure::{Failure, Result},
    scene::Scene,
    workload::{self, Workload},
};

/// What servers are compared by in a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Figure {
    /// Server CPU per operation.
    Cpu,
    /// Octets of memory per operation: of a session, mostly.
    Memory,
    /// How long an operation takes; the slowest of a hundred.
    Latency,
}

/// How long single operations took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    /// Notes one.
    pub(crate) fn push(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// Notes those of another client.
    pub(crate) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The time that this part of them took no longer than: 0.5 is the median. None if none was noted.
    pub(crate) fn quantile(&self, part: f64) -> Option<Duration> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "there are fewer than 2^52 of them, and a part of them is no more"
        )]
        let rank = (sorted.len() as f64 * part).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied()
    }
}

/// One round of one workload at one server.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// How many operations were done.
    pub(crate) operations: u64,
    /// How long they took together.
    pub(crate) wall: Duration,
    /// CPU time of the server's processes meanwhile, until they were at rest again.
    pub(crate) cpu: Duration,
    /// How long single ones took, if that was looked at.
    pub(crate) latencies: Latencies,
    /// Octets of memory of the server's processes at the end.
    pub(crate) memory: u64,
    /// By how much that is more than before.
    pub(crate) grown: u64,
}

/// The samples of one workload: for every server, its rounds.
pub(crate) struct Measured {
    pub(crate) workload: &'static str,
    pub(crate) operation: &'static str,
    pub(crate) figure: Figure,
    /// In the order of the servers.
    pub(crate) servers: Vec<Result<Vec<Sample>>>,
}

/// Runs the workloads that are wanted on all servers, their rounds interleaved.
pub(crate) fn run(
    scenes: &mut [Scene],
    rounds: u32,
    wanted: impl Fn(&str) -> bool,
    mut say: impl FnMut(&str),
) -> Vec<Measured> {
    let mut by_server: Vec<_> = scenes.iter().map(|_| workload::all().into_iter()).collect();
    let mut measured = Vec::new();
    loop {
        let row: Vec<Box<dyn Workload>> = by_server.iter_mut().filter_map(Iterator::next).collect();
        let Some(first) = row.first() else {
            return measured;
        };
        if wanted(first.name()) {
            say(first.name());
            measured.push(one(scenes, row, rounds));
        }
    }
}

/// One workload: prepared everywhere, then round by round everywhere.
fn one(scenes: &mut [Scene], mut row: Vec<Box<dyn Workload>>, rounds: u32) -> Measured {
    let mut servers: Vec<Result<Vec<Sample>>> = scenes
        .iter_mut()
        .zip(&mut row)
        .map(|(scene, workload)| workload.prepare(scene).map(|()| Vec::new()))
        .collect();
    let warm_up = u32::from(row.first().is_some_and(|workload| workload.warms_up()));
    for round in 0..rounds + warm_up {
        for ((scene, workload), samples) in scenes.iter_mut().zip(&mut row).zip(&mut servers) {
            let Ok(so_far) = samples else {
                continue;
            };
            match workload.run(scene, round) {
                Ok(sample) if round >= warm_up => so_far.push(sample),
                Ok(_) => {}
                Err(e) => *samples = Err(e),
            }
        }
    }
    for ((scene, workload), samples) in scenes.iter_mut().zip(&mut row).zip(&mut servers) {
        if let (Ok(_), Err(e)) = (&samples, workload.finish(scene)) {
            *samples = Err(e);
        }
    }
    let first = row.first();
    Measured {
        workload: first.map_or("", |workload| workload.name()),
        operation: first.map_or("", |workload| workload.operation()),
        figure: first.map_or(Figure::Cpu, |workload| workload.figure()),
        servers,
    }
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Measured {
    /// A table for a terminal: a line for every server.
    pub(crate) fn table(&self, names: &[String]) -> String {
        let mut table = format!(
            "{}\n  {:<18}{:>12}{:>14}{:>12}{:>12}{:>12}\n",
            self.workload,
            "",
            format!("{}/s", self.operation),
            "cpu",
            "p50",
            "p99",
            "memory"
        );
        for (name, samples) in names.iter().zip(&self.servers) {
            match samples {
                Ok(samples) => {
                    let middle =
                        |of: &dyn Fn(&Sample) -> f64| median(samples.iter().map(of).collect());
                    let _ = writeln!(
                        table,
                        "  {name:<18}{:>12.1}{:>11.1} µs{:>9.2} ms{:>9.2} ms{:>8.1} MiB",
                        middle(&|s| count(s.operations) / s.wall.as_secs_f64()),
                        middle(&|s| s.cpu.as_secs_f64() * 1e6 / count(s.operations)),
                        middle(&|s| milliseconds(&s.latencies, 0.5)),
                        middle(&|s| milliseconds(&s.latencies, 0.99)),
                        middle(&|s| count(s.memory) / 1_048_576.0),
                    );
                }
                Err(Failure::NotOffered(what)) => {
                    let _ = writeln!(table, "  {name:<18}not offered: {what}");
                }
                Err(e) => {
                    let _ = writeln!(table, "  {name:<18}{e}");
                }
            }
        }
        table
    }
}

fn milliseconds(latencies: &Latencies, part: f64) -> f64 {
    latencies
        .quantile(part)
        .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "what is counted here is far below 2^52"
)]
fn count(number: u64) -> f64 {
    number as f64
}
