//! Identifiers of rights between the wire and the store: RFC 4314 §2.
//!
//! Clients write names; the store keeps accounts by their number. An account's name comes before every word that
//! has a meaning here besides, but for `anyone` and `anonymous`, which are reserved.

use std::sync::Arc;

use auth::{
    Directory,
    directory::{comparable, prepared},
};
use imap::response::Code;
use store::{Account, AccountId, Acl, Identifier, Who};

use super::{refusal::Refusal, wording::Text};

/// What an identifier of a group begins with.
const GROUP: &str = "group:";

/// An identifier as a client sent it, prepared as RFC 4314 §3 asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    negative: bool,
    name: String,
}

impl Written {
    /// # Errors
    /// BAD if it can be nobody's.
    pub(crate) fn new(sent: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(sent).ok();
        let text = text.and_then(prepared).filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| Refusal::bad("That can be no identifier"))?;
        let (negative, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, &*text),
        };
        if name.is_empty() {
            return Err(Refusal::bad("That can be no identifier"));
        }
        Ok(Self {
            negative,
            name: name.to_owned(),
        })
    }

    /// Whom it means, in the list of a mailbox of `of`.
    ///
    /// # Errors
    /// NO if there is no such account, nor group, and the list has no entry of such a group that there once was.
    pub(crate) fn identifier(
        &self,
        directory: &Directory,
        of: &Account,
        list: &Acl,
    ) -> Result<Identifier, Refusal> {
        let who = self.who(directory).or_else(|| self.gone(list));
        let who = who.ok_or_else(|| {
            Refusal::no(
                Code::Cannot,
                Text::with("There is no user or group {}", [self.name.clone().into()]),
            )
        })?;
        let who = match who {
            Who::Account(account) if account == of.id() => Who::Owner,
            who => who,
        };
        Ok(Identifier {
            negative: self.negative,
            who,
        })
    }

    fn who(&self, directory: &Directory) -> Option<Who> {
        let name = self.name.as_str();
        let is = |word: &str| name.eq_ignore_ascii_case(word);
        if is("anyone") {
            return Some(Who::Anyone);
        }
        if is("anonymous") {
            return Some(Who::Anonymous);
        }
        if let Some(account) = directory.login(name) {
            return Some(Who::Account(AccountId(account.id)));
        }
        if is("owner") {
            return Some(Who::Owner);
        }
        if is("authenticated") {
            return Some(Who::Authenticated);
        }
        if let Some(group) = self.group() {
            let group = directory.group(group)?;
            return Some(Who::Group(Arc::clone(&group.name)));
        }
        // An account that has been removed is told by its number, so that its entry can be taken away.
        name.parse().ok().map(Who::Account)
    }

    /// The name of the group that it means, if it means one.
    fn group(&self) -> Option<&str> {
        let name = self.name.as_str();
        name.strip_prefix(GROUP).or_else(|| name.strip_prefix('$'))
    }

    /// A group that has been removed, and still is in a list: it can be named there, so that its entry can be taken
    /// away.
    fn gone(&self, list: &Acl) -> Option<Who> {
        let name = comparable(self.group()?);
        let mut entries = list.entries().map(|(identifier, _)| &identifier.who);
        let is = |who: &&Who| matches!(who, Who::Group(group) if comparable(group) == name);
        entries.find(is).cloned()
    }
}

/// Whom a name means, in the list of a mailbox of an account: for whoever administers it without a session.
///
/// # Errors
/// There is nobody of that name: says so, in English.
pub fn read(
    name: &str,
    directory: &Directory,
    (of, list): (&Account, &Acl),
) -> Result<Identifier, String> {
    let written = Written::new(name.as_bytes());
    let identifier = written.and_then(|written| written.identifier(directory, of, list));
    identifier.map_err(|(Refusal::No(_, text) | Refusal::Bad(_, text))| text.to_string())
}

/// How an entry's identifier is written. `None` for the owner of what nobody owns.
#[must_use]
pub fn written(directory: &Directory, of: &Account, identifier: &Identifier) -> Option<String> {
    let name = |account: AccountId| {
        let name = directory.name_of(account.0);
        name.map_or_else(|| account.to_string(), |name| name.to_string())
    };
    let who = match &identifier.who {
        Who::Anyone => "anyone".to_owned(),
        Who::Anonymous => "anonymous".to_owned(),
        Who::Authenticated => "authenticated".to_owned(),
        Who::Owner if directory.shared_domain(of.id().0).is_some() => return None,
        Who::Owner => name(of.id()),
        Who::Account(account) => name(*account),
        Who::Group(group) => format!("{GROUP}{group}"),
    };
    let dash = if identifier.negative { "-" } else { "" };
    Some(format!("{dash}{who}"))
}
