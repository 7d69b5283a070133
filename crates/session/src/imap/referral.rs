//! What is on another server: accounts (RFC 2221, LOGIN-REFERRALS), and mailboxes (RFC 2193,
//! MAILBOX-REFERRALS).
//!
//! Where they are is said by an administrator: for an account and for its mailboxes in the accounts
//! file, for everybody's mailboxes in the configuration. A client is only told the way; it goes
//! there itself. What is here is never hidden by what is said to be elsewhere.

use std::{fmt::Write as _, sync::Arc};

use imap::{
    command::{Authenticated, Mailbox},
    response::Code,
};
use store::{MailboxName, name::DELIMITER};

use super::{
    names,
    refusal::Refusal,
    state::{Enabled, User},
    wording::Text,
};

/// A mailbox on another server, with all that is below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    name: MailboxName,
    /// Of all its replicas, the one liked best first.
    servers: Vec<Server>,
}

/// Where a remote mailbox is: the parts of an IMAP URL (RFC 5092).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    /// `user;AUTH=*`; `None`: whoever is logged in.
    user: Option<String>,
    host: String,
    /// The mailbox there, encoded; empty: the same as here.
    path: String,
}

impl Remote {
    /// Reads `MAILBOX: URL …`: an IMAP URL for every replica. Without a user in it, it is the one who is
    /// logged in; without a mailbox, one of the same name.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let (name, urls) = text
            .rsplit_once(": ")
            .ok_or("it wants \"MAILBOX: imap://HOST/MAILBOX\"")?;
        let name = MailboxName::new(name.trim()).map_err(|error| error.to_string())?;
        if name.is_inbox() {
            return Err(
                "INBOX is always here; an account that is elsewhere has a home there".to_owned(),
            );
        }
        let servers = urls.split_ascii_whitespace().map(Server::read);
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        if servers.is_empty() {
            return Err("it names no server".to_owned());
        }
        Ok(Self { name, servers })
    }

    /// Its name here.
    pub(crate) const fn name(&self) -> &MailboxName {
        &self.name
    }

    /// Whether a name is it, or lies below it.
    fn has(&self, name: &MailboxName) -> bool {
        *name == self.name || name.is_below(&self.name)
    }

    /// The URLs of a name that it has.
    fn urls(&self, name: &MailboxName, user: &str) -> Vec<String> {
        let below = name.as_str().get(self.name.as_str().len()..);
        let below = below.unwrap_or_default();
        let url = |server: &Server| {
            let theirs = || format!("{};AUTH=*", encoded(user, ""));
            let user = server.user.clone().unwrap_or_else(theirs);
            let path = match &*server.path {
                "" => encoded(name.as_str(), "/"),
                path => format!("{path}{}", encoded(below, "/")),
            };
            format!("imap://{user}@{}/{path}", server.host)
        };
        self.servers.iter().map(url).collect()
    }
}

impl Server {
    fn read(url: &str) -> Result<Self, String> {
        let fits =
            |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '[' | ']' | '\\');
        let rest = url
            .get(..7)
            .filter(|scheme| scheme.eq_ignore_ascii_case("imap://"))
            .and_then(|_| url.get(7..))
            .filter(|rest| rest.chars().all(fits))
            .ok_or_else(|| format!("{url:?} is no IMAP URL"))?;
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match server.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, server),
        };
        if !is_host(host) {
            return Err(format!("{url:?} names no host"));
        }
        Ok(Self {
            user,
            host: host.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
        })
    }
}

/// Whether a text is a host, with or without a port, as it stands in a URL.
#[must_use]
pub fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "143"));
    let letters = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    name.split('.').all(letters) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Percent-encoded, but for what is unreserved (RFC 3986 §2.3), and for what else may stand.
fn encoded(text: &str, others: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        let character = char::from(octet);
        if character.is_ascii_alphanumeric()
            || "-._~".contains(character)
            || others.contains(character)
        {
            encoded.push(character);
        } else {
            // Writing to a String can't fail.
            let _ = write!(encoded, "%{octet:02X}");
        }
    }
    encoded
}

/// The URL of an account on its home server; of whoever comes, if none is named.
pub(crate) fn home(user: Option<&str>, host: &str) -> Code {
    // `AUTH=*`, or a client without a password would go there as anonymous (RFC 2221 §3).
    let user = user.map(|user| encoded(user, "")).unwrap_or_default();
    Code::Referral(vec![format!("imap://{user};AUTH=*@{host}/")])
}

/// The remote mailboxes of a user: their own, and everybody's.
pub(crate) fn remotes(own: &[String], everybodys: &[Remote]) -> Arc<[Remote]> {
    let own = own.iter().filter_map(|text| Remote::read(text).ok());
    own.chain(everybodys.iter().cloned()).collect()
}

/// The remote mailbox that a name is in, unless there is a mailbox of that name here.
fn remote<'a>(user: &'a User, name: &MailboxName) -> Option<&'a Remote> {
    let remote = user.remotes.iter().find(|remote| remote.has(name))?;
    let here = user.account.snapshot().named(name).is_some();
    (!here).then_some(remote)
}

