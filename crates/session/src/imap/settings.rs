//! What an administrator may set of IMAP: the part of `[imap]` in the configuration that
//! sessions have to know.

use std::sync::Arc;

use super::{
    commands::id::Identification,
    referral::Remote,
    suppress::{ForClients, Suppressed},
    wording::Language,
};

/// What is set, the same for every session of a server.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Capabilities that nobody is told of.
    pub suppressed: Suppressed,
    /// Capabilities that some clients are not told of.
    pub suppressed_for: Vec<ForClients>,
    /// LITERAL- is offered, not LITERAL+ (RFC 7888 §5).
    pub literal_minus: bool,
    /// Messages that one command may work on; without end if not set (RFC 9738).
    pub message_limit: Option<u32>,
    /// Messages that one COPY or APPEND may make.
    pub save_limit: Option<u32>,
    /// What IMAP URLs may say.
    pub urls: Urls,
    /// Clients have to enable UTF8=ACCEPT: RFC 6855 §6.
    pub utf8_only: bool,
    /// What clients of before IMAP4rev1 say is understood (RFC 2062).
    pub old_commands: bool,
    /// Mailboxes on other servers, the same for every account (RFC 2193).
    pub remotes: Vec<Remote>,
    /// The server that everybody is sent to, at once (RFC 2221 §4.2).
    pub moved_to: Option<Arc<str>>,
    /// What the server says of itself to ID (RFC 2971).
    pub identification: Identification,
    /// The language that clients get who ask for `default` (RFC 5255 §3.2).
    pub language: Language,
}

/// What IMAP URLs may say on this server: RFC 5092, RFC 4467.
#[derive(Debug, Clone, Default)]
pub struct Urls {
    /// Further names of this server.
    pub hosts: Vec<String>,
    /// The accounts of submission servers: they may fetch what `submit+` URLs name.
    pub submitters: Vec<String>,
}
