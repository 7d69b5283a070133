//! UNAUTHENTICATE: RFC 8437.

use crate::{
    Next,
    imap::{
        Lines, Session,
        notify::Notifying,
        refusal::{Done, Outcome, Refusal},
        state::{Enabled, State},
        wire_limits,
    },
};

impl Session {
    /// Forgets who is logged in, and all that they brought about: the connection is as after the
    /// greeting, but for TLS, for what the client is by ID, and for what counts its mistakes.
    ///
    /// # Errors
    /// BAD where it is not offered (RFC 8437 §3): NO is not permitted.
    pub(in crate::imap) fn unauthenticate(&mut self) -> Outcome {
        if self.hidden(self.logged_in()).hides("UNAUTHENTICATE") {
            return Err(Refusal::bad("UNAUTHENTICATE is not offered").into());
        }
        let limit = self.services.limits.command_bytes_max_before_login;
        let limits = wire_limits(&self.services, limit);
        // Field by field, so that whoever adds one has to say what becomes of it here.
        let Self {
            services: _,
            peer: _,
            wire,
            state,
            enabled,
            client_suppressed: _,
            lines,
            appending,
            notifying,
            metadata_news,
            compressed,
            then,
            bad_commands: _,
            failed_logins: _,
        } = self;
        wire.set_limits(limits);
        // With it go the mailbox, without expunging; `$`; and contexts.
        *state = State::NotAuthenticated;
        // With it go CONDSTORE and the language.
        *enabled = Enabled::default();
        *lines = Lines::Commands;
        *appending = None;
        *notifying = Notifying::default();
        *metadata_news = None;
        if std::mem::take(compressed) {
            *then = Next::Uncompress;
        }
        Ok(Done::new("Nobody is logged in"))
    }
}
