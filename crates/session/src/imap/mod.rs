//! An IMAP session: RFC 9051 and RFC 3501 on one connection.
//!
//! Two small machines: [`imap::wire`] knows which bytes come next, [`state`] what
//! is permitted. This file feeds the one and runs the other:
//!
//! * [`state`]: the states, each owning what exists in it; `dispatch`: the one
//!   `match` that is RFC 9051 §3, and the seam where commands are logged;
//! * [`view`]: what this client has been told; [`sync`]: telling it; `news`: telling it unasked;
//! * [`commands`], [`fetch`], [`search`]: what each command does;
//! * [`refusal`]: how it fails.

pub(crate) mod annotation;
pub mod capability;
pub(crate) mod commands;
mod convert;
pub(crate) mod deleted;
mod dispatch;
pub(crate) mod fetch;
pub(crate) mod filter;
pub(crate) mod flags;
mod fullness;
mod hold;
pub mod identifier;
mod lines;
pub(crate) mod message_limit;
pub(crate) mod metadata_news;
mod names;
mod news;
pub(crate) mod notify;
pub(crate) mod object_ids;
pub(crate) mod pattern;
pub(crate) mod progress;
pub(crate) mod reach;
pub mod referral;
pub(crate) mod refusal;
pub(crate) mod reply;
pub(crate) mod search;
pub(crate) mod settings;
pub(crate) mod state;
mod states;
pub(crate) mod subscriptions;
pub(crate) mod suppress;
pub(crate) mod sync;
mod table;
#[cfg(test)]
mod tests;
mod tree;
pub(crate) mod url;
mod utf8;
pub(crate) mod view;
pub(crate) mod wording;

use std::time::Duration;

use auth::Exchange;
use imap::{
    response::{Code, Status},
    wire::{Broken, Input, LiteralStart, Wire},
};

pub use search::unattended;
pub use wording::Language;

use self::{
    capability::{Facts, Heard},
    commands::{
        append::{self, Appending},
        login,
    },
    metadata_news::MetadataNews,
    notify::Notifying,
    refusal::Refusal,
    state::{Enabled, State, User},
    suppress::Hidden,
    url::Base,
    wording::Text,
};
pub use self::{
    commands::id::Identification,
    settings::{Settings, Urls},
    suppress::{ForClients, Suppressed, check as check_suppressed},
};
use crate::{Gone, Next, Outlet, Peer, Services, Tls, imap::sync::flush_if_full};

/// One client's session.
#[derive(Debug)]
pub struct Session {
    services: Services,
    peer: Peer,
    wire: Wire,
    state: State,
    enabled: Enabled,
    /// What the client, by what it says in ID, is not told of.
    client_suppressed: Suppressed,
    /// What the client is told without asking for it.
    notifying: Notifying,
    /// What others changed of metadata, once the client has enabled that.
    metadata_news: Option<MetadataNews>,
    /// What a line is, if it is no command.
    lines: Lines,
    /// The messages of the APPEND that is being received.
    appending: Option<Box<Appending>>,
    /// COMPRESS was answered OK: RFC 4978.
    compressed: bool,
    /// What the driver is to do once the answer to this command is out.
    then: Next,
    /// Commands answered BAD in a row.
    bad_commands: u32,
    failed_logins: u32,
}

/// What the client is to send.
#[derive(Debug)]
enum Lines {
    /// Commands.
    Commands,
    /// The answers of a SASL exchange: RFC 9051 §6.2.2.
    Sasl(Box<Sasl>),
    /// DONE: RFC 9051 §6.3.13.
    Done { tag: String },
    /// The TLS handshake comes first.
    Handshake,
}

