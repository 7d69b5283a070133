//! Who has to enable UTF-8 first. UTF8=ONLY (RFC 6855 §6): what could need it waits until the client has.
//! And messages with UTF-8 in the header (§4), where UTF8=ACCEPT is offered.

use imap::{Command, command::Authenticated, response::Code};

use super::{Session, refusal::Refusal, state::State};

/// Whether a command names mailboxes or messages, or answers with them: what is not about mail goes on.
pub(super) const fn may_need_it(command: &Command) -> bool {
    match command {
        Command::Any(_) | Command::NotAuthenticated(_) => false,
        Command::Authenticated(command) => {
            !matches!(command, Authenticated::Enable(_) | Authenticated::Idle)
        }
        Command::Selected(_) => true,
    }
}

impl Session {
    /// Whether the client may do what could need UTF-8.
    ///
    /// # Errors
    /// NO \[CANNOT] where UTF8=ONLY was announced, and UTF8=ACCEPT is not enabled.
    pub(super) fn may_go_without_utf8(&self) -> Result<(), Refusal> {
        let in_mail = matches!(self.state, State::Authenticated(_) | State::Selected(_));
        if in_mail && self.services.imap.utf8_only && !self.enabled.utf8 {
            let text = "This server speaks UTF-8 only: send ENABLE UTF8=ACCEPT first";
            return Err(Refusal::no(Code::Cannot, text));
        }
        Ok(())
    }

    /// Whether APPEND takes messages that have octets above 127 in the header: RFC 6855 §4 wants them
    /// refused until the client has enabled UTF-8. Where UTF8=ACCEPT is suppressed, the server is one that
    /// doesn't support it, and takes old mail as it is.
    pub(super) fn takes_utf8_headers(&self) -> bool {
        self.enabled.takes_utf8() || self.hidden(self.logged_in()).hides("UTF8=ACCEPT")
    }
}
