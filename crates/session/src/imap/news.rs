//! News for a client that waits: in IDLE (RFC 9051 §6.3.13), and unasked.

use imap::response::{Code, Status};

use super::{
    Lines, Session, reply,
    state::State,
    sync::{self, Expunges},
};
use crate::{Gone, Next, Outlet};

impl Session {
    /// Waits until there is news that the client is to be told while it waits; for ever if it
    /// wants none. Cancel-safe. Then call [`Session::tell`].
    pub async fn news(&mut self) {
        let Some(account) = self.logged_in().map(|user| user.account.clone()) else {
            return std::future::pending().await;
        };
        if !self.tells_unasked() {
            return std::future::pending().await;
        }
        loop {
            // Before it is looked at: what comes meanwhile is then waited for in vain.
            let seen = account.snapshot().mod_seq();
            if account.is_closed() || self.has_news().await {
                return;
            }
            account.changed(seen).await;
        }
    }

    /// Tells a client that waits what is new.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn tell(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        if self.is_closed() {
            return Ok(super::unavailable(self.enabled.language, out));
        }
        if self.tells_unasked() {
            self.tell_unasked(out).await?;
        }
        Ok(Next::Wait)
    }

    /// Whether the client is to be told anything while it waits.
    fn tells_unasked(&self) -> bool {
        match &self.state {
            State::Selected(selected) => self.idles() || selected.wants.unasked(),
            State::NotAuthenticated | State::Authenticated(_) | State::Logout => false,
        }
    }

    async fn has_news(&mut self) -> bool {
        let expunges = self.unasked_expunges();
        match &mut self.state {
            State::Selected(selected) => sync::has_news(selected, expunges).await,
            State::NotAuthenticated | State::Authenticated(_) | State::Logout => false,
        }
    }

    async fn tell_unasked(&mut self, out: &mut impl Outlet) -> Result<(), Gone> {
        let expunges = self.unasked_expunges();
        let State::Selected(selected) = &mut self.state else {
            return Ok(());
        };
        let told = sync::tell(selected, self.enabled, expunges, out).await?;
        if let Some(mod_seq) = told.highest_mod_seq {
            let code = Code::HighestModSeq(mod_seq.0);
            let language = self.enabled.language;
            reply::untagged(out, language, (Status::Ok, Some(&code)), "Highest");
        }
        Ok(())
    }

    /// Outside of IDLE the client may be sending a command that counts on its numbers.
    fn unasked_expunges(&self) -> Expunges {
        if self.idles() {
            Expunges::Told
        } else {
            Expunges::Held
        }
    }

    fn idles(&self) -> bool {
        matches!(self.lines, Lines::Done { .. })
    }
}
