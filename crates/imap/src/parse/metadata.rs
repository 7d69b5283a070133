//! GETMETADATA and SETMETADATA: RFC 5464 §5.

use alloc::{string::String, vec::Vec};

use super::{
    cursor::{Cursor, Result, fault_at},
    mailbox::mailbox,
};
use crate::command::{Authenticated, Command, Depth, GetMetadata};

/// What GETMETADATA's options say.
#[derive(Default)]
struct Options {
    size_max: Option<u64>,
    depth: Option<Depth>,
}

// getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
pub(super) fn getmetadata(c: &mut Cursor<'_>) -> Result<Command> {
    let mut options = Options::default();
    c.sp("GETMETADATA")?;
    if c.peek() == Some(b'(') {
        getmetadata_options(c, &mut options)?;
        c.sp("the options")?;
    }
    let mailbox = mailbox(c)?;
    c.sp("the mailbox name")?;
    // The RFC's own examples have the options here.
    if begins_options(c) {
        getmetadata_options(c, &mut options)?;
        c.sp("the options")?;
    }
    let mut names = Vec::new();
    if c.peek() == Some(b'(') {
        names = c.list1("the entries", |c| wanted_entry(c, &mut options))?;
    } else {
        names.push(wanted_entry(c, &mut options)?);
        // Its examples have more than one without parentheses, too.
        while c.more() {
            names.push(wanted_entry(c, &mut options)?);
        }
    }
    let entries = once(names);
    Ok(Command::Authenticated(Authenticated::GetMetadata(
        GetMetadata {
            mailbox,
            size_max: options.size_max,
            depth: options.depth.unwrap_or_default(),
            entries,
        },
    )))
}

/// An entry that is asked for. `cyradm` asks for all that there is as Cyrus knows it, `/shared/*`: that is DEPTH
/// infinity.
fn wanted_entry(c: &mut Cursor<'_>, options: &mut Options) -> Result<String> {
    for all in ["/private", "/shared"] {
        let mut ahead = c.clone();
        if ahead
            .string("")
            .is_ok_and(|octets| octets.strip_suffix(b"/*") == Some(all.as_bytes()))
        {
            *c = ahead;
            options.depth = Some(Depth::Infinity);
            return Ok(all.into());
        }
    }
    entry(c)
}

/// Whether options come next, and not entries, whose names begin with a slash.
fn begins_options(c: &Cursor<'_>) -> bool {
    let mut ahead = c.clone();
    ahead.eat(b'(') && {
        ahead.skip_spaces();
        matches!(ahead.peek(), Some(b'A'..=b'Z' | b'a'..=b'z'))
    }
}

// getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
// maxsize-opt = "MAXSIZE" SP number; scope-opt = "DEPTH" SP ("0" / "1" / "infinity")
fn getmetadata_options(c: &mut Cursor<'_>, options: &mut Options) -> Result<()> {
    c.list1("the options", |c| {
        let start = c.at();
        let twice = if c.eat_word("MAXSIZE") {
            c.sp("MAXSIZE")?;
            options.size_max.replace(c.number64("a size")?).is_some()
        } else if c.eat_word("DEPTH") {
            c.sp("DEPTH")?;
            let depth = if c.eat_word("0") {
                Depth::Zero
            } else if c.eat_word("1") {
                Depth::One
            } else if c.eat_word("infinity") {
                Depth::Infinity
            } else {
                return c.expected("0, 1 or infinity");
            };
            options.depth.replace(depth).is_some()
        } else {
            return c.expected("MAXSIZE or DEPTH");
        };
        if twice {
            return fault_at(start, "an option twice");
        }
        Ok(())
    })?;
    Ok(())
}

// setmetadata = "SETMETADATA" SP mailbox SP entry-values
// entry-values = "(" entry-value *(SP entry-value) ")"
pub(super) fn setmetadata(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("SETMETADATA")?;
    let mailbox = mailbox(c)?;
    c.sp("the mailbox name")?;
    let entries = c.list1("the entries", entry_value)?;
    Ok(Command::Authenticated(Authenticated::SetMetadata {
        mailbox,
        entries,
    }))
}

// entry-value = entry SP value; value = nstring / literal8
fn entry_value(c: &mut Cursor<'_>) -> Result<(String, Option<Vec<u8>>)> {
    let start = c.at();
    let name = entry(c)?;
    // RFC 5464 §3.2: a scope, and something below it; a vendor's own are deeper.
    let components = name.split('/').skip(1);
    let vendor = components.clone().nth(1);
    let least = if vendor.is_some_and(|it| it.eq_ignore_ascii_case("vendor")) {
        4
    } else {
        2
    };
    if components.count() < least {
        return fault_at(start, "an entry that is only the beginning of a name");
    }
    c.sp("the name of the entry")?;
    let value = if c.eat_word("NIL") {
        None
    } else if c.peek() == Some(b'~') {
        Some(c.literal8()?)
    } else {
        Some(c.string("a value: NIL, a string, or a literal")?)
    };
    Ok((name, value))
}

/// Names of entries: `"(" entry *(SP entry) ")"`, each once.
pub(super) fn entries(c: &mut Cursor<'_>) -> Result<Vec<String>> {
    c.list1("the entries", entry).map(once)
}

/// Saying it twice tells no more, and must not make the response grow.
fn once(names: Vec<String>) -> Vec<String> {
    let mut entries: Vec<String> = Vec::with_capacity(names.len());
    let mut seen = alloc::collections::BTreeSet::new();
    for name in names {
        if seen.insert(name.to_ascii_lowercase()) {
            entries.push(name);
        }
    }
    entries
}

// entry = astring ; slash-separated path to entry, MUST NOT contain "*" or "%"
fn entry(c: &mut Cursor<'_>) -> Result<String> {
    let start = c.at();
    let octets = c.astring("the name of an entry")?;
    let wrong = |what| fault_at(start, what);
    // RFC 5464 §3.2.
    let printable = |octet: &u8| matches!(octet, b' '..=b'~') && !matches!(octet, b'*' | b'%');
    let Some(name) = String::from_utf8(octets).ok().filter(|name| {
        let octets = name.as_bytes();
        octets.iter().all(printable)
    }) else {
        return wrong("an entry with a character that no name may have");
    };
    let Some(inner) = name.strip_prefix('/') else {
        return wrong("an entry that does not begin with '/'");
    };
    if inner.split('/').any(str::is_empty) {
        return wrong("an entry with an empty component");
    }
    let scope = inner.split('/').next().unwrap_or_default();
    if !["private", "shared"]
        .iter()
        .any(|it| scope.eq_ignore_ascii_case(it))
    {
        return wrong("an entry that is neither below /private nor below /shared");
    }
    if name.len() > ENTRY_OCTETS_MAX {
        return wrong("an entry with a name of more than 1000 octets");
    }
    Ok(name)
}

/// The longest name of an entry.
const ENTRY_OCTETS_MAX: usize = 1000;
