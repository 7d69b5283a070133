//! The folded state, kept so that opening an account need not fold its whole log.
//!
//! Derived: every value has a checksum, and whatever is wrong with any of an account's
//! values, they are all thrown away and its log is folded from the beginning. A
//! checkpoint writes what changed since the last: chunks are shared between states,
//! so a chunk that is still in the same cell is still the same on disk.
//!
//! Opening an account reads its header and the batches since. Chunks and thread keys are read when
//! somebody needs them; see [`crate::mailbox::cell`].

pub(crate) mod base;
mod read;
mod value;
mod write;

pub(crate) use read::{Opened, Source, accounts, fetch, find_threads, fold, open};
pub(crate) use value::{seal, unseal};
pub(crate) use write::{Prepared, prepare, prepare_elsewhere};
