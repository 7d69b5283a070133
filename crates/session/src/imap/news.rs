//! News for a client that waits: in IDLE (RFC 9051 §6.3.13), and unasked.

use std::{future::poll_fn, task::Poll};

use imap::response::{Code, Status};
use store::Account;

use super::{
    Session,
    metadata_news::MetadataNews,
    notify::{Notifying, Overflow},
    reply,
    state::{Selected, State},
    sync::{self, Expunges},
};
use crate::{Gone, Next, Outlet};

impl Session {
    /// Waits until there is news that the client is to be told while it waits; for ever if it
    /// wants none. Cancel-safe. Then call [`Session::tell`].
    pub async fn news(&mut self) {
        let accounts = self.watched();
        if accounts.is_empty() || !self.tells_unasked() {
            return std::future::pending().await;
        }
        loop {
            // Before it is looked at: what comes meanwhile is then waited for in vain.
            let seen = accounts.iter().map(|it| it.snapshot().mod_seq());
            let seen: Vec<_> = seen.collect();
            if accounts.iter().any(Account::is_closed) || self.has_news().await {
                return;
            }
            let changes = accounts.iter().zip(seen);
            any(changes.map(|(account, seen)| account.changed(seen))).await;
        }
    }

    /// The accounts in which something may happen that the client is to be told of, each once.
    fn watched(&self) -> Vec<Account> {
        let own = self.logged_in().map(|user| &user.account);
        let open = self.state.selected().map(Selected::account);
        let registered = match &self.notifying {
            Notifying::Set(registered) => Some(registered.accounts()),
            Notifying::Never | Notifying::Nothing => None,
        };
        let mut accounts: Vec<Account> = Vec::new();
        for account in own
            .into_iter()
            .chain(open)
            .chain(registered.into_iter().flatten())
        {
            if accounts.iter().all(|has| has.id() != account.id()) {
                accounts.push(account.clone());
            }
        }
        accounts
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
            State::NotAuthenticated | State::Logout => false,
            State::Authenticated(_) => {
                matches!(self.notifying, Notifying::Set(_))
                    || self.lines.are_done() && self.metadata_news.is_some()
            }
            State::Selected(_) => {
                self.lines.are_done() || matches!(self.notifying, Notifying::Set(_))
            }
        }
    }

    async fn has_news(&mut self) -> bool {
        self.look();
        let metadata = self.metadata_news.as_ref();
        if metadata.is_some_and(MetadataNews::has_any) {
            return true;
        }
        if let Notifying::Set(registered) = &self.notifying
            && registered.has_news()
        {
            return true;
        }
        let expunges = self.unasked_expunges();
        match &mut self.state {
            State::Selected(selected) if self.lines.are_done() || selected.wants.unasked() => {
                sync::has_news(selected, expunges).await
            }
            _ => false,
        }
    }

    async fn tell_unasked(&mut self, out: &mut impl Outlet) -> Result<(), Gone> {
        self.look();
        self.tell_others(out).await?;
        self.tell_selected(self.unasked_expunges(), out).await
    }

    /// Looks at what happened in the account, for a client that is notified of it.
    pub(super) fn look(&mut self) {
        self.look_at_metadata();
        let Notifying::Set(registered) = &mut self.notifying else {
            return;
        };
        match &mut self.state {
            State::NotAuthenticated | State::Logout => {}
            State::Authenticated(user) => registered.look(user, None),
            State::Selected(selected) => {
                let user = selected.user.clone();
                registered.look(&user, Some(selected));
            }
        }
    }

    /// Looks at what others changed of metadata, for a client that has enabled that and not said by NOTIFY what
    /// it wants.
    fn look_at_metadata(&mut self) {
        let wants = self.enabled.metadata && matches!(self.notifying, Notifying::Never);
        let Some(user) = self.logged_in().filter(|_| wants).cloned() else {
            self.metadata_news = None;
            return;
        };
        let news = self
            .metadata_news
            .get_or_insert_with(|| MetadataNews::new(&user));
        news.look(&user);
    }

    /// Tells a client with a mailbox what is new there.
    pub(super) async fn tell_selected(
        &mut self,
        expunges: Expunges,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
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

    /// Tells a client that is notified of it what is new elsewhere.
    pub(super) async fn tell_others(&mut self, out: &mut impl Outlet) -> Result<(), Gone> {
        let Some(user) = self.logged_in().cloned() else {
            return Ok(());
        };
        let selected = self.state.selected().map(Selected::place);
        let enabled = self.enabled;
        if let Some(news) = &mut self.metadata_news {
            news.tell(&user, enabled, out).await?;
        }
        let Notifying::Set(registered) = &mut self.notifying else {
            return Ok(());
        };
        if registered.has_news()
            && registered.tell(&user, selected, enabled, out).await? == Overflow::Yes
        {
            self.notifying = Notifying::Nothing;
            self.want();
        }
        Ok(())
    }

    /// The selected mailbox is told of as NOTIFY says.
    pub(super) fn want(&mut self) {
        if let State::Selected(selected) = &mut self.state {
            selected.wants = self.notifying.wants();
        }
    }

    /// Outside of IDLE the client may be sending a command that counts on its numbers.
    fn unasked_expunges(&self) -> Expunges {
        if self.lines.are_done() {
            Expunges::Told
        } else {
            Expunges::Held
        }
    }
}

/// Ends when one of these does.
async fn any<F: Future<Output = ()>>(futures: impl Iterator<Item = F>) {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    poll_fn(|context| {
        let mut polled = futures.iter_mut();
        if polled.any(|future| future.as_mut().poll(context).is_ready()) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
