//! Rounds, samples and what they come to.

use std::time::Duration;

use crate::{
    failure::Result,
    results::{Outcome, Row},
    scene::Scene,
    workload::Workload,
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
    /// CPU time of everybody else on the machine, until the server was at rest again.
    pub(crate) others: Duration,
    /// How long it was until then.
    pub(crate) span: Duration,
    /// How long single ones took, if that was looked at.
    pub(crate) latencies: Latencies,
    /// Octets of memory of the server's processes at the end.
    pub(crate) memory: u64,
    /// By how much that is more than before.
    pub(crate) grown: u64,
}

/// Runs the workloads that are wanted on all servers, their rounds interleaved; each row is given away when
/// it is there.
pub(crate) fn run(
    scenes: &mut [Scene],
    rounds: u32,
    workloads: impl Fn() -> Vec<Box<dyn Workload>>,
    wanted: impl Fn(&str) -> bool,
    mut done: impl FnMut(Row) -> Result<()>,
) -> Result<()> {
    let mut by_server: Vec<_> = scenes.iter().map(|_| workloads().into_iter()).collect();
    loop {
        let row: Vec<Box<dyn Workload>> = by_server.iter_mut().filter_map(Iterator::next).collect();
        let Some(first) = row.first() else {
            return Ok(());
        };
        if wanted(first.name()) {
            done(one(scenes, row, rounds))?;
        }
    }
}

/// One workload: prepared everywhere, then round by round everywhere.
fn one(scenes: &mut [Scene], mut row: Vec<Box<dyn Workload>>, rounds: u32) -> Row {
    let mut servers: Vec<Result<Vec<Sample>>> = scenes
        .iter_mut()
        .zip(&mut row)
        .map(|(scene, workload)| workload.prepare(scene).map(|()| Vec::new()))
        .collect();
    let warm_up = u32::from(row.first().is_some_and(|workload| workload.warms_up()));
    let at_most = row.first().map_or(0, |workload| workload.rounds_max());
    let rounds = rounds.min(at_most);
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
    Row {
        workload: first.map_or("", |workload| workload.name()).to_owned(),
        operation: first.map_or("", |workload| workload.operation()).to_owned(),
        figure: first.map_or(Figure::Cpu, |workload| workload.figure()),
        outcomes: servers.into_iter().map(Outcome::from).collect(),
    }
}
