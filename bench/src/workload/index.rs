//! What the search index costs that the servers' searches use: it is made in the background of everything else,
//! so it is measured here and nowhere else.

use super::Workload;
use crate::{
    failure::{Failure, Result},
    mailbox::Filling,
    measure::Sample,
    scene::Scene,
};

#[derive(Default)]
struct Index {
    account: String,
    size: u64,
}

/// Every workload of indexing.
pub(super) fn all() -> Vec<Box<dyn Workload>> {
    vec![Box::new(Index::default())]
}

impl Workload for Index {
    fn name(&self) -> &'static str {
        "index"
    }

    fn operation(&self) -> &'static str {
        "message"
    }

    fn prepare(&mut self, scene: &mut Scene) -> Result<()> {
        if !scene.peer().indexes() {
            let why = "its package comes without an index of text, or does not use it";
            return Err(Failure::NotOffered(why.to_owned()));
        }
        self.size = scene.scale.pick(10_000, 100_000);
        self.account = scene.full("read", Filling::Real, self.size)?;
        Ok(())
    }

    fn rounds_max(&self) -> u32 {
        2
    }

    fn run(&mut self, scene: &mut Scene, _round: u32) -> Result<Sample> {
        scene.peer().drop_index(&self.account)?;
        let (account, size) = (&self.account, self.size);
        scene.timed(|scene, _| {
            scene.peer().index(account)?;
            Ok(size)
        })
    }
}
