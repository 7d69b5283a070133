//! What administrators ask for: each verb once, for the server and for the command line.
//!
//! A verb is a [`Request`], which is data; running it on an open store reports rows, progress and an
//! [`Outcome`], which are data too. The server runs requests that come over its control socket, the
//! command line runs the same where no server has the store. The command line's help, the man page,
//! the completion and the request's form on the socket all come from the verb's struct.
//!
//! # How to add a verb
//!
//! 1. A file named for it, with a struct of its arguments. It derives `Debug, Clone, Args, Serialize,
//!    Deserialize`, and has `#[serde(deny_unknown_fields)]`, so that a misspelt request does nothing.
//!    The struct's doc comment is its help; `#[command(after_long_help = "Examples:\n  chapar …")]` shows
//!    how it is used, and a test reads those examples. Arguments that may be left out have
//!    `#[serde(default)]`. The order is always ACCOUNT MAILBOX UIDS; a moment is a [`Moment`], a time
//!    span a [`Period`], UIDs are [`Uids`], sizes [`Octets`]. Whoever changes something takes `--dry-run`.
//! 2. Its `pub async fn run(&self, context: &Context, report: &mut dyn Report) -> Result<Outcome, Failed>`.
//!    It has a thread of its own, so it may wait for the disk. Accounts and mailboxes are found by
//!    [`Context::account`] and [`Context::mailbox`], which word what is wrong. In loops without an `await` it
//!    asks [`Report::gone`]. A verb that must not run twice at once begins with [`Context::alone`].
//! 3. A variant of [`Request`] (of `Account`, `Partition` …, if it is a verb of these), with an arm in `run`,
//!    and in `changes` if it changes anything; an arm in `permission`, which says whose role it takes.
//! 4. A section in `docs/administration.md` with its name as it is typed; a line in `CHANGELOG.md`.
//! 5. A test of its own file on a store in memory ([`Heard`] is a report that keeps everything), and, if it
//!    is worth one, a test from outside in `tests/administration.rs`.

pub mod account;
pub mod acl;
pub mod address;
pub mod archive;
pub mod backup;
mod chosen;
pub mod compact;
mod context;
pub mod copy;
pub mod deduplicate;
pub mod domain;
pub mod expiry;
pub mod export;
pub mod expunge;
pub mod fetch;
pub mod flags;
pub mod group;
pub mod history;
pub mod hold;
pub mod import;
pub mod index;
pub mod log;
pub mod login;
pub mod mailbox;
pub mod metadata;
mod moment;
mod named;
mod octets;
mod outcome;
pub mod partition;
mod permission;
mod place;
pub mod quota;
mod registry;
pub mod repair;
mod report;
mod request;
pub mod restore;
pub mod role;
pub mod search;
mod secret;
mod sessions;
pub mod subscription;
#[cfg(test)]
mod tests;
mod typed;
mod uids;
pub mod undelete;
mod user;
pub mod verify;
mod wait;
pub mod who;
mod whose;
pub mod wire;

pub use chosen::Messages;
pub use context::{Alone, Context, Retention, Running};
pub use moment::{Moment, Period};
pub use named::Mailboxes;
pub use octets::Octets;
pub use outcome::{Failed, Outcome};
pub use registry::Registry;
pub use report::{Heard, Report, Row};
pub use request::Request;
pub use secret::Secret;
pub use sessions::{Connected, Presence, Sessions};
pub use uids::Uids;
pub use user::{acting, me, uid, user};
