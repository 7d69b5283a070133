//! Searches that are kept by name: RFC 5466 §4.

use alloc::string::String;

use super::{
    SyntaxError,
    cursor::{Cursor, Result, is_atom_char},
    grammar,
    search::search_keys,
};
use crate::command::SearchKey;

// filter-name = 1*<any ATOM-CHAR except "/">
pub(super) fn filter_name(c: &mut Cursor<'_>) -> Result<String> {
    c.word(is_filter_char, "the name of a filter")
        .map(Into::into)
}

const fn is_filter_char(byte: u8) -> bool {
    is_atom_char(byte) && byte != b'/'
}

/// Whether a filter may have that name: RFC 5466 §4.
#[must_use]
pub fn is_filter_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|&byte| is_filter_char(byte))
}

/// Reads what a filter says.
///
/// # Errors
/// [`SyntaxError`], without a tag.
// search-criteria = search-key *(SP search-key)
pub fn filter(value: &[u8]) -> core::result::Result<SearchKey, SyntaxError> {
    let read = |c: &mut Cursor<'_>| {
        let keys = search_keys(c)?;
        c.end("the search keys")?;
        Ok(keys)
    };
    read(&mut Cursor::new(value)).map_err(|fault| grammar(None, fault))
}
