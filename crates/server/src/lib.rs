//! The loop that drives sessions: listeners, TLS, limits, signals.
//!
//! * [`run()`]: a server by its configuration, until it is told to stop;
//! * [`quickstart()`]: a server from nothing, that tests itself;
//! * [`Server`]: the same in pieces.
//!
//! Everything a protocol decides is in `session`; here are sockets and time.

pub mod config;
mod connection;
pub mod control;
mod deflate;
mod error;
mod events;
mod listen;
mod log;
mod network;
mod notify;
mod protocol;
mod quickstart;
mod run;
mod seats;
mod serve;
mod server;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod warnings;
mod wire;

pub use config::Config;
pub use error::Error;
pub use log::{Format, start_log};
pub use network::Network;
pub use quickstart::quickstart;
pub use run::run;
pub use server::Server;
pub use session::imap::check_suppressed;
pub use session::{
    Language,
    imap::referral::{Remote, is_host},
};
pub use settings::{Address, Listen, Security, Settings, Speaks};
pub use tls::Certificate;
