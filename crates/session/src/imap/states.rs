//! What is permitted in each state, and who answers it: RFC 9051 §6.1 to §6.4.

use std::sync::Arc;

use imap::{
    command,
    response::{Code, Status},
};

use super::{
    DONE_LINE_BYTES_MAX, Lines, Sasl, Session,
    capability::Heard,
    commands::{
        acl, annotate, append, close, comparator, compress, copy, create, delete, enable, expunge,
        find, id, jmap, language, list, login, lsub, metadata, namespace, quota, rename, scan,
        select, status, store, subscribe, uid_batches, urlauth,
    },
    convert, fetch, referral,
    refusal::{Done, Outcome, Refusal, Stop},
    reply, search,
    state::{Access, Enabled, State, User},
    suppress,
    url::Base,
    wire_limits,
};
use crate::{Gone, Next, Outlet};

impl Session {
    /// RFC 9051 §6.1.
    pub(super) fn any(&mut self, command: &command::Any, out: &mut impl Outlet) -> Outcome {
        let done = match command {
            command::Any::Capability => {
                let capabilities = self.capabilities_for(Heard::Asking);
                reply::line(out, format_args!("* CAPABILITY {capabilities}"));
                Done::new("CAPABILITY completed")
            }
            command::Any::Noop => Done::new("NOOP completed"),
            command::Any::Logout => {
                reply::untagged(
                    out,
                    self.enabled.language,
                    (Status::Bye, None),
                    "Until next time",
                );
                self.state = State::Logout;
                Done::new("LOGOUT completed")
            }
            command::Any::Id(fields) => {
                if let Some(suppressed) = suppress::for_client(&self.services.imap, fields) {
                    self.client_suppressed = suppressed;
                }
                id::id(&self.services.imap.identification, fields, out)
            }
            command::Any::Language(ranges) => {
                let user = self.logged_in().cloned();
                let preferred = user.as_ref().and_then(|user| user.language);
                let preferred = preferred.unwrap_or(self.services.imap.language);
                let enabled = &mut self.enabled;
                return language::language(enabled, ranges, preferred, user.as_ref(), out);
            }
        };
        Ok(done)
    }

    /// RFC 9051 §6.2.
    pub(super) async fn not_authenticated(
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
                self.entered(entered, "LOGIN completed", out).map(Some)
            }
        }
    }

    /// A login came to its end.
    pub(super) fn entered(
        &mut self,
        entered: Result<User, Refusal>,
        text: &'static str,
        out: &mut impl Outlet,
    ) -> Outcome {
        match entered {
            Ok(user) => {
                let home = user.home.clone();
                let name = Arc::clone(&user.name);
                self.failed_logins = 0;
                let command_bytes_max = self.services.limits.command_bytes_max;
                self.wire
                    .set_limits(wire_limits(&self.services, command_bytes_max));
                self.state = State::Authenticated(user);
                let capabilities = self.capabilities();
                let Some(home) = home else {
                    return Ok(Done::with(Code::Capability(capabilities), text));
                };
                // A response has room for one code: that of RFC 2221 §4.1.
                reply::line(out, format_args!("* CAPABILITY {capabilities}"));
                let text = "Your mail is on another server; what is shared here can be read";
                Ok(Done::with(referral::home(Some(&name), &home), text))
            }
            Err(refusal) => {
                // Who is sent elsewhere has not failed.
                if !matches!(refusal, Refusal::No(Some(Code::Referral(_)), _)) {
                    self.failed_logins += 1;
                }
                Err(refusal.into())
            }
        }
    }

    /// RFC 9051 §6.3.
    pub(super) async fn authenticated(
        &mut self,
        user: &User,
        tag: &str,
        (command, appending): (command::Authenticated, Option<Box<append::Appending>>),
        out: &mut impl Outlet,
    ) -> Result<Option<Done>, Stop> {
        use command::Authenticated as A;
        let enabled = self.enabled;
        referral::authenticated(user, enabled, &command)?;
        // What takes more room than most is boxed: each command would be moved about with as much.
        let outcome = match command {
            A::Enable(names) => {
                let before = self.enabled;
                let mut enabled = self.enabled;
                let hidden = self.hidden(Some(user));
                let done = enable::enable(&mut enabled, &names, hidden, out);
                self.enabled = enabled;
                if self.enabled.condstore && !before.condstore {
                    self.enabled.condstore = false;
                    self.enable_condstore(out);
                }
                Ok(done)
            }
            A::Comparator(orders) => comparator::comparator(&mut self.enabled, &orders, out),
            A::Select(c) => self.open(user, &c, Access::ReadWrite, out).await,
            A::Examine(c) => self.open(user, &c, Access::ReadOnly, out).await,
            A::Idle => {
                self.idle(tag, out).await?;
                return Ok(None);
            }
            A::Esearch(c) => {
                let state = &mut self.state;
                Box::pin(search::esearch::esearch(
                    state,
                    (user, enabled),
                    tag,
                    &c,
                    out,
                ))
                .await
            }
            A::Notify(asked) => Box::pin(self.notify(user, asked.as_ref(), out)).await,
            A::Append(c) => {
                let begins = || append::Appending::new(self.takes_utf8_headers());
                let appending = appending.map_or_else(begins, |appending| *appending);
                let base = self.base(user);
                Box::pin(append::append(base, enabled, (&c, appending), out)).await
            }
            A::GenUrlAuth(urls) => urlauth::generate(self.base(user), &urls, out).await,
            A::UrlFetch(urls) => urlauth::fetch(self.base(user), &urls, out).await,
            A::Compress => {
                let more = self.wire.buffered() > 0;
                let done = compress::compress(self.compressed, more)?;
                (self.compressed, self.then) = (true, Next::Compress);
                Ok(done)
            }
            A::Unauthenticate => self.unauthenticate(),
            command => on_account(user, enabled, command, out).await,
        };
        outcome.map(Some)
    }

    /// From where URLs are looked at.
    fn base<'a>(&'a self, user: &'a User) -> Base<'a> {
        Base {
            services: &self.services,
            user,
            selected: self.state.selected(),
        }
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
                self.enabled.language,
                (Status::Ok, Some(&Code::Closed)),
                "Previous mailbox closed",
            );
        }
        let enabled = &mut self.enabled;
        let (selected, done) = select::select(user, enabled, select, access, out).await?;
        self.state = State::Selected(Box::new(selected));
        self.want();
        Ok(done)
    }

    /// IDLE begins: RFC 9051 §6.3.13. What is pending is told at once.
    async fn idle(&mut self, tag: &str, out: &mut impl Outlet) -> Result<(), Gone> {
        reply::go_on(out, self.enabled.language, "idling");
        self.lines = Lines::Done {
            tag: tag.to_owned(),
        };
        self.wire.expect_line(DONE_LINE_BYTES_MAX);
        self.tell(out).await?;
        Ok(())
    }

    /// RFC 9051 §6.4.
    pub(super) async fn selected(
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
        if !matches!(command, S::Close | S::Unselect) {
            selected.readable()?;
        }
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
            S::UidBatches(c) => uid_batches::uid_batches(selected, tag, c, out).await,
            S::UidExpunge(messages) => expunge::uid_expunge(selected, messages).await,
            S::Search(c) => search::search(selected, enabled, tag, c, out).await,
            S::CancelUpdate(tags) => search::contexts::cancel_update(selected, tags),
            S::Sort(c) => search::sort(selected, enabled, tag, c, out).await,
            S::Thread(c) => search::thread(selected, enabled, c, out).await,
            S::Fetch(c) => fetch::fetch(selected, enabled, c, out).await,
            S::Convert(c) => convert::convert(selected, enabled, tag, c, out).await,
            S::Store(c) => store::store(selected, enabled, c, out).await,
            S::StoreAnnotations(c) => annotate::annotate(selected, enabled, c, out).await,
            S::Copy(c) => copy::copy(selected, enabled, c, out).await,
            S::Move(c) => copy::move_to(selected, enabled, c, out).await,
            // It needs what it received: the dispatcher has answered it.
            S::Replace(_) => Err(Refusal::bad("Not now").into()),
        }
    }
}

