//! Bytes to a [`Command`]: the grammar of RFC 9051 §9 and RFC 3501 §9.
//!
//! [`command`] takes what [`crate::wire`] put together. One table, [`COMMANDS`],
//! says which function reads which command; every function is named for its
//! production, which stands above it. Where real clients are looser than the
//! grammar and nothing is ambiguous, they are understood: more than one space,
//! trailing spaces, bare values in ID.

mod acl;
mod annotation;
mod append;
mod convert;
mod cursor;
mod date;
mod esearch;
mod fetch;
mod filter;
mod flags;
mod language;
mod login;
mod mailbox;
mod messages;
mod metadata;
mod notify;
mod old;
mod partial;
mod quota;
mod search;
mod sequence;
mod sort;
#[cfg(test)]
mod tests;
mod urlauth;
mod what;

use alloc::{
    format,
    string::{String, ToString},
};
use core::fmt;

pub(crate) use append::takes_message;
pub use append::{AppendStart, Replaced, append_start};
pub(crate) use cursor::is_astring_char;
pub(crate) use fetch::whole_section as section;
pub use filter::{filter, is_filter_name};
pub use flags::is_keyword;
pub use old::BBOARDS;
pub use what::{Value, What};

use self::cursor::{Cursor, Fault, Result};
use crate::command::{Any, Authenticated, Command, NotAuthenticated, Numbering, Selected, Tagged};

/// The longest word that is looked up, and repeated to the client.
const NAME_BYTES_MAX: usize = 64;

/// Why a command can't be read. `Display` is the text for a BAD response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The tag, if that much was right.
    pub tag: Option<String>,
    /// The client's mistake or our ignorance.
    pub kind: SyntaxErrorKind,
    /// What was wrong.
    pub what: What,
    /// Where, in octets from 0 after the start of the command.
    pub at: usize,
}

/// Two ways of not understanding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyntaxErrorKind {
    /// There is no such command here.
    UnknownCommand,
    /// The command breaks its grammar.
    Grammar,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SyntaxErrorKind::UnknownCommand => self.what.fmt(f),
            SyntaxErrorKind::Grammar => {
                write!(f, "Syntax error: {} at octet {}", self.what, self.at + 1)
            }
        }
    }
}

impl core::error::Error for SyntaxError {}

/// One command of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name, with the `UID` prefix if it has one.
    pub name: &'static str,
    /// Where it is specified.
    pub rfc: &'static str,
    parse: fn(&mut Cursor<'_>) -> Result<Command>,
}

