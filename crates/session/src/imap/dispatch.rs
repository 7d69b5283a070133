//! Running a command: the state diagram of RFC 9051 §3, and what surrounds every
//! command: what it does to numbering, telling what is new, the tagged response,
//! and the log. Handlers log nothing.

use std::{sync::Arc, time::Instant};

use imap::{
    Command, UidSet, command, encode,
    parse::SyntaxError,
    response::{Code, Status},
};

use super::{
    Lines, Session,
    commands::{append, replace, urlauth},
    hold, message_limit,
    progress::{self, Desk},
    refusal::{Done, Refusal, Stop},
    reply,
    search::filters,
    state::State,
    sync::{self, Expunges},
    table::{Row, enables_condstore, has_numbers, row, searches},
    utf8,
};
use crate::{Gone, Next, Outlet};

impl Session {
    /// Runs one command: everything that happens between its CRLF and that of its answer.
    pub(super) async fn command(
        &mut self,
        octets: &[u8],
        out: &mut impl Outlet,
    ) -> Result<Next, Gone> {
        if self.is_closed() {
            return Ok(super::unavailable(self.enabled.language, out));
        }
        let appending = self.appending.take();
        let command::Tagged { tag, mut command } = match self.read(octets) {
            Ok(tagged) => tagged,
            Err(error) => {
                let tag = error.tag.as_deref().unwrap_or("*");
                return Ok(self.refused(tag, &Refusal::bad(&error), out));
            }
        };
        let row = row(&command);
        let started = Instant::now();
        let inserted = self.insert_filters(&mut command);
        self.prepare(row, &command, out).await?;
        if let State::Selected(selected) = &self.state
            && let Err(error) = hold::named(selected, &command).await
        {
            tracing::error!(%error, "messages of the open mailbox can't be read");
            return Ok(super::unavailable(self.enabled.language, out));
        }
        let numbers = self.enabled.uid_only && (row.by_number || has_numbers(&mut command));
        let outcome = match inserted {
            Ok(()) if numbers => Err(Refusal::uid_required().into()),
            Ok(()) => match self.limit_messages(&mut command) {
                Ok(()) => self.run(&tag, command, appending, out).await?,
                Err(refusal) => Err(refusal.into()),
            },
            Err(refusal) => Err(refusal.into()),
        };
        let outcome = self.tell_limit(outcome, out);
        let word = match &outcome {
            Ok(Some(_)) => "OK",
            Ok(None) => "later",
            Err(Stop::Refused(Refusal::No(..))) => "NO",
            Err(Stop::Refused(Refusal::Bad(..))) => "BAD",
            Err(Stop::Gone) => "gone",
        };
        let next = match outcome {
            Ok(Some(done)) => self.done(&tag, row, done, out).await?,
            Ok(None) => Next::Wait,
            Err(Stop::Refused(refusal)) => {
                self.tell_news(row, out).await?;
                self.refused(&tag, &refusal, out)
            }
            Err(Stop::Gone) => return Err(Gone),
        };
        tracing::debug!(tag, command = row.name, outcome = word, took = ?started.elapsed());
        Ok(next)
    }

    /// Puts the filters that a command's search names into it: RFC 5466 §3.1.
    fn insert_filters(&mut self, command: &mut Command) -> Result<(), Refusal> {
        let Some(search) = searches(command) else {
            return Ok(());
        };
        let Some(user) = self.logged_in() else {
            return Ok(());
        };
        let inserted = filters::insert(search, user.account.snapshot().metadata());
        if let Err(Refusal::No(..)) = &inserted
            && search.returns.as_ref().is_some_and(|returns| returns.save)
            && let State::Selected(selected) = &mut self.state
        {
            // RFC 5182 §2.1: NO empties what was saved.
            selected.saved = UidSet::new();
        }
        inserted
    }

    /// Says how far a command came, if not all the way: RFC 9738 §3.1.
    fn tell_limit(
        &mut self,
        outcome: Result<Option<Done>, Stop>,
        out: &mut impl Outlet,
    ) -> Result<Option<Done>, Stop> {
        let State::Selected(selected) = &mut self.state else {
            return outcome;
        };
        let Some(limited) = selected.limited.take() else {
            return outcome;
        };
        let told = |done| message_limit::told(limited, done, self.enabled.language, out);
        outcome.transpose().map(told).transpose()
    }

    /// Runs a command, and tells its client now and then that it runs.
    async fn run(
        &mut self,
        tag: &str,
        command: Command,
        appending: Option<Box<append::Appending>>,
        out: &mut impl Outlet,
    ) -> Result<Result<Option<Done>, Stop>, Gone> {
        let progress = self.logged_in().map(|user| Arc::clone(&user.progress));
        if let Some(progress) = &progress {
            progress.expect(0);
        }
        let asked = progress::Command {
            tag,
            language: self.enabled.language,
            progress: progress.as_deref(),
        };
        let desk = Desk::default();
        // Boxed: it would be here twice.
        let running = Box::pin(async {
            let mut kept = desk.outlet();
            let outcome = self.step(tag, command, appending, &mut kept).await;
            (outcome, std::mem::take(kept.buffer()))
        });
        progress::run(asked, &desk, running, out).await
    }

    /// Reads a command. What has a meaning today has no other, whatever is set.
    fn read(&self, octets: &[u8]) -> Result<command::Tagged, SyntaxError> {
        let read = imap::parse::command(octets);
        if !self.services.imap.old_commands {
            return read;
        }
        read.or_else(|error| imap::parse::old_command(octets).map_err(|_| error))
    }

