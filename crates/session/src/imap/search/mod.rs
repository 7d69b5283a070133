//! SEARCH and UID SEARCH: RFC 9051 §6.4.4, RFC 4731, RFC 5182, RFC 7162 §3.1.5.

use imap::command::Search;

use super::{
    refusal::{Outcome, Refusal},
    state::{Enabled, Selected},
};
use crate::Outlet;

/// Answers SEARCH. The tag goes into ESEARCH responses.
pub(crate) async fn search(
    _selected: &mut Selected,
    _enabled: Enabled,
    _tag: &str,
    _search: &Search,
    _out: &mut impl Outlet,
) -> Outcome {
    Err(Refusal::bad("SEARCH is not there yet").into())
}
