//! The folded state, kept so that opening an account need not fold its whole log.
//!
//! Derived: every value has a checksum, and whatever is wrong with any of an account's
//! values, they are all thrown away and its log is folded from the beginning. A
//! checkpoint writes what changed since the last: chunks are shared between states,
//! so a chunk that is still the same allocation is still the same on disk.

pub(crate) mod base;
mod read;
mod value;
mod write;

#[cfg(test)]
pub(crate) use read::fold;
pub(crate) use read::{Opened, accounts, open};
pub(crate) use write::{Prepared, prepare, prepare_elsewhere};
