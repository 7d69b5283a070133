//! What keeps the bytes, and knows no mail.
//!
//! An engine offers: put a record, append a batch to an account's log, read
//! both back, keep checkpoint chunks. Two implement it: [`log`], files
//! on a local disk, and [`memory`], for tests and simulation, with the same behaviour.

/// Where a record is: opaque, for ever the same record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref(pub(crate) u64);
