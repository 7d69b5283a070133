//! Giving space back: the engine frees what it is told that nobody needs.

use std::ops::Range;

use super::{Engine, Position, Ref, WalkKind};
use crate::{error::Error, id::AccountId};

/// A part of the log that is written to no more, and of which records may be freed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Its number.
    pub(crate) number: u64,
    /// From its first LSN to the first one after it.
    pub(crate) lsns: Range<u64>,
    /// Octets of it that were freed already.
    pub(crate) freed: u64,
    /// Octets of space that its file takes.
    pub(crate) space: u64,
}

/// What a sweep asks about: whether it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sweep {
    /// From its place to the next one's.
    pub(crate) at: Range<Ref>,
    /// Octets of its body.
    pub(crate) body_octets: u32,
    /// What it is.
    pub(crate) what: SweepKind,
}

/// What a sweep found at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SweepKind {
    /// A record, and whose it is.
    Record(WalkKind, Option<AccountId>),
    /// What closed a group: nobody needs it here any more.
    Commit,
    /// Octets that are no record: damage.
    Gap,
    /// The same where what was freed before can't be read: they may have been.
    Doubtful,
}

/// What a sweep gave: what can be freed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dead {
    /// Ranges of LSNs, ascending and apart; whole records each.
    pub(crate) ranges: Vec<Range<u64>>,
    /// Octets of space that would come back.
    pub(crate) octets: u64,
    /// Nothing in it is needed.
    pub(crate) whole: bool,
}

/// What freeing gave back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct GivenBack {
    /// Octets of space.
    pub(crate) octets: u64,
    /// Nothing was alive in the segment: it is gone as a whole.
    pub(crate) removed: bool,
    /// The file system can't give back parts of files.
    pub(crate) unsupported: bool,
}

impl Engine {
    /// What lies before this and is not referred to by a batch may be freed: no checkpoint, recovery
    /// or pin needs it.
    pub(crate) fn horizon(&self) -> Position {
        each!(self, engine => engine.horizon())
    }

    /// Whether the record at a place was freed.
    pub(crate) fn is_freed(&self, at: Ref) -> bool {
        each!(self, engine => engine.is_freed(at))
    }

    /// The parts of the log that end before a horizon.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(crate) async fn sealed(&self, horizon: Position) -> Result<Vec<Sealed>, Error> {
        each!(self, engine => engine.sealed(horizon).await)
    }

    /// Goes through all that was not freed yet of such a part, bodies left out, and gives that of
    /// which `dead` says that nobody needs it, as far as that gives back space.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Corrupt`] if it takes a newer program.
    pub(crate) async fn sweep(
        &self,
        segment: u64,
        dead: Box<dyn FnMut(&Sweep) -> bool + Send>,
    ) -> Result<Dead, Error> {
        each!(self, engine => engine.sweep(segment, dead).await)
    }

    /// Frees what a sweep gave, for ever; also what was to be freed when the power failed.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`]; then nothing is freed, or part of it.
    pub(crate) async fn free(
        &self,
        segment: u64,
        ranges: Vec<Range<u64>>,
    ) -> Result<GivenBack, Error> {
        each!(self, engine => engine.free(segment, ranges).await)
    }

    /// Removes what a crash in the middle of freeing left behind; call it before and after.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Full`].
    pub(crate) async fn tidy(&self) -> Result<(), Error> {
        each!(self, engine => engine.tidy().await)
    }

    /// Says that batches below a number are not to be looked for any more, by account.
    ///
    /// # Errors
    /// As [`Engine::checkpoint_put`].
    pub(crate) async fn forget_batches(&self, below: Vec<(AccountId, u64)>) -> Result<(), Error> {
        each!(self, engine => engine.forget_batches(below).await)
    }
}
