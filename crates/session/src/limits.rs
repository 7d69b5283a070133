//! What a client may cost. Each limit has a unit in its name, and a reason.

use std::time::Duration;

/// Limits of a session.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// An IMAP command with its inline literals. RFC 7162 §4 and real clients want 8 KB and
    /// far more: QRESYNC lists and sets of 100,000 ranges must fit.
    pub command_bytes_max: usize,
    /// The same before login, where nobody has a reason to send much.
    pub command_bytes_max_before_login: usize,
    /// Commands answered BAD in a row until the connection is closed.
    pub bad_commands_max: u32,
    /// Failed logins until the connection is closed.
    pub failed_logins_max: u32,
    /// Silence before login.
    pub login_timeout: Duration,
    /// Silence after login: RFC 9051 §5.4 wants at least 30 minutes.
    pub idle_timeout: Duration,
    /// Recipients of one LMTP transaction: RFC 5321 §4.5.3.1.8 wants at least 100.
    pub recipients_max: usize,
    /// An LMTP command line: RFC 5321 §4.5.3.1.4 wants 512 octets, SMTPUTF8 and parameters more.
    pub lmtp_line_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_bytes_max: 4 << 20,
            command_bytes_max_before_login: 16 << 10,
            bad_commands_max: 50,
            failed_logins_max: 5,
            login_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_mins(31),
            recipients_max: 1000,
            lmtp_line_bytes_max: 4096,
        }
    }
}