impl Lines {
    /// Whether the client is in IDLE.
    fn are_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

/// An AUTHENTICATE in progress.
#[derive(Debug)]
struct Sasl {
    tag: String,
    exchange: Exchange,
}

impl Session {
    /// A session that has not greeted yet.
    #[must_use]
    pub fn new(services: Services, peer: Peer) -> Self {
        let command_bytes_max = services.limits.command_bytes_max_before_login;
        let wire = Wire::new(wire_limits(&services, command_bytes_max));
        Self {
            services,
            peer,
            wire,
            state: State::NotAuthenticated,
            enabled: Enabled::default(),
            client_suppressed: Suppressed::default(),
            notifying: Notifying::default(),
            metadata_news: None,
            lines: Lines::Commands,
            appending: None,
            compressed: false,
            then: Next::Wait,
            bad_commands: 0,
            failed_logins: 0,
        }
    }

    /// Sends the greeting.
    ///
    /// # Errors
    /// [`Gone`]
    #[expect(clippy::unused_async, reason = "the drivers' contract")]
    pub async fn greet(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        if let Some(host) = &self.services.imap.moved_to {
            let (code, text) = (referral::home(None, host), "The mail is on another server");
            reply::untagged(out, self.enabled.language, (Status::Bye, Some(&code)), text);
            return Ok(Next::Close);
        }
        let code = Code::Capability(self.capabilities());
        let hostname = self.services.hostname.to_string();
        let text = Text::with("{} Chapar at your service", [hostname.into()]);
        reply::untagged(out, self.enabled.language, (Status::Ok, Some(&code)), text);
        Ok(Next::Wait)
    }

    /// Takes what the client sent, and answers every command that is complete.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn receive(&mut self, octets: Vec<u8>, out: &mut impl Outlet) -> Result<Next, Gone> {
        self.wire.feed(octets);
        loop {
            let next = match self.wire.next() {
                Input::NeedMore => return Ok(Next::Wait),
                Input::Command(octets) => self.command(&octets, out).await?,
                Input::Literal(start) => self.literal(&start, out).await,
                Input::Data { last } => {
                    if let Some(appending) = &mut self.appending {
                        appending.data(self.wire.data(), last).await;
                    }
                    Next::Wait
                }
                Input::DataEnd => {
                    if let Some(appending) = &mut self.appending {
                        appending.data_end();
                    }
                    Next::Wait
                }
                Input::Line(line) => self.line(&line, out).await?,
                Input::Broken(broken) => self.broken(&broken, out),
            };
            match next {
                Next::Wait => flush_if_full(out).await?,
                // Whatever came with STARTTLS came in the clear, from anybody: a client that
                // waits for the answer sends nothing.
                Next::StartTls if self.wire.buffered() > 0 => {
                    return Ok(bye(
                        self.enabled.language,
                        out,
                        "Bytes after STARTTLS, before TLS: refused",
                    ));
                }
                Next::StartTls | Next::Compress | Next::Uncompress | Next::Close => {
                    return Ok(next);
                }
            }
        }
    }

    /// TLS is on (after [`Next::StartTls`]).
    pub fn secured(&mut self, tls: Tls) {
        self.peer.tls = Some(tls);
        self.lines = Lines::Commands;
        // Nothing said in the clear counts any more (RFC 9051 §6.2.1).
        self.enabled = Enabled::default();
    }

    /// How long the client may be silent from now on.
    #[must_use]
    pub fn patience(&self) -> Duration {
        match self.state {
            State::NotAuthenticated | State::Logout => self.services.limits.login_timeout,
            State::Authenticated(_) | State::Selected(_) => self.services.limits.idle_timeout,
        }
    }

    /// The client was silent for longer: says BYE.
    ///
    /// # Errors
    /// [`Gone`]
    #[expect(clippy::unused_async, reason = "the drivers' contract")]
    pub async fn timed_out(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        Ok(bye(
            self.enabled.language,
            out,
            "Autologout: silent for too long",
        ))
    }

    /// The server is stopping: says BYE.
    ///
    /// # Errors
    /// [`Gone`]
    #[expect(clippy::unused_async, reason = "the drivers' contract")]
    pub async fn stopping(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        let code = Code::Unavailable;
        reply::untagged(
            out,
            self.enabled.language,
            (Status::Bye, Some(&code)),
            "The server is stopping",
        );
        Ok(Next::Close)
    }

