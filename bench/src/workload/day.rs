//! A day in the life: users with a desktop that is always connected and a phone that comes and goes, mail that
//! arrives, and everything that people do with it.
//!
//! What the server says is held against a model at every step. UIDs only grow; counts agree; what was acknowledged is
//! there, is seen by the next client that looks, and is what was sent; after a restart too.

mod user;

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use self::user::User;
use super::Workload;
use crate::{
    client::lmtp::Lmtp,
    failure::Result,
    measure::{Latencies, Sample},
    scene::Scene,
};

/// So many work at once, each for its share of the users.
const WORKERS: usize = 16;

/// Somebody who does what a share of the users do, and delivers what comes for them.
#[derive(Default)]
struct Worker {
    users: Vec<User>,
    lmtp: Option<Lmtp>,
}

#[derive(Default)]
struct Day {
    workers: Vec<Mutex<Worker>>,
}

/// The workload.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Day::default())]
}

impl Workload for Day {
    fn name(&self) -> &'static str {
        "day-in-the-life"
    }

    fn operation(&self) -> &'static str {
        "action"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let accounts = scene.accounts("user", scene.scale.pick(100, 500))?;
        let mut workers: Vec<Worker> = (0..WORKERS).map(|_| Worker::default()).collect();
        for (number, account) in (0..).zip(accounts) {
            let user = User::begin(scene, account, number)?;
            let worker = usize::try_from(number).unwrap_or(0) % WORKERS;
            if let Some(worker) = workers.get_mut(worker) {
                worker.users.push(user);
            }
        }
        self.workers = workers.into_iter().map(Mutex::new).collect();
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample> {
        let each = scene.scale.pick(150, 1500);
        let tasks: Vec<_> = (0..).zip(&self.workers).collect();
        scene.timed(|scene, latencies| {
            latencies.add(scene.at_once(&tasks, |scene, (number, worker)| {
                let mut random = fastrand::Rng::with_seed(u64::from(round) << 32 | number);
                let mut worker = worker.lock().unwrap_or_else(PoisonError::into_inner);
                let mut latencies = Latencies::default();
                for _ in 0..each {
                    worker.step(scene, &mut random, &mut latencies)?;
                }
                Ok(latencies)
            })?);
            Ok(each * tasks.len() as u64)
        })
    }

    fn finish(&mut self, scene: &mut Scene) -> Result<()> {
        scene.restart()?;
        for worker in std::mem::take(&mut self.workers) {
            let worker = worker.into_inner().unwrap_or_else(PoisonError::into_inner);
            for user in worker.users {
                user.end(scene)?;
            }
        }
        Ok(())
    }
}

impl Worker {
    /// One of the users does something, or gets mail.
    fn step(
        &mut self,
        scene: &Scene,
        random: &mut fastrand::Rng,
        latencies: &mut Latencies,
    ) -> Result<()> {
        let at = random.usize(..self.users.len().max(1));
        let Some(user) = self.users.get_mut(at) else {
            return Ok(());
        };
        if self.lmtp.is_none() {
            self.lmtp = Some(scene.deliver()?);
        }
        let begin = Instant::now();
        match (random.u32(..100), &mut self.lmtp) {
            (0..25, Some(lmtp)) => user.gets_mail(scene, lmtp)?,
            (25..45, _) => user.looks()?,
            (45..60, _) => user.picks_up_the_phone(scene)?,
            (60..75, _) => user.reads(scene, random)?,
            (75..82, _) => user.flags(random)?,
            (82..88, _) => user.throws_away(random)?,
            (88..92, _) => user.expunges(random)?,
            (92..96, _) => user.sends(scene)?,
            (96..98, _) => user.searches()?,
            _ => user.lists()?,
        }
        latencies.push(begin.elapsed());
        Ok(())
    }
}