/// Whether a name is that of a mailbox on another server.
pub(crate) fn is_remote(user: &User, name: &MailboxName) -> bool {
    !user.remotes.is_empty() && remote(user, name).is_some()
}

/// That a mailbox is not on another server.
///
/// # Errors
/// NO \[REFERRAL]: where it is.
pub(crate) fn here(user: &User, enabled: Enabled, sent: &Mailbox) -> Result<(), Refusal> {
    if user.remotes.is_empty() {
        return Ok(());
    }
    // What is no name is somebody else's to complain about.
    let Some(name) = names::own(user, enabled, sent) else {
        return Ok(());
    };
    match remote(user, &name) {
        None => Ok(()),
        Some(remote) => Err(refer(
            remote.urls(&name, &user.name),
            "The mailbox is on another server",
        )),
    }
}

/// RENAME wants pairs of the old and the new name: RFC 2193 §4.3.
fn renamed(user: &User, enabled: Enabled, from: &Mailbox, to: &Mailbox) -> Result<(), Refusal> {
    let (Some(from), Some(to)) = (
        names::own(user, enabled, from),
        names::own(user, enabled, to),
    ) else {
        return Ok(());
    };
    match (remote(user, &from), remote(user, &to)) {
        (None, None) => Ok(()),
        (Some(old), Some(new)) => {
            let pairs = old.urls(&from, &user.name).into_iter();
            let pairs = pairs.zip(new.urls(&to, &user.name));
            let urls = pairs.flat_map(|(from, to)| [from, to]).collect();
            Err(refer(urls, "The mailbox is on another server"))
        }
        // The half that is here has no URL that is known to lead here.
        _ => Err(Refusal::no(
            Code::Cannot,
            "A mailbox can't be renamed from one server to another",
        )),
    }
}

fn refer(urls: Vec<String>, text: impl Into<Text>) -> Refusal {
    Refusal::no(Code::Referral(urls), text)
}

/// That none of the mailboxes that a command names is on another server. Where messages are to go
/// is looked at with the destination ([`names::destination`]); SUBSCRIBE and UNSUBSCRIBE are done
/// here, for RLSUB.
///
/// # Errors
/// NO \[REFERRAL]: where it is.
pub(crate) fn authenticated(
    user: &User,
    enabled: Enabled,
    command: &Authenticated,
) -> Result<(), Refusal> {
    use Authenticated as A;
    if user.remotes.is_empty() {
        return Ok(());
    }
    match command {
        A::Select(select) | A::Examine(select) => here(user, enabled, &select.mailbox),
        A::Create { mailbox, .. } | A::Status { mailbox, .. } | A::Delete(mailbox) => {
            here(user, enabled, mailbox)
        }
        A::Rename(rename) => renamed(user, enabled, &rename.from, &rename.to),
        _ => Ok(()),
    }
}

/// The first level of every remote mailbox that begins with `#`: shared namespaces (RFC 2342),
/// each once.
pub(crate) fn namespaces(remotes: &[Remote]) -> Vec<&str> {
    let levels = remotes.iter().filter_map(|remote| {
        let first = remote.name.as_str().split(DELIMITER).next()?;
        first.starts_with('#').then_some(first)
    });
    let mut levels: Vec<&str> = levels.collect();
    levels.sort_unstable();
    levels.dedup();
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_say_where() {
        for (rule, name, urls) in [
            (
                "Shared: imap://mail2.example.org/",
                "Shared/A b",
                "imap://j%40x;AUTH=*@mail2.example.org/Shared/A%20b",
            ),
            (
                "Team: IMAP://two.example:1143/Shared/Team imap://joe;AUTH=GSSAPI@three.example/T",
                "Team",
                "imap://j%40x;AUTH=*@two.example:1143/Shared/Team imap://joe;AUTH=GSSAPI@three.example/T",
            ),
            (
                "Team: imap://two.example/T/",
                "Team/Müll",
                "imap://j%40x;AUTH=*@two.example/T/M%C3%BCll",
            ),
        ] {
            let remote = Remote::read(rule).unwrap();
            let name = MailboxName::new(name).unwrap();
            assert!(remote.has(&name), "{rule}");
            assert_eq!(remote.urls(&name, "j@x").join(" "), urls);
        }
        let remote = Remote::read("Shared: imap://a/").unwrap();
        assert!(!remote.has(&MailboxName::new("Shared2").unwrap()));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for rule in [
            "",
            "Shared",
            "Shared imap://a/",
            "Shared: ",
            "Shared: http://a/",
            "Shared: imap:///x",
            "Shared: imap://a b/",
            "Shared: imap://[::1]/",
            "Shared: imap://a:0/",
            "Shared: imap://a/\u{fc}",
            "a//b: imap://a/",
            "inbox: imap://a/",
        ] {
            assert!(Remote::read(rule).is_err(), "{rule}");
        }
    }
}