    /// What comes before a command on a selected mailbox.
    async fn prepare(
        &mut self,
        row: Row,
        command: &Command,
        out: &mut impl Outlet,
    ) -> Result<(), Gone> {
        if !matches!(self.state, State::NotAuthenticated) && enables_condstore(command) {
            self.enable_condstore(out);
        }
        let State::Selected(selected) = &mut self.state else {
            return Ok(());
        };
        selected.refresh().await;
        if row.by_uid && selected.view.has_unannounced() {
            let told = sync::tell(selected, self.enabled, Expunges::Held, out).await?;
            selected.exists_unheard |= told.exists && row.name.ends_with("FETCH");
        }
        let waits = matches!(row.name, "NOOP" | "CHECK" | "IDLE");
        if waits && std::mem::take(&mut selected.exists_unheard) {
            encode::exists(out.buffer(), selected.view.len());
        }
        Ok(())
    }

    /// RFC 7162 §3.1: the first command that enables CONDSTORE is told where the
    /// mailbox stands.
    pub(super) fn enable_condstore(&mut self, out: &mut impl Outlet) {
        if std::mem::replace(&mut self.enabled.condstore, true) {
            return;
        }
        if let State::Selected(selected) = &self.state {
            let code = Code::HighestModSeq(selected.view.complete_to().0);
            reply::untagged(
                out,
                self.enabled.language,
                (Status::Ok, Some(&code)),
                "Highest",
            );
        }
    }

    /// RFC 9051 §3: the whole state diagram. `None` if the answer comes later.
    pub(super) async fn step(
        &mut self,
        tag: &str,
        command: Command,
        appending: Option<Box<append::Appending>>,
        out: &mut impl Outlet,
    ) -> Result<Option<Done>, Stop> {
        if utf8::may_need_it(&command) {
            self.may_go_without_utf8()?;
        }
        let takes_utf8_headers = self.takes_utf8_headers();
        match (&mut self.state, command) {
            (State::Logout, _) => Err(Refusal::bad("The session is over").into()),
            (_, Command::Any(command)) => self.any(&command, out).map(Some),
            (State::NotAuthenticated, Command::NotAuthenticated(command)) => {
                self.not_authenticated(tag, command, out).await
            }
            (State::Authenticated(user), Command::Authenticated(command)) => {
                let user = user.clone();
                self.authenticated(&user, tag, (command, appending), out)
                    .await
            }
            (State::Selected(selected), Command::Authenticated(command)) => {
                let user = selected.user.clone();
                self.authenticated(&user, tag, (command, appending), out)
                    .await
            }
            (State::Selected(selected), Command::Selected(command::Selected::Replace(command))) => {
                selected.readable()?;
                let services = (&self.services, self.enabled);
                let begins = || append::Appending::new(takes_utf8_headers);
                let appending = appending.map_or_else(begins, |appending| *appending);
                // Boxed: every command would be moved about with room for it.
                let done = replace::replace(selected, services, &command, appending, out);
                Box::pin(done).await.map(Some)
            }
            (State::Selected(_), Command::Selected(command)) => {
                self.selected(tag, &command, out).await.map(Some)
            }
            (State::Authenticated(_) | State::Selected(_), Command::NotAuthenticated(_)) => {
                Err(Refusal::bad("Logged in already").into())
            }
            (State::NotAuthenticated, Command::Authenticated(_) | Command::Selected(_)) => {
                Err(Refusal::bad("Log in first").into())
            }
            (State::Authenticated(_), Command::Selected(_)) => {
                Err(Refusal::bad("Select a mailbox first").into())
            }
        }
    }

    /// A command was done: what is new first, then its `OK`.
    async fn done(
        &mut self,
        tag: &str,
        row: Row,
        mut done: Done,
        out: &mut impl Outlet,
    ) -> Result<Next, Gone> {
        self.bad_commands = 0;
        if let Some(code) = self.tell_news(row, out).await? {
            match done.code {
                None => done.code = Some(code),
                Some(_) => reply::untagged(
                    out,
                    self.enabled.language,
                    (Status::Ok, Some(&code)),
                    "Highest",
                ),
            }
        }
        reply::tagged(
            out,
            self.enabled.language,
            tag,
            (Status::Ok, done.code.as_ref()),
            done.text,
        );
        Ok(match (&self.state, &self.lines) {
            (State::Logout, _) => Next::Close,
            (_, Lines::Handshake) => Next::StartTls,
            _ => std::mem::replace(&mut self.then, Next::Wait),
        })
    }

    /// Tells a client with a mailbox what is new there, and one that is notified of it, what is new elsewhere.
    /// HIGHESTMODSEQ, if it must be said (RFC 7162 §3.2), goes into the tagged response.
    async fn tell_news(&mut self, row: Row, out: &mut impl Outlet) -> Result<Option<Code>, Gone> {
        self.look();
        if !row.lists() {
            self.tell_others(out).await?;
        }
        let State::Selected(selected) = &mut self.state else {
            return Ok(None);
        };
        urlauth::tell_key(selected, self.enabled, out);
        let told = sync::tell(selected, self.enabled, row.expunges, out).await?;
        if row.name.ends_with("FETCH") {
            selected.exists_unheard |= told.exists;
        }
        Ok(told.highest_mod_seq.map(|n| Code::HighestModSeq(n.0)))
    }
}
