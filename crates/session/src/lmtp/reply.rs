//! Replies: RFC 5321 §4.2, with enhanced status codes (RFC 2034, RFC 3463).

use store::Error;

use super::settings::{OverQuota, Settings};
use crate::destination::Obstacle;

/// One reply, of one line. All of them are constants: nothing a client
/// sent, and nothing the store said, can get into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply {
    /// What the client acts upon.
    pub(crate) code: u16,
    /// The enhanced status code; empty where RFC 2034 §4 wants none: 3yz.
    pub(crate) status: &'static str,
    /// For people.
    pub(crate) text: &'static str,
}

impl Reply {
    pub(super) const fn new(code: u16, status: &'static str, text: &'static str) -> Self {
        Self { code, status, text }
    }

    /// Whether it tells the client that its command made no sense.
    pub(super) const fn is_protest(self) -> bool {
        matches!(self.code, 500..=504 | 555)
    }

    /// Whether trying again is in vain.
    pub(crate) const fn is_for_good(self) -> bool {
        self.code >= 500
    }

    /// Appends the reply as it goes over the wire.
    pub(super) fn write(self, into: &mut Vec<u8>) {
        into.extend_from_slice(self.code.to_string().as_bytes());
        for part in [self.status, self.text] {
            if !part.is_empty() {
                into.push(b' ');
                into.extend_from_slice(part.as_bytes());
            }
        }
        into.extend_from_slice(b"\r\n");
    }
}

/// What a client is told of an obstacle. It hears nothing of the cause of a failure of the store.
pub(crate) fn refusal(obstacle: &Obstacle, settings: &Settings) -> Reply {
    match obstacle {
        Obstacle::Nobody => NO_SUCH_USER,
        // The mail system before us may not know yet: it keeps the mail until it does.
        Obstacle::Elsewhere => MOVED,
        Obstacle::MayNotPost => MAY_NOT_POST,
        Obstacle::Store(Error::OverQuota { .. }) => match settings.over_quota {
            OverQuota::Temporary => MAILBOX_FULL_NOW,
            OverQuota::Permanent => MAILBOX_FULL,
        },
        Obstacle::Store(error) => failure(error),
    }
}

/// What a failure of the store means to the client.
pub(super) fn failure(error: &Error) -> Reply {
    match error {
        Error::TooBig(_) => TOO_BIG,
        Error::Full => NO_SPACE,
        Error::Limit(_) => MAILBOX_LIMIT,
        Error::OverQuota { .. } => MAILBOX_FULL_NOW,
        Error::NoRight(_) => MAY_NOT_POST,
        Error::NoSuchMailbox
        | Error::AlreadyExists
        | Error::NotPermitted(_)
        | Error::InvalidName(_)
        | Error::RoleTaken
        | Error::OutOfService(_)
        | Error::InUse(_)
        | Error::Corrupt { .. }
        | Error::Io { .. } => STORE_FAILED,
    }
}

pub(super) const OK: Reply = Reply::new(250, "2.0.0", "OK");
pub(super) const SENDER_OK: Reply = Reply::new(250, "2.1.0", "Sender OK");
pub(super) const RECIPIENT_OK: Reply = Reply::new(250, "2.1.5", "Recipient OK");
pub(super) const DELIVERED: Reply = Reply::new(250, "2.0.0", "Delivered");
pub(super) const GO_AHEAD: Reply = Reply::new(354, "", "End data with <CR><LF>.<CR><LF>");
pub(super) const BYE: Reply = Reply::new(221, "2.0.0", "Bye");
pub(super) const START_TLS: Reply = Reply::new(220, "2.0.0", "Ready to start TLS");
pub(super) const HELP: Reply = Reply::new(214, "2.0.0", "This is LMTP: see RFC 2033");
/// RFC 5321 §3.5.3: what a server answers that doesn't say who exists.
pub(super) const CANNOT_VERIFY: Reply = Reply::new(252, "2.5.0", "Try RCPT");

