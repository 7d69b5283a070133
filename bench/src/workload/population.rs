//! Many accounts: whether it costs more to serve one of them if there are others.

use std::time::Instant;

use super::Workload;
use crate::{
    failure::{Failure, Result},
    mailbox::exists,
    measure::Sample,
    scene::Scene,
};

/// What is done for an account, any of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Delivery,
    /// Connect, log in, select, log out.
    Visit,
}

struct Population {
    name: &'static str,
    deed: Deed,
    accounts: Vec<String>,
    size: u64,
}

/// The workloads, with so many accounts.
pub(super) fn at_accounts(size: u64) -> Vec<Box<dyn Workload>> {
    let of = |name, deed| {
        Box::new(Population {
            name,
            deed,
            accounts: Vec::new(),
            size,
        }) as Box<dyn Workload>
    };
    vec![
        of("population-delivery", Deed::Delivery),
        of("population-visit", Deed::Visit),
    ]
}

impl Workload for Population {
    fn name(&self) -> &'static str {
        self.name
    }

    fn operation(&self) -> &'static str {
        match self.deed {
            Deed::Delivery => "delivery",
            Deed::Visit => "visit",
        }
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        let count = usize::try_from(self.size)
            .map_err(|_| Failure::Broken("too many accounts".to_owned()))?;
        self.accounts = scene.accounts("one", count)?;
        Ok(())
    }

    fn run(&mut self, scene: &mut Scene, _: u32) -> Result<Sample> {
        // The same in every round, so that they return: the hash of a first login is measured elsewhere.
        let mut random = fastrand::Rng::with_seed(self.size);
        let chosen: Vec<&String> = (0..100)
            .filter_map(|_| random.choice(&self.accounts))
            .collect();
        let deed = self.deed;
        scene.timed(|scene, latencies| {
            let mut lmtp = scene.deliver()?;
            for (number, account) in (0..).zip(&chosen) {
                let begin = Instant::now();
                if deed == Deed::Delivery {
                    lmtp.deliver(&[scene.recipient(account)], &scene.corpus.message(number))?;
                } else {
                    let mut client = scene.login(account)?;
                    exists(&mut client, "INBOX")?;
                    client.logout()?;
                }
                latencies.push(begin.elapsed());
            }
            lmtp.quit()?;
            Ok(chosen.len() as u64)
        })
    }
}
