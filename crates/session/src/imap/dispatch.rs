//! Running a command: the state diagram of RFC 9051 §3, and what surrounds every
//! command: what it does to numbering, telling what is new, the tagged response,
//! and the log. Handlers log nothing.

use std::time::Instant;

use auth::Step;
use imap::{
    Command,
    command::{self, FetchItem, Numbering, SearchKey, StatusItem},
    encode,
    response::{Code, Status},
};

use super::{
    DONE_LINE_BYTES_MAX, Lines, SASL_LINE_BYTES_MAX, Sasl, Session, bye,
    commands::{
        append, close, copy, create, delete, enable, expunge, id, list, login, lsub, namespace,
        rename, select, status, store, subscribe,
    },
    fetch,
    refusal::{Done, Outcome, Refusal, Stop},
    reply, search,
    state::{Access, State, User},
    sync::{self, Expunges},
    wire_limits,
};
use crate::{Gone, Next, Outlet};

/// What the dispatcher has to know of a command: its row in the table.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// For the log.
    name: &'static str,
    /// Whether its responses may move sequence numbers.
    expunges: Expunges,
    /// It names UIDs: messages that were not announced yet can be meant.
    by_uid: bool,
}

/// The table of commands.
fn row(command: &Command) -> Row {
    use imap::command::{Any, Authenticated as A, NotAuthenticated as N, Selected as S};
    let told = |name| Row {
        name,
        expunges: Expunges::Told,
        by_uid: false,
    };
    let numbered = |numbering, name, uid_name| match numbering {
        Numbering::Uid => Row {
            name: uid_name,
            expunges: Expunges::Told,
            by_uid: true,
        },
        Numbering::Sequence => Row {
            name,
            expunges: Expunges::Held, // RFC 9051 §7.5.1
            by_uid: false,
        },
    };
    // COPY and MOVE by sequence numbers may move them (RFC 9051 §6.4.8).
    let moving = |numbering, name, uid_name| Row {
        expunges: Expunges::Told,
        ..numbered(numbering, name, uid_name)
    };
    match command {
        Command::Any(Any::Capability) => told("CAPABILITY"),
        Command::Any(Any::Noop) => told("NOOP"),
        Command::Any(Any::Logout) => told("LOGOUT"),
        Command::Any(Any::Id(_)) => told("ID"),
        Command::NotAuthenticated(N::StartTls) => told("STARTTLS"),
        Command::NotAuthenticated(N::Authenticate { .. }) => told("AUTHENTICATE"),
        Command::NotAuthenticated(N::Login { .. }) => told("LOGIN"),
        Command::Authenticated(A::Enable(_)) => told("ENABLE"),
        Command::Authenticated(A::Select(_)) => told("SELECT"),
        Command::Authenticated(A::Examine(_)) => told("EXAMINE"),
        Command::Authenticated(A::Create { .. }) => told("CREATE"),
        Command::Authenticated(A::Delete(_)) => told("DELETE"),
        Command::Authenticated(A::Rename { .. }) => told("RENAME"),
        Command::Authenticated(A::Subscribe(_)) => told("SUBSCRIBE"),
        Command::Authenticated(A::Unsubscribe(_)) => told("UNSUBSCRIBE"),
        Command::Authenticated(A::List(_)) => told("LIST"),
        Command::Authenticated(A::Lsub { .. }) => told("LSUB"),
        Command::Authenticated(A::Namespace) => told("NAMESPACE"),
        Command::Authenticated(A::Status { .. }) => told("STATUS"),
        Command::Authenticated(A::Append(_)) => told("APPEND"),
        Command::Authenticated(A::Idle) => told("IDLE"),
        Command::Selected(S::Check) => told("CHECK"),
        Command::Selected(S::Close) => told("CLOSE"),
        Command::Selected(S::Unselect) => told("UNSELECT"),
        Command::Selected(S::Expunge) => told("EXPUNGE"),
        Command::Selected(S::UidExpunge(_)) => moving(Numbering::Uid, "EXPUNGE", "UID EXPUNGE"),
        Command::Selected(S::Search(c)) => numbered(c.numbering, "SEARCH", "UID SEARCH"),
        Command::Selected(S::Fetch(c)) => numbered(c.numbering, "FETCH", "UID FETCH"),
        Command::Selected(S::Store(c)) => numbered(c.numbering, "STORE", "UID STORE"),
        Command::Selected(S::Copy(c)) => moving(c.numbering, "COPY", "UID COPY"),
        Command::Selected(S::Move(c)) => moving(c.numbering, "MOVE", "UID MOVE"),
    }
}

