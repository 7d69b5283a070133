//! A film of everything that happened to a disk: the disk after each of it, without doing it again.

use super::{Image, SimDisk, Step, Unsynced};

/// Where it began, and what happened since.
#[derive(Debug)]
pub(crate) struct Film {
    begin: Image,
    steps: Vec<Step>,
}

impl Film {
    pub(super) fn of(begin: Image) -> Self {
        Self {
            begin,
            steps: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// How many steps it has.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Shows it, from before the first step to after the last.
    pub(crate) fn show(&self) -> Show<'_> {
        Show {
            image: self.begin.clone(),
            steps: self.steps.iter(),
        }
    }
}

/// A film that stands at some step.
#[derive(Debug)]
pub(crate) struct Show<'a> {
    image: Image,
    steps: std::slice::Iter<'a, Step>,
}

impl Show<'_> {
    /// Goes on by one step; `false` at the end.
    pub(crate) fn step(&mut self) -> bool {
        let step = self.steps.next();
        if let Some(step) = step {
            self.image.perform(step);
        }
        step.is_some()
    }

    /// What the next step is, for a person.
    pub(crate) fn next(&self) -> String {
        match self.steps.as_slice().first() {
            None => "the end".into(),
            Some(Step::Change(number, super::Change::Write(at, octets))) => {
                format!(
                    "a write of {} octets at {at} of file {number}",
                    octets.len()
                )
            }
            Some(step) => format!("{step:?}"),
        }
    }

    /// The disk, if the power were cut here.
    pub(crate) fn cut(&self, unsynced: Unsynced, random: &mut fastrand::Rng) -> SimDisk {
        SimDisk::of(self.image.restarted(unsynced, random), random.u64(..))
    }
}
