//! ESEARCH: RFC 7377.

use alloc::vec::Vec;

use super::{
    cursor::{Cursor, Result},
    notify::filter_mailboxes_other,
    search::{search_program, search_return_opts},
};
use crate::command::{Authenticated, Command, Esearch, Numbering, SearchSource};

// esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program
pub(super) fn esearch(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("ESEARCH")?;
    let mut sources = None;
    if c.eat_word("IN") {
        c.sp("IN")?;
        sources = Some(source_mbox(c)?);
        c.sp("the source options")?;
    }
    let returns = search_return_opts(c)?;
    let search = search_program(c, Numbering::Uid, returns)?;
    let esearch = Esearch { sources, search };
    Ok(Command::Authenticated(Authenticated::Esearch(esearch)))
}

// esearch-source-opts = "IN" SP "(" source-mbox [SP "(" scope-options ")"] ")"
// source-mbox = filter-mailboxes *(SP filter-mailboxes)
fn source_mbox(c: &mut Cursor<'_>) -> Result<Vec<SearchSource>> {
    c.list1("the source options", |c| {
        if c.peek() == Some(b'(') {
            // scope-options: syntax for future extensions, of which there are none.
            return c.fault("unknown scope option");
        }
        // filter-mailboxes-selected = "selected"
        if c.eat_word("SELECTED") {
            return Ok(SearchSource::Selected);
        }
        filter_mailboxes_other(c).map(SearchSource::Others)
    })
}