pub(super) const TIMED_OUT: Reply = Reply::new(421, "4.4.2", "Idle for too long, closing");
pub(super) const STOPPING: Reply = Reply::new(421, "4.3.2", "The server is stopping");
pub(super) const TOO_MANY_ERRORS: Reply = Reply::new(421, "4.7.0", "Too many errors, closing");

pub(super) const NO_SPACE: Reply = Reply::new(452, "4.3.1", "No space left, try again later");
pub(super) const MAILBOX_LIMIT: Reply = Reply::new(452, "4.2.2", "The mailbox is at its limit");
pub(super) const MAILBOX_FULL_NOW: Reply = Reply::new(452, "4.2.2", "The mailbox is over quota");
pub(super) const TOO_MANY_RECIPIENTS: Reply = Reply::new(452, "4.5.3", "Too many recipients");
/// RFC 3463 §3.2: the destination has moved. For now: the way there is for the mail system to learn.
pub(super) const MOVED: Reply =
    Reply::new(450, "4.1.6", "The mail of that user is on another server");
pub(super) const STORE_FAILED: Reply =
    Reply::new(451, "4.3.0", "The mail store failed, try again later");

pub(super) const UNKNOWN_COMMAND: Reply = Reply::new(500, "5.5.1", "Unknown command");
/// RFC 2033 §4.1: shows that one side speaks SMTP.
pub(super) const NOT_SMTP: Reply = Reply::new(500, "5.5.1", "This is LMTP: say LHLO");
pub(super) const LINE_TOO_LONG: Reply = Reply::new(500, "5.5.2", "Line too long");
pub(super) const BAD_ARGUMENT: Reply = Reply::new(501, "5.5.4", "Invalid argument");
pub(super) const NO_ARGUMENT: Reply = Reply::new(501, "5.5.4", "That takes no argument");
pub(super) const BAD_SENDER: Reply = Reply::new(501, "5.1.7", "Invalid sender address");
pub(super) const BAD_RECIPIENT: Reply = Reply::new(501, "5.1.3", "Invalid recipient address");
pub(super) const NOT_OFFERED: Reply = Reply::new(502, "5.5.1", "Not offered here");
pub(super) const SAY_LHLO: Reply = Reply::new(503, "5.5.1", "Say LHLO first");
pub(super) const NESTED_MAIL: Reply = Reply::new(503, "5.5.1", "There is a sender already");
pub(super) const NO_SENDER: Reply = Reply::new(503, "5.5.1", "Say MAIL first");
pub(super) const NO_RECIPIENT: Reply = Reply::new(503, "5.5.1", "No valid recipients");
pub(super) const BDAT_BEGUN: Reply = Reply::new(503, "5.5.1", "The message has begun with BDAT");
/// RFC 3030 §3.
pub(super) const NEEDS_BDAT: Reply = Reply::new(503, "5.5.1", "BINARYMIME needs BDAT");
pub(super) const HAS_TLS: Reply = Reply::new(503, "5.5.1", "TLS is on already");
pub(super) const NO_SUCH_USER: Reply = Reply::new(550, "5.1.1", "No such user");
/// RFC 3463 §3.8: delivery not authorized.
pub(super) const MAY_NOT_POST: Reply =
    Reply::new(550, "5.7.1", "Not everybody may post to that mailbox");
/// RFC 3463 §3.3: mailbox full.
pub(super) const MAILBOX_FULL: Reply = Reply::new(552, "5.2.2", "The mailbox is over quota");
pub(super) const TOO_BIG: Reply = Reply::new(552, "5.3.4", "Message too big");
pub(super) const BAD_PARAMETER: Reply =
    Reply::new(555, "5.5.4", "Parameter unknown, repeated or malformed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_its_enhanced_code_unless_it_has_none() {
        for (reply, wire) in [
            (OK, "250 2.0.0 OK\r\n"),
            (GO_AHEAD, "354 End data with <CR><LF>.<CR><LF>\r\n"),
            (NO_SUCH_USER, "550 5.1.1 No such user\r\n"),
        ] {
            let mut out = Vec::new();
            reply.write(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), wire);
        }
    }
}
