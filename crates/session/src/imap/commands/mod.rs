//! The commands, one file each, named for them.

pub(crate) mod append;
pub(crate) mod close;
pub(crate) mod comparator;
pub(crate) mod compress;
pub(crate) mod copy;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod enable;
pub(crate) mod expunge;
pub(crate) mod id;
pub(crate) mod language;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod lsub;
pub(crate) mod metadata;
pub(crate) mod namespace;
mod notify;
pub(crate) mod rename;
pub(crate) mod replace;
pub(crate) mod scan;
pub(crate) mod select;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod subscribe;
pub(crate) mod uid_batches;
mod unauthenticate;
pub(crate) mod urlauth;