/// The commands of RFC 9051 §6.3 that need nothing of the session but who it is.
async fn on_account(
    user: &User,
    enabled: Enabled,
    command: command::Authenticated,
    out: &mut impl Outlet,
) -> Outcome {
    use command::Authenticated as A;
    // Boxed as in `authenticated`.
    match command {
        A::Create { mailbox, params } => {
            Box::pin(create::create(user, enabled, &mailbox, &params)).await
        }
        A::Delete(mailbox) => delete::delete(user, enabled, &mailbox).await,
        A::Rename(asked) => Box::pin(rename::rename(user, enabled, &asked)).await,
        A::Subscribe(mailbox) => subscribe::subscribe(user, enabled, &mailbox).await,
        A::Unsubscribe(mailbox) => subscribe::unsubscribe(user, enabled, &mailbox).await,
        A::List(c) => list::list(user, enabled, &c, out).await,
        A::Lsub {
            reference,
            pattern,
            remote,
        } => lsub::lsub(user, enabled, (&reference, &pattern, remote), out).await,
        A::Scan {
            reference,
            pattern,
            contents,
        } => scan::scan(user, enabled, (reference, pattern), &contents, out).await,
        A::Conversions { from, to } => Ok(convert::conversions(&from, &to, out)),
        A::GetJmapAccess => jmap::access(user, out),
        A::Acl(c) => acl::acl(user, enabled, &c, out).await,
        A::GetMetadata(c) => metadata::get(user, enabled, &c, out).await,
        A::SetMetadata { mailbox, entries } => {
            metadata::set(user, enabled, (&mailbox, entries)).await
        }
        A::GetQuota(root) => quota::get(user, enabled, &root, out).await,
        A::GetQuotaRoot(mailbox) => quota::get_root(user, enabled, &mailbox, out).await,
        A::SetQuota { root, limits } => quota::set(user, enabled, (&root, &limits), out).await,
        A::Find(c) => find::find(user, enabled, &c, out).await,
        A::Namespace => Ok(namespace::namespace(user, enabled, out)),
        A::ResetKey(which) => urlauth::reset(user, enabled, which.as_ref()).await,
        A::Status { mailbox, items } => status::status(user, enabled, &mailbox, &items, out).await,
        // Those that change the session: `authenticated` has answered them.
        A::Append(_)
        | A::Comparator(_)
        | A::Compress
        | A::Enable(_)
        | A::Esearch(_)
        | A::Examine(_)
        | A::GenUrlAuth(_)
        | A::Idle
        | A::Notify(_)
        | A::Select(_)
        | A::Unauthenticate
        | A::UrlFetch(_) => Err(Refusal::bad("Not now").into()),
    }
}
