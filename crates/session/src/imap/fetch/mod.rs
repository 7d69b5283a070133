//! FETCH and UID FETCH: RFC 9051 §6.4.5, RFC 7162 §3.1.4, §3.2.6.

use imap::command::Fetch;

use super::{
    refusal::{Outcome, Refusal},
    state::{Enabled, Selected},
};
use crate::Outlet;

/// Answers FETCH.
pub(crate) async fn fetch(
    _selected: &mut Selected,
    _enabled: Enabled,
    _fetch: &Fetch,
    _out: &mut impl Outlet,
) -> Outcome {
    Err(Refusal::bad("FETCH is not there yet").into())
}
