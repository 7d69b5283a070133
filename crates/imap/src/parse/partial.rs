//! `partial-range`, of SEARCH and FETCH: RFC 9394 §4, RFC 5267 §5.

use super::cursor::{Cursor, Result};
use crate::command::{Counted, PartialRange};

/// After its word.
// modifier-partial = "PARTIAL" SP partial-range
pub(super) fn modifier_partial(c: &mut Cursor<'_>) -> Result<PartialRange> {
    c.sp("PARTIAL")?;
    partial_range(c)
}

// partial-range = partial-range-first / partial-range-last
// partial-range-first = nz-number ":" nz-number
// partial-range-last = MINUS nz-number ":" MINUS nz-number
fn partial_range(c: &mut Cursor<'_>) -> Result<PartialRange> {
    let counted = if c.eat(b'-') {
        Counted::FromLast
    } else {
        Counted::FromFirst
    };
    let from = c.nz_number("a place in the result")?;
    c.expect(b':', "':' between two places in the result")?;
    if counted == Counted::FromLast {
        c.expect(b'-', "'-' before the second place, as before the first")?;
    }
    let to = c.nz_number("a place in the result")?;
    Ok(PartialRange { counted, from, to })
}