    /// An administrator has ended the session: says BYE.
    ///
    /// # Errors
    /// [`Gone`]
    #[expect(clippy::unused_async, reason = "the drivers' contract")]
    pub async fn ended(&mut self, out: &mut impl Outlet) -> Result<Next, Gone> {
        Ok(bye(
            self.enabled.language,
            out,
            "An administrator has ended the session",
        ))
    }

    /// The name of the administrator who is logged in as the user, if one is.
    #[must_use]
    pub fn administrator(&self) -> Option<&str> {
        self.logged_in()?.reach.identity().by.as_deref()
    }

    /// The account's name once logged in, for logs and limits by account.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.logged_in().map(|user| &*user.name)
    }

    /// Whether the account's partition was reopened: whoever logs in again goes on.
    fn is_closed(&self) -> bool {
        let open = self.state.selected();
        self.logged_in()
            .is_some_and(|user| user.account.is_closed())
            || open.is_some_and(|open| open.account.is_closed())
    }

    fn logged_in(&self) -> Option<&User> {
        match &self.state {
            State::NotAuthenticated | State::Logout => None,
            State::Authenticated(user) => Some(user),
            State::Selected(selected) => Some(&selected.user),
        }
    }

    /// What the client can do now.
    fn capabilities(&self) -> String {
        self.capabilities_for(Heard::Greeted)
    }

    /// The same; before login as they are told to whom it is said.
    fn capabilities_for(&self, heard: Heard) -> String {
        let user = self.logged_in();
        let facts = Facts {
            settings: &self.services.imap,
            hidden: self.hidden(user),
            message_bytes_max: self.services.store.message_bytes_max(),
            jmap: self.services.site.jmap.is_some(),
        };
        if user.is_some() {
            return capability::after_login(&facts);
        }
        let channel = login::channel(&self.services, &self.peer);
        let start_tls = self.peer.can_start_tls && self.peer.tls.is_none();
        let mechanisms = self.services.auth.mechanisms(&channel);
        capability::before_login(&facts, heard, start_tls, &mechanisms)
    }

    /// What is suppressed now, given who has logged in.
    fn hidden<'a>(&'a self, user: Option<&'a User>) -> Hidden<'a> {
        let everybody = &self.services.imap.suppressed;
        let account = user.map_or(everybody, |user| &user.suppressed);
        Hidden {
            by: [everybody, &self.client_suppressed, account],
        }
    }

    /// A literal is announced: takes it, or refuses the command it belongs to.
    async fn literal(&mut self, start: &LiteralStart, out: &mut impl Outlet) -> Next {
        let taken = if start.message {
            // Boxed: whatever else comes would be moved about with room for it.
            Box::pin(self.message(start)).await
        } else {
            Ok(())
        };
        match taken {
            Ok(()) => {
                self.wire.accept();
                if start.synchronising {
                    reply::go_on(out, self.enabled.language, "Go on");
                }
                Next::Wait
            }
            Err(refusal) => {
                let tag = tag_of(self.wire.command_so_far());
                self.wire.refuse();
                self.appending = None;
                self.refused(&tag, &refusal, out)
            }
        }
    }

    /// Octets of a message are announced, in an APPEND or REPLACE.
    async fn message(&mut self, literal: &LiteralStart) -> Result<(), Refusal> {
        if literal.index == 0 {
            self.appending = None;
        }
        let begun = self.appending.take();
        let begins = || Box::new(Appending::new(self.takes_utf8_headers()));
        let mut appending = begun.unwrap_or_else(begins);
        if let State::Selected(selected) = &mut self.state {
            selected.refresh().await;
        }
        let unasked_max = unasked_literal_bytes_max(&self.services.imap);
        if !literal.synchronising && literal.size > unasked_max {
            let text = "A literal of more than 4096 octets has to be asked for";
            return Err(Refusal::bad_with(Code::TooBig, text));
        }
        self.may_go_without_utf8()?;
        let base = Base {
            services: &self.services,
            user: self
                .logged_in()
                .ok_or_else(|| Refusal::bad("Log in first"))?,
            selected: self.state.selected(),
        };
        let so_far = (self.wire.command_so_far(), literal);
        let before = appending.start.take();
        let (start, to) = append::may_go_on(base, self.enabled, before, so_far).await?;
        if let Some(max) = self.save_limit() {
            message_limit::few(start.messages.len(), max)?;
        }
        let announced = appending.announced(base, &start.messages);
        announced.await?;
        append::has_room(&start, &to, literal).await?;
        appending.start = Some(start);
        self.appending = Some(appending);
        Ok(())
    }

    /// The wire could not frame what came.
    fn broken(&mut self, broken: &Broken, out: &mut impl Outlet) -> Next {
        self.appending = None;
        if broken.fatal {
            return bye(self.enabled.language, out, broken.what);
        }
        let tag = broken.tag.as_deref().unwrap_or("*");
        self.refused(tag, &Refusal::bad(broken.what), out)
    }

    /// Says no, and closes on a client that has been told so too often.
    fn refused(&mut self, tag: &str, refusal: &Refusal, out: &mut impl Outlet) -> Next {
        match refusal {
            Refusal::No(code, text) => {
                self.bad_commands = 0;
                reply::tagged(
                    out,
                    self.enabled.language,
                    tag,
                    (Status::No, code.as_ref()),
                    text,
                );
            }
            Refusal::Bad(code, text) => {
                self.bad_commands += 1;
                reply::tagged(
                    out,
                    self.enabled.language,
                    tag,
                    (Status::Bad, code.as_ref()),
                    text,
                );
            }
        }
        if self.bad_commands >= self.services.limits.bad_commands_max {
            return bye(
                self.enabled.language,
                out,
                "Too many commands that make no sense",
            );
        }
        if self.failed_logins >= self.services.limits.failed_logins_max {
            return bye(self.enabled.language, out, "Too many failed logins");
        }
        Next::Wait
    }
}

