//! What the servers are asked to do.

mod append;
mod copy;
mod day;
mod delivery;
mod fetch;
mod flags;
mod idle;
mod index;
mod list;
mod login;
mod population;
mod resync;
mod search;
mod select;

use crate::{
    failure::Result,
    measure::{Figure, Sample},
    scene::Scene,
};

/// One kind of work. There is one value for every server, so what it prepares it may keep.
pub(crate) trait Workload {
    /// Its name in tables and on the command line: lower case, with hyphens; the part before the first
    /// hyphen is the file that it is in.
    fn name(&self) -> &'static str;

    /// What is counted: `delivery`, `message`, `login`.
    fn operation(&self) -> &'static str;

    /// What the servers are compared by.
    fn figure(&self) -> Figure {
        Figure::Cpu
    }

    /// Makes what it needs and is not measured: accounts, mailboxes, connections.
    fn prepare(&mut self, scene: &mut Scene) -> Result<()>;

    /// One round; mostly a call of [`Scene::timed`]. Rounds are numbered from 0, which is to warm up and is
    /// not counted.
    fn run(&mut self, scene: &mut Scene, round: u32) -> Result<Sample>;

    /// Whether a first round is to be thrown away: not where what is measured happens only once.
    fn warms_up(&self) -> bool {
        true
    }

    /// How many rounds there are at most, where one takes long.
    fn rounds_max(&self) -> u32 {
        u32::MAX
    }

    /// Gives back what it holds open, after the last round.
    fn finish(&mut self, _scene: &mut Scene) -> Result<()> {
        Ok(())
    }
}

/// Every workload, in the order of the tables; for one server.
pub(crate) fn all() -> Vec<Box<dyn Workload>> {
    let mut all: Vec<Box<dyn Workload>> = Vec::new();
    all.extend(delivery::all());
    all.extend(append::all());
    all.extend(login::all());
    all.extend(select::all());
    all.extend(list::all());
    all.extend(fetch::all());
    all.extend(flags::all());
    all.extend(copy::all());
    all.extend(search::searches());
    all.extend(search::orders());
    all.extend(index::all());
    all.extend(resync::all());
    all.extend(idle::all());
    all.extend(day::all());
    all
}

/// What can be done in a mailbox of any size, in one of that size; for one server.
pub(crate) fn at_size(size: u64) -> Vec<Box<dyn Workload>> {
    let mut all: Vec<Box<dyn Workload>> = Vec::new();
    all.extend(select::at_size(size));
    all.extend(fetch::at_size(size));
    all.extend(flags::at_size(size));
    all.extend(copy::at_size(size));
    all.extend(search::at_size(size));
    all.extend(resync::at_size(size));
    all
}

/// What is done for one of so many accounts; for one server.
pub(crate) fn at_accounts(size: u64) -> Vec<Box<dyn Workload>> {
    population::at_accounts(size)
}
