//! What IMAP URLs name here: RFC 5092, as CATENATE means them (RFC 4469 §3).

use imap::{
    response::Code,
    url::{Message, Server, Target, Url},
};
use store::{Account, OpenMailbox, Rights, Stretch, Uid};

use super::{
    fetch::source::Source,
    reach::Found,
    refusal::Refusal,
    state::{Selected, User},
    wording::Text,
};
use crate::Services;

/// From where a URL is looked at: RFC 4469 §3, "the base URL".
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base<'a> {
    pub(crate) services: &'a Services,
    pub(crate) user: &'a User,
    /// The mailbox that is selected, which relative URLs mean.
    pub(crate) selected: Option<&'a Selected>,
}

/// Why a URL names nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    /// It is wrong, or what it names is not there.
    Bad(&'static str),
    /// What it names can't be read now.
    Unreadable(Refusal),
}

impl From<store::Error> for Nothing {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoSuchMailbox
            | store::Error::InvalidName(_)
            | store::Error::NoRight(_) => Self::Bad(NO_MAILBOX),
            error => Self::Unreadable(error.into()),
        }
    }
}

impl Nothing {
    /// As CATENATE says it.
    pub(crate) fn refusal(self, url: &[u8]) -> Refusal {
        match self {
            Self::Bad(why) => {
                let code = Code::BadUrl(url.to_vec());
                Refusal::no(code, Text::from(why))
            }
            Self::Unreadable(refusal) => refusal,
        }
    }
}

const NO_MAILBOX: &str = "The URL names a mailbox that is not there";

impl Base<'_> {
    /// The octets that a URL names, in the mail of whoever has logged in.
    ///
    /// # Errors
    /// [`Nothing`]
    pub(crate) async fn find(self, url: &[u8]) -> Result<Source, Nothing> {
        let url = Url::parse(url).map_err(|error| Nothing::Bad(error.why()))?;
        if url.server.is_some_and(|server| !self.is_own(&server)) {
            return Err(Nothing::Bad("The URL names another server or user"));
        }
        let Target::Message(message) = url.target else {
            return Err(Nothing::Bad("The URL names no message"));
        };
        // With those, a URL is for URLFETCH: whoever holds it may not be its owner.
        if message.authorization.is_some() || self.services.has_expired(message.expires) {
            return Err(Nothing::Bad(
                "The URL is authorized for another use or expired",
            ));
        }
        match (&message.mailbox, self.selected) {
            (Some(name), _) => {
                let found = named(self.user, name).await?;
                let mailbox = found.account.open_mailbox(found.mailbox.id()).await?;
                open(&found.account, &mailbox, &message).await
            }
            (None, Some(selected)) => {
                open(selected.account(), selected.view.mailbox(), &message).await
            }
            (None, None) => Err(Nothing::Bad(
                "The URL is relative to a mailbox, and none is selected",
            )),
        }
    }

    /// Whether a URL's server is this one, and its user the one who has logged in.
    pub(crate) fn is_own(self, server: &Server) -> bool {
        let is_user = |user| self.is_user(user);
        self.services.is_named(&server.host) && server.user.as_deref().is_none_or(is_user)
    }

    /// Whether a name is one by which whoever has logged in may do so.
    pub(crate) fn is_user(self, name: &str) -> bool {
        let means = || self.services.auth.directory().login(name);
        name == &*self.user.name || means().is_some_and(|it| it.name == self.user.name)
    }
}

/// The mailbox that a URL names, if the user may read it.
///
/// # Errors
/// [`Nothing`]
pub(crate) async fn named(user: &User, name: &str) -> Result<Found, Nothing> {
    let place = user.reach.place(name).await.map_err(|refusal| {
        let Refusal::No(Some(Code::NonExistent | Code::Cannot), _) = refusal else {
            return Nothing::Unreadable(refusal);
        };
        Nothing::Bad(NO_MAILBOX)
    })?;
    Ok(place.with(Rights::READ)?)
}

/// The octets that a URL names in a mailbox of an account.
///
/// # Errors
/// [`Nothing`]
pub(crate) async fn open(
    account: &Account,
    mailbox: &OpenMailbox,
    message: &Message,
) -> Result<Source, Nothing> {
    let validity = mailbox.uid_validity().0;
    if message.uid_validity.is_some_and(|it| it.get() != validity) {
        return Err(Nothing::Bad("The mailbox has another UIDVALIDITY"));
    }
    let uid = Uid(message.uid.get());
    let holds = |some: &Stretch| (some.first..=some.last).contains(&uid);
    account.hold(mailbox, holds).await?;
    let found = mailbox.get(uid);
    let found = found.ok_or(Nothing::Bad("The URL names a message that is not there"))?;
    let email = account.email(&found).await?;
    let source = Source::open(email, message.section.as_ref(), message.partial).await?;
    source.ok_or(Nothing::Bad("The message has no such part"))
}

impl Services {
    /// Whether a host in a URL is this server: RFC 5092 §3. Its own name and those that the configuration
    /// adds; and addresses, which can't be anybody else's for who has come here by one.
    pub(crate) fn is_named(&self, host: &str) -> bool {
        let is_address = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
        is_address
            || host.eq_ignore_ascii_case("localhost")
            || host.eq_ignore_ascii_case(&self.hostname)
            || self
                .imap
                .urls
                .hosts
                .iter()
                .any(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether that moment is over.
    pub(crate) fn has_expired(&self, at: Option<i64>) -> bool {
        at.is_some_and(|at| at < (self.store.clock())().unix)
    }
}