impl Session {
    /// Runs one command: everything that happens between its CRLF and that of its answer.
    pub(super) async fn command(
        &mut self,
        octets: &[u8],
        out: &mut impl Outlet,
    ) -> Result<Next, Gone> {
        if self.is_closed() {
            return Ok(super::unavailable(out));
        }
        let appending = self.appending.take();
        let command::Tagged { tag, command } = match imap::parse::command(octets) {
            Ok(tagged) => tagged,
            Err(error) => {
                let tag = error.tag.as_deref().unwrap_or("*");
                return Ok(self.refused(tag, &Refusal::bad(error.to_string()), out));
            }
        };
        let row = row(&command);
        let started = Instant::now();
        self.prepare(row, &command, out).await?;
        let outcome = self.step(&tag, command, appending, out).await;
        let word = match &outcome {
            Ok(Some(_)) => "OK",
            Ok(None) => "later",
            Err(Stop::Refused(Refusal::No(..))) => "NO",
            Err(Stop::Refused(Refusal::Bad(_))) => "BAD",
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
            sync::tell(selected, self.enabled, Expunges::Held, out).await?;
        }
        let waits = matches!(row.name, "NOOP" | "CHECK" | "IDLE");
        if waits && std::mem::take(&mut selected.exists_unheard) {
            encode::exists(out.buffer(), selected.view.len());
        }
        Ok(())
    }

    /// RFC 7162 §3.1: the first command that enables CONDSTORE is told where the
    /// mailbox stands.
    fn enable_condstore(&mut self, out: &mut impl Outlet) {
        if std::mem::replace(&mut self.enabled.condstore, true) {
            return;
        }
        if let State::Selected(selected) = &self.state {
            let code = Code::HighestModSeq(selected.view.complete_to().0);
            reply::untagged(out, Status::Ok, Some(&code), "Highest");
        }
    }

