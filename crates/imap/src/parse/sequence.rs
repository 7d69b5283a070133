//! Sets of message numbers.

use alloc::vec::Vec;

use super::{
    cursor::{Cursor, Result, fault_at},
    what::What,
};
use crate::set::{SequenceRange, SequenceSet};

// sequence-set = (seq-number / seq-range) ["," sequence-set] / seq-last-command
pub(super) fn sequence_set(c: &mut Cursor<'_>) -> Result<SequenceSet> {
    if c.eat(b'$') {
        return Ok(SequenceSet::Saved);
    }
    let mut ranges = Vec::new();
    loop {
        let from = seq_number(c)?;
        let to = if c.eat(b':') { seq_number(c)? } else { from };
        ranges.push(SequenceRange { from, to });
        if !c.eat(b',') {
            return Ok(SequenceSet::Ranges(ranges));
        }
    }
}

// seq-number = nz-number / "*"
fn seq_number(c: &mut Cursor<'_>) -> Result<Option<u32>> {
    if c.eat(b'*') {
        return Ok(None);
    }
    c.nz_number("a message number").map(|n| Some(n.get()))
}

/// What a client remembers (RFC 7162 §7): numbers only, neither `*` nor `$`.
// known-uids = sequence-set
pub(super) fn known_set(c: &mut Cursor<'_>, what: &'static str) -> Result<SequenceSet> {
    let start = c.at();
    let set = sequence_set(c)?;
    if set == SequenceSet::Saved || set.has_star() {
        return fault_at(start, What::of("{} with '*' or '$'", what));
    }
    Ok(set)
}