/// Says BYE.
pub(super) fn unavailable(language: Language, out: &mut impl Outlet) -> Next {
    let (code, text) = (Code::Unavailable, "The mail was reopened: log in again");
    reply::untagged(out, language, (Status::Bye, Some(&code)), text);
    Next::Close
}

fn bye(language: Language, out: &mut impl Outlet, text: &'static str) -> Next {
    reply::untagged(out, language, (Status::Bye, None), text);
    Next::Close
}

/// The longest SASL response, in octets of base64 (RFC 4422 leaves it to us).
const SASL_LINE_BYTES_MAX: usize = 12 * 1024;

/// What ends IDLE is four octets long; some more for what should not be there.
const DONE_LINE_BYTES_MAX: usize = 1024;

/// The largest literal of which clients that are offered LITERAL- don't ask: RFC 7888 §5.
const UNASKED_LITERAL_BYTES_MAX: u64 = 4096;

/// The limits of the wire for commands of that size.
fn wire_limits(services: &Services, command_bytes_max: usize) -> imap::wire::Limits {
    imap::wire::Limits {
        command_bytes_max,
        inline_literal_bytes_max: u64::try_from(command_bytes_max).unwrap_or(u64::MAX),
        unasked_literal_bytes_max: unasked_literal_bytes_max(&services.imap),
    }
}

fn unasked_literal_bytes_max(settings: &Settings) -> u64 {
    if settings.literal_minus {
        UNASKED_LITERAL_BYTES_MAX
    } else {
        u64::MAX
    }
}

/// The tag of a command that is not complete.
fn tag_of(command: &[u8]) -> String {
    let word = command.split(|octet| *octet == b' ').next();
    match word.and_then(|word| str::from_utf8(word).ok()) {
        Some(tag) if !tag.is_empty() => tag.to_owned(),
        _ => "*".to_owned(),
    }
}