    /// RFC 9051 §3: the whole state diagram. `None` if the answer comes later.
    async fn step(
        &mut self,
        tag: &str,
        command: Command,
        appending: Option<Box<append::Appending>>,
        out: &mut impl Outlet,
    ) -> Result<Option<Done>, Stop> {
        match (&mut self.state, command) {
            (State::Logout, _) => Err(Refusal::bad("The session is over").into()),
            (_, Command::Any(command)) => Ok(Some(self.any(&command, out))),
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

    /// RFC 9051 §6.1.
    fn any(&mut self, command: &command::Any, out: &mut impl Outlet) -> Done {
        match command {
            command::Any::Capability => {
                let capabilities = self.capabilities();
                reply::line(out, format_args!("* CAPABILITY {capabilities}"));
                Done::new("CAPABILITY completed")
            }
            command::Any::Noop => Done::new("NOOP completed"),
            command::Any::Logout => {
                reply::untagged(out, Status::Bye, None, "Until next time");
                self.state = State::Logout;
                Done::new("LOGOUT completed")
            }
            command::Any::Id(_) => id::id(out),
        }
    }

    /// RFC 9051 §6.2.
    async fn not_authenticated(
        &mut self,
        tag: &str,
        command: command::NotAuthenticated,
        out: &mut impl Outlet,
    ) -> Result<Option<Done>, Stop> {
        match command {
            command::NotAuthenticated::StartTls => {
                if self.peer.tls.is_some() || !self.peer.can_start_tls {
                    return Err(Refusal::bad("STARTTLS is not offered").into());
                }
                self.lines = Lines::Handshake;
                Ok(Some(Done::new("Begin TLS now")))
            }
            command::NotAuthenticated::Authenticate { mechanism, initial } => {
                let channel = login::channel(&self.services, &self.peer);
                let exchange = self
                    .services
                    .auth
                    .start(&mechanism, &channel, self.peer.address)
                    .ok_or_else(|| Refusal::no(Code::Cannot, "No such mechanism here"))?;
                let tag = tag.to_owned();
                let sasl = Box::new(Sasl { tag, exchange });
                let Some(message) = initial else {
                    self.expect_sasl(sasl, &[], out);
                    return Ok(None);
                };
                self.sasl_step(sasl, &message, out).await
            }
            command::NotAuthenticated::Login { user, password } => {
                let entered = login::login(&self.services, &self.peer, &user, &password).await;
                self.entered(entered, "LOGIN completed").map(Some)
            }
        }
    }

    /// A login came to its end.
    fn entered(&mut self, entered: Result<User, Refusal>, text: &'static str) -> Outcome {
        match entered {
            Ok(user) => {
                self.failed_logins = 0;
                self.wire
                    .set_limits(wire_limits(self.services.limits.command_bytes_max));
                self.state = State::Authenticated(user);
                Ok(Done::with(Code::Capability(self.capabilities()), text))
            }
            Err(refusal) => {
                self.failed_logins += 1;
                Err(refusal.into())
            }
        }
    }

    /// RFC 9051 §6.3.
    async fn authenticated(
        &mut self,
        user: &User,
        tag: &str,
        (command, appending): (command::Authenticated, Option<Box<append::Appending>>),
        out: &mut impl Outlet,
    ) -> Result<Option<Done>, Stop> {
        use command::Authenticated as A;
        let enabled = self.enabled;
        let outcome = match command {
            A::Enable(names) => {
                let before = self.enabled;
                let done = enable::enable(&mut self.enabled, &names, out);
                if self.enabled.condstore && !before.condstore {
                    self.enabled.condstore = false;
                    self.enable_condstore(out);
                }
                Ok(done)
            }
            A::Select(c) => self.open(user, &c, Access::ReadWrite, out).await,
            A::Examine(c) => self.open(user, &c, Access::ReadOnly, out).await,
            A::Create {
                mailbox,
                special_use,
            } => create::create(user, enabled, &mailbox, &special_use).await,
            A::Delete(mailbox) => delete::delete(user, enabled, &mailbox).await,
            A::Rename { from, to } => rename::rename(user, enabled, &from, &to).await,
            A::Subscribe(mailbox) => subscribe::subscribe(user, enabled, &mailbox).await,
            A::Unsubscribe(mailbox) => subscribe::unsubscribe(user, enabled, &mailbox).await,
            A::List(c) => list::list(user, enabled, &c, out).await,
            A::Lsub { reference, pattern } => {
                lsub::lsub(user, enabled, (&reference, &pattern), out).await
            }
            A::Namespace => Ok(namespace::namespace(out)),
            A::Status { mailbox, items } => {
                status::status(user, enabled, &mailbox, &items, out).await
            }
            A::Append(c) => append::append(user, enabled, &c, *appending.unwrap_or_default()).await,
            A::Idle => {
                self.idle(user, tag, out).await?;
                return Ok(None);
            }
        };
        outcome.map(Some)
    }

    /// SELECT and EXAMINE: leaves the mailbox that is open, whatever comes of it.
    async fn open(
        &mut self,
        user: &User,
        select: &command::Select,
        access: Access,
        out: &mut impl Outlet,
    ) -> Outcome {
        if let State::Selected(_) = &self.state {
            self.state = State::Authenticated(user.clone());
            reply::untagged(
                out,
                Status::Ok,
                Some(&Code::Closed),
                "Previous mailbox closed",
            );
        }
        let enabled = &mut self.enabled;
        let (selected, done) = select::select(user, enabled, select, access, out).await?;
        self.state = State::Selected(Box::new(selected));
        Ok(done)
    }

    /// IDLE begins: RFC 9051 §6.3.13. What is pending is told at once.
    async fn idle(&mut self, user: &User, tag: &str, out: &mut impl Outlet) -> Result<(), Gone> {
        reply::go_on(out, "idling");
        self.lines = Lines::Done {
            tag: tag.to_owned(),
            seen: user.account.snapshot().mod_seq(),
        };
        self.wire.expect_line(DONE_LINE_BYTES_MAX);
        self.tell(out).await?;
        Ok(())
    }

    /// RFC 9051 §6.4.
    async fn selected(
        &mut self,
        tag: &str,
        command: &command::Selected,
        out: &mut impl Outlet,
    ) -> Outcome {
        use command::Selected as S;
        let enabled = self.enabled;
        let State::Selected(selected) = &mut self.state else {
            return Err(Refusal::bad("Select a mailbox first").into());
        };
        match command {
            S::Check => Ok(Done::new("CHECK completed")),
            S::Close => {
                let outcome = close::close(selected).await;
                self.state = State::Authenticated(selected.user.clone());
                outcome
            }
            S::Unselect => {
                self.state = State::Authenticated(selected.user.clone());
                Ok(Done::new("UNSELECT completed"))
            }
            S::Expunge => expunge::expunge(selected).await,
            S::UidExpunge(messages) => expunge::uid_expunge(selected, messages).await,
            S::Search(c) => search::search(selected, enabled, tag, c, out).await,
            S::Fetch(c) => fetch::fetch(selected, enabled, c, out).await,
            S::Store(c) => store::store(selected, enabled, c, out).await,
            S::Copy(c) => copy::copy(selected, enabled, c).await,
            S::Move(c) => copy::move_to(selected, enabled, c, out).await,
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
                Some(_) => reply::untagged(out, Status::Ok, Some(&code), "Highest"),
            }
        }
        reply::tagged(out, tag, Status::Ok, done.code.as_ref(), done.text);
        Ok(match (&self.state, &self.lines) {
            (State::Logout, _) => Next::Close,
            (_, Lines::Handshake) => Next::StartTls,
            _ => Next::Wait,
        })
    }

    /// Tells a client with a mailbox what is new there. HIGHESTMODSEQ, if it must be said
    /// (RFC 7162 §3.2), goes into the tagged response.
    async fn tell_news(&mut self, row: Row, out: &mut impl Outlet) -> Result<Option<Code>, Gone> {
        let State::Selected(selected) = &mut self.state else {
            return Ok(None);
        };
        let told = sync::tell(selected, self.enabled, row.expunges, out).await?;
        if row.name.ends_with("FETCH") {
            selected.exists_unheard |= told.exists;
        }
        Ok(told.highest_mod_seq.map(|n| Code::HighestModSeq(n.0)))
    }

    /// A line that is no command.
    pub(super) async fn line(&mut self, line: &[u8], out: &mut impl Outlet) -> Result<Next, Gone> {
        match std::mem::replace(&mut self.lines, Lines::Commands) {
            Lines::Sasl(sasl) => self.sasl_line(sasl, line, out).await,
            Lines::Done { tag, seen } => {
                if !line.eq_ignore_ascii_case(b"DONE") {
                    let refusal = Refusal::bad("DONE was expected; IDLE is over");
                    return Ok(self.refused(&tag, &refusal, out));
                }
                self.lines = Lines::Done { tag, seen };
                self.tell(out).await?;
                if let Lines::Done { tag, .. } = std::mem::replace(&mut self.lines, Lines::Commands)
                {
                    reply::tagged(out, &tag, Status::Ok, None, "IDLE completed");
                }
                Ok(Next::Wait)
            }
            Lines::Commands | Lines::Handshake => Ok(bye(out, "A line was not expected")),
        }
    }

    /// The client's answer in a SASL exchange.
    async fn sasl_line(
        &mut self,
        sasl: Box<Sasl>,
        line: &[u8],
        out: &mut impl Outlet,
    ) -> Result<Next, Gone> {
        let tag = sasl.tag.clone();
        let outcome = if line == b"*" {
            Err(Refusal::bad("AUTHENTICATE cancelled").into())
        } else if let Ok(message) = data_encoding::BASE64.decode(line) {
            self.sasl_step(sasl, &message, out).await
        } else {
            Err(Refusal::bad("That was not base64").into())
        };
        match outcome {
            Ok(None) => Ok(Next::Wait),
            Ok(Some(done)) => {
                reply::tagged(out, &tag, Status::Ok, done.code.as_ref(), done.text);
                Ok(Next::Wait)
            }
            Err(Stop::Refused(refusal)) => Ok(self.refused(&tag, &refusal, out)),
            Err(Stop::Gone) => Err(Gone),
        }
    }

    /// One message of a SASL exchange.
    async fn sasl_step(
        &mut self,
        mut sasl: Box<Sasl>,
        message: &[u8],
        out: &mut impl Outlet,
    ) -> Result<Option<Done>, Stop> {
        let entered = match sasl.exchange.step(message).await {
            Ok(Step::Challenge(challenge)) => {
                self.expect_sasl(sasl, &challenge, out);
                return Ok(None);
            }
            Ok(Step::Done(identity)) => login::enter(&self.services, &self.peer, identity).await,
            Err(refused) => Err(login::refused(refused)),
        };
        self.entered(entered, "AUTHENTICATE completed").map(Some)
    }

    fn expect_sasl(&mut self, sasl: Box<Sasl>, challenge: &[u8], out: &mut impl Outlet) {
        reply::go_on(out, &data_encoding::BASE64.encode(challenge));
        self.lines = Lines::Sasl(sasl);
        self.wire.expect_line(SASL_LINE_BYTES_MAX);
    }
}

/// RFC 7162 §3.1: the commands that show that a client knows CONDSTORE. SELECT is its own affair.
fn enables_condstore(command: &Command) -> bool {
    use command::{Authenticated as A, Selected as S};
    match command {
        Command::Authenticated(A::Status { items, .. }) => {
            items.contains(&StatusItem::HighestModSeq)
        }
        Command::Selected(S::Fetch(fetch)) => {
            fetch.changed_since.is_some() || fetch.items.contains(&FetchItem::ModSeq)
        }
        Command::Selected(S::Store(store)) => store.unchanged_since.is_some(),
        Command::Selected(S::Search(search)) => asks_for_mod_seq(&search.key),
        _ => false,
    }
}

/// The parser bounds how deep keys nest.
fn asks_for_mod_seq(key: &SearchKey) -> bool {
    match key {
        SearchKey::ModSeq(_) => true,
        SearchKey::And(keys) => keys.iter().any(asks_for_mod_seq),
        SearchKey::Or(both) => asks_for_mod_seq(&both.0) || asks_for_mod_seq(&both.1),
        SearchKey::Not(key) => asks_for_mod_seq(key),
        _ => false,
    }
}
