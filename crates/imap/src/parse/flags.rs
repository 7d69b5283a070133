//! Flags and keywords: RFC 9051 §2.3.2.

use alloc::vec::Vec;

use super::cursor::{Cursor, Result, is_atom_char};
use crate::command::Flag;

// flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
pub(super) fn flag(c: &mut Cursor<'_>) -> Result<Flag> {
    if !c.eat(b'\\') {
        return flag_keyword(c).map(Flag::Keyword);
    }
    let name = c.atom("the name of a flag after '\\'")?;
    let system = [
        ("Answered", Flag::Answered),
        ("Flagged", Flag::Flagged),
        ("Deleted", Flag::Deleted),
        ("Seen", Flag::Seen),
        ("Draft", Flag::Draft),
        ("Recent", Flag::Recent),
    ];
    Ok(system
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map_or_else(|| Flag::Extension(name.into()), |(_, flag)| flag))
}

// flag-keyword = "$MDNSent" / "$Forwarded" / "$Junk" / "$NotJunk" / "$Phishing" / atom
pub(super) fn flag_keyword(c: &mut Cursor<'_>) -> Result<alloc::boxed::Box<str>> {
    Ok(c.atom("a flag or keyword")?.into())
}

/// Whether a keyword may have that name.
#[must_use]
pub fn is_keyword(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| is_atom_char(byte))
}

// flag-list = "(" [flag *(SP flag)] ")"
pub(super) fn flag_list(c: &mut Cursor<'_>) -> Result<Vec<Flag>> {
    c.list("the flags", flag)
}
