//! Commands that change messages: STORE, COPY, MOVE, UID EXPUNGE.

use alloc::vec::Vec;

use super::{
    annotation,
    cursor::{Cursor, Result},
    flags::{flag, flag_list},
    mailbox,
    sequence::sequence_set,
};
use crate::command::{
    Command, Copy, Flag, Numbering, Selected, Store, StoreAction, StoreAnnotations, UidBatches,
};

// store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
pub(super) fn store(c: &mut Cursor<'_>, numbering: Numbering) -> Result<Command> {
    c.sp("STORE")?;
    let messages = sequence_set(c)?;
    c.sp("the message set")?;
    let mut unchanged_since = None;
    // store-modifiers = SP "(" store-modifier *(SP store-modifier) ")"
    if c.peek() == Some(b'(') {
        c.list1("the STORE modifiers", |c| {
            if !c.eat_word("UNCHANGEDSINCE") {
                return c.expected("UNCHANGEDSINCE");
            }
            c.sp("UNCHANGEDSINCE")?;
            unchanged_since = Some(c.number64("a modseq")?);
            Ok(())
        })?;
        c.sp("the STORE modifiers")?;
    }
    if c.eat_word("ANNOTATION") {
        return Ok(Command::Selected(Selected::StoreAnnotations(
            StoreAnnotations {
                numbering,
                messages,
                unchanged_since,
                entries: annotation::att_annotate(c)?,
            },
        )));
    }
    let (action, silent) = store_att(c)?;
    c.sp("FLAGS")?;
    Ok(Command::Selected(Selected::Store(Store {
        numbering,
        messages,
        unchanged_since,
        action,
        silent,
        flags: store_flags(c)?,
    })))
}

// store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
fn store_att(c: &mut Cursor<'_>) -> Result<(StoreAction, bool)> {
    let action = if c.eat(b'+') {
        StoreAction::Add
    } else if c.eat(b'-') {
        StoreAction::Remove
    } else {
        StoreAction::Replace
    };
    if c.eat_word("FLAGS") {
        Ok((action, false))
    } else if c.eat_word("FLAGS.SILENT") {
        Ok((action, true))
    } else {
        c.expected("FLAGS, FLAGS.SILENT or ANNOTATION")
    }
}

fn store_flags(c: &mut Cursor<'_>) -> Result<Vec<Flag>> {
    if c.peek() == Some(b'(') {
        return flag_list(c);
    }
    let mut flags = Vec::new();
    loop {
        flags.push(flag(c)?);
        if !c.more() {
            return Ok(flags);
        }
    }
}

// copy = "COPY" SP sequence-set SP mailbox
// move = "MOVE" SP sequence-set SP mailbox
pub(super) fn copy(c: &mut Cursor<'_>, numbering: Numbering) -> Result<Copy> {
    c.sp("the name of the command")?;
    let messages = sequence_set(c)?;
    if c.peek() != Some(b' ') {
        return c.expected("a space after the message set");
    }
    Ok(Copy {
        numbering,
        messages,
        mailbox: mailbox::one(c)?,
    })
}

// message-batches = "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]
pub(super) fn message_batches(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("UIDBATCHES")?;
    let size = c.nz_number("the number of messages in a batch")?;
    let range = if c.more() {
        let from = c.nz_number("the first batch")?;
        c.expect(b':', "a colon")?;
        Some((from, c.nz_number("the last batch")?))
    } else {
        None
    };
    let batches = UidBatches { size, range };
    Ok(Command::Selected(Selected::UidBatches(batches)))
}

// uid-expunge = "EXPUNGE" SP sequence-set
pub(super) fn uid_expunge(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("EXPUNGE")?;
    sequence_set(c)
        .map(Selected::UidExpunge)
        .map(Command::Selected)
}
