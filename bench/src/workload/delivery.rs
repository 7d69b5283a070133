//! Mail comes in: durable deliveries over LMTP.

use std::time::Instant;

use super::Workload;
use crate::{
    failure::Result,
    measure::{Latencies, Sample},
    scene::Scene,
};

/// Where the mail of several connections goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    /// To an account for each.
    Different,
    /// All into the same INBOX.
    One,
    /// Each message to so many accounts.
    Many(usize),
}

struct Delivery {
    name: &'static str,
    connections: usize,
    to: To,
    /// For every connection, to whom it delivers.
    recipients: Vec<Vec<String>>,
    accounts: Vec<String>,
}

/// Every workload of deliveries.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    let kinds = [
        ("delivery-1", 1, To::Different),
        ("delivery-8", 8, To::Different),
        ("delivery-64", 64, To::Different),
        ("delivery-8-one-inbox", 8, To::One),
        ("delivery-64-one-inbox", 64, To::One),
        ("delivery-50-recipients", 1, To::Many(50)),
        ("delivery-8-50-recipients", 8, To::Many(50)),
    ];
    let mut all: Vec<Box<dyn Workload>> = Vec::new();
    for (name, connections, to) in kinds {
        all.push(Box::new(Delivery {
            name,
            connections,
            to,
            recipients: Vec::new(),
            accounts: Vec::new(),
        }));
    }
    all
}

impl Delivery {
    fn accounts_needed(&self) -> usize {
        match self.to {
            To::Different => self.connections,
            To::One => 1,
            To::Many(count) => count,
        }
    }
}

impl Workload for Delivery {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        "delivery"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let accounts = scene.accounts("mail", self.accounts_needed())?;
        let addresses: Vec<String> = accounts.iter().map(|name| scene.recipient(name)).collect();
        self.recipients = match self.to {
            To::Different => addresses.iter().map(|to| vec![to.clone()]).collect(),
            To::One | To::Many(_) => vec![addresses; self.connections],
        };
        self.accounts = accounts;
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let in_all = match self.to {
            To::Many(_) => scene.scale.pick(4, 160),
            _ => scene.scale.pick(128, 2560),
        };
        let each = (in_all / self.connections as u64).max(2);
        let begin = u64::from(round) * in_all;
        let tasks: Vec<_> = (begin..)
            .step_by(usize::try_from(each).unwrap_or(1))
            .zip(&self.recipients)
            .collect();
        scene.timed(|scene, latencies| {
            let client =
                |scene: &Scene, &(first, to): &(u64, &Vec<String>)| deliver(scene, to, first, each);
            latencies.add(scene.at_once(&tasks, client)?);
            let copies = tasks.iter().map(|(_, to)| to.len() as u64).sum::<u64>();
            Ok(each * copies)
        })
    }

    fn finish(&mut self, scene: &mut Scene) -> Result<()> {
        self.accounts
            .iter()
            .try_for_each(|account| scene.empty(account))
    }
}

/// Delivers so many messages over one connection, from that message of the corpus on.
fn deliver(scene: &Scene, to: &[String], first: u64, count: u64) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    let mut connection = scene.deliver()?;
    for number in first..first + count {
        let message = scene.letter(number);
        let begin = Instant::now();
        connection.deliver(to, &message)?;
        latencies.push(begin.elapsed());
    }
    connection.quit()?;
    Ok(latencies)
}