const fn row(
    name: &'static str,
    rfc: &'static str,
    parse: fn(&mut Cursor<'_>) -> Result<Command>,
) -> Row {
    Row { name, rfc, parse }
}

/// Every command that is understood.
pub const COMMANDS: &[Row] = &[
    row("FETCH", "RFC 9051 §6.4.5", |c| {
        fetch::fetch(c, Numbering::Sequence)
    }),
    row("UID FETCH", "RFC 9051 §6.4.9", |c| {
        fetch::fetch(c, Numbering::Uid)
    }),
    row("STORE", "RFC 9051 §6.4.6", |c| {
        messages::store(c, Numbering::Sequence)
    }),
    row("UID STORE", "RFC 9051 §6.4.9", |c| {
        messages::store(c, Numbering::Uid)
    }),
    row("SEARCH", "RFC 9051 §6.4.4", |c| {
        search::search(c, Numbering::Sequence)
    }),
    row("UID SEARCH", "RFC 9051 §6.4.9", |c| {
        search::search(c, Numbering::Uid)
    }),
    row("SORT", "RFC 5256 §3", |c| {
        sort::sort(c, Numbering::Sequence)
    }),
    row("UID SORT", "RFC 5256 §3", |c| {
        sort::sort(c, Numbering::Uid)
    }),
    row("THREAD", "RFC 5256 §3", |c| {
        sort::thread(c, Numbering::Sequence)
    }),
    row("UID THREAD", "RFC 5256 §3", |c| {
        sort::thread(c, Numbering::Uid)
    }),
    row("ESEARCH", "RFC 7377 §2", esearch::esearch),
    // So it is in an example there, which is not grammar.
    row("UID ESEARCH", "RFC 7377 §2", esearch::esearch),
    row("CANCELUPDATE", "RFC 5267 §4.3.5", search::cancel_update),
    row("COPY", "RFC 9051 §6.4.7", |c| {
        messages::copy(c, Numbering::Sequence)
            .map(Selected::Copy)
            .map(Command::Selected)
    }),
    row("UID COPY", "RFC 9051 §6.4.9", |c| {
        messages::copy(c, Numbering::Uid)
            .map(Selected::Copy)
            .map(Command::Selected)
    }),
    row("MOVE", "RFC 9051 §6.4.8", |c| {
        messages::copy(c, Numbering::Sequence)
            .map(Selected::Move)
            .map(Command::Selected)
    }),
    row("UID MOVE", "RFC 9051 §6.4.9", |c| {
        messages::copy(c, Numbering::Uid)
            .map(Selected::Move)
            .map(Command::Selected)
    }),
    row("EXPUNGE", "RFC 9051 §6.4.3", |_| {
        Ok(Command::Selected(Selected::Expunge))
    }),
    row("UIDBATCHES", "RFC 10022 §3.1", messages::message_batches),
    row("UID EXPUNGE", "RFC 9051 §6.4.9", messages::uid_expunge),
    row("CHECK", "RFC 3501 §6.4.1", |_| {
        Ok(Command::Selected(Selected::Check))
    }),
    row("CLOSE", "RFC 9051 §6.4.1", |_| {
        Ok(Command::Selected(Selected::Close))
    }),
    row("UNSELECT", "RFC 9051 §6.4.2", |_| {
        Ok(Command::Selected(Selected::Unselect))
    }),
    row("NOOP", "RFC 9051 §6.1.2", |_| Ok(Command::Any(Any::Noop))),
    row("IDLE", "RFC 9051 §6.3.13", |_| {
        Ok(Command::Authenticated(Authenticated::Idle))
    }),
    row("NOTIFY", "RFC 5465 §3.1", notify::notify),
    row("SELECT", "RFC 9051 §6.3.2", |c| {
        mailbox::select(c)
            .map(Authenticated::Select)
            .map(Command::Authenticated)
    }),
    row("EXAMINE", "RFC 9051 §6.3.3", |c| {
        mailbox::select(c)
            .map(Authenticated::Examine)
            .map(Command::Authenticated)
    }),
    row("STATUS", "RFC 9051 §6.3.11", mailbox::status),
    row("LIST", "RFC 9051 §6.3.9", mailbox::list),
    row("LSUB", "RFC 3501 §6.3.9", mailbox::lsub),
    row("SCAN", "as UW imapd has it", mailbox::scan),
    row("RLIST", "RFC 2193 §5.1", mailbox::rlist),
    row("RLSUB", "RFC 2193 §5.2", mailbox::rlsub),
    row("XLIST", "as Gmail had it, before RFC 6154", mailbox::xlist),
    row("APPEND", "RFC 9051 §6.3.12", append::append),
    row("URLFETCH", "RFC 4467 §7", urlauth::urlfetch),
    row("GENURLAUTH", "RFC 4467 §7", urlauth::genurlauth),
    row("RESETKEY", "RFC 4467 §7", urlauth::resetkey),
    row("REPLACE", "RFC 8508 §3.2", |c| {
        append::replace(c, Numbering::Sequence)
    }),
    row("UID REPLACE", "RFC 8508 §3.3", |c| {
        append::replace(c, Numbering::Uid)
    }),
    row("CREATE", "RFC 9051 §6.3.4", mailbox::create),
    row("DELETE", "RFC 9051 §6.3.5", |c| {
        mailbox::one(c)
            .map(Authenticated::Delete)
            .map(Command::Authenticated)
    }),
    row("RENAME", "RFC 9051 §6.3.6", mailbox::rename),
    row("SUBSCRIBE", "RFC 9051 §6.3.7", |c| {
        mailbox::one(c)
            .map(Authenticated::Subscribe)
            .map(Command::Authenticated)
    }),
    row("UNSUBSCRIBE", "RFC 9051 §6.3.8", |c| {
        mailbox::one(c)
            .map(Authenticated::Unsubscribe)
            .map(Command::Authenticated)
    }),
    row("CONVERT", "RFC 5259 §6", |c| {
        convert::convert(c, Numbering::Sequence)
    }),
    row("UID CONVERT", "RFC 5259 §6", |c| {
        convert::convert(c, Numbering::Uid)
    }),
    row("CONVERSIONS", "RFC 5259 §5.1", convert::conversions),
    row("GETJMAPACCESS", "RFC 9698 §4", |_| {
        Ok(Command::Authenticated(Authenticated::GetJmapAccess))
    }),
    row("SETACL", "RFC 4314 §3.1", acl::setacl),
    row("DELETEACL", "RFC 4314 §3.2", acl::deleteacl),
    row("GETACL", "RFC 4314 §3.3", acl::getacl),
    row("LISTRIGHTS", "RFC 4314 §3.4", acl::listrights),
    row("MYRIGHTS", "RFC 4314 §3.5", acl::myrights),
    row("GETMETADATA", "RFC 5464 §4.2", metadata::getmetadata),
    row("SETMETADATA", "RFC 5464 §4.3", metadata::setmetadata),
    row("GETQUOTA", "RFC 9208 §4.1.1", quota::getquota),
    row("GETQUOTAROOT", "RFC 9208 §4.1.2", quota::getquotaroot),
    row("SETQUOTA", "RFC 9208 §4.1.3", quota::setquota),
    row("NAMESPACE", "RFC 9051 §6.3.10", |_| {
        Ok(Command::Authenticated(Authenticated::Namespace))
    }),
    row("ENABLE", "RFC 9051 §6.3.1", login::enable),
    row("COMPRESS", "RFC 4978 §3", login::compress),
    row("UNAUTHENTICATE", "RFC 8437 §3", |_| {
        Ok(Command::Authenticated(Authenticated::Unauthenticate))
    }),
    row("CAPABILITY", "RFC 9051 §6.1.1", |_| {
        Ok(Command::Any(Any::Capability))
    }),
    row("ID", "RFC 2971 §3.1", login::id),
    row("COMPARATOR", "RFC 5255 §4.7", language::comparator),
    row("LANGUAGE", "RFC 5255 §3.2", language::language),
    row("LOGIN", "RFC 9051 §6.2.3", login::login),
    row("AUTHENTICATE", "RFC 9051 §6.2.2", login::authenticate),
    row("STARTTLS", "RFC 9051 §6.2.1", |_| {
        Ok(Command::NotAuthenticated(NotAuthenticated::StartTls))
    }),
    row("LOGOUT", "RFC 9051 §6.1.3", |_| {
        Ok(Command::Any(Any::Logout))
    }),
];

/// Reads one whole command, as [`crate::wire::Input::Command`] has it.
///
/// # Errors
/// [`SyntaxError`] says what was wrong and where; its tag is that of the command
/// if it could be read.
// command = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF
pub fn command(command: &[u8]) -> core::result::Result<Tagged, SyntaxError> {
    tagged(Cursor::new(command))
}

/// The same, as clients of before IMAP4rev1 may say it (RFC 2062); for what [`command`] can't read.
///
/// # Errors
/// As [`command`].
pub fn old_command(command: &[u8]) -> core::result::Result<Tagged, SyntaxError> {
    tagged(Cursor::old(command))
}

fn tagged(mut cursor: Cursor<'_>) -> core::result::Result<Tagged, SyntaxError> {
    let tag = match tag(&mut cursor) {
        Ok(tag) => tag.to_string(),
        Err(fault) => return Err(grammar(None, fault)),
    };
    match named(&mut cursor) {
        Ok(Named::Command(command)) => Ok(Tagged { tag, command }),
        Ok(Named::Unknown(name, at)) => Err(SyntaxError {
            tag: Some(tag),
            kind: SyntaxErrorKind::UnknownCommand,
            what: What::with("Unknown command \"{}\"", name),
            at,
        }),
        Err(fault) => Err(grammar(Some(tag), fault)),
    }
}

/// The tag that begins these bytes, if there is one.
pub(crate) fn tag_of(bytes: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(bytes);
    let tag = tag(&mut cursor).ok()?;
    (cursor.peek() == Some(b' ')).then(|| tag.to_string())
}

fn grammar(tag: Option<String>, fault: Fault) -> SyntaxError {
    SyntaxError {
        tag,
        kind: SyntaxErrorKind::Grammar,
        what: fault.what,
        at: fault.at,
    }
}

// tag = 1*<any ASTRING-CHAR except "+">
fn tag<'a>(c: &mut Cursor<'a>) -> Result<&'a str> {
    c.word(|b| is_astring_char(b) && b != b'+', "a tag")
}

enum Named {
    Command(Command),
    Unknown(String, usize),
}

fn named(c: &mut Cursor<'_>) -> Result<Named> {
    c.sp("the tag")?;
    let at = c.at();
    let first = c.atom("the name of a command")?;
    // uid = "UID" SP (copy / move / fetch / search / store / uid-expunge)
    let (prefix, name) = if first.eq_ignore_ascii_case("UID") {
        c.sp("UID")?;
        ("UID ", c.atom("the name of a command after UID")?)
    } else {
        ("", first)
    };
    let old: &[Row] = if c.is_old() { old::COMMANDS } else { &[] };
    let row = old.iter().chain(COMMANDS).find(|row| {
        let rest = row.name.strip_prefix("UID ");
        rest.is_some() != prefix.is_empty() && rest.unwrap_or(row.name).eq_ignore_ascii_case(name)
    });
    let Some(row) = row else {
        let name: String = name.chars().take(NAME_BYTES_MAX).collect();
        return Ok(Named::Unknown(format!("{prefix}{name}"), at));
    };
    let command = (row.parse)(c)?;
    c.end(row.name)?;
    Ok(Named::Command(command))
}
